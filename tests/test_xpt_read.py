"""Reading transport files: those of SAS and of others, several members, parts; a clear answer to whatever is damaged."""

from __future__ import annotations

import os
import re
import warnings
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sdtm_convert.errors import InputError
from sdtm_convert.xpt import XptMetadata, XptVariable, XptWarning, decode, fields, header, list_members, read_xpt, records, write_members, write_xpt

pytestmark = pytest.mark.usefixtures("both_ways")

CREATED = datetime(2024, 1, 1)
FRAME = pd.DataFrame({"USUBJID": ["S-01", "S-02", ""], "AGE": [63.0, np.nan, 0.1], "SEX": ["M", "", "F"]})
VARIABLES = {"USUBJID": {"length": 12, "label": "Unique Subject Identifier"}, "AGE": {"label": "Age"}, "SEX": {"length": 1}}


@pytest.fixture
def file(tmp_path):
    """A small transport file, as bytes."""
    write_xpt(FRAME, tmp_path / "dm.xpt", name="DM", label="Demographics", variables=VARIABLES, created=CREATED)
    return (tmp_path / "dm.xpt").read_bytes()


@pytest.fixture
def read(tmp_path):
    """Read bytes as a transport file."""

    def read(data: bytes, **options):
        (tmp_path / "x.xpt").write_bytes(data)
        return read_xpt(tmp_path / "x.xpt", **options)

    return read


