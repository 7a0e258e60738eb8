"""Dates in ISO 8601 as SDTM has them (SDTMIG 4.4): combine, check, compare, count. Partial dates stay partial.

This is the module to import; `parse` and `check_format` (date_formats.py), `impute` and `check_imputation` (imputation.py) are
found here too. Columns go in and come out as pandas Series with the index of the first argument; several columns are matched
by position. Text that is no valid date counts as unknown: `is_date` tells it apart. docs/dates.md is the whole story.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert import iso8601
from sdtm_convert.date_formats import CUTOFF, UNKNOWN_PARTS, Parsed, check_format, parse
from sdtm_convert.imputation import Imputed, check_imputation, impute
from sdtm_convert.iso8601 import PARTS, TEXT, UNKNOWN, Parts

__all__ = [
    "CUTOFF", "UNITS", "UNKNOWN_PARTS", "Imputed", "Parsed", "assemble", "check_format", "check_imputation", "combine", "compare",
    "days", "duration_between", "from_days", "from_seconds", "impute", "is_date", "is_duration", "parse", "precision", "seconds",
    "study_day",
]

UNITS = ("years", "months", "weeks", "days", "hours", "minutes", "seconds", "iso")
_SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}


# --- Putting together -------------------------------------------------------------------------------------------------


def combine(date: pd.Series, time: pd.Series) -> pd.Series:
    """A date and a time, as `parse` gives them -> one ISO 8601 text (SDTMIG 4.4.2).

    A time beside a partial date is kept (`2019-12--T14:00`), a time without any date too (`-----T14:00`): nothing collected
    is lost. Missing where both are missing, or where one cannot be read (see `assemble`).

    >>> combine(pd.Series(["2019-12-05", "2019-12"]), pd.Series(["14:00", "14:00"])).tolist()
    ['2019-12-05T14:00', '2019-12--T14:00']
    """
    return assemble(date, time).values


def assemble(*columns: pd.Series) -> Parsed:
    """Pieces of dates, as `parse` gives them (day, month, year, time in columns of their own) -> ISO 8601 text.

    Each part is taken from the first column that knows it. Reasons: "unreadable" (a piece is no ISO 8601), "impossible" (the
    pieces make no date: 31 from one column, April from another); the value is then missing.

    >>> assemble(pd.Series(["----05"]), pd.Series(["--03"]), pd.Series(["2020"])).values.tolist()
    ['2020-03-05']
    """
    index = columns[0].index
    coded = [iso8601.distinct(column) for column in columns]
    group = np.zeros(len(index), "int64")
    for codes, texts in coded:  # which distinct combination of texts each row holds
        group = pd.factorize(group * (len(texts) + 1) + codes + 1)[0]
    rows = np.zeros(group.max(initial=-1) + 1, "int64")  # one row of each combination
    rows[group] = np.arange(len(group))
    parts, unreadable = iso8601.plain_parts(np.full((6, len(rows)), UNKNOWN, "int32")), np.zeros(len(rows), bool)
    alone = pa.nulls(len(rows), TEXT)  # an interval can stand beside nothing else
    present = np.zeros(len(rows), int)
    for codes, texts in coded:
        piece, shaped, _ = iso8601.read(iso8601.with_date(texts))
        interval = ~shaped & iso8601.is_date_text(texts)
        codes = codes[rows]
        parts = _coalesce(parts, piece.take(codes))
        alone = pc.coalesce(alone, pc.if_else(pa.array(interval), texts, pa.scalar(None, TEXT)).take(pa.array(codes, mask=codes < 0)))
        unreadable |= np.append(~shaped & ~interval, False)[codes]
        present += codes >= 0
    whole = iso8601.flags(pc.is_valid(alone))
    possible = iso8601.possible(parts.numbers)
    fine = ~unreadable & np.where(whole, present == 1, possible)
    texts = pc.if_else(pa.array(whole), alone, iso8601.write(parts))
    reasons = pa.array(np.where(unreadable | whole, "unreadable", "impossible"), TEXT)
    nothing = pa.scalar(None, TEXT)
    return Parsed(
        iso8601.spread(pc.if_else(pa.array(fine), texts, nothing), group, index),
        iso8601.spread(pc.if_else(pa.array(fine), nothing, reasons), group, index),
    )


def _coalesce(first: Parts, second: Parts) -> Parts:
    known = first.numbers != UNKNOWN
    return Parts(
        np.where(known, first.numbers, second.numbers),
        pc.if_else(pa.array(known[5]), first.fraction, second.fraction),
        pc.if_else(pa.array(known[4]), first.zone, second.zone),
    )


# --- Checking ---------------------------------------------------------------------------------------------------------


def is_date(values: pd.Series) -> pd.Series:
    """Which values are valid for a --DTC variable: dates, datetimes, partial ones, intervals, each checked by the calendar.

    False for missing values. A time zone (`Z`, `+02:00`) may follow a time that is known to the minute.

    >>> is_date(pd.Series(["2020-02-29", "2019-02-29", "2019---05", "2020-01-01/2020-01-05", "05JAN2020"])).tolist()
    [True, False, True, True, False]
    """
    return iso8601.apply_text(values, iso8601.is_date_text)


def is_duration(values: pd.Series) -> pd.Series:
    """Which values are valid ISO 8601 durations (--DUR, --ELTM, --EVLINT): `P2W`, `P1Y2M`, `PT12H30M`, `-PT15M`."""
    return iso8601.apply_text(values, iso8601.is_duration_text)


def precision(values: pd.Series) -> pd.Series:
    """How far each date is known without a gap: year, month, day, hour, minute or second; missing without a year.

    >>> precision(pd.Series(["2020-03-05T10:30", "2020---05"])).tolist()
    ['minute', 'year']
    """
    codes, texts = iso8601.distinct(values)
    known = np.logical_and.accumulate(iso8601.read_valid(texts).numbers != UNKNOWN, axis=0)
    finest = np.append(known.sum(axis=0) - 1, -1)[codes]
    return iso8601.spread(pa.array(PARTS, TEXT), finest, values.index)


def compare(left: pd.Series, right: pd.Series | str) -> pd.Series:
    """-1, 0, 1: left is earlier, not to be told apart, later; each pair at the coarser of its two precisions. NaN: no year.

    "2020-03" and "2020-03-05" compare as 0. Two values with time zones compare as moments, others by the clock as recorded.
    """
    one, other = _pair(left, right)
    result, undecided = np.zeros(len(left)), np.ones(len(left), bool)
    for level in range(len(PARTS)):
        undecided &= (one.numbers[level] != UNKNOWN) & (other.numbers[level] != UNKNOWN)
        if level == 0:
            result[~undecided] = np.nan
        order = np.sign(one.numbers[level] - other.numbers[level])
        result = np.where(undecided, order, result)
        undecided &= order == 0
    if undecided.any():  # equal to the second
        result[undecided] = np.sign(iso8601.fractions(one) - iso8601.fractions(other))[undecided]
    return pd.Series(result, index=left.index)


# --- Counting ---------------------------------------------------------------------------------------------------------


def days(values: pd.Series) -> pd.Series:
    """Days since 1960-01-01 (a SAS date) of complete dates, the time cut off; NaN for partial dates and intervals.

    >>> days(pd.Series(["1960-01-02T10:30", "1960-01"])).tolist()
    [1.0, nan]
    """
    codes, texts = iso8601.distinct(values)
    return iso8601.spread_numbers(iso8601.to_days(iso8601.read_valid(texts).numbers), codes, values.index)


def seconds(values: pd.Series) -> pd.Series:
    """Seconds since 1960-01-01T00:00 (a SAS datetime) of complete dates with hour and minute; else NaN.

    Seconds that were not recorded count as 0; the clock is taken as recorded, whatever the time zone.
    """
    codes, texts = iso8601.distinct(values)
    return iso8601.spread_numbers(iso8601.to_seconds(iso8601.read_valid(texts)), codes, values.index)


def from_days(values: pd.Series) -> pd.Series:
    """SAS dates -> ISO 8601 dates; missing for NaN and outside the years 1 to 9999. A part of a day is cut off.

    >>> from_days(pd.Series([0.0, 21608.0])).tolist()
    ['1960-01-01', '2019-02-28']
    """
    return _dated(np.floor(_floats(values)) * 86400.0, 3, values.index)


def from_seconds(values: pd.Series) -> pd.Series:
    """SAS datetimes -> ISO 8601 datetimes to the second; missing for NaN. A part of a second is cut off."""
    return _dated(np.floor(_floats(values)), 6, values.index)


def study_day(date: pd.Series, reference: pd.Series | str) -> pd.Series:
    """Days from the reference, which is day 1; the day before is -1, there is no day 0 (SDTMIG 4.4.4). Nullable integers.

    Both are ISO 8601 text or SAS dates; times are cut off, partial and missing dates give no study day.

    >>> study_day(pd.Series(["2020-01-02", "2020-01-01", "2019-12-31"]), "2020-01-01").tolist()
    [2, 1, -1]
    """
    difference = _day_numbers(date, date) - _day_numbers(reference, date)
    day = difference + (difference >= 0)
    unknown = np.isnan(day)
    return pd.Series(pd.arrays.IntegerArray(np.where(unknown, 0, day).astype("int64"), unknown), index=date.index)


def duration_between(start: pd.Series, end: pd.Series | str, unit: str = "days") -> pd.Series:
    """How long from start to end; negative where the end is earlier, missing where the dates do not tell.

    years, months: completed ones by the calendar (an age), of complete dates. days, weeks: from date to date, times cut off, no
    day added. hours, minutes, seconds: between times known to the minute. These are float64. iso: text, `P5D` between dates,
    `P1DT2H30M` where both have a time.

    >>> duration_between(pd.Series(["1950-03-02"]), "2020-03-01", "years").tolist()
    [69.0]
    """
    if unit not in UNITS:
        raise ValueError(f"The unit '{unit}' of a duration is none of {', '.join(UNITS)}.")
    one, other = _pair(start, end)
    if unit in ("years", "months"):
        months = _completed_months(one.numbers, other.numbers)
        return pd.Series(np.trunc(months / 12) if unit == "years" else months, index=start.index)
    dates = iso8601.to_days(other.numbers) - iso8601.to_days(one.numbers)
    if unit in ("days", "weeks"):
        return pd.Series(dates / (7 if unit == "weeks" else 1), index=start.index)
    times = iso8601.to_seconds(other) - iso8601.to_seconds(one)
    if unit in _SECONDS:
        return pd.Series(times / _SECONDS[unit], index=start.index)
    codes, distinct = pd.factorize(np.where(np.isnan(times), dates * 86400.0, times))
    timed = pa.array([_duration(total, True) for total in distinct], TEXT)
    dated = pa.array([_duration(total, False) for total in distinct], TEXT)
    both = iso8601.spread(timed, codes, start.index)
    return both.where(~np.isnan(times), iso8601.spread(dated, codes, start.index))


def _completed_months(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whole months between complete dates: the 29th of a February that has none is reached on 1 March."""
    complete = (start[:3] != UNKNOWN).all(axis=0) & (end[:3] != UNKNOWN).all(axis=0)
    months = (end[0] - start[0]) * 12 + end[1] - start[1]
    later_day = np.sign(end[2] - start[2])
    completed = months - (later_day < 0) * (months > 0) + (later_day > 0) * (months < 0)
    return np.where(complete, completed, np.nan)


