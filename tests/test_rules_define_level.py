"""Rules that look at the value level, the presence and the records of datasets that define.xml describes, and operations that ask it."""

from __future__ import annotations

import pandas as pd
import pytest
from rule_cases import one_condition

from sdtm_convert.rules.engine import run
from sdtm_convert.rules.operations import run_operations
from sdtm_convert.rules.rule import NotRun, Operation
from sdtm_convert.rules.study import make_study

DEFINE = """<?xml version="1.0"?>
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:def="http://www.cdisc.org/ns/def/v2.1" xmlns:xlink="http://www.w3.org/1999/xlink"><Study>
<MetaDataVersion>
<def:ValueListDef OID="VL.RES">
 <ItemRef ItemOID="IT.RES.TEMP" Mandatory="Yes"><def:WhereClauseRef WhereClauseOID="WC.TEMP"/></ItemRef>
 <ItemRef ItemOID="IT.RES.BP" Mandatory="No"><def:WhereClauseRef WhereClauseOID="WC.BP"/><def:WhereClauseRef WhereClauseOID="WC.HIGH"/></ItemRef>
</def:ValueListDef>
<def:ValueListDef OID="VL.QVAL"><ItemRef ItemOID="IT.Q" Mandatory="No" KeySequence="2"/></def:ValueListDef>
<def:WhereClauseDef OID="WC.TEMP">
 <RangeCheck Comparator="EQ" def:ItemOID="IT.TEST"><CheckValue>TEMP</CheckValue></RangeCheck>
 <RangeCheck Comparator="NE" def:ItemOID="IT.POS"><CheckValue>SITTING</CheckValue></RangeCheck></def:WhereClauseDef>
<def:WhereClauseDef OID="WC.BP"><RangeCheck Comparator="IN" def:ItemOID="IT.TEST"><CheckValue>SYSBP</CheckValue><CheckValue>DIABP</CheckValue>
 </RangeCheck></def:WhereClauseDef>
<def:WhereClauseDef OID="WC.HIGH"><RangeCheck Comparator="GT" def:ItemOID="IT.NUM"><CheckValue>150</CheckValue></RangeCheck></def:WhereClauseDef>
<ItemGroupDef OID="IG.VS" Name="VS" Domain="VS"><Description><TranslatedText>Vital Signs</TranslatedText></Description>
 <ItemRef ItemOID="IT.TEST" KeySequence="1"/><ItemRef ItemOID="IT.POS"/><ItemRef ItemOID="IT.NUM"/><ItemRef ItemOID="IT.RES"/>
 <def:leaf ID="L" xlink:href="vs.xpt"/></ItemGroupDef>
<ItemGroupDef OID="IG.SUPPVS" Name="SUPPVS" Domain="VS" def:HasNoData="Yes"><ItemRef ItemOID="IT.QVAL"/></ItemGroupDef>
<ItemDef OID="IT.TEST" Name="VSTESTCD" DataType="text"/><ItemDef OID="IT.POS" Name="VSPOS" DataType="text"/>
<ItemDef OID="IT.NUM" Name="VSSTRESN" DataType="float"/>
<ItemDef OID="IT.RES" Name="VSORRES" DataType="text"><def:ValueListRef ValueListOID="VL.RES"/></ItemDef>
<ItemDef OID="IT.RES.TEMP" Name="TEMP" DataType="float" Length="4"/><ItemDef OID="IT.RES.BP" Name="BP" DataType="integer" Length="3"/>
<ItemDef OID="IT.QVAL" Name="QVAL" DataType="text"><def:ValueListRef ValueListOID="VL.QVAL"/></ItemDef>
<ItemDef OID="IT.Q" Name="VSMETHOD" DataType="text"/>
<CodeList OID="CL.1" Name="Position"><EnumeratedItem CodedValue="SITTING"/><EnumeratedItem CodedValue="HANGING" def:ExtendedValue="Yes"/>
 <Alias Context="nci:ExtCodeID" Name="C71148"/></CodeList>
<CodeList OID="CL.2" Name="Own"><EnumeratedItem CodedValue="X" def:ExtendedValue="Yes"/></CodeList>
</MetaDataVersion></Study></ODM>"""
VS = pd.DataFrame({"DOMAIN": "VS", "USUBJID": "A", "VSTESTCD": ["TEMP", "TEMP", "SYSBP", "PULSE", "PULSE"], "VSPOS": [None, "SITTING", None, None, None],
                   "VSSTRESN": [36.65, 37.0, 120, 151, 70], "VSORRES": ["036.65", "37", "0120", "151", "70"]})


@pytest.fixture
def define(tmp_path):
    file = tmp_path / "define.xml"
    file.write_text(DEFINE, encoding="utf-8")
    return file


def hits(rule_type: str, condition: str, shown: str, **setting) -> list[tuple]:
    """Record (None where rows are not records) and shown cell of each finding."""
    outcome, = run([one_condition(rule_type, condition, shown)], make_study({"VS": VS}, **setting))
    return [(None if hit.table.records is None else int(hit.table.records[row]), hit.table.column(shown).cells[row])
            for hit in outcome.hits for row in hit.rows]


