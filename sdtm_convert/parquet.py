"""Datasets as Parquet: the columns of the transport file, with what it says of them in the metadata of the schema.

In the file's metadata: `name`, `label` and `created` of the dataset; in that of each column `label`, `type` (Char or Num), `dataType`
(Define-XML's), `length` in bytes, `displayFormat`, `significantDigits`, `keySequence`. Dates are numbers since 1960, as in a transport file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .dataset_columns import Columns, check_keys, dataset_columns, described_dataset, frame_of, moment_text
from .dataset_json_values import short
from .errors import InputError
from .model import Dataset, Variable
from .readers.parquet import checked_text
from .readers.raw import first_line
from .xpt.arrow import is_text
from .xpt.files import replacing

GROUP_ROWS = 1 << 17
WORDS = ("name", "label", "type", "dataType", "length", "displayFormat", "significantDigits", "keySequence")
NUMBERS = {"length": "[1-9][0-9]{0,8}", "significantDigits": "[0-9]{1,9}", "keySequence": "[1-9][0-9]{0,8}"}
MARK = b"sdtm-convert"  # a file with this key in its metadata is one of ours; the value is the version of what is said here


def write_parquet(
    frame: pd.DataFrame, path: str | os.PathLike, *, name: str, label: str = "", variables: Iterable[Variable] | None = None,
    keys: Iterable[str] = (), created: datetime | str,
) -> None:
    """Write one dataset as Parquet, zstd-compressed: Char as string, Num as double, missing and blank values null.

    The same input and the same pyarrow give the same bytes. Raises InputError, and leaves an old file as it was, for data that a
    dataset cannot hold, and for a file that cannot be written.
    """
    columns = dataset_columns(frame, path, name, label, variables, keys)
    schema = _schema(columns, moment_text(created, path))
    with replacing(path) as put, pq.ParquetWriter(_File(put), schema, compression="zstd", version="2.6") as writer:
        for batch in _batches(columns, schema):
            writer.write_batch(batch)


def read_parquet(path: str | os.PathLike) -> tuple[pd.DataFrame, Dataset]:
    """Read a Parquet file that `write_parquet` wrote, as a frame like that of `read_xpt`, and the dataset's metadata.

    Raises InputError for a file that cannot be read, and for one that does not describe its dataset.
    """
    if os.path.isdir(path):  # Arrow would read all the files in it as one
        raise InputError(f"{path}: is a folder, no Parquet file.")
    try:
        table = pq.read_table(path, partitioning=None)
        names = table.column_names  # raises for those that are not UTF-8
    except (pa.ArrowException, ValueError, OSError) as error:
        raise InputError(f"{path}: is not a readable Parquet file: {first_line(error)}") from error
    if MARK not in (table.schema.metadata or {}):
        raise InputError(f"{path}: says nothing of its dataset's labels and types; it was not written by sdtm-convert.")
    said = _words(table.schema.metadata, str(path))
    variables = [_variable(field, order, path) for order, field in enumerate(table.schema, 1)]
    check_keys(variables, path)
    columns = {name: _column(table.column(name), variable, path) for name, variable in zip(names, variables, strict=True)}
    return frame_of(columns, table.num_rows), described_dataset(said.get("name", ""), said.get("label", ""), variables, table.num_rows)


def describes_dataset(path: str | os.PathLike) -> bool:
    """Whether a Parquet file says what `read_parquet` wants to know; False also for one that cannot be read."""
    try:
        return MARK in (pq.read_schema(path).metadata or {})
    except (pa.ArrowException, ValueError, OSError):
        return False


class _File:
    """What Arrow takes for a file to write: it goes from the beginning to the end, through `replacing`."""

    closed = False

    def __init__(self, put):
        self.put, self.offset = put, 0

    def write(self, data) -> int:
        data = memoryview(data)
        self.put(data, self.offset)
        self.offset += data.nbytes
        return data.nbytes

    def tell(self) -> int:
        return self.offset

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def _schema(columns: Columns, created: str) -> pa.Schema:
    dataset = columns.dataset
    fields = [pa.field(v.name, pa.large_string() if v.type == "Char" else pa.float64(), metadata=_attributes(v)) for v in dataset.variables]
    return pa.schema(fields, metadata={MARK: "1", "name": dataset.name, "label": dataset.label, "created": created})


def _attributes(variable: Variable) -> dict[str, str]:
    said = {"label": variable.label, "type": variable.type, "dataType": variable.data_type, "length": variable.length,
            "displayFormat": variable.display_format, "significantDigits": variable.significant_digits, "keySequence": variable.key}
    return {key: str(value) for key, value in said.items() if value not in (None, "")}


def _batches(columns: Columns, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = columns.dataset.records
    for start in range(0, rows, GROUP_ROWS):
        stop = min(start + GROUP_ROWS, rows)
        arrays = [_array(columns, position, start, stop) for position in range(len(columns.sources))]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(columns: Columns, position: int, start: int, stop: int) -> pa.Array:
    if columns.dataset.variables[position].type == "Num":
        values = columns.numbers(position, start, stop)
        return pa.array(values, mask=np.isnan(values))
    texts = columns.texts(position, start, stop)
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, pa.scalar(None, pa.large_string()), texts)


def _variable(field: pa.Field, order: int, path: str | os.PathLike) -> Variable:
    said = _words(field.metadata, f"{path}: {field.name}")
    numbers = {key: said.get(key, "") for key in NUMBERS}
    if said.get("type") not in ("Char", "Num") or not numbers["length"]:
        raise InputError(f"{path}: {field.name}: the metadata of the column do not say its type and length.")
    for key, text in numbers.items():
        if text and not re.fullmatch(NUMBERS[key], text):
            least = "0" if key == "significantDigits" else "1"
            raise InputError(f"{path}: {field.name}: {key} is {short(text)}; it must be a whole number from {least}.")
    length, digits, key = (int(text) if text else None for text in numbers.values())
    return Variable(field.name, said.get("label", ""), said["type"], said.get("dataType", ""), length, order,
                    display_format=said.get("displayFormat", ""), significant_digits=digits, key=key)


def _column(values: pa.ChunkedArray, variable: Variable, path: str | os.PathLike) -> pa.ChunkedArray:
    """A column as every format gives it: text without blanks at the end, numbers that are finite, and one zero."""
    if variable.type == "Char" and is_text(values.type) and not pa.types.is_dictionary(values.type):
        return pc.ascii_rtrim(checked_text(values, f"{path}: {variable.name}").fill_null(""), " ")
    if variable.type == "Num" and pa.types.is_floating(values.type):
        numbers = values.cast(pa.float64()).fill_null(np.nan)
        infinite = pc.is_inf(numbers)
        if pc.any(infinite).as_py():
            row = pc.index(infinite, True).as_py()
            raise InputError(f"{path}: row {row + 1}, {variable.name}: {numbers[row].as_py()} is no number that a dataset can hold.")
        return pc.add(numbers, 0.0)
    raise InputError(f"{path}: {variable.name}: the column holds {values.type}, though its metadata say {variable.type}.")


def _words(metadata: dict[bytes, bytes] | None, place: str) -> dict[str, str]:
    """What we may have written of a dataset or a column; what others add is theirs."""
    said = {}
    for key in WORDS:
        try:
            said |= {key: metadata[key.encode()].decode("utf-8")} if key.encode() in (metadata or {}) else {}
        except UnicodeDecodeError:
            raise InputError(f"{place}: the metadata say {key} in bytes that are not UTF-8.") from None
    return said
