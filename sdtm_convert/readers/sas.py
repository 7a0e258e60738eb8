"""SAS datasets (.sas7bdat) and transport files (.xpt), through pyreadstat."""

from __future__ import annotations

import datetime as dt
import mmap
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat

from ..errors import InputError
from ..findings import combine, findings
from .raw import TEXT, Options, RawTable, header_names, number_text, text_frame, texts_of

EPOCH = dt.datetime(1960, 1, 1)
SEPARATORS = ("", "B", "C", "D", "N", "P", "S")

# What a format displays of the days since 1960 (dates), the seconds since 1960 (datetimes), or the seconds of a day (times).
DAYS = set("DATE WEEKDATE WEEKDATX WORDDATE WORDDATX JULIAN JULDAY E8601DA B8601DA IS8601DA NENGO MINGUO".split())
DAYS |= set("NLDATE NLDATEL NLDATEM NLDATES NLDATEW EURDFDD EURDFDE EURDFDN EURDFDWN".split())
DAYS |= set("DAY DOWNAME WEEKDAY WEEKU WEEKV WEEKW MONTH MONNAME QTR QTRR YYQ YYQR".split())
DAYS |= {order + separator for order in ("DDMMYY", "MMDDYY", "YYMMDD") for separator in SEPARATORS}
MONTHS = {"MONYY", "EURDFMY"} | {order + separator for order in ("YYMM", "MMYY") for separator in ("", *"CDNPS")}
YEARS = {"YEAR"}
DATETIMES = set("DATETIME DATEAMPM MDYAMPM E8601DT B8601DT IS8601DT E8601DZ B8601DZ IS8601DZ E8601DX B8601DX E8601LX".split())
DATETIMES |= set("B8601LX NLDATM NLDATML NLDATMM NLDATMS EURDFDT YMDDTTM".split())
DATES_OF_DATETIMES = set("DTDATE DTWKDATX E8601DN B8601DN IS8601DN NLDATMD".split())
MONTHS_OF_DATETIMES, YEARS_OF_DATETIMES = {"DTMONYY"}, {"DTYEAR"}
TIMES = set("TIME HHMM HOUR MMSS TOD TIMEAMPM E8601TM B8601TM IS8601TM E8601TZ B8601TZ E8601LZ B8601LZ NLTIME".split())

XPORT_MEMBER = re.compile(rb"HEADER RECORD\*{7}MEM(?:BER|BV8) +HEADER RECORD")
XPORT_ROWS = re.compile(rb"HEADER RECORD\*{7}OBS(?:V8)? +HEADER RECORD")


def read_sas7bdat(path: Path, name: str, options: Options) -> RawTable:
    """A SAS dataset as a raw table: numbers as shortest text ("5"), dates and times by their SAS format in ISO 8601.

    Character values lose trailing blanks, which SAS adds and does not count. A date that its format cannot show (a fraction,
    a year beyond 9999) stays a number. Special missing values (.A to .Z, ._) become missing, with a notice
    RAW-SPECIAL-MISSING. `encoding` overrides what the file says of itself.
    """
    _, meta = _read(pyreadstat.read_sas7bdat, path, options.encoding, metadataonly=True)
    if meta.number_rows > path.stat().st_size:  # pyreadstat would reserve memory for as many
        raise InputError(f"{path}: claims {meta.number_rows} records, more than it has bytes: it is damaged.")
    values, meta = _read(pyreadstat.read_sas7bdat, path, options.encoding, user_missing=True)
    header_names([[variable or "" for variable in meta.column_names]], 0, path)
    special, columns = {}, {}
    for variable, cells in values.items():
        if variable in meta.missing_user_values:
            letters = np.array([cell if isinstance(cell, str) else "" for cell in cells])
            special[variable] = letters
            cells = [None if isinstance(cell, str) else cell for cell in cells]
        columns[variable] = _text(cells, variable, meta)
    return _table(path, name, options, columns, meta, _special_findings(name, special))