def built(*variables: tuple[int, int, str], data: bytes = b"", width: int = 140) -> bytes:
    """A transport file made by hand: type (1 Num, 2 Char), length and name of the variables, observations without padding."""
    records = [header.LIBRARY_HEADER, b"SAS     SAS     SASLIB  9.4     X64_10PR", b" " * 24, b"14Apr14:10:07:55", b" " * 80]
    records += [header.MEMBER_HEADER.replace(b"0140", b"%04d" % width), header.DESCRIPTOR_HEADER]
    records += [b"SAS     X       SASDATA 9.4     ", b"X64\0\0\0\0\0", b" " * 24, b"14Apr14:10:07:55", b" " * 80]
    records += [b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000%04d00000000000000000000  " % len(variables)]
    position, described = 0, b""
    for number, (kind, length, name) in enumerate(variables, 1):
        fields = kind, 0, length, number, name.encode().ljust(8), b" " * 40, b" " * 8, 0, 0, 0, bytes(2), b" " * 8, 0, 0, position, bytes(52)
        described += header.NAMESTR.pack(*fields)[:width]
        position += length
    records += [described.ljust(-(-len(described) // 80) * 80), header.OBSERVATION_HEADER, data]
    return b"".join(records)


def padded(data: bytes) -> bytes:
    return data + b" " * (-len(data) % 80)


# --- What is read -----------------------------------------------------------------------------------------------------


def test_text_is_str_with_blank_for_missing_and_numbers_are_float64_with_nan(read, file):
    frame, metadata = read(file)
    pd.testing.assert_frame_equal(frame, FRAME)
    assert frame.dtypes.astype(str).tolist() == ["str", "float64", "str"]
    assert metadata == XptMetadata(
        name="DM",
        label="Demographics",
        variables=(
            XptVariable("USUBJID", "Unique Subject Identifier", "Char", 12),
            XptVariable("AGE", "Age", "Num", 8),
            XptVariable("SEX", "", "Char", 1),
        ),
        library=header.Stamp(created="01JAN24:00:00:00", modified="01JAN24:00:00:00"),
        member=header.Stamp(created="01JAN24:00:00:00", modified="01JAN24:00:00:00"),
        rows=3,
    )
    assert (metadata.created, metadata.modified) == (CREATED, CREATED)


def test_columns_are_chosen_in_the_order_asked_for(read, file):
    frame, metadata = read(file, columns=["SEX", "USUBJID"])
    pd.testing.assert_frame_equal(frame, FRAME[["SEX", "USUBJID"]])
    assert [variable.name for variable in metadata.variables] == ["SEX", "USUBJID"]
    assert read(file, columns=[])[0].shape == (3, 0)
    assert list(read(file, columns="AGE")[0]) == ["AGE"]
    with pytest.raises(InputError, match=r"x\.xpt: DM has no variable 'AGEE'\. Did you mean 'AGE'\?"):
        read(file, columns=["AGEE"])


@pytest.mark.parametrize("chunksize", [1, 2, 3, 4, np.int64(1000)])
def test_a_dataset_can_be_read_in_parts(read, file, chunksize):
    parts = list(read(file, chunksize=chunksize))
    assert [len(frame) for frame, _ in parts] == [metadata.rows for _, metadata in parts]
    assert [len(frame) for frame, _ in parts] == {1: [1, 1, 1], 2: [2, 1], 3: [3], 4: [3], 1000: [3]}[chunksize]
    pd.testing.assert_frame_equal(pd.concat([frame for frame, _ in parts], ignore_index=True), FRAME)


def test_a_dataset_without_rows_is_one_empty_part(tmp_path):
    write_xpt(FRAME.head(0), tmp_path / "dm.xpt", name="DM", variables=VARIABLES)
    [(frame, metadata)] = read_xpt(tmp_path / "dm.xpt", chunksize=10)
    assert (frame.shape, metadata.rows, list(frame)) == ((0, 3), 0, ["USUBJID", "AGE", "SEX"])


@pytest.mark.parametrize("chunksize", [0, -1, 1.5, "2"])
def test_chunksize_must_be_a_positive_whole_number(read, file, chunksize):
    with pytest.raises(ValueError, match=f"chunksize={chunksize}"):
        read(file, chunksize=chunksize)


@pytest.mark.parametrize("width", [1, 7, 8, 9, 63, 64, 65, 80, 200])
def test_blocks_and_parts_are_put_together_whatever_the_width(tmp_path, monkeypatch, width):
    rng = np.random.default_rng(width)
    frame = pd.DataFrame({"A": ["x" * n for n in rng.integers(0, width + 1, 500)], "N": rng.normal(size=500), "B": rng.choice(["", "y", "zz"], 500)})
    write_xpt(frame, tmp_path / "x.xpt", name="X", variables={"A": {"length": width}})
    monkeypatch.setattr(records, "LARGEST_BLOCK", 1000)
    pd.testing.assert_frame_equal(read_xpt(tmp_path / "x.xpt")[0], frame)
    for chunksize in (1, 33, 499, 500, 501):
        parts = [part for part, _ in read_xpt(tmp_path / "x.xpt", chunksize=chunksize)]
        assert [len(part) for part in parts[:-1]] == [chunksize] * (len(parts) - 1)
        pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), frame)


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 16, 63, 64, 65, 128, 129, 200, 255, 256, 257])
@pytest.mark.parametrize("filling", [b"a", b"~", b"!", b" a", b"\x1f", b"\xdf", b"\xa0", b"\0a", b"a\0"], ids=repr)
def test_texts_of_all_lengths_are_read_without_the_blanks_at_their_end(read, width, filling):
    texts = [(filling * width)[: n % (width + 1)] for n in range(2 * width + 5)]
    for some in (texts, texts[-1:], [(filling * width)[:width]] * 9, [b""] * 9 + [b"x"]):
        data = b"".join(text.ljust(width) + b"||" for text in some)
        frame, _ = read(built((2, width, "A"), (2, 2, "END"), data=padded(data)), encoding="latin-1")
        assert frame["A"].tolist() == [text.rstrip(b" \0").decode("latin-1") for text in some]


@pytest.mark.parametrize("width", [7, 8, 16, 64, 200])
def test_bytes_that_are_all_ones_beside_a_blank_are_read(read, width):
    texts = [b"\xdf" * width] * 300
    texts[50] = b"a"
    frame, _ = read(built((2, width, "A"), data=padded(b"".join(text.ljust(width) for text in texts))), encoding="latin-1")
    assert frame["A"].tolist() == [text.decode("latin-1") for text in texts]


def test_texts_are_read_where_numpy_assigns_in_another_order(read, monkeypatch):
    monkeypatch.setattr(fields, "_assigns_in_order", lambda width: False)
    frame, _ = read(built((2, 3, "A"), data=padded(b"a  bb cccd  ")))
    assert frame["A"].tolist() == ["a", "bb", "ccc", "d"]


@pytest.mark.parametrize("width", [1, 2, 7, 8, 16, 39, 200, 256])
def test_numpy_assigns_in_the_order_that_makes_reading_fast(width):
    assert fields._assigns_in_order(width)


