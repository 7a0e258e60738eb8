"""Columns as the rules see them: codes into distinct cells.

What is asked of a column is asked once of each distinct cell and spread to the rows; joining, grouping and comparing work on
the codes. A missing cell has code -1 and the last of the distinct cells, None, stands for it, so codes index directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from .dates import Dates, parse_dates
from .rule import RuleError


@dataclass(frozen=True, eq=False)
class Values:
    """The distinct cells of a column (text, numbers, booleans, lists); the last one is None, for missing."""

    cells: np.ndarray

    def test(self, function: Callable[[object], bool]) -> np.ndarray:
        """`function` of every cell, as booleans; False for missing."""
        answers = np.fromiter((bool(function(cell)) for cell in self.cells[:-1]), dtype=bool, count=len(self.cells) - 1)
        return np.append(answers, False)

    @cached_property
    def empty(self) -> np.ndarray:
        """Missing, empty text, an empty list."""
        return np.append(self.test(lambda cell: isinstance(cell, (str, list, set, dict)) and len(cell) == 0)[:-1], True)

    @cached_property
    def numbers(self) -> np.ndarray:
        """Cells as float64; what is not a number is NaN."""
        if any(isinstance(cell, (list, set, dict)) for cell in self.cells):
            raise RuleError("a list is compared as if it were a number")
        return pd.to_numeric(pd.Series(self.cells, dtype=object), errors="coerce").to_numpy(dtype=float, na_value=np.nan)

    @cached_property
    def text(self) -> np.ndarray:
        """Cells as text, whole numbers without decimals; None for missing."""
        return np.array([as_text(cell) for cell in self.cells], dtype=object)

    @cached_property
    def dates(self) -> Dates:
        return parse_dates(self.cells)

    @cached_property
    def position(self) -> dict:
        """The code of each cell."""
        return {cell: code for code, cell in enumerate(self.cells[:-1])}

    @cached_property
    def has_lists(self) -> bool:
        return any(isinstance(cell, (list, set, dict)) for cell in self.cells)


@dataclass(frozen=True, eq=False)
class Column:
    """One column. `literal` marks a value written in the rule itself, the same for every row; `of_values` the values of one of many
    variables that a value check looks at, where a cell of another type than the condition is for is no error."""

    codes: np.ndarray
    values: Values
    literal: bool = False
    of_values: bool = False

    def __len__(self) -> int:
        return len(self.codes)

    def spread(self, per_cell: np.ndarray) -> np.ndarray:
        """What is known of each distinct cell, for each row; not to be written to, as one cell may stand for all rows of a constant."""
        if self.codes.strides == (0,) and len(self.codes):
            return np.broadcast_to(per_cell[self.codes[0]], self.codes.shape)
        return per_cell[self.codes]

    def where(self, function: Callable[[object], bool]) -> np.ndarray:
        """The rows whose cell answers True; missing cells answer False."""
        return self.spread(self.values.test(function))

    def take(self, rows: np.ndarray) -> Column:
        """The column of other rows; row -1 is a missing cell."""
        codes = self.codes[rows] if len(self.codes) else np.full(len(rows), -1)
        return Column(np.where(rows < 0, -1, codes) if (rows < 0).any() else codes, self.values)

    def map(self, function: Callable[[object], object]) -> Column:
        """A column of `function` of each cell; None is missing."""
        mapped = cells_to_column([function(cell) for cell in self.values.cells[:-1]])
        return Column(self.spread(np.append(mapped.codes, -1)), mapped.values, self.literal)

    @property
    def cells(self) -> np.ndarray:
        """The cell of each row."""
        return self.values.cells[self.codes]

    @cached_property
    def used(self) -> np.ndarray:
        """The codes that occur, without missing, in the order of the distinct cells."""
        if len(self.codes) < len(self.values.cells) // 8:  # a small part of a column, such as one group
            codes = np.unique(self.codes)
            return codes[codes >= 0]
        seen = np.zeros(len(self.values.cells), dtype=bool)
        seen[self.codes[:1] if self.codes.strides == (0,) else self.codes] = True
        return np.flatnonzero(seen[:-1])

    @property
    def used_cells(self) -> list:
        return self.values.cells[self.used].tolist()

    @cached_property
    def has_missing(self) -> bool:
        return bool((self.codes == -1).any())

    @cached_property
    def is_lists(self) -> bool:
        """Whether every cell that is not missing is a list."""
        return self.values.has_lists and len(self.used) > 0 and all(isinstance(c, (list, set)) for c in self.used_cells)

    @cached_property
    def is_text(self) -> bool:
        return all(isinstance(cell, str) for cell in self.used_cells)


def as_text(cell: object) -> str | None:
    """A cell as the text that patterns see: 5 for 5.0."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() else str(cell)
    return str(cell).strip()


def cells_to_column(cells: Sequence) -> Column:
    """A column of literal cells (None or NaN is missing)."""
    position: dict = {}
    distinct: list = []
    codes = np.empty(len(cells), dtype=np.int64)
    for row, cell in enumerate(cells):
        if cell is None or (isinstance(cell, float) and cell != cell):
            codes[row] = -1
            continue
        key = (type(cell).__name__, repr(cell)) if isinstance(cell, (list, set, dict)) else cell
        if key not in position:
            position[key] = len(distinct)
            distinct.append(cell)
        codes[row] = position[key]
    return Column(codes, values_of(distinct))