@pytest.mark.parametrize("rule_type", ["Value Check against Define XML VLM", "Value Level Metadata Check against Define XML"])
def test_values_are_judged_by_the_value_level_whose_where_clause_holds(define, rule_type):
    every = "{name: define_variable_name, operator: equal_to, value: VSORRES}"
    assert hits(rule_type, every, "define_vlm_name", define=define) == [(1, "TEMP"), (3, "BP"), (4, "BP")]
    assert hits(rule_type, every, "variable_value_length", define=define) == [(1, 4), (3, 3), (4, 3)]
    longer = "{name: variable_value_length, operator: greater_than, value: 3}, {name: define_vlm_data_type, operator: equal_to, value: float}"
    assert hits(rule_type, longer, "variable_value", define=define) == [(1, "036.65")]


def test_cdiscs_engine_looks_at_the_first_check_of_a_where_clause_alone(define):
    every = "{name: variable_value, operator: non_empty}"
    found = hits("Value Check against Define XML VLM", every, "define_vlm_name", define=define, core_compatible=True)
    assert found == [(1, "TEMP"), (2, "TEMP"), (3, "BP")]


def test_a_where_clause_about_a_variable_that_is_not_there_is_no_silence(define):
    rule = one_condition("Value Check against Define XML VLM", "{name: variable_value, operator: empty}", "variable_value")
    outcome, = run([rule], make_study({"VS": VS.drop(columns="VSPOS")}, define=define))
    assert (outcome.status, outcome.reason) == ("failed", "a where clause of define.xml asks about VSPOS, which neither the dataset nor DM has")
    subjects = pd.DataFrame({"DOMAIN": "DM", "USUBJID": ["A"], "VSPOS": ["STANDING"]})
    *_, joined = run([rule], make_study({"DM": subjects, "VS": VS.drop(columns="VSPOS")}, define=define))
    assert (joined.dataset, joined.status) == ("VS", "passed")


def test_records_stand_beside_what_define_says_of_their_dataset(define):
    condition = "{name: VSTESTCD, operator: is_contained_by, value: define_dataset_key_sequence}, {name: VSTESTCD, operator: equal_to, value: PULSE}"
    assert hits("Dataset Contents Check against Define XML", condition, "VSORRES", define=define) == []
    condition = "{name: define_dataset_label, operator: equal_to, value: Vital Signs}, {name: VSTESTCD, operator: equal_to, value: PULSE}"
    assert hits("Dataset Contents Check against Define XML", condition, "VSORRES", define=define) == [(4, "151"), (5, "70")]


def test_keys_in_supplemental_qualifiers_are_keys_of_the_dataset(define):
    condition = "{name: dataset_name, operator: equal_to, value: VS}"
    assert hits("Dataset Metadata Check against Define XML", condition, "define_dataset_key_sequence", define=define) == [
        (None, ["VSTESTCD", "VSMETHOD"])]


def test_presence_is_judged_once_for_each_dataset_of_define(define):
    absent = "{name: filename, operator: empty}, {name: define_dataset_has_no_data, operator: equal_to, value: true}"
    kind = "Domain Presence Check against Define XML"
    assert hits(kind, absent, "define_dataset_name", define=define) == [(None, "SUPPVS")]
    assert hits(kind, "{name: domain, operator: non_empty}", "filename", define=define) == [(None, "VS")]
    assert hits(kind, "{name: domain, operator: non_empty}", "filename", define=define, files={"VS": define}) == [(None, "define.xml")]


@pytest.mark.parametrize("rule_type", ["Value Check against Define XML VLM", "Dataset Contents Check against Define XML",
                                       "Domain Presence Check against Define XML"])
def test_without_define_the_rule_is_not_run(rule_type):
    outcome, = run([one_condition(rule_type, "{name: x, operator: empty}", "x")], make_study({"VS": VS}))
    assert (outcome.status, outcome.reason) == ("not run", "needs define.xml")


@pytest.mark.parametrize(("operator", "parts", "cell"), [
    ("define_variable_metadata", {"name": "--ORRES", "attribute_name": "define_variable_data_type"}, "text"),
    ("define_variable_metadata", {"name": "VSLOC", "attribute_name": "define_variable_data_type"}, ""),
    ("define_variable_metadata", {"domain": "SUPPVS", "attribute_name": "define_variable_data_type"}, {"QVAL": "text"}),
    ("define_extensible_codelists", {"codelists": ["position"]}, ["HANGING"]),
    ("define_extensible_codelists", {"codelists": ["ALL"]}, ["HANGING"]),
    ("define_extensible_codelists", {"codelists": ["Own"]}, []),
])
def test_operations_that_ask_define(define, operator, parts, cell):
    plain = {key: value for key, value in parts.items() if key in ("name", "domain")}
    operation = Operation("$r", operator, **plain, options={key: value for key, value in parts.items() if key not in plain})
    study = make_study({"VS": VS}, define=define)
    assert run_operations((operation,), study.tables["VS"], study).column("$r").cells.tolist() == [cell] * 5
    without = make_study({"VS": VS})
    with pytest.raises(NotRun, match="define.xml"):
        run_operations((operation,), without.tables["VS"], without)
