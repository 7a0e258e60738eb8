"""What every step of writing a dataset must know: which file and dataset, which text encoding, what the caller allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from sdtm_convert.errors import InputError

ALLOWANCES = {
    "blank rows": "the last rows are blank and shorter than a record of 80 bytes, so that no reader can tell them from padding",
    "control characters": "text holds NUL, line ends or other control characters",
    "long text": "text is wider than 200 bytes",
    "members": "one file holds several datasets",
    "names": "names are in lower case or begin with an underscore",
    "rounding": "whole numbers beyond 2**53 are rounded to the nearest number that float64 holds",
    "underflow": "numbers closer to zero than 2**-260 become zero",
}


@dataclass(frozen=True)
class Target:
    """One dataset on its way into a file."""

    path: str
    dataset: str
    encoding: str = "ascii"
    allow: frozenset[str] = frozenset()
    hints: bool = True  # whether the caller could pass `allow`

    def refuse(self, why: str, variable: str = "", row: int | None = None, value: object = None, allowance: str = "") -> NoReturn:
        """Raise the one clear answer: file, dataset.variable, 1-based row, value, why, and the option that would let it pass."""
        place = f"{self.dataset}.{variable}" if variable else self.dataset
        if row is not None:
            place += f", row {row + 1}"
        shown = "" if value is None else f" {_short(value)}"
        hint = f" Pass allow={{{allowance!r}}} to write it all the same." if allowance and self.hints else ""
        raise InputError(f"{self.path}: {place}:{shown} {why}{hint}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"
