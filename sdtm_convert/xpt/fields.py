"""Texts of any length as fields of one width, padded with blanks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert.xpt.arrow import text_buffers

NARROW = 48  # bytes up to which it is faster to take a fixed number of bytes for each text and to blank out what lies behind it
_BLANK = np.uint8(ord(" "))


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
