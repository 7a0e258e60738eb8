"""The one condition language: mapping `where`, rules, and the where clauses of define.xml. docs/conditions.md describes it.

    condition = parse('EXDOSE > 0 and EXTRT != "PLACEBO"')     # a ConditionError with column and hint where it is wrong
    keep = evaluate(condition, lambda name: frame[name.name])  # numpy booleans, one a row

A comparison with a missing value is false, `!=` and `not in` too; `not (...)` turns the two-valued result around.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert.condition_syntax import (
    COMPARISONS, KEYWORDS, TEXT_TESTS, And, Comparison, Condition, ConditionError, Literal, Membership, Missing, Name, Node, Not,
    Number, Or, TextTest, parse,
)  # fmt: skip
from sdtm_convert.condition_words import describe, render, to_where_clauses

__all__ = [
    "COMPARISONS", "KEYWORDS", "TEXT_TESTS", "And", "Comparison", "Condition", "ConditionError", "Literal", "Membership", "Missing",
    "Name", "Node", "Not", "Number", "Or", "TextTest", "describe", "evaluate", "parse", "render", "to_where_clauses",
]

Resolve = Callable[[Name], pd.Series]

_ON_NUMBERS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_ON_TEXTS = {"==": pc.equal, "!=": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}
_TESTS = {"contains": pc.match_substring, "starts with": pc.starts_with, "ends with": pc.ends_with}
_NUMBER = r"^[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][+-]?[0-9]+)?$"


def evaluate(condition: Condition, resolve: Resolve) -> np.ndarray:
    """Which rows the condition holds for, as numpy booleans. `resolve` gives the column of a name; all of one length.

    Text against text compares by code point; a number against text as numbers, where the text is one, and is false where it is
    not. A text that is no number, against a column of numbers, is a ConditionError.

    >>> frame = pd.DataFrame({"AEYN": ["Y", "N", None]})
    >>> evaluate(parse("AEYN != 'Y'"), lambda name: frame[name.name]).tolist()
    [False, True, False]
    """
    columns = {name: _Column(name, resolve(name)) for name in condition.names}
    lengths = {str(name): len(column.values) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns of a condition differ in length: {lengths}")
    return _evaluate(condition.root, columns)


@dataclass(frozen=True)
class _Column:
    """A column of text or of numbers, and both readings of it."""

    name: Name
    values: pd.Series

    @cached_property
    def has_text(self) -> bool:
        categories = getattr(self.values.dtype, "categories", None)
        return not pd.api.types.is_numeric_dtype(self.values.dtype if categories is None else categories.dtype)

    @cached_property
    def missing(self) -> np.ndarray:
        return self.values.isna().to_numpy()

    @cached_property
    def texts(self) -> pa.Array | pa.ChunkedArray:
        return _arrow(self.values)

    def where(self, test: Callable[[pa.Array | pa.ChunkedArray], pa.Array]) -> np.ndarray:
        """Which rows a test of texts holds for; it sees each category once."""
        if not isinstance(self.values.dtype, pd.CategoricalDtype):
            return _flags(test(self.texts))
        return np.append(_flags(test(_arrow(self.values.cat.categories))), False)[self.values.cat.codes]

    @cached_property
    def numbers(self) -> np.ndarray:
        """float64; NaN where missing or where the text is no number."""
        if not self.has_text:
            return np.asarray(self.values.astype("float64"))
        codes, texts = pd.factorize(self.values)
        return np.append(_numbers(_arrow(texts)), np.nan)[codes]


def _arrow(texts: pd.Series | pd.Index) -> pa.Array | pa.ChunkedArray:
    return pa.array(texts if texts.dtype == "str" else texts.astype("str"), pa.large_string())


def _numbers(texts: pa.Array) -> np.ndarray:
    """Texts -> float64; NaN where one is no decimal number."""
    trimmed = pc.utf8_trim_whitespace(texts)
    number = pc.match_substring_regex(trimmed, _NUMBER)
    return np.array(pc.cast(pc.if_else(number, pc.utf8_ltrim(trimmed, "+"), "nan"), pa.float64()), dtype="float64")


def _evaluate(node: Node, columns: dict[Name, _Column]) -> np.ndarray:
    match node:
        case And(parts):
            return np.logical_and.reduce([_evaluate(part, columns) for part in parts])
        case Or(parts):
            return np.logical_or.reduce([_evaluate(part, columns) for part in parts])
        case Not(part):
            return ~_evaluate(part, columns)
        case Missing(name, negated):
            return columns[name].missing ^ negated
        case Comparison(left, operator_, Name() as right):
            return _compare_columns(columns[left], operator_, columns[right])
        case Comparison(left, operator_, right):
            return _compare(columns[left], operator_, right)
        case Membership(name, values, negated):
            return _member(columns[name], values, negated)
        case TextTest(name, test, text, negated):
            return _test_text(columns[name], test, text, negated)


def _compare_columns(left: _Column, comparison: str, right: _Column) -> np.ndarray:
    if left.has_text and right.has_text:
        return _flags(_ON_TEXTS[comparison](left.texts, right.texts))
    known = ~np.isnan(left.numbers) & ~np.isnan(right.numbers)
    return _ON_NUMBERS[comparison](left.numbers, right.numbers) & known


def _compare(column: _Column, comparison: str, literal: Literal) -> np.ndarray:
    if column.has_text and isinstance(literal, str):
        return column.where(lambda texts: _ON_TEXTS[comparison](texts, pa.scalar(literal, pa.large_string())))
    return _ON_NUMBERS[comparison](column.numbers, _number(column, literal)) & ~np.isnan(column.numbers)


def _member(column: _Column, values: tuple[Literal, ...], negated: bool) -> np.ndarray:
    """`in`: equal to any of the values; `not in`: unequal to each, which nothing is that cannot be compared with each."""
    texts = [value for value in values if isinstance(value, str) and column.has_text]
    numbers = [_number(column, value) for value in values if not (isinstance(value, str) and column.has_text)]
    found, comparable = np.zeros(len(column.values), bool), ~column.missing
    if texts:
        wanted = pa.array(texts, pa.large_string())
        found |= column.where(lambda rows: pc.is_in(rows, value_set=wanted))
    if numbers:
        found |= np.isin(column.numbers, numbers)
        comparable &= ~np.isnan(column.numbers)
    return comparable & ~found if negated else found


def _test_text(column: _Column, test: str, text: str, negated: bool) -> np.ndarray:
    if not column.has_text:
        _refuse_text(column, f"'{test}' needs a column of text")
        return np.zeros(len(column.values), bool)
    found = column.where(lambda texts: _TESTS[test](texts, text))
    return ~found & ~column.missing if negated else found


def _number(column: _Column, literal: Literal) -> float:
    """The literal as a number, to compare with a column of numbers; NaN for a text that is none, if the column is empty."""
    if isinstance(literal, Number):
        return literal.value
    number = float(_numbers(pa.array([literal], pa.large_string()))[0])
    if np.isnan(number):
        _refuse_text(column, f"the text {literal!r} is no number")
    return number


def _refuse_text(column: _Column, why: str) -> None:
    if not column.missing.all():
        raise ConditionError(f"{column.name} holds numbers, and {why}.", column.name.position)


def _flags(mask: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """An arrow mask as numpy booleans; null is False."""
    return np.array(pc.fill_null(mask, False), dtype=bool)
