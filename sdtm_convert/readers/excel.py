"""Excel workbooks (.xlsx, .xlsm): cells become the text that a person would have typed."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from ..errors import InputError, did_you_mean
from ..findings import findings
from .raw import TEXT, Options, RawTable, first_line, header_names, number_text, text_frame

# What openpyxl and zipfile let through when an archive or the XML in it is damaged (XML errors of every parser are
# SyntaxErrors) or encrypted (RuntimeError).
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, InvalidFileException)
DAMAGED = (*ZIP_ERRORS, KeyError, ValueError, TypeError, IndexError, SyntaxError)
# openpyxl warns of features that do not concern values; to mute it for one call only would not be safe among threads.
warnings.filterwarnings("ignore", module=r"openpyxl\.")
OLD_CONTAINER = bytes.fromhex("d0cf11e0a1b11ae1")  # .xls, and the wrapper of encrypted workbooks
ESCAPED = re.compile(r"_x(00[01][0-9A-Fa-f])_")  # how Excel stores control characters, such as _x000D_

Row = tuple[int, list[str | None]]  # 1-based row in the sheet, texts


def read_excel(path: Path, name: str, options: Options) -> RawTable:
    """One sheet as a raw table.

    Numbers: shortest text (5.0 is "5"), zero-padded where the cell's format is ("000"). Dates and times: ISO 8601; a part
    that the format does not show is left out where it has its lowest value, so `Jan-24` stays "2024-01". Booleans: TRUE,
    FALSE. Formulas: the value stored with them. Rows without any value are skipped; columns without name and value too.
    Findings: RAW-EXCEL-ERROR for error values such as #N/A, RAW-EXCEL-FORMULA for formulas stored without a value.
    """
    with path.open("rb") as file:
        if file.read(8) == OLD_CONTAINER:
            raise InputError(f"{path}: is encrypted, or an old .xls under another name. Save it as a plain .xlsx workbook.")
    try:
        rows, errors, merges, formulas = _read_sheet(path, name, options.sheet)
    except DAMAGED as error:
        raise InputError(f"{path}: is not a readable Excel workbook: {first_line(error)}") from error
    if len(rows) < options.header_rows:
        raise InputError(f"{path}: the sheet has {len(rows)} rows with values; the header needs {options.header_rows}.")
    header, body = rows[: options.header_rows], rows[options.header_rows :]
    texts = _spread_merged(header, merges, options.header_row)
    used = _used_columns(texts[options.header_row], body, path)
    names, labels = header_names([[row[at] or "" for at in used] for row in texts], options.header_row, path)
    columns = {column: pa.array([_at(row, at) for _, row in body], TEXT) for column, at in zip(names, used)}
    found = _findings(name, errors, formulas, dict(zip(used, names)), [number for number, _ in body])
    return RawTable(name, text_frame(columns, options.missing), path, found, labels)


def refuse_old_excel(path: Path, name: str, options: Options) -> RawTable:
    raise InputError(f"{path}: the old .xls format is not read. Save the workbook as .xlsx, or export it as CSV.")


# --- The sheet --------------------------------------------------------------------------------------------------------


def _read_sheet(path: Path, name: str, wanted: str | None) -> tuple[list[Row], dict, set, set]:
    """Rows that hold values, error cells, merged ranges, cells whose formula was stored without a value."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        sheet = _pick(book, path, name, wanted)
        rows, errors = _texts(sheet)
        merges, has_formulas = _scan(path, sheet._worksheet_path)
        title = sheet.title
    finally:
        book.close()
    formulas = _formulas(path, title) if has_formulas else set()
    texts = dict(rows)
    return rows, errors, merges, {(number, at) for number, at in formulas if _at(texts.get(number, []), at) is None}


def _pick(book: openpyxl.Workbook, path: Path, name: str, wanted: str | None):
    titles = [sheet.title for sheet in book.worksheets]
    if wanted is not None:
        if wanted not in titles:
            hint = did_you_mean(wanted, titles) or f"It has: {', '.join(titles)}."
            raise InputError(f"{path}: has no sheet '{wanted}'. {hint}")
        return book[wanted]
    same = [title for title in titles if title.casefold() == name.casefold()]
    if len(titles) != 1 and len(same) != 1:
        raise InputError(f"{path}: has {len(titles)} sheets ({', '.join(titles)}); name the one to read: sheet.")
    return book[same[0] if same else titles[0]]


def _texts(sheet) -> tuple[list[Row], dict[tuple[int, int], str]]:
    sheet.reset_dimensions()  # the size that the file states is often wrong
    rows, errors = [], {}
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts = [cell_text(cell) for cell in cells]
        while texts and (texts[-1] is None or not texts[-1].strip()):
            texts.pop()
        if texts:
            rows.append((number, texts))
            errors |= {(number, at): texts[at] for at, cell in enumerate(cells[: len(texts)]) if cell.data_type == "e"}
    return rows, errors


def _scan(path: Path, member: str) -> tuple[set[tuple[int, int, int, int]], bool]:
    """The merged ranges (first column and row, last column and row) and whether there are formulas: from the sheet's XML,
    because openpyxl tells neither when it streams."""
    merges, formulas, tail = set(), False, b""
    with zipfile.ZipFile(path) as archive, archive.open(member.lstrip("/")) as stream:
        while chunk := stream.read(1 << 20):
            window = tail + chunk
            formulas = formulas or re.search(rb"<(?:\w+:)?f[ >/]", window) is not None
            merges |= set(re.findall(rb'mergeCell\s[^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"', window))
            tail = window[-200:]
    return {(_column(left), int(top), _column(right), int(bottom)) for left, top, right, bottom in merges}, formulas


