"""A study folder is checked as a whole: every fault with file, line, what and hint, all of them at once."""

from __future__ import annotations

import copy
import functools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_study import spec_faults, write_study

from sdtm_convert.errors import InputError, SpecError
from sdtm_convert.load import find_study, load_study
from sdtm_convert.plan import Ref

RAW = {"ae_raw": "SUBJ,TERM,SEV,START,ONSET DATE\n1,Headache,Mild,2020-01-01,x\n"}
AE = "from: ae_raw\nvariables:\n  AETERM: {assign: TERM}\n"


def ae_faults(tmp_path, text: str, **options) -> list[tuple[int, str]]:
    """(line in ae.yml, message and hint) of the faults of a mapping of AE; its first line is line 2."""
    found = spec_faults(tmp_path, {"AE": text}, RAW, **options)
    assert {file for file, _, _ in found} == {"ae.yml"}
    return [(line, message) for _, line, message in found]


def variable_fault(tmp_path, steps: str) -> tuple[int, str]:
    """The one fault of the steps of AESEV, which stand on line 5."""
    [fault] = ae_faults(tmp_path, f"from: ae_raw\nvariables:\n  AETERM: {{assign: TERM}}\n  AESEV: {steps}\n")
    return fault


# --- The folder -------------------------------------------------------------------------------------------------------


def test_a_shipped_study_is_found_by_name():
    assert (find_study("CDISCPILOT01") / "study.yml").is_file()


def test_a_folder_that_is_not_there_names_the_shipped_studies():
    with pytest.raises(SpecError, match="Did you mean 'CDISCPILOT01'?"):
        find_study("CDISCPILOT1")


def test_a_folder_without_study_yml(tmp_path):
    with pytest.raises(SpecError, match="no study.yml"):
        find_study(tmp_path)


def test_faults_of_all_files_are_reported_together(tmp_path):
    write_study(tmp_path, {"AE": "form: ae_raw\n", "DM": "from: ae_raw\nvariables: {sex: {assign: X}}\n"}, RAW, more="titel: x\n")
    with pytest.raises(SpecError) as caught:
        load_study(tmp_path)
    assert [(fault.place.file.split("/")[-1], fault.place.line) for fault in caught.value.faults] == [("ae.yml", 2), ("dm.yml", 3), ("study.yml", 7)]


def test_faults_of_names_are_all_reported_together(tmp_path):
    found = ae_faults(tmp_path, """\
        from: ae_raw
        keys: [STUDYID, AETREM]
        variables:
          AETERM: {asign: TERM}
          AESEV: {assign: SEVERITY}
          AESTDTC: {iso_datetime: START}
          AESTDY: {study_day: AESTDTC, refrence: AESTDTC}
        """)
    assert [line for line, _ in found] == [3, 5, 6, 7, 8, 8]


