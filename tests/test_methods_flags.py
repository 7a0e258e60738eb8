"""Flags on one record among many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tiny_study import build_study

from sdtm_convert.methods import flags as methods


def text(*values) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def flagged(column: pd.Series) -> list[int]:
    assert set(column.dropna()) <= {"Y"} and column.dtype == "str"
    return np.flatnonzero(column.notna()).tolist()


def last_before(dates: list, references: list | str, within: str | None = None, **options) -> tuple[list[int], list[int]]:
    """(rows flagged, rows reported as tied)."""
    references = [references] * len(dates) if isinstance(references, str) else references
    values, [tie] = methods.last_before(text(*dates), text(*references), [text(*(within or "a" * len(dates)))], **options)
    assert tie.rule == "MAP-TIE"
    return flagged(values), np.flatnonzero(tie.rows).tolist()


# --- last_before ------------------------------------------------------------------------------------------------------


def test_the_last_record_on_or_before_the_reference():
    assert last_before(["2020-01-01", "2020-01-03", "2020-01-05", None], "2020-01-04") == ([1], [])


def test_for_each_group_its_own():
    assert last_before(["2020-01-01", "2020-01-02", "2020-01-01", "2020-02-01"], "2020-01-04", within="aabb") == ([1, 2], [])


def test_an_untimed_record_of_the_same_day_counts_as_before_unless_strictly():
    assert last_before(["2020-01-01", "2020-01-04"], "2020-01-04T10:00") == ([1], [])
    assert last_before(["2020-01-01", "2020-01-04"], "2020-01-04T10:00", strictly="yes") == ([0], [])
    assert last_before(["2020-01-01", "2020-01-04T08:00"], "2020-01-04") == ([1], [])


def test_times_decide_on_the_same_day():
    assert last_before(["2020-01-04T08:00", "2020-01-04T09:30", "2020-01-04T10:30"], "2020-01-04T10:00") == ([1], [])
    assert last_before(["2020-01-04T08:00", "2020-01-04T10:00"], "2020-01-04T10:00", strictly="yes") == ([0], [])


def test_a_partial_date_is_passed_over():
    assert last_before(["2020-01-01", "2020-01", "2020"], "2020-01-20") == ([0], [])
    assert last_before(["2020-01-01", "2020-01-02"], "2020-01") == ([], [])


def test_a_record_without_result_is_passed_over():
    assert last_before(["2020-01-01", "2020-01-02"], "2020-01-04", result=text("5", None)) == ([0], [])


def test_no_reference_no_flag():
    assert last_before(["2020-01-01"], [None]) == ([], [])


def test_ties_go_to_the_record_collected_last_and_are_reported():
    assert last_before(["2020-01-02", "2020-01-01", "2020-01-02", "2020-01-02"], "2020-01-04") == ([3], [0, 2])


def test_an_order_breaks_ties():
    assert last_before(["2020-01-02", "2020-01-02"], "2020-01-04", order=[pd.Series([2.0, 1.0])]) == ([0], [])
    assert last_before(["2020-01-02", "2020-01-02", "2020-01-02"], "2020-01-04", order=[pd.Series([2.0, 1.0, 2.0])]) == ([2], [0])


def test_sas_dates():
    values, _ = methods.last_before(pd.Series([100.0, 102.0, 104.0, np.nan]), pd.Series([103.0] * 4), [text(*"aaaa")])
    assert flagged(values) == [1]


def test_no_records_at_all():
    assert last_before([], []) == ([], [])


# --- first_record, last_record ----------------------------------------------------------------------------------------


def test_first_and_last_record():
    order, within = [text("b", "a", "c", "a")], [text(*"xxxy")]
    assert flagged(methods.first_record(order, within)) == [1, 3]
    assert flagged(methods.last_record(order, within)) == [2, 3]


def test_of_equal_records_the_first_collected_is_first_and_the_last_collected_last():
    order, within = [text("a", "a", "a")], [text(*"xxx")]
    assert flagged(methods.first_record(order, within)) == [0]
    assert flagged(methods.last_record(order, within)) == [2]


def test_missing_sorts_first():
    order, within = [pd.Series([np.nan, 1.0])], [text(*"xx")]
    assert flagged(methods.first_record(order, within)) == [0]
    assert flagged(methods.last_record(order, within)) == [1]


@pytest.mark.parametrize("method", [methods.first_record, methods.last_record])
def test_of_nothing(method):
    assert flagged(method([text()], [text()])) == []


def test_with_where_among_the_records_that_meet_it(tmp_path):
    built = build_study(tmp_path, {
        "AE": "from: t\nkeys: [AESTDTC]\nvariables:\n  AETERM: {assign: T}\n  AESTDTC: {assign: D}\n  AESER: {assign: S}\n",
        "ADAE": "from: AE\nkeys: [AESTDTC]\nvariables:\n  AESTDTC: {assign: AESTDTC}\n  AOCC01FL: {first_record: [AESTDTC], within: USUBJID, where: AESER == 'Y', label: x}\n"},
        {"t": "SUBJ,T,D,S\n1,a,2020-01-01,N\n1,b,2020-01-03,Y\n1,c,2020-01-02,Y\n2,d,2020-01-04,N\n"})
    assert built.values("ADAE", "AOCC01FL") == [None, "Y", None, None]
