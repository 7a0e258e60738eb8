"""Plants the defects of real exports and lists each of them.

*Edits* change the cells of a row (`edits`: which field of which rows, how, how often); others add or remove rows
(`structure`). A row carries at most one defect, so that each can be looked for on its own. `outcome` in the list:

- `converted`: has one meaning; must come out right, no finding needed.
- `finding`: cannot be mapped as it stands; must not be lost silently.
- `unseen`: looks right by itself; only a comparison with other data can show it.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .edits import EDITS, Edit
from .structure import Insertion, plant_rows
from .text import catalogue

COLUMNS = ["id", "form", "row", "SUBJECT", "field", "value", "clean", "kind", "outcome", "expected"]
KINDS = {row["kind"]: row for row in catalogue("defect_kinds.csv")}  # with outcome and expected


def plant(
    rng: np.random.Generator, tables: dict[str, pa.Table], subjects: int, first: bool
) -> tuple[dict[str, pa.Table], list[dict]]:
    """The tables with defects, and the list of these: dicts of `COLUMNS` without id, `row` counted from 1 in the block.

    `first` marks the first block of an export, which has every kind at least once (if there is a row that it fits).
    """
    used = {form: np.zeros(table.num_rows, bool) for form, table in tables.items()}
    insertions, removed, found = plant_rows(rng, tables, used, subjects, first)
    changes: dict[tuple[str, str], dict[int, str | None]] = {}
    for edit in EDITS:
        found += _edit(rng, edit, tables[edit.form], used[edit.form], changes, subjects, first)
    done = {}
    for form, table in tables.items():
        for (where, field), cells in changes.items():
            if where == form:
                table = _changed(table, field, cells)
        done[form], position = _reshaped(table, [i for i in insertions if i.form == form], removed.get(form, []))
        for defect in found:
            if defect["form"] == form and defect["row"] is not None:
                defect["row"] = int(position[defect["row"]]) + 1
    return done, sorted(found, key=lambda d: (list(tables).index(d["form"]), d["row"] or 0))


def _edit(rng, edit: Edit, table: pa.Table, used: np.ndarray, changes: dict, subjects: int, first: bool) -> list[dict]:
    """Chooses the rows of one edit and notes the new cells in `changes`."""
    count = max(edit.at_least * first, int(edit.per_mille * subjects / 1000 + rng.random()))
    rows = np.flatnonzero(_eligible(edit, table) & ~used)
    rows = np.sort(rng.choice(rows, min(count, len(rows)), replace=False))
    used[rows] = True
    found = []
    for row, values in zip(rows.tolist(), table.take(pa.array(rows)).to_pylist()):
        for field, change in {edit.field: edit.change, **edit.also}.items():
            new = changes.setdefault((edit.form, field), {})[row] = change(rng, values[field], values)
            found.append({
                "form": edit.form, "row": row, "SUBJECT": values["SUBJECT"], "field": field, "value": new or "",
                "clean": values[field] or "", "kind": edit.kind,
            })
    return found


def _eligible(edit: Edit, table: pa.Table) -> np.ndarray:
    mask = pc.match_substring_regex(table[edit.field], edit.matches)
    for field, value in edit.where.items():
        mask = pc.and_(mask, pc.equal(table[field], value))
    return pc.fill_null(mask, False).to_numpy(zero_copy_only=False)


def _changed(table: pa.Table, field: str, cells: dict[int, str | None]) -> pa.Table:
    mask = np.zeros(table.num_rows, bool)
    mask[list(cells)] = True
    new = pa.array([cells[row] for row in sorted(cells)], pa.string())
    column = pc.replace_with_mask(table[field].combine_chunks(), pa.array(mask), new)
    return table.set_column(table.column_names.index(field), field, column)


def _reshaped(table: pa.Table, insertions: list[Insertion], removed: list[int]) -> tuple[pa.Table, np.ndarray]:
    """The table with rows added and removed; and the new position of each old row, then of each insertion."""
    n = table.num_rows
    if not insertions and not removed:
        return table, np.arange(n)
    after = np.array([i.after for i in insertions], np.int64)
    source = np.concatenate([np.arange(n), np.array([i.source for i in insertions], np.int64)])
    place = np.concatenate([np.arange(n), after + 0.5])
    order = np.argsort(place, kind="stable")
    order = order[~np.isin(order, removed)]
    grown = table.take(pa.array(source))
    for field in table.column_names:
        cells = {n + k: i.values[field] for k, i in enumerate(insertions) if field in i.values}
        if cells:
            grown = _changed(grown, field, cells)
    position = np.full(len(source), -1, np.int64)
    position[order] = np.arange(len(order))
    return grown.take(pa.array(order)), position


def start_list(path: Path) -> None:
    with open(path, "w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerow(COLUMNS)


def append_list(path: Path, found: list[dict], rows: dict[str, int], last_id: int) -> int:
    """Writes the defects of a block, whose tables start after `rows` rows of each form; returns the last id."""
    with open(path, "a", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        for last_id, defect in enumerate(found, last_id + 1):
            row = "" if defect["row"] is None else defect["row"] + rows[defect["form"]]
            writer.writerow({**defect, **KINDS[defect["kind"]], "id": f"D{last_id:04}", "row": row})
    return last_id
