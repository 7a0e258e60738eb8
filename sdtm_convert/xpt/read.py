"""Read transport files (TS-140): headers, then the observations block by block, every column at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from sdtm_convert.errors import InputError, did_you_mean
from sdtm_convert.xpt.decode import Numbers, TextEncoding, Texts, growing, take_apart
from sdtm_convert.xpt.header import XptMetadata, XptVariable
from sdtm_convert.xpt.records import Member, blocks, count_rows, find_member, members


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
    path = os.fsdecode(path)
    text = TextEncoding(path, encoding)
    found = find_member(path, member, text)
    if chunksize is None:
        return read_member(found, text, columns, only=member is None)
    if not isinstance(chunksize, (int, np.integer)) or chunksize < 1:
        raise ValueError(f"chunksize={chunksize}: give a whole number of rows, at least one.")
    return _chunks(blocks(found, only=member is None), chunksize, found, _choose(found, columns), text)


def read_member(
    found: Member, text: TextEncoding, columns: Iterable[str] | None = None, *, only: bool = True
) -> tuple[pd.DataFrame, XptMetadata]:
    """One dataset that has been found in a file, as a frame and its metadata; with `only` the file must hold no other."""
    return _table(blocks(found, only), found.most_rows, found, _choose(found, columns), text)


def list_members(path: str | os.PathLike, *, encoding: str | None = None) -> list[XptMetadata]:
    """What a transport file says about each of its datasets, `rows` included, without reading the data into memory."""
    path = os.fsdecode(path)
    text = TextEncoding(path, encoding)
    return [replace(found.metadata, rows=count_rows(found), encoding=text.name) for found in members(path, text)]


def _choose(found: Member, names: Iterable[str] | None) -> list[tuple[XptVariable, int]]:
    """The variables asked for, with their positions in a record."""
    known = {variable.name: (variable, position) for variable, position in zip(found.metadata.variables, found.positions, strict=True)}
    names = list(known if names is None else dict.fromkeys([names] if isinstance(names, str) else names))
    for name in (name for name in names if name not in known):
        raise InputError(f"{found.path}: {found.metadata.name} has no variable {name!r}. {did_you_mean(str(name), known)}")
    return [known[name] for name in names]


def _chunks(
    records: Iterator[np.ndarray], chunksize: int, found: Member, wanted: list[tuple[XptVariable, int]], text: TextEncoding
) -> Iterator[tuple[pd.DataFrame, XptMetadata]]:
    first_row = 0
    for chunk in _regroup(records, chunksize * found.record):
        rows = sum(len(block) for block in chunk) // found.record
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
        if len(block):
            group.append(block.copy())
            room -= len(block)
    yield group


def _table(
    records: Iterator[np.ndarray], most_rows: int, found: Member, wanted: list[tuple[XptVariable, int]], text: TextEncoding, first_row: int = 0
) -> tuple[pd.DataFrame, XptMetadata]:
    """All records as a frame and its metadata; there are at most `most_rows`."""
    data = growing([variable for variable, _ in wanted], most_rows, found.metadata.name, first_row, text)
    fields = [(position, variable.length, data[variable.name]) for variable, position in wanted]
    rows = 0
    for block in records:
        if len(block):
            take_apart(block, found.record, fields)
        rows += len(block) // found.record
    _tell_rounded(found, data)
    special = {name: part.letters for name, part in data.items() if isinstance(part, Numbers) and part.letters}
    frame = pd.DataFrame({name: part.values() for name, part in data.items()}, index=pd.RangeIndex(rows), columns=list(data), copy=False)
    return frame, replace(found.metadata, variables=tuple(v for v, _ in wanted), rows=rows, encoding=text.name, special_missing=special)


def _tell_rounded(found: Member, data: dict[str, Texts | Numbers]) -> None:
    told = ", ".join(f"{name} ({part.rounded})" for name, part in data.items() if isinstance(part, Numbers) and part.rounded)
    if told:
        why = "numbers with more digits than float64 holds were rounded to the nearest; SAS does not write such"
        found.tell(f"{found.path}: {found.metadata.name}: {why}: {told}.")
