"""Flags on one record among many: baseline, last before exposure, first or last occurrence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import dates
from ..columns import group_codes, sort_order
from ..registry import Column, Columns, Problem, Text, method
from .timing import iso_text


def _check_strictly(arguments: dict) -> str | None:
    return None if arguments["strictly"] in ("yes", "no") else f"strictly is yes or no, not '{arguments['strictly']}'."


@method(check=_check_strictly)
def last_before(date: Column, reference: Column, within: Columns, result: Column | None = None, order: Columns = (),
                strictly: Text = "no"):
    """Y for the last record within {within} on or before {reference} by {date}[ and {order}][, that has {result}].

    Dates in ISO 8601 or SAS dates. They are compared with the precision that both have, so an untimed record on the day of the
    reference counts as before it unless `strictly: yes`; partial dates are passed over. Ties that {order} does not break go to the record that was collected last and are reported.
    --LOBXFL and --BLFL, SDTMIG 4.5.9. VSLOBXFL: {last_before: VSDTC, reference: DM.RFXSTDTC, within: [USUBJID, VSTESTCD], result: VSSTRESC}
    """
    date, reference = iso_text(date), iso_text(reference)
    compared = dates.compare(date, reference).to_numpy(dtype="float64", na_value=np.nan)
    candidate = (compared < 0 if strictly == "yes" else compared <= 0) & (dates.days(date).notna() & dates.days(reference).notna()).to_numpy()
    if result is not None:
        candidate &= result.notna().to_numpy()
    return _flag_last(candidate, [date, *order], within)


@method
def first_record(order: Columns, within: Columns):
    """Y for the first record within {within} by {order}.

    Combined with `where`, among the records that meet it only. ADaM AOCCFL and the like.
    AOCCFL: {first_record: [ASTDT, AESEQ], within: [USUBJID], where: TRTEMFL == "Y"}
    """
    codes, size = group_codes(within, len(order[0]))
    flagged = np.zeros(len(codes), dtype=bool)
    rows = sort_order(order)[::-1]
    flagged[_last_of_each(codes[rows], rows, size)] = True
    return _y(flagged)


@method
def last_record(order: Columns, within: Columns):
    """Y for the last record within {within} by {order}.

    Combined with `where`, among the records that meet it only. ANL01FL: {last_record: [ADT, LBSEQ], within: [USUBJID, PARAMCD, AVISIT]}
    """
    codes, size = group_codes(within, len(order[0]))
    flagged = np.zeros(len(codes), dtype=bool)
    rows = sort_order(order)
    flagged[_last_of_each(codes[rows], rows, size)] = True
    return _y(flagged)


def _flag_last(candidate: np.ndarray, order: list[pd.Series], within: list[pd.Series]):
    codes, size = group_codes(within, len(candidate))
    rows = np.flatnonzero(candidate)
    rows = rows[sort_order([column.iloc[rows] for column in order])]
    chosen = _last_of_each(codes[rows], rows, size)
    flagged = np.zeros(len(codes), dtype=bool)
    flagged[chosen] = True
    level, _ = group_codes([pd.Series(codes), *order])
    chosen_level = np.full(size, -1, dtype=np.int64)
    chosen_level[codes[chosen]] = level[chosen]
    tied = candidate & ~flagged & (level == chosen_level[codes])
    return _y(flagged), [Problem("MAP-TIE", tied, "as late as the record that was flagged", order[0])]


def _last_of_each(codes: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    """Of rows in order, the last one of each group."""
    last = np.full(size, -1, dtype=np.int64)
    last[codes] = rows
    return last[last >= 0]


def _y(mask: np.ndarray) -> pd.Series:
    return pd.Series(pd.array(["Y"], dtype="str").take(np.where(mask, 0, -1), allow_fill=True))
