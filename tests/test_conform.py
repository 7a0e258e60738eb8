"""Datasets in their submitted shape: order of variables and records, SUPP--, text that fits a transport file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_study import build_study, listed, one_variable

# --- Variables --------------------------------------------------------------------------------------------------------


def test_variables_stand_in_the_standards_order_whatever_the_mappings_is(tmp_path):
    built = build_study(tmp_path, {"AE": """\
        from: t
        variables:
          AEENDTC: {assign: D}
          AESTDTC: {assign: D}
          AESEV: {assign: S}
          AETERM: {assign: T}
          AESEQ: {sequence: [AETERM]}
        """}, {"t": "SUBJ,T,S,D\n1,a,MILD,2020\n"})
    assert list(built.datasets["AE"]) == ["STUDYID", "DOMAIN", "USUBJID", "AESEQ", "AETERM", "AESEV", "AESTDTC", "AEENDTC"]


def test_variables_of_the_model_stand_where_they_do_in_other_datasets(tmp_path):
    built = build_study(tmp_path, {"AE": """\
        from: t
        variables:
          VISIT: {assign: V}
          AEDTC: {assign: D}
          AEXYZ: {assign: V, label: Of our own}
          VISITNUM: {assign: N}
          AESTDTC: {assign: D}
          AETERM: {assign: V}
          AESPID: {assign: V}
          VISITDY: {assign: N}
          EPOCH: {assign: V}
        """}, {"t": "SUBJ,V,N,D\n1,a,1,2020\n"})
    names = list(built.datasets["AE"])
    assert names[:3] == ["STUDYID", "DOMAIN", "USUBJID"] and names[-1] == "AEXYZ"
    assert [name for name in names if name.startswith("VISIT")] == ["VISITNUM", "VISIT", "VISITDY"]
    assert names.index("AESPID") < names.index("AETERM") < names.index("VISITNUM") < names.index("AEDTC") < names.index("AESTDTC")


def test_analysis_variables_keep_the_mappings_order(tmp_path):
    built = build_study(tmp_path, {"ADSL": "from: DM\npredecessors: [DM.SEX]\nvariables:\n  SAFFL: {constant: Y}\n  AGE: {assign: AGE}\n  _W: {constant: x}\n",
                                   "DM": "from: t\nvariables:\n  SEX: {assign: S}\n  AGE: {assign: A}\n"}, {"t": "SUBJ,S,A\n1,F,50\n"})
    assert list(built.datasets["ADSL"]) == ["STUDYID", "USUBJID", "SEX", "SAFFL", "AGE"]


def test_a_dataset_of_our_own_keeps_the_mappings_order(tmp_path):
    built = build_study(tmp_path, {"XB": "from: t\nvariables:\n  XBB: {assign: S, label: B}\n  XBA: {assign: A, label: A, type: Num}\n"}, {"t": "SUBJ,S,A\n1,F,50\n"})
    assert list(built.datasets["XB"]) == ["STUDYID", "DOMAIN", "USUBJID", "XBB", "XBA"]
    assert built.values("XB", "XBA") == [50.0]


# --- Records ----------------------------------------------------------------------------------------------------------


def test_records_are_sorted_by_the_keys_missing_first(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nkeys: [USUBJID, VISITNUM, AETERM]\nvariables:\n  AETERM: {assign: T}\n  VISITNUM: {number: N}\n"},
                        {"t": "SUBJ,T,N\n2,a,1\n1,b,10\n1,B,9\n1,a,9\n1,c,\n,z,1\n1,,9\n"})
    assert built.values("AE", "AETERM") == ["z", "c", None, "B", "a", "b", "a"]
    assert built.conformed.rows["AE"].tolist() == [5, 4, 6, 2, 3, 1, 0]


def test_records_with_equal_keys_keep_the_order_in_which_they_were_collected(tmp_path):
    built = build_study(tmp_path, {"AE": "from: t\nkeys: [USUBJID]\nvariables:\n  AETERM: {assign: T}\n"}, {"t": "SUBJ,T\n1,b\n1,a\n1,c\n"})
    assert built.values("AE", "AETERM") == ["b", "a", "c"]


def test_what_is_only_partly_derived_is_not_submitted(tmp_path):
    from sdtm_convert.conform import conform

    built = build_study(tmp_path, {"DM": "from: t\nvariables:\n  RFSTDTC: {lowest: AE.AESTDTC}\n",
                                   "AE": "from: t\nvariables:\n  AESTDTC: {assign: D}\n  AETERM: {assign: D}\n"}, {"t": "SUBJ,D\n1,2020\n"}, only=["DM"])
    assert "AE" in built.derived.tables
    assert list(conform(built.derived).datasets) == ["DM"]


# --- Supplemental qualifiers ------------------------------------------------------------------------------------------

SUPP = """\
from: t
variables:
  AETERM: {assign: T}
  AESEQ: {sequence: [AETERM]}
supplemental:
  AEZ: {assign: Z, label: The last}
  AEN: {number: N, label: A number, type: Num}
  AEC: {constant: SPONSOR, label: Of the sponsor, where: Z is not missing}
  _AEW: {constant: w}
