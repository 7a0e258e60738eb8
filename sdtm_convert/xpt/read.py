"""Read transport files (TS-140): headers, then the observations block by block, every column at once."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from sdtm_convert.errors import InputError, did_you_mean
from sdtm_convert.xpt.decode import TextEncoding, column, decode_numbers, decode_text
from sdtm_convert.xpt.header import XptMetadata, XptVariable, XptWarning
from sdtm_convert.xpt.records import Member, blocks, find_member, members


def read_xpt(
    path: str | os.PathLike,
    *,
    columns: Iterable[str] | None = None,
    chunksize: int | None = None,
    member: str | None = None,
    encoding: str | None = None,
) -> tuple[pd.DataFrame, XptMetadata] | Iterator[tuple[pd.DataFrame, XptMetadata]]:
    """Read one dataset of a SAS transport file, version 5 (TS-140), as a frame and its metadata.

    Char variables become `str` columns without trailing blanks, a blank cell "" (SAS knows no difference between blank and
    missing); Num variables float64, any missing value NaN (letters of special ones: `metadata.special_missing`). Dates stay
    numbers since 1960, as their format says. `columns` chooses variables and their order; `member` the dataset where a file
    holds several; `encoding` that of the text: by default UTF-8 or, with a warning, what else must be Windows-1252.

    With `chunksize` the result is an iterator of such pairs, of that many rows each; a dataset without rows gives one empty.

    Raises InputError for a file that is no such transport file, is damaged, cut off, or holds text that cannot be decoded.
    """
    text = TextEncoding(str(path), encoding)
    found = find_member(path, member, text)
    wanted = _choose(found, columns)
    records = blocks(found, only=member is None)
    if chunksize is None:
        return _table(records, found.most_rows, found, wanted, text)
    if chunksize < 1:
        raise ValueError(f"chunksize={chunksize}: give at least one row.")
    return _chunks(records, chunksize, found, wanted, text)


def list_members(path: str | os.PathLike, *, encoding: str | None = None) -> list[XptMetadata]:
    """What a transport file says about each of its datasets, `rows` included, without reading the data into memory."""
    text = TextEncoding(str(path), encoding)
    return [replace(found.metadata, rows=rows, encoding=text.name) for found, rows in members(path, text)]


def _choose(found: Member, names: Iterable[str] | None) -> list[tuple[XptVariable, int]]:
    """The variables asked for, with their positions in a record."""
    known = {variable.name: (variable, position) for variable, position in zip(found.metadata.variables, found.positions, strict=True)}
    names = list(known if names is None else dict.fromkeys(names))
    for name in (name for name in names if name not in known):
        raise InputError(f"{found.path}: {found.metadata.name} has no variable {name!r}. {did_you_mean(str(name), known)}")
    return [known[name] for name in names]


def _chunks(
    records: Iterator[np.ndarray], chunksize: int, found: Member, wanted: list[tuple[XptVariable, int]], text: TextEncoding
) -> Iterator[tuple[pd.DataFrame, XptMetadata]]:
    first_row = 0
    for chunk in _regroup(records, chunksize * found.record):
        rows = sum(len(block) for block in chunk) // max(found.record, 1)
        if rows or not first_row:
            yield _table(iter(chunk), rows, found, wanted, text, first_row)
        first_row += rows


def _regroup(records: Iterator[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    """Blocks of records cut and put together to `size` bytes; the last group is shorter, perhaps empty."""
    group, room = [], size
    for block in records:
        while len(block) >= room:
            yield [*group, block[:room]]
            block, group, room = block[room:], [], size
        group.append(block.copy())
        room -= len(block)
    yield group


def _table(
    records: Iterator[np.ndarray], most_rows: int, found: Member, wanted: list[tuple[XptVariable, int]], text: TextEncoding, first_row: int = 0
) -> tuple[pd.DataFrame, XptMetadata]:
    """All records as a frame and its metadata; there are at most `most_rows`."""
    numbers = {variable.name: np.empty(most_rows) for variable, _ in wanted if variable.type == "Num"}
    texts: dict[str, list[pa.Array]] = {variable.name: [] for variable, _ in wanted if variable.type == "Char"}
    special: dict[str, list[pd.Series]] = {name: [] for name in numbers}
    rounded = dict.fromkeys(numbers, 0)
    rows = 0
    for block in records:
        here = len(block) // found.record
        for variable, position in wanted:
            raw = column(block, position, variable, found.record)
            if variable.type == "Char":
                texts[variable.name].append(decode_text(raw, found.metadata.name, variable, first_row + rows, text))
                continue
            values, places, letters, inexact = decode_numbers(raw, variable.length)
            numbers[variable.name][rows : rows + here] = values
            rounded[variable.name] += inexact
            if len(places):
                special[variable.name].append(pd.Series(list(letters.tobytes().decode("ascii")), places + rows, dtype="str"))
        rows += here
    _tell_rounded(found, rounded)
    frame = _frame(wanted, {name: values[:rows] for name, values in numbers.items()}, texts, rows)
    letters = {name: pd.concat(parts) for name, parts in special.items() if parts}
    variables = tuple(variable for variable, _ in wanted)
    return frame, replace(found.metadata, variables=variables, rows=rows, encoding=text.name, special_missing=letters)


def _frame(wanted: list[tuple[XptVariable, int]], numbers: dict[str, np.ndarray], texts: dict[str, list[pa.Array]], rows: int) -> pd.DataFrame:
    data = {}
    for variable, _ in wanted:
        if variable.type == "Num":
            data[variable.name] = numbers[variable.name]
        else:
            parts = texts.pop(variable.name)  # popped, so that no column is in memory twice for longer than needed
            joined = pa.concat_arrays(parts) if parts else pa.array([], pa.large_string())
            data[variable.name] = pd.array(joined, dtype="str")
    return pd.DataFrame(data, index=pd.RangeIndex(rows), columns=list(data), copy=False)


def _tell_rounded(found: Member, rounded: dict[str, int]) -> None:
    told = ", ".join(f"{name} ({count})" for name, count in rounded.items() if count)
    if told:
        why = "numbers with more digits than float64 holds were rounded to the nearest; SAS does not write such"
        warnings.warn(f"{found.path}: {found.metadata.name}: {why}: {told}.", XptWarning, stacklevel=4)
