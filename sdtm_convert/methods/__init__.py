"""The words of the mapping language, one family a file. A study's own words come from its methods.py."""

from __future__ import annotations

from ..registry import MethodInfo, methods_of
from . import analysis, assign, flags, identifiers, records, timing, units

FAMILIES = (assign, identifiers, timing, flags, records, units, analysis)


def shipped_methods() -> dict[str, MethodInfo]:
    """Every method that ships, by name; a name that two families define is a mistake of ours and raises TypeError."""
    found: dict[str, MethodInfo] = {}
    for family in FAMILIES:
        for name, info in methods_of(family).items():
            if name in found:
                raise TypeError(f"the method '{name}' is defined twice, in {found[name].function.__module__} and {family.__name__}")
            found[name] = info
    return found
