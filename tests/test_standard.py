"""The standard tables say what the guides say, and loading finds the right ones."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import replace

import pytest

from sdtm_convert.errors import InputError, Place, SpecError
from sdtm_convert.standard import (
    available_standards,
    available_terminologies,
    load_standard,
    load_terminology,
    model_variable,
    newest_version,
    paired_codelist,
    standard_dataset,
    standard_variable,
)
from sdtm_convert.terminology import import_terminology

DATE = "2025-03-28"


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """No test sees what the user who runs it has imported."""
    monkeypatch.setenv("SDTM_CONVERT_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def sdtmig():
    return load_standard("sdtmig", "3.4")


@pytest.fixture(scope="module")
def adamig():
    return load_standard("adamig", "1.3")


# --- SDTMIG -----------------------------------------------------------------------------------------------------------


def test_the_newest_version_of_a_standard_is_found_by_its_name_alone():
    assert [newest_version(name) for name in ("adamig", "SDTMIG", "sendig")] == ["1.3", "3.4", ""]


def test_sdtmig_has_its_63_datasets_in_the_classes_of_define_xml(sdtmig):
    classes = {}
    for dataset in sdtmig.datasets.values():
        classes.setdefault(dataset.class_name, []).append(dataset.name)
    assert (sdtmig.name, sdtmig.version, len(sdtmig.datasets)) == ("SDTMIG", "3.4", 63)
    assert classes["INTERVENTIONS"] == ["AG", "CM", "EC", "EX", "ML", "PR", "SU"]
    assert classes["EVENTS"] == ["AE", "BE", "CE", "DS", "DV", "HO", "MH"]
    assert len(classes["FINDINGS"]) == 30
    assert classes["FINDINGS ABOUT"] == ["FA", "SR"]
    assert classes["SPECIAL PURPOSE"] == ["CO", "DM", "SE", "SM", "SV"]
    assert classes["TRIAL DESIGN"] == ["TA", "TD", "TE", "TI", "TM", "TS", "TV"]
    assert classes["STUDY REFERENCE"] == ["OI"]
    assert classes["RELATIONSHIP"] == ["RELREC", "RELSPEC", "RELSUB", "SUPPQUAL"]


def test_every_class_is_a_term_of_the_closed_codelist(sdtmig, adamig):
    known = load_terminology("Define-XML", DATE).find("GNRLOBSC").by_value
    for dataset in [*sdtmig.datasets.values(), *adamig.datasets.values()]:
        assert dataset.class_name in known


def test_vs_has_its_variables_in_order(sdtmig):
    vs = sdtmig.datasets["VS"]
    assert (vs.label, vs.structure) == (
        "Vital Signs",
        "One record per vital sign measurement per time point per visit per subject",
    )
    assert list(vs.variables) == (
        "STUDYID DOMAIN USUBJID VSSEQ VSGRPID VSSPID VSTESTCD VSTEST VSCAT VSSCAT VSPOS VSORRES VSORRESU VSSTRESC VSSTRESN "
        "VSSTRESU VSSTAT VSREASND VSLOC VSLAT VSLOBXFL VSBLFL VSDRVFL VSTOX VSTOXGR VSCLSIG VISITNUM VISIT VISITDY TAETORD "
        "EPOCH VSDTC VSDY VSTPT VSTPTNUM VSELTM VSTPTREF VSRFTDTC"
    ).split()
    assert [variable.order for variable in vs.variables.values()] == list(range(1, 39))


@pytest.mark.parametrize(
    ("dataset", "name", "label", "type_", "role", "core", "codelists", "values"),
    [
        ("AE", "DOMAIN", "Domain Abbreviation", "Char", "Identifier", "Req", (), "AE"),
        ("AE", "AESEV", "Severity/Intensity", "Char", "Record Qualifier", "Perm", ("C66769",), ""),
        ("AE", "AEDECOD", "Dictionary-Derived Term", "Char", "Synonym Qualifier", "Req", (), "MedDRA"),
        ("AE", "AESTDTC", "Start Date/Time of Adverse Event", "Char", "Timing", "Exp", (), "ISO 8601 datetime or interval"),
        ("VS", "VSSTRESN", "Numeric Result/Finding in Standard Units", "Num", "Result Qualifier", "Exp", (), ""),
        ("VS", "VSELTM", "Planned Elapsed Time from Time Point Ref", "Char", "Timing", "Perm", (), "ISO 8601 duration"),
        # several codes in one cell of the source
        ("DS", "DSDECOD", "Standardized Disposition Term", "Char", "Synonym Qualifier", "Req",
         ("C66727", "C114118", "C150811"), ""),
        ("TS", "TSVALNF", "Parameter Value Null Flavor", "Char", "Result Qualifier", "Perm", (), "ISO 21090 NullFlavor"),
    ],
)
def test_variables_are_as_published(sdtmig, dataset, name, label, type_, role, core, codelists, values):
    variable = standard_variable(sdtmig.datasets[dataset], name)
    found = variable.label, variable.type, variable.role, variable.core, variable.codelists, variable.values
    assert found == (label, type_, role, core, codelists, values)


def test_every_domain_names_itself_as_value_of_domain(sdtmig):
    for dataset in sdtmig.datasets.values():
        if "DOMAIN" in dataset.variables:
            assert dataset.variables["DOMAIN"].values == dataset.name


def test_slips_of_the_source_are_mended(sdtmig):
    assert sdtmig.datasets["SC"].structure == "One record per characteristic per visit per subject"
    assert sdtmig.datasets["UR"].structure == "One record per finding per location per visit per subject"
    for dataset in sdtmig.datasets.values():
        assert not dataset.structure.endswith(".") and "per per" not in dataset.structure


def test_all_that_ships_fits_an_xpt_file(sdtmig, adamig):
    for dataset in [*sdtmig.datasets.values(), *adamig.datasets.values()]:
        assert [variable.order for variable in dataset.variables.values()] == list(range(1, len(dataset.variables) + 1))
        for variable in dataset.variables.values():
            assert len(variable.label) <= 40 and variable.label == variable.label.strip()
            assert len(variable.name) <= 8 and variable.type in ("Char", "Num")
            assert variable.core in ("Req", "Exp", "Perm", "Cond")
            assert all(re.fullmatch(r"C\d+", code) for code in variable.codelists)
            assert all(ord(character) < 128 for character in variable.label)


def test_a_supplemental_dataset_has_the_structure_of_suppqual(sdtmig):
    suppae = standard_dataset(sdtmig, "SUPPAE")
    assert (suppae.name, suppae.label, suppae.class_name) == (
        "SUPPAE",
        "Supplemental Qualifiers for AE",
        "RELATIONSHIP",
    )
    assert list(suppae.variables) == "STUDYID RDOMAIN USUBJID IDVAR IDVARVAL QNAM QLABEL QVAL QORIG QEVAL".split()
    assert standard_dataset(sdtmig, "SUPPQSCG").label == "Supplemental Qualifiers for QSCG"


@pytest.mark.parametrize(("name", "domain"), [("QSCG", "QS"), ("LBCH", "LB"), ("FACM", "FA"), ("CMX", "CM")])
def test_a_split_dataset_has_the_structure_of_its_parent(sdtmig, name, domain):
    split = standard_dataset(sdtmig, name)
    assert (split.name, split.variables) == (name, sdtmig.datasets[domain].variables)
    assert standard_variable(split, f"{domain}SEQ").label == "Sequence Number"


@pytest.mark.parametrize("name", ["APDM", "APFAMH", "DMX", "SEXX", "XX", "QSCGIX", "SUPP", "vs", ""])
def test_other_names_are_no_datasets_of_sdtmig(sdtmig, name):
    assert standard_dataset(sdtmig, name) is None


def test_a_variable_that_the_guide_does_not_list_is_none(sdtmig):
    assert standard_variable(sdtmig.datasets["AE"], "AEDTC") is None
    assert standard_variable(sdtmig.datasets["AE"], "aesev") is None


@pytest.mark.parametrize(
    ("dataset", "name", "label", "type_", "role", "codelists", "after"),
    [
        ("AE", "AEDTC", "Date/Time of Collection", "Char", "Timing", (), "EPOCH"),
        ("EX", "VISITNUM", "Visit Number", "Num", "Timing", (), "EXADJ"),
        ("CM", "CMDTC", "Date/Time of Collection", "Char", "Timing", (), "EPOCH"),
        ("MH", "MHLLT", "Lowest Level Term", "Char", "Variable Qualifier", (), "MHMODIFY"),
        ("MH", "MHSEV", "Severity/Intensity", "Char", "Record Qualifier", (), "MHBODSYS"),  # AE's and CE's codelists differ
        ("MH", "MHSTRTPT", "Start Relative to Reference Time Point", "Char", "Timing", ("C66728",), "MHENRF"),
        ("VS", "VSMETHOD", "Method of Test or Examination", "Char", "Record Qualifier", (), "VSLAT"),
        ("FA", "FAMETHOD", "Method of Test or Examination", "Char", "Record Qualifier", (), "FALAT"),
        ("MI", "MIDS", "Disease Milestone Instance Name", "Char", "Timing", (), "MIDY"),  # not --DS of MI
    ],
)
def test_the_model_allows_more_than_the_guide_lists(sdtmig, dataset, name, label, type_, role, codelists, after):
    structure = sdtmig.datasets[dataset]
    variable = model_variable(sdtmig, structure, name)
    found = variable.name, variable.label, variable.type, variable.role, variable.core
    assert found == (name, label, type_, role, "Perm")
    if codelists:
        assert variable.codelists == codelists
    assert variable.order == structure.variables[after].order


def test_the_place_of_a_model_variable_is_right_for_nearly_every_listed_one_when_it_is_taken_out(sdtmig):
    placed = []
    for dataset in sdtmig.datasets.values():
        listed = list(dataset.variables.values())
        for before, variable in zip(listed, listed[1:], strict=False):
            others = {name: each for name, each in dataset.variables.items() if name != variable.name}
            rest = replace(sdtmig, datasets=sdtmig.datasets | {dataset.name: replace(dataset, variables=others)})
            if found := model_variable(rest, rest.datasets[dataset.name], variable.name):
                placed.append(found.order == before.order)
    assert len(placed) > 1400 and sum(placed) / len(placed) > 0.97


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("AE", "AESEV"),  # listed by the guide
        ("AE", "AEFOO"),
        ("AE", "AEORRES"),  # a qualifier of another class
        ("LB", "LBOBJ"),  # Findings About only
        ("CM", "CMTERM"),  # the topic of another class
        ("DM", "VISITNUM"),  # not a general observation class
        ("TS", "TSDTC"),
    ],
)
def test_the_model_allows_nothing_else(sdtmig, dataset, name):
    assert model_variable(sdtmig, sdtmig.datasets[dataset], name) is None


# --- ADaMIG -----------------------------------------------------------------------------------------------------------


def test_adamig_has_four_structures(adamig):
    assert {name: (each.class_name, each.subclass) for name, each in adamig.datasets.items()} == {
        "ADSL": ("SUBJECT LEVEL ANALYSIS DATASET", ""),
        "BDS": ("BASIC DATA STRUCTURE", ""),
        "TTE": ("BASIC DATA STRUCTURE", "TIME-TO-EVENT"),
        "OCCDS": ("OCCURRENCE DATA STRUCTURE", ""),
    }
    adae = standard_dataset(adamig, "ADAE")
    assert (adae.name, adae.class_name, adae.subclass) == ("ADAE", "OCCURRENCE DATA STRUCTURE", "ADVERSE EVENT")
    assert standard_dataset(adamig, "ADTTE").variables == adamig.datasets["TTE"].variables
    assert standard_dataset(adamig, "ADVS") is None
    assert standard_dataset(adamig, "SUPPAE") is None


def test_time_to_event_is_bds_and_its_own_variables(adamig):
    own = set(adamig.datasets["TTE"].variables) - set(adamig.datasets["BDS"].variables)
    assert own == {"STARTDT", "STARTDTM", "STARTDTF", "STARTTMF", "CNSR", "EVNTDESC", "CNSDTDSC"}
    assert not set(adamig.datasets["BDS"].variables) - set(adamig.datasets["TTE"].variables)


@pytest.mark.parametrize(
    ("structure", "name", "label", "type_", "core"),
    [
        ("ADSL", "TRTSDT", "Date of First Exposure to Treatment", "Num", "Cond"),
        ("ADSL", "TRT01P", "Planned Treatment for Period 01", "Char", "Req"),
        ("ADSL", "TR02AG1N", "Actual Pooled Trt 1 for Period 02 (N)", "Num", "Perm"),
        ("ADSL", "AGEGR1", "Pooled Age Group 1", "Char", "Perm"),
        ("ADSL", "AGEGR12N", "Pooled Age Group 12 (N)", "Num", "Perm"),
        ("ADSL", "AP03SDT", "Period 03 Start Date", "Num", "Perm"),  # not *SDT, not *DT
        ("ADSL", "P01S2EDM", "Period 01 Subperiod 2 End Datetime", "Num", "Perm"),
        ("ADSL", "STRAT1RN", "Strat Factor 1 Value Used for Rand (N)", "Num", "Perm"),
        ("BDS", "PARCAT1", "Parameter Category 1", "Char", "Perm"),
        ("BDS", "ANL01FL", "Analysis Flag 01", "Char", "Cond"),
        ("BDS", "CRIT1", "Analysis Criterion 1", "Char", "Perm"),
        ("BDS", "CRIT1FL", "Criterion 1 Evaluation Result Flag", "Char", "Cond"),
        ("BDS", "A1LO", "Analysis Range 1 Lower Limit", "Num", "Cond"),
        ("BDS", "AVALCA1N", "Analysis Value Category 1 (N)", "Num", "Perm"),
        ("BDS", "AGE", "Age", "Num", "Perm"),  # ADSL's, Req there
        ("BDS", "TRTSDT", "Date of First Exposure to Treatment", "Num", "Perm"),  # ADSL's, not *SDT
        ("BDS", "TRT01A", "Actual Treatment for Period 01", "Char", "Perm"),
        ("TTE", "CNSR", "Censor", "Num", "Cond"),
        ("OCCDS", "TRTEMFL", "Treatment Emergent Analysis Flag", "Char", "Cond"),
        ("OCCDS", "ASTDT", "Analysis Start Date", "Num", "Cond"),
        ("OCCDS", "ADURN", "Analysis Duration (N)", "Num", "Perm"),
        ("OCCDS", "AOCCPFL", "1st Occurrence of Preferred Term Flag", "Char", "Perm"),
        ("OCCDS", "AESEVN", "Severity/Intensity (N)", "Num", "Perm"),
        ("OCCDS", "SMQ01SCN", "SMQ 01 Scope (N)", "Num", "Perm"),
        ("OCCDS", "CQ01NAM", "Customized Query 01 Name", "Char", "Cond"),
        ("OCCDS", "TRTA", "Actual Treatment", "Char", "Cond"),
        ("OCCDS", "SAFFL", "Safety Population Flag", "Char", "Perm"),
        # the study completes these labels
        ("OCCDS", "AOCC02FL", "", "Char", "Perm"),
        ("ADSL", "VISIT1DT", "", "Num", "Perm"),
        ("BDS", "FOOSTMF", "", "Char", "Cond"),  # *STMF, the longest
    ],
)
def test_template_names_are_resolved(adamig, structure, name, label, type_, core):
    variable = standard_variable(adamig.datasets[structure], name)
    assert (variable.name, variable.label, variable.type, variable.core) == (name, label, type_, core)


@pytest.mark.parametrize(
    ("structure", "name"),
    [
        ("ADSL", "TRT00P"),
        ("ADSL", "TRT1P"),
        ("ADSL", "AGEGR0"),
        ("ADSL", "PH0SDX"),
        ("BDS", "ANL1FL"),
        ("BDS", "CNSR"),
        ("BDS", "DT"),
        ("BDS", "LONGNAMEDT"),
        ("ADSL", "PARAMCD"),
        ("ADSL", "trt01p"),
    ],
)
def test_what_only_resembles_a_template_is_unknown(adamig, structure, name):
    assert standard_variable(adamig.datasets[structure], name) is None


def test_imputation_flags_have_their_codelists(adamig):
    bds = adamig.datasets["BDS"]
    assert bds.variables["ADTF"].codelists == ("C81223",)
    assert standard_variable(bds, "EVENTDTF").codelists == ("C81223",)
    assert standard_variable(bds, "EVENTTMF").codelists == ("C81226",)


def test_value_lists_of_adam_flags(adamig):
    assert adamig.datasets["ADSL"].variables["SAFFL"].values == "Y; N"
    assert adamig.datasets["BDS"].variables["ABLFL"].values == "Y"
    assert adamig.datasets["OCCDS"].variables["AOCCFL"].values == "Y"


# --- Loading ----------------------------------------------------------------------------------------------------------


def test_a_standard_that_does_not_ship_is_refused_where_it_was_asked_for():
    with pytest.raises(SpecError) as caught:
        load_standard("sdtmig", "3.9", Place("study.yml", 4, "standards"))
    fault = caught.value.faults[0]
    assert (fault.place, fault.hint) == (Place("study.yml", 4, "standards"), "Did you mean 'SDTMIG 3.4'?")
    assert "ADaMIG 1.3, SDTMIG 3.4" in fault.message
    with pytest.raises(SpecError):
        load_standard("ct", "2025")


def test_names_of_standards_may_be_in_any_case():
    assert load_standard("SDTMIG", "3.4") is load_standard("sdtmig", "3.4")
    assert load_terminology("ADaM", DATE) is load_terminology("adam", DATE)
    assert available_standards() == [("ADaMIG", "1.3"), ("SDTMIG", "3.4")]
    assert available_terminologies() == [("ADaM", DATE), ("DEFINE-XML", DATE), ("SDTM", DATE)]


def test_a_terminology_that_is_nowhere_is_refused():
    with pytest.raises(SpecError) as caught:
        load_terminology("sdtm", "2025-03-27", place=Place("study.yml", 7))
    assert caught.value.faults[0].place == Place("study.yml", 7)
    assert caught.value.faults[0].hint == f"Did you mean 'SDTM {DATE}'?"


def test_a_place_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        load_terminology("sdtm", DATE, places=[tmp_path / "nowhere"])


OFFICIAL = """\
Code\tCodelist Code\tCodelist Extensible (Yes/No)\tCodelist Name\tCDISC Submission Value\tCDISC Synonym(s)\tCDISC Definition\tNCI Preferred Term
C66769\t\tNo\tSeverity/Intensity Scale for Adverse Events\tAESEV\t\t\t
C41338\tC66769\t\tSeverity/Intensity Scale for Adverse Events\t{value}\t1\tA.\tMild Adverse Event
"""


def official(folder, value, date=DATE):
    folder.mkdir(exist_ok=True)
    path = folder / f"SDTM Terminology {date}.txt"
    path.write_text(OFFICIAL.format(value=value), encoding="utf-8")
    return path


def values(terminology):
    return [term.value for term in terminology.find("AESEV").terms]


def test_given_places_come_before_the_users_store_and_that_before_what_ships(tmp_path):
    assert values(load_terminology("sdtm", DATE)) == ["MILD", "MODERATE", "SEVERE"]
    import_terminology(official(tmp_path / "a", "USER"))
    assert values(load_terminology("sdtm", DATE)) == ["USER"]
    import_terminology(official(tmp_path / "b", "STUDY"), into=tmp_path / "study")
    for place in (tmp_path / "study", tmp_path / "study" / f"sdtm-{DATE}"):
        assert values(load_terminology("sdtm", DATE, places=[tmp_path / "a" / "..", place])) == ["STUDY"]


def test_a_place_may_hold_or_be_an_official_file(tmp_path):
    path = official(tmp_path / "ct", "OFFICIAL")
    assert values(load_terminology("sdtm", DATE, places=[path])) == ["OFFICIAL"]
    assert values(load_terminology("sdtm", DATE, places=[tmp_path / "ct"])) == ["OFFICIAL"]
    assert "SBJTSTAT" in load_terminology("adam", DATE, places=[path, tmp_path / "ct"]).by_short_name


def test_what_is_imported_again_is_read_again(tmp_path):
    import_terminology(official(tmp_path / "a", "FIRST"))
    assert values(load_terminology("sdtm", DATE)) == ["FIRST"]
    written = import_terminology(official(tmp_path / "a", "SECOND"))
    for file in written:
        os.utime(file, (2_000_000_000, 2_000_000_000))
    assert values(load_terminology("sdtm", DATE)) == ["SECOND"]
    assert available_terminologies() == [("ADaM", DATE), ("DEFINE-XML", DATE), ("SDTM", DATE)]


# --- Terminology that ships -------------------------------------------------------------------------------------------

# Codes that a guide names and the set of 2025-03-28 no longer has.
RETIRED = {"C85495": "MSRESCAT; NCI has retired the codelist of susceptibility categories"}


def test_every_codelist_that_a_variable_names_ships(sdtmig, adamig):
    sdtm, adam = load_terminology("sdtm", DATE), load_terminology("adam", DATE)
    for dataset in sdtmig.datasets.values():
        for variable in dataset.variables.values():
            assert set(variable.codelists) <= set(sdtm.codelists) | set(RETIRED), (dataset.name, variable.name)
    for dataset in adamig.datasets.values():  # AGEU, SEX and RACE come from SDTM
        for variable in dataset.variables.values():
            assert set(variable.codelists) <= set(adam.codelists) | set(sdtm.codelists), (dataset.name, variable.name)
    assert not set(RETIRED) & set(sdtm.codelists)


@pytest.mark.parametrize(
    ("code", "short_name", "extensible", "terms"),
    [
        ("C66769", "AESEV", False, ["MILD", "MODERATE", "SEVERE"]),
        ("C66742", "NY", False, ["N", "NA", "U", "Y"]),
        ("C66731", "SEX", False, ["F", "INTERSEX", "M", "U"]),
        ("C66789", "ND", False, ["NOT DONE"]),
    ],
)
def test_codelists_are_as_published(code, short_name, extensible, terms):
    codelist = load_terminology("sdtm", DATE).codelists[code]
    assert (codelist.short_name, codelist.extensible, codelist.standard) == (short_name, extensible, f"SDTM {DATE}")
    assert sorted(codelist.by_value) == terms


def test_terms_have_code_decode_and_synonyms():
    sdtm = load_terminology("sdtm", DATE)
    yes, mild, milligram = (
        sdtm.find(codelist).by_value[value] for codelist, value in [("NY", "Y"), ("AESEV", "MILD"), ("UNIT", "mg")]
    )
    assert (yes.code, yes.decode) == ("C49488", "Yes")
    assert (mild.code, mild.decode, mild.synonyms) == ("C41338", "Mild Adverse Event", ("1", "Grade 1"))
    assert (milligram.code, milligram.decode, milligram.synonyms) == ("C28253", "Milligram", ("Milligram",))


@pytest.mark.parametrize(
    ("codes", "names", "code", "name"),
    [
        ("VSTESTCD", "VSTEST", "SYSBP", "Systolic Blood Pressure"),
        ("LBTESTCD", "LBTEST", "ALT", "Alanine Aminotransferase"),
        ("EGTESTCD", "EGTEST", "QTCFAG", "QTcF Interval, Aggregate"),
        ("TSPARMCD", "TSPARM", "AGEMAX", "Planned Maximum Age of Subjects"),
        ("PKPARMCD", "PKPARM", "CMAX", "Max Conc"),
        ("DIPARMCD", "DIPARM", "MANUF", "Manufacturer"),
        ("MMRC01TC", "MMRC01TN", "MMRC0101", "MMRC01-Description of Breathlessness"),
        ("ADCTC", "ADCTN", "ADCTS", "Total Score"),
        ("SOFA01TC", "SOFA01TN", "SOFA0101", "SOFA01-Respiration: PaO2/FiO2"),
    ],
)
def test_test_codes_decode_to_test_names(codes, names, code, name):
    sdtm = load_terminology("sdtm", DATE)
    codelist = sdtm.find(codes)
    assert codelist.by_value[code].decode == name
    assert paired_codelist(sdtm, codelist) is sdtm.find(names)
    assert paired_codelist(sdtm, sdtm.find(names)) is codelist


def test_a_codelist_of_other_things_has_no_pair():
    sdtm = load_terminology("sdtm", DATE)
    assert paired_codelist(sdtm, sdtm.find("NY")) is None
    assert paired_codelist(sdtm, sdtm.find("EGRDMETH")) is None  # the same terms as Holter's, another question


def test_every_list_of_test_codes_decodes_through_its_pair(sdtmig):
    sdtm = load_terminology("sdtm", DATE)
    for dataset in sdtmig.datasets.values():
        for variable in dataset.variables.values():
            if variable.name.endswith(("TESTCD", "PARMCD")):
                for codelist in map(sdtm.codelists.get, variable.codelists):
                    names = paired_codelist(sdtm, codelist).by_value
                    assert {term.decode for term in codelist.terms} == set(names)


def test_the_shipped_tables_are_small():
    from sdtm_convert import specs

    shipped = [path for place in specs.__path__ for path in _files(place) if path.endswith(".csv")]
    assert sum(os.path.getsize(path) for path in shipped if "rules" not in path) < 4_000_000


def _files(place):
    return [os.path.join(folder, file) for folder, _, files in os.walk(place) for file in files]


# --- Against the official files ---------------------------------------------------------------------------------------


def test_the_shipped_tables_are_what_make_specs_makes(shared):
    from sdtm_convert.specs import make_specs

    made = make_specs.make_tables(shared)
    assert len(made) == 10
    for name, text in made.items():
        assert (make_specs.HERE / name).read_text(encoding="utf-8") == text, name


def test_every_published_variable_is_there(shared, sdtmig, adamig):
    with (shared / "standards" / "sdtmig-3.4-variables.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(dataset.variables) for dataset in sdtmig.datasets.values()) == 1917
    for row in rows:
        variable = sdtmig.datasets[row["Dataset Name"]].variables[row["Variable Name"]]
        assert (variable.label, variable.type, variable.role, variable.core, variable.order) == (
            row["Variable Label"],
            row["Type"],
            row["Role"],
            row["Core"],
            int(row["Variable Order"]),
        )
    with (shared / "standards" / "adamig-1.3-variables.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    structures = {"Subject-Level Analysis Dataset": "ADSL", "Basic Data Structure": "TTE"}
    for row in rows:
        variable = adamig.datasets[structures[row["Data Structure Name"]]].variables[row["Variable Name"]]
        assert (variable.type, variable.core) == (row["Type"], row["Core"])
        if variable.name == "PBCHGCyN":  # 41 characters in the source
            assert variable.label == row["Variable Label"].replace("Percent Change", "Percent Chg")
        else:
            assert variable.label == row["Variable Label"]


def test_no_sentence_of_cdisc_is_shipped(shared, sdtmig, adamig):
    from sdtm_convert.specs import make_specs

    shipped = "\n".join(path.read_text(encoding="utf-8") for path in make_specs.HERE.glob("*ig-*/variables.csv"))
    for name in ("sdtmig-3.4-variables.csv", "adamig-1.3-variables.csv"):
        with (shared / "standards" / name).open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                assert len(row["CDISC Notes"]) < 40 or row["CDISC Notes"] not in shipped
