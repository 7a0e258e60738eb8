"""Dates: collected text to ISO 8601, partial dates, counting, imputation."""

from __future__ import annotations

import datetime as dt
import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sdtm_convert import date_formats, dates, imputation

unhurried = settings(deadline=None)  # the machine may be busy
MONTHS = "January February March April May June July August September October November December".split()


def text(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def plain(series: pd.Series) -> list:
    """A column as literals: None where missing."""
    return [None if pd.isna(value) else value for value in series]


def read(value: str | None, *formats: str, **options) -> tuple[str | None, str | None]:
    parsed = dates.parse(text(value), formats, **options)
    return plain(parsed.values)[0], plain(parsed.reason)[0]


@pytest.mark.parametrize("module", [dates, date_formats, imputation])
def test_the_examples_in_the_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


# --- parse ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        ("05-JAN-2020", "dd-mmm-yyyy", "2020-01-05"),
        ("5-jan-2020", "dd-mmm-yyyy", "2020-01-05"),
        (" 05-Jan-2020 ", "dd-mmm-yyyy", "2020-01-05"),
        ("5JAN2020", "ddmmmyyyy", "2020-01-05"),
        ("5 January 2020", "dd mmmm yyyy", "2020-01-05"),
        ("January  5, 2020", "mmmm dd, yyyy", "2020-01-05"),
        ("1/5/2020", "mm/dd/yyyy", "2020-01-05"),
        ("1/5/2020", "dd/mm/yyyy", "2020-05-01"),
        ("20200105", "yyyymmdd", "2020-01-05"),
        ("05.01.68", "dd.mm.yy", "2068-01-05"),
        ("05.01.69", "dd.mm.yy", "1969-01-05"),
        ("2020-1-5", "y-m-d", "2020-01-05"),
        ("JAN-2020", "mmm-yyyy", "2020-01"),
        ("2020", "yyyy", "2020"),
        ("2020-01-05 10:30:15", "yyyy-mm-dd HH:MM:SS", "2020-01-05T10:30:15"),
        ("2020-01-05T10:30:15.250", "yyyy-mm-ddTHH:MM:SS", "2020-01-05T10:30:15.250"),
        ("2020-01-05 10:30:15,5", "yyyy-mm-dd HH:MM:SS", "2020-01-05T10:30:15.5"),
        ("2020-01-05 10:30:15.000", "yyyy-mm-dd HH:MM:SS", "2020-01-05T10:30:15"),
        ("9:05", "HH:MM", "09:05"),
        ("0905", "HHMM", "09:05"),
        ("9h05", "HH'h'MM", "09:05"),
        ("12:05 AM", "HH:MM AM", "00:05"),
        ("12:05 pm", "HH:MM AM", "12:05"),
        ("1:05 P.M.", "HH:MM AM", "13:05"),
        ("2020-02-29", "iso", "2020-02-29"),
        ("2019---05", "iso", "2019---05"),
        ("2020-01-05/2020-01-07", "iso", "2020-01-05/2020-01-07"),
    ],
)
def test_a_declared_format_is_read(value, form, expected):
    assert read(value, form) == (expected, None)


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        ("UN-UNK-2020", "dd-mmm-yyyy", "2020"),
        ("UN-MAR-2020", "dd-mmm-yyyy", "2020-03"),
        ("05-UNK-2019", "dd-mmm-yyyy", "2019---05"),
        ("05-MAR-UNK", "dd-mmm-yyyy", "--03-05"),
        ("2023-10-NK", "yyyy-mm-dd", "2023-10"),
        ("2023-nk-nk", "yyyy-mm-dd", "2023"),
        ("??-???-2019", "dd-mmm-yyyy", "2019"),
        ("--/--/2019", "dd/mm/yyyy", "2019"),
        ("---MAR-2020", "dd-mmm-yyyy", "2020-03"),
        ("2003-12-15 UN:15", "yyyy-mm-dd HH:MM", "2003-12-15T-:15"),
        ("2003-12-15 10:UN", "yyyy-mm-dd HH:MM", "2003-12-15T10"),
        ("2003-12-15 UN:UN", "yyyy-mm-dd HH:MM", "2003-12-15"),
        ("2003-12-UN 10:30", "yyyy-mm-dd HH:MM", "2003-12--T10:30"),
        ("UN:30", "HH:MM", "-:30"),
        ("UN:30 PM", "HH:MM AM", "-:30"),
        ("UN-UNK-UNK", "dd-mmm-yyyy", None),
        ("UNK", "dd-mmm-yyyy", None),
        ("??", "dd-mmm-yyyy", None),
    ],
)
def test_unknown_parts_become_hyphens_or_are_left_off(value, form, expected):
    assert read(value, form) == (expected, None)


