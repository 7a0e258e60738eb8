"""Raw files as text tables: dispatch, delimited text, Parquet. Excel and SAS have files of their own."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sdtm_convert.errors import InputError
from sdtm_convert.readers import SUFFIXES, read_raw
from sdtm_convert.readers import text as text_reader
from sdtm_convert.readers.raw import number_text


def rows_of(frame: pd.DataFrame) -> list[list[str | None]]:
    return frame.astype(object).where(frame.notna(), None).values.tolist()


def csv_file(tmp_path, content: str | bytes, name: str = "ae_raw.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path, **options) -> str:
    with pytest.raises(InputError) as refused:
        read_raw(path, **options)
    assert str(refused.value).startswith(f"{path}: ")
    return str(refused.value).removeprefix(f"{path}: ")


# --- What becomes of values -------------------------------------------------------------------------------------------


def test_every_value_stays_the_text_that_was_collected(tmp_path):
    raw = read_raw(csv_file(tmp_path, "SUBJID,WEIGHT,DATE,RESULT,ONGO\n007,1.10,2024-01-02,NA,No\n008,1e3,03JAN24,null,-\n"))
    assert raw.name == "ae_raw"
    assert rows_of(raw.frame) == [["007", "1.10", "2024-01-02", "NA", "No"], ["008", "1e3", "03JAN24", "null", "-"]]
    assert set(map(str, raw.frame.dtypes)) == {"str"} and raw.frame.index.equals(pd.RangeIndex(2))
    assert raw.findings.empty and raw.labels == {} and raw.path.name == "ae_raw.csv"


def test_empty_and_white_space_cells_are_missing_and_others_are_not_trimmed(tmp_path):
    raw = read_raw(csv_file(tmp_path, 'A,B,C\n, \t,"\n"\n\u00a0,"", a \n'))
    assert rows_of(raw.frame) == [[None, None, None], [None, None, " a "]]


def test_listed_texts_are_missing_only_as_the_whole_cell(tmp_path):
    raw = read_raw(csv_file(tmp_path, "A,B\nNA,NAUSEA\nUNK,na\n"), missing=["NA", "UNK"])
    assert rows_of(raw.frame) == [[None, "NAUSEA"], [None, "na"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (5.0, "5"), (0.1, "0.1"), (-0.0, "0"), (1e-7, "0.0000001"), (1e22, "1" + "0" * 22), (98.6, "98.6"), (1 / 3, "0.3333333333333333")],
)
def test_numbers_become_the_shortest_text(value, text):
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_from_its_text(value):
    assert float(number_text(value)) == value and "e" not in number_text(value)


# --- Delimited text: form ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_from_the_header(tmp_path, delimiter):
    rows = [["SITE", "TERM", "DOSE"], ["701", "pain, mild; recurring", "1,5"], ["702", "a|b", "2\t5"]]
    lines = [delimiter.join(f'"{cell}"' if cell not in ("701", "702") else cell for cell in row) for row in rows]
    raw = read_raw(csv_file(tmp_path, "\n".join(lines)))
    assert list(raw.frame) == rows[0] and rows_of(raw.frame) == rows[1:]


def test_the_delimiter_that_cuts_all_lines_alike_wins_over_one_that_only_cuts_the_header(tmp_path):
    raw = read_raw(csv_file(tmp_path, "SITE;DOSE, planned, mg;UNIT\n1;2;mg\n2;3;mg\n"))
    assert list(raw.frame) == ["SITE", "DOSE, planned, mg", "UNIT"]


def test_two_possible_delimiters_are_refused_until_one_is_named(tmp_path):
    path = csv_file(tmp_path, "A;B,C\n1;2,3\n")
    assert refusal(path) == "',' and ';' both divide the header; name the delimiter."
    assert list(read_raw(path, delimiter=";").frame) == ["A", "B,C"]


def test_a_table_of_one_column_needs_no_delimiter(tmp_path):
    assert rows_of(read_raw(csv_file(tmp_path, "TERM\npain\nfever\n")).frame) == [["pain"], ["fever"]]


@pytest.mark.parametrize(("name", "character"), [("tab", "\t"), ("\\t", "\t"), ("\t", "\t"), ("^", "^"), ("§", "§")])
def test_a_named_delimiter_is_obeyed(tmp_path, name, character):
    assert rows_of(read_raw(csv_file(tmp_path, f"A{character}B,C\n1{character}2\n"), delimiter=name).frame) == [["1", "2"]]


@pytest.mark.parametrize("delimiter", [" ", "::", '"', "\n"])
def test_an_impossible_delimiter_is_refused(tmp_path, delimiter):
    assert "cannot be a delimiter" in refusal(csv_file(tmp_path, "A\n1\n"), delimiter=delimiter)


def test_a_sep_line_names_the_delimiter_and_counts_as_a_line(tmp_path):
    assert rows_of(read_raw(csv_file(tmp_path, "sep=;\r\nA,1;B\r\nx;y\r\n")).frame) == [["x", "y"]]
    assert "2 cells, but there are 1 in line 4." in refusal(csv_file(tmp_path, "sep=;\nA;B\nx;y\nz\n"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
def test_all_line_ends_are_read_and_kept_inside_quotes(tmp_path, end, last):
    body = f'A,B{end}1,"x{end}y ""z"""{end}{end}2,"a,b"' + (end if last else "")
    assert rows_of(read_raw(csv_file(tmp_path, body)).frame) == [["1", f'x{end}y "z"'], ["2", "a,b"]]


