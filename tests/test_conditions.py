"""The condition language: what it says, what it refuses, what it means."""

from __future__ import annotations

import doctest
import pickle
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sdtm_convert import condition_syntax, condition_words, conditions
from sdtm_convert.conditions import (
    And, Comparison, Condition, ConditionError, Membership, Missing, Name, Not, Number, Or, TextTest, describe, evaluate, parse, render,
    to_where_clauses,
)  # fmt: skip
from sdtm_convert.model import RangeCheck

unhurried = settings(deadline=None)  # the machine may be busy
A, B = Name("", "A"), Name("", "B")


@pytest.mark.parametrize("module", [condition_syntax, condition_words, conditions])
def test_the_examples_in_the_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


# --- what is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('A == "Y"', Comparison(A, "==", "Y")),
        ("A != 'Y'", Comparison(A, "!=", "Y")),
        ("A<=-1.5", Comparison(A, "<=", Number("-1.5"))),
        ("A > B", Comparison(A, ">", B)),
        ("A>=1e3", Comparison(A, ">=", Number("1e3"))),
        ("A in ['x', 2]", Membership(A, ("x", Number("2")))),
        ("A NOT IN ['x']", Membership(A, ("x",), negated=True)),
        ("A is missing", Missing(A)),
        ("A is not missing", Missing(A, negated=True)),
        ("A contains 'x'", TextTest(A, "contains", "x")),
        ("A not starts with 'x'", TextTest(A, "starts with", "x", negated=True)),
        ("A Ends\n With 'x'", TextTest(A, "ends with", "x")),
        ("DM.RFSTDTC is missing", Missing(Name("DM", "RFSTDTC"))),
        ("raw.`IT.X` is missing", Missing(Name("raw", "IT.X"))),
        ("`Geburts datum` is missing", Missing(Name("", "Geburts datum"))),
        ("`a``b` is missing", Missing(Name("", "a`b"))),
        ("raw.in is missing", Missing(Name("raw", "in"))),
        ("`in` in ['in']", Membership(Name("", "in"), ("in",))),
        ("_x1 is missing", Missing(Name("", "_x1"))),
        ("A == 'it''s'", Comparison(A, "==", "it's")),
        (r"A == 'it\'s'", Comparison(A, "==", "it's")),
        ('A == "say ""no"""', Comparison(A, "==", 'say "no"')),
        (r'A == "c:\temp\\"', Comparison(A, "==", "c:\\temp\\")),
        ("A == 'and'", Comparison(A, "==", "and")),
        ("A is missing or B is missing and not A == 1",
         Or((Missing(A), And((Missing(B), Not(Comparison(A, "==", Number("1")))))))),
        ("(A is missing or B is missing) and A == 1",
         And((Or((Missing(A), Missing(B))), Comparison(A, "==", Number("1"))))),
        ("not (A is missing or B is missing)", Not(Or((Missing(A), Missing(B))))),
        ("not not A is missing", Not(Not(Missing(A)))),
        ("A is missing and B is missing and A is missing", And((Missing(A), Missing(B), Missing(A)))),
    ],
)  # fmt: skip
def test_a_condition_is_parsed(text, tree):
    assert parse(text) == Condition(tree)


