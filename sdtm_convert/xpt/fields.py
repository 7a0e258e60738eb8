"""Texts of any length as fields of one width, padded with blanks, and back."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert.xpt.arrow import text_buffers

NARROW = 48  # bytes up to which it is faster to take a fixed number of bytes for each text and to blank out what lies behind it
LONG = 256  # bytes up to which the ends of texts are found in whole columns: one bit for each word of 8 bytes, exact in a float64
_BLANK, _BLANKS = np.uint8(ord(" ")), np.uint64(0x2020202020202020)
# By exponent field of a whole number made a float64: how many bits and bytes it has.
_BITS = np.zeros(1 << 11, np.int64)
_BITS[1023 : 1023 + 65] = np.arange(1, 66)
_BYTES = (_BITS + 7) // 8


def pad(texts: pa.LargeStringArray, width: int) -> np.ndarray:
    """One item of raw bytes (dtype V) for each text, none of which is longer than `width`.

    Items are as wide as asked for or, with more blanks at the end, 8 or 16 bytes, which are copied fastest.
    """
    if width > NARROW:
        return np.frombuffer(pc.ascii_rpad(texts, width).buffers()[2], f"V{width}", len(texts))
    width = next((size for size in (8, 16) if width <= size), width)
    offsets, data = text_buffers(texts)
    lengths = offsets[1:] - offsets[:-1]
    memory = np.frombuffer(texts.buffers()[2], np.uint8)
    if len(memory) - width < offsets[-2]:  # the last texts have less than `width` bytes behind them
        memory, offsets = np.concatenate([data, np.full(width, _BLANK)]), offsets - offsets[0]
    items = np.ndarray(len(memory) - width + 1, f"V{width}", memory, 0, (1,))[offsets[:-1]]
    cells = items.view(np.uint8)
    cells ^= _BLANK
    cells &= _first_bytes(width).take(lengths).view(np.uint8)
    cells ^= _BLANK
    return items


@cache
def _first_bytes(width: int) -> np.ndarray:
    """Masks of the first 0 to `width` bytes of an item."""
    return np.where(np.arange(width) < np.arange(width + 1)[:, None], 0xFF, 0).astype(np.uint8).view(f"V{width}").ravel()


def pack(cells: np.ndarray, memory: np.ndarray, ends: np.ndarray) -> int | None:
    """Texts without the blanks at their end, one after the other into `memory`, and into `ends` where each of them ends.

    In: fields as a table of bytes, rows by width. Out: how many bytes the texts take, or None where this quick way does not
    serve: characters other than ASCII's, NUL, fields of more than LONG bytes.
    """
    rows, width = cells.shape
    fields = cells.view(f"V{width}")[:, 0]
    if cells[::97, -1].min() > _BLANK and cells[:, -1].min() > _BLANK:  # a few first: most columns have shorter texts
        np.ndarray(rows, fields.dtype, memory)[:] = fields
        ends[:] = np.arange(width, (rows + 1) * width, width)
    elif width <= LONG and _assigns_in_order(width):
        words = np.full((rows, _words(width)), _BLANKS, "<u8")
        texts = np.ndarray(rows, fields.dtype, words, 0, words.strides[:1])
        texts[:] = fields
        lengths = np.minimum(_lengths(words), width)
        np.cumsum(lengths, out=ends)
        np.ndarray(len(memory) - width + 1, fields.dtype, memory, 0, (1,))[ends - lengths] = texts  # the next text covers the blanks
    else:
        return None
    data = memory[: ends[-1]]
    return len(data) if not len(data) or data.view(np.int8).min() > 0 else None  # other than ASCII's is negative


def _words(width: int) -> int:
    """The words of 8 bytes that a field gets: one, two, or so many that a bit for each makes whole bytes."""
    return next(words for words in (1, 2, 8, 16, 32) if width <= 8 * words)


def _lengths(words: np.ndarray) -> np.ndarray:
    """How many bytes texts have without the blanks at their end; for other than ASCII perhaps one more, as a float64 has 53 bits."""
    rows, count = words.shape
    if count == 1:
        return _BYTES.take(_exponents(words[:, 0] ^ _BLANKS))
    if count == 2:
        first, second = _BYTES.take(_exponents(words.T ^ _BLANKS))
        return np.where(second > 0, second + 8, first)
    used = np.packbits(words != _BLANKS, bitorder="little").view(f"<u{count // 8}")
    last = np.maximum(_BITS.take(_exponents(used)) - 1, 0)
    words = words.ravel().take(last + np.arange(0, rows * count, count))
    return 8 * last + _BYTES.take(_exponents(words ^ _BLANKS))


def _exponents(values: np.ndarray) -> np.ndarray:
    exponents = values.astype(np.float64).view(np.int64)
    exponents >>= 52
    return exponents


@cache
def _assigns_in_order(width: int) -> bool:
    """Whether numpy, which does not promise it, assigns to places that overlap from the first to the last."""
    memory, items = np.zeros(999 + width, np.uint8), (np.arange(1000 * width) % 251).astype(np.uint8)
    np.ndarray(1000, f"V{width}", memory, 0, (1,))[np.arange(1000)] = items.view(f"V{width}")
    return memory[:1000].tobytes() == items[::width].tobytes()
