"""Operators: for each one, small columns and the rows for which it holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdtm_convert.rules.column import constant
from sdtm_convert.rules.operators import OPERATORS, ask, without_wildcard
from sdtm_convert.rules.rule import ColumnMissing, Condition, RuleError
from sdtm_convert.rules.table import frame_to_table, with_column

NONE = None
DATES = ["2020-01-10", "2020-01", "2020-01-10T12:00", "10JAN2020", NONE]


def holds(operator: str, columns: dict, value: object = None, name: str = "X", lists: dict | None = None, **options) -> list[int]:
    """The 1-based rows for which the condition holds."""
    table = frame_to_table("AE", pd.DataFrame(columns))
    for id, cell in (lists or {}).items():
        table = with_column(table, id, constant(cell, table.rows))
    answer = ask(Condition(operator, name, value, options), table)
    assert answer.dtype == bool and len(answer) == table.rows
    return (np.flatnonzero(answer) + 1).tolist()


# operator, columns, the rest of the condition, the rows for which it holds
EXAMPLES = [
    ("empty", {"X": ["a", NONE, "", " "]}, {}, [2, 3]),
    ("empty", {"X": [1.0, np.nan]}, {}, [2]),
    ("non_empty", {"X": ["a", NONE, "", " "]}, {}, [1, 4]),
    ("exists", {"X": ["a"]}, {}, [1]),
    ("exists", {"Y": ["a"]}, {"lists": {"$l": ["X", "Z"]}}, [1]),
    ("not_exists", {"Y": ["a", "b"]}, {}, [1, 2]),
    ("equal_to", {"X": ["Y", "N", NONE]}, {"value": "Y"}, [1]),
    ("equal_to", {"X": ["a", "a", NONE, NONE], "Y": ["a", "b", "a", NONE]}, {"value": "Y"}, [1]),
    ("equal_to", {"X": ["Y", "a"], "Y": ["a", "a"]}, {"value": "Y", "value_is_literal": True}, [1]),
    ("equal_to", {"X": [1.0, 2.0]}, {"value": 1}, [1]),
    ("equal_to", {"X": ["1", "2"]}, {"value": 1}, []),
    ("equal_to", {"X": ["1.0", "2"], "Y": [1.0, 2.0]}, {"value": "Y", "type_insensitive": True}, [1, 2]),
    ("equal_to", {"X": [1.4, 1.6], "Y": [1.0, 1.0]}, {"value": "Y", "round_values": True}, [1]),
    ("equal_to", {"X": ["a", "b", "c"], "R": ["Y", "Z", "Q"], "Y": ["a", "-", "c"], "Z": ["-", "b", "c"]},
     {"value": "R", "value_is_reference": True}, [1, 2]),
    ("not_equal_to", {"X": ["Y", "N", NONE]}, {"value": "Y"}, [2, 3]),
    ("not_equal_to", {"X": ["a", "a", NONE, NONE], "Y": ["a", "b", "a", NONE]}, {"value": "Y"}, [2, 3]),
    ("equal_to_case_insensitive", {"X": ["Y", "y", NONE, "n"]}, {"value": "Y"}, [1, 2]),
    ("not_equal_to_case_insensitive", {"X": ["Y", "y", NONE, "n"]}, {"value": "Y"}, [3, 4]),
    ("less_than", {"X": [1.0, 2.0, np.nan]}, {"value": 2}, [1]),
    ("less_than", {"X": ["1", "x", "3"], "Y": ["2", "2", "2"]}, {"value": "Y"}, [1]),
    ("less_than_or_equal_to", {"X": [1.0, 2.0, 3.0]}, {"value": 2}, [1, 2]),
    ("greater_than", {"X": [1.0, 2.0, 3.0]}, {"value": 2}, [3]),
    ("greater_than_or_equal_to", {"X": [1.0, 2.0, 3.0]}, {"value": 2}, [2, 3]),
    ("not_close_to", {"X": [0.3, 0.31, np.nan], "Y": [0.1 + 0.2, 0.3, 1.0]}, {"value": "Y"}, [2]),
    ("not_close_to", {"X": [11.11, 12.0], "Y": [100 / 9, 11.0]}, {"value": "Y", "tolerance": 0.01}, [2]),
    ("is_numeric", {"X": ["1", "1e3", "<1", NONE]}, {}, [1, 2]),
    ("is_not_numeric", {"X": ["1", "1e3", "<1", NONE]}, {}, [3]),
    ("longer_than", {"X": ["abc", "ab", NONE]}, {"value": 2}, [1]),
    ("longer_than", {"X": ["abc", "ab"], "Y": ["ab", "ab"]}, {"value": "Y"}, [1]),
    ("longer_than_or_equal_to", {"X": ["abc", "ab", "a"]}, {"value": 2}, [1, 2]),
    ("shorter_than", {"X": ["abc", "ab", "a"]}, {"value": 2}, [3]),
    ("shorter_than_or_equal_to", {"X": ["abc", "ab", "a"]}, {"value": 2}, [2, 3]),
    ("longer_in_bytes_than", {"X": ["éé", "ab", "abc", NONE]}, {"value": 2}, [1, 3]),
    ("has_equal_length", {"X": ["abc", "ab"]}, {"value": 2}, [2]),
    ("has_not_equal_length", {"X": ["abc", "ab"]}, {"value": 2}, [1]),
    ("contains", {"X": ["CONSENT GIVEN", "consent", NONE]}, {"value": "CONSENT"}, [1]),
    ("contains", {"X": ["a", "b"], "Y": ["b", "c"]}, {"value": "Y"}, [1]),
    ("does_not_contain", {"X": ["CONSENT GIVEN", "consent", NONE]}, {"value": "CONSENT"}, [2, 3]),
    ("contains_case_insensitive", {"X": ["CONSENT GIVEN", "consent", NONE]}, {"value": "Consent"}, [1, 2]),
    ("does_not_contain_case_insensitive", {"X": ["CONSENT", "no", NONE]}, {"value": "Consent"}, [2, 3]),
    ("starts_with", {"X": ["RACE1", "ERACE", NONE]}, {"value": "RACE"}, [1]),
    ("ends_with", {"X": ["AESEQ", "SEQAE", NONE]}, {"value": "SEQ"}, [1]),
    ("matches_regex", {"X": ["12a", "a12", NONE]}, {"value": r"\d+"}, [1]),
    ("matches_regex", {"X": [5.0, 5.5]}, {"value": r"^\d+$"}, [1]),
    ("not_matches_regex", {"X": ["12a", "a12", NONE]}, {"value": r"\d+"}, [2]),
    ("prefix_matches_regex", {"X": ["APDM", "DMAP"]}, {"value": "AP", "prefix": 2}, [1]),
    ("not_prefix_matches_regex", {"X": ["APDM", "DMAP", NONE]}, {"value": "AP", "prefix": 2}, [2]),
    ("suffix_matches_regex", {"X": ["AESEQ", "AETERM"]}, {"value": "SEQ", "suffix": 3}, [1]),
    ("not_suffix_matches_regex", {"X": ["AESEQ", "AETERM", NONE]}, {"value": "SEQ", "suffix": 3}, [2]),
    ("prefix_equal_to", {"X": ["AESEQ", "CMSEQ"]}, {"value": "AE", "prefix": 2}, [1]),
    ("prefix_not_equal_to", {"X": ["AESEQ", "CMSEQ"]}, {"value": "AE", "prefix": 2}, [2]),
    ("suffix_equal_to", {"X": ["AESEQ", "AETERM"]}, {"value": "SEQ", "suffix": 3}, [1]),
    ("suffix_not_equal_to", {"X": ["AESEQ", "AETERM"]}, {"value": "SEQ", "suffix": 3}, [2]),
    ("prefix_is_contained_by", {"X": ["AESEQ", "CMSEQ"]}, {"value": ["AE", "EX"], "prefix": 2}, [1]),
    ("prefix_is_not_contained_by", {"X": ["AESEQ", "CMSEQ"]}, {"value": ["AE", "EX"], "prefix": 2}, [2]),
    ("suffix_is_contained_by", {"X": ["AESEQ", "AETERM"]}, {"value": ["SEQ"], "suffix": 3}, [1]),
    ("suffix_is_not_contained_by", {"X": ["AESEQ", "AETERM"]}, {"value": ["SEQ"], "suffix": 3}, [2]),
    ("equals_string_part", {"X": ["AE", "CM"], "Y": ["SUPPAE", "SUPPAE"]}, {"value": "Y", "regex": ".{4}(..)"}, [1]),
    ("does_not_equal_string_part", {"X": ["AE", "CM"], "Y": ["SUPPAE", "SUPPAE"]}, {"value": "Y", "regex": ".{4}(..)"}, [2]),
    ("split_parts_have_equal_length", {"X": ["ab/cd", "ab/c", "ab", NONE]}, {}, [1, 3, 4]),
    ("split_parts_have_unequal_length", {"X": ["ab/cd", "ab/c", "ab", NONE]}, {}, [2]),
    ("is_contained_by", {"X": ["Y", "N", "U", NONE]}, {"value": ["Y", "N"]}, [1, 2]),
    ("is_contained_by", {"X": ["a", "b"], "Y": ["b", "c"]}, {"value": "Y"}, [2]),
    ("is_contained_by", {"X": ["a", "b", NONE]}, {"value": "$l", "lists": {"$l": ["a"]}}, [1]),
    ("is_not_contained_by", {"X": ["Y", "N", "U", NONE]}, {"value": ["Y", "N"]}, [3, 4]),
    ("is_contained_by_case_insensitive", {"X": ["y", "u", NONE]}, {"value": ["Y", "N"]}, [1]),
    ("is_not_contained_by_case_insensitive", {"X": ["y", "u", NONE]}, {"value": ["Y", "N"]}, [2, 3]),
    ("contains_all", {"X": ["a", "b"]}, {"value": ["$l"], "lists": {"$l": ["a", "b"]}}, [1]),
    ("contains_all", {"Y": ["-"]}, {"name": "$k", "value": ["a"], "lists": {"$k": ["a", "b"]}}, [1]),
    ("not_contains_all", {"X": ["a", "b"]}, {"value": ["$l"], "lists": {"$l": ["a", "c"]}}, [1]),
    ("shares_at_least_one_element_with", {"Y": ["-"]}, {"name": "$k", "value": "$l", "lists": {"$k": ["a", "b"], "$l": ["b"]}}, [1]),
    ("shares_exactly_one_element_with", {"Y": ["-"]}, {"name": "$k", "value": "$l", "lists": {"$k": ["a", "b"], "$l": ["a", "b"]}}, []),
    ("shares_no_elements_with", {"Y": ["-"]}, {"name": "$k", "value": "$l", "lists": {"$k": ["a"], "$l": ["b"]}}, [1]),
    ("is_ordered_subset_of", {"Y": ["-"]}, {"name": "$k", "value": "$l", "lists": {"$k": ["a", "c"], "$l": ["a", "b", "c"]}}, [1]),
    ("is_not_ordered_subset_of", {"Y": ["-"]}, {"name": "$k", "value": "$l", "lists": {"$k": ["c", "a"], "$l": ["a", "b", "c"]}}, [1]),
    ("invalid_date", {"X": DATES}, {}, [4, 5]),
    ("is_complete_date", {"X": DATES}, {}, [1, 3]),
    ("is_incomplete_date", {"X": DATES}, {}, [2, 4, 5]),
    ("invalid_duration", {"X": ["P1D", "-P1D", "1 day", NONE]}, {}, [3, 4]),
    ("invalid_duration", {"X": ["P1D", "-P1D", "1 day", NONE]}, {"negative": False}, [2, 3, 4]),
    ("date_equal_to", {"X": DATES}, {"value": "2020-01-10"}, [1]),
    ("date_not_equal_to", {"X": DATES}, {"value": "2020-01-10"}, [2, 3]),
    ("date_less_than", {"X": DATES}, {"value": "2020-01-11"}, [1, 3]),
    ("date_less_than_or_equal_to", {"X": DATES}, {"value": "2020-01-10"}, [1, 2, 3]),
    ("date_greater_than", {"X": DATES}, {"value": "2020-01-09"}, [1, 3]),
    ("date_greater_than_or_equal_to", {"X": DATES}, {"value": "2020-01-11"}, [2]),
    ("is_unique_set", {"X": [1.0, 1.0, 2.0], "U": ["A", "B", "B"]}, {"value": ["U", "ABSENT"]}, [1, 2, 3]),
    ("is_unique_set", {"X": ["a1", "a2", "b1"]}, {"value": [], "regex": "^[a-z]"}, [3]),
    ("is_not_unique_set", {"X": [1.0, 1.0, 2.0, np.nan, np.nan]}, {"value": "ABSENT"}, [1, 2, 4, 5]),
    ("is_not_unique_set", {"X": [1.0, 1.0], "U": ["A", "A"], "V": ["p", "q"]}, {"value": ["U", "$l"], "lists": {"$l": ["V"]}}, []),
    ("is_not_unique_relationship", {"X": ["a", "a", "b", "c", "c"], "Y": ["1", "2", "3", "4", NONE]}, {"value": "Y"}, [1, 2, 4, 5]),
    ("is_not_unique_relationship", {"X": ["a", "b", NONE, NONE], "Y": ["1", "1", "5", "6"]}, {"value": "Y"}, [1, 2]),
    ("is_unique_relationship", {"X": ["a", "a", "b"], "Y": ["1", "2", "3"]}, {"value": "Y"}, [3]),
    ("is_inconsistent_across_dataset", {"X": ["mg", "mg", "g", "cm", "in"], "T": ["A", "A", "A", "B", "B"]}, {"value": "T"}, [3, 4, 5]),
    ("is_inconsistent_across_dataset", {"X": ["mg", "mg", NONE], "T": ["A", "A", "A"]}, {"value": ["T", "ABSENT"]}, [3]),
    ("present_on_multiple_rows_within", {"X": ["R1", "R1", "R2"], "U": ["A", "A", "A"]}, {"within": "U"}, [1, 2]),
    ("present_on_multiple_rows_within", {"X": ["R1", "R1", "R2"], "U": ["A", "A", "A"]}, {"within": "U", "value": 2}, []),
    ("not_present_on_multiple_rows_within", {"X": ["R1", "R1", "R2"], "U": ["A", "B", "A"]}, {"within": "U"}, [1, 2, 3]),
    ("empty_within_except_last_row", {"X": ["a", NONE, NONE, NONE], "U": ["A", "A", "A", "B"], "O": [3.0, 1.0, 2.0, 1.0]},
     {"value": "U", "ordering": "O"}, [2, 3]),
    ("non_empty_within_except_last_row", {"X": ["a", "b", NONE], "U": ["A", "A", "A"], "O": [2.0, 1.0, 3.0]},
     {"value": "U", "ordering": "O"}, [1, 2]),
    ("has_next_corresponding_record", {"X": ["2", "9", "1"], "S": ["1", "2", "0"], "U": ["A", "A", "A"], "O": [2.0, 3.0, 1.0]},
     {"value": "S", "within": "U", "ordering": "O"}, [1, 2, 3]),
    ("does_not_have_next_corresponding_record", {"X": ["7", "9", "1"], "S": ["1", "2", "0"], "U": ["A", "A", "A"], "O": [2.0, 3.0, 1.0]},
     {"value": "S", "within": "U", "ordering": "O"}, [1]),
    ("is_ordered_by", {"X": [1.0, 3.0, 2.0]}, {}, [1]),
    ("is_ordered_by", {"X": [3.0, 2.0, 1.0]}, {"order": "dsc"}, [1, 2, 3]),
    ("is_not_ordered_by", {"X": [1.0, 3.0, 2.0]}, {}, [2, 3]),
    ("is_ordered_set", {"X": [1.0, 1.0, 2.0], "U": ["A", "B", "A"]}, {"value": "U"}, [1, 2, 3]),
    ("is_not_ordered_set", {"X": [2.0, 1.0, 1.0], "U": ["A", "B", "A"]}, {"value": "U"}, [1, 2, 3]),
    ("target_is_sorted_by", {"X": [1.0, 2.0, 3.0], "U": ["A", "A", "A"], "D": ["2020-01-01", "2020-01-02", "2020-01-03"]},
     {"within": "U", "value": [{"name": "D", "sort_order": "asc"}]}, [1, 2, 3]),
    ("target_is_not_sorted_by", {"X": [1.0, 2.0, 3.0], "U": ["A", "A", "A"], "D": ["2020-01-02", "2020-01-01", "2020-01-03"]},
     {"within": "U", "value": [{"name": "D", "sort_order": "asc"}]}, [1, 2]),
    ("target_is_not_sorted_by", {"X": [1.0, 2.0], "U": ["A", "A"], "D": [NONE, "2020-01-01"]},
     {"within": "U", "value": [{"name": "D", "sort_order": "asc", "null_position": "last"}]}, [1]),
    ("target_is_not_sorted_by", {"X": [1.0, 2.0], "U": ["A", "A"], "D": ["2020-01", "2020-01-05"]},
     {"within": "U", "value": [{"name": "D", "sort_order": "asc"}]}, [1, 2]),
    ("is_title_case", {"X": ["Adverse Events", "Trial Summary of Arms", "adverse events", "DNA Tests", NONE, "Trial Of Arms"]}, {}, [1, 2, 4, 5]),
    ("is_not_title_case", {"X": ["Adverse Events", "adverse Events", "Questionnaires and tests"]}, {}, [2, 3]),
    ("has_different_values", {"X": ["a", "b"]}, {}, [1, 2]),
    ("has_same_values", {"X": ["a", "a"]}, {}, [1, 2]),
    ("inconsistent_enumerated_columns", {"X": ["a", NONE, "a"], "X1": ["b", "b", NONE], "X2": [NONE, NONE, "c"]}, {}, [2, 3]),
]


@pytest.mark.parametrize(("operator", "columns", "condition", "rows"), EXAMPLES, ids=lambda part: part if isinstance(part, str) else "")
def test_operator(operator, columns, condition, rows):
    assert holds(operator, columns, **condition) == rows


def test_values_that_several_datasets_have():
    counts = {"$counts": {"a": 2, "b": 1}}
    assert holds("value_has_multiple_references", {"X": ["a", "b", "c", NONE]}, "$counts", lists=counts) == [1]
    assert holds("value_does_not_have_multiple_references", {"X": ["a", "b"]}, "$counts", lists=counts) == [2]


def test_core_compatible_answers_in_the_order_of_the_groups():
    table = frame_to_table("AE", pd.DataFrame({"X": ["a", "b", "c"], "S": ["1", "2", "0"], "U": ["A"] * 3, "O": [2.0, 3.0, 1.0]}))
    following = Condition("does_not_have_next_corresponding_record", "X", "S", {"within": "U", "ordering": "O"})
    assert ask(following, table).tolist() == [True, False, True]
    assert ask(following, table, core_compatible=True).tolist() == [True, True, False]


def test_core_compatible_finds_no_single_variable_unique():
    table = frame_to_table("AE", pd.DataFrame({"X": ["a", "a", "b"], "Y": ["p", "p", "p"]}))
    unique = [Condition("is_unique_set", "X", value) for value in ("ABSENT", "Y")]
    assert [ask(condition, table, core_compatible=True).tolist() for condition in unique] == [[False] * 3, [False, False, True]]


def test_every_operator_has_an_example_and_a_docstring():
    counted = {"value_has_multiple_references", "value_does_not_have_multiple_references"}
    assert {example[0] for example in EXAMPLES} | counted == set(OPERATORS)
    assert all(function.__doc__ for function in OPERATORS.values())


@pytest.mark.parametrize("operator", ["empty", "equal_to", "less_than", "is_contained_by", "is_complete_date", "is_not_unique_relationship"])
def test_condition_on_a_column_that_is_not_there_says_so(operator):
    with pytest.raises(ColumnMissing) as missing:
        holds(operator, {"Y": ["a"]}, value="Y")
    assert missing.value.name == "X"


@pytest.mark.parametrize(
    ("operator", "columns", "condition"),
    [
        ("less_than", {"X": [1.0]}, {"value": "ABSENT"}),
        ("longer_than", {"X": [1.0]}, {"value": 2}),
        ("prefix_equal_to", {"X": ["AE", NONE]}, {"value": "AE", "prefix": 2}),
        ("is_contained_by", {"X": ["a"]}, {"value": "$absent"}),
        ("is_inconsistent_across_dataset", {"X": ["a"]}, {"value": "ABSENT"}),
        ("is_ordered_by", {"X": ["a"]}, {"order": "up"}),
        ("starts_with", {"X": ["a"]}, {"value": 5}),
    ],
)
def test_what_cannot_be_answered_is_an_error_not_silence(operator, columns, condition):
    with pytest.raises(RuleError):
        holds(operator, columns, **condition)


def test_missing_text_and_empty_text_are_one():
    for blank in (None, "", np.nan):
        assert holds("not_matches_regex", {"X": ["ok", blank]}, value="ok") == []
        assert holds("is_not_unique_set", {"X": [blank, None, "a"]}, value="ABSENT") == [1, 2]


def test_wildcard_stands_for_the_domain_of_the_first_record():
    table = frame_to_table("AE", pd.DataFrame({"DOMAIN": ["AE"], "AETERM": ["x"]}))
    assert ask(Condition("equal_to", "--TERM", "x"), table).tolist() == [True]
    assert ask(Condition("exists", "--SEQ"), table).tolist() == [False]
    assert without_wildcard([{"name": "--STDTC"}], "AE") == [{"name": "AESTDTC"}]


def test_associated_persons_take_the_prefix_without_ap():
    table = frame_to_table("APMH", pd.DataFrame({"DOMAIN": ["APMH"], "APID": ["1"], "MHTERM": ["x"]}))
    assert ask(Condition("non_empty", "--TERM"), table).tolist() == [True]
