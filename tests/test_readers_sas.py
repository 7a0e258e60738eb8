"""SAS datasets and transport files as text tables."""

from __future__ import annotations

import pandas as pd
import pyreadstat
import pytest
from sas7bdat_file import Column, write_sas7bdat

from sdtm_convert.errors import InputError
from sdtm_convert.readers import read_raw
from sdtm_convert.readers.sas import text_function


def rows_of(frame):
    return frame.astype(object).where(frame.notna(), None).values.tolist()


def refusal(path, **options) -> str:
    with pytest.raises(InputError) as refused:
        read_raw(path, **options)
    assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)
    return str(refused.value).removeprefix(f"{path}: ")


@pytest.fixture
def dataset(tmp_path):
    return tmp_path / "ae_raw.sas7bdat"


@pytest.fixture
def transport(tmp_path):
    return tmp_path / "ae_raw.xpt"


def write_transport(path, frame: pd.DataFrame, **options):
    pyreadstat.write_xport(frame, str(path), table_name="AE", file_format_version=5, **options)
    return path


COLUMNS = [
    Column("SUBJID", ["007", "", "  x"], 6, label="Subject identifier"),
    Column("AGE", [5.0, 0.1, None]),
    Column("AESTDT", [0.0, 22000.0, None], format="DATE", format_width=9, label="Start"),
    Column("AESTDTM", [1.0, 1e9 + 0.5, None], format="DATETIME", format_width=20),
    Column("AETM", [3723.0, 0.0, 86340.0], format="TIME", format_width=5),
]
ROWS = [
    ["007", "5", "1960-01-01", "1960-01-01T00:00:01", "01:02:03"],
    [None, "0.1", "2020-03-26", "1991-09-09T01:46:40.5", "00:00"],
    ["  x", None, None, None, "23:59"],
]


def test_a_sas_dataset_becomes_text_by_its_formats(dataset):
    raw = read_raw(write_sas7bdat(dataset, COLUMNS))
    assert rows_of(raw.frame) == ROWS and set(map(str, raw.frame.dtypes)) == {"str"}
    assert raw.labels == {"SUBJID": "Subject identifier", "AESTDT": "Start"} and raw.name == "ae_raw" and raw.findings.empty


def test_a_transport_file_becomes_the_same_text(transport):
    frame = pd.DataFrame({column.name: column.values for column in COLUMNS})
    formats = {column.name: f"{column.format}{column.format_width}." for column in COLUMNS if column.format}
    write_transport(transport, frame, variable_format=formats, column_labels=[column.label for column in COLUMNS])
    raw = read_raw(transport)
    assert rows_of(raw.frame) == ROWS
    assert raw.labels == {"SUBJID": "Subject identifier", "AESTDT": "Start"} and raw.findings.empty


def test_a_dataset_over_many_pages_keeps_every_row_in_order(dataset):
    values = [float(number) for number in range(5000)]
    raw = read_raw(write_sas7bdat(dataset, [Column("N", values), Column("TERM", [f"term {value:.0f}" for value in values], 12)]))
    assert raw.frame["N"].tolist() == [str(number) for number in range(5000)] and raw.frame["TERM"][4999] == "term 4999"


def test_a_dataset_without_records_keeps_its_columns(dataset, transport):
    for path in (write_sas7bdat(dataset, [Column("A", [], 3), Column("B", [])]), write_transport(transport, pd.DataFrame({"A": [], "B": []}))):
        frame = read_raw(path).frame
        assert list(frame) == ["A", "B"] and len(frame) == 0 and set(map(str, frame.dtypes)) == {"str"}


