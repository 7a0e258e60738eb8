"""External dictionaries, all of them made up here, and the operations that look values up in them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from sdtm_convert.cli import main
from sdtm_convert.dictionaries import read_dictionaries
from sdtm_convert.errors import InputError, SpecError
from sdtm_convert.rules.load import parse_rule
from sdtm_convert.rules.operations import run_operations
from sdtm_convert.rules.rule import NotRun, Operation, RuleError
from sdtm_convert.rules.study import make_study
from sdtm_convert.validation import validate

MEDDRA = {
    "soc.asc": "1$Skies$Sky$$\n2$Seas$Sea$$\n", "hlgt.asc": "11$Weather$\n21$Waters$\n", "hlt.asc": "111$Wind$\n211$Waves$\n",
    "pt.asc": "1111$Störm$$1$\n2111$Calm$$2$\n", "llt.asc": "11111$Gale$1111$$Y$\n11112$Störm$1111$$Y$\n21111$Lull$2111$$Y$\n",
    "mdhier.asc": "1111$111$11$1$Störm$Wind$Weather$Skies$Sky$$1$Y$\n1111$211$21$2$Störm$Waves$Waters$Seas$Sea$$1$N$\n2111$211$21$2$Calm$Waves$Waters$Seas$Sea$$2$Y$\n",
    "meddra_release.asc": "99.1$English$$\n",
}
RELATIONS = {"soc_hlgt.asc": "1$11$\n2$21$\n", "hlgt_hlt.asc": "11$111$\n21$211$\n", "hlt_pt.asc": "111$1111$\n211$1111$\n211$2111$\n"}
WHODRUG = {
    "DD.txt": "00000101001" + "7" + " " * 18 + "MOONDUST\n" + "00000201001" + "3" + " " * 18 + "STARDUST\n",
    "INA.txt": "A01    1DUSTS\nA02    1OTHERS\n", "DDA.txt": "00000101001" + "7" + "A01    \n", "version.txt": "WHODRUG B3 MAR29\n",
}
LOINC = {"Loinc.csv": 'LOINC_NUM,COMPONENT,VersionLastChanged,SHORTNAME\n"1-8","Dust, fine",2.9,Dust SerPl\n2-6,Glow,2.10,\n'}
UNII = {"UNII_Records_1Jan2029.txt": "UNII\tDisplay Name\tRN\nAB12\tMOONDUST\t\n"}
MEDRT = {"Core_MEDRT_2029_DTS.xml": """<terminology><namespace><name>M</name><version>2029.01</version></namespace>
<term><name>Fine Dust</name><code>T1</code><id>1</id></term>
<concept><name>Dust</name><code>N1</code><id>2</id><synonym><to_code>T1</to_code></synonym></concept></terminology>"""}
SNOMED = {"sct2_Description_Snapshot-en_XX_20290101.txt": "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\n"
          "1\t2\t1\t3\t55\ten\t4\tDust \"fine\"\n2\t2\t0\t3\t55\ten\t4\tOld dust\n"}
CONTENT = {"meddra": MEDDRA, "whodrug": WHODRUG, "loinc": LOINC, "unii": UNII, "medrt": MEDRT, "snomed": SNOMED}


def write(folder: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(encoding))
    return folder


@pytest.fixture
def folders(tmp_path):
    return {name: write(tmp_path / name, files) for name, files in CONTENT.items()}


@pytest.mark.parametrize(("name", "version", "terms"), [
    ("meddra", "99.1", {"SOC": {"1": ("Skies",), "2": ("Seas",)}, "HLGT": {"11": ("Weather",), "21": ("Waters",)}, "HLT": {"111": ("Wind",), "211": ("Waves",)},
                        "PT": {"1111": ("Störm",), "2111": ("Calm",)}, "LLT": {"11111": ("Gale",), "11112": ("Störm",), "21111": ("Lull",)}}),
    ("whodrug", "MAR_2029", {"DRUG_DICT": {"00000101001": ("MOONDUST",), "00000201001": ("STARDUST",)}, "ATC_TEXT": {"A01": ("DUSTS",), "A02": ("OTHERS",)},
                             "ATC_CLASSIFICATION": {"A01": ("DUSTS",)}}),
    ("loinc", "2.9", {"": {"1-8": ("Dust, fine", "Dust SerPl"), "2-6": ("Glow",)}}),
    ("unii", "1Jan2029", {"": {"AB12": ("MOONDUST",)}}),
    ("medrt", "2029.01", {"": {"T1": ("Fine Dust",), "N1": ("Dust", "Fine Dust")}}),
    ("snomed", "20290101", {"": {"55": ('Dust "fine"',)}}),
])
def test_each_dictionary_is_read_as_its_owner_publishes_it(folders, name, version, terms):
    read = read_dictionaries({name.upper(): folders[name]})[name]
    assert (read.name, read.version, read.terms) == (name, version, terms)


PATHS = {("1", "11", "111", "1111", "11111"), ("1", "11", "111", "1111", "11112"), ("2", "21", "211", "1111", "11111"),
         ("2", "21", "211", "1111", "11112"), ("2", "21", "211", "2111", "21111")}


def test_paths_of_meddra_come_from_either_kind_of_file_in_either_encoding(folders, tmp_path):
    without = {name: text for name, text in MEDDRA.items() if name not in ("mdhier.asc", "meddra_release.asc")}
    other = read_dictionaries({"meddra": write(tmp_path / "cp1252", {name.upper(): text for name, text in (without | RELATIONS).items()}, "cp1252")})["meddra"]
    whole = read_dictionaries({"meddra": folders["meddra"]})["meddra"]
    assert whole.paths == other.paths == PATHS and other.version == ""
    assert whole.text_paths == other.text_paths and ("Seas", "Waters", "Waves", "Störm", "Gale") in other.text_paths


@pytest.mark.parametrize(("name", "file", "content", "message"), [
    ("meddra", "hlt.asc", None, "MedDRA needs the files hlt.asc"),
    ("meddra", "mdhier.asc", None, "needs the files soc_hlgt.asc, hlgt_hlt.asc, hlt_pt.asc"),
    ("meddra", "llt.asc", b"11111$Gale\n", r"llt.asc:1: expected at least 3 fields, set apart by \$"),
    ("meddra", "pt.asc", b"1$\x81\n", "neither UTF-8 nor Windows-1252"),
    ("whodrug", "DD.txt", b"000001\n", "DD.txt:1: expected at least 31 characters"),
    ("loinc", "Loinc.csv", b"a,b\n1,2\n", "expected the columns LOINC_NUM and COMPONENT"),
    ("unii", "UNII_Records_1Jan2029.txt", b"UNII\nAB12\n", "1Jan2029.txt:2: expected a code and a name"),
    ("medrt", "Core_MEDRT_2029_DTS.xml", b"<a>", "not well-formed XML"),
    ("snomed", "sct2_Description_Snapshot-en_XX_20290101.txt", None, "SNOMED CT needs the file"),
])
def test_files_that_are_not_as_published_are_refused_in_one_line(folders, name, file, content, message):
    (folders[name] / file).unlink()
    if content is not None:
        (folders[name] / file).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_dictionaries({name: folders[name]})


def test_an_unknown_dictionary_and_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(SpecError, match="dictionaries: medra: a dictionary is one of meddra, .* Did you mean 'meddra'"):
        read_dictionaries({"medra": tmp_path})
    with pytest.raises(InputError, match="the folder of a dictionary cannot be read"):
        read_dictionaries({"meddra": tmp_path / "none"})


# --- Operations -------------------------------------------------------------------------------------------------------

AE = pd.DataFrame({
    "DOMAIN": "AE", "AESOC": ["Skies", "Seas", "Skies", None], "AESOCCD": [1.0, 2.0, 1.0, None], "AEHLGT": ["Weather", "Waters", "Waters", None],
    "AEHLGTCD": [11.0, 21.0, 21.0, None], "AEHLT": ["Wind", "Waves", "Wind", None], "AEHLTCD": [111.0, 211.0, 111.0, None],
    "AEDECOD": ["Störm", "Störm", "STÖRM", None], "AEPTCD": [1111.0, 2111.0, 1111.0, None], "AELLT": ["Gale", "Gale", "Storm", None],
    "AELLTCD": [11111.0, 11111.0, 9.0, None]})
CM = pd.DataFrame({"DOMAIN": "CM", "CMDECOD": ["MOONDUST", "moondust", "STARDUST", None], "CMCLAS": ["DUSTS", "DUSTS", "DUSTS", None],
                   "CMCLASCD": ["A01", "A02", "A01", None], "CMDRGCD": ["00000101001", "00000201001", "1", None], "CMUNII": ["AB12", "ab12", "XX", None],
                   "CMRT": ["N1", "T1", "N1", None], "CMRTT": ["Fine Dust", "Dust", "Dust", None], "CMLOINC": ["1-8", "9-9", "2-6", None]})
TRUE, FALSE = True, False


def result(folders: dict, dataset: str, operator: str, core_compatible: bool = False, **parts) -> list:
    study = make_study({"AE": AE, "CM": CM}, dictionaries=read_dictionaries(folders), core_compatible=core_compatible)
    operation = Operation("$r", operator, parts.pop("name", ""), options=parts)
    return run_operations((operation,), study.tables[dataset], study).column("$r").cells.tolist()


def of(dictionary: str, level: str = "", **options) -> dict:
    return {"external_dictionary_type": dictionary, "dictionary_term_type": level, **options}


@pytest.mark.parametrize(("dataset", "operator", "parts", "cells"), [
    ("AE", "valid_meddra_code_references", {}, [TRUE, FALSE, FALSE, FALSE]),
    ("AE", "valid_meddra_term_references", {}, [TRUE, TRUE, FALSE, FALSE]),
    ("AE", "valid_meddra_code_term_pairs", {"name": "--DECOD"}, [TRUE, FALSE, FALSE, FALSE]),
    ("AE", "valid_meddra_code_term_pairs", {"name": "AESOCCD"}, [TRUE, TRUE, TRUE, FALSE]),
    ("AE", "valid_external_dictionary_value", {"name": "--DECOD", **of("meddra", "PT")}, [TRUE, TRUE, FALSE, FALSE]),
    ("AE", "valid_external_dictionary_value", {"name": "--DECOD", **of("meddra", "pt", case_sensitive=False)}, [TRUE, TRUE, TRUE, FALSE]),
    ("AE", "valid_external_dictionary_value", {"name": "--DECOD", "core_compatible": True, **of("meddra", "PT")}, [TRUE, TRUE, TRUE, FALSE]),
    ("AE", "valid_external_dictionary_value", {"name": "--LLTCD", **of("meddra", "LLT")}, [TRUE, TRUE, FALSE, FALSE]),
    ("AE", "valid_external_dictionary_code", {"name": "--LLTCD", **of("MedDRA", "LLT")}, [TRUE, TRUE, FALSE, FALSE]),
    ("AE", "valid_external_dictionary_code_term_pair", {"name": "--LLTCD", "external_dictionary_term_variable": "--LLT", **of("meddra", "LLT")}, [TRUE, TRUE, FALSE, FALSE]),
    ("CM", "valid_whodrug_references", {"name": "--CLASCD"}, [TRUE, TRUE, TRUE, FALSE]),
    ("CM", "whodrug_code_hierarchy", {}, [TRUE, FALSE, FALSE, FALSE]),
    ("CM", "valid_external_dictionary_value", {"name": "--DECOD", **of("whodrug", "DRUG_DICT")}, [TRUE, FALSE, TRUE, FALSE]),
    ("CM", "valid_external_dictionary_code", {"name": "CMDRGCD", **of("whodrug", "DRUG_DICT")}, [TRUE, TRUE, FALSE, FALSE]),
    ("CM", "valid_external_dictionary_code", {"name": "CMUNII", **of("unii")}, [TRUE, FALSE, FALSE, FALSE]),
    ("CM", "valid_external_dictionary_code", {"name": "CMUNII", **of("unii", case_sensitive=False)}, [TRUE, TRUE, FALSE, FALSE]),
    ("CM", "valid_external_dictionary_value", {"name": "CMDECOD", **of("unii")}, [TRUE, FALSE, FALSE, FALSE]),
    ("CM", "valid_external_dictionary_code_term_pair", {"name": "CMRT", "external_dictionary_term_variable": "CMRTT", **of("medrt")}, [TRUE, FALSE, TRUE, FALSE]),
    ("CM", "valid_external_dictionary_value", {"name": "CMLOINC", **of("loinc")}, [TRUE, FALSE, TRUE, FALSE]),
])
def test_values_are_looked_up(folders, dataset, operator, parts, cells):
    assert result(folders, dataset, operator, **parts) == cells


@pytest.mark.parametrize(("version", "answer"), [("99.1", True), ("98.0", False)])
def test_the_version_that_define_names_is_compared(folders, tmp_path, version, answer):
    define = tmp_path / "define.xml"
    define.write_text(f'<ODM><CodeList OID="C"><ExternalCodeList Dictionary="MedDRA" Version="{version}"/></CodeList></ODM>', encoding="utf-8")
    study = make_study({"AE": AE}, dictionaries=read_dictionaries({"meddra": folders["meddra"]}), define=define)
    operation = Operation("$r", "valid_define_external_dictionary_version", options=of("meddra"))
    assert run_operations((operation,), study.tables["AE"], study).column("$r").cells.tolist() == [answer] * 4


@pytest.mark.parametrize(("operator", "parts", "need"), [
    ("valid_meddra_code_references", {}, "the dictionary meddra .--dictionary meddra=FOLDER."),
    ("whodrug_code_hierarchy", {}, "the dictionary whodrug"),
    ("valid_external_dictionary_code", {"name": "AELLTCD", **of("snomed")}, "the dictionary snomed"),
    ("valid_define_external_dictionary_version", of("meddra"), "define.xml"),
])
def test_without_the_dictionary_the_rule_is_not_run(operator, parts, need):
    with pytest.raises(NotRun, match=need):
        result({}, "AE", operator, **parts)


@pytest.mark.parametrize(("operator", "parts", "cause"), [
    ("valid_external_dictionary_value", {"name": "AELLT", **of("meddra", "LOWEST")}, "'LOWEST' is no level of meddra: SOC, HLGT, HLT, PT, LLT"),
    ("valid_external_dictionary_value", {"name": "AELLT", **of("webster")}, "'webster' is none of the dictionaries meddra"),
    ("valid_meddra_code_term_pairs", {"name": "AESEV"}, "AESEV is no variable of MedDRA"),
])
def test_what_the_rule_asks_wrongly_is_said(folders, operator, parts, cause):
    with pytest.raises(RuleError, match=cause):
        result(folders, "AE", operator, **parts)


RULE = """\
Core: {Id: ACME-7}
Authorities: [{Organization: ACME, Standards: [{Name: SDTMIG, Version: "3.4"}]}]
Rule Type: Record Data
Sensitivity: Record
Operations: [{id: $valid, operator: valid_external_dictionary_value, name: --DECOD, external_dictionary_type: meddra, dictionary_term_type: PT}]
Check: {all: [{name: AEDECOD, operator: non_empty}, {name: $valid, operator: equal_to, value: false}]}
Outcome: {Message: Not in MedDRA., Output Variables: [AEDECOD]}
"""


def test_validate_takes_folders_of_dictionaries(folders):
    judged = validate({"AE": AE}, rules=[parse_rule(RULE)], dictionaries={"meddra": folders["meddra"]})
    assert judged.findings[["record", "values"]].values.tolist() == [[3, "STÖRM"]]
    outcome = validate({"AE": AE}, rules=[parse_rule(RULE)]).outcomes.iloc[0]
    assert (outcome["status"], outcome["reason"]) == ("not run", "needs the dictionary meddra (--dictionary meddra=FOLDER)")


def test_the_command_takes_dictionaries(folders, tmp_path):
    AE.to_csv(tmp_path / "ae.csv", index=False)
    (tmp_path / "rule.yml").write_text(RULE, encoding="utf-8")

    def run(*options: str):
        return CliRunner().invoke(main, ["validate", str(tmp_path / "ae.csv"), "--rules", str(tmp_path / "rule.yml"), *options])

    found = run("--dictionary", f"meddra={folders['meddra']}")
    assert found.exit_code == 1 and "Not in MedDRA." in found.output
    assert (run("--dictionary", "meddra").exit_code, run("--dictionary", "medra=x").exit_code) == (2, 2)
    assert run("--dictionary", f"meddra={tmp_path / 'none'}").exit_code == 3
    without = run()
    assert without.exit_code == 0 and "1 not run" in without.output


PLAIN = """\
Core: {Id: %s}
Authorities: [{Organization: ACME, Standards: [{Name: SDTMIG, Version: "3.4"}]}]
Rule Type: %s
Sensitivity: Record
%s
Check: {all: [%s]}
Outcome: {Message: Wrong.}
"""
RULES = {  # status and reason of each, where define.xml, the codelist and the dictionary are missing
    "A-1": ("Value Check against Define XML VLM", "", "{name: variable_value, operator: empty}", "not run", "needs define.xml"),
    "A-2": ("Record Data", "Operations: [{id: $v, operator: valid_meddra_code_references}]", "{name: $v, operator: equal_to, value: false}",
            "not run", "needs the dictionary meddra (--dictionary meddra=FOLDER)"),
    "A-3": ("Record Data", "Operations: [{id: $v, operator: codelist_terms, codelists: [NOSUCH]}]", "{name: AELLT, operator: is_contained_by, value: $v}",
            "not run", "needs the codelist NOSUCH"),
    "A-4": ("Record Data", "", "{name: AELLT, operator: less_than, value: AESTDY}", "failed",
            "condition AELLT less_than: 'AESTDY' is neither a variable of the dataset nor a number"),
    "A-5": ("Record Data", "", "{name: AESER, operator: empty}", "not applicable", "no variable AESER"),
    "A-6": ("Record Data", "", "{name: DOMAIN, operator: empty}", "passed", ""),
    "A-7": ("Record Data", "", "{name: AELLT, operator: empty}", "findings", ""),
}


def test_every_report_says_what_became_of_every_rule(tmp_path):
    AE.to_csv(tmp_path / "ae.csv", index=False)
    (tmp_path / "rules").mkdir()
    for name, (kind, more, check, _, _) in RULES.items():
        (tmp_path / "rules" / f"{name}.yml").write_text(PLAIN % (name, kind, more, check), encoding="utf-8")
    done = CliRunner().invoke(main, ["validate", str(tmp_path / "ae.csv"), "--rules", str(tmp_path / "rules"), "--out", str(tmp_path / "out"),
                                     "--format", "text,json,csv,html"])
    assert done.exit_code == 1 and "1 not applicable, 1 passed, 1 findings, 3 not run, 1 failed" in done.output
    outcomes = pd.read_json(tmp_path / "out" / "outcomes.json")
    expected = [(name, status, reason) for name, (*_, status, reason) in RULES.items()]
    assert list(outcomes[["rule", "status", "reason"]].itertuples(index=False, name=None)) == expected
    assert pd.read_csv(tmp_path / "out" / "outcomes.csv", keep_default_na=False)["reason"].tolist() == outcomes["reason"].tolist()
    for said in (done.output, *((tmp_path / "out" / name).read_text(encoding="utf-8") for name in ("findings.txt", "findings.html"))):
        said = said.replace("&#39;", "'")
        assert all(reason in said for _, status, reason in expected if status in ("not run", "failed"))
