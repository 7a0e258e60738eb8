"""ADaM: treatment-emergent, baseline, change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdtm_convert.methods import analysis as methods


def text(*values) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def numbers(*values) -> pd.Series:
    return pd.Series(list(values), dtype="float64")


def listed(column: pd.Series) -> list:
    return column.astype(object).where(column.notna(), None).tolist()


NAN = np.nan


@pytest.mark.parametrize("start, end, treated, found", [
    (100, None, 100, "Y"), (99, None, 100, None), (100, None, None, None), (None, None, 100, "Y"), (None, 99, 100, None), (None, 100, 100, "Y"),
    (101, 99, 100, None), (None, None, None, None)])
def test_treatment_emergent(start, end, treated, found):
    start, end, treated = (numbers(NAN if value is None else value) for value in (start, end, treated))
    assert listed(methods.treatment_emergent(start, treated, end)) == [found]


@pytest.mark.parametrize("start, last, found", [(100, 90, "Y"), (120, 90, "Y"), (121, 90, None), (121, None, "Y"), (None, 90, "Y")])
def test_treatment_emergent_within_a_window(start, last, found):
    start, last = (numbers(NAN if value is None else value) for value in (start, last))
    assert listed(methods.treatment_emergent(start, numbers(80), treatment_end=last, window=30)) == [found]


def test_treatment_emergent_of_iso_dates():
    starts = text("2020-01-01", "2020-01-02T10:00", "2020-01-03", None)
    assert listed(methods.treatment_emergent(starts, text(*["2020-01-02"] * 4))) == [None, "Y", "Y", "Y"]


def test_the_value_of_the_flagged_record_on_every_record_of_its_group():
    values, [tie] = methods.value_at(numbers(1, 2, 3, 4), text(None, "Y", "N", None), [text(*"aaab")])
    assert listed(values) == [2, 2, 2, None]
    assert not tie.rows.any()
    assert listed(methods.value_at(text("x", "y"), text("Y", None), [text(*"aa")])[0]) == ["x", "x"]


def test_two_flagged_records_of_a_group():
    values, [tie] = methods.value_at(numbers(1, 2, 3), text("Y", "Y", None), [text(*"aaa")])
    assert listed(values) == [1, 1, 1]
    assert (tie.rule, tie.rows.tolist()) == ("MAP-TIE", [False, True, False])


def test_the_value_of_nothing():
    assert listed(methods.value_at(numbers(), text(), [text()])[0]) == []


def test_change():
    assert listed(methods.change(numbers(5.3, 5, NAN, 5), numbers(5.1, NAN, 5, 5))) == [0.2, None, None, 0.0]


def test_percent_change():
    assert listed(methods.percent_change(numbers(12, 8, 5, NAN, -5), numbers(10, 10, 0, 10, -10))) == [20.0, -20.0, None, None, 50.0]


def test_ratio():
    assert listed(methods.ratio(text("90", "5", None, "0.3"), numbers(0.3, 0, 1, 0.1))) == [300.0, None, None, 3.0]


def test_difference():
    assert listed(methods.difference(numbers(0.3, NAN), numbers(0.1, 1))) == [0.2, None]


def test_rounded():
    assert listed(methods.rounded(numbers(2.675, NAN), 2)) == [2.68, None]
