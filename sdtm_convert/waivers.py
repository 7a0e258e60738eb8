"""Waivers: findings that somebody has looked at and accepted, for a stated reason and until a stated day.

    waivers:
      - rule: SC-SDTM-0021          # required; what else is given narrows it
        dataset: AE
        variables: AEACN
        usubjid: 01-701-1015
        value: DOSE HELD
        reason: Sponsor's own term, declared in define.xml.
        who: M. Rossi
        expires: 2027-06-30         # the last day that it holds

Source of "today": SOURCE_DATE_EPOCH where it is set, else the clock; the day in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from .clock import now
from .documents import Document, check_schema, parse_document
from .errors import Fault, InputError, Place, SpecError
from .findings import findings

NARROWING = ("dataset", "variables", "usubjid", "value")


@dataclass(frozen=True)
class Waiver:
    """One accepted cause of findings; "" where it does not narrow."""

    place: Place
    rule: str
    reason: str
    who: str
    expires: date
    dataset: str = ""
    variables: str = ""
    usubjid: str = ""
    value: str = ""


@dataclass(frozen=True, eq=False)
class Waived:
    """`live`: the findings that count, with notices on waivers that expired or met nothing (WAIVER-EXPIRED, WAIVER-UNUSED). `aside`: the
    accepted ones, with the columns `reason`, `who`, `expires` after those of findings."""

    live: pd.DataFrame
    aside: pd.DataFrame


def today() -> date:
    """The day in UTC that waivers are measured by. Raises InputError for a SOURCE_DATE_EPOCH that is no number of seconds."""
    return now().date()


# --- Reading ------------------------------------------------------------------------------------------------------------


def read_waivers(path: str | Path) -> list[Waiver]:
    """The waivers in a YAML file: a list, or a list under the key `waivers`.

    Raises SpecError with every fault and its line, InputError for a file that cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: the waivers cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SpecError([Fault(Place(str(path)), "waivers are UTF-8 text; this file is not.")]) from None
    document = _document(text, str(path))
    faults = check_schema(document, "waivers")
    if faults:
        raise SpecError(faults)
    return _waivers(document)


def _document(text: str, file: str) -> Document:
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#") and line.strip() != "---"), "")
    if not first.lstrip().startswith("- ") and first.strip() != "-":
        return parse_document(text, file)
    lines = [line if line.strip() != "---" else "" for line in text.splitlines()]
    try:  # a bare list: one line is put before it, and taken off again where lines are named
        document = parse_document("\n".join(["waivers:", *lines]), file)
    except SpecError as error:
        raise SpecError([replace(fault, place=_line_before(fault.place)) for fault in error.faults]) from None
    return replace(document, places={path: _line_before(place) for path, place in document.places.items()})


def _line_before(place: Place) -> Place:
    return replace(place, line=max(place.line - 1, 1))


def _waivers(document: Document) -> list[Waiver]:
    faults, read = [], []
    for position, given in enumerate(document.data["waivers"]):
        place = document.place("waivers", position, what=given["rule"])
        try:
            expires = date.fromisoformat(given["expires"])
        except ValueError:
            there = document.place("waivers", position, "expires", what=given["rule"])
            faults.append(Fault(there, f"'{given['expires']}' is no date.", "Write it as 2027-06-30."))
            continue
        narrowing = {name: given.get(name, "") for name in NARROWING}
        if isinstance(narrowing["variables"], list):
            narrowing["variables"] = "; ".join(narrowing["variables"])
        read.append(Waiver(place, given["rule"], " ".join(given["reason"].split()), given["who"], expires, **narrowing))
    if faults:
        raise SpecError(faults)
    return read


# --- Applying -----------------------------------------------------------------------------------------------------------


def apply_waivers(found: pd.DataFrame, waivers: list[Waiver], day: date | None = None) -> Waived:
    """Set the accepted findings aside. Where several waivers meet one finding, the first that has not expired does; an expired one sets
    nothing aside. A waiver is unused where it meets no finding at all."""
    day = day or today()
    taken = np.full(len(found), -1)
    notices = []
    for number, waiver in enumerate(waivers):
        met = matches(found, waiver)
        if not met.any():
            notices.append(_notice("WAIVER-UNUSED", waiver, "The waiver meets no finding; take it out."))
        elif waiver.expires < day:
            notices.append(_notice("WAIVER-EXPIRED", waiver, f"The waiver expired on {waiver.expires}; {int(met.sum()):,} findings that it "
                                   f"accepted count again. {waiver.who} accepted them: {waiver.reason}"))
        else:
            taken[met & (taken < 0)] = number
    aside = found[taken >= 0].reset_index(drop=True)
    by = [waivers[number] for number in taken[taken >= 0]]
    own = {name: pd.Series([str(getattr(waiver, name)) for waiver in by], dtype="str") for name in ("reason", "who", "expires")}
    live = found[taken < 0].reset_index(drop=True)
    return Waived(pd.concat([live, findings(notices)], ignore_index=True) if notices else live, aside.assign(**own))


def matches(found: pd.DataFrame, waiver: Waiver) -> np.ndarray:
    """Which findings a waiver is about. `variables` must all be among the finding's; `value` must be the finding's value, or that of one
    of its variables (of the one that the waiver names, if it names one)."""
    met = found["rule"].eq(waiver.rule).to_numpy(dtype=bool)
    for name, wanted in (("dataset", waiver.dataset), ("usubjid", waiver.usubjid)):
        if wanted:
            met = met & found[name].eq(wanted).to_numpy(dtype=bool)
    if not (waiver.variables or waiver.value):
        return met
    places = np.flatnonzero(met)
    pairs = found[["variables", "values"]].iloc[places].fillna("")
    codes = pairs.groupby(["variables", "values"], sort=False).ngroup().to_numpy()
    distinct = pairs.drop_duplicates()
    fits = np.array([_fits(waiver, *pair) for pair in distinct.itertuples(index=False, name=None)], dtype=bool)
    met = np.zeros(len(found), dtype=bool)
    met[places] = fits[codes] if len(places) else False
    return met


def _fits(waiver: Waiver, variables: str, values: str) -> bool:
    names, parts = variables.split("; "), values.split("; ")
    wanted = [name.strip() for name in waiver.variables.split(";") if name.strip()]
    if not set(wanted) <= set(names):
        return False
    if not waiver.value or waiver.value == values:
        return True
    if len(wanted) == 1 and len(names) == len(parts):
        return parts[names.index(wanted[0])] == waiver.value
    return waiver.value in parts


def _notice(rule: str, waiver: Waiver, message: str) -> dict:
    narrowed = [waiver.variables, waiver.usubjid, waiver.value]
    return {"rule": rule, "severity": "notice", "dataset": waiver.dataset or None, "variables": waiver.variables or None,
            "values": "; ".join(filter(None, [waiver.rule, *narrowed[1:]])), "message": f"{waiver.rule}: {message}",
            "source": f"{waiver.place.file}:{waiver.place.line}"}
