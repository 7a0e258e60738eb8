"""Reading rules: CDISC's format into Rule, and one clear message for everything that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdtm_convert.errors import InputError, SpecError
from sdtm_convert.rules.load import load_rules, parse_rule
from sdtm_convert.rules.rule import Condition, Group, Match, Operation, Scope

RULE = """\
Core: {Id: X-1, Version: "1", Status: Published}
Authorities:
  - Organization: CDISC
    Standards:
      - Name: SDTMIG
        Version: "3.4"
        References:
          - Citations:
              - {Document: IG v3.4, Section: 6.2}
Description: What it is about.
Rule Type: Record Data
Sensitivity: Dataset
Scope:
  Classes: {Include: [EVENTS]}
  Domains: {Exclude: [DS], include_split_datasets: true}
Match Datasets:
  - Name: DM
    Keys: [USUBJID, {Left: A, Right: B}]
Operations:
  - {id: $s, operator: distinct, domain: DM, name: USUBJID, group: [SITEID], filter: {SEX: F}}
Check:
  all:
    - {name: --TERM, operator: non_empty}
    - not:
        any:
          - {name: USUBJID, operator: is_contained_by, value: $s}
          - {name: --SEQ, operator: greater_than, value: 1}
Outcome:
  Message: Something is wrong.
  Output Variables: [--TERM]
