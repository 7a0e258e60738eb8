"""The published CDISC rules on their own test cases: the same report rows as CDISC's engine 0.17.1, case by case."""

from __future__ import annotations

import ast
import csv
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from sdtm_convert.model import Dataset, Variable
from sdtm_convert.rules.engine import FAILED, Hits, Outcome, output_variables, run
from sdtm_convert.rules.load import load_rule
from sdtm_convert.rules.rule import Rule
from sdtm_convert.rules.study import Study, make_study
from sdtm_convert.standard import load_standard, load_terminology

# Cases of other implementation guides than SDTMIG 3.4, where the answer is in the guide: labels of SENDIG.
OTHER_GUIDE = {("CORE-000272", "negative/03")}


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def read_study(folder: Path) -> Study:
    """A test case: the datasets that _datasets.csv lists, typed as _variables.csv says, else as they look."""
    variables: dict[str, dict[str, dict]] = {}
    for row in rows(folder / "_variables.csv"):
        variables.setdefault((row["dataset"] or "").strip().lower(), {})[(row["variable"] or "").strip()] = row
    frames, metadata, files = {}, {}, {}
    for row in rows(folder / "_datasets.csv"):
        stem = Path(row["Filename"].strip()).stem
        file = next((f for f in folder.glob("*.csv") if f.stem.lower() == stem.lower()), None)
        if file is None:
            continue
        name, known = (row.get("Dataset Name") or stem).upper(), variables.get(stem.lower(), {})
        types = {column: float if given["type"] == "Num" else str for column, given in known.items()}
        frames[name] = read_frame(file, types)
        described = [Variable(c, known[c]["label"] or "", known[c]["type"] or "", "text", 0) for c in frames[name] if c in known]
        metadata[name] = Dataset(name, row["Label"] or "", "", "", tuple(described), ())
        files[name] = file
    return make_study(frames, load_standard("sdtmig", "3.4"), (load_terminology("sdtm", "2025-03-28"),), metadata, files)


def read_frame(file: Path, types: dict[str, type]) -> pd.DataFrame:
    options = {"keep_default_na": False, "na_values": [""], "encoding": "utf-8-sig"}
    try:
        return pd.read_csv(file, dtype=types, **options)
    except ValueError:  # text in a column that is declared numeric
        return pd.read_csv(file, dtype=str, **options)


def shown(cell: object) -> str:
    if isinstance(cell, list):
        return repr(sorted("None" if part in (None, "") else str(part) for part in cell))
    return "" if cell is None or str(cell).strip() == "" else str(cell)


def report(rule: Rule, outcome: Outcome) -> list[tuple[str, str, str, str]]:
    """What the engine's CSV report has for one dataset: Dataset, Record, Variable, Value."""
    if outcome.status == FAILED:
        return [(outcome.dataset, "", "EXECUTION_ERROR", "")]
    hits = outcome.hits[:1] if rule.sensitivity == "Dataset" else outcome.hits
    return [row for part in hits for row in report_rows(rule, outcome, part)]


def report_rows(rule: Rule, outcome: Outcome, hits: Hits) -> list[tuple[str, str, str, str]]:
    table, whole = hits.table, rule.sensitivity == "Dataset"
    places = hits.rows[:1] if whole else hits.rows
    names = output_variables(rule, table)
    cells = {name: table.column(name).take(places).cells for name in names if name in table.known}
    elements = [part for name in names if name in cells for cell in cells[name] if isinstance(cell, list) for part in cell]
    for name in dict.fromkeys(part for part in elements if part in table.known and part not in names):
        names = [*names, name]
        cells[name] = table.column(name).take(places).cells
    found = []
    for number, place in enumerate(places):
        record = "" if whole or outcome.dataset == "STUDY" else str(place + 1 if table.records is None else table.records[place])
        dataset = outcome.dataset if outcome.dataset == "STUDY" or table.part is None else table.sources[table.part[place]]
        found += [(dataset, record, name, shown(cells[name][number]) if name in cells else "Not in dataset") for name in names]
    return found


def expected(file: Path) -> Counter:
    found: Counter = Counter()
    for row in rows(file):
        value = row["Value"]
        if value.startswith("[") and value.endswith("]"):
            value = repr(sorted(map(str, ast.literal_eval(value))))
        error = row["Variable"] == "EXECUTION_ERROR"
        found[row["Dataset"], row["Record"], row["Variable"], "" if error else value] += 1
    return found


@pytest.fixture(scope="module")
def undecided(shared) -> set[tuple[str, str]]:
    return OTHER_GUIDE | {(row["rule"], row["case"]) for row in rows(shared / "open-rules" / "EXCEPTIONS.csv")}


def test_published_rules_report_what_cdisc_s_engine_reports(shared, undecided):
    different, compared = [], 0
    for folder in sorted((shared / "open-rules").glob("CORE-*")):
        rule = load_rule(folder / "rule.yml")
        for case in sorted(path.parent for path in folder.glob("*/*/data")):
            name = f"{case.parent.name}/{case.name}"
            results = shared / "core-0.17.1" / folder.name / name / "results.csv"
            results = results if results.is_file() else case / "results" / "results.csv"
            if not results.is_file() or (folder.name, name) in undecided:
                continue
            compared += 1
            found = Counter(row for outcome in run([rule], read_study(case / "data")) for row in report(rule, outcome))
            if found != expected(results):
                different.append((folder.name, name))
    assert different == [] and compared > 550