# --- Steps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps, message", [
    ("{asign: SEV}", "unknown method 'asign'. Did you mean 'assign'?"),
    ("{label: Severity}", "no method is named."),
    ("{assign: SEV, mpa: {A: B}}", "the method 'assign' has no argument 'mpa'. Did you mean 'map'?"),
    ("{assign: SEV, upper: SEV}", "the method 'assign' has no argument 'upper'. It takes source, map, codelist, case."),
    ("{study_day: START}", "the method 'study_day' needs the argument 'reference'."),
    ("{assign: SEVV}", "no variable or field 'SEVV' in ae_raw. Did you mean 'SEV'?"),
    ("{assign: raw.SEVV}", "ae_raw has no field 'SEVV'. Did you mean 'SEV'?"),
    ("{assign: ae_raw.SEVV}", "ae_raw has no field 'SEVV'. Did you mean 'SEV'?"),
    ("{assign: [SEV, TERM]}", "one name is wanted here, not a list."),
    ("{assign: SEV, source: TERM}", "the argument 'source' is given twice: it is what stands behind 'assign'."),
    ("{assign: SEV, codelist: AESEVV}", "no codelist 'AESEVV' in the study or the terminology it names. Did you mean 'AESEV'?"),
    ("{assign: SEV, map: Mild}", "'map' is a mapping of collected texts to terms."),
    ("{assign: SEV, case: uper}", "the method 'assign': case is upper, lower or as collected, not 'uper'."),
    ("{constant: [A, B]}", "'constant' is one text or number."),
    ("{sequence: []}", "'sequence' is an empty list."),
    ("{first: ae_raw.SEV, by: []}", "'by' is an empty list."),
    ("{substring: SEV, start: one}", "'one' is not a number."),
    ("{substring: SEV, start: nan}", "'nan' is not a number."),
    ("{substring: SEV, start: 0}", "the method 'substring': start is a whole number from 1, not 0."),
    ("{part: SEV, separator: '', number: 1}", "the method 'part': the separator is empty."),
    ("{lookup: SEV, table: vists, column: X}", "no table 'vists' in study.yml. Did you mean 'visits'?"),
    ("{lookup: SEV, table: visits, column: VISITNUN}", "the method 'lookup': the table 'visits' has no column 'VISITNUN'. Did you mean 'VISITNUM'?"),
    ("{decode: SEV}", "the method 'decode' needs a codelist, and the variable has none. Name it: codelist."),
    ("{first: SEV}", "'SEV' has one value for each record; this method wants another dataset's records. Name it with its dataset, such as EX.EXSTDTC."),
    ("{first: ae_raw.SEV, matching: TREM == 'x'}", "no variable or field 'TREM'. Did you mean 'TERM'?"),
    ("{first: ae_raw.SEV, order: STRAT}", "ae_raw has no variable 'STRAT'. Did you mean 'START'?"),
    ("{first: ae_raw.SEV, by: [USUBJID, TERM]}", "no variable 'TERM' above in AE. Did you mean 'AETERM'?"),
    ("{assign: SEV, where: SEV = 'Mild'}", "in the condition `SEV = 'Mild'`: column 5: '=' has no meaning here. Write '==' to compare."),
    ("{assign: SEV, where: SEW == 'Mild'}", "no variable or field 'SEW' in ae_raw. Did you mean 'SEV'?"),
    ("{steps: [{assign: SEV}], where: TERM == 'x'}", "'where' cannot stand beside `steps`. Put it into each of the steps that it is meant for."),
    ("{steps: [{assign: SEV}], assign: TERM}", "'assign' cannot stand beside `steps`. Put it into each of the steps that it is meant for."),
    ("{steps: [{assign: SEV}], lable: x}", "'lable' cannot stand beside `steps`. Did you mean 'label'?"),
    ("{steps: {assign: SEV}}", "`steps` is a list of steps. Write [{assign: A}, {assign: B}]."),
    ("{steps: [SEV]}", "a step is a method with its argument, such as {assign: FIELD}."),
    ("{iso_datetime: SEV, format: dd-mmm-jjjj}", None),
    ("{impute_date: SEV, date: frist}", None),
    ("{impute_date: SEV, highest: Y}", None),
    ("{last_before: SEV, reference: TERM, within: USUBJID, strictly: true}", None),
    ("{treatment_emergent: SEV, treatment_start: TERM, window: 30}", None),
])
def test_a_wrong_step_has_its_line_and_a_hint(tmp_path, steps, message):
    [(line, found)] = ae_faults(tmp_path, f"from: ae_raw\nvariables:\n  AETERM: {{assign: TERM}}\n  AESEV: {steps}\n",
                                more="tables:\n  visits:\n    WEEK 1: {VISITNUM: 1}\n")
    assert line == 5
    if message is None:
        assert found.startswith(("the method", "the date format"))
    else:
        assert found == message


def test_the_line_is_that_of_the_wrong_key(tmp_path):
    found = ae_faults(tmp_path, """\
        from: ae_raw
        variables:
          AESEV:
            - assign: SEV
              where: TERM == 'x'
              caes: upper
            - assign: TERM
              where: TREM == 'x'
              map:
                Mild: MILD
            - study_day:
                assing: TERM
              reference: START
        """)
    assert [line for line, _ in found] == [7, 9, 13]


