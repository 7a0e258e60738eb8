"""Delimited text (CSV and its kin): a fast way for the files that are in order, a careful one for all others.

The fast way (pyarrow) cannot say in which line something is wrong, and joins two records without a word where a quotation
mark is out of place. So it only gets files whose quotation marks pair up exactly; whatever it refuses is read again line by
line, which either succeeds or names the lines.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from ..errors import InputError
from ..findings import findings
from .raw import TEXT, Options, RawTable, header_names, text_frame

DELIMITERS = (",", ";", "\t", "|")
TAB = {"tab": "\t", "\\t": "\t"}  # what people write in YAML, where a plain \\t is two characters
# UTF-32 before UTF-16: its mark begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
LINE_BREAK = re.compile(r"\r\n|\r|\n")
SAMPLE = 1 << 16
HEAD = 16 * SAMPLE  # bytes that are looked at for the field names of a large file
STRETCH = 1 << 20  # bytes looked at together: small enough to stay in the processor's cache


def read_text(path: Path, name: str, options: Options) -> RawTable:
    """A delimited text file as a raw table. Quoted cells may hold delimiters, line breaks and doubled quotation marks.

    Empty lines are skipped, and so are lines of blanks where the table has more than one column. A first line `sep=;`, as
    Excel understands it, names the delimiter.
    """
    data = _utf8(path, options.encoding)
    start, delimiter = _declared_delimiter(data)
    delimiter = TAB.get(options.delimiter, options.delimiter) or delimiter or _find_delimiter(path, _sample(data, start))
    if len(delimiter) != 1 or delimiter in '"\r\n ':
        raise InputError(f"{path}: {delimiter!r} cannot be a delimiter; name one character, such as ';'.")
    header, body, line = _header(path, data, start, delimiter, options.header_rows)
    names, labels = header_names(header, options.header_row, path)
    columns = _read_fast(data, body, delimiter, names)
    found = findings()
    if columns is None:
        rows = _rows_with_lines(path, data[body:].decode("utf-8"), line, delimiter)
        columns, found = _square(path, name, rows, names, options.ragged)
    return RawTable(name, text_frame(columns, options.missing), path, found, labels)


def text_fields(path: Path, options: Options) -> list[str]:
    """The field names of a delimited text file, from its head alone."""
    with path.open("rb") as file:
        data = file.read(HEAD)
    mark, encoding = next(((mark, name) for mark, name in MARKS if data.startswith(mark)), (b"", options.encoding or "utf-8"))
    data = data[len(mark) :].decode(encoding, "replace").encode("utf-8")
    start, declared = _declared_delimiter(data)
    delimiter = TAB.get(options.delimiter, options.delimiter) or declared or _find_delimiter(path, data[start : start + SAMPLE].decode("utf-8", "ignore"))
    return header_names(_header(path, data, start, delimiter, options.header_rows)[0], options.header_row, path)[0]


# --- Decoding ---------------------------------------------------------------------------------------------------------


def _utf8(path: Path, encoding: str | None) -> bytes:
    """The file's text in UTF-8, without byte order mark."""
    data = path.read_bytes()
    mark, marked = next(((mark, name) for mark, name in MARKS if data.startswith(mark)), (b"", None))
    source = marked or encoding or "utf-8"
    try:
        text = data[len(mark) :].decode(source)
    except LookupError as error:
        raise InputError(f"{path}: '{encoding}' is no encoding known here; try utf-8, cp1252 or utf-16.") from error
    except UnicodeDecodeError as error:
        raise InputError(_undecodable(path, data[len(mark) :], source, error.start, len(mark))) from error
    if "\0" in text:
        line = len(LINE_BREAK.findall(text[: text.index("\0")])) + 1
        often = text.count("\0") * 3 > len(text)
        hint = " It may be UTF-16 without a byte order mark: try encoding utf-16-le." if often else ""
        raise InputError(f"{path}: line {line}: holds a NUL character, so this is no plain text or is damaged.{hint}")
    return text.encode("utf-8") if source != "utf-8" else data[len(mark) :]


def _undecodable(path: Path, data: bytes, encoding: str, at: int, skipped: int) -> str:
    line = len(LINE_BREAK.findall(data[:at].decode(encoding, "replace"))) + 1
    message = f"{path}: line {line}, byte {at + skipped + 1}: 0x{data[at]:02x} is not {encoding} text"
    before = re.search(rb"[^\r\n,;|\t]*\Z", data[max(0, at - 20) : at]).group()
    after = re.match(rb"[^\r\n,;|\t]*", data[at : at + 20]).group()
    proposal = (before + after).decode("cp1252", "replace")
    if encoding != "utf-8" or "\ufffd" in proposal:
        return f"{message}. Name the encoding that the file was written in."
    return f"{message}. Name the encoding that the file was written in; with cp1252 this would be '{proposal}'."


# --- Header -----------------------------------------------------------------------------------------------------------


def _declared_delimiter(data: bytes) -> tuple[int, str | None]:
    declared = re.match(rb'"?sep=([^\r\n"])"?(?:\r\n|\r|\n)', data, re.IGNORECASE)
    return (declared.end(), declared.group(1).decode("utf-8", "ignore")) if declared else (0, None)


def _sample(data: bytes, start: int) -> str:
    """The first lines, without the one that is cut off."""
    sample = data[start : start + SAMPLE].decode("utf-8", "ignore")
    return sample if start + SAMPLE >= len(data) else sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample


def _find_delimiter(path: Path, sample: str) -> str:
    """The delimiter that cuts the header into most cells, and the lines below into as many."""
    shapes = {delimiter: _shape(sample, delimiter) for delimiter in DELIMITERS}
    shapes = {delimiter: shape for delimiter, shape in shapes.items() if shape[1] > 1}
    best = [delimiter for delimiter, shape in shapes.items() if shape == max(shapes.values())]
    if len(best) > 1:
        raise InputError(f"{path}: {' and '.join(map(repr, best))} both divide the header; name the delimiter.")
    return best[0] if best else ","


