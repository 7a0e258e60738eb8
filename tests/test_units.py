"""Unit conversions against factors that are known apart from the tables."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtm_convert import units
from sdtm_convert.units import conversion


def converted(value: float, test: str, unit: str, to: str) -> float:
    how = conversion(test, unit, to)
    return float(Fraction(str(value)) * how.factor + how.offset)


@pytest.mark.parametrize("value, test, unit, to, expected", [
    (98.6, "TEMP", "F", "C", 37.0), (-40, "TEMP", "C", "F", -40.0), (0, "TEMP", "C", "K", 273.15), (310.15, "TEMP", "K", "C", 37.0),
    (212, "TEMP", "F", "K", 373.15), (100, "SYSBP", "kPa", "mmHg", 750.0615758), (760, "PO2", "mmHg", "kPa", 101.3250144),
    (1, "HEIGHT", "in", "cm", 2.54), (1, "WEIGHT", "LB", "kg", 0.45359237), (180, "HEIGHT", "cm", "m", 1.8), (1, "WEIGHT", "kg", "g", 1000.0),
    (1, "CREAT", "mg/dL", "umol/L", 88.42), (1, "CREAT", "mg/dL", "mmol/L", 0.08842), (88.42, "CREAT", "umol/L", "mg/dL", 1.0),
    (1, "CREAT", "mg/L", "umol/L", 8.842), (100, "GLUC", "mg/dL", "mmol/L", 5.551), (1, "ALT", "g/L", "g/dL", 0.1)])
def test_known_conversions(value, test, unit, to, expected):
    assert converted(value, test, unit, to) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("test, unit, to", [("GLUC", "cm", "kg"), ("XXX", "mg/dL", "mmol/L"), ("CREAT", "mg/dL", "mmHg"), ("TEMP", "f", "C"),
                                            ("TEMP", "", "C"), ("WEIGHT", "kg", "stone")])
def test_what_nobody_can_convert(test, unit, to):
    assert conversion(test, unit, to) is None


def test_a_unit_that_nobody_knows_is_itself():
    assert conversion("X", "beats", "beats").factor == 1


@given(st.sampled_from(sorted(units._units())), st.sampled_from(sorted(units._units())), st.integers(-10**6, 10**6))
def test_there_and_back_is_exactly_the_same(unit, to, value):
    there, back = conversion("", unit, to), conversion("", to, unit)
    assert (there is None) == (back is None)
    if there:
        assert (value * there.factor + there.offset) * back.factor + back.offset == value


@pytest.mark.parametrize("test", sorted(units._by_test()))
def test_conversions_by_test_go_both_ways(test):
    for unit, to in units._by_test()[test]:
        assert conversion(test, unit, to).factor * conversion(test, to, unit).factor == 1
        assert conversion(test, unit, to).note


def test_no_two_tests_of_the_tables_contradict_each_other():
    rows = units._table("units.csv")
    assert len({row["unit"] for row in rows}) == len(rows)
    assert all(Fraction(row["factor"]) > 0 for row in rows)


@pytest.mark.parametrize("test, unit, to, words", [
    ("TEMP", "F", "C", "x 0.5555556 - 17.77778"), ("TEMP", "C", "K", "+ 273.15"), ("WEIGHT", "kg", "kg", "unchanged"),
    ("WEIGHT", "kg", "mg", "x 1000000"), ("WEIGHT", "ug", "kg", "x 0.000000001"), ("CREAT", "mg/dL", "umol/L", "x 88.42")])
def test_conversions_in_words(test, unit, to, words):
    assert conversion(test, unit, to).words() == words
