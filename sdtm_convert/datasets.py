"""Files of submitted datasets -> frames and their metadata, for `validate`: XPT, CSV, Parquet; a file or a folder of them.

What a file says of itself (labels, types, lengths) becomes `model.Dataset`; a define.xml beside the files is left to `define`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from .errors import InputError, did_you_mean
from .findings import findings
from .model import Dataset, Standard, Variable
from .readers import read_raw
from .standard import model_variable, standard_dataset, standard_variable
from .xpt import read_xpt

SUFFIXES = (".xpt", ".csv", ".parquet")


@dataclass(frozen=True, eq=False)
class Datasets:
    """Frames and metadata by dataset name, the file each came from, and findings about the files themselves."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    metadata: dict[str, Dataset] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    findings: pd.DataFrame = field(default_factory=findings)


def read_datasets(paths: Iterable[str | Path], standard: Standard, encoding: str | None = None) -> Datasets:
    """Every dataset in these files and folders. A file that cannot be read is a finding (FILE-UNREADABLE) and does not stop the rest.

    Folders inside a folder are looked into only where it holds no datasets itself. Raises InputError for a path that is not there, a folder without datasets, or a dataset that two files hold.
    """
    frames, metadata, origins, notes = {}, {}, {}, []
    for path in _files(map(Path, paths)):
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                frame, described = _read(path, standard, encoding)
        except InputError as error:
            notes.append(_note("FILE-UNREADABLE", "error", path, str(error)))
            continue
        notes += [_note("FILE-ENCODING", "warning", path, str(warning.message)) for warning in warned]
        if described.name in frames:
            raise InputError(f"{path}: the dataset {described.name} is in {origins[described.name]} too; name one of them.")
        frames[described.name], metadata[described.name], origins[described.name] = frame, described, path
    return Datasets(frames, metadata, origins, findings(notes))


def _note(rule: str, severity: str, path: Path, message: str) -> dict:
    return {"rule": rule, "severity": severity, "dataset": path.stem.upper(), "message": message, "source": path.name}


def _files(paths: Iterable[Path]) -> list[Path]:
    found = []
    for path in paths:
        if path.is_dir():
            own = _datasets_in(path.glob("*")) or _datasets_in(path.rglob("*"))
            if not own:
                raise InputError(f"{path}: no datasets ({', '.join(SUFFIXES)}) in this folder.")
            found += own
        elif not path.is_file():
            near = did_you_mean(path.name, [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else [])
            raise InputError(f"{path}: there is no such file or folder. {near}".strip())
        elif path.suffix.lower() not in SUFFIXES:
            raise InputError(f"{path}: not a dataset; known are {', '.join(SUFFIXES)}.")
        else:
            found.append(path)
    return found


def _datasets_in(entries: Iterable[Path]) -> list[Path]:
    return sorted(path for path in entries if path.suffix.lower() in SUFFIXES and not path.name.startswith(("_", ".")))


def _read(path: Path, standard: Standard, encoding: str | None) -> tuple[pd.DataFrame, Dataset]:
    if path.suffix.lower() == ".xpt":
        frame, header = read_xpt(path, encoding=encoding)
        variables = [Variable(v.name, v.label, v.type, "text" if v.type == "Char" else "float", v.length, order=i, display_format=v.format)
                     for i, v in enumerate(header.variables, 1)]
        return frame, _described(header.name or path.stem.upper(), header.label, variables, len(frame))
    raw = read_raw(path, encoding=encoding)
    name = path.stem.upper()
    known = standard_dataset(standard, name)
    columns = {column: _typed(raw.frame[column], _is_number(standard, known, column)) for column in raw.frame.columns}
    return pd.DataFrame(columns), _described(name, "", [], len(raw.frame))


def _is_number(standard: Standard, known, column: str) -> bool:
    variable = (standard_variable(known, column) or model_variable(standard, known, column)) if known else None
    return variable is not None and variable.type == "Num"


def _typed(column: pd.Series, number: bool) -> pd.Series:
    """A text column as numbers where the standard says Num and every value is one."""
    if not number:
        return column
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers.astype("float64") if bool((numbers.notna() | column.isna()).all()) else column


def _described(name: str, label: str, variables: list[Variable], records: int) -> Dataset:
    return Dataset(name=name, label=label, class_name="", structure="", variables=tuple(variables), keys=(), records=records)


