"""One column of a block of records as values: text as Arrow strings without padding, numbers as float64."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert.errors import InputError
from sdtm_convert.xpt import compiled, ibm
from sdtm_convert.xpt.arrow import as_bytes, encoding_name, text_buffers
from sdtm_convert.xpt.fields import pack
from sdtm_convert.xpt.header import XptVariable, warn

FALLBACK = "cp1252"  # what SAS writes on Windows in the countries of most sponsors
LARGE = 1 << 22  # bytes from which on numpy asks for huge pages
RESERVED = 1 << 28  # bytes that a column begins with at the most, as what the size of a file suggests may be far too much


@dataclass
class TextEncoding:
    """The encoding of a file's text: the caller's, or None until the first text that is not ASCII decides it."""

    path: str
    given: str | None = None
    chosen: str | None = None

    def __post_init__(self):
        self.given = encoding_name(self.given) if self.given else None

    @property
    def name(self) -> str:
        return self.given or self.chosen or "ascii"

    def decode(self, raw: bytes, where: str) -> str:
        """One text; `where` is what an error names."""
        try:
            return raw.decode("ascii" if raw.isascii() else self.given or self.chosen or self._decide([raw], where))
        except UnicodeDecodeError as error:
            self.refuse(raw, where, error)

    def decode_all(self, distinct: list[bytes], where) -> list[str]:
        """Many texts; `where` tells what an error names from the number of the text."""
        encoding = self.given or self.chosen or self._decide(distinct, where)
        texts = []
        for number, raw in enumerate(distinct):
            try:
                texts.append(raw.decode(encoding))
            except UnicodeDecodeError as error:
                self.refuse(raw, where(number), error)
        return texts

    def _decide(self, distinct: list[bytes], where) -> str:
        """UTF-8 if all of it is, else Windows-1252, which a person should know."""
        self.chosen = "utf-8"
        for number, raw in enumerate(distinct):
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError:
                self.chosen = FALLBACK
                place = where if isinstance(where, str) else where(number)
                warn(f"{self.path}: {place}: {raw!r} is not UTF-8; text is read as Windows-1252. Name the encoding if it is another.")
                break
        return self.chosen

    def refuse(self, raw: bytes, where: str, error: UnicodeDecodeError) -> None:
        why = f"byte {raw[error.start]:02X} at position {error.start + 1} is not {self.name}. Name the encoding of the text."
        raise InputError(f"{self.path}: {where}: {raw!r}: {why}") from error


def growing(
    variables: list[XptVariable], most_rows: int, dataset: str, first_row: int, encoding: TextEncoding
) -> dict[str, Numbers | Texts]:
    """A column for each variable, to be filled block by block with at most that many rows."""
    sizes = [size for variable in variables for size in _sizes(variable, most_rows)]
    pieces = iter(_memory(sizes))
    return {
        variable.name: Numbers(next(pieces).view(np.float64))
        if variable.type == "Num"
        else Texts(next(pieces).view(np.int64), next(pieces), f"{dataset}.{variable.name}", first_row, encoding)
        for variable in variables
    }


def _sizes(variable: XptVariable, most_rows: int) -> tuple[int, ...]:
    """How many bytes a column begins with: numbers, or Arrow's offsets and bytes of texts."""
    sizes = (8 * most_rows,) if variable.type == "Num" else (8 * (most_rows + 1), most_rows * variable.length)
    return tuple(min(size, RESERVED) for size in sizes)


def _memory(sizes: list[int]) -> list[np.ndarray]:
    """Memory of these sizes, which the system takes only as it is filled. Small ones are parts of one, as large ones come in
    huge pages, which saves much time; large ones stand alone, so that a column no longer used can be freed."""
    sizes = [size + -size % 64 for size in sizes]
    shared = np.empty(sum(size for size in sizes if size < LARGE), np.uint8)
    ends = itertools.accumulate(size if size < LARGE else 0 for size in sizes)
    return [shared[end - size : end] if size < LARGE else np.empty(size, np.uint8) for size, end in zip(sizes, ends, strict=True)]


def _with_room(memory: np.ndarray, used: int, needed: int) -> np.ndarray:
    """The memory, or twice as much as is needed with the same in it."""
    if needed <= len(memory):
        return memory
    grown = np.empty(2 * needed, memory.dtype)
    grown[:used] = memory[:used]
    return grown


def take_apart(block: np.ndarray, record: int, fields: list[tuple[int, int, Numbers | Texts]]) -> None:
    """Add a block of observations, `record` bytes each, to the columns at these positions with these lengths."""
    rows = len(block) // record
    if compiled.kernels:
        places = tuple((position, length, *column.place(rows, length)) for position, length, column in fields)
        ends = compiled.kernels.take(block, record, places)
    else:
        ends = [-1] * len(fields)
    for (position, length, column), end in zip(fields, ends, strict=True):
        if end < 0:
            column.add(np.ndarray((rows, length), np.uint8, block, position, (record, 1)))
        else:
            column.rows, column.size = column.rows + rows, end


