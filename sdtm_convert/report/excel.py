"""Findings as an Excel workbook: a summary sheet, the findings with a filter, waived and known ones, and what became of each rule.

The sheets are written out directly: a report of a hundred thousand findings takes a second that way, and the same findings
give the same bytes. Texts are shared strings, which no spreadsheet runs as a formula; those that look like one are marked
(quotePrefix) so that they stay text even when somebody edits the cell.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from .summary import Cause, Report

ROWS = 1_048_575  # below the header, on one sheet
LONGEST = 32_767  # characters in a cell
CHUNK = 20_000

# Cell styles, by their place in styles.xml.
PLAIN, HEADER, TITLE, QUOTED, ERROR, WARNING, NOTICE, WRAPPED = range(8)
SEVERITY_STYLES = {"error": ERROR, "warning": WARNING, "notice": NOTICE}

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

SUMMARY = ("severity", "rule", "datasets", "count", "extent", "message", "values", "example", "rule text")
WIDTHS = {"rule": 18, "severity": 14, "dataset": 10, "record": 10, "usubjid": 20, "seq": 8, "variables": 24, "values": 36}
WIDTHS |= {"message": 70, "source": 28, "datasets": 18, "count": 10, "example": 60, "status": 15, "reason": 60, "findings": 10}
WIDTHS |= {"extent": 22, "rule text": 60}


def write_excel(report: Report, path: Path) -> None:
    """Sheet Summary, then Findings (and Findings 2 ... where one sheet cannot hold them), then Waived, Known and Outcomes where they are given."""
    strings = Strings()
    tables = _tables(report)
    moment = report.created or datetime(1980, 1, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in _frame(tables, report).items():
            _add(archive, name, [text], moment)
        _add(archive, "xl/worksheets/sheet1.xml", _summary_sheet(report, strings), moment)
        for number, part in enumerate(tables.values(), 2):
            _add(archive, f"xl/worksheets/sheet{number}.xml", _table_sheet(part, strings), moment)
        _add(archive, "xl/sharedStrings.xml", strings.xml(), moment)


def _tables(report: Report) -> dict[str, pd.DataFrame]:
    """The sheets after the summary, by name, none longer than a sheet may be."""
    given = {"Findings": report.findings, "Waived": report.waived, "Known": report.known, "Outcomes": report.outcomes}
    sheets = {}
    for name, table in given.items():
        for number, start in enumerate(range(0, max(len(table), 1), ROWS), 1) if table is not None else ():
            sheets[name if number == 1 else f"{name} {number}"] = table.iloc[start : start + ROWS]
    return sheets


def _add(archive: zipfile.ZipFile, name: str, texts: Iterable[str], moment: datetime) -> None:
    entry = zipfile.ZipInfo(name, moment.timetuple()[:6])  # not the present time: equal input, equal bytes
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=True) as stream:
        for text in texts:
            stream.write(text.encode("utf-8"))


# --- Sheets -----------------------------------------------------------------------------------------------------------


def _summary_sheet(report: Report, strings: Strings) -> Iterator[str]:
    head = [(report.title, TITLE), *([(report.synthetic_notice, ERROR)] if report.synthetic_notice else []), (report.counted, PLAIN)]
    rows = [[(text, style)] for text, style in head]
    rows += [[(name, PLAIN), (str(value), PLAIN)] for name, value in report.about.items()]
    rows += [[], [(name, HEADER) for name in SUMMARY]]
    rows += [_summary_line(cause, report) for cause in report.causes]
    yield _sheet_head(SUMMARY)
    for number, row in enumerate(rows, 1):
        cells = (_cell(_letter(at), number, value, style, strings) for at, (value, style) in enumerate(row) if value != "")
        height = ' ht="24" customHeight="1"' if number == 1 else ""
        yield f'<row r="{number}"{height}>{"".join(cells)}</row>'
    yield "</sheetData></worksheet>"


def _summary_line(cause: Cause, report: Report) -> list[tuple[object, int]]:
    first = cause.samples[0] if cause.samples else ""
    short = [(cause.severity, SEVERITY_STYLES.get(cause.severity, PLAIN)), (cause.rule, PLAIN), (cause.datasets, WRAPPED), (cause.count, PLAIN)]
    return short + [(text, WRAPPED) for text in (cause.extent, cause.message, cause.values, first, report.texts.get(cause.rule, ""))]


def _cell(letter: str, row: int, value: object, style: int, strings: Strings) -> str:
    if isinstance(value, int):
        return f'<c r="{letter}{row}" s="{style}"><v>{value}</v></c>'
    style = QUOTED if style == PLAIN and _looks_like_formula(value) else style
    return f'<c r="{letter}{row}" s="{style}" t="s"><v>{strings.number(value)}</v></c>'


def _table_sheet(table: pd.DataFrame, strings: Strings) -> Iterator[str]:
    names = list(table.columns)
    yield _sheet_head(names, frozen=True)
    yield f'<row r="1">{"".join(_cell(_letter(at), 1, name, HEADER, strings) for at, name in enumerate(names))}</row>'
    columns = [_column(values, strings) for _, values in table.items()]
    letters = [_letter(at) for at in range(len(names))]
    for start in range(0, len(table), CHUNK):
        chunk = [ends[start : start + CHUNK] for ends in columns]
        for number, row in enumerate(zip(*chunk), start + 2):
            cells = (f'<c r="{letter}{number}{end}' for letter, end in zip(letters, row) if end)
            yield f'<row r="{number}">{"".join(cells)}</row>'
    yield f'</sheetData><autoFilter ref="A1:{letters[-1]}{len(table) + 1}"/></worksheet>'


def _column(values: pd.Series, strings: Strings) -> list[str]:
    """For each cell of a column all that follows its address, "" for a missing one; made once for each distinct value."""
    codes, distinct = pd.factorize(values)
    if pd.api.types.is_string_dtype(values):
        styles = (SEVERITY_STYLES.get(text, QUOTED if _looks_like_formula(text) else PLAIN) for text in distinct)
        ends = [f'" s="{style}" t="s"><v>{strings.number(text)}</v></c>' for text, style in zip(distinct, styles)]
    else:
        ends = [f'"><v>{number}</v></c>' for number in distinct]
    return [ends[code] if code >= 0 else "" for code in codes.tolist()]


def _sheet_head(names: Iterable[str], frozen: bool = False) -> str:
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' if frozen else ""
    sizes = enumerate((WIDTHS.get(name, 14) for name in names), 1)
    widths = "".join(f'<col min="{at}" max="{at}" width="{width}" customWidth="1"/>' for at, width in sizes)
    view = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return f'{DECLARATION}<worksheet xmlns="{MAIN}">{view}<cols>{widths}</cols><sheetData>'


def _letter(at: int) -> str:
    return chr(ord("A") + at)  # no table has more than 26 columns


# --- Texts ------------------------------------------------------------------------------------------------------------


class Strings:
    """The shared strings of a workbook, numbered in the order of their first use."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def xml(self) -> Iterator[str]:
        yield f'{DECLARATION}<sst xmlns="{MAIN}" uniqueCount="{len(self._numbers)}">'
        for text in self._numbers:
            yield f'<si><t xml:space="preserve">{_xml_text(text)}</t></si>'
        yield "</sst>"


