"""From many records of another dataset one value: first, last, lowest, highest, count, total, mean, exists, days_covered."""

from __future__ import annotations

import pytest
from tiny_study import build_study

EX = "SUBJ,D,DOSE,TRT,SEQ\n1,2020-01-03,5.0,A,2\n1,2020-01-01,2.5,B,3\n1,,7,A,1\n2,2020-02-01,x,A,1\n,2020-03-01,9,A,1\n"
DM = "SUBJ\n1\n2\n3\n"


def by_subject(tmp_path, step: str, raw: str = EX, variable: str = "_X") -> list:
    """The values of the step for the subjects 1, 2, 3; EX has EXSTDTC, EXDOSE, EXTRT and _SEQ."""
    built = build_study(tmp_path, {"DM": f"from: d\nvariables:\n  {variable}: {step}\n",
                                   "EX": "from: e\nvariables:\n  EXTRT: {assign: TRT}\n  EXDOSE: {number: DOSE}\n  EXSTDTC: {assign: D}\n  _SEQ: {number: SEQ}\n"},
                        {"d": DM, "e": raw})
    return built.derived_values("DM", variable)


@pytest.mark.parametrize("step, values", [
    ("{first: EX.EXSTDTC}", ["2020-01-01", "2020-02-01", None]),
    ("{last: EX.EXSTDTC}", ["2020-01-03", "2020-02-01", None]),
    ("{first: EX.EXSTDTC, order: _SEQ}", ["2020-01-03", "2020-02-01", None]),  # that of sequence 1 is missing and passed over
    ("{last: EX.EXSTDTC, order: _SEQ}", ["2020-01-01", "2020-02-01", None]),
    ("{first: EX.EXTRT, order: [EXSTDTC, _SEQ]}", ["A", "A", None]),  # a missing date sorts first
    ("{first: EX.EXSTDTC, matching: EXTRT == 'B'}", ["2020-01-01", None, None]),
    ("{first: EX.EXSTDTC, matching: EXDOSE > 2.5 and EXTRT == 'A'}", ["2020-01-03", None, None]),
    ("{first: EX.EXSTDTC, matching: EX.EXTRT == 'B'}", ["2020-01-01", None, None]),
    ("{lowest: EX.EXDOSE}", [2.5, None, None]),
    ("{highest: EX.EXDOSE}", [7.0, None, None]),
    ("{lowest: EX.EXSTDTC, order: _SEQ}", ["2020-01-01", "2020-02-01", None]),
    ("{count: EX.EXSTDTC}", [2.0, 1.0, 0.0]),
    ("{count: EX.EXTRT, matching: EXTRT == 'B'}", [1.0, 0.0, 0.0]),
    ("{total: EX.EXDOSE}", [14.5, None, None]),
    ("{mean: EX.EXDOSE}", [14.5 / 3, None, None]),
    ("{exists: EX.EXSTDTC}", ["Y", "Y", None]),
    ("{exists: EX.EXDOSE, no: N}", ["Y", "N", "N"]),
    ("{exists: EX.EXDOSE, matching: EXDOSE > 5, yes: 'YES', no: 'NO'}", ["YES", "NO", "NO"]),
    ("{count: EX.EXTRT, matching: USUBJID == '1'}", [3.0, 0.0, 0.0]),
])
def test_one_value_for_each_subject(tmp_path, step, values):
    assert by_subject(tmp_path, step) == values


@pytest.mark.parametrize("step, values", [
    ("{first: e.D}", ["2020-01-01", "2020-02-01", None]), ("{total: e.DOSE}", [14.5, None, None]), ("{mean: e.DOSE, matching: TRT == 'A'}", [6.0, None, None]),
    ("{highest: e.DOSE}", ["7", "x", None]), ("{lowest: e.DOSE, matching: SEQ == 3}", ["2.5", None, None])])
def test_of_a_raw_table(tmp_path, step, values):
    assert by_subject(tmp_path, step) == values


@pytest.mark.parametrize("step, value", [("{first: EX.EXSTDTC}", None), ("{highest: EX.EXDOSE}", None), ("{count: EX.EXTRT}", 0.0),
                                         ("{total: EX.EXDOSE}", None), ("{mean: EX.EXDOSE}", None), ("{exists: EX.EXTRT, no: N}", "N")])
