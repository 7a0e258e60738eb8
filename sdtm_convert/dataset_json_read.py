"""Read Dataset-JSON 1.1, a document or NDJSON: rows are parsed some thousands at a time and become columns at once.

A file that is not what the specification says is refused with the row and the variable; nothing in it is guessed or run.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .dataset_columns import check_keys, described_dataset, frame_of, moment_text
from .dataset_json import CHUNK_ROWS, LIMITS, MODIFIED, About
from .dataset_json_values import columns_of_rows, short
from .errors import InputError, did_you_mean
from .model import Dataset, Variable
from .xpt.header import parse_format
from .xpt.moments import meaning

TEXT_TYPES = ("string", "URI")
NUMBER_TYPES = ("integer", "float", "double", "boolean", "decimal")
TARGETS = {**dict.fromkeys(LIMITS, "integer"), "integer": "integer", "decimal": "decimal"}
HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: no text, and nothing that could be written
DEFAULT_FORMATS = {"date": "DATE9.", "datetime": "DATETIME20.", "time": "TIME8."}
NEXT = re.compile(r"[ \t\n\r]*(.?)[ \t\n\r]*", re.DOTALL)  # the next character that is no white space
WHITE = b" \t\r\n"
REQUIRED = ("datasetJSONCreationDateTime", "itemGroupOID", "records", "name", "label", "columns")

Part = tuple[list, list[str]]  # rows, and each as it stands in the file


@dataclass(frozen=True)
class Header:
    """The metadata of a file, and per column what its values are in JSON."""

    path: Path
    dataset: Dataset
    kinds: tuple[str, ...]
    attributes: dict  # as they are in the file; those that follow the rows come once the rows are read


def read_dataset_json(path: str | os.PathLike) -> tuple[pd.DataFrame, Dataset, About]:
    """Read a Dataset-JSON 1.1 file (NDJSON where its name ends in .ndjson): the data, the dataset's metadata, and what it says of the study.

    Columns are those of `read_xpt`: text as `str` without blanks at the end, "" for null; numbers as float64, NaN for null. A date,
    datetime or time with targetDataType integer becomes days or seconds since 1960; where the file names no SAS format for it, DATE9.,
    DATETIME20. or TIME8. is its format. A boolean is 1 or 0.

    Raises InputError for a file that cannot be read, is no Dataset-JSON 1.1, or holds rows or values that its metadata do not allow.
    """
    path = Path(path)
    header, rows = (_lines if path.suffix.lower() == ".ndjson" else _document)(path)
    chunks: list[list[pa.Array]] = []
    count = 0
    for part, texts in rows:
        chunks.append(columns_of_rows(part, texts, count, header.dataset, header.kinds, path))
        count += len(part)
    if count != header.dataset.records:
        raise InputError(f"{path}: has {count} rows, though its metadata say {header.dataset.records}; the file is not whole.")
    types = [pa.large_string() if v.type == "Char" else pa.float64() for v in header.dataset.variables]
    columns = {v.name: pa.chunked_array([chunk[i] for chunk in chunks], types[i]) for i, v in enumerate(header.dataset.variables)}
    variables = [replace(v, length=v.length or _longest(columns[v.name])) for v in header.dataset.variables]
    return frame_of(columns, count), replace(header.dataset, variables=tuple(variables)), _about(header.attributes, path)


def _longest(texts: pa.ChunkedArray) -> int:
    """The bytes of the longest text, at least 1."""
    return max(1, pc.max(pc.binary_length(texts)).as_py() or 0)


def is_dataset_json(path: str | os.PathLike) -> bool:
    """Whether a file looks like Dataset-JSON, of any version, by how it begins: to tell datasets from other JSON in a folder."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(1 << 16)
    except OSError:
        return False
    return beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"datasetJSON' in beginning


# --- JSON -------------------------------------------------------------------------------------------------------------


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _once(pairs: list[tuple[str, object]]) -> dict:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(f"the attribute {Counter(key for key, _ in pairs).most_common(1)[0][0]!r} is there twice")
    return members


DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_once)


def _parsed(text: str, start: int, path: Path, where: str) -> tuple[object, int]:
    """The JSON value that begins at `start`, and where it ends."""
    try:
        return DECODER.raw_decode(text, start)
    except RecursionError:
        raise InputError(f"{path}: {where}: is nested too deeply.") from None
    except ValueError as error:  # JSONDecodeError, a number with thousands of digits, NaN
        raise InputError(f"{path}: {where}: is no JSON that can be read: {_reason(error)}.") from None


def _reason(error: ValueError) -> str:
    return f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else str(error).partition(";")[0]


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 (byte {error.start + 1}); Dataset-JSON always is.") from None


