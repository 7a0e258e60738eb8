"""Encoded columns put together to observations, some at a time: compiled where that is installed, else with numpy; the bytes are the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sdtm_convert.xpt import compiled
from sdtm_convert.xpt.arrow import text_buffers
from sdtm_convert.xpt.fields import pad
from sdtm_convert.xpt.header import XptVariable


@dataclass(frozen=True)
class EncodedTexts:
    """A Char column in the file's encoding, none longer than its variable; with `codes`, the number of the text that each row has."""

    texts: pa.LargeStringArray
    codes: np.ndarray | None = None


Coded = EncodedTexts | np.ndarray  # a column: texts, or numbers as IBM doubles (native uint64)


@dataclass(frozen=True)
class Places:
    """Where the variables lie in an observation of `record` bytes."""

    variables: tuple[XptVariable, ...]
    positions: tuple[int, ...]
    record: int


def observations(columns: Sequence[Coded], rows: int, places: Places, buffer: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of whole observations, each with the number of its first; they lie in `buffer`, so each is good until the next."""
    put = _compiled if compiled.kernels else _with_numpy
    return put(columns, rows, places, buffer[: max(1, len(buffer) // places.record) * places.record])


def _compiled(columns: Sequence[Coded], rows: int, places: Places, buffer: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    fields = []
    for column, variable, position in zip(columns, places.variables, places.positions, strict=True):
        if isinstance(column, EncodedTexts):
            offsets, data = text_buffers(column.texts)
            fields.append((position, variable.length, data, offsets, column.codes))
        else:
            fields.append((position, variable.length, column, None, None))
    for first, block in _blocks(rows, places.record, buffer):
        compiled.kernels.fill(block, places.record, first, tuple(fields))
        yield first, block


def _with_numpy(columns: Sequence[Coded], rows: int, places: Places, buffer: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    record, most = places.record, len(buffer) // places.record
    buffer.fill(ord(" "))
    targets = []  # filled from left to right, as items may have blanks that reach into the next field
    for column, variable, position in zip(columns, places.variables, places.positions, strict=True):
        items = _items(column, variable.length)
        if position + items.dtype.itemsize > record:
            items = np.ndarray(rows, f"V{record - position}", items, 0, items.strides)
        targets.append((np.ndarray(most, items.dtype, buffer, position, (record,)), items))
    for first, block in _blocks(rows, record, buffer):
        count = len(block) // record
        for target, items in targets:
            target[:count] = items[first : first + count]
        yield first, block


def _blocks(rows: int, record: int, buffer: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    most = len(buffer) // record
    for first in range(0, rows, most):
        yield first, buffer[: min(most, rows - first) * record]


def _items(column: Coded, width: int) -> np.ndarray:
    """One item of raw bytes (dtype V) for each row; where it is wider than `width`, or narrower, the rest is blank."""
    if isinstance(column, np.ndarray):
        return np.ndarray(len(column), f"V{width}", _big_endian(column), 0, (8,))
    items = _padded(column.texts)
    return items if column.codes is None else items.take(column.codes)


def _big_endian(coded: np.ndarray) -> np.ndarray:
    """Native integers as bytes from the highest to the lowest, in their own memory."""
    return coded.byteswap(inplace=True) if sys.byteorder == "little" else coded


def _padded(texts: pa.LargeStringArray) -> np.ndarray:
    """Items as long as the longest text, or a little longer."""
    offsets, data = text_buffers(texts)
    lengths = offsets[1:] - offsets[:-1]
    needed = int(lengths.max(initial=0))
    if not needed:
        return np.full(len(texts), b" ").view("V1")
    return data.view(f"V{needed}") if int(lengths.min()) == needed else pad(texts, needed)