def test_special_missing_values_are_nan_and_kept_beside(tmp_path):
    frame = pd.DataFrame({"N": [np.nan, 1.0, np.nan, np.nan], "M": [1.0, 2.0, 3.0, np.nan]})
    write_xpt(frame, tmp_path / "x.xpt", name="X", special_missing={"N": {0: "A", 3: "_"}}, created=CREATED)
    back, metadata = read_xpt(tmp_path / "x.xpt")
    pd.testing.assert_frame_equal(back, frame)
    assert metadata.special_missing == {"N": {0: "A", 3: "_"}}
    written = (tmp_path / "x.xpt").read_bytes()
    write_xpt(back, tmp_path / "x.xpt", metadata=metadata)
    assert (tmp_path / "x.xpt").read_bytes() == written
    parts = [part.special_missing for _, part in read_xpt(tmp_path / "x.xpt", chunksize=2)]
    assert parts == [{"N": {0: "A"}}, {"N": {1: "_"}}]


def test_special_missing_values_are_found_in_every_block(tmp_path, monkeypatch):
    frame = pd.DataFrame({"N": np.full(1000, np.nan)})
    letters = {row: "ABC"[row % 3] for row in range(0, 1000, 7)}
    write_xpt(frame, tmp_path / "x.xpt", name="X", special_missing={"N": letters}, chunk_rows=10, threads=2)
    monkeypatch.setattr(records, "LARGEST_BLOCK", 800)
    assert read_xpt(tmp_path / "x.xpt")[1].special_missing == {"N": letters}


# --- Files of others ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "raw", "value"),
    [
        (8, "4101000000000000", 0.0625),
        (3, "401999", 0.0999908447265625),
        (2, "4110", 1.0),
        (7, "C1100000000000", -1.0),
        (2, "2E00", np.nan),
        (3, "410000", np.nan),
        (4, "C276A000", -118.625),
        (5, "0000000000", 0.0),
        (6, "43E8B0000000", 3723.0),
    ],
)
def test_numbers_of_any_length_are_read(read, length, raw, value):
    frame, metadata = read(built((1, length, "N"), data=padded(bytes.fromhex(raw))))
    np.testing.assert_array_equal(frame["N"], [value])
    assert metadata.variables[0].length == length


def test_headers_of_other_writers_are_read(read):
    _, metadata = read(built((2, 2, "C"), data=padded(b"ab")))
    assert metadata.member == header.Stamp("9.4", "X64", "14Apr14:10:07:55", "")
    assert (metadata.created, metadata.modified) == (datetime(2014, 4, 14, 10, 7, 55), None)


@pytest.mark.parametrize(
    ("name", "width", "decimals", "shown"),
    [
        (b"DATE", 9, 0, "DATE9."),
        (b"", 8, 2, "8.2"),
        (b"$", 20, 0, "$20."),
        (b"E8601DA", 10, 0, "E8601DA10."),
        (b"BEST", 0, 0, "BEST."),
        (b"MYFMT1", 0, 0, "MYFMT1 0.0"),
        (b"A1", 12, 0, "A1 12.0"),
        (b"X1", 5, 2, "X1 5.2"),
        (b"$A9", 5, 0, "$A9 5.0"),
        (b"8", 0, 0, "8 0.0"),
        (b"date", 9, 0, "date 9.0"),
        (b"NO NAME", 32767, 1, "NO NAME 32767.1"),
    ],
)
def test_formats_come_back_as_they_were_even_those_that_sas_cannot_have(read, tmp_path, name, width, decimals, shown):
    data = bytearray(built((1, 8, "N"), data=padded(bytes.fromhex("4110000000000000"))))
    packed = name.ljust(8) + width.to_bytes(2, "big") + decimals.to_bytes(2, "big")
    data[640 + 56 : 640 + 68] = data[640 + 72 : 640 + 84] = packed
    frame, metadata = read(bytes(data))
    assert (metadata.variables[0].format, metadata.variables[0].informat) == (shown, shown)
    write_xpt(frame, tmp_path / "x.xpt", metadata=metadata)
    again = (tmp_path / "x.xpt").read_bytes()
    assert again[640 + 56 : 640 + 68] == again[640 + 72 : 640 + 84] == packed


