"""Dates and times as SAS counts them: days or seconds since 1960, which one a variable's format says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sdtm_convert.xpt.arrow import shown
from sdtm_convert.xpt.header import XptVariable, parse_format
from sdtm_convert.xpt.target import Target

DAYS_TO_1970 = 3653  # from 1960-01-01, where SAS begins to count, to 1970-01-01, where Arrow and numpy do
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
SEPARATORS = ("", "B", "C", "D", "N", "P", "S")

# What a format displays of the days since 1960 (dates), the seconds since 1960 (datetimes), or the seconds of a day (times).
DAYS = set("DATE WEEKDATE WEEKDATX WORDDATE WORDDATX JULIAN JULDAY E8601DA B8601DA IS8601DA NENGO MINGUO".split())
DAYS |= set("NLDATE NLDATEL NLDATEM NLDATES NLDATEW EURDFDD EURDFDE EURDFDN EURDFDWN".split())
DAYS |= set("DAY DOWNAME WEEKDAY WEEKU WEEKV WEEKW MONTH MONNAME QTR QTRR YYQ YYQR".split())
DAYS |= {order + separator for order in ("DDMMYY", "MMDDYY", "YYMMDD") for separator in SEPARATORS}
DAYS |= {quarter + separator for quarter in ("YYQ", "YYQR") for separator in "CDNPSZ"} | {"YYWEEKU", "YYWEEKV", "YYWEEKW"}
MONTHS = {"MONYY", "EURDFMY"} | {order + separator for order in ("YYMM", "MMYY") for separator in ("", *"CDNPS")}
YEARS = {"YEAR"}
DATETIMES = set("DATETIME DATEAMPM MDYAMPM E8601DT B8601DT IS8601DT E8601DZ B8601DZ IS8601DZ E8601DX B8601DX E8601LX".split())
DATETIMES |= set("B8601LX NLDATM NLDATML NLDATMM NLDATMS EURDFDT YMDDTTM".split())
DATES_OF_DATETIMES = set("DTDATE DTWKDATX DTYYQC E8601DN B8601DN IS8601DN NLDATMD".split())
MONTHS_OF_DATETIMES, YEARS_OF_DATETIMES = {"DTMONYY"}, {"DTYEAR"}
TIMES = set("TIME HHMM HOUR MMSS TOD TIMEAMPM E8601TM B8601TM IS8601TM E8601TZ B8601TZ E8601LZ B8601LZ NLTIME".split())
_MEANINGS = {"date": DAYS | MONTHS | YEARS, "datetime": DATETIMES | DATES_OF_DATETIMES | MONTHS_OF_DATETIMES | YEARS_OF_DATETIMES, "time": TIMES}


def meaning(format: str) -> str:
    """What numbers shown in this format count: "date" (days), "datetime" or "time" (seconds), or "" for anything else.

    >>> meaning("DATE9."), meaning("E8601DT19."), meaning("8.2")
    ('date', 'datetime', '')
    """
    name, *_ = parse_format(format) or ("",)
    return next((kind for kind, names in _MEANINGS.items() if name.upper() in names), "")


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
    if moment != (counted != "time") or pa.types.is_interval(kind):
        target.refuse(f"has {kind}, which the format {variable.format} cannot show.", variable.name)
    if pa.types.is_date(kind):
        part = part.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
    elif pa.types.is_time(kind):
        part = part.cast(pa.time64("ns")).cast(pa.int64()).cast(pa.duration("ns"))
    ticks, unit = np.asarray(part.cast(pa.int64()).fill_null(0)), PER_SECOND[part.type.unit]
    if counted == "date":
        days, rest = np.divmod(ticks, 86400 * unit)
        if rest.any():
            row = int(np.argmax(rest != 0))
            why = f"has a time of day, which the format {variable.format} would lose."
            target.refuse(why, variable.name, first_row + row, str(shown(part, row)))
        return days.astype(np.float64) + DAYS_TO_1970
    return nearest_seconds(ticks, unit, DAYS_TO_1970 * 86400 if moment else 0)


def nearest_seconds(ticks: np.ndarray, per_second: int, more: int) -> np.ndarray:
    """Whole numbers of ticks as seconds, and `more` whole seconds, each the float64 that is nearest.

    Ticks beyond 2**53 are no float64: seconds so large have room for few digits of a fraction, so that it may be rounded by itself.
    """
    seconds, rest = np.divmod(ticks, per_second)
    seconds += more
    whole = seconds * per_second + rest  # beyond 2**53 it may be anything
    return np.where(np.abs(seconds) < 2**53 // per_second, whole / per_second, seconds + rest / per_second)
