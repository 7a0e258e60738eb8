"""What each rule asks for, in a sentence, by its id: what reports and `explain` say of an id."""

from __future__ import annotations

from collections.abc import Mapping

from .build_rules import BUILD_RULES
from .define.check import RULES


def rule_texts(conformance: Mapping[str, str]) -> dict[str, str]:
    """The texts of the conformance rules given, of the rules on define.xml, and of what build and validate themselves report."""
    return {**{rule.id: rule.text for rule in RULES.values()}, **{rule: text for rule, (_, text) in BUILD_RULES.items()}, **conformance}
