"""A comparison in words for the terminal, and every single difference as CSV or JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from .columns import as_text
from .compare import Comparison, Side
from .compare_tables import DatasetDifference
from .errors import Fault, InputError, Place, SpecError
from .report.tables import _harmless
from .tables import take

COLUMNS = ("part", "change", "dataset", "keys", "record_a", "record_b", "variable", "attribute", "old", "new")
MOST_LINES = 12  # of one kind for one dataset
WIDEST = 60  # characters of a value in the summary


# --- In words ---------------------------------------------------------------------------------------------------------


def summary(comparison: Comparison) -> str:
    """The comparison as text: what differs, dataset by dataset, with an example for every variable."""
    lines = [f"A  {_side(comparison.a)}", f"B  {_side(comparison.b)}", *_inputs(comparison), ""]
    lines += _table([d for d in comparison.datasets if d.different])
    for dataset in (d for d in comparison.datasets if d.different and d.in_both):
        lines += _dataset_lines(dataset)
    same = [d.name for d in comparison.datasets if not d.different]
    lines += [f"same: {', '.join(same)}"] if same else []
    lines += [*_define_lines(comparison), *_finding_lines(comparison), "", "A and B differ." if comparison.different else "A and B are the same."]
    return "\n".join(lines)


def _side(side: Side) -> str:
    manifest = side.manifest
    about = ", ".join(filter(None, (manifest.get("study", ""), f"created {manifest['created']}" if manifest.get("created") else "")))
    return f"{side.path}{f' ({about})' if about else ''}: {len(side.files)} dataset{'' if len(side.files) == 1 else 's'}"


def _inputs(comparison: Comparison) -> Iterator[str]:
    for change in comparison.inputs:
        versions = f": {change.old or 'none'} -> {change.new or 'none'}" if change.kind == "version" else ""
        yield f"input  {change.kind} {change.name} {change.change}{versions}"
    if comparison.a.manifest and comparison.b.manifest and not comparison.inputs:
        yield "input  the same raw files, specification and versions"


def _table(datasets: list[DatasetDifference]) -> list[str]:
    if not datasets:
        return []
    lines = [f"{'dataset':9} {'records A':>11} {'records B':>11} {'added':>9} {'removed':>9} {'changed':>9} {'cells':>9}  matched by"]
    for d in datasets:
        counts = [len(d.match.added), len(d.match.removed), d.changed_records, sum(len(c.a) for c in d.cells)] if d.match else [""] * 4
        keys = ", ".join(d.keys) or "row number" if d.match else f"only in {'B' if d.records_a is None else 'A'}"
        lines.append(f"{d.name:9} {_count(d.records_a):>11} {_count(d.records_b):>11} " + " ".join(f"{_count(n):>9}" for n in counts) + f"  {keys}")
    return [*lines, ""]


def _count(number: int | str | None) -> str:
    return "-" if number is None else f"{number:,}" if number != "" else ""


def _dataset_lines(d: DatasetDifference) -> list[str]:
    lines = [f"  {a.variable or 'dataset'} {a.attribute}: {_shown(a.old) or 'none'} -> {_shown(a.new) or 'none'}" for a in d.attributes]
    lines = _at_most(lines)
    if d.match.repeated and d.keys:
        lines.append(f"  {d.match.repeated:,} records repeat the keys of an earlier one; these are matched in their order")
    for what, rows, frame in (("removed", d.match.removed, d.keys_a), ("added", d.match.added, d.keys_b)):
        if len(rows):
            lines.append(f"  {len(rows):,} {what}, first: record {rows[0] + 1} {key_texts(frame, rows[:1]).iloc[0]}")
    cells = [f"  {c.variable}: {len(c.a):,} changed, first: {_shown(c.old.iloc[0]) or 'missing'} -> {_shown(c.new.iloc[0]) or 'missing'}"
             f" (record {c.b[0] + 1} {key_texts(d.keys_b, c.b[:1]).iloc[0]})" for c in sorted(d.cells, key=lambda c: -len(c.a))]
    return [d.name, *lines, *_at_most(cells), ""]


def _at_most(lines: list[str]) -> list[str]:
    return lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], f"  ... {len(lines) - MOST_LINES} more; --out FILE has them all"]


def _shown(text: str) -> str:
    """A value in quotes, cut to a width; "" for a missing one. Control characters must not reach a terminal."""
    return json.dumps(text if len(text) <= WIDEST else text[:WIDEST] + "...", ensure_ascii=False) if text else ""


def _define_lines(comparison: Comparison) -> Iterator[str]:
    for part in dict.fromkeys(change.kind for change in comparison.define):
        own = [change for change in comparison.define if change.kind == part]
        yield f"define.xml ({part}): {len(own)} parts differ: {', '.join(f'{c.name} {c.change}' for c in own[:5])}{' ...' if len(own) > 5 else ''}"


def _finding_lines(comparison: Comparison) -> Iterator[str]:
    for what, table in (("new", comparison.new_findings), ("gone", comparison.gone_findings)):
        if len(table):
            rules = table.groupby(["rule", "dataset"], sort=True, dropna=False).size()
            shown = [f"{rule} {dataset if isinstance(dataset, str) else ''} {count:,}" for (rule, dataset), count in rules.head(MOST_LINES).items()]
            yield f"findings: {len(table):,} {what}: {', '.join(shown)}{' ...' if len(rules) > MOST_LINES else ''}"


# --- Every difference -------------------------------------------------------------------------------------------------


def write_details(comparison: Comparison, path: Path) -> None:
    """Every difference as a row (columns: COLUMNS) of a .csv or .json file; written aside and renamed.

    `part` is dataset, variable, record, cell, finding, define or input; `record_a` and `record_b` count from 1. In CSV, text that a
    spreadsheet would run as a formula gets an apostrophe in front. Raises SpecError for another ending, InputError if it cannot be written.
    """
    write = {".csv": _write_csv, ".json": _write_json}.get(path.suffix.lower())
    if write is None:
        raise SpecError([Fault(Place("--out"), f"'{path.name}' ends neither with .csv nor with .json.")])
    try:
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as aside:
            with (Path(aside) / path.name).open("w", encoding="utf-8", newline="") as file:
                write(differences(comparison), file)
            os.replace(Path(aside) / path.name, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}.") from error


def _write_csv(pieces: Iterator[pd.DataFrame], file) -> None:
    file.write(",".join(COLUMNS) + "\n")
    for piece in pieces:
        texts = {name: _harmless(piece[name]) for name in COLUMNS if not name.startswith("record")}
        piece.assign(**texts).to_csv(file, header=False, index=False, lineterminator="\n")


def _write_json(pieces: Iterator[pd.DataFrame], file) -> None:
    file.write("[")
    first = True
    for piece in pieces:
        columns = [piece[name].astype(object).where(piece[name].notna(), None).tolist() for name in COLUMNS]
        for row in zip(*columns):
            file.write(("\n" if first else ",\n") + json.dumps(dict(zip(COLUMNS, row)), ensure_ascii=False))
            first = False
    file.write("\n]\n")


def differences(comparison: Comparison) -> Iterator[pd.DataFrame]:
    """Every difference, in pieces of the columns COLUMNS: text, but for the Int64 `record_a` and `record_b`."""
    yield _changes("input", comparison.inputs)
    for d in comparison.datasets:
        if not d.in_both:
            yield _piece(1, part="dataset", change="added" if d.records_a is None else "removed", dataset=d.name)
        elif d.different:
            yield from _dataset_pieces(d)
    yield _changes("define", comparison.define)
    for change, table in (("added", comparison.new_findings), ("removed", comparison.gone_findings)):
        value = "new" if change == "added" else "old"
        yield _piece(len(table), part="finding", change=change, dataset=table["dataset"], keys=table["usubjid"], variable=table["variables"],
                     attribute=table["rule"], **{value: table["values"], "record_b" if change == "added" else "record_a": table["record"]})


def _changes(part: str, changes: tuple) -> pd.DataFrame:
    names = {"change": "change", "variable": "kind", "attribute": "name", "old": "old", "new": "new"}
    return _piece(len(changes), part=part, **{column: [getattr(c, name) for c in changes] for column, name in names.items()})


def _dataset_pieces(d: DatasetDifference) -> Iterator[pd.DataFrame]:
    for a in d.attributes:
        change = "added" if a.attribute == "variable" and a.new else "removed" if a.attribute == "variable" else "changed"
        yield _piece(1, part="variable" if a.variable else "dataset", change=change, dataset=d.name, variable=a.variable, attribute=a.attribute,
                     old=a.old, new=a.new)
    for change, rows, keys, column in (("removed", d.match.removed, d.keys_a, "record_a"), ("added", d.match.added, d.keys_b, "record_b")):
        yield _piece(len(rows), part="record", change=change, dataset=d.name, keys=key_texts(keys, rows), **{column: rows + 1})
    for c in d.cells:
        yield _piece(len(c.a), part="cell", change="changed", dataset=d.name, keys=key_texts(d.keys_b, c.b), record_a=c.a + 1, record_b=c.b + 1,
                     variable=c.variable, old=c.old, new=c.new)


def _piece(length: int, **columns) -> pd.DataFrame:
    frame = pd.DataFrame(columns, index=pd.RangeIndex(length)).reindex(columns=list(COLUMNS))
    return frame.astype({name: "Int64" if name.startswith("record") else "str" for name in COLUMNS})


def key_texts(keys: pd.DataFrame, rows: np.ndarray) -> pd.Series:
    """The keys of some rows as one text each: "USUBJID=01-701-1015; AESEQ=3"."""
    text = pd.Series("", index=pd.RangeIndex(len(rows)), dtype="str")
    for position, name in enumerate(keys.columns):
        text = text + f"{'; ' if position else ''}{name}=" + as_text(take(keys[name], rows)).fillna("")
    return text
