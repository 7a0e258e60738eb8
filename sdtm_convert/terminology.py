"""Controlled terminology as NCI and CDISC publish it: read it, check it, import it.

NCI EVS publishes each set (SDTM, ADaM, CDASH, Define-XML, Protocol, SEND) as a tab-separated text and as Excel; CDISC's
tools pass the same eight columns on as CSV with a ninth, `Standard and Date`. One row is a codelist (blank
`Codelist Code`) or a term of one. What is imported is kept in the form of `terminology_tables`.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sdtm_convert.errors import InputError
from sdtm_convert.model import Codelist, Term, Terminology
from sdtm_convert.terminology_tables import code_name_pairs, publishing_set, user_store, write_folder

OFFICIAL_SUFFIXES = (".txt", ".csv", ".xlsx")

_OFFICIAL_COLUMNS = {  # ours -> the published header; what is not listed (the definition) is not kept
    "code": "Code",
    "codelist": "Codelist Code",
    "extensible": "Codelist Extensible (Yes/No)",
    "name": "Codelist Name",
    "value": "CDISC Submission Value",
    "synonyms": "CDISC Synonym(s)",
    "decode": "NCI Preferred Term",
}
_STANDARD_COLUMN = "Standard and Date"
_TITLE = re.compile(
    r"(?:CDISC[ _]+)?(?P<name>.+?)[ _]+(?:Terminology|CT)(?:[ _]+(?P<date>\d{4}-\d{2}-\d{2}))?", re.IGNORECASE
)
_FAULTS_SHOWN = 10


class _Row(NamedTuple):
    line: int
    standard: str  # "ADaM CT 2025-03-28" in the CSV form, else ""
    code: str
    codelist: str
    extensible: str
    name: str
    value: str
    synonyms: str
    decode: str


# --- What is published ------------------------------------------------------------------------------------------------


def read_terminology(path: Path | str, name: str | None = None, version: str | None = None) -> list[Terminology]:
    """Read an official terminology file: NCI's text (.txt, tabs), CDISC's CSV, or the Excel form saved as .xlsx.

    Name and date come from the `Standard and Date` column, else from the title (`SDTM Terminology 2025-03-28`, the name
    of the file or the sheet), unless `name` and `version` say them. One file may hold several sets. A codelist without
    a word on `Extensible` (Protocol has such) counts as extensible: nobody closed it. Text is UTF-8; where it is not,
    it is read as Windows-1252 and a warning says so. Raises InputError that names file, line and what is wrong.
    """
    path = Path(path)
    by_title: dict[str, list[_Row]] = defaultdict(list)
    for title, rows in _sheets(path):
        for row in rows:
            by_title[row.standard or title].append(row)
    if not by_title:
        raise InputError(f"{path}: holds no codelist and no term.")
    found: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for title, rows in by_title.items():
        found[_set_and_date(title, name, version, path)].extend(rows)
    return [_terminology(rows, *key, path) for key, rows in found.items()]


def import_terminology(
    path: Path | str, into: Path | None = None, name: str | None = None, version: str | None = None
) -> list[Path]:
    """Read an official file and write every set in it, whole, into `into` or the user's store; returns the files.

    A set that was imported before is replaced as a whole. Raises InputError: see `read_terminology`; or `into` cannot
    be written, and then nothing of it is left behind.
    """
    into = Path(into) if into is not None else user_store() / "ct"
    return [file for terminology in read_terminology(path, name, version) for file in write_folder(terminology, into)]


def title_of(path: Path) -> tuple[str, str]:
    """Publishing set and date that the name of an official file tells; "" for what it does not tell.

    >>> title_of(Path("SDTM Terminology 2025-03-28.txt"))
    ('SDTM', '2025-03-28')
    """
    match = _TITLE.fullmatch(path.stem)
    return (publishing_set(match["name"]), match["date"] or "") if match else ("", "")


def _set_and_date(title: str, name: str | None, version: str | None, path: Path) -> tuple[str, str]:
    match = _TITLE.fullmatch(title.strip())
    name = publishing_set(name or (match["name"] if match else ""))
    version = (version or (match["date"] if match else "") or "").strip()
    wanted = (("name (SDTM, ADaM ...)", name, "[A-Za-z][A-Za-z0-9_-]*"), ("date", version, "[0-9][0-9A-Za-z.-]*"))
    for what, value, form in wanted:
        if not value:
            raise InputError(f"{path}: '{title}' does not tell the {what} of the terminology; give it.")
        if not re.fullmatch(form, value):  # it becomes part of a folder's name
            raise InputError(f"{path}: '{value}' cannot be the {what} of a terminology.")
    return name, version


def _sheets(path: Path) -> Iterator[tuple[str, Iterator[_Row]]]:
    suffix = path.suffix.casefold()
    if suffix == ".xls":
        raise InputError(f"{path}: the binary Excel form is not read. Use NCI's text form (.txt) of the same set.")
    if suffix not in OFFICIAL_SUFFIXES:
        raise InputError(f"{path}: not a terminology file; {', '.join(OFFICIAL_SUFFIXES)} are read.")
    if suffix == ".xlsx":
        yield from _excel_sheets(path)
        return
    text = io.StringIO(_text(path), newline="")
    # A quote in NCI's text is a quote (5" ...), never a delimiter; in CSV it is one.
    tabs = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if suffix == ".txt" else {}
    reader = csv.reader(text, strict=True, **tabs)
    yield path.stem, _rows(((reader.line_num, fields) for fields in _guarded(reader, path)), path)


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        warnings.warn(f"{path}:{line}: not UTF-8; the file was read as Windows-1252.", stacklevel=2)
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: neither UTF-8 nor Windows-1252. Save the file as UTF-8.") from error


def _guarded(reader: Iterator[list[str]], path: Path) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: {error}.") from error


def _excel_sheets(path: Path) -> Iterator[tuple[str, Iterator[_Row]]]:
    import openpyxl  # heavy, and wanted for this form only

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, openpyxl.utils.exceptions.InvalidFileException) as error:
        raise InputError(f"{path}: cannot be read as an Excel workbook: {error}.") from error
    wanted = {_OFFICIAL_COLUMNS["codelist"].casefold(), _OFFICIAL_COLUMNS["value"].casefold()}
    found = False
    for sheet in book.worksheets:
        cells = [_excel_texts(row, line, path) for line, row in enumerate(sheet.iter_rows(values_only=True), start=1)]
        if cells and wanted <= {cell.strip().casefold() for cell in cells[0]}:  # not the ReadMe sheet
            found = True
            title = sheet.title if _TITLE.fullmatch(sheet.title.strip()) else path.stem
            width = max(map(len, cells))
            yield title, _rows(enumerate((row + [""] * (width - len(row)) for row in cells), start=1), path)
    book.close()
    if not found:
        raise InputError(f"{path}: no sheet has the columns {', '.join(_OFFICIAL_COLUMNS.values())}.")


def _excel_texts(row: Sequence[object], line: int, path: Path) -> list[str]:
    if odd := [cell for cell in row if not (cell is None or isinstance(cell, str) or type(cell) is int)]:
        raise InputError(f"{path}:{line}: '{odd[0]}' is not text: Excel changed it. Use NCI's text form of the set.")
    return ["" if cell is None else str(cell) for cell in row]


def _rows(lines: Iterable[tuple[int, Sequence[str]]], path: Path) -> Iterator[_Row]:
    lines = iter(lines)
    _, header = next(lines, (0, []))
    at = {title.strip().casefold(): index for index, title in reversed(list(enumerate(header)))}
    missing = [title for title in _OFFICIAL_COLUMNS.values() if title.casefold() not in at]
    if missing:
        raise InputError(f"{path}:1: the header lacks {', '.join(missing)}.")
    picked = [at[title.casefold()] for title in _OFFICIAL_COLUMNS.values()]
    standard = at.get(_STANDARD_COLUMN.casefold())
    for line, fields in lines:
        if not any(field.strip() for field in fields):
            continue
        if len(fields) != len(header):
            raise InputError(f"{path}:{line}: {len(fields)} fields where the header has {len(header)}.")
        yield _Row(line, fields[standard].strip() if standard is not None else "", *[fields[i].strip() for i in picked])


def _terminology(rows: list[_Row], name: str, version: str, path: Path) -> Terminology:
    heads: dict[str, _Row] = {}
    terms: dict[str, dict[str, _Row]] = defaultdict(dict)
    values: dict[tuple[str, str], int] = {}
    faults: list[tuple[int, str]] = []
    for row in rows:
        what = f"term {row.code} of codelist {row.codelist}" if row.codelist else f"codelist {row.code}"
        group = terms[row.codelist] if row.codelist else heads
        if not row.code or not row.value:
            faults.append((row.line, f"{what} has no {'submission value' if row.code else 'C-code'}"))
        elif row.code in group:
            faults.append((row.line, f"{what} is there twice, first on line {group[row.code].line}"))
        elif (row.codelist, row.value) in values:
            first = values[row.codelist, row.value]
            faults.append((row.line, f"{what} repeats the submission value '{row.value}' of line {first}"))
        if not row.codelist and row.extensible.casefold() not in ("yes", "no", ""):
            faults.append((row.line, f"{what} has '{row.extensible}' for Yes or No under Extensible"))
        group.setdefault(row.code, row)
        values.setdefault((row.codelist, row.value), row.line)
    for codelist, rows_of_list in terms.items():
        if codelist not in heads:
            first = next(iter(rows_of_list.values()))
            faults.append((first.line, f"term {first.code} belongs to codelist {codelist}, which is not in the file"))
    _raise_faults(faults, path)
    return Terminology(name, version, _codelists(heads, terms, f"{name} {version}"))


def _raise_faults(faults: list[tuple[int, str]], path: Path) -> None:
    if faults:
        shown = [f"{path}:{line}: {what}." for line, what in sorted(faults)[:_FAULTS_SHOWN]]
        more = len(faults) - len(shown)
        raise InputError("\n".join(shown + ([f"{path}: and {more} more."] if more else [])))


def _codelists(
    heads: Mapping[str, _Row], terms: Mapping[str, Mapping[str, _Row]], standard: str
) -> dict[str, Codelist]:
    names_of = code_name_pairs({code: row.name for code, row in heads.items()})
    codelists = {}
    for code, head in heads.items():
        test_names = terms.get(names_of.get(code, ""), {})
        codelists[code] = Codelist(
            code=code,
            short_name=head.value,
            name=head.name,
            extensible=head.extensible.casefold() != "no",
            terms=tuple(
                Term(
                    value=row.value,
                    code=row.code,
                    decode=test_names[row.code].value if row.code in test_names else row.decode,
                    synonyms=_split(row.synonyms),
                )
                for row in terms.get(code, {}).values()
            ),
            standard=standard,
        )
    return codelists


def _split(synonyms: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in synonyms.split(";") if part.strip()) if synonyms else ()
