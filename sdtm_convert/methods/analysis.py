"""ADaM: treatment-emergent, baseline, change, analysis visits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..columns import as_numbers, group_codes, round_half_up
from ..registry import Column, Columns, Number, Problem, method


def _check_window(arguments: dict) -> str | None:
    together = (arguments["window"] is None) == (arguments["treatment_end"] is None)
    return None if together else "window and treatment_end need each other."


@method(check=_check_window)
def treatment_emergent(start: Column, treatment_start: Column, end: Column | None = None, treatment_end: Column | None = None,
                       window: Number | None = None):
    """Y where {start} is on or after {treatment_start}[ and not later than {window} days after {treatment_end}].

    SAS dates, complete dates in ISO 8601 or, without a window, SAS datetimes. Missing for subjects who were not treated and for events that ended before treatment; an event without a start that
    did not end before treatment counts as emergent. Never N. TRTEMFL: {treatment_emergent: ASTDT, end: AENDT, treatment_start: ADSL.TRTSDT}
    """
    begin, treated = _days(start), _days(treatment_start)
    ended_before = np.zeros(len(begin), dtype=bool) if end is None else _days(end) < treated
    emergent = np.isnan(begin) | (begin >= treated)
    if window is not None and treatment_end is not None:
        last = _days(treatment_end)
        emergent &= np.isnan(begin) | np.isnan(last) | (begin <= last + window)
    return _letters(emergent & ~ended_before & ~np.isnan(treated), "Y")


def _days(date: pd.Series) -> np.ndarray:
    """SAS days of a column of SAS dates or ISO 8601 text."""
    return (date if pd.api.types.is_numeric_dtype(date.dtype) else dates.days(date)).to_numpy(dtype="float64", na_value=np.nan)


def _letters(mask: np.ndarray, letter: str) -> pd.Series:
    return pd.Series(pd.array([letter], dtype="str").take(np.where(mask, 0, -1), allow_fill=True))


@method
def value_at(value: Column, flag: Column, within: Columns):
    """{value} of the record within {within} that is flagged Y in {flag}.

    On every record of the group. Where two are flagged the first is taken and the others are reported. BASE: {value_at: AVAL, flag: ABLFL, within: [USUBJID, PARAMCD]}
    """
    codes, size = group_codes(within, len(value))
    flagged = np.flatnonzero((flag == "Y").to_numpy(dtype=bool, na_value=False))
    row_of_group = np.full(size, -1, dtype=np.int64)
    row_of_group[codes[flagged][::-1]] = flagged[::-1]
    second = np.zeros(len(codes), dtype=bool)
    second[flagged] = row_of_group[codes[flagged]] != flagged
    rows = row_of_group[codes]
    return pd.Series(value.array.take(rows, allow_fill=True)), [Problem("MAP-TIE", second, "a second flagged record of its group", flag)]


@method
def change(value: Column, base: Column):
    """{value} minus {base}.

    CHG: {change: AVAL, base: BASE, where: ABLFL is missing}
    """
    return _clean(as_numbers(value) - as_numbers(base))


@method
def percent_change(value: Column, base: Column):
    """100 times ({value} minus {base}) divided by the absolute value of {base}.

    Missing where the base is 0. PCHG: {percent_change: AVAL, base: BASE, where: ABLFL is missing}
    """
    start = as_numbers(base).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        percent = 100 * (as_numbers(value).to_numpy() - start) / np.abs(start)
    return _clean(pd.Series(np.where(start == 0, np.nan, percent)))


def _clean(values: pd.Series) -> pd.Series:
    """Without the last digits that binary subtraction adds: 12 decimals are kept."""
    return pd.Series(np.round(values.to_numpy(dtype="float64"), 12))


@method
def ratio(value: Column, divisor: Column):
    """{value} divided by {divisor}.

    Missing where the divisor is 0. `{ratio: PO2, divisor: FIO2}`
    """
    bottom = as_numbers(divisor).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        return _clean(pd.Series(np.where(bottom == 0, np.nan, as_numbers(value).to_numpy() / bottom)))


@method
def difference(value: Column, subtract: Column):
    """{value} minus {subtract}.

    `{difference: VISITDY, subtract: TARGET}`
    """
    return _clean(as_numbers(value) - as_numbers(subtract))


@method
def rounded(value: Column, decimals: Number):
    """{value}, rounded half up to {decimals} decimals.

    `{rounded: {ratio: PO2, divisor: FIO2}, decimals: 1}`
    """
    return pd.Series(round_half_up(as_numbers(value), int(decimals)))
