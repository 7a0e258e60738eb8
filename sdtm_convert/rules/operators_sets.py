"""Operators that look at several rows: sets of variables, relationships between variables, order, presence of columns.

`name` and `names` are the column names of the condition's name and value, `table` the dataset; `within` and `ordering` are column
names. Everything is counted on group codes, nothing row by row.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from .column import Column, by_pair, group_codes
from .rule import ColumnMissing, RuleError
from .table import Table, expand

# --- Columns ----------------------------------------------------------------------------------------------------------


def exists(table: Table, name: str) -> np.ndarray:
    """The dataset has a variable of that name (or an operation's list holds the name); the same answer for every row."""
    in_list = any(name in cell for column in table.added.values() for cell in column.used_cells if isinstance(cell, (list, set)))
    return np.full(table.rows, name in table.known or in_list)


def inconsistent_enumerated_columns(table: Table, name: str) -> np.ndarray:
    """Of NAME, NAME1, NAME2 ... one is filled although the one before it is empty."""
    family = sorted((other for other in table.names if re.fullmatch(rf"{re.escape(name)}\d*", other)), key=lambda n: (len(n), n))
    filled = [~table.column(other).spread(table.column(other).values.empty) for other in family]
    answer = np.zeros(table.rows, dtype=bool)
    for before, after in zip(filled, filled[1:]):
        answer |= after & ~before
    return answer


def has_different_values(target: Column) -> np.ndarray:
    """The column holds more than one value, empty counted as one; the same answer for every row."""
    return np.full(len(target), len(target.used) + target.has_missing > 1)


# --- Sets and relationships -------------------------------------------------------------------------------------------


def is_unique_set(table: Table, name: str, names: list[str], regex: str = "", core_compatible: bool = False) -> np.ndarray:
    """No other row has the same values in these variables (empty equals empty). Variables that the dataset does not have are left
    out; an operation's list of names stands for those variables; `regex` cuts values down to what it matches first."""
    wanted = [part for item in [name, *names] for part in expand(table, item)]
    present = list(dict.fromkeys(item for item in wanted if item in table.known))
    if not present:
        raise ColumnMissing(name)
    if core_compatible and len(present) == 1:  # it looks a single value up among tuples, and finds none
        return np.zeros(table.rows, dtype=bool)
    if regex:
        groups = group_codes([_cut(table.column(item), regex) for item in present], table.rows)
    else:
        groups = table.groups(sorted(present))
    return np.bincount(groups)[groups] <= 1


def _cut(column: Column, regex: str) -> Column:
    sample = next((cell for cell in column.used_cells), None)
    if not isinstance(sample, str) or not re.match(regex, sample):
        return column

    def cut(cell: object) -> object:
        found = re.findall(regex, cell) if isinstance(cell, str) and cell else [cell]
        return found[0] if found else None

    return column.map(cut)


def is_not_unique_relationship(table: Table, target: Column, names: list[str]) -> np.ndarray:
    """One value of either side goes with several values of the other, or with a value and with empty. Every row with such a value
    is flagged. Several variables in `value` count as one."""
    others = [column_of(table, item) for item in names]
    left, left_empty = target.codes, target.spread(target.values.empty)
    right = others[0].codes if len(others) == 1 else table.groups(names)
    right_empty = np.any([other.spread(other.values.empty) for other in others], axis=0)
    return _violated(left, left_empty, right, right_empty) | _violated(right, right_empty, left, left_empty)


def _violated(keys: np.ndarray, keys_empty: np.ndarray, others: np.ndarray, others_empty: np.ndarray) -> np.ndarray:
    """Rows whose key, not empty, goes with more than one of `others`; empty counts as one where there is a filled one too."""
    rows = np.flatnonzero(~keys_empty)
    if not len(rows):
        return np.zeros(len(keys), dtype=bool)
    key, other = keys[rows], np.where(others_empty[rows], -1, others[rows])
    pairs = pd.factorize((key - key.min()) * (other.max() + 2) + other + 1)[1]
    partners = np.bincount(pairs // (other.max() + 2))
    answer = np.zeros(len(keys), dtype=bool)
    answer[rows] = partners[key - key.min()] > 1
    return answer


def is_inconsistent_across_dataset(table: Table, target: Column, names: list[str], regex: str = "") -> np.ndarray:
    """Within the groups by the variables of `value`, the target is not everywhere the same: rows with a value rarer than the most
    frequent one are flagged, on a tie every row of the group. Empty counts as a value."""
    present = [item for item in names if item in table.known]
    if not present:
        raise RuleError(f"the dataset has none of the variables {', '.join(names)} to group by")
    groups = table.groups(present)
    if regex:
        target = _extracted(target, regex)
    pairs = group_codes([target], table.rows) + groups * (len(target.values.cells) + 1)
    pair, distinct = pd.factorize(pairs)
    count = np.bincount(pair)
    group_of_pair = distinct // (len(target.values.cells) + 1)
    most = np.zeros(groups.max() + 1, dtype=np.int64)
    np.maximum.at(most, group_of_pair, count)
    ties = np.bincount(group_of_pair, weights=count == most[group_of_pair], minlength=len(most)) > 1
    return (count[pair] < most[groups]) | ties[groups]


def _extracted(target: Column, regex: str) -> Column:
    pattern = re.compile(regex)

    def first(cell: object) -> object:
        found = pattern.search(str(cell))
        return cell if not found else found[1] if pattern.groups else found[0]

    return target.map(first)


def present_on_multiple_rows_within(table: Table, name: str, within: str, minimum: int = 1) -> np.ndarray:
    """The value stands on more than `value` rows (1 unless given) of its group by `within`."""
    column_of(table, name), column_of(table, within)
    groups = table.groups([within, name])
    return np.bincount(groups)[groups] > (minimum or 1)


def column_of(table: Table, name: str) -> Column:
    """The column, or ColumnMissing."""
    if name not in table.known:
        raise ColumnMissing(name)
    return table.column(name)


# --- Order ------------------------------------------------------------------------------------------------------------


def rank(column: Column) -> np.ndarray:
    """For each row a number that sorts as its cell does; missing comes last."""
    distinct = column.used_cells
    order = sorted(range(len(distinct)), key=distinct.__getitem__)
    ranks = np.full(len(column.values.cells), len(distinct), dtype=np.int64)
    ranks[column.used[order]] = np.arange(len(distinct))
    return ranks[column.codes]


def is_ordered_by(target: Column, order: str = "asc") -> np.ndarray:
    """The cell stands where sorting the whole column (`order`: asc or dsc) would put it."""
    if order not in ("asc", "dsc"):
        raise RuleError(f"order is asc or dsc, not {order!r}")
    ranks = rank(target)
    ranks = np.where(target.codes == -1, ranks.max(initial=0) + 1, ranks if order == "asc" else -ranks)
    return (np.sort(ranks) == ranks) & (target.codes >= 0)


def is_ordered_set(table: Table, name: str, names: list[str]) -> np.ndarray:
    """Within the groups by `value`, the target never falls from one row to the next; the same answer for the whole dataset."""
    groups, ranks = table.groups([n for n in names if column_of(table, n) is not None]), rank(column_of(table, name))
    order = np.argsort(groups, kind="stable")
    same = groups[order][1:] == groups[order][:-1]
    return np.full(table.rows, not (same & (np.diff(ranks[order]) < 0)).any())


def empty_within_except_last_row(table: Table, target: Column, names: list[str], ordering: str = "") -> np.ndarray:
    """The cell is empty although its row is not the last (by `ordering`) of its group by `value`."""
    return target.spread(target.values.empty) & _not_last(table, names[0], ordering)


def non_empty_within_except_last_row(table: Table, target: Column, names: list[str], ordering: str = "") -> np.ndarray:
    """The cell is filled although its row is not the last (by `ordering`) of its group by `value`."""
    return ~target.spread(target.values.empty) & _not_last(table, names[0], ordering)


def _not_last(table: Table, group: str, ordering: str) -> np.ndarray:
    key = column_of(table, group)
    order = _sorted(key.codes, rank(column_of(table, ordering)) if ordering else np.zeros(table.rows))
    answer = np.zeros(table.rows, dtype=bool)
    answer[order[:-1]] = key.codes[order][1:] == key.codes[order][:-1]
    return answer & (key.codes >= 0)


def _sorted(groups: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    return np.lexsort((ranks, groups))


def has_next_corresponding_record(table: Table, target: Column, value: Column, within: str, ordering: str,
                                  core_compatible: bool = False) -> np.ndarray:
    """The cell equals the value of the next row (by `ordering`) of its group by `within`; the last row of a group passes."""
    key = column_of(table, within)
    order = _sorted(rank(key), rank(column_of(table, ordering)))
    here, after = order[:-1], order[1:]
    same_group = key.codes[here] == key.codes[after]
    equal = by_pair(target.take(here), value.take(after), lambda a, b: a is not None and a == b)
    answer = np.ones(table.rows, dtype=bool)
    answer[here] = equal | ~same_group
    return answer[order] if core_compatible else answer