def test_special_missing_values_are_missing_and_noted(dataset):
    raw = read_raw(write_sas7bdat(dataset, [Column("DOSE", [1.0, "A", "_", "A", None]), Column("DT", ["Z", 0.0, 1.0, None, None], format="DATE")]))
    assert raw.frame["DOSE"].isna().tolist() == [False, True, True, True, True] and raw.frame["DT"][1] == "1960-01-01"
    assert raw.findings[["rule", "severity", "dataset", "variables", "values"]].values.tolist() == [
        ["RAW-SPECIAL-MISSING", "notice", "ae_raw", variable, value] for variable, value in [("DOSE", ".A"), ("DOSE", "._"), ("DT", ".Z")]
    ]
    assert "2 times: records 2, 4" in raw.findings["message"][0]


def test_special_missing_values_of_transport_files_are_noted_too(transport):
    write_transport(transport, pd.DataFrame({"TERM": ["A", "b", "c"], "DOSE": [111.0, 222.0, 333.0], "N": [1.0, 2.0, 3.0]}))
    content = transport.read_bytes()
    for number, code in ((222.0, b"B"), (333.0, b"_")):
        content = content.replace(ibm(number), code + bytes(7))
    transport.write_bytes(content)
    raw = read_raw(transport)
    assert rows_of(raw.frame) == [["A", "111", "1"], ["b", None, "2"], ["c", None, "3"]]
    assert raw.findings[["variables", "values"]].values.tolist() == [["DOSE", ".B"], ["DOSE", "._"]]


def ibm(number: float) -> bytes:
    """An integer of two hexadecimal digits or three as an IBM double."""
    digits = f"{int(number):x}"
    return bytes([0x40 + len(digits)]) + bytes.fromhex(digits.ljust(14, "0"))


@pytest.mark.parametrize(
    ("format", "value", "text"),
    [
        ("", 5.0, "5"),
        ("BEST12", 0.1, "0.1"),
        ("8.2", 1.5, "1.5"),
        ("SEXFMT", 1.0, "1"),
        ("DATE9", -1.0, "1959-12-31"),
        ("E8601DA10", 22000.0, "2020-03-26"),
        ("YYMMDDN8", 22000.0, "2020-03-26"),
        ("MMDDYY10", 22000.5, "22000.5"),
        ("DATE9", 1e9, "1000000000"),
        ("DATE9", float("inf"), "inf"),
        ("DATETIME20", float("inf"), "inf"),
        ("TIME8", float("-inf"), "-inf"),
        ("MONYY7", 21915.0, "2020-01"),
        ("MONYY7", 21946.0, "2020-02"),
        ("MONYY7", 22000.0, "2020-03-26"),
        ("YEAR4", 21915.0, "2020"),
        ("YEAR4", 21946.0, "2020-02"),
        ("DATETIME20", 86400.0, "1960-01-02T00:00:00"),
        ("DATETIME22.3", 0.125, "1960-01-01T00:00:00.125"),
        ("DTDATE9", 86400.0, "1960-01-02"),
        ("DTDATE9", 86401.0, "1960-01-02T00:00:01"),
        ("E8601DT19", 1e15, "1000000000000000"),
        ("TIME8", 3600.0, "01:00:00"),
        ("TIME5", 3600.0, "01:00"),
        ("TIME5", 3601.0, "01:00:01"),
        ("HHMM", 60.0, "00:01"),
        ("TIME8", 90000.0, "25:00:00"),
        ("TIME8", -60.0, "-00:01:00"),
        ("TOD8", 0.5, "00:00:00.5"),
        ("TIME8", 1e12, "1000000000000"),
    ],
)
def test_numbers_show_what_their_sas_format_shows(format, value, text):
    assert text_function(format)(value) == text


def test_a_dataset_is_decoded_as_it_says_or_as_it_is_told(dataset):
    columns = [Column("TERM", ["Müdigkeit", "2 µg"], 20, label="Größe")]
    for encoding in ("utf-8", "cp1252", "latin-1"):
        raw = read_raw(write_sas7bdat(dataset, columns, encoding))
        assert raw.frame["TERM"].tolist() == ["Müdigkeit", "2 µg"] and raw.labels == {"TERM": "Größe"}
    wrong = [Column("TERM", ["Müdigkeit".encode("cp1252")], 20)]
    assert "Name its encoding, for example cp1252" in refusal(write_sas7bdat(dataset, wrong))
    assert read_raw(dataset, encoding="cp1252").frame["TERM"].tolist() == ["Müdigkeit"]
    assert "character set" in refusal(dataset, encoding="no-such-one")


