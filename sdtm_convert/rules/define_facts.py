"""What a define.xml says of datasets and variables, as the rules that compare with it see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from ..errors import InputError

_VERSION_1 = "http://www.cdisc.org/ns/def/v1.0"


@dataclass(frozen=True)
class RangeCheck:
    """One comparison of a where clause: the `variable`, the comparator (EQ, NE, LT, LE, GT, GE, IN, NOTIN), the values."""

    variable: str
    comparator: str
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ValueLevel:
    """One value level of a variable: its columns define_vlm_..., and the where clauses, of which one must hold in all of its checks."""

    variable: str
    cells: dict[str, object]
    where: tuple[tuple[RangeCheck, ...], ...]


@dataclass(frozen=True, eq=False)
class DefineDataset:
    """One dataset of a define.xml: its columns define_dataset_..., for each of its variables, in order, the columns
    define_variable_..., and the value levels of its variables."""

    cells: dict[str, object]
    variables: tuple[dict[str, object], ...]
    values: tuple[ValueLevel, ...] = ()


@dataclass(frozen=True, eq=False)
class DefineFacts:
    """A define.xml: its datasets by name, the versions of external dictionaries by their names in small letters, and by the name of a
    codelist the terms that the sponsor added to it."""

    datasets: dict[str, DefineDataset]
    dictionaries: dict[str, str]
    extended: dict[str, list[str]]


@dataclass(frozen=True, eq=False)
class _Parts:
    """The elements that others refer to, by OID."""

    items: dict[str, etree._Element]
    codelists: dict[str, etree._Element]
    leaves: dict[str, etree._Element]
    value_lists: dict[str, etree._Element]
    clauses: dict[str, etree._Element]


def read_define_facts(file: Path) -> DefineFacts | None:
    """What a define.xml (2.0 or 2.1) says; None for one of version 1.0. Entities are not resolved, nothing is fetched. Raises InputError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(Path(file).read_bytes(), parser)
    except OSError as error:
        raise InputError(f"{file}: the define.xml cannot be read: {error.strerror}.") from None
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(f"{file}: the define.xml is not well-formed: {error}") from None
    if _VERSION_1 in root.nsmap.values():
        return None
    kinds = ("ItemDef", "CodeList", "leaf", "ValueListDef", "WhereClauseDef")
    parts = _Parts(*({_get(part, "OID") or _get(part, "ID"): part for part in _all(root, kind)} for kind in kinds))
    groups = list(_all(root, "ItemGroupDef"))
    dictionaries = {_get(known, "Dictionary").lower(): _get(known, "Version") for known in reversed(list(_all(root, "ExternalCodeList")))}
    return DefineFacts({_get(group, "Name").upper(): _dataset(group, parts, groups) for group in groups}, dictionaries,
                       {_get(codelist, "Name"): terms for codelist in parts.codelists.values() if (terms := _extended(codelist))})


def _dataset(group: etree._Element, parts: _Parts, groups: list[etree._Element]) -> DefineDataset:
    refs = _refs(group, parts)
    variables = [_variable(ref, item, parts.codelists, place) for place, (ref, item) in enumerate(refs, start=1)]
    leaf = next(_all(group, "leaf"), None)
    leaf = parts.leaves.get(_get(group, "ArchiveLocationID")) if leaf is None else leaf
    class_element = next(_all(group, "Class"), None)
    names = [str(variable["define_variable_name"]) for variable in variables]
    ordered = [str(v["define_variable_name"]) for v in sorted(variables, key=lambda v: v["define_variable_order_number"])]
    return DefineDataset({
        "define_dataset_name": _get(group, "Name"), "define_dataset_label": _description(group),
        "define_dataset_location": _get(leaf, "href") if leaf is not None else None, "define_dataset_domain": _get(group, "Domain"),
        "define_dataset_class": _get(class_element, "Name") if class_element is not None else _get(group, "Class"),
        "define_dataset_structure": _get(group, "Structure"), "define_dataset_is_non_standard": _get(group, "IsNonStandard"),
        "define_dataset_variables": names, "define_dataset_variable_order": ordered,
        "define_dataset_key_sequence": _keys(group, parts, groups), "define_dataset_has_no_data": _get(group, "HasNoData").lower() == "yes",
    }, tuple(variables), tuple(_value_levels(refs, parts)))


def _refs(element: etree._Element, parts: _Parts) -> list[tuple[etree._Element, etree._Element]]:
    """The ItemRefs of a dataset or value list, with what they refer to."""
    return [(ref, parts.items[_get(ref, "ItemOID")]) for ref in _all(element, "ItemRef") if _get(ref, "ItemOID") in parts.items]


def _keys(group: etree._Element, parts: _Parts, groups: list[etree._Element]) -> list[str]:
    """The names of the dataset's keys, in their order; those that are supplemental qualifiers too."""
    refs = _refs(group, parts)
    if not _is_supp(group):
        supplements = [other for other in groups if _is_supp(other) and _get(other, "Domain") and _get(other, "Domain") == _get(group, "Domain")]
        lists = [_get(ref, "ValueListOID") for supp in supplements for _, item in _refs(supp, parts) for ref in _all(item, "ValueListRef")]
        refs += [pair for name in lists for pair in _refs(parts.value_lists.get(name), parts)]
    return [name for _, name in sorted((int(_get(ref, "KeySequence")), _get(item, "Name")) for ref, item in refs if _get(ref, "KeySequence").isdecimal())]


def _is_supp(group: etree._Element) -> bool:
    return _get(group, "Name").startswith(("SUPP", "SQ"))


def _value_levels(refs: list[tuple[etree._Element, etree._Element]], parts: _Parts) -> Iterator[ValueLevel]:
    for _, item in refs:
        for value_list in (parts.value_lists.get(_get(ref, "ValueListOID")) for ref in _all(item, "ValueListRef")):
            for place, (ref, value) in enumerate(_refs(value_list, parts), start=1):
                cells = _variable(ref, value, parts.codelists, place).items()
                clauses = [parts.clauses.get(_get(clause, "WhereClauseOID")) for clause in _all(ref, "WhereClauseRef")]
                yield ValueLevel(_get(item, "Name"), {name.replace("_variable_", "_vlm_", 1): cell for name, cell in cells},
                                 tuple(_checks(clause, parts) for clause in clauses))


def _checks(clause: etree._Element | None, parts: _Parts) -> tuple[RangeCheck, ...]:
    return tuple(RangeCheck(_get(parts.items.get(_get(check, "ItemOID")), "Name"), _get(check, "Comparator"),
                            tuple("".join(value.itertext()).strip() for value in _all(check, "CheckValue"))) for check in _all(clause, "RangeCheck"))


def _extended(codelist: etree._Element) -> list[str]:
    """The terms that the sponsor added to a published codelist."""
    terms = [*_all(codelist, "CodeListItem"), *_all(codelist, "EnumeratedItem")] if _code(codelist) else []
    return [_get(term, "CodedValue") for term in terms if _get(term, "ExtendedValue") == "Yes"]


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
        "define_variable_is_collected": None if origin is None else _get(origin, "Type") in ("Collected", "CRF"),
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
    text = next(_all(own, "TranslatedText"), own)
    return "" if text is None else " ".join("".join(text.itertext()).split())


def _all(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    return iter(()) if element is None else (found for found in element.iter() if _local(found) == name)


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _get(element: etree._Element | None, name: str) -> str:
    """An attribute by its name without namespace; "" where there is none."""
    if element is None:
        return ""
    return next((str(value) for key, value in element.attrib.items() if etree.QName(key).localname == name), "")
