"""The passing and failing cases of the shipped rules: tests/rules/<rule id>.yml, each a few literal tables.

A case has `datasets` (name: a table with columns set apart by `|`; a column called `NAME:n` is numeric, an empty cell is missing),
`metadata` where the rule needs labels, types, lengths or keys, and, in failing cases, `finds`: each finding as `AE 2` (dataset and
record), `AE AETERM` (dataset and variable) or `AE` (the dataset).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import yaml

from sdtm_convert.model import Dataset, Variable

FOLDER = Path(__file__).parent / "rules"


@dataclass(frozen=True)
class Case:
    """Data, what is known of them, and the findings that the rule must have: none in a passing case."""

    datasets: dict[str, pd.DataFrame]
    metadata: dict[str, Dataset]
    finds: tuple[str, ...]


def read_cases(rule: str, kind: str) -> list[Case]:
    """The cases of a rule of one kind, `pass` or `fail`."""
    file = FOLDER / f"{rule}.yml"
    if not file.is_file():
        return []
    cases = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader).get(kind, [])
    return [_case(case) for case in cases]


def _case(case: dict) -> Case:
    datasets = {name: read_table(text) for name, text in case["datasets"].items()}
    metadata = {name: _metadata(name, given, datasets[name]) for name, given in case.get("metadata", {}).items()}
    return Case(datasets, metadata, tuple(case.get("finds", ())))


def read_table(text: str) -> pd.DataFrame:
    """A DataFrame from a literal table: text columns of dtype str, numeric ones float64."""
    rows = [[cell.strip(" ") for cell in line.split("|")] for line in text.strip("\n").split("\n")]
    frame = pd.DataFrame(rows[1:], columns=rows[0], dtype="str").replace("", None)
    numeric = {name: "float64" for name in rows[0] if name.endswith(":n")}
    return frame.astype(numeric).rename(columns=lambda name: name.removesuffix(":n"))


def _metadata(name: str, given: dict, frame: pd.DataFrame) -> Dataset:
    known = given.get("variables", {})
    variables = []
    for column in frame.columns:
        number = pd.api.types.is_numeric_dtype(frame[column])
        variable = Variable(column, "Label", "Num" if number else "Char", "float" if number else "text", 8)
        own = {key: int(value) if key == "length" else value for key, value in known.get(column, {}).items()}
        variables.append(replace(variable, **own))
    return Dataset(name, given.get("label", "Label"), given.get("class", ""), "", tuple(variables), tuple(given.get("keys", ())))


def found(findings: pd.DataFrame) -> tuple[str, ...]:
    """Findings in the short form of `finds`."""
    short = []
    for finding in findings.itertuples():
        variable = finding.variables if isinstance(finding.variables, str) and ";" not in finding.variables else ""
        mark = variable if pd.isna(finding.record) else finding.record
        short.append(f"{finding.dataset} {mark}".strip())
    return tuple(short)