def test_a_study_may_name_its_own_marks_of_the_unknown():
    assert read("00/03/2020", "dd/mm/yyyy") == (None, "impossible")
    assert read("00/03/2020", "dd/mm/yyyy", unknown=["00"]) == ("2020-03", None)
    assert read("xx/03/2020", "dd/mm/yyyy", unknown=["XX"]) == ("2020-03", None)
    assert read("UN/03/2020", "dd/mm/yyyy", unknown=[]) == (None, "unreadable")
    assert read("*./03/2020", "dd/mm/yyyy", unknown=["*."]) == ("2020-03", None)


@pytest.mark.parametrize(
    ("value", "form", "reason"),
    [
        ("2020-02-60", "yyyy-mm-dd", "impossible"),
        ("2020-13-01", "yyyy-mm-dd", "impossible"),
        ("31-APR-2020", "dd-mmm-yyyy", "impossible"),
        ("29-FEB-2019", "dd-mmm-yyyy", "impossible"),
        ("00-JAN-2020", "dd-mmm-yyyy", "impossible"),
        ("01-JAN-0000", "dd-mmm-yyyy", "impossible"),
        ("25:00", "HH:MM", "impossible"),
        ("24:00", "HH:MM", "impossible"),
        ("10:60", "HH:MM", "impossible"),
        ("13:00 PM", "HH:MM AM", "impossible"),
        ("00:30 AM", "HH:MM AM", "impossible"),
        ("2020-02-30", "iso", "impossible"),
        ("10:30 UNK", "HH:MM AM", "unreadable"),
        ("05-JAN-20", "dd-mmm-yyyy", "unreadable"),
        ("05-JAN-2020 10:00", "dd-mmm-yyyy", "unreadable"),
        ("05-JANV-2020", "dd-mmm-yyyy", "unreadable"),
        ("5012020", "ddmmyyyy", "unreadable"),
        ("approx. 2020", "yyyy", "unreadable"),
        ("2020-1-5", "iso", "unreadable"),
        ("2020--", "iso", "unreadable"),
        ("٢٠٢٠", "yyyy", "unreadable"),
    ],
)
def test_what_cannot_be_read_is_missing_with_a_reason(value, form, reason):
    assert read(value, form) == (None, reason)


def test_two_formats_that_disagree_are_reported_and_the_first_wins():
    parsed = dates.parse(text("01/02/2020", "13/02/2020", "02/13/2020", "03/03/2020", "31/31/2020"), ["dd/mm/yyyy", "mm/dd/yyyy"])
    assert plain(parsed.values) == ["2020-02-01", "2020-02-13", "2020-02-13", "2020-03-03", None]
    assert plain(parsed.reason) == ["ambiguous", None, None, None, "impossible"]


def test_one_column_may_hold_several_formats():
    values = text("05-JAN-2020", "JAN-2020", "2020", "2020-01-05", None, "", "  ", "soon")
    parsed = dates.parse(values, ["dd-mmm-yyyy", "mmm-yyyy", "yyyy", "iso"])
    assert plain(parsed.values) == ["2020-01-05", "2020-01", "2020", "2020-01-05", None, None, None, None]
    assert plain(parsed.reason) == [None] * 7 + ["unreadable"]


def test_the_rows_keep_their_index_and_both_columns_are_text():
    parsed = dates.parse(pd.Series(["2020", "x", None], index=[7, 3, 7], dtype="str"), "yyyy")
    assert parsed.values.index.tolist() == [7, 3, 7] and parsed.reason.index.tolist() == [7, 3, 7]
    assert parsed.values.dtype == "str" and parsed.reason.dtype == "str"


def test_columns_without_text_are_read_too():
    assert plain(dates.parse(pd.Series([np.nan, np.nan]), ["yyyy"]).values) == [None, None]
    assert plain(dates.parse(pd.Series([], dtype="str"), ["yyyy"]).values) == []
    assert plain(dates.parse(pd.Series([20200105, 20200231]), ["yyyymmdd"]).reason) == [None, "impossible"]


@pytest.mark.parametrize(
    "form",
    ["dd-mmm-yyyy", "mm/dd/yyyy", "yyyy", "mmm-yyyy", "HH:MM", "HH:MM:SS", "HH:MM AM", "yyyy-mm-ddTHH:MM", "dd", "mm", "dd-mmm",
     "iso", "ISO", "y-m-d H:M:S", "dd. mm. yyyy", "HH'h'MM", "'week of 'dd-mmm-yyyy"],
)  # fmt: skip
def test_right_formats_pass_the_check(form):
    assert dates.check_format(form) is None


