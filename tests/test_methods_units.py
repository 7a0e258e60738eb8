"""Results in standard units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtm_convert.methods import units as methods


def text(*values) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def listed(column: pd.Series) -> list:
    return column.astype(object).where(column.notna(), None).tolist()


def number(result: str | None, unit: str | None = None, to: str | None = None, test: str = "X", **options) -> tuple[float | None, list[str]]:
    """(--STRESN, rules reported) of one result."""
    values, problems = methods.standard_number(text(result), text(unit), text(to), text(test), **options)
    return listed(values)[0], [problem.rule for problem in problems if problem.rows.any()]


def character(result: str | None, unit: str | None = None, to: str | None = None, test: str = "X") -> str | None:
    """--STRESC of one result."""
    values, _ = methods.standard_number(text(result), text(unit), text(to), text(test))
    return listed(methods.standard_text(text(result), values, text(unit), text(to), text(test)))[0]


@pytest.mark.parametrize("result, found", [
    ("5", 5.0), (" 5.0 ", 5.0), ("1,5", 1.5), ("0,123", 0.123), ("1234,567", 1234.567), ("-1,5", -1.5), ("1e2", 100.0), (None, None)])
def test_numbers(result, found):
    assert number(result, "mg", "mg") == (found, [])


@pytest.mark.parametrize("result", ["1,234", "12,345", "1,234,567", "1,234.5", "5 mg", "NEG", "++"])
def test_texts_that_are_no_number_or_could_be_two(result):
    assert number(result, "mg", "mg") == (None, ["MAP-RESULT"])
    assert number(result, "mg") == (None, ["MAP-RESULT"])
    assert character(result, "mg", "mg") == result


def test_a_text_without_any_unit_is_not_expected_to_be_a_number():
    assert number("POSITIVE") == (None, [])
    assert character("POSITIVE") == "POSITIVE"


@pytest.mark.parametrize("result, shown", [("<0.5", "<0.5"), ("> 10,0", ">10"), ("<=3", "<=3"), (">=100.50", ">=100.5")])
def test_limits_are_no_numbers_and_no_faults(result, shown):
    assert number(result, "mg", "mg") == (None, [])
    assert character(result, "mg", "mg") == shown


def test_limits_are_converted():
    assert character("<1", "mg/dL", "umol/L", "CREAT") == "<88.42"
    assert character("<1", "mg/dL", "mmHg", "CREAT") == "<1"


@pytest.mark.parametrize("result, unit, to, test, found, shown", [
    ("98.6", "F", "C", "TEMP", 37.0, "37"), ("310.15", "K", "C", "TEMP", 37.0, "37"), ("37", "C", "F", "TEMP", 98.6, "98.6"),
    ("16", "kPa", "mmHg", "SYSBP", 120.009852135, "120.009852135"), ("1.2", "mg/dL", "umol/L", "CREAT", 106.104, "106.104"),
    ("106,104", "umol/L", "umol/L", "CREAT", None, "106,104"), ("70", "kg", "kg", "WEIGHT", 70.0, "70"), ("1.80", "m", "cm", "HEIGHT", 180.0, "180"),
    ("0.0000001", "g", "kg", "X", 1e-10, "0.0000000001"), ("1", "pg/L", "g/L", "X", 1e-12, "0.000000000001")])
def test_conversions(result, unit, to, test, found, shown):
    value, _ = number(result, unit, to, test)
    assert value == (None if found is None else pytest.approx(found, rel=1e-11))
    assert character(result, unit, to, test) == shown


@pytest.mark.parametrize("unit, to", [("mmHg", "C"), (None, "C"), ("f", "C"), ("mg/dL", "umol/L")])
def test_a_conversion_that_nobody_knows(unit, to):
    assert number("5", unit, to, "TEMP") == (None, ["MAP-UNIT"])
    assert character("5.0", unit, to, "TEMP") == "5.0"
    assert listed(methods.standard_unit(text("5.0"), text(unit), text(to), text("TEMP"))) == [unit]


def test_a_result_without_standard_unit_stays_as_it_is():
    assert number("5.00", "mg", None) == (5.0, [])
    assert listed(methods.standard_unit(text("5", None), text("mg", "mg"))) == ["mg", None]
    assert listed(methods.standard_unit(text("5"), text("mg"), text(None))) == ["mg"]


def test_the_standard_unit():
    result, unit, to = text("98.6", "37", "x", None), text("F", "C", "F", "F"), text("C", "C", "C", "C")
    assert listed(methods.standard_unit(result, unit, to, text(*["TEMP"] * 4))) == ["C", "C", "C", None]


def test_the_studys_own_factor_comes_first():
    assert number("10", "LB", "kg", factors={"LB": {"kg": "0.4536"}}) == (4.536, [])
    assert number("9", "own", "kg", factors={"own": {"kg": "1/3"}}) == (3.0, [])


@pytest.mark.parametrize("result, decimals, found", [("2.675", "2", 2.68), ("-2.675", "2", -2.68), ("2.5", "0", 3.0), ("250000000000", "2", 250_000_000_000.0)])
def test_decimals_are_rounded_half_up(result, decimals, found):
    assert number(result, "mg", "mg", decimals=text(decimals)) == (found, [])


def test_decimals_of_each_row():
    values, _ = methods.standard_number(text("1.234", "1.234", "1.234"), decimals=text("1", None, "2"))
    assert listed(values) == [1.2, 1.234, 1.23]


@given(st.decimals(min_value=-1000, max_value=1000, places=3))
def test_a_result_that_is_not_converted_is_not_changed(value):
    assert number(str(value), "mg", "mg")[0] == float(value)


@pytest.mark.parametrize("value", ["123456.7890123456", "0.333333333333333", "1e-30"])
def test_a_result_of_many_digits_that_is_not_converted_keeps_them(value):
    assert number(value, "mg", "mg")[0] == float(value)


def test_nothing_in_nothing_out():
    values, problems = methods.standard_number(text(), text(), text(), text())
    assert listed(values) == [] and not any(problem.rows.any() for problem in problems)
    assert listed(methods.standard_text(text(), values, text(), text(), text())) == []
    assert listed(methods.standard_unit(text(), text(), text(), text())) == []


# --- Normal ranges ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value, low, high, indicator", [
    (4.9, 5, 10, "LOW"), (5, 5, 10, "NORMAL"), (10, 5, 10, "NORMAL"), (10.1, 5, 10, "HIGH"), (0.1 + 0.2, 0.3, 0.3, "NORMAL"), (7, None, 6, "HIGH"),
    (7, 8, None, "LOW"), (7, None, 8, "NORMAL"), (7, None, None, None), (None, 5, 10, None)])
def test_range_indicator(value, low, high, indicator):
    columns = [pd.Series([np.nan if each is None else each], dtype="float64") for each in (value, low, high)]
    assert listed(methods.range_indicator(*columns)) == [indicator]


def test_range_indicator_of_collected_limits():
    assert listed(methods.range_indicator(pd.Series([4.0, 4.0]), text("5.0", "x"), text("10", None))) == ["LOW", None]