def read_xport(path: Path, name: str, options: Options) -> RawTable:
    """A SAS transport file (version 5 or 8) with one dataset; values as in `read_sas7bdat`, UTF-8 unless `encoding` says else."""
    members, start, size = _xport_layout(path)
    if members > 1:
        raise InputError(f"{path}: holds {members} datasets; a raw file must hold one. Write one transport file for each dataset.")
    values, meta = _read(pyreadstat.read_xport, path, options.encoding)
    header_names([[variable or "" for variable in meta.column_names]], 0, path)
    widths = [meta.variable_storage_width[variable] for variable in values]
    numeric = [meta.readstat_variable_types[variable] == "double" for variable in values]
    if short := [variable for variable, width, number in zip(values, widths, numeric) if number and width < 3]:
        raise InputError(f"{path}: {', '.join(short)}: numbers stored in 2 bytes are not read. Store them in 8 bytes (length 8).")
    rows = len(next(iter(values.values()), []))
    _refuse_cut_row(path, start, size, sum(widths), rows)
    codes = _xport_special(path, start, rows, widths, numeric)
    special = {variable: codes[at] for at, variable in enumerate(values) if at in codes}
    columns = {variable: _text(cells, variable, meta) for variable, cells in values.items()}
    found = combine([_size_findings(name, size), _special_findings(name, special)])
    return _table(path, name, options, columns, meta, found)


def _read(reader: Callable, path: Path, encoding: str | None, **more: object) -> tuple[dict[str, list], object]:
    hint = f"Its text may be no {encoding}." if encoding else "Name its encoding, for example cp1252."
    try:
        return reader(str(path), encoding=encoding, disable_datetime_conversion=True, output_format="dict", **more)
    except UnicodeDecodeError as error:
        near = error.object[max(0, error.start - 20) : error.start + 20].decode("cp1252", "replace")
        raise InputError(f"{path}: text that is not {encoding or 'UTF-8'}, at '{near}'. {hint}") from error
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
        if "convert" in str(error):
            raise InputError(f"{path}: {error}. {hint}") from error
        raise InputError(f"{path}: cannot be read: {error}") from error


def _table(path: Path, name: str, options: Options, columns: dict[str, pa.Array], meta, found: pd.DataFrame) -> RawTable:
    labels = {variable: label for variable, label in meta.column_names_to_labels.items() if label}
    return RawTable(name, text_frame(columns, options.missing), path, found, labels)


# --- Values -----------------------------------------------------------------------------------------------------------


def _text(cells: list, variable: str, meta) -> pa.Array:
    if meta.readstat_variable_types[variable] == "string":
        return pa.array(cells, TEXT)
    return texts_of(np.array(cells, float), text_function(meta.original_variable_types[variable] or ""))


def text_function(format: str) -> Callable[[float], str]:
    """What turns a number with this SAS format into text.

    >>> text_function("DATE9")(22000), text_function("MONYY7")(21915), text_function("TIME5")(3600), text_function("BEST12")(5.0)
    ('2020-03-26', '2020-01', '01:00', '5')
    """
    found = re.fullmatch(r"(.*?[A-Z_])(\d*)(?:\.\d*)?", format.upper())
    name, width = (found.group(1), int(found.group(2) or 0)) if found else ("", 0)
    if name in DAYS | MONTHS | YEARS:
        shortest = 7 if name in MONTHS else 4 if name in YEARS else 10
        return lambda value: _date(value * 86400, value, shortest) if value % 1 == 0 else number_text(value)
    if name in DATETIMES:
        return _datetime
    if name in DATES_OF_DATETIMES | MONTHS_OF_DATETIMES | YEARS_OF_DATETIMES:
        shortest = 7 if name in MONTHS_OF_DATETIMES else 4 if name in YEARS_OF_DATETIMES else 10
        return lambda value: _datetime(value) if value % 86400 else _date(value, value, shortest)
    if name in TIMES:
        return lambda value: _time(value, seconds_shown=name != "HHMM" and not (name == "TIME" and 0 < width <= 5))
    return number_text


def _date(seconds: float, value: float, shortest: int) -> str:
    """ISO date; month and day that the format does not show (`shortest` is the length it shows) are left out where they are 1."""
    moment = _moment(seconds)
    if moment is None:
        return number_text(value)
    text = moment.date().isoformat()
    while len(text) > shortest and text.endswith("-01"):
        text = text[:-3]
    return text