@pytest.mark.parametrize(
    ("form", "hint"),
    [
        ("DD-MON-YYYY", "small letters"),
        ("yyyy-MM-dd hh:mm", "'h'"),
        ("dd/MM/yyyy", "month is 'mm'"),
        ("HH:mm", "month 'mm'"),
        ("MM:SS", "need hours"),
        ("mm/yyyy HH:MM", "whole date"),
        ("dd-yyyy", "need the month"),
        ("ddd", "write dd"),
        ("yyy", "yyyy or yy"),
        ("dd/dd/yyyy", "twice"),
        ("HH:MM AM AM", "twice"),
        ("dd-mmm-yyyy AM", "needs hours"),
        ("", "no part"),
        ("--", "no part"),
        ("dd-mmm-yyyy'", "quotes"),
        ("%d-%m-%Y", "'Y'"),
    ],
)
def test_wrong_formats_are_refused_with_a_hint(form, hint):
    problem = dates.check_format(form)
    assert form in problem and hint in problem
    with pytest.raises(ValueError, match="Date format"):
        dates.parse(text("2020"), ["yyyy", form])


FORMATS = {
    "dd-mmm-yyyy": lambda d: f"{d.day:02d}-{MONTHS[d.month - 1][:3].upper()}-{d.year:04d}",
    "ddmmmyyyy": lambda d: f"{d.day}{MONTHS[d.month - 1][:3]}{d.year:04d}",
    "mm/dd/yyyy": lambda d: f"{d.month}/{d.day}/{d.year:04d}",
    "yyyymmdd": lambda d: f"{d.year:04d}{d.month:02d}{d.day:02d}",
    "mmmm dd, yyyy": lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year:04d}",
    "yyyy-mm-dd": lambda d: d.date().isoformat(),
    "iso": lambda d: d.date().isoformat(),
    "yyyy-mm-dd HH:MM:SS": lambda d: d.isoformat(sep=" ", timespec="seconds"),
    "dd.mm.yyyy HH.MM": lambda d: f"{d.day:02d}.{d.month:02d}.{d.year:04d} {d.hour}.{d.minute:02d}",
    "mm/dd/yyyy HH:MM:SS AM": lambda d: f"{d.month}/{d.day}/{d.year:04d} {(d.hour + 11) % 12 + 1}:{d.minute:02d}:{d.second:02d} "
    + ("AM" if d.hour < 12 else "PM"),
}  # fmt: skip


@unhurried
@given(st.sampled_from(sorted(FORMATS)), st.lists(st.datetimes(), min_size=1, max_size=5))
def test_every_date_is_read_back_from_every_format(form, moments):
    depth = 19 if "SS" in form else 16 if "MM" in form else 10
    parsed = dates.parse(text(*(FORMATS[form](moment) for moment in moments)), form)
    assert plain(parsed.values) == [moment.isoformat(timespec="seconds")[:depth] for moment in moments]
    assert parsed.reason.isna().all()


DATE_LIKE = st.text("0123456789-:/T.Z+ PWDUNKJAnfeb", max_size=24)
ANY_TEXT = st.one_of(DATE_LIKE, st.text(max_size=12))


@unhurried
@given(st.lists(st.one_of(st.none(), ANY_TEXT), max_size=6), st.sampled_from([*sorted(FORMATS), "HH:MM", "dd", "mmm-yy"]))
@example(["\x00", "2020-01-01\n", "2020-01-01T10:00+14:01"], "iso")
def test_no_text_is_too_strange(values, form):
    series = text(*values)
    parsed = dates.parse(series, [form, "yyyy"])
    assert set(parsed.reason.dropna()) <= {"ambiguous", "unreadable", "impossible"}
    assert parsed.values[parsed.reason.isin(["unreadable", "impossible"])].isna().all()
    pieces = dates.combine(parsed.values, series)
    assert dates.is_date(pieces.dropna()).all()
    dates.days(series), dates.seconds(series), dates.precision(series), dates.is_duration(series)
    dates.compare(series, parsed.values), dates.duration_between(series, parsed.values, "iso")
    dates.impute(series, date="mid", time="last", highest="M")


@unhurried
@given(st.lists(st.text(max_size=4), max_size=3), ANY_TEXT)
def test_no_mark_of_the_unknown_is_too_strange(marks, value):
    for mark in marks:
        for form in ("dd/mmm/yyyy HH:MM", "yyyymm", "HH:MM:SS AM"):
            dates.parse(text(value, mark, f"{mark}/JAN/2020 10:00"), form, unknown=marks)


def test_empty_columns_and_columns_in_chunks():
    nothing = text()
    assert plain(dates.combine(nothing, nothing)) == plain(dates.compare(nothing, nothing)) == []
    assert plain(dates.study_day(nothing, nothing)) == plain(dates.precision(nothing)) == []
    assert plain(dates.duration_between(nothing, nothing, "iso")) == plain(dates.from_days(dates.days(nothing))) == []
    assert plain(dates.impute(nothing, date="first", highest="M").date_flag) == plain(dates.is_date(nothing)) == []
    chunks = pd.concat([text("2020-01-05", "2020-01-01/2020-02-01"), text(None, "2020-01-05T10:00"), text("JAN")], ignore_index=True)
    assert plain(dates.is_date(chunks)) == [True, True, False, True, False]
    assert plain(dates.parse(chunks, ["iso"]).reason) == [None, None, None, None, "unreadable"]
    assert plain(dates.combine(chunks, chunks)) == ["2020-01-05", None, None, "2020-01-05T10:00", None]
    assert plain(dates.compare(chunks, chunks)) == [0, None, None, 0, None]


