"""Arrow's text columns at the level of bytes."""

from __future__ import annotations

import codecs

import numpy as np
import pyarrow as pa

from sdtm_convert.errors import did_you_mean

ASCII = "".join(map(chr, range(32, 127)))
COMMON = ("ascii", "utf-8", "latin-1", "cp1252", "shift_jis")


def encoding_name(encoding: str) -> str:
    """Python's name of a text encoding that has ASCII as a part, as all of SAS's do but EBCDIC.

    >>> encoding_name("UTF8")
    'utf-8'
    """
    try:
        name = codecs.lookup(str(encoding)).name
    except (LookupError, ValueError):
        raise ValueError(f"encoding={encoding!r} is unknown. {did_you_mean(str(encoding), COMMON)}".rstrip()) from None
    if not _has_ascii(name):
        raise ValueError(f"encoding={encoding!r}: ASCII is no part of it; a transport file cannot hold it.")
    return name


def _has_ascii(encoding: str) -> bool:
    try:
        return ASCII.encode(encoding) == ASCII.encode("ascii")
    except (UnicodeError, LookupError):  # the latter for what is no encoding of text, as rot13
        return False


def encoded(text: str, encoding: str) -> bytes:
    """The bytes of a text from which a reader gets the same text again.

    Raises UnicodeEncodeError for a character that the encoding lacks, or has for writing alone: shift_jis makes a yen sign a backslash.
    """
    raw = text.encode(encoding)
    if not _comes_back(text, raw, encoding):
        place = next((at for at, character in enumerate(text) if not _comes_back(character, character.encode(encoding), encoding)), 0)
        raise UnicodeEncodeError(encoding, text, place, place + 1, "it would be read as another")
    return raw


def _comes_back(text: str, raw: bytes, encoding: str) -> bool:
    return raw.isascii() == text.isascii() and raw.decode(encoding) == text


def text_buffers(texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and bytes, without a copy; the bytes are those of these texts alone."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.zeros(1, np.int64), np.empty(0, np.uint8)
    offsets = np.frombuffer(offsets, np.int64, len(texts) + 1, 8 * texts.offset)
    first, end = int(offsets[0]), int(offsets[-1])
    return offsets, np.frombuffer(data, np.uint8, end - first, first) if end > first else np.empty(0, np.uint8)


def as_text(values: pa.Array) -> pa.LargeStringArray:
    """The same buffers, called text: bytes of any encoding."""
    return pa.Array.from_buffers(pa.large_string(), len(values), values.buffers(), offset=values.offset)


def as_bytes(values: pa.Array) -> pa.LargeBinaryArray:
    """The same buffers, called bytes."""
    return pa.Array.from_buffers(pa.large_binary(), len(values), values.buffers(), offset=values.offset)


def decoded(values: pa.DictionaryArray) -> pa.Array:
    """The value of each row; of views, which Arrow's own function does not take from dictionaries, as well."""
    known = values.dictionary
    if pa.types.is_string_view(known.type):
        known = known.cast(pa.large_string())
    elif pa.types.is_binary_view(known.type):
        known = known.cast(pa.large_binary())
    return known.take(values.indices)


def as_large_text(values: pa.Array) -> pa.LargeStringArray:
    """Text of any of Arrow's types, a dictionary's too, in the one that is worked with."""
    return (decoded(values) if isinstance(values, pa.DictionaryArray) else values).cast(pa.large_string())


def shown(values: pa.Array, row: int) -> object:
    """A value as a person should see it in an error; a time that Python has no value for as its number."""
    try:
        return values[row].as_py()
    except (OverflowError, ValueError):
        return values.view(pa.int64() if values.type.bit_width == 64 else pa.int32())[row].as_py()


def is_text(kind: pa.DataType) -> bool:
    """Whether the values of this type are texts, a dictionary's too."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
