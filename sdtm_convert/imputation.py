"""Partial dates -> complete dates for analysis, by a stated rule, as admiral's derive_vars_dt and derive_vars_dtm do it.

SDTM keeps what was collected; only ADaM imputes, and says so in its imputation flags (--DTF, --TMF). docs/dates.md tells the rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from sdtm_convert import iso8601
from sdtm_convert.iso8601 import TEXT, UNKNOWN

LEVELS = "YMDhmsn"  # the parts from coarse to fine, and n for none
_DAY = 86400.0

Bounds = pd.Series | Sequence[pd.Series] | None


@dataclass(frozen=True)
class Imputed:
    """`days`, `seconds`: SAS date and datetime (float64, NaN where missing). `date_flag` (Y, M, D) and `time_flag` (H, M, S):
    the highest part that was imputed, missing where none was."""

    days: pd.Series
    seconds: pd.Series
    date_flag: pd.Series
    time_flag: pd.Series


def impute(
    values: pd.Series, *, date: str | None = None, time: str | None = None, highest: str | None = None,
    minimum: Bounds = None, maximum: Bounds = None, preserve: bool = False,
) -> Imputed:
    """ISO 8601 text -> SAS dates and datetimes, missing parts filled by rule.

    `date`: first, last, mid, `mm-dd` or `dd`. `time`: first, last or `HH:MM:SS`. `highest`: the highest part that may be
    imputed, one of Y M D h m s n; `n` by default, `h` where a time rule is given. A part missing above it leaves the result
    missing. `preserve`: keep what is known behind an unknown part (`2019---07`); otherwise it is dropped.
    `minimum`, `maximum`: one or several columns, ISO text or SAS days; a bound acts only where it lies inside the range that
    the partial date allows, so a complete date never moves. Wrong arguments are a ValueError (see `check_imputation`).

    >>> impute(pd.Series(["2019-02"]), date="last", highest="M").days.tolist() == [21608.0]  # 2019-02-28
    True
    """
    minima, maxima = _columns(minimum), _columns(maximum)
    if problem := check_imputation(date, time, highest, bool(minima), bool(maxima)):
        raise ValueError(problem)
    level = LEVELS.index(highest or ("h" if time else "n"))
    codes, texts = iso8601.distinct(values)
    parts, _, right = iso8601.read(texts)
    numbers = np.column_stack([parts.numbers, np.full(6, UNKNOWN)])  # the last column stands for a missing value, code -1
    numbers = np.where(_known(numbers, preserve), numbers, UNKNOWN)
    fraction = np.where(numbers[5] == UNKNOWN, 0.0, np.append(iso8601.fractions(parts), 0.0))
    readable = np.append(right, True)

    midnight = np.vstack([numbers[:3], np.zeros_like(numbers[3:])])
    dates = _moments(midnight, 0.0, date, None, level, readable)
    days = np.floor(_bounded(dates, codes, _bounds(minima, 0.0, True), _bounds(maxima, 0.0, True)) / _DAY)
    moments = _moments(numbers, fraction, date, time, level if time else len(LEVELS) - 1, readable)
    seconds = _bounded(moments, codes, _bounds(minima, 0.0, False), _bounds(maxima, _DAY - 1, False))
    if time:
        days = np.where(np.isnan(seconds), days, np.floor(seconds / _DAY))
    known = numbers != UNKNOWN
    return Imputed(
        pd.Series(days, values.index), pd.Series(seconds, values.index),
        _flag(known[:3], "YMD", days, codes, values.index), _flag(known[3:], "HMS", seconds, codes, values.index),
    )


def check_imputation(date: str | None, time: str | None, highest: str | None, minimum: bool = False, maximum: bool = False) -> str | None:
    """What is wrong with the arguments of `impute`; None where they are right. `minimum`, `maximum`: is there such a bound?"""
    if date is not None and date not in ("first", "last", "mid") and _fixed_date(date) is None:
        return f"The date rule '{date}' is none of first, last, mid, mm-dd (as 06-30) and dd (as 15)."
    if time is not None and time not in ("first", "last") and _fixed_time(time) is None:
        return f"The time rule '{time}' is none of first, last and HH:MM:SS (as 12:00:00)."
    if highest is not None and (len(highest) != 1 or highest not in LEVELS):
        return f"The highest part to impute, '{highest}', is none of {', '.join(LEVELS)}: year, month, day, hour, minute, second, none."
    if highest in ("Y", "M", "D") and date is None:
        return f"Imputing dates (highest: {highest}) needs a date rule: first, last, mid or mm-dd."
    if highest in ("h", "m", "s") and time is None:
        return f"Imputing times (highest: {highest}) needs a time rule: first, last or HH:MM:SS."
    if highest in ("Y", "M") and len(_fixed_date(date) or ()) == 1:
        return f"The date rule '{date}' gives the day only; imputing the month needs mm-dd."
    if highest == "Y" and not (date == "first" and minimum or date == "last" and maximum):
        return "Imputing years needs the date rule first with a minimum, or last with a maximum."
    return None


def _fixed_date(rule: str) -> tuple[int, ...] | None:
    """"06-30" -> (6, 30), "15" -> (15,); None where the rule is no such date in any year."""
    if not re.fullmatch(r"(?:\d\d-)?\d\d", rule, re.ASCII):
        return None
    numbers = tuple(int(number) for number in rule.split("-"))
    month = numbers[0] if len(numbers) == 2 else UNKNOWN
    return numbers if iso8601.possible(np.array([[UNKNOWN], [month], [numbers[-1]], *[[UNKNOWN]] * 3]))[0] else None


def _fixed_time(rule: str) -> tuple[int, ...] | None:
    if not re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", rule, re.ASCII):
        return None
    return tuple(int(number) for number in rule.split(":"))


# --- Filling ----------------------------------------------------------------------------------------------------------


def _known(numbers: np.ndarray, preserve: bool) -> np.ndarray:
    """Which parts count as known: none behind an unknown one, or (preserve) none where the year is unknown."""
    known = numbers != UNKNOWN
    return known & known[0] if preserve else np.logical_and.accumulate(known, axis=0)


def _first_unknown(known: np.ndarray) -> np.ndarray:
    """The position of the highest unknown part; the number of parts where all are known."""
    return np.where(known.all(axis=0), len(known), np.argmin(known, axis=0))


def _moments(
    numbers: np.ndarray, fraction: np.ndarray | float, date: str | None, time: str | None, level: int, readable: np.ndarray
) -> np.ndarray:
    """SAS seconds of each distinct date, three rows: as imputed, the earliest and the latest that the text allows."""
    first = _first_unknown(numbers != UNKNOWN)
    imputed = np.where(readable & (first >= level), _filled(numbers, date or "first", time or "first"), np.nan)
    return np.stack([imputed, _filled(numbers, "first", "first"), _filled(numbers, "last", "last")]) + fraction


def _filled(numbers: np.ndarray, date: str, time: str) -> np.ndarray:
    """SAS seconds with every unknown part filled; infinitely early or late where the year is unknown."""
    year, month, day, *clock = numbers
    no_month, no_day = month == UNKNOWN, day == UNKNOWN
    fixed = _fixed_date(date) or (1, 1)
    month = np.where(no_month, {"first": 1, "last": 12, "mid": 6}.get(date, fixed[0]), month)
    end = iso8601.last_day(year, month)
    new_day = {"first": 1, "last": end, "mid": np.where(no_month, 30, 15)}.get(date, fixed[-1])
    day = np.where(no_day, np.minimum(new_day, end), day)  # a day that this month does not have becomes its last
    new_clock = {"first": (0, 0, 0), "last": (23, 59, 59)}.get(time) or _fixed_time(time)
    clock = [np.where(part == UNKNOWN, new, part) for part, new in zip(clock, new_clock, strict=True)]
    filled = np.stack([year, month, day, *clock])
    possible = iso8601.possible(filled)  # a kept day may not be in a filled month: 31 and June
    seconds = iso8601.to_days(np.where(possible, filled, UNKNOWN)) * _DAY + clock[0] * 3600.0 + clock[1] * 60.0 + clock[2]
    return np.where(year == UNKNOWN, -np.inf if date == "first" else np.inf, seconds)


def _flag(known: np.ndarray, letters: str, results: np.ndarray, codes: np.ndarray, index: pd.Index) -> pd.Series:
    position = _first_unknown(known)[codes]
    position = np.where(np.isnan(results) | (position == len(letters)), -1, position)
    return iso8601.spread(pa.array(list(letters), TEXT), position, index)


# --- Bounds -----------------------------------------------------------------------------------------------------------


def _columns(bounds: Bounds) -> list[pd.Series]:
    return [] if bounds is None else [bounds] if isinstance(bounds, pd.Series) else list(bounds)


def _bounds(columns: list[pd.Series], clock: float, whole_days: bool) -> list[np.ndarray]:
    """SAS seconds of each bound; a bound without a time gets this time of day; NaN (no bound) for a partial date."""
    bounds = []
    for column in columns:
        if pd.api.types.is_numeric_dtype(column.dtype):
            bound = column.to_numpy("float64", na_value=np.nan) * _DAY + clock
        else:
            codes, texts = iso8601.distinct(column)
            parts = iso8601.read_valid(texts)
            seconds = iso8601.to_seconds(parts)
            dated = iso8601.to_days(parts.numbers) * _DAY + clock
            bound = np.append(np.where(np.isnan(seconds), dated, seconds), np.nan)[codes]
        bounds.append(np.floor(bound / _DAY) * _DAY if whole_days else bound)
    return bounds


def _bounded(moments: np.ndarray, codes: np.ndarray, minima: list[np.ndarray], maxima: list[np.ndarray]) -> np.ndarray:
    """The moment of each row, moved up to the minima and then down to the maxima that lie inside its range."""
    value, earliest, latest = moments[:, codes]
    for bound in minima:
        value = np.where((earliest <= bound) & (bound <= latest) & (value < bound), bound, value)
    for bound in maxima:
        value = np.where((earliest <= bound) & (bound <= latest) & (value > bound), bound, value)
    return np.where(np.isfinite(value), value, np.nan)
