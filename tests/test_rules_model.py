"""What rules ask the standard and the SDTM model about datasets of all kinds, known and not."""

from __future__ import annotations

import pandas as pd
import pytest

from sdtm_convert.rules.operations import run_operations
from sdtm_convert.rules.rule import NotRun, Operation
from sdtm_convert.rules.study import make_study
from sdtm_convert.standard import load_standard

STANDARD = load_standard("sdtmig", "3.4")


def answer(operator: str, name: str, *names: str, rows: int = 1, **first: str):
    """What the operation says of a dataset of these variables."""
    frame = pd.DataFrame({variable: [first.get(variable, "x")] for variable in [*first, *names]}).head(rows)
    study = make_study({name: frame}, STANDARD)
    column = run_operations((Operation("$r", operator),), study.tables[name], study).column("$r")
    return column.values.cells[0]  # the same in every row, and there also without rows


@pytest.mark.parametrize(("name", "first", "custom"), [
    ("AE", {"DOMAIN": "AE"}, False), ("TX", {"DOMAIN": "TX"}, False), ("XX", {"DOMAIN": "XX"}, True), ("AE", {"DOMAIN": "XX"}, True),
    ("SUPPAE", {"RDOMAIN": "AE"}, True), ("APAE", {"DOMAIN": "APAE"}, True), ("RELREC", {"RDOMAIN": "AE"}, False),
])
def test_a_custom_dataset_is_one_that_neither_the_standard_nor_the_model_has(name, first, custom):
    assert answer("domain_is_custom", name, **first) is custom


def test_model_has_variables_that_the_implementation_guide_leaves_out():
    assert {"RFSTDTC", "SETCD", "SPECIES"} <= set(answer("get_model_column_order", "DM", DOMAIN="DM"))
    assert "SETCD" not in answer("get_column_order_from_library", "DM", DOMAIN="DM")
    assert {"QNAM", "POOLID"} <= set(answer("get_model_column_order", "SUPPAE", "QNAM", RDOMAIN="AE"))
    assert answer("get_model_column_order", "TX", DOMAIN="TX")[-1] == "TXVAL"


def test_associated_persons_have_their_own_identifiers():
    for name, own in (("APSU", "SUTRT"), ("APDM", "AGE")):
        names = answer("get_model_column_order", name, DOMAIN=name)
        assert {own, "APID", "RSUBJID", "SREL"} <= set(names) and "USUBJID" not in names
    assert "QORIG" in answer("required_variables", "SQAPFAMH", "QNAM", RDOMAIN="APFAMH")
    names = answer("get_model_column_order", "SQAPSU", "QNAM", RDOMAIN="APSU")
    assert {"QNAM", "APID"} <= set(names) and "USUBJID" not in names


def test_variables_of_a_dataset_without_records_are_known_by_its_name():
    assert "AETERM" in answer("get_model_column_order", "AE", "DOMAIN", rows=0)


@pytest.mark.parametrize("operator", ["get_model_column_order", "required_variables"])
def test_of_a_dataset_of_no_known_class_nothing_can_be_said(operator):
    with pytest.raises(NotRun, match="a standard that knows the dataset"):
        answer(operator, "WX", "WXVAL", DOMAIN="WX")