def test_a_label_that_is_missing_or_too_long(tmp_path):
    found = ae_faults(tmp_path, f"""\
        from: ae_raw
        variables:
          AEXYZ: {{assign: TERM}}
          AEXYW: {{assign: TERM, label: {'x' * 41}}}
        supplemental:
          AEQUAL: {{assign: TERM}}
        """)
    assert found == [(4, "it has no label: the standard does not know the variable. Give `label`."),
                     (5, "the label has 41 characters; 40 is the most."),
                     (7, "a supplemental qualifier needs a label. Give `label`.")]


def test_a_label_of_40_characters_and_a_name_of_8_are_right(tmp_path):
    write_study(tmp_path, {"AE": f"from: ae_raw\nvariables:\n  AEXYZABC: {{assign: TERM, label: {'x' * 40}}}\n"}, RAW)
    assert load_study(tmp_path).mappings["AE"].variables["AEXYZABC"].label == "x" * 40


@pytest.mark.parametrize("name", ["AEXYZABCD", "AETERMINOLOGY"])
def test_a_name_over_8_characters(tmp_path, name):
    assert ae_faults(tmp_path, f"from: ae_raw\nvariables:\n  {name}: {{assign: TERM, label: x}}\n") == [
        (4, f"the name has {len(name)} characters; 8 is the most.")]


def test_a_working_variable_needs_no_label_and_may_have_a_long_name(tmp_path):
    write_study(tmp_path, {"AE": "from: ae_raw\nvariables:\n  _WORKING_TERM: {assign: TERM}\n  AETERM: {assign: _WORKING_TERM}\n"}, RAW)
    assert load_study(tmp_path).mappings["AE"].variables["_WORKING_TERM"].working


@pytest.mark.parametrize("attribute, message", [
    ("type: Number", "the type 'Number' is neither Char nor Num."), ("length: 300", "length '300' is not a whole number from 1 to 200."),
    ("length: long", "length 'long' is not a whole number from 1 to 200."),
    ("significant_digits: 99", "significant_digits '99' is not a whole number from 0 to 15.")])
def test_wrong_attributes(tmp_path, attribute, message):
    assert variable_fault(tmp_path, f"{{assign: SEV, {attribute}}}") == (5, message)


def test_an_argument_that_is_called_like_an_attribute_is_no_attribute(tmp_path):
    write_study(tmp_path, {"AE": "from: ae_raw\nvariables:\n  AETERM: [{substring: TERM, start: 1, length: 2}, {assign: TERM, length: 40}]\n"}, RAW)
    assert load_study(tmp_path).mappings["AE"].variables["AETERM"].attributes == {"length": "40"}


@pytest.mark.parametrize("name, why", [("USUBJID", "comes from `raw.usubjid` in study.yml"), ("STUDYID", "is `study` of study.yml"),
                                       ("DOMAIN", "follows from the name of the dataset")])
def test_variables_that_nobody_maps(tmp_path, name, why):
    assert ae_faults(tmp_path, f"from: ae_raw\nvariables:\n  {name}: {{assign: TERM}}\n") == [(4, f"{name} {why}; it is not mapped here.")]


# --- Records and datasets ---------------------------------------------------------------------------------------------


def test_a_source_that_is_not_there(tmp_path):
    assert ae_faults(tmp_path, "from: ae_rwa\n") == [(2, "no raw table or dataset 'ae_rwa'. Did you mean 'ae_raw'?")]


def test_no_source_at_all(tmp_path):
    [(line, message)] = ae_faults(tmp_path, "label: Adverse Events\n")
    assert line == 1 and "Give `from` or `records`." in message


def test_the_condition_on_records_has_its_line(tmp_path):
    assert ae_faults(tmp_path, "from: ae_raw\nwhere: TREM is missing\n") == [(3, "no variable or field 'TREM' in ae_raw. Did you mean 'TERM'?")]


