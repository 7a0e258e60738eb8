"""Write Dataset-JSON 1.1: one JSON document, or NDJSON (the metadata on the first line, then a row a line).

Source: CDISC's Dataset-JSON specification, version 1.1, and its JSON Schema. See docs/dataset-json.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .dataset_columns import Columns, dataset_columns, moment_text
from .define.collect import collect, slug
from .define.write import _system_version, kind_of
from .errors import InputError
from .model import Package, Variable
from .xpt.arrow import text_buffers
from .xpt.files import replacing
from .xpt.moments import DAYS_TO_1970, meaning

VERSION = "1.1.0"
CHUNK_ROWS = 1 << 15
MODIFIED = "time of the last change to the database"
SPECIAL_TEXT = r'["\\\x00-\x1f]'  # what JSON wants escaped
WHOLE = 2.0**53  # below this size, a float64 without a fraction is one whole number
LIMITS = {  # the least and the greatest that is written in ISO 8601: SAS's calendar begins in 1582; years have four digits
    "date": tuple(np.array(["1582-01-01", "9999-12-31"], "M8[D]").astype(np.int64) + DAYS_TO_1970),
    "datetime": tuple(np.array(["1582-01-01T00:00:00", "9999-12-31T23:59:59"], "M8[s]").astype(np.int64) + DAYS_TO_1970 * 86400),
    "time": (0, 86399),
}


@dataclass(frozen=True)
class About:
    """What a file says of the study that its dataset is of, beside the dataset itself; "" where it says nothing.

    `item_oids` has the OID by variable; those it lacks, and an empty `item_group_oid`, are made of the names as define.xml's are.
    """

    study_oid: str = ""
    metadata_version_oid: str = ""
    metadata_ref: str = ""
    file_oid: str = ""
    item_group_oid: str = ""
    item_oids: Mapping[str, str] = field(default_factory=dict)
    originator: str = ""
    source_system: str = ""
    source_version: str = ""
    created: str = ""
    modified: str = ""


def about_datasets(package: Package, metadata_ref: str = "define.xml") -> dict[str, About]:
    """What the file of each dataset of a package says of the study, by dataset name; the OIDs are those of its define.xml.

    Raises InputError as `define_xml` does, for a package whose keys or value levels contradict themselves.
    """
    study, kind, shared = slug(package.study), kind_of(package), collect(package)
    oids = {key: oid for key, oid in shared.items.oids.items() if key[2] is None}
    return {
        dataset.name: About(
            study_oid=f"STDY.{study}", metadata_version_oid=f"MDV.{study}.{kind}", metadata_ref=metadata_ref,
            file_oid=f"DSJ.{study}.{kind}.{slug(dataset.name)}.{package.created}", item_group_oid=f"IG.{slug(dataset.name)}",
            item_oids={variable.name: oids[dataset.name, variable.name, None] for variable in dataset.variables},
            originator=package.originator, source_system="sdtm-convert", source_version=_system_version() or "unknown",
            created=package.created,
        )
        for dataset in package.datasets
    }  # fmt: skip


def write_dataset_json(
    frame: pd.DataFrame, path: str | os.PathLike, *, name: str, label: str = "", variables: Iterable[Variable] | None = None,
    keys: Iterable[str] = (), created: datetime | str, about: About = About(),
) -> None:
    """Write one dataset as Dataset-JSON 1.1: a document, or where `path` ends in .ndjson, NDJSON.

    In: what `write_xpt` takes, and what the file is to say of the study. The same input gives the same bytes, in any number of
    rows at a time. A missing or blank value is null; a Num variable with a date, datetime or time format is written in ISO 8601, with
    targetDataType integer, if all its values are whole and within the calendar, else as the numbers that they are.

    Raises InputError, and leaves an old file as it was, for data that a dataset cannot hold, and for a file that cannot be written.
    """
    columns = dataset_columns(frame, path, name, label, variables, keys)
    kinds = [_data_type(columns, position) for position in range(len(columns.sources))]
    created = moment_text(created, path)
    if about.modified:
        moment_text(about.modified, path, MODIFIED)
    header = json.dumps(_metadata(columns, kinds, created, about), ensure_ascii=False)
    try:
        header = header.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{path}: the metadata hold half a surrogate pair, which is no text.") from None
    lines = Path(path).suffix.lower() == ".ndjson"
    with replacing(path) as put:
        offset = 0
        for piece in _pieces(header, columns, kinds, lines):
            put(piece, offset)
            offset += len(piece)


# --- Metadata ---------------------------------------------------------------------------------------------------------


def _metadata(columns: Columns, kinds: list[str], created: str, about: About) -> dict:
    dataset = columns.dataset
    system = {"name": about.source_system, "version": about.source_version or "unknown"} if about.source_system else None
    attributes = {
        "datasetJSONCreationDateTime": created,
        "datasetJSONVersion": VERSION,
        "fileOID": about.file_oid,
        "dbLastModifiedDateTime": about.modified,
        "originator": about.originator,
        "sourceSystem": system,
        "studyOID": about.study_oid,
        "metaDataVersionOID": about.metadata_version_oid,
        "metaDataRef": about.metadata_ref,
    }
    return {key: value for key, value in attributes.items() if value} | {
        "itemGroupOID": about.item_group_oid or f"IG.{slug(dataset.name)}",
        "records": dataset.records,
        "name": dataset.name,
        "label": dataset.label,
        "columns": [_column(variable, kind, dataset.name, about) for variable, kind in zip(dataset.variables, kinds, strict=True)],
    }


def _column(variable: Variable, kind: str, dataset: str, about: About) -> dict:
    char = variable.type == "Char"
    column = {
        "itemOID": about.item_oids.get(variable.name) or f"IT.{slug(dataset)}.{slug(variable.name)}",
        "name": variable.name,
        "label": variable.label,
        "dataType": kind,
        "targetDataType": "integer" if kind in LIMITS and not char else None,
        "length": variable.length if char else None,
        "displayFormat": variable.display_format,
        "keySequence": variable.key,
    }
    return {key: value for key, value in column.items() if value or key == "label"}


def _data_type(columns: Columns, position: int) -> str:
    """The dataType of a column. What is declared integer or a date is so only if every value is: no value is altered.

    Numbers are double, not float: some readers hold a float in 32 bits.
    """
    variable = columns.dataset.variables[position]
    if variable.type == "Char":
        return variable.data_type if variable.data_type in LIMITS else "string"
    kind = meaning(variable.display_format)
    if not kind and variable.data_type != "integer":
        return "double"
    low, high = LIMITS.get(kind, (-WHOLE, WHOLE))
    whole = True
    for start in range(0, columns.dataset.records, CHUNK_ROWS):
        values = columns.numbers(position, start, start + CHUNK_ROWS)
        values = values[~np.isnan(values)]
        if (values != np.floor(values)).any():
            return "double"
        whole &= bool(((low <= values) & (values <= high)).all())
    return (kind or "integer") if whole else "double"


# --- Rows -------------------------------------------------------------------------------------------------------------


def _pieces(header: bytes, columns: Columns, kinds: list[str], lines: bool) -> Iterator[bytes | memoryview]:
    """The bytes of the file, a piece at a time."""
    # The first line of a document is { alone: readers that tell it from NDJSON by its lines would take a whole one for that.
    yield header + b"\n" if lines else b"{\n" + header[1:-1] + b',\n"rows": ['
    rows = columns.dataset.records
    for start in range(0, rows, CHUNK_ROWS):
        stop = min(start + CHUNK_ROWS, rows)
        cells = [_cells(columns, position, kind, start, stop) for position, kind in enumerate(kinds)]
        joined = pc.binary_join_element_wise(*cells, _text(","))
        opening = _text("[" if lines else ",\n[")
        written = pc.binary_join_element_wise(opening, joined, _text("]\n" if lines else "]"), _text(""))
        data = memoryview(text_buffers(written)[1])
        yield data[1:] if start == 0 and not lines else data  # no comma before the first row
    if not lines:
        yield b"\n]}\n"


def _cells(columns: Columns, position: int, kind: str, start: int, stop: int) -> pa.LargeStringArray:
    """The values of a column as JSON."""
    if columns.dataset.variables[position].type == "Char":
        return _quoted(columns.texts(position, start, stop))
    values = columns.numbers(position, start, stop)
    missing = np.isnan(values)
    numbers = pa.array(values, mask=missing)
    if kind != "double":
        numbers = pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
    if kind in LIMITS:
        return _iso8601(numbers, kind).fill_null("null")
    return numbers.cast(pa.large_string()).fill_null("null")


def _iso8601(counted: pa.Int64Array, kind: str) -> pa.LargeStringArray:
    """Days or seconds since 1960, or seconds of a day, as quoted ISO 8601."""
    if kind == "date":
        moments = pc.subtract(counted, DAYS_TO_1970).cast(pa.int32()).cast(pa.date32()).cast(pa.large_string())
    elif kind == "time":
        moments = counted.cast(pa.int32()).cast(pa.time32("s")).cast(pa.large_string())
    else:
        moments = pc.subtract(counted, DAYS_TO_1970 * 86400).cast(pa.timestamp("s")).cast(pa.large_string())
        moments = pc.replace_substring(moments, " ", "T")
    return pc.binary_join_element_wise(_text('"'), moments, _text('"'), _text(""))


def _quoted(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Texts as JSON strings, empty ones as null."""
    offsets, data = text_buffers(texts)
    if len(data) and (data.min() < 32 or (data == ord('"')).any() or (data == ord("\\")).any()):
        special = pc.match_substring_regex(texts, SPECIAL_TEXT)
        found = texts.filter(special).dictionary_encode()
        escaped = [json.dumps(text, ensure_ascii=False)[1:-1] for text in found.dictionary.to_pylist()]
        texts = pc.replace_with_mask(texts, special, pa.array(escaped, pa.large_string()).take(found.indices))
    quoted = pc.binary_join_element_wise(_text('"'), texts, _text('"'), _text(""))
    empty = offsets[1:] == offsets[:-1]
    return pc.if_else(pa.array(empty), _text("null"), quoted) if empty.any() else quoted


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())
