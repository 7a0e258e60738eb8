"""Operations: for each one, small datasets and the column that it makes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdtm_convert.model import Codelist, Dataset, Standard, StandardDataset, StandardVariable, Term, Terminology, Variable
from sdtm_convert.rules.operations import OPERATIONS, run_operations
from sdtm_convert.rules.rule import NotApplicable, NotRun, Operation, RuleError
from sdtm_convert.rules.study import make_study


def variables(*names_and_core):
    return {name: StandardVariable(name, name.title(), "Char", "Topic", core, order)
            for order, (name, core) in enumerate(names_and_core, start=1)}


STANDARD = Standard("SDTMIG", "3.4", {
    "DM": StandardDataset("DM", "Demographics", "SPECIAL PURPOSE", "", variables(("USUBJID", "Req"), ("RFSTDTC", "Exp"), ("DMDTC", "Perm"))),
    "AE": StandardDataset("AE", "Adverse Events", "EVENTS", "", variables(("USUBJID", "Req"), ("AETERM", "Req"), ("AESER", "Exp"))),
})
NY = Codelist("C66742", "NY", "No Yes Response", False, (Term("N", "C49487"), Term("Y", "C49488")))
TERMINOLOGY = (Terminology("SDTM", "2025-03-28", {"C66742": NY}),)
CODES = Codelist("C1", "XCD", "Codes", True, (Term("x", "C7"), Term("z", "C8")))
NAMES = Codelist("C2", "X", "Names", True, (Term("Ex", "C7"), Term("Zed", "C8")))
PAIRS = (Terminology("SDTM", "2025-03-28", {"C1": CODES, "C2": NAMES}),)
PAIRED = Standard("SDTMIG", "3.4", {"AE": StandardDataset("AE", "", "EVENTS", "", {
    "AETERM": StandardVariable("AETERM", "", "Char", codelists=("C1",)), "AESER": StandardVariable("AESER", "", "Char", codelists=("C2",))})})
DATASETS = {
    "DM": pd.DataFrame({"DOMAIN": "DM", "USUBJID": ["A", "B"], "RFSTDTC": ["2020-01-10", "2020-02"]}),
    "AE": pd.DataFrame({"DOMAIN": "AE", "USUBJID": ["A", "A", "B", "C"], "AETERM": ["x", "y", "x", None],
                        "AESTDTC": ["2020-01-12", "2020-01-09T08:00", "2020-01", "2020-01-01"], "AESEV": ["MILD", "SEVERE", "MILD", None], "AESER": None}),
    "SUPPAE": pd.DataFrame({"RDOMAIN": "AE", "USUBJID": ["A", "B"], "IDVAR": ["AETERM", "NOSUCH"], "QNAM": ["P", "Q"]}),
}
METADATA = {"AE": Dataset("AE", "Adverse Events", "EVENTS", "", (Variable("AETERM", "Term", "Char", "text", 200),), ("USUBJID", "AETERM"))}


def result(operator: str, dataset: str = "AE", id: str = "$r", standard=STANDARD, terminology=TERMINOLOGY, before: tuple = (), **parts) -> list:
    """The column that the operation makes of a dataset, as cells."""
    study = make_study(DATASETS, standard, terminology, METADATA)
    plain = {key: parts.pop(key) for key in ("name", "domain", "group", "filter") if key in parts}
    operations = (*before, Operation(id, operator, **plain, options=parts))
    return run_operations(operations, study.tables[dataset], study).column(id).cells.tolist()


LIST_A, LIST_B = Operation("$a", "distinct", "AESEV"), Operation("$b", "distinct", "AESEV", filter={"USUBJID": "A"})

EXAMPLES = [
    ("distinct", {"name": "USUBJID", "domain": "DM"}, [["A", "B"]] * 4),
    ("distinct", {"name": "--TERM", "group": ("USUBJID",)}, [["x", "y"], ["x", "y"], ["x"], []]),
    ("distinct", {"name": "AETERM", "filter": {"AESEV": "MILD"}}, [["x"]] * 4),
    ("distinct", {"dataset": "SUPPAE", "name": "IDVAR", "domain": "SUPP--", "value_is_reference": True}, [["AETERM"]] * 2),
    ("record_count", {}, [4] * 4),
    ("record_count", {"filter": {"AESEV": "MI&"}}, [2] * 4),
    ("record_count", {"group": ("USUBJID",)}, [2, 2, 1, 1]),
    ("record_count", {"dataset": "DM", "domain": "AE", "group": ("USUBJID",)}, [2, 1]),
    ("record_count", {"group": ("USUBJID", "AESTDTC"), "regex": r"^\d{4}-\d{2}"}, [2, 2, 1, 1]),
    ("min_date", {"name": "AESTDTC"}, ["2020-01"] * 4),
    ("min_date", {"dataset": "DM", "domain": "AE", "name": "AESTDTC", "group": ("USUBJID",)}, ["2020-01-09T08:00", "2020-01"]),
    ("max_date", {"name": "AESTDTC", "group": ("USUBJID",)}, ["2020-01-12", "2020-01-12", "2020-01", "2020-01-01"]),
    ("dy", {"name": "--STDTC"}, [3, -1, None, None]),
    ("max", {"name": "AETERM"}, ["y"] * 4),
    ("max", {"name": "AETERM", "group": ("USUBJID",)}, ["y", "y", "x", None]),
    ("min", {"name": "AETERM"}, ["x"] * 4),
    ("mean", {"before": (Operation("$n", "record_count", group=("USUBJID",)),), "name": "$n"}, [1.5] * 4),
    ("map", {"map": [{"AESEV": "MILD", "output": 1}, {"AESEV": "SEVERE", "output": 3}]}, [1, 3, 1, None]),
    ("map", {"map": [{"output": "same"}]}, ["same"] * 4),
    ("split_by", {"name": "AESTDTC", "delimiter": "T"}, [["2020-01-12"], ["2020-01-09", "08:00"], ["2020-01"], ["2020-01-01"]]),
    ("variable_value_count", {"dataset": "DM", "name": "USUBJID"}, [{"A": 3, "B": 3, "C": 1}] * 2),
    ("standard_domains", {"dataset": "DM"}, [["AE", "DM"]] * 2),
    ("get_library_class_domains", {"dataset": "DM", "domain_class": "Events"}, [["AE"]] * 2),
    ("related_domain_is_custom", {"dataset": "SUPPAE"}, [False] * 2),
    ("codelist_extensible", {"codelist": "NY"}, [False] * 4),
    ("get_codelist_attributes", {"ct_attribute": "Term CCODE"}, [["C49487", "C49488"]] * 4),
    ("variable_exists", {"name": "AESEV"}, [True] * 4),
    ("variable_exists", {"name": "AGE", "domain": "DM"}, [False] * 4),
    ("variable_is_null", {"name": "AESEV"}, [False] * 4),
    ("variable_is_null", {"name": "AESER"}, [True] * 4),
    ("minus", {"before": (LIST_A, LIST_B), "name": "$a", "subtract": "$b"}, [[]] * 4),
    ("difference", {"dataset": "DM", "before": (Operation("$n", "record_count", domain="AE", group=("USUBJID",)), Operation("$all", "record_count")),
                    "name": "$n", "subtract": "$all"}, [0, -1]),
    ("percentage", {"dataset": "DM", "before": (Operation("$n", "record_count", domain="AE", group=("USUBJID",)), Operation("$all", "record_count")),
                    "name": "$n", "of": "$all"}, [100, 50]),
    ("study_domains", {}, [["", "AE", "DM"]] * 4),
    ("dataset_names", {"dataset": "DM"}, [["AE", "DM", "SUPPAE"]] * 2),
    ("variable_count", {"name": "--TERM"}, [1] * 4),
    ("get_column_order_from_dataset", {"dataset": "DM"}, [["DOMAIN", "USUBJID", "RFSTDTC"]] * 2),
    ("extract_metadata", {"name": "dataset_name"}, ["AE"] * 4),
    ("extract_metadata", {"name": "dataset_keys"}, [["USUBJID", "AETERM"]] * 4),
    ("domain_label", {}, ["Adverse Events"] * 4),
    ("domain_is_custom", {"dataset": "DM"}, [False] * 2),
    ("required_variables", {}, [["USUBJID", "AETERM"]] * 4),
    ("expected_variables", {}, [["AESER"]] * 4),
    ("permissible_variables", {"dataset": "DM"}, [["DMDTC"]] * 2),
    ("get_column_order_from_library", {"dataset": "DM"}, [["USUBJID", "RFSTDTC", "DMDTC"]] * 2),
    ("variable_names", {"dataset": "DM"}, [["AESER", "AETERM", "DMDTC", "RFSTDTC", "USUBJID"]] * 2),
    ("get_dataset_filtered_variables", {"key_name": "role", "key_value": "Timing"}, [["AESTDTC"]] * 4),
    ("codelist_terms", {"codelists": ["NY"]}, [["N", "Y"]] * 4),
    ("paired_term", {"name": "--TERM", "with": "AESER", "standard": PAIRED, "terminology": PAIRS}, ["Ex", None, "Ex", None]),
    ("codelist_terms", {"codelists": ["NY"], "returntype": "code"}, [["C49487", "C49488"]] * 4),
    ("codelist_terms", {"codelists": ["NY"], "returntype": "code", "level": "codelist"}, [["C66742"]] * 4),
]
BEGINNINGS = {  # lists too long to write out
    "get_model_column_order": ({}, ["STUDYID", "DOMAIN", "USUBJID"]),
    "get_model_filtered_variables": ({"key_name": "role", "key_value": "Timing"}, ["VISITNUM", "VISIT", "VISITDY"]),
    "get_parent_model_column_order": ({"dataset": "SUPPAE"}, ["STUDYID", "DOMAIN", "USUBJID"]),
}


ASK_DEFINE = {"define_variable_metadata", "define_extensible_codelists"}  # test_rules_define_level.py
ASK_DICTIONARIES = {name for name, function in OPERATIONS.items() if function.__module__.endswith("operations_dictionaries")}  # test_dictionaries.py
NOT_CARRIED_OUT = {name for name, function in OPERATIONS.items() if function.__name__ == "not_run"}


@pytest.mark.parametrize("operator", sorted(NOT_CARRIED_OUT))
def test_operation_that_needs_what_is_not_read_says_what(operator):
    needed = OPERATIONS[operator].__doc__.removeprefix("Not carried out; it needs ").rstrip(".")
    with pytest.raises(NotRun, match=needed):
        result(operator, name="AETERM")


def test_core_compatible_study_days_move_up_past_a_subject_who_is_not_in_dm():
    frames = {"DM": DATASETS["DM"].head(1), "AE": DATASETS["AE"].iloc[[3, 0]]}
    days = []
    for compatible in (False, True):
        study = make_study(frames, STANDARD, TERMINOLOGY, core_compatible=compatible)
        days.append(run_operations((Operation("$r", "dy", "--STDTC"),), study.tables["AE"], study).column("$r").cells.tolist())
    assert days == [[None, 3], [-9, None]]


def test_study_days_go_by_the_records_of_dm_in_the_order_of_a_join():
    twice = DATASETS["DM"].iloc[[0, 0]].assign(RFSTDTC=["2020-01-10", "2020-01-05"])
    frames = {"DM": twice, "AE": DATASETS["AE"].iloc[[0, 0]]}
    study = make_study(frames, STANDARD, TERMINOLOGY)
    assert run_operations((Operation("$r", "dy", "--STDTC"),), study.tables["AE"], study).column("$r").cells.tolist() == [3, 8]


@pytest.mark.parametrize(("dates", "earliest"), [
    (["2020-02", "2020-01-31"], "2020-01-31"), (["2020-01-02T10:30:15.123", "2021"], "2020-01-02T10:30:15"),
    (["2020-01-02T01:30+02:00"], "2020-01-01T23:30"), (["2020-01-02 10:30", "2020-01-03"], ""), ([None, None], ""),
])
def test_earliest_date_in_the_form_of_cdisc_s_engine(dates, earliest):
    study = make_study({"AE": pd.DataFrame({"DOMAIN": "AE", "AESTDTC": dates})}, STANDARD)
    assert run_operations((Operation("$r", "min_date", "AESTDTC"),), study.tables["AE"], study).column("$r").cells[0] == earliest


@pytest.mark.parametrize("wrong", ["UNK", "2020---15", "2020-01-02/2020-01-05", "2020-01-02T10:30Z"])
def test_dates_that_cannot_be_put_in_order(wrong):
    study = make_study({"AE": pd.DataFrame({"DOMAIN": "AE", "AESTDTC": ["2020-01-01T00:00", wrong]})}, STANDARD)
    with pytest.raises(RuleError, match="not an ISO 8601 date"):
        run_operations((Operation("$r", "max_date", "AESTDTC"),), study.tables["AE"], study)


def test_records_without_the_key_belong_to_no_group_but_are_counted():
    study = make_study({
        "VS": pd.DataFrame({"DOMAIN": ["VS"] * 2, "USUBJID": ["A", None]}),
        "SV": pd.DataFrame({"DOMAIN": ["SV"] * 3, "USUBJID": ["A", None, None], "VISITNUM": [1.0, 2.0, 3.0]}),
    })
    made = {name: run_operations((Operation("$r", name, "VISITNUM", "SV", group=("USUBJID",)),), study.tables["VS"], study).column("$r")
            for name in ("distinct", "max", "record_count")}
    assert {name: column.cells.tolist() for name, column in made.items()} == {"distinct": [[1.0], None], "max": [1.0, None], "record_count": [1, 2]}


def test_small_groups_of_many_distinct_values():
    subjects = [f"{number // 3:03d}" for number in range(90)]
    study = make_study({"AE": pd.DataFrame({"DOMAIN": "AE", "USUBJID": subjects, "AESEQ": [float(-number % 90) for number in range(89)] + [None]})})
    made = run_operations((Operation("$r", "distinct", "AESEQ", group=("USUBJID",)),), study.tables["AE"], study).column("$r").cells.tolist()
    assert (made[0], made[3], made[-1]) == ([0.0, 88.0, 89.0], [85.0, 86.0, 87.0], [2.0, 3.0])


def test_core_compatible_operations_look_at_the_first_part_of_a_split_dataset():
    frames = {"VS": pd.DataFrame({"DOMAIN": ["VS"]}), "SV1": pd.DataFrame({"DOMAIN": ["SV"], "VISITNUM": [1.0]}),
              "SV2": pd.DataFrame({"DOMAIN": ["SV"], "VISITNUM": [2.0]})}
    found = []
    for compatible in (False, True):
        study = make_study(frames, core_compatible=compatible)
        found += run_operations((Operation("$r", "distinct", "VISITNUM", "SV"),), study.tables["VS"], study).column("$r").cells.tolist()
    assert found == [[1.0, 2.0], [1.0]]


@pytest.mark.parametrize(("operator", "parts", "cells"), EXAMPLES, ids=lambda part: part if isinstance(part, str) else "")
def test_operation(operator, parts, cells):
    assert result(operator, **parts) == cells


@pytest.mark.parametrize("operator", BEGINNINGS)
def test_operation_on_the_model(operator):
    parts, beginning = BEGINNINGS[operator]
    assert result(operator, **parts)[0][:3] == beginning


def test_model_has_the_variables_of_the_class_with_the_prefix_of_the_domain():
    names = result("get_model_column_order")[0]
    assert names.index("AESEQ") < names.index("AETERM") < names.index("AESER") < names.index("VISITNUM") < names.index("AEDTC")
    assert "AETESTCD" not in names


def test_every_operation_has_an_example_and_a_docstring():
    # test_rules_operations_added.py has those of this project
    added = {name for name, function in OPERATIONS.items() if "An addition to CDISC's operations" in " ".join(function.__doc__.split())}
    assert {example[0] for example in EXAMPLES} | set(BEGINNINGS) | NOT_CARRIED_OUT | ASK_DEFINE | ASK_DICTIONARIES | SEVERAL | {"valid_codelist_dates"} | added == set(OPERATIONS)
    assert all(function.__doc__ for function in OPERATIONS.values())


SEVERAL = {"label_referenced_variable_metadata", "name_referenced_variable_metadata"}


@pytest.mark.parametrize(("operator", "terms"), [("name_referenced_variable_metadata", ["AESER", "NOSUCH", None]),
                                                 ("label_referenced_variable_metadata", ["Aeser", "Nosuch", None])])
def test_variables_of_the_standard_are_found_by_name_or_label(operator, terms):
    study = make_study({"AE": pd.DataFrame({"DOMAIN": "AE", "AETERM": terms})}, STANDARD)
    table = run_operations((Operation("$v", operator, "--TERM"),), study.tables["AE"], study)
    parts = ("name", "label", "role", "core", "ordinal", "simpleDatatype")
    assert [table.column(f"$v_{part}").cells.tolist() for part in parts] == [
        ["AESER", "", ""], ["Aeser", "", ""], ["Topic", "", ""], ["Exp", "", ""], [3, "", ""], ["Char", "", ""]]
    assert operator in SEVERAL


def test_dates_of_terminology_are_those_that_ship_were_imported_or_are_given():
    def dates(*packages: str) -> list[str]:
        given = (Terminology("SDTM", "2000-01-01", {}), Terminology("ADaM", "2000-01-02", {}))
        return result("valid_codelist_dates", terminology=given, **({"ct_package_types": list(packages)} if packages else {}))[0]

    assert {"2000-01-01", "2025-03-28"} <= set(dates()) and "2000-01-02" not in dates() and dates() == sorted(dates())
    assert "2000-01-02" in dates("ADAM") and "2000-01-01" not in dates("ADAM")


def test_dataset_that_is_not_there_makes_the_rule_not_applicable():
    with pytest.raises(NotApplicable, match="no dataset EX"):
        result("distinct", name="USUBJID", domain="EX")


@pytest.mark.parametrize(("operator", "parts", "need"), [
    ("required_variables", {"standard": None}, "the standard"),
    ("codelist_terms", {"codelists": ["NY"], "terminology": ()}, "controlled terminology"),
    ("codelist_terms", {"codelists": ["NOSUCH"]}, "the codelist NOSUCH"),
    ("record_count", {"group": ("USUBJID",), "group_aliases": ["SUBJID"]}, "the option group_aliases of record_count, which is not carried out"),
    ("extract_metadata", {"name": "dataset_size"}, "the files' sizes"),
])
def test_what_was_not_given_makes_the_rule_not_run(operator, parts, need):
    with pytest.raises(NotRun, match=need):
        result(operator, **parts)


def test_a_wrong_date_is_an_error_not_silence():
    study = make_study({"AE": pd.DataFrame({"DOMAIN": ["AE"], "AESTDTC": ["soon"]})})
    with pytest.raises(RuleError, match="soon"):
        run_operations((Operation("$r", "min_date", "AESTDTC"),), study.tables["AE"], study)


def test_study_day_of_a_subject_that_is_not_in_dm_does_not_shift_the_others():
    study = make_study({
        "DM": pd.DataFrame({"DOMAIN": "DM", "USUBJID": ["B"], "RFSTDTC": ["2020-01-10"]}),
        "AE": pd.DataFrame({"DOMAIN": "AE", "USUBJID": ["A", "B"], "AESTDTC": ["2020-01-01", "2020-01-11"]}),
    })
    cells = run_operations((Operation("$r", "dy", "AESTDTC"),), study.tables["AE"], study).column("$r").cells
    assert cells.tolist() == [None, 2]


def test_later_operations_see_the_results_of_earlier_ones():
    assert np.shape(result("minus", before=(LIST_A, LIST_B), name="$a", subtract="$b")) == (4, 0)
