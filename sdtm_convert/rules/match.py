"""The joins behind Match Datasets: by keys, from a child to its parent, with supplemental qualifiers.

A join is two lists of row numbers; columns are taken through them only when a rule asks, and rules that join the same datasets
by the same keys share the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .column import Column, choose, codes_in, constant, group_codes, values_of
from .operators import without_wildcard
from .operators_sets import column_of
from .operators_values import plain_text
from .rule import Match, RuleError
from .study import Study
from .table import Table


# --- Join by keys -----------------------------------------------------------------------------------------------------


def join(table: Table, other: Table, match: Match, named: frozenset[str] = frozenset()) -> Table:
    """Inner join (left where the rule says so) by the match's keys, missing equal to missing. A column of the other dataset that
    this one has too is called NAME.OTHER; one that the rule calls OTHER.NAME is called so."""
    mine = [without_wildcard(key, table.prefix) for key, _ in match.keys]
    theirs = [without_wildcard(key, match.name) for _, key in match.keys]
    left, right = join_rows(*_keys(table, mine, other, theirs), match.join)
    source: dict[str, str] = {}
    for name in other.names:
        called = f"{match.name}.{name}"
        if called in named:
            source[called] = name
        elif name in table.known and not (name in theirs and name in mine):
            source[f"{name}.{match.name}"] = name
        elif name not in table.known:
            source[name] = name
    if match.join == "left":
        source[f"_merge_{match.name}"] = ""

    def make(name: str) -> Column:
        if name in table.known:
            return table.column(name).take(left)
        if source[name] == "":
            return choose([constant("left_only", len(left)), constant("both", len(left))], (right >= 0).astype(np.int64))
        return other.column(source[name]).take(right)

    return derived(table, (*table.names, *source), left, make)


def _keys(table: Table, mine: Sequence[str], other: Table, theirs: Sequence[str]) -> tuple[list[Column], list[Column]]:
    """The key columns of both sides. RuleError where a key is a number on one side and text on the other."""
    columns = [(column_of(table, own), column_of(other, their)) for own, their in zip(mine, theirs)]
    for name, pair in zip(mine, columns):
        if all(len(column.used) for column in pair) and any(_numeric(a) and b.is_text for a, b in (pair, pair[::-1])):
            raise RuleError(f"{name} is a number in one of {table.name} and {other.name}, and text in the other")
    return [own for own, _ in columns], [their for _, their in columns]


def _numeric(column: Column) -> bool:
    return not column.has_missing and all(isinstance(cell, (int, float)) for cell in column.used_cells)


def derived(table: Table, names: tuple[str, ...], rows: np.ndarray, make) -> Table:
    return Table(table.name, names, len(rows), make, table.domain, table.rdomain,
                 None if table.records is None else table.records[rows], table.sources,
                 None if table.part is None else table.part[rows])


def join_rows(mine: Sequence[Column], theirs: Sequence[Column], how: str = "inner") -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of both sides, side by side, in the order of the left rows; -1 on the right where `left` found nothing."""
    left, right = shared_keys(mine, theirs)
    order = np.argsort(right, kind="stable")
    first = np.searchsorted(right[order], left, side="left")
    count = np.searchsorted(right[order], left, side="right") - first
    count[left < 0] = 0
    found = np.maximum(count, 1) if how == "left" else count
    left_rows = np.repeat(np.arange(len(left)), found)
    within = np.arange(len(left_rows)) - np.repeat(np.cumsum(found) - found, found)
    at = np.repeat(first, found) + within
    right_rows = np.where(np.repeat(count, found) > 0, order[np.minimum(at, max(len(order) - 1, 0))] if len(order) else -1, -1)
    return left_rows, right_rows


def first_rows(mine: Sequence[Column], theirs: Sequence[Column]) -> np.ndarray:
    """For each left row the first right row with the same keys, or -1."""
    left, right = shared_keys(mine, theirs)
    first = np.full(max(left.max(initial=-1), right.max(initial=-1)) + 2, -1, dtype=np.int64)
    first[right[::-1]] = np.arange(len(right))[::-1]
    return np.where(left >= 0, first[left], -1)


def shared_keys(mine: Sequence[Column], theirs: Sequence[Column]) -> tuple[np.ndarray, np.ndarray]:
    """One number for each row of either side, equal where all keys are equal; -1 for a left row that no right row can equal."""
    translated = [codes_in(column, other) for column, other in zip(mine, theirs)]
    absent = np.any([codes == -2 for codes in translated], axis=0)
    both = [np.concatenate([np.maximum(codes, -1), other.codes]) for codes, other in zip(translated, theirs)]
    size = len(absent)
    columns = [Column(codes, other.values) for codes, other in zip(both, theirs)]
    groups = group_codes(columns, len(both[0]))
    return np.where(absent, -1, groups[:size]), groups[size:]


# --- Children and parents (IDVAR, IDVARVAL) ---------------------------------------------------------------------------


def parents_of(match: Match, table: Table, study: Study) -> dict[str, Table]:
    """The parent datasets of a supplemental, comments or RELREC dataset, by the RDOMAIN that names them."""
    if table.is_supp:
        if match.name not in ("SUPP--", "SQ--", "SQAP--", table.name) or not table.rdomain:
            return {}
        domains = [table.rdomain]
    elif match.name in (table.domain, table.name) and "RDOMAIN" in table.names:
        domains = table.column("RDOMAIN").used_cells
    else:
        return {}
    found = {domain: study.whole(domain) for domain in domains}
    return {domain: parent for domain, parent in found.items() if parent is not None}