class Numbers:
    """One Num variable, growing block by block."""

    size = 0

    def __init__(self, memory: np.ndarray):
        self.memory, self.rows, self.rounded, self.letters = memory, 0, 0, {}

    def place(self, rows: int, length: int) -> tuple[np.ndarray, None, int]:
        """Where the next rows belong."""
        self.memory = _with_room(self.memory, self.rows, self.rows + rows)
        return self.memory[self.rows : self.rows + rows], None, 0

    def add(self, cells: np.ndarray) -> None:
        """The numbers of a block: a table of bytes, rows by length."""
        values, *_ = self.place(*cells.shape)
        places, letters, rounded = decode_numbers(cells, values)
        self.letters.update(zip((places + self.rows).tolist(), letters.tobytes().decode("ascii"), strict=True))
        self.rows += len(cells)
        self.rounded += rounded

    def values(self) -> np.ndarray:
        return self.memory[: self.rows]


class Texts:
    """One Char variable, growing block by block: Arrow's offsets and bytes."""

    def __init__(self, offsets: np.ndarray, memory: np.ndarray, name: str, first_row: int, encoding: TextEncoding):
        self.offsets, self.memory, self.name, self.first_row, self.encoding = offsets, memory, name, first_row, encoding
        self.rows = self.size = self.offsets[0] = 0

    def place(self, rows: int, length: int) -> tuple[np.ndarray, np.ndarray, int]:
        """Where the next rows belong: memory for texts, for their ends, and where in the first they begin."""
        self._room(rows * length)
        self.offsets = _with_room(self.offsets, self.rows + 1, self.rows + rows + 1)
        return self.memory, self.offsets[self.rows + 1 : self.rows + rows + 1], self.size

    def add(self, cells: np.ndarray) -> None:
        """The texts of a block: a table of bytes, rows by length."""
        _, ends, _ = self.place(*cells.shape)
        used = pack(cells, self.memory[self.size :], ends)
        if used is None:
            offsets, data = text_buffers(decode_text(cells, self.name, self.first_row + self.rows, self.encoding))
            self._room(used := len(data))
            self.memory[self.size : self.size + used] = data
            np.subtract(offsets[1:], offsets[0], out=ends)
        ends += self.size
        self.rows, self.size = self.rows + len(cells), self.size + used

    def _room(self, more: int) -> None:
        self.memory = _with_room(self.memory, self.size, self.size + more)  # UTF-8 may need more bytes than the text had in the file

    def values(self) -> pd.api.extensions.ExtensionArray:
        buffers = [None, pa.py_buffer(self.offsets[: self.rows + 1]), pa.py_buffer(self.memory[: self.size])]
        return pd.array(pa.Array.from_buffers(pa.large_string(), self.rows, buffers), dtype="str")


def decode_text(cells: np.ndarray, name: str, first_row: int, encoding: TextEncoding) -> pa.LargeStringArray:
    """Texts of one variable without the blanks (or, from other writers than SAS, NULs) at their end; never missing, but "".

    In: a table of bytes, rows by length; the name of the variable and its first row, for errors.
    """
    rows, width = cells.shape
    offsets = np.arange(0, rows * width + 1, width)
    padded = pa.Array.from_buffers(pa.large_string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(cells))])
    texts = pc.ascii_rtrim(padded, " \0")
    data = texts.buffers()[2]
    if data is None or not data.size or np.frombuffer(data, np.uint8).max() < 128:
        return texts
    if encoding.name == "utf-8":
        try:
            texts.validate(full=True)
            return texts
        except pa.ArrowInvalid:
            pass  # the slower way finds out where
    return _decode_distinct(texts, name, first_row, encoding)


def _decode_distinct(texts: pa.LargeStringArray, name: str, first_row: int, encoding: TextEncoding) -> pa.LargeStringArray:
    coded = as_bytes(texts).dictionary_encode()
    codes = np.asarray(coded.indices)

    def where(number: int) -> str:
        return f"{name}, row {first_row + int(np.argmax(codes == number)) + 1}"

    decoded = pa.array(encoding.decode_all(coded.dictionary.to_pylist(), where), pa.large_string())
    return decoded.take(coded.indices)


def decode_numbers(cells: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Numbers of one variable into `values`, from the first 2 to 8 bytes of IBM doubles; the rest as `ibm.decode` says it."""
    rows, length = cells.shape
    if length < 8:
        cells = np.hstack([cells, np.zeros((rows, 8 - length), np.uint8)])
    return ibm.decode(cells.view(">u8")[:, 0].astype(np.uint64), values)
