"""What a name means where it stands: one thing, or a fault."""

from __future__ import annotations

import pytest
from tiny_study import build_study, one_variable, spec_faults


def ae_fault(tmp_path, mapping: str, raw: str, **more: str) -> str:
    [(_, _, message)] = spec_faults(tmp_path, {"AE": mapping, **more}, {"t": raw})
    return message


# --- Fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["IT.AESTDAT", "Onset date", "Début", "AE-TERM (1)", "x:y", "不良事件", "and"])
def test_a_field_may_be_called_anything(tmp_path, field):
    built = one_variable(tmp_path, f'{{assign: "{field}", where: "`{field}` is not missing"}}', f"SUBJ,{field}\n1,a\n2,\n")
    assert built.values("AE", "AETERM") == ["a", None]


def test_a_field_with_a_dot_is_a_field_where_its_head_is_no_dataset(tmp_path):
    built = one_variable(tmp_path, "{assign: IT.AETERM, where: IT.AETERM != 'b'}", "SUBJ,IT.AETERM\n1,a\n2,b\n")
    assert built.values("AE", "AETERM") == ["a", None]


def test_a_name_with_the_head_of_a_dataset_is_a_reference(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: DM.SEX}\n", "DM": "from: t\nvariables:\n  SEX: {assign: S}\n"},
                        {"t": "SUBJ,S\n1,F\n2,M\n"})
    assert built.values("AE", "AETERM") == ["F", "M"]


def test_a_field_called_like_a_reference_is_ambiguous_until_prefixed(tmp_path):
    raw = "SUBJ,DM.SEX,S\n1,x,F\n"
    mapping = "from: t\nvariables:\n  AETERM: {{assign: {}}}\n"
    dm = "from: t\nvariables:\n  SEX: {assign: S}\n"
    message = ae_fault(tmp_path, mapping.format("DM.SEX"), raw, DM=dm)
    assert message.startswith("'DM.SEX' is both the field DM.SEX of t and DM.SEX. Write 'raw.DM.SEX'")
    built = build_study(tmp_path, {"AE": mapping.format("raw.DM.SEX"), "DM": dm}, {"t": raw})
    assert built.values("AE", "AETERM") == ["x"]


def test_a_field_of_another_raw_table_by_subject(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: other.SITE}\n"},
                        {"t": "SUBJ,X\n1,a\n2,b\n3,c\n", "other": "SUBJ,SITE\n2,B\n1,A\n"})
    assert built.values("AE", "AETERM") == ["A", "B", None]


def test_a_field_called_like_the_variable_that_it_makes(tmp_path):
    assert one_variable(tmp_path, "{assign: AETERM}", "SUBJ,AETERM\n1,a\n").values("AE", "AETERM") == ["a"]


def test_from_then_on_that_name_is_ambiguous_until_prefixed(tmp_path):
    mapping = "from: t\nvariables:\n  AETERM: {{upper: AETERM}}\n  AEMODIFY: {{assign: {}}}\n"
    raw = "SUBJ,AETERM\n1,a\n"
    assert ae_fault(tmp_path, mapping.format("AETERM"), raw) == \
        "'AETERM' is both the variable AE.AETERM and the field AETERM of t. Write 'AE.AETERM' or 'raw.AETERM'."
    assert build_study(tmp_path, {"AE": mapping.format("raw.AETERM")}, {"t": raw}).values("AE", "AEMODIFY") == ["a"]
    assert build_study(tmp_path, {"AE": mapping.format("AE.AETERM")}, {"t": raw}).values("AE", "AEMODIFY") == ["A"]


def test_the_same_in_a_condition(tmp_path):
    mapping = "from: t\nvariables:\n  AETERM: {{upper: AETERM}}\n  AEMODIFY: {{constant: x, where: {} == 'a'}}\n"
    raw = "SUBJ,AETERM\n1,a\n"
    assert "is both" in ae_fault(tmp_path, mapping.format("AETERM"), raw)
    assert build_study(tmp_path, {"AE": mapping.format("raw.AETERM")}, {"t": raw}).values("AE", "AEMODIFY") == ["x"]
    assert build_study(tmp_path, {"AE": mapping.format("AE.AETERM")}, {"t": raw}).values("AE", "AEMODIFY") == [None]


