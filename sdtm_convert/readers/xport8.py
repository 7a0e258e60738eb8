"""SAS transport files of version 8 and 9: as version 5, but with names of 32 characters, labels of 256 and text of 32767 bytes.

pyreadstat reads their headers; the records are those of version 5 (TS-140) and are decoded by the project's own codec.
Source: SAS's "Record Layout of a SAS Version 8 or 9 Data Set in SAS Transport Format".
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from ..errors import InputError
from ..xpt import XptMetadata, XptVariable
from ..xpt.decode import TextEncoding, decode_numbers, decode_text
from ..xpt.header import NAMESTR, RECORD
from ..xpt.records import Member, count_rows, record_length
from .raw import header_names
from .sas_values import ONE_DATASET

MEMBER = re.compile(rb"HEADER RECORD\*{7}MEMBV8  HEADER RECORD")
OBSERVATIONS = re.compile(rb"HEADER RECORD\*{7}OBSV8   HEADER RECORD!{7} *(\d{0,15})")  # the number of records, which need not be told
VARIABLES = re.compile(rb"HEADER RECORD\*{7}NAMSTV8 HEADER RECORD")
ANY_BYTES = "iso-8859-1"  # each byte is a character of it: what pyreadstat decodes can be turned into bytes again


def read_xport8(path: Path, encoding: str, tell: Callable[[str], None]) -> tuple[pd.DataFrame, XptMetadata]:
    """The one dataset of a transport file of version 8 or 9: a frame and its metadata as `xpt.read_xpt` gives them; `tell` is told what is odd.

    Raises InputError for a file that is damaged or cut off, holds several datasets, or text that is not in `encoding`.
    """
    text = TextEncoding(str(path), encoding)
    found, told = _member(path, text, tell)
    rows = _rows(found, told)
    records = np.fromfile(path, np.uint8, rows * found.record, offset=found.start).reshape(rows, found.record)
    columns, special = {}, {}
    for variable, position in zip(found.metadata.variables, found.positions, strict=True):
        cells = records[:, position : position + variable.length]
        if variable.type == "Char":
            columns[variable.name] = pd.array(decode_text(cells, f"{found.metadata.name}.{variable.name}", 0, text), dtype="str")
        else:
            columns[variable.name], special[variable.name] = _numbers(cells, f"{path}: {found.metadata.name}.{variable.name}", tell)
    metadata = XptMetadata(found.metadata.name, variables=found.metadata.variables, rows=rows, encoding=text.name, special_missing=special)
    return pd.DataFrame(columns), metadata


def _member(path: Path, text: TextEncoding, tell: Callable[[str], None]) -> tuple[Member, int]:
    """What the headers say: where the dataset lies and how it is made, and of how many records (0: they do not say)."""
    try:
        _, meta = pyreadstat.read_xport(str(path), encoding=ANY_BYTES, metadataonly=True)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    described, start, told = _places(path, len(meta.column_names))
    names = [text.decode(raw[88:120].rstrip(b" \0"), f"name of variable {number}") for number, raw in enumerate(described, 1)]
    header_names([names], 0, path)
    variables = tuple(_variable(name, renamed, meta, text) for name, renamed in zip(names, meta.column_names, strict=True))
    if wrong := [v.name for v in variables if v.length < 1 or v.type == "Num" and not 2 <= v.length <= 8]:
        raise InputError(f"{path}: {', '.join(wrong)}: no value has the length that the header tells; the file is damaged.")
    positions = tuple(int.from_bytes(raw[84:88], "big") for raw in described)
    metadata = XptMetadata(meta.table_name or "", variables=variables)
    return Member(str(path), metadata, positions, record_length(metadata, positions, str(path)), start, path.stat().st_size, tell), told


def _places(path: Path, count: int) -> tuple[list[bytes], int, int]:
    """The descriptions of so many variables; where the records of the one dataset begin; how many there are by the header before them (0: it
    does not say)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        members = [found for found in MEMBER.finditer(data) if found.start() % RECORD == 0]
        if len(members) > 1:
            raise InputError(f"{path}: holds {len(members)} datasets; {ONE_DATASET}")
        variables, observations = (_header(kind, data, path) for kind in (VARIABLES, OBSERVATIONS))
        first = variables.start() + RECORD
        described = [data[at : at + NAMESTR.size] for at in range(first, first + count * NAMESTR.size, NAMESTR.size)]
        return described, observations.start() + RECORD, int(observations[1] or 0)


def _header(kind: re.Pattern[bytes], data: mmap.mmap, path: Path) -> re.Match[bytes]:
    found = next((found for found in kind.finditer(data) if found.start() % RECORD == 0), None)
    if found is None:
        raise InputError(f"{path}: has no header of {'variables' if kind is VARIABLES else 'observations'}; the file is damaged.")
    return found


def _variable(name: str, renamed: str, meta, text: TextEncoding) -> XptVariable:
    """One variable as pyreadstat sees it, which gives another name to one without a name, or that occurs twice."""
    label = text.decode((meta.column_names_to_labels[renamed] or "").encode(ANY_BYTES), f"label of {meta.table_name}.{name}")
    kind = "Char" if meta.readstat_variable_types[renamed] == "string" else "Num"
    return XptVariable(name, label, kind, meta.variable_storage_width[renamed], meta.original_variable_types[renamed] or "")


def _rows(found: Member, told: int) -> int:
    """The number of records. Blank ones at the end look like padding; the header tells them apart."""
    seen, name = count_rows(found), f"{found.path}: {found.metadata.name}"
    if told > found.most_rows:
        raise InputError(f"{name}: holds {found.most_rows} of the {told} records that its header tells of; the file has been cut off.")
    if 0 < told < seen:
        found.tell(f"{name}: has {seen} records, though its header tells of {told}; all were read.")
    return max(seen, told)


def _numbers(cells: np.ndarray, where: str, tell: Callable[[str], None]) -> tuple[np.ndarray, dict[int, str]]:
    """The numbers of a variable, and the letters of special missing values by row."""
    values = np.empty(len(cells))
    places, letters, rounded = decode_numbers(cells, values)
    if rounded:
        tell(f"{where}: numbers with more digits than float64 holds were rounded to the nearest ({rounded}).")
    return values, dict(zip(places.tolist(), letters.tobytes().decode("ascii"), strict=True))
