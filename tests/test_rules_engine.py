"""The engine: what becomes of a rule on a dataset, and never silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdtm_convert.model import Standard, StandardDataset, StandardVariable
from sdtm_convert.rules.engine import holds, output_variables, run
from sdtm_convert.rules.rule import ColumnMissing, Condition, Group, Match, Operation, Rule, Scope
from sdtm_convert.rules.study import make_study
from sdtm_convert.rules.table import frame_to_table

AE = pd.DataFrame({"DOMAIN": "AE", "USUBJID": ["A", "B"], "AESEQ": [1.0, 2.0], "AETERM": ["x", None]})
STANDARD = Standard("SDTMIG", "3.4", {"AE": StandardDataset("AE", "Adverse Events", "EVENTS", "", {
    "AETERM": StandardVariable("AETERM", "Reported Term", "Char", "Topic", "Req", 1)})})


def condition(operator: str, name: str, value: object = None, **options) -> Condition:
    return Condition(operator, name, value, options)


def rule(check, rule_type: str = "Record Data", **parts) -> Rule:
    return Rule("R", rule_type, check, "m", **parts)


def outcomes(rule: Rule, standard=STANDARD, **datasets) -> list[tuple[str, str, str]]:
    return [(o.dataset, o.status, o.reason) for o in run([rule], make_study(datasets or {"AE": AE}, standard))]


EMPTY_TERM = condition("empty", "AETERM")


def test_passed_and_findings():
    assert outcomes(rule(EMPTY_TERM)) == [("AE", "findings", "")]
    assert outcomes(rule(condition("empty", "USUBJID"))) == [("AE", "passed", "")]


def test_findings_are_rows():
    outcome, = run([rule(EMPTY_TERM)], make_study({"AE": AE}, STANDARD))
    assert outcome.hits[0].rows.tolist() == [1]


def test_variable_that_is_not_there_makes_the_rule_not_applicable():
    assert outcomes(rule(Group("all", (EMPTY_TERM, condition("empty", "AESER"))))) == [("AE", "not applicable", "no variable AESER")]


def test_out_of_scope():
    assert outcomes(rule(EMPTY_TERM, scope=Scope(classes=("FINDINGS",)))) == [("AE", "not applicable", "class EVENTS is out of scope")]


def test_dataset_without_records():
    assert outcomes(rule(EMPTY_TERM), AE=AE.head(0)) == [("AE", "not applicable", "no records")]


def test_what_was_not_given_is_named():
    assert outcomes(rule(condition("longer_than", "variable_label", 40), "Variable Metadata Check")) == [
        ("AE", "not run", "needs the variables' labels")]
    library = rule(condition("empty", "library_variable_name"), "Variable Metadata Check against Library Metadata")
    assert outcomes(library, standard=None) == [("AE", "not run", "needs the standard")]
    assert outcomes(rule(condition("empty", "x"), "Define Item Metadata Check")) == [("AE", "not run", "needs define.xml")]


def test_error_inside_a_rule_is_failed_with_its_cause():
    assert outcomes(rule(condition("less_than", "AESEQ", "AESTDY"))) == [
        ("AE", "failed", "condition AESEQ less_than: 'AESTDY' is neither a variable of the dataset nor a number")]
    (_, status, reason), = outcomes(rule(Group("any", (Group("not", (condition("contains", "--SEQ", "x"),)), EMPTY_TERM))))
    assert status == "failed" and reason.startswith("condition AESEQ contains: TypeError")
    operation = Operation("$d", "min_date", "AETERM")
    (_, status, reason), = outcomes(rule(EMPTY_TERM, operations=(operation,)))
    assert status == "failed" and reason.startswith("operation $d min_date AETERM: not an ISO 8601 date")


def test_error_in_one_dataset_leaves_the_others():
    cm = pd.DataFrame({"DOMAIN": ["CM"], "CMTRT": ["x"]})
    found = outcomes(rule(condition("longer_than", "--SEQ", 1)), AE=AE, CM=cm)
    assert [(name, status) for name, status, _ in found] == [("AE", "failed"), ("CM", "not applicable")]


def test_other_dataset_that_is_not_there():
    operation = Operation("$s", "distinct", "USUBJID", "DM")
    check = condition("is_not_contained_by", "USUBJID", "$s")
    assert outcomes(rule(check, operations=(operation,))) == [("AE", "not applicable", "no dataset DM")]


def test_join_that_leaves_nothing():
    dm = pd.DataFrame({"DOMAIN": ["DM"], "USUBJID": ["Z"]})
    found = outcomes(rule(EMPTY_TERM, matches=(Match("DM", (("USUBJID", "USUBJID"),)),)), AE=AE, DM=dm)
    assert found[0] == ("AE", "not applicable", "no records after matching datasets")


def test_presence_of_datasets_is_judged_once_for_the_study():
    check = rule(condition("not_exists", "DM"), "Domain Presence Check")
    assert outcomes(check, AE=AE, CM=AE.assign(DOMAIN="CM")) == [("STUDY", "findings", "")]


GROUPED = pd.DataFrame({"DOMAIN": "AE", "USUBJID": ["A", "B", "A", "B", None, None], "AETERM": [None, "x", None, None, None, None]})


def test_sensitivity_group_gives_the_first_wrong_record_of_each_group():
    by_subject = rule(EMPTY_TERM, sensitivity="Group", grouping=("USUBJID",))
    outcome, = run([by_subject], make_study({"AE": GROUPED}))
    assert outcome.hits[0].rows.tolist() == [0, 3, 4]
    by_both = rule(EMPTY_TERM, sensitivity="Group", grouping=("--TERM", "DOMAIN"))
    outcome, = run([by_both], make_study({"AE": GROUPED}))
    assert outcome.hits[0].rows.tolist() == [0]


def test_sensitivity_group_without_its_variable_is_no_silence():
    assert outcomes(rule(EMPTY_TERM, sensitivity="Group", grouping=("--SPID", "USUBJID"))) == [("AE", "failed", "no grouping variable AESPID")]


def test_sensitivity_study_judges_the_first_dataset_that_the_rule_is_applicable_to():
    datasets = {"DM": AE[["USUBJID"]].assign(DOMAIN="DM"), "AE": AE, "XX": AE.assign(DOMAIN="XX")}
    assert outcomes(rule(EMPTY_TERM, sensitivity="Study"), None, **datasets) == [
        ("DM", "not applicable", "no variable AETERM"), ("AE", "findings", ""), ("XX", "not applicable", "judged once for the study, on AE")]


def test_a_dataset_of_unknown_class_fails_a_rule_on_the_presence_of_datasets_with_its_cause():
    study = make_study({"APXX": AE.assign(DOMAIN="APXX", APID="1"), "AE": AE}, STANDARD, core_compatible=True)
    outcome, = run([rule(condition("not_exists", "DM"), "Domain Presence Check", scope=Scope(classes=("EVENTS",)))], study)
    assert (outcome.dataset, outcome.status) == ("STUDY", "failed") and outcome.reason.startswith("APXX: no dataset XX")


def test_split_datasets_are_judged_together_under_the_first_name():
    qs = pd.DataFrame({"DOMAIN": ["QS"], "USUBJID": ["A"], "QSSEQ": [1.0]})
    study = make_study({"QSCG": qs, "QSFT": qs}, STANDARD)
    outcome, = run([rule(condition("is_not_unique_set", "--SEQ", "USUBJID"))], study)
    hits, = outcome.hits
    assert outcome.dataset == "QSCG" and hits.rows.tolist() == [0, 1]
    assert [hits.table.sources[part] for part in hits.table.part] == ["QSCG", "QSFT"] and hits.table.records.tolist() == [1, 1]
    apart = rule(condition("is_not_unique_set", "--SEQ", "USUBJID"), scope=Scope(split=True))
    assert [o.status for o in run([apart], study)] == ["passed", "passed"]


def test_split_datasets_may_have_different_variables():
    a = pd.DataFrame({"DOMAIN": ["QS"], "QSORRES": ["1"]})
    b = pd.DataFrame({"DOMAIN": ["QS"], "QSSTAT": ["NOT DONE"]})
    outcome, = run([rule(Group("all", (condition("empty", "QSORRES"), condition("non_empty", "QSSTAT"))))], make_study({"QSA": a, "QSB": b}))
    assert outcome.hits[0].rows.tolist() == [1]


TABLE = frame_to_table("AE", AE)
T, F = condition("non_empty", "USUBJID"), condition("empty", "USUBJID")
GONE = condition("empty", "GONE")


@pytest.mark.parametrize(("check", "rows"), [
    (Group("all", (T, F)), []),
    (Group("any", (T, F)), [0, 1]),
    (Group("not", (F,)), [0, 1]),
    (Group("not", (Group("any", (F, EMPTY_TERM)),)), [0]),
    (Group("any", (GONE, EMPTY_TERM)), [1]),
    (Group("any", (Group("all", (T, GONE)), EMPTY_TERM)), [1]),
    (Group("all", (Group("any", (GONE, T)), EMPTY_TERM)), [1]),
])
def test_groups_of_conditions(check, rows):
    assert np.flatnonzero(holds(check, TABLE)).tolist() == rows


@pytest.mark.parametrize("check", [GONE, Group("all", (T, GONE)), Group("any", (GONE, GONE)), Group("all", (F, Group("any", (GONE,)))), Group("not", (GONE,))])
def test_missing_column_is_not_silence(check):
    with pytest.raises(ColumnMissing):
        holds(check, TABLE)


def test_condition_without_a_name_is_asked_of_every_column():
    everywhere = Condition("non_empty", None)
    assert holds(Group("all", (everywhere,)), TABLE).tolist() == [True, False]
    assert holds(Group("any", (everywhere,)), TABLE).tolist() == [True, True]


def test_output_variables_default_to_what_the_check_asks_about():
    check = Group("all", (condition("empty", "--TERM"), Group("any", (condition("equal_to", "--SEQ", 1), condition("empty", "--TERM")))))
    assert output_variables(rule(check), TABLE) == ["AETERM", "AESEQ"]
    assert output_variables(rule(check, output_variables=("--SEV",)), TABLE) == ["AESEV"]


def test_values_are_judged_one_variable_at_a_time():
    outcome, = run([rule(Group("all", (condition("matches_regex", "variable_name", "^AE"), condition("empty", "variable_value"))),
                         "Value Check with Variable Metadata")], make_study({"AE": AE}))
    assert [(hits.table.column("variable_name").cells[0], hits.rows.tolist()) for hits in outcome.hits] == [("AETERM", [1])]


def test_names_of_variables_are_literals_in_value_checks():
    check = Group("all", (condition("equal_to", "variable_name", "AETERM"), condition("non_empty", "variable_value")))
    outcome, = run([rule(check, "Value Check with Variable Metadata")], make_study({"AE": AE}))
    assert [hits.rows.tolist() for hits in outcome.hits] == [[0]]


def test_lengths_of_numbers_are_no_error_in_value_checks():
    check = Group("all", (condition("longer_than", "variable_value", 1),))
    outcome, = run([rule(check, "Value Check with Variable Metadata")], make_study({"AE": AE}))
    assert [hits.table.column("variable_name").cells[0] for hits in outcome.hits] == ["DOMAIN"]


def test_a_dataset_that_cannot_be_judged_fails_the_rules_that_ask_it():
    counted, there = Operation("$n", "variable_count", "--TERM"), Operation("$d", "distinct", "USUBJID", "DM")
    study = make_study({"AE": AE, "DM": AE[["USUBJID"]].assign(DOMAIN="DM")}, STANDARD, unreadable={"DM": "text in a number"})

    def failures(*operations: Operation, **parts) -> list[tuple[str, str]]:
        asked = rule(condition("empty", "USUBJID"), operations=operations, **parts)
        return [(o.dataset, o.reason) for o in run([asked], study) if o.status == "failed"]

    assert failures() == [("DM", "text in a number")]
    assert failures(counted) == [("AE", "operation $n variable_count --TERM: DM: text in a number"), ("DM", "text in a number")]
    assert failures(there, scope=Scope(domains=("AE",))) == [("AE", "operation $d distinct USUBJID: DM: text in a number")]
    assert failures(matches=(Match("DM", (("USUBJID", "USUBJID"),)),), scope=Scope(domains=("AE",))) == [
        ("AE", "Match Datasets: DM: text in a number")]


def test_variables_are_those_of_the_description_where_one_stands_for_the_data():
    check = rule(condition("equal_to", "variable_is_empty", True), "Variable Metadata Check")
    study = make_study({"AE": AE, "CM": AE.assign(DOMAIN="CM")}, STANDARD, described={"AE": ("DOMAIN", "AELLT"), "CM": ()})
    found, undescribed = run([check], study)
    assert found.hits[0].table.column("variable_name").take(found.hits[0].rows).cells.tolist() == ["AELLT"]
    assert (undescribed.status, undescribed.reason) == ("failed", "the variables of CM are not described")
