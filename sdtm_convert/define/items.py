"""The large parts of a MetaDataVersion: value lists, where clauses, datasets, variables and codelists."""

from __future__ import annotations

import re

from lxml import etree

from ..errors import InputError, did_you_mean
from ..model import Codelist, Dataset, Dictionary, Document, Origin, Package, RangeCheck, Term
from .collect import (Item, Shared, codelist_key, codelist_of, comment_of, dataset_comment, has_no_values, item_key, item_name,
                      joined_text, method_key, slug, standard_key, where_key)
from .elements import add, add_text, yes

WITH_LENGTH = ("text", "integer", "float")
SAS_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,7}")


def add_value_lists(mdv: etree._Element, shared: Shared) -> None:
    """def:ValueListDef: for each variable with value levels, one ItemRef a where clause."""
    for dataset in shared.datasets:
        for variable in dataset.variables:
            if not variable.value_level:
                continue
            values = add(mdv, "def:ValueListDef", {"OID": value_list_oid(Item(dataset, variable))})
            for number, value in enumerate(variable.value_level, 1):
                item = Item(dataset, variable, value)
                method = value.method and shared.methods.oids[method_key(value.method)]
                ref = add(values, "ItemRef", {"ItemOID": shared.items.oids[item_key(item)], "OrderNumber": number,
                                              "Mandatory": "Yes" if value.mandatory else "No", "MethodOID": method})
                add(ref, "def:WhereClauseRef", {"WhereClauseOID": shared.wheres.oids[where_key(item)]})


def value_list_oid(item: Item) -> str:
    return f"VL.{slug(item.dataset.name)}.{slug(item.variable.name)}"


def add_where_clauses(mdv: etree._Element, shared: Shared) -> None:
    """def:WhereClauseDef: conditions that all hold; one across datasets says in a comment how they are joined."""
    for oid, item in shared.wheres.things.items():
        join = joined_text(item)
        clause = add(mdv, "def:WhereClauseDef", {"OID": oid, "def:CommentOID": shared.comments.oids[join] if join else None})
        for check in item.value.where:
            ranged = add(clause, "RangeCheck", {"Comparator": check.comparator, "SoftHard": "Soft",
                                                "def:ItemOID": _checked_item(item, check, shared)})
            for value in check.values:
                add(ranged, "CheckValue", text=value)


def _checked_item(item: Item, check: RangeCheck, shared: Shared) -> str:
    dataset = check.dataset or item.dataset.name
    oid = shared.items.oids.get((dataset, check.variable, None))
    if not oid:
        known = [f"{name}.{variable}" for name, variable, where in shared.items.oids if where is None]
        raise InputError(f"define.xml: {item.dataset.name}.{item.variable.name}: the where clause of a value level names "
                         f"{dataset}.{check.variable}, which is not in the package. "
                         f"{did_you_mean(f'{dataset}.{check.variable}', known)}".strip())
    return oid


# --- Datasets ---------------------------------------------------------------------------------------------------------


def add_datasets(mdv: etree._Element, shared: Shared) -> None:
    """ItemGroupDef: a dataset with its variables in order, its class and its file."""
    guides = [oid for oid, standard in shared.standards.things.items() if standard.type == "IG"]
    for dataset in shared.datasets:
        leaf = shared.leaves.oids[("dataset", dataset.name)]
        comment = dataset_comment(dataset)
        group = add(mdv, "ItemGroupDef", {
            "OID": f"IG.{slug(dataset.name)}",
            "Name": dataset.name,
            "Repeating": "Yes" if dataset.repeating and not dataset.reference_data else "No",
            "IsReferenceData": "Yes" if dataset.reference_data else "No",
            "SASDatasetName": dataset.name if SAS_NAME.fullmatch(dataset.name) else None,
            "Domain": (dataset.domain or dataset.name) if _is_tabulation(dataset) else None,
            "Purpose": dataset.purpose,
            "def:Structure": dataset.structure,
            "def:ArchiveLocationID": leaf if dataset.records else None,
            "def:StandardOID": guides[0] if guides and not dataset.non_standard else None,
            "def:IsNonStandard": yes(dataset.non_standard),
            "def:HasNoData": yes(not dataset.records),
            "def:CommentOID": shared.comments.oids[comment] if comment else None,
        })
        add_text(group, "Description", dataset.label)
        _add_variable_refs(group, dataset, shared)
        if dataset.parent_label:
            add(group, "Alias", {"Context": "DomainDescription", "Name": dataset.parent_label})
        _add_class(group, dataset)
        if dataset.records:
            add_leaf(group, leaf, f"{dataset.name.lower()}.xpt", f"{dataset.name.lower()}.xpt")


