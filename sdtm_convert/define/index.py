"""A parsed define.xml with its parts by OID, and what a rule is: the ground that all checks stand on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from lxml import etree

from .elements import qualified, short

# Which attribute of which element points to what. "*" = any element.
POINTERS = {
    ("ItemRef", "ItemOID"): "ItemDef",
    ("CodeListRef", "CodeListOID"): "CodeList",
    ("ItemRef", "MethodOID"): "MethodDef",
    ("*", "def:CommentOID"): "def:CommentDef",
    ("def:WhereClauseRef", "WhereClauseOID"): "def:WhereClauseDef",
    ("def:ValueListRef", "ValueListOID"): "def:ValueListDef",
    ("def:DocumentRef", "leafID"): "def:leaf",
    ("*", "def:StandardOID"): "def:Standard",
    ("RangeCheck", "def:ItemOID"): "ItemDef",
    ("arm:AnalysisDataset", "ItemGroupOID"): "ItemGroupDef",
    ("arm:AnalysisVariable", "ItemOID"): "ItemDef",
    ("arm:AnalysisResult", "ParameterOID"): "ItemDef",
}


@dataclass(frozen=True)
class Pointer:
    """One reference: the element that has it, its attribute, the kind of thing and the OID that it points to."""

    element: etree._Element
    attribute: str
    kind: str
    oid: str


@dataclass(frozen=True)
class Use:
    """A variable of a dataset, or with `parent` one value level of it: its ItemRef and its ItemDef."""

    dataset: etree._Element
    ref: etree._Element
    item: etree._Element
    parent: Use | None = None

    @property
    def purpose(self) -> str:
        return self.dataset.get("Purpose") or ""


@dataclass(frozen=True)
class Define:
    """A define.xml as the rules see it.

    `parts`: elements by kind (ItemDef, CodeList, def:leaf ...) and OID; `pointers`: every reference; `uses`: every variable of
    every dataset, followed by its value levels; `places`: dataset and variable of an ItemDef, for messages.
    """

    file: str
    root: etree._Element
    version: etree._Element
    folder: Path | None
    parts: dict[str, dict[str, etree._Element]]
    pointers: tuple[Pointer, ...]
    uses: tuple[Use, ...]
    places: dict[str, tuple[str, str]]

    def all(self, tag: str) -> Iterator[etree._Element]:
        """Every element of this kind, anywhere, in document order; ODM's tags have no prefix."""
        return self.version.iter(qualified(tag if ":" in tag else f"odm:{tag}"))


def is_define(root: etree._Element) -> bool:
    """Whether this is a define.xml of version 2.1."""
    version = next(root.iter(qualified("odm:MetaDataVersion")), None)
    return version is not None and get(version, "def:DefineVersion").startswith("2.1")


def build_index(root: etree._Element, file: str, folder: Path | None) -> Define:
    """The index of a define.xml; see `is_define`. `file` is what messages call it, `folder` where its files lie."""
    version = next(root.iter(qualified("odm:MetaDataVersion")))
    parts: dict[str, dict[str, etree._Element]] = {}
    pointers = []
    for element in version.iter(etree.Element):
        tag = short(element.tag)
        identifier = element.get("OID") or element.get("ID")
        if identifier:
            parts.setdefault(tag, {}).setdefault(identifier, element)
        pointers.extend(_pointers(element, tag))
    uses = tuple(_uses(parts))
    places: dict[str, tuple[str, str]] = {}
    for use in uses:
        variable = (use.parent or use).item
        places.setdefault(use.item.get("OID"), (use.dataset.get("Name") or "", variable.get("Name") or ""))
    return Define(file, root, version, folder, parts, tuple(pointers), uses, places)


def _pointers(element: etree._Element, tag: str) -> Iterator[Pointer]:
    for name, value in element.attrib.items():
        name = short(name)
        kind = POINTERS.get((tag, name)) or POINTERS.get(("*", name))
        if kind:
            yield Pointer(element, name, kind, value)


