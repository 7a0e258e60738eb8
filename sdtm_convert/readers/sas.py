"""SAS datasets (.sas7bdat), through pyreadstat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyreadstat

from ..errors import InputError
from .raw import TEXT, Options, RawTable, header_names, text_frame, texts_of
from .sas_values import special_findings, text_function


def read_sas7bdat(path: Path, name: str, options: Options) -> RawTable:
    """A SAS dataset as a raw table: numbers as shortest text ("5"), dates and times by their SAS format in ISO 8601.

    Character values lose trailing blanks, which SAS adds and does not count. A date that its format cannot show (a fraction,
    a year beyond 9999) stays a number. Special missing values (.A to .Z, ._) become missing, with a notice
    RAW-SPECIAL-MISSING. `encoding` overrides what the file says of itself. Raises InputError for a file that is damaged or of
    another encoding.
    """
    _, meta = _read(path, options.encoding, metadataonly=True)
    if meta.number_rows > path.stat().st_size:  # pyreadstat would reserve memory for as many
        raise InputError(f"{path}: claims {meta.number_rows} records, more than it has bytes: it is damaged.")
    values, meta = _read(path, options.encoding, user_missing=True)
    header_names([[variable or "" for variable in meta.column_names]], 0, path)
    numbers_and_letters = {variable: cells for variable, cells in values.items() if variable in meta.missing_user_values}
    special = {variable: {row: cell for row, cell in enumerate(cells) if isinstance(cell, str)} for variable, cells in numbers_and_letters.items()}
    columns = {variable: _text(cells, variable, meta) for variable, cells in values.items()}
    labels = {variable: label for variable, label in meta.column_names_to_labels.items() if label}
    return RawTable(name, text_frame(columns, options.missing), path, special_findings(name, special), labels)


def _read(path: Path, encoding: str | None, **more: object) -> tuple[dict[str, list], object]:
    hint = f"Its text may be no {encoding}." if encoding else "Name its encoding, for example cp1252."
    try:
        return pyreadstat.read_sas7bdat(str(path), encoding=encoding, disable_datetime_conversion=True, output_format="dict", **more)
    except UnicodeDecodeError as error:
        near = error.object[max(0, error.start - 20) : error.start + 20].decode("cp1252", "replace")
        raise InputError(f"{path}: text that is not {encoding or 'UTF-8'}, at '{near}'. {hint}") from error
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
        if "convert" in str(error):
            raise InputError(f"{path}: {error}. {hint}") from error
        raise InputError(f"{path}: cannot be read: {error}") from error


def _text(cells: list, variable: str, meta) -> pa.Array:
    """The values of a variable as text; the letters of special missing values, which stand among numbers, are missing."""
    if meta.readstat_variable_types[variable] == "string":
        return pa.array(cells, TEXT)
    if variable in meta.missing_user_values:
        cells = [None if isinstance(cell, str) else cell for cell in cells]
    return texts_of(np.array(cells, float), text_function(meta.original_variable_types[variable] or ""))
