"""Records and values: literal raw tables in, derived columns out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_study import build_study, one_variable

from sdtm_convert.errors import MappingError
from sdtm_convert.tables import concatenate, take

HEAD = "from __future__ import annotations\nimport pandas as pd\nfrom sdtm_convert.registry import Column, Problem, method\n"


# --- Records ----------------------------------------------------------------------------------------------------------


def test_one_record_for_each_row(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables: {AETERM: {assign: TERM}}\n"}, {"t": "SUBJ,TERM\n2,b\n1,a\n2,\n"}, usubjid="S-{SUBJ}")
    table = built.derived.tables["AE"]
    assert built.derived_values("AE", "USUBJID") == ["S-2", "S-1", "S-2"]
    assert built.derived_values("AE", "AETERM") == ["b", "a", None]
    assert (table.subject.tolist(), table.source_rows.tolist(), table.sources) == ([1, 0, 1], [0, 1, 2], ["t"])


def test_usubjid_of_several_fields_and_without_one_of_them(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables: {AETERM: {assign: TERM}}\n"},
                        {"t": "SITE,SUBJ,TERM\n01,007,a\n01,,b\n02,007,c\n"}, usubjid="X-{SITE}-{SUBJ}.")
    assert built.derived_values("AE", "USUBJID") == ["X-01-007.", None, "X-02-007."]
    assert built.derived.tables["AE"].subject.tolist() == [0, -1, 1]


def test_a_study_without_any_subject(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: u.X}\n  AESEQ: {sequence: [AETERM]}\n  AEREFID: {first: u.X}\n"},
                        {"t": "SUBJ,TERM\n,a\n,b\n", "u": "SUBJ,X\n,1\n,2\n"})
    assert built.derived_values("AE", "AETERM") == [None, None]
    assert built.derived_values("AE", "AEREFID") == [None, None]


def test_a_table_without_subjects(tmp_path):
    built = build_study(tmp_path, {"TA": "from: t\nvariables:\n  ARMCD: {assign: ARM}\n  TAETORD: {assign: N}\n"}, {"t": "ARM,N\nA,1\nB,2\n"},
                        options={"t": "usubjid: none"})
    assert built.values("TA", "ARMCD") == ["A", "B"]
    assert "USUBJID" not in built.datasets["TA"]


def test_where_lets_rows_in_and_the_masks_say_which(tmp_path):
    built = build_study(tmp_path, {
        "AE": "from: t\nwhere: YN == 'Y'\nexcluded: no event\nvariables: {AETERM: {assign: TERM}}\n",
        "CM": "from: u\nwhere: YN == 'Y'\nvariables: {CMTRT: {assign: TERM}}\n"},
        {"t": "SUBJ,YN,TERM\n1,Y,a\n1,N,b\n1,,c\n", "u": "SUBJ,YN,TERM\n1,Y,a\n1,N,b\n"})
    assert built.derived.tables["AE"].source_rows.tolist() == [0]
    assert built.derived.used_rows["t"].tolist() == [True, False, False]
    assert built.derived.excluded_rows["t"].tolist() == [False, True, True]
    assert built.derived.excluded_rows["u"].tolist() == [False, False]  # no reason is given


def test_where_may_look_at_the_subjects_other_data(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nwhere: DM.SEX == 'F' and USUBJID != '4'\nvariables: {AETERM: {assign: TERM}}\n",
                                   "DM": "from: d\nvariables: {SEX: {assign: S}}\n"},
                        {"t": "SUBJ,TERM\n1,a\n2,b\n3,c\n4,d\n,e\n", "d": "SUBJ,S\n1,F\n2,M\n4,F\n"})
    assert built.derived_values("AE", "AETERM") == ["a"]


def test_where_sees_nothing_where_the_subject_has_several_values(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nwhere: u.X == 'a'\nvariables: {AETERM: {assign: TERM}}\n"},
                        {"t": "SUBJ,TERM\n1,x\n2,y\n", "u": "SUBJ,X\n1,a\n1,b\n2,a\n2,a\n"})
    assert built.derived_values("AE", "AETERM") == ["y"]


def test_a_where_that_leaves_nothing(tmp_path):
    built = build_study(tmp_path, {"AE": """\
        from: t
        where: TERM == 'nothing'
        variables:
          AETERM: {assign: TERM}
          AESTDTC: {iso_datetime: [D, H], format: [yyyy-mm-dd, "HH:MM"]}
          AESTDY: {study_day: AESTDTC, reference: AESTDTC}
          AESEQ: {sequence: [AESTDTC]}
          AETOXGR: {count: t.TERM}
        supplemental:
          AEX: {assign: TERM, label: X}
        """}, {"t": "SUBJ,TERM,D,H\n1,a,2020-01-01,10:00\n"})
    frame = built.datasets["AE"]
    assert len(frame) == 0 and len(built.datasets["SUPPAE"]) == 0
    assert frame.dtypes.astype(str).to_dict() == {
        "STUDYID": "str", "DOMAIN": "str", "USUBJID": "str", "AESEQ": "float64", "AETERM": "str", "AETOXGR": "str", "AESTDTC": "str", "AESTDY": "float64"}


def test_a_raw_table_without_rows(tmp_path):
    built = build_study(tmp_path, {
        "AE": "from: t\nvariables:\n  AETERM: {assign: TERM}\n  AESEQ: {sequence: [AETERM]}\n",
        "VS": "from: v\ntests: {SYSBP: {result: SBP, unit: mmHg, standard_unit: mmHg}}\n",
        "CM": "from: u\nvariables:\n  CMTRT: {assign: X}\n  CMDOSE: {total: t.N}\n  CMENTPT: {exists: t.TERM, no: N}\n  CMINDC: {assign: t.TERM}\n"},
        {"t": "SUBJ,TERM,N\n", "v": "SUBJ,SBP\n", "u": "SUBJ,X\n1,a\n"})
    assert [len(frame) for frame in built.datasets.values()] == [0, 1, 0]
    assert built.datasets["VS"]["VSSTRESN"].dtype == "float64"
    assert (built.values("CM", "CMDOSE"), built.values("CM", "CMENTPT"), built.values("CM", "CMINDC")) == ([None], ["N"], [None])


def test_a_variable_without_any_value_keeps_its_type(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: A}\n  AEDUR: {assign: B}\n  VISITNUM: {assign: B}\n  AESTDY: {constant: '', where: A is missing}\n"},
                        {"t": "SUBJ,A,B\n1,,\n2,,\n"})
    assert built.datasets["AE"].dtypes.astype(str).drop(["STUDYID", "DOMAIN", "USUBJID"]).to_dict() == {
        "AETERM": "str", "VISITNUM": "float64", "AEDUR": "str", "AESTDY": "float64"}


def test_equal_rows_are_dropped_where_the_study_says_so(tmp_path):
    mapping = {"AE": "from: t\nvariables: {AETERM: {assign: TERM}}\n"}
    raw = {"t": "SUBJ,TERM\n1,a\n1,a\n1,b\n1,\n1,\n"}
    kept, dropped = build_study(tmp_path, mapping, raw), build_study(tmp_path, mapping, raw, options={"t": "duplicates: drop"})
    assert kept.derived_values("AE", "AETERM") == ["a", "a", "b", None, None]
    assert kept.derived.raw["t"].duplicated.tolist() == [False, True, False, False, True]
    assert dropped.derived_values("AE", "AETERM") == ["a", "b", None]


def test_blocks_from_several_tables(tmp_path):
    built = build_study(tmp_path, {"AE": """\
        keys: [USUBJID, AETERM]
        records:
          - from: a
            where: YN == 'Y'
            variables:
              AETERM: {assign: TERM}
              AESEV: {assign: SEV, where: SEV != 'x'}
          - from: b
            variables:
              AETERM: {upper: NAME}
        variables:
          AESEV: {constant: MODERATE, where: AETERM == 'B1'}
          AESTDTC: {iso_datetime: D, format: yyyy-mm-dd}
        """}, {"a": "SUBJ,YN,TERM,SEV,D\n1,Y,a1,MILD,2020-01-01\n1,N,a2,MILD,\n2,Y,a3,x,2020-01-03\n",
               "b": "SUBJ,NAME,D\n2,b1,2020-02-01\n"})
    assert built.derived_values("AE", "AETERM") == ["a1", "a3", "B1"]
    assert built.derived_values("AE", "AESEV") == ["MILD", None, "MODERATE"]
    assert built.derived_values("AE", "AESTDTC") == ["2020-01-01", "2020-01-03", "2020-02-01"]
    table = built.derived.tables["AE"]
    assert (table.sources, table.source_rows.tolist()) == (["a", "b"], [0, 2, 0])


@pytest.mark.parametrize("empty", ["a", "b"])
def test_blocks_of_which_one_is_empty(tmp_path, empty):
    raw = {"a": "SUBJ,TERM,SEV\n1,a1,MILD\n", "b": "SUBJ,NAME\n1,b1\n"}
    raw[empty] = raw[empty].splitlines()[0] + "\n"
    built = build_study(tmp_path, {"AE": """\
        records:
          - from: a
            variables: {AETERM: {assign: TERM}, AESEV: {assign: SEV, where: TERM is not missing}}
          - from: b
            variables: {AETERM: {assign: NAME}}
        """}, raw)
    assert built.derived_values("AE", "AETERM") == ["b1" if empty == "a" else "a1"]
    assert built.derived_values("AE", "AESEV") == [None if empty == "a" else "MILD"]


def test_one_table_in_two_blocks(tmp_path):
    built = build_study(tmp_path, {"DS": """\
        records:
          - {from: t, where: IC is not missing, variables: {DSTERM: {constant: CONSENT}, DSSTDTC: {assign: IC}}}
          - {from: t, where: RAND is not missing, variables: {DSTERM: {constant: RANDOMIZED}, DSSTDTC: {assign: RAND}}}
        """}, {"t": "SUBJ,IC,RAND\n1,2020-01-01,2020-01-02\n2,2020-02-01,\n"})
    assert built.derived_values("DS", "DSTERM") == ["CONSENT", "CONSENT", "RANDOMIZED"]
    assert built.derived_values("DS", "DSSTDTC") == ["2020-01-01", "2020-02-01", "2020-01-02"]


def test_a_working_variable_may_be_a_number_in_one_block_and_text_in_another(tmp_path):
    built = build_study(tmp_path, {"AE": """\
        records:
          - {from: a, variables: {_X: {number: N}}}
          - {from: b, variables: {_X: {assign: T}}}
          - {from: b}
        variables:
          AETERM: {assign: _X}
        """}, {"a": "SUBJ,N\n1,1.50\n", "b": "SUBJ,T\n1,x\n"})
    assert built.derived_values("AE", "AETERM") == ["1.5", "x", None]


# --- Tests of a findings domain ---------------------------------------------------------------------------------------


def test_columns_as_tests(tmp_path):
    built = build_study(tmp_path, {"VS": """\
        from: t
        defaults: {position: POS}
        tests:
          SYSBP: {result: SBP, unit: mmHg, standard_unit: mmHg}
          TEMP: {result: TEMP, unit: TU, standard_unit: C, decimals: 1, position: {constant: SUPINE}}
        variables:
          VSDTC: {iso_datetime: D, format: yyyy-mm-dd}
          VSSEQ: {sequence: [VSTESTCD, VSDTC]}
        """}, {"t": "SUBJ,SBP,TEMP,TU,POS,D\n1,120,98.6,F,SITTING,2020-01-01\n1,,37.04,C,,2020-01-02\n"})
    frame = built.datasets["VS"]
    assert frame[["VSTESTCD", "VSTEST", "VSORRES", "VSORRESU", "VSSTRESC", "VSSTRESN", "VSSTRESU", "VSPOS", "VSDTC"]].fillna("").values.tolist() == [
        ["SYSBP", "Systolic Blood Pressure", "120", "mmHg", "120", 120.0, "mmHg", "SITTING", "2020-01-01"],
        ["TEMP", "Temperature", "98.6", "F", "37", 37.0, "C", "SUPINE", "2020-01-01"],
        ["TEMP", "Temperature", "37.04", "C", "37", 37.0, "C", "SUPINE", "2020-01-02"]]
    assert built.derived.used_rows["t"].tolist() == [True, True]


ROWS = """\
from: t
test: T
defaults: {result: R, unit: UNITS}
tests:
  ALT: {collected: [ALT, SGPT], standard_unit: U/L}
  CREAT: {standard_unit: umol/L, decimals: 0}
