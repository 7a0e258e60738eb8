"""Forms as CSV files: UTF-8, LF, quotes only where a value needs them, missing = nothing between the commas."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .header import Form

BOM_FORMS = {"cm"}  # a part of the EDC systems starts its files with a byte order mark
SPECIAL = (b",", b'"', b"\n", b"\r")


def csv_lines(table: pa.Table) -> pa.Buffer:
    """The lines of a table, ready to be written: all columns joined, the text of all rows in one buffer."""
    columns = [quoted(table.column(name).combine_chunks()) for name in table.column_names]
    lines = pc.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(lines, "", "\n")  # "<line>" + "\n" + ""
    length = np.frombuffer(lines.buffers()[1], np.int32)[len(lines)]
    return lines.buffers()[2].slice(0, int(length))


def quoted(column: pa.StringArray) -> pa.StringArray:
    """The column with quotes around what needs them; looks at the bytes first, as nearly no column does."""
    data = column.buffers()[2]
    text = b"" if data is None else data.to_pybytes()
    if not any(sign in text for sign in SPECIAL):
        return column
    inside = pc.replace_substring(column, '"', '""')
    wrapped = pc.binary_join_element_wise("", inside, "", '"')
    return pc.if_else(pc.match_substring_regex(column, '[",\\r\\n]'), wrapped, column)


def start_file(path: Path, form: str, fields: list[str]) -> None:
    """The header line, in a new file."""
    with open(path, "w", encoding="utf-8-sig" if form in BOM_FORMS else "utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerow(fields)


def append(path: Path, table: pa.Table) -> None:
    with open(path, "ab") as handle:
        handle.write(csv_lines(table))


def as_table(form: Form, fields: list[str]) -> pa.Table:
    """The form with its fields in the order of the dictionary; a field too many or too few is an error."""
    if set(form) != set(fields):
        raise ValueError(f"fields and dictionary differ: {sorted(set(form) ^ set(fields))}")
    return pa.table({name: form[name] for name in fields})
