"""Tracing variables and records to raw fields and rows: from specifications and from packages, and the lineage that a build writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from tiny_study import write_study

from sdtm_convert.errors import InputError, SpecError
from sdtm_convert.flow import Build, build
from sdtm_convert.lineage import write_lineage
from sdtm_convert.output import write_package
from sdtm_convert.trace import trace
from sdtm_convert.xpt import read_xpt, write_xpt

MAPPINGS = {
    "DM": """\
        from: dm
        variables:
          SUBJID: {assign: SUBJ}
          RFSTDTC: {first: EX.EXSTDTC, order: [EXSTDTC]}
          ARM: {assign: rand.ARM}
        """,
    "EX": """\
        from: ex
        keys: [USUBJID, EXSTDTC]
        variables:
          EXSTDTC: {iso_datetime: START, format: yyyy-mm-dd}
        """,
    "AE": """\
        from: ae
        where: YN == "Y"
        keys: [USUBJID, AESTDTC]
        variables:
          _TERM: {upper: TERM}
          AETERM: {assign: _TERM}
          AESTDTC: {iso_datetime: START, format: yyyy-mm-dd}
          AESTDY: {study_day: AESTDTC, reference: DM.RFSTDTC}
          AESEQ: {sequence: [AESTDTC]}
        supplemental:
          AENOTE: {assign: NOTE, label: Note}
        """,
    "VS": """\
        from: vs
        keys: [USUBJID, VSTESTCD]
        tests:
          TEMP: {result: TMP, unit: C}
          HEIGHT: {result: HGT, unit: cm}
        variables:
          VSSEQ: {sequence: [VSTESTCD]}
        """,
    "ADAE": """\
        from: AE
        keys: [USUBJID, AESEQ]
        predecessors: [AE.AESEQ, AE.AETERM]
        variables:
          ASTDT: {sas_date: AESTDTC}
          FIRSTAE: {first: AE.AESTDTC, order: [AESTDTC], label: First Adverse Event}
        """,
}
RAW = {
    "dm": "SUBJ\n1\n2\n",
    "rand": "SUBJ,ARM\n2,Active\n1,Placebo\n",
    "ex": "SUBJ,START\n2,2020-02-01\n1,2020-01-09\n1,2020-01-05\n",
    "ae": "SUBJ,YN,TERM,START,NOTE\n2,Y,Rash,2020-02-03,\n1,N,,,\n1,Y,Nausea,2020-01-07,seen\n1,Y,Headache,2020-01-06,\n",
    "vs": "SUBJ,TMP,HGT\n1,36.6,170\n2,,181\n",
}
MORE = """\
created: 2026-01-02
"""
PAGES = "form,field,page\nae,START,7\nae,TERM,6 8\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, MAPPINGS, RAW, more=MORE, options={"ae": "form: Adverse Events, pages: '5'", "ex": "form: Dosing"})
    text = (folder / "study.yml").read_text().replace("raw:\n", "raw:\n  pages: pages.csv\n")
    (folder / "study.yml").write_text(text)
    (folder / "pages.csv").write_text(PAGES)
    return folder


@pytest.fixture(scope="module")
def built(study) -> Build:
    return build(study)


@pytest.fixture(scope="module")
def package(built, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "package"
    write_package(built, out)
    write_lineage(built, out / "lineage")
    return out


def below(text: str) -> list[str]:
    """The lines from `needs` on."""
    lines = text.splitlines()
    return lines[next(number for number, line in enumerate(lines) if line.startswith("needs")):]


def head(text: str) -> dict[str, str]:
    """The lines `name   text` by name."""
    return {line[:9].strip(): line[10:] for line in text.splitlines() if line[:1].isalpha() and line[9:10] == " "}


# --- Variables --------------------------------------------------------------------------------------------------------


def test_a_variable_is_traced_through_other_datasets_to_raw_fields_with_form_and_page(study):
    text = trace(study, "AE.AESTDY")
    assert below(text) == [
        "needs",
        f"  AE.AESTDTC  Start Date/Time of Adverse Event (Char)  Collected, {study}/ae.yml:8",
        "    ae.START  form Adverse Events, page 7",
        f"  DM.RFSTDTC  Subject Reference Start Date/Time (Char)  Derived, {study}/dm.yml:5",
        f"    EX.EXSTDTC  Start Date/Time of Treatment (Char)  Collected, {study}/ex.yml:5",
        "      ex.START  form Dosing",
    ]
    assert text.splitlines()[0] == "AE.AESTDY  Study Day of Start of Adverse Event (Num)"
    assert head(text)["made in"] == f"{study}/ae.yml:9"
    assert head(text)["origin"] == "Derived, Sponsor"
    assert head(text)["method"].startswith("Days from DM.RFSTDTC to AESTDTC")
    assert head(text)["records"].startswith("ae (ae.csv, form Adverse Events): one per row, where ")


def test_a_package_says_the_same_with_files_named_from_the_study_folder(study, package):
    for name in ("AE.AESTDY", "VS.VSSTRESN", "ADAE.ASTDT", "SUPPAE.QVAL"):
        assert below(trace(package, name)) == below(trace(study, name).replace(f"{study}/", ""))


def test_working_variables_are_steps_on_the_way(study):
    assert below(trace(study, "AE.AETERM")) == [
        "needs",
        f"  AE._TERM  working variable, not submitted  Collected, {study}/ae.yml:6",
        "    ae.TERM  form Adverse Events, pages 6, 8",
    ]


def test_a_result_names_the_field_of_every_test(package):
    text = trace(package, "VS.VSORRES")
    assert below(text) == ["needs", "  vs.TMP  form vs  for TEMP", "  vs.HGT  form vs  for HEIGHT"]
    assert head(text)["made in"] == "vs.yml:5, vs.yml:6"


def test_a_copy_in_an_analysis_dataset_leads_to_its_predecessor(package):
    text = trace(package, "ADAE.AETERM")
    assert head(text)["origin"] == "Predecessor, AE.AETERM"
    assert below(text) == [
        "needs",
        "  AE.AETERM  Reported Term for the Adverse Event (Char)  Derived, ae.yml:7",
        "    AE._TERM  working variable, not submitted  Collected, ae.yml:6",
        "      ae.TERM  form Adverse Events, pages 6, 8",
    ]


def test_a_qualifier_is_found_under_its_dataset_and_under_supp(package):
    assert trace(package, "SUPPAE.AENOTE") == trace(package, "ae.aenote")
    assert trace(package, "AE.AENOTE").splitlines()[0] == "AE.AENOTE  Note (Char)  supplemental qualifier"
    assert below(trace(package, "SUPPAE.QVAL"))[1].startswith("  AE.AENOTE")


def test_what_nobody_writes_is_traced_too(package):
    assert below(trace(package, "AE.USUBJID")) == ["needs", "  ae.SUBJ  form Adverse Events, page 5"]
    assert below(trace(package, "ADAE.USUBJID"))[1:] == [
        "  AE.USUBJID  Unique Subject Identifier (Char)  Derived, study.yml:10", "    ae.SUBJ  form Adverse Events, page 5"]
    assert below(trace(package, "AE.STUDYID")) == ["needs     nothing that is collected"]


def test_a_circle_ends_and_nothing_is_explained_twice(tmp_path):
    def entry(*needs):
        step = {"text": "", "place": "x.yml:1", "source": "", "test": "", "needs": [["XX", name, "record"] for name in needs]}
        return {"label": "", "type": "Char", "kind": "", "places": ["x.yml:1"], "method": "", "codelist": "", "steps": [step],
                "origin": {"type": "Derived", "source": "", "predecessor": "", "pages": []}}

    (tmp_path / "lineage").mkdir()
    (tmp_path / "manifest.json").write_text("{}")
    variables = {"XX": {"A": entry("B", "C"), "B": entry("C"), "C": entry("A")}}
    data = {"form": 1, "raw": {}, "datasets": {"XX": {"parent": "", "topic": "", "records": []}}, "variables": variables}
    (tmp_path / "lineage" / "lineage.json").write_text(json.dumps(data))
    lines = [line.replace("  (Char)  Derived, x.yml:1", "") for line in below(trace(tmp_path, "XX.A"))]
    assert lines == ["needs", "  XX.B", "    XX.C", "      XX.A  (see above)", "  XX.C  (see above)"]


# --- Records ----------------------------------------------------------------------------------------------------------


def test_a_record_is_followed_to_the_raw_rows_and_values(package, study):
    text = trace(package, "AE.AESTDY", record=1, raw=study / "raw")
    assert head(text)["record"] == '1: USUBJID "1", AESEQ 1'
    assert head(text)["value"] == "2"
    assert head(text)["raw row"] == "ae row 4 (ae.csv, form Adverse Events)"
    assert [line.strip().split("  ")[0] + "  =" + line.partition("  =")[2] for line in below(text)[1:]] == [
        'AE.AESTDTC  = "2020-01-06"',
        'ae.START  = "2020-01-06"  (row 4)',
        'DM.RFSTDTC  = "2020-01-05"',
        'EX.EXSTDTC  = "2020-01-05", "2020-01-09"  (records 1, 2)',
        'ex.START  = "2020-01-09", "2020-01-05"  (rows 2, 3)',
    ]
    assert "note" not in text


def test_without_the_raw_files_the_rows_are_still_named(package):
    assert below(trace(package, "AE.AESTDTC", record=3))[1] == "  ae.START  form Adverse Events, page 7  row 1"


def test_records_are_chosen_by_subject_and_sequence_number(package):
    both = trace(package, "AE.AETERM", subject="1")
    assert [line for line in both.splitlines() if line.startswith(("record ", "value"))] == [
        'record    1: USUBJID "1", AESEQ 1', 'value     "HEADACHE"', 'record    2: USUBJID "1", AESEQ 2', 'value     "NAUSEA"']
    assert head(trace(package, "AE.AETERM", subject="1", seq=2))["raw row"].startswith("ae row 3 ")


def test_a_record_of_a_findings_domain_names_only_the_field_of_its_test(package, study):
    text = trace(package, "VS.VSORRES", subject="2", raw=study / "raw")
    assert head(text)["record"] == '3: USUBJID "2", VSSEQ 1, VSTESTCD "HEIGHT"'
    assert below(text) == ["needs", '  vs.HGT  form vs  for HEIGHT  = "181"  (row 2)']


def test_a_supplemental_qualifier_is_followed_by_its_parent_record(package, study):
    text = trace(package, "SUPPAE.QVAL", record=1, raw=study / "raw")
    assert head(text)["from"] == "AE record 2"
    assert head(text)["raw row"].startswith("ae row 3 ")
    assert below(text)[-1] == '    ae.NOTE  form Adverse Events, page 5  = "seen"  (row 3)'
    assert head(trace(package, "AE.AENOTE", record=2))["value"] == '"seen"'
    assert head(trace(package, "AE.AENOTE", record=1))["value"] == "missing"


def test_an_analysis_record_leads_through_its_sdtm_record_and_dates_say_what_they_mean(package, study):
    text = trace(package, "ADAE.ASTDT", record=2, raw=study / "raw")
    assert head(text)["value"] == "21921 (2020-01-07)"
    assert head(text)["from"] == "AE record 2"
    assert below(text)[-1] == '    ae.START  form Adverse Events, page 7  = "2020-01-07"  (row 3)'


def test_the_same_dataset_is_read_by_record_or_by_subject_as_the_step_does(package):
    assert below(trace(package, "ADAE.AETERM", record=2))[1].endswith('= "NAUSEA"')
    assert below(trace(package, "ADAE.FIRSTAE", record=2))[1].endswith('= "2020-01-06", "2020-01-07"  (records 1, 2)')


def test_a_raw_table_that_is_looked_up_is_found_by_subject(package, study):
    assert below(trace(package, "DM.ARM", record=2, raw=study / "raw"))[1] == '  rand.ARM  form rand  = "Active"  (row 1)'
    without = trace(package, "DM.ARM", record=2)
    assert below(without)[1] == "  rand.ARM  form rand"
    assert without.splitlines()[-1].startswith("note: rows of rand are found by subject")


def test_raw_files_other_than_those_of_the_build_are_named(package, study, tmp_path):
    (tmp_path / "ae.csv").write_text(RAW["ae"].replace("Headache", "Fatigue\x1b[2J"))
    text = trace(package, "AE.AETERM", record=1, raw=tmp_path)
    assert '"Fatigue\\u001b[2J"' in text and "\x1b" not in text
    assert text.splitlines()[-1].startswith(f"note: {tmp_path / 'ae.csv'} is not the file that the package was built from")
    (tmp_path / "ae.csv").unlink()
    assert trace(package, "AE.AETERM", record=1, raw=tmp_path).splitlines()[-1] == f"note: there is no {tmp_path / 'ae.csv'}; its values are not shown"


def test_a_dataset_that_was_changed_after_the_build_is_named_or_refused(package, tmp_path):
    copy = tmp_path / "package"
    shutil.copytree(package, copy)
    path = copy / "tabulations" / "sdtm" / "ae.xpt"
    frame, metadata = read_xpt(path)
    write_xpt(frame.assign(AETERM="CHANGED"), path, name="AE", variables=metadata.variables, label=metadata.label)
    assert trace(copy, "AE.AETERM", record=1).splitlines()[-1] == f"note: {path} is not the file that the build wrote; its records may be others"
    write_xpt(frame.iloc[:2], path, name="AE")
    with pytest.raises(InputError, match="knows 3 records, and AE has 2"):
        trace(copy, "AE.AETERM", record=1)


def test_records_from_several_blocks_know_their_own_fields(tmp_path):
    mapping = """\
        records:
          - {from: a, variables: {AETERM: {assign: TERMA}}}
          - {from: b, variables: {AETERM: {assign: TERMB}}}
        keys: [USUBJID, AETERM]
        variables: {}
        """
    folder = write_study(tmp_path, {"AE": mapping}, {"a": "SUBJ,TERMA\n1,Rash\n", "b": "SUBJ,TERMB\n2,Cough\n1,Ache\n"}, more=MORE)
    built = build(folder)
    out = tmp_path / "package"
    write_package(built, out)
    write_lineage(built, out / "lineage")
    found = [below(trace(out, "AE.AETERM", record=record, raw=folder / "raw"))[1:] for record in (1, 2, 3)]
    assert found == [['  b.TERMB  form b  = "Ache"  (row 2)'], ['  a.TERMA  form a  = "Rash"  (row 1)'], ['  b.TERMB  form b  = "Cough"  (row 1)']]


# --- Wrong questions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "choice", "message"), [
    ("AE", {}, "Write DATASET.VARIABLE"),
    ("AEE.AETERM", {}, "Did you mean 'AE'?"),
    ("AE.AETRM", {}, "Did you mean 'AETERM'?"),
    ("AE.AETERM", {"record": 4}, "AE has the records 1 to 3; 4 is none of them."),
    ("AE.AETERM", {"record": 0}, "AE has the records 1 to 3; 0 is none of them."),
    ("AE.AETERM", {"subject": "3"}, "AE has no record of '3'."),
    ("AE.AETERM", {"subject": "1", "seq": 9}, "AE has no record of 1 with AESEQ 9."),
    ("DM.ARM", {"subject": "1", "seq": 1}, "DM has no sequence number."),
    ("AE.AETERM", {"seq": 1}, "Add --subject."),
    ("AE.AETERM", {"record": 1, "subject": "1"}, "Give --record or --subject."),
])  # fmt: skip
def test_a_name_or_record_that_is_not_there_gets_one_clear_answer(package, name, choice, message):
    with pytest.raises(SpecError, match=message.replace("?", r"\?")):
        trace(package, name, **choice)


def test_a_specification_has_no_records(study):
    with pytest.raises(SpecError, match="a specification has no records"):
        trace(study, "AE.AETERM", record=1)


def test_a_package_without_lineage_is_to_be_built_again(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="Build the package again"):
        trace(tmp_path, "AE.AETERM")
    (tmp_path / "lineage").mkdir()
    for text in ("{", '{"form": 99}', "[]"):
        (tmp_path / "lineage" / "lineage.json").write_text(text)
        with pytest.raises(InputError, match="lineage.json"):
            trace(tmp_path, "AE.AETERM")


# --- What a build writes ----------------------------------------------------------------------------------------------


def listed(folder: Path, dataset: str) -> list[dict]:
    return pq.read_table(folder / f"{dataset.lower()}.parquet").to_pylist()


def test_every_record_has_its_raw_table_and_row(built, tmp_path):
    write_lineage(built, tmp_path / "lineage")
    assert sorted(path.name for path in (tmp_path / "lineage").iterdir()) == [
        "adae.parquet", "ae.parquet", "dm.parquet", "ex.parquet", "lineage.json", "suppae.parquet", "vs.parquet"]
    assert listed(tmp_path / "lineage", "AE") == [{"raw_table": "ae", "raw_row": row} for row in (4, 3, 1)]
    assert listed(tmp_path / "lineage", "SUPPAE") == [{"raw_table": "ae", "raw_row": 3, "from_dataset": "AE", "from_record": 2}]
    assert listed(tmp_path / "lineage", "ADAE") == [
        {"raw_table": "ae", "raw_row": row, "from_dataset": "AE", "from_record": record} for row, record in ((4, 1), (3, 2), (1, 3))]
    assert listed(tmp_path / "lineage", "VS") == [{"raw_table": "vs", "raw_row": row} for row in (1, 1, 2)]
    assert str(pq.read_schema(tmp_path / "lineage" / "ae.parquet").field("raw_row").type) == "int32"


def test_a_dataset_that_is_not_written_leaves_the_raw_row(study, tmp_path):
    write_lineage(build(study, only=["ADAE"]), tmp_path)
    assert listed(tmp_path, "ADAE")[0] == {"raw_table": "ae", "raw_row": 4, "from_dataset": "AE", "from_record": None}


def test_equal_builds_give_equal_bytes_wherever_the_study_lies(built, study, tmp_path, monkeypatch):
    write_lineage(built, tmp_path / "one")
    monkeypatch.chdir(study.parent)
    write_lineage(build(study.name), tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_a_folder_that_cannot_be_written_is_an_input_error(built, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="the lineage cannot be written"):
        write_lineage(built, tmp_path / "file")


def test_the_pilots_records_have_the_values_of_the_raw_rows_that_lineage_names(shared, tmp_path):
    built = build(Path(__file__).parent.parent / "mappings" / "CDISCPILOT01", shared / "pilot" / "raw")
    write_lineage(built, tmp_path)
    for dataset, variable, table, field in (("AE", "AETERM", "ae_raw", "IT.AETERM"), ("DM", "SUBJID", "dm_raw", "PATNUM")):
        raw = pd.read_csv(shared / "pilot" / "raw" / f"{table}.csv", dtype=str, encoding="utf-8-sig")
        rows = pq.read_table(tmp_path / f"{dataset.lower()}.parquet").column("raw_row").to_numpy()
        collected = raw[field].str.strip().str.upper().iloc[rows - 1]
        made = built.datasets[dataset][variable]
        assert len(made) > 300
        assert [c.endswith(m) for c, m in zip(collected, made)] == [True] * len(made)
    raw = pd.read_csv(shared / "pilot" / "raw" / "vs_raw.csv", dtype=str, encoding="utf-8-sig")
    rows = pq.read_table(tmp_path / "vs.parquet").column("raw_row").to_numpy()
    made = built.datasets["VS"]
    for test, field in (("SYSBP", "SYS_BP"), ("WEIGHT", "IT.WEIGHT"), ("TEMP", "IT.TEMP")):
        own = (made["VSTESTCD"] == test).to_numpy()
        assert own.sum() > 1000
        assert made["VSORRES"][own].tolist() == raw[field].str.strip().iloc[rows[own] - 1].tolist()
