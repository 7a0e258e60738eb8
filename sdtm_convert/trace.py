"""Where a value comes from: `sdtm-convert trace`, for a variable of a specification or package, and for single records of a package."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import Fault, InputError, Place, SpecError, did_you_mean
from .lineage import FORM, variable_lineage
from .trace_records import Records, chosen_records

MOST_RECORDS = 10  # that are traced at once
Node = tuple[str, str]  # (dataset, variable) or (raw table, field)


@dataclass(frozen=True)
class Lineage:
    """What lineage.json says (`lineage.variable_lineage`), and where the files that it names are looked for."""

    data: dict
    folder: str = ""  # of the specification, as messages show it; "" for a package
    package: Path | None = None

    def place(self, text: str) -> str:
        return os.path.normpath(f"{self.folder}/{text}") if self.folder else text

    def variable(self, node: Node) -> dict | None:
        """The entry of a variable; None for a raw field."""
        return self.data["variables"].get(node[0], {}).get(node[1])


def trace(path: str | Path, name: str, *, record: int | None = None, subject: str | None = None, seq: int | None = None,
          raw: str | Path | None = None) -> str:
    """The text that `sdtm-convert trace` prints for the variable `name` (AE.AESTDY) of a study folder or a package.

    For a package, `record` (from 1), or `subject` with or without `seq` (--SEQ), chooses records whose values are followed to the raw
    row; with `raw`, the folder of the raw export, down to the collected values. Raises SpecError for a name or record that there is
    not, InputError for a file that cannot be read.
    """
    lineage = load_lineage(path, raw)
    node = find_variable(lineage, name)
    lines = list(_head(lineage, node))
    if record is None and subject is None:
        if seq is not None:
            raise SpecError([Fault(Place("--seq"), "a sequence number is one of a subject.", "Add --subject.")])
        return "\n".join([*lines, *_tree(lineage, node)])
    if lineage.package is None:
        raise SpecError([Fault(Place(str(path)), "a specification has no records.", "Name the package that was built from it.")])
    if record is not None and (subject is not None or seq is not None):
        raise SpecError([Fault(Place("--record"), "a record is chosen by its number, or by its subject.", "Give --record or --subject.")])
    records = Records(lineage.package, lineage.data, Path(raw) if raw else None, _closure(lineage, node))
    rows = chosen_records(records, node[0], record, subject, seq)
    for row in rows[:MOST_RECORDS]:
        lines += ["", *records.head(node, row), *_tree(lineage, node, records, np.array([row]))]
    if len(rows) > MOST_RECORDS:
        lines += ["", f"... {len(rows) - MOST_RECORDS:,} further records; choose with --seq or --record"]
    return "\n".join([*lines, *(["", *records.notes] if records.notes else [])])


def load_lineage(path: str | Path, raw: str | Path | None = None) -> Lineage:
    """The lineage of a package (a folder with manifest.json), else of the study at `path`."""
    folder = Path(path)
    if not (folder / "manifest.json").is_file():
        from .load import load_study

        study = load_study(path, raw)
        return Lineage(variable_lineage(study), str(path if folder.is_dir() else study.folder))
    file = folder / "lineage" / "lineage.json"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}. Build the package again: its lineage is written with it.") from None
    except ValueError as error:
        raise InputError(f"{file}: is not the lineage that a build writes: {error}.") from None
    if not isinstance(data, dict) or data.get("form") != FORM:
        raise InputError(f"{file}: was written by another version of sdtm-convert; build the package again.")
    return Lineage(data, package=folder)


def find_variable(lineage: Lineage, name: str) -> Node:
    """The variable that a text names, in any case; SUPPAE.AETRTEM is the supplemental qualifier AE.AETRTEM."""
    dataset, dot, variable = name.upper().partition(".")
    variables, datasets = lineage.data["variables"], lineage.data["datasets"]
    if not dot:
        raise SpecError([Fault(Place(name), "names no variable.", "Write DATASET.VARIABLE, such as AE.AETERM.")])
    if dataset not in datasets:
        hint = did_you_mean(dataset, datasets) or f"There are {', '.join(datasets)}."
        raise SpecError([Fault(Place(name), f"there is no dataset '{dataset}'.", hint)])
    if variable not in variables[dataset] and variable in variables.get(datasets[dataset]["parent"], {}):
        dataset = datasets[dataset]["parent"]
    if variable not in variables[dataset]:
        raise SpecError([Fault(Place(name), f"{dataset} has no variable '{variable}'.", did_you_mean(variable, variables[dataset]))])
    return dataset, variable


# --- Words ------------------------------------------------------------------------------------------------------------


def _head(lineage: Lineage, node: Node) -> Iterator[str]:
    dataset, entry = lineage.data["datasets"][node[0]], lineage.variable(node)
    yield _title(lineage, node)
    yield f"made in   {', '.join(map(lineage.place, entry['places']))}"
    yield f"origin    {_origin(entry['origin'])}"
    if entry["method"]:
        yield f"method    {entry['method']}"
    if entry["codelist"]:
        yield f"codelist  {entry['codelist']}"
    for block in dataset["records"]:
        yield f"records   {block['source']}{_file(lineage, block['source'])}: {block['text']}"


def _file(lineage: Lineage, table: str) -> str:
    raw = lineage.data["raw"].get(table)
    return f" ({raw['file']}, form {raw['form']})" if raw else ""


def _origin(origin: dict) -> str:
    pages = f"{_pages(origin['pages'])} of the annotated CRF" if origin["pages"] else ""
    return ", ".join(filter(None, (origin["type"] or "by qualifier", origin["source"], origin["predecessor"], pages)))


def _pages(pages: list[str]) -> str:
    return f"page{'s' if len(pages) > 1 else ''} {', '.join(pages)}" if pages else ""


def _title(lineage: Lineage, node: Node) -> str:
    entry = lineage.variable(node)
    kinds = [f"{entry['label']} ({entry['type']})" if entry["label"] else entry["type"] and f"({entry['type']})",
             {"working": "working variable, not submitted", "supplemental": "supplemental qualifier"}.get(entry["kind"], "")]
    return "  ".join(filter(None, (".".join(node), *kinds)))


def _line(lineage: Lineage, node: Node, tests: list[str]) -> str:
    """One name of the tree: a variable with its place and origin, or a raw field with its form and page."""
    for_tests = f"for {', '.join(tests)}" if tests else ""
    entry = lineage.variable(node)
    if entry is not None:
        return "  ".join(filter(None, (_title(lineage, node), f"{entry['origin']['type']}, {lineage.place(entry['places'][0])}", for_tests)))
    raw = lineage.data["raw"].get(node[0], {})
    pages = _pages(raw.get("field_pages", {}).get(node[1], raw.get("pages", [])))
    return "  ".join(filter(None, (f"{node[0]}.{node[1]}", ", ".join(filter(None, (f"form {raw.get('form', '?')}", pages))), for_tests)))


# --- The tree of names ------------------------------------------------------------------------------------------------


def _tree(lineage: Lineage, node: Node, records: Records | None = None, rows: np.ndarray | None = None) -> Iterator[str]:
    """The names that a variable needs, down to the raw fields; with the values of these records of its dataset."""
    lines = list(_below(lineage, node, 1, {(node, _key(rows))}, records, rows))
    yield "needs" if lines else "needs     nothing that is collected"
    yield from lines


def _below(lineage: Lineage, node: Node, depth: int, seen: set, records: Records | None, rows: np.ndarray | None) -> Iterator[str]:
    """The lines below a variable; what is in `seen` is not explained again, so that a circle ends."""
    for (needed, how), tests in _needs(lineage, node, records, rows).items():
        theirs = None if records is None else records.related(node[0], rows, needed[0], how)
        line = "  " * depth + _line(lineage, needed, tests) + ("" if records is None else records.shown(needed, theirs))
        key = (needed, _key(theirs))
        deeper = lineage.variable(needed) is not None and any(step["needs"] for step in lineage.variable(needed)["steps"])
        if key in seen and deeper:
            yield f"{line}  (see above)"
            continue
        yield line
        seen.add(key)
        if deeper:
            yield from _below(lineage, needed, depth + 1, seen, records, theirs)


def _key(rows: np.ndarray | None) -> tuple | None:
    return None if rows is None else tuple(rows.tolist())


def _needs(lineage: Lineage, node: Node, records: Records | None = None, rows: np.ndarray | None = None) -> dict[tuple[Node, str], list[str]]:
    """The names that the steps of a variable use, of the "record" or the "subject", each with the tests that it is used for (none = all).

    Without records, a name comes once, whichever way it is used.
    """
    entry = lineage.variable(node)
    steps = entry["steps"] if records is None else records.steps_that_apply(node[0], rows, entry["steps"])
    found: dict[tuple[Node, str], list[str]] = {}
    for step in steps:
        for table, name, how in step["needs"]:
            tests = found.setdefault(((table, name), how if records else ""), [])
            if step["test"] and step["test"] not in tests and node[1] != "QVAL":
                tests.append(step["test"])
    return found


def _closure(lineage: Lineage, node: Node) -> dict[str, set[str]]:
    """Every variable that the tree of a variable names, by dataset."""
    waiting, found = [node], {}
    while waiting:
        dataset, variable = waiting.pop()
        if lineage.variable((dataset, variable)) is None or variable in found.setdefault(dataset, set()):
            continue
        found[dataset].add(variable)
        waiting += (needed for needed, _ in _needs(lineage, (dataset, variable)))
    return found