def numbers_to_column(numbers: np.ndarray) -> Column:
    """A column of computed numbers; whole ones are ints, NaN is missing."""
    codes, distinct = pd.factorize(numbers)
    return Column(codes.astype(np.int64), values_of(int(n) if float(n).is_integer() else n for n in distinct.tolist()))


def values_of(distinct: Iterable) -> Values:
    """Distinct cells, with the place for missing added."""
    distinct = list(distinct)
    cells = np.empty(len(distinct) + 1, dtype=object)
    for position, cell in enumerate(distinct):
        cells[position] = cell
    return Values(cells)


def constant(cell: object, rows: int, literal: bool = False) -> Column:
    """The same cell for every row."""
    missing = cell is None or (isinstance(cell, float) and cell != cell)
    return Column(np.broadcast_to(np.int64(-1 if missing else 0), (rows,)), values_of([] if missing else [cell]), literal)


def series_to_column(series: pd.Series, keep_blank: bool = False) -> Column:
    """A pandas column. Empty text is missing unless `keep_blank`; dates become numbers as SAS has them (days or seconds since 1960);
    numbers are rounded to 15 decimals, as CDISC's engine reads them, so that 4.3999999999999995 is the 4.4 that was meant."""
    if isinstance(series.dtype, pd.DatetimeTZDtype) or series.dtype.kind == "M":
        series = _sas_number(series)
    codes, distinct = pd.factorize(series)
    cells = np.empty(len(distinct) + 1, dtype=object)
    cells[:-1] = np.asarray(distinct.tolist() if hasattr(distinct, "tolist") else list(distinct), dtype=object)
    column = Column(codes.astype(np.int64), Values(cells))
    if series.dtype.kind == "f" and any(round(cell, 15) != cell for cell in cells[:-1]):
        return column.map(lambda cell: round(cell, 15))
    if keep_blank:
        return column
    blank = column.values.test(lambda cell: cell == "" if isinstance(cell, str) else False)
    return column if not blank.any() else Column(np.where(column.spread(blank), -1, column.codes), column.values)


def _sas_number(series: pd.Series) -> pd.Series:
    moments = series.dt.tz_localize(None) if series.dt.tz is not None else series
    seconds = (moments - pd.Timestamp(1960, 1, 1)).dt.total_seconds()
    whole_days = bool((seconds.dropna() % 86400 == 0).all()) and not str(series.name).endswith("DTM")
    return seconds / 86400 if whole_days else seconds


# --- Comparing and grouping columns ----------------------------------------------------------------------------------


def codes_in(column: Column, other: Column) -> np.ndarray:
    """For each row of `column`, the code that its cell has in `other`; -1 for missing, -2 where `other` has no such cell."""
    if column.values is other.values:
        return column.codes
    position = other.values.position
    translated = np.fromiter((position.get(cell, -2) for cell in column.values.cells[:-1]), np.int64, len(column.values.cells) - 1)
    return column.spread(np.append(translated, -1))


def by_pair(a: Column, b: Column, function: Callable[[object, object], bool]) -> np.ndarray:
    """`function` of the two cells of each row, called once for each distinct pair; missing is None."""
    width = len(b.values.cells)
    pairs = (a.codes + 1) * width + (b.codes + 1)
    codes, distinct = pd.factorize(pairs)
    cells_a = a.values.cells[distinct // width - 1]
    cells_b = b.values.cells[distinct % width - 1]
    answers = np.fromiter((bool(function(x, y)) for x, y in zip(cells_a, cells_b)), dtype=bool, count=len(distinct))
    return answers[codes]


def group_codes(columns: Sequence[Column], rows: int) -> np.ndarray:
    """A group number for each row, dense from 0 in order of appearance; rows are together where all columns agree, missing
    agreeing with missing."""
    groups = np.zeros(rows, dtype=np.int64)
    size = 1
    for column in columns:
        width = len(column.values.cells)
        if size * width >= 2**62:
            groups, distinct = pd.factorize(groups)
            size = len(distinct)
        groups = groups * width + column.codes + 1
        size *= width
    return pd.factorize(groups)[0].astype(np.int64)


def choose(columns: Sequence[Column | None], which: np.ndarray) -> Column:
    """For each row the cell of `columns[which]`; missing where that is None or `which` is -1."""
    codes = np.full(len(which), -1, dtype=np.int64)
    offset, cells = 0, []
    for number, column in enumerate(columns):
        if column is None:
            continue
        rows = np.flatnonzero(which == number)
        own = column.codes[rows]
        codes[rows] = np.where(own < 0, -1, own + offset)
        cells.append(column.values.cells[:-1])
        offset += len(column.values.cells) - 1
    return _merged(codes, cells)


def stack(columns: Sequence[Column | None], lengths: Sequence[int]) -> Column:
    """Columns one below the other; None is a column of missing cells."""
    parts, cells, offset = [], [], 0
    for column, length in zip(columns, lengths):
        if column is None:
            parts.append(np.full(length, -1, dtype=np.int64))
            continue
        parts.append(np.where(column.codes < 0, -1, column.codes + offset))
        cells.append(column.values.cells[:-1])
        offset += len(column.values.cells) - 1
    return _merged(np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64), cells)


def _merged(codes: np.ndarray, cells: list[np.ndarray]) -> Column:
    """Codes into several lists of cells, renumbered so that equal cells share one code."""
    if not cells:
        return Column(codes, values_of([]))
    merged = cells_to_column(np.concatenate(cells).tolist())
    return Column(np.append(merged.codes, -1)[codes], merged.values)
