"""Split datasets: what rules of each type say of the parts of one domain, and how it is reported."""

from __future__ import annotations

import pandas as pd

from sdtm_convert.rules.engine import run
from sdtm_convert.rules.rule import Condition, Group, Match, Operation, Rule, Scope
from sdtm_convert.rules.study import make_study
from sdtm_convert.rules_test import report

QSCG = pd.DataFrame({"DOMAIN": "QS", "USUBJID": ["A"], "QSSEQ": [1.0], "QSSTDTC": ["2020"]})
QSPG = pd.DataFrame({"DOMAIN": "QS", "USUBJID": ["A", "B"], "QSSEQ": [2.0, 3.0], "NOTE": ["x", "y"]})
PARTS = {"QSCG": QSCG, "QSPG": QSPG}


def condition(operator: str, name: str, value: object = None, **options) -> Condition:
    return Condition(operator, name, value, options)


def reported(check, rule_type: str = "Record Data", datasets=PARTS, **parts) -> list[tuple[str, str, str, str]]:
    rule = Rule("R", rule_type, check, "m", **parts)
    return [row for outcome in run([rule], make_study(datasets)) for row in report(rule, outcome)]


def test_a_finding_on_the_whole_names_every_part_that_it_is_about():
    assert reported(condition("exists", "--STDTC"), sensitivity="Dataset") == [("QSCG, QSPG", "", "QSSTDTC", "2020")]
    assert reported(condition("non_empty", "--STDTC"), sensitivity="Dataset") == [("QSCG", "", "QSSTDTC", "2020")]


def test_variables_and_datasets_are_counted_in_each_part():
    assert reported(condition("equal_to", "variable_name", "NOTE"), "Variable Metadata Check") == [("QSPG", "4", "variable_name", "NOTE")]
    assert reported(condition("non_empty", "dataset_name"), "Dataset Metadata Check") == [
        ("QSCG", "1", "dataset_name", "QSCG"), ("QSPG", "1", "dataset_name", "QSPG")]


def test_variables_of_a_split_dataset_are_those_of_its_first_part():
    listed = Operation("$names", "get_column_order_from_dataset")
    assert reported(condition("equal_to", "variable_name", "NOTE"), "Variable Metadata Check", operations=(listed,),
                    output_variables=("$names",)) == [("QSPG", "4", "$names", "['DOMAIN', 'USUBJID', 'QSSEQ', 'QSSTDTC']")]


def test_one_verdict_on_a_column_is_given_at_its_first_row():
    assert reported(condition("not_contains_all", "variable_name", ["QSTESTCD"]), "Variable Metadata Check") == [
        ("QSCG", "1", "variable_name", "DOMAIN")]


def test_of_a_split_dataset_the_last_part_counts_as_having_a_variable():
    counted = Operation("$n", "variable_count", "--STDTC")
    assert reported(condition("equal_to", "$n", 0), operations=(counted,), sensitivity="Dataset") == [("QSCG, QSPG", "", "$n", "0")]


def test_a_rule_on_which_datasets_there_are_asks_operations_of_the_dataset_in_scope():
    ex = pd.DataFrame({"DOMAIN": ["EX"], "USUBJID": ["A"], "EXVAMT": [5.0]})
    ec = ex.assign(DOMAIN="EC")
    parts = {
        "check": Group("all", (condition("equal_to", "$has", True), condition("exists", "EC"))), "rule_type": "Domain Presence Check",
        "scope": Scope(domains=("EX",)), "matches": (Match("EX", (("USUBJID", "USUBJID"),)),), "sensitivity": "Dataset",
        "operations": (Operation("$has", "variable_exists", "EXVAMT"),), "output_variables": ("$has",),
    }
    assert reported(**parts, datasets={"EX": ex, "EC": ec}) == [("STUDY", "", "$has", "True")]
    assert reported(**parts, datasets={"EX": ex.head(0), "EC": ec}) == [("STUDY", "", "$has", "True")]
    assert reported(**parts, datasets={"EX": ex.drop(columns="EXVAMT"), "EC": ec}) == []
    assert reported(**parts, datasets={"EX": ex}) == []
