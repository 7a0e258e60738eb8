"""A define.xml against the transport files that it describes: equal ones pass, each difference is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from define_examples import SDTM, char, num

from sdtm_convert.define import RULES, check_define, compare_with_xpt, define_xml, write_define
from sdtm_convert.errors import InputError
from sdtm_convert.model import Dataset, StandardUsed
from sdtm_convert.xpt import write_xpt

VARIABLES = (char("STUDYID", "Study Identifier", 5), char("USUBJID", "Unique Subject Identifier", 11),
             num("AESEQ", "Sequence Number"), char("AESTDTC", "Start Date/Time", 16, "partialDatetime"),
             num("AEDT", "Date as a number", "date", display_format="DATE9."))
AE = Dataset("AE", "Adverse Events", "EVENTS", "One record per event", VARIABLES, ("STUDYID", "USUBJID", "AESEQ"), "AE", records=2)
DS = replace(AE, name="DS", label="Disposition", domain="DS", records=0)
PACKAGE = replace(SDTM, datasets=(AE, DS), documents=(), standards=(StandardUsed("SDTMIG", "IG", "3.4"),), dictionaries=())
ROWS = pd.DataFrame({"STUDYID": ["ABC01"] * 2, "USUBJID": ["ABC01-1", "ABC01-2"], "AESEQ": [1.0, 2.0],
                     "AESTDTC": ["2025-01", "2025-02-03"], "AEDT": [20000.0, 20001.0]})


def package_folder(folder: Path, rows=ROWS, name="AE", label="Adverse Events", variables=VARIABLES) -> Path:
    """The define.xml of PACKAGE with a file ae.xpt beside it."""
    path = write_define(PACKAGE, folder)
    write_file(folder / "ae.xpt", rows, name, label, variables)
    return path


def write_file(path: Path, rows=ROWS, name="AE", label="Adverse Events", variables=VARIABLES) -> None:
    names = [variable.name for variable in variables]
    write_xpt(rows[names], path, name=name, label=label, variables=variables)


def changed(name: str, **attributes) -> tuple:
    return tuple(replace(variable, **attributes) if variable.name == name else variable for variable in VARIABLES)


def found(path: Path) -> list[tuple]:
    table = compare_with_xpt(path)[["rule", "severity", "dataset", "variables", "values"]].fillna("")
    return list(table.itertuples(index=False, name=None))


def test_equal_files_pass(tmp_path):
    path = package_folder(tmp_path)
    assert found(path) == []
    assert check_define(path, tmp_path).to_dict("records") == []


@pytest.mark.filterwarnings("ignore:.*named for its dataset")
@pytest.mark.parametrize(("more", "expected"), [
    ({"name": "AX"}, ("DEFINE-0202", "error", "AE", "", "AX")),
    ({"label": "Adverse Event"}, ("DEFINE-0203", "error", "AE", "", "Adverse Events; Adverse Event")),
    ({"variables": VARIABLES[:-1]}, ("DEFINE-0205", "error", "AE", "AEDT", "")),
    ({"variables": (*VARIABLES, char("AETERM", "Term", 5)), "rows": ROWS.assign(AETERM="pain")},
     ("DEFINE-0204", "error", "AE", "AETERM", "")),
    ({"variables": VARIABLES[1::-1] + VARIABLES[2:]},
     ("DEFINE-0206", "error", "AE", "STUDYID", "USUBJID, STUDYID, AESEQ, AESTDTC, AEDT")),
    ({"variables": changed("AESEQ", label="Sequence")}, ("DEFINE-0207", "error", "AE", "AESEQ", "Sequence Number; Sequence")),
    ({"variables": changed("AESEQ", type="Char", length=8), "rows": ROWS.assign(AESEQ=["1", "2"])},
     ("DEFINE-0208", "error", "AE", "AESEQ", "integer; Char")),
    ({"variables": changed("STUDYID", length=6)}, ("DEFINE-0209", "error", "AE", "STUDYID", "5; 6")),
    ({"variables": changed("AEDT", display_format="E8601DA.")}, ("DEFINE-0210", "warning", "AE", "AEDT", "DATE9.; E8601DA.")),
    ({"rows": ROWS[:0]}, ("DEFINE-0211", "warning", "AE", "", "0")),
])
def test_each_difference_is_found(tmp_path, more, expected):
    assert found(package_folder(tmp_path, **more)) == [expected]


def test_a_missing_file_is_found(tmp_path):
    path = package_folder(tmp_path)
    (tmp_path / "ae.xpt").unlink()
    assert found(path) == [("DEFINE-0201", "error", "AE", "", "ae.xpt")]


def test_a_file_of_a_dataset_without_data_is_found(tmp_path):
    path = package_folder(tmp_path)
    write_file(tmp_path / "ds.xpt", name="DS", label="Disposition")
    assert [row[:4] for row in found(path)] == [("DEFINE-0212", "error", "DS", ""), ("DEFINE-0211", "warning", "DS", "")]


def test_a_file_that_nothing_describes_is_found(tmp_path):
    path = package_folder(tmp_path)
    write_file(tmp_path / "LB.XPT", name="LB", label="Laboratory")
    assert found(path) == [("DEFINE-0212", "error", "LB", "", "LB.XPT")]


def test_every_comparison_is_tested():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [rule for rule in RULES if rule >= "DEFINE-0201" and text.count(f'"{rule}"') == 0] == []


def test_bytes_need_a_folder(tmp_path):
    package_folder(tmp_path)
    assert compare_with_xpt(define_xml(PACKAGE), tmp_path).empty
    with pytest.raises(InputError, match="folder"):
        compare_with_xpt(define_xml(PACKAGE))


@pytest.mark.parametrize(("content", "message"), [(b"<html/>", "not a define.xml"), (b"<a>", "Not well-formed"),
                                                  (b'<!DOCTYPE a><a/>', "DOCTYPE")])
def test_what_is_no_define_xml_is_an_error(tmp_path, content, message):
    (tmp_path / "define.xml").write_bytes(content)
    with pytest.raises(InputError, match=message):
        compare_with_xpt(tmp_path / "define.xml")


def test_a_file_that_is_no_transport_file_is_an_error(tmp_path):
    path = package_folder(tmp_path)
    (tmp_path / "ae.xpt").write_bytes(b"no transport file")
    with pytest.raises(InputError, match="ae.xpt"):
        compare_with_xpt(path)
