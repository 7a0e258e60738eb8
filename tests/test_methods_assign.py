"""Values taken, joined, cut, looked up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdtm_convert.methods import assign as methods
from sdtm_convert.model import Codelist, Term

SEVERITY = Codelist("C66769", "AESEV", "Severity", False, (
    Term("MILD", synonyms=("1", "Grade 1")), Term("MODERATE", synonyms=("2", "Grade 1 or 2")), Term("SEVERE", synonyms=("3", "Grade 1"))))
UNITS = Codelist("C71620", "UNIT", "Unit", True, (Term("mg"), Term("Mg"), Term("mL", synonyms=("Milliliter", "cc"))))


def text(*values) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def numbers(*values) -> pd.Series:
    return pd.Series(list(values), dtype="float64")


def listed(column: pd.Series) -> list:
    return column.astype(object).where(column.notna(), None).tolist()


# --- assign -----------------------------------------------------------------------------------------------------------


def test_assign_cuts_blanks_around_the_text_and_keeps_missing():
    assert listed(methods.assign(text(" a b ", None))) == ["a b", None]


def test_assign_leaves_numbers_numbers_where_nothing_is_mapped():
    assert methods.assign(numbers(1, np.nan)).dtype == "float64"
    assert listed(methods.assign(numbers(1, np.nan), map={"1": "ONE"})) == ["ONE", None]


def test_map_is_without_regard_to_case_and_blanks():
    assert listed(methods.assign(text("mild  adverse EVENT", "other"), map={"Mild Adverse Event": "MILD"})) == ["MILD", "other"]


def test_map_comes_before_the_codelist():
    assert listed(methods.assign(text("MILD"), map={"mild": "MODERATE"}, codelist=SEVERITY)) == ["MODERATE"]


def test_map_to_nothing_is_missing():
    assert listed(methods.assign(text("N/A", "x"), map={"N/A": ""})) == [None, "x"]


def test_a_text_becomes_the_term_that_differs_in_case_only():
    assert listed(methods.assign(text("Mild", "sEvErE", "MODERATE"), codelist=SEVERITY)) == ["MILD", "SEVERE", "MODERATE"]


def test_a_text_becomes_the_term_that_it_is_a_synonym_of_but_for_one_of_two():
    assert listed(methods.assign(text("1", "grade 1", "Grade 1 or 2"), codelist=SEVERITY)) == ["MILD", "grade 1", "MODERATE"]


def test_terms_that_differ_in_case_only_are_kept_apart():
    assert listed(methods.assign(text("mg", "Mg", "MG", "CC"), codelist=UNITS)) == ["mg", "Mg", "MG", "mL"]


def test_a_text_outside_the_codelist_stays_as_collected_or_in_the_case_wanted():
    assert listed(methods.assign(text("Unbearable"), codelist=SEVERITY)) == ["Unbearable"]
    assert listed(methods.assign(text("Unbearable", "mild"), codelist=SEVERITY, case="upper")) == ["UNBEARABLE", "MILD"]
    assert listed(methods.assign(text("ABC"), case="lower")) == ["abc"]


def test_assign_of_nothing():
    assert listed(methods.assign(text(), codelist=SEVERITY)) == []
    assert listed(methods.assign(text(None), map={"a": "b"})) == [None]


# --- The others -------------------------------------------------------------------------------------------------------


def test_concatenate_leaves_out_what_is_missing():
    assert listed(methods.concatenate([text("a", None, "c", None), numbers(1, 2, np.nan, np.nan), text("x", "y", "z", None)], "; ")) == \
        ["a; 1; x", "2; y", "c; z", None]


def test_upper():
    assert listed(methods.upper(text(" a é ", None, "ß"))) == ["A É", None, "SS"]


@pytest.mark.parametrize("start, length, found", [(1, 3, "012"), (5, 4, "4567"), (9, None, "89"), (11, 2, None), (1, 99, "0123456789")])
def test_substring_counts_from_one(start, length, found):
    assert listed(methods.substring(text("0123456789", None), start, length)) == [found, None]


def test_part():
    assert listed(methods.part(text("01-701-1015", "01-", "01", None), "-", 2)) == ["701", None, None, None]


def test_number_with_decimal_comma():
    values, [problem] = methods.number(text("1,5", "2", "1.234,5", "x", None), ",")
    assert listed(values) == [1.5, 2.0, None, None, None]
    assert (problem.rule, problem.rows.tolist()) == ("MAP-NUMBER", [False, False, True, True, False])


def test_number_of_numbers():
    assert methods.number(numbers(1.5)).tolist() == [1.5]


def test_lookup_is_without_regard_to_case_and_reports_what_it_does_not_know():
    table = {"WEEK 1": {"N": "1", "D": ""}, "Week  2": {"N": "2"}}
    values, [problem] = methods.lookup(text("week 1", " WEEK 2", "WEEK 3", None), table, "N")
    assert listed(values) == ["1", "2", None, None]
    assert (problem.rule, problem.rows.tolist()) == ("MAP-LOOKUP", [False, False, True, False])
    values, [problem] = methods.lookup(text("week 1", "week 2"), table, "D")
    assert listed(values) == [None, None] and not problem.rows.any()


def test_lookup_of_numbers():
    assert listed(methods.lookup(numbers(1, 2.5), {"1": {"N": "a"}, "2.5": {"N": "b"}}, "N")[0]) == ["a", "b"]


def test_decode_reports_what_has_none():
    codelist = Codelist("", "X", "X", False, (Term("A", decode="Alpha"), Term("B")))
    values, [problem] = methods.decode(text("A ", "B", "C", None), codelist)
    assert listed(values) == ["Alpha", None, None, None]
    assert (problem.rule, problem.rows.tolist()) == ("MAP-DECODE", [False, True, True, False])


def test_flag():
    mask = np.array([True, False])
    assert listed(methods.flag(mask)) == ["Y", None]
    assert listed(methods.flag(mask, "Y", "N")) == ["Y", "N"]
    assert listed(methods.flag(np.array([], dtype=bool), "Y", "N")) == []


def test_text_in_pieces_between_words():
    words = text("alpha beta gamma", "0123456789AB", "short", None, "αβγδε ζ")
    assert listed(methods.text_piece(words, 1, 10)) == ["alpha beta", "0123456789", "short", None, "αβγδε"]
    assert listed(methods.text_piece(words, 2, 10)) == ["gamma", "AB", None, None, "ζ"]
    assert listed(methods.text_piece(words, 1, 5, rest="yes"))[0] == "alpha beta gamma"