def _shape(sample: str, delimiter: str) -> tuple[bool, int]:
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        widths = [len(row) for row, _ in zip((row for row in rows if row), range(50))]
    except csv.Error:
        return False, 0
    return len(set(widths)) == 1, widths[0] if widths else 0


def _header(path: Path, data: bytes, start: int, delimiter: str, count: int) -> tuple[list[list[str]], int, int]:
    """The first `count` rows that are not blank, the byte where the body begins, and the number of the line before it."""
    taken = [start]

    def lines() -> Iterator[str]:
        for match in LINE.finditer(data, start):
            taken.append(match.end())
            yield match.group().decode("utf-8")

    skipped = 1 if start else 0
    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        while len(rows) < count and (row := next(reader, None)) is not None:
            if not _is_blank_line(row):
                rows.append(row)
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num + skipped}: the header is not well quoted: {error}") from error
    if len(rows) < count:
        wanted = "a header" if count == 1 else f"a header of {count} rows"
        raise InputError(f"{path}: is empty: it should begin with {wanted}.")
    return rows, taken[-1], reader.line_num + skipped


# --- Body -------------------------------------------------------------------------------------------------------------


def _read_fast(data: bytes, start: int, delimiter: str, names: list[str]) -> dict[str, pa.ChunkedArray] | None:
    """The columns, or None where the file needs the careful way."""
    if not re.compile(rb"[^\r\n]").search(data, start):
        return {name: pa.chunked_array([], TEXT) for name in names}
    quoted = data.find(b'"', start) >= 0
    if not delimiter.isascii() or (quoted and not _quotes_pair_up(data, start, delimiter)):
        return None
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(data).slice(start)),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=1 << 22),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=quoted),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, null_values=[], check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    return dict(zip(names, table.columns))


def _quotes_pair_up(data: bytes, start: int, delimiter: str) -> bool:
    """Whether each quotation mark either begins a cell, ends one, or is one of a doubled pair inside.

    The marks at even places (0, 2, ...) must begin a cell or follow a mark directly, those at odd places must end a cell or
    precede a mark directly. By induction that is exactly the well-formed case; a stray mark breaks it or leaves one over.
    """
    text = np.frombuffer(data, np.uint8)
    last = len(text) - 1
    edge = np.zeros(256, bool)
    edge[[ord(delimiter), 10, 13, ord('"')]] = True
    seen = 0
    for begin in range(start, len(text), STRETCH):
        marks = np.flatnonzero(text[begin : begin + STRETCH] == ord('"')) + begin
        opening, closing = marks[seen % 2 :: 2], marks[1 - seen % 2 :: 2]
        begins = edge[text[opening - 1]] | (opening == start)
        ends = edge[text[np.minimum(closing + 1, last)]] | (closing == last)
        if not (begins.all() and ends.all()):
            return False
        seen += len(marks)
    return seen % 2 == 0


def _rows_with_lines(path: Path, text: str, line: int, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of the physical line that it begins in; blank lines left out."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # else a long narrative is an error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = line + 1
    try:
        for row in reader:
            if row:
                yield begin, row
            begin = line + reader.line_num + 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise InputError(f"{path}: line {begin}: a quotation mark opens a cell in this record and none closes it.") from error
        problem = "text follows the closing quotation mark of a cell"
        raise InputError(f"{path}: line {line + reader.line_num}: {problem} (record begins in line {begin}).") from error


def _square(
    path: Path, name: str, numbered: Iterator[tuple[int, list[str]]], names: list[str], ragged: str
) -> tuple[dict[str, pa.Array], pd.DataFrame]:
    """Columns of equal length, and the findings for the records that had to be cut or filled."""
    width = len(names)
    rows, lengths, found = [], {}, []
    for line, row in numbered:
        if len(row) != width:
            if _is_blank_line(row):
                continue
            lengths.setdefault(len(row), []).append(line)
            found.append(_ragged_finding(name, len(rows) + 1, line, row, names))
            row = row[:width] + [None] * (width - len(row))
        rows.append(row)
    if lengths and ragged == "refuse":
        each = "; ".join(f"{count} in line{'s' * (len(at) > 1)} {_ranges(at)}" for count, at in sorted(lengths.items()))
        raise InputError(
            f"{path}: the header has {width} cells, but there are {each}. Mend the file, or read it with ragged: keep, which "
            "reports what it cannot place."
        )
    columns = zip(*rows) if rows else [()] * width
    return {column: pa.array(list(values), TEXT) for column, values in zip(names, columns)}, findings(found)


def _is_blank_line(row: list[str]) -> bool:
    return not row or (len(row) == 1 and not row[0].strip())


def _ragged_finding(name: str, record: int, line: int, row: list[str], names: list[str]) -> dict[str, object]:
    width = len(names)
    few = len(row) < width
    problem = "The line has fewer cells than the header: the last are missing" if few else "The line has more cells than the header"
    return {
        "rule": "RAW-RAGGED",
        "severity": "error",
        "dataset": name,
        "record": record,
        "variables": "; ".join(names[len(row) :]) if few else None,
        "values": None if few else "; ".join(row[width:]),
        "message": f"{problem} ({len(row)} for {width} columns)",
        "source": f"{name} line {line}",
    }


def _ranges(numbers: list[int]) -> str:
    """Ascending numbers, runs joined: "5, 7-9"."""
    values = np.array(numbers)
    runs = np.split(values, np.flatnonzero(np.diff(values) > 1) + 1)
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