def _is_tabulation(dataset: Dataset) -> bool:
    return dataset.purpose == "Tabulation"


def _add_variable_refs(group: etree._Element, dataset: Dataset, shared: Shared) -> None:
    keys = {name: number for number, name in enumerate(dataset.keys, 1)}
    for number, variable in enumerate(dataset.variables, 1):
        item = Item(dataset, variable)
        add(group, "ItemRef", {
            "ItemOID": shared.items.oids[item_key(item)],
            "OrderNumber": number,
            "Mandatory": "Yes" if variable.mandatory else "No",
            "KeySequence": keys.get(variable.name) if keys else variable.key,
            "MethodOID": variable.method and shared.methods.oids[method_key(variable.method)],
            "Role": (variable.role or None) if _is_tabulation(dataset) else None,
            "def:IsNonStandard": yes(variable.non_standard and _is_tabulation(dataset) and not dataset.non_standard),
            "def:HasNoData": yes(has_no_values(item)),
        })


def _add_class(group: etree._Element, dataset: Dataset) -> None:
    """def:Class; an analysis dataset that follows no standard has none."""
    if dataset.class_name and (_is_tabulation(dataset) or not dataset.non_standard):
        its_class = add(group, "def:Class", {"Name": dataset.class_name})
        if dataset.subclass:
            add(its_class, "def:SubClass", {"Name": dataset.subclass})


def add_leaf(parent: etree._Element, identifier: str, file: str, title: str) -> None:
    leaf = add(parent, "def:leaf", {"ID": identifier, "xlink:href": file})
    add(leaf, "def:title", text=title)


# --- Variables --------------------------------------------------------------------------------------------------------


def add_items(mdv: etree._Element, package: Package, shared: Shared) -> None:
    """ItemDef: variables in the order of the datasets, then the value levels."""
    annotated = [document for document in package.documents if document.kind == "crf"]
    for oid, item in shared.items.things.items():
        thing, comment = item.value or item.variable, comment_of(item)
        name = item_name(item)
        element = add(mdv, "ItemDef", {
            "OID": oid,
            "Name": name,
            "DataType": thing.data_type,
            "Length": thing.length if thing.data_type in WITH_LENGTH else None,
            "SignificantDigits": thing.significant_digits if thing.data_type == "float" else None,
            "SASFieldName": name if _has_field(item, name) else None,
            "def:DisplayFormat": thing.display_format or None,
            "def:CommentOID": shared.comments.oids[comment] if comment else None,
        })
        add_text(element, "Description", thing.label)
        codelist = _codelist_oid(item, shared)
        if codelist:
            add(element, "CodeListRef", {"CodeListOID": codelist})
        if thing.origin and not (item.value and thing.origin == item.variable.origin):
            _add_origin(element, thing.origin, annotated[0] if annotated else None, shared)
        if not item.value and item.variable.value_level:
            add(element, "def:ValueListRef", {"ValueListOID": value_list_oid(item)})


def _has_field(item: Item, name: str) -> bool:
    """Whether the item is a field that SAS knows: a variable, or a qualifier that becomes one."""
    return bool(SAS_NAME.fullmatch(name)) and (not item.value or name != item.variable.name)


