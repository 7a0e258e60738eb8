"""Rules on variables: labels, types, lengths, order, roles, and where their values come from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from .index import Define, Use, children, description, get, row, rule
from .items import SAS_NAME, WITH_LENGTH
from .resources import terminology
from .rules_datasets import LONGEST_LABEL

DATE_TYPES = ("date", "time", "datetime", "partialDate", "partialTime", "partialDatetime", "incompleteDatetime",
              "durationDatetime", "intervalDatetime")


def variables(define: Define) -> Iterator[Use]:
    """Every variable of every dataset, without value levels."""
    return (use for use in define.uses if use.parent is None)


def values_of(define: Define) -> dict[etree._Element, list[Use]]:
    """The value levels of each ItemRef of a dataset that has any."""
    values: dict[etree._Element, list[Use]] = {}
    for use in define.uses:
        if use.parent is not None:
            values.setdefault(use.parent.ref, []).append(use)
    return values


@rule("DEFINE-0060", "error")
def variable_label(define: Define) -> Iterator[dict]:
    """A variable has a label (Description) of 1 to 40 characters."""
    for item in {use.item: None for use in variables(define)}:
        label = description(item)
        if not 1 <= len(label) <= LONGEST_LABEL:
            yield row(define, item, f"The label has {len(label)} characters; 1 to {LONGEST_LABEL} are possible.", label)


@rule("DEFINE-0061", "error")
def order_number(define: Define) -> Iterator[dict]:
    """Within a dataset or value list, all items have an OrderNumber or none has, and the numbers are different."""
    for parent in [*define.all("ItemGroupDef"), *define.all("def:ValueListDef")]:
        refs = children(parent, "ItemRef")
        numbers = [ref.get("OrderNumber") for ref in refs if ref.get("OrderNumber")]
        if numbers and len(numbers) < len(refs):
            wrong = next(ref for ref in refs if not ref.get("OrderNumber"))
            yield row(define, wrong, f"{len(refs) - len(numbers)} of {len(refs)} items have no OrderNumber.")
        elif len(set(numbers)) < len(numbers):
            yield row(define, parent, "Two items have the same OrderNumber.")


@rule("DEFINE-0062", "error")
def length(define: Define) -> Iterator[dict]:
    """Text, integer and float have a Length of at least 1; dates and times have none."""
    for item in define.all("ItemDef"):
        has, wanted = item.get("Length") or "", item.get("DataType") in WITH_LENGTH
        if wanted and not (has.isdecimal() and int(has) > 0):
            yield row(define, item, f"A variable of type {item.get('DataType')} needs a Length.", has)
        elif has and not wanted:
            yield row(define, item, f"A variable of type {item.get('DataType')} has no Length.", has)


@rule("DEFINE-0063", "error")
def significant_digits(define: Define) -> Iterator[dict]:
    """A float has SignificantDigits, fewer than its Length; other types have none."""
    for item in define.all("ItemDef"):
        digits, length_ = item.get("SignificantDigits") or "", item.get("Length") or ""
        if item.get("DataType") != "float":
            if digits:
                yield row(define, item, "Only a float has SignificantDigits.", digits)
        elif not digits.isdecimal():
            yield row(define, item, "A float needs SignificantDigits.", digits)
        elif length_.isdecimal() and int(digits) >= int(length_):
            yield row(define, item, f"{digits} SignificantDigits do not fit into the Length {length_}.", digits)


@rule("DEFINE-0064", "warning")
def sas_field_name(define: Define) -> Iterator[dict]:
    """SASFieldName is the variable's name."""
    for use in variables(define):
        if use.item.get("SASFieldName") != use.item.get("Name"):
            yield row(define, use.item, f"SASFieldName is {use.item.get('SASFieldName')!r}.", use.item.get("SASFieldName") or "")


# --- Origins ----------------------------------------------------------------------------------------------------------


def origins(item: etree._Element) -> list[etree._Element]:
    return children(item, "def:Origin")


@rule("DEFINE-0065", "error")
def has_origin(define: Define) -> Iterator[dict]:
    """A variable has an origin, or all of its value levels have."""
    values = values_of(define)
    for use in variables(define):
        levels = values.get(use.ref, [])
        if not origins(use.item) and not (levels and all(origins(level.item) for level in levels)):
            yield row(define, use.item, "The variable has no origin.")


@rule("DEFINE-0066", "error")
def known_origin(define: Define) -> Iterator[dict]:
    """The Type of an origin is one that the purpose of the dataset allows: in analysis, Derived, Assigned or Predecessor."""
    for item, purpose in _items_with_purpose(define):
        allowed = terminology()["origins"].get(purpose)
        for origin in origins(item) if allowed else ():
            if origin.get("Type") not in allowed:
                yield row(define, origin, f"{origin.get('Type')!r} is no origin for Purpose {purpose}.", origin.get("Type") or "")


@rule("DEFINE-0067", "error")
def origin_source(define: Define) -> Iterator[dict]:
    """An origin has a Source that goes with its Type; a Predecessor has none."""
    for item, purpose in _items_with_purpose(define):
        by_type = terminology()["origins"].get(purpose, {})
        for origin in origins(item):
            sources, source = by_type.get(origin.get("Type")), origin.get("Source") or ""
            if sources == [] and source:
                yield row(define, origin, f"A {origin.get('Type')} has no Source.", source)
            elif sources and source not in sources:
                yield row(define, origin, f"With the origin {origin.get('Type')} go the sources {', '.join(sources)}; here it is "
                                          f"{source!r}.", source)


def _items_with_purpose(define: Define) -> list[tuple[etree._Element, str]]:
    return list({use.item: use.purpose for use in define.uses}.items())