"""


def test_supplemental_qualifiers(tmp_path):
    built = build_study(tmp_path, {"AE": SUPP}, {"t": "SUBJ,T,Z,N\n1,a,z1,\n1,b,,5.0\n2,c,z2,0.10\n"})
    assert "AEZ" not in built.datasets["AE"]
    assert built.conformed.parents == {"SUPPAE": "AE"}
    frame = built.datasets["SUPPAE"]
    assert list(frame) == ["STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL", "QORIG", "QEVAL"]
    assert frame.drop(columns=["STUDYID", "QEVAL"]).values.tolist() == [
        ["AE", "1", "AESEQ", "1", "AEC", "Of the sponsor", "SPONSOR", "Assigned"],
        ["AE", "1", "AESEQ", "1", "AEZ", "The last", "z1", "CRF"],
        ["AE", "1", "AESEQ", "2", "AEN", "A number", "5", "Derived"],
        ["AE", "2", "AESEQ", "1", "AEC", "Of the sponsor", "SPONSOR", "Assigned"],
        ["AE", "2", "AESEQ", "1", "AEN", "A number", "0.1", "Derived"],
        ["AE", "2", "AESEQ", "1", "AEZ", "The last", "z2", "CRF"]]
    assert built.conformed.rows["SUPPAE"].tolist() == [0, 0, 1, 2, 2, 2]


def test_sequence_numbers_sort_as_numbers(tmp_path):
    raw = "SUBJ,T,Z,N\n" + "".join(f"1,t{number:02},z{number},\n" for number in range(1, 12))
    built = build_study(tmp_path, {"AE": SUPP.replace("  AEC:", "  _AEC:")}, {"t": raw})
    assert built.values("SUPPAE", "IDVARVAL") == [str(number) for number in range(1, 12)]


def test_without_sequence_the_qualifiers_belong_to_the_subject(tmp_path):
    built = build_study(tmp_path, {"DM": "from: t\nvariables:\n  SEX: {assign: S}\nsupplemental:\n  DMX: {assign: X, label: X}\n"}, {"t": "SUBJ,S,X\n2,F,b\n1,M,a\n"})
    frame = built.datasets["SUPPDM"]
    assert frame["IDVAR"].isna().all() and frame["IDVARVAL"].isna().all()
    assert (built.values("SUPPDM", "USUBJID"), built.values("SUPPDM", "QVAL")) == (["1", "2"], ["a", "b"])


# --- Text that fits ---------------------------------------------------------------------------------------------------


def fitted(tmp_path, value: str, steps: str = "{assign: T}") -> tuple[str | None, list[str]]:
    """The submitted text and the rules reported."""
    raw = tmp_path / "raw"
    raw.mkdir(exist_ok=True)
    methods = "from __future__ import annotations\nfrom sdtm_convert.registry import Column, method\n@method\ndef as_is(source: Column):\n    '''{source}'''\n" \
              f"    return source.mask(source.notna(), {value!r})\n"
    built = one_variable(tmp_path, "{as_is: T}", "SUBJ,T\n1,x\n1,\n", methods=methods)
    assert built.values("AE", "AETERM")[1] is None
    return built.values("AE", "AETERM")[0], [rule for rule, _, _, _ in built.troubles]


@pytest.mark.parametrize("value, submitted, rules", [
    ("plain", "plain", []),
    ("two\nlines\tand a tab", "two lines and a tab", ["CONFORM-CONTROL"]),
    ("\r\n", None, ["CONFORM-CONTROL"]),
    ("café", "café", ["CONFORM-ASCII"]),
    ("x" * 200, "x" * 200, []),
    ("x" * 201, "x" * 200, ["CONFORM-LENGTH"]),
    ("x" * 199 + " y", "x" * 199, ["CONFORM-LENGTH"]),
    ("é" * 100, "é" * 100, ["CONFORM-ASCII"]),
    ("x" + "é" * 100, "x" + "é" * 99, ["CONFORM-ASCII", "CONFORM-LENGTH"]),
])
def test_text_that_a_transport_file_cannot_hold_as_it_is(tmp_path, value, submitted, rules):
    assert fitted(tmp_path, value) == (submitted, rules)


def test_the_finding_holds_the_whole_text(tmp_path):
    built = one_variable(tmp_path, "{assign: T}", f"SUBJ,T\n1,b\n1,{'y' * 300}\n1,{'x' * 250}\n")
    [(rule, variable, rows, values)] = built.troubles
    assert (rule, variable) == ("CONFORM-LENGTH", "AETERM")
    assert sorted(zip(rows, values)) == [(1, "y" * 300), (2, "x" * 250)]


def test_a_qualifier_that_is_too_long_is_reported_for_its_parent_record(tmp_path):
    built = build_study(tmp_path, {"AE": SUPP}, {"t": f"SUBJ,T,Z,N\n1,a,short,\n1,b,{'z' * 201},\n"})
    assert [(rule, variable, rows) for rule, variable, rows, _ in built.troubles] == [("CONFORM-LENGTH", "QVAL", [1])]
    assert built.values("SUPPAE", "QVAL")[-1] == "z" * 200


# --- Properties -------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["1", "2", ""]), st.sampled_from(["", "a", "B", "10", "9"]), st.sampled_from(["", "1", "2", "10"])), max_size=10))
def test_sorting_loses_nothing_and_follows_the_keys(rows):
    raw = "SUBJ,T,N\n" + "".join(f"{subject},{term},{number}\n" for subject, term, number in rows if subject or term or number)
    rows = [row for row in rows if any(row)]
    with tempfile.TemporaryDirectory() as folder:
        built = build_study(Path(folder), {"AE": "from: t\nkeys: [USUBJID, VISITNUM, AETERM]\nvariables:\n  AETERM: {assign: T}\n  VISITNUM: {number: N}\n"}, {"t": raw})
    expected = sorted(rows, key=lambda row: (row[0], float(row[2] or "-inf"), row[1]))
    frame = built.datasets["AE"]
    assert list(zip(*(listed(frame[name]) for name in ("USUBJID", "VISITNUM", "AETERM")))) == [
        (subject or None, float(number) if number else None, term or None) for subject, term, number in expected]
