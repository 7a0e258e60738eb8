"""What a define.xml says of datasets and variables, as the rules that compare with it see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class DefineDataset:
    """One dataset of a define.xml: its columns define_dataset_..., and for each of its variables, in order, the columns
    define_variable_..."""

    cells: dict[str, object]
    variables: tuple[dict[str, object], ...]


def read_define_facts(file: Path) -> dict[str, DefineDataset]:
    """The datasets of a define.xml (2.0 or 2.1), by name. Entities are not resolved, nothing is fetched. Raises InputError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(Path(file).read_bytes(), parser)
    except OSError as error:
        raise InputError(f"{file}: the define.xml cannot be read: {error.strerror}.") from None
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(f"{file}: the define.xml is not well-formed: {error}") from None
    items = {_get(item, "OID"): item for item in _all(root, "ItemDef")}
    codelists = {_get(codelist, "OID"): codelist for codelist in _all(root, "CodeList")}
    leaves = {_get(leaf, "ID"): leaf for leaf in _all(root, "leaf")}
    return {_get(group, "Name").upper(): _dataset(group, items, codelists, leaves) for group in _all(root, "ItemGroupDef")}


def _dataset(group: etree._Element, items: dict, codelists: dict, leaves: dict) -> DefineDataset:
    refs = [(ref, items[_get(ref, "ItemOID")]) for ref in _all(group, "ItemRef") if _get(ref, "ItemOID") in items]
    variables = [_variable(ref, item, codelists, place) for place, (ref, item) in enumerate(refs, start=1)]
    keys = sorted((int(_get(ref, "KeySequence")), _get(item, "Name")) for ref, item in refs if _get(ref, "KeySequence").isdecimal())
    leaf = next(_all(group, "leaf"), None)
    leaf = leaves.get(_get(group, "ArchiveLocationID")) if leaf is None else leaf
    class_element = next(_all(group, "Class"), None)
    names = [str(variable["define_variable_name"]) for variable in variables]
    ordered = [str(v["define_variable_name"]) for v in sorted(variables, key=lambda v: v["define_variable_order_number"])]
    return DefineDataset({
        "define_dataset_name": _get(group, "Name"), "define_dataset_label": _description(group),
        "define_dataset_location": _get(leaf, "href") if leaf is not None else None, "define_dataset_domain": _get(group, "Domain"),
        "define_dataset_class": _get(class_element, "Name") if class_element is not None else _get(group, "Class"),
        "define_dataset_structure": _get(group, "Structure"), "define_dataset_is_non_standard": _get(group, "IsNonStandard"),
        "define_dataset_variables": names, "define_dataset_variable_order": ordered,
        "define_dataset_key_sequence": [name for _, name in keys], "define_dataset_has_no_data": _get(group, "HasNoData"),
    }, tuple(variables))


def _variable(ref: etree._Element, item: etree._Element, codelists: dict, place: int) -> dict[str, object]:
    codelist = codelists.get(_get(next(_all(item, "CodeListRef"), None), "CodeListOID"))
    terms = [] if codelist is None else [term for kind in ("CodeListItem", "EnumeratedItem") for term in _all(codelist, kind)]
    origin = next(_all(item, "Origin"), None)
    length, order = _get(item, "Length"), _get(ref, "OrderNumber")
    decodes = [text for term in terms for text in ["".join(node.itertext()).strip() for node in _all(term, "Decode")] if text]
    return {
        "define_variable_name": _get(item, "Name"), "define_variable_label": _description(item),
        "define_variable_data_type": _get(item, "DataType"), "define_variable_role": _get(ref, "Role"),
        "define_variable_size": int(length) if length.isdecimal() else None, "define_variable_length": int(length) if length.isdecimal() else None,
        "define_variable_ccode": _code(codelist), "define_variable_format": _get(item, "DisplayFormat"),
        "define_variable_allowed_terms": decodes, "define_variable_origin_type": _get(origin, "Type"),
        "define_variable_is_collected": _get(origin, "Type") in ("Collected", "CRF"),
        "define_variable_has_no_data": _get(ref, "HasNoData"), "define_variable_order_number": int(order) if order.isdecimal() else place,
        "define_variable_has_codelist": codelist is not None, "define_variable_codelist_coded_values": [_get(term, "CodedValue") for term in terms],
        "define_variable_codelist_coded_codes": [code for code in map(_code, terms) if code],
        "define_variable_mandatory": _get(ref, "Mandatory"), "define_variable_has_comment": bool(_get(item, "CommentOID")),
        "define_variable_has_method": bool(_get(ref, "MethodOID")),
    }


def _code(element: etree._Element | None) -> str | None:
    """The NCI C-code of a codelist or a term."""
    aliases = [] if element is None else [child for child in element if _local(child) == "Alias"]
    return next((_get(alias, "Name") for alias in aliases if _get(alias, "Context") == "nci:ExtCodeID"), None)


def _description(element: etree._Element) -> str:
    own = next((child for child in element if _local(child) == "Description"), None)
    return "" if own is None else " ".join("".join(own.itertext()).split())


def _all(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    return iter(()) if element is None else (found for found in element.iter() if _local(found) == name)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _get(element: etree._Element | None, name: str) -> str:
    """An attribute by its name without namespace; "" where there is none."""
    if element is None:
        return ""
    return next((str(value) for key, value in element.attrib.items() if etree.QName(key).localname == name), "")
