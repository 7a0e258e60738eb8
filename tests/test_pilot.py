"""The CDISC pilot: raw tables -> DM, EX, AE, VS, DS, compared cell by cell with the SDTM that belongs to them.

`pilot_differences.csv` lists every difference with its cause; a difference that is not listed fails, and so does a listed one that is gone.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from sdtm_convert.columns import as_text
from sdtm_convert.flow import Build, build

HERE = Path(__file__).parent
KEYS = {  # natural keys, none of them a sequence number that depends on fields that were not exported
    "DM": ["USUBJID"],
    "EX": ["USUBJID", "EXSTDTC"],
    "AE": ["USUBJID", "AETERM", "AEDTC", "AEENDTC", "AESEV", "AEREL"],
    "VS": ["USUBJID", "VSTESTCD", "VISITNUM", "VSTPTNUM", "VSDTC"],
    "DS": ["USUBJID", "DSCAT", "DSDECOD", "DSSTDTC"],
    "SUPPAE": ["USUBJID", "IDVARVAL", "QNAM"],
}
LEAST_EQUAL = 0.995
FINDINGS = {("RAW-DUPLICATE", "ae_raw"): 1, ("RAW-ROW", "vs_raw"): 3, ("SC-SDTM-0002", "DM"): 1, ("SC-SDTM-0018", "STUDY"): 1,
            ("SC-SDTM-0091", "AE"): 36, ("SC-SDTM-0101", "DM"): 52}


@pytest.fixture(scope="module")
def built(shared: Path) -> Build:
    return build(HERE.parent / "mappings" / "CDISCPILOT01", shared / "pilot" / "raw")


@pytest.fixture(scope="module")
def differences() -> dict[tuple[str, str], dict[str, str]]:
    with (HERE / "pilot_differences.csv").open(newline="") as file:
        return {(row["dataset"], row["variable"]): row for row in csv.DictReader(file)}


def compared(built: Build, shared: Path, dataset: str) -> pd.DataFrame:
    """Expected and built records side by side (`X` and `X__built`), joined by the natural keys; repeated keys pair up in order."""
    expected = pd.read_csv(shared / "pilot" / "sdtm" / f"{dataset.lower()}.csv", dtype=str, keep_default_na=False)
    made = built.datasets[dataset].apply(as_text).fillna("")
    for frame in (expected, made):
        frame["_again"] = frame.groupby(KEYS[dataset]).cumcount()
    return expected.merge(made, on=[*KEYS[dataset], "_again"], how="outer", suffixes=("", "__built"), indicator=True)


def equal(expected: pd.Series, made: pd.Series) -> pd.Series:
    """Equal as text, or as numbers within 1e-6."""
    numbers = pd.to_numeric(expected, errors="coerce") - pd.to_numeric(made, errors="coerce")
    return (expected == made) | (numbers.abs() < 1e-6)


def counted(built: Build, shared: Path, dataset: str) -> dict[str, tuple[int, int]]:
    """(cells, differing cells) of every variable; "" counts the records that only one side has."""
    both = compared(built, shared, dataset)
    counts = {"": (len(both), int((both["_merge"] != "both").sum()))}
    both = both[both["_merge"] == "both"]
    for name in both.columns:
        if f"{name}__built" in both.columns:
            counts[name] = (len(both), int((~equal(both[name], both[f"{name}__built"])).sum()))
    return counts


@pytest.mark.parametrize("dataset", KEYS)
def test_every_difference_from_the_counterpart_is_listed_with_its_cause(built, shared, differences, dataset):
    found = {name: differing for name, (_, differing) in counted(built, shared, dataset).items() if differing}
    listed = {name: int(row["cells"]) for (owner, name), row in differences.items() if owner == dataset and row["cells"] != "absent"}
    assert found == listed
    assert all(row["cause"] for (owner, _), row in differences.items() if owner == dataset)


@pytest.mark.parametrize("dataset", KEYS)
def test_at_least_995_of_1000_derivable_cells_are_equal(built, shared, differences, dataset):
    derivable = {name: count for name, count in counted(built, shared, dataset).items()
                 if name and differences.get((dataset, name), {}).get("derivable", "yes") == "yes"}
    cells, differing = sum(c for c, _ in derivable.values()), sum(d for _, d in derivable.values())
    assert len(derivable) >= 5
    assert 1 - differing / cells >= LEAST_EQUAL


@pytest.mark.parametrize("dataset", KEYS)
def test_every_variable_of_the_counterpart_is_built_or_listed_as_absent(built, shared, differences, dataset):
    expected = pd.read_csv(shared / "pilot" / "sdtm" / f"{dataset.lower()}.csv", nrows=0).columns
    absent = {name for name in expected if name not in built.datasets[dataset].columns}
    assert absent == {name for (owner, name), row in differences.items() if owner == dataset and row["cells"] == "absent"}


@pytest.mark.parametrize(("raw", "dataset"), [("dm_raw", "DM"), ("ec_raw", "EX"), ("ae_raw", "AE"), ("ds_raw", "DS")])
def test_a_raw_row_is_one_record(built, shared, raw, dataset):
    with (shared / "pilot" / "raw" / f"{raw}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = sum(1 for _ in csv.DictReader(file))
    assert len(built.datasets[dataset]) == rows


def test_every_filled_result_of_the_raw_vital_signs_is_one_record(built, shared):
    tests = {"SYS_BP": "SYSBP", "DIA_BP": "DIABP", "PULSE": "PULSE", "IT.TEMP": "TEMP", "IT.HEIGHT_VSORRES": "HEIGHT", "IT.WEIGHT": "WEIGHT"}
    with (shared / "pilot" / "raw" / "vs_raw.csv").open(encoding="utf-8-sig", newline="") as file:
        filled = Counter(tests[field] for row in csv.DictReader(file) for field in tests if row[field].strip())
    assert built.datasets["VS"]["VSTESTCD"].value_counts().to_dict() == dict(filled)


def test_raw_rows_without_a_result_are_named_and_no_field_is_left_unaccounted(built, shared):
    results = ["IT.HEIGHT_VSORRES", "IT.WEIGHT", "IT.TEMP", "SYS_BP", "DIA_BP", "PULSE"]
    with (shared / "pilot" / "raw" / "vs_raw.csv").open(encoding="utf-8-sig", newline="") as file:
        empty = [number for number, row in enumerate(csv.DictReader(file), 1) if not any(row[field].strip() for field in results)]
    found = built.findings[built.findings["rule"].isin(["RAW-TABLE", "RAW-FIELD", "RAW-ROW"])]
    assert found[["rule", "dataset", "record"]].values.tolist() == [["RAW-ROW", "vs_raw", row] for row in empty]
    assert len(empty) == 3


def test_the_findings_of_the_build_are_those_that_are_known(built):
    """What each of them is stands in the README beside the mapping."""
    counts = built.findings.groupby(["rule", "dataset"]).size().to_dict()
    assert counts == FINDINGS
