"""One column of a chunk of rows as a transport file has them: text in its encoding, IBM numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert.errors import InputError
from sdtm_convert.xpt import compiled, ibm
from sdtm_convert.xpt.arrow import as_bytes, as_large_text, as_text, decoded, encoded, is_text, shown, text_buffers
from sdtm_convert.xpt.header import XptVariable
from sdtm_convert.xpt.moments import since_1960
from sdtm_convert.xpt.observations import EncodedTexts
from sdtm_convert.xpt.target import Target

# --- Text -------------------------------------------------------------------------------------------------------------


def encode_text(part: np.ndarray | pa.Array, variable: XptVariable, first_row: int, target: Target) -> EncodedTexts:
    """The texts of a column in the target's encoding, none longer than the variable.

    In: numpy or Arrow values of one chunk, whose first row is row `first_row` of the dataset. Raises InputError for what does not
    fit, with its row and value.
    """
    if isinstance(part, pa.DictionaryArray) and is_text(part.type) and len(part.dictionary) < len(part):
        return _encode_categories(part, variable, first_row, target)
    texts = text_array(part, variable.name, first_row, target)
    if _most_bytes(texts) > variable.length:
        texts = pc.ascii_rtrim(texts, " ")  # blanks at the end need no room
        _check_length(texts, variable, first_row, target)
    return EncodedTexts(texts)


def _most_bytes(texts: pa.LargeStringArray) -> int:
    """The bytes of the longest text."""
    offsets, _ = text_buffers(texts)
    return compiled.kernels.longest(offsets) if compiled.kernels else int((offsets[1:] - offsets[:-1]).max(initial=0))


def _check_length(texts: pa.LargeStringArray, variable: XptVariable, first_row: int, target: Target) -> None:
    offsets, _ = text_buffers(texts)
    too_long = np.flatnonzero(offsets[1:] - offsets[:-1] > variable.length)
    if len(too_long):
        row = int(too_long[0])
        value = texts[row].as_buffer().to_pybytes().decode(target.encoding)
        why = f"takes {offsets[row + 1] - offsets[row]} bytes; the length is {variable.length}."
        target.refuse(why, variable.name, first_row + row, value)


def _encode_categories(part: pa.DictionaryArray, variable: XptVariable, first_row: int, target: Target) -> EncodedTexts:
    """Only the distinct texts that are used are encoded, with a blank one for the missing."""
    codes = np.asarray(part.indices.cast(pa.int64()).fill_null(len(part.dictionary)))
    known = pa.concat_arrays([as_large_text(part.dictionary), pa.array([""], pa.large_string())])
    used = np.zeros(len(known), bool)
    used[codes] = True
    places = np.cumsum(used, dtype=np.int64) - 1
    try:
        return EncodedTexts(encode_text(known.filter(pa.array(used)), variable, 0, target).texts, places[codes])
    except InputError:  # it names the row of a category; the row of the dataset is wanted
        return encode_text(as_large_text(part), variable, first_row, target)


def text_array(part: np.ndarray | pa.Array, name: str, first_row: int, target: Target) -> pa.LargeStringArray:
    """The texts of a column in the target's encoding, missing ones empty, checked for what no submission may hold.

    The bytes are those of the target's encoding, though Arrow calls them UTF-8.
    """
    if isinstance(part, np.ndarray):
        part = _from_numpy(part, name, first_row, target, "text")
    if not is_text(part.type):
        if part.null_count < len(part):
            row = int(np.argmin(part.is_null()))
            target.refuse(f"is {part.type}, not text; the variable is Char.", name, first_row + row, shown(part, row))
        return pa.array([""] * len(part), pa.large_string())
    part = as_large_text(part)
    if part.null_count:
        part = part.fill_null("")
    _, data = text_buffers(part)
    if not _plain(data):
        part = _unusual(part, name, first_row, target)
    return part


def _plain(data: np.ndarray) -> bool:
    """Whether all bytes are ASCII's printable characters."""
    return compiled.kernels.plain(data) if compiled.kernels else not len(data) or (data.max() <= ord("~") and data.min() >= ord(" "))


def longest(texts: pa.LargeStringArray) -> int:
    """The bytes of the longest text, blanks at its end aside."""
    return _most_bytes(pc.ascii_rtrim(texts, " "))


def _unusual(texts: pa.LargeStringArray, name: str, first_row: int, target: Target) -> pa.LargeStringArray:
    """Control characters are refused, other characters than ASCII's brought into the target's encoding."""
    offsets, data = text_buffers(texts)
    control = (data < 32) | (data == 127)
    if "control characters" not in target.allow and control.any():
        row = int(np.searchsorted(offsets - offsets[0], np.argmax(control), side="right")) - 1
        target.refuse("holds a control character.", name, first_row + row, shown(texts, row), "control characters")
    if data.max() < 128:
        return texts
    _check_utf8(texts, name, first_row, target)
    if target.encoding == "utf-8":
        return texts
    distinct, raw = texts.dictionary_encode(), []
    for position, text in enumerate(distinct.dictionary.to_pylist()):
        try:
            raw.append(encoded(text, target.encoding))
        except UnicodeEncodeError as error:
            row = int(np.argmax(np.asarray(distinct.indices) == position))
            why = f"holds {error.object[error.start]!r}, which {target.encoding} lacks. Name an encoding, such as 'utf-8' or 'latin-1'."
            target.refuse(why, name, first_row + row, text)
    return as_text(pa.array(raw, pa.large_binary()).take(distinct.indices))