def test_a_format_of_less_than_no_width_is_damage(read):
    data = bytearray(built((1, 8, "N")))
    data[640 + 64 : 640 + 66] = b"\xff\xff"
    with pytest.raises(InputError, match="N has a format or informat of less than no width; the file is damaged"):
        read(bytes(data))


def test_blank_timestamps_come_back_blank(read, tmp_path):
    data = built((2, 2, "C"), data=padded(b"ab")).replace(b"14Apr14:10:07:55", b" " * 16).replace(b"X64\0\0\0\0\0", b"X64     ")
    frame, metadata = read(data)
    write_xpt(frame, tmp_path / "x.xpt", metadata=metadata)
    assert (tmp_path / "x.xpt").read_bytes() == data


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_a_file_goes_back_in_the_encoding_it_was_read_with(read, tmp_path, encoding):
    data = built((2, 12, "C"), data=padded("it’s µ".encode(encoding))).replace(b"X64\0\0\0\0\0", b"X64     ")
    frame, metadata = read(data, encoding=encoding)
    write_xpt(frame, tmp_path / "x.xpt", metadata=metadata)
    assert (tmp_path / "x.xpt").read_bytes() == data
    write_members([(frame, metadata)], tmp_path / "x.xpt")
    assert (tmp_path / "x.xpt").read_bytes() == data
    with pytest.raises(InputError, match="which ascii lacks"):
        write_xpt(frame, tmp_path / "x.xpt", metadata=metadata, encoding="ascii")


def test_a_wrong_source_date_epoch_matters_only_where_a_time_is_wanted(read, file, tmp_path, monkeypatch):
    frame, metadata = read(file)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    write_xpt(frame, tmp_path / "dm.xpt", metadata=metadata)
    assert (tmp_path / "dm.xpt").read_bytes() == file


def test_nul_where_padding_should_be_may_be_a_row_cut_off(read):
    data = built(*((1, 8, f"N{number}") for number in range(15)), data=bytes(240))
    assert len(read(data)[0]) == 2
    with pytest.warns(XptWarning, match="X: ends with NUL instead of blanks; a row that begins with zeros may have been cut off"):
        assert len(read(data[:-80])[0]) == 1


def test_columns_grow_where_the_size_of_the_file_says_too_little_or_too_much(tmp_path, monkeypatch):
    frame = pd.DataFrame({"A": [f"text {number}" * (number % 9) for number in range(3000)], "N": np.arange(3000.0), "U": ["µg", "", "x"] * 1000})
    write_xpt(frame, tmp_path / "x.xpt", name="X", encoding="utf-8")
    for reserved in (8, 64, 4096):
        monkeypatch.setattr(decode, "RESERVED", reserved)
        monkeypatch.setattr(records, "LARGEST_BLOCK", 8000)
        pd.testing.assert_frame_equal(read_xpt(tmp_path / "x.xpt")[0], frame)


def test_descriptions_of_136_bytes_are_read(read):
    frame, _ = read(built((2, 2, "C"), (1, 8, "N"), data=padded(b"ab" + bytes.fromhex("4110000000000000")), width=136))
    assert frame.to_dict("list") == {"C": ["ab"], "N": [1.0]}


def test_text_padded_with_nul_is_read_without(read):
    assert read(built((2, 4, "C"), data=padded(b"ab\0\0c \0 \0\0\0\0")))[0]["C"].tolist() == ["ab", "c", ""]


def test_variables_may_lie_in_another_order_than_described(read):
    data = bytearray(built((2, 2, "B"), (2, 3, "A"), data=padded(b"aaabb")))
    data[640 + 84 : 640 + 88], data[780 + 84 : 780 + 88] = (3).to_bytes(4, "big"), (0).to_bytes(4, "big")
    assert read(bytes(data))[0].to_dict("list") == {"B": ["bb"], "A": ["aaa"]}


def test_numbers_that_float64_cannot_hold_are_rounded_with_a_warning(read):
    with pytest.warns(XptWarning, match=r"x\.xpt: X: numbers with more digits than float64 holds .*: N \(2\)\.$"):
        frame, _ = read(built((1, 8, "N"), data=padded(bytes.fromhex("4141999999999999" "4110000000000000" "C141999999999999"))))
    assert frame["N"].tolist() == [4.1, 1.0, -4.1]


