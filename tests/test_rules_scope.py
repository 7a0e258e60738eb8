"""Scope: which datasets a rule is for, by class, domain, data structure, name."""

from __future__ import annotations

import pandas as pd
import pytest

from sdtm_convert.model import Dataset
from sdtm_convert.rules.engine import run
from sdtm_convert.rules.library import class_of, structure
from sdtm_convert.rules.rule import Condition, Rule, Scope
from sdtm_convert.rules.scope import out_of_scope
from sdtm_convert.rules.study import make_study
from sdtm_convert.standard import load_standard


def frame(*names: str, **first: str) -> pd.DataFrame:
    return pd.DataFrame({name: [first.get(name, "x")] for name in [*first, *names]})


DATASETS = {
    "AE": frame("USUBJID", "AETERM", DOMAIN="AE"),
    "DM": frame("USUBJID", DOMAIN="DM"),
    "LB": frame("LBTESTCD", DOMAIN="LB"),
    "FAAE": frame("FATESTCD", "FAOBJ", DOMAIN="FA"),
    "QSCG": frame("QSTESTCD", DOMAIN="QS"),
    "XE": frame("XETERM", DOMAIN="XE"),
    "XI": frame("XITRT", DOMAIN="XI"),
    "XF": frame("XFTESTCD", DOMAIN="XF"),
    "XA": frame("XATESTCD", "XAOBJ", DOMAIN="XA"),
    "XX": frame("XXSTUFF", DOMAIN="XX"),
    "TX": frame("SETCD", DOMAIN="TX"),
    "SUPPAE": frame("QNAM", RDOMAIN="AE"),
    "RELREC": frame("RELID", RDOMAIN="AE"),
    "APMH": frame("APID", "MHTERM", DOMAIN="APMH"),
    "APXI": frame("APID", "XITRT", DOMAIN="APXI"),
}
SDTM = make_study(DATASETS, load_standard("sdtmig", "3.4"))


@pytest.mark.parametrize(("dataset", "class_name"), [
    ("AE", "EVENTS"), ("DM", "SPECIAL PURPOSE"), ("LB", "FINDINGS"), ("FAAE", "FINDINGS ABOUT"), ("QSCG", "FINDINGS"), ("XE", "EVENTS"),
    ("XI", "INTERVENTIONS"), ("XF", "FINDINGS"), ("XA", "FINDINGS ABOUT"), ("XX", ""), ("TX", "TRIAL DESIGN"), ("SUPPAE", "RELATIONSHIP"),
    ("RELREC", "RELATIONSHIP"), ("APMH", "EVENTS"), ("APXI", "INTERVENTIONS"),
])
def test_class(dataset, class_name):
    assert class_of(SDTM.tables[dataset], SDTM) == class_name


def test_core_compatible_associated_persons_have_a_class_from_their_domain_alone():
    for names, answer in (("APMH MH", ["findings"]), ("APMH", ["not applicable"]), ("APMH AE", ["failed"]), ("APXX MH", ["failed"])):
        frames = {name: frame("MHTERM", DOMAIN=name) for name in names.split()}
        rule = Rule("R", "Record Data", Condition("non_empty", "DOMAIN"), "m", scope=Scope(classes=("EVENTS",)))
        study = make_study(frames, load_standard("sdtmig", "3.4"), core_compatible=True)
        assert [outcome.status for outcome in run([rule], study)][:1] == answer


def in_scope(study=SDTM, **scope) -> list[str]:
    rule = Rule("R", "Record Data", Condition("empty", "X"), "m", scope=Scope(**scope))
    return [name for name, table in study.tables.items() if not out_of_scope(rule, table, study)]


def test_no_scope_is_everything():
    assert in_scope() == list(DATASETS) and in_scope(classes=("ALL",), domains=("ALL",)) == list(DATASETS)