def test_a_transport_file_is_utf8_or_what_it_is_told(transport):
    write_transport(transport, pd.DataFrame({"TERM": ["Müdigkeit"]}))
    assert read_raw(transport).frame["TERM"].tolist() == ["Müdigkeit"]
    transport.write_bytes(transport.read_bytes().replace("Müdigkeit".encode(), "Müdigkeit ".encode("cp1252")))
    assert "not UTF-8, at 'Müdigkeit" in refusal(transport) and "for example cp1252" in refusal(transport)
    assert read_raw(transport, encoding="cp1252").frame["TERM"].tolist() == ["Müdigkeit"]


def test_damaged_sas_datasets_are_refused(dataset):
    content = write_sas7bdat(dataset, COLUMNS).read_bytes()
    for damaged in (b"", b"no SAS", content[:200], content[:1500], content[:-1], b"\1" + content[1:]):
        dataset.write_bytes(damaged)
        assert refusal(dataset).startswith("cannot be read: ")


def test_a_count_of_records_that_cannot_be_true_is_refused(dataset):
    content = bytearray(write_sas7bdat(dataset, [Column("A", [1.0])]).read_bytes())
    at = content.index(bytes.fromhex("f7f7f7f7")) + 24
    content[at : at + 4] = (2_000_000_000).to_bytes(4, "little")
    dataset.write_bytes(content)
    assert refusal(dataset).startswith("claims 2000000000 records")


def test_damaged_transport_files_are_refused(transport):
    content = write_transport(transport, pd.DataFrame({"A": ["x" * 60, "y" * 60, "z" * 60], "B": [1.0, 2.0, 3.0]})).read_bytes()
    for damaged, message in (
        (b"", "is not a SAS transport file"),
        (b"no SAS" * 20, "cannot be read: "),
        (content[:600], "cannot be read: "),
        (content[:-60], "ends in the middle of record 3"),
    ):
        transport.write_bytes(damaged)
        assert refusal(transport).startswith(message)


def test_a_transport_file_that_ends_between_records_is_suspected(transport):
    content = write_transport(transport, pd.DataFrame({"A": ["x" * 60, "y" * 60, "z" * 60]})).read_bytes()
    transport.write_bytes(content[: content.index(b"z" * 60)])
    raw = read_raw(transport)
    assert len(raw.frame) == 2 and raw.findings[["rule", "severity"]].values.tolist() == [["RAW-XPORT-SIZE", "warning"]]


def test_a_transport_file_with_two_datasets_is_refused(transport):
    content = write_transport(transport, pd.DataFrame({"A": ["x"]})).read_bytes()
    transport.write_bytes(content + content[240:])
    assert refusal(transport).startswith("holds 2 datasets")


def test_numbers_of_two_bytes_are_refused_not_lost(transport):
    content = bytearray(write_transport(transport, pd.DataFrame({"N": [1.0]})).read_bytes())
    names = content.index(b"NAMESTR HEADER RECORD") - 20 + 80
    content[names + 4 : names + 6] = (2).to_bytes(2, "big")
    transport.write_bytes(content)
    assert refusal(transport).startswith("N: numbers stored in 2 bytes")


def test_the_pilot_is_read_as_its_csv_copy_says(shared):
    raw = read_raw(shared / "pilot" / "sdtm_original" / "dm.xpt")
    assert raw.frame.shape == (306, 25) and raw.frame["SITEID"][0] == "701" and raw.frame["AGE"][0] == "63"
    assert raw.labels["USUBJID"] == "Unique Subject Identifier"
    adsl = read_raw(shared / "pilot" / "adam" / "original" / "adsl.xpt").frame
    assert adsl["TRTSDT"][0] == "2014-01-02" and adsl["AGE"][0] == "63"
