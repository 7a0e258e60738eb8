"""Comparing packages and transport files: attributes, records by keys, cells, define.xml, findings, inputs."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_study import write_study

from sdtm_convert.compare import Comparison, compare
from sdtm_convert.compare_report import differences, summary, write_details
from sdtm_convert.compare_tables import match_records
from sdtm_convert.errors import InputError, SpecError
from sdtm_convert.flow import build
from sdtm_convert.output import write_package
from sdtm_convert.xpt import write_xpt

AE = {"USUBJID": ["1", "1", "2"], "AESEQ": [1.0, 2.0, 1.0], "AETERM": ["Ache", "Rash", "Cough"]}


def files(folder: Path, **datasets: dict) -> Path:
    """A folder with one transport file for each dataset, given by its columns."""
    folder.mkdir()
    for name, columns in datasets.items():
        write_xpt(pd.DataFrame(columns), folder / f"{name.lower()}.xpt", name=name)
    return folder


def two(tmp_path: Path, a: dict, b: dict, name: str = "AE", **options) -> Comparison:
    """Two versions of one dataset, compared."""
    return compare(files(tmp_path / "a", **{name: a}), files(tmp_path / "b", **{name: b}), **options)


def rows(comparison: Comparison, *columns: str, part: str = "") -> list[tuple]:
    """Every difference (of one part), in these columns; None where nothing stands."""
    table = pd.concat(list(differences(comparison)))
    table = table[table["part"] == part] if part else table
    return list(table[list(columns)].astype(object).where(table[list(columns)].notna(), None).itertuples(index=False, name=None))


# --- Datasets and variables -------------------------------------------------------------------------------------------


def test_equal_datasets_are_the_same_whenever_they_were_written(tmp_path):
    for folder, year in (("a", 2020), ("b", 2024)):
        (tmp_path / folder).mkdir()
        write_xpt(pd.DataFrame(AE), tmp_path / folder / "ae.xpt", name="AE", created=datetime(year, 1, 1))
    assert (tmp_path / "a" / "ae.xpt").read_bytes() != (tmp_path / "b" / "ae.xpt").read_bytes()
    comparison = compare(tmp_path / "a", tmp_path / "b")
    assert not comparison.different
    assert rows(comparison, "part") == []
    assert summary(comparison).splitlines()[-1] == "A and B are the same."


def test_datasets_of_one_side_only_are_named(tmp_path):
    comparison = compare(files(tmp_path / "a", AE=AE, DM={"USUBJID": ["1"]}), files(tmp_path / "b", AE=AE, EX={"USUBJID": ["1", "2"]}))
    assert rows(comparison, "part", "change", "dataset") == [("dataset", "removed", "DM"), ("dataset", "added", "EX")]
    assert comparison.different


def test_attributes_of_variables_are_compared(tmp_path):
    frame = pd.DataFrame({"USUBJID": ["1"], "AESEQ": [1.0], "AETERM": ["A"], "AEOLD": ["x"]})
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    write_xpt(frame, tmp_path / "a" / "ae.xpt", name="AE", label="Events",
              variables={"AETERM": {"label": "Term", "length": 5}, "AESEQ": {"display_format": "8."}, "AEOLD": {"label": "Old"}})
    new = frame[["USUBJID", "AETERM", "AESEQ"]].assign(AENEW=1.0)
    write_xpt(new, tmp_path / "b" / "ae.xpt", name="AE", label="Adverse Events", variables={"AETERM": {"label": "Reported Term", "length": 9}})
    comparison = compare(tmp_path / "a", tmp_path / "b")
    assert rows(comparison, "part", "change", "variable", "attribute", "old", "new") == [
        ("dataset", "changed", "", "label", "Events", "Adverse Events"),
        ("variable", "removed", "AEOLD", "variable", "Old", ""),
        ("variable", "added", "AENEW", "variable", "", "AENEW"),
        ("variable", "changed", "AESEQ", "format", "8.", ""),
        ("variable", "changed", "AETERM", "label", "Term", "Reported Term"),
        ("variable", "changed", "AETERM", "length", "5", "9"),
        ("variable", "changed", "AETERM", "order", "3", "2"),
    ]


def test_a_variable_that_changes_its_type_is_compared_as_text(tmp_path):
    comparison = two(tmp_path, {"USUBJID": ["1", "2", "3"], "X": [1.0, 2.5, np.nan]}, {"USUBJID": ["1", "2", "3"], "X": ["1", "2.50", ""]})
    assert rows(comparison, "variable", "attribute", "old", "new", part="variable") == [("X", "type", "Num", "Char"), ("X", "length", "8", "4")]
    assert rows(comparison, "variable", "old", "new", part="cell") == [("X", "2.5", "2.50")]


# --- Values -----------------------------------------------------------------------------------------------------------


def test_changed_cells_come_with_keys_records_and_both_values(tmp_path):
    changed = AE | {"AETERM": ["Ache", "", "cough"], "USUBJID": ["1", "1", "2"]}
    comparison = two(tmp_path, AE, changed)
    assert rows(comparison, "part", "change", "dataset", "keys", "record_a", "record_b", "variable", "old", "new") == [
        ("cell", "changed", "AE", "USUBJID=1; AESEQ=2", 2, 2, "AETERM", "Rash", ""),
        ("cell", "changed", "AE", "USUBJID=2; AESEQ=1", 3, 3, "AETERM", "Cough", "cough"),
    ]
    text = summary(comparison).splitlines()
    assert text[4].split() == ["AE", "3", "3", "0", "0", "2", "2", "USUBJID,", "AESEQ"]
    assert '  AETERM: 2 changed, first: "Rash" -> missing (record 2 USUBJID=1; AESEQ=2)' in text


def test_text_is_compared_exactly(tmp_path):
    assert [r[0] for r in rows(two(tmp_path, {"USUBJID": ["1", "2", "3"], "X": ["a", "A b", "1"]}, {"USUBJID": ["1", "2", "3"], "X": ["A", "A  b", "1.0"]}),
                               "new", part="cell")] == ["A", "A  b", "1.0"]


def test_numbers_are_equal_within_a_relative_difference_unless_exact(tmp_path):
    a = {"USUBJID": ["1", "2", "3", "4"], "X": [0.3, 1e6, 1.0, np.nan]}
    b = {"USUBJID": ["1", "2", "3", "4"], "X": [0.1 + 0.2, 1e6 * (1 + 1e-11), 1.0, np.nan]}
    assert rows(two(tmp_path, a, b), "record_a", "old", part="cell") == [(2, "1000000")]
    assert rows(compare(tmp_path / "a", tmp_path / "b", exact=True), "record_a", "new", part="cell") == [(1, "0.30000000000000004"), (2, "1000000.00001")]


def test_a_missing_number_differs_from_zero_and_from_a_special_missing_value(tmp_path):
    frame = pd.DataFrame({"USUBJID": ["1", "2", "3", "4"], "X": [np.nan, np.nan, np.nan, np.nan]})
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    write_xpt(frame, tmp_path / "a" / "x.xpt", name="X", special_missing={"X": {2: "A", 3: "B"}})
    write_xpt(frame.assign(X=[np.nan, 0.0, np.nan, np.nan]), tmp_path / "b" / "x.xpt", name="X", special_missing={"X": {0: "Z", 2: "A", 3: "_"}})
    assert rows(compare(tmp_path / "a", tmp_path / "b"), "record_a", "old", "new", part="cell") == [(1, "", ".Z"), (2, "", "0"), (4, ".B", "._")]


# --- Records ----------------------------------------------------------------------------------------------------------


def test_records_are_matched_by_subject_and_sequence_number_where_nothing_better_is_known(tmp_path):
    comparison = two(tmp_path, AE, {"USUBJID": ["1", "2", "2"], "AESEQ": [2.0, 1.0, 2.0], "AETERM": ["Rash", "Cough", "Flu"]})
    assert comparison.datasets[0].keys == ("USUBJID", "AESEQ")
    assert rows(comparison, "part", "change", "keys", "record_a", "record_b") == [
        ("record", "removed", "USUBJID=1; AESEQ=1", 1, None), ("record", "added", "USUBJID=2; AESEQ=2", None, 3)]


def test_keys_can_be_given(tmp_path):
    shifted = {"USUBJID": ["1", "1", "1", "2"], "AESEQ": [1.0, 2.0, 3.0, 1.0], "AETERM": ["Acne", "Ache", "Rash", "Cough"]}
    comparison = two(tmp_path, AE, shifted, keys=["ae=usubjid, aeterm"])
    assert comparison.datasets[0].keys == ("USUBJID", "AETERM")
    assert rows(comparison, "part", "keys", "variable", "old", "new") == [
        ("record", "USUBJID=1; AETERM=Acne", None, None, None),
        ("cell", "USUBJID=1; AETERM=Ache", "AESEQ", "1", "2"),
        ("cell", "USUBJID=1; AETERM=Rash", "AESEQ", "2", "3"),
    ]


def test_records_with_the_same_keys_pair_up_in_their_order_and_are_counted(tmp_path):
    a = {"USUBJID": ["1", "1", "1"], "X": ["a", "b", "c"]}
    comparison = two(tmp_path, a, {"USUBJID": ["1", "1"], "X": ["a", "B"]})
    assert comparison.datasets[0].match.repeated == 3
    assert rows(comparison, "part", "change", "record_a", "record_b", "old", "new") == [
        ("record", "removed", 3, None, None, None), ("cell", "changed", 2, 2, "b", "B")]


def test_records_in_another_order_are_a_difference(tmp_path):
    comparison = two(tmp_path, {"USUBJID": ["1", "2"], "X": ["a", "b"]}, {"USUBJID": ["2", "1"], "X": ["b", "a"]})
    assert rows(comparison, "part", "attribute") == [("dataset", "order of records")]


def test_analysis_records_are_matched_by_parameter_and_visit(tmp_path):
    advs = {"USUBJID": ["1", "1", "1", "2"], "PARAMCD": ["T", "T", "W", "T"], "AVISITN": [1.0, 2.0, 1.0, 1.0], "AVAL": [36.0, 37.0, 70.0, 38.0]}
    comparison = two(tmp_path, advs, {name: values[1:] for name, values in advs.items()}, "ADVS")
    assert comparison.datasets[0].keys == ("USUBJID", "PARAMCD", "AVISITN")
    assert rows(comparison, "change", "keys") == [("removed", "USUBJID=1; PARAMCD=T; AVISITN=1")]


def test_keys_that_few_records_share_are_kept_and_many_give_way_to_the_sequence_number(tmp_path):
    define = """<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3"><Study><MetaDataVersion><ItemGroupDef Name="AE">
        <ItemRef ItemOID="3" KeySequence="3"/><ItemRef ItemOID="1" KeySequence="1"/><ItemRef ItemOID="2" KeySequence="2"/></ItemGroupDef>
        <ItemDef OID="1" Name="USUBJID"/><ItemDef OID="2" Name="AETERM"/><ItemDef OID="3" Name="AESEQ"/></MetaDataVersion></Study></ODM>"""
    terms = [f"Term {number}" for number in range(30)]
    for folder, repeated, keys in (("few", 2, ("USUBJID", "AETERM")), ("many", 12, ("USUBJID", "AETERM", "AESEQ"))):
        data = {"USUBJID": ["1"] * 30, "AESEQ": [float(number) for number in range(1, 31)], "AETERM": ["Same"] * repeated + terms[repeated:]}
        (tmp_path / folder).mkdir()
        a, b = files(tmp_path / folder / "a", AE=data), files(tmp_path / folder / "b", AE={name: values[1:] for name, values in data.items()})
        (a / "define.xml").write_text(define), (b / "define.xml").write_text(define)
        assert compare(a, b).datasets[0].keys == keys


def test_datasets_without_subjects_have_keys_of_their_own(tmp_path):
    ts = {"TSPARMCD": ["TITLE", "PHASE"], "TSVAL": ["A study", "2"], "TSVAL1": ["", ""], "TSSEQ": [1.0, 1.0]}
    comparison = two(tmp_path, ts, {name: values[::-1] for name, values in ts.items()}, "TS")
    assert comparison.datasets[0].keys == ("TSPARMCD", "TSVAL", "TSVAL1")
    plain = compare(files(tmp_path / "c", XX={"X": ["a", "b"]}), files(tmp_path / "d", XX={"X": ["a", "c", "d"]}))
    assert plain.datasets[0].keys == ()
    assert rows(plain, "part", "record_a", "record_b", "old", "new") == [("record", None, 3, None, None), ("cell", 2, 2, "b", "c")]


def test_empty_datasets_and_single_files_can_be_compared(tmp_path):
    a, b = files(tmp_path / "a", AE=AE), tmp_path / "b" / "ae.xpt"
    b.parent.mkdir()
    write_xpt(pd.DataFrame(AE).iloc[:0], b, name="AE")
    assert rows(compare(a / "ae.xpt", b), "change", "record_a", part="record") == [("removed", 1), ("removed", 2), ("removed", 3)]
    assert rows(compare(b, a), "change", "record_b", part="record") == [("added", 1), ("added", 2), ("added", 3)]


KEY = st.sampled_from(["", "a", "b", "c"])


@given(st.lists(st.tuples(KEY, st.sampled_from([np.nan, 0.0, 1.5])), max_size=12), st.lists(st.tuples(KEY, st.sampled_from([np.nan, 0.0, 1.5])), max_size=12))
def test_matching_is_that_of_a_dictionary(a, b):
    tables = [pd.DataFrame({"K": pd.Series([k for k, _ in part], dtype="str"), "N": pd.Series([n for _, n in part], dtype="float64")}) for part in (a, b)]
    places = defaultdict(list)
    for position, key in enumerate(b):
        places[str(key)].append(position)
    expected = [(i, places[str(key)].pop(0)) for i, key in enumerate(a) if places[str(key)]]
    match = match_records(*tables, ["K", "N"])
    assert list(zip(match.a.tolist(), match.b.tolist())) == expected
    assert sorted([*match.a.tolist(), *match.removed.tolist()]) == list(range(len(a)))
    assert sorted([*match.b.tolist(), *match.added.tolist()]) == list(range(len(b)))
    assert match.repeated == len(a) - len(set(map(str, a))) + len(b) - len(set(map(str, b)))


# --- Packages ---------------------------------------------------------------------------------------------------------

MAPPING = """\
from: ae
keys: [STUDYID, USUBJID, AETERM, AESEQ]
variables:
  AETERM: {assign: TERM}
  AESEV: {assign: SEV}
  AESEQ: {sequence: [AETERM]}
