"""One dataset to and from a file, in the format that the file's ending says: .xpt, .json and .ndjson (Dataset-JSON 1.1), .parquet."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pandas as pd

from .dataset_columns import described_dataset, moment_text
from .dataset_json import About, write_dataset_json
from .dataset_json_read import read_dataset_json
from .errors import InputError, did_you_mean
from .model import Dataset, Variable
from .parquet import read_parquet, write_parquet
from .xpt import read_xpt, write_xpt

FORMATS = ("xpt", "json", "ndjson", "parquet")


def write_dataset(
    frame: pd.DataFrame, path: str | os.PathLike, *, name: str, label: str = "", variables: Iterable[Variable] | None = None,
    keys: Iterable[str] = (), created: datetime | str, about: About = About(), encoding: str = "ascii", threads: int = 1,
) -> None:
    """Write one dataset in the format of the file's ending; what is read back is the same from each.

    `keys` names the key variables in their order; `about` goes into Dataset-JSON alone; `encoding` and `threads` are for transport files: the other formats are in UTF-8.
    Raises InputError for another ending, and as the writer of the format does.
    """
    kind = _format(path)
    said = {"name": name, "label": label, "variables": variables, "created": moment_text(created, path)}
    keyed = said | {"keys": keys}
    if kind == "xpt":
        write_xpt(frame, path, **said, encoding=encoding, threads=threads)
    elif kind == "parquet":
        write_parquet(frame, path, **keyed)
    else:
        write_dataset_json(frame, path, **keyed, about=about)


def read_dataset(path: str | os.PathLike, *, encoding: str | None = None) -> tuple[pd.DataFrame, Dataset]:
    """Read one dataset: `str` columns with "" for missing text, float64 with NaN for missing numbers, dates counted from 1960.

    The metadata are what the file says: name, label, variables, keys and records. `encoding` is that of a transport file's text.
    Raises InputError for another ending, and as the reader of the format does.
    """
    kind = _format(path)
    if kind == "parquet":
        return read_parquet(path)
    if kind != "xpt":
        frame, dataset, _ = read_dataset_json(path)
        return frame, dataset
    frame, found = read_xpt(path, encoding=encoding)
    variables = [Variable(v.name, v.label, v.type, "text" if v.type == "Char" else "float", v.length, order, display_format=v.format)
                 for order, v in enumerate(found.variables, 1)]
    return frame, described_dataset(found.name, found.label, variables, len(frame))


def parse_formats(text: str) -> tuple[str, ...]:
    """The formats that a comma-separated text names, each once.

    >>> parse_formats("xpt, ndjson")
    ('xpt', 'ndjson')

    Raises InputError for one that is not known, and for none.
    """
    named = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    for unknown in (part for part in named if part not in FORMATS):
        raise InputError(f"format {unknown!r} is not known. {did_you_mean(unknown, FORMATS) or 'Known: ' + ', '.join(FORMATS) + '.'}")
    if not named:
        raise InputError(f"no format is named. Known: {', '.join(FORMATS)}.")
    return named


def _format(path: str | os.PathLike) -> str:
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise InputError(f"{path}: is in none of the formats known by the ending: {', '.join(f'.{known}' for known in FORMATS)}.")
    return kind
