"""What a define.xml says of the datasets beside it, as metadata for rules: labels, types, lengths, keys, codelists, classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lxml import etree

from .define.elements import name_of, read_define
from .define.index import Define, Use, build_index, children, code_of, description, get, is_define, terms_of
from .errors import InputError
from .model import Codelist, Dataset, Term, Variable

NUMBERS, MOMENTS = ("integer", "float"), ("date", "time", "datetime")


def described_datasets(define: Path) -> dict[str, Dataset]:
    """The datasets of a define.xml 2.1 by name.

    Raises InputError where the file cannot be read, is no well-formed XML, has a DOCTYPE (no entities are expanded), or is of another
    version.
    """
    root = read_define(define)
    if not is_define(root):
        raise InputError(f"{name_of(define)}: not a define.xml of version 2.1; it is not used.")
    index = build_index(root, name_of(define), None)
    codelists = {oid: _codelist(element) for oid, element in index.parts.get("CodeList", {}).items()}
    found = [_dataset(index, element, codelists) for element in index.all("ItemGroupDef")]
    return {dataset.name: dataset for dataset in found}


def declared_terms(define: Path) -> dict[str, tuple[Term, ...]]:
    """The sponsor's own terms (def:ExtendedValue) by the C-code of the codelist that they extend. Raises InputError."""
    index = build_index(read_define(define), name_of(define), None)
    found: dict[str, tuple[Term, ...]] = {}
    for element in index.parts.get("CodeList", {}).values():
        own = tuple(Term(term.get("CodedValue") or "") for term in terms_of(element) if get(term, "def:ExtendedValue") == "Yes")
        if own and code_of(element):
            found[code_of(element)] = found.get(code_of(element), ()) + own
    return found


def merged(own: Dataset | None, said: Dataset | None) -> Dataset | None:
    """A dataset's own metadata, completed by what define.xml says. Labels, types and lengths of the file itself stay: they are what is
    checked."""
    if own is None or said is None:
        return own or said
    return replace(said, name=own.name, label=own.label or said.label, records=own.records,
                   variables=tuple(_merged_variable(variable, said.by_name.get(variable.name)) for variable in own.variables))


def _merged_variable(own: Variable, said: Variable | None) -> Variable:
    if said is None:
        return own
    return replace(said, name=own.name, label=own.label, type=own.type, length=own.length, order=own.order,
                   display_format=own.display_format)


def _dataset(define: Define, element: etree._Element, codelists: dict[str, Codelist]) -> Dataset:
    uses = [use for use in define.uses if use.dataset is element and use.parent is None]
    variables = sorted((_variable(use, codelists) for use in uses), key=lambda variable: variable.order)
    classes = [each.get("Name") or "" for each in children(element, "def:Class")]
    subclasses = [sub.get("Name") or "" for each in children(element, "def:Class") for sub in children(each, "def:SubClass")]
    keys = sorted((variable.key, variable.name) for variable in variables if variable.key is not None)
    return Dataset(
        name=(element.get("Name") or "").upper(), label=description(element), class_name=(classes or [""])[0],
        structure=get(element, "def:Structure"), variables=tuple(variables), keys=tuple(name for _, name in keys),
        domain=element.get("Domain") or "", subclass=(subclasses or [""])[0], purpose=element.get("Purpose") or "",
        repeating=element.get("Repeating") == "Yes", reference_data=element.get("IsReferenceData") == "Yes",
        non_standard=get(element, "def:IsNonStandard") == "Yes",
    )


def _variable(use: Use, codelists: dict[str, Codelist]) -> Variable:
    item, ref = use.item, use.ref
    data_type, shown = item.get("DataType") or "", get(item, "def:DisplayFormat")
    number = data_type in NUMBERS or (data_type in MOMENTS and bool(shown))  # a date of ADaM is a number with a format
    lists = [codelists.get(each.get("CodeListOID") or "") for each in children(item, "CodeListRef")]
    return Variable(
        name=(item.get("Name") or "").upper(), label=description(item), type="Num" if number else "Char", data_type=data_type,
        length=_whole(item.get("Length")) or (8 if number else 0), order=_whole(ref.get("OrderNumber")) or 0, role=ref.get("Role") or "",
        mandatory=ref.get("Mandatory") == "Yes", key=_whole(ref.get("KeySequence")), display_format=shown,
        significant_digits=_whole(item.get("SignificantDigits")), codelist=(lists or [None])[0],
        non_standard=get(ref, "def:IsNonStandard") == "Yes",
    )


def _codelist(element: etree._Element) -> Codelist:
    terms = tuple(Term(term.get("CodedValue") or "", code_of(term), description(term, "Decode")) for term in terms_of(element))
    name = element.get("Name") or ""
    return Codelist(code_of(element), element.get("SASFormatName") or element.get("OID") or name, name, False, terms)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
