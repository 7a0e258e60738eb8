"""Parquet files: typed columns, written out as text."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import InputError
from .raw import TEXT, Options, RawTable, first_line, header_names, number_text, text_frame, texts_of


def read_parquet(path: Path, name: str, options: Options) -> RawTable:
    """Text as it is; numbers as `number_text`; dates and times in ISO 8601; booleans as TRUE and FALSE."""
    try:
        table = pq.read_table(path, partitioning=None)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise InputError(f"{path}: is not a readable Parquet file: {first_line(error)}") from error
    header_names([table.column_names], 0, path)
    columns = {column: _text(table[column], column, path) for column in table.column_names}
    return RawTable(name, text_frame(columns, options.missing), path)


def _text(values: pa.ChunkedArray, column: str, path: Path) -> pa.Array | pa.ChunkedArray:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    values = values.cast(kind)
    if pa.types.is_floating(kind):
        return texts_of(values.to_numpy(), number_text)
    if pa.types.is_boolean(kind):
        return pc.if_else(values, "TRUE", "FALSE")
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return _without_trailing_zeros(pc.replace_substring(values.cast(TEXT), " ", "T"))
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_duration(kind):
        raise InputError(f"{path}: column '{column}' holds {kind}, which is no single collected value.")
    return values.cast(TEXT)


def _without_trailing_zeros(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """"07:05:00.000" is "07:05:00", "07:05:00.600" is "07:05:00.6"."""
    return pc.replace_substring_regex(pc.replace_substring_regex(times, r"(\.[0-9]*[1-9])0+", r"\1"), r"\.0+", "")
