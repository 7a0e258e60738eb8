"""docs/rules.md says of every operator, operation, rule type and rule what the code says."""

from __future__ import annotations

import re

import pytest
from conftest import REPOSITORY

from sdtm_convert.rules.operations import OPERATIONS
from sdtm_convert.rules.operators import OPERATORS
from sdtm_convert.rules.rule_types import RULE_TYPES
from sdtm_convert.validation import shipped_rules

PAGE = (REPOSITORY / "docs" / "rules.md").read_text(encoding="utf-8")
RULES = [rule for standard in ("sdtmig", "adamig") for rule in shipped_rules(standard)]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize(("heading", "functions"), [("Operators", OPERATORS), ("Operations", OPERATIONS)])
def test_functions_are_documented_as_they_document_themselves(heading, functions):
    assert dict(rows(heading)) == {f"`{name}`": " ".join(function.__doc__.split()) for name, function in functions.items()}


def test_rule_types_are_documented():
    assert dict(rows("Rule types")) == {name: " ".join(function.__doc__.split()) for name, function in RULE_TYPES.items()}


def test_rules_are_listed():
    assert rows("The rules that ship") == [[r.id, r.severity, r.description, ", ".join(r.references)] for r in RULES]


def test_the_example_rule_is_one(tmp_path):
    from sdtm_convert.rules.load import parse_rule

    text = re.search(r"```yaml\n(Core: .*?)```", PAGE, re.DOTALL)[1]
    assert parse_rule(text).id == "ACME-0001"
