"""The command line: exit codes, messages, and packages that are whole or not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyreadstat
import pytest
from click.testing import CliRunner
from lxml import etree
from tiny_study import write_study

from sdtm_convert.cli import main

MAPPING = {
    "DM": """\
from: dm
keys: [STUDYID, USUBJID]
variables:
  SUBJID: {assign: SUBJ}
  RFSTDTC: {lowest: AE.AESTDTC}
  SEX: {assign: SEX}
""",
    "AE": """\
from: ae
keys: [STUDYID, USUBJID, AETERM]
variables:
  AETERM: {assign: TERM}
  AEDECOD: {assign: TERM}
  AESTDTC: {iso_datetime: START, format: dd/mm/yyyy}
  AESTDY: {study_day: AESTDTC, reference: DM.RFSTDTC}
  AESEQ: {sequence: [AETERM]}
supplemental:
  HOWBAD: {label: How Bad, assign: BAD}
""",
}
RAW = {
    "dm": "SUBJ,SEX\n1,Male\n2,Female\n",
    "ae": 'SUBJ,TERM,START,BAD\n1,Headache,01/02/2020,quite\n1,Nausea,60/02/2020,\n2,"=SUM(1,2)",03/02/2020,"é"\n',
}


def run(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "sdtm_convert", *map(str, arguments)], capture_output=True, text=True, cwd=cwd,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1600000000", **environment})


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    return write_study(folder, MAPPING, RAW, more='title: "A tiny study"\nnotice: "All data are made up."\n')


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_build_writes_the_whole_package_and_says_what_it_holds(study, tmp_path):
    done = run("build", study, "--out", tmp_path / "package", "--fail-on", "none")
    assert done.returncode == 0, done.stderr
    written = files(tmp_path / "package")
    assert {"tabulations/sdtm/dm.xpt", "tabulations/sdtm/ae.xpt", "tabulations/sdtm/suppae.xpt", "tabulations/sdtm/define.xml",
            "tabulations/sdtm/define2-1.xsl", "reports/findings.json", "reports/findings.csv", "reports/findings.html",
            "reports/findings.xlsx", "reports/define-sdtm.html", "manifest.json"} <= set(written)
    assert done.stdout.startswith("All data are made up.\n")
    assert "AE                 3" in done.stdout
    assert done.stderr == ""  # no progress where stderr is no terminal


def test_the_exit_code_is_1_where_findings_reach_the_severity(study, tmp_path):
    assert run("build", study, "--out", tmp_path / "package").returncode == 1
    findings = json.loads((tmp_path / "package" / "reports" / "findings.json").read_text(encoding="utf-8"))
    impossible = [f for f in findings if f["rule"] == "MAP-DATE-IMPOSSIBLE"]
    assert [(f["dataset"], f["usubjid"], f["variables"], f["values"], f["source"]) for f in impossible] == \
        [("AE", "1", "AESTDTC", "60/02/2020", "ae row 2 START")]


def test_an_independent_reader_reads_the_datasets_as_define_describes_them(study, tmp_path):
    run("build", study, "--out", tmp_path / "package")
    folder = tmp_path / "package" / "tabulations" / "sdtm"
    define = etree.parse(str(folder / "define.xml")).getroot()
    spaces = {"o": "http://www.cdisc.org/ns/odm/v1.3"}
    for name in ("dm", "ae", "suppae"):
        frame, meta = pyreadstat.read_xport(folder / f"{name}.xpt", encoding="utf-8")
        group = define.find(f".//o:ItemGroupDef[@Name='{name.upper()}']", spaces)
        assert meta.file_label == group.findtext("o:Description/o:TranslatedText", namespaces=spaces)
        items = [define.find(f".//o:ItemDef[@OID='{ref.get('ItemOID')}']", spaces) for ref in group.findall("o:ItemRef", spaces)]
        assert [item.get("Name") for item in items] == meta.column_names
        assert [item.findtext("o:Description/o:TranslatedText", namespaces=spaces) for item in items] == meta.column_labels
        widths = {item.get("Name"): int(item.get("Length")) for item in items if item.get("DataType") == "text"}
        assert widths == {column: meta.variable_storage_width[column] for column in widths}
    frame, _ = pyreadstat.read_xport(folder / "ae.xpt")
    assert frame["AETERM"].tolist() == ["Headache", "Nausea", "=SUM(1,2)"]
    assert frame["AESTDY"].fillna(-99).tolist() == [1.0, -99.0, 1.0]


def test_two_runs_give_the_same_bytes_in_any_time_zone(study, tmp_path):
    run("build", study, "--out", tmp_path / "one", TZ="UTC")
    run("build", study, "--out", tmp_path / "two", "--jobs", 1, TZ="Asia/Tokyo")
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_without_a_date_given_the_newest_input_file_gives_it(study, tmp_path):
    for name in ("one", "two"):
        done = subprocess.run([sys.executable, "-m", "sdtm_convert", "build", study, "--out", tmp_path / name], capture_output=True,
                              env={key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"})
        assert done.returncode == 1
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_the_manifest_names_every_file_with_its_checksum(study, tmp_path):
    import hashlib

    run("build", study, "--out", tmp_path / "package")
    written = files(tmp_path / "package")
    manifest = json.loads(written.pop("manifest.json"))
    assert manifest["outputs"] == {name: hashlib.sha256(data).hexdigest() for name, data in written.items()}
    assert set(manifest["inputs"]["raw"]) == {"dm.csv", "ae.csv"}
    assert set(manifest["inputs"]["specification"]) == {"study.yml", "dm.yml", "ae.yml"}
    assert manifest["notice"] == "All data are made up."


def test_a_failed_run_leaves_the_last_good_package_and_nothing_beside_it(study, tmp_path):
    run("build", study, "--out", tmp_path / "package")
    before = files(tmp_path / "package")
    (study / "raw" / "ae.csv").write_text('SUBJ,TERM,START,BAD\n1,"Headache,01/02/2020\n', encoding="utf-8")
    done = run("build", study, "--out", tmp_path / "package")
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1 and "ae.csv" in done.stderr
    assert files(tmp_path / "package") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["package", "study"]


def test_a_folder_with_other_things_is_not_replaced(study, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    done = run("build", study, "--out", tmp_path / "mine")
    assert done.returncode == 3 and "thesis" not in done.stderr and "not an earlier package" in done.stderr
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_missing_raw_folder_is_one_clear_line(study, tmp_path):
    done = run("build", study, "--raw", tmp_path / "nowhere", "--out", tmp_path / "package")
    assert done.returncode == 3
    assert "nowhere: there is no such folder" in done.stderr
    assert not (tmp_path / "package").exists()


def test_a_wrong_specification_shows_every_fault_with_its_line_and_exit_code_2(study, tmp_path):
    text = (study / "ae.yml").read_text(encoding="utf-8")
    (study / "ae.yml").write_text(text.replace("assign: TERM", "assing: TERM", 1).replace("DM.RFSTDTC", "DM.RFSTDT"), encoding="utf-8")
    done = run("build", study, "--out", tmp_path / "package")
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert [line.split(": ", 1)[0].rpartition("/")[2] for line in lines[:-1]] == ["ae.yml:5", "ae.yml:8"]
    assert "unknown method 'assing'. Did you mean 'assign'?" in lines[0]
    assert "DM has no variable 'RFSTDT'. Did you mean 'RFSTDTC'?" in lines[1]
    assert not (tmp_path / "package").exists()


def test_only_the_datasets_asked_for_are_written(study, tmp_path):
    run("build", study, "--out", tmp_path / "package", "--only", "DM")
    assert {name for name in files(tmp_path / "package") if name.endswith(".xpt")} == {"tabulations/sdtm/dm.xpt"}
    done = run("build", study, "--out", tmp_path / "package", "--only", "DN")
    assert done.returncode == 2 and "the study maps no dataset 'DN'. It maps AE, DM." in done.stderr


def test_datasets_are_written_in_other_forms_beside_xpt(study, tmp_path):
    run("build", study, "--out", tmp_path / "package", "--format", "ndjson,parquet")
    names = {name.rpartition("/")[2] for name in files(tmp_path / "package") if name.startswith("tabulations/sdtm/ae.")}
    assert names == {"ae.xpt", "ae.ndjson", "ae.parquet"}
    assert run("build", study, "--out", tmp_path / "other", "--format", "jsn").returncode == 2


def test_strict_makes_an_unaccounted_field_an_error(study, tmp_path):
    (study / "raw" / "dm.csv").write_text("SUBJ,SEX,SHOE\n1,M,43\n2,F,38\n", encoding="utf-8")
    for strict, severity in (([], "warning"), (["--strict"], "error")):
        run("build", study, "--out", tmp_path / "package", *strict)
        findings = json.loads((tmp_path / "package" / "reports" / "findings.json").read_text(encoding="utf-8"))
        assert [(f["severity"], f["dataset"], f["variables"]) for f in findings if f["rule"] == "RAW-FIELD"] == [(severity, "dm", "SHOE")]


def test_check_reads_no_data(study):
    for path in (study / "raw").iterdir():
        path.unlink()
    done = run("check", study)
    assert done.returncode == 0
    assert "2 datasets" in done.stdout and "were not checked" in done.stdout


@pytest.mark.parametrize(("name", "expected"), [
    ("study_day", "there is no day 0"), ("VS.VSDY", "Study Day of Vital Signs"), ("AE", "Adverse Events"), ("NY", "not extensible"),
    ("MAP-UNIT", "could not be converted"), ("SC-SDTM-0091", "seriousness"), ("DEFINE-0097", "NCI C-code"),
])
def test_explain_knows_methods_variables_datasets_codelists_and_rules(name, expected):
    done = run("explain", name)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


def test_rules_explain_knows_every_id_that_a_report_names():
    for name, expected in (("SC-SDTM-0032", "Looks at:"), ("DEFINE-0097", "NCI C-code"), ("FILE-TYPE", "declared Num"), ("WAIVER-EXPIRED", "expired")):
        assert expected in run("rules", "explain", name).stdout
    unknown = run("rules", "explain", "CORE-000012")
    assert unknown.returncode == 2 and "no rule has this id" in unknown.stderr and "--rules" in unknown.stderr


def test_explain_of_a_study_variable_says_where_it_is_made_and_how(study):
    done = run("explain", "AE.AESTDY", "--study", study)
    assert "ae.yml:8" in done.stdout
    assert "Days from DM.RFSTDTC to AESTDTC" in done.stdout


def test_explain_of_nothing_known_is_a_fault_with_a_hint():
    done = run("explain", "study_dya")
    assert done.returncode == 2 and "Did you mean 'study_day'?" in done.stderr


@pytest.mark.parametrize("command", [[], ["build"], ["check"], ["validate"], ["diff"], ["trace"], ["explain"], ["ct"], ["ct", "import"]])
def test_every_command_has_help_with_an_example(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Example:" in done.stdout or command == ["ct"]


def test_a_package_equals_itself_and_differs_from_one_of_other_data(study, tmp_path):
    run("build", study, "--out", tmp_path / "one")
    text = (study / "raw" / "ae.csv").read_text(encoding="utf-8")
    (study / "raw" / "ae.csv").write_text(text.replace("03/02/2020", "04/02/2020"), encoding="utf-8")
    run("build", study, "--out", tmp_path / "two")
    assert run("diff", tmp_path / "one", tmp_path / "one").returncode == 0
    done = run("diff", tmp_path / "one", tmp_path / "two")
    assert done.returncode == 1 and "AESTDTC" in done.stdout


def test_a_value_is_traced_to_its_raw_row(study, tmp_path):
    run("build", study, "--out", tmp_path / "package")
    done = run("trace", tmp_path / "package", "AE.AESTDTC", "--subject", "2", "--raw", study / "raw")
    assert done.returncode == 0, done.stderr
    assert "ae row 3" in done.stdout and "03/02/2020" in done.stdout


def test_validate_of_a_package_gives_the_findings_of_its_build(study, tmp_path):
    run("build", study, "--out", tmp_path / "package")
    folder = tmp_path / "package" / "tabulations" / "sdtm"
    done = run("validate", folder, "--define", folder / "define.xml", "--format", "json", "--out", tmp_path / "reports")
    assert done.returncode == 1
    again = json.loads((tmp_path / "reports" / "findings.json").read_text(encoding="utf-8"))
    before = json.loads((tmp_path / "package" / "reports" / "findings.json").read_text(encoding="utf-8"))
    shown = lambda rows: sorted((f["rule"], f["dataset"], f["record"] or 0, f["variables"] or "") for f in rows if f["rule"].startswith(("SC-", "DEFINE-")))
    assert shown(again) == shown(before)


def test_a_file_that_cannot_be_read_does_not_stop_the_others(study, tmp_path):
    run("build", study, "--out", tmp_path / "package")
    folder = tmp_path / "package" / "tabulations" / "sdtm"
    (folder / "vs.xpt").write_bytes(b"not a transport file")
    done = run("validate", folder)
    assert done.returncode == 1
    assert "FILE-UNREADABLE" in done.stdout and "3 datasets" in done.stdout


@pytest.mark.parametrize(("fault", "told"), [
    (PermissionError(13, "Permission denied", "/locked/ae.xpt"), "could not be completed: [Errno 13] Permission denied: '/locked/ae.xpt'"),
    (MemoryError(), "could not be completed: not enough memory"),
    (KeyError("STUDYID"), "KeyError: 'STUDYID'\nsdtm-convert: this is a fault of sdtm-convert itself"),
])  # fmt: skip
def test_what_nobody_foresaw_never_has_the_exit_code_of_findings(monkeypatch, fault, told):
    def fail(*given):
        raise fault

    monkeypatch.setattr("sdtm_convert.explain.explain", fail)
    done = CliRunner().invoke(main, ["explain", "AE"])
    assert done.exit_code == 3 and told in done.stderr


def test_help_imports_no_data_library():
    code = "import sys; from sdtm_convert import cli; print(sorted({'pandas', 'numpy', 'pyarrow', 'lxml', 'openpyxl', 'jsonschema_rs', 'yaml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_text_that_the_encoding_lacks_stops_the_build_and_is_named_with_the_file(study, tmp_path):
    (study / "study.yml").write_text((study / "study.yml").read_text() + "encoding: ascii\n")
    done = run("build", study, "--out", tmp_path / "package")
    place = f"{tmp_path}/package/tabulations/sdtm/suppae.xpt: SUPPAE.QVAL, row 2: 'é'"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        3, f"sdtm-convert: {place} holds 'é', which ascii lacks. Name an encoding, such as 'utf-8' or 'latin-1'.")
    assert not (tmp_path / "package").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file system of its own, made by mount")
def test_a_full_disk_leaves_nothing_behind(study, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        done = run("build", study, "--out", disk / "package")
        assert done.returncode == 3
        assert done.stderr.startswith(f"sdtm-convert: {disk}/package") and "No space left on device" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
