"""Dates and times as the mapping uses them; the reading of single formats is tested in test_dates.py."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdtm_convert.dates import from_days
from sdtm_convert.methods import timing as methods
from sdtm_convert.registry import Related


def text(*values) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def numbers(*values) -> pd.Series:
    return pd.Series(list(values), dtype="float64")


def listed(column: pd.Series) -> list:
    return column.astype(object).where(column.notna(), None).tolist()


def reported(problems) -> list[tuple[str, list[int]]]:
    return [(problem.rule, np.flatnonzero(problem.rows).tolist()) for problem in problems if problem.rows.any()]


# --- iso_datetime -----------------------------------------------------------------------------------------------------


def test_several_formats():
    values, problems = methods.iso_datetime([text("03/04/2020", "04/2020", "2020", None)], ["mm/dd/yyyy", "mm/yyyy", "yyyy"])
    assert listed(values) == ["2020-03-04", "2020-04", "2020", None]
    assert reported(problems) == []


def test_date_and_time():
    values, problems = methods.iso_datetime([text("05-MAR-2020", "05-MAR-2020", "UN-MAR-2020", None, None), text("14:05", None, "14:05", "14:05", None)],
                                            ["dd-mmm-yyyy", "HH:MM"])
    assert listed(values) == ["2020-03-05T14:05", "2020-03-05", "2020-03--T14:05", "-----T14:05", None]
    assert reported(problems) == []


def test_unknown_parts():
    values, problems = methods.iso_datetime([text("UN-UNK-2020", "un-Mar-2020", "UNK")], ["dd-mmm-yyyy"])
    assert listed(values) == ["2020", "2020-03", None]
    assert reported(problems) == []
    values, _ = methods.iso_datetime([text("??-MAR-2020")], ["dd-mmm-yyyy"], unknown=["??"])
    assert listed(values) == ["2020-03"]


def test_what_cannot_be_read_is_missing_and_reported():
    values, problems = methods.iso_datetime([text("soon", "31-APR-2020", "05-MAR-2020")], ["dd-mmm-yyyy"])
    assert listed(values) == [None, None, "2020-03-05"]
    assert reported(problems) == [("MAP-DATE-UNREADABLE", [0]), ("MAP-DATE-IMPOSSIBLE", [1])]


def test_two_formats_that_read_a_date_differently():
    values, problems = methods.iso_datetime([text("03/04/2020", "13/04/2020")], ["mm/dd/yyyy", "dd/mm/yyyy"])
    assert listed(values) == ["2020-03-04", "2020-04-13"]
    assert reported(problems) == [("MAP-DATE-AMBIGUOUS", [0])]


def test_a_time_beside_a_date_that_cannot_be_read_is_not_a_date():
    values, problems = methods.iso_datetime([text("soon", "31-APR-2020"), text("14:05", "14:05")], ["dd-mmm-yyyy", "HH:MM"])
    assert listed(values) == [None, None]
    assert reported(problems) == [("MAP-DATE-UNREADABLE", [0]), ("MAP-DATE-IMPOSSIBLE", [1])]


def test_a_date_beside_a_time_that_cannot_be_read_stays():
    values, problems = methods.iso_datetime([text("05-MAR-2020"), text("noon")], ["dd-mmm-yyyy", "HH:MM"])
    assert listed(values) == ["2020-03-05"]
    assert reported(problems) == [("MAP-DATE-UNREADABLE", [0])]


def test_parts_in_columns_of_their_own_that_make_no_date_are_reported():
    values, problems = methods.iso_datetime([text("--04", "--03"), text("----31", "----31"), text("2020", "2020")], ["iso"])
    assert listed(values) == [None, "2020-03-31"]
    assert reported(problems) == [("MAP-DATE-IMPOSSIBLE", [0])]


# --- Days -------------------------------------------------------------------------------------------------------------


def test_there_is_no_day_zero():
    dates, reference = text("2020-01-02", "2020-01-01T23:59", "2019-12-31", "2020-01", None, "2020-01-01"), text(*["2020-01-01"] * 5, "2020")
    assert listed(methods.study_day(dates, reference)) == [2.0, 1.0, -1.0, None, None, None]


def test_study_day_of_sas_dates():
    assert listed(methods.study_day(numbers(21915, 21914, np.nan), text("2020-01-01", "2020-01-01", "2020-01-01"))) == [1.0, -1.0, None]


def test_date_part():
    assert listed(methods.date_part(text("2020-01-01T10:00", "2020-01", "2020---05T10", "-----T14:00", None))) == ["2020-01-01", "2020-01", "2020---05", None, None]


def test_sas_dates():
    assert listed(methods.sas_date(text("1960-01-02T10:00", "1960-01", None))) == [1.0, None, None]
    assert listed(methods.sas_datetime(text("1960-01-01T00:01", "1960-01-01", "1960-01-01T00:01:30.5"))) == [60.0, None, 90.5]


def test_days_between():
    assert listed(methods.days_between(text("2020-01-01", "2020-01", "2020-01-05"), text("2020-01-03T10:00", "2020-01-03", "2020-01-01"), 1)) == [3.0, None, -3.0]
    assert listed(methods.days_between(numbers(1), numbers(5))) == [4.0]


def test_plus_days():
    assert listed(methods.plus_days(text("2020-02-28T10:00", "2020-02", None), 2)) == ["2020-03-01", None, None]
    assert listed(methods.plus_days(text("2020-01-01"), -1)) == ["2019-12-31"]


# --- Imputation -------------------------------------------------------------------------------------------------------

PARTIAL = ("2020-02-10", "2020-02", "2020", None)


def iso(column: pd.Series) -> list:
    return listed(from_days(column))


@pytest.mark.parametrize("date, highest, imputed", [
    ("first", "M", ["2020-02-10", "2020-02-01", "2020-01-01", None]), ("last", "M", ["2020-02-10", "2020-02-29", "2020-12-31", None]),
    ("mid", "M", ["2020-02-10", "2020-02-15", "2020-06-30", None]), ("06-30", "M", ["2020-02-10", "2020-02-29", "2020-06-30", None]),
    ("first", "D", ["2020-02-10", "2020-02-01", None, None])])
def test_impute_date(date, highest, imputed):
    assert iso(methods.impute_date(text(*PARTIAL), date, highest)) == imputed


def test_a_bound_acts_only_within_what_the_partial_date_allows():
    bound = text("2020-02-20", "2020-02-20", "2020-02-20", "2020-02-20")
    assert iso(methods.impute_date(text(*PARTIAL), "first", "M", minimum=bound)) == ["2020-02-10", "2020-02-20", "2020-02-20", None]
    assert iso(methods.impute_date(text("2020-03"), "first", "M", minimum=text("2020-02-20"))) == ["2020-03-01"]
    assert iso(methods.impute_date(text("2020-02"), "last", "M", maximum=numbers(21965))) == ["2020-02-20"]


def test_imputation_flags():
    assert listed(methods.date_imputation_flag(text(*PARTIAL), "first", "M")) == [None, "D", "M", None]
    assert listed(methods.date_imputation_flag(text(*PARTIAL), "first", "D")) == [None, "D", None, None]
    assert listed(methods.time_imputation_flag(text("2020-01-01T10:00:00", "2020-01-01T10:00", "2020-01-01T10", "2020-01-01"))) == [None, "S", "M", "H"]


def test_the_flag_of_an_imputed_year():
    dates, bound = text("--02-10", "2020", "2020-01-01"), text("2020-02-20", "2020-02-20", "2020-02-20")
    assert listed(methods.date_imputation_flag(dates, "first", "Y", minimum=bound)) == ["Y", "M", None]
    assert iso(methods.impute_date(dates, "first", "Y", minimum=bound)) == ["2020-02-20", "2020-02-20", "2020-01-01"]


def test_impute_datetime():
    imputed = methods.impute_datetime(text("1960-01-01T00:01", "1960-01-01", "1960-01"), date="last", time="last")
    assert listed(imputed) == [119.0, 86399.0, 31 * 86400.0 - 1]


# --- Epochs -----------------------------------------------------------------------------------------------------------


def related(values: list, groups: list, rows: list, size: int) -> Related:
    return Related(text(*values), (), np.array(groups, dtype=np.int64), np.array(rows, dtype=np.int64), size)


def epochs(dates: list, rows: list) -> list:
    groups = [0, 0, 0, 1]
    return listed(methods.epoch(text(*dates), related(["2020-01-10", "2020-01-01", "2020-01", "2020-01-05T10:00"], groups, rows, 2),
                                related(["TREATMENT", "SCREENING", "LOST", "TREATMENT"], groups, rows, 2)))


def test_the_epoch_is_that_of_the_last_start_on_or_before():
    assert epochs(["2020-01-01", "2020-01-09", "2020-01-10", "2019-12-31", "2020-01", None], [0] * 6) == ["SCREENING", "SCREENING", "TREATMENT", None, None, None]


def test_times_count_where_both_have_one():
    assert epochs(["2020-01-05T09:00", "2020-01-05T10:00", "2020-01-05"], [1] * 3) == [None, "TREATMENT", "TREATMENT"]


def test_a_subject_without_elements_or_unknown_has_no_epoch():
    assert listed(methods.epoch(text("2020-01-01", "2020-01-01"), related([], [], [0, -1], 1), related([], [], [0, -1], 1))) == [None, None]
