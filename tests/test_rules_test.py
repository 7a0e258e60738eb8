"""Rules on their own test cases: agreement, reports, and cases that cannot be read."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from sdtm_convert.errors import InputError, SpecError
from sdtm_convert.rules_cli import rules
from sdtm_convert.rules_test import AGREES, BROKEN, DIFFERS, EXCEPTION, NO_EXPECTATION, summary, test_rules

RULE = """\
Core: {Id: ACME-1, Version: "1"}
Description: A serious event has a severity.
Authorities:
  - Organization: ACME
    Standards:
      - {Name: SDTMIG, Version: "3.4"}
Rule Type: Record Data
Sensitivity: Record
Scope: {Domains: {Include: [AE]}}
Check:
  all:
    - {name: AESER, operator: equal_to, value: "Y", value_is_literal: true}
    - {name: AESEV, operator: empty}
Outcome:
  Message: Severity is missing.
  Output Variables: [AESER, AESEV]
"""
VARIABLES = """\
dataset,variable,label,type,length
ae,DOMAIN,Domain,Char,2
ae,AESEQ,Sequence,Num,8
ae,AESER,Serious,Char,1
ae,AESEV,Severity,Char,8
"""
GOOD = "DOMAIN,AESEQ,AESER,AESEV\nAE,1,Y,MILD\nAE,2,N,\n"
BAD = "DOMAIN,AESEQ,AESER,AESEV\nAE,1,N,\nAE,2,Y,\n"
HEADER = "Dataset,Record,Variable,Value\n"
FOUND = HEADER + "AE,2,AESEV,\nAE,2,AESER,Y\n"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "rules"
    (place / "ACME-1").mkdir(parents=True)
    (place / "ACME-1" / "rule.yml").write_text(RULE, encoding="utf-8")
    return place


def case(folder, name: str, table: str, results: str | None, setting: str = "PRODUCT=SDTMIG\nVERSION=3-4", rule: str = "ACME-1",
         variables: str = VARIABLES) -> None:
    data = folder / rule / name / "data"
    data.mkdir(parents=True)
    (data / "ae.csv").write_text(table, encoding="utf-8")
    (data / "_datasets.csv").write_text("Filename,Label\nae,Adverse Events\n", encoding="utf-8")
    (data / "_variables.csv").write_text(variables, encoding="utf-8")
    (data / ".env").write_text(setting, encoding="utf-8")
    if results is not None:
        (data.parent / "results").mkdir()
        (data.parent / "results" / "results.csv").write_text(results, encoding="utf-8")


def statuses(folder, **options) -> dict[str, str]:
    return {result.case: result.status for result in test_rules(folder, **options)}


def test_cases_agree_whatever_the_order_of_the_rows(folder):
    case(folder, "positive/01", GOOD, HEADER)
    case(folder, "negative/01", BAD, FOUND)
    assert statuses(folder) == {"positive/01": AGREES, "negative/01": AGREES}


def test_cases_that_differ_are_told_from_exceptions_and_cases_without_expectation(folder):
    case(folder, "negative/01", BAD, HEADER)
    case(folder, "negative/02", BAD, HEADER)
    case(folder, "negative/03", BAD, None)
    (folder / "EXCEPTIONS.csv").write_text("rule,case,why\nACME-1,negative/02,stale\n", encoding="utf-8")
    assert statuses(folder) == {"negative/01": DIFFERS, "negative/02": EXCEPTION, "negative/03": NO_EXPECTATION}
    assert "0 of 1 agree" in summary(list(test_rules(folder))) and "1 exceptions (0 of them agree), 1 without" in summary(list(test_rules(folder)))


def test_reports_are_written_in_the_form_of_the_expected_ones(folder, tmp_path):
    case(folder, "negative/01", BAD, FOUND)
    list(test_rules(folder, out=tmp_path / "out"))
    assert (tmp_path / "out" / "ACME-1" / "negative" / "01" / "results.csv").read_text(encoding="utf-8") == HEADER + "AE,2,AESER,Y\nAE,2,AESEV,\n"


def test_a_case_of_a_standard_that_the_rule_is_not_for_reports_nothing(folder):
    case(folder, "negative/01", BAD, HEADER, "PRODUCT=SENDIG\nVERSION=3-1")
    assert statuses(folder) == {"negative/01": AGREES}


def test_a_dataset_with_text_in_a_numeric_variable_cannot_be_judged(folder):
    case(folder, "negative/01", BAD.replace("AE,2", "AE,two"), HEADER + "AE,,EXECUTION_ERROR,any words\n")
    assert statuses(folder) == {"negative/01": AGREES}


def test_a_dataset_is_classed_by_the_variables_that_are_described(folder):
    file = folder / "ACME-1" / "rule.yml"
    file.write_text(RULE.replace("Domains: {Include: [AE]}", "Classes: {Include: [INTERVENTIONS]}").replace("AES", "XXS"), encoding="utf-8")
    table, described, treatment = BAD.replace("AE", "XX"), VARIABLES.replace("AE", "XX"), "ae,XXTRT,Treatment,Char,8\n"
    case(folder, "positive/01", table, HEADER, variables=described)
    case(folder, "positive/02", table.replace("XXSEQ", "XXTRT"), HEADER, variables=described)
    case(folder, "positive/03", table, HEADER, variables=(described + treatment).replace("ae,", "cm,"))
    case(folder, "negative/01", table, FOUND.replace("AESE", "XXSE"), variables=described + treatment)
    assert set(statuses(folder).values()) == {AGREES}


def test_metadata_rules_look_at_the_variables_that_are_described(folder):
    check = "    - {name: variable_label, operator: longer_than, value: 40}\nOutcome: {Message: The label is too long.}\n"
    head = RULE[:RULE.index("    - {name: AESER")].replace("Record Data", "Variable Metadata Check")
    text = head.replace("Sensitivity: Record", "Sensitivity: Dataset")
    (folder / "ACME-1" / "rule.yml").write_text(text + check, encoding="utf-8")
    label = "x" * 40 + " "
    case(folder, "negative/01", GOOD, HEADER + f"AE,,variable_label,{label}\n", variables=VARIABLES + f"ae,AELLT,{label},Char,8\n")
    case(folder, "negative/02", GOOD, HEADER + "AE,,EXECUTION_ERROR,any words\n", variables=VARIABLES.replace("ae,", "cm,"))
    assert set(statuses(folder).values()) == {AGREES}


def test_values_that_say_nothing_are_reported_as_empty(folder):
    table = "DOMAIN,AESEQ,AESER,AESEV\nAE,1,Y,\nAE,2,Y,null\nAE,3,Y,NaN\nAE,4,Y, \nAE,5,Y,MILD\n"
    text = RULE.replace("operator: empty", 'operator: not_equal_to, value: "MILD"')
    (folder / "ACME-1" / "rule.yml").write_text(text, encoding="utf-8")
    case(folder, "negative/01", table, HEADER + "".join(f"AE,{row},AESEV,\nAE,{row},AESER,Y\n" for row in (1, 2, 3, 4)))
    assert statuses(folder) == {"negative/01": AGREES}


def test_rows_may_end_with_a_comma_too_many(folder):
    case(folder, "negative/01", BAD.replace("Y,\n", "Y,,\n").replace("N,\n", "N,,\n"), FOUND)
    assert statuses(folder) == {"negative/01": AGREES}


@pytest.mark.parametrize("broken", ["no columns", "not text", "unclosed quote"])
def test_a_case_that_cannot_be_read_does_not_stop_the_others(folder, broken):
    case(folder, "positive/01", GOOD, HEADER)
    case(folder, "negative/01", BAD, FOUND)
    file = folder / "ACME-1" / "negative" / "01" / "data" / "ae.csv"
    file.write_bytes({"no columns": b"", "not text": b"DOMAIN\n\xff\xfe\n", "unclosed quote": b'DOMAIN,AESER\n"AE,Y\n'}[broken])
    assert statuses(folder) == {"positive/01": AGREES, "negative/01": BROKEN}


def test_a_rule_that_is_wrong_does_not_stop_the_others(folder):
    case(folder, "negative/01", BAD, FOUND)
    (folder / "ACME-2").mkdir()
    (folder / "ACME-2" / "rule.yml").write_text(RULE.replace("operator: empty", "operator: is_void").replace("ACME-1", "ACME-2"), encoding="utf-8")
    case(folder, "negative/01", BAD, FOUND, rule="ACME-2")
    results = list(test_rules(folder))
    assert [(result.rule, result.status) for result in results] == [("ACME-1", AGREES), ("ACME-2", BROKEN)]
    assert "unknown operator 'is_void'" in results[1].reason and "ACME-2 Check.all[1].operator" in results[1].reason


def test_a_folder_without_rules_and_a_rule_that_is_not_there_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="no rules in this folder"):
        list(test_rules(tmp_path / "elsewhere"))
    with pytest.raises(SpecError, match="no rule 'ACME-9' in this folder. Did you mean 'ACME-1'"):
        list(test_rules(folder, only=["ACME-9"]))


def test_the_command_says_what_differs_and_exits_with_1(folder):
    case(folder, "positive/01", GOOD, HEADER)
    case(folder, "negative/01", BAD, HEADER + "AE,1,AESEV,\n")
    run = CliRunner().invoke(rules, ["test", str(folder), "--rule", "ACME-1"])
    assert run.exit_code == 1
    assert "  - AE,1,AESEV,\n  + AE,2,AESER,Y\n  + AE,2,AESEV,\n" in run.output
    assert "cases: 1 of 2 agree (50.0%); 1 differ, 0 failed" in run.output and "equal_to                                        1      2" in run.output


def test_the_command_exits_with_0_where_all_agree_and_3_where_there_is_nothing(folder, tmp_path):
    case(folder, "negative/01", BAD, FOUND)
    assert CliRunner().invoke(rules, ["test", str(folder)]).exit_code == 0
    assert CliRunner().invoke(rules, ["test", str(tmp_path / "elsewhere")]).exit_code == 3


def test_a_rule_in_words(folder):
    said = CliRunner().invoke(rules, ["explain", "ACME-1", "--rules", str(folder)]).output
    for words in ("ACME-1 (error)", "of domain AE", "AESER equal to the text 'Y'", "AESEV empty", "Message:   Severity is missing.", "SDTMIG 3.4"):
        assert words in said
    unknown = CliRunner().invoke(rules, ["explain", "ACME-2", "--rules", str(folder)])
    assert unknown.exit_code == 2 and "Did you mean 'ACME-1'?" in unknown.output


def test_what_a_finding_is_about_in_words():
    from sdtm_convert.rules.rule import Condition, Rule
    from sdtm_convert.rules.words import rule_in_words

    for sensitivity, unit in (("Record", "row"), ("Dataset", "dataset"), ("Group", "group by USUBJID, --CAT"), ("Study", "row of the first dataset")):
        rule = Rule("X-1", "Record Data", Condition("empty", "A"), "m", sensitivity=sensitivity, grouping=("USUBJID", "--CAT"))
        assert f"A finding for each {unit}" in rule_in_words(rule)


def test_every_shipped_rule_can_be_put_in_words():
    from sdtm_convert.rules.words import rule_in_words
    from sdtm_convert.validation import shipped_rules

    for rule in [*shipped_rules("sdtmig"), *shipped_rules("adamig")]:
        assert rule.message.split()[0] in rule_in_words(rule)