def test_usubjid_is_the_subject_even_where_the_raw_table_has_such_a_field(tmp_path):
    built = one_variable(tmp_path, "{assign: USUBJID}", "SUBJ,USUBJID\n7,theirs\n", usubjid="S-{SUBJ}")
    assert built.values("AE", "AETERM") == ["S-7"]
    assert one_variable(tmp_path, "{assign: raw.USUBJID}", "SUBJ,USUBJID\n7,theirs\n").values("AE", "AETERM") == ["theirs"]


def test_the_source_named_before_the_dot_is_the_records_own_row(tmp_path):
    built = build_study(tmp_path, {
        "AE": "from: t\nvariables:\n  AETERM: {assign: t.TERM, where: t.TERM != 'c'}\n  AESEQ: {sequence: [AETERM]}\n  _N: {count: t.TERM}\n",
        "ADAE": "from: AE\nwhere: AE.AESEQ < 3\nkeys: [AESEQ]\npredecessors: [AE.AETERM]\nvariables:\n  AESEQ: {assign: AE.AESEQ}\n"},
        {"t": "SUBJ,TERM\n1,a\n1,b\n1,c\n"})
    assert built.derived_values("AE", "AETERM") == ["a", "b", None]
    assert built.derived_values("AE", "_N") == [3.0, 3.0, 3.0]
    assert (built.values("ADAE", "AETERM"), built.values("ADAE", "AESEQ")) == ([None, "a"], [1.0, 2.0])
    assert built.troubles == []


# --- Variables of the dataset -----------------------------------------------------------------------------------------


def test_a_variable_further_down_is_a_fault_and_the_dataset_prefix_the_way_out(tmp_path):
    mapping = "from: t\nvariables:\n  AESTDY: {{study_day: {}, reference: D}}\n  AESTDTC: {{iso_datetime: D, format: yyyy-mm-dd}}\n"
    raw = "SUBJ,D\n1,2020-01-01\n"
    assert ae_fault(tmp_path, mapping.format("AESTDTC"), raw) == "'AESTDTC' is defined further down. Move it up, or write 'AE.AESTDTC'."
    assert build_study(tmp_path, {"AE": mapping.format("AE.AESTDTC")}, {"t": raw}).values("AE", "AESTDY") == [1.0]


