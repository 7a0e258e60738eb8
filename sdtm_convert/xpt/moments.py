"""Dates and times as SAS counts them: days or seconds since 1960, which one a variable's format says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sdtm_convert.xpt.header import XptVariable, parse_format
from sdtm_convert.xpt.target import Target

DAYS_TO_1970 = 3653  # from 1960-01-01, where SAS begins to count, to 1970-01-01, where Arrow and numpy do
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
FORMATS = {  # the beginnings of names; in this order, as DATETIME begins with DATE
    "datetime": ("DATETIME", "DATEAMPM", "DT", "MDYAMPM", "E8601DT", "B8601DT", "IS8601DT", "E8601DN", "B8601DN", "IS8601DN"),
    "time": ("TIME", "HHMM", "HOUR", "MMSS", "TOD", "E8601TM", "B8601TM", "IS8601TM"),
    "date": (
        "DATE", "DAY", "DDMMYY", "DOWNAME", "JUL", "MMDDYY", "MMYY", "MONNAME", "MONTH", "MONYY", "QTR", "WEEK", "WORDDAT", "YEAR", "YYMM",
        "YYQ", "YYWEEK", "E8601DA", "B8601DA", "IS8601DA",
    ),
}  # fmt: skip


def meaning(format: str) -> str:
    """What numbers shown in this format count: "date" (days), "datetime" or "time" (seconds), or "" for anything else.

    >>> meaning("DATE9."), meaning("E8601DT19."), meaning("8.2")
    ('date', 'datetime', '')
    """
    name = parse_format(format)[0]
    return next((kind for kind, beginnings in FORMATS.items() if name.startswith(beginnings)), "")


def since_1960(part: pa.Array, variable: XptVariable, first_row: int, target: Target) -> np.ndarray:
    """Days (date formats) or seconds (datetime and time formats) of a column of dates or times; for missing ones anything.

    Raises InputError where the format does not say what to count, or would lose a time of day or a time zone.
    """
    kind, counted = part.type, meaning(variable.format)
    if pa.types.is_timestamp(kind) and kind.tz:
        target.refuse(f"has the time zone {kind.tz}, which a transport file cannot keep; convert it to local time.", variable.name)
    if not counted:
        target.refuse(f"has dates or times ({kind}); declare a format that says what to count, such as DATE9.", variable.name)
    moment = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    if moment != (counted != "time"):
        target.refuse(f"has {kind}, which the format {variable.format} cannot show.", variable.name)
    if pa.types.is_date(kind):
        part = part.cast(pa.date32()).cast(pa.timestamp("s"))
    elif pa.types.is_time(kind):
        part = part.cast(pa.time64("ns")).cast(pa.int64()).cast(pa.duration("ns"))
    ticks, unit = np.asarray(part.cast(pa.int64()).fill_null(0)), PER_SECOND[part.type.unit]
    if counted == "date":
        days, rest = np.divmod(ticks, 86400 * unit)
        if rest.any():
            row = int(np.argmax(rest != 0))
            why = f"has a time of day, which the format {variable.format} would lose."
            target.refuse(why, variable.name, first_row + row, str(part[row].as_py()))
        return days.astype(np.float64) + DAYS_TO_1970
    seconds, rest = np.divmod(ticks, unit)
    return seconds.astype(np.float64) + (DAYS_TO_1970 * 86400 if moment else 0) + rest / unit