def _uses(parts: dict[str, dict[str, etree._Element]]) -> Iterator[Use]:
    items, lists = parts.get("ItemDef", {}), parts.get("def:ValueListDef", {})
    for dataset in parts.get("ItemGroupDef", {}).values():
        for ref in children(dataset, "ItemRef"):
            item = items.get(ref.get("ItemOID"))
            if item is None:
                continue
            use = Use(dataset, ref, item)
            yield use
            for value_list in children(item, "def:ValueListRef"):
                values = lists.get(value_list.get("ValueListOID"))
                for value_ref in children(values, "ItemRef") if values is not None else ():
                    value = items.get(value_ref.get("ItemOID"))
                    if value is not None:
                        yield Use(dataset, value_ref, value, use)


# --- Reading elements -------------------------------------------------------------------------------------------------


def children(element: etree._Element, tag: str) -> list[etree._Element]:
    """The children of this kind."""
    return list(element.iterchildren(qualified(tag if ":" in tag else f"odm:{tag}")))


def get(element: etree._Element, name: str) -> str:
    """An attribute by its prefixed name; "" where it is absent."""
    return element.get(qualified(name)) or ""


def description(element: etree._Element, tag: str = "Description") -> str:
    """The text of the element's Description (or Decode), without outer blanks; "" where there is none."""
    for child in children(element, tag):
        for text in children(child, "TranslatedText"):
            return (text.text or "").strip()
    return ""


def code_of(element: etree._Element) -> str:
    """The NCI C-code of a codelist or term."""
    codes = [alias.get("Name") or "" for alias in children(element, "Alias") if alias.get("Context") == "nci:ExtCodeID"]
    return codes[0] if codes else ""


def terms_of(codelist: etree._Element) -> list[etree._Element]:
    return children(codelist, "CodeListItem") + children(codelist, "EnumeratedItem")


# --- Rules ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """One check: its id, the severity of what it finds, what it demands in a sentence, and the function that looks.

    Without a function, it is looked for where a file is read or compared.
    """

    id: str
    severity: str
    text: str
    check: Callable[[Define], Iterator[dict]] | None = None


def rule(identifier: str, severity: str):
    """Make a function a rule: it yields a `row` for each thing that is wrong; its docstring says what is demanded."""

    def mark(function: Callable[[Define], Iterator[dict]]):
        function.rule = Rule(identifier, severity, " ".join((inspect.getdoc(function) or "").split()), function)
        return function

    return mark


def rules_of(module: ModuleType) -> list[Rule]:
    """The rules that a module defines: its functions under `@rule`, and the table TABLE where it has one."""
    marked = [value.rule for value in vars(module).values() if hasattr(value, "rule")]
    return marked + list(getattr(module, "TABLE", ()))


def row(define: Define, element: etree._Element, message: str, values: str = "") -> dict:
    """A finding about an element: the dataset and variable that it belongs to, and its line in the file."""
    dataset, variable = place_of(define, element)
    return {"dataset": dataset, "variables": variable, "values": values, "message": message,
            "source": f"{define.file}:{element.sourceline}"}


def place_of(define: Define, element: etree._Element) -> tuple[str, str]:
    """The dataset and variable that an element is about, as far as its ancestors tell; else ""."""
    dataset = variable = ""
    for ancestor in (element, *element.iterancestors()):
        tag = short(ancestor.tag)
        if tag == "ItemDef":
            return define.places.get(ancestor.get("OID"), ("", ancestor.get("Name") or ""))
        if tag == "ItemRef":
            variable = define.places.get(ancestor.get("ItemOID"), ("", ""))[1]
            dataset = define.places.get(ancestor.get("ItemOID"), ("", ""))[0]
        if tag == "ItemGroupDef":
            return ancestor.get("Name") or "", variable
    return dataset, variable
