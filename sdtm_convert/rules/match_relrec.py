"""Match Datasets with RELREC: each record beside the records of other domains that RELREC relates it to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .column import Column, choose, numbers_to_column
from .library import model_names
from .match import derived, join_rows
from .operators_values import plain_text
from .study import Study
from .table import Table

_KEYS = ("STUDYID", "USUBJID", "RELID")


def join_related(table: Table, relrec: Table, wildcard: str, study: Study) -> Table:
    """One row for each record of the table and each record of another domain that is related to it. The other's variables are called
    RELREC.`wildcard`TERM for AETERM (`**` where the rule gives no wildcard) and RELREC.VISIT for those without a domain prefix."""
    domains = [d for d in relrec.column("RDOMAIN").used_cells if d != table.domain and study.whole(d) is not None]
    found = [_related(table, relrec, study.whole(domain), domain) for domain in domains]
    left = np.concatenate([rows for rows, _ in found] or [np.zeros(0, dtype=np.int64)])
    right = np.concatenate([rows for _, rows in found] or [np.zeros(0, dtype=np.int64)])
    which = np.repeat(np.arange(len(found)), [len(rows) for rows, _ in found])
    sources: list[tuple[Table, dict[str, str]]] = []
    for domain in domains:
        other = study.whole(domain)
        sources.append((other, {_called(name, domain, wildcard): name for name in other.names}))
    names = tuple(dict.fromkeys([*table.names, *(name for _, called in sources for name in called)]))

    def make(name: str) -> Column:
        if name in table.known:
            return table.column(name).take(left)
        taken = [other.column(called[name]).take(np.where(which == number, right, -1)) if name in called else None
                 for number, (other, called) in enumerate(sources)]
        return choose(taken, which)

    return derived(table, names, left, make)


def _called(name: str, domain: str, wildcard: str) -> str:
    general = "--" + name.removeprefix(domain)
    return "RELREC." + (wildcard + general[2:] if name.startswith(domain) and general in model_names() else name)


def _related(table: Table, relrec: Table, other: Table, domain: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the table and of the other dataset that RELREC relates, side by side."""
    rdomain = relrec.column("RDOMAIN")
    mine = np.flatnonzero(rdomain.where(lambda cell: cell == table.domain))
    theirs = np.flatnonzero(rdomain.where(lambda cell: cell == domain))
    keys = [relrec.column(key) for key in _KEYS if key in relrec.known]
    i, j = join_rows([key.take(mine) for key in keys], [key.take(theirs) for key in keys])
    mine, theirs = mine[i], theirs[j]
    value = relrec.column("IDVARVAL")
    empty = value.spread(value.values.empty)
    by_value = ~empty[mine] & ~empty[theirs]
    records = _by_records(table, relrec, other, mine[by_value], theirs[by_value])
    datasets = _by_variables(table, relrec, other, mine[~by_value], theirs[~by_value])
    return np.concatenate([records[0], datasets[0]]), np.concatenate([records[1], datasets[1]])


def _by_records(table: Table, relrec: Table, other: Table, mine: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of RELREC rows that each point to records."""
    pair, left = _pointed(table, relrec, mine)
    pair_right, right = _pointed(other, relrec, theirs)
    i, j = join_rows([numbers_to_column(pair)], [numbers_to_column(pair_right)])
    return left[i], right[j]


def _pointed(table: Table, relrec: Table, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For RELREC rows (by their place in `rows`) the records of the table that they point to."""
    idvar = relrec.column("IDVAR").take(rows)
    found = []
    for code in idvar.used:
        name = idvar.values.cells[code]
        own = np.flatnonzero(idvar.codes == code)
        if name not in table.known:
            continue
        value = relrec.column("IDVARVAL").take(rows[own])
        i, j = join_rows([relrec.column("USUBJID").take(rows[own]), value.map(plain_text)],
                         [table.column("USUBJID"), table.column(name).map(plain_text)])
        found.append((own[i], j))
    return _both(found)


def _by_variables(table: Table, relrec: Table, other: Table, mine: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of RELREC rows that relate whole datasets by the values of their IDVAR."""
    idvar = relrec.column("IDVAR")
    found = []
    for left, right in sorted(set(zip(idvar.cells[mine], idvar.cells[theirs])), key=str):
        if left in table.known and right in other.known:
            found.append(join_rows([table.column("USUBJID"), table.column(left).map(plain_text)],
                                   [other.column("USUBJID"), other.column(right).map(plain_text)]))
    return _both(found)


def _both(found: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    empty = np.zeros(0, dtype=np.int64)
    return np.concatenate([left for left, _ in found] or [empty]), np.concatenate([right for _, right in found] or [empty])
