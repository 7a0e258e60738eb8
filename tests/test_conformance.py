"""Conformance of files: what lies beside them is found and used; waivers, baselines and places of what was found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from tiny_study import write_study

from sdtm_convert.conformance import validate_files
from sdtm_convert.errors import InputError, SpecError

DM = """\
from: dm
keys: [STUDYID, USUBJID]
variables:
  SUBJID: {assign: SUBJ}
  SEX: {assign: SEX}
  COUNTRY: {constant: ZZ}
"""
AE = """\
from: ae
keys: [STUDYID, USUBJID, AETERM]
variables:
  AETERM: {assign: TERM}
  AEDECOD: {assign: TERM}
  AESTDTC: {assign: START}
  AEENDTC: {assign: END}
  AESEQ: {sequence: [AETERM]}
"""
RAW = {"dm": "SUBJ,SEX\n1,M\n2,Female\n", "ae": "SUBJ,TERM,START,END\n1,Headache,2020-02-01,2020-01-01\n9,Nausea,2020-02-03,2020-02-04\n"}


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "sdtm_convert", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1600000000", **environment})


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, {"DM": DM, "AE": AE}, RAW)
    done = run("build", folder, "--out", folder / "package", "--fail-on", "none")
    assert done.returncode == 0, done.stderr
    return folder / "package"


def of(findings: pd.DataFrame, rule: str) -> list[tuple]:
    return [tuple(row) for row in findings.loc[findings["rule"].eq(rule), ["dataset", "variables", "values"]].itertuples(index=False)]


def test_a_package_is_judged_with_its_define_xml(package):
    done = validate_files([package])
    assert sorted(done.datasets.frames) == ["AE", "DM"] and done.datasets.defines == (package / "tabulations/sdtm/define.xml",)
    assert done.datasets.metadata["AE"].keys == ("STUDYID", "USUBJID", "AETERM") and done.datasets.metadata["AE"].class_name == "EVENTS"
    assert done.findings["rule"].str.startswith("DEFINE-").any()
    assert "needs the dataset's keys" not in set(done.outcomes["reason"])
    assert [row[:2] for row in of(done.findings, "SC-SDTM-0032")] == [("AE", "AESTDTC; AEENDTC")]


def test_a_folder_and_an_archive_of_it_give_the_same_findings(package, tmp_path):
    folder = package / "tabulations" / "sdtm"
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"sdtm/{path.name}")
    one, two = validate_files([folder]), validate_files([tmp_path / "p.zip"])
    files = one.findings["rule"].isin(["DEFINE-0112", "DEFINE-0113"]) | one.findings["message"].str.contains("missing.", regex=False)
    assert set(map(str, two.findings[["rule", "dataset", "record", "values"]].values.tolist())) >= set(
        map(str, one.findings.loc[~files, ["rule", "dataset", "record", "values"]].values.tolist()))
    assert one.outcomes[["rule", "dataset", "status", "reason"]].equals(two.outcomes[["rule", "dataset", "status", "reason"]])


def test_places_are_the_lines_of_the_mapping_as_found_from_the_study(package):
    places = validate_files([package / "tabulations" / "sdtm"]).places
    assert places["AE", "AEENDTC"] == "ae.yml:8" and places["AE", ""].endswith("tabulations/sdtm/ae.xpt")
    named = validate_files([package], study=package.parent).places["AE", "AEENDTC"]
    assert named == f"{package.parent.resolve()}/ae.yml:8" and Path(named.rpartition(":")[0]).is_file()


def test_one_file_alone_is_not_measured_against_a_define_xml_of_many(package):
    done = validate_files([package / "tabulations" / "sdtm" / "ae.xpt"])
    assert done.datasets.metadata["AE"].keys and not done.findings["rule"].str.startswith("DEFINE-").any()


def test_terms_that_define_xml_declares_are_no_findings(package, tmp_path):
    pd.DataFrame({"STUDYID": ["S"], "DOMAIN": ["EX"], "USUBJID": ["1"], "EXSEQ": ["1"], "EXTRT": ["X"], "EXDOSFRM": ["PASTILLE OURS"]}).to_csv(
        tmp_path / "ex.csv", index=False)
    assert of(validate_files([tmp_path]).findings, "SC-SDTM-0021")
    codelist = ('<CodeList OID="CL.F" Name="F" DataType="text"><EnumeratedItem CodedValue="PASTILLE OURS" def:ExtendedValue="{}"/>'
                '<Alias Context="nci:ExtCodeID" Name="C66726"/></CodeList>')
    text = (package / "tabulations/sdtm/define.xml").read_text(encoding="utf-8")
    for declared, expected in (("No", 1), ("Yes", 0)):
        (tmp_path / "define.xml").write_text(text.replace("</MetaDataVersion>", codelist.format(declared) + "</MetaDataVersion>"), encoding="utf-8")
        assert len(of(validate_files([tmp_path]).findings, "SC-SDTM-0021")) == expected


def test_a_damaged_transport_file_beside_a_define_xml_stops_nothing(package, tmp_path):
    folder = package / "tabulations" / "sdtm"
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:1000] if path.name == "ae.xpt" else path.read_bytes())
    done = validate_files([tmp_path])
    unread = done.findings[done.findings["rule"].eq("FILE-UNREADABLE")]
    assert list(done.datasets.frames) == ["DM"] and unread["source"].tolist() == ["ae.xpt", "define.xml"]


def test_waivers_and_a_baseline_leave_what_is_new(package, tmp_path):
    whole = validate_files([package])
    waivers = tmp_path / "waivers.yml"
    waivers.write_text("- {rule: SC-SDTM-0032, dataset: AE, reason: Known at the site, who: A, expires: 2090-01-01}\n", encoding="utf-8")
    done = validate_files([package], waivers=waivers)
    assert done.waived["rule"].tolist() == ["SC-SDTM-0032"] and len(done.findings) == len(whole.findings) - 1
    rows = json.loads(whole.findings.to_json(orient="records"))
    (tmp_path / "before.json").write_text(json.dumps(rows[2:]))
    again = validate_files([package], baseline=tmp_path / "before.json")
    assert (len(again.findings), len(again.known), again.gone) == (2, len(rows) - 2, 0)
    assert again.compared == f"2 findings are new, {len(rows) - 2:,} known, 0 gone"


def test_terminology_is_named_by_its_date_for_every_standard(package):
    for standard, version in (("sdtmig", "3.4"), ("adamig", "1.3")):
        done = validate_files([package / "tabulations" / "sdtm" / "dm.xpt"], standard=standard, version=version, terminology=["2025-03-28"])
        assert done.outcomes.equals(validate_files([package / "tabulations" / "sdtm" / "dm.xpt"], standard=standard, version=version).outcomes)
    with pytest.raises(SpecError, match="2025-03-28"):
        validate_files([package], terminology=["1999-01-01"])


def test_wrong_waivers_are_told_before_any_data_are_read(tmp_path):
    (tmp_path / "w.yml").write_text("- rule: R\n", encoding="utf-8")
    with pytest.raises(SpecError, match="w.yml:1"):
        validate_files([tmp_path / "not there.xpt"], waivers=tmp_path / "w.yml")
    with pytest.raises(InputError, match="no such define.xml"):
        validate_files([tmp_path], define=tmp_path / "define.xml")


def test_sarif_points_to_the_lines_of_the_mapping_that_made_the_variables(package, tmp_path):
    done = run("validate", package, "--study", package.parent, "--format", "sarif", "--out", tmp_path)
    assert done.returncode == 1
    seen = {}
    for result in json.loads((tmp_path / "findings.sarif").read_text())["runs"][0]["results"]:
        place = result["locations"][0]["physicalLocation"]
        if place["artifactLocation"]["uri"].endswith(".yml"):
            file = Path(unquote(urlsplit(place["artifactLocation"]["uri"]).path))
            seen[result["properties"]["dataset"], result["properties"]["variables"]] = file.read_text().splitlines()[place["region"]["startLine"] - 1]
    assert seen["AE", "AESTDTC; AEENDTC"] == "  AESTDTC: {assign: START}" and seen["DM", "SEX"] == "  SEX: {assign: SEX}"


# --- The command --------------------------------------------------------------------------------------------------------


def test_the_command_writes_every_report_and_its_exit_code_follows_what_is_left(package, tmp_path):
    formats = "json,csv,html,xlsx,text,junit,sarif"
    done = run("validate", package, "--format", formats, "--out", tmp_path, "--study", package.parent)
    assert done.returncode == 1, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "findings.csv", "findings.html", "findings.json", "findings.sarif", "findings.txt", "findings.xlsx", "junit.xml", "outcomes.csv", "outcomes.json", "waived.json"]
    results = json.loads((tmp_path / "findings.sarif").read_text())["runs"][0]["results"]
    place = next(each for each in results if each["ruleId"] == "SC-SDTM-0032")["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("/ae.yml") and place["region"] == {"startLine": 7}
    again = run("validate", package, "--baseline", tmp_path / "findings.json")
    assert again.returncode == 0 and "baseline: 0 findings are new" in again.stdout and again.stdout.startswith("No findings.")


def test_a_standard_without_version_is_the_newest_that_ships(package, tmp_path):
    assert run("validate", package / "tabulations/sdtm/dm.xpt", "--standard", "adamig", "--out", tmp_path, "--fail-on", "none").returncode == 0
    assert (tmp_path / "findings.txt").read_text().startswith("Conformance to ADAMIG 1.3\n")


def test_waivers_are_shown_and_an_expired_one_fails_again(package, tmp_path):
    rules = sorted(set(validate_files([package]).findings.query("severity == 'error'")["rule"]))
    lines = [f"- {{rule: {rule}, reason: Seen and accepted, who: M. Rossi, expires: 2020-12-31}}\n" for rule in rules]
    (tmp_path / "w.yml").write_text("".join(lines), encoding="utf-8")
    held = run("validate", package, "--waivers", tmp_path / "w.yml")
    assert held.returncode == 0, held.stdout
    assert "\nWaived\n" in held.stdout and "M. Rossi  2020-12-31  Seen and accepted" in held.stdout
    later = run("validate", package, "--waivers", tmp_path / "w.yml", SOURCE_DATE_EPOCH="1700000000")
    assert later.returncode == 1 and "The waiver expired on 2020-12-31" in later.stdout and "\nWaived\n" not in later.stdout


@pytest.mark.parametrize(("arguments", "code", "message"), [
    (["--format", "jsn", "--out", "x"], 2, "'jsn' is none of json, csv"),
    (["--format", "junit"], 2, "needs --out"),
    (["--waivers", "{wrong}"], 2, "wrong.yml:1"),
    (["--baseline", "{wrong}"], 2, "not JSON"),
    (["--waivers", "nowhere.yml"], 3, "cannot be read"),
    (["--baseline", "nowhere.json"], 3, "cannot be read"),
    (["--define", "nowhere.xml"], 3, "no such define.xml"),
    (["--study", "nowhere"], 2, "no such study folder"),
    (["--encoding", "utf-9"], 2, "'utf-9' is no encoding known here"),
    (["--standard", "adam"], 2, "there is no standard 'adam"),
])  # fmt: skip
def test_wrong_usage_is_2_and_what_cannot_be_read_is_3(package, tmp_path, arguments, code, message):
    (tmp_path / "wrong.yml").write_text("- rule: R\n", encoding="utf-8")
    done = run("validate", package, *(each.format(wrong=tmp_path / "wrong.yml") for each in arguments))
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr
