"""Match Datasets: joins by keys, to parents, with supplemental qualifiers, through RELREC."""

from __future__ import annotations

import pandas as pd
import pytest

from sdtm_convert.rules.match import join_rows
from sdtm_convert.rules.matching import match_datasets
from sdtm_convert.rules.column import cells_to_column
from sdtm_convert.rules.rule import Condition, Match, Rule, RuleError
from sdtm_convert.rules.study import make_study

AE = pd.DataFrame({"DOMAIN": "AE", "STUDYID": "S", "USUBJID": ["A", "A", "B", "C"], "AESEQ": [1.0, 2.0, 1.0, 1.0],
                   "AETERM": ["x", "y", "z", "w"], "AESPID": ["E1", "E2", "E3", "E4"]})
DM = pd.DataFrame({"DOMAIN": "DM", "STUDYID": "S", "USUBJID": ["A", "B"], "SEX": ["F", "M"], "DMDTC": ["2020", None]})


def matched(dataset: str, *matches: Match, asks: str = "", **datasets):
    study = make_study(datasets)
    rule = Rule("R", "Record Data", Condition("empty", asks or "X"), "m", matches=matches)
    return match_datasets(rule, study.tables[dataset], study)


def cells(table, *names):
    return {name: table.column(name).cells.tolist() for name in names}


def test_inner_join_keeps_the_rows_that_both_have_and_their_record_numbers():
    table = matched("AE", Match("DM", (("USUBJID", "USUBJID"),)), AE=AE, DM=DM)
    assert cells(table, "USUBJID", "AESEQ", "SEX") == {"USUBJID": ["A", "A", "B"], "AESEQ": [1, 2, 1], "SEX": ["F", "F", "M"]}
    assert table.records.tolist() == [1, 2, 3]
    assert table.prefix == "AE"


def test_left_join_keeps_all_rows():
    table = matched("AE", Match("DM", (("USUBJID", "USUBJID"),), join="left"), AE=AE, DM=DM)
    assert cells(table, "SEX", "_merge_DM") == {"SEX": ["F", "F", "M", None], "_merge_DM": ["both", "both", "both", "left_only"]}


def test_join_multiplies_rows_and_repeats_their_record():
    table = matched("DM", Match("AE", (("USUBJID", "USUBJID"),)), AE=AE, DM=DM)
    assert table.records.tolist() == [1, 1, 2] and cells(table, "AETERM") == {"AETERM": ["x", "y", "z"]}


def test_column_that_both_have_is_called_by_its_dataset():
    table = matched("AE", Match("DM", (("USUBJID", "USUBJID"),)), AE=AE, DM=DM)
    assert cells(table, "DOMAIN", "DOMAIN.DM")["DOMAIN.DM"] == ["DM"] * 3


def test_column_that_the_rule_calls_by_its_dataset_is_called_so():
    table = matched("AE", Match("DM", (("USUBJID", "USUBJID"),)), asks="DM.SEX", AE=AE, DM=DM)
    assert cells(table, "DM.SEX") == {"DM.SEX": ["F", "F", "M"]} and "SEX" not in table.known


def test_keys_with_other_names_on_the_other_side():
    other = pd.DataFrame({"DOMAIN": "XX", "SUBJECT": ["A"], "V": ["v"]})
    table = matched("AE", Match("XX", (("USUBJID", "SUBJECT"),)), AE=AE, XX=other)
    assert cells(table, "V") == {"V": ["v", "v"]}


def test_missing_keys_match_each_other():
    left = cells_to_column(["a", None, "b"])
    right = cells_to_column([None, "b", None])
    rows = join_rows([left], [right])
    assert rows[0].tolist() == [1, 1, 2] and rows[1].tolist() == [0, 2, 1]


def test_dataset_that_is_not_there_is_left_out():
    assert matched("AE", Match("DM", (("USUBJID", "USUBJID"),)), AE=AE).rows == 4


def test_children_get_the_record_that_they_point_to():
    supp = pd.DataFrame({"RDOMAIN": "AE", "USUBJID": ["A", "A", "B", "B", "A"], "IDVAR": ["AESEQ", "AESPID", "AESEQ", "NOSUCH", None],
                         "IDVARVAL": ["2", "E1", "9", "1", None], "QNAM": ["P", "P", "P", "P", "Q"]})
    keys = (("USUBJID", "USUBJID"), ("IDVAR", "IDVAR"), ("IDVARVAL", "IDVARVAL"))
    table = matched("SUPPAE", Match("SUPP--", keys, child=True), AE=AE, SUPPAE=supp)
    assert cells(table, "AETERM", "AESEQ") == {"AETERM": ["y", "x", None, None, "x"], "AESEQ": [2, 1, None, None, 1]}