def join_parents(table: Table, parents: dict[str, Table]) -> Table:
    """Each row with the columns of the first parent record that USUBJID, IDVAR and IDVARVAL point to, which replace its own of the same
    name. A row without IDVAR or IDVARVAL gets the subject's first record; one that points nowhere stays as it is."""
    which = np.zeros(table.rows, dtype=np.int64)  # 0: no parent, n: the n-th parent
    rows = np.full(table.rows, -1, dtype=np.int64)
    for number, (domain, parent) in enumerate(parents.items(), start=1):
        own = np.ones(table.rows, dtype=bool) if table.is_supp else table.column("RDOMAIN").where(lambda cell, d=domain: cell == d)
        found = np.where(own, parent_rows(table, parent), -1)
        which[found >= 0], rows[found >= 0] = number, found[found >= 0]
    names = tuple(dict.fromkeys([*table.names, *(name for parent in parents.values() for name in parent.names)]))

    def make(name: str) -> Column:
        own = table.column(name) if name in table.known else None
        taken = [parent.column(name).take(np.where(which == number, rows, -1)) if name in parent.known else own
                 for number, parent in enumerate(parents.values(), start=1)]
        return choose([own, *taken], which)

    return derived(table, names, np.arange(table.rows), make)


def parent_rows(table: Table, parent: Table) -> np.ndarray:
    """For each row the parent record that it points to, or -1."""
    idvar, idvarval = (table.column(name) if name in table.known else constant(None, table.rows) for name in ("IDVAR", "IDVARVAL"))
    answer = np.full(table.rows, -1, dtype=np.int64)
    subject = table.column("USUBJID") if "USUBJID" in table.known else None
    if subject is not None and "USUBJID" in parent.known:
        answer = first_rows([subject], [parent.column("USUBJID")])
    no_pointer = idvar.spread(idvar.values.empty) | idvarval.spread(idvarval.values.empty)
    answer = np.where(no_pointer, answer, -1)
    for code in idvar.used:
        name = idvar.values.cells[code]
        rows = np.flatnonzero((idvar.codes == code) & ~no_pointer)
        if name in parent.known and len(rows):
            answer[rows] = _rows_by_pointer(table, parent, name, rows)
    return answer


def _rows_by_pointer(table: Table, parent: Table, idvar: str, rows: np.ndarray) -> np.ndarray:
    pointed = parent.column(idvar)
    numeric = any(not isinstance(cell, str) for cell in pointed.used_cells)
    form = plain_text if numeric else (lambda cell: cell.strip() if isinstance(cell, str) else plain_text(cell))
    theirs = pointed.map(plain_text) if numeric else pointed
    mine = table.column("IDVARVAL").take(rows).map(form)
    if "USUBJID" not in table.known or "USUBJID" not in parent.known:
        return first_rows([mine], [theirs])
    subject = table.column("USUBJID").take(rows)
    found = first_rows([subject, mine], [parent.column("USUBJID"), theirs])
    of_all = subject.spread(subject.values.empty)  # a pointer without subject is for the whole dataset
    return np.where(of_all, first_rows([mine], [theirs]), found) if of_all.any() else found


# --- Supplemental qualifiers ------------------------------------------------------------------------------------------


def add_qualifiers(table: Table, supp: Table) -> Table:
    """Each QNAM of a supplemental dataset as a column of the parent's rows that it belongs to."""
    lacking = [name for name in ("IDVAR", "QNAM", "QVAL") if name not in supp.known]
    if lacking:
        raise RuleError(f"{supp.name} has no variable {', '.join(lacking)}")
    no_pointer = supp.column("IDVAR").spread(supp.column("IDVAR").values.empty)
    if no_pointer.any() and not no_pointer.all():
        raise RuleError(f"{supp.name} points to records of {table.name} here and to subjects there: IDVAR is empty in some rows only")
    qnam = supp.column("QNAM")
    names = [cell for cell in qnam.used_cells if cell not in table.known]
    pairs = _pairs(table, supp)

    def make(name: str) -> Column:
        if name in table.known:
            return table.column(name)
        value = supp.column("QVAL")
        mine, theirs = pairs
        own = qnam.codes[theirs] == qnam.values.position[name]
        mine, theirs = mine[own], theirs[own]
        if len(np.unique(mine)) < len(mine):
            raise RuleError(f"{supp.name} has more than one {name} for one record of {table.name}")
        codes = np.full(table.rows, -1, dtype=np.int64)
        codes[mine] = value.codes[theirs]
        return Column(codes, value.values if len(value) else values_of([]))

    return derived(table, (*table.names, *names), np.arange(table.rows), make)


def _pairs(table: Table, supp: Table) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the parent and of the supplemental dataset that belong together."""
    keys = [key for key in ("STUDYID", "USUBJID", "APID", "POOLID", "SPDEVID") if key in table.known and key in supp.known]
    idvar = supp.column("IDVAR")
    found = []
    for code in [-1, *idvar.used]:
        rows = np.flatnonzero(idvar.codes == code)
        name = "" if code == -1 or idvar.values.cells[code] == "" else idvar.values.cells[code]
        mine, theirs = _keys(table, keys, supp, keys)
        theirs = [key.take(rows) for key in theirs]
        if name:
            if name not in table.known or "IDVARVAL" not in supp.known:
                raise RuleError(f"{supp.name} points to {name} of {table.name}, which is not there")
            mine.append(table.column(name).map(plain_text))
            theirs.append(supp.column("IDVARVAL").take(rows).map(plain_text))
        if len(rows) and mine:
            left, right = join_rows(mine, theirs)
            found.append((left, rows[right]))
    empty = np.zeros(0, dtype=np.int64)
    return (np.concatenate([left for left, _ in found] or [empty]), np.concatenate([right for _, right in found] or [empty]))
