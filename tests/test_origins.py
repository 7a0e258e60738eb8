"""Origin and method text follow from the steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_study import write_study

from sdtm_convert.load import load_study
from sdtm_convert.model import Origin
from sdtm_convert.origins import method_of, origin_of
from sdtm_convert.plan import VariablePlan

RAW = {"t": "SUBJ,A,B,D\n1,a,b,2020-01-01\n", "u": "SUBJ,X\n1,x\n"}
OPTIONS = {"t": "pages: '7 8'", "u": "pages: '12', source: Vendor"}
DM = "from: t\nvariables:\n  SEX: {assign: A}\n  RFSTDTC: {assign: D}\n"


def said(folder: Path, steps: str, dataset: str = "AE", name: str = "AETERM", more: dict[str, str] | None = None, source: str = "t") -> tuple[Origin, str]:
    """Origin and method text of one variable."""
    mappings = {"DM": DM, **(more or {}), dataset: f"from: {source}\nvariables:\n  AEMODIFY: {{upper: A}}\n  {name}: {steps}\n"}
    if dataset == "DM" or source != "t":
        mappings[dataset] = f"from: {source}\nvariables:\n  {name}: {steps}\n"
    study = load_study(write_study(folder, mappings, RAW, options=OPTIONS))
    mapping = study.mappings[dataset]
    method = method_of(mapping.variables[name], mapping, study)
    return origin_of(mapping.variables[name], mapping, study), method.text if method else ""


@pytest.mark.parametrize("steps, origin", [
    ("{assign: A}", Origin("Collected", "Investigator", pages=("7", "8"))),
    ("{assign: u.X}", Origin("Collected", "Vendor", pages=("12",))),
    ("[{assign: A}, {assign: B}]", Origin("Collected", "Investigator", pages=("7", "8"))),
    ("[{assign: A}, {assign: u.X}]", Origin("Collected", "Investigator", pages=("7", "8", "12"))),
    ("{assign: A, map: {a: b}}", Origin("Collected", "Investigator", pages=("7", "8"))),
    ("{constant: x}", Origin("Assigned", "Sponsor")),
    ("[{assign: A}, {constant: x}]", Origin("Collected", "Investigator", pages=("7", "8"))),
    ("[{assign: A}, {part: B, separator: '-', number: 1}]", Origin("Derived", "Sponsor")),
    ("{concatenate: [A, B]}", Origin("Derived", "Sponsor")),
    ("{assign: AEMODIFY}", Origin("Derived", "Sponsor")),
    ("{assign: DM.SEX}", Origin("Predecessor", predecessor="DM.SEX")),
    ("{assign: DM.SEX, map: {F: W}}", Origin("Derived", "Sponsor")),
    ("[{assign: DM.SEX}, {assign: DM.RFSTDTC}]", Origin("Derived", "Sponsor")),
    ("{upper: {first: u.X}}", Origin("Derived", "Sponsor")),
    ("{upper: {assign: u.X}}", Origin("Collected", "Vendor", pages=("12",))),
    ("{assign: A, origin: Assigned}", Origin("Assigned", "Sponsor")),
    ("{iso_datetime: D, format: yyyy-mm-dd}", Origin("Collected", "Investigator", pages=("7", "8"))),
])
def test_origins(tmp_path, steps, origin):
    assert said(tmp_path, steps)[0] == origin


def test_a_copy_from_the_dataset_that_the_records_come_from_is_a_predecessor(tmp_path):
    assert said(tmp_path, "{assign: SEX}", "ADSL", "SEX", source="DM")[0] == Origin("Predecessor", predecessor="DM.SEX")


def test_identifiers(tmp_path):
    study = load_study(write_study(tmp_path, {"DM": DM, "ADSL": "from: DM\npredecessors: [DM.STUDYID, DM.USUBJID, DM.DOMAIN]\n"}, RAW))
    mapping = study.mappings["ADSL"]
    assert [origin_of(mapping.variables[name], mapping, study) for name in ("STUDYID", "USUBJID")] == [
        Origin("Predecessor", predecessor="DM.STUDYID"), Origin("Predecessor", predecessor="DM.USUBJID")]


@pytest.mark.parametrize("steps, text", [
    ("{part: A, separator: '-', number: 2}", 'Part 2 of t.A, split at "-".'),
    ("{concatenate: [A, {constant: x}, B]}", 't.A, "x" and t.B, joined; what is missing is left out.'),
    ("{study_day: D, reference: DM.RFSTDTC}", "Days from DM.RFSTDTC to t.D, plus 1 on or after DM.RFSTDTC; there is no day 0."),
    ("{assign: A, where: B == 'x'}", 'The value of t.A, where B is "x".'),
    ("{first: u.X}", "The first u.X of the same USUBJID."),
    ("{first: u.X, matching: X != 'y', order: X}", 'The first u.X by u.X of the same USUBJID where X has a value other than "y".'),
    ("{flag: A is missing, no: N}", "Y where A is missing, else N."),
    ("[{part: A, separator: '-', number: 1}, {constant: none}]", 'The first of these that has a value: (1) Part 1 of t.A, split at "-". (2) Always none.'),
    ("{study_day: {first: u.X}, reference: D}", "Days from t.D to the first u.X of the same USUBJID, plus 1 on or after t.D; there is no day 0."),
    ("{constant: 'a {b} [c]'}", "Always a {b} [c]."),
    ("{upper: {first: u.X}}", "The first u.X of the same USUBJID in upper case."),
    ("{concatenate: [{first: u.X}, A]}", "The first u.X of the same USUBJID and t.A, joined; what is missing is left out."),
])
def test_method_texts(tmp_path, steps, text):
    assert said(tmp_path, steps)[1] == text


def test_an_imputation_is_called_so(tmp_path):
    study = load_study(write_study(tmp_path, {"ADSL": "from: t\nvariables:\n  TRTSDT: {impute_date: D, label: x}\n"}, RAW))
    mapping = study.mappings["ADSL"]
    method = method_of(mapping.variables["TRTSDT"], mapping, study)
    assert (method.type, method.name) == ("Imputation", "Algorithm for ADSL.TRTSDT")
    assert method.text == "t.D as a SAS date; unknown parts up to M (D day, M month, Y year) become the first possible."


def test_the_text_of_usubjid_names_its_parts(tmp_path):
    raw = {"t": "SUBJ,SITE\n1,01\n"}
    study = load_study(write_study(tmp_path, {"DM": "from: t\nvariables:\n  SITEID: {assign: SITE}\n"}, raw, usubjid="X-{SITE}-{SUBJ}"))
    plan = VariablePlan("USUBJID", (), study.mappings["DM"].place)
    assert method_of(plan, study.mappings["DM"], study).text == '"X-", SITE, "-" and SUBJ, one after another.'


SHIPPED = sorted(path.parent.name for path in (Path(__file__).resolve().parent.parent / "mappings").glob("*/study.yml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_method_texts_of_the_shipped_studies_are_sentences_without_slots(name):
    study = load_study(name)
    for mapping in study.mappings.values():
        for plan in mapping.variables.values():
            method = method_of(plan, mapping, study)
            if method:
                assert not set("{}[]") & set(method.text), f"{mapping.dataset}.{plan.name}: {method.text}"
                assert method.text.endswith(".") and ".." not in method.text and "  " not in method.text and " ," not in method.text
            assert origin_of(plan, mapping, study).type in ("Collected", "Derived", "Assigned", "Protocol", "Predecessor")