"""


def test_rows_as_tests(tmp_path):
    built = build_study(tmp_path, {"LB": ROWS}, {"t": "SUBJ,T,R,UNITS\n1,CREAT,1.2,mg/dL\n1,sgpt ,30,U/L\n1,AST,9,U/L\n1,ALT,,U/L\n1,,5,U/L\n"})
    assert built.derived_values("LB", "LBTESTCD") == ["ALT", "ALT", "CREAT"]
    assert built.derived_values("LB", "LBSTRESN") == [30.0, None, 106.0]
    assert built.derived_values("LB", "LBSTRESU") == ["U/L", None, "umol/L"]
    assert built.derived.used_rows["t"].tolist() == [True, True, False, True, False]


def test_an_unknown_conversion_keeps_the_result_in_its_unit(tmp_path):
    built = build_study(tmp_path, {"LB": ROWS}, {"t": "SUBJ,T,R,UNITS\n1,CREAT,1.2,mmHg\n1,CREAT,2,\n1,CREAT,<5,umol/L\n1,CREAT,lost,umol/L\n1,CREAT,<1,mg/dL\n"})
    columns = {name: built.derived_values("LB", f"LB{name}") for name in ("ORRES", "STRESC", "STRESN", "STRESU")}
    assert columns == {"ORRES": ["1.2", "2", "<5", "lost", "<1"], "STRESC": ["1.2", "2", "<5", "lost", "<88.42"],
                       "STRESN": [None] * 5, "STRESU": ["mmHg", None, "umol/L", "umol/L", "umol/L"]}
    assert [(rule, rows, values) for rule, _, rows, values in built.troubles] == [
        ("MAP-RESULT", [3], ["lost"]), ("MAP-UNIT", [0, 1], ["mmHg", None])]


def test_without_standard_unit_results_stay_in_the_collected_unit(tmp_path):
    built = build_study(tmp_path, {"LB": "from: t\ntests:\n  ALT: {result: R, unit: UNITS}\n"}, {"t": "SUBJ,R,UNITS\n1,5.0,U/L\n"})
    assert [built.values("LB", f"LB{name}") for name in ("ORRES", "STRESC", "STRESN", "STRESU")] == [["5.0"], ["5"], [5.0], ["U/L"]]


def test_tests_from_several_tables_with_variables_of_their_own(tmp_path):
    built = build_study(tmp_path, {"VS": """\
        records:
          - from: a
            tests: {SYSBP: {result: S, unit: mmHg, VSEVAL: {constant: INVESTIGATOR}}}
            variables: {VSDTC: {iso_datetime: DA, format: yyyy-mm-dd}}
          - from: b
            test: T
            tests: {TEMP: {result: R}, WEIGHT: {result: R}}
            variables: {VSDTC: {iso_datetime: DB, format: dd/mm/yyyy}}
        """}, {"a": "SUBJ,S,DA\n1,120,2020-01-01\n", "b": "SUBJ,T,R,DB\n1,WEIGHT,80,02/01/2020\n1,TEMP,37,03/01/2020\n"})
    assert built.derived_values("VS", "VSTESTCD") == ["SYSBP", "TEMP", "WEIGHT"]
    assert built.derived_values("VS", "VSDTC") == ["2020-01-01", "2020-01-03", "2020-01-02"]
    assert built.derived_values("VS", "VSEVAL") == ["INVESTIGATOR", None, None]


def test_a_step_of_a_block_sees_all_tests_of_the_block(tmp_path):
    built = build_study(tmp_path, {"VS": """\
        records:
          - from: a
            tests: {SYSBP: {result: S}, DIABP: {result: D, VSGRPID: {constant: own}}}
            variables:
              VSDTC: {iso_datetime: DA, format: yyyy-mm-dd}
              _NUMBER: {sequence: [VS.VSTESTCD, VSDTC]}
              VSGRPID: {constant: of the block}
          - {from: b, tests: {TEMP: {result: T}}}
        """}, {"a": "SUBJ,S,D,DA\n1,120,80,x\n1,121,81,2020-01-02\n", "b": "SUBJ,T\n1,37\n"})
    assert built.derived_values("VS", "_NUMBER") == [3.0, 4.0, 1.0, 2.0, None]
    assert built.derived_values("VS", "VSGRPID") == ["of the block", "of the block", "own", "own", None]
    assert built.troubles == [("MAP-DATE-UNREADABLE", "VSDTC", [0, 2], ["x", "x"])]


# --- Records of another dataset ---------------------------------------------------------------------------------------


def test_analysis_records_come_from_tabulation_records(tmp_path):
    built = build_study(tmp_path, {
        "AE": "from: t\nkeys: [AETERM]\nwhere: TERM is not missing\nvariables:\n  AETERM: {assign: TERM}\n  AESEQ: {sequence: [AETERM]}\n",
        "ADAE": "from: AE\nwhere: AESEQ > 1\nkeys: [USUBJID, AESEQ]\npredecessors: [ADSL.SEX]\nvariables:\n  AETERM: {assign: AETERM}\n  AESEQ: {assign: AESEQ}\n",
        "ADSL": "from: DM\nvariables:\n  SEX: {assign: SEX}\n", "DM": "from: d\nvariables:\n  SEX: {assign: S}\n"},
        {"t": "SUBJ,TERM\n1,b\n1,\n1,a\n2,c\n2,d\n", "d": "SUBJ,S\n1,F\n2,M\n"})
    assert built.values("ADAE", "AETERM") == ["b", "d"]
    assert built.values("ADAE", "AESEQ") == [2.0, 2.0]
    assert built.values("ADAE", "SEX") == ["F", "M"]
    assert "DOMAIN" not in built.datasets["ADAE"]
    table = built.derived.tables["ADAE"]
    assert (table.sources, table.source_rows.tolist(), built.derived.tables["AE"].source_rows.tolist()) == (["AE"], [0, 3], [0, 2, 3, 4])


def test_a_copy_of_a_number_that_the_analysis_standard_does_not_know_is_a_number(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: T}\n  AEXN: {number: T, type: Num, label: Number}\n",
                                   "ADAE": "from: AE\nvariables:\n  AEXN: {assign: AEXN}\n  _W: {assign: AEXN}\n", "ADX": "from: ADAE\nclass: OCCDS\npredecessors: [ADAE.AEXN]\n"},
                        {"t": "SUBJ,T\n1,5\n"})
    assert (built.values("ADAE", "AEXN"), built.values("ADX", "AEXN")) == ([5.0], [5.0])


# --- Steps ------------------------------------------------------------------------------------------------------------


def test_the_first_step_that_has_a_value_wins(tmp_path):
    built = one_variable(tmp_path, "[{assign: A}, {assign: B, where: C == 'y'}, {constant: rest}]", "SUBJ,A,B,C\n1,a,b,y\n1,,b,y\n1,,b,n\n1,,,y\n1,,b,\n")
    assert built.derived_values("AE", "AETERM") == ["a", "b", "rest", "rest", "rest"]


def test_a_comparison_with_a_missing_value_is_false(tmp_path):
    built = one_variable(tmp_path, "[{constant: unequal, where: A != 'x'}, {constant: less, where: A < 'z'}, {constant: neither}]", "SUBJ,A\n1,\n1,y\n1,x\n")
    assert built.derived_values("AE", "AETERM") == ["neither", "unequal", "less"]


def test_a_nested_step_with_its_own_where(tmp_path):
    built = one_variable(tmp_path, "{concatenate: [A, {upper: B, where: C == 'y'}, {constant: z}], separator: '-'}", "SUBJ,A,B,C\n1,a,b,y\n1,a,b,n\n")
    assert built.derived_values("AE", "AETERM") == ["a-B-z", "a-z"]


def test_problems_count_only_for_rows_that_still_wait_for_a_value(tmp_path):
    built = one_variable(tmp_path, "[{iso_datetime: A, format: yyyy-mm-dd}, {iso_datetime: B, format: yyyy-mm-dd}]",
                         "SUBJ,A,B\n1,2020-01-01,x\n1,y,2020-01-02\n1,,z\n", name="AESTDTC")
    assert built.derived_values("AE", "AESTDTC") == ["2020-01-01", "2020-01-02", None]
    assert built.troubles == [("MAP-DATE-UNREADABLE", "AESTDTC", [1], ["y"]), ("MAP-DATE-UNREADABLE", "AESTDTC", [2], ["z"])]


def test_problems_name_the_rows_of_the_dataset_within_blocks_and_where(tmp_path):
    built = build_study(tmp_path, {"AE": """\
        records:
          - {from: a, variables: {VISITNUM: {number: N}}}
          - {from: b, where: X == 'y', variables: {VISITNUM: {number: N, where: M == 'y'}}}
        variables: {AETERM: {constant: x}}
        """}, {"a": "SUBJ,N\n1,1\n1,2\n", "b": "SUBJ,X,N,M\n1,n,bad,y\n1,y,3,y\n1,y,bad,n\n1,y,worse,y\n"})
    assert built.derived_values("AE", "VISITNUM") == [1.0, 2.0, 3.0, None, None]
    assert built.troubles == [("MAP-NUMBER", "VISITNUM", [4], ["worse"])]
    [trouble] = built.derived.troubles
    assert (trouble.fields, trouble.place.line) == (("N", "M"), 4)


def test_a_text_in_a_numeric_variable_is_missing_and_reported(tmp_path):
    built = one_variable(tmp_path, "{assign: N}", "SUBJ,N\n1, 5 \n1,5.50\n1,five\n1,\n1,1e2\n1,nan\n1,1_0\n1,٥\n1,1e999\n", name="VISITNUM")
    assert built.derived_values("AE", "VISITNUM") == [5.0, 5.5, None, None, 100.0, None, None, None, None]
    assert [(rule, values) for rule, _, _, values in built.troubles] == [("MAP-NUMBER", ["five", "nan", "1_0", "٥", "1e999"])]


def test_a_number_in_a_text_variable_has_no_needless_digits(tmp_path):
    built = one_variable(tmp_path, "{number: N}", "SUBJ,N\n1,5.0\n1,0.10\n1,1e-7\n1,123456789012\n")
    assert built.derived_values("AE", "AETERM") == ["5", "0.1", "0.0000001", "123456789012"]


def test_several_values_for_a_subject_are_missing_and_reported(tmp_path):
    built = build_study(
        tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: u.X}\n"}, {"t": "SUBJ,A\n1,a\n2,b\n3,c\n,d\n", "u": "SUBJ,X\n1,x\n1,y\n2,z\n2,\n2,z\n"})
    assert built.derived_values("AE", "AETERM") == [None, "z", None, None]
    assert built.troubles == [("MAP-SEVERAL", "AETERM", [0], ["x"])]


def test_several_values_in_a_condition_are_reported_too(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {constant: x, where: u.X == 'a'}\n"},
                        {"t": "SUBJ,A\n1,a\n2,b\n", "u": "SUBJ,X\n1,a\n1,b\n2,a\n"})
    assert built.derived_values("AE", "AETERM") == [None, "x"]
    assert [(rule, rows) for rule, _, rows, _ in built.troubles] == [("MAP-SEVERAL", [0])]


def test_a_condition_that_cannot_be_evaluated_names_its_place(tmp_path):
    with pytest.raises(MappingError, match=r"ae\.yml:5: AE\.AETERM: in the condition `VISITNUM == \"x\"`"):
        build_study(tmp_path, {"AE": "from: t\nvariables:\n  VISITNUM: {number: N}\n  AETERM: {constant: a, where: VISITNUM == 'x'}\n"}, {"t": "SUBJ,N\n1,5\n"})


def test_a_method_that_fails_names_its_place(tmp_path):
    with pytest.raises(MappingError, match=r"ae\.yml:4: AE\.AETERM: the method 'own' failed: ZeroDivisionError"):
        one_variable(tmp_path, "{own: T}", "SUBJ,T\n1,a\n", methods=HEAD + "@method\ndef own(source: Column):\n    '''{source}'''\n    return 1 / 0\n")


def test_a_method_that_loses_rows_is_refused(tmp_path):
    with pytest.raises(MappingError, match="gave 1 values for 2 records"):
        one_variable(tmp_path, "{own: T}", "SUBJ,T\n1,a\n1,\n", methods=HEAD + "@method\ndef own(source: Column):\n    '''{source}'''\n    return source.dropna()\n")


def test_a_method_that_sorts_gets_its_rows_put_back(tmp_path):
    built = one_variable(tmp_path, "{own: T}", "SUBJ,T\n1,c\n1,a\n1,b\n",
                         methods=HEAD + "@method\ndef own(source: Column):\n    '''{source}'''\n    return source.sort_values()\n")
    assert built.derived_values("AE", "AETERM") == ["c", "a", "b"]


@pytest.mark.parametrize("returned, values", [
    ("'x'", ["x", "x"]), ("5", ["5", "5"]), ("None", [None, None]), ("source.astype('category')", ["a", None]),
    ("pd.Series([1, None], dtype='Int64')", ["1", None]), ("pd.Series([True, False])", ["1", "0"]), ("source.to_numpy(dtype=object)", ["a", None]),
    ("['p', None]", ["p", None]), ("(source, [Problem('MAP-NUMBER', source.isna().to_numpy(), 'm')])", ["a", None])])
def test_what_a_method_may_return(tmp_path, returned, values):
    built = one_variable(tmp_path, "{own: T}", "SUBJ,T\n1,a\n1,\n", methods=HEAD + f"@method\ndef own(source: Column):\n    '''{{source}}'''\n    return {returned}\n")
    assert built.derived_values("AE", "AETERM") == values


# --- Order ------------------------------------------------------------------------------------------------------------

CROSSWISE = {"DM": "from: d\nvariables:\n  RFSTDTC: {lowest: EX.EXSTDTC}\n  SEX: {assign: S}\n",
             "EX": "from: e\nvariables:\n  EXSTDTC: {assign: D}\n  EXSTDY: {study_day: EXSTDTC, reference: DM.RFSTDTC}\n  EXSEQ: {sequence: [EXSTDTC]}\n",
             "AE": "from: d\nvariables:\n  AETERM: {assign: S}\n"}
CROSSWISE_RAW = {"d": "SUBJ,S\n1,F\n2,M\n", "e": "SUBJ,D\n1,2020-01-05\n1,2020-01-03\n"}


def test_variables_of_two_datasets_may_need_each_other_crosswise(tmp_path):
    built = build_study(tmp_path, CROSSWISE, CROSSWISE_RAW)
    assert built.values("DM", "RFSTDTC") == ["2020-01-03", None]
    assert built.derived_values("EX", "EXSTDY") == [3.0, 1.0]


def test_only_what_is_needed_is_derived(tmp_path):
    built = build_study(tmp_path, CROSSWISE, CROSSWISE_RAW, only=["DM"])
    assert list(built.datasets) == ["DM"]
    assert set(built.derived.tables) == {"DM", "EX"}
    assert set(built.derived.tables["EX"].columns) == {"STUDYID", "DOMAIN", "USUBJID", "EXSTDTC"}


def test_derived_the_same_twice(tmp_path):
    first, second = (build_study(tmp_path, CROSSWISE, CROSSWISE_RAW) for _ in range(2))
    assert list(first.derived.tables) == list(second.derived.tables)
    for name, frame in first.datasets.items():
        pd.testing.assert_frame_equal(frame, second.datasets[name])


# --- Properties -------------------------------------------------------------------------------------------------------

cells = st.sampled_from(["", "a", "b", "c"])


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.tuples(cells, cells, cells), max_size=8), wanted=st.sampled_from(["a", "b"]))
def test_the_first_value_wins_row_by_row(rows, wanted):
    raw = "SUBJ,A,B,C\n" + "".join(f"{number},{a},{b},{c}\n" for number, (a, b, c) in enumerate(rows))
    with tempfile.TemporaryDirectory() as folder:
        built = one_variable(Path(folder), f"[{{assign: A, where: B == '{wanted}'}}, {{assign: B}}, {{assign: C, where: A is not missing}}]", raw)
    expected = [(a if b == wanted else "") or b or (c if a else "") or None for a, b, c in rows]
    assert built.derived_values("AE", "AETERM") == expected


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.tuples(cells, cells), max_size=8))
def test_where_of_records_takes_the_rows_that_meet_it_in_their_order(rows):
    raw = "SUBJ,A,B\n" + "".join(f"1,{a},{b}\n" for a, b in rows)
    with tempfile.TemporaryDirectory() as folder:
        built = build_study(Path(folder), {"AE": "from: t\nwhere: A == 'a' or B in ['b', 'c']\nexcluded: x\nvariables: {AETERM: {assign: A}}\n"}, {"t": raw})
    kept = [number for number, (a, b) in enumerate(rows) if a == "a" or b in ("b", "c")]
    assert built.derived.tables["AE"].source_rows.tolist() == kept
    assert np.flatnonzero(built.derived.used_rows["t"]).tolist() == kept
    assert (built.derived.used_rows["t"] ^ built.derived.excluded_rows["t"]).all()


# --- Tables -----------------------------------------------------------------------------------------------------------


def test_take_gives_missing_for_minus_one():
    assert take(pd.Series(["a", "b"]), np.array([1, -1])).isna().tolist() == [False, True]
    assert take(pd.Series([1.0, 2.0], index=[7, 8]), slice(1, 2)).index.tolist() == [0]


@pytest.mark.parametrize("pieces, values, dtype", [
    ([pd.Series([1.0]), pd.Series(["x"])], ["1", "x"], "str"),
    ([pd.Series([1.0]), pd.Series([np.nan], dtype="str")], [1.0, None], "float64"),
    ([pd.Series([np.nan]), pd.Series(["x"])], [None, "x"], "str"),
    ([pd.Series([np.nan]), pd.Series([np.nan], dtype="str")], [None, None], "str"),
    ([pd.Series(["a"]), pd.Series([], dtype="float64")], ["a"], "str")])
def test_columns_one_below_the_other_have_one_type(pieces, values, dtype):
    column = concatenate(pieces)
    assert column.dtype == dtype
    assert column.astype(object).where(column.notna(), None).tolist() == values