def _datetime(value: float) -> str:
    moment = _moment(value)
    return number_text(value) if moment is None else _trimmed(moment.isoformat())


def _moment(seconds: float) -> dt.datetime | None:
    try:
        return EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:
        return None


def _time(value: float, seconds_shown: bool) -> str:
    if abs(value) >= 360_000_000:  # no time of day, and more hours than anyone measures
        return number_text(value)
    hours, rest = divmod(dt.timedelta(seconds=abs(value)), dt.timedelta(hours=1))
    clock = (dt.datetime.min + rest).time().isoformat()
    clock = clock[:5] if not seconds_shown and clock.endswith(":00") else clock
    return f"{'-' if value < 0 else ''}{hours:02d}:{_trimmed(clock[3:])}"


def _trimmed(text: str) -> str:
    """Without trailing zeros of a fraction of a second."""
    return text.rstrip("0") if "." in text else text


def _special_findings(name: str, special: dict[str, np.ndarray]) -> pd.DataFrame:
    """One notice for each variable and code; `special` holds a code ("A" to "Z", "_") or "" for each record."""
    rows = []
    for variable, codes in special.items():
        for code in sorted(set(codes.tolist()) - {""}):
            records = np.flatnonzero(codes == code) + 1
            some = ", ".join(map(str, records[:10].tolist())) + (", ..." if len(records) > 10 else "")
            rows.append(
                {
                    "rule": "RAW-SPECIAL-MISSING",
                    "severity": "notice",
                    "dataset": name,
                    "variables": variable,
                    "values": f".{code}",
                    "message": f"A special missing value was read as missing ({len(records)} times: records {some})",
                    "source": f"{name} {variable}",
                }
            )
    return findings(rows)


# --- What pyreadstat does not tell of transport files -------------------------------------------------------------------


def _xport_layout(path: Path) -> tuple[int, int, int]:
    """The number of datasets in the file, the byte where the first one's rows begin, and the file's size."""
    if path.stat().st_size < 80:
        raise InputError(f"{path}: is not a SAS transport file: it has fewer than 80 bytes.")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        members = [found for found in XPORT_MEMBER.finditer(data) if found.start() % 80 == 0]
        rows = next((found.start() + 80 for found in XPORT_ROWS.finditer(data) if found.start() % 80 == 0), 0)
        return len(members), rows, len(data)


def _refuse_cut_row(path: Path, start: int, size: int, width: int, rows: int) -> None:
    """A file that ends inside a row was cut short: what follows the last row may only be padding."""
    with path.open("rb") as file:
        file.seek(start + width * rows)
        rest = file.read(size)
    if rest.strip(b" \0"):
        raise InputError(f"{path}: ends in the middle of record {rows + 1}: the file was cut short.")


def _size_findings(name: str, size: int) -> pd.DataFrame:
    """A file that ends exactly between two rows may be cut too: then its size is usually no multiple of 80 bytes."""
    if size % 80 == 0:
        return findings()
    message = f"The file may have been cut short: its size of {size} bytes is no multiple of 80"
    return findings([{"rule": "RAW-XPORT-SIZE", "severity": "warning", "dataset": name, "message": message, "source": name}])


def _xport_special(path: Path, start: int, rows: int, widths: list[int], numeric: list[bool]) -> dict[int, np.ndarray]:
    """The codes of special missing values by column: a letter or underscore, then zero bytes (TS-140)."""
    if not rows:
        return {}
    data = np.memmap(path, np.uint8, "r", start, (rows, sum(widths)))
    codes, at = {}, 0
    for number, (width, is_number) in enumerate(zip(widths, numeric)):
        first, others = data[:, at], data[:, at + 1 : at + width]
        at += width
        if not is_number:
            continue
        special = (((first >= ord("A")) & (first <= ord("Z"))) | (first == ord("_"))) & ~others.any(axis=1)
        if special.any():
            codes[number] = np.where(special, first, 0).astype("u4").view("U1")
    return codes
