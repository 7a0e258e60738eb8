"""Identifiers: sequence numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..columns import group_codes, sort_order
from ..registry import Columns, method


@method
def sequence(by: Columns, within: Columns = ("USUBJID",)):
    """Number of the record within {within}, in the order of {by}.

    Whole numbers from 1; records that are equal in {by} keep the order in which they were collected. Missing sorts first, text by
    code point. SDTMIG 4.1.5. AESEQ: {sequence: [AEDTC, AESTDTC]}
    """
    groups, size = group_codes(within, len(by[0]))
    order = sort_order(by)
    order = order[np.argsort(groups[order], kind="stable")]
    numbers = np.empty(len(groups), dtype="float64")
    numbers[order] = position_in_group(groups[order], size)
    return pd.Series(numbers)


def position_in_group(groups: np.ndarray, size: int) -> np.ndarray:
    """1, 2, 3 ... within each run of equal group numbers; `groups` has equal numbers side by side."""
    if len(groups) == 0:
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    lengths = np.diff(np.r_[starts, len(groups)])
    return np.arange(len(groups)) - np.repeat(starts, lengths) + 1
