"""SAS transport files (.xpt): version 5 through the project's own codec, versions 8 and 9 through `xport8`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ..errors import InputError
from ..findings import combine, findings
from ..xpt import XptMetadata, list_members
from ..xpt.arrow import encoding_name
from ..xpt.decode import TextEncoding
from ..xpt.read import read_member
from ..xpt.records import find_member
from .raw import Options, RawTable, text_frame, texts_of
from .sas_values import ONE_DATASET, special_findings, text_function

VERSION_8 = b"HEADER RECORD*******LIBV8   "  # version 9 says the same


def read_xport(path: Path, name: str, options: Options) -> RawTable:
    """A SAS transport file (version 5, 8 or 9) with one dataset; values as in `read_sas7bdat`.

    Text is UTF-8 unless `encoding` says else; what is not is refused, as a guess could alter it unseen. Where the number
    of rows is in doubt, or a number was rounded, a finding RAW-XPORT says so. Raises InputError for a file that is no transport file, is
    damaged or cut off, holds several datasets, or text of another encoding.
    """
    told: list[str] = []
    frame, metadata = _read(path, _encoding(path, options.encoding), told.append)
    columns = {variable.name: _text(frame[variable.name], variable.format) for variable in metadata.variables}
    labels = {variable.name: variable.label for variable in metadata.variables if variable.label}
    found = combine([_warnings(name, [text.removeprefix(f"{path}: ") for text in told]), special_findings(name, metadata.special_missing)])
    return RawTable(name, text_frame(columns, options.missing), path, found, labels)


def _encoding(path: Path, given: str | None) -> str:
    try:
        return encoding_name(given or "utf-8")
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def _read(path: Path, encoding: str, tell: Callable[[str], None]) -> tuple[pd.DataFrame, XptMetadata]:
    with path.open("rb") as file:
        start = file.read(len(VERSION_8))
    if start == VERSION_8:
        from .xport8 import read_xport8  # imports pyreadstat, which few files need

        return read_xport8(path, encoding, tell)
    text = TextEncoding(str(path), encoding)
    try:
        return read_member(replace(find_member(path, None, text), tell=tell), text)
    except InputError as error:
        members = len(list_members(path, encoding=encoding))
        if members < 2:
            raise
        raise InputError(f"{path}: holds {members} datasets; {ONE_DATASET}") from error


def _text(values: pd.Series, format: str) -> pa.Array | pa.ChunkedArray:
    return texts_of(values.to_numpy(), text_function(format)) if values.dtype == float else pa.array(values)


def _warnings(name: str, told: list[str]) -> pd.DataFrame:
    return findings([{"rule": "RAW-XPORT", "severity": "warning", "dataset": name, "message": message, "source": name} for message in told])