def test_empty_lines_are_skipped_and_rows_of_empty_cells_are_records(tmp_path):
    raw = read_raw(csv_file(tmp_path, "\n  \nA,B\n\n1,2\n,\n   \n3,4\n\n"))
    assert rows_of(raw.frame) == [["1", "2"], [None, None], ["3", "4"]]


def test_quotation_marks_inside_unquoted_cells_are_plain_characters(tmp_path):
    assert rows_of(read_raw(csv_file(tmp_path, 'A,B\n5" tall,x\n"q",6" wide\n')).frame) == [['5" tall', "x"], ["q", '6" wide']]


def test_a_file_without_records_keeps_its_columns(tmp_path):
    for end in ("", "\n", "\r\n\r\n"):
        frame = read_raw(csv_file(tmp_path, f"A,B{end}")).frame
        assert list(frame) == ["A", "B"] and len(frame) == 0 and set(map(str, frame.dtypes)) == {"str"}


def test_a_cell_longer_than_a_read_block_survives_both_ways(tmp_path):
    long = "x" * 5_000_000
    assert rows_of(read_raw(csv_file(tmp_path, f"A,B\n1,{long}\n2,y\n")).frame) == [["1", long], ["2", "y"]]
    assert rows_of(read_raw(csv_file(tmp_path, f'A,B\n1,"{long}"\n2,5" z\n')).frame) == [["1", long], ["2", '5" z']]


def test_quotes_that_lie_across_the_stretches_of_the_check_are_read(tmp_path, monkeypatch):
    rows = [[f"{number}", 'a "quoted" word,\n' * (number % 3)] for number in range(50)]
    content = io.StringIO()
    csv.writer(content).writerows([["A", "B"], *rows])
    path = csv_file(tmp_path, content.getvalue())
    expected = [[a, b or None] for a, b in rows]
    for stretch in (1, 2, 3, 7, 1 << 20):
        monkeypatch.setattr(text_reader, "STRETCH", stretch)
        assert rows_of(read_raw(path).frame) == expected


# --- Delimited text: header -------------------------------------------------------------------------------------------


