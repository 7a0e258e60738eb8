"""Parquet files: typed columns, written out as text."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import InputError
from .raw import TEXT, Options, RawTable, first_line, header_names, number_text, text_frame, texts_of


DAY_OR_TIME = r"^(\d{4}-\d\d-\d\d|\d\d:\d\d:)"  # how a day of a year in four digits, or a time of one day, begins


def read_parquet(path: Path, name: str, options: Options) -> RawTable:
    """Text as it is; numbers as `number_text`; dates and times in ISO 8601; booleans as TRUE and FALSE."""
    try:
        table = pq.read_table(path, partitioning=None)
        names = table.column_names
    except (pa.ArrowException, ValueError, OSError) as error:
        raise InputError(f"{path}: is not a readable Parquet file: {first_line(error)}") from error
    header_names([names], 0, path)
    columns = {column: _text(table[column], column, path) for column in names}
    return RawTable(name, text_frame(columns, options.missing), path)


def _text(values: pa.ChunkedArray, column: str, path: Path) -> pa.Array | pa.ChunkedArray:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    types, held = pa.types, values.type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return checked_text(values, f"{path}: column '{column}'")
    values = values.cast(kind)
    if types.is_floating(kind):
        return texts_of(values.to_numpy(), number_text)
    if types.is_boolean(kind):
        return pc.if_else(values, "TRUE", "FALSE")
    if types.is_decimal(kind):
        return _without_exponent(values.cast(TEXT))
    if types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind):
        return _iso8601(values, column, path)
    if types.is_integer(kind) or types.is_null(kind):
        return values.cast(TEXT)
    raise InputError(f"{path}: column '{column}' holds {held}, which is no single collected value.")


def checked_text(values: pa.ChunkedArray, place: str) -> pa.ChunkedArray:
    """Text of any of Arrow's types in one; `place` begins the InputError for a value that is not UTF-8, which Arrow reads without a look."""
    try:
        values.validate(full=True)
        return values.cast(TEXT)
    except pa.ArrowInvalid as error:
        for row, value in enumerate(values.cast(pa.large_binary()).to_pylist(), 1):
            if value is not None and not _is_utf8(value):
                raise InputError(f"{place}, row {row}: {value[:40]!r} is not UTF-8, as text in Parquet is.") from None
        raise InputError(f"{place}: cannot be read: {first_line(error)}") from error


def _is_utf8(value: bytes) -> bool:
    try:
        return value.decode("utf-8") is not None
    except UnicodeDecodeError:
        return False


def _without_exponent(texts: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """"1E-8" is "0.00000001"."""
    if not pc.any(pc.match_substring(texts, "E")).as_py():
        return texts
    return pa.array([None if text is None else format(Decimal(text), "f") for text in texts.to_pylist()], TEXT)


def _iso8601(values: pa.ChunkedArray, column: str, path: Path) -> pa.ChunkedArray:
    """Dates, times and moments as Arrow writes them, with T before the time, a colon in the time zone, and no zeros that say nothing."""
    try:
        texts = values.cast(TEXT)
    except pa.ArrowInvalid as error:  # a time zone that nobody knows
        raise InputError(f"{path}: column '{column}' cannot be read: {first_line(error)}") from error
    wrong = pc.invert(pc.match_substring_regex(texts, DAY_OR_TIME))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        why = f"{values[row].value} as {values.type} is no day of the years 0000 to 9999, or no time of a day."
        raise InputError(f"{path}: column '{column}', row {row + 1}: {why}")
    texts = pc.replace_substring_regex(pc.replace_substring(texts, " ", "T"), r"([+-]\d\d)(\d\d)$", r"\1:\2")
    return _without_trailing_zeros(texts)


def _without_trailing_zeros(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """"07:05:00.000" is "07:05:00", "07:05:00.600" is "07:05:00.6"; "07:05:00.050" is "07:05:00.05"."""
    shorter = pc.replace_substring_regex(times, r"(\.[0-9]*[1-9])0+($|[Z+-])", r"\1\2")
    return pc.replace_substring_regex(shorter, r"\.0+($|[Z+-])", r"\1")