@unhurried
@given(st.text(max_size=12))
def test_no_format_is_too_strange(form):
    if dates.check_format(form) is None:
        dates.parse(text("2020-01-05", "UNK"), [form])
    else:
        with pytest.raises(ValueError, match="Date format"):
            dates.parse(text("2020-01-05"), [form])


# --- combine, assemble ------------------------------------------------------------------------------------------------


def test_date_and_time_are_combined_as_far_as_they_are_known():
    date = text("2019-12-05", "2019-12-05", "2019-12", "2019", "--12-05", None, None, "2019-12-05T08:00")
    time = text("14:00", None, "14:00", "-:30", "14", "07:15", None, "14:00")
    assert plain(dates.combine(date, time)) == [
        "2019-12-05T14:00", "2019-12-05", "2019-12--T14:00", "2019----T-:30", "--12-05T14", "-----T07:15", None, "2019-12-05T08:00",
    ]  # fmt: skip


def test_a_date_is_assembled_from_its_pieces():
    day = dates.parse(text("5", "31", None, "31"), "dd").values
    month = dates.parse(text("Mar", "Apr", "May", "UNK"), "mmm").values
    year = dates.parse(text("2020", "2020", "2020", "2020"), "yyyy").values
    assert plain(day) == ["----05", "----31", None, "----31"] and plain(month) == ["--03", "--04", "--05", None]
    assembled = dates.assemble(day, month, year)
    assert plain(assembled.values) == ["2020-03-05", None, "2020-05", "2020---31"]
    assert plain(assembled.reason) == [None, "impossible", None, None]


def test_an_interval_stands_alone():
    assembled = dates.assemble(text("2020-01-01/2020-01-02", "2020-01-01/2020-01-02", "05JAN"), text(None, "10:00", None))
    assert plain(assembled.values) == ["2020-01-01/2020-01-02", None, None]
    assert plain(assembled.reason) == [None, "unreadable", "unreadable"]


# --- is_date, is_duration, precision ----------------------------------------------------------------------------------

VALID = [
    "2003-12-15T13:15:17", "2003-12-15T13:15:17.123", "2003-12-15T13:15", "2003-12-15T13", "2003-12-15", "2003-12", "2003", "2003---15",
    "--12-15", "--12", "----15", "-----T07:15", "2003-12-15T-:15", "2003-12-15T13:-:17", "2003-12--T14:00", "2003----T14", "--02-29",
    "2003-12-15T13:15:17Z", "2003-12-15T13:15+02:00", "2003-12-01/2003-12-10", "2003-12-15T10:00/PT30M", "P2D/2003-12-15", "2003/2004-02",
]  # fmt: skip
INVALID = [
    "", " ", "-", "--", "----", "2003-", "2003--", "2003-12-", "2003-12-15T", "2003-12-15T-", "2003-12-15T10:-", "03-12-15", "2003-1-5",
    "20031215", "15DEC2003", "2003-12-15 10:00", "2003-12-15T24:00", "2003-12-15T10:60", "2003-12-15T10:00:60", "2003-13", "2003-00",
    "2003-02-29", "2100-02-29", "--02-30", "--04-31", "0000", "2003-12-15T10Z", "2003-12-15T10:00+15:00", "2003-12-15T10:00+02:60",
    "2003-12-15T10:00:00.", "2003-12-15T10:00.5", "14:00", "2003/", "/2003", "P2D/P3D", "2003/2004/2005", "2003-12-15\n", " 2003",
]  # fmt: skip


def test_dates_are_told_from_what_is_none():
    assert [value for value in VALID if not dates.is_date(text(value))[0]] == []
    assert [value for value in INVALID if dates.is_date(text(value))[0]] == []
    assert dates.is_date(text(None)).tolist() == [False]


def test_durations_are_told_from_what_is_none():
    right = ["P2W", "P1Y2M3DT4H5M6S", "PT15M", "-PT15M", "P10D", "PT1.5H", "PT0,5S", "P0D", "P1.5W"]
    wrong = ["", "P", "PT", "-P", "P1DT", "1D", "PT1D", "P1H", "P1W2D", "P1.5DT1H", "P1M1Y", "p1d", "P-1D", "+P1D", None]
    assert dates.is_duration(text(*right)).all()
    assert not dates.is_duration(text(*wrong)).any()


@unhurried
@given(st.integers(0, 10100), st.integers(0, 14), st.integers(0, 33))
def test_the_calendar_is_that_of_python(year, month, day):
    value = f"{year:04d}-{month:02d}-{day:02d}"
    try:
        expected = dt.date(year, month, day)
    except ValueError:
        expected = None
    assert dates.is_date(text(value))[0] == (expected is not None)
    assert plain(dates.days(text(value)))[0] == (expected and float((expected - dt.date(1960, 1, 1)).days))