def test_a_second_header_row_gives_the_labels(tmp_path):
    path = csv_file(tmp_path, '\ufeffSite code,"Event\ndate",\nSITE,EVTDAT,X\n01,2024-02-03,1\n')
    raw = read_raw(path, header_rows=2, header_row=1)
    assert raw.labels == {"SITE": "Site code", "EVTDAT": "Event\ndate"} and rows_of(raw.frame) == [["01", "2024-02-03", "1"]]
    raw = read_raw(csv_file(tmp_path, "SITE,WT\n,kg\n01,70\n"), header_rows=2)
    assert raw.labels == {"WT": "kg"} and rows_of(raw.frame) == [["01", "70"]]


def test_more_than_one_label_row_is_joined(tmp_path):
    raw = read_raw(csv_file(tmp_path, "Vitals,Vitals\nWT,HT\nkg,cm\n70,180\n"), header_rows=3, header_row=1)
    assert raw.labels == {"WT": "Vitals; kg", "HT": "Vitals; cm"}


def test_column_names_lose_surrounding_white_space_only(tmp_path):
    assert list(read_raw(csv_file(tmp_path, " SUBJ , IT.AE TERM,Ünit\n1,2,3\n")).frame) == ["SUBJ", "IT.AE TERM", "Ünit"]


def test_unusable_headers_are_refused_by_name(tmp_path):
    assert "column 2 (after 'A'), column 3 without a name" in refusal(csv_file(tmp_path, "A,, \n1,2,3\n"))
    assert "repeats 'A' (2 times), 'B' (3 times)" in refusal(csv_file(tmp_path, "A,B,A,B,B\n1,2,3,4,5\n"))
    assert "beyond the last of 2 column names" in refusal(csv_file(tmp_path, "a,b,c\nA,B\n1,2\n"), header_rows=2, header_row=1)
    assert "line 2: the header is not well quoted" in refusal(csv_file(tmp_path, '\n"A"x,B\n1,2\n'))


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_is_refused(tmp_path, content):
    assert refusal(csv_file(tmp_path, content)) == "is empty: it should begin with a header."


def test_a_header_row_that_is_not_there_is_refused(tmp_path):
    path = csv_file(tmp_path, "A,B\n")
    assert refusal(path, header_rows=2) == "is empty: it should begin with a header of 2 rows."
    assert "header_row 1 is not one of 1" in refusal(path, header_row=1)


# --- Delimited text: encodings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "utf-16-le", "shift_jis"])
def test_encodings_by_mark_or_by_name(tmp_path, encoding):
    text = "A,B\nJos\u00e9,1\n" if encoding != "shift_jis" else "A,B\n\u75db\u307f,1\n"
    named = {"encoding": encoding} if encoding in ("cp1252", "utf-16-le", "shift_jis") else {}
    raw = read_raw(csv_file(tmp_path, text.encode(encoding)), **named)
    assert list(raw.frame) == ["A", "B"] and raw.frame["A"][0] == text.split("\n")[1].split(",")[0]


def test_a_byte_order_mark_wins_over_the_named_encoding(tmp_path):
    assert rows_of(read_raw(csv_file(tmp_path, "A\nµg\n".encode("utf-8-sig")), encoding="cp1252").frame) == [["µg"]]


def test_undecodable_text_is_refused_with_its_place_and_a_proposal(tmp_path):
    content = 'A,B\r\n1,"two\r\nlines"\r\n2,Müller-Lüdenscheidt\r\n'.encode("cp1252")
    message = refusal(csv_file(tmp_path, content))
    assert message.startswith(f"line 4, byte {content.index(0xFC) + 1}: 0xfc is not utf-8 text.")
    assert "with cp1252 this would be 'Müller-Lüdenscheidt'" in message
    assert read_raw(csv_file(tmp_path, content), encoding="cp1252").frame["B"][1] == "Müller-Lüdenscheidt"


def test_a_wrong_or_unknown_encoding_is_refused(tmp_path):
    assert "0x81 is not cp1252 text" in refusal(csv_file(tmp_path, b"A\n\x81\n"), encoding="cp1252")
    assert "'utf9' is no encoding" in refusal(csv_file(tmp_path, b"A\n1\n"), encoding="utf9")


