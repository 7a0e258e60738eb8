"""A baseline: what an earlier run found is known, what is left is new."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtm_convert.baseline import compare_findings, read_baseline
from sdtm_convert.errors import InputError, SpecError
from sdtm_convert.findings import findings
from sdtm_convert.report import write_findings


def rows(*given):
    return findings([{"rule": rule, "severity": "error", "dataset": dataset, "record": record, "seq": seq, "usubjid": subject, "values": value}
                     for rule, dataset, record, seq, subject, value in given])


ONE = ("R1", "AE", 4, 2, "S-1", "X")


@pytest.mark.parametrize(("now", "known"), [
    (ONE, True),
    (("R1", "AE", 9, 2, "S-1", "X"), True),  # the record moved, the sequence number did not
    (("R1", "AE", 4, 3, "S-1", "X"), False),
    (("R2", "AE", 4, 2, "S-1", "X"), False),
    (("R1", "CM", 4, 2, "S-1", "X"), False),
    (("R1", "AE", 4, 2, "S-2", "X"), False),
    (("R1", "AE", 4, 2, "S-1", "Y"), False),
    (("R1", "AE", 2, None, "S-1", "X"), False),  # record 2 is not sequence number 2
])  # fmt: skip
def test_a_finding_is_known_by_rule_dataset_subject_sequence_and_value(now, known):
    done = compare_findings(rows(now), rows(ONE))
    assert (len(done.new), len(done.known), done.gone) == ((0, 1, 0) if known else (1, 0, 1))


def test_without_a_sequence_number_the_record_counts():
    before = rows(("R1", "DM", 4, None, "S-1", None))
    assert len(compare_findings(rows(("R1", "DM", 4, None, "S-1", "")), before).known) == 1
    assert len(compare_findings(rows(("R1", "DM", 5, None, "S-1", None)), before).new) == 1


def test_of_several_that_are_the_same_as_many_are_known_as_there_were():
    done = compare_findings(rows(ONE, ONE, ONE), rows(ONE, ONE))
    assert (len(done.new), len(done.known), done.gone) == (1, 2, 0)
    assert (compare_findings(rows(ONE), rows(ONE, ONE, ONE)).gone, compare_findings(findings(), rows(ONE)).gone) == (2, 1)


SOME = st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["AE", None]), st.sampled_from([1, 2, None]), st.sampled_from([1, None]),
                          st.sampled_from(["S", None]), st.sampled_from(["x", "", None])), max_size=8)


@given(SOME, SOME)
def test_new_and_known_are_all_and_nothing_is_new_against_itself(now, before):
    done = compare_findings(rows(*now), rows(*before))
    assert len(done.new) + len(done.known) == len(now) and len(done.known) + done.gone == len(before)
    itself = compare_findings(rows(*now), rows(*now))
    assert len(itself.new) == itself.gone == 0


def test_a_report_of_findings_is_a_baseline(tmp_path):
    table = rows(ONE, ("R1", None, None, None, None, None), ("WAIVER-UNUSED", None, None, None, None, None))
    write_findings(table, tmp_path, ["json"], title="T", about={})
    read = read_baseline(tmp_path / "findings.json")
    assert read.equals(table.iloc[:2])


@pytest.mark.parametrize(("text", "message"), [
    ("", "not JSON"), ("[\n{]", ":2: not JSON"), ("{}", "a list of findings"), ('[\n{"rule": "R"}\n]', ":2: entry 1 is no finding"), ("[1]", "no finding"),
    ('[{"rule": "R", "dataset": "AE", "severity": "error", "record": "x"}]', "these are no findings"), ("[" * 100_000, "not JSON"),
])  # fmt: skip
def test_a_wrong_file_is_refused(tmp_path, text, message):
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(SpecError, match=message):
        read_baseline(tmp_path / "b.json")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_baseline(tmp_path / "b.json")