def _document(path: Path) -> tuple[Header, Iterator[Part]]:
    """The header, and the rows in parts. Rows that come before what must be known to read them are passed over first."""
    text = _read_text(path)
    mark, at = _next(text, 0)
    if mark != "{":
        raise InputError(f"{path}: is no Dataset-JSON: it does not begin with {{.")
    before: dict = {}
    rows = _members(text, at, path, before)
    attributes = dict(before)
    if rows is None:
        if before.get("records"):
            raise InputError(f"{path}: has no rows, though its metadata say {before['records']}.")
        return _header(attributes, path), iter(())
    if all(key in attributes for key in ("datasetJSONVersion", *REQUIRED)):
        return _header(attributes, path), _rows_and_rest(text, rows, path, attributes)
    for _ in _rows_and_rest(text, rows, path, attributes):
        pass
    return _header(attributes, path), _rows_and_rest(text, rows, path, before)


def _members(text: str, at: int, path: Path, attributes: dict, rows_known: bool = False) -> int | None:
    """Add the members of the document from `at` on to `attributes`, up to the rows: where they begin. None at the document's end."""
    while True:
        key, at = _parsed(text, _skip(text, at), path, "attributes")
        mark, at = _next(text, at)
        if not isinstance(key, str) or mark != ":":
            raise InputError(f"{path}: is cut off or damaged: a name and a colon are missing before character {at + 1}.")
        if key in attributes or (key == "rows" and rows_known):
            raise InputError(f"{path}: the attribute {key!r} is there twice.")
        if key == "rows":
            return at
        attributes[key], at = _parsed(text, at, path, key)
        mark, at = _next(text, at)
        if mark == "}":
            return _check_end(text, at, path)
        if mark != ",":
            raise InputError(f"{path}: is cut off or damaged after the attribute {key!r}.")


def _rows_and_rest(text: str, at: int, path: Path, attributes: dict) -> Iterator[Part]:
    """Parts of the rows that begin at `at`; in the end, what follows them is added to `attributes`."""
    mark, at = _next(text, at)
    if mark != "[":
        raise InputError(f"{path}: rows: is no list.")
    part, texts = [], []
    count = 0
    mark, after = _next(text, at)
    at = after if mark == "]" else at
    while mark != "]":
        start = at
        row, at = _parsed(text, start, path, f"row {count + 1}")
        part.append(row)
        texts.append(text[start:at])
        count += 1
        mark, at = _next(text, at)
        if mark != "," and mark != "]":
            raise InputError(f"{path}: is cut off or damaged after row {count}.")
        if len(part) == CHUNK_ROWS:
            yield part, texts
            part, texts = [], []
    yield part, texts
    mark, at = _next(text, at)
    if mark == ",":
        _members(text, at, path, attributes, rows_known=True)
    elif mark == "}":
        _check_end(text, at, path)
    else:
        raise InputError(f"{path}: is cut off or damaged after its rows.")


def _check_end(text: str, at: int, path: Path) -> None:
    if _next(text, at)[0]:
        raise InputError(f"{path}: something follows the end of the JSON document.")


def _skip(text: str, at: int) -> int:
    """Where the next character stands that is no white space."""
    return NEXT.match(text, at).start(1)


def _next(text: str, at: int) -> tuple[str, int]:
    found = NEXT.match(text, at)
    return found[1], found.end()


