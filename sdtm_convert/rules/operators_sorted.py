"""The operator target_is_sorted_by: whether the target, sorted within its group, brings other variables into order too.

Its cases (empty cells, dates of different precision) are those of CDISC's engine; they need the rows of a group side by side, so
this one works group by group. It is meant for small datasets such as SE and SM.
"""

from __future__ import annotations

import re

import numpy as np

from .dates import date_parts
from .operators_sets import column_of, rank
from .table import Table


def target_is_sorted_by(table: Table, name: str, value: list, within: str | list[str]) -> np.ndarray:
    """Within each group by `within`, rows sorted by the target are also in the order of each variable of `value` (a list of `name`,
    `sort_order` asc or desc, `null_position` first or last). Two dates of which one is the other at a coarser precision fail."""
    groups = [within] if isinstance(within, str) else list(within)
    codes = table.groups([item for item in groups if column_of(table, item) is not None])
    has_group = np.all([table.column(item).codes >= 0 for item in groups], axis=0)
    order = np.lexsort((rank(column_of(table, name)), codes))
    order = order[has_group[order]]
    bounds = np.flatnonzero(np.diff(codes[order], prepend=-1)).tolist() + [len(order)]
    answer = np.ones(table.rows, dtype=bool)
    for by in value:
        other = column_of(table, by["name"]).cells
        target = table.column(name).cells
        for start, end in zip(bounds, bounds[1:]):
            rows = order[start:end]
            descending = str(by.get("sort_order", "asc")).lower() == "desc"
            answer[rows] &= _in_order(target[rows], other[rows], descending, by.get("null_position", "last"))
    return answer


def _in_order(target: np.ndarray, other: np.ndarray, descending: bool, null_position: str) -> np.ndarray:
    """Which rows of one group, already sorted by the target, stand where `other` wants them."""
    empty = np.array([cell is None or str(cell).strip() == "" for cell in other])
    overlaps = _overlaps(other, empty)
    answer = ~overlaps & ~_misplaced_empty(empty, null_position)
    rows = np.flatnonzero(~empty & ~overlaps)
    wanted = rows[_sorted_positions(other[rows], descending)]
    answer[rows] &= np.array([target[a] == target[b] for a, b in zip(rows, wanted)], dtype=bool)
    filled = np.flatnonzero(~empty)
    for position, row in enumerate(filled):
        if not answer[row] or (isinstance(other[row], str) and not _date(other[row])):
            continue
        before = other[filled[position - 1]] if position else None
        after = other[filled[position + 1]] if position + 1 < len(filled) else None
        low, high = (after, before) if descending else (before, after)
        answer[row] = not ((low is not None and other[row] < low) or (high is not None and other[row] > high))
    return answer


def _sorted_positions(cells: np.ndarray, descending: bool) -> np.ndarray:
    return np.array(sorted(range(len(cells)), key=cells.__getitem__, reverse=descending), dtype=np.int64)


def _misplaced_empty(empty: np.ndarray, null_position: str) -> np.ndarray:
    if not empty.any() or empty.all():
        return np.zeros(len(empty), dtype=bool)
    places, filled = np.flatnonzero(empty), np.flatnonzero(~empty)
    wrong = places[0] < filled[-1] if null_position == "last" else places[-1] > filled[0]
    return empty & wrong


def _overlaps(cells: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Dates of which another one, of different precision, is the beginning or the continuation."""
    dates = {row: cells[row] for row in np.flatnonzero(~empty) if isinstance(cells[row], str) and _date(cells[row])}
    precision = {row: len([part for part in re.split(r"[-T:]", text.split("--")[0]) if part]) for row, text in dates.items()}
    answer = np.zeros(len(cells), dtype=bool)
    for row, text in dates.items():
        for other, longer in dates.items():
            if precision[row] < precision[other] and longer.startswith(text):
                answer[[row, other]] = True
    return answer


def _date(text: str) -> bool:
    return date_parts(text) is not None
