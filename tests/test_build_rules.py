"""Every rule that the build names is described."""

from __future__ import annotations

import re
from pathlib import Path

from sdtm_convert.build_rules import BUILD_RULES, STRICT
from sdtm_convert.findings import SEVERITIES

PACKAGE = Path(__file__).resolve().parent.parent / "sdtm_convert"


def test_every_rule_that_code_names_is_described_and_no_other():
    named = {name for path in PACKAGE.rglob("*.py") if path.name != "build_rules.py"
             for name in re.findall(r'"((?:RAW|MAP|CONFORM|FILE|WAIVER)-[A-Z-]+)"', path.read_text(encoding="utf-8"))}
    assert named == set(BUILD_RULES)
    assert set(STRICT) <= set(BUILD_RULES)


def test_a_rule_has_a_severity_and_a_sentence():
    for severity, text in BUILD_RULES.values():
        assert severity in SEVERITIES
        assert text.endswith(".")