def _codelist_oid(item: Item, shared: Shared) -> str | None:
    if codelist_of(item):
        return shared.codelists.oids[codelist_key(item)]
    dictionary = "" if item.value else item.variable.dictionary
    return shared.dictionaries.oids[dictionary.casefold()] if dictionary else None


def _add_origin(parent: etree._Element, origin: Origin, annotated_crf: Document | None, shared: Shared) -> None:
    source = (origin.source or None) if origin.type != "Predecessor" else None
    element = add(parent, "def:Origin", {"Type": origin.type, "Source": source})
    if origin.predecessor:
        add_text(element, "Description", origin.predecessor)
    if origin.pages and annotated_crf:
        leaf = shared.leaves.oids[("document", annotated_crf.id)]
        _add_pages(add(element, "def:DocumentRef", {"leafID": leaf}), origin.pages)


def _add_pages(document: etree._Element, pages: tuple[str, ...]) -> None:
    """Page numbers together, then ranges such as 7-9, then named destinations; each once, numbers ascending."""
    numbers = sorted({int(page) for page in pages if page.isdecimal()})
    ranges = dict.fromkeys(page for page in pages if re.fullmatch(r"\d+-\d+", page))
    names = dict.fromkeys(page for page in pages if not page.isdecimal() and page not in ranges)
    if numbers:
        add(document, "def:PDFPageRef", {"PageRefs": " ".join(map(str, numbers)), "Type": "PhysicalRef"})
    for first, last in (page.split("-") for page in ranges):
        add(document, "def:PDFPageRef", {"FirstPage": first, "LastPage": last, "Type": "PhysicalRef"})
    if names:
        encoded = " ".join(name.replace("#", "#23").replace(" ", "#20") for name in names)
        add(document, "def:PDFPageRef", {"PageRefs": encoded, "Type": "NamedDestination"})


# --- Codelists --------------------------------------------------------------------------------------------------------


def add_codelists(mdv: etree._Element, shared: Shared) -> None:
    """CodeList: the terms used, then the external dictionaries; by OID."""
    for oid, (codelist, data_type) in sorted(shared.codelists.things.items()):
        _add_codelist(mdv, oid, codelist, data_type, shared)
    for oid, dictionary in sorted(shared.dictionaries.things.items()):
        _add_dictionary(mdv, oid, dictionary)


def _add_codelist(mdv: etree._Element, oid: str, codelist: Codelist, data_type: str, shared: Shared) -> None:
    publishing_set, _, version = codelist.standard.rpartition(" ")
    standard = shared.standards.oids.get(standard_key("CT", publishing_set, version))
    element = add(mdv, "CodeList", {
        "OID": oid,
        "Name": shared.codelist_names[oid],
        "DataType": data_type,
        "def:StandardOID": standard,
        "def:IsNonStandard": yes(not codelist.code and not standard),
    })
    coded = any(term.decode for term in codelist.terms)
    for term in codelist.terms:
        _add_term(element, term, codelist, coded)
    if codelist.code:
        add(element, "Alias", {"Context": "nci:ExtCodeID", "Name": codelist.code})


def _add_term(parent: etree._Element, term: Term, codelist: Codelist, coded: bool) -> None:
    extended = bool(codelist.code) and codelist.extensible and not term.code
    element = add(parent, "CodeListItem" if coded else "EnumeratedItem",
                  {"CodedValue": term.value, "def:ExtendedValue": yes(extended)})
    if coded:
        add_text(element, "Decode", term.decode or term.value)
    if term.code:
        add(element, "Alias", {"Context": "nci:ExtCodeID", "Name": term.code})


def _add_dictionary(mdv: etree._Element, oid: str, dictionary: Dictionary) -> None:
    element = add(mdv, "CodeList", {"OID": oid, "Name": dictionary.name, "DataType": "text", "def:IsNonStandard": "Yes"})
    add(element, "ExternalCodeList", {"Dictionary": dictionary.name, "Version": dictionary.version or None,
                                      "href": dictionary.href or None})