def test_precision_is_that_of_the_last_part_known_without_a_gap():
    values = text("2003", "2003-12", "2003-12-15", "2003-12-15T13", "2003-12-15T13:15", "2003-12-15T13:15:17.5", "2003---15",
                  "2003-12--T14:00", "2003-12-15T-:15", "--12", "2003-12-45", None)  # fmt: skip
    assert plain(dates.precision(values)) == [
        "year", "month", "day", "hour", "minute", "second", "year", "month", "day", None, None, None,
    ]  # fmt: skip


# --- compare ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("2020-01-05", "2020-01-06", -1),
        ("2020-01-06", "2020-01-05", 1),
        ("2020-01-05", "2020-01-05", 0),
        ("2020-01", "2020-01-15", 0),
        ("2020", "2020-12-31T23:59", 0),
        ("2019", "2020-01", -1),
        ("2020---05", "2020-03-05", 0),
        ("2020-01-05T10:30", "2020-01-05T10:31:00", -1),
        ("2020-01-05T10:30:00.5", "2020-01-05T10:30:00.25", 1),
        ("2020-01-05T12:30+02:00", "2020-01-05T10:30Z", 0),
        ("2020-01-01T00:30+02:00", "2019-12-31T23:00Z", -1),
        ("2020-01-05T12:30+02:00", "2020-01-05T10:30", 1),
        ("--01-05", "2020", None),
        ("2020", None, None),
        ("2020", "2020-02-31", None),
    ],
)
def test_dates_compare_at_the_coarser_precision(left, right, expected):
    assert plain(dates.compare(text(left), text(right))) == [expected]
    assert plain(dates.compare(text(right), text(left))) == [expected and -expected]


MOMENTS = st.datetimes().map(lambda moment: moment.replace(microsecond=0))


@unhurried
@given(MOMENTS, MOMENTS, st.sampled_from([4, 7, 10, 13, 16, 19]), st.sampled_from([4, 7, 10, 13, 16, 19]))
def test_comparison_agrees_with_python(one, other, depth, other_depth):
    left, right = one.isoformat()[:depth], other.isoformat()[:other_depth]
    both = min(depth, other_depth)
    expected = (left[:both] > right[:both]) - (left[:both] < right[:both])
    assert dates.compare(text(left), right).tolist() == [expected]


# --- days, seconds, study day, durations ------------------------------------------------------------------------------


@unhurried
@given(MOMENTS)
def test_sas_numbers_are_those_of_python_and_lead_back(moment):
    value = moment.isoformat()
    elapsed = moment - dt.datetime(1960, 1, 1)
    assert dates.days(text(value)).tolist() == [elapsed.days]
    assert dates.seconds(text(value)).tolist() == [elapsed.total_seconds()]
    assert plain(dates.from_days(dates.days(text(value)))) == [value[:10]]
    assert plain(dates.from_seconds(dates.seconds(text(value)))) == [value]


def test_only_whole_dates_and_times_are_counted():
    values = text("1960-01-02", "1960-01-02T10", "1960-01-02T00:01", "1960-01-02T00:01:02.5", "1960-01", "1960---02", None, "1960-01-40",
                  "1960-01-02/1960-01-03")  # fmt: skip
    assert plain(dates.days(values)) == [1.0, 1.0, 1.0, 1.0, None, None, None, None, None]
    assert plain(dates.seconds(values)) == [None, None, 86460.0, 86462.5, None, None, None, None, None]


def test_numbers_outside_the_calendar_have_no_date():
    numbers = pd.Series([np.nan, np.inf, -np.inf, 1e300, -715509.0, 0.75, -0.25])
    assert plain(dates.from_days(numbers)) == [None, None, None, None, "0001-01-01", "1960-01-01", "1959-12-31"]
    assert plain(dates.from_days(pd.Series([-715510.0, 2936549.0, 2936550.0]))) == [None, "9999-12-31", None]
    assert plain(dates.from_seconds(pd.Series([59.9, np.nan]))) == ["1960-01-01T00:00:59", None]
    assert plain(dates.from_days(pd.Series([1, pd.NA], dtype="Int64"))) == ["1960-01-02", None]


@unhurried
@given(st.dates(), st.dates(), st.dates())
def test_the_study_day_is_never_0_and_grows_with_the_date(reference, one, other):
    first, second = dates.study_day(text(*(date.isoformat() for date in sorted([one, other]))), reference.isoformat())
    assert 0 not in (first, second) and (first < second) == (one != other)
    assert (min(one, other) >= reference) == (first > 0)


