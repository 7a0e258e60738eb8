"""The values of Dataset-JSON rows as columns: each is checked against the type of its column, and refused by row and variable."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .dataset_json import LIMITS, WHOLE
from .errors import InputError
from .model import Dataset, Variable
from .xpt.moments import DAYS_TO_1970, nearest_seconds

ISO8601 = {  # what the values of a date that is a number to SAS look like
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "datetime": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$",
    "time": r"^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$",
}
DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
SMALLEST = 2.0**-1022  # float64 has fewer digits below
NOT_HELD = "is no number that float64 holds."
AS_TEXT = json.JSONDecoder(parse_float=str)


def columns_of_rows(rows: list, texts: list[str], first_row: int, dataset: Dataset, kinds: tuple[str, ...], path: Path) -> list[pa.Array]:
    """Rows as columns; `texts` has each row as it stands in the file, for numbers that may stand there in other digits than float64 keeps.

    Raises InputError for the first row that is no list of as many values as there are columns, and for values that the columns do not allow.
    """
    width = len(kinds)
    if set(map(type, rows)) - {list} or set(map(len, rows)) - {width}:
        for number, row in enumerate(rows, first_row + 1):
            if not isinstance(row, list):
                raise InputError(f"{path}: row {number}: is {short(row)}, no list of values.")
            if len(row) != width:
                raise InputError(f"{path}: row {number}: has {len(row)} values, though there are {width} columns.")
    columns = zip(*rows, strict=True) if rows else ((),) * width
    small = np.fromiter((len(text) > 300 or "e-" in text or "E-" in text for text in texts), bool, len(texts))
    described = enumerate(zip(columns, dataset.variables, kinds, strict=True))
    return [_column(values, variable, kind, first_row, path, Spelling(texts, position, small)) for position, (values, variable, kind) in described]


@dataclass(frozen=True)
class Spelling:
    """The numbers of a column as they stand in the file. `small` tells the rows in which a zero may have been another number."""

    texts: list[str]
    position: int
    small: np.ndarray

    def __call__(self, row: int) -> str:
        return str(AS_TEXT.decode(self.texts[row])[self.position])


def _column(values: tuple, variable: Variable, kind: str, first_row: int, path: Path, spelled: Spelling) -> pa.Array:
    def refuse(row: int, why: str, spelling: str = "") -> NoReturn:
        raise InputError(f"{path}: row {first_row + row + 1}, {variable.name}: {short(spelling or values[row])} {why}")

    texts = variable.type == "Char" or kind in LIMITS
    allowed = {str} if texts else {bool} if kind == "boolean" else {int, float, str} if kind == "decimal" else {int, float}
    if strange := set(map(type, values)) - allowed - {type(None)}:
        row = next(row for row, value in enumerate(values) if type(value) in strange)
        refuse(row, f"is not what the dataType {kind} allows.")
    if not texts:
        return _numbers(values, kind, refuse, spelled)
    try:
        column = pa.array(values, pa.large_string())
    except UnicodeEncodeError:
        refuse(next(row for row, value in enumerate(values) if value and re.search("[\ud800-\udfff]", value)), "has half a surrogate pair.")
    return _trimmed(column) if variable.type == "Char" else _since_1960(column, kind, refuse)


def _trimmed(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    return pc.ascii_rtrim(texts.fill_null(""), " ")


def _numbers(values: tuple, kind: str, refuse, spelled: Spelling) -> pa.DoubleArray:
    """Numbers as float64; one that float64 cannot hold, or not exactly where it is whole, is refused."""
    read = [_decimal(value, row, refuse) for row, value in enumerate(values)] if kind == "decimal" else values
    try:
        numbers = pa.array(read, pa.float64())
    except (pa.ArrowException, OverflowError):  # Arrow refuses every whole number beyond 2**53, exact or not
        wrong = next((row for row, value in enumerate(read) if not _fits(value)), None)
        if wrong is not None:
            refuse(wrong, NOT_HELD)
        numbers = pa.array([None if value is None else float(value) for value in read], pa.float64())
    floats = numbers.fill_null(np.nan).to_numpy()
    _check_where(np.isinf(floats), NOT_HELD, refuse)
    if kind == "integer":
        _check_where(np.floor(floats) < floats, "is no whole number, which the dataType integer wants.", refuse)
    size = np.abs(floats)
    for row in np.flatnonzero((size < SMALLEST) & spelled.small | (size >= WHOLE)).tolist():  # where digits may have gone
        text = values[row] if isinstance(values[row], str) else spelled(row) if isinstance(values[row], float) else ""
        if text and is_other(text, floats[row].item()):
            refuse(row, NOT_HELD, text)
    return pa.array(floats + 0.0)  # -0.0 becomes 0.0


def _check_where(wrong: np.ndarray, why: str, refuse) -> None:
    if wrong.any():
        refuse(int(np.argmax(wrong)), why)


def _decimal(value: object, row: int, refuse) -> object:
    if not isinstance(value, str):
        return value
    if not DECIMAL.fullmatch(value):
        refuse(row, "is no number in decimal digits.")
    return float(value)


def _fits(value: object) -> bool:
    try:
        return not isinstance(value, int) or float(value) == value
    except OverflowError:
        return False


def is_other(text: str, number: float) -> bool:
    """Whether a text of digits says another number than the float64 that was made of it, which is next to zero or beyond 2**53.

    >>> is_other("9007199254740993.0", 9007199254740992.0), is_other("1e23", 1e23), is_other("1e-400", 0.0)
    (True, False, True)
    """
    mantissa, _, exponent = text.lower().partition("e")
    digits = mantissa.replace(".", "").lstrip("+-0").rstrip("0")
    if not digits or not number or np.isinf(number):  # a Decimal has no exponent of many digits
        return bool(digits)
    # The usual spelling of a float64 beyond 2**53 (1e23) is not exact: with an exponent, the digits that are there must come back.
    return Decimal(text) != Decimal(f"{number:.{len(digits) - 1}e}" if exponent else number)


def _since_1960(texts: pa.LargeStringArray, kind: str, refuse) -> pa.DoubleArray:
    """ISO 8601 as days or seconds since 1960, or seconds of the day."""
    wrong = pc.invert(pc.match_substring_regex(texts, ISO8601[kind])).fill_null(False)
    if pc.any(wrong).as_py():
        refuse(pc.index(wrong, True).as_py(), f"is no complete ISO 8601 {kind}, which targetDataType integer wants.")
    whole = pc.binary_join_element_wise(_scalar("1970-01-01"), texts, _scalar("T")) if kind == "time" else texts
    try:
        moments = whole.cast(pa.date32() if kind == "date" else pa.timestamp("us"))
    except pa.ArrowInvalid:
        refuse(_unreadable(whole, kind), f"is no {kind} of the calendar or the clock.")
    counted = moments.cast(pa.int32() if kind == "date" else pa.int64()).fill_null(0).to_numpy()
    if kind == "date":
        numbers = (counted + DAYS_TO_1970).astype(np.float64)
    else:
        numbers = nearest_seconds(counted, 10**6, DAYS_TO_1970 * 86400 if kind == "datetime" else 0)
    return pa.array(np.where(texts.is_null(), np.nan, numbers))


def _scalar(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _unreadable(texts: pa.LargeStringArray, kind: str) -> int:
    wanted = pa.date32() if kind == "date" else pa.timestamp("us")
    for row in range(len(texts)):
        try:
            texts.slice(row, 1).cast(wanted)
        except pa.ArrowInvalid:
            return row
    raise AssertionError("every text can be read by itself")


def short(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"
