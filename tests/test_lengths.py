"""Lengths of Char variables: one for all datasets, from the longest text or the mapping; a text is never cut to what was declared."""

from __future__ import annotations

import pytest

from sdtm_convert import build
from sdtm_convert.formats import read_dataset
from sdtm_convert.output import write_package
from tiny_study import build_study, spec_faults, write_study

RAW = "SUBJ,T,PLACE,D\n1,short,left arm,2020-01-01\n1,much longer,arm,2020-01-02\n"
AE = "from: t\nvariables:\n  AETERM: {assign: T%s}\n  AELOC: {assign: PLACE, codelist: none}\n  VISIT: {assign: PLACE}\n"
CE = "from: t\nvariables:\n  CETERM: {assign: T}\n  VISIT: {assign: T}\n"


def lengths(folder, mappings: dict[str, str], raw: str = RAW, encoding: str = "utf-8") -> dict[tuple[str, str], int]:
    """The lengths of the metadata, which must be those of the transport files."""
    folder.mkdir(exist_ok=True)
    built = build(write_study(folder, mappings, {"t": raw}, more=f"encoding: {encoding}\n"))
    described = {(d.name, v.name): v.length for package in built.packages.values() for d in package.datasets for v in d.variables if v.type == "Char"}
    write_package(built, folder / "package")
    for file in (folder / "package").rglob("*.xpt"):
        _, dataset = read_dataset(file, encoding=encoding)
        assert {v.name: v.length for v in dataset.variables if v.type == "Char"} == {n: length for (d, n), length in described.items() if d == dataset.name}
    return described


def test_a_variable_is_as_long_in_every_dataset_as_its_longest_text_in_any(tmp_path):
    found = lengths(tmp_path, {"AE": AE % "", "CE": CE})
    assert found["AE", "AETERM"] == found["CE", "CETERM"] == len("much longer")
    assert found["AE", "AELOC"] == len("left arm")
    assert found["AE", "VISIT"] == found["CE", "VISIT"] == len("much longer")


def test_a_declared_length_holds_in_every_dataset(tmp_path):
    found = lengths(tmp_path, {"AE": AE % "", "CE": CE.replace("VISIT: {assign: T", "VISIT: {assign: T, length: 40")})
    assert found["AE", "VISIT"] == found["CE", "VISIT"] == 40


def test_supplemental_qualifiers_have_the_length_of_their_own_dataset(tmp_path):
    supplemental = "supplemental:\n  AEWHERE: {label: Where, assign: PLACE%s}\n"
    assert lengths(tmp_path / "a", {"AE": AE % "" + supplemental % "", "CE": CE})["SUPPAE", "QVAL"] == len("left arm")
    assert lengths(tmp_path / "b", {"AE": AE % "" + supplemental % ", length: 30", "CE": CE})["SUPPAE", "QVAL"] == 30


def test_a_text_that_is_longer_than_declared_stays_whole_and_is_reported(tmp_path):
    supplemental = "supplemental:\n  AEWHERE: {label: Where, assign: PLACE, length: 3}\n"
    mappings = {"AE": AE % ", length: 5" + supplemental}
    built = build_study(tmp_path, mappings, {"t": RAW})
    assert built.troubles == [("CONFORM-DECLARED-LENGTH", "AETERM", [1], ["much longer"]), ("CONFORM-DECLARED-LENGTH", "QVAL", [0], ["left arm"])]
    assert built.values("AE", "AETERM") == ["short", "much longer"]
    found = lengths(tmp_path / "b", mappings)
    assert (found["AE", "AETERM"], found["SUPPAE", "QVAL"]) == (len("much longer"), len("left arm"))


@pytest.mark.parametrize("encoding, length", [("utf-8", 6), ("latin-1", 3)])
def test_the_bytes_of_the_encoding_count(tmp_path, encoding, length):
    assert lengths(tmp_path, {"AE": AE % ""}, "SUBJ,T,PLACE,D\n1,ééé,a,\n", encoding=encoding)["AE", "AETERM"] == length


@pytest.mark.parametrize("encoding, kept", [("utf-8", "é" * 100), ("latin-1", "é" * 200)])
def test_a_text_is_cut_at_the_bytes_of_the_encoding(tmp_path, encoding, kept):
    built = build_study(tmp_path, {"AE": AE % ""}, {"t": f"SUBJ,T,PLACE,D\n1,{'é' * 201},a,\n"}, more=f"encoding: {encoding}\n")
    assert built.values("AE", "AETERM") == [kept]
    assert "CONFORM-LENGTH" in [rule for rule, *_ in built.troubles]


def test_a_length_that_a_mapping_declares_holds_though_its_dataset_is_not_built(tmp_path):
    write_study(tmp_path, {"AE": AE % "", "CE": CE.replace("VISIT: {assign: T", "VISIT: {assign: T, length: 40")}, {"t": RAW})
    [package] = build(tmp_path, only=["AE"]).packages.values()
    assert {v.name: v.length for v in package.datasets[0].variables}["VISIT"] == 40


def test_a_copy_of_a_num_has_eight_bytes(tmp_path):
    copied = {"AE": "from: t\nvariables:\n  XNUM: {number: D, label: L, type: Num}\n", "CE": "from: t\nvariables:\n  XNUM: {assign: AE.XNUM, length: 4}\n"}
    assert [fault for _, _, fault in spec_faults(tmp_path, copied, {"t": RAW})] == ["the length 4 is declared, but a Num has 8 bytes."]


@pytest.mark.parametrize("length, faults", [(8, []), (4, ["the length 4 is declared, but a Num has 8 bytes."])])
def test_a_num_has_eight_bytes(tmp_path, length, faults):
    mapping = {"AE": f"from: t\nvariables:\n  VISITNUM: {{number: D, length: {length}}}\n"}
    if faults:
        assert [fault for _, _, fault in spec_faults(tmp_path, mapping, {"t": RAW})] == faults
    else:
        build_study(tmp_path, mapping, {"t": RAW})
