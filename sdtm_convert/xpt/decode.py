"""One column of a block of records as values: text as Arrow strings without padding, numbers as float64."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert.errors import InputError
from sdtm_convert.xpt import ibm
from sdtm_convert.xpt.header import XptVariable, XptWarning

FALLBACK = "cp1252"  # what SAS writes on Windows in the countries of most sponsors
NARROW = 16  # bytes up to which looking for columns of blanks costs more than it saves


@dataclass
class TextEncoding:
    """The encoding of a file's text: the caller's, or None until the first text that is not ASCII decides it."""

    path: str
    given: str | None = None
    chosen: str | None = None

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
        why = f"byte {raw[error.start]:02X} at position {error.start + 1} is not {error.encoding}. Name the encoding of the text."
        raise InputError(f"{self.path}: {where}: {raw!r}: {why}") from error


def column(block: np.ndarray, position: int, variable: XptVariable, record: int) -> np.ndarray:
    """The bytes of one variable, one row each, side by side."""
    rows = len(block) // record
    return np.ascontiguousarray(np.ndarray(rows, f"V{variable.length}", block, position, (record,)))


def decode_text(raw: np.ndarray, dataset: str, variable: XptVariable, first_row: int, encoding: TextEncoding) -> pa.LargeStringArray:
    """Texts of one variable without the blanks (or, from other writers than SAS, NULs) at their end; never missing, but ""."""
    rows, width = len(raw), variable.length
    cells = raw.view(np.uint8).reshape(rows, width)
    if width > NARROW and rows:
        used = np.flatnonzero((cells.max(axis=0) != 32) | (cells.min(axis=0) != 32))
        width = int(used[-1]) + 1 if len(used) else 1
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
    as_bytes = pa.Array.from_buffers(pa.large_binary(), len(texts), texts.buffers(), offset=texts.offset)
    coded = as_bytes.dictionary_encode()
    codes = np.asarray(coded.indices)

    def where(number: int) -> str:
        return f"{name}, row {first_row + int(np.argmax(codes == number)) + 1}"

    decoded = pa.array(encoding.decode_all(coded.dictionary.to_pylist(), where), pa.large_string())
    return decoded.take(coded.indices)


def decode_numbers(raw: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Numbers of one variable; as `ibm.decode`, from the first 2 to 8 bytes of IBM doubles."""
    if length == 8:
        return ibm.decode(raw.view(np.uint64).byteswap())
    padded = np.zeros((len(raw), 8), np.uint8)
    padded[:, :length] = raw.view(np.uint8).reshape(len(raw), length)
    return ibm.decode(padded.view(np.uint64).reshape(-1).byteswap())