def test_the_condition_on_records_cannot_name_the_dataset_that_they_make(tmp_path):
    [(line, message)] = ae_faults(tmp_path, AE + "where: AE.AETERM == 'x'\n")
    assert line == 5 and message.startswith("'AE.AETERM' has no value yet")


def test_a_key_that_is_no_variable(tmp_path):
    assert ae_faults(tmp_path, AE + "keys:\n  - USUBJID\n  - AETREM\n") == [(7, "no variable 'AETREM' to sort by. Did you mean 'AETERM'?")]
    assert ae_faults(tmp_path, AE + "keys:\n  - USUBJID\n  - USUBJID\n") == [(7, "the key 'USUBJID' is named twice.")]


def test_a_field_not_submitted_that_is_not_there(tmp_path):
    assert ae_faults(tmp_path, AE + "not_submitted:\n  SEVV: no\n") == [(6, "no field 'SEVV' in ae_raw. Did you mean 'SEV'?")]


def test_a_dataset_mapped_twice_names_the_other_file(tmp_path):
    write_study(tmp_path, {"AE": AE}, RAW)
    (tmp_path / "ae2.yml").write_text("# again\ndataset: AE\nfrom: ae_raw\n")
    with pytest.raises(SpecError) as caught:
        load_study(tmp_path)
    [fault] = caught.value.faults
    assert fault.place.file.endswith("ae2.yml") and fault.place.line == 2
    assert fault.message.startswith("the dataset is mapped twice, first in ") and fault.message.endswith("ae.yml.")


def test_a_raw_table_with_the_name_of_a_dataset(tmp_path):
    [(file, line, message)] = spec_faults(tmp_path, {"AE": "from: AE\nvariables:\n  AETERM: {assign: AE.AETERM}\n"}, {"AE": "SUBJ,TERM\n1,x\n"})
    assert (file, line) == ("ae.yml", 1) and "such as ae_raw" in message


@pytest.mark.parametrize("reference, message", [
    ("AE.AETREM", "AE has no variable 'AETREM'. Did you mean 'AETERM'?"),
    ("EX.EXSTDTC", "no variable or field 'EX.EXSTDTC' in ae_raw."),
])
def test_a_reference_to_what_is_not_there(tmp_path, reference, message):
    found = spec_faults(tmp_path, {"AE": AE, "CM": f"from: ae_raw\nvariables:\n  CMTRT: {{assign: {reference}}}\n"}, RAW)
    assert found == [("cm.yml", 4, message)]


def test_a_cycle_names_its_members(tmp_path):
    [(file, line, message)] = spec_faults(tmp_path, {
        "AE": "from: ae_raw\nvariables:\n  AETERM: {assign: CM.CMTRT}\n", "CM": "from: ae_raw\nvariables:\n  CMTRT: {assign: AE.AETERM}\n"}, RAW)
    assert file in ("ae.yml", "cm.yml") and line == 4
    assert "AE.AETERM" in message and "CM.CMTRT" in message and message.startswith("a cycle: ")


def test_supplemental_qualifiers_of_an_analysis_dataset(tmp_path):
    [(file, line, message)] = spec_faults(tmp_path, {"ADAE": "from: ae_raw\nsupplemental:\n  X: {assign: TERM, label: x}\n"}, RAW)
    assert (file, line) == ("adae.yml", 3) and message.startswith("analysis datasets have no supplemental qualifiers.")


def test_a_test_field_without_tests(tmp_path):
    assert spec_faults(tmp_path, {"VS": "from: ae_raw\ntest: TERM\n"}, RAW)[0][:2] == ("vs.yml", 3)


# --- Findings domains -------------------------------------------------------------------------------------------------

VS_RAW = {"vs_raw": "SUBJ,SBP,UNIT,mmHg\n1,120,mmHg,x\n"}