def _xml_text(text: str) -> str:
    """Escaped for XML and as Excel escapes what XML cannot hold (_x0001_); cut where a cell could not hold it."""
    if len(text) > LONGEST:
        text = text[: LONGEST - 6] + " [cut]"
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    text = re.sub(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]", lambda found: f"_x{ord(found.group()):04X}_", text)
    return escape(text)


def _looks_like_formula(text: str) -> bool:
    return text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")


# --- The rest of the workbook -------------------------------------------------------------------------------------------


def _frame(tables: dict[str, pd.DataFrame], report: Report) -> dict[str, str]:
    """Every part of the file but the sheets and the shared strings."""
    names = ["Summary", *tables]
    sheets = range(1, len(names) + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = [("/xl/workbook.xml", f"{kind}.sheet.main+xml"), ("/xl/styles.xml", f"{kind}.styles+xml")]
    parts += [("/xl/sharedStrings.xml", f"{kind}.sharedStrings+xml")]
    parts += [("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml")]
    parts += [(f"/xl/worksheets/sheet{number}.xml", f"{kind}.worksheet+xml") for number in sheets]
    overrides = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in parts)
    defaults = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    defaults += '<Default Extension="xml" ContentType="application/xml"/>'
    tabs = "".join(f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="rId{at}"/>' for at, name in zip(sheets, names))
    filters = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{at}" hidden="1">'
        f"'{name}'!$A$1:${_letter(len(table.columns) - 1)}${len(table) + 1}</definedName>"
        for at, (name, table) in enumerate(tables.items(), 1)
    )
    links = [(f"worksheets/sheet{number}.xml", "worksheet") for number in sheets]
    links += [("styles.xml", "styles"), ("sharedStrings.xml", "sharedStrings")]
    return {
        "[Content_Types].xml": f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types">{defaults}{overrides}</Types>',
        "_rels/.rels": _relations(
            [
                ("xl/workbook.xml", f"{RELATIONS}/officeDocument"),
                ("docProps/core.xml", f"{PACKAGE}/relationships/metadata/core-properties"),
            ]
        ),
        "docProps/core.xml": _properties(report),
        "xl/workbook.xml": f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{tabs}</sheets>'
        f"<definedNames>{filters}</definedNames></workbook>",
        "xl/_rels/workbook.xml.rels": _relations([(target, f"{RELATIONS}/{kind}") for target, kind in links]),
        "xl/styles.xml": _styles(),
    }