def _column(letters: bytes) -> int:
    return column_index_from_string(letters.decode()) - 1


def _at(row: list[str | None], at: int) -> str | None:
    return row[at] if at < len(row) else None


def _formulas(path: Path, title: str) -> set[tuple[int, int]]:
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        sheet = book[title]
        sheet.reset_dimensions()
        cells = ((number, at, cell) for number, row in enumerate(sheet.iter_rows(), 1) for at, cell in enumerate(row))
        return {(number, at) for number, at, cell in cells if cell.data_type == "f"}
    finally:
        book.close()


def _spread_merged(header: list[Row], merges: set[tuple[int, int, int, int]], names_at: int) -> list[list[str | None]]:
    """The header's texts, as wide as the widest row, merged cells filled: downwards everywhere, sideways in labels only."""
    width = max(len(row) for _, row in header)
    texts = {number: row + [None] * (width - len(row)) for number, row in header}
    names_row = header[names_at][0]
    for left, top, right, bottom in merges:
        if top not in texts or left >= width:
            continue
        for number in (number for number in texts if top <= number <= bottom):
            for at in range(left, min(right + 1, width) if number != names_row else left + 1):
                texts[number][at] = texts[number][at] or texts[top][left]
    return list(texts.values())


def _used_columns(names: list[str | None], body: list[Row], path: Path) -> list[int]:
    """The columns that have a name; one with values but without a name is an error."""
    filled = {at for _, row in body for at, text in enumerate(row) if text is not None and text.strip()}
    named = {at for at, name in enumerate(names) if name and name.strip()}
    if nameless := sorted(filled - named):
        letters = ", ".join(map(get_column_letter, (at + 1 for at in nameless)))
        raise InputError(f"{path}: no name in the header for column {letters}, which holds values.")
    return sorted(named)


def _findings(name: str, errors: dict, formulas: set, columns: dict[int, str], numbers: list[int]) -> pd.DataFrame:
    record = {number: at for at, number in enumerate(numbers, 1)}
    no_value = "The cell holds a formula without a stored value: open and save the workbook in Excel"
    error = "The cell holds an Excel error value, not a collected one"
    rows = [("RAW-EXCEL-ERROR", cell, value, error) for cell, value in errors.items()]
    rows += [("RAW-EXCEL-FORMULA", cell, None, no_value) for cell in formulas]
    return findings(
        [
            {
                "rule": rule,
                "severity": "error",
                "dataset": name,
                "record": record.get(number),
                "variables": columns.get(at),
                "values": value,
                "message": message,
                "source": f"{name} cell {get_column_letter(at + 1)}{number}",
            }
            for rule, (number, at), value, message in sorted(rows, key=lambda row: row[1])
        ]
    )


# --- Cells ------------------------------------------------------------------------------------------------------------


def cell_text(cell) -> str | None:
    """The text of one cell of openpyxl."""
    value = cell.value
    if value is None:
        return None
    if isinstance(value, str):
        return ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), value) if "_x00" in value else value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, cell.number_format)
    return date_text(value, shown_parts(cell.number_format))


def _number(value: int | float, format: str) -> str:
    text = number_text(value)
    return text.zfill(len(format)) if text.isdigit() and format.strip("0") == "" else text


@dataclass(frozen=True)
class Shown:
    """Which parts of a date a cell format displays."""

    year: bool
    month: bool
    day: bool
    time: bool
    seconds: bool


@lru_cache
def shown_parts(format: str) -> Shown:
    """Read an Excel number format. `m` is minutes after hours and before seconds, else months."""
    plain = re.sub(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', "", format.split(";")[0].lower())
    parts = re.findall(r"y+|m+|d+|h+|s+|am/pm|a/p", plain)
    months = [
        part
        for before, part, after in zip(["", *parts], parts, [*parts[1:], ""])
        if part[0] == "m" and not before.startswith("h") and not after.startswith("s")
    ]
    first = {part[0] for part in parts}
    return Shown("y" in first, bool(months), "d" in first, bool(first & {"h", "s", "a"}), "s" in first)


def date_text(value: dt.datetime | dt.date | dt.time | dt.timedelta, shown: Shown) -> str:
    """ISO 8601, without the parts that the format does not show and that have their lowest value."""
    if isinstance(value, dt.timedelta):
        hours, rest = divmod(value, dt.timedelta(hours=1))
        return f"{hours:02d}:{_clock((dt.datetime.min + rest).time(), shown)[3:]}"
    if isinstance(value, dt.time):
        return _clock(value, shown)
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if shown.time or value.time() != dt.time():
        return f"{value.date().isoformat()}T{_clock(value.time(), shown)}"
    if shown.day or value.day > 1 or not shown.year:
        return value.date().isoformat()
    return f"{value.year:04d}-{value.month:02d}" if shown.month or value.month > 1 else f"{value.year:04d}"


def _clock(time: dt.time, shown: Shown) -> str:
    if not (shown.seconds or time.second or time.microsecond):
        return time.isoformat("minutes")
    return time.isoformat("milliseconds" if time.microsecond else "seconds")
