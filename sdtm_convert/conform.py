"""Derived tables -> datasets as they are submitted: variables in standard order, records sorted by keys, SUPP-- split off."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from .columns import as_text, constant_text, missing_text, sort_order, text_lengths
from .origins import origin_of
from .model import Standard
from .plan import Mapping, Study, VariablePlan
from .tables import Derived, Table, Trouble, take

SUPP_KEYS = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM")
LONGEST = 200  # bytes of a Char variable in a transport file, version 5
QORIG = {"Collected": "CRF"}  # SDTMIG 8.4.1 names CRF, Assigned, Derived ...


@dataclass(frozen=True)
class Conformed:
    """The datasets by name, and for each the row of the derived table that every record is (for SUPP--: its parent's)."""

    datasets: dict[str, pd.DataFrame]
    rows: dict[str, np.ndarray]
    parents: dict[str, str] = field(default_factory=dict)  # SUPPAE -> AE
    troubles: list[Trouble] = field(default_factory=list)  # texts that a transport file cannot hold as they are


def conform(derived: Derived, names: list[str] | None = None, *, release: bool = False) -> Conformed:
    """Every dataset that is wholly derived (or those in `names`) in its submitted shape, with its SUPP-- where it has supplemental qualifiers.

    Char variables are `str` columns, Num variables float64; --SEQ and order follow the mapping's keys (missing first, text by code
    point). SDTMIG 4.1.4 (order), 8.4 (supplemental qualifiers). `release` empties the derived tables as it goes, all but --SEQ, so that
    no column is held twice.
    """
    datasets, rows, parents, troubles = {}, {}, {}, []
    for name, table in derived.tables.items():
        mapping = derived.study.mappings[name]
        if name not in names if names is not None else not mapping.variables.keys() <= table.columns.keys():
            continue
        order = sort_order([table.columns[key] for key in mapping.keys]) if mapping.keys else np.arange(table.length)
        supplemental = [plan for plan in mapping.variables.values() if plan.supplemental and not plan.working]
        supp = _supp(mapping, table, supplemental, derived) if supplemental else None
        datasets[name], rows[name] = _submitted(mapping, table, order, derived.study, troubles, release), order
        if supp is not None:
            frame, parent_rows = supp
            frame["QVAL"] = _fit(frame["QVAL"], Cells(name, "QVAL", parent_rows, derived.study.encoding), troubles)
            for plan in supplemental:
                own = np.flatnonzero(frame["QNAM"] == plan.name)
                _check_declared(take(frame["QVAL"], own), plan, Cells(name, "QVAL", parent_rows[own], derived.study.encoding), troubles)
            datasets[f"SUPP{name}"], rows[f"SUPP{name}"], parents[f"SUPP{name}"] = frame, parent_rows, name
    return Conformed(datasets, rows, parents, troubles)


def _submitted(mapping: Mapping, table: Table, order: np.ndarray, study: Study, troubles: list[Trouble], release: bool) -> pd.DataFrame:
    """The submitted variables of a dataset, its records in order."""
    columns = {}
    for variable in submitted_variables(mapping, study):
        cells = Cells(mapping.dataset, variable, order, study.encoding)
        columns[variable] = _fit(take(table.columns[variable], order), cells, troubles)
        _check_declared(columns[variable], mapping.variables.get(variable), cells, troubles)
        if release and not variable.endswith("SEQ"):
            del table.columns[variable]
    if release:
        table.columns = {name: column for name, column in table.columns.items() if name.endswith("SEQ")}
    return pd.DataFrame(columns, copy=False)


def submitted_variables(mapping: Mapping, study: Study) -> list[str]:
    """The variables of the dataset in submission order: SDTM in the standard's order, ADaM as the mapping has them.

    A variable that the SDTM model allows beyond those listed for the dataset stands where it does in other datasets; one that
    the standard does not know at all stands last.
    """
    names = [n for n in ("STUDYID", "DOMAIN", "USUBJID") if n in mapping.variables or _automatic(mapping, n)]
    names += [plan.name for plan in mapping.variables.values() if not plan.working and not plan.supplemental and plan.name not in names]
    if mapping.part == "adam" or mapping.standard is None:
        return names
    listed, timing = mapping.standard.variables, _timing_order(study.sdtm)

    def place(name: str) -> tuple[int, bool, int]:
        known = listed.get(name) or mapping.variables[name].standard
        suffix = name.removeprefix(mapping.domain) if name not in timing else name
        return (known.order if known else 10_000, name not in listed, timing.get(suffix, -1))

    return sorted(names, key=place)


def _timing_order(sdtm: Standard) -> dict[str, int]:
    """The order of the general timing variables, without domain prefix, as LB lists nearly all of them."""
    known = sdtm.datasets["LB"].variables.values() if "LB" in sdtm.datasets else ()
    return {variable.name.removeprefix("LB"): variable.order for variable in known if variable.role == "Timing"}


def _automatic(mapping: Mapping, name: str) -> bool:
    if name == "DOMAIN":
        return mapping.part == "sdtm"
    return mapping.standard is None or name in mapping.standard.variables


# --- Text that fits a transport file ----------------------------------------------------------------------------------

_CONTROL = r"[\x00-\x1f\x7f]"


class Cells(NamedTuple):
    """Of a text column: whose it is, the derived rows that it comes from, and the encoding of the transport file that it goes to."""

    dataset: str
    variable: str
    rows: np.ndarray
    encoding: str

    def trouble(self, rule: str, hit: np.ndarray, message: str, column: pd.Series) -> Trouble:
        return Trouble(rule, self.dataset, self.variable, self.rows[hit], message, take(column, hit))

    def cut(self, text: str) -> str:
        return text.encode()[:LONGEST].decode(errors="ignore") if self.encoding == "utf-8" else text[:LONGEST]


def _fit(column: pd.Series, cells: Cells, troubles: list[Trouble]) -> pd.Series:
    """A text column without control characters and of at most 200 bytes a value; what had to change, or is not ASCII, is a trouble."""
    if pd.api.types.is_numeric_dtype(column.dtype) or not len(column):
        return column
    codes, distinct = pd.factorize(column)
    texts = pd.Series(pd.array(distinct, dtype="str"))
    checks = (("CONFORM-CONTROL", texts.str.contains(_CONTROL, regex=True), "control characters became blanks"),
              ("CONFORM-ASCII", ~texts.map(str.isascii).astype(bool), "the text holds characters outside US-ASCII"),
              ("CONFORM-LENGTH", pd.Series(text_lengths(texts, cells.encoding) > LONGEST), f"the text was cut at {LONGEST} bytes"))
    for rule, wrong, message in checks:
        hit = np.flatnonzero(wrong.to_numpy(dtype=bool)[codes] & (codes >= 0)) if wrong.any() else ()
        if len(hit):
            troubles.append(cells.trouble(rule, hit, message, column))
    if not (checks[0][1].any() or checks[2][1].any()):
        return column
    fitted = texts.str.replace(_CONTROL, " ", regex=True).map(lambda text: cells.cut(text).strip())
    return pd.Series(fitted.astype("str").mask(fitted == "").array.take(codes, allow_fill=True))


def _check_declared(column: pd.Series, plan: VariablePlan | None, cells: Cells, troubles: list[Trouble]) -> None:
    """A text that is longer than the mapping says stays whole, and is a trouble: the variable becomes wider than was declared."""
    if plan is None or "length" not in plan.attributes or pd.api.types.is_numeric_dtype(column.dtype):
        return
    declared = int(plan.attributes["length"])
    longer = np.flatnonzero(text_lengths(column, cells.encoding) > declared)
    if len(longer):
        troubles.append(cells.trouble("CONFORM-DECLARED-LENGTH", longer, f"the text is longer than the declared length of {plan.name}, {declared} bytes", column))


# --- Supplemental qualifiers ------------------------------------------------------------------------------------------


def _supp(mapping: Mapping, table: Table, plans: list[VariablePlan], derived: Derived) -> tuple[pd.DataFrame, np.ndarray]:
    """The supplemental qualifiers of a dataset: one record per qualifier that has a value."""
    idvar = _idvar(mapping, table)
    pieces, rows = [], []
    for plan in sorted(plans, key=lambda plan: plan.name):
        values = as_text(table.columns[plan.name])
        present = np.flatnonzero(values.notna().to_numpy())
        index = pd.RangeIndex(len(present))
        origin = origin_of(plan, mapping, derived.study)
        pieces.append(pd.DataFrame({
            "STUDYID": constant_text(derived.study.name, index),
            "RDOMAIN": constant_text(mapping.domain, index),
            "USUBJID": take(table.columns["USUBJID"], present),
            "IDVAR": constant_text(idvar, index) if idvar else missing_text(index),
            "IDVARVAL": as_text(take(table.columns[idvar], present)) if idvar else missing_text(index),
            "QNAM": constant_text(plan.name, index),
            "QLABEL": constant_text(plan.label, index),
            "QVAL": take(values, present),
            "QORIG": constant_text(QORIG.get(origin.type, origin.type), index),
            "QEVAL": missing_text(index),
        }, copy=False))
        rows.append(present)
    frame, parent_rows = pd.concat(pieces, ignore_index=True), np.concatenate(rows)
    identified = take(table.columns[idvar], parent_rows) if idvar else frame["IDVARVAL"]
    order = sort_order([frame["USUBJID"], identified, frame["QNAM"]])
    return frame.take(order).reset_index(drop=True), parent_rows[order]


def _idvar(mapping: Mapping, table: Table) -> str:
    """What tells the parent's records of a subject apart: --SEQ, else (SV) the last key; "" for one record per subject (DM)."""
    sequence = f"{mapping.domain}SEQ"
    if sequence in table.columns:
        return sequence
    return "" if table.one_row_a_subject or mapping.keys[-1] == "USUBJID" else mapping.keys[-1]
