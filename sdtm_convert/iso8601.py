"""ISO 8601 as SDTM writes it (SDTMIG 4.4): text with unknown parts, read into columns of numbers and written back.

`2003-12-15T13:15`, `2003-12`, `2003---15` (month unknown), `2003-12--T14:00` (day unknown), `2003-12-15T-:15` (hour unknown),
`--12-15` (year unknown), `-----T07:15` (only the time known); parts unknown at the end are left off. This module works on
arrow arrays of distinct texts; what a derivation calls is in dates.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

PARTS = ("year", "month", "day", "hour", "minute", "second")
UNKNOWN = -1
SAS_EPOCH = np.datetime64("1960-01-01", "D")
NO_DATE = "-----T"  # how a text begins that knows a time and nothing of the date

TEXT = pa.large_string()  # what pandas' `str` columns are made of
_STR = pd.StringDtype("pyarrow", na_value=np.nan)
_SEPARATORS = ("", "-", "-", "T", ":", ":")
_HIGHEST = np.array([9999, 12, 31, 23, 59, 59])
_LOWEST = np.array([1, 1, 1, 0, 0, 0])
_DAYS_IN_MONTH = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_SHAPE = (
    r"^(?P<year>[0-9]{4}|-)(?:-(?P<month>[0-9]{2}|-)(?:-(?P<day>[0-9]{2}|-)"
    r"(?:T(?P<hour>[0-9]{2}|-)(?::(?P<minute>[0-9]{2}|-)(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]+)?)?)?"
    r"(?P<zone>Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?)?)?$"
)
_TIME_ALONE = r"^(?:[0-9]{2}|-)(?::|$)"
_DURATION = r"^-?P(?:#W|(?:#Y)?(?:#M)?(?:#D)?(?:T(?:#H)?(?:#M)?(?:#S)?)?)$".replace("#", r"[0-9]+(?:[.,][0-9]+)?")


@dataclass(frozen=True)
class Parts:
    """Dates taken apart: `numbers` has a row a part (PARTS) and a column a date, -1 where unknown.

    `fraction` is the text of the fraction of the second with its point, `zone` that of the time zone; "" where there is none.
    """

    numbers: np.ndarray
    fraction: pa.Array
    zone: pa.Array

    def take(self, codes: np.ndarray) -> Parts:
        """The dates at these positions; nothing known where the position is -1."""
        numbers = np.column_stack([self.numbers, np.full((6, 1), UNKNOWN, self.numbers.dtype)])[:, codes]
        return Parts(numbers, _take_text(self.fraction, codes), _take_text(self.zone, codes))


def plain_parts(numbers: np.ndarray) -> Parts:
    """Parts with neither a fraction of the second nor a time zone."""
    return Parts(numbers, blank(numbers.shape[1]), blank(numbers.shape[1]))


def blank(count: int) -> pa.Array:
    """So many empty texts."""
    return pa.repeat(pa.scalar("", TEXT), count)


def join(*pieces: pa.Array | str) -> pa.Array:
    """Texts put together row by row."""
    texts = [pa.scalar(piece, TEXT) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*texts, pa.scalar("", TEXT))


# --- From columns of a table to distinct texts and back ---------------------------------------------------------------


def distinct(values: pd.Series) -> tuple[np.ndarray, pa.Array]:
    """Which distinct text each row holds (-1 = missing), and the distinct texts."""
    codes, texts = pd.factorize(values if values.dtype == "str" else values.astype("str"))
    return codes, pa.array(texts, TEXT)


def spread(texts: pa.Array, codes: np.ndarray, index: pd.Index) -> pd.Series:
    """The text of each row, from the distinct texts."""
    return pd.Series(_STR.__from_arrow__(_rows(texts, codes)), index=index)


def spread_numbers(numbers: np.ndarray, codes: np.ndarray, index: pd.Index) -> pd.Series:
    """The number of each row, from those of the distinct texts; NaN for missing text."""
    return pd.Series(np.append(numbers.astype("float64"), np.nan)[codes], index=index)


def spread_mask(mask: np.ndarray, codes: np.ndarray, index: pd.Index) -> pd.Series:
    """True or False of each row; False for missing text."""
    return pd.Series(np.append(mask, False)[codes], index=index)


def _rows(texts: pa.Array, codes: np.ndarray) -> pa.Array:
    return texts.take(pa.array(codes, mask=codes < 0))


def _take_text(texts: pa.Array, codes: np.ndarray) -> pa.Array:
    if not flags(pc.not_equal(texts, "")).any():
        return blank(len(codes))
    return pc.fill_null(_rows(texts, codes), "")


# --- Reading ----------------------------------------------------------------------------------------------------------


def read(texts: pa.Array) -> tuple[Parts, np.ndarray, np.ndarray]:
    """Dates and datetimes -> their parts, which of them have the shape of one, and which of those the calendar has.

    The parts are unknown throughout where the shape is wrong.
    """
    found = pc.extract_regex(texts, _SHAPE)
    shaped = flags(pc.is_valid(found)) & ~flags(pc.ends_with(texts, "-"))
    text = {name: pc.fill_null(pc.struct_field(found, name), "") for name in (*PARTS, "fraction", "zone")}
    numbers = np.stack([_number(text[name]) for name in PARTS])
    zoned = flags(pc.not_equal(text["zone"], ""))
    shaped &= ~zoned | ((numbers[3] != UNKNOWN) & (numbers[4] != UNKNOWN))
    numbers[:, ~shaped] = UNKNOWN
    parts = Parts(numbers, text["fraction"], text["zone"])
    return parts, shaped, shaped & possible(numbers)


def read_valid(texts: pa.Array) -> Parts:
    """The parts of valid dates; nothing is known of other texts."""
    parts, _, right = read(texts)
    return Parts(np.where(right, parts.numbers, UNKNOWN), parts.fraction, parts.zone)


def with_date(texts: pa.Array) -> pa.Array:
    """Times that stand alone (`14:00`, `-:30`) -> the same with the mark of an unknown date; other texts unchanged."""
    return pc.if_else(pc.match_substring_regex(texts, _TIME_ALONE), join(NO_DATE, texts), texts)


def possible(numbers: np.ndarray) -> np.ndarray:
    """Does the calendar have such a date, the clock such a time? An unknown part may be anything: 29 February without a year is."""
    known = numbers != UNKNOWN
    inside = (numbers >= _LOWEST[:, None]) & (numbers <= _HIGHEST[:, None])
    return (inside | ~known).all(axis=0) & (numbers[2] <= last_day(numbers[0], numbers[1]))


def last_day(year: np.ndarray, month: np.ndarray) -> np.ndarray:
    """The last day of the month: 31 where the month is unknown, 29 for February of an unknown year."""
    days = np.where(month == UNKNOWN, 31, _DAYS_IN_MONTH[np.clip(month, 1, 12) - 1])
    leap = (year == UNKNOWN) | (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return np.where((month == 2) & ~leap, 28, days)


def zone_minutes(zones: pa.Array) -> np.ndarray:
    """Minutes east of UTC: 120 for `+02:00`, 0 for `Z` and for no zone."""
    found = pc.extract_regex(zones, r"^(?P<sign>[+-])(?P<hours>[0-9]{2}):(?P<minutes>[0-9]{2})$")
    sign, hours, minutes = (pc.struct_field(found, name) for name in ("sign", "hours", "minutes"))
    count = _number(pc.fill_null(hours, "00")) * 60 + _number(pc.fill_null(minutes, "00"))
    return np.where(flags(pc.equal(sign, "-")), -count, count)


def is_date_text(texts: pa.Array) -> np.ndarray:
    """Valid dates, datetimes, partial ones, and intervals: two dates, or a date and a duration, around a slash."""
    _, _, right = read(texts)
    slashed = flags(pc.match_substring(texts, "/"))
    if not slashed.any():
        return right
    halves = pc.extract_regex(texts.filter(pa.array(slashed)), r"^(?P<start>[^/]+)/(?P<end>[^/]+)$")
    start, end = (pc.fill_null(pc.struct_field(halves, name), "") for name in ("start", "end"))
    start_date, end_date = read(start)[2], read(end)[2]
    right[slashed] = (start_date & end_date) | (start_date & is_duration_text(end)) | (is_duration_text(start) & end_date)
    return right


def is_duration_text(texts: pa.Array) -> np.ndarray:
    """Valid durations: `P2W`, `P1Y2M`, `P1DT12H`, `-PT15M`; only the last number may have a fraction."""
    shaped = flags(pc.match_substring_regex(texts, _DURATION))
    return shaped & ~flags(pc.match_substring_regex(texts, r"(?:[PT]$)|(?:[.,][0-9]+[A-Z].)"))


def flags(mask: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """An arrow mask as numpy booleans of our own; null is False."""
    return np.array(pc.fill_null(mask, False), dtype=bool)


def _number(texts: pa.Array) -> np.ndarray:
    unknown = pc.is_in(texts, value_set=pa.array(["", "-"], texts.type))
    return np.array(pc.cast(pc.if_else(unknown, str(UNKNOWN), texts), pa.int32()))


# --- Writing ----------------------------------------------------------------------------------------------------------


def write(parts: Parts) -> pa.Array:
    """Parts -> ISO 8601 text as SDTM has it, null where nothing is known."""
    known = parts.numbers != UNKNOWN
    finest = np.where(known.any(axis=0), 5 - np.argmax(known[::-1], axis=0), -1)
    pieces = []
    for level, separator in enumerate(_SEPARATORS):
        digits = pc.utf8_lpad(pa.array(parts.numbers[level]).cast(TEXT), 4 if level == 0 else 2, "0")
        text = pc.if_else(pa.array(known[level]), digits, "-")
        piece = join(separator, text)
        pieces.append(pc.if_else(pa.array(finest >= level), piece, ""))
    pieces.append(pc.if_else(pa.array(known[5]), parts.fraction, ""))
    pieces.append(pc.if_else(pa.array(known[3] & known[4]), parts.zone, ""))
    return pc.if_else(pa.array(finest >= 0), join(*pieces), pa.scalar(None, TEXT))


# --- Days and seconds since 1960, as SAS counts -----------------------------------------------------------------------


def to_days(numbers: np.ndarray) -> np.ndarray:
    """Parts -> days since 1960-01-01 (float64), NaN where the date is not complete. Parts must be possible."""
    year, month, day = numbers[:3]
    complete = (numbers[:3] != UNKNOWN).all(axis=0)
    months = (np.where(complete, year, 1960) - 1970) * 12 + np.where(complete, month, 1) - 1
    dates = months.astype("datetime64[M]").astype("datetime64[D]") + np.where(complete, day, 1) - 1
    return np.where(complete, (dates - SAS_EPOCH).astype("float64"), np.nan)


def to_seconds(parts: Parts) -> np.ndarray:
    """Parts -> seconds since 1960-01-01T00:00 (float64) by the clock as recorded, NaN without date, hour and minute.

    Seconds that were not recorded count as 0; a time zone is left aside.
    """
    hour, minute, second = parts.numbers[3:]
    complete = (hour != UNKNOWN) & (minute != UNKNOWN)
    clock = hour * 3600.0 + minute * 60.0 + np.maximum(second, 0) + fractions(parts)
    return np.where(complete, to_days(parts.numbers) * 86400.0 + clock, np.nan)


def fractions(parts: Parts) -> np.ndarray:
    """The fraction of the second, 0 where there is none."""
    text = join("0", parts.fraction)
    return np.array(pc.cast(text, pa.float64())) if len(text) else np.zeros(0)


def from_seconds(seconds: np.ndarray) -> np.ndarray:
    """Whole seconds since 1960 -> numbers of Parts; all unknown for NaN and outside the years 1 to 9999."""
    day = np.floor(seconds / 86400.0)
    usable = (day >= _FIRST_DAY) & (day <= _LAST_DAY)
    day = np.where(usable, day, 0).astype("int64")
    clock = np.where(usable, np.floor(np.where(usable, seconds, 0) - day * 86400.0), 0).astype("int64")
    dates = SAS_EPOCH + day
    months = dates.astype("datetime64[M]")
    month_count = months.astype("int64")
    numbers = [month_count // 12 + 1970, month_count % 12 + 1, (dates - months.astype("datetime64[D]")).astype("int64") + 1,
               clock // 3600, clock // 60 % 60, clock % 60]
    return np.where(usable, np.stack(numbers), UNKNOWN).astype("int32")


_FIRST_DAY, _LAST_DAY = to_days(np.array([[1, 9999], [1, 12], [1, 31], [0, 0], [0, 0], [0, 0]]))


def apply_text(values: pd.Series, function: Callable[[pa.Array], np.ndarray]) -> pd.Series:
    """A mask computed from the distinct texts, spread to the rows."""
    codes, texts = distinct(values)
    return spread_mask(function(texts), codes, values.index)
