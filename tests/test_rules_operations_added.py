"""Operations that this project added to CDISC's: for each one, small datasets and the column that it makes."""

from __future__ import annotations

import csv

import pandas as pd
import pytest
from conftest import REPOSITORY

from sdtm_convert.rules.operations import OPERATIONS, run_operations
from sdtm_convert.rules.rule import NotApplicable, Operation
from sdtm_convert.rules.rule_types import RULE_TYPES
from sdtm_convert.rules.study import make_study
from sdtm_convert.standard import load_standard, load_terminology

NONE = None
DATASETS = {
    "ADSL": pd.DataFrame({"USUBJID": ["A", "B"], "AGEGR1": ["<65", ">=65"]}),
    "ADVS": pd.DataFrame({
        "USUBJID": ["A", "A", "B", "C"], "PARAMCD": ["SYSBP", "SYSBP", "SYSBP", "TEMP"], "AVAL": [10.0, 4.0, 0.0, 37.0],
        "BASE": [4.0, 4.0, 0.0, NONE], "ADT": [12.0, 9.0, 10.0, NONE], "TRTSDT": [10.0] * 4, "ADTM": [86400.0 * 12 + 60, -1.0, NONE, NONE],
        "AVISIT": ["Week 1", "Week 2", "Week 1", NONE], "AVISITN": [1.0, 1.0, 3.0, NONE], "AGEGR1": ["<65", "x", ">=65", NONE],
        "SRCDOM": ["VS", "VS", "LB", "ADVS"], "SRCSEQ": [1.0, 9.0, 1.0, 5.0], "VSSEQ": [1.0, 9.0, NONE, 2.0], "ASEQ": [1.0, 2.0, 1.0, 5.0],
    }),
    "VS": pd.DataFrame({"DOMAIN": "VS", "USUBJID": ["A", "B"], "VSSEQ": [1.0, 9.0], "VSTESTCD": ["TEMP", "HEIGHT"], "VSORRES": ["98.6", "170"],
                        "VSORRESU": ["F", "cm"], "VSSTRESU": ["C", "kg"]}),
    "DS": pd.DataFrame({"DOMAIN": "DS", "USUBJID": ["A", "B"], "DSCAT": ["DISPOSITION EVENT", "X"], "DSDECOD": ["COMPLETED", "Y"]}),
    "QS": pd.DataFrame({"DOMAIN": "QS", "USUBJID": ["A", "B"], "QSTESTCD": ["CES0101", "MINE"], "QSTEST": ["?", "?"]}),
}
TERMINOLOGY = (load_terminology("sdtm", "2025-03-28"),)

OF_RECORDS = [
    ("difference", "ADVS", {"name": "AVAL", "subtract": "BASE"}, [6, 0, 0, NONE]),
    ("ratio", "ADVS", {"name": "AVAL", "by": "BASE"}, [2.5, 1, NONE, NONE]),
    ("ratio", "ADVS", {"name": "AVAL", "by": 4}, [2.5, 1, 0, 9.25]),
    ("percentage", "ADVS", {"name": "AVAL", "of": "BASE"}, [250, 100, NONE, NONE]),
    ("relative_day", "ADVS", {"name": "ADT", "reference": "TRTSDT"}, [3, -1, 1, NONE]),
    ("date_part", "ADVS", {"name": "ADTM"}, [12, -1, NONE, NONE]),
    ("time_part", "ADVS", {"name": "ADTM"}, [60, 86399, NONE, NONE]),
    ("converted", "VS", {"name": "--ORRES", "test": "--TESTCD", "from": "--ORRESU", "to": "--STRESU"}, [pytest.approx(37), NONE]),
    ("unit_dimension", "VS", {"name": "VSSTRESU"}, ["temperature", "mass"]),
    ("distinct_count", "ADVS", {"name": "AVISIT"}, [2, 2, 2, 2]),
    ("distinct_count", "ADVS", {"name": "AVISIT", "group": ("USUBJID", "NOSUCH")}, [2, 2, 1, 0]),
    ("source_record", "ADVS", {}, [1, 0, NONE, 4]),
    ("dataset_variables", "ADVS", {"name": "SRCDOM"}, [list(DATASETS["VS"])] * 2 + [NONE, list(DATASETS["ADVS"])]),
    ("paired_term", "QS", {"name": "--TESTCD", "with": "--TEST", "suffixes": ["TC", "TN"]}, ["CES01-Ever Combat Patrols/Dangerous Duty", NONE]),
    ("codelist_terms_by_value", "DS", {"name": "DSDECOD", "with": "DSCAT", "extensible": False}, [NONE, NONE]),
]
TEXT = Operation("$text", "companion", "variable_name", options={"regex": "(.+)N", "replace": r"\1"})
OF_VARIABLES = [  # of AVISITN, among the variables of ADVS or their values
    ("Variable Metadata Check", "companion", {"name": "variable_name", "regex": "(AVISIT)N", "replace": r"\1"}, ["AVISIT"]),
    ("Variable Metadata Check", "companion", {"name": "variable_name", "regex": "(AVISIT)N", "replace": r"\1X"}, [NONE]),
    ("Variable Metadata Check", "values_with_several", {"name": "variable_name", "with": "$text"}, [[1]]),
    ("Variable Metadata Check", "values_with_several", {"name": "$text", "with": "variable_name"}, [["Week 1"]]),
    ("Variable Metadata Check", "values_with_several", {"name": "$text", "with": "variable_name", "group": ("USUBJID",)}, [NONE]),
    ("Value Check with Variable Metadata", "value_in", {"name": "$text"}, ["Week 1", "Week 2", "Week 1", NONE]),
    ("Value Check with Variable Metadata", "distinct_count", {"name": "variable_value"}, [2] * 4),
]


