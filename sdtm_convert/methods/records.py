"""From many records of another dataset one value for each record of this one: first, last, lowest, highest, count, sum, any.

Each takes `X: {first: EX.EXSTDTC}` with, if wanted, `matching` (a condition on the other dataset's records), `by` (the variables that
both datasets share; USUBJID by default; what is missing equals nothing) and `order` (the other dataset's variables that say which record comes first).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..columns import as_numbers, sort_order, spread
from ..registry import Column, Number, Related, Text, method


@method
def first(value: Related):
    """The first {value}[ by {order}] of the same {by}[ where {matching}].

    Missing values are passed over. Without `order` the lowest value is the first. RFSTDTC: {first: EX.EXSTDTC}
    """
    return _pick(value, 0)


@method
def last(value: Related):
    """The last {value}[ by {order}] of the same {by}[ where {matching}].

    Missing values are passed over. Without `order` the highest value is the last. RFENDTC: {last: EX.EXENDTC}
    """
    return _pick(value, -1)


def _pick(value: Related, which: int) -> pd.Series:
    present = np.flatnonzero(value.values.notna().to_numpy())
    values, groups = value.values.iloc[present], value.groups[present]
    order = sort_order([column.iloc[present] for column in value.order] or [values])
    chosen = np.full(value.size, -1, dtype=np.int64)
    order = order if which else order[::-1]
    chosen[groups[order]] = present[order]  # the last writer of a group wins
    return spread(value.values, _rows(value, chosen), pd.RangeIndex(len(value.rows)))


def _rows(value: Related, of_group: np.ndarray, nothing: object = -1) -> np.ndarray:
    """What belongs to the group of each row; `nothing` for a row without one."""
    return np.where(value.rows >= 0, of_group[value.rows], nothing) if value.size else np.full(len(value.rows), nothing)


@method
def lowest(value: Related):
    """The lowest {value} of the same {by}[ where {matching}].

    Numbers by value, text (and so ISO 8601 dates) by code point. `{lowest: LB.LBSTRESN}`
    """
    return _extreme(value, 0)


@method
def highest(value: Related):
    """The highest {value} of the same {by}[ where {matching}].

    `{highest: EX.EXDOSE, matching: EXTRT == "DRUG"}`
    """
    return _extreme(value, -1)


def _extreme(value: Related, which: int) -> pd.Series:
    return _pick(Related(value.values, (), value.groups, value.rows, value.size), which)


@method
def count(value: Related):
    """The number of records with {value} of the same {by}[ where {matching}]; 0 where there is none.

    `{count: AE.AETERM, matching: AESER == "Y"}`
    """
    counts = np.bincount(value.groups[value.values.notna().to_numpy()], minlength=value.size).astype("float64")
    return pd.Series(_rows(value, counts, 0.0).astype("float64"))


@method
def total(value: Related):
    """The sum of {value} of the same {by}[ where {matching}].

    What is no number is not added; missing where there is nothing to add. `{total: EX.EXDOSE}`
    """
    numbers = as_numbers(value.values).to_numpy()
    present = ~np.isnan(numbers)
    sums = np.bincount(value.groups[present], weights=numbers[present], minlength=value.size).astype("float64")  # whole where empty
    sums[np.bincount(value.groups[present], minlength=value.size) == 0] = np.nan
    return pd.Series(_rows(value, sums, np.nan).astype("float64"))


@method
def mean(value: Related):
    """The mean of {value} of the same {by}[ where {matching}].

    `{mean: VS.VSSTRESN, matching: VSTESTCD == "SYSBP"}`
    """
    numbers = as_numbers(value.values).to_numpy()
    present = ~np.isnan(numbers)
    counts = np.bincount(value.groups[present], minlength=value.size)
    sums = np.bincount(value.groups[present], weights=numbers[present], minlength=value.size)
    means = np.divide(sums, counts, out=np.full(value.size, np.nan), where=counts > 0)
    return pd.Series(_rows(value, means, np.nan).astype("float64"))


@method
def exists(value: Related, yes: Text = "Y", no: Text | None = None):
    """{yes} where a record with {value} of the same {by} exists[ where {matching}][, else {no}].

    SAFFL: {exists: EX.EXSTDTC, matching: EXDOSE > 0, no: N}
    """
    found = np.bincount(value.groups[value.values.notna().to_numpy()], minlength=value.size) > 0
    mask = _rows(value, found, False).astype(bool)
    return pd.Series(pd.array([yes, no], dtype="str").take(np.where(mask, 0, 1)))


@method
def days_covered(starts: Related, ends: Related, reference: Column, first: Number, last: Number):
    """Number of calendar days from day {first} to day {last} after {reference} on which a period from {starts} to {ends} of the same {by} lies.

    Day 0 is that of the reference. Periods may overlap: a day counts once. A period without an end goes on; where one without a
    start could touch these days the number is missing. 0 where there is no period.
    `{days_covered: HO.HOSTDTC, ends: HO.HOENDTC, reference: DM.RFSTDTC, first: 1, last: 8}`
    """
    day_one = dates.days(reference).to_numpy(dtype="float64")
    start, end = (dates.days(related.values).to_numpy(dtype="float64") for related in (starts, ends))
    origin = np.full(starts.size, np.nan)
    known = starts.rows >= 0
    origin[starts.rows[known]] = day_one[known]
    begins, stops = start - origin[starts.groups], np.where(np.isnan(end), np.inf, end) - origin[starts.groups]
    days = np.zeros(starts.size)
    for day in range(int(first), int(last) + 1):
        covered = np.zeros(starts.size, dtype=bool)
        covered[starts.groups[(begins <= day) & (stops >= day)]] = True
        days += covered
    days[starts.groups[np.isnan(begins) & ~(stops < first)]] = np.nan
    counted = _rows(starts, days, 0.0).astype("float64")
    return pd.Series(np.where(np.isnan(day_one), np.nan, counted))
