"""ISO 8601 dates as conformance rules compare them: partial, with unknown components (`2003---15`, `--12-15`), intervals, zones.

Every distinct text is read once into a precision and one number for each precision, so that comparing two columns at the
coarser of two precisions is integer arithmetic. Source: SDTMIG 4.4.2 and 4.4.3; the comparison rules are those of CDISC's engine.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

import numpy as np

YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION = range(7)
_BASES = (13, 32, 24, 60, 60, 1_000_000)
_DEFAULTS = (1970, 1, 1, 0, 0, 0, 0)

_TIME = r"T(2[0-3]|[01][0-9]|-)(?::([0-5][0-9]|-)(?::([0-5][0-9]|-)?(?:\.([0-9]+))?)?)?(Z|[+-](?:2[0-3]|[01][0-9]):[0-5][0-9])?"
_DATE = r"(-?[0-9]{4}|-)(?:-{1,2}(1[0-2]|0[1-9]|-))?(?:-{1,2}(3[01]|0[1-9]|[12][0-9]|-))?(?:" + _TIME + ")?"
_UNCERTAIN = re.compile(rf"(?:{_DATE}(?:/{_DATE})?|-{{4,8}}{_TIME})")
_CERTAIN = re.compile(
    r"([0-9]{4})(?:-(1[0-2]|0[1-9])(?:-(3[01]|0[1-9]|[12][0-9])(?:T(2[0-3]|[01][0-9])(?::([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]+))?)?)?"
    r"(Z|[+-](?:2[0-3]|[01][0-9]):[0-5][0-9])?)?)?)?"
)
_NUMBER = r"(\d+(?:[.,]\d*)?)"
_CLOCK = rf"(T(?=\d)(?:{_NUMBER}H)?,?(?:{_NUMBER}M)?,?(?:{_NUMBER}S)?)?"
_DURATION = re.compile(rf"-?P(?=.)(?:(?:{_NUMBER}Y)?,?(?:{_NUMBER}M)?,?(?:{_NUMBER}D)?,?{_CLOCK}|{_NUMBER}W)")


@dataclass(frozen=True)
class Dates:
    """What is known of each distinct cell: whether it is a date, its precision (YEAR to FRACTION, -1 for none), and at each
    precision a number that orders it, with times converted to UTC."""

    valid: np.ndarray
    precision: np.ndarray
    keys: np.ndarray  # (cells, 7) int64


def parse_dates(cells: np.ndarray) -> Dates:
    """The dates of distinct cells; what is no text, or no ISO 8601 date, is not valid."""
    valid = np.zeros(len(cells), dtype=bool)
    precision = np.full(len(cells), -1, dtype=np.int8)
    keys = np.zeros((len(cells), 7), dtype=np.int64)
    for row, cell in enumerate(cells):
        parts = date_parts(cell) if isinstance(cell, str) else None
        if parts is not None:
            valid[row], precision[row] = True, parts[0]
            keys[row] = _keys(parts[1])
    return Dates(valid, precision, keys)


def date_parts(text: str) -> tuple[int, tuple[int, ...]] | None:
    """Precision and the seven components (UTC) of an ISO 8601 date; None if the text is none.

    >>> date_parts("2020-02-29T23:30-01:00")
    (4, (2020, 3, 1, 0, 30, 0, 0))
    >>> date_parts("2003---15"), date_parts("2020-02-30")
    ((0, (2003, 1, 15, 0, 0, 0, 0)), None)
    """
    match = _CERTAIN.fullmatch(text)
    if match:
        numbers = [int(part) if part else default for part, default in zip(match.groups()[:6], _DEFAULTS)]
        fraction = int((match[7] + "000000")[:6]) if match[7] else 0
        moment = _moment(*numbers, fraction)
        if moment is None:
            return None
        precision = sum(part is not None for part in match.groups()[:7]) - 1
        return precision, _utc(moment, match[8])
    if "/" in text or "--" in text or "-:" in text:
        return _uncertain_parts(text)
    return None


def _uncertain_parts(text: str) -> tuple[int, tuple[int, ...]] | None:
    match = _UNCERTAIN.fullmatch(text)
    if not match:
        return None
    groups = match.groups()
    first, second, time = groups[:8], groups[8:16], groups[16:]
    known = [first[i] or second[i] or (time[i - 3] if i >= 3 else None) for i in range(7)]
    known = [None if part in (None, "-", "") else int(part) for part in known]
    precision = next((position for position, part in enumerate(known) if part is None), 7) - 1
    numbers = [default if part is None else part for part, default in zip(known, _DEFAULTS)]
    moment = _moment(*numbers[:6], min(numbers[6], 999_999))
    return (precision if moment is not None else -1), (_components(moment) if moment is not None else _DEFAULTS)


def _moment(*numbers: int) -> datetime.datetime | None:
    try:
        return datetime.datetime(*numbers)
    except ValueError:  # no such day
        return None


def _utc(moment: datetime.datetime, zone: str | None) -> tuple[int, ...]:
    if zone and zone != "Z":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        offset = datetime.timedelta(hours=hours, minutes=minutes)
        try:
            moment = moment - offset if zone[0] == "+" else moment + offset
        except OverflowError:  # the first or last day of the calendar
            pass
    return _components(moment)


def _components(moment: datetime.datetime) -> tuple[int, ...]:
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond)


def _keys(parts: tuple[int, ...]) -> list[int]:
    keys = [parts[0]]
    for base, part in zip(_BASES, parts[1:]):
        keys.append(keys[-1] * base + part)
    return keys


def to_the_second(text: str) -> str:
    """A date in its own precision, up to the second, in UTC; empty text where the text is no date as rules know them.

    >>> to_the_second("2020-01"), to_the_second("2020-01-02T10:30+02:00"), to_the_second("2020-01-02T10:30:15.123"), to_the_second("2020-1")
    ('2020-01', '2020-01-02T08:30', '2020-01-02T10:30:15', '')
    """
    parts = date_parts(text) if isinstance(text, str) else None
    if parts is None:
        return ""
    precision, numbers = parts
    day = "-".join(f"{number:0{4 - 2 * bool(place)}d}" for place, number in enumerate(numbers[: min(precision, DAY) + 1]))
    return "T".join(part for part in (day, ":".join(f"{number:02d}" for number in numbers[HOUR : min(precision, SECOND) + 1])) if part)


def is_complete(cell: object) -> bool:
    """Whether a cell is a full ISO 8601 date (year, month, day), with or without time."""
    if not isinstance(cell, str):
        return False
    try:
        datetime.datetime.fromisoformat(cell)
    except ValueError:
        return False
    return True


def is_duration(cell: object, negative: bool = True) -> bool:
    """Whether a cell is an ISO 8601 duration; a decimal only in its last component; a leading minus only if `negative`.

    >>> is_duration("P1Y2M"), is_duration("PT0.5H"), is_duration("P1.5Y2M"), is_duration("-P2W", negative=False)
    (True, True, False, False)
    """
    text = cell if isinstance(cell, str) else str(cell)
    match = _DURATION.fullmatch(text)
    if not match or (not negative and text.startswith("-")):
        return False
    years, months, days, time, hours, minutes, seconds, weeks = match.groups()
    if time and not (hours or minutes or seconds):
        return False
    parts = [part for part in (years, months, weeks, days, hours, minutes, seconds) if part]
    return not any("." in part or "," in part for part in parts[:-1])