def column(tables: list, study, *operations: Operation, variable: str = "") -> list:
    """The cells of the last operation's column in the table, or the row of the table, that is about the variable."""
    table = next(table for table in tables if not variable or variable in table.column("variable_name").cells)
    made = run_operations(operations, table, study).column(operations[-1].id).cells.tolist()
    return [made[table.names and list(table.column("variable_name").cells).index(variable)]] if variable and table.records is None else made


def operation(operator: str, parts: dict) -> Operation:
    plain = {key: value for key, value in parts.items() if key in ("name", "domain", "group")}
    return Operation("$r", operator, **plain, options={key: value for key, value in parts.items() if key not in plain})


@pytest.fixture(scope="module")
def study():
    return make_study(DATASETS, load_standard("adamig", "1.3"), TERMINOLOGY)


@pytest.mark.parametrize(("operator", "dataset", "parts", "cells"), OF_RECORDS)
def test_operation_of_records(study, operator, dataset, parts, cells):
    assert column([study.tables[dataset]], study, operation(operator, parts)) == cells


@pytest.mark.parametrize(("rule_type", "operator", "parts", "cells"), OF_VARIABLES)
def test_operation_of_variables(study, rule_type, operator, parts, cells):
    tables = RULE_TYPES[rule_type]((study.tables["ADVS"],), study)
    assert column(tables, study, TEXT, operation(operator, parts), variable="AVISITN") == cells


@pytest.mark.parametrize(("operator", "parts", "variable", "cells"), [
    ("subject_value", {"name": "variable_name", "domain": "ADSL"}, "AGEGR1", ["<65", "<65", ">=65", NONE]),
    ("subject_value", {"name": "variable_name", "domain": "ADSL"}, "PARAMCD", [NONE] * 4),
    ("sequence_record", {}, "VSSEQ", [1, 0, NONE, 0]),
    ("sequence_record", {}, "ASEQ", [NONE] * 4),
])
def test_operation_of_values_looks_into_another_dataset(study, operator, parts, variable, cells):
    tables = RULE_TYPES["Value Check with Variable Metadata"]((study.tables["ADVS"],), study)
    assert column(tables, study, operation(operator, parts), variable=variable) == cells


def test_subject_value_needs_the_dataset(study):
    tables = RULE_TYPES["Value Check with Variable Metadata"]((study.tables["ADVS"],), study)
    with pytest.raises(NotApplicable, match="no dataset ADXX"):
        column(tables, study, operation("subject_value", {"name": "variable_name", "domain": "ADXX"}), variable="AVAL")


def test_codelists_that_depend_on_a_value_come_from_the_table(study):
    terms = column([study.tables["DS"]], study, operation("codelist_terms_by_value", {"name": "DSDECOD", "with": "DSCAT"}))
    assert "COMPLETED" in terms[0] and terms[1] is None


def test_every_operation_of_these_has_an_example():
    examples = {example[0] for example in OF_RECORDS} | {example[1] for example in OF_VARIABLES} | {"subject_value", "sequence_record"}
    assert {name for name, function in OPERATIONS.items() if "An addition to CDISC's operations" in " ".join(function.__doc__.split())} == examples


def test_codelists_that_depend_on_a_value_are_in_the_terminology():
    with (REPOSITORY / "specs" / "rules" / "value-codelists.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["codelist"] for row in rows} <= set(TERMINOLOGY[0].codelists)
    tests = [TERMINOLOGY[0].find(code) for code in ("C66738", "C74558", "C74559")]  # TSPARMCD, DSCAT, SCTESTCD
    known = {value for codelist in tests for value in codelist.by_value}
    assert [row["value"] for row in rows if row["with"] != "--TESTCD" and row["value"] not in known] == []
