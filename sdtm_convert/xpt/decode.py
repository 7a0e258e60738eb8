"""One column of a block of records as values: text as Arrow strings without padding, numbers as float64."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert.errors import InputError
from sdtm_convert.xpt import ibm
from sdtm_convert.xpt.arrow import as_bytes, encoding_name, text_buffers
from sdtm_convert.xpt.header import XptVariable, XptWarning

FALLBACK = "cp1252"  # what SAS writes on Windows in the countries of most sponsors
WIDE = 64  # bytes from which on it pays to look first how far the texts reach
_BLANKS = np.uint64(0x2020202020202020)


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
                text = f"{self.path}: {place}: {raw!r} is not UTF-8; text is read as Windows-1252. Name the encoding if it is another."
                warnings.warn(text, XptWarning, stacklevel=2)
                break
        return self.chosen

    def refuse(self, raw: bytes, where: str, error: UnicodeDecodeError) -> None:
        why = f"byte {raw[error.start]:02X} at position {error.start + 1} is not {self.name}. Name the encoding of the text."
        raise InputError(f"{self.path}: {where}: {raw!r}: {why}") from error


class Numbers:
    """One Num variable, growing block by block. Memory is taken by the system only as it is filled, so the most will do."""

    def __init__(self, most_rows: int):
        self.memory, self.rows, self.rounded, self.letters = np.empty(most_rows), 0, 0, {}

    def add(self, values: np.ndarray, places: np.ndarray, letters: np.ndarray, rounded: int) -> None:
        self.memory[self.rows : self.rows + len(values)] = values
        self.letters.update(zip((places + self.rows).tolist(), letters.tobytes().decode("ascii"), strict=True))
        self.rows += len(values)
        self.rounded += rounded

    def values(self) -> np.ndarray:
        return self.memory[: self.rows]


class Texts:
    """One Char variable, growing as `Numbers` does: Arrow's offsets and bytes."""

    def __init__(self, most_rows: int, length: int):
        self.offsets, self.memory, self.rows, self.size = np.empty(most_rows + 1, np.int64), np.empty(most_rows * length, np.uint8), 0, 0
        self.offsets[0] = 0

    def add(self, texts: pa.LargeStringArray) -> None:
        offsets, data = text_buffers(texts)
        self._room(len(data))
        np.add(offsets[1:], self.size - offsets[0], out=self.offsets[self.rows + 1 : self.rows + len(offsets)])
        self.memory[self.size : self.size + len(data)] = data
        self.rows, self.size = self.rows + len(texts), self.size + len(data)

    def _room(self, more: int) -> None:
        """UTF-8 may need more bytes than the text had in the file."""
        if self.size + more > len(self.memory):
            grown = np.empty(2 * (self.size + more), np.uint8)
            grown[: self.size] = self.memory[: self.size]
            self.memory = grown

    def values(self) -> pd.api.extensions.ExtensionArray:
        buffers = [None, pa.py_buffer(self.offsets[: self.rows + 1]), pa.py_buffer(self.memory[: self.size])]
        return pd.array(pa.Array.from_buffers(pa.large_string(), self.rows, buffers), dtype="str")


def column(block: np.ndarray, position: int, variable: XptVariable, record: int) -> np.ndarray:
    """The bytes of one variable as a table of bytes: rows by length (wide texts: with blanks up to a multiple of 8)."""
    rows, length = len(block) // record, variable.length
    source = np.ndarray(rows, f"V{length}", block, position, (record,))
    if length < WIDE or length % 8 == 0:
        return np.ascontiguousarray(source).view(np.uint8).reshape(rows, length)
    cells = np.empty((rows, length + -length % 8), np.uint8)
    cells[:, length:] = ord(" ")
    np.ndarray(rows, f"V{length}", cells, 0, (cells.shape[1],))[:] = source
    return cells


def decode_text(cells: np.ndarray, dataset: str, variable: XptVariable, first_row: int, encoding: TextEncoding) -> pa.LargeStringArray:
    """Texts of one variable without the blanks (or, from other writers than SAS, NULs) at their end; never missing, but ""."""
    rows, width = cells.shape
    if width >= WIDE and rows:
        used = np.flatnonzero(np.bitwise_or.reduce(cells.view(np.uint64) ^ _BLANKS, axis=0))
        width = 8 * (int(used[-1]) + 1) if len(used) else 1
        cells = np.ascontiguousarray(cells[:, :width])
    offsets = np.arange(0, rows * width + 1, width)
    padded = pa.Array.from_buffers(pa.large_string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(cells)])
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
    return _decode_distinct(texts, f"{dataset}.{variable.name}", first_row, encoding)


def _decode_distinct(texts: pa.LargeStringArray, name: str, first_row: int, encoding: TextEncoding) -> pa.LargeStringArray:
    coded = as_bytes(texts).dictionary_encode()
    codes = np.asarray(coded.indices)

    def where(number: int) -> str:
        return f"{name}, row {first_row + int(np.argmax(codes == number)) + 1}"

    decoded = pa.array(encoding.decode_all(coded.dictionary.to_pylist(), where), pa.large_string())
    return decoded.take(coded.indices)


def decode_numbers(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Numbers of one variable; as `ibm.decode`, from the first 2 to 8 bytes of IBM doubles."""
    rows, length = cells.shape
    if length < 8:
        cells = np.hstack([cells, np.zeros((rows, 8 - length), np.uint8)])
    return ibm.decode(cells.view(">u8").reshape(rows).astype(np.uint64))