@pytest.mark.parametrize("tests, line, message", [
    ("SYSBP: {result: SBPP}", 4, "no variable or field 'SBPP' in vs_raw. Did you mean 'SBP'?"),
    ("SYSBP: {result: SBP, unit: mmHG}", 4, "'mmHG' is neither a term of the codelist of VSORRESU nor a field of vs_raw. Did you mean 'mmHg'?"),
    ("SYSBP: {result: SBP, unit: mmHg}", 4, "'mmHg' is a term of VSRESU and a field of vs_raw. Write {constant: ...} or {assign: ...}."),
    ("SYSBP: {result: USUBJID}", 4, "'USUBJID' is no field of vs_raw."),
    ("SYSBP: {unit: UNIT}", 4, "the raw field with the result is missing. Give `result: FIELD`."),
    ("SYSBP: {result: SBP, position: SITTINGG}", 4, "'SITTINGG' is neither a term of the codelist of VSPOS nor a field of vs_raw. Did you mean 'SITTING'?"),
    ("SYSBP:\n    result: SBP\n    VSSTAT: {asign: UNIT}", 6, "unknown method 'asign'. Did you mean 'assign'?"),
])
def test_faults_of_tests(tmp_path, tests, line, message):
    found = spec_faults(tmp_path, {"VS": f"from: vs_raw\ntests:\n  {tests}\n"}, VS_RAW)
    assert found == [("vs.yml", line, message)]


def test_two_tests_with_one_collected_text(tmp_path):
    found = spec_faults(tmp_path, {"VS": "from: vs_raw\ntest: UNIT\ntests:\n  SYSBP: {collected: [BP], result: SBP}\n  DIABP: {collected: [bp], result: SBP}\n"}, VS_RAW)
    assert found == [("vs.yml", 6, "the collected test 'bp' is SYSBP already.")]


def test_unit_as_a_constant_where_a_field_has_the_same_name(tmp_path):
    write_study(tmp_path, {"VS": "from: vs_raw\ntests:\n  SYSBP: {result: SBP, unit: {constant: mmHg}}\n"}, VS_RAW)
    [chain] = load_study(tmp_path).mappings["VS"].variables["VSORRESU"].chains
    assert chain.steps[0].method.name == "constant"


# --- study.yml --------------------------------------------------------------------------------------------------------


def study_fault(tmp_path, more: str = "", **options) -> str:
    [(file, _, message)] = spec_faults(tmp_path, {"AE": AE}, RAW, more=more, **options)
    assert file == "study.yml"
    return message


def test_terms_for_a_codelist_that_takes_none(tmp_path):
    assert study_fault(tmp_path, "codelists:\n  MYNY: {extends: NY, terms: {MAYBE: Maybe}}\n") == \
        "NY (C66742) is not extensible: it takes no further terms."


def test_terms_for_a_codelist_that_is_not_there(tmp_path):
    assert study_fault(tmp_path, "codelists:\n  U: {extends: UNTI, terms: {X: x}}\n") == "no codelist 'UNTI' in the terminology. Did you mean 'UNIT'?"


def test_two_extensions_of_one_codelist_both_count(tmp_path):
    write_study(tmp_path, {"AE": AE}, RAW, more="codelists:\n  A: {extends: UNIT, terms: {XX: x}}\n  B: {extends: C71620, terms: {YY: y}}\n")
    study = load_study(tmp_path)
    assert {"XX", "YY", "mg"} <= study.codelists["C71620"].by_value.keys()
    assert study.codelists["A"] is study.codelists["B"] is study.codelists["C71620"]


def test_a_usubjid_of_a_field_that_is_not_there(tmp_path):
    assert study_fault(tmp_path, usubjid="01-{SUBJECT}").startswith("USUBJID is made of {SUBJECT}, and ae_raw has no such field.")


def test_a_standard_that_does_not_ship(tmp_path):
    write_study(tmp_path, {"AE": AE}, RAW)
    path = tmp_path / "study.yml"
    path.write_text(path.read_text().replace("sdtmig: 3.4", "sdtmig: 9.9"))
    with pytest.raises(SpecError, match=r"study\.yml:2") as caught:
        load_study(tmp_path)
    assert "9.9" in str(caught.value)