def test_study_day_of_text_and_of_sas_dates():
    date = text("2020-01-05T23:59", "2020-01-04", "2020-01-03", "2020-01", None, "2020-01-04")
    reference = text("2020-01-04T08:00", "2020-01-04T08:00", "2020-01-04", "2020-01-04", "2020-01-04", "2020")
    assert plain(dates.study_day(date, reference)) == [2, 1, -1, None, None, None]
    assert plain(dates.study_day(dates.days(date), dates.days(reference))) == [2, 1, -1, None, None, None]
    assert dates.study_day(date, reference).dtype == "Int64"


@pytest.mark.parametrize(
    ("start", "end", "unit", "expected"),
    [
        ("2020-01-01", "2020-01-05", "days", 4),
        ("2020-01-01T23:59", "2020-01-02T00:00", "days", 1),
        ("2020-01-05", "2020-01-01", "weeks", -4 / 7),
        ("2020-01-01T10:00", "2020-01-02T12:30", "hours", 26.5),
        ("2020-01-01T10:00", "2020-01-01T10:30:30", "minutes", 30.5),
        ("2020-01-01T12:00+02:00", "2020-01-01T10:00:01Z", "seconds", 1),
        ("2020-01-01", "2020-01-02", "hours", None),
        ("1956-02-29", "2023-02-28", "years", 66),
        ("1956-02-29", "2023-03-01", "years", 67),
        ("2023-03-01", "1956-02-29", "years", -67),
        ("2020-01-31", "2020-02-29", "months", 0),
        ("2020-01-31", "2020-03-01", "months", 1),
        ("1956", "2023-03-01", "years", None),
        ("2020-01-01", "2020-01-05", "iso", "P4D"),
        ("2020-01-05", "2020-01-01T10:00", "iso", "-P4D"),
        ("2020-01-01T10:00", "2020-01-02T12:30", "iso", "P1DT2H30M"),
        ("2020-01-01T10:00", "2020-01-01T10:00:01.25", "iso", "PT1.25S"),
        ("2020-01-01T10:00", "2020-01-01T10:00", "iso", "PT0S"),
        ("2020-01-01", "2020-01-01", "iso", "P0D"),
        ("2020-01", "2020-01-01", "iso", None),
    ],
)
def test_durations_between_two_dates(start, end, unit, expected):
    result = plain(dates.duration_between(text(start), text(end), unit))[0]
    assert result == expected
    if unit == "iso" and result:
        assert dates.is_duration(text(result))[0]


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="fortnights"):
        dates.duration_between(text("2020"), text("2021"), "fortnights")


# --- impute -----------------------------------------------------------------------------------------------------------


def imputed(*values: str | None, **rule) -> list[tuple]:
    """(date, date flag) of each value, or (datetime, date flag, time flag) where a time rule is given."""
    result = dates.impute(text(*values), **rule)
    if rule.get("time") is None:
        return list(zip(plain(dates.from_days(result.days)), plain(result.date_flag), strict=True))
    return list(zip(plain(dates.from_seconds(result.seconds)), plain(result.date_flag), plain(result.time_flag), strict=True))


PARTIAL = ("2019-02-10", "2019-02", "2019", "2019---07", None)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [None, None, None]),
        ({"date": "first"}, [None, None, None]),
        ({"date": "first", "highest": "D"}, ["2019-02-01", None, None]),
        ({"date": "first", "highest": "M"}, ["2019-02-01", "2019-01-01", "2019-01-01"]),
        ({"date": "last", "highest": "M"}, ["2019-02-28", "2019-12-31", "2019-12-31"]),
        ({"date": "mid", "highest": "M"}, ["2019-02-15", "2019-06-30", "2019-06-30"]),
        ({"date": "07-30", "highest": "M"}, ["2019-02-28", "2019-07-30", "2019-07-30"]),
        ({"date": "15", "highest": "D"}, ["2019-02-15", None, None]),
        ({"date": "last", "highest": "M", "preserve": True}, ["2019-02-28", "2019-12-31", "2019-12-07"]),
        ({"date": "mid", "highest": "M", "preserve": True}, ["2019-02-15", "2019-06-30", "2019-06-07"]),
    ],
)
def test_dates_are_imputed_by_rule(rule, expected):
    result = imputed(*PARTIAL, **rule)
    assert result[0] == ("2019-02-10", None) and result[4] == (None, None)
    assert [date for date, _ in result[1:4]] == expected
    assert [flag for _, flag in result[1:4]] == [flag if date else None for date, flag in zip(expected, "DMM", strict=True)]


