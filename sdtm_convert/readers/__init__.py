"""Readers of raw eCRF exports: a file in, a `RawTable` of text out.

Every value stays the text that was collected until a method of the mapping makes something else of it: `007` stays `007`,
`1.10` stays `1.10`, a date stays as it was typed. Cells that are empty or hold only white space become missing, here and
nowhere else.

To read another format, write one function `(path, name, options) -> RawTable` and enter it in `SUFFIXES`. A module is imported when a
file asks for it: what reads Excel and SAS takes longer to import than most files to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from ..errors import InputError, did_you_mean
from .raw import Options, RawTable

__all__ = ["SUFFIXES", "RawTable", "read_fields", "read_raw"]

SUFFIXES = {  # module of this package and function in it
    ".csv": ("text", "read_text"),
    ".tsv": ("text", "read_text"),
    ".txt": ("text", "read_text"),
    ".xlsx": ("excel", "read_excel"),
    ".xlsm": ("excel", "read_excel"),
    ".xls": ("excel", "refuse_old_excel"),
    ".sas7bdat": ("sas", "read_sas7bdat"),
    ".xpt": ("xport", "read_xport"),
    ".parquet": ("parquet", "read_parquet"),
}


def read_raw(
    path: str | Path,
    name: str | None = None,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header_rows: int = 1,
    header_row: int = 0,
    sheet: str | None = None,
    missing: Iterable[str] = (),
    ragged: str = "refuse",
) -> RawTable:
    """Read one raw file; its ending says how.

    `name` of the table: the file's name without ending by default. `missing`: texts that mean "no value" when they are the
    whole cell ("NA" is a value unless it is listed). A format ignores the options that mean nothing to it:

    - `encoding` (delimited text, SAS): a byte order mark wins, then this, then UTF-8 (SAS7BDAT: what the file says).
    - `delimiter` (delimited text): one of comma, semicolon, tab and bar, found from the header by default.
    - `header_rows`, `header_row` (delimited text, Excel): how many rows the header has, and which of them, counted from 0,
      holds the names; the others become the labels.
    - `sheet` (Excel): needed where a workbook has several sheets and none is named like the table.
    - `ragged` (delimited text): "refuse" lines with too few or too many cells, or "keep" them: absent cells are missing,
      surplus ones go to a finding (rule RAW-RAGGED).

    Raises `InputError` for a file that is absent, damaged, undecodable, or without a usable header.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        hint = did_you_mean(suffix, SUFFIXES)
        raise InputError(f"{path}: no reader for files that end with '{suffix}'; known: {' '.join(SUFFIXES)}. {hint}".strip())
    if not path.is_file():
        near = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"{path}: there is no such file. {did_you_mean(path.name, near)}".strip())
    if not 0 <= header_row < header_rows:
        raise InputError(f"{path}: header_row {header_row} is not one of {header_rows} header rows, counted from 0.")
    if ragged not in ("refuse", "keep"):
        raise InputError(f"{path}: ragged is 'refuse' or 'keep', not '{ragged}'.")
    options = Options(encoding, delimiter, header_rows, header_row, sheet, tuple(missing), ragged)
    try:
        return _reader(suffix)(path, name or path.stem, options)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def read_fields(path: str | Path, **options) -> tuple[str, ...]:
    """The field names of a raw file, in order; of a large text file only the head is read. `options` and errors as of `read_raw`."""
    from .text import HEAD, text_fields

    path = Path(path)
    if SUFFIXES.get(path.suffix.lower(), ("",))[0] == "text" and path.stat().st_size > HEAD:
        return tuple(text_fields(path, Options(**{**options, "missing": tuple(options.get("missing", ()))})))
    return tuple(map(str, read_raw(path, **options).frame.columns))


def _reader(suffix: str) -> Callable[[Path, str, Options], RawTable]:
    module, function = SUFFIXES[suffix]
    return getattr(import_module(f".{module}", __name__), function)
