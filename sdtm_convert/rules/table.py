"""Datasets as the rules see them: named columns, the source records of their rows, what `--` stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from .column import Column, cells_to_column, group_codes, series_to_column, stack



@dataclass(frozen=True, eq=False)
class Table:
    """A dataset, or what a rule makes of it. Columns are made when they are first asked for.

    `records` holds the 1-based row in the source dataset (None where rows are not records), `part` the number of the source
    dataset in `sources` where several were put together.
    """

    name: str  # AE, SUPPAE, QSCG
    names: tuple[str, ...]
    rows: int
    make: Callable[[str], Column]
    domain: str = ""  # DOMAIN of the first record
    rdomain: str = ""  # RDOMAIN of the first record
    records: np.ndarray | None = None
    sources: tuple[str, ...] = ()
    part: np.ndarray | None = None
    source: Table | None = None  # the dataset whose records the rows are, where the columns are not its own
    added: dict[str, Column] = field(default_factory=dict)  # results of operations
    kept: dict = field(default_factory=dict, repr=False)

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.names) | frozenset(self.added)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        if name in self.added:
            return self.added[name]
        if name not in self.kept:
            if name not in self.known:
                raise KeyError(name)
            self.kept.setdefault(name, self.make(name))
        return self.kept[name]

    def groups(self, names: Sequence[str]) -> np.ndarray:
        """Group numbers of the rows by these columns; computed once."""
        if any(name in self.added for name in names):
            return group_codes([self.column(name) for name in names], self.rows)
        key = ("groups", *names)
        if key not in self.kept:
            self.kept[key] = group_codes([self.column(name) for name in names], self.rows)
        return self.kept[key]

    @property
    def is_supp(self) -> bool:
        return self.name.startswith(("SUPP", "SQ"))

    @property
    def is_ap(self) -> bool:
        """Associated persons: an APID column, or a name (SUPP--: an RDOMAIN) that begins with AP."""
        if self.is_supp:
            return len(self.rdomain) == 4 and self.rdomain.startswith("AP")
        return "APID" in self.names or self.name.startswith("AP")

    @property
    def prefix(self) -> str:
        """What `--` stands for: the DOMAIN of the first record, for associated persons without its AP."""
        return self.domain[2:] if self.is_ap and not self.is_supp and len(self.domain) >= 4 else self.domain

    @property
    def unsplit(self) -> str:
        """The dataset that a part belongs to: QS for QSCG, SUPPQS for SUPPQSCG."""
        if self.domain:
            return self.domain
        if self.is_supp:
            return ("SUPP" if self.name.startswith("SUPP") else "SQ") + self.rdomain
        return self.name


def frame_to_table(name: str, frame: pd.DataFrame, keep_blank: bool = False) -> Table:
    """A dataset as a Table. `keep_blank` keeps empty text apart from missing, as CORE does for XPT files."""
    columns = {str(column): position for position, column in enumerate(frame.columns)}
    first = {key: frame.iloc[0, columns[key]] for key in ("DOMAIN", "RDOMAIN") if key in columns and len(frame)}
    first = {key: cell if isinstance(cell, str) else "" for key, cell in first.items()}

    def make(column: str) -> Column:
        return series_to_column(frame.iloc[:, columns[column]], keep_blank)

    return Table(name, tuple(columns), len(frame), make, first.get("DOMAIN", ""), first.get("RDOMAIN", ""),
                 np.arange(1, len(frame) + 1), (name,))


def cells_to_table(name: str, columns: dict[str, list], like: Table | None = None) -> Table:
    """A small table of literal cells, such as one row for each variable."""
    made = {key: cells_to_column(cells) for key, cells in columns.items()}
    rows = len(next(iter(made.values()))) if made else 0
    domain, rdomain = (like.domain, like.rdomain) if like is not None else ("", "")
    return Table(name, tuple(made), rows, made.__getitem__, domain, rdomain, None, (name,))


def stack_tables(tables: Sequence[Table]) -> Table:
    """Datasets of one domain put together, under the first one's name."""
    if len(tables) == 1:
        return tables[0]
    names = tuple(dict.fromkeys(name for table in tables for name in table.names))
    lengths = [table.rows for table in tables]

    def make(name: str) -> Column:
        return stack([table.column(name) if name in table.known else None for table in tables], lengths)

    first = tables[0]
    records = None if first.records is None else np.concatenate([table.records for table in tables])
    return Table(first.name, names, sum(lengths), make, first.domain, first.rdomain, records,
                 tuple(table.name for table in tables), np.repeat(np.arange(len(tables)), lengths))


def take_rows(table: Table, rows: np.ndarray) -> Table:
    """The table of some of its rows, by their numbers."""
    return replace(table, rows=len(rows), make=lambda name: table.column(name).take(rows), added={}, kept={},
                   names=(*table.names, *table.added), records=None if table.records is None else table.records[rows],
                   part=None if table.part is None else table.part[rows])


def with_column(table: Table, name: str, column: Column) -> Table:
    """The table with one more column, such as the result of an operation."""
    return replace(table, added={**table.added, name: column})


def expand(table: Table, name: str) -> list[str]:
    """The names that stand behind a name: those of an operation's list (none where it has no answer), else itself."""
    if name not in table.added:
        return [name]
    cell = table.added[name].cells[0] if table.rows else None
    if cell is None:
        return []
    return list(cell) if isinstance(cell, (list, set)) else [name]
