"""ISO 8601 as rules read it."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtm_convert.rules.column import cells_to_column
from sdtm_convert.rules.dates import DAY, FRACTION, HOUR, MINUTE, MONTH, SECOND, YEAR, date_parts, is_complete, is_duration
from sdtm_convert.rules.operators_values import date_equal_to, date_greater_than_or_equal_to, date_less_than


@pytest.mark.parametrize(("text", "precision"), [
    ("2020", YEAR), ("2020-02", MONTH), ("2020-02-29", DAY), ("2020-02-29T10", HOUR), ("2020-02-29T10:30", MINUTE),
    ("2020-02-29T10:30:59", SECOND), ("2020-02-29T10:30:59.5", FRACTION), ("2020-02-29T10:30Z", MINUTE),
    ("2003---15", YEAR), ("2003-12-15T-:15", DAY), ("2003-12--", MONTH), ("--12-15", -1), ("-----T07:15", -1), ("2020-01-01/2020-02-01", DAY),
    ("2020-02-30", -2), ("2021-02-29", -2), ("2020-13", -2), ("2020-1-5", -2), ("20200105", -2), ("2020-01-05 10:00", -2),
    ("2020-01-05T24:00", -2), ("0000", -2), ("", -2), ("2020-01-05T10:30:", -2), ("2020T10", -2), ("2020-02-29T10:30+01", -2),
])
def test_precision(text, precision):
    """-1: valid, but not even a year; -2: not valid."""
    parts = date_parts(text)
    assert (-2 if parts is None else parts[0]) == precision


moments = st.datetimes(min_value=datetime.datetime(1900, 1, 1), max_value=datetime.datetime(2100, 1, 1)).map(lambda m: m.replace(microsecond=0))


@given(moments, moments)
def test_full_dates_compare_as_moments(a, b):
    left, right = cells_to_column([a.isoformat()]), cells_to_column([b.isoformat()])
    assert date_less_than(left, right)[0] == (a < b)
    assert date_equal_to(left, right)[0] == (a == b)


@given(moments, st.sampled_from([4, 7, 10, 13, 16]))
def test_a_date_is_not_before_what_it_begins_with(moment, length):
    whole, part = cells_to_column([moment.isoformat()]), cells_to_column([moment.isoformat()[:length]])
    assert date_greater_than_or_equal_to(whole, part)[0] and not date_less_than(whole, part)[0]
    assert not date_equal_to(whole, part)[0]


@given(moments, st.integers(-14, 14))
def test_zones_are_one_time(moment, hours):
    zone = datetime.timezone(datetime.timedelta(hours=hours))
    here = moment.replace(tzinfo=datetime.UTC)
    there = here.astimezone(zone)
    assert date_parts(there.isoformat())[1] == date_parts(moment.isoformat())[1]


@given(st.text(max_size=12))
def test_any_text_has_an_answer(text):
    assert date_parts(text) is None or len(date_parts(text)[1]) == 7
    assert is_complete(text) in (True, False) and is_duration(text) in (True, False)


@pytest.mark.parametrize("text", ["P1Y", "P1M", "P2W", "P3D", "PT1H", "PT30M", "PT0.5S", "P1Y2M3DT4H5M6S", "-PT15M"])
def test_durations(text):
    assert is_duration(text)


@pytest.mark.parametrize("text", ["", "P", "PT", "P1", "1D", "P1DT", "P1H", "PT1D", "P1.5Y2M", "P1W2D", None])
def test_what_is_no_duration(text):
    assert not is_duration(text)
