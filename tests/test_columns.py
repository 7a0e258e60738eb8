"""Helpers for whole columns, against what plain Python does row by row."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtm_convert.columns import as_numbers, as_text, by_distinct, constant_text, group_codes, missing_text, number_text, numbers_as_text, round_half_up, sort_order

texts = st.one_of(st.none(), st.text(alphabet="abAB1é ", max_size=3))
numbers = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


def text(values: list) -> pd.Series:
    return pd.Series(values, dtype="str")


def listed(column: pd.Series) -> list:
    return column.astype(object).where(column.notna(), None).tolist()


def test_by_distinct_calls_once_for_each_value_and_keeps_missing():
    calls = []

    def double(value: str) -> str:
        calls.append(value)
        return value * 2

    assert listed(by_distinct(text(["a", None, "b", "a"]), double)) == ["aa", None, "bb", "aa"]
    assert calls == ["a", "b"]


@pytest.mark.parametrize("dtype", ["str", "float64", "boolean"])
def test_by_distinct_of_nothing(dtype):
    assert by_distinct(text([]), str, dtype).dtype == dtype
    assert by_distinct(text([None, None]), str, dtype).isna().all()


def test_constant_and_missing_text():
    index = pd.RangeIndex(2)
    assert constant_text("x", index).tolist() == ["x", "x"] and constant_text("x", index).dtype == "str"
    assert missing_text(index).isna().all() and missing_text(index).dtype == "str"
    assert len(constant_text("x", pd.RangeIndex(0))) == 0


# --- Groups and order -------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(texts, numbers, st.sampled_from(["x", "y"])), max_size=30))
def test_group_codes_are_equal_where_all_columns_are(rows):
    a, b, c = ([row[position] for row in rows] for position in range(3))
    codes, size = group_codes([text(a), pd.Series(b, dtype="float64"), text(c)], len(rows))
    assert len(codes) == len(rows) and all(0 <= code < size for code in codes)
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            assert (codes[i] == codes[j]) == (one == other)


def test_group_codes_of_no_columns_are_one_group():
    codes, size = group_codes([], 3)
    assert (codes.tolist(), size) == ([0, 0, 0], 1)


def test_group_codes_of_many_columns_of_many_values_do_not_overflow():
    columns = [pd.Series(np.arange(3000) % (997 + i)) for i in range(12)]
    codes, size = group_codes(columns)
    assert len(np.unique(codes)) == 3000 and codes.min() >= 0 and codes.max() < size


@given(st.lists(st.tuples(texts, numbers), max_size=30))
def test_sort_order_is_pythons_with_missing_first(rows):
    order = sort_order([text([a for a, _ in rows]), pd.Series([b for _, b in rows], dtype="float64")])
    expected = sorted(range(len(rows)), key=lambda i: ((rows[i][0] is not None, rows[i][0] or ""), (rows[i][1] is not None, rows[i][1] or 0.0)))
    assert order.tolist() == expected


def test_sort_order_is_by_code_point():
    assert sort_order([text(["é", "a", "B", "_", "10", "9", None])]).tolist() == [6, 4, 5, 2, 3, 1, 0]


def test_sort_order_of_categories_is_by_their_text():
    assert sort_order([pd.Series(pd.Categorical.from_codes([1, 0, -1], categories=["b", "a"]))]).tolist() == [2, 0, 1]


# --- Numbers and text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value, shown", [(5.0, "5"), (-0.0, "0"), (0.1, "0.1"), (1e22, "1" + "0" * 22), (1e-7, "0.0000001"), (-1.50, "-1.5"),
                                          (123456789.125, "123456789.125")])
def test_number_text(value, shown):
    assert number_text(value) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_number_is_that_number_again(value):
    shown = number_text(value)
    assert float(shown) == value and "e" not in shown
    assert as_numbers(text([shown])).tolist() == [value]


@pytest.mark.parametrize("shown, value", [("5", 5.0), (" 5.50 ", 5.5), ("-.5", -0.5), ("+3", 3.0), ("1e3", 1000.0), ("5.", 5.0)])
def test_texts_that_are_numbers(shown, value):
    assert as_numbers(text([shown])).tolist() == [value]


@pytest.mark.parametrize("shown", ["", " ", "abc", "1,5", "1_000", "nan", "inf", "-Infinity", "NA", "٥", "1e999", "0x1F", "1 2", "<5", "5mg", "12:30"])
def test_texts_that_are_no_numbers(shown):
    assert as_numbers(text([shown])).isna().all()


def test_columns_of_numbers_as_they_are():
    assert as_numbers(pd.Series([1, 2], dtype="int64")).dtype == "float64"
    assert listed(as_numbers(pd.Series([1, None], dtype="Int64"))) == [1.0, None]
    assert listed(as_text(pd.Series([1, None], dtype="Int64"))) == ["1", None]
    assert listed(numbers_as_text(pd.Series([np.nan, np.nan]))) == [None, None]
    assert listed(as_text(text(["a", None]))) == ["a", None]


@pytest.mark.parametrize("value, decimals, rounded", [
    (2.675, 2, 2.68), (1.005, 2, 1.01), (-2.675, 2, -2.68), (0.5, 0, 1.0), (-0.5, 0, -1.0), (2.5, 0, 3.0), (2.4999, 0, 2.0), (37.04, 1, 37.0),
    (1e13, 0, 1e13), (1e13 + 1, 0, 1e13 + 1), (250_000_000_000.0, 2, 250_000_000_000.0), (2.0**53 + 2, 0, 2.0**53 + 2), (1e300, 2, 1e300),
    (125.0, -1, 130.0)])
def test_rounding_half_up(value, decimals, rounded):
    assert round_half_up(np.array([value]), decimals).tolist() == [rounded]


def test_rounding_keeps_missing():
    assert np.isnan(round_half_up(pd.Series([np.nan]), 1)).all()


@given(st.decimals(min_value=-100000, max_value=100000, places=4), st.integers(0, 3))
def test_rounding_is_that_of_decimal_arithmetic(value, decimals):
    expected = value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    assert round_half_up(np.array([float(value)]), decimals)[0] == float(expected)
