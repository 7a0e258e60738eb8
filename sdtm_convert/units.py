"""Unit conversion: what one unit is in another, exactly, with the evidence.

Units of one dimension convert by `specs/units.csv` (value in the base unit = factor x value + offset); mass to amount of substance
depends on the analyte and stands in `specs/units_by_test.csv`. Factors are fractions, so nothing is rounded but the result.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True)
class Conversion:
    """value in the new unit = factor x value + offset."""

    factor: Fraction
    offset: Fraction = Fraction(0)
    note: str = ""

    def words(self) -> str:
        """The conversion as define.xml says it: "x 88.42", "x 0.5555556 - 17.77778"."""
        times = "" if self.factor == 1 else f"x {_shown(self.factor)}"
        plus = "" if self.offset == 0 else f" {'+' if self.offset > 0 else '-'} {_shown(abs(self.offset))}"
        return (times + plus).strip() or "unchanged"


def _shown(number: Fraction) -> str:
    text = f"{float(number):.7g}"
    return f"{float(number):.12f}".rstrip("0") if "e" in text and abs(number) < 1 else f"{float(number):.0f}" if "e" in text else text


def conversion(test: str, unit: str, to: str) -> Conversion | None:
    """How a result of `test` (--TESTCD) in `unit` becomes one in `to`; None where nobody knows.

    >>> conversion("TEMP", "F", "C").words()
    'x 0.5555556 - 17.77778'
    >>> conversion("CREAT", "mg/dL", "mmol/L").words()
    'x 0.08842'
    >>> conversion("GLUC", "cm", "kg") is None
    True
    """
    if unit == to:
        return Conversion(Fraction(1))
    direct = _within_dimension(unit, to)
    if direct:
        return direct
    for (known_from, known_to), (factor, note) in _by_test().get(test, {}).items():
        for start, end, known in ((known_from, known_to, factor), (known_to, known_from, 1 / factor)):
            before, after = _within_dimension(unit, start), _within_dimension(end, to)
            if before and after:
                return Conversion(before.factor * known * after.factor, note=note)
    return None


def dimension(unit: str) -> str | None:
    """What a unit measures; None for one that `specs/units.csv` does not have.

    >>> dimension("mmHg")
    'pressure'
    """
    return _units()[unit][0] if unit in _units() else None


def _within_dimension(unit: str, to: str) -> Conversion | None:
    units = _units()
    if unit not in units or to not in units or units[unit][0] != units[to][0]:
        return None
    _, factor, offset = units[unit]
    _, to_factor, to_offset = units[to]
    return Conversion(factor / to_factor, (offset - to_offset) / to_factor)


@lru_cache
def _units() -> dict[str, tuple[str, Fraction, Fraction]]:
    return {row["unit"]: (row["dimension"], Fraction(row["factor"]), Fraction(row["offset"])) for row in _table("units.csv")}


@lru_cache
def _by_test() -> dict[str, dict[tuple[str, str], tuple[Fraction, str]]]:
    tests: dict[str, dict] = {}
    for row in _table("units_by_test.csv"):
        tests.setdefault(row["test"], {})[row["from"], row["to"]] = (Fraction(row["factor"]), row["note"])
    return tests


def _table(name: str) -> list[dict[str, str]]:
    with (files("sdtm_convert.specs") / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