def test_windows_text_is_read_with_a_warning_or_in_the_encoding_named(read):
    data = built((2, 4, "C"), data=padded(b"ok  it\x92s"))
    with pytest.warns(XptWarning, match=r"x\.xpt: X\.C, row 2: b'it\\x92s' is not UTF-8; text is read as Windows-1252"):
        frame, metadata = read(data)
    assert (frame["C"].tolist(), metadata.encoding) == (["ok", "it’s"], "cp1252")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(data, encoding="cp1252")[0]["C"].tolist() == ["ok", "it’s"]
    with pytest.raises(InputError, match=r"x\.xpt: X\.C, row 2: b'it\\x92s': byte 92 at position 3 is not utf-8"):
        read(data, encoding="utf8")
    with pytest.raises(ValueError, match="encoding='cp037'"):
        read(data, encoding="cp037")


def test_utf8_text_is_read_and_longer_in_memory_than_in_the_file(read):
    assert read(built((2, 4, "C"), data=padded("µg  a   ".encode()[:9])))[0]["C"].tolist() == ["µg", " a"]
    frame, metadata = read(built((2, 4, "C"), data=padded(b"\xb5\xb5\xb5\xb5" * 30)), encoding="latin-1")
    assert (frame["C"].tolist(), metadata.encoding) == (["µµµµ"] * 30, "iso8859-1")


def test_text_that_is_neither_utf8_nor_windows_is_refused(read):
    with pytest.warns(XptWarning), pytest.raises(InputError, match=r"X\.C, row 1: b'\\x81': byte 81 at position 1 is not cp1252"):
        read(built((2, 1, "C"), data=padded(b"\x81")))


def test_a_character_is_not_put_together_from_two_rows(read):
    with pytest.warns(XptWarning):
        assert read(built((2, 1, "C"), data=padded(b"\xc2\xb5")))[0]["C"].tolist() == ["Â", "µ"]


def test_one_encoding_serves_the_whole_file(read, monkeypatch):
    monkeypatch.setattr(records, "LARGEST_BLOCK", 80)
    data = built((2, 2, "C"), data=padded("µ".encode() * 40 + b"\xb5 "))
    with pytest.raises(InputError, match=r"X\.C, row 41: b'\\xb5': byte B5 at position 1 is not utf-8\. Name the encoding"):
        read(data)
    data = built((2, 2, "C"), data=padded(b"\xb5 " * 40 + "µ".encode()))
    with pytest.warns(XptWarning):
        assert read(data)[0]["C"].tolist() == ["µ"] * 40 + ["Âµ"]


def test_labels_are_decoded_as_text_is(tmp_path):
    for encoding in ("utf-8", "cp1252"):
        write_xpt(pd.DataFrame({"C": ["x"]}), tmp_path / "x.xpt", name="X", label="µ", variables={"C": {"label": "it’s"}}, encoding=encoding)
        metadata = read_xpt(tmp_path / "x.xpt", encoding=encoding)[1]
        assert (metadata.label, metadata.variables[0].label, metadata.encoding) == ("µ", "it’s", encoding)
    with pytest.warns(XptWarning, match="label of X.C: b'it.x92s' is not UTF-8"):
        assert read_xpt(tmp_path / "x.xpt")[1].label == "µ"


# --- The end of the observations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"", 0),
        (b" " * 80, 1),  # 1 to 16 rows of 5 blanks: one there must be
        (padded(b"aaaaa" + b" " * 10), 1),
        (padded(b"aaaaa" + b" " * 5 + b"bbbbb"), 3),
        (b" " * 80 + padded(b"a"), 17),
        (b" " * 160, 17),
    ],
)
def test_blank_rows_at_the_end_are_padding(read, data, rows):
    assert len(read(built((2, 5, "C"), data=data))[0]) == rows
    assert sum(len(frame) for frame, _ in read(built((2, 5, "C"), data=data), chunksize=3)) == rows


@pytest.mark.parametrize("data", [b"aaaaabbbbb", b"aaaaabbbbb  "])
def test_a_file_without_padding_is_read_with_a_warning(read, data):
    with pytest.warns(XptWarning, match=r"x\.xpt: X: ends without padding to 80 bytes; rows may be missing\."):
        assert read(built((2, 5, "C"), data=data))[0]["C"].tolist() == ["aaaaa", "bbbbb"]