def test_comments_point_into_several_domains():
    co = pd.DataFrame({"DOMAIN": "CO", "RDOMAIN": ["AE", "EX", "ZZ"], "USUBJID": ["B", "A", "A"], "IDVAR": ["AESEQ", "EXSEQ", "ZZSEQ"],
                       "IDVARVAL": ["1", "1.0", "1"]})
    ex = pd.DataFrame({"DOMAIN": "EX", "USUBJID": ["A"], "EXSEQ": [1.0], "EXTRT": ["drug"]})
    keys = (("USUBJID", "USUBJID"), ("IDVAR", "IDVAR"), ("IDVARVAL", "IDVARVAL"))
    table = matched("CO", Match("CO", keys, child=True), AE=AE, EX=ex, CO=co)
    assert cells(table, "AETERM", "EXTRT") == {"AETERM": ["z", None, None], "EXTRT": [None, "drug", None]}


def test_qualifiers_become_columns_of_their_records():
    supp = pd.DataFrame({"RDOMAIN": "AE", "USUBJID": ["A", "B", "A"], "IDVAR": "AESEQ", "IDVARVAL": ["2", "1", "1"],
                         "QNAM": ["P", "P", "Q"], "QVAL": ["p2", "p1", "q1"]})
    table = matched("AE", Match("SUPPAE", (("USUBJID", "USUBJID"),)), AE=AE, SUPPAE=supp)
    assert cells(table, "P", "Q") == {"P": [None, "p2", "p1", None], "Q": ["q1", None, None, None]}


def test_qualifiers_of_dm_belong_to_the_subject():
    supp = pd.DataFrame({"RDOMAIN": "DM", "USUBJID": ["B"], "IDVAR": [None], "IDVARVAL": [None], "QNAM": ["P"], "QVAL": ["p"]})
    table = matched("DM", Match("SUPP--", (("USUBJID", "USUBJID"),)), DM=DM, SUPPDM=supp)
    assert cells(table, "P") == {"P": [None, "p"]}


def test_two_qualifiers_of_one_name_for_one_record_are_an_error():
    supp = pd.DataFrame({"RDOMAIN": "DM", "USUBJID": ["B", "B"], "IDVAR": [None, None], "IDVARVAL": [None, None], "QNAM": ["P", "P"], "QVAL": ["p", "q"]})
    table = matched("DM", Match("SUPPDM", (("USUBJID", "USUBJID"),)), DM=DM, SUPPDM=supp)
    with pytest.raises(RuleError, match="more than one P"):
        table.column("P")


RELREC = pd.DataFrame({"STUDYID": "S", "RDOMAIN": ["AE", "CM", "AE", "CM"], "USUBJID": ["A", "A", "B", "B"],
                       "IDVAR": ["AESEQ", "CMSEQ", "AESEQ", "CMSEQ"], "IDVARVAL": ["2", "1", "1", "2"], "RELID": ["R1", "R1", "R1", "R2"]})
CM = pd.DataFrame({"DOMAIN": "CM", "STUDYID": "S", "USUBJID": ["A", "B", "B"], "CMSEQ": [1.0, 1.0, 2.0], "CMTRT": ["p", "q", "r"],
                   "CMSPID": ["E2", "E3", "E9"], "VISIT": ["V1", "V1", "V2"]})


def test_related_records_stand_side_by_side():
    table = matched("AE", Match("RELREC"), AE=AE, CM=CM, RELREC=RELREC)
    assert cells(table, "AETERM", "RELREC.**TRT", "RELREC.VISIT") == {"AETERM": ["y"], "RELREC.**TRT": ["p"], "RELREC.VISIT": ["V1"]}
    assert table.records.tolist() == [2]


def test_related_datasets_are_joined_by_their_variables():
    relrec = pd.DataFrame({"STUDYID": "S", "RDOMAIN": ["AE", "CM"], "USUBJID": [None, None], "IDVAR": ["AESPID", "CMSPID"],
                           "IDVARVAL": [None, None], "RELID": ["R", "R"]})
    table = matched("AE", Match("RELREC", wildcard="CM"), AE=AE, CM=CM, RELREC=relrec)
    assert cells(table, "AESPID", "RELREC.CMTRT") == {"AESPID": ["E2", "E3"], "RELREC.CMTRT": ["p", "q"]}