def test_an_analysis_dataset_without_its_standard(tmp_path):
    write_study(tmp_path, {"ADAE": "from: ae_raw\n"}, RAW)
    path = tmp_path / "study.yml"
    path.write_text(path.read_text().replace("adamig: 1.3, ", ""))
    with pytest.raises(SpecError, match="ADAE is an ADaM dataset"):
        load_study(tmp_path)


# --- The study's own methods ------------------------------------------------------------------------------------------

HEAD = "from __future__ import annotations\nfrom sdtm_convert.registry import Column, method\n"


@pytest.mark.parametrize("code, message", [
    ("def broken(:\n", "methods.py cannot be run: SyntaxError"),
    ("import no_such_module\n", "methods.py cannot be run: ModuleNotFoundError"),
    (HEAD + "1 / 0\n", "(line 3)"),
    (HEAD + "@method\ndef assign(source: Column):\n    '''{source}'''\n", "the method 'assign' of methods.py has the name of one that ships."),
    (HEAD + "@method\ndef own(source: Column):\n    '''{sauce}'''\n", "the docstring has the slot {sauce}"),
    (HEAD + "@method\ndef own(source: Column):\n    pass\n", "a method needs a docstring"),
    (HEAD + "@method\ndef own(source: int):\n    '''x'''\n", "argument 'source' is annotated"),
])
def test_study_code_that_is_wrong(tmp_path, code, message):
    assert message in study_fault(tmp_path, methods=code)


def test_study_code_that_is_not_there(tmp_path):
    write_study(tmp_path, {"AE": AE}, RAW, methods="x = 1\n")
    (tmp_path / "methods.py").unlink()
    with pytest.raises(SpecError, match="no file 'methods.py'"):
        load_study(tmp_path)


def test_the_studys_own_method_is_a_word_of_its_mappings(tmp_path):
    write_study(tmp_path, {"AE": "from: ae_raw\nvariables:\n  AETERM: {shout: TERM}\n"}, RAW,
                methods=HEAD + "@method\ndef shout(source: Column):\n    '''{source}, loud.'''\n    return source.str.upper() + '!'\n")
    study = load_study(tmp_path)
    assert study.study_code == tmp_path / "methods.py"
    assert study.mappings["AE"].variables["AETERM"].chains[0].steps[0].arguments == {"source": Ref("raw", "TERM")}


# --- Whatever stands in it --------------------------------------------------------------------------------------------

RIGHT = {
    "dataset": "VS", "from": "vs_raw", "where": "A == 'x'", "excluded": "y", "test": "A", "keys": ["USUBJID", "VSTESTCD"],
    "defaults": {"result": "SBP", "unit": "mmHg"},
    "tests": {"SYSBP": {"collected": ["a", "b"], "standard_unit": "mmHg", "decimals": "1", "VSSTAT": {"assign": "A"}}},
    "variables": {
        "VSDTC": {"iso_datetime": ["D"], "format": ["yyyy-mm-dd"]}, "VSDY": {"study_day": "VSDTC", "reference": "vs_raw.D"},
        "VISITNUM": {"lookup": "A", "table": "visits", "column": "N"}, "VSSEQ": {"sequence": ["VSDTC"]},
        "VSLOBXFL": {"last_before": "VSDTC", "reference": {"lowest": "vs_raw.D", "matching": "A is missing", "by": ["USUBJID"], "order": ["D"]}, "within": ["USUBJID"]}},
    "supplemental": {"VSX": {"label": "x", "steps": [{"assign": "A", "map": {"a": "b"}}, {"part": "A", "separator": "-", "number": "1", "where": "A is missing"}]}},
    "not_submitted": {"A": "because"}}