"""
RAW = "SUBJ,TERM,SEV\n1,Cold,MILD\n1,Rash,MILD\n2,Flu,SEVERE\n"


def package(folder: Path, mapping: str = MAPPING, raw: str = RAW) -> Path:
    folder.mkdir()
    write_study(folder, {"AE": mapping}, {"ae": raw}, more="created: 2026-01-02\n")
    write_package(build(folder), folder / "package")
    return folder / "package"


def test_equal_packages_are_the_same(tmp_path):
    comparison = compare(package(tmp_path / "a"), package(tmp_path / "b"))
    assert rows(comparison, "part") == []
    assert "input  the same raw files, specification and versions" in summary(comparison)


def test_a_new_raw_row_is_one_new_record_though_sequence_numbers_shift(tmp_path):
    comparison = compare(package(tmp_path / "a"), package(tmp_path / "b", raw=RAW + "1,Ache,BAD\n"))
    assert comparison.datasets[0].keys == ("STUDYID", "USUBJID", "AETERM")
    assert rows(comparison, "part", "change", "keys", "variable", "old", "new")[1:4] == [
        ("record", "added", "USUBJID=1; AETERM=Ache", None, None, None),
        ("cell", "changed", "USUBJID=1; AETERM=Cold", "AESEQ", "1", "2"),
        ("cell", "changed", "USUBJID=1; AETERM=Rash", "AESEQ", "2", "3"),
    ]
    assert rows(comparison, "change", "variable", "attribute", part="input") == [("changed", "raw", "ae.csv")]
    assert "raw ae.csv changed" in summary(comparison)


def test_new_and_gone_findings_are_told_from_those_that_stay(tmp_path):
    a = package(tmp_path / "a", raw="SUBJ,TERM,SEV\n1,Cold,BAD\n2,Flu,WORSE\n2,Rash,BAD\n")
    b = package(tmp_path / "b", raw="SUBJ,TERM,SEV\n0,Ache,MILD\n1,Cold,BAD\n2,Flu,MILD\n2,Rash,BAD\n2,Zits,BAD\n")
    comparison = compare(a, b)
    assert [(row["usubjid"], row["values"].split("; ")[0]) for _, row in of_severity(comparison.new_findings).iterrows()] == [("2", "BAD")]
    assert [(row["usubjid"], row["values"].split("; ")[0]) for _, row in of_severity(comparison.gone_findings).iterrows()] == [("2", "WORSE")]
    assert ("added", "AE", "2", "AESEV") in rows(comparison, "change", "dataset", "keys", "variable", part="finding")
    assert "new: " in summary(comparison) and "gone: " in summary(comparison)


def of_severity(found: pd.DataFrame) -> pd.DataFrame:
    """The findings about AESEV, one for each record and value, whichever rules say so."""
    return found[found["variables"] == "AESEV"].drop_duplicates(["record"])


def test_a_changed_specification_shows_in_define_xml_and_among_the_inputs(tmp_path):
    changed = MAPPING.replace("{assign: SEV}", "{assign: SEV, comment: As the investigator saw it}")
    comparison = compare(package(tmp_path / "a"), package(tmp_path / "b", changed))
    assert comparison.different
    assert ("specification", "ae.yml", "changed") in [(c.kind, c.name, c.change) for c in comparison.inputs]
    assert rows(comparison, "part", "change", "variable", "attribute", part="define") == [
        ("define", "changed", "sdtm", "ItemDef IT.AE.AESEV"), ("define", "added", "sdtm", "def:CommentDef COM.AE.AESEV")]


def test_versions_are_named_but_make_no_difference(tmp_path):
    a, b = package(tmp_path / "a"), package(tmp_path / "b")
    manifest = json.loads((b / "manifest.json").read_text())
    manifest["versions"]["pandas"] = "99.0"
    (b / "manifest.json").write_text(json.dumps(manifest))
    comparison = compare(a, b)
    assert [(c.kind, c.name, c.change, c.new) for c in comparison.inputs] == [("version", "pandas", "changed", "99.0")]
    assert not comparison.different


# --- Files of details, and wrong questions ----------------------------------------------------------------------------


def test_details_are_written_as_csv_and_json(tmp_path):
    comparison = two(tmp_path, AE, AE | {"AETERM": ["=1+1", "-5", "Cough"]})
    write_details(comparison, tmp_path / "d.csv")
    write_details(comparison, tmp_path / "d.json")
    with (tmp_path / "d.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [(row["record_a"], row["old"], row["new"]) for row in found] == [("1", "Ache", "'=1+1"), ("2", "Rash", "-5")]
    assert json.loads((tmp_path / "d.json").read_text())[0] == {
        "part": "cell", "change": "changed", "dataset": "AE", "keys": "USUBJID=1; AESEQ=1", "record_a": 1, "record_b": 1,
        "variable": "AETERM", "attribute": None, "old": "Ache", "new": "=1+1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "d.csv", "d.json"]


def test_details_that_cannot_be_written_are_an_error(tmp_path):
    comparison = two(tmp_path, AE, AE)
    with pytest.raises(SpecError, match="neither with .csv nor with .json"):
        write_details(comparison, tmp_path / "d.txt")
    with pytest.raises(InputError, match="cannot be written"):
        write_details(comparison, tmp_path / "nowhere" / "d.csv")


def test_values_cannot_run_the_terminal(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    for folder, term in (("a", "x"), ("b", "\x1b[2J")):
        frame = pd.DataFrame({"USUBJID": ["1"], "AETERM": [term]})
        write_xpt(frame, tmp_path / folder / "ae.xpt", name="AE", allow={"control characters"})
    text = summary(compare(tmp_path / "a", tmp_path / "b", keys=["AE=USUBJID"]))
    assert "\\u001b[2J" in text and "\x1b" not in text


@pytest.mark.parametrize(("keys", "message"), [
    ("AE", "not of the form"), ("AE=", "not of the form"), ("AEE=USUBJID", "Did you mean 'AE'"), ("AE=AETRM", "Did you mean 'AETERM'"),
])  # fmt: skip
def test_keys_that_cannot_be_used_are_named(tmp_path, keys, message):
    with pytest.raises(SpecError, match=message):
        two(tmp_path, AE, AE, keys=[keys])


def test_what_is_no_package_and_no_transport_file_is_an_input_error(tmp_path):
    folder = files(tmp_path / "a", AE=AE)
    (tmp_path / "empty").mkdir()
    for wrong, message in (("nowhere", "no such file"), ("empty", "neither a package")):
        with pytest.raises(InputError, match=message):
            compare(folder, tmp_path / wrong)
    (tmp_path / "empty" / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="is not what a build writes"):
        compare(folder, tmp_path / "empty")
    for part in ("tabulations/sdtm", "analysis/adam/datasets"):
        (tmp_path / "twice" / part).parent.mkdir(parents=True)
        files(tmp_path / "twice" / part, AE=AE)
    with pytest.raises(InputError, match="the dataset AE is both in"):
        compare(folder, tmp_path / "twice")
