"""The defects that add or remove whole rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DAY0, DAY7, DAY14, UNSCHEDULED = "Day 0 (Intervention 1)", "Day 7", "Day 14", "Unscheduled 1"
UNKNOWN_TESTS = ["Procalcitonin", "Vit. D 25-OH", "NT-proBNP"]

# form: rows in an export at least, rows per 1000 subjects
DUPLICATES = {"lab": (2, 40), "ae": (1, 10), "vs": (1, 10), "qs": (1, 20), "cm": (1, 10)}
ORPHANS = {"lab": (1, 2), "cm": (1, 2)}
UNKNOWN = (1, 10)
UNSCHEDULED_VISITS = (1, 15)
NO_BASELINE = (1, 10)


@dataclass(frozen=True)
class Insertion:
    """A copy of row `source` of a form, with other `values`, put behind row `after`; and how the defect is listed."""

    form: str
    source: int
    after: int
    kind: str
    field: str = ""
    values: dict[str, str | None] = dataclasses.field(default_factory=dict)


def plant_rows(
    rng: np.random.Generator, tables: dict[str, pa.Table], used: dict[str, np.ndarray], subjects: int, first: bool
) -> tuple[list[Insertion], dict[str, list[int]], list[dict]]:
    """Insertions, removed rows by form, and the list of defects.

    The row of an inserted row counts on from the length of its form, in the order of the insertions of that form.
    Rows that were copied from are marked in `used`, so that a copy stays a copy.
    """

    def often(at_least: int, per_mille: float) -> int:
        return max(at_least * first, int(per_mille * subjects / 1000 + rng.random()))

    removed, found = _without_baseline(rng, tables["lab"], used["lab"], often(*NO_BASELINE))
    insertions = [
        *_unscheduled(rng, tables, used, often(*UNSCHEDULED_VISITS)),
        *_duplicates(rng, tables, used, often),
        *_orphans(rng, tables, used, often),
        *_unknown_tests(rng, tables["lab"], used["lab"], often(*UNKNOWN)),
    ]
    count = {form: table.num_rows for form, table in tables.items()}
    for insertion in insertions:
        subject = tables[insertion.form]["SUBJECT"][insertion.source].as_py()
        found.append({
            "form": insertion.form, "row": count[insertion.form], "SUBJECT": subject, "field": insertion.field,
            "value": insertion.values.get(insertion.field, ""), "clean": "", "kind": insertion.kind,
        })
        count[insertion.form] += 1
    return insertions, {"lab": removed}, found + _screen_failures(tables)


def _free_rows(rng: np.random.Generator, used: np.ndarray, count: int) -> list[int]:
    """Some rows that carry no defect yet; they are marked as used."""
    free = np.flatnonzero(~used)
    rows = np.sort(rng.choice(free, min(count, len(free)), replace=False))
    used[rows] = True
    return rows.tolist()


def _duplicates(rng, tables, used, often) -> Iterator[Insertion]:
    for form, rate in DUPLICATES.items():
        for row in _free_rows(rng, used[form], often(*rate)):
            yield Insertion(form, row, row, "duplicate_row")


def _orphans(rng, tables, used, often) -> Iterator[Insertion]:
    for form, rate in ORPHANS.items():
        for row in _free_rows(rng, used[form], often(*rate)):
            nobody = tables[form]["SITE"][row].as_py() + "-000"
            yield Insertion(form, row, row, "subject_not_in_dm", "SUBJECT", {"SUBJECT": nobody})


def _unknown_tests(rng, lab: pa.Table, used: np.ndarray, count: int) -> Iterator[Insertion]:
    for row in _free_rows(rng, used, count):
        words = UNKNOWN_TESTS[int(rng.integers(len(UNKNOWN_TESTS)))]
        values = {"LBTEST": words, "LBRESULT": f"{rng.random() * 3 + 0.05:.2f}", "LBUNIT": "ng/mL", "LBSPEC": "Serum",
                  "Normal Low": "0", "Normal High": "50"}
        yield Insertion("lab", row, row, "unknown_test", "LBTEST", values)


def _unscheduled(rng, tables, used, count: int) -> Iterator[Insertion]:
    """A visit two or three days after Day 7, with visit date, vital signs and laboratory."""
    sv = tables["sv"]
    came = pc.and_(pc.equal(sv["VISIT"], DAY14), pc.equal(sv["VISOCC"], "Yes")).to_numpy(zero_copy_only=False)
    there = sv["SUBJECT"].filter(pa.array(came))
    chosen = rng.choice(len(there), min(count, len(there)), replace=False)
    for subject in there.take(pa.array(np.sort(chosen))).to_pylist():
        later = int(rng.integers(2, 4))
        for form in ("sv", "vs", "lab"):
            table = tables[form]
            same = pc.and_(pc.equal(table["SUBJECT"], subject), pc.equal(table["VISIT"], DAY7))
            rows = np.flatnonzero(same.to_numpy(zero_copy_only=False))
            used[form][rows] = True
            for row, old in zip(rows.tolist(), table.take(pa.array(rows)).to_pylist()):
                yield Insertion(form, row, int(rows[-1]), "unscheduled_visit", "VISIT",
                                _later_visit(rng, form, old, later))


def _later_visit(rng: np.random.Generator, form: str, old: dict[str, str], later: int) -> dict[str, str]:
    day = date.fromisoformat(old["VISITDT"]) + timedelta(days=later)
    values = {"VISIT": UNSCHEDULED, "VISITDT": day.isoformat()}
    if form == "vs":
        values["VSDAT"] = day.strftime("%d/%m/%Y")
    if form == "lab":
        decimals = len(old["LBRESULT"].partition(".")[2])
        values["LBRESULT"] = f"{float(old['LBRESULT']) * (0.85 + 0.3 * rng.random()):.{decimals}f}"
        values["LBDAT"] = day.isoformat()
    return values


def _without_baseline(rng, lab: pa.Table, used: np.ndarray, count: int) -> tuple[list[int], list[dict]]:
    """Takes all laboratory results of Day 0 from some subjects."""
    at_start = pc.equal(lab["VISIT"], DAY0)
    subjects = lab["SUBJECT"].filter(at_start).unique()
    chosen = subjects.take(pa.array(np.sort(rng.choice(len(subjects), min(count, len(subjects)), replace=False))))
    rows = np.flatnonzero(pc.and_(at_start, pc.is_in(lab["SUBJECT"], chosen)).to_numpy(zero_copy_only=False))
    used[rows] = True
    found = [
        {"form": "lab", "row": None, "SUBJECT": subject, "field": "", "value": "", "clean": "",
         "kind": "no_baseline_lab"}
        for subject in chosen.to_pylist()
    ]
    return rows.tolist(), found


def _screen_failures(tables: dict[str, pa.Table]) -> list[dict]:
    """Not planted (they are there in a clean export too), but to be looked for: in demography, not randomised."""
    dm = tables["dm"]
    failed = pc.invert(pc.is_in(dm["SUBJECT"], tables["rand"]["SUBJECT"].combine_chunks()))
    return [
        {"form": "dm", "row": row, "SUBJECT": dm["SUBJECT"][row].as_py(), "field": "", "value": "", "clean": "",
         "kind": "screen_failure"}
        for row in np.flatnonzero(failed.to_numpy(zero_copy_only=False)).tolist()
    ]
