"""Dates and times: ISO 8601 from collected formats, study days, durations, epochs, SAS dates for ADaM."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..registry import Column, Columns, DateFormats, Number, Problem, Related, Text, Texts, method

_REASONS = {"unreadable": "MAP-DATE-UNREADABLE", "impossible": "MAP-DATE-IMPOSSIBLE", "ambiguous": "MAP-DATE-AMBIGUOUS"}


@method(origin="Collected")
def iso_datetime(sources: Columns, format: DateFormats, unknown: Texts = ("UN", "UNK", "NK", "ND")):
    """{sources} in ISO 8601, with the precision that was collected.

    One source with its formats, or a date and a time: `{iso_datetime: [AESTDAT, AESTTIM], format: [dd-mmm-yyyy, "HH:MM"]}` reads
    the date by the formats with a day, month or year and the time by those with hours. Formats are tried in the order given;
    unknown parts (`unknown`) stay unknown, partial dates stay partial (SDTMIG 4.4). A text that fits no format or is no date of
    the calendar is missing and reported; one that two of the formats read differently takes the first and is reported.
    """
    date_formats = [text for text in format if not _is_time_only(text)]
    time_formats = [text for text in format if _is_time_only(text)]
    problems, parts, unread = [], [], []
    for position, source in enumerate(sources):
        formats = time_formats if position > 0 and time_formats else date_formats or time_formats
        parsed = dates.parse(source, formats, unknown=tuple(unknown))
        parts.append(parsed.values)
        unread.append((parsed.values.isna() & parsed.reason.notna()).to_numpy())
        problems += [Problem(rule, (parsed.reason == reason).fillna(False).to_numpy(dtype=bool), f"{reason} date or time ({' or '.join(formats)})", source)
                     for reason, rule in _REASONS.items()]
    if len(parts) == 1:
        return parts[0], problems
    whole = dates.assemble(*parts)
    problems.append(Problem("MAP-DATE-IMPOSSIBLE", whole.reason.notna().to_numpy(), "impossible date or time, put together", parts[0]))
    unread = unread[0]  # a time alone says nothing where there was a date that could not be read
    return whole.values.mask(unread), problems


def _is_time_only(text: str) -> bool:
    return not any(letter in text for letter in "yd") and "mmm" not in text and any(letter in text for letter in "HS")


@method
def study_day(date: Column, reference: Column):
    """Days from {reference} to {date}, plus 1 on or after {reference}; there is no day 0.

    Only for complete dates; times are not looked at. SDTMIG 4.4.4. AESTDY: {study_day: AESTDTC, reference: DM.RFSTDTC}
    """
    return dates.study_day(iso_text(date), iso_text(reference)).astype("float64")


def iso_text(column: pd.Series) -> pd.Series:
    """A --DTC as it is; a SAS date (number of days since 1960) as ISO 8601 text."""
    return dates.from_days(column) if pd.api.types.is_numeric_dtype(column.dtype) else column


@method
def date_part(source: Column):
    """The date of {source}, without its time.

    Partial dates stay partial. `{date_part: DSDTC}`
    """
    date = source.str.split("T").str[0].str.rstrip("-")
    return date.mask(date == "")


@method
def sas_date(source: Column):
    """The date of {source} as a SAS date (days since 1960-01-01).

    Missing for partial dates; they are not imputed. ADaM --DT variables. `{sas_date: DM.RFSTDTC}`
    """
    return dates.days(source)


@method
def sas_datetime(source: Column):
    """The date and time of {source} as a SAS datetime (seconds since 1960-01-01T00:00:00).

    Missing unless date, hour and minute are known. ADaM --DTM variables. `{sas_datetime: AESTDTC}`
    """
    return dates.seconds(source)


def _check_imputation(arguments: dict) -> str | None:
    bounds = (arguments.get(name) is not None for name in ("minimum", "maximum"))
    return dates.check_imputation(arguments["date"], arguments.get("time"), arguments["highest"], *bounds)


@method(type="Imputation", check=_check_imputation)
def impute_date(source: Column, date: Text = "first", highest: Text = "M", minimum: Column | None = None, maximum: Column | None = None):
    """{source} as a SAS date; unknown parts up to {highest} (D day, M month, Y year) become the {date} possible[, not before {minimum}][, not after {maximum}].

    `date`: first, last, mid, or mm-dd. A bound acts only where it lies within the dates that the partial date allows; complete
    dates are never moved. ADaMIG 3.1.3. ASTDT: {impute_date: AESTDTC, date: first, highest: M}
    """
    return dates.impute(source, date=date, highest=highest, minimum=_optional_iso(minimum), maximum=_optional_iso(maximum)).days


@method(type="Imputation", check=_check_imputation)
def impute_datetime(source: Column, date: Text = "first", time: Text = "first", highest: Text = "M",
                    minimum: Column | None = None, maximum: Column | None = None):
    """{source} as a SAS datetime; unknown date parts up to {highest} become the {date} possible, an unknown time the {time} possible[, not before {minimum}][, not after {maximum}].

    `time`: first (00:00:00), last (23:59:59), or HH:MM:SS. ASTDTM: {impute_datetime: AESTDTC, date: first, time: first}
    """
    imputed = dates.impute(source, date=date, time=time, highest=highest, minimum=_optional_iso(minimum), maximum=_optional_iso(maximum))
    return imputed.seconds


@method(type="Imputation", check=_check_imputation)
def date_imputation_flag(source: Column, date: Text = "first", highest: Text = "M", minimum: Column | None = None, maximum: Column | None = None):
    """Y, M or D: the highest part of {source} that was imputed; missing where none was.

    Same arguments as of the imputation itself. ADaM --DTF. ASTDTF: {date_imputation_flag: AESTDTC}
    """
    return dates.impute(source, date=date, highest=highest, minimum=_optional_iso(minimum), maximum=_optional_iso(maximum)).date_flag


@method(type="Imputation", check=_check_imputation)
def time_imputation_flag(source: Column, date: Text = "first", time: Text = "first", highest: Text = "M",
                         minimum: Column | None = None, maximum: Column | None = None):
    """H, M or S: the highest part of the time of {source} that was imputed; missing where none was.

    ADaM --TMF. ASTTMF: {time_imputation_flag: AESTDTC}
    """
    return dates.impute(source, date=date, time=time, highest=highest, minimum=_optional_iso(minimum), maximum=_optional_iso(maximum)).time_flag


def _optional_iso(column: pd.Series | None) -> pd.Series | None:
    return None if column is None else iso_text(column)


@method
def days_between(start: Column, end: Column, add: Number = 0):
    """Days from {start} to {end}[, plus {add}].

    Missing unless both dates are complete. ADURN: {days_between: ASTDT, end: AENDT, add: 1}
    """
    return dates.days(iso_text(end)) - dates.days(iso_text(start)) + add


@method
def plus_days(date: Column, days: Number):
    """The date {days} days after {date}, without time.

    Missing unless the date is complete. A negative number goes back. `{plus_days: DM.RFSTDTC, days: 5}`
    """
    return dates.from_days(dates.days(iso_text(date)) + days)


@method
def epoch(date: Column, starts: Related, names: Related):
    """The epoch whose element began last on or before {date}.

    `starts` is the start of each element of the subject (SE.SESTDTC), `names` its epoch. Times count where both have one; a date
    without time belongs to the last element that begins on that day. Partial dates are missing. EPOCH: {epoch: AESTDTC, starts: SE.SESTDTC, names: SE.EPOCH}
    """
    return last_on_or_before(date, starts, names)


def last_on_or_before(date: pd.Series, starts: Related, names: Related) -> pd.Series:
    """For each date the name that belongs to the latest start of its group that is not after it."""
    moment, start = _moment(iso_text(date), 86399.0), _moment(iso_text(starts.values), 0.0)
    name_codes, distinct = pd.factorize(names.values)
    records = pd.DataFrame({"group": starts.groups, "moment": start, "name": name_codes}).dropna(subset=["moment"])
    rows = pd.DataFrame({"group": starts.rows, "moment": moment, "row": np.arange(len(moment))}).dropna(subset=["moment"])
    found = pd.merge_asof(rows.sort_values("moment", kind="stable"), records.sort_values("moment", kind="stable"), on="moment", by="group")
    codes = np.full(len(moment), -1, dtype=np.int64)
    codes[found["row"].to_numpy()] = found["name"].fillna(-1).to_numpy(dtype=np.int64)
    return pd.Series(pd.array(distinct, dtype="str").take(codes, allow_fill=True))


def _moment(date: pd.Series, without_time: float) -> np.ndarray:
    """SAS seconds; of a date without time that second of its day."""
    return dates.seconds(date).fillna(dates.days(date) * 86400.0 + without_time).to_numpy(dtype="float64")
