"""Match Datasets with RELREC: each record beside the records of other domains that RELREC relates it to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .column import Column, choose, codes_in, numbers_to_column
from .library import model_names
from .match import derived, join_rows
from .operators_sets import column_of
from .operators_values import plain_text
from .rule import RuleError
from .study import Study
from .table import Table

_KEYS = ("STUDYID", "USUBJID", "RELID")


def join_related(table: Table, relrec: Table, wildcard: str, study: Study) -> Table:
    """One row for each record of the table and each record of another domain that is related to it. The other's variables are called
    RELREC.`wildcard`TERM for AETERM (`**` where the rule gives no wildcard) and RELREC.VISIT for those without a domain prefix."""
    lacking = [name for name in ("RDOMAIN", *_KEYS) if name not in relrec.known]
    if lacking:
        raise RuleError(f"{relrec.name} has no variable {', '.join(lacking)}")
    domains = [d for d in relrec.column("RDOMAIN").used_cells if d != table.domain and len(_pairs(table, relrec, d)[0])]
    missing = [d for d in domains if study.whole(d) is None]
    if missing:
        raise RuleError(f"{relrec.name} relates {table.name} to {', '.join(missing)}, which is not there")
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
    """Rows of the table and of the other dataset, of one study and subject, that RELREC relates, side by side."""
    mine, theirs = _pairs(table, relrec, domain)
    _check_variables(relrec, ((mine, table), (theirs, other)))
    value = relrec.column("IDVARVAL")
    empty = value.spread(value.values.empty)
    by_value = ~empty[mine] & ~empty[theirs]
    records = _by_records(table, relrec, other, mine[by_value], theirs[by_value])
    datasets = _by_variables(table, relrec, other, mine[~by_value], theirs[~by_value])
    left, right = np.concatenate([records[0], datasets[0]]), np.concatenate([records[1], datasets[1]])
    same = np.ones(len(left), dtype=bool)
    for key in ("STUDYID", "USUBJID"):
        a, b = column_of(table, key).take(left), column_of(other, key).take(right)
        same &= codes_in(a, b) == b.codes
    return left[same], right[same]


def _pairs(table: Table, relrec: Table, domain: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows of RELREC that are about the table and about the other domain, side by side where they belong together."""
    rdomain = relrec.column("RDOMAIN")
    mine = np.flatnonzero(rdomain.where(lambda cell: cell == table.domain))
    theirs = np.flatnonzero(rdomain.where(lambda cell: cell == domain))
    keys = [relrec.column(key) for key in _KEYS]
    i, j = join_rows([key.take(mine) for key in keys], [key.take(theirs) for key in keys])
    return mine[i], theirs[j]


def _check_variables(relrec: Table, sides: Sequence[tuple[np.ndarray, Table]]) -> None:
    """RuleError where IDVAR names what the dataset does not have."""
    for rows, dataset in sides:
        unknown = {cell or "a variable without name" for cell in relrec.column("IDVAR").take(rows).cells} - dataset.known
        if unknown:
            raise RuleError(f"{relrec.name} points to {', '.join(sorted(map(str, unknown)))} of {dataset.name}, which is not there")


def _by_records(table: Table, relrec: Table, other: Table, mine: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of RELREC rows that each point to records."""
    pair, left = _pointed(table, relrec, mine)
    pair_right, right = _pointed(other, relrec, theirs)
    i, j = join_rows([numbers_to_column(pair)], [numbers_to_column(pair_right)])
    return left[i], right[j]


def _pointed(table: Table, relrec: Table, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For RELREC rows (by their place in `rows`) the records of the table that they point to; of every subject where they name none."""
    idvar, subject = relrec.column("IDVAR").take(rows), relrec.column("USUBJID").take(rows)
    of_all = subject.spread(subject.values.empty)
    found = []
    for code in idvar.used:
        pointed = table.column(idvar.values.cells[code]).map(plain_text)
        for own in (np.flatnonzero((idvar.codes == code) & ~of_all), np.flatnonzero((idvar.codes == code) & of_all)):
            value = relrec.column("IDVARVAL").take(rows[own]).map(plain_text)
            if len(own) and of_all[own[0]]:
                i, j = join_rows([value], [pointed])
            else:
                i, j = join_rows([subject.take(own), value], [table.column("USUBJID"), pointed])
            found.append((own[i], j))
    return _both(found)


def _by_variables(table: Table, relrec: Table, other: Table, mine: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of RELREC rows that relate datasets, or those records of them that are of one subject, by the values of their IDVAR."""
    idvar, subject = relrec.column("IDVAR").cells, relrec.column("USUBJID").cells
    joined = {}
    found = []
    for left, right, of in zip(idvar[mine], idvar[theirs], subject[mine]):
        if (left, right) not in joined:
            joined[left, right] = join_rows([column_of(table, "USUBJID"), column_of(table, left).map(plain_text)],
                                            [column_of(other, "USUBJID"), column_of(other, right).map(plain_text)])
        i, j = joined[left, right]
        own = table.column("USUBJID").where(lambda cell, of=of: of in (None, "", cell))[i]
        found.append((i[own], j[own]))
    return _both(found)


def _both(found: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    empty = np.zeros(0, dtype=np.int64)
    return np.concatenate([left for left, _ in found] or [empty]), np.concatenate([right for _, right in found] or [empty])