def _relations(links: list[tuple[str, str]]) -> str:
    each = "".join(f'<Relationship Id="rId{at}" Type="{kind}" Target="{target}"/>' for at, (target, kind) in enumerate(links, 1))
    return f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">{each}</Relationships>'


def _properties(report: Report) -> str:
    time = report.created.strftime("%Y-%m-%dT%H:%M:%SZ") if report.created else ""
    stamp = "".join(f'<dcterms:{name} xsi:type="dcterms:W3CDTF">{time}</dcterms:{name}>' for name in ("created", "modified") if time)
    spaces = f'xmlns:cp="{PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    spaces += ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    title = f"<dc:title>{_xml_text(report.title)}</dc:title><dc:creator>sdtm-convert</dc:creator>"
    return f"{DECLARATION}<cp:coreProperties {spaces}>{title}{stamp}</cp:coreProperties>"


def _styles() -> str:
    """The cell styles in the order of PLAIN, HEADER, ... above."""

    def font(size: int, bold_color: str = "") -> str:
        bold, color = ("<b/>", f'<color rgb="{bold_color}"/>') if bold_color else ("", "")
        return f'{bold}<sz val="{size}"/>{color}<name val="Calibri"/>'

    fonts = [font(10), font(10, "FFFFFFFF"), font(15, "FF000000")]
    fonts += [font(10, color) for color in ("FFB3261E", "FF8A5A00", "FF4A5568")]
    fills = ['<patternFill patternType="none"/>', '<patternFill patternType="gray125"/>']
    fills += ['<patternFill patternType="solid"><fgColor rgb="FF24405C"/></patternFill>']
    top, wrapped = '<alignment vertical="top"/>', '<alignment vertical="top" wrapText="1"/>'
    cells = [(0, 0, "", top), (1, 2, "", top), (2, 0, "", top), (0, 0, ' quotePrefix="1"', top)]
    cells += [(3, 0, "", top), (4, 0, "", top), (5, 0, "", top), (0, 0, "", wrapped)]
    formats = "".join(
        f'<xf numFmtId="0" fontId="{font}" fillId="{fill}" borderId="0" xfId="0"{more} applyFont="1" applyFill="1" '
        f'applyAlignment="1">{alignment}</xf>'
        for font, fill, more, alignment in cells
    )
    return (
        f'{DECLARATION}<styleSheet xmlns="{MAIN}">'
        f'<fonts count="{len(fonts)}">{"".join(f"<font>{each}</font>" for each in fonts)}</fonts>'
        f'<fills count="{len(fills)}">{"".join(f"<fill>{each}</fill>" for each in fills)}</fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(cells)}">{formats}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