def test_of_no_records(tmp_path, step, value):
    assert by_subject(tmp_path, step, raw=EX.splitlines()[0] + "\n") == [value] * 3


def test_of_equal_values_in_the_order_the_one_collected_first_and_last(tmp_path):
    raw = "SUBJ,D,DOSE,TRT,SEQ\n1,2020-01-01,1,A,1\n1,2020-01-01,1,B,1\n1,2020-01-01,1,C,1\n"
    assert by_subject(tmp_path, "{first: EX.EXTRT, order: EXSTDTC}", raw) == ["A", None, None]
    assert by_subject(tmp_path, "{last: EX.EXTRT, order: EXSTDTC}", raw) == ["C", None, None]


def test_a_record_without_subject_has_none_of_anybody(tmp_path):
    built = build_study(tmp_path, {"AE": "from: a\nvariables:\n  AETERM: {first: e.D}\n  _N: {count: e.D}\n"}, {"a": "SUBJ\n1\n\"\"\n2\n", "e": EX})
    assert built.derived_values("AE", "AETERM") == ["2020-01-01", None, "2020-02-01"]
    assert built.derived_values("AE", "_N") == [2.0, 0.0, 1.0]


def test_by_what_both_share(tmp_path):
    built = build_study(tmp_path, {
        "AE": "from: a\nvariables:\n  VISITNUM: {number: V}\n  AETERM: {last: VS.VSORRES, by: [USUBJID, VISITNUM]}\n",
        "VS": "from: v\nvariables:\n  VISITNUM: {number: V}\n  VSORRES: {assign: R}\n"},
        {"a": "SUBJ,V\n1,1\n1,2\n2,1\n2,\n", "v": "SUBJ,V,R\n1,1,a\n1,2,b\n1,2,c\n2,2,d\n1,1.0,e\n2,,f\n"})
    assert built.derived_values("AE", "AETERM") == ["e", "c", None, None]


def test_by_a_variable_without_the_subject(tmp_path):
    built = build_study(tmp_path, {"AE": "from: a\nvariables:\n  SITE: {assign: SITEID, label: Site}\n  AETERM: {first: s.NAME, by: SITE}\n"},
                        {"a": "SUBJ,SITEID\n1,01\n2,02\n3,\n", "s": "SITE,NAME\n01,North\n02,South\n"}, options={"s": "usubjid: none"})
    assert built.derived_values("AE", "AETERM") == ["North", "South", None]


def test_by_a_number_here_and_a_text_there(tmp_path):
    built = build_study(tmp_path, {"AE": "from: a\nvariables:\n  VISITNUM: {number: VISITNUM}\n  AETERM: {first: v.R, by: [USUBJID, VISITNUM]}\n"},
                        {"a": "SUBJ,VISITNUM\n1,1.0\n1,2\n", "v": "SUBJ,VISITNUM,R\n1,1,a\n1,2.00,b\n1,x,c\n"})
    assert built.derived_values("AE", "AETERM") == ["a", "b"]


def test_rows_dropped_as_duplicates_do_not_count(tmp_path):
    built = build_study(tmp_path, {"AE": "from: a\nvariables:\n  _N: {count: e.X}\n"}, {"a": "SUBJ\n1\n", "e": "SUBJ,X\n1,a\n1,a\n"},
                        options={"e": "duplicates: drop"})
    assert built.derived_values("AE", "_N") == [1.0]


PERIODS = "SUBJ,S,E\n1,2020-01-01,2020-01-03\n1,2020-01-03,2020-01-04\n2,2019-12-30,\n3,2020-01-09,2020-01-10\n4,,2020-01-02\n5,,2019-12-31\n"


def test_days_covered(tmp_path):
    built = build_study(tmp_path, {"DM": "from: d\nvariables:\n  _N: {days_covered: p.S, ends: p.E, reference: R, first: 1, last: 5}\n"},
                        {"d": "SUBJ,R\n" + "".join(f"{n},2020-01-01\n" for n in range(1, 7)) + "7,\n", "p": PERIODS})
    assert built.derived_values("DM", "_N") == [3.0, 5.0, 0.0, None, 0.0, 0.0, None]