def test_names_are_listed_once_in_the_order_of_their_first_use():
    condition = parse("not (DM.AGE > B or B < `A b`) and raw.X contains 'x' and DM.AGE in [1] and C is missing")
    assert [str(name) for name in condition.names] == ["DM.AGE", "B", "A b", "raw.X", "C"]
    assert [name.quoted for name in condition.names] == [False, False, True, False, False]
    assert [name.position for name in condition.names] == [6, 15, 24, 35, 76]


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("AEYN = 'Y'", 6, "'=='"),
        ("AEYN === 'Y'", 6, "'=='"),
        ("AEYN <> 'Y'", 6, "'!='"),
        ("AEYN => 1", 6, "'>='"),
        ("AEYN =< 1", 6, "'<='"),
        ("A == 1 & B == 2", 8, "'and'"),
        ("A == 1 | B == 2", 8, "'or'"),
        ("!A == 1", 1, "'not'"),
        ("A == 'Y", 6, "closing quote"),
        ("`A == 1", 1, "closing backquote"),
        ("`` == 1", 1, "empty"),
        ("A", 2, "no condition"),
        ("A and B == 1", 3, "no condition"),
        ("A B", 3, "One of"),
        ("A eq 'b'", 3, "One of"),
        ("A is null", 6, "'missing'"),
        ("A == ''", 6, "is missing"),
        ("A in ['']", 7, "is missing"),
        ("A contains ''", 12, "is missing"),
        ("A contains B", 12, ""),
        ("A starts 'x'", 10, ""),
        ("A in (1, 2)", 6, "brackets"),
        ("A in [Y, N]", 7, "quotes"),
        ("A in []", 7, ""),
        ("A in ['a' 'b']", 11, ""),
        ("1 < A", 1, "name comes first"),
        ("A < B < 3", 7, "'and'"),
        ("A == 2020-01-05", 10, "dates in quotes"),
        ("A == 5mg", 6, "quotes"),
        ("IT.AE.X == 1", 6, "one dot"),
        ("Ä == 1", 1, "backquotes"),
        ("in == 3", 1, "backquotes"),
        ("A == in", 6, "backquotes"),
        ("(A == 1", 8, "column 1"),
        ("A == 1)", 7, ""),
        ("not", 4, ""),
        ("A not == 1", 7, ""),
        ("", 1, ""),
        ("  ", 3, ""),
        ("A == 1 and", 11, ""),
        ("(" * 101 + "A is missing" + ")" * 101, 101, ""),
        ("not " * 5000 + "A is missing", 401, ""),
    ],
)
def test_a_wrong_condition_is_refused_with_its_place_and_a_hint(text, position, hint):
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert caught.value.position == position
    assert hint in caught.value.hint
    assert str(caught.value).startswith(f"column {position}: ")


PIECES = ["A", "raw.B", "`x y`", "==", "=", "<", "in", "not", "and", "or", "is", "missing", "contains", "starts", "with", "[", "]", "(",
          ")", ",", "'a'", '"b', "1", "-2.5", ".", " ", "\n", "`", "\\", "ä"]  # fmt: skip


@unhurried
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)))
@example("(" * 10000)
@example("A == '" + "\\'" * 10000)
def test_text_is_parsed_or_refused(text):
    try:
        condition = parse(text)
    except ConditionError as error:
        assert 1 <= error.position <= len(text) + 1
    else:
        assert parse(render(condition)) == condition


# --- what is meant ----------------------------------------------------------------------------------------------------