def test_rules_that_match_alike_share_the_result():
    study = make_study({"AE": AE, "DM": DM})
    rules = [Rule(id, "Record Data", Condition("empty", id), "m", matches=(Match("DM", (("USUBJID", "USUBJID"),)),)) for id in ("R1", "R2")]
    assert match_datasets(rules[0], study.tables["AE"], study) is match_datasets(rules[1], study.tables["AE"], study)


def test_keys_that_are_numbers_here_and_text_there_are_an_error():
    numbers = DM.assign(USUBJID=[1.0, 2.0])
    with pytest.raises(RuleError, match="USUBJID is a number in one of AE and DM"):
        matched("AE", Match("DM", (("USUBJID", "USUBJID"),)), AE=AE, DM=numbers)


def test_children_without_a_pointer_get_the_subject_s_first_record():
    supp = pd.DataFrame({"RDOMAIN": "AE", "USUBJID": ["B"], "IDVAR": ["AESEQ"], "QNAM": ["P"]})
    keys = (("USUBJID", "USUBJID"), ("IDVAR", "IDVAR"), ("IDVARVAL", "IDVARVAL"))
    assert cells(matched("SUPPAE", Match("SUPP--", keys, child=True), AE=AE, SUPPAE=supp), "AETERM") == {"AETERM": ["z"]}


@pytest.mark.parametrize(("change", "message"), [
    (lambda supp: supp.drop(columns="QVAL"), "SUPPAE has no variable QVAL"),
    (lambda supp: supp.assign(IDVAR="AEFOO"), "SUPPAE points to AEFOO of AE"),
    (lambda supp: pd.concat([supp, supp.assign(IDVAR=None, IDVARVAL=None)]), "IDVAR is empty in some rows only"),
])
def test_qualifiers_that_belong_to_nothing_are_an_error(change, message):
    supp = pd.DataFrame({"RDOMAIN": "AE", "USUBJID": ["A"], "IDVAR": "AESEQ", "IDVARVAL": ["2"], "QNAM": ["P"], "QVAL": ["p2"]})
    with pytest.raises(RuleError, match=message):
        matched("AE", Match("SUPPAE", (("USUBJID", "USUBJID"),)), AE=AE, SUPPAE=change(supp)).column("P")


@pytest.mark.parametrize(("change", "message"), [
    (lambda relrec: relrec.drop(columns="RELID"), "RELREC has no variable RELID"),
    (lambda relrec: relrec.replace("CM", "EX"), "RELREC relates AE to EX, which is not there"),
    (lambda relrec: relrec.replace("CMSEQ", "CMFOO"), "RELREC points to CMFOO of CM"),
    (lambda relrec: relrec.assign(IDVAR=["AESEQ", None, "AESEQ", "CMSEQ"]), "RELREC points to a variable without name of CM"),
])
def test_relations_to_what_is_not_there_are_an_error(change, message):
    with pytest.raises(RuleError, match=message):
        matched("AE", Match("RELREC"), AE=AE, CM=CM, RELREC=change(RELREC))


def test_records_of_all_subjects_are_related_where_relrec_names_no_subject():
    table = matched("AE", Match("RELREC"), AE=AE, CM=CM, RELREC=RELREC.head(2).assign(USUBJID=None, IDVARVAL="1"))
    assert cells(table, "AETERM", "RELREC.**TRT") == {"AETERM": ["x", "z"], "RELREC.**TRT": ["p", "q"]}


def test_records_are_related_within_one_study():
    assert matched("AE", Match("RELREC"), AE=AE, CM=CM.assign(STUDYID="T"), RELREC=RELREC).rows == 0


def test_every_relation_by_variables_counts_and_only_for_its_subject():
    relrec = pd.DataFrame({"STUDYID": "S", "RDOMAIN": ["AE", "CM"] * 2, "USUBJID": ["A"] * 4, "IDVAR": ["AESPID", "CMSPID"] * 2,
                           "IDVARVAL": None, "RELID": ["R", "R", "Q", "Q"]})
    assert cells(matched("AE", Match("RELREC"), AE=AE, CM=CM, RELREC=relrec), "AESPID") == {"AESPID": ["E2", "E2"]}
