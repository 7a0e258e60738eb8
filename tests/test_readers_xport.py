"""Transport files, version 5 and 8, as text tables: what pyreadstat would lose or alter comes as the bytes say it."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtm_convert.errors import InputError
from sdtm_convert.readers import read_raw
from sdtm_convert.readers.sas_values import text_function
from sdtm_convert.xpt import XptMetadata, XptVariable, header, write_xpt

BLANK, ONE, MISSING = b" " * 8, b"\x41\x10" + bytes(6), b"." + bytes(7)
BOTH = pytest.mark.parametrize("version", [5, 8])


def rows_of(frame):
    return frame.astype(object).where(frame.notna(), None).values.tolist()


def refusal(path, **options) -> str:
    with pytest.raises(InputError) as refused:
        read_raw(path, **options)
    assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)
    return str(refused.value).removeprefix(f"{path}: ")


def found(raw) -> list[list[str]]:
    return raw.findings[["rule", "severity", "message"]].values.tolist()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "ae_raw.xpt"


@pytest.fixture
def written(file):
    """Write a table as transport file of a version, by pyreadstat."""

    def written(frame: pd.DataFrame, version: int, **options) -> Path:
        pyreadstat.write_xport(frame, str(file), table_name="AE", file_format_version=version, **options)
        return file

    return written


@pytest.fixture
def made(written, file):
    """Make a transport file of version 5 or 8 with these variables (name, type, length) and these records, padded to 80 bytes."""

    def made(version: int, variables: list[tuple[str, str, int]], data: bytes) -> Path:
        if version == 5:
            stamp = header.Stamp(created="", modified="")
            metadata = XptMetadata("AE", variables=tuple(XptVariable(name, "", *kind) for name, *kind in variables), member=stamp)
            start = header.pack_library(stamp) + header.pack_member(metadata, "ascii")
        else:
            written(pd.DataFrame({name: ["x" * length] if kind == "Char" else [1.0] for name, kind, length in variables}), 8)
            start = bytearray(file.read_bytes().partition(b"OBSV8 ")[0] + b"OBSV8   HEADER RECORD!!!!!!!".ljust(60))
            position = 0
            for number, (_, _, length) in enumerate(variables):  # in its description, of 140 bytes
                start[644 + 140 * number : 646 + 140 * number] = length.to_bytes(2, "big")
                start[724 + 140 * number : 728 + 140 * number] = position.to_bytes(4, "big")
                position += length
            start[-32:-17] = b"%15d" % (len(data) // sum(length for *_, length in variables))
        file.write_bytes(bytes(start) + data + b" " * (-len(data) % 80))
        return file

    return made


# --- What is read -----------------------------------------------------------------------------------------------------


@BOTH
def test_values_labels_and_formats_become_text(written, version):
    frame = pd.DataFrame(
        {
            "SUBJID": ["007", "", "  x"],
            "AGE": [5.0, 0.1, None],
            "AESTDT": [0.0, 22000.0, None],
            "AESTDTM": [1.0, 1e9 + 0.5, None],
            "AETM": [3723.0, 0.0, 86340.0],
        }
    )
    formats, labels = {"AESTDT": "DATE9.", "AESTDTM": "DATETIME20.", "AETM": "TIME5."}, ["Subject identifier", "", "Start", "", ""]
    raw = read_raw(written(frame, version, variable_format=formats, column_labels=labels))
    assert rows_of(raw.frame) == [
        ["007", "5", "1960-01-01", "1960-01-01T00:00:01", "01:02:03"],
        [None, "0.1", "2020-03-26", "1991-09-09T01:46:40.5", "00:00"],
        ["  x", None, None, None, "23:59"],
    ]
    assert set(map(str, raw.frame.dtypes)) == {"str"} and raw.name == "ae_raw" and raw.findings.empty
    assert raw.labels == {"SUBJID": "Subject identifier", "AESTDT": "Start"}


@BOTH
def test_a_file_without_records_keeps_its_columns(made, version):
    frame = read_raw(made(version, [("A", "Char", 3), ("B", "Num", 8)], b"")).frame
    assert list(frame) == ["A", "B"] and len(frame) == 0 and set(map(str, frame.dtypes)) == {"str"}


def test_long_names_labels_and_texts_of_version_8_are_kept(written):
    frame = pd.DataFrame({"AdverseEventReportedTerm": ["t" * 1000, "Müdigkeit"], "N": [1.0, 2.0]})
    raw = read_raw(written(frame, 8, column_labels=["Größe " * 20, "N"]))
    assert rows_of(raw.frame) == [["t" * 1000, "1"], ["Müdigkeit", "2"]]
    assert raw.labels == {"AdverseEventReportedTerm": ("Größe " * 20).rstrip(), "N": "N"}


@BOTH
@pytest.mark.parametrize(
    ("length", "cell", "text"),
    [
        (8, ONE, "1"),
        (8, bytes.fromhex("4101000000000000"), "0.0625"),  # not normalised: 0x01 / 16, as a fraction before which zeros stand
        (2, b"\x41\x10", "1"),
        (3, bytes.fromhex("c276a0"), "-118.625"),
        (8, bytes.fromhex("401999999999999a"), "0.1"),
        (8, bytes(8), "0"),
        (8, MISSING, None),
    ],
)
def test_numbers_are_what_their_bytes_say(made, version, length, cell, text):
    assert rows_of(read_raw(made(version, [("N", "Num", length), ("C", "Char", 1)], cell + b"c")).frame) == [[text, "c"]]


@BOTH
def test_text_padded_with_nul_is_text_without_it(made, version):
    raw = read_raw(made(version, [("C", "Char", 3), ("N", "Num", 8)], b"a\0\0" + ONE + b"\0\0\0" + ONE + b" b " + ONE))
    assert rows_of(raw.frame) == [["a", "1"], [None, "1"], [" b", "1"]]


@BOTH
def test_special_missing_values_are_missing_and_noted(made, version):
    cells = [ONE, b"B" + bytes(7), b"_" + bytes(7), MISSING, b"B" + bytes(7)]
    raw = read_raw(made(version, [("TERM", "Char", 1), ("DOSE", "Num", 8), ("N", "Num", 8)], b"".join(b"A" + cell + ONE for cell in cells)))
    assert rows_of(raw.frame) == [["A", "1", "1"], *[["A", None, "1"]] * 4]
    assert raw.findings[["rule", "severity", "variables", "values"]].values.tolist() == [
        ["RAW-SPECIAL-MISSING", "notice", "DOSE", ".B"],
        ["RAW-SPECIAL-MISSING", "notice", "DOSE", "._"],
    ]
    assert "2 times: records 2, 5" in raw.findings["message"][0]


def test_blank_rows_at_the_end_are_lost_only_where_padding_looks_the_same(made):
    """25 rows are 200 bytes, padded to 240: of the rows that end before the last 80 bytes, all are kept, as is the one that crosses into them."""
    assert rows_of(read_raw(made(5, [("C", "Char", 8)], b"a".ljust(8) + BLANK * 24)).frame) == [["a"], *[[None]] * 20]
    assert rows_of(read_raw(made(5, [("C", "Char", 81)], b"a".ljust(81) + b" " * 81)).frame) == [["a"], [None]]


def test_version_8_says_how_many_rows_there_are(made, file):
    assert rows_of(read_raw(made(8, [("C", "Char", 8)], b"a".ljust(8) + BLANK * 24)).frame) == [["a"], *[[None]] * 24]
    file.write_bytes(file.read_bytes().replace(b"%15d" % 25 + b" " * 15, b"0" * 30))
    assert len(read_raw(file).frame) == 21  # it does not say: as in version 5


printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
numbers = st.one_of(st.just(np.nan), st.integers(-(2**53), 2**53).map(float), st.floats(1e-60, 1e60), st.floats(-1e60, -1e-60))
records = st.lists(st.tuples(printable, numbers, st.integers(-100_000, 100_000)), max_size=30)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=records)
def test_what_write_xpt_writes_is_read_as_text(file, records):
    frame = pd.DataFrame(records, columns=["TERM", "RESULT", "DAY"]).astype({"TERM": "str", "RESULT": float, "DAY": float})
    write_xpt(frame, file, name="AE_RAW", variables={"TERM": {"length": 30}, "DAY": {"format": "DATE9."}})
    check_text(read_raw(file).frame, records)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=records.filter(bool))
def test_what_pyreadstat_writes_as_version_8_is_read_as_text(written, records):
    frame = pd.DataFrame(records, columns=["TERM", "RESULT", "DAY"]).astype({"RESULT": float, "DAY": float})
    check_text(read_raw(written(frame, 8, variable_format={"DAY": "DATE9."})).frame, records)


def check_text(frame: pd.DataFrame, records: list[tuple[str, float, int]]) -> None:
    """Terms and days as they are; a result as digits that give the same number again."""
    terms, results, days = zip(*records, strict=True) if records else ((), (), ())
    assert [None if pd.isna(term) else term for term in frame["TERM"]] == [term or None for term in terms]
    assert frame["DAY"].tolist() == [(date(1960, 1, 1) + timedelta(day)).isoformat() for day in days]
    assert [None if pd.isna(text) else float(text) for text in frame["RESULT"]] == [None if np.isnan(number) else number for number in results]
    assert not frame["RESULT"].str.contains("[^-.0-9]").any()


def test_real_files_are_read_as_pyreadstat_reads_them(shared):
    """It reads these right: none has blank rows at its end, numbers that are not normalised or in 2 bytes, or special missing values.
    One is in Windows-1252 and is refused until that is said."""
    paths = sorted(shared.rglob("*.xpt"))
    assert paths
    undecodable = [path.name for path in paths if not is_utf8(path)]
    assert undecodable == ["ts.xpt"]
    for path in paths:
        encoding = "cp1252" if path.name in undecodable else "utf-8"
        values, meta = pyreadstat.read_xport(path, encoding=encoding, disable_datetime_conversion=True, output_format="dict")
        raw = read_raw(path, encoding=encoding)
        for variable, cells in values.items():
            text = str if meta.readstat_variable_types[variable] == "string" else text_function(meta.original_variable_types[variable] or "")
            expected = [None if pd.isna(cell) or cell == "" or str(cell).isspace() else text(cell) for cell in cells]
            assert [None if pd.isna(cell) else cell for cell in raw.frame[variable]] == expected, f"{path} {variable}"
        assert list(raw.frame) == list(values) and raw.findings.empty
        assert raw.labels == {variable: label for variable, label in meta.column_names_to_labels.items() if label}


def is_utf8(path: Path) -> bool:
    try:
        return not read_raw(path).frame.empty
    except InputError as error:
        assert "is not utf-8. Name the encoding of the text." in str(error)
        return False


# --- What is told -----------------------------------------------------------------------------------------------------


@BOTH
def test_a_file_that_ends_between_records_without_padding_is_suspected(made, file, version):
    made(version, [("C", "Char", 60)], b"x" * 60 + b"y" * 60)
    file.write_bytes(file.read_bytes().rstrip(b" "))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raw = read_raw(file)
    assert len(raw.frame) == 2
    assert found(raw) == [["RAW-XPORT", "warning", "AE: ends without padding to 80 bytes; rows may be missing."]]


@BOTH
def test_rounded_numbers_are_told(made, version):
    raw = read_raw(made(version, [("N", "Num", 8)], bytes.fromhex("4141999999999999") + ONE))
    assert rows_of(raw.frame) == [["4.1"], ["1"]]
    assert found(raw) == [
        [
            "RAW-XPORT",
            "warning",
            {
                5: "AE: numbers with more digits than float64 holds were rounded to the nearest; SAS does not write such: N (1).",
                8: "AE.N: numbers with more digits than float64 holds were rounded to the nearest (1).",
            }[version],
        ]
    ]


def test_more_records_than_version_8_tells_are_read_and_told(made, file):
    made(8, [("N", "Num", 8)], ONE * 10)
    file.write_bytes(file.read_bytes().replace(b"%15d" % 10, b"%15d" % 3))
    raw = read_raw(file)
    assert len(raw.frame) == 10
    assert found(raw) == [["RAW-XPORT", "warning", "AE: has 10 records, though its header tells of 3; all were read."]]


def test_each_file_gets_its_own_findings_when_several_are_read_at_once(made, tmp_path):
    sound = made(5, [("N", "Num", 8)], ONE * 10).rename(tmp_path / "sound.xpt")
    rounded = made(5, [("N", "Num", 8)], bytes.fromhex("4141999999999999") * 10).rename(tmp_path / "rounded.xpt")
    with ThreadPoolExecutor(8) as pool:
        tables = list(pool.map(read_raw, [sound, rounded] * 50))
    assert [(raw.name, len(raw.findings)) for raw in tables] == [("sound", 0), ("rounded", 1)] * 50


# --- What is refused --------------------------------------------------------------------------------------------------


@BOTH
def test_text_is_utf8_or_what_it_is_told(made, version):
    file = made(version, [("TERM", "Char", 10)], "Müdigkeit".encode())
    assert read_raw(file).frame["TERM"].tolist() == ["Müdigkeit"]
    file = made(version, [("TERM", "Char", 10)], "Müdigkeit ".encode("cp1252"))
    assert refusal(file) == r"AE.TERM, row 1: b'M\xfcdigkeit': byte FC at position 2 is not utf-8. Name the encoding of the text."
    assert read_raw(file, encoding="cp1252").frame["TERM"].tolist() == ["Müdigkeit"]
    assert refusal(file, encoding="cp125") == "encoding='cp125' is unknown. Did you mean 'cp1252'?"
    assert refusal(file, encoding="utf-16") == "encoding='utf-16': ASCII is no part of it; a transport file cannot hold it."


@BOTH
def test_labels_are_utf8_or_what_is_told(written, file, version):
    written(pd.DataFrame({"TERM": ["x"]}), version, column_labels=["Größe"])
    file.write_bytes(file.read_bytes().replace("Größe".encode(), "Größe  ".encode("cp1252")))
    assert refusal(file).startswith(r"label of AE.TERM: b'Gr\xf6\xdfe': byte F6 at position 3 is not utf-8.")
    assert read_raw(file, encoding="cp1252").labels == {"TERM": "Größe"}


@BOTH
def test_several_datasets_are_refused(made, file, version):
    content = made(version, [("C", "Char", 8)], b"x" * 80).read_bytes()
    file.write_bytes(content + content[240:])
    assert refusal(file) == "holds 2 datasets; a raw file must hold one. Write one transport file for each dataset."


@BOTH
def test_files_that_were_cut_off_are_refused(made, file, version):
    content = made(version, [("C", "Char", 60), ("N", "Num", 8)], (b"x" * 60 + ONE) * 3).read_bytes()
    at = content.index(b"x" * 60)
    file.write_bytes(content[: at + 160])
    assert refusal(file) == "AE: ends 24 bytes into observation 3 of 68 bytes; the file has been cut off."
    for length in range(28, at, 40):
        file.write_bytes(content[:length])
        assert refusal(file)


def test_variables_of_version_8_may_lie_in_another_order_than_described(written):
    path = written(pd.DataFrame({"A": ["xx", "x"], "B": ["yyyy", "y"], "C": [7.0, 8.0]}), 8)
    data = bytearray(path.read_bytes())
    data[640:780], data[780:920] = data[780:920], data[640:780]
    path.write_bytes(data)
    frame = read_raw(path).frame
    assert list(frame) == ["B", "A", "C"]
    assert rows_of(frame) == [["yyyy", "xx", "7"], ["y", "x", "8"]]
    data[724:728] = (9).to_bytes(4, "big")
    path.write_bytes(data)
    assert refusal(path) == "AE.C lies at byte 6 of an observation, not 2 as the lengths say; the file is damaged."


def test_names_of_version_8_are_those_of_the_file(written):
    path = written(pd.DataFrame({"X": ["a"], "X_duplicated1": ["b"], "Z": ["c"]}), 8)
    assert rows_of(read_raw(path).frame[["X", "X_duplicated1", "Z"]]) == [["a", "b", "c"]]
    content = path.read_bytes()
    for old, message in (
        (b"X".ljust(32), "column 1 without a name in the header. Every column needs a name."),
        (b"Z".ljust(32), "column 3 (after 'X_duplicated1') without a name in the header. Every column needs a name."),
    ):
        path.write_bytes(content.replace(old, b" " * 32))
        assert refusal(path) == message


def test_a_format_of_version_8_that_is_no_text_is_refused(written):
    path = written(pd.DataFrame({"D": [1.0]}), 8)
    data = bytearray(path.read_bytes())
    data[640 + 56 : 640 + 64] = b"F\xb5M".ljust(8)
    path.write_bytes(data)
    assert refusal(path).startswith("cannot be read: 'utf-8' codec can't decode byte 0xb5")


def test_version_8_cut_off_between_records_is_refused(made, file):
    content = made(8, [("C", "Char", 40)], b"x" * 240).read_bytes()
    file.write_bytes(content[:-80])
    assert refusal(file) == "AE: holds 4 of the 6 records that its header tells of; the file has been cut off."


def test_what_is_no_transport_file_is_refused(file):
    for content, message in ((b"", "is empty"), (b"no SAS" * 20, "is no SAS transport file"), (b"**COMPRESSED** **", "is a CPORT file")):
        file.write_bytes(content)
        assert refusal(file).startswith(message)


@pytest.mark.filterwarnings("ignore:column .N. is duplicated")  # pyreadstat's
def test_headers_of_version_8_that_cannot_be_true_are_refused(made, file):
    content = made(8, [("N", "Num", 8), ("C", "Char", 8)], ONE + BLANK).read_bytes()
    for old, new, message in (
        (content[640:646], b"\0\1\0\0\0\x09", "N: no value has the length that the header tells; the file is damaged."),
        (b"!!!!!!!0000000002", b"!!!!!!!0000000000", "cannot be read: "),
        (b"C".ljust(32), b"N".ljust(32), "the header repeats 'N' (2 times)"),
        (b"OBSV8 ", b"OBSXX ", "has no header of observations; the file is damaged."),
    ):
        assert old in content
        file.write_bytes(content.replace(old, new))
        assert message in refusal(file)
