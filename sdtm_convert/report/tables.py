"""Findings for programs: JSON and CSV."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from .summary import Report

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


def write_json(report: Report, path: Path) -> None:
    """A list of objects, one on each line; what is missing is null. UTF-8."""
    _write_list(report.findings, path)


def write_outcomes(report: Report, path: Path) -> None:
    """What became of each rule on each dataset, as a list like that of the findings."""
    _write_list(report.outcomes, path)


def write_waived(report: Report, path: Path) -> None:
    """The waived findings, as a list like that of the findings, with `reason`, `who` and `expires`."""
    _write_list(report.waived, path)


def write_known(report: Report, path: Path) -> None:
    """The findings that the baseline has too, as a list like that of the findings."""
    _write_list(report.known, path)


def _write_list(table: pd.DataFrame, path: Path) -> None:
    columns = {name: _values(values) for name, values in table.items()}
    lines = (json.dumps(dict(zip(columns, row)), ensure_ascii=False) for row in zip(*columns.values()))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for number, line in enumerate(lines):
            file.write(f"{',' if number else ''}\n{line}")
        file.write("\n]\n")


def _values(values: pd.Series) -> list:
    return values.astype(object).where(values.notna(), None).tolist()


def write_csv(report: Report, path: Path) -> None:
    """UTF-8 without byte order mark, commas, lines that end with "\\n"; what is missing is empty.

    A text that begins with = + - @ or a tab, and is not a number, gets an apostrophe in front: spreadsheets would run it as a
    formula. Line breaks inside a text become "\\n". findings.json holds every text as it is.
    """
    _write_table(report.findings, path)


def write_outcomes_csv(report: Report, path: Path) -> None:
    """What became of each rule on each dataset, as a table like that of the findings."""
    _write_table(report.outcomes, path)


def _write_table(table: pd.DataFrame, path: Path) -> None:
    is_text = pd.api.types.is_string_dtype
    columns = {name: _harmless(values) if is_text(values) else values for name, values in table.items()}
    pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _harmless(values: pd.Series) -> pd.Series:
    codes, distinct = pd.factorize(values)
    texts = pd.Series(distinct, dtype="str").str.replace(r"\r\n?", "\n", regex=True)
    formula = texts.str.match(r"[=+\-@\t\n]") & ~texts.str.fullmatch(NUMBER)
    texts = texts.where(~formula, "'" + texts)
    return texts.reindex(codes).set_axis(values.index)  # code -1, a missing value, is in no row of `texts`