def test_a_field_named_like_a_variable_further_down_is_the_field(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  AETERM: {assign: AESEV}\n  AESEV: {constant: MILD}\n"}, {"t": "SUBJ,AESEV\n1,x\n"})
    assert built.values("AE", "AETERM") == ["x"]


def test_a_working_variable_is_used_and_not_submitted(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  _W: {upper: TERM}\n  AETERM: {assign: _W}\n"}, {"t": "SUBJ,TERM\n1,a\n"})
    assert built.values("AE", "AETERM") == ["A"]
    assert list(built.datasets["AE"]) == ["STUDYID", "DOMAIN", "USUBJID", "AETERM"]


# --- Several sources --------------------------------------------------------------------------------------------------

BLOCKS = """\
records:
  - from: a
    variables: {AETERM: {assign: TERM_A}}
  - from: b
    variables: {AETERM: {assign: TERM_B}}
variables:
"""
TWO = {"a": "SUBJ,TERM_A,SEV\n1,a1,MILD\n2,a2,\n", "b": "SUBJ,TERM_B,SEV\n1,b1,SEVERE\n"}


def test_a_field_of_every_source_may_be_named_for_all(tmp_path):
    built = build_study(tmp_path, {"AE": BLOCKS + "  AESEV: {assign: SEV}\nkeys: [AETERM]\n"}, TWO)
    assert built.values("AE", "AESEV") == ["MILD", None, "SEVERE"]


def test_a_field_of_one_source_only_is_for_its_block(tmp_path):
    [(_, line, message)] = spec_faults(tmp_path, {"AE": BLOCKS + "  AESEV: {assign: TERM_A}\n"}, TWO)
    assert (line, message) == (8, "'TERM_A' is a field of a but not of b. Give it in `variables` of the block that has it.")


def test_a_block_knows_its_own_source_alone(tmp_path):
    [(_, line, message)] = spec_faults(tmp_path, {"AE": BLOCKS.replace("TERM_B", "TERM_A") + "  AESEV: {assign: SEV}\n"}, TWO)
    assert (line, message) == (6, "no variable or field 'TERM_A' in b. Did you mean 'TERM_B'?")


# --- Steps ------------------------------------------------------------------------------------------------------------


def test_an_argument_called_like_a_method_does_not_make_the_step_another(tmp_path):
    built = one_variable(tmp_path, '{number: 2, separator: "-", part: TERM}', "SUBJ,TERM\n1,a-b\n")
    assert built.values("AE", "AETERM") == ["b"]


WITHIN = "is about a variable; within a step or a test it has no effect. Write it in `variables`, beside the method that makes the variable."


@pytest.mark.parametrize(
    ("mapping", "key"),
    [
        ("variables:\n  VSLOC: {upper: {assign: A,\n    label: Place}}\n", "label"),
        ("variables:\n  VSLOC: [{assign: A, label: Place}, {upper: {assign: A,\n    comment: none}}]\n", "comment"),
        ("test: A\ntests:\n  SYSBP: {result: {assign: A,\n    origin: Collected}}\n", "origin"),
        ("tests:\n  SYSBP: {result: A, VSLOC: {assign: A,\n    length: 8}}\n", "length"),
        ("tests:\n  SYSBP: {result: A, VSLOC: {steps: [{assign: A}],\n    length: 8}}\n", "length"),
    ],
)
def test_an_attribute_where_it_would_have_no_effect_is_a_fault(tmp_path, mapping, key):
    found = spec_faults(tmp_path, {"VS": f"from: t\n{mapping}"}, {"t": "SUBJ,A\n1,x\n"})
    assert found == [("vs.yml", mapping.count("\n") + 2, f"'{key}' {WITHIN}")]  # `dataset` is the first line, the key stands in the last


def test_codelist_none_takes_a_variable_out_of_its_codelist(tmp_path):
    built = one_variable(tmp_path, "{assign: SEV, codelist: none}", "SUBJ,SEV\n1,mild\n", name="AESEV")
    assert built.values("AE", "AESEV") == ["mild"]
    assert built.study.mappings["AE"].variables["AESEV"].codelist is None


def test_the_codelist_of_what_a_decode_reads_is_not_that_of_the_variable(tmp_path):
    built = one_variable(tmp_path, "{decode: S, codelist: SEX}", "SUBJ,S\n1,F\n")
    assert built.values("AE", "AETERM") == ["Female"]
    assert built.study.mappings["AE"].variables["AETERM"].codelist is None


def test_epoch_takes_starts_and_names_of_one_dataset(tmp_path):
    found = spec_faults(tmp_path, {"AE": "from: t\nvariables:\n  EPOCH: {epoch: D, starts: t.D, names: u.E}\n"},
                        {"t": "SUBJ,D\n1,2020-01-01\n", "u": "SUBJ,E\n1,X\n"})
    assert found == [("ae.yml", 4, "t.D and u.E are not of one dataset.")]


def test_the_options_of_a_related_step_are_those_of_its_own_dataset(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nvariables:\n  EPOCH: {epoch: u.D, starts: s.D, names: s.E, matching: E != 'X'}\n"},
                        {"t": "SUBJ\n1\n", "u": "SUBJ,D\n1,2020-01-05\n", "s": "SUBJ,D,E\n1,2020-01-01,TREATMENT\n1,2020-01-02,X\n"})
    assert built.values("AE", "EPOCH") == ["TREATMENT"]
