"""--SEQ."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sdtm_convert.methods.identifiers import sequence


def text(values) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def test_records_are_numbered_within_the_subject_in_the_order_asked_for():
    subject, date, term = text("abaab"), text(["2020-02", "2020-01", "2020-01", None, "2020-01"]), text("xyxxx")
    assert sequence([date, term], [subject]).tolist() == [3, 2, 2, 1, 1]


def test_equal_records_keep_the_order_in_which_they_were_collected():
    assert sequence([text("aaa")], [text("111")]).tolist() == [1, 2, 3]


def test_records_without_subject_are_numbered_too():
    assert sequence([text("ba")], [text([None, None])]).tolist() == [2, 1]


def test_nothing_is_numbered_where_there_is_nothing():
    assert sequence([text([])], [text([])]).dtype == "float64"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 3))), max_size=40))
def test_numbers_are_a_permutation_within_each_subject_in_sort_order(rows):
    subject, key = text(s for s, _ in rows), pd.Series([k for _, k in rows], dtype="float64")
    numbers = sequence([key], [subject]).tolist()
    for one in "abc":
        own = [i for i, (s, _) in enumerate(rows) if s == one]
        ordered = sorted(own, key=lambda i: (rows[i][1] is not None, rows[i][1] or 0, i))
        assert [numbers[i] for i in ordered] == list(range(1, len(own) + 1))
