"""Each rule on define.xml: a sound file passes it, a file with one planted defect does not, and the finding says where."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from define_examples import ADAM, SDTM
from lxml import etree

from sdtm_convert.define import RULES, check_define, define_xml, write_define
from sdtm_convert.define.elements import NAMESPACES, add, qualified
from sdtm_convert.errors import InputError

PREFIXES = {prefix: namespace for prefix, namespace in NAMESPACES.items() if prefix != "xml"}
VS, FA, ADSL = "//odm:ItemGroupDef[@Name='VS']", "//odm:ItemGroupDef[@Name='FA']", "//odm:ItemGroupDef[@Name='ADSL']"


def nodes(root, path):
    found = root.xpath(path, namespaces=PREFIXES)
    assert found, path
    return found


def put(path, **attributes):
    """Set attributes; def_X stands for def:X. None takes the attribute away."""

    def change(root):
        for element in nodes(root, path):
            for name, value in attributes.items():
                name = qualified(name.replace("_", ":"))
                element.attrib.pop(name, None)
                if value is not None:
                    element.set(name, value)

    return change


def remove(path):
    def change(root):
        for element in nodes(root, path):
            element.getparent().remove(element)

    return change


def write(path, text):
    def change(root):
        for element in nodes(root, path):
            element.text = text

    return change


def repeat(path, **attributes):
    """A second copy behind the element, with other attributes."""

    def change(root):
        element = nodes(root, path)[0]
        again = copy.deepcopy(element)
        for name, value in attributes.items():
            again.set(qualified(name.replace("_", ":")), value)
        element.addnext(again)

    return change


def append(path, tag, text=None, **attributes):
    def change(root):
        add(nodes(root, path)[0], tag, {name.replace("_", ":"): value for name, value in attributes.items()}, text)

    return change


def swap_datasets(root):
    first, second = nodes(root, "//odm:ItemGroupDef")[:2]
    second.addnext(first)


def add_analysis(root, datasets=("IG.ADSL",), variable="IT.ADSL.AGE", reason="SPECIFIED IN SAP"):
    displays = add(nodes(root, "//odm:MetaDataVersion")[0], "arm:AnalysisResultDisplays")
    display = add(displays, "arm:ResultDisplay", {"OID": "RD.1", "Name": "Table 1"})
    add(add(display, "Description"), "TranslatedText", text="Ages")
    result = add(display, "arm:AnalysisResult", {"OID": "AR.1", "AnalysisReason": reason,
                                                 "AnalysisPurpose": "PRIMARY OUTCOME MEASURE"})
    add(add(result, "Description"), "TranslatedText", text="Mean age")
    parts = add(result, "arm:AnalysisDatasets")
    for dataset in datasets:
        add(add(parts, "arm:AnalysisDataset", {"ItemGroupOID": dataset}), "arm:AnalysisVariable", {"ItemOID": variable})


def arm(**more):
    return lambda root: add_analysis(root, **more)


def variable(name, attribute=""):
    return f"//odm:ItemDef[@OID='IT.{name}']{attribute}"


def ref(name):
    return f"//odm:ItemRef[@ItemOID='IT.{name}']"


def codelist(name, inside=""):
    return f"//odm:CodeList[@OID='CL.{name}']{inside}"


# Rule, package, defect, and the dataset and variable that the finding names.
SEEDS = [
    ("DEFINE-0002", SDTM, put("//odm:ODM", FileType="Slideshow"), "", ""),
    ("DEFINE-0002", SDTM, put(variable("DM.AGE"), Length="long"), "DM", "AGE"),
    ("DEFINE-0002", SDTM, repeat(ref("DM.AGE")), "DM", "AGE"),
    ("DEFINE-0003", SDTM, put("//odm:MetaDataVersion", def_DefineVersion="2.0.0"), "", ""),
    ("DEFINE-0005", SDTM, put("//odm:MetaDataVersion", Description="x" * 1001), "", ""),
    ("DEFINE-0006", SDTM, put(variable("DM.AGE"), OID="IT.DM.SEX"), "DM", "AGE"),
    ("DEFINE-0006", SDTM, put(codelist("SEX"), OID="MT.AE.AESEQ"), "", ""),
    ("DEFINE-0007", SDTM, write("//odm:StudyDescription", " "), "", ""),
    ("DEFINE-0010", SDTM, put(ref("DM.AGE"), ItemOID="IT.NONE"), "DM", ""),
    ("DEFINE-0011", SDTM, put(variable("DM.SEX", "/odm:CodeListRef"), CodeListOID="CL.NONE"), "DM", "SEX"),
    ("DEFINE-0012", SDTM, put(ref("VS.VSSEQ"), MethodOID="MT.NONE"), "VS", "VSSEQ"),
    ("DEFINE-0012", SDTM, put(ref("SUPPAE.QVAL.AETRTEM"), MethodOID="MT.NONE"), "SUPPAE", "QVAL"),
    ("DEFINE-0013", SDTM, put(variable("DM.COUNTRY"), def_CommentOID="COM.NONE"), "DM", "COUNTRY"),
    ("DEFINE-0014", SDTM, put("//def:WhereClauseRef", WhereClauseOID="WC.NONE"), "VS", "VSORRES"),
    ("DEFINE-0015", SDTM, put("//def:ValueListRef", ValueListOID="VL.NONE"), "VS", "VSORRES"),
    ("DEFINE-0016", SDTM, put(variable("DM.AGE", "//def:DocumentRef"), leafID="LF.none"), "DM", "AGE"),
    ("DEFINE-0017", SDTM, put(VS, def_StandardOID="STD.NONE"), "VS", ""),
    ("DEFINE-0017", SDTM, put(codelist("SEX"), def_StandardOID="STD.NONE"), "", ""),
    ("DEFINE-0018", SDTM, put("//odm:RangeCheck", def_ItemOID="IT.NONE"), "", ""),
    ("DEFINE-0019", ADAM, arm(datasets=("IG.NONE",)), "", ""),
    ("DEFINE-0019", ADAM, arm(variable="IT.NONE"), "", ""),
    ("DEFINE-0021", SDTM, repeat(variable("DM.AGE"), OID="IT.DM.AGE2"), "", "AGE"),
    ("DEFINE-0022", SDTM, remove(variable("DM.SEX", "/odm:CodeListRef")), "", ""),
    ("DEFINE-0023", SDTM, put("//odm:ItemRef[@MethodOID='MT.AE.AESEQ']", MethodOID=None), "", ""),
    ("DEFINE-0024", SDTM, put(variable("DM.COUNTRY"), def_CommentOID=None), "", ""),
    ("DEFINE-0025", SDTM, remove(ref("VS.VSORRES.MOOD")), "", ""),
    ("DEFINE-0026", SDTM, remove(variable("VS.VSORRES", "/def:ValueListRef")), "", ""),
    ("DEFINE-0027", SDTM, remove("//def:SupplementalDoc/def:DocumentRef[@leafID='LF.units']"), "", ""),
    ("DEFINE-0030", SDTM, remove("//def:Standard[@Type='IG']"), "", ""),
    ("DEFINE-0031", SDTM, put("//def:Standard[@Type='IG']", Name="STDTMIG"), "", ""),
    ("DEFINE-0031", SDTM, put("//def:Standard[@PublishingSet='SDTM']", Name="SDTMIG"), "", ""),
    ("DEFINE-0032", SDTM, put("//def:Standard[@PublishingSet='SDTM']", PublishingSet=None), "", ""),
    ("DEFINE-0032", SDTM, put("//def:Standard[@Type='IG']", PublishingSet="SDTM"), "", ""),
    ("DEFINE-0033", SDTM, put(VS, def_StandardOID=None), "VS", ""),
    ("DEFINE-0033", SDTM, put(VS, def_IsNonStandard="Yes"), "VS", ""),
    ("DEFINE-0034", SDTM, put(VS, def_StandardOID="STD.CT.SDTM.2025-03-28"), "VS", ""),
    ("DEFINE-0034", SDTM, put(codelist("SEX"), def_StandardOID="STD.SDTMIG.3.4"), "", ""),
    ("DEFINE-0035", SDTM, put("//def:Standard[@Type='IG']", Name="ADaMIG"), "VS", ""),
    ("DEFINE-0040", SDTM, put(f"{VS}/odm:ItemRef", KeySequence=None), "VS", ""),
    ("DEFINE-0041", SDTM, put(ref("VS.VSSEQ"), KeySequence="7"), "VS", ""),
    ("DEFINE-0042", SDTM, put(f"{VS}/def:Class", Name="VITALS"), "VS", ""),
    ("DEFINE-0042", SDTM, remove(f"{VS}/def:Class"), "VS", ""),
    ("DEFINE-0042", SDTM, put(f"{VS}/def:Class", Name="BASIC DATA STRUCTURE"), "VS", ""),
    ("DEFINE-0042", ADAM, append("//odm:ItemGroupDef[@Name='ADXX']", "def:Class", Name="ADAM OTHER"), "ADXX", ""),
    ("DEFINE-0043", ADAM, put("//def:SubClass", Name="ADVERSE EVENT"), "ADTTE", ""),
    ("DEFINE-0044", SDTM, put(VS, Purpose="Listing"), "VS", ""),
    ("DEFINE-0045", SDTM, put(VS, Domain=None), "VS", ""),
    ("DEFINE-0045", ADAM, put(ADSL, Domain="AD"), "ADSL", ""),
    ("DEFINE-0046", SDTM, put(VS, SASDatasetName="VITALS"), "VS", ""),
    ("DEFINE-0047", SDTM, put(FA, def_CommentOID=None), "FA", ""),
    ("DEFINE-0048", SDTM, put(VS, def_ArchiveLocationID=None), "VS", ""),
    ("DEFINE-0048", SDTM, remove(f"{VS}/def:leaf"), "VS", ""),
    ("DEFINE-0048", SDTM, put(FA, def_ArchiveLocationID="LF.VS"), "FA", ""),
    ("DEFINE-0049", SDTM, write(f"{VS}/odm:Description/odm:TranslatedText", "x" * 41), "VS", ""),
    ("DEFINE-0049", SDTM, remove(f"{VS}/odm:Description"), "VS", ""),
    ("DEFINE-0050", SDTM, put("//odm:ItemGroupDef[@Name='TS']", Repeating="Yes"), "TS", ""),
    ("DEFINE-0051", SDTM, remove("//odm:ItemGroupDef/odm:Alias"), "SUPPAE", ""),
    ("DEFINE-0052", SDTM, swap_datasets, "TS", ""),
    ("DEFINE-0054", SDTM, put(f"{VS}/def:leaf", xlink_href="vitals.xpt"), "VS", ""),
    ("DEFINE-0055", SDTM, put(VS, Name="AE"), "AE", ""),
    ("DEFINE-0056", SDTM, put(VS, def_Structure=" "), "VS", ""),
    ("DEFINE-0057", SDTM, remove(f"{FA}/odm:ItemRef"), "FA", ""),
    ("DEFINE-0060", SDTM, write(variable("DM.AGE", "/odm:Description/odm:TranslatedText"), "x" * 41), "DM", "AGE"),
    ("DEFINE-0060", SDTM, remove(variable("DM.AGE", "/odm:Description")), "DM", "AGE"),
    ("DEFINE-0061", SDTM, put(ref("DM.AGE"), OrderNumber=None), "DM", "AGE"),
    ("DEFINE-0061", SDTM, put(ref("VS.VSORRES.MOOD"), OrderNumber="1"), "", ""),
    ("DEFINE-0062", SDTM, put(variable("DM.AGE"), Length=None), "DM", "AGE"),
    ("DEFINE-0062", SDTM, put(variable("DM.RFSTDTC"), Length="20"), "DM", "RFSTDTC"),
    ("DEFINE-0063", SDTM, put(variable("VS.VSSTRESN"), SignificantDigits=None), "VS", "VSSTRESN"),
    ("DEFINE-0063", SDTM, put(variable("VS.VSORRES.TEMP"), SignificantDigits="5"), "VS", "VSORRES"),
    ("DEFINE-0063", SDTM, put(variable("DM.AGE"), SignificantDigits="1"), "DM", "AGE"),
    ("DEFINE-0064", SDTM, put(variable("DM.AGE"), SASFieldName="YEARS"), "DM", "AGE"),
    ("DEFINE-0065", SDTM, remove(variable("DM.AGE", "/def:Origin")), "DM", "AGE"),
    ("DEFINE-0065", SDTM, remove(variable("SUPPAE.QVAL.AENOTE", "/def:Origin")), "SUPPAE", "QVAL"),
    ("DEFINE-0066", SDTM, put(variable("DM.SEX", "/def:Origin"), Type="CRF"), "DM", "SEX"),
    ("DEFINE-0066", ADAM, put(variable("ADSL.SAFFL", "/def:Origin"), Type="Collected"), "ADSL", "SAFFL"),
    ("DEFINE-0067", SDTM, put(variable("DM.SEX", "/def:Origin"), Source=None), "DM", "SEX"),
    ("DEFINE-0067", SDTM, put(variable("DM.SEX", "/def:Origin"), Source="Sponsor"), "DM", "SEX"),
    ("DEFINE-0067", ADAM, put(variable("ADSL.AGE", "/def:Origin"), Source="Sponsor"), "ADSL", "AGE"),
    ("DEFINE-0068", ADAM, write(variable("ADSL.AGE", "/def:Origin//odm:TranslatedText"), "Demographics"), "ADSL", "AGE"),
    ("DEFINE-0069", SDTM, put(ref("VS.VSBLFL"), MethodOID=None), "VS", "VSBLFL"),
    ("DEFINE-0069", SDTM, put(ref("SUPPAE.QVAL.AETRTEM"), MethodOID=None), "SUPPAE", "QVAL"),
    ("DEFINE-0070", SDTM, remove(variable("DM.SEX", "/def:Origin/def:DocumentRef")), "DM", "SEX"),
    ("DEFINE-0071", SDTM, append(variable("SUPPAE.QVAL"), "def:Origin", Type="Assigned", Source="Sponsor"), "SUPPAE", "QVAL"),
    ("DEFINE-0072", SDTM, put(ref("DM.AGE"), Role=None), "DM", "AGE"),
    ("DEFINE-0073", ADAM, put(ref("ADSL.AGE"), Role="Record Qualifier"), "ADSL", "AGE"),
    ("DEFINE-0073", ADAM, put(ref("ADSL.AGE"), def_IsNonStandard="Yes"), "ADSL", "AGE"),
    ("DEFINE-0074", SDTM, put(ref("DM.RACE"), def_HasNoData="Yes"), "DM", "RACE"),
    ("DEFINE-0075", SDTM, put(ref("DM.SEX"), def_HasNoData="Yes"), "DM", "SEX"),
    ("DEFINE-0076", SDTM, put(variable("DM.RACE"), Name="SEX"), "DM", "SEX"),
    ("DEFINE-0077", SDTM, put(variable("DM.RACE"), Name="ETHNICITY"), "DM", "ETHNICITY"),
    ("DEFINE-0078", SDTM, put(variable("DM.SEX"), DataType="date"), "DM", "SEX"),
    ("DEFINE-0079", SDTM, put(variable("DM.SEX"), DataType="string"), "DM", "SEX"),
    ("DEFINE-0080", SDTM, remove(variable("SUPPAE.QVAL", "/def:ValueListRef")), "SUPPAE", "QVAL"),
    ("DEFINE-0085", SDTM, put(variable("VS.VSORRES.MOOD"), Length="21"), "VS", "VSORRES"),
    ("DEFINE-0086", SDTM, remove(f"{ref('VS.VSORRES.MOOD')}/def:WhereClauseRef"), "VS", "VSORRES"),
    ("DEFINE-0087", SDTM, append("//odm:RangeCheck[@Comparator='EQ']", "CheckValue", "TEMP"), "", ""),
    ("DEFINE-0088", SDTM, put("//def:WhereClauseDef", def_CommentOID=None), "VS", "VSORRESU"),
    ("DEFINE-0089", SDTM, put(variable("VS.VSSTRESN.SYSBP"), DataType="text"), "VS", "VSSTRESN"),
    ("DEFINE-0090", SDTM, write("//odm:CheckValue[.='SYSBP']", "DIABP"), "VS", "VSTESTCD"),
    ("DEFINE-0091", SDTM, put(f"{ref('VS.VSORRES.MOOD')}/def:WhereClauseRef", WhereClauseOID="WC.VS.VSTESTCD.TEMP"), "VS",
     "VSORRES"),
    ("DEFINE-0095", SDTM, put(codelist("SEX"), def_StandardOID=None), "", ""),
    ("DEFINE-0095", SDTM, put(codelist("COUNTRY"), def_StandardOID="STD.CT.SDTM.2025-03-28"), "", ""),
    ("DEFINE-0096", SDTM, remove(codelist("SEX", "/odm:Alias")), "", ""),
    ("DEFINE-0096", SDTM, append(codelist("COUNTRY"), "Alias", Context="nci:ExtCodeID", Name="C66729"), "", ""),
    ("DEFINE-0097", SDTM, remove(codelist("SEX", "/odm:CodeListItem/odm:Alias")), "", ""),
    ("DEFINE-0097", SDTM, put(codelist("SEX", "/odm:CodeListItem"), def_ExtendedValue="Yes"), "", ""),
    ("DEFINE-0098", SDTM, put(codelist("SEX", "/odm:CodeListItem[1]"), CodedValue=""), "", ""),
    ("DEFINE-0099", SDTM, put(codelist("SEX", "/odm:CodeListItem[1]"), OrderNumber="1"), "", ""),
    ("DEFINE-0099", SDTM, put(codelist("SEX", "/odm:CodeListItem[1]"), Rank="1"), "", ""),
    ("DEFINE-0100", SDTM, put(codelist("SEX"), DataType="integer"), "DM", "SEX"),
    ("DEFINE-0100", ADAM, put(codelist("TRT01PN"), DataType="text"), "ADSL", "TRT01PN"),
    ("DEFINE-0101", SDTM, put(codelist("SEX", "/odm:CodeListItem[1]"), CodedValue="FEMALE"), "DM", "SEX"),
    ("DEFINE-0102", SDTM, write(codelist("SEX", "//odm:TranslatedText"), " "), "", ""),
    ("DEFINE-0103", SDTM, put("//odm:ExternalCodeList", Version=None), "", ""),
    ("DEFINE-0104", SDTM, put("//odm:ExternalCodeList", Dictionary="Meddra"), "", ""),
    ("DEFINE-0105", SDTM, put(codelist("SEX", "/odm:Alias"), Name="66731"), "", ""),
    ("DEFINE-0106", SDTM, put(codelist("SEX"), Name="Race"), "", ""),
    ("DEFINE-0110", SDTM, write("//odm:MethodDef//odm:TranslatedText", ""), "", ""),
    ("DEFINE-0110", SDTM, put("//odm:MethodDef", Type=None), "", ""),
    ("DEFINE-0111", SDTM, write("//def:CommentDef//odm:TranslatedText", "\n"), "", ""),
    ("DEFINE-0113", SDTM, remove("//def:AnnotatedCRF"), "DM", "AGE"),
    ("DEFINE-0114", SDTM, put(variable("DM.AGE", "//def:PDFPageRef"), PageRefs=None), "DM", "AGE"),
    ("DEFINE-0114", SDTM, put(variable("DM.AGE", "//def:PDFPageRef"), PageRefs="seven"), "DM", "AGE"),
    ("DEFINE-0115", SDTM, write("//def:leaf[@ID='LF.units']/def:title", " "), "", ""),
    ("DEFINE-0120", ADAM, arm(reason="CURIOSITY"), "", ""),
    ("DEFINE-0121", ADAM, arm(datasets=("IG.ADSL", "IG.ADVS")), "", ""),
]
BY_FILE = {"DEFINE-0001", "DEFINE-0004", "DEFINE-0053", "DEFINE-0112"}  # seeded below, with bytes and folders


def seeded(package, change) -> bytes:
    root = etree.fromstring(define_xml(package))
    change(root)
    return etree.tostring(root.getroottree())


@pytest.mark.parametrize(("rule", "package", "change", "dataset", "variable"), SEEDS,
                         ids=[f"{seed[0]}-{number}" for number, seed in enumerate(SEEDS)])
def test_a_planted_defect_is_found_where_it_is(rule, package, change, dataset, variable):
    found = check_define(seeded(package, change))
    places = found.loc[found["rule"] == rule, ["dataset", "variables", "severity"]].fillna("")
    assert (dataset, variable, RULES[rule].severity) in set(places.itertuples(index=False, name=None))


def test_every_rule_has_a_planted_defect():
    compared = {rule for rule in RULES if rule >= "DEFINE-0201"}  # see test_define_compare.py
    assert {seed[0] for seed in SEEDS} | BY_FILE | compared == set(RULES)


def test_an_analysis_result_that_is_right_passes():
    assert check_define(seeded(ADAM, add_analysis)).to_dict("records") == []


def test_a_finding_has_line_value_and_message():
    found = check_define(seeded(SDTM, put(ref("VS.VSSEQ"), MethodOID="MT.NONE")))
    assert found.iloc[0].drop(["usubjid", "record", "seq"]).to_dict() == {
        "rule": "DEFINE-0012", "severity": "error", "dataset": "VS", "variables": "VSSEQ", "values": "MT.NONE",
        "message": "There is no MethodDef MT.NONE.", "source": found.iloc[0]["source"]}
    assert found.iloc[0]["source"].startswith("define.xml:")


def test_the_most_severe_come_first():
    def change(root):
        put(ref("DM.AGE"), Role=None)(root)
        put(codelist("SEX"), Name="Race")(root)
        put(variable("DM.AGE"), Length=None)(root)

    assert list(check_define(seeded(SDTM, change))["severity"]) == ["error", "warning", "notice"]


# --- Files ------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_xml_is_a_finding():
    assert list(check_define(b"<ODM><oops></ODM>")["rule"]) == ["DEFINE-0001"]
    assert list(check_define(b"")["rule"]) == ["DEFINE-0001"]


def test_another_kind_of_xml_is_a_finding():
    assert list(check_define(b"<html/>")["rule"]) == ["DEFINE-0003"]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        check_define(tmp_path / "define.xml")


def test_a_document_type_is_refused_and_its_entities_are_not_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    xml = define_xml(SDTM).decode()
    xml = xml.replace("<ODM ", f'<!DOCTYPE ODM [<!ENTITY e SYSTEM "{tmp_path / "secret"}">]><ODM ', 1)
    found = check_define(xml.replace("<StudyName>ABC01", "<StudyName>&e;", 1).encode())
    assert list(found["rule"]) == ["DEFINE-0001"]
    assert "DOCTYPE" in found["message"][0]


def package_folder(tmp_path) -> Path:
    """A define.xml with every file that it names."""
    path = write_define(SDTM, tmp_path)
    for name in ("ts", "dm", "ae", "vs", "suppae"):
        (tmp_path / f"{name}.xpt").touch()
    for name in ("acrf", "csdrg", "unit factors"):
        (tmp_path / f"{name}.pdf").touch()
    return path


def test_a_complete_folder_passes(tmp_path):
    assert check_define(package_folder(tmp_path), tmp_path).to_dict("records") == []


@pytest.mark.parametrize(("missing", "rule", "dataset"), [
    ("define2-1.xsl", "DEFINE-0004", ""), ("vs.xpt", "DEFINE-0053", "VS"), ("unit factors.pdf", "DEFINE-0112", "")])
def test_missing_files_are_found(tmp_path, missing, rule, dataset):
    path = package_folder(tmp_path)
    (tmp_path / missing).unlink()
    found = check_define(path, tmp_path)[["rule", "dataset", "values"]].fillna("")
    assert list(found.itertuples(index=False, name=None)) == [(rule, dataset, missing)]
    assert check_define(path).empty  # without a folder no file is looked for


def test_a_file_without_stylesheet_is_found():
    without = define_xml(SDTM).replace(b'<?xml-stylesheet type="text/xsl" href="define2-1.xsl"?>', b"")
    assert list(check_define(without)["rule"]) == ["DEFINE-0004"]


# --- The official samples ---------------------------------------------------------------------------------------------


def test_the_official_tabulation_sample(shared):
    found = check_define(shared / "define" / "defineV21-SDTM.xml")
    assert found.groupby("rule").size().to_dict() == {
        "DEFINE-0047": 1,  # SUPPVS has no data and no comment
        "DEFINE-0067": 3,  # Predecessors with a Source
        "DEFINE-0069": 2,  # ECDOSE and ECDOSU are derived without method
        "DEFINE-0071": 3,
        "DEFINE-0072": 155,
        "DEFINE-0096": 10,
        "DEFINE-0101": 2,
        "DEFINE-0104": 1,
        "DEFINE-0113": 1,
    }


def test_the_official_analysis_sample_passes(shared):
    assert check_define(shared / "define" / "defineV21-ADaM.xml").to_dict("records") == []


# --- The documentation ------------------------------------------------------------------------------------------------


def test_every_rule_is_documented():
    text = (Path(__file__).parent.parent / "docs" / "define-xml.md").read_text(encoding="utf-8")
    documented = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| DEFINE-")]
    assert [[cell.strip() for cell in row] for row in documented] == [[r.id, r.severity, r.text] for r in RULES.values()]


# --- Files that lack what the rules look at ---------------------------------------------------------------------------


@pytest.mark.parametrize(("xml", "part"), [(define_xml(SDTM), ""), (seeded(ADAM, add_analysis), NAMESPACES["arm"])],
                         ids=["SDTM", "analysis results"])
def test_a_file_that_lacks_something_is_checked_all_the_same(xml, part):
    """Every kind of element, and every attribute of each kind, is taken away once."""
    kinds = {(element.tag, attribute) for element in etree.fromstring(xml).iter(etree.Element) if part in element.tag
             for attribute in (None, *element.attrib)}
    for tag, attribute in sorted(kinds, key=str):
        root = etree.fromstring(xml)
        for element in list(root.iter(tag)):
            if attribute:
                element.attrib.pop(attribute, None)
            elif element is not root:
                element.getparent().remove(element)
        assert set(check_define(etree.tostring(root))["rule"]) <= set(RULES)
