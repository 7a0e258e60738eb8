"""Results in standard units: --STRESN, --STRESC, --STRESU (SDTMIG 4.5.1) and normal range indicators."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pandas as pd

from ..columns import as_numbers, as_text, by_distinct, group_codes, number_text, numbers_as_text, round_half_up
from ..registry import Column, Factors, Problem, method
from ..units import Conversion, conversion

_LIMIT = re.compile(r"^(<=|>=|<|>)\s*(\d+(?:[.,]\d+)?)$")
_COMMA = re.compile(r"^[+-]?\d+,\d+$")
_THOUSANDS = re.compile(r"^[+-]?[1-9]\d{0,2},\d{3}$")  # 1,234 could be either; 0,123 and 1234,567 could not


@method
def standard_number(result: Column, unit: Column | None = None, to: Column | None = None, test: Column | None = None,
                    decimals: Column | None = None, factors: Factors | None = None):
    """{result} as a number[, converted from {unit} to {to}][, rounded half up to {decimals} decimals].

    A decimal comma is read as a point unless it could part thousands ("1,234"). "<0.5" is no number. A text that is
    no number, or a unit that cannot be converted, gives a missing value that is reported; a result without any unit is not
    expected to be a number. The study's own conversions are `unit_factors` of study.yml.
    VSSTRESN: {standard_number: VSORRES, unit: VSORRESU, to: {constant: C}, test: VSTESTCD}
    """
    text = as_text(result)
    point = by_distinct(text, _decimal_point)
    numbers = as_numbers(point).to_numpy()
    values, unknown = _converted(numbers, unit, to, test, factors)
    values = _rounded(values, decimals)
    has_unit = [column.notna().to_numpy() for column in (unit, to) if column is not None]
    expected = text.notna().to_numpy() & np.logical_or.reduce(has_unit or [np.zeros(len(text), dtype=bool)])
    limit = by_distinct(text, lambda value: bool(_LIMIT.match(value.strip())), "boolean").fillna(False).to_numpy(dtype=bool)
    return pd.Series(values), [
        Problem("MAP-RESULT", expected & np.isnan(numbers) & ~limit, "the result is not a number", result),
        Problem("MAP-UNIT", unknown & ~np.isnan(numbers), "no conversion to the standard unit", result if unit is None else unit),
    ]


def _decimal_point(text: str) -> str:
    text = text.strip()
    return text.replace(",", ".") if _COMMA.match(text) and not _THOUSANDS.match(text) else text


def _converted(numbers: np.ndarray, unit, to, test, factors) -> tuple[np.ndarray, np.ndarray]:
    """The numbers in the standard unit, and where no conversion is known (there the number is missing)."""
    if to is None:
        return numbers, np.zeros(len(numbers), dtype=bool)
    values, unknown = numbers.copy(), np.zeros(len(numbers), dtype=bool)
    columns = [unit if unit is not None else pd.Series(np.nan, index=to.index, dtype="str"), to]
    columns.append(test if test is not None else pd.Series("", index=to.index, dtype="str"))
    codes, _ = group_codes(columns)
    _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    for group, row in enumerate(first):
        start, end, name = (column.iloc[row] for column in columns)
        if pd.isna(end) or start == end:
            continue
        how = None if pd.isna(start) else _own_factor(factors, start, end) or conversion(name, start, end)
        rows = codes == group
        if how is None:
            unknown |= rows
            values[rows] = np.nan
        else:
            values[rows] = _significant(numbers[rows] * float(how.factor) + float(how.offset))
    return values, unknown


def _own_factor(factors: dict | None, unit: str, to: str) -> Conversion | None:
    factor = (factors or {}).get(unit, {}).get(to)
    return Conversion(Fraction(factor), note="the study's own factor") if factor else None


def _significant(values: np.ndarray) -> np.ndarray:
    """To 12 significant digits, which takes off what binary arithmetic adds. Tiny numbers, below 1e-11, keep all they have."""
    with np.errstate(divide="ignore", invalid="ignore"):
        places = 11 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where((places >= 0) & (places <= 22), places, 0)  # powers of ten are exact up to 1e22
    return np.where(np.isfinite(places) & (places <= 22), np.round(values * scale) / scale, values)


def _rounded(values: np.ndarray, decimals: pd.Series | None) -> np.ndarray:
    """By the decimals wanted; without any, as they are."""
    result = values.copy()
    if decimals is None:
        return result
    wanted = as_numbers(decimals).to_numpy()
    for number in np.unique(wanted[~np.isnan(wanted)]):
        rows = wanted == number
        result[rows] = round_half_up(values[rows], int(number))
    return result


@method
def standard_text(result: Column, number: Column, unit: Column | None = None, to: Column | None = None,
                  test: Column | None = None, factors: Factors | None = None):
    """{number} as text, where there is one; else {result} as collected, "<" and ">" limits[ converted to {to}].

    Text without trailing zeros. VSSTRESC: {standard_text: VSORRES, number: VSSTRESN}
    """
    text = as_text(result)
    limits = by_distinct(text, lambda value: (_LIMIT.match(value.strip()) or [""] * 3)[2], "str")
    bounds, _ = _converted(as_numbers(by_distinct(limits, _decimal_point)).to_numpy(), unit, to, test, factors)
    bound_text = by_distinct(pd.Series(bounds), number_text)
    signs = by_distinct(text, lambda value: (_LIMIT.match(value.strip()) or [""] * 2)[1])
    collected = (signs + bound_text).fillna(text.str.strip())
    return numbers_as_text(number).fillna(collected)


@method
def standard_unit(result: Column, unit: Column, to: Column | None = None, test: Column | None = None, factors: Factors | None = None):
    """[{to} where {result} could be converted, else ]{unit}.

    The unit of --STRESC: a result that no conversion is known for stays in its own unit there. Missing where there is no result.
    VSSTRESU: {standard_unit: VSORRES, unit: VSORRESU, to: {constant: C}}
    """
    if to is None:
        return unit.where(result.notna())
    _, unknown = _converted(np.zeros(len(result)), unit, to, test, factors)
    return to.fillna(unit).where(pd.Series(~unknown), unit).where(result.notna())


@method
def range_indicator(value: Column, low: Column, high: Column):
    """LOW where {value} is below {low}, HIGH where it is above {high}, else NORMAL.

    Compared at 12 significant digits; missing where there is no value or neither limit. LBNRIND: {range_indicator: LBSTRESN, low: LBSTNRLO, high: LBSTNRHI}
    """
    number, below, above = (_significant(as_numbers(column).to_numpy()) for column in (value, low, high))
    indicator = np.where(number < below, 0, np.where(number > above, 1, 2))
    indicator[np.isnan(number) | (np.isnan(below) & np.isnan(above))] = -1
    return pd.Series(pd.array(["LOW", "HIGH", "NORMAL"], dtype="str").take(indicator, allow_fill=True))

