"""The values of Dataset-JSON rows as columns: each is checked against the type of its column, and refused by row and variable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .dataset_json import LIMITS
from .errors import InputError
from .model import Dataset, Variable
from .xpt.moments import DAYS_TO_1970

ISO8601 = {  # what the values of a date that is a number to SAS look like
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "datetime": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$",
    "time": r"^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$",
}


def columns_of_rows(rows: list, first_row: int, dataset: Dataset, kinds: tuple[str, ...], path: Path) -> list[pa.Array]:
    """Rows as columns. Raises InputError for the first row that is no list of as many values as there are columns."""
    width = len(kinds)
    if set(map(type, rows)) - {list} or set(map(len, rows)) - {width}:
        for number, row in enumerate(rows, first_row + 1):
            if not isinstance(row, list):
                raise InputError(f"{path}: row {number}: is {short(row)}, no list of values.")
            if len(row) != width:
                raise InputError(f"{path}: row {number}: has {len(row)} values, though there are {width} columns.")
    columns = zip(*rows, strict=True) if rows else ((),) * width
    described = zip(columns, dataset.variables, kinds, strict=True)
    return [_column(values, variable, kind, first_row, path) for values, variable, kind in described]


def _column(values: tuple, variable: Variable, kind: str, first_row: int, path: Path) -> pa.Array:
    def refuse(row: int, why: str) -> NoReturn:
        raise InputError(f"{path}: row {first_row + row + 1}, {variable.name}: {short(values[row])} {why}")

    texts = variable.type == "Char" or kind in LIMITS
    allowed = {str} if texts else {bool} if kind == "boolean" else {int, float, str} if kind == "decimal" else {int, float}
    if strange := set(map(type, values)) - allowed - {type(None)}:
        row = next(row for row, value in enumerate(values) if type(value) in strange)
        refuse(row, f"is not what the dataType {kind} allows.")
    if not texts:
        return _numbers(values, refuse, decimal=kind == "decimal")
    try:
        column = pa.array(values, pa.large_string())
    except UnicodeEncodeError:
        refuse(next(row for row, value in enumerate(values) if value and re.search("[\ud800-\udfff]", value)), "has half a surrogate pair.")
    return _trimmed(column) if variable.type == "Char" else _since_1960(column, kind, refuse)


def _trimmed(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    return pc.ascii_rtrim(texts.fill_null(""), " ")


def _numbers(values: tuple, refuse, decimal: bool) -> pa.DoubleArray:
    """Numbers as float64; one that float64 cannot hold, or not exactly where it is whole, is refused."""
    try:
        numbers = pa.array([_decimal(value) for value in values] if decimal else values, pa.float64())
    except (pa.ArrowException, OverflowError, ValueError):  # Arrow refuses every whole number beyond 2**53, exact or not
        wrong = next((row for row, value in enumerate(values) if not _fits(value)), None)
        if wrong is not None:
            refuse(wrong, "is no number that float64 holds.")
        numbers = pa.array([None if value is None else float(value) for value in values], pa.float64())
    infinite = np.isinf(numbers.to_numpy(zero_copy_only=False))
    if infinite.any():
        refuse(int(np.argmax(infinite)), "is no number that float64 holds.")
    return pc.add(numbers, 0.0).fill_null(np.nan)


def _decimal(value: object) -> float | int | None:
    return float(value) if isinstance(value, str) else value


def _fits(value: object) -> bool:
    try:
        return value is None or (float(value) == value if isinstance(value, int) else np.isfinite(float(value)))
    except (ValueError, OverflowError):
        return False


def _since_1960(texts: pa.LargeStringArray, kind: str, refuse) -> pa.DoubleArray:
    """ISO 8601 as days or seconds since 1960, or seconds of the day."""
    wrong = pc.invert(pc.match_substring_regex(texts, ISO8601[kind])).fill_null(False)
    if pc.any(wrong).as_py():
        refuse(pc.index(wrong, True).as_py(), f"is no complete ISO 8601 {kind}, which targetDataType integer wants.")
    whole = pc.binary_join_element_wise(_scalar("1970-01-01"), texts, _scalar("T")) if kind == "time" else texts
    try:
        moments = whole.cast(pa.date32()).cast(pa.int32()) if kind == "date" else whole.cast(pa.timestamp("us")).cast(pa.int64())
    except pa.ArrowInvalid:
        refuse(_unreadable(whole, kind), f"is no {kind} of the calendar or the clock.")
    numbers = moments.cast(pa.float64())
    numbers = pc.add(numbers, float(DAYS_TO_1970)) if kind == "date" else pc.divide(numbers, 1e6)
    return (pc.add(numbers, DAYS_TO_1970 * 86400.0) if kind == "datetime" else numbers).fill_null(np.nan)


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
