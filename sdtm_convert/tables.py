"""Tables while they are being made: columns with the subject and the origin of every row."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from .columns import as_numbers, as_text
from .errors import Place
from .plan import Study


@dataclass(frozen=True)
class Part:
    """Rows of a dataset that come from one block (and, in a findings domain, one test): start <= row < stop."""

    block: int
    test: str | None
    start: int
    stop: int


@dataclass
class Table:
    """A raw table, or a dataset while its variables are derived.

    `subject` has the study-wide number of each row's subject (-1 = unknown). Of a dataset, `source_rows` has for each row the row of the
    table it comes from, block by block; `sources` names that table for each block.
    """

    name: str
    columns: dict[str, pd.Series]
    subject: np.ndarray
    parts: list[Part] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    source_rows: np.ndarray | None = None
    duplicated: np.ndarray | None = None  # of a raw table: rows equal to an earlier one
    dropped: np.ndarray | None = None  # ... those of them that the study drops

    @property
    def length(self) -> int:
        return len(self.subject)

    def block_bounds(self, block: int) -> tuple[int, int]:
        """The first row of a block and the row after its last; blocks lie one after another."""
        own = [part for part in self.parts if part.block == block]
        return (own[0].start, own[-1].stop) if own else (0, 0)

    @cached_property
    def one_row_a_subject(self) -> bool:
        known = self.subject[self.subject >= 0]
        return len(np.unique(known)) == len(known)

    def row_of_subject(self, subjects: int) -> np.ndarray:
        """The first row of each subject; -1 where it has none."""
        rows = np.full(subjects, -1, dtype=np.int64)
        known = np.flatnonzero(self.subject >= 0)[::-1]
        rows[self.subject[known]] = known
        return rows


@dataclass(frozen=True)
class Trouble:
    """Rows of a table on which a step could not do its work: what findings are made of. `rows` counts from 0, before sorting."""

    rule: str
    table: str
    variable: str
    rows: np.ndarray
    message: str
    values: pd.Series | None = None  # as long as `rows`
    fields: tuple[str, ...] = ()  # raw fields that the step reads
    place: Place | None = None


@dataclass
class Derived:
    """The finished tables, the subjects they share, and all that went wrong on the way."""

    study: Study
    subjects: pd.Index
    tables: dict[str, Table]
    raw: dict[str, Table]
    troubles: list[Trouble] = field(default_factory=list)
    used_rows: dict[str, np.ndarray] = field(default_factory=dict)  # of each raw table: the rows that became records
    excluded_rows: dict[str, np.ndarray] = field(default_factory=dict)  # ... that a `where` leaves out, with a reason


def take(column: pd.Series, rows) -> pd.Series:
    """Some rows of a column, numbered from 0. `rows`: None (all), a slice, or row numbers; -1 gives missing."""
    if rows is None:
        return column
    if isinstance(rows, slice):
        return column.iloc[rows].reset_index(drop=True)
    return pd.Series(column.array.take(rows, allow_fill=True))


def concatenate(pieces: list[pd.Series]) -> pd.Series:
    """Columns one below the other, numbered from 0. Numbers beside text become text; a piece without any value is either."""
    if len(pieces) == 1:
        return pieces[0]
    numeric = [pd.api.types.is_numeric_dtype(piece.dtype) for piece in pieces]
    if any(numeric) and not all(numeric):
        filled = {is_number for piece, is_number in zip(pieces, numeric) if piece.notna().any()} or {False}
        kind = as_text if False in filled else as_numbers
        pieces = [kind(piece) for piece in pieces]
    return pd.concat(pieces, ignore_index=True)
