"""The columns of a table, ready to be sliced, whatever holds them: pandas, numpy, Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

Table = pd.DataFrame | pa.Table


@dataclass(frozen=True)
class Source:
    """One column, as something that can be sliced without a copy."""

    data: np.ndarray | pa.ChunkedArray | pd.api.extensions.ExtensionArray

    def chunk(self, start: int, stop: int) -> np.ndarray | pa.Array:
        """Rows `start` to `stop`, as numpy (numbers, times, objects) or as one Arrow array."""
        if isinstance(self.data, pa.ChunkedArray):
            part = self.data.slice(start, stop - start)
            return part.chunk(0) if part.num_chunks == 1 else part.combine_chunks()
        part = self.data[start:stop]
        if isinstance(part, np.ndarray):
            return part
        try:
            return pa.array(part, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):  # sparse columns, half surrogates and other rare kinds
            return np.asarray(part, dtype=object)


@dataclass(frozen=True)
class Part:
    """A table that is the dataset, or a part of its rows."""

    names: tuple[object, ...]
    sources: tuple[Source, ...]
    rows: int


def split(frame: Table | Iterable[Table]) -> tuple[Iterator[Part], bool]:
    """The tables one by one; and whether it is one table, whose columns can be looked at before writing."""
    if _is_table(frame):
        return iter([_part(frame)]), True
    if isinstance(frame, Mapping | str) or not isinstance(frame, Iterable):
        raise TypeError(f"frame: {type(frame).__name__} is no table; give a pandas or Arrow table, or an iterable of such.")
    return map(_part, frame), False


def _is_table(frame: object) -> bool:
    if isinstance(frame, pd.Series | pa.RecordBatchReader):
        return False
    return isinstance(frame, pd.DataFrame) or hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__")


def _part(table: Table) -> Part:
    if not _is_table(table):
        raise TypeError(f"frame: {type(table).__name__} is no table; give a pandas or Arrow table, or an iterable of such.")
    if not isinstance(table, pd.DataFrame):
        try:
            table = pa.table(table)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise TypeError(f"frame: {type(table).__name__} is no table that Arrow understands: {error}") from error
        return Part(tuple(table.column_names), tuple(map(Source, table.columns)), table.num_rows)
    return Part(tuple(table.columns), tuple(Source(_data(column)) for _, column in table.items()), len(table))


def _data(column: pd.Series) -> np.ndarray | pa.ChunkedArray | pd.api.extensions.ExtensionArray:
    kind = column.dtype
    if isinstance(kind, np.dtype):
        return column.to_numpy()
    if isinstance(kind, pd.CategoricalDtype):
        return _categories(column.array)
    if isinstance(kind, pd.ArrowDtype) or (isinstance(kind, pd.StringDtype) and kind.storage == "pyarrow"):
        values = pa.array(column.array)
        return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    return column.array


def _categories(values: pd.Categorical) -> np.ndarray | pa.ChunkedArray:
    """Arrow's dictionary where Arrow has each category as it is; else all values one by one, as it brings those of several kinds to one."""
    try:
        known = pa.array(values.categories, from_pandas=True)
        if values.categories.dtype != object or known.to_pylist() == values.categories.tolist():
            return pa.chunked_array([pa.array(values)])
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass  # half surrogates, several kinds of values and other rare things
    return np.asarray(values, dtype=object)