@rule("DEFINE-0068", "error")
def predecessor(define: Define) -> Iterator[dict]:
    """A Predecessor says which variable it is a copy of, as DM.AGE."""
    for origin in define.all("def:Origin"):
        text = description(origin)
        if origin.get("Type") == "Predecessor" and not re.search(r"\b[A-Za-z]\w*\.[A-Za-z_]\w*", text):
            yield row(define, origin, "The Predecessor does not name a dataset and variable, such as DM.AGE.", text)


@rule("DEFINE-0069", "error")
def derived_method(define: Define) -> Iterator[dict]:
    """A derived variable has a method: its own, or all of its value levels have one."""
    values = values_of(define)
    for use in define.uses:
        own = any(origin.get("Type") == "Derived" for origin in origins(use.item))
        refs = [use.ref, *([use.parent.ref] if use.parent else [])]
        levels = [level.ref for level in values.get(use.ref, [])] if use.parent is None else []
        by_levels = bool(levels) and all(ref.get("MethodOID") for ref in levels)
        if own and not any(ref.get("MethodOID") for ref in refs) and not by_levels:
            yield row(define, use.ref, "The variable is derived and has no method.", use.item.get("OID"))


@rule("DEFINE-0070", "warning")
def collected_pages(define: Define) -> Iterator[dict]:
    """A variable collected by the investigator or from the subject points to pages of the annotated CRF."""
    for origin in define.all("def:Origin"):
        if origin.get("Type") == "Collected" and origin.get("Source") in ("Investigator", "Subject"):
            refs = children(origin, "def:DocumentRef")
            if not any(children(ref, "def:PDFPageRef") for ref in refs):
                yield row(define, origin, "The variable is collected and points to no page of the annotated CRF.")


@rule("DEFINE-0071", "notice")
def origin_once(define: Define) -> Iterator[dict]:
    """The origin stands at the variable or at all of its value levels, not at both."""
    values = values_of(define)
    for use in variables(define):
        levels = values.get(use.ref, [])
        if origins(use.item) and levels and all(origins(level.item) for level in levels):
            yield row(define, use.item, "The variable and each of its value levels have an origin.")


# --- Roles, missing data, names ---------------------------------------------------------------------------------------


@rule("DEFINE-0072", "notice")
def has_role(define: Define) -> Iterator[dict]:
    """A variable of a tabulation has a role."""
    for use in variables(define):
        if use.purpose == "Tabulation" and not use.ref.get("Role"):
            yield row(define, use.ref, "The variable has no role.")


@rule("DEFINE-0073", "error")
def no_role_in_analysis(define: Define) -> Iterator[dict]:
    """A variable of an analysis dataset has neither a role nor def:IsNonStandard."""
    for use in variables(define):
        if use.purpose == "Analysis" and (use.ref.get("Role") or get(use.ref, "def:IsNonStandard")):
            yield row(define, use.ref, "Role and def:IsNonStandard are not for variables of analysis datasets.")


@rule("DEFINE-0074", "warning")
def empty_variable_with_comment(define: Define) -> Iterator[dict]:
    """A variable without data (def:HasNoData) has a comment that says why."""
    for use in define.uses:
        if get(use.ref, "def:HasNoData") == "Yes" and not get(use.item, "def:CommentOID"):
            yield row(define, use.ref, "The variable has no data and no comment.")


@rule("DEFINE-0075", "warning")
def mandatory_with_data(define: Define) -> Iterator[dict]:
    """A mandatory variable has data."""
    for use in variables(define):
        if get(use.ref, "def:HasNoData") == "Yes" and use.ref.get("Mandatory") == "Yes":
            yield row(define, use.ref, "The variable is mandatory and has no data.")


@rule("DEFINE-0076", "error")
def unique_variable(define: Define) -> Iterator[dict]:
    """A variable stands once in a dataset."""
    seen: set[tuple[str, str]] = set()
    for use in variables(define):
        name = (use.dataset.get("OID"), use.item.get("Name") or "")
        if name in seen:
            yield row(define, use.ref, f"The dataset has the variable {name[1]} twice.", name[1])
        seen.add(name)


@rule("DEFINE-0077", "error")
def variable_name(define: Define) -> Iterator[dict]:
    """A variable's name has up to 8 letters, digits and _, and begins with no digit."""
    for item in {use.item: None for use in variables(define)}:
        if not SAS_NAME.fullmatch(item.get("Name") or ""):
            yield row(define, item, "The name is not possible in a SAS transport file.", item.get("Name") or "")


@rule("DEFINE-0078", "error")
def codelist_on_date(define: Define) -> Iterator[dict]:
    """A date, time or duration has no codelist."""
    for item in define.all("ItemDef"):
        if item.get("DataType") in DATE_TYPES and children(item, "CodeListRef"):
            yield row(define, item, f"A variable of type {item.get('DataType')} has a codelist.")


@rule("DEFINE-0079", "error")
def known_data_type(define: Define) -> Iterator[dict]:
    """The type of a variable is text, integer, float, or one of the date types of Define-XML."""
    for item in define.all("ItemDef"):
        if item.get("DataType") not in (*WITH_LENGTH, *DATE_TYPES):
            yield row(define, item, "The type is none of Define-XML.", item.get("DataType") or "")


@rule("DEFINE-0080", "error")
def value_list_of_qualifiers(define: Define) -> Iterator[dict]:
    """QVAL of a supplemental qualifier dataset has value levels, one for each QNAM."""
    for use in variables(define):
        has_data = get(use.dataset, "def:HasNoData") != "Yes"
        if use.item.get("Name") == "QVAL" and has_data and not children(use.item, "def:ValueListRef"):
            yield row(define, use.item, "QVAL has no value levels.")
