"""SAS datasets as text tables, and what their formats make of numbers."""

from __future__ import annotations

import pytest
from sas7bdat_file import Column, write_sas7bdat

from sdtm_convert.errors import InputError
from sdtm_convert.readers import read_raw
from sdtm_convert.readers.sas_values import text_function


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


def test_a_dataset_over_many_pages_keeps_every_row_in_order(dataset):
    values = [float(number) for number in range(5000)]
    raw = read_raw(write_sas7bdat(dataset, [Column("N", values), Column("TERM", [f"term {value:.0f}" for value in values], 12)]))
    assert raw.frame["N"].tolist() == [str(number) for number in range(5000)] and raw.frame["TERM"][4999] == "term 4999"


def test_a_dataset_without_records_keeps_its_columns(dataset):
    frame = read_raw(write_sas7bdat(dataset, [Column("A", [], 3), Column("B", [])])).frame
    assert list(frame) == ["A", "B"] and len(frame) == 0 and set(map(str, frame.dtypes)) == {"str"}


def test_special_missing_values_are_missing_and_noted(dataset):
    raw = read_raw(write_sas7bdat(dataset, [Column("DOSE", [1.0, "A", "_", "A", None]), Column("DT", ["Z", 0.0, 1.0, None, None], format="DATE")]))
    assert raw.frame["DOSE"].isna().tolist() == [False, True, True, True, True] and raw.frame["DT"][1] == "1960-01-01"
    assert raw.findings[["rule", "severity", "dataset", "variables", "values"]].values.tolist() == [
        ["RAW-SPECIAL-MISSING", "notice", "ae_raw", variable, value] for variable, value in [("DOSE", ".A"), ("DOSE", "._"), ("DT", ".Z")]
    ]
    assert "2 times: records 2, 4" in raw.findings["message"][0]


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