def text(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def holds(condition: str, **columns: pd.Series) -> list[bool]:
    result = evaluate(parse(condition), lambda name: columns[name.name])
    assert isinstance(result, np.ndarray) and result.dtype == bool
    return result.tolist()


def test_a_comparison_with_a_missing_value_is_false_and_not_turns_it_around():
    values = text("Y", "N", None)
    assert holds("A == 'Y'", A=values) == [True, False, False]
    assert holds("A != 'Y'", A=values) == [False, True, False]
    assert holds("A in ['Y']", A=values) == [True, False, False]
    assert holds("A not in ['Y']", A=values) == [False, True, False]
    assert holds("A not contains 'Y'", A=values) == [False, True, False]
    assert holds("not A == 'Y'", A=values) == [False, True, True]
    assert holds("not A in ['Y']", A=values) == [False, True, True]
    assert holds("A is missing", A=values) == [False, False, True]
    assert holds("A is not missing", A=values) == [True, True, False]
    assert holds("A == A", A=values) == [True, True, False]


def test_texts_compare_by_code_point_and_by_case():
    values = text("a", "B", "ä", "10", "9", "😀", "\uff5e")
    assert holds("A < 'a'", A=values) == [False, True, False, True, True, False, False]
    assert holds("A < '9'", A=values) == [False, False, False, True, False, False, False]
    assert holds("A > '\uff5f'", A=values) == [False, False, False, False, False, True, False]
    assert holds("A == 'b'", A=values) == [False] * 7


def test_a_number_against_text_compares_as_numbers_where_the_text_is_one():
    values = text("10", "9.0", " 5 ", "+7", "1e1", "<5", "1_0", "nan", "0x1", None)
    assert holds("A > 6", A=values) == [True, True, False, True, True] + [False] * 5
    assert holds("A == 10", A=values) == [True, False, False, False, True] + [False] * 5
    assert holds("A != 10", A=values) == [False, True, True, True, False] + [False] * 5
    assert holds("A in [10, '<5']", A=values) == [True, False, False, False, True, True, False, False, False, False]
    assert holds("A not in [10, '9.0']", A=values) == [False, False, True, True] + [False] * 6


@pytest.mark.parametrize("dtype", ["float64", "Float64"])
def test_columns_of_numbers(dtype):
    values = pd.Series([1, 2.5, None], dtype=dtype)
    assert holds("A >= 2.5", A=values) == [False, True, False]
    assert holds("A != 1", A=values) == [False, True, False]
    assert holds("A == '2.50'", A=values) == [False, True, False]
    assert holds("A in ['1', 7]", A=values) == [True, False, False]
    assert holds("A == B", A=values, B=text("1", "x", None)) == [True, False, False]
    assert holds("A < B", A=values, B=pd.Series([2, 2, 2], dtype="Int64")) == [True, False, False]
    assert holds("A is missing", A=values) == [False, False, True]


@pytest.mark.parametrize("condition", ["B > 0 and A == 'Y'", "B > 0 and A in [1, 'Y']", "B > 0 and A contains '1'"])
def test_text_against_a_column_of_numbers_is_refused(condition):
    with pytest.raises(ConditionError, match="A holds numbers") as caught:
        evaluate(parse(condition), {A: pd.Series([1.0]), B: pd.Series([1.0])}.get)
    assert caught.value.position == 11


@pytest.mark.parametrize("condition", ["A == 'Y'", "A != 'Y'", "A in ['Y']", "A not in ['Y']", "A contains 'Y'", "A not contains 'Y'"])
def test_a_column_without_any_value_fits_every_comparison(condition):
    for dtype in ("float64", "object", "str", "Int64"):
        assert holds(condition, A=pd.Series([None, None], dtype=dtype)) == [False, False]
        assert holds(condition, A=pd.Series([], dtype=dtype)) == []


def test_columns_of_categories_and_of_objects_are_read_as_text():
    for values in (pd.Series(["x", None, "10"], dtype="category"), pd.Series(["x", None, "10"], dtype="object")):
        assert holds("A == 'x'", A=values) == [True, False, False]
        assert holds("A not in ['x']", A=values) == [False, False, True]
        assert holds("A not ends with '0'", A=values) == [True, False, False]
        assert holds("A > 9", A=values) == [False, False, True]
        assert holds("A == B", A=values, B=text("x", None, "x")) == [True, False, False]
    assert holds("A > 9", A=pd.Series([1, 10, None], dtype="category")) == [False, True, False]


def test_text_tests_are_literal():
    values = text("a.c", "abc", "%", "a.", None)
    assert holds("A contains '.'", A=values) == [True, False, False, True, False]
    assert holds("A starts with 'a.'", A=values) == [True, False, False, True, False]
    assert holds("A ends with 'c'", A=values) == [True, True, False, False, False]
    assert holds("A not starts with 'a'", A=values) == [False, False, True, False, False]


def test_columns_in_chunks_and_empty_columns():
    values = pd.concat([text("x", None), text("10")], ignore_index=True)
    assert holds("A == 'x' or A > 9", A=values) == [True, False, True]
    assert holds("A == B and A not in ['x']", A=values, B=values) == [False, False, True]
    assert holds("A == B or A > 9 or A is missing", A=values[:0], B=values[:0]) == []


def test_an_error_can_be_sent_between_processes():
    error = pickle.loads(pickle.dumps(ConditionError("wrong.", 3, "Right.")))
    assert (str(error), error.position) == ("column 3: wrong. Right.", 3)


def test_columns_are_matched_by_position_and_asked_for_once():
    asked = []

    def resolve(name: Name) -> pd.Series:
        asked.append(name)
        return pd.Series(["x", "y"], index=[5, 3] if name == A else [3, 5], dtype="str")

    assert evaluate(parse("A == B and A == 'x' or `A` == 'y'"), resolve).tolist() == [True, True]
    assert asked == [A, B]


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="length"):
        holds("A == B", A=text("x"), B=text("x", "y"))