def test_nul_characters_are_refused_with_their_line(tmp_path):
    assert refusal(csv_file(tmp_path, b"A,B\n1,2\n3,\x004\n")).startswith("line 3: holds a NUL character")
    assert "try encoding utf-16-le" in refusal(csv_file(tmp_path, "A,B\n1,2\n".encode("utf-16-le")))


# --- Delimited text: faults in the body -------------------------------------------------------------------------------


RAGGED = 'A,B,C\n1,"x\n\ny",2\n3,4\n\n5,6,7,8,9\n6,6,6\n7,7\n8,8\n9,"p\nq"\n'


def test_ragged_lines_are_refused_by_physical_line(tmp_path):
    message = refusal(csv_file(tmp_path, RAGGED))
    assert message.startswith("the header has 3 cells, but there are 2 in lines 5, 9-11; 5 in line 7.")
    assert "ragged: keep" in message


def test_ragged_lines_can_be_kept_and_are_reported_in_full(tmp_path):
    raw = read_raw(csv_file(tmp_path, RAGGED), ragged="keep")
    assert rows_of(raw.frame)[1:3] == [["3", "4", None], ["5", "6", "7"]] and len(raw.frame) == 7
    found = raw.findings
    assert found["record"].tolist() == [2, 3, 5, 6, 7] and set(found["rule"]) == {"RAW-RAGGED"} and set(found["severity"]) == {"error"}
    assert found["source"].tolist() == [f"ae_raw line {line}" for line in (5, 7, 9, 10, 11)]
    assert found["values"][1] == "8; 9" and found["variables"][0] == "C" and set(found["dataset"]) == {"ae_raw"}
    with pytest.raises(InputError, match="'refuse' or 'keep'"):
        read_raw(raw.path, ragged="fill")


def test_a_quote_that_never_closes_is_refused_not_swallowed(tmp_path):
    message = refusal(csv_file(tmp_path, 'A,B\n1,2\n3,"four\n5,6\n7,8\n'))
    assert message.startswith("line 3: a quotation mark opens a cell in this record and none closes it")


