"""Where a record comes from: raw table, raw row, and the raw fields that a variable of it is made from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .conform import Conformed
from .graph import step_refs
from .plan import SOURCE, Mapping
from .tables import Derived, Part


def lineage(derived: Derived, dataset: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For rows of a derived dataset the raw table (its name) and the 0-based raw row that each comes from."""
    table = derived.tables[dataset]
    names, numbers = np.full(len(rows), "", dtype=object), np.full(len(rows), -1, dtype=np.int64)
    for block, source in enumerate(table.sources):
        start, stop = table.block_bounds(block)
        inside = (rows >= start) & (rows < stop)
        theirs = table.source_rows[rows[inside]]
        if source in derived.raw:
            names[inside], numbers[inside] = source, theirs
        else:
            names[inside], numbers[inside] = lineage(derived, source, theirs)
    return names, numbers


def with_sources(found: pd.DataFrame, derived: Derived, conformed: Conformed) -> pd.DataFrame:
    """Findings about records of built datasets, with the raw table, row and fields that each record comes from."""
    pieces = []
    for (dataset, variables), own in found.groupby(["dataset", "variables"], sort=False, dropna=False):
        known = own["record"].notna().to_numpy()
        if dataset in conformed.rows and known.any():
            own = own.copy()
            rows = conformed.rows[dataset][own.loc[known, "record"].to_numpy(dtype=np.int64) - 1]
            first = variables.split("; ")[0] if isinstance(variables, str) else ""
            own.loc[known, "source"] = source_text(derived, conformed.parents.get(dataset, dataset), rows, first)
        pieces.append(own)
    return pd.concat(pieces).sort_index() if pieces else found


def source_text(derived: Derived, dataset: str, rows: np.ndarray, variable: str) -> np.ndarray:
    """`lab row 1293 LBRESULT` for each row of a derived dataset: raw table, 1-based raw row, the raw fields of the variable there."""
    table, mapping = derived.tables[dataset], derived.study.mappings[dataset]
    fields = [", ".join(raw_fields(mapping, variable, part, derived)) for part in table.parts]
    part_of_row = np.searchsorted([part.stop for part in table.parts], rows, side="right")
    names, numbers = lineage(derived, dataset, rows)
    return np.array([f"{name} row {number + 1} {fields[part]}".rstrip() if name else "" for name, number, part in zip(names, numbers, part_of_row)], dtype=object)


def raw_fields(mapping: Mapping, variable: str, part: Part, derived: Derived, seen: frozenset[str] = frozenset()) -> list[str]:
    """The raw fields that a variable is made from in one part of its dataset; through other variables where it reads none itself."""
    plan = mapping.variables.get(variable)
    if plan is None or variable in seen or mapping.blocks[part.block].source not in derived.raw:
        return []
    chains = [chain for chain in plan.chains if chain.block in (None, part.block) and chain.test in (None, part.test)]
    refs = [ref for chain in chains for step in chain.steps for ref in step_refs(step)]
    known = derived.raw[mapping.blocks[part.block].source].columns
    own = [ref.name for ref in refs if ref.table == SOURCE and ref.name in known]
    through = [] if own else [name for ref in refs if ref.table == "" for name in raw_fields(mapping, ref.name, part, derived, seen | {variable})]
    return list(dict.fromkeys(own or through))