def test_times_are_imputed_by_rule():
    values = ("2019-02-10T10:30:05", "2019-02-10T10:30", "2019-02-10T10", "2019-02-10", "2019-02", "2019-02-10T-:30")
    assert imputed(*values, time="first") == [
        ("2019-02-10T10:30:05", None, None), ("2019-02-10T10:30:00", None, "S"), ("2019-02-10T10:00:00", None, "M"),
        ("2019-02-10T00:00:00", None, "H"), (None, None, None), ("2019-02-10T00:00:00", None, "H"),
    ]  # fmt: skip
    assert [row[0] for row in imputed(*values, time="12:15:45", highest="m")] == [
        "2019-02-10T10:30:05", "2019-02-10T10:30:45", "2019-02-10T10:15:45", None, None, None,
    ]  # fmt: skip
    assert imputed(*values, date="last", time="last", highest="D")[3:] == [
        ("2019-02-10T23:59:59", None, "H"), ("2019-02-28T23:59:59", "D", "H"), ("2019-02-10T23:59:59", None, "H"),
    ]  # fmt: skip
    assert imputed(values[5], time="last", preserve=True) == [("2019-02-10T23:30:59", None, "H")]
    assert [row[0] for row in imputed(*values, time="first", highest="n")] == ["2019-02-10T10:30:05", *[None] * 5]


def test_the_day_of_an_imputed_datetime_is_its_date():
    result = dates.impute(text("2019-02", "2019-02-10", "2019"), date="last", time="last", highest="D", maximum=text(*["2019-02-20"] * 3))
    assert plain(dates.from_days(result.days)) == ["2019-02-20", "2019-02-10", None]
    assert plain(dates.from_seconds(result.seconds)) == ["2019-02-20T23:59:59", "2019-02-10T23:59:59", None]


@pytest.mark.parametrize(
    ("value", "rule", "bounds", "expected"),
    [
        ("2019-02", "first", {"minimum": "2019-02-10"}, "2019-02-10"),
        ("2019-02", "first", {"minimum": "2019-03-10"}, "2019-02-01"),
        ("2019-02", "first", {"minimum": "2019-02"}, "2019-02-01"),
        ("2019-02", "first", {"minimum": None}, "2019-02-01"),
        ("2019-02", "last", {"maximum": "2019-02-10T08:00"}, "2019-02-10"),
        ("2019-02", "last", {"maximum": "2019-01-14"}, "2019-02-28"),
        ("2019-02", "first", {"minimum": "2019-02-20", "maximum": "2019-02-10"}, "2019-02-10"),
        ("2019-02-05", "first", {"minimum": "2019-02-10"}, "2019-02-05"),
        ("2019-02-05", "last", {"maximum": "2019-02-01"}, "2019-02-05"),
    ],
)
def test_a_bound_acts_only_inside_the_range_of_the_partial_date(value, rule, bounds, expected):
    columns = {name: text(bound) for name, bound in bounds.items()}
    assert imputed(value, date=rule, highest="M", **columns)[0][0] == expected
    numbers = {name: dates.days(column) for name, column in columns.items()}
    assert imputed(value, date=rule, highest="M", **numbers)[0][0] == expected


def test_a_bound_moves_a_time_within_its_day():
    assert imputed("2019-02-10", time="first", minimum=text("2019-02-10T09:30:00")) == [("2019-02-10T09:30:00", None, "H")]
    assert imputed("2019-02-10", time="first", minimum=text("2019-02-10")) == [("2019-02-10T00:00:00", None, "H")]
    assert imputed("2019-02-10", time="last", maximum=text("2019-02-10")) == [("2019-02-10T23:59:59", None, "H")]
    assert imputed("2019-02-10T08:00", time="last", minimum=text("2019-02-10T09:00")) == [("2019-02-10T08:00:59", None, "S")]


def test_several_bounds_act_together():
    maxima = [text("2019-02-20", "2019-02-20"), text("2019-02-15", None)]
    assert imputed("2019-02", "2019-02", date="last", highest="D", maximum=maxima) == [("2019-02-15", "D"), ("2019-02-20", "D")]


def test_a_whole_date_is_imputed_only_from_a_bound():
    values, first = ("2019-02", None, None, "unknown"), text("2019-01-15", "2019-01-15", None, "2019-01-15")
    assert imputed(*values, date="first", highest="Y", minimum=first) == [
        ("2019-02-01", "D"), ("2019-01-15", "Y"), (None, None), (None, None),
    ]  # fmt: skip
    assert imputed(None, date="last", time="last", highest="Y", maximum=text("2019-01-15")) == [("2019-01-15T23:59:59", "Y", "H")]


@pytest.mark.parametrize(
    "rule",
    [
        {"date": "middle"}, {"date": "02-30"}, {"date": "13-01"}, {"date": "32"}, {"date": "1"}, {"time": "noon"}, {"time": "24:00:00"},
        {"highest": "X"}, {"highest": "MD"}, {"highest": ""}, {"highest": "M"}, {"highest": "h"}, {"date": "15", "highest": "M"},
        {"date": "first", "highest": "Y"}, {"date": "mid", "highest": "Y", "minimum": text("2019")},
        {"date": "first", "highest": "Y", "maximum": text("2019")},
    ],
)  # fmt: skip
def test_wrong_rules_are_refused(rule):
    with pytest.raises(ValueError):
        dates.impute(text("2019"), **rule)