# --- against a second opinion -----------------------------------------------------------------------------------------

TEXTS = ["a", "ab", "B", "10", "9", "1e1", "-2.5", "'", '"', "\\", "\\'", " ", "é", "or"]
NUMBERS = ["10", "9", "-2.5", "0", "+1", "1e1", ".5"]
NAMES = [Name("", "T"), Name("", "U"), Name("DM", "N"), Name("raw", "IT.M x"), Name("", "in")]
texts, numbers = st.sampled_from(TEXTS), st.sampled_from(NUMBERS).map(Number)
names, text_names = st.sampled_from(NAMES), st.sampled_from(NAMES[:2])
tests = st.one_of(
    st.builds(Comparison, names, st.sampled_from(conditions.COMPARISONS), st.one_of(numbers, names)),
    st.builds(Comparison, text_names, st.sampled_from(conditions.COMPARISONS), texts),
    st.builds(Membership, names, st.lists(numbers, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Membership, text_names, st.lists(st.one_of(texts, numbers), min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Missing, names, st.booleans()),
    st.builds(TextTest, text_names, st.sampled_from(conditions.TEXT_TESTS), texts, st.booleans()),
)
trees = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)
text_cells, number_cells = st.one_of(st.none(), texts), st.one_of(st.none(), st.sampled_from([10.0, 9.0, -2.5, 0.0, 1.0]))
rows = st.fixed_dictionaries({name: text_cells if name in NAMES[:2] else number_cells for name in NAMES})


@unhurried
@given(trees)
def test_what_is_written_out_is_read_back(tree):
    condition = Condition(tree)
    assert parse(render(condition)) == condition
    assert describe(condition)


@unhurried
@given(trees, st.lists(rows, max_size=4))
def test_columns_give_what_row_by_row_gives(tree, table):
    columns = {name: pd.Series([row[name] for row in table], dtype="str" if name in NAMES[:2] else "float64") for name in NAMES}
    assert evaluate(Condition(tree), columns.__getitem__).tolist() == [naive(tree, row) for row in table]


def naive(node, row) -> bool:
    """The meaning of a condition for one row, as docs/conditions.md tells it."""
    match node:
        case And(parts):
            return all(naive(part, row) for part in parts)
        case Or(parts):
            return any(naive(part, row) for part in parts)
        case Not(part):
            return not naive(part, row)
        case Missing(name, negated):
            return (row[name] is None) != negated
        case Comparison(left, operator, Name() as right):
            return naive_compare(row[left], operator, row[right])
        case Comparison(left, operator, Number() as right):
            return naive_compare(row[left], operator, right.value)
        case Comparison(left, operator, right):
            return naive_compare(row[left], operator, right)
        case Membership(name, values, negated):
            values = [value.value if isinstance(value, Number) else value for value in values]
            if negated:
                return all(naive_compare(row[name], "!=", value) for value in values)
            return any(naive_compare(row[name], "==", value) for value in values)
        case TextTest(name, test, part, negated):
            value = row[name]
            if value is None:
                return False
            return {"contains": part in value, "starts with": value.startswith(part), "ends with": value.endswith(part)}[test] != negated


def naive_compare(left, operator, right) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        left, right = naive_number(left), naive_number(right)
    if left is None or right is None:
        return False
    order = (left > right) - (left < right)
    return {"==": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def naive_number(value) -> float | None:
    if isinstance(value, str):
        return float(value) if re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", value) else None
    return value


# --- in other forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("EXDOSE > 0 and EXTRT == 'DRUG'", 'EXDOSE is greater than 0 and EXTRT is "DRUG"'),
        ("A == 1 and (B <= 2 or B is missing)", "A equals 1 and (B is at most 2 or B is missing)"),
        ("A != 1 or A not in ['x', 'y']", 'A has a value other than 1 or A has a value other than "x", "y"'),
        ("A in ['x'] and DM.AGE < B", 'A is one of "x" and DM.AGE is less than B'),
        ("not (A is not missing or B >= 2)", "it is not true that (A is not missing or B is at least 2)"),
        ("raw.`IT.X` contains 'x'", 'the collected IT.X contains "x"'),
        ("A not ends with 'x'", 'A has a value that does not end with "x"'),
    ],
)
def test_a_condition_is_put_into_words(condition, words):
    assert describe(parse(condition)) == words