def _duration(total: float, timed: bool) -> str:
    """Seconds as ISO 8601 text: days alone, or days and time."""
    whole = round(abs(total), 6)
    day_count, rest = divmod(whole, 86400.0)
    sign = "-" if total < 0 else ""
    if not timed:
        return f"{sign}P{day_count:.0f}D"
    hour, rest = divmod(rest, 3600.0)
    minute, second = divmod(rest, 60.0)
    numbers = (f"{hour:.0f}", f"{minute:.0f}", f"{second:.6f}".rstrip("0").rstrip("."))
    clock = "".join(number + letter for number, letter in zip(numbers, "HMS", strict=True) if number != "0")
    date = f"{day_count:.0f}D" if day_count else ""
    return f"{sign}P{date}T{clock}" if clock else f"{sign}P{date or 'T0S'}"


# --- Reading valid dates only -----------------------------------------------------------------------------------------


def _pair(left: pd.Series, right: pd.Series | str) -> tuple[Parts, Parts]:
    """The parts of two columns, row by row; in UTC where both have a time zone."""
    right = pd.Series([right], dtype="str").repeat(len(left)) if isinstance(right, str) else right
    (left_codes, left_texts), (right_codes, right_texts) = iso8601.distinct(left), iso8601.distinct(right)
    one, other = iso8601.read_valid(left_texts).take(left_codes), iso8601.read_valid(right_texts).take(right_codes)
    zoned = iso8601.flags(pc.and_(pc.not_equal(one.zone, ""), pc.not_equal(other.zone, "")))
    return (_in_utc(one, zoned), _in_utc(other, zoned)) if zoned.any() else (one, other)


