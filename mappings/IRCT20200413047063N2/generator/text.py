"""Numbers, dates and choices as the text that an export holds: every function gives a `pyarrow` array of strings.

Times are whole minutes since 1970-01-01 00:00, dates are whole days since then. Text is made once per distinct value
and spread by `take`, which keeps millions of rows cheap.
"""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

HERE = Path(__file__).parent
DAY = 1440  # minutes
EPOCH = date(1970, 1, 1)
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01.

    >>> day_number(1970, 1, 2)
    1
    """
    return (date(year, month, day) - EPOCH).days


def date_text(day: int, style: str) -> str:
    """One date in one of the three styles of the forms.

    >>> date_text(day_number(2020, 5, 4), "dd-MMM-yyyy")
    '04-MAY-2020'
    """
    d = EPOCH + timedelta(days=int(day))
    if style == "dd-MMM-yyyy":
        return f"{d.day:02}-{MONTHS[d.month - 1]}-{d.year}"
    if style == "dd/mm/yyyy":
        return f"{d.day:02}/{d.month:02}/{d.year}"
    return d.isoformat()


def catalogue(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file beside this module."""
    with open(HERE / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def pick(values: list[str], which: np.ndarray, present: np.ndarray | None = None) -> pa.StringArray:
    """`values[which]`, missing where `present` is false."""
    mask = None if present is None else ~present
    return pa.array(values, pa.string()).take(pa.array(np.asarray(which, np.int64), mask=mask))


def constant(value: str, present: np.ndarray) -> pa.StringArray:
    """`value` in each row where `present`, else missing."""
    return pick([value], np.zeros(len(present), np.int64), present)


def yes_no(answer: np.ndarray, present: np.ndarray | None = None) -> pa.StringArray:
    """"Yes" or "No", missing where `present` is false."""
    return pick(["No", "Yes"], answer.astype(np.int64), present)


def dates(days: np.ndarray, style: str, present: np.ndarray | None = None) -> pa.StringArray:
    """Dates in a form's style, missing where `present` is false."""
    known = days if present is None else days[present]
    first, last = (int(known.min()), int(known.max())) if known.size else (0, 0)
    return pick([date_text(day, style) for day in range(first, last + 1)], days - first, present)


def times(minutes: np.ndarray, present: np.ndarray | None = None) -> pa.StringArray:
    """The time of day, HH:MM."""
    clock = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)]
    return pick(clock, minutes % DAY, present)


def rounded(values: np.ndarray, decimals: np.ndarray | int) -> np.ndarray:
    """The values as they are written down: half up, to so many decimals."""
    scale = 10.0 ** np.asarray(decimals)
    return np.floor(values * scale + 0.5) / scale


def numbers(values: np.ndarray, decimals: np.ndarray | int, present: np.ndarray | None = None) -> pa.StringArray:
    """Numbers with a fixed number of decimals (one for all, or one a row), trailing zeros kept."""
    decimals = np.broadcast_to(np.asarray(decimals, np.int64), values.shape)
    known = np.ones(values.shape, bool) if present is None else present
    scaled = np.floor(np.where(known, values, 0) * 10.0**decimals + 0.5).astype(np.int64)
    keys, where = np.unique(scaled * 8 + decimals, return_inverse=True)
    words = [f"{(key >> 3) / 10 ** (key & 7):.{key & 7}f}" for key in keys.tolist()]
    return pick(words, where, present)


def spellings(
    rows: list[dict[str, str]], which: np.ndarray, rng: np.random.Generator, present: np.ndarray
) -> pa.StringArray:
    """One of the verbatim spellings ("a|b") of each row of a catalogue, by chance."""
    words = [row["verbatim"].split("|") for row in rows]
    first = np.cumsum([0, *map(len, words)])
    nth = np.floor(rng.random(len(which)) * np.diff(first)[which]).astype(np.int64)
    return pick([word for several in words for word in several], first[which] + nth, present)


def running(group: np.ndarray) -> np.ndarray:
    """1, 2, 3 ... within each run of equal values."""
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.zeros(0, np.int64)
    return np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)])) + 1