"""


def faults(text: str) -> list[str]:
    with pytest.raises(SpecError) as error:
        parse_rule(text, "r.yml")
    return [str(fault) for fault in error.value.faults]


def test_rule_is_read():
    rule = parse_rule(RULE)
    assert (rule.grouping, parse_rule(RULE.replace("Sensitivity: Dataset", "Grouping Variables: [--CAT]")).grouping) == ((), ("--CAT",))
    assert (rule.id, rule.severity, rule.sensitivity, rule.message) == ("X-1", "error", "Dataset", "Something is wrong.")
    assert rule.scope == Scope(classes=("EVENTS",), not_domains=("DS",), split=True)
    assert rule.matches == (Match("DM", (("USUBJID", "USUBJID"), ("A", "B"))),)
    assert rule.operations == (Operation("$s", "distinct", "USUBJID", "DM", ("SITEID",), {"SEX": "F"}),)
    assert rule.output_variables == ("--TERM",) and rule.references == ("IG v3.4 6.2",)
    inner = Group("any", (Condition("is_contained_by", "USUBJID", "$s"), Condition("greater_than", "--SEQ", 1)))
    assert rule.check == Group("all", (Condition("non_empty", "--TERM"), Group("not", (inner,))))


def test_rule_is_for_the_standards_of_its_authorities():
    rule = parse_rule(RULE)
    assert rule.is_for("sdtmig", "3.4") and rule.is_for("SDTMIG", "3-4")
    assert not rule.is_for("sdtmig", "3.3") and not rule.is_for("adamig", "3.4")


def test_a_key_given_twice_names_both_lines():
    assert faults(RULE + "Description: Again.\n") == ["r.yml:31: Description: the key is given twice, first on line 10."]


def test_a_date_in_a_rule_is_text_and_a_number_is_a_number():
    rule = parse_rule(RULE.replace("value: 1}", "value: 2025-03-28}").replace("{name: --TERM, operator: non_empty}", "{name: A, operator: equal_to, value: 1.50}"))
    assert rule.check.members[0].value == 1.5
    assert rule.check.members[1].members[0].members[1].value == "2025-03-28"


def test_aliases_that_grow_without_end_are_refused():
    levels = "".join(f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert "the document grows beyond 200000 values" in faults("k0: &a0 [x]\n" + levels)[0]


def test_unknown_operator_names_file_line_place_and_the_likely_one():
    assert faults(RULE.replace("operator: non_empty", "operator: not_empty")) == [
        "r.yml:23: X-1 Check.all[0].operator: unknown operator 'not_empty'. Did you mean 'non_empty'?"]


def test_unknown_operation_and_rule_type_are_named_together():
    text = RULE.replace("operator: distinct", "operator: distinkt").replace("Record Data", "Record Date")
    assert faults(text) == [
        "r.yml:11: X-1 Rule Type: unknown rule type 'Record Date'. Did you mean 'Record Data'?",
        "r.yml:20: X-1 Operations[0].operator: unknown operation 'distinkt'. Did you mean 'distinct'?"]


def test_operator_without_what_it_needs():
    assert faults(RULE.replace("operator: non_empty}", "operator: prefix_equal_to}")) == [
        "r.yml:23: X-1 Check.all[0]: the operator 'prefix_equal_to' needs 'prefix'.",
        "r.yml:23: X-1 Check.all[0]: the operator 'prefix_equal_to' needs 'value'."]


def test_wrong_regular_expression():
    message, = faults(RULE.replace("operator: non_empty}", 'operator: matches_regex, value: "(a"}'))
    assert message.startswith("r.yml:23: X-1 Check.all[0]: '(a' is no regular expression:")


CONDITION, OPERATION = "operator: non_empty}", "operator: distinct, domain: DM, name: USUBJID, group: [SITEID], filter: {SEX: F}}"


@pytest.mark.parametrize(("old", "new", "message"), [
    ("Sensitivity: Dataset", "Sensitivity: Group", "r.yml:12: X-1 Sensitivity: Group needs 'Grouping Variables'."),
    ("Sensitivity: Dataset", "Grouping Variables: USUBJID", 'r.yml:12: Grouping Variables: "USUBJID" is not a list'),
    ("    Keys: [USUBJID, {Left: A, Right: B}]\n", "", "X-1 Match Datasets[0]: the dataset DM is matched by 'Keys', which are missing."),
    ("{Left: A, Right: B}", "{Left: A, Right: [B]}", "Match Datasets.0.Keys.1"),
    ("{Include: [EVENTS]}", "{Include: EVENTS}", 'r.yml:14: Scope.Classes.Include: "EVENTS" is not a list'),
    ("{Document: IG v3.4, Section: 6.2}", "IG v3.4", 'Citations.0: "IG v3.4" is not a mapping'),
    (OPERATION, "operator: distinct}", "r.yml:20: X-1 Operations[0]: the operation 'distinct' needs 'name'."),
    (OPERATION, "operator: minus, name: $a}", "r.yml:20: X-1 Operations[0]: the operation 'minus' needs 'subtract'."),
    (OPERATION, "operator: record_count, filtr: {SEX: F}}", "r.yml:20: Operations.0: unknown key 'filtr'. Did you mean 'filter'?"),
    (OPERATION, 'operator: record_count, regex: "(a"}', "X-1 Operations[0]: '(a' is no regular expression:"),
    (OPERATION, "operator: map, map: [text]}", 'Operations.0.map.0: "text" is not a mapping'),
    (CONDITION, 'operator: equals_string_part, regex: "[", value: A}', "X-1 Check.all[0]: '[' is no regular expression:"),
    (CONDITION, "operator: matches_regex, value: 3}", "X-1 Check.all[0]: a regular expression is text; 3 is not."),
    (CONDITION, "operator: equal_to, value: {a: b}}", "X-1 Check.all[0]: the operator 'equal_to' does not take such a value."),
    (CONDITION, "operator: longer_than, value: [3]}", "the operator 'longer_than' does not take such a value."),
    (CONDITION, "operator: target_is_sorted_by, within: A, value: [{name: B, sort_order: up}]}", "'target_is_sorted_by' does not take such a value."),
    ("operator: is_contained_by", "operator: is_containd_by", "r.yml:26: X-1 Check.all[1].not.any[0].operator: unknown operator 'is_containd_by'."),
])
def test_wrong_shape_names_its_place(old, new, message):
    assert old in RULE
    assert any(message in fault for fault in faults(RULE.replace(old, new, 1)))


@pytest.mark.parametrize(("old", "new", "message"), [
    ("Outcome:", "Outcomes:", "unknown key 'Outcomes'. Did you mean 'Outcome'?"),
    ("{name: --TERM, operator: non_empty}", "{name: --TERM, operator: non_empty, valeu: 1}", "unknown key 'valeu'. Did you mean 'value'?"),
    ("Sensitivity: Dataset", "Sensitivity: Datasets", "\"Datasets\" is none of"),
    ("Core: {Id: X-1,", "Core: {", "the key 'Id' is missing"),
    ("  all:\n", "  every:\n", "unknown key 'every'"),
    ("  Message: Something is wrong.\n", "", "the key 'Message' is missing"),
    ("Rule Type: Record Data\n", "Rule Type: Record Data\nRule Type: Record Data\n", "the key is given twice"),
])
def test_rule_that_is_not_in_the_format(old, new, message):
    assert any(message in fault for fault in faults(RULE.replace(old, new)))


@pytest.mark.parametrize("check", ["{any: [{name: X, operator: empty}], all: [{name: X, operator: empty}]}", "{all: []}", "{}"])
def test_a_group_is_of_one_kind_and_not_empty(check):
    message, = faults(RULE[: RULE.index("Check:")] + f"Check: {check}\nOutcome: {{Message: m.}}\n")
    assert message == "r.yml:21: X-1 Check: a group of conditions is one of all, any, not, with at least one condition."


def test_folders_are_read_deep_and_in_the_order_of_ids(tmp_path: Path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "rule.yml").write_text(RULE.replace("X-1", "X-2"))
    (tmp_path / "rule.yml").write_text(RULE)
    assert [rule.id for rule in load_rules(tmp_path)] == ["X-1", "X-2"]


def test_all_faults_of_all_files_are_said_at_once(tmp_path: Path):
    (tmp_path / "a.yml").write_text(RULE.replace("non_empty", "nonempty"))
    (tmp_path / "b.yml").write_text("- a list")
    (tmp_path / "c.yml").write_text(RULE)
    (tmp_path / "d.yml").write_text(RULE)
    with pytest.raises(SpecError) as error:
        load_rules(tmp_path)
    assert [Path(fault.place.file).name for fault in error.value.faults] == ["a.yml", "b.yml", "d.yml"]
    assert "the id is taken by" in str(error.value)


def test_paths_that_are_not_there(tmp_path: Path):
    for path, message in ((tmp_path / "none", "no such rule file or folder"), (tmp_path, "no rule files")):
        with pytest.raises(InputError, match=message):
            load_rules(path)


def test_all_published_rules_are_read(shared):
    rules = load_rules(*sorted((shared / "open-rules").glob("*/rule.yml")))
    assert len(rules) == 332 and all(rule.id.startswith("CORE-") for rule in rules)
