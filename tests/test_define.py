"""A package as define.xml: the facts, the sharing, the order, the refusals, and what an independent reader makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from define_examples import ADAM, AE, CREATED, DM, NY, SDTM, char, num
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from sdtm_convert.define import RULES, check_define, define_xml, write_define
from sdtm_convert.define.elements import NAMESPACES
from sdtm_convert.define.resources import schema, schema_path, stylesheet_path, terminology
from sdtm_convert.errors import InputError
from sdtm_convert.model import Codelist, Dictionary, Document, Method, Package, RangeCheck, Term, ValueLevel


def parse(package: Package) -> etree._Element:
    return etree.fromstring(define_xml(package))


def find(root: etree._Element, path: str) -> list:
    return root.xpath(path, namespaces={k: v for k, v in NAMESPACES.items() if k != "xml"})


def attributes(root: etree._Element, path: str) -> dict[str, str]:
    """The attributes of the one element at this path, without namespaces."""
    (element,) = find(root, path)
    return {etree.QName(name).localname: value for name, value in element.attrib.items()}


def package_with(*variables, **more) -> Package:
    """A package of one dataset AE with these variables."""
    dataset = replace(AE, variables=variables, keys=(variables[0].name,), **more)
    return replace(SDTM, datasets=(dataset,), documents=SDTM.documents[:1])


@pytest.mark.parametrize("package", [SDTM, ADAM], ids=["SDTM", "ADaM"])
def test_the_file_is_valid_and_passes_every_rule(package):
    schema().assertValid(parse(package))
    assert check_define(define_xml(package)).to_dict("records") == []


@pytest.mark.parametrize("package", [SDTM, ADAM], ids=["SDTM", "ADaM"])
def test_the_same_package_gives_the_same_bytes(package):
    first = define_xml(package)
    assert define_xml(package) == first
    assert define_xml(replace(package, datasets=package.datasets[::-1])) == first


def test_the_files_of_defineutils_are_where_we_look_for_them():
    assert schema_path().is_file()
    assert b"MIT License" in stylesheet_path().read_bytes()[:300]


# --- Head of the file -------------------------------------------------------------------------------------------------


def test_head_of_the_file():
    xml = define_xml(SDTM)
    assert xml.splitlines()[1] == b'<?xml-stylesheet type="text/xsl" href="define2-1.xsl"?>'
    root = etree.fromstring(xml)
    assert sorted(prefix or "" for prefix in root.nsmap) == ["", "def", "xlink"]
    head = attributes(root, "/odm:ODM")
    assert head.pop("SourceSystemVersion", "")
    assert head == {
        "FileOID": "DEF.ABC01.SDTM.2025-03-28T12:00:00", "ODMVersion": "1.3.2", "FileType": "Snapshot",
        "CreationDateTime": "2025-03-28T12:00:00", "Originator": "The sponsor", "SourceSystem": "sdtm-convert",
        "Context": "Submission"}
    assert attributes(root, "//odm:MetaDataVersion") == {
        "OID": "MDV.ABC01.SDTM", "Name": "Study ABC01, Data Definitions", "DefineVersion": "2.1.9", "CommentOID": "COM.PACKAGE",
        "Description": "Data Definitions for the SDTM datasets of study ABC01"}
    assert find(root, "//odm:GlobalVariables/*/text()") == ["ABC01", "A study of an antiviral & its \u201csafety\u201d", "ABC-01"]


def test_standards_put_the_guide_first_and_spell_the_publishing_set_as_define_xml_does():
    assert [dict(standard.attrib) for standard in find(parse(SDTM), "//def:Standard")] == [
        {"OID": "STD.SDTMIG.3.4", "Name": "SDTMIG", "Type": "IG", "Version": "3.4", "Status": "Final"},
        {"OID": "STD.CT.SDTM.2025-03-28", "Name": "CDISC/NCI", "Type": "CT", "PublishingSet": "SDTM", "Version": "2025-03-28",
         "Status": "Final"},
        {"OID": "STD.CT.DEFINE-XML.2025-03-28", "Name": "CDISC/NCI", "Type": "CT", "PublishingSet": "DEFINE-XML",
         "Version": "2025-03-28", "Status": "Final"}]


def test_terminology_that_only_a_codelist_names_becomes_a_standard():
    # ADAM states ADaM terminology; its SEX and NY come from SDTM terminology.
    assert find(parse(ADAM), "//def:Standard/@OID") == ["STD.ADaMIG.1.3", "STD.CT.ADaM.2025-03-28", "STD.CT.SDTM.2025-03-28"]


def test_documents():
    root = parse(SDTM)
    assert find(root, "//def:AnnotatedCRF/def:DocumentRef/@leafID") == ["LF.acrf"]
    assert find(root, "//def:SupplementalDoc/def:DocumentRef/@leafID") == ["LF.csdrg", "LF.units"]
    assert find(root, "//odm:MetaDataVersion/def:leaf/@xlink:href") == ["acrf.pdf", "csdrg.pdf", "unit%20factors.pdf"]
    assert find(root, "//odm:MetaDataVersion/def:leaf/def:title/text()") == ["Annotated CRF", "Reviewer's Guide", "Unit factors"]
    assert find(root, "//def:CommentDef[@OID='COM.PACKAGE']/def:DocumentRef/@leafID") == ["LF.csdrg"]


def test_a_document_called_like_a_dataset_keeps_a_leaf_of_its_own():
    documents = (Document("AE", "Adverse event form", "ae.pdf", "crf"), Document("2 nd", "Second", "2.pdf"))
    root = parse(replace(SDTM, documents=documents))
    schema().assertValid(root)
    identifiers = find(root, "//def:leaf/@ID")
    assert len(set(identifiers)) == len(identifiers) == 7


# --- Datasets ---------------------------------------------------------------------------------------------------------


def test_datasets_are_in_the_order_of_classes_and_names():
    assert find(parse(SDTM), "//odm:ItemGroupDef/@Name") == ["TS", "DM", "AE", "VS", "FA", "SUPPAE"]
    assert find(parse(ADAM), "//odm:ItemGroupDef/@Name") == ["ADSL", "ADTTE", "ADVS", "ADXX"]


def test_a_tabulation():
    root = parse(SDTM)
    assert attributes(root, "//odm:ItemGroupDef[@Name='AE']") == {
        "OID": "IG.AE", "Name": "AE", "Repeating": "Yes", "IsReferenceData": "No", "SASDatasetName": "AE", "Domain": "AE",
        "Purpose": "Tabulation", "Structure": "One record per adverse event per subject", "ArchiveLocationID": "LF.AE",
        "StandardOID": "STD.SDTMIG.3.4"}
    assert find(root, "//odm:ItemGroupDef[@Name='AE']/odm:Description/odm:TranslatedText/text()") == ["Adverse Events"]
    assert find(root, "//odm:ItemGroupDef[@Name='AE']/def:Class/@Name") == ["EVENTS"]
    assert attributes(root, "//odm:ItemGroupDef[@Name='AE']/def:leaf") == {"ID": "LF.AE", "href": "ae.xpt"}


def test_reference_data_do_not_repeat():
    trial_summary = attributes(parse(SDTM), "//odm:ItemGroupDef[@Name='TS']")
    assert (trial_summary["IsReferenceData"], trial_summary["Repeating"]) == ("Yes", "No")


def test_a_dataset_without_records_has_a_comment_and_no_file():
    root = parse(SDTM)
    empty = attributes(root, "//odm:ItemGroupDef[@Name='FA']")
    assert (empty["HasNoData"], empty["CommentOID"], "ArchiveLocationID" in empty) == ("Yes", "COM.FA", False)
    assert find(root, "//odm:ItemGroupDef[@Name='FA']/def:leaf") == []
    assert find(root, "//odm:ItemGroupDef[@Name='FA']/odm:ItemRef/@def:HasNoData") == []
    unexplained = parse(replace(SDTM, datasets=(replace(AE, records=0),)))
    assert find(unexplained, "//def:CommentDef[@OID='COM.AE']/odm:Description/odm:TranslatedText/text()") == [
        "This package has no records for the dataset."]


def test_supplemental_qualifiers_name_their_parent():
    root = parse(SDTM)
    assert attributes(root, "//odm:ItemGroupDef[@Name='SUPPAE']")["Domain"] == "AE"
    assert attributes(root, "//odm:ItemGroupDef[@Name='SUPPAE']/odm:Alias") == {"Context": "DomainDescription",
                                                                              "Name": "Adverse Events"}


def test_an_analysis_dataset_has_neither_domain_nor_roles():
    root = parse(ADAM)
    assert attributes(root, "//odm:ItemGroupDef[@Name='ADSL']") == {
        "OID": "IG.ADSL", "Name": "ADSL", "Repeating": "No", "IsReferenceData": "No", "SASDatasetName": "ADSL",
        "Purpose": "Analysis", "Structure": "One record per subject", "ArchiveLocationID": "LF.ADSL",
        "StandardOID": "STD.ADaMIG.1.3", "CommentOID": "COM.ADSL"}
    assert find(root, "//odm:ItemRef/@Role") == []
    assert find(root, "//odm:ItemGroupDef[@Name='ADTTE']/def:Class/def:SubClass/@Name") == ["TIME-TO-EVENT"]


def test_an_analysis_dataset_of_no_standard_has_no_class():
    root = parse(ADAM)
    own = attributes(root, "//odm:ItemGroupDef[@Name='ADXX']")
    assert (own["IsNonStandard"], "StandardOID" in own) == ("Yes", False)
    assert find(root, "//odm:ItemGroupDef[@Name='ADXX']/def:Class") == []


def test_references_to_variables():
    root = parse(SDTM)
    refs = {ref.get("ItemOID"): {etree.QName(k).localname: v for k, v in ref.attrib.items()}
            for ref in find(root, "//odm:ItemGroupDef[@Name='AE' or @Name='DM']/odm:ItemRef")}
    assert list(refs)[9:] == ["IT.AE.STUDYID", "IT.AE.DOMAIN", "IT.AE.USUBJID", "IT.AE.AESEQ", "IT.AE.AETERM", "IT.AE.AEDECOD",
                              "IT.AE.AESER", "IT.AE.AESTDTC", "IT.AE.AEWEATHR"]
    assert refs["IT.AE.AESEQ"] == {"ItemOID": "IT.AE.AESEQ", "OrderNumber": "4", "Mandatory": "Yes",
                                   "MethodOID": "MT.AE.AESEQ", "Role": "Identifier"}
    assert refs["IT.AE.AESTDTC"] == {"ItemOID": "IT.AE.AESTDTC", "OrderNumber": "8", "Mandatory": "No", "KeySequence": "4",
                                     "Role": "Timing"}
    assert refs["IT.AE.AEWEATHR"]["IsNonStandard"] == "Yes"
    assert refs["IT.DM.DTHFL"]["HasNoData"] == "Yes"
    assert find(root, "//odm:ItemDef[@OID='IT.DM.DTHFL']/@def:CommentOID") == ["COM.DM.DTHFL"]


# --- Variables --------------------------------------------------------------------------------------------------------


def item(root: etree._Element, oid: str) -> dict[str, str]:
    return attributes(root, f"//odm:ItemDef[@OID='{oid}']")


def test_variables_have_a_length_and_digits_only_where_their_type_has_them():
    root = parse(SDTM)
    assert item(root, "IT.DM.SEX") == {"OID": "IT.DM.SEX", "Name": "SEX", "DataType": "text", "Length": "1",
                                       "SASFieldName": "SEX"}
    assert item(root, "IT.DM.AGE") == {"OID": "IT.DM.AGE", "Name": "AGE", "DataType": "integer", "Length": "8",
                                       "SASFieldName": "AGE"}
    assert item(root, "IT.DM.RFSTDTC") == {"OID": "IT.DM.RFSTDTC", "Name": "RFSTDTC", "DataType": "partialDatetime",
                                           "SASFieldName": "RFSTDTC"}
    assert item(root, "IT.VS.VSSTRESN") == {"OID": "IT.VS.VSSTRESN", "Name": "VSSTRESN", "DataType": "float", "Length": "8",
                                            "SignificantDigits": "1", "SASFieldName": "VSSTRESN", "DisplayFormat": "8.1"}


def test_labels_keep_every_character_that_xml_can_hold():
    label = "//odm:ItemDef[@OID='IT.AE.AEWEATHR']/odm:Description/odm:TranslatedText"
    assert find(parse(SDTM), f"{label}/text()") == ["Weather & Wind < 5 m/s, \u00e9tat"]
    assert find(parse(SDTM), f"{label}/@xml:lang") == ["en"]


def test_pages_of_the_annotated_crf_are_numbers_ranges_and_names():
    root = parse(SDTM)
    age = "//odm:ItemDef[@OID='IT.DM.AGE']/def:Origin"
    assert attributes(root, age) == {"Type": "Collected", "Source": "Investigator"}
    assert find(root, f"{age}/def:DocumentRef/@leafID") == ["LF.acrf"]
    assert attributes(root, f"{age}/def:DocumentRef/def:PDFPageRef") == {"PageRefs": "7 8", "Type": "PhysicalRef"}
    race = find(root, "//odm:ItemDef[@OID='IT.DM.RACE']/def:Origin/def:DocumentRef/def:PDFPageRef")
    assert [dict(ref.attrib) for ref in race] == [
        {"PageRefs": "6", "Type": "PhysicalRef"}, {"FirstPage": "9", "LastPage": "11", "Type": "PhysicalRef"},
        {"PageRefs": "demography#20page", "Type": "NamedDestination"}]


def test_without_an_annotated_crf_there_are_no_page_references():
    root = parse(replace(SDTM, documents=SDTM.documents[1:]))
    assert find(root, "//def:AnnotatedCRF | //def:PDFPageRef") == []
    assert attributes(root, "//odm:ItemDef[@OID='IT.DM.AGE']/def:Origin") == {"Type": "Collected", "Source": "Investigator"}


def test_a_predecessor_has_a_description_and_no_source():
    origin = "//odm:ItemDef[@OID='IT.ADSL.AGE']/def:Origin"
    assert attributes(parse(ADAM), origin) == {"Type": "Predecessor"}
    assert find(parse(ADAM), f"{origin}/odm:Description/odm:TranslatedText/text()") == ["DM.AGE"]


def test_keys_may_be_given_by_the_variables():
    package = package_with(char("STUDYID", "Study Identifier", key=2), char("AETERM", "Term", key=1))
    root = parse(replace(package, datasets=(replace(package.datasets[0], keys=()),)))
    assert find(root, "//odm:ItemRef/@KeySequence") == ["2", "1"]


# --- Value levels -----------------------------------------------------------------------------------------------------


def test_value_levels_of_a_result():
    root = parse(SDTM)
    values = find(root, "//def:ValueListDef[@OID='VL.VS.VSORRES']/odm:ItemRef")
    assert [dict(ref.attrib) for ref in values] == [
        {"ItemOID": "IT.VS.VSORRES.SYSBP", "OrderNumber": "1", "Mandatory": "No"},
        {"ItemOID": "IT.VS.VSORRES.TEMP", "OrderNumber": "2", "Mandatory": "No"},
        {"ItemOID": "IT.VS.VSORRES.MOOD", "OrderNumber": "3", "Mandatory": "Yes"}]
    assert item(root, "IT.VS.VSORRES.TEMP") == {"OID": "IT.VS.VSORRES.TEMP", "Name": "VSORRES", "DataType": "float",
                                                "Length": "5", "SignificantDigits": "1"}
    assert find(root, "//odm:ItemDef[@OID='IT.VS.VSORRES']/def:ValueListRef/@ValueListOID") == ["VL.VS.VSORRES"]


def test_an_origin_that_is_that_of_the_variable_is_not_repeated():
    root = parse(SDTM)
    assert find(root, "//odm:ItemDef[@OID='IT.VS.VSORRES.SYSBP']/def:Origin") == []
    assert find(root, "//odm:ItemDef[@OID='IT.VS.VSORRES.MOOD']/def:Origin/@Source") == ["Subject"]


def test_supplemental_qualifiers_are_called_by_their_qnam():
    root = parse(SDTM)
    assert item(root, "IT.SUPPAE.QVAL.AETRTEM") == {"OID": "IT.SUPPAE.QVAL.AETRTEM", "Name": "AETRTEM", "DataType": "text",
                                                    "Length": "1", "SASFieldName": "AETRTEM"}
    (ref,) = find(root, "//def:ValueListDef[@OID='VL.SUPPAE.QVAL']/odm:ItemRef[@OrderNumber='1']")
    assert (ref.get("MethodOID"), find(ref, "def:WhereClauseRef/@WhereClauseOID")) == ("MT.SUPPAE.QVAL.AETRTEM",
                                                                                    ["WC.SUPPAE.QNAM.AETRTEM"])


def test_identical_where_clauses_are_one():
    root = parse(SDTM)
    assert find(root, "//def:WhereClauseRef[@WhereClauseOID='WC.VS.VSTESTCD.SYSBP']/../../@OID") == ["VL.VS.VSORRES",
                                                                                                  "VL.VS.VSSTRESN"]
    assert find(root, "//def:WhereClauseDef/@OID") == [
        "WC.VS.VSTESTCD.SYSBP", "WC.VS.VSTESTCD.TEMP", "WC.VS.VSTESTCD.MOOD", "WC.VS.VSTESTCD.TEMP.DM.COUNTRY.USA",
        "WC.VS.VSTESTCD.TEMP.DM.COUNTRY.NE.USA", "WC.VS.VSTESTCD.IN.TEMP-MOOD", "WC.SUPPAE.QNAM.AETRTEM",
        "WC.SUPPAE.QNAM.AENOTE"]


def level(*where: RangeCheck) -> ValueLevel:
    return ValueLevel(where, "A value", "Char", "text", 5)


def test_the_order_of_conditions_and_of_values_does_not_matter():
    term, serious = RangeCheck("AETERM", "IN", ("A", "B")), RangeCheck("AESER", "EQ", ("Y",))
    package = package_with(char("AETERM", "Term", value_level=(level(term, serious),)),
                           char("AESER", "Serious", value_level=(level(serious, replace(term, values=("B", "A"))),)))
    assert find(parse(package), "//def:WhereClauseDef/@OID") == ["WC.AE.AETERM.IN.A-B.AESER.Y"]
    twice = package_with(char("AESER", "Serious"), char("AETERM", "Term", value_level=(
        level(term, serious), level(serious, replace(term, values=("B", "A"))))))
    with pytest.raises(InputError, match="AE.AETERM: two value levels for the same values: AESER EQ Y AND AETERM IN"):
        define_xml(twice)


def test_where_clauses_of_like_names_are_told_apart():
    clauses = [RangeCheck("AETERM", "IN", ("A", "B")), RangeCheck("AETERM", "IN", ("A-B",)), RangeCheck("AETERM", "EQ", ("IN.A-B",)),
               RangeCheck("AETERM", "EQ", ("a b/c",)), RangeCheck("AETERM", "EQ", ("a b:c",)), RangeCheck("AETERM", "EQ", ("x" * 90,))]
    root = parse(package_with(char("AETERM", "Term", value_level=tuple(level(clause) for clause in clauses))))
    schema().assertValid(root)
    oids = find(root, "//def:WhereClauseDef/@OID")
    assert len(set(oids)) == 6 and max(map(len, oids)) < 80
    assert find(root, "//odm:CheckValue/text()") == ["A", "B", "A-B", "IN.A-B", "a b/c", "a b:c", "x" * 90]


def test_a_where_clause_across_datasets_says_how_they_are_joined():
    root = parse(SDTM)
    clause = "//def:WhereClauseDef[@OID='WC.VS.VSTESTCD.TEMP.DM.COUNTRY.USA']"
    assert find(root, f"{clause}/odm:RangeCheck/@def:ItemOID") == ["IT.VS.VSTESTCD", "IT.DM.COUNTRY"]
    assert find(root, f"{clause}/odm:RangeCheck/@SoftHard") == ["Soft", "Soft"]
    (comment,) = find(root, f"{clause}/@def:CommentOID")
    assert find(root, f"//def:CommentDef[@OID='{comment}']/odm:Description/odm:TranslatedText/text()") == [
        "DM is joined by STUDYID and USUBJID."]


def test_a_where_clause_on_what_is_not_there_is_refused():
    package = package_with(char("AETERM", "Term", value_level=(level(RangeCheck("AETREM", "EQ", ("A",))),)))
    with pytest.raises(InputError, match=r"AE.AETERM: .* names AE.AETREM, .* Did you mean 'AE.AETERM'\?"):
        define_xml(package)


def test_a_value_level_without_where_clause_is_refused():
    with pytest.raises(InputError, match="AE.AETERM: a value level has no where clause"):
        define_xml(package_with(char("AETERM", "Term", value_level=(level(),))))


def test_a_where_clause_on_another_dataset_is_not_that_of_the_other_dataset_itself():
    usa = RangeCheck("COUNTRY", "EQ", ("USA",))
    there = replace(DM, variables=(*DM.variables, char("X", "X", value_level=(level(usa),))))
    here = replace(AE, variables=(*AE.variables, char("X", "X", value_level=(level(replace(usa, dataset="DM")),))))
    xml = define_xml(replace(SDTM, datasets=(there, here)))
    clauses = find(etree.fromstring(xml), "//def:WhereClauseDef")
    assert [clause.get("OID") for clause in clauses] == ["WC.DM.COUNTRY.USA", "WC.AE.DM.COUNTRY.USA"]
    assert [bool(find(clause, "@def:CommentOID")) for clause in clauses] == [False, True]
    assert check_define(xml).to_dict("records") == []


# --- Codelists --------------------------------------------------------------------------------------------------------


def codelist(root: etree._Element, oid: str) -> list[tuple]:
    """Coded value, decode, C-code and whether extended, of each term."""
    (element,) = find(root, f"//odm:CodeList[@OID='{oid}']")
    terms = find(element, "odm:CodeListItem | odm:EnumeratedItem")
    return [(term.get("CodedValue"), *(find(term, "odm:Decode/odm:TranslatedText/text()") or [None]),
             *(find(term, "odm:Alias/@Name") or [None]), bool(find(term, "@def:ExtendedValue"))) for term in terms]


def test_a_codelist_with_decodes():
    root = parse(SDTM)
    assert attributes(root, "//odm:CodeList[@OID='CL.SEX']") == {"OID": "CL.SEX", "Name": "Sex", "DataType": "text",
                                                               "StandardOID": "STD.CT.SDTM.2025-03-28"}
    assert codelist(root, "CL.SEX") == [("F", "Female", "C16576", False), ("M", "Male", "C20197", False)]
    assert attributes(root, "//odm:CodeList[@OID='CL.SEX']/odm:Alias") == {"Context": "nci:ExtCodeID", "Name": "C66731"}


def test_a_codelist_without_decodes_is_enumerated_and_marks_own_terms():
    root = parse(SDTM)
    assert codelist(root, "CL.POSITION") == [("SITTING", None, "C62122", False), ("ON A CHAIR", None, None, True)]
    assert len(find(root, "//odm:CodeList[@OID='CL.POSITION']/odm:EnumeratedItem")) == 2


def test_an_own_term_of_a_list_that_cannot_be_extended_is_not_passed_off_as_an_extension():
    closed = replace(NY, terms=(*NY.terms, Term("MAYBE")))
    package = package_with(char("AESER", "Serious", codelist=closed))
    assert codelist(parse(package), "CL.NY") == [("N", "No", "C49487", False), ("Y", "Yes", "C49488", False),
                                                 ("MAYBE", "MAYBE", None, False)]
    assert "DEFINE-0097" in set(check_define(define_xml(package))["rule"])


def test_subsets_of_a_codelist_have_names_and_oids_of_their_own():
    root = parse(SDTM)
    lists = {oid: attributes(root, f"//odm:CodeList[@OID='{oid}']")["Name"] for oid in ("CL.NY.N-Y", "CL.NY.Y")}
    assert lists == {"CL.NY.N-Y": "No Yes Response (AE.AESER)", "CL.NY.Y": "No Yes Response (DM.DTHFL)"}
    assert find(root, "//odm:CodeListRef[@CodeListOID='CL.NY.Y']/../@OID") == ["IT.DM.DTHFL", "IT.VS.VSBLFL",
                                                                             "IT.SUPPAE.QVAL.AETRTEM"]
    # In the analysis package only one list of No and Yes is used.
    assert find(parse(ADAM), "//odm:CodeList/@OID") == ["CL.NY", "CL.SEX", "CL.TRT01PN"]


def test_a_codelist_of_numbers_is_of_the_type_of_its_variable():
    assert attributes(parse(ADAM), "//odm:CodeList[@OID='CL.TRT01PN']") == {
        "OID": "CL.TRT01PN", "Name": "Planned Treatment", "DataType": "integer", "IsNonStandard": "Yes"}


def test_a_codelist_without_terms_is_left_out():
    root = parse(package_with(char("AESER", "Serious", codelist=replace(NY, terms=()), all_missing=True)))
    schema().assertValid(root)
    assert find(root, "//odm:CodeList | //odm:CodeListRef") == []


def test_own_lists_of_one_name_are_told_apart():
    one, two = (Codelist("", "", "Grades used", False, (Term(value),)) for value in ("mild", "hefty/huge"))
    root = parse(package_with(char("AETERM", "Term", codelist=one), char("AESEV", "Severity", codelist=two)))
    schema().assertValid(root)
    assert find(root, "//odm:CodeList/@Name") == ["Grades used (AE.AESEV)", "Grades used (AE.AETERM)"]
    assert find(root, "//odm:CodeListRef/@CodeListOID")[0] == "CL.Grades-used.mild"


def test_an_external_dictionary():
    root = parse(SDTM)
    assert attributes(root, "//odm:CodeList[odm:ExternalCodeList]") == {
        "OID": "CL.DICTIONARY.MEDDRA", "Name": "MedDRA", "DataType": "text", "IsNonStandard": "Yes"}
    assert attributes(root, "//odm:ExternalCodeList") == {"Dictionary": "MedDRA", "Version": "23.0",
                                                          "href": "https://www.meddra.org"}
    unstated = define_xml(replace(SDTM, dictionaries=(Dictionary("WHODD", "2023"),)))
    assert list(check_define(unstated)["rule"]) == ["DEFINE-0103"]


# --- Methods and comments ---------------------------------------------------------------------------------------------


def test_methods_of_one_text_are_one():
    root = parse(SDTM)
    assert find(root, "//odm:ItemRef[@MethodOID='MT.AE.AESEQ']/@ItemOID") == ["IT.AE.AESEQ", "IT.VS.VSSEQ", "IT.FA.FASEQ"]
    assert attributes(root, "//odm:MethodDef[@OID='MT.AE.AESEQ']") == {"OID": "MT.AE.AESEQ", "Name": "Sequence number",
                                                                     "Type": "Computation"}
    assert attributes(root, "//odm:MethodDef[@OID='MT.DM.RFSTDTC']") == {
        "OID": "MT.DM.RFSTDTC", "Name": "Algorithm for DM.RFSTDTC", "Type": "Imputation"}
    assert attributes(root, "//odm:MethodDef[@OID='MT.SUPPAE.QVAL.AETRTEM']")["Name"] == "Algorithm for SUPPAE.AETRTEM"


def test_one_text_of_two_types_is_two_methods():
    package = package_with(num("A", "A", method=Method("As said.")), num("B", "B", method=Method("As said.", "Imputation")))
    assert find(parse(package), "//odm:MethodDef/@Type") == ["Computation", "Imputation"]


def test_comments_of_one_text_are_one_and_keep_their_lines():
    package = package_with(char("A", "A", comment="One.\n\u2265 2 lines."), char("B", "B", comment="One.\n\u2265 2 lines."))
    root = parse(package)
    assert find(root, "//odm:ItemDef/@def:CommentOID") == ["COM.AE.A", "COM.AE.A"]
    assert find(root, "//def:CommentDef[@OID='COM.AE.A']//odm:TranslatedText/text()") == ["One.\n\u2265 2 lines."]
    assert find(parse(SDTM), "//def:CommentDef[@OID='COM.PACKAGE']//odm:TranslatedText/text()") == [
        "All subjects are in the data.\nThe site 9 was closed."]


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("package", "place"), [
    (package_with(char("AETERM", "Ter\x01m")), r"AE.AETERM: label: .* U\+0001 at position 4"),
    (package_with(char("AETERM", "Term", comment="\ud800")), r"AE.AETERM: comment: .* U\+D800 at position 1"),
    (package_with(char("AETERM", "Term", codelist=Codelist("", "X", "X", False, (Term("a\x0b"),)))),
     r"AE.AETERM: codelist: terms: value: .* U\+000B"),
    (package_with(char("AETERM", "Term", value_level=(level(RangeCheck("AETERM", "EQ", ("\x1f",))),))),
     r"AE.AETERM: value_level: where: values: .* U\+001F"),
    (package_with(char("AETERM", "Term"), label="\ufffe"), r"AE: label: .* U\+FFFE"),
    (replace(SDTM, study_description="\x00"), r"study_description: .* U\+0000"),
], ids=["label", "surrogate", "term", "where", "dataset", "study"])
def test_a_character_that_xml_cannot_hold_is_refused_with_its_place(package, place):
    with pytest.raises(InputError, match=place):
        define_xml(package)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20), st.text(min_size=1, max_size=9))
def test_any_text_is_either_refused_or_read_back_as_it_was(text, value):
    package = package_with(char("X", text, comment=text, codelist=Codelist("", "L", "L", False, (Term(value),))))
    try:
        root = parse(package)
    except InputError as refusal:
        assert "U+" in str(refusal)
        return
    assert "".join(find(root, "//odm:ItemDef/odm:Description//text()[parent::odm:TranslatedText]")) == text
    assert find(root, "//odm:EnumeratedItem/@CodedValue") == [value]
    assert bool(find(root, "//odm:ItemDef/@def:CommentOID")) == bool(text)
    schema().assertValid(root)


def test_every_forbidden_character_is_named_at_once():
    package = package_with(char("AETERM", "\x01"), char("AESEV", "\x02", comment="\x03"))
    with pytest.raises(InputError) as refusal:
        define_xml(package)
    assert [line.split(":")[0] for line in str(refusal.value).splitlines()[1:]] == ["AE.AETERM", "AE.AESEV", "AE.AESEV"]


@pytest.mark.parametrize("created", ["", "2025-03-28", "yesterday"])
def test_the_time_of_creation_is_asked_for(created):
    with pytest.raises(InputError, match="time of creation"):
        define_xml(replace(SDTM, created=created))


def test_a_key_that_is_no_variable_is_refused():
    with pytest.raises(InputError, match="AE: the key 'AESPID' is no variable"):
        define_xml(replace(SDTM, datasets=(replace(AE, keys=("STUDYID", "AESPID")),)))


def test_a_package_that_says_little_is_still_valid():
    bare = Package("S", "", "", "", (), (replace(AE, variables=(char("X", "X"),), keys=("X",)),), created=CREATED)
    root = parse(bare)
    schema().assertValid(root)
    assert find(root, "//odm:GlobalVariables/*/text()") == ["S", "S", "S"]


# --- On disk ----------------------------------------------------------------------------------------------------------


def test_write_define_puts_the_stylesheet_beside_the_file(tmp_path):
    path = write_define(SDTM, tmp_path / "sdtm")
    assert path == tmp_path / "sdtm" / "define.xml"
    assert sorted(file.name for file in path.parent.iterdir()) == ["define.xml", "define2-1.xsl"]
    assert path.read_bytes() == define_xml(SDTM)
    assert (path.parent / "define2-1.xsl").read_bytes() == stylesheet_path().read_bytes()


def test_nothing_is_written_where_the_package_cannot_be(tmp_path):
    with pytest.raises(InputError):
        write_define(replace(SDTM, created=""), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_is_said_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_define(SDTM, tmp_path / "file" / "sdtm")


# --- An independent reader --------------------------------------------------------------------------------------------


def read_with_odmlib(package: Package, path):
    import odmlib.define_loader
    import odmlib.loader

    loader = odmlib.loader.ODMLoader(
        odmlib.define_loader.XMLDefineLoader(model_package="define_2_1", ns_uri="http://www.cdisc.org/ns/def/v2.1"))
    path.write_bytes(define_xml(package))
    loader.open_odm_document(str(path))
    return loader.load_odm()


@pytest.mark.parametrize("package", [SDTM, ADAM], ids=["SDTM", "ADaM"])
def test_odmlib_reads_the_same_facts(package, tmp_path):
    version = read_with_odmlib(package, tmp_path / "define.xml").Study.MetaDataVersion
    items = {item.OID: item for item in version.ItemDef}
    groups = {group.Name: group for group in version.ItemGroupDef}
    assert sorted(groups) == sorted(dataset.name for dataset in package.datasets)
    for dataset in package.datasets:
        group = groups[dataset.name]
        assert (group.Structure, group.Purpose, group.Domain or "") == (dataset.structure, dataset.purpose, dataset.domain)
        assert tuple(items[ref.ItemOID].Name for ref in group.ItemRef) == tuple(dataset.by_name)
        keys = {ref.KeySequence: items[ref.ItemOID].Name for ref in group.ItemRef if ref.KeySequence}
        assert tuple(keys[number] for number in sorted(keys)) == dataset.keys
        for ref, variable in zip(group.ItemRef, dataset.variables, strict=True):
            read = items[ref.ItemOID]
            assert read.Description.TranslatedText[0]._content == variable.label
            assert read.DataType == variable.data_type
            assert [origin.Type for origin in read.Origin] == ([variable.origin.type] if variable.origin else [])
            assert (ref.Mandatory == "Yes", bool(ref.MethodOID)) == (variable.mandatory, bool(variable.method))


def test_odmlib_reads_codelists_and_where_clauses(tmp_path):
    version = read_with_odmlib(SDTM, tmp_path / "define.xml").Study.MetaDataVersion
    lists = {codelist.OID: codelist for codelist in version.CodeList}
    assert [(term.CodedValue, term.Alias[0].Name) for term in lists["CL.RACE"].EnumeratedItem] == [("ASIAN", "C41260"),
                                                                                                  ("WHITE", "C41261")]
    assert lists["CL.DICTIONARY.MEDDRA"].ExternalCodeList.Version == "23.0"
    clauses = {clause.OID: [(check.Comparator, check.ItemOID, [value._content for value in check.CheckValue])
                            for check in clause.RangeCheck] for clause in version.WhereClauseDef}
    assert clauses["WC.VS.VSTESTCD.IN.TEMP-MOOD"] == [("IN", "IT.VS.VSTESTCD", ["TEMP", "MOOD"])]


@pytest.mark.parametrize("package", [SDTM, ADAM], ids=["SDTM", "ADaM"])
def test_odmlib_finds_no_reference_without_target(package, tmp_path):
    from odmlib.oid_generator import create_oid_checker

    odm = read_with_odmlib(package, tmp_path / "define.xml")
    checker = create_oid_checker("define_2_1")
    odm.verify_oids(checker)
    assert checker.check_oid_refs() is True


# --- The lists of define/terminology.yml ------------------------------------------------------------------------------


def test_our_lists_are_those_of_the_schema():
    enumerations = etree.parse(str(schema_path().parent.parent / "cdisc-define-2.1" / "define-enumerations.xsd"))

    def allowed(name: str) -> set[str]:
        return set(enumerations.xpath(f"//x:simpleType[@name='{name}']//x:enumeration/@value",
                                      namespaces={"x": "http://www.w3.org/2001/XMLSchema"}))

    lists = terminology()
    assert {name for names in lists["classes"].values() for name in names} == allowed("ItemGroupClass")
    assert set(lists["subclasses"]) == allowed("ItemGroupSubClass")
    assert {name for names in lists["guides"].values() for name in names} | {lists["terminology"]} == allowed("StandardName")
    assert set(lists["publishing_sets"]) == allowed("StandardPublishingSet")
    assert set(lists["dictionaries"]) == allowed("ExternalCodeListDictionary")
    types = {name for by_type in lists["origins"].values() for name in by_type}
    assert types == allowed("OriginType") - {"Not Available", "Other"}  # not for submissions
    sources = {name for by_type in lists["origins"].values() for names in by_type.values() for name in names}
    assert sources == allowed("OriginSource")


def test_rules_have_ids_severities_and_words():
    assert [rule.id for rule in RULES.values()] == sorted(RULES)
    assert {rule.severity for rule in RULES.values()} == {"error", "warning", "notice"}
    assert all(rule.text.endswith(".") and rule.text[0].isupper() for rule in RULES.values())
