"""Rules that compare with define.xml."""

from __future__ import annotations

import pandas as pd
import pytest
from rule_cases import one_condition

from sdtm_convert.errors import InputError
from sdtm_convert.rules.define_facts import read_define_facts
from sdtm_convert.rules.engine import run
from sdtm_convert.rules.study import make_study
from sdtm_convert.standard import load_standard

DEFINE = """<?xml version="1.0"?>
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:def="http://www.cdisc.org/ns/def/v2.1" xmlns:xlink="http://www.w3.org/1999/xlink"><Study>
<MetaDataVersion>
<ItemGroupDef OID="IG.DM" Name="DM" Domain="DM" def:Structure="One record per subject">
 <Description><TranslatedText>Demographics</TranslatedText></Description>
 <ItemRef ItemOID="IT.SEX" Mandatory="No" OrderNumber="2"/><ItemRef ItemOID="IT.ID" Mandatory="Yes" OrderNumber="1" KeySequence="1" MethodOID="M"/>
 <def:Class Name="SPECIAL PURPOSE"/><def:leaf ID="L" xlink:href="dm.xpt"/>
</ItemGroupDef>
<ItemDef OID="IT.SEX" Name="SEX" DataType="text" Length="1"><Description><TranslatedText>Sex</TranslatedText></Description>
 <CodeListRef CodeListOID="CL.SEX"/><def:Origin Type="Collected"/></ItemDef>
<ItemDef OID="IT.ID" Name="USUBJID" DataType="text" Length="20"/>
<CodeList OID="CL.SEX" Name="Sex" DataType="text">
 <CodeListItem CodedValue="F"><Decode><TranslatedText>Female</TranslatedText></Decode><Alias Context="nci:ExtCodeID" Name="C16576"/></CodeListItem>
 <CodeListItem CodedValue="M"><Decode><TranslatedText>Male</TranslatedText></Decode></CodeListItem>
 <Alias Context="nci:ExtCodeID" Name="C66731"/></CodeList>
</MetaDataVersion></Study></ODM>"""


@pytest.fixture
def define(tmp_path):
    file = tmp_path / "define.xml"
    file.write_text(DEFINE, encoding="utf-8")
    return file


def outcome(rule_type: str, condition: str, shown: str, define=None):
    frames = {"DM": pd.DataFrame({"DOMAIN": ["DM", "DM"], "USUBJID": ["A", "B"], "SEX": ["F", "X"]})}
    study = make_study(frames, load_standard("sdtmig", "3.4"), define=define)
    return next(run([one_condition(rule_type, condition, shown)], study))


def found(result, name: str) -> list:
    return [cell for hits in result.hits for cell in hits.table.column(name).take(hits.rows).cells]


def test_variables_and_datasets_are_read_with_their_codelists(define):
    facts = read_define_facts(define).datasets["DM"]
    assert facts.cells["define_dataset_key_sequence"] == ["USUBJID"] and facts.cells["define_dataset_location"] == "dm.xpt"
    assert facts.cells["define_dataset_variables"] == ["SEX", "USUBJID"] and facts.cells["define_dataset_variable_order"] == ["USUBJID", "SEX"]
    sex, subject = facts.variables
    assert (sex["define_variable_ccode"], sex["define_variable_codelist_coded_values"], sex["define_variable_codelist_coded_codes"]) == (
        "C66731", ["F", "M"], ["C16576"])
    assert (sex["define_variable_label"], sex["define_variable_is_collected"], subject["define_variable_has_method"]) == ("Sex", True, True)


@pytest.mark.parametrize(("rule_type", "condition", "shown", "cells"), [
    ("Define Item Metadata Check", "{name: define_variable_ccode, operator: equal_to, value: C66731}", "define_variable_name", ["SEX"]),
    ("Define Item Metadata Check against Library Metadata", "{name: define_variable_label, operator: not_equal_to, value: library_variable_label}",
     "define_variable_name", ["USUBJID"]),
    ("Variable Metadata Check against Define XML", "{name: define_variable_name, operator: empty}", "variable_name", ["DOMAIN"]),
    ("Variable Metadata Check against Define XML and Library Metadata",
     "{name: define_variable_mandatory, operator: equal_to, value: 'No'}, {name: library_variable_core, operator: equal_to, value: Req}", "variable_name", ["SEX"]),
    ("Value Check against Define XML Variable", "{name: define_variable_has_codelist, operator: equal_to, value: true}, "
     "{name: variable_value, operator: is_not_contained_by, value: define_variable_codelist_coded_values}", "variable_value", ["X"]),
    ("Dataset Metadata Check against Define XML", "{name: define_dataset_label, operator: equal_to, value: Demographics}", "dataset_name", ["DM"]),
])
def test_rule_types_that_compare_with_define(define, rule_type, condition, shown, cells):
    assert found(outcome(rule_type, condition, shown, define), shown) == cells
    without = outcome(rule_type, condition, shown)
    assert (without.status, without.reason) == ("not run", "needs define.xml")


def test_a_dataset_that_define_lacks_is_not_judged(define):
    study = make_study({"AE": pd.DataFrame({"DOMAIN": ["AE"]})}, load_standard("sdtmig", "3.4"), define=define)
    rule = one_condition("Define Item Metadata Check", "{name: define_variable_name, operator: empty}", "define_variable_name")
    assert [(o.status, o.reason) for o in run([rule], study)] == [("not applicable", "define.xml does not have the dataset")]


def test_a_file_that_is_no_xml_is_refused_and_entities_are_not_resolved(tmp_path):
    (tmp_path / "secret.txt").write_text("SECRET", encoding="utf-8")
    attack = '<!DOCTYPE ODM [<!ENTITY x SYSTEM "secret.txt">]><ODM><ItemGroupDef Name="DM"><Description>&x;</Description></ItemGroupDef></ODM>'
    (tmp_path / "define.xml").write_text(attack, encoding="utf-8")
    assert "SECRET" not in str(read_define_facts(tmp_path / "define.xml").datasets["DM"].cells)
    (tmp_path / "define.xml").write_text("<ODM>", encoding="utf-8")
    with pytest.raises(InputError, match="not well-formed"):
        read_define_facts(tmp_path / "define.xml")
    with pytest.raises(InputError, match="cannot be read"):
        read_define_facts(tmp_path / "no.xml")


def test_a_define_of_version_1_is_not_used(tmp_path):
    (tmp_path / "define.xml").write_text('<ODM xmlns:def="http://www.cdisc.org/ns/def/v1.0"><ItemGroupDef Name="DM"/></ODM>', encoding="utf-8")
    assert read_define_facts(tmp_path / "define.xml") is None
