"""Readers of submitted datasets: a file -> each dataset in it, as a frame and what the file says of it.

A CSV says nothing of labels and types; `_datasets.csv` (Filename, Label) and `_variables.csv` (dataset, variable, label, type, length) in
its folder may, as in CDISC's open rules, or a define.xml. What nobody says stays unsaid: rules that need it do not run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .archives import note
from .dataset_json import WHOLE
from .dataset_json_read import read_dataset_json
from .dataset_json_values import is_other
from .described import merged
from .errors import InputError
from .model import Dataset, Standard, StandardDataset, Variable
from .parquet import describes_dataset, read_parquet
from .readers import read_raw
from .standard import model_variable, standard_dataset, standard_variable
from .xpt import list_members, read_xpt

SIDECARS = ("_datasets.csv", "_variables.csv")


@dataclass(frozen=True)
class Known:
    """What is known before a file is read: the standard, the encoding asked for, and what define.xml and the tables beside it say."""

    standard: Standard
    encoding: str | None = None
    defined: dict[str, Dataset] = field(default_factory=dict)
    listed: dict[str, Dataset] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Read:
    """One dataset of a file. `metadata` is None where nobody says anything of it; `notes` are rows of findings."""

    name: str
    frame: pd.DataFrame
    metadata: Dataset | None
    notes: tuple[dict, ...] = ()


Reader = Callable[[Path, Known], list[Read]]


def read_transport(path: Path, known: Known) -> list[Read]:
    """An XPT file: every dataset in it. Raises InputError."""
    try:
        pairs = [read_xpt(path, encoding=known.encoding)]
    except InputError:
        members = list_members(path, encoding=known.encoding)
        if len(members) < 2:
            raise
        pairs = [read_xpt(path, member=member.name, encoding=known.encoding) for member in members]
    return [_of_transport(frame, header, path, known) for frame, header in pairs]


def _of_transport(frame: pd.DataFrame, header, path: Path, known: Known) -> Read:
    name = (header.name or path.stem).upper()
    variables = [Variable(v.name, v.label, v.type, "text" if v.type == "Char" else "float", v.length, order=i, display_format=v.format)
                 for i, v in enumerate(header.variables, 1)]
    own = _dataset(name, header.label, variables, len(frame))
    return Read(name, frame, merged(own, known.defined.get(name)))


def read_table(path: Path, known: Known) -> list[Read]:
    """A CSV or Parquet file: the dataset of the file's name. Numbers are where somebody declares Num, or the file's own type or the
    standard says so. Raises InputError."""
    raw = read_raw(path, encoding=known.encoding)
    name = path.stem.upper()
    metadata = merged(known.listed.get(name), known.defined.get(name))
    declared = {v.name: v.type == "Num" for v in metadata.variables} if metadata else {}
    types = {each.name: each.type for each in pq.read_schema(path)} if path.suffix.lower() == ".parquet" else {}
    guide = standard_dataset(known.standard, name)
    columns, notes = {}, []
    for column, values in raw.frame.items():
        kind = types.get(column, pa.null())
        columns[column] = values
        if declared.get(column, _holds_numbers(kind) or _is_number(known.standard, guide, column)):
            numbers = pd.to_numeric(values, errors="coerce").astype("float64")
            wrong = values[numbers.isna() & values.notna()]
            rounded = values.iloc[:0] if pa.types.is_floating(kind) else _rounded(values, numbers)
            if wrong.empty and rounded.empty:
                columns[column] = numbers
            elif len(rounded):
                notes.append(_read_as_text(name, column, rounded, path, "are numbers that float64 does not hold; the variable"))
            elif column in declared:
                notes.append(_read_as_text(name, column, wrong, path, "of a variable that is declared Num are no numbers; it"))
    frame = pd.DataFrame(columns, columns=list(columns))
    return [Read(name, frame, replace(metadata, records=len(frame)) if metadata else None, tuple(notes))]


def read_json(path: Path, known: Known) -> list[Read]:
    """A Dataset-JSON 1.1 file, one document or NDJSON. Raises InputError."""
    frame, own, _ = read_dataset_json(path)
    name = own.name.upper()
    return [Read(name, frame, merged(own, known.defined.get(name)))]


def read_parquet_file(path: Path, known: Known) -> list[Read]:
    """A Parquet file: with all that it says of its dataset where sdtm-convert wrote it, else a plain table. Raises InputError."""
    if not describes_dataset(path):
        return read_table(path, known)
    frame, own = read_parquet(path)
    name = (own.name or path.stem).upper()
    return [Read(name, frame, merged(own, known.defined.get(name)))]


def _holds_numbers(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _is_number(standard: Standard, guide: StandardDataset | None, column: str) -> bool:
    variable = (standard_variable(guide, column) or model_variable(standard, guide, column)) if guide else None
    return variable is not None and variable.type == "Num"


def _rounded(values: pd.Series, numbers: pd.Series) -> pd.Series:
    """The texts beyond 2**53 that say another number than float64 holds."""
    beyond = values[numbers.abs() >= WHOLE]
    return beyond[[is_other(text.strip(), float(text)) for text in beyond]]


def _read_as_text(name: str, column: str, wrong: pd.Series, path: Path, why: str) -> dict:
    return note("FILE-TYPE", "error", path.name, f"{len(wrong):,} values {why} is read as text.", name) | {
        "variables": column, "values": wrong.iloc[0], "record": int(wrong.index[0]) + 1}


# --- Tables that describe CSV files -------------------------------------------------------------------------------------


def listed_datasets(folder: Path) -> dict[str, Dataset]:
    """What `_datasets.csv` and `_variables.csv` in a folder say of its datasets; {} where there are none. Raises InputError."""
    labels, variables = {}, {}
    if (folder / SIDECARS[0]).is_file():
        for row in _rows(folder / SIDECARS[0], ("filename", "label")):
            labels[_stem(row["filename"])] = row["label"]
    if (folder / SIDECARS[1]).is_file():
        for row in _rows(folder / SIDECARS[1], ("dataset", "variable", "label", "type", "length")):
            own = variables.setdefault(_stem(row["dataset"]), [])
            number, length = row["type"].casefold().startswith("num"), row["length"].removesuffix(".0")
            own.append(Variable(row["variable"], row["label"], "Num" if number else "Char", "float" if number else "text",
                                int(length) if length.isascii() and length.isdecimal() else 0, order=len(own) + 1))
    return {name: _dataset(name, labels.get(name, ""), variables[name], 0) for name in variables}


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, str]]:
    frame = read_raw(path, ragged="keep").frame.fillna("")
    frame = frame.rename(columns=lambda name: name.strip().casefold())
    for name in needed:
        if name not in frame.columns:
            raise InputError(f"{path}: the column '{name}' is missing; the columns are {', '.join(needed)}.")
    return frame[list(needed)].apply(lambda column: column.str.strip()).to_dict("records")


def _stem(name: str) -> str:
    return Path(name).stem.upper() if "." in name else name.upper()


def _dataset(name: str, label: str, variables: list[Variable], records: int) -> Dataset:
    return Dataset(name=name, label=label, class_name="", structure="", variables=tuple(variables), keys=(), records=records)