@unhurried
@given(
    st.lists(st.tuples(MOMENTS, st.sampled_from([4, 7, 10, 13, 16, 19])), min_size=1, max_size=4),
    st.sampled_from(["first", "last", "mid", "06-30", "02-29"]),
    st.sampled_from(["first", "last", "12:30:15"]),
    MOMENTS, MOMENTS, st.booleans(),
)  # fmt: skip
def test_an_imputed_moment_stays_inside_what_was_collected(collected, date, time, low, high, preserve):
    values = text(*(moment.isoformat()[:depth] for moment, depth in collected))
    bounds = {"minimum": text(*[low.isoformat()] * len(values)), "maximum": text(*[high.isoformat()] * len(values))}
    result = dates.impute(values, date=date, time=time, highest="M", preserve=preserve, **bounds)
    assert result.seconds.notna().all()
    moments = dates.from_seconds(result.seconds)
    assert all(moment.startswith(value) for moment, value in zip(moments, values, strict=True))
    assert plain(dates.from_days(result.days)) == [moment[:10] for moment in moments]
    whole_days = dates.impute(values, date=date, highest="M", **bounds)
    assert all(day.startswith(value[:10]) for day, value in zip(dates.from_days(whole_days.days), values, strict=True))


# --- real data --------------------------------------------------------------------------------------------------------


def table(path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])


@pytest.mark.parametrize(
    ("source", "collected", "form", "target", "variable"),
    [
        ("ec_raw", "IT.ECSTDAT", ["dd-mmm-yyyy"], "ex", "EXSTDTC"),
        ("ec_raw", "IT.ECENDAT", ["dd-mmm-yyyy"], "ex", "EXENDTC"),
        ("ae_raw", "AEDTCOL", ["mm/dd/yyyy"], "ae", "AEDTC"),
        ("ds_raw", "IT.DSSTDAT", ["mm-dd-yyyy"], "ds", "DSSTDTC"),
    ],
)
def test_the_pilot_has_the_dates_of_its_raw_tables(shared, source, collected, form, target, variable):
    parsed = dates.parse(table(shared / f"pilot/raw/{source}.csv")[collected], form)
    assert parsed.reason.isna().all()
    assert sorted(parsed.values.fillna("")) == sorted(table(shared / f"pilot/sdtm/{target}.csv")[variable].fillna(""))


def test_the_pilot_has_the_partial_dates_and_the_times_of_its_raw_tables(shared):
    events, disposition = table(shared / "pilot/raw/ae_raw.csv"), table(shared / "pilot/raw/ds_raw.csv")
    start = dates.parse(events["IT.AESTDAT"], ["mm/dd/yyyy", "mm/yyyy", "yyyy"]).values.dropna()
    expected = table(shared / "pilot/sdtm/ae.csv")["AESTDTC"].dropna()
    assert sorted(start) == sorted(expected[expected.str.len() != 7])  # the raw table lacks the 15 dates without a day
    day, time = dates.parse(disposition["DSDTCOL"], "mm-dd-yyyy").values, dates.parse(disposition["DSTMCOL"], "HH:MM").values
    assert sorted(dates.combine(day, time).fillna("")) == sorted(table(shared / "pilot/sdtm/ds.csv")["DSDTC"].fillna(""))


@pytest.mark.parametrize(
    ("name", "date", "day"),
    [("ex", "EXSTDTC", "EXSTDY"), ("ex", "EXENDTC", "EXENDY"), ("vs", "VSDTC", "VSDY"), ("ae", "AESTDTC", "AESTDY")],
)
def test_the_study_days_of_the_pilot_are_reproduced(shared, name, date, day):
    data = table(shared / f"pilot/sdtm/{name}.csv")
    reference = data["USUBJID"].map(table(shared / "pilot/sdtm/dm.csv").set_index("USUBJID")["RFSTDTC"])
    computed, expected = dates.study_day(data[date], reference), pd.to_numeric(data[day]).astype("Int64")
    wrong = data[computed.fillna(0) != expected.fillna(0)]
    assert wrong["USUBJID"].tolist() == (["01-716-1063"] if name == "ae" else [])  # published as 366 for the first day


def test_the_imputed_dates_of_adae_are_reproduced(shared):
    adae = table(shared / "pilot/adam/pharmaverseadam/adae.csv")
    start = dates.impute(adae["AESTDTC"], date="first", time="first", highest="M", minimum=adae["TRTSDT"])
    end = dates.impute(adae["AEENDTC"], date="last", time="last", highest="M", maximum=[adae["DTHDT"], adae["EOSDT"]])
    for result, prefix in ((start, "AST"), (end, "AEN")):
        assert plain(dates.from_days(result.days)) == plain(adae[f"{prefix}DT"])
        assert plain(dates.from_seconds(result.seconds)) == plain(adae[f"{prefix}DTM"])
        assert plain(result.date_flag) == plain(adae[f"{prefix}DTF"])
        assert plain(result.time_flag) == plain(adae[f"{prefix}TMF"])