def _in_utc(parts: Parts, zoned: np.ndarray) -> Parts:
    moved = iso8601.from_seconds(iso8601.to_seconds(parts) - iso8601.zone_minutes(parts.zone) * 60.0)
    moved[5] = np.where(parts.numbers[5] == UNKNOWN, UNKNOWN, moved[5])
    return Parts(np.where(zoned & (moved[0] != UNKNOWN), moved, parts.numbers), parts.fraction, parts.zone)


def _day_numbers(values: pd.Series | str, rows: pd.Series) -> np.ndarray:
    if isinstance(values, str):
        return np.repeat(days(pd.Series([values], dtype="str")).to_numpy(), len(rows))
    return np.floor(_floats(values)) if pd.api.types.is_numeric_dtype(values.dtype) else days(values).to_numpy()


def _floats(values: pd.Series) -> np.ndarray:
    return values.to_numpy("float64", na_value=np.nan)


def _dated(moments: np.ndarray, depth: int, index: pd.Index) -> pd.Series:
    """SAS seconds -> ISO 8601 text of the first so many parts."""
    codes, distinct = pd.factorize(moments)
    numbers = iso8601.from_seconds(distinct)
    numbers[depth:] = UNKNOWN
    return iso8601.spread(iso8601.write(iso8601.plain_parts(numbers)), codes, index)
