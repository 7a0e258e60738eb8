"""validate: what the findings say, and the outcome of every rule on every dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdtm_convert.errors import SpecError
from sdtm_convert.findings import COLUMNS
from sdtm_convert.model import Dataset, Variable
from sdtm_convert.rules.engine import STATUSES
from sdtm_convert.rules.load import parse_rule
from sdtm_convert.rules.rule_types import PRESENCE_TYPES
from sdtm_convert.standard import load_terminology
from sdtm_convert.validation import OUTCOME_COLUMNS, shipped_rules, validate

AE = pd.DataFrame({"STUDYID": "S", "DOMAIN": "AE", "USUBJID": ["A", "A", "B"], "AESEQ": [1.0, 2.0, 1.0], "AETERM": ["x", None, None],
                   "AESTDTC": ["2020-01-05", "2020-02", "2020-01-01"], "AEENDTC": ["2020-01-04", "2020-02-01", ""]})
DM = pd.DataFrame({"STUDYID": "S", "DOMAIN": "DM", "USUBJID": ["A", "B"]})


def rule(check: str, type: str = "Record Data", sensitivity: str = "Record", more: str = "", version: str = "3.4"):
    return parse_rule(f"""
Core: {{Id: R-1}}
Authorities: [{{Standards: [{{Name: SDTMIG, Version: "{version}"}}]}}]
Rule Type: {type}
Sensitivity: {sensitivity}
{more}
Check: {check}
Outcome: {{Message: --TERM is wrong.}}
""")


def findings(*rules, datasets=None, **given) -> list[dict]:
    table = validate(datasets or {"AE": AE}, rules=rules, **given).findings
    return [{key: value for key, value in row.items() if not pd.isna(value)} for row in table.to_dict("records")]


def test_a_finding_names_record_subject_sequence_variables_and_values():
    check = "{all: [{name: --TERM, operator: empty}, {name: --SEQ, operator: greater_than, value: 1}]}"
    assert findings(rule(check)) == [{
        "rule": "R-1", "severity": "error", "dataset": "AE", "record": 2, "usubjid": "A", "seq": 2, "variables": "AETERM; AESEQ", "values": "; 2",
        "message": "AETERM is wrong."}]


def test_tables_have_their_columns_even_when_nothing_is_found():
    validation = validate({"AE": AE}, rules=[rule("{all: [{name: USUBJID, operator: empty}]}")])
    assert tuple(validation.findings.columns) == COLUMNS and tuple(validation.outcomes.columns) == OUTCOME_COLUMNS
    assert validation.outcomes.to_dict("records") == [{"rule": "R-1", "dataset": "AE", "status": "passed", "reason": "", "findings": 0}]


def test_sensitivity_dataset_is_one_finding_with_the_values_of_the_first_record():
    found, = findings(rule("{all: [{name: --TERM, operator: empty}]}", sensitivity="Dataset"))
    assert found["dataset"] == "AE" and "record" not in found and found["variables"] == "AETERM"


def test_a_check_of_variables_names_the_variable_and_no_record():
    found, = findings(rule("{all: [{name: variable_name, operator: equal_to, value: AETERM}]}", "Variable Metadata Check"))
    assert found["variables"] == "AETERM" and "record" not in found


def test_a_check_of_values_names_variable_record_and_subject():
    check = "{all: [{name: variable_name, operator: equal_to, value: AETERM}, {name: variable_value, operator: empty}]}"
    found = findings(rule(check, "Value Check with Variable Metadata"))
    assert [(f["variables"], f["record"], f["usubjid"], f["seq"]) for f in found] == [("AETERM", 2, "A", 2), ("AETERM", 3, "B", 1)]


def test_variables_that_are_asked_for_and_not_there_are_shown_as_such():
    found = findings(rule("{all: [{name: --SER, operator: not_exists}, {name: --TERM, operator: non_empty}]}"))
    assert (found[0]["variables"], found[0]["values"]) == ("AESER; AETERM", "not in the dataset; x")


def test_lists_are_shown_by_their_first_elements():
    more = "Operations: [{id: $v, operator: get_column_order_from_dataset}]\n"
    text = "{all: [{name: $v, operator: non_empty}]}"
    found, = findings(rule(text, sensitivity="Dataset", more=more))
    assert (found["variables"], found["values"]) == ("v", "STUDYID, DOMAIN, USUBJID, AESEQ, AETERM, ...")


def test_findings_of_split_datasets_name_the_dataset_they_are_in():
    qs = pd.DataFrame({"DOMAIN": ["QS", "QS"], "QSORRES": ["1", None]})
    found = findings(rule("{all: [{name: QSORRES, operator: empty}]}"), datasets={"qscg": qs, "qsft": qs})
    assert [(f["dataset"], f["record"]) for f in found] == [("QSCG", 2), ("QSFT", 2)]


def test_limit_keeps_some_findings_and_counts_all():
    validation = validate({"AE": AE}, rules=[rule("{all: [{name: USUBJID, operator: non_empty}]}")], limit=2)
    assert len(validation.findings) == 2 and validation.outcomes["findings"].tolist() == [3]


def test_rules_of_other_standards_are_named_as_not_applicable():
    validation = validate({"AE": AE}, rules=[rule("{all: [{name: USUBJID, operator: non_empty}]}", version="3.2")])
    assert validation.outcomes[["status", "reason"]].values.tolist() == [["not applicable", "not a rule of SDTMIG 3.4"]]


def test_failed_rules_are_in_the_outcomes_with_their_cause():
    outcomes = validate({"AE": AE}, rules=[rule("{all: [{name: AESEQ, operator: longer_than, value: 1}]}")]).outcomes
    assert outcomes["status"].tolist() == ["failed"] and outcomes["reason"][0]


def test_severest_findings_come_first():
    severities = validate({"AE": AE, "DM": DM}).findings["severity"].tolist()
    assert severities == sorted(severities, key=("error", "warning", "notice").index) and len(set(severities)) == 3


def test_every_shipped_rule_has_an_outcome_on_every_dataset():
    outcomes = validate({"AE": AE, "DM": DM}).outcomes
    expected = {(r.id, name) for r in shipped_rules("sdtmig") for name in (["STUDY"] if r.rule_type in PRESENCE_TYPES else ["AE", "DM"])}
    assert set(zip(outcomes["rule"], outcomes["dataset"])) == expected and len(outcomes) == len(expected)
    assert set(outcomes["status"]) <= set(STATUSES) and "failed" not in set(outcomes["status"])


def test_what_is_not_given_is_named_in_the_outcomes():
    reasons = validate({"AE": AE}).outcomes.query("status == 'not run'").set_index("rule")["reason"]
    assert reasons["SC-SDTM-0009"] == "needs the variables' labels"
    assert reasons["SC-SDTM-0020"] == "needs controlled terminology"
    assert reasons["SC-SDTM-0055"] == "needs the dataset's keys"


def test_metadata_and_terminology_let_all_rules_run():
    variables = tuple(Variable(name, "Label", "Num" if name == "AESEQ" else "Char", "text", 20) for name in AE)
    metadata = {"AE": Dataset("AE", "Adverse Events", "EVENTS", "", variables, ("USUBJID", "AESEQ"))}
    outcomes = validate({"AE": AE}, metadata=metadata, terminology=[load_terminology("sdtm", "2025-03-28")]).outcomes
    assert set(outcomes.query("status == 'not run'")["reason"]) == {"needs define.xml"}


def test_dirty_data_never_raise():
    rows = 50
    random = np.random.default_rng(0)
    cells = np.array(["", " ", ".", "Y", "-1", "1e9", "2020-13-45", "été", "\x00", "NOT DONE", None, "2020-01-01"], dtype=object)
    names = ["STUDYID", "DOMAIN", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "VISITNUM", "VISIT", "AESEQ", "AETERM", "AESTDTC", "AEENDTC", "AESTDY"]
    dirty = pd.DataFrame({name: pd.Series(random.choice(cells, rows), dtype="str") for name in names}).assign(DOMAIN="AE", LBSTRESN=np.inf)
    mixed = pd.DataFrame({"DOMAIN": "DM", "USUBJID": ["A", 5, None, 1.5], "AGE": ["x", 1, None, True], "RFSTDTC": [1, None, "2020", "2020-01-01"]}, dtype=object)
    validation = validate({"AE": dirty, "DM": mixed, "SUPPAE": dirty.drop(columns="DOMAIN"), "LB": dirty.assign(DOMAIN="LB"), "XX": pd.DataFrame()},
                          terminology=[load_terminology("sdtm", "2025-03-28")])
    assert len(validation.findings)


def test_dates_and_nullable_types_are_read():
    adsl = pd.DataFrame({"USUBJID": ["A", "B"], "TRTSDT": pd.to_datetime(["2020-01-02", "2020-01-02"]), "TRTEDT": pd.to_datetime(["2020-01-01", None]),
                         "AGE": pd.array([30, None], dtype="Int64"), "SITEID": pd.Categorical(["01", None])})
    found = validate({"ADSL": adsl}, standard="adamig", version="1.3").findings
    assert found[found["rule"] == "SC-ADAM-0072"][["record", "values"]].values.tolist() == [[1, "21916; 21915"]]
    assert found[(found["rule"] == "SC-ADAM-0004")]["record"].tolist() == [2]


def test_files_give_names_and_sizes(tmp_path: Path):
    (tmp_path / "ae.csv").write_text("x" * 10)
    check = "{all: [{name: dataset_size, operator: greater_than, value: 9}, {name: dataset_location, operator: equal_to, value: ae.csv}]}"
    assert len(findings(rule(check, "Dataset Metadata Check"), files={"AE": tmp_path / "ae.csv"})) == 1


@pytest.mark.parametrize("jobs", [2, 5])
def test_any_number_of_jobs_finds_the_same_in_the_same_order(jobs):
    parts = {name: pd.DataFrame({"DOMAIN": "QS", "USUBJID": ["A", None], "QSSEQ": [1.0, 1.0]}) for name in ("QSCG", "QSFT")}
    check = "{all: [{name: USUBJID, operator: empty}]}"
    own = [rule(check), rule(check, sensitivity="Study"), rule(check, more="Scope: {Domains: {include_split_datasets: true}}"),
           rule("{all: [{name: XX, operator: not_exists}]}", "Domain Presence Check"), rule("{all: [{name: AESEQ, operator: longer_than, value: 3}]}")]
    datasets = {"DM": DM, **parts, "AE": AE, "CM": AE.rename(columns=lambda name: name.replace("AE", "CM")).assign(DOMAIN="CM")}
    one, several = (validate(datasets, rules=[*shipped_rules("sdtmig"), *own], jobs=number) for number in (1, jobs))
    assert set(one.outcomes["status"]) == set(STATUSES) and len(one.findings) > 20
    pd.testing.assert_frame_equal(one.findings, several.findings)
    pd.testing.assert_frame_equal(one.outcomes, several.outcomes)


def test_unknown_standard_is_a_clear_error():
    with pytest.raises(SpecError, match="sdtmgi"):
        validate({"AE": AE}, standard="sdtmgi")
