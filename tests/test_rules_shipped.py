"""The shipped rules: each one has data that pass it and data that break it, and finds just what it should."""

from __future__ import annotations

from pathlib import Path

import pytest
from rule_cases import FOLDER, Case, found, read_cases

from sdtm_convert.standard import load_terminology
from sdtm_convert.validation import Validation, shipped_rules, validate

STANDARDS = {"SDTM": ("sdtmig", "3.4"), "ADAM": ("adamig", "1.3")}
RULES = {rule.id: rule for standard, _ in STANDARDS.values() for rule in shipped_rules(standard)}


@pytest.fixture(scope="module")
def terminology():
    return [load_terminology("sdtm", "2025-03-28"), load_terminology("adam", "2025-03-28")]


def judge(rule: str, case: Case, terminology, folder: Path) -> Validation:
    standard, version = STANDARDS[rule.split("-")[1]]
    define = folder / "define.xml" if case.define else None
    if define:
        define.write_text(case.define, encoding="utf-8")
    return validate(case.datasets, metadata=case.metadata, standard=standard, version=version, rules=[RULES[rule]], terminology=terminology,
                    define=define)


def test_no_cases_are_left_of_rules_that_are_gone():
    assert sorted(file.stem for file in FOLDER.glob("*.yml")) == sorted(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_passing_and_failing_cases(rule):
    assert read_cases(rule, "pass") and read_cases(rule, "fail")


@pytest.mark.parametrize("rule", RULES)
def test_rule_passes_good_data(rule, terminology, tmp_path):
    for case in read_cases(rule, "pass"):
        validation = judge(rule, case, terminology, tmp_path)
        assert found(validation.findings) == ()
        assert "passed" in set(validation.outcomes["status"]), validation.outcomes
        assert "failed" not in set(validation.outcomes["status"]), validation.outcomes


@pytest.mark.parametrize("rule", RULES)
def test_rule_finds_what_is_wrong(rule, terminology, tmp_path):
    for case in read_cases(rule, "fail"):
        validation = judge(rule, case, terminology, tmp_path)
        assert found(validation.findings) == case.finds
        assert case.finds and "failed" not in set(validation.outcomes["status"]), validation.outcomes


@pytest.mark.parametrize("rule", RULES)
def test_rule_says_what_it_is_for(rule):
    assert RULES[rule].references and RULES[rule].description.endswith(".") and RULES[rule].message.endswith(".")
