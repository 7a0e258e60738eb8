"""The kinds of bad news: SpecError (your files, before any data), MappingError (a step cannot run),
InputError (a file cannot be read or written). Findings are data, never raised: see findings.py.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """Where in a specification: file, 1-based line (0 = unknown), and the thing meant, such as `VS.VSDY`."""

    file: str
    line: int = 0
    what: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}" if self.what else place


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong with a specification, and a hint how to mend it."""

    place: Place
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f" {self.hint}" if self.hint else "")


class SdtmConvertError(Exception):
    """What the command line answers with one clear message and an exit code."""

    exit_code = 3


class SpecError(SdtmConvertError):
    """A specification is wrong. Holds every fault found, raised before any data are read."""

    exit_code = 2

    def __init__(self, faults: Iterable[Fault]):
        self.faults = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class MappingError(SdtmConvertError):
    """A step of a right-looking specification cannot run on these data: file, dataset.variable, step, why."""


class InputError(SdtmConvertError):
    """A file cannot be read or written: file, what, and what to do about it."""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """The hint for a name that nobody knows; empty where nothing known resembles it.

    >>> did_you_mean("VSDCT", ["VSDTC", "VSDY"])
    "Did you mean 'VSDTC'?"
    """
    known = list(dict.fromkeys(known))
    by_folded = {name.casefold(): name for name in reversed(known)}
    close = difflib.get_close_matches(wrong.casefold(), by_folded, n=1, cutoff=0.6)
    return f"Did you mean '{by_folded[close[0]]}'?" if close else ""