def test_a_stray_quote_does_not_join_two_records_without_a_word(tmp_path):
    message = refusal(csv_file(tmp_path, 'A,B\n1,"abc\n2,"def"\n'))
    assert message == "line 3: text follows the closing quotation mark of a cell (record begins in line 2)."


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), min_size=3, max_size=3), max_size=8),
    st.sampled_from(",;\t|"),
    # with "\n" alone, csv leaves a lone "\r" in a cell unquoted, so that nobody can read it back
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
)
@example([["=1", '"', "\r"], ["\ufeff", "\x1c", "\u2028"]], ",", ("\r\n", csv.QUOTE_MINIMAL))
def test_what_csv_writes_is_read_back(tmp_path_factory, rows, delimiter, style):
    end, quoting = style
    content = io.StringIO()
    csv.writer(content, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([["A", "B", "C"], *rows])
    path = csv_file(tmp_path_factory.mktemp("csv"), content.getvalue())
    expected = [[cell if cell.strip() else None for cell in row] for row in rows]
    assert rows_of(read_raw(path, delimiter=delimiter).frame) == expected


PIECES = ["a", ",", ",", '"', '"', "\n", "\n", "\r\n", "\r", " ", "é", '""', '"x",']


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example('1,"abc\n2,"def"\n')
def test_the_fast_way_reads_what_a_strict_reader_reads_or_leaves_the_file_to_the_careful_one(body):
    fast = text_reader._read_fast(f"A,B\n{body}".encode(), 4, ",", ["A", "B"])
    try:
        strict = [row for row in csv.reader(io.StringIO(body, newline=""), strict=True) if row]
    except csv.Error:
        strict = None
    if fast is not None:
        assert [list(row) for row in zip(fast["A"].to_pylist(), fast["B"].to_pylist())] == strict


# --- Dispatch ---------------------------------------------------------------------------------------------------------


def test_the_ending_chooses_the_reader(tmp_path):
    assert rows_of(read_raw(csv_file(tmp_path, "A\n1\n", "X.CSV"), name="dm").frame) == [["1"]]
    assert read_raw(csv_file(tmp_path, "A\tB\n1\t2\n", "x.tsv"), "dm").name == "dm"
    assert "no reader for files that end with '.cvs'" in refusal(csv_file(tmp_path, "A\n", "x.cvs"))
    assert {".csv", ".txt", ".xlsx", ".sas7bdat", ".xpt", ".parquet"} <= set(SUFFIXES)


def test_an_absent_file_is_refused_with_a_near_name(tmp_path):
    csv_file(tmp_path, "A\n1\n", "ae_raw.csv")
    assert refusal(tmp_path / "ae_rwa.csv") == "there is no such file. Did you mean 'ae_raw.csv'?"
    assert refusal(tmp_path / "nowhere" / "x.csv") == "there is no such file."
    (tmp_path / "folder.csv").mkdir()
    assert refusal(tmp_path / "folder.csv").startswith("there is no such file.")


# --- Parquet ----------------------------------------------------------------------------------------------------------


def test_parquet_columns_become_text(tmp_path):
    table = pa.table(
        {
            "ID": ["007", " "],
            "N": pa.array([5, None], pa.int64()),
            "X": [5.0, 0.1],
            "F": pa.array([0.1, None], pa.float32()),
            "D": [dt.date(2024, 1, 2), None],
            "T": pa.array([dt.datetime(2024, 1, 2, 3, 4, 5, 600000), dt.datetime(2024, 1, 2)], pa.timestamp("us")),
            "H": pa.array([dt.time(7, 5), None], pa.time64("us")),
            "B": [True, False],
            "P": [decimal.Decimal("1.10"), None],
            "C": pa.array(["Y", "N"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    assert rows_of(read_raw(tmp_path / "x.parquet").frame) == [
        ["007", "5", "5", "0.1", "2024-01-02", "2024-01-02T03:04:05.6", "07:05:00", "TRUE", "1.10", "Y"],
        [None, None, "0.1", None, None, "2024-01-02T00:00:00", None, "FALSE", None, "N"],
    ]


@pytest.mark.parametrize(("kind", "count", "text"), [
    (pa.timestamp("us"), 50_000, "1970-01-01T00:00:00.05"),
    (pa.timestamp("ms"), 105, "1970-01-01T00:00:00.105"),
    (pa.timestamp("us"), 100_010, "1970-01-01T00:00:00.10001"),
    (pa.timestamp("ns"), 1_000, "1970-01-01T00:00:00.000001"),
    (pa.timestamp("ns"), -(2**63) + 1, "1677-09-21T00:12:43.145224193"),
    (pa.timestamp("us", "UTC"), 1_500_000, "1970-01-01T00:00:01.5Z"),
    (pa.timestamp("us", "+02:00"), 50_000, "1970-01-01T02:00:00.05+02:00"),
    (pa.timestamp("us", "America/New_York"), 0, "1969-12-31T19:00:00-05:00"),
    (pa.time64("us"), 10_500_005, "00:00:10.500005"),
    (pa.time32("ms"), 0, "00:00:00"),
])  # fmt: skip
def test_parquet_dates_and_times_become_iso8601_with_every_digit_that_counts(tmp_path, kind, count, text):
    pq.write_table(pa.table({"A": pa.array([count], kind)}), tmp_path / "x.parquet")
    assert rows_of(read_raw(tmp_path / "x.parquet").frame) == [[text]]


def test_parquet_decimals_have_all_their_digits_and_no_exponent(tmp_path):
    values = [decimal.Decimal(text) for text in ("0.00000001", "0", "1.1", "-123")] + [None]
    pq.write_table(pa.table({"A": pa.array(values, pa.decimal128(20, 8))}), tmp_path / "x.parquet")
    assert read_raw(tmp_path / "x.parquet").frame["A"].tolist()[:4] == ["0.00000001", "0.00000000", "1.10000000", "-123.00000000"]


@pytest.mark.parametrize(("values", "message"), [
    (pa.array([0, 2**62], pa.timestamp("us")), "column 'A', row 2: 4611686018427387904 as timestamp[us] is no day of the years 0000 to 9999"),
    (pa.array([2932897], pa.int32()).cast(pa.date32()), "column 'A', row 1: 2932897 as date32[day] is no day"),
    (pa.array([None, -1], pa.time64("us")), "column 'A', row 2: -1 as time64[us] is no day of the years 0000 to 9999, or no time of a day."),
    (pa.array([0], pa.timestamp("us", "Mars/Olympus")), "column 'A' cannot be read: Cannot locate or parse timezone 'Mars/Olympus'"),
    (pa.array([b"abc"], pa.binary()), "column 'A' holds binary, which is no single collected value."),
    (pa.array([b"abc"], pa.binary(3)), "column 'A' holds fixed_size_binary[3], which is no single collected value."),
    (pa.array([b"abc"], pa.binary_view()), "column 'A' holds binary_view, which is no single collected value."),
    (pa.array([b"a" * 16], pa.uuid()), "column 'A' holds extension<arrow.uuid>, which is no single collected value."),
    (pa.array([b"ok", b"\xff\xfe"]).view(pa.string()), r"column 'A', row 2: b'\xff\xfe' is not UTF-8, as text in Parquet is."),
    (pa.array([b"ok", b"\xff\xfe"], pa.large_binary()).view(pa.large_string()), r"column 'A', row 2: b'\xff\xfe' is not UTF-8"),
])  # fmt: skip
def test_parquet_values_that_no_text_can_tell_are_refused(tmp_path, values, message):
    pq.write_table(pa.table({"A": values}), tmp_path / "x.parquet")
    assert refusal(tmp_path / "x.parquet").startswith(message)


def test_parquet_with_a_column_name_that_is_not_utf8_is_refused(tmp_path):
    pq.write_table(pa.table({"NAME": ["x"]}), tmp_path / "x.parquet", store_schema=False)
    content = (tmp_path / "x.parquet").read_bytes().replace(b"NAME", b"\xff\xff\xff\xff")
    assert refusal(csv_file(tmp_path, content, "y.parquet")).startswith("is not a readable Parquet file: 'utf-8' codec can't decode")


def test_parquet_that_holds_no_single_values_or_is_damaged_is_refused(tmp_path):
    pq.write_table(pa.table({"A": [[1, 2]]}), tmp_path / "x.parquet")
    assert "column 'A' holds list" in refusal(tmp_path / "x.parquet")
    assert "not a readable Parquet file" in refusal(csv_file(tmp_path, b"PAR1 and no more", "y.parquet"))


# --- Real exports -----------------------------------------------------------------------------------------------------


def test_viedoc_exports_are_read_with_their_labels(shared):
    folder = shared / "raw-exports" / "viedoc_exports" / "DEMO_GDISC_20240903_072908"
    raw = read_raw(folder / "DEMO_GDISC_20240903_072908_AE.csv", header_rows=2, header_row=1)
    assert raw.frame.shape == (4, 64) and raw.labels["SiteSeq"] == "Site sequence number" and list(raw.frame)[0] == "SiteSeq"
    for path in sorted(folder.glob("*.csv")):
        assert len(read_raw(path, header_rows=2, header_row=1).frame)


def test_pilot_raw_tables_are_read_as_the_csv_module_reads_them(shared):
    for path in sorted((shared / "pilot" / "raw").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file, strict=True)
        raw = read_raw(path)
        assert list(raw.frame) == header
        assert rows_of(raw.frame) == [[cell if cell.strip() else None for cell in row] for row in rows]