def _check_utf8(texts: pa.LargeStringArray, name: str, first_row: int, target: Target) -> None:
    """Arrow does not look whether bytes that are handed over as text are any."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        for row, raw in enumerate(as_bytes(texts).to_pylist()):
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError:
                target.refuse("is not UTF-8, as Arrow's text must be.", name, first_row + row, raw)
        raise


# --- Numbers ----------------------------------------------------------------------------------------------------------


def encode_numbers(part: np.ndarray | pa.Array, variable: XptVariable, first_row: int, target: Target) -> tuple[np.ndarray, bool]:
    """The numbers of a column as IBM doubles (native uint64), and whether the variable's length cuts any of them.

    In: numpy or Arrow values of one chunk, whose first row is row `first_row` of the dataset; dates and times count from 1960 in
    the unit of the variable's format. Raises InputError for what an IBM double cannot hold, with its row and value.
    """
    values = _floats(part, variable, first_row, target)
    coded, large, small = ibm.encode(values)
    if large is not None:
        row = int(large[0])
        target.refuse("is beyond what a transport file holds (below 2**252 in size).", variable.name, first_row + row, values[row].item())
    if small is not None and "underflow" not in target.allow:
        row = int(small[0])
        why = "is closer to zero than a transport file can tell (2**-260)."
        target.refuse(why, variable.name, first_row + row, values[row].item(), "underflow")
    if variable.length == 8:
        return coded, False
    return coded, bool((coded & np.uint64((1 << 8 * (8 - variable.length)) - 1)).any())


def _floats(part: np.ndarray | pa.Array, variable: XptVariable, first_row: int, target: Target) -> np.ndarray:
    if isinstance(part, np.ndarray):
        if part.dtype.kind in "fb" and part.dtype.itemsize <= 8:
            return part.astype(np.float64, copy=False)
        if part.dtype.kind in "iu":
            return _integers(part, variable, first_row, target)
        part = _from_numpy(part, variable.name, first_row, target, "numbers")
    if isinstance(part, pa.DictionaryArray):
        part = decoded(part)
    missing = np.asarray(part.is_null())
    if missing.all():
        return np.full(len(part), np.nan)
    kind = part.type
    if pa.types.is_integer(kind):
        values = _integers(np.asarray(part.fill_null(0)), variable, first_row, target)
    elif pa.types.is_boolean(kind) or pa.types.is_floating(kind):
        values = np.asarray(part.cast(pa.float64()).fill_null(np.nan))
    elif pa.types.is_temporal(kind):
        values = since_1960(part, variable, first_row, target)
    else:
        row = int(np.argmin(missing))
        target.refuse(f"is {kind}, not a number; the variable is Num.", variable.name, first_row + row, shown(part, row))
    return np.where(missing, np.nan, values) if missing.any() else values


def _integers(part: np.ndarray, variable: XptVariable, first_row: int, target: Target) -> np.ndarray:
    values = part.astype(np.float64)
    if part.dtype.itemsize < 8 or "rounding" in target.allow:
        return values
    for row in np.flatnonzero(np.abs(values) >= 2.0**53).tolist():
        if int(values[row]) != int(part[row]):
            why = "is a whole number beyond 2**53 that would be rounded."
            target.refuse(why, variable.name, first_row + row, part[row].item(), "rounding")
    return values


# --- Any values -------------------------------------------------------------------------------------------------------


def _from_numpy(part: np.ndarray, name: str, first_row: int, target: Target, what: str) -> pa.Array:
    """Objects, times and the like as Arrow sees them; `what` is what they should be."""
    try:
        values = pa.array(part, from_pandas=True)
        if pa.types.is_temporal(values.type) and part.dtype == object:
            _check_kept(values, part, name, first_row, target)
        if not pa.types.is_binary(values.type):  # Arrow would take text among bytes for bytes as well
            return values
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass  # some value is what no column of a transport file can hold: which?
    for row, value in enumerate(part):
        if not _fits(value, what):
            too_large = what == "numbers" and isinstance(value, int)
            why = "is a whole number of 2**63 or beyond; give it as float." if too_large else f"is {type(value).__name__}, where there should be {what}."
            target.refuse(why, name, first_row + row, value)
    kind = "has values of different types" if part.dtype == object else f"is {part.dtype}"
    target.refuse(f"{kind}, where there should be {what}.", name)


def _check_kept(values: pa.Array, part: np.ndarray, name: str, first_row: int, target: Target) -> None:
    """Among dates and times of different kinds, Arrow drops times of day, time zones and nanoseconds without a word."""
    for row, (kept, given) in enumerate(zip(values.to_pylist(), part, strict=True)):
        if kept is not None and kept != given:
            target.refuse(f"would become {kept!r} among the others; give dates and times of one kind.", name, first_row + row, given)


def _fits(value: object, what: str) -> bool:
    """Whether one Python object is missing, or what it should be and can be encoded."""
    if what == "text" and isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if what == "numbers" and isinstance(value, (int, float, np.integer, np.floating)):
        return not isinstance(value, int) or abs(value) < 2**63
    return pd.api.types.is_scalar(value) and bool(pd.isna(value))