def check(variable: str, comparator: str, *values: str, dataset: str = "") -> RangeCheck:
    return RangeCheck(variable=variable, comparator=comparator, values=values, dataset=dataset)


@pytest.mark.parametrize(
    ("condition", "clauses"),
    [
        ("A == 'x'", [[check("A", "EQ", "x")]]),
        ("A != 'x' and B < 1 and B <= 2.50 and A > '3' and A >= '4'",
         [[check("A", "NE", "x"), check("B", "LT", "1"), check("B", "LE", "2.50"), check("A", "GT", "3"), check("A", "GE", "4")]]),
        ("A in ['x', 'y'] and DM.SEX not in ['U']", [[check("A", "IN", "x", "y"), check("SEX", "NOTIN", "U", dataset="DM")]]),
        ("A == 'x' or B == 1", [[check("A", "EQ", "x")], [check("B", "EQ", "1")]]),
        ("A == 'x' and (B == 1 or B == 2)",
         [[check("A", "EQ", "x"), check("B", "EQ", "1")], [check("A", "EQ", "x"), check("B", "EQ", "2")]]),
        ("not not A == 'x'", [[check("A", "EQ", "x")]]),
        ("A is missing", None),
        ("A == 'x' and B is not missing", None),
        ("A == 'x' or B contains 'y'", None),
        ("A == B", None),
        ("raw.A == 'x'", None),
        ("not A == 'x'", None),
        (" and ".join(["(A == 1 or A == 2)"] * 20), None),
    ],
)  # fmt: skip
def test_a_condition_becomes_where_clauses_where_define_xml_can_say_it(condition, clauses):
    assert to_where_clauses(parse(condition)) == clauses


@unhurried
@given(trees, st.lists(rows, min_size=1, max_size=3))
def test_where_clauses_mean_what_the_condition_means(tree, table):
    clauses = to_where_clauses(Condition(tree))
    if clauses is None:
        return
    by_text = {(name.qualifier, name.name): name for name in NAMES}
    numeric = {number.text for number in map(Number, NUMBERS)}
    for row in table:
        said = any(all(clause_holds(one, row[by_text[one.dataset, one.variable]], numeric) for one in clause) for clause in clauses)
        if not has_texts_like_numbers(tree):
            assert said == naive(tree, row)


def has_texts_like_numbers(node) -> bool:
    """A range check does not tell the text "10" from the number 10, so such conditions cannot be compared here."""
    match node:
        case And(parts) | Or(parts):
            return any(has_texts_like_numbers(part) for part in parts)
        case Not(part):
            return has_texts_like_numbers(part)
        case Comparison(_, _, str() as value):
            return value in NUMBERS
        case Membership(_, values, _):
            return any(isinstance(value, str) and value in NUMBERS for value in values)
    return False


def clause_holds(one: RangeCheck, value, numeric: set[str]) -> bool:
    values = [float(text) if text in numeric else text for text in one.values]
    if one.comparator in ("IN", "NOTIN"):
        return naive(Membership(A, tuple(Number(v) if v in numeric else v for v in one.values), one.comparator == "NOTIN"), {A: value})
    operator = {"EQ": "==", "NE": "!=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}[one.comparator]
    return naive_compare(value, operator, values[0])


def test_the_syntax_is_known_without_loading_tables():
    code = "import sys, sdtm_convert.condition_words; print('pandas' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
