"""One column of a chunk of rows as the bytes of a transport file: fixed-width text, IBM numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert.xpt import ibm
from sdtm_convert.xpt.header import XptVariable, parse_format
from sdtm_convert.xpt.target import Target

DAYS_1960 = 3653  # from 1960-01-01, the origin of SAS dates, to 1970-01-01, that of Arrow and numpy
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DATETIME_FORMATS = ("DATETIME", "DATEAMPM", "DT", "E8601DT", "B8601DT", "IS8601DT", "E8601DN", "B8601DN", "IS8601DN", "MDYAMPM")
TIME_FORMATS = ("TIME", "HHMM", "HOUR", "MMSS", "TOD", "E8601TM", "B8601TM", "IS8601TM")
DATE_FORMATS = ("DATE", "YYMM", "YYQ", "YYWEEK", "MMDDYY", "MMYY", "DDMMYY", "E8601DA", "B8601DA", "IS8601DA", "JUL", "WEEK", "WORDDAT")
DATE_FORMATS += ("DAY", "MONTH", "MONYY", "MONNAME", "YEAR", "QTR", "DOWNAME")


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


# --- Text -------------------------------------------------------------------------------------------------------------


def encode_text(part: np.ndarray | pa.Array, variable: XptVariable, first_row: int, target: Target) -> np.ndarray:
    """The texts of a column in the target's encoding, padded with blanks to the longest of them or to the variable's width.

    In: numpy or Arrow values of one chunk, whose first row is row `first_row` of the dataset. Out: one item of raw bytes
    (dtype V) for each row, at most as wide as the variable. Raises InputError for what does not fit, with its row and value.
    """
    width = variable.length
    if isinstance(part, pa.DictionaryArray) and is_text(part.type.value_type) and len(part.dictionary) < len(part):
        return _encode_categories(part, variable, first_row, target)
    texts = text_array(part, variable.name, first_row, target)
    offsets, data = _buffers(texts)
    lengths = np.diff(offsets)
    needed = int(lengths.max(initial=0))
    if needed > width:
        texts = pc.ascii_rtrim(texts, " ")
        offsets, data = _buffers(texts)
        lengths = np.diff(offsets)
        needed = int(lengths.max(initial=0))
        if needed > width:
            row = int(np.argmax(lengths > width))
            target.refuse(f"takes {lengths[row]} bytes; the length is {width}.", variable.name, first_row + row, _show(texts, row))
    if not needed:
        return np.full(len(texts), b" ").view("V1")
    if int(lengths.min()) < needed:
        offsets, data = _buffers(pc.ascii_rpad(texts, needed))
    return data.view(f"V{needed}")


def _encode_categories(part: pa.DictionaryArray, variable: XptVariable, first_row: int, target: Target) -> np.ndarray:
    """Only the distinct texts are encoded, with a blank one for the missing."""
    used = np.unique(np.asarray(part.indices.drop_null()))
    codes = np.asarray(part.indices.fill_null(-1).cast(pa.int64()))
    texts = pa.concat_arrays([part.dictionary.take(pa.array(used)).cast(pa.large_string()), pa.array([""], pa.large_string())])
    row = int(np.argmax(codes == used[0])) if len(used) else 0
    table = encode_text(texts, variable, first_row + row, target)
    place = np.full(len(part.dictionary) + 1, len(used))
    place[used] = np.arange(len(used))
    return table.take(place[codes])


def text_array(part: np.ndarray | pa.Array, name: str, first_row: int, target: Target) -> pa.LargeStringArray:
    """The texts of a column in the target's encoding, missing ones empty, checked for what no submission may hold.

    The bytes are those of the target's encoding, though Arrow calls them UTF-8.
    """
    if isinstance(part, np.ndarray) or not _holds_text(part.type):
        missing = part != part if isinstance(part, np.ndarray) and part.dtype.kind == "f" else None
        filled = part.null_count < len(part) if isinstance(part, pa.Array) else missing is None or not missing.all()
        if filled and len(part):
            row = int(np.argmin(missing)) if missing is not None else 0
            kind = part.dtype if isinstance(part, np.ndarray) else part.type
            target.refuse(f"is no text but {kind}; the variable is Char.", name, first_row + row, _show(part, row))
        return pa.array([""] * len(part), pa.large_string())
    if not pa.types.is_large_string(part.type):
        part = part.cast(pa.large_string())
    if part.null_count:
        part = part.fill_null("")
    _, data = _buffers(part)
    if len(data) and (data.max() > 126 or data.min() < 32):
        part = _unusual(part, name, first_row, target)
    return part


def longest(texts: pa.LargeStringArray) -> int:
    """The bytes of the longest text, trailing blanks aside."""
    return int(np.diff(_buffers(pc.ascii_rtrim(texts, " "))[0]).max(initial=0))


def _holds_text(kind: pa.DataType) -> bool:
    return is_text(kind) or (pa.types.is_dictionary(kind) and is_text(kind.value_type))


def _unusual(texts: pa.LargeStringArray, name: str, first_row: int, target: Target) -> pa.LargeStringArray:
    """Control characters are refused, other characters than ASCII's brought into the target's encoding."""
    offsets, data = _buffers(texts)
    control = (data < 32) | (data == 127)
    if control.any() and "control characters" not in target.allow:
        row = _row_of(int(np.argmax(control)), offsets)
        target.refuse("holds a control character.", name, first_row + row, _show(texts, row), "control characters")
    if data.max() < 128 or target.encoding == "utf-8":
        return texts
    distinct = texts.dictionary_encode()
    encoded = []
    for position, text in enumerate(distinct.dictionary.to_pylist()):
        try:
            encoded.append(text.encode(target.encoding))
        except UnicodeEncodeError as error:
            row = int(np.argmax(np.asarray(distinct.indices) == position))
            why = f"holds {error.object[error.start]!r}, which {target.encoding} lacks. Name an encoding, such as 'utf-8' or 'latin-1'."
            target.refuse(why, name, first_row + row, text)
    coded = pa.array(encoded, pa.large_binary()).take(distinct.indices)
    return pa.Array.from_buffers(pa.large_string(), len(coded), coded.buffers(), offset=coded.offset)


def _buffers(texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and bytes, without a copy; the bytes are those of these texts alone."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.zeros(1, np.int64), np.empty(0, np.uint8)
    offsets = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    if data is None or offsets[-1] == offsets[0]:
        return offsets, np.empty(0, np.uint8)
    return offsets, np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]


def _row_of(byte: int, offsets: np.ndarray) -> int:
    return int(np.searchsorted(offsets - offsets[0], byte, side="right")) - 1


def _show(part: np.ndarray | pa.Array, row: int) -> object:
    value = part[row]
    return value.item() if isinstance(value, np.generic) else value.as_py()


# --- Numbers ----------------------------------------------------------------------------------------------------------


def encode_numbers(part: np.ndarray | pa.Array, variable: XptVariable, first_row: int, target: Target) -> tuple[np.ndarray, bool]:
    """The numbers of a column as IBM doubles (native uint64), and whether the variable's length cuts any of them.

    In: numpy or Arrow values of one chunk, whose first row is row `first_row` of the dataset; dates and times count from 1960 in
    the unit of the variable's format. Raises InputError for what an IBM double cannot hold, with its row and value.
    """
    values = _floats(part, variable, first_row, target)
    coded, large, small = ibm.encode(values)
    if large is not None:
        row = int(np.argmax(large))
        target.refuse("is beyond what a transport file holds (below 2**252 in size).", variable.name, first_row + row, values[row].item())
    if small is not None and "underflow" not in target.allow:
        row = int(np.argmax(small))
        why = "is closer to zero than a transport file can tell (2**-260)."
        target.refuse(why, variable.name, first_row + row, values[row].item(), "underflow")
    if variable.length == 8:
        return coded, False
    return coded, bool((coded & np.uint64((1 << 8 * (8 - variable.length)) - 1)).any())


def _floats(part: np.ndarray | pa.Array, variable: XptVariable, first_row: int, target: Target) -> np.ndarray:
    if isinstance(part, pa.DictionaryArray):
        part = part.dictionary_decode()
    if isinstance(part, np.ndarray):
        if part.dtype.kind in "fb":
            return part.astype(np.float64, copy=False)
        if part.dtype.kind in "iu":
            return _integers(part, variable, first_row, target)
        part = pa.array(part, from_pandas=True)
    kind, missing = part.type, np.asarray(part.is_null())
    if pa.types.is_null(kind) or missing.all():
        return np.full(len(part), np.nan)
    if pa.types.is_integer(kind):
        values = _integers(np.asarray(part.fill_null(0)), variable, first_row, target)
    elif pa.types.is_boolean(kind) or pa.types.is_floating(kind):
        values = np.asarray(part.cast(pa.float64()).fill_null(np.nan))
    elif pa.types.is_temporal(kind):
        values = _since_1960(part, variable, first_row, target)
    else:
        row = int(np.argmin(missing))
        target.refuse(f"is no number but {kind}; the variable is Num.", variable.name, first_row + row, _show(part, row))
    return np.where(missing, np.nan, values) if missing.any() else values


def _integers(part: np.ndarray, variable: XptVariable, first_row: int, target: Target) -> np.ndarray:
    values = part.astype(np.float64)
    if part.dtype.itemsize == 8 and len(part) and np.abs(values).max() >= 2.0**53 and "rounding" not in target.allow:
        changed = [int(values[row]) != int(part[row]) for row in np.flatnonzero(np.abs(values) >= 2.0**53)]
        if any(changed):
            row = int(np.flatnonzero(np.abs(values) >= 2.0**53)[changed.index(True)])
            why = "is a whole number beyond 2**53 that would be rounded."
            target.refuse(why, variable.name, first_row + row, part[row].item(), "rounding")
    return values


def _since_1960(part: pa.Array, variable: XptVariable, first_row: int, target: Target) -> np.ndarray:
    """Days (date formats) or seconds (datetime and time formats) of a temporal column, missing values as anything."""
    kind, shown = part.type, parse_format(variable.format)[0]
    if pa.types.is_timestamp(kind) and kind.tz:
        target.refuse("has a time zone, which a transport file cannot keep; convert it to local time.", variable.name, value=str(kind))
    meaning = _meaning(shown)
    if not meaning:
        target.refuse(f"has dates or times ({kind}); declare a format that says how they count, such as DATE9.", variable.name)
    moment = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    if moment != (meaning != "time"):
        target.refuse(f"is {kind}, which the format {variable.format} cannot show.", variable.name)
    if pa.types.is_date(kind):
        part = part.cast(pa.date32()).cast(pa.timestamp("s"))
    elif pa.types.is_time(kind):
        part = part.cast(pa.time64("ns")).cast(pa.int64()).cast(pa.duration("ns"))
    ticks, unit = np.asarray(part.cast(pa.int64()).fill_null(0)), PER_SECOND[part.type.unit]
    if meaning == "date":
        days, rest = np.divmod(ticks, 86400 * unit)
        if rest.any():
            row = int(np.argmax(rest != 0))
            target.refuse(f"has a time of day, which the format {variable.format} loses.", variable.name, first_row + row, str(part[row]))
        return days.astype(np.float64) + DAYS_1960
    seconds, rest = np.divmod(ticks, unit)
    return seconds.astype(np.float64) + (DAYS_1960 * 86400 if moment else 0) + rest / unit


def _meaning(shown: str) -> str:
    for meaning, formats in (("datetime", DATETIME_FORMATS), ("time", TIME_FORMATS), ("date", DATE_FORMATS)):
        if shown.startswith(formats):
            return meaning
    return ""