def test_classes():
    assert in_scope(classes=("FINDINGS",)) == ["LB", "FAAE", "QSCG", "XF", "XA"]
    assert in_scope(classes=("FINDINGS ABOUT",)) == ["FAAE", "XA"]
    assert in_scope(not_classes=("FINDINGS", "EVENTS", "INTERVENTIONS")) == ["DM", "XX", "TX", "SUPPAE", "RELREC"]


def test_domains():
    assert in_scope(domains=("AE", "QS")) == ["AE", "QSCG"]
    assert in_scope(domains=("SUPP--",)) == ["SUPPAE"]
    assert in_scope(domains=("AP--",)) == ["APMH", "APXI"]
    assert "SUPPAE" not in in_scope(not_domains=("SUPP--", "QS")) and "QSCG" not in in_scope(not_domains=("SUPP--", "QS"))


def test_split_datasets():
    assert in_scope(split=True) == ["FAAE", "QSCG"]
    assert in_scope(split=True, domains=("AE",)) == ["AE", "FAAE", "QSCG"]
    assert not {"FAAE", "QSCG"} & set(in_scope(split=False))


def test_datasets_by_name():
    assert in_scope(datasets=("DM",)) == ["DM"] and "DM" not in in_scope(not_datasets=("DM",))


ADAM = make_study({
    "ADSL": frame("USUBJID"), "ADVS": frame("PARAMCD", "AVAL"), "ADTTE": frame("PARAMCD", "AVAL", "CNSR"), "ADAE": frame("AETERM", DOMAIN="AE"),
    "ADXX": frame("STUFF"), "ADYY": frame("STUFF"), "DM": frame("USUBJID", DOMAIN="DM"),
}, load_standard("adamig", "1.3"), metadata={"ADYY": Dataset("ADYY", "", "BASIC DATA STRUCTURE", "", (), ())})


@pytest.mark.parametrize(("dataset", "name"), [("ADSL", "ADSL"), ("ADVS", "BDS"), ("ADTTE", "TTE"), ("ADAE", "OCCDS"), ("ADXX", "OTHER"), ("ADYY", "BDS"), ("DM", "")])
def test_structure(dataset, name):
    assert structure(ADAM.tables[dataset], ADAM) == name


def test_structures():
    assert in_scope(ADAM, structures=("BDS",)) == ["ADVS", "ADTTE", "ADYY"]
    assert in_scope(ADAM, structures=("TTE",)) == ["ADTTE"]
    assert in_scope(ADAM, not_structures=("BDS", "ADSL")) == ["ADAE", "ADXX"]


def test_rules_for_adam_are_not_for_the_sdtm_datasets_beside_it():
    assert "DM" not in in_scope(ADAM)


def test_domain_kept_in_an_analysis_dataset_does_not_join_it_with_others():
    study = make_study({"ADLBC": frame(DOMAIN="LB"), "ADLBH": frame(DOMAIN="LB")}, load_standard("adamig", "1.3"))
    assert list(study.parts) == ["ADLBC", "ADLBH"]


def test_class_is_told_by_the_topic_variable_only_where_there_is_a_domain_to_tell_it_of():
    study = make_study({"SUPPXX": frame("QNAM"), "YY": frame("YYTERM"), "zz": frame("ZZTRT", DOMAIN="zz")}, load_standard("sdtmig", "3.4"))
    assert [class_of(study.tables[name], study) for name in ("SUPPXX", "YY", "ZZ")] == ["", "", "INTERVENTIONS"]


def test_class_goes_by_the_description_where_one_stands_for_the_data():
    described = {"XX": ("DOMAIN", "XXTERM"), "XY": ("DOMAIN",), "AE": ()}
    study = make_study({name: frame(name + "TRT", DOMAIN=name) for name in described}, load_standard("sdtmig", "3.4"), described=described)
    assert [class_of(study.tables[name], study) for name in ("XX", "XY")] == ["EVENTS", ""]
    assert in_scope(study, classes=("EVENTS",)) == ["XX"] and in_scope(study, classes=("ALL",)) == ["XX", "XY", "AE"]