def _lines(path: Path) -> tuple[Header, Iterator[Part]]:
    """The header from the first line, and the rows of the others in parts."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    with file:
        first = _decoded(file.readline(), path, "line 1").removeprefix("\ufeff")
    attributes, at = _parsed(first, _skip(first, 0), path, "line 1")
    if not isinstance(attributes, dict) or _next(first, at)[0]:
        raise InputError(f"{path}: line 1: must be one JSON object, the metadata of the dataset.")
    if "rows" in attributes:
        raise InputError(f"{path}: line 1: has rows; in NDJSON each is a line by itself.")
    return _header(attributes, path), _line_parts(path)


def _line_parts(path: Path) -> Iterator[Part]:
    with path.open("rb") as file:
        file.readline()
        count = 0
        while lines := list(itertools.islice(file, CHUNK_ROWS)):
            lines = [line for line in (line.strip(WHITE) for line in lines) if line]
            rows, texts = _rows_of(lines, count, path)
            count += len(rows)
            yield rows, texts


def _rows_of(lines: list[bytes], first_row: int, path: Path) -> Part:
    """One row a line. Should they not be read together, they are read one by one, to name the row.

    Read together, each is a list for certain: no text spans lines, as JSON allows no line end in it; and where a list spans them, a line
    begins or ends in another way, or the list has lists in it, which no row may.
    """
    joined = b",\n".join(lines)
    try:
        if joined.startswith(b"[") and joined.endswith(b"]") and joined.count(b"],\n[") == len(lines) - 1:
            text = joined.decode("utf-8")
            rows = DECODER.decode(f"[{text}]")
            if len(rows) == len(lines):
                return rows, text.split(",\n")
    except (ValueError, RecursionError):
        pass
    rows, texts = [], []
    for number, line in enumerate(lines, first_row + 1):
        text = _decoded(line, path, f"row {number}")
        row, end = _parsed(text, 0, path, f"row {number}")
        if _next(text, end)[0]:
            raise InputError(f"{path}: row {number}: something follows the row on its line.")
        rows.append(row)
        texts.append(text)
    return rows, texts


def _decoded(line: bytes, path: Path, where: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {where}: is not UTF-8 (byte {error.start + 1}); Dataset-JSON always is.") from None


# --- Metadata ---------------------------------------------------------------------------------------------------------


def _header(attributes: dict, path: Path) -> Header:
    version = attributes.get("datasetJSONVersion")
    if "clinicalData" in attributes or "referenceData" in attributes or (isinstance(version, str) and version.startswith("1.0")):
        raise InputError(f"{path}: is Dataset-JSON 1.0, which is another format; only 1.1 is read. Export it again as 1.1.")
    if not isinstance(version, str) or not re.fullmatch(r"1\.1(\.\d+)?", version):
        raise InputError(f"{path}: is no Dataset-JSON 1.1: datasetJSONVersion is {short(version)}.")
    _check_there(attributes, REQUIRED, path)
    name, label = (_text(attributes, key, path) for key in ("name", "label"))
    records, columns = attributes["records"], attributes["columns"]
    if not isinstance(records, int) or isinstance(records, bool) or records < 0:
        raise InputError(f"{path}: records: is {short(records)}, no number of rows.")
    if not name or not isinstance(columns, list) or not columns:
        raise InputError(f"{path}: has no {'columns' if name else 'name'}.")
    variables = [_variable(column, order, path) for order, column in enumerate(columns, 1)]
    seen: set[str] = set()
    for variable in variables:
        if variable.name in seen:
            raise InputError(f"{path}: the column {variable.name!r} is there twice.")
        seen.add(variable.name)
    check_keys(variables, path)
    kinds = tuple(column["dataType"] for column in columns)
    return Header(path, described_dataset(name, label, variables, records), kinds, attributes)


def _check_there(thing: dict, required: tuple[str, ...], path: Path, place: str = "") -> None:
    for absent in (key for key in required if key not in thing):
        hint = did_you_mean(absent, [key for key in thing if not HALF.search(key)])
        raise InputError(f"{path}: {place}the attribute {absent!r} is missing. {hint}".rstrip())


def _text(thing: dict, key: str, path: Path, place: str = "") -> str:
    value = thing.get(key, "")
    if not isinstance(value, str):
        raise InputError(f"{path}: {place}{key}: is {short(value)}, no text.")
    if HALF.search(value):
        raise InputError(f"{path}: {place}{key}: {short(value)} has half a surrogate pair.")
    return value


def _variable(column: object, order: int, path: Path) -> Variable:
    place = f"column {order}: "
    if not isinstance(column, dict):
        raise InputError(f"{path}: {place}is {short(column)}, no description of a column.")
    _check_there(column, ("itemOID", "name", "label", "dataType"), path, place)
    name, label, kind, target, shown = (_text(column, key, path, place) for key in ("name", "label", "dataType", "targetDataType", "displayFormat"))
    if not name:
        raise InputError(f"{path}: {place}has no name.")
    known = (*TEXT_TYPES, *NUMBER_TYPES, *LIMITS)
    if kind not in known:
        raise InputError(f"{path}: {name}: dataType is {kind!r}. {did_you_mean(kind, known) or 'Known: ' + ', '.join(known) + '.'}")
    if target and target != TARGETS.get(kind):
        fitting = TARGETS.get(kind, "absent")
        raise InputError(f"{path}: {name}: targetDataType is {target!r}, though for the dataType {kind} it can only be {fitting}.")
    length, key = (_whole(column, attribute, path, name) for attribute in ("length", "keySequence"))
    if kind in TEXT_TYPES or (kind in LIMITS and not target):
        return Variable(name, label, "Char", kind if kind in LIMITS else "text", length or 0, order, key=key, display_format=shown)
    if kind in LIMITS:
        matching = parse_format(shown) is not None and meaning(shown) == kind
        return Variable(name, label, "Num", "integer", 8, order, key=key, display_format=shown if matching else DEFAULT_FORMATS[kind])
    return Variable(name, label, "Num", "integer" if kind in ("integer", "boolean") else "float", 8, order, key=key, display_format=shown)


def _whole(column: dict, key: str, path: Path, name: str) -> int | None:
    value = column.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 2**31):
        raise InputError(f"{path}: {name}: {key} is {short(value)}; it must be a whole number from 1.")
    return value


def _about(attributes: dict, path: Path) -> About:
    system = attributes.get("sourceSystem") or {}
    if not isinstance(system, dict):
        raise InputError(f"{path}: sourceSystem: is {short(system)}, no name and version.")
    said = {field: _text(attributes, key, path) for field, key in {
        "study_oid": "studyOID", "metadata_version_oid": "metaDataVersionOID", "metadata_ref": "metaDataRef", "file_oid": "fileOID",
        "item_group_oid": "itemGroupOID", "originator": "originator", "created": "datasetJSONCreationDateTime",
        "modified": "dbLastModifiedDateTime"}.items()}  # fmt: skip
    moment_text(said["created"], path)
    if said["modified"]:
        moment_text(said["modified"], path, MODIFIED)
    oids = {column["name"]: _text(column, "itemOID", path, f"{column['name']}: ") for column in attributes["columns"]}
    return About(**said, item_oids=oids, source_system=_text(system, "name", path), source_version=_text(system, "version", path))
