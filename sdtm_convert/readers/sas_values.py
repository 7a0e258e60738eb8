"""What SAS datasets and transport files share: numbers that a format shows as dates and times, and special missing values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import pandas as pd

from ..findings import findings
from ..xpt.header import parse_format
from ..xpt.moments import DATES_OF_DATETIMES, DATETIMES, DAYS, MONTHS, MONTHS_OF_DATETIMES, TIMES, YEARS, YEARS_OF_DATETIMES
from .raw import number_text

ONE_DATASET = "a raw file must hold one. Write one transport file for each dataset."

EPOCH = dt.datetime(1960, 1, 1)


def text_function(format: str) -> Callable[[float], str]:
    """What turns a number with this SAS format into text.

    >>> text_function("DATE9")(22000), text_function("MONYY7")(21915), text_function("TIME5")(3600), text_function("BEST12")(5.0)
    ('2020-03-26', '2020-01', '01:00', '5')
    """
    name, width, _ = parse_format(format) or ("", 0, 0)
    name = name.upper()
    if name in DAYS | MONTHS | YEARS:
        shortest = 7 if name in MONTHS else 4 if name in YEARS else 10
        return lambda value: _date(value * 86400, value, shortest) if value % 1 == 0 else number_text(value)
    if name in DATETIMES:
        return _datetime
    if name in DATES_OF_DATETIMES | MONTHS_OF_DATETIMES | YEARS_OF_DATETIMES:
        shortest = 7 if name in MONTHS_OF_DATETIMES else 4 if name in YEARS_OF_DATETIMES else 10
        return lambda value: _datetime(value) if value % 86400 else _date(value, value, shortest)
    if name in TIMES:
        return lambda value: _time(value, seconds_shown=name != "HHMM" and not (name == "TIME" and 0 < width <= 5))
    return number_text


def _date(seconds: float, value: float, shortest: int) -> str:
    """ISO date; month and day that the format does not show (`shortest` is the length it shows) are left out where they are 1."""
    moment = _moment(seconds)
    if moment is None:
        return number_text(value)
    text = moment.date().isoformat()
    while len(text) > shortest and text.endswith("-01"):
        text = text[:-3]
    return text


def _datetime(value: float) -> str:
    moment = _moment(value)
    return number_text(value) if moment is None else _trimmed(moment.isoformat())


def _moment(seconds: float) -> dt.datetime | None:
    try:
        return EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:
        return None


def _time(value: float, seconds_shown: bool) -> str:
    if abs(value) >= 360_000_000:  # no time of day, and more hours than anyone measures
        return number_text(value)
    hours, rest = divmod(dt.timedelta(seconds=abs(value)), dt.timedelta(hours=1))
    clock = (dt.datetime.min + rest).time().isoformat()
    clock = clock[:5] if not seconds_shown and clock.endswith(":00") else clock
    return f"{'-' if value < 0 else ''}{hours:02d}:{_trimmed(clock[3:])}"


def _trimmed(text: str) -> str:
    """Without trailing zeros of a fraction of a second."""
    return text.rstrip("0") if "." in text else text


def special_findings(name: str, special: Mapping[str, Mapping[int, str]]) -> pd.DataFrame:
    """One notice for each variable and letter of a raw table; `special` holds, by variable, the letters (A to Z, _) by 0-based row."""
    rows = []
    for variable, letters in special.items():
        for letter in sorted(set(letters.values())):
            records = [row + 1 for row, found in letters.items() if found == letter]
            some = ", ".join(map(str, records[:10])) + (", ..." if len(records) > 10 else "")
            rows.append(
                {
                    "rule": "RAW-SPECIAL-MISSING",
                    "severity": "notice",
                    "dataset": name,
                    "variables": variable,
                    "values": f".{letter}",
                    "message": f"A special missing value was read as missing ({len(records)} times: records {some})",
                    "source": f"{name} {variable}",
                }
            )
    return findings(rows)
