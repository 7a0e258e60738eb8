"""The example study for its tests: built once, its raw files read in plain Python, records found by subject or by raw row."""

from __future__ import annotations

import csv
from datetime import date, datetime
from functools import cache
from pathlib import Path

import pandas as pd

from sdtm_convert.sources import lineage
from sdtm_convert.flow import Build, build

STUDY = Path(__file__).resolve().parent.parent / "mappings" / "IRCT20200413047063N2"
EPOCH = datetime(1960, 1, 1)


@cache
def example() -> Build:
    return build(STUDY)


def read(form: str) -> list[dict[str, str]]:
    with (STUDY / "raw" / f"{form}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def form(name: str) -> list[dict[str, str]]:
    """The rows of a form without repeats, subjects without blanks."""
    rows = {tuple(row.items()): row for row in read(name)}
    return [{**row, "SUBJECT": row["SUBJECT"].strip()} for row in rows.values()]


def filled(name: str, *fields: str) -> int:
    return sum(bool(row[field].strip()) for row in form(name) for field in fields)


def days(text: str) -> int:
    return (date.fromisoformat(text[:10]) - EPOCH.date()).days


def usubjid(subject: str) -> str:
    return f"IRCT20200413047063N2-{subject}"


def of(built: Build, dataset: str, subject: str, **where) -> pd.DataFrame:
    """The records of a subject that have these values."""
    frame = built.datasets[dataset]
    mask = frame["USUBJID"] == usubjid(subject)
    for name, value in where.items():
        mask &= frame[name] == value
    return frame[mask]


def from_row(built: Build, dataset: str, form: str, row: str) -> pd.DataFrame:
    """The records of a dataset that come from a row of a form (counted from 1)."""
    names, numbers = lineage(built.derived, dataset, built.conformed.rows[dataset])
    return built.datasets[dataset][(names == form) & (numbers == int(row) - 1)]