@pytest.mark.parametrize(
    ("length", "data", "message"),
    [
        (5, b"aaaaabb", "ends 2 bytes into observation 2 of 5 bytes"),
        (100, b"a" * 180, "ends 80 bytes into observation 2 of 100 bytes"),
        (100, b"a" * 80, "ends 80 bytes into observation 1 of 100 bytes"),
        (150, b"a" * 150 + b" " * 90, "ends 90 bytes into observation 2 of 150 bytes"),
    ],
)
def test_a_file_that_was_cut_off_is_refused(read, length, data, message):
    with pytest.raises(InputError, match=rf"x\.xpt: X: {message}; the file has been cut off\."):
        read(built((2, length, "C"), data=data))


def test_a_header_that_was_cut_off_is_refused(read, file):
    end = len(file) - len(padded(b" " * 21 * 3))
    for length in range(1, end):
        with pytest.raises(InputError, match="cut off|no SAS transport file|without any dataset"):
            read(file[:length])


# --- Several members ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[1000, 1 << 21])
def several(tmp_path, monkeypatch, request):
    """A file with three datasets; the second has no rows."""
    monkeypatch.setattr(records, "LARGEST_BLOCK", request.param)
    frames = {"ONE": FRAME, "TWO": FRAME.head(0), "THREE": pd.concat([FRAME] * 100, ignore_index=True)}
    described = tuple(XptVariable(name, type="Char" if name != "AGE" else "Num", length=12 if name == "USUBJID" else 8) for name in FRAME)
    members = [(frame, XptMetadata(name, f"Label of {name}", described)) for name, frame in frames.items()]
    write_members(members, tmp_path / "all.xpt", created=CREATED, allow={"members"})
    return tmp_path / "all.xpt", frames


def test_members_are_listed_with_their_rows(several):
    path, frames = several
    assert [(member.name, member.label, member.rows) for member in list_members(path)] == [
        ("ONE", "Label of ONE", 3),
        ("TWO", "Label of TWO", 0),
        ("THREE", "Label of THREE", 300),
    ]


def test_members_are_read_by_name_in_any_case(several):
    path, frames = several
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(read_xpt(path, member=name.lower())[0], frame)
        parts = [part for part, _ in read_xpt(path, member=name, chunksize=7)]
        pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), frame)


def test_which_member_is_meant_must_be_said(several):
    path, _ = several
    with pytest.raises(InputError, match=r"all\.xpt: holds 3 datasets: ONE, TWO, THREE\. Say which one"):
        read_xpt(path)
    with pytest.raises(InputError, match="holds 3 datasets"):
        list(read_xpt(path, chunksize=2))
    with pytest.raises(InputError, match=r"holds no dataset 'THRE', but ONE, TWO, THREE\. Did you mean 'THREE'\?"):
        read_xpt(path, member="THRE")


def test_members_are_written_back_byte_for_byte(several, tmp_path):
    path, frames = several
    members = [read_xpt(path, member=name) for name in frames]
    write_members(members, tmp_path / "copy.xpt", allow={"members"})
    assert (tmp_path / "copy.xpt").read_bytes() == path.read_bytes()


def test_text_that_looks_like_the_header_of_a_member_is_text(tmp_path):
    frame = pd.DataFrame({"C": ["HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!".ljust(79) + "x", "HEADER R".ljust(79) + "x"]})
    write_xpt(frame, tmp_path / "x.xpt", name="X")
    pd.testing.assert_frame_equal(read_xpt(tmp_path / "x.xpt")[0], frame)


# --- Damaged and other files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!000000000000000000000000000000  ", "is a transport file of version 8 or 9"),
        (b"**COMPRESSED** **COMPRESSED** **COMPRESSED**", "is a CPORT file"),
        (bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011"), "is a SAS dataset"),
        (b"<!DOCTYPE html><html>not found</html>", "is no SAS transport file: it begins with b'<!DOCTYPE html><html>not'"),
        (header.LIBRARY_HEADER + b" " * 160, "is a transport file without any dataset"),
    ],
)
def test_other_kinds_of_files_are_told(read, data, message):
    for options in ({}, {"chunksize": 1}, {"member": "X"}):
        with pytest.raises(InputError, match=rf"x\.xpt: {message}"):
            read(data, **options)


