"""A define.xml against the transport files beside it: what it says about them must be what they hold.

Source: the FDA's and PMDA's expectation that names, labels, types, order and lengths in define.xml and in the XPT files are the
same; read from the headers of the files, without their data.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from lxml import etree

from ..errors import InputError
from ..findings import combine, findings
from ..xpt import XptMetadata, list_members
from .elements import name_of, read_define
from .index import Define, Rule, Use, build_index, children, description, get, is_define, row

NUMBERS, EITHER = ("integer", "float"), ("date", "time", "datetime")  # a date may be ISO 8601 text or, in ADaM, a number

RULES: dict[str, Rule] = {
    identifier: Rule(identifier, severity, text)
    for identifier, severity, text in (
        ("DEFINE-0201", "error", "The file of a described dataset exists."),
        ("DEFINE-0202", "error", "A file holds one dataset, of the name that is described."),
        ("DEFINE-0203", "error", "The label of a dataset is the same in the file."),
        ("DEFINE-0204", "error", "Every variable of a file is described."),
        ("DEFINE-0205", "error", "Every described variable is in the file."),
        ("DEFINE-0206", "error", "The variables stand in the same order in the file."),
        ("DEFINE-0207", "error", "The label of a variable is the same in the file."),
        ("DEFINE-0208", "error", "The type of a variable, character or numeric, is that of the file."),
        ("DEFINE-0209", "error", "The Length of a text variable is its width in the file."),
        ("DEFINE-0210", "warning", "The display format of a variable, where there is one, is that of the file."),
        ("DEFINE-0211", "warning", "A dataset is def:HasNoData exactly when there are no records of it."),
        ("DEFINE-0212", "error", "Every transport file in the folder is described."),
    )
}


def compare_with_xpt(define: Path | bytes, folder: Path | None = None) -> pd.DataFrame:
    """Findings (columns as in findings.py) where a define.xml and the transport files in `folder` say different things.

    `define` is the path, or the bytes; `folder` is by default where the define.xml lies. Raises InputError where a file cannot
    be read, or is no define.xml or transport file.
    """
    if folder is None and isinstance(define, bytes):
        raise InputError("define.xml: name the folder of the transport files, as the define.xml itself is not in one.")
    folder = Path(folder) if folder else Path(define).parent
    root = read_define(define)
    if not is_define(root):
        raise InputError(f"{name_of(define)}: not a define.xml of version 2.1.")
    index = build_index(root, name_of(define), folder)
    rows = [*_undescribed(index, folder)]
    for dataset in index.all("ItemGroupDef"):
        rows.extend(_dataset_rows(index, dataset, folder))
    return combine([findings([{"rule": rule, "severity": RULES[rule].severity} | found for rule, found in rows])])


def _undescribed(define: Define, folder: Path) -> Iterator[tuple[str, dict]]:
    described = {get(leaf, "xlink:href").lower() for leaf in define.all("def:leaf")}
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() == ".xpt" and path.name.lower() not in described:
            yield "DEFINE-0212", row(define, define.version, f"The file {path.name} is not described.", path.name) | {
                "dataset": path.stem.upper()}


def _dataset_rows(define: Define, dataset: etree._Element, folder: Path) -> Iterator[tuple[str, dict]]:
    leaves, name = children(dataset, "def:leaf"), dataset.get("Name") or ""
    file = get(leaves[0], "xlink:href") if leaves else f"{name.lower()}.xpt"
    empty = get(dataset, "def:HasNoData") == "Yes"
    if not (folder / file).is_file():
        if not empty:
            yield "DEFINE-0201", row(define, dataset, f"The file {file} is missing.", file)
        return
    members = list_members(folder / file)
    names = [member.name for member in members]
    if names != [name]:
        yield "DEFINE-0202", row(define, dataset, f"{file} holds {', '.join(names) or 'no dataset'}, not {name}.", ", ".join(names))
        return
    if empty != (members[0].rows == 0):
        yield "DEFINE-0211", row(define, dataset, f"{file} has {members[0].rows} records.", str(members[0].rows))
    if description(dataset) != members[0].label:
        yield "DEFINE-0203", _differs(define, dataset, "label", description(dataset), members[0].label)
    uses = [use for use in define.uses if use.dataset is dataset and use.parent is None]
    yield from _variable_rows(define, dataset, sorted(uses, key=_order_number), members[0])


def _order_number(use: Use) -> int:
    number = use.ref.get("OrderNumber") or ""
    return int(number) if number.isdecimal() else 0


def _variable_rows(define: Define, dataset: etree._Element, uses: list[Use], member: XptMetadata) -> Iterator[tuple[str, dict]]:
    described = {use.item.get("Name") or "": use for use in uses}
    held = {variable.name: variable for variable in member.variables}
    for name in (name for name in held if name not in described):
        yield "DEFINE-0204", row(define, dataset, f"The variable {name} of the file is not described.") | {"variables": name}
    for name in (name for name in described if name not in held):
        yield "DEFINE-0205", row(define, described[name].ref, f"The variable {name} is not in the file.") | {"variables": name}
    both = [name for name in described if name in held]
    order = [name for name in held if name in described]
    if both != order:
        first = next(here for here, there in zip(both, order) if here != there)
        yield "DEFINE-0206", row(define, described[first].ref, f"The order differs from {first} on.", ", ".join(order)) | {
            "variables": first}
    for name in both:
        yield from _attribute_rows(define, described[name], held[name])


def _attribute_rows(define: Define, use: Use, variable) -> Iterator[tuple[str, dict]]:
    item, here = use.item, {"dataset": use.dataset.get("Name"), "variables": variable.name}
    data_type, length, shown = (item.get("DataType") or "", item.get("Length") or "", get(item, "def:DisplayFormat"))
    if description(item) != variable.label:
        yield "DEFINE-0207", _differs(define, item, "label", description(item), variable.label) | here
    expected = "Num" if data_type in NUMBERS else variable.type if data_type in EITHER else "Char"
    if expected != variable.type:
        yield "DEFINE-0208", _differs(define, item, "type", data_type, variable.type) | here
    if data_type == "text" and variable.type == "Char" and length != str(variable.length):
        yield "DEFINE-0209", _differs(define, item, "length", length, str(variable.length)) | here
    if shown and shown.upper().rstrip(".") != variable.format.upper().rstrip("."):
        yield "DEFINE-0210", _differs(define, item, "display format", shown, variable.format) | here


def _differs(define: Define, element: etree._Element, what: str, here: str, there: str) -> dict:
    return row(define, element, f"The {what} is {here!r} in define.xml and {there!r} in the file.", f"{here}; {there}")
