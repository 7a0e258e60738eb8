"""What all readers share: the raw table, the options, and how values of other types become text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InputError
from ..findings import findings

TEXT = pa.large_string()


@dataclass(frozen=True, eq=False)
class RawTable:
    """One raw table as it was collected: `frame` holds text only (`str`, missing is NaN), a row for each raw record."""

    name: str
    frame: pd.DataFrame
    path: Path
    findings: pd.DataFrame = field(default_factory=findings)  # columns: see `sdtm_convert.findings`
    labels: dict[str, str] = field(default_factory=dict)  # column -> label, for the columns that have one


@dataclass(frozen=True)
class Options:
    """How to read a file; `read_raw` describes the options. A format ignores the options that mean nothing to it."""

    encoding: str | None = None
    delimiter: str | None = None
    header_rows: int = 1
    header_row: int = 0
    sheet: str | None = None
    missing: tuple[str, ...] = ()
    ragged: str = "refuse"


def text_frame(columns: dict[str, pa.Array | pa.ChunkedArray], missing: Iterable[str] = ()) -> pd.DataFrame:
    """Text columns as a DataFrame. Empty cells, cells of white space, and cells that equal one of `missing` become missing."""
    absent = pa.array(list(missing), TEXT)
    table = pa.table({name: _with_missing(values.cast(TEXT), absent) for name, values in columns.items()})
    return table.to_pandas(types_mapper={TEXT: pd.StringDtype(na_value=np.nan)}.get)


def _with_missing(values: pa.Array | pa.ChunkedArray, absent: pa.Array) -> pa.Array | pa.ChunkedArray:
    blank = pc.or_(pc.equal(pc.binary_length(values), 0), pc.utf8_is_space(values))
    if len(absent):
        blank = pc.or_(blank, pc.is_in(values, value_set=absent))
    return pc.if_else(blank, pa.scalar(None, TEXT), values) if pc.any(blank).as_py() else values


def header_names(rows: list[list[str]], which: int, path: Path) -> tuple[list[str], dict[str, str]]:
    """The column names (`rows[which]`) and, from the other header rows, the labels by column name.

    White space around a name is dropped: it is part of no name that a person could type.
    A name that is blank or occurs twice is an `InputError`, as is another header row with cells beyond the last name.
    """
    names = [cell.strip() for cell in rows[which]]
    blank = [_after(names, number) for number, name in enumerate(names, 1) if not name]
    if blank:
        raise InputError(f"{path}: {', '.join(blank)} without a name in the header. Every column needs a name.")
    twice = [f"'{name}' ({count} times)" for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{path}: the header repeats {', '.join(twice)}. Every column needs a name of its own.")
    others = [row for number, row in enumerate(rows) if number != which]
    if any(cell.strip() for row in others for cell in row[len(names) :]):
        raise InputError(f"{path}: a header row has cells beyond the last of {len(names)} column names.")
    return names, _labels(names, others)


def _after(names: list[str], number: int) -> str:
    return f"column {number}" + (f" (after '{names[number - 2]}')" if number > 1 and names[number - 2] else "")


def _labels(names: list[str], rows: list[list[str]]) -> dict[str, str]:
    texts = {name: [row[at].strip() for row in rows if at < len(row) and row[at].strip()] for at, name in enumerate(names)}
    return {name: "; ".join(dict.fromkeys(found)) for name, found in texts.items() if found}


def first_line(error: Exception) -> str:
    """An error of a library in one line."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def number_text(value: float | int) -> str:
    """The shortest text that gives the same number again, never with an exponent.

    >>> number_text(5.0), number_text(0.1), number_text(1e-7), number_text(10**20)
    ('5', '0.1', '0.0000001', '100000000000000000000')
    """
    text = str(value)
    if "e" in text:
        return np.format_float_positional(value, unique=True, trim="-")
    return text.removesuffix(".0") if value else "0"


def texts_of(values: np.ndarray, text_of: Callable[[object], str]) -> pa.Array:
    """`text_of` for every value that is not missing; computed once for each distinct value."""
    codes, distinct = pd.factorize(values)
    # Python's floats are faster to write out than numpy's, but only a numpy float32 knows how few digits it needs.
    texts = pa.array([text_of(value) for value in (distinct.tolist() if distinct.dtype == float else distinct)], TEXT)
    return texts.take(pa.array(codes, mask=codes < 0))
