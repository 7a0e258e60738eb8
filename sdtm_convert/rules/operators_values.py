"""Operators that look at the cell of each row: presence, equality, numbers, dates.

What an operator asks for by the names of its parameters, and gets from the engine: `target`, the column of the condition's name;
`value`, a column where the dataset has one of that name and the rule does not say `value_is_literal`, else the literal itself for
every row; `pattern`, the value as a regular expression; all others are options of the condition. Answers are one boolean a row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np

from .column import Column, by_pair, codes_in
from .dates import is_complete, is_duration
from .rule import RuleError

# --- Presence ---------------------------------------------------------------------------------------------------------


def empty(target: Column) -> np.ndarray:
    """The cell is missing, empty text or an empty list. Blanks are not empty."""
    return target.spread(target.values.empty)


# --- Equality ---------------------------------------------------------------------------------------------------------


def equal_to(target: Column, value: Column, type_insensitive: bool = False, round_values: bool = False) -> np.ndarray:
    """The cells are equal and not both empty. 1 and "1" differ unless `type_insensitive`; `round_values` rounds numbers first."""
    same, both_empty = _same(target, value, _prepare(type_insensitive, round_values))
    return same & ~both_empty


def not_equal_to(target: Column, value: Column, type_insensitive: bool = False, round_values: bool = False) -> np.ndarray:
    """The cells differ; one empty cell differs from a filled one, two empty cells do not differ."""
    same, both_empty = _same(target, value, _prepare(type_insensitive, round_values))
    return ~same & ~both_empty


def equal_to_case_insensitive(target: Column, value: Column) -> np.ndarray:
    """As `equal_to`, upper and lower case alike; what is not text counts as empty, and two such cells as equal."""
    same, both_empty = _same(target, value, lower)
    return same & ~both_empty


def not_equal_to_case_insensitive(target: Column, value: Column) -> np.ndarray:
    """As `not_equal_to`, upper and lower case alike; what is not text counts as empty."""
    same, both_empty = _same(target, value, lower)
    return ~same & ~both_empty


def _same(target: Column, value: Column, prepare: Callable | None) -> tuple[np.ndarray, np.ndarray]:
    both_empty = target.spread(target.values.empty) & value.spread(value.values.empty)
    if prepare:
        target, value = target.map(prepare), value.map(prepare)
    if target.values.has_lists or value.values.has_lists:
        return by_pair(target, value, operator.eq), both_empty
    return codes_in(value, target) == target.codes, both_empty


def _prepare(type_insensitive: bool, round_values: bool) -> Callable | None:
    steps = [step for step, wanted in ((_rounded, round_values), (plain_text, type_insensitive)) if wanted]
    return (lambda cell: steps[-1](steps[0](cell)) if len(steps) > 1 else steps[0](cell)) if steps else None


def lower(cell: object) -> str | None:
    return cell.lower() if isinstance(cell, str) and cell else None


def _rounded(cell: object) -> object:
    try:
        return round(float(cell))
    except (TypeError, ValueError, OverflowError):
        return cell


def plain_text(cell: object) -> object:
    """A cell as text with numbers in one form: "200", "200.00" and 200.0 are all "200"."""
    if isinstance(cell, str):
        try:
            number = float(cell)
        except ValueError:
            return cell.strip()
        return str(int(number)) if number.is_integer() else str(number)
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() else str(cell)
    return str(cell) if isinstance(cell, int) else cell


# --- Numbers ----------------------------------------------------------------------------------------------------------


def less_than(target: Column, value: Column) -> np.ndarray:
    """Both cells are numbers (or read as numbers) and the first is less than the second."""
    return _compare_numbers(target, value, operator.lt)


def less_than_or_equal_to(target: Column, value: Column) -> np.ndarray:
    """Both cells are numbers and the first is not greater than the second."""
    return _compare_numbers(target, value, operator.le)


def greater_than(target: Column, value: Column) -> np.ndarray:
    """Both cells are numbers and the first is greater than the second."""
    return _compare_numbers(target, value, operator.gt)


def greater_than_or_equal_to(target: Column, value: Column) -> np.ndarray:
    """Both cells are numbers and the first is not less than the second."""
    return _compare_numbers(target, value, operator.ge)


def _compare_numbers(target: Column, value: Column, compare: Callable) -> np.ndarray:
    if value.literal:
        number = value.values.cells[0]
        if not isinstance(number, (int, float)):
            raise RuleError(f"{number!r} is neither a variable of the dataset nor a number")
        return target.spread(compare(target.values.numbers, number))
    return compare(target.spread(target.values.numbers), value.spread(value.values.numbers))


def not_close_to(target: Column, value: Column, tolerance: float = 1e-6) -> np.ndarray:
    """Both cells are numbers that differ by more than `tolerance` (relative to the value where that is above 1). (An addition to CDISC's
    operators.)"""
    left, right = target.spread(target.values.numbers), value.spread(value.values.numbers)
    return np.abs(left - right) > tolerance * np.maximum(1, np.abs(right))


def is_numeric(target: Column) -> np.ndarray:
    """The cell is a number or reads as one."""
    return target.spread(~np.isnan(target.values.numbers))


def is_not_numeric(target: Column) -> np.ndarray:
    """The cell is filled and does not read as a number."""
    return target.spread(np.isnan(target.values.numbers) & ~target.values.empty)


# --- Dates ------------------------------------------------------------------------------------------------------------


def invalid_date(target: Column) -> np.ndarray:
    """The cell is not an ISO 8601 date, partial date or interval; an empty cell is none either."""
    return target.spread(~target.values.dates.valid)


def is_complete_date(target: Column) -> np.ndarray:
    """The cell is an ISO 8601 date with year, month and day."""
    return target.where(is_complete)


def invalid_duration(target: Column, negative: bool = True) -> np.ndarray:
    """The cell is not an ISO 8601 duration (with a minus sign: only if `negative`); an empty cell is none either."""
    return ~target.where(lambda cell: is_duration(cell, negative))


def date_equal_to(target: Column, value: Column) -> np.ndarray:
    """Both are dates, equal and of the same precision."""
    return _compare_dates(target, value, operator.eq)


def date_not_equal_to(target: Column, value: Column) -> np.ndarray:
    """Both are dates, and differ in value or in precision."""
    return _compare_dates(target, value, operator.ne)


def date_less_than(target: Column, value: Column) -> np.ndarray:
    """Both are dates and, cut to the coarser of their precisions, the first is before the second."""
    return _compare_dates(target, value, operator.lt)


def date_less_than_or_equal_to(target: Column, value: Column) -> np.ndarray:
    """Both are dates and, cut to the coarser of their precisions, the first is not after the second."""
    return _compare_dates(target, value, operator.le)


def date_greater_than(target: Column, value: Column) -> np.ndarray:
    """Both are dates and, cut to the coarser of their precisions, the first is after the second."""
    return _compare_dates(target, value, operator.gt)


def date_greater_than_or_equal_to(target: Column, value: Column) -> np.ndarray:
    """Both are dates and, cut to the coarser of their precisions, the first is not before the second."""
    return _compare_dates(target, value, operator.ge)


def _compare_dates(target: Column, value: Column, compare: Callable) -> np.ndarray:
    left, right = target.values.dates, value.values.dates
    p, q = target.spread(left.precision), value.spread(right.precision)
    coarser = np.minimum(p, q)
    known = (coarser >= 0) & target.spread(left.valid) & value.spread(right.valid)
    at = np.maximum(coarser, 0)
    answer = compare(left.keys[target.codes, at], right.keys[value.codes, at])
    if compare is operator.eq:
        answer &= p == q
    if compare is operator.ne:
        answer |= p != q
    return answer & known