ANYTHING = ["", "x", "A", "raw.A", "raw.", ".", "vs_raw.A", "VSDTC", "none", "-1", [], ["A"], [["A"]], {}, {"a": "b"}, {"assign": ["A"]}, [{"assign": "A"}],
            {"first": "vs_raw.D"}, {"constant": {}}, "A == 'x'", "assign"]


def paths(node: object, path: tuple = ()):
    yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from paths(value, (*path, key))


def test_the_mapping_that_is_spoilt_below_is_right(tmp_path):
    write_study(tmp_path, {}, {"vs_raw": "SUBJ,SBP,A,D\n1,120,x,2020-01-01\n"}, more="tables: {visits: {x: {N: 1}}}\n")
    (tmp_path / "vs.yml").write_text(json.dumps(RIGHT))
    assert load_study(tmp_path).mappings.keys() == {"VS"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_mapping_with_anything_in_it_gives_a_study_or_faults(tmp_path, data):
    mapping = copy.deepcopy(RIGHT)
    *path, last = data.draw(st.sampled_from([path for path in paths(RIGHT) if path and path != ("dataset",)]))
    node = functools.reduce(lambda inner, key: inner[key], path, mapping)
    node[last] = data.draw(st.sampled_from(ANYTHING))
    write_study(tmp_path, {}, {"vs_raw": "SUBJ,SBP,A,D\n1,120,x,2020-01-01\n"}, more="tables: {visits: {x: {N: 1}}}\n")
    (tmp_path / "vs.yml").write_text(json.dumps(mapping))
    try:
        assert load_study(tmp_path).mappings.keys() == {"VS"}
    except SpecError as error:
        assert error.faults and all(fault.message and fault.place.file for fault in error.faults)


# --- What comes of it -------------------------------------------------------------------------------------------------


def test_raw_files_that_are_not_at_hand_are_not_checked(tmp_path):
    write_study(tmp_path, {"AE": "from: ae_raw\nvariables:\n  AETERM: {assign: ANYTHING}\n"}, RAW)
    (tmp_path / "raw" / "ae_raw.csv").unlink()
    assert load_study(tmp_path).unchecked == ("ae_raw",)


def test_the_files_of_a_study_are_listed_with_those_it_extends(tmp_path):
    write_study(tmp_path, {"AE": "extends: sponsor/ae.yml\nfrom: ae_raw\nvariables: {AETERM: {assign: TERM}}\n"}, RAW, methods="x = 1\n")
    (tmp_path / "sponsor").mkdir()
    (tmp_path / "sponsor" / "ae.yml").write_text("dataset: AE\nvariables: {AETERM: {assign: X}}\n")
    assert [str(path.relative_to(tmp_path)) for path in load_study(tmp_path).files] == ["ae.yml", "methods.py", "sponsor/ae.yml", "study.yml"]


def test_a_fault_in_what_is_extended_points_there(tmp_path):
    write_study(tmp_path, {"AE": "extends: sponsor/ae.yml\nfrom: ae_raw\n"}, RAW)
    (tmp_path / "sponsor").mkdir()
    (tmp_path / "sponsor" / "ae.yml").write_text("# the sponsor's\n\ndataset: AE\nvariables:\n  AETERM: {assign: TREM}\n")
    with pytest.raises(SpecError) as caught:
        load_study(tmp_path)
    [fault] = caught.value.faults
    assert fault.place.file.endswith("sponsor/ae.yml") and fault.place.line == 5


def test_a_page_list_needs_its_columns(tmp_path):
    write_study(tmp_path, {"AE": AE}, RAW)
    path = tmp_path / "study.yml"
    path.write_text(path.read_text().replace("raw:\n", "raw:\n  pages: pages.csv\n"))
    (tmp_path / "pages.csv").write_text("form,page\nae_raw,7\n")
    with pytest.raises(InputError, match="no column field"):
        load_study(tmp_path)
    (tmp_path / "pages.csv").write_text("form,field,page\nae_raw,TERM,7 8\n")
    assert load_study(tmp_path).field_pages == {("ae_raw", "TERM"): ("7", "8")}