def test_the_home_folder_may_be_meant(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_xpt(FRAME, "~/dm.xpt", name="DM")
    assert (tmp_path / "dm.xpt").is_file()
    pd.testing.assert_frame_equal(read_xpt("~/dm.xpt")[0], FRAME)


def test_files_that_cannot_be_opened_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.xpt: cannot be read: No such file"):
        read_xpt(tmp_path / "none.xpt")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_xpt(tmp_path)


@pytest.mark.parametrize(
    ("at", "raw", "message"),
    [
        (240, b"X", "no MEMBER header at byte 240, but b'XEADER RECORD*******MEMB'; the file is damaged"),
        (320, b"X", "no DSCRPTR header at byte 240"),
        (560, b"X", "no NAMESTR header at byte 560"),
        (560 + 54, b"00x3", "the number of variables reads b'00x3'; the file is damaged"),
        (560 + 54, b"0000", "describes 0 variables in 140 bytes each"),
        (240 + 74, b"0141", "describes 3 variables in 141 bytes each"),
        (640, b"\0\3", "variable 1 is described as type 3 with length 12"),
        (640 + 4, b"\0\0", "variable 1 is described as type 2 with length 0"),
        (640 + 4, b"\xff\xff", "variable 1 is described as type 2 with length -1"),
        (780 + 4, b"\0\x09", "variable 2 is described as type 1 with length 9"),
        (640 + 4, b"\0\x0d", "DM.AGE lies at byte 12 of an observation, not 13 as the lengths say"),
        (640 + 84, b"\0\0\0\1", "DM.USUBJID lies at byte 1 of an observation, not 0"),
        (640 + 8, b"        ", "variable 1 is named ''; the file is damaged"),
        (640 + 8, b"\xb5       ", "variable 1 is named 'µ'; the file is damaged"),
        (640 + 8, b"AGE     ", "DM has two variables AGE; the file is damaged"),
        (1120, b"X", "no OBS header at byte 1120"),
    ],
)
def test_what_is_damaged_is_named(read, file, at, raw, message):
    with pytest.raises(InputError, match=re.escape(message)):
        read(file[:at] + raw + file[at + len(raw) :])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 1279), st.binary(min_size=1, max_size=8)), max_size=4), length=st.integers(0, 1400))
@example(changes=[], length=0)
def test_any_damage_gives_a_frame_or_a_clear_error(read, file, changes, length):
    data = bytearray(file)
    for at, raw in changes:
        data[at : at + len(raw)] = raw
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XptWarning)
        try:
            frame, metadata = read(bytes(data[:length]))
        except InputError as error:
            assert "x.xpt: " in str(error)
            return
    assert len(frame) == metadata.rows
    assert [variable.name for variable in metadata.variables] == list(frame)
    assert len(frame) * sum(variable.length for variable in metadata.variables) <= length


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400), start=st.sampled_from([0, 80, 240, 400, 560, 640]))
def test_any_bytes_give_a_frame_or_a_clear_error(read, file, data, start):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XptWarning)
        try:
            read(file[:start] + data)
        except InputError as error:
            assert "x.xpt: " in str(error)


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path):
    write_xpt(pd.DataFrame({"N": np.arange(100_000.0)}), tmp_path / "x.xpt", name="X")
    parts = read_xpt(tmp_path / "x.xpt", chunksize=1000)
    os.truncate(tmp_path / "x.xpt", 5000)
    with pytest.raises(InputError, match="it has been cut off"):
        list(parts)


@pytest.mark.parametrize("options", [{}, {"chunksize": 5}])
def test_a_warning_points_to_the_line_that_reads_or_writes(tmp_path, options):
    with pytest.warns(XptWarning, match="is named for its dataset") as written:
        write_xpt(pd.DataFrame({"A": ["x" * 79 + "y"] * 2, "B": ["z"] * 2}), tmp_path / "other.xpt", name="X")
    (tmp_path / "other.xpt").write_bytes((tmp_path / "other.xpt").read_bytes()[:-78])
    with pytest.warns(XptWarning, match="without padding") as read:
        list(read_xpt(tmp_path / "other.xpt", **options))
    assert [told.filename for told in (written[0], read[0])] == [__file__] * 2
