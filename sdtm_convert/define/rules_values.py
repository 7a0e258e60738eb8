"""Rules on value levels and on codelists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from .index import Define, Use, children, code_of, description, get, row, rule, terms_of
from .resources import terminology

# Which types a value level may have, by the type of its variable; text may hold anything.
NARROWER = {"integer": ("integer",), "float": ("float", "integer")}


@rule("DEFINE-0085", "error")
def value_length(define: Define) -> Iterator[dict]:
    """A value level is not longer than its variable."""
    for use in define.uses:
        here, parent = (use.item.get("Length") or "", use.parent.item.get("Length") or "") if use.parent else ("", "")
        if here.isdecimal() and parent.isdecimal() and int(here) > int(parent):
            yield row(define, use.item, f"{use.item.get('OID')} has the Length {here}, its variable {parent}.", here)


@rule("DEFINE-0086", "error")
def value_where(define: Define) -> Iterator[dict]:
    """A value level has a where clause."""
    for values in define.all("def:ValueListDef"):
        for ref in children(values, "ItemRef"):
            if not children(ref, "def:WhereClauseRef"):
                yield row(define, ref, f"{ref.get('ItemOID')} has no where clause.", ref.get("ItemOID"))


@rule("DEFINE-0087", "error")
def check_values(define: Define) -> Iterator[dict]:
    """A comparison other than IN and NOTIN is with one value."""
    for check in define.all("RangeCheck"):
        count = len(children(check, "CheckValue"))
        if check.get("Comparator") not in ("IN", "NOTIN") and count != 1:
            yield row(define, check, f"{check.getparent().get('OID')}: {check.get('Comparator')} compares with one value, not {count}.",
                      check.getparent().get("OID"))


@rule("DEFINE-0088", "warning")
def joined_where(define: Define) -> Iterator[dict]:
    """A where clause on another dataset says in a comment how the datasets are joined."""
    homes: dict[str, set[etree._Element]] = {}
    users: dict[str, Use] = {}
    for use in define.uses:
        homes.setdefault(use.item.get("OID"), set()).add(use.dataset)
        for ref in children(use.ref, "def:WhereClauseRef"):
            users.setdefault(get(ref, "WhereClauseOID"), use)
    for clause in define.all("def:WhereClauseDef"):
        use = users.get(clause.get("OID"))
        if use is None or get(clause, "def:CommentOID"):
            continue
        checked = [homes.get(get(check, "def:ItemOID"), {use.dataset}) for check in children(clause, "RangeCheck")]
        if any(use.dataset not in home for home in checked):
            yield row(define, use.item, f"{clause.get('OID')} is on another dataset and has no comment.", clause.get("OID"))


@rule("DEFINE-0089", "warning")
def value_type(define: Define) -> Iterator[dict]:
    """The type of a value level fits into that of its variable."""
    for use in define.uses:
        allowed = NARROWER.get(use.parent.item.get("DataType")) if use.parent else None
        if allowed and use.item.get("DataType") not in allowed:
            yield row(define, use.item, f"{use.item.get('OID')} is of type {use.item.get('DataType')}, its variable of type "
                                        f"{use.parent.item.get('DataType')}.", use.item.get("DataType") or "")


@rule("DEFINE-0090", "warning")
def checked_terms(define: Define) -> Iterator[dict]:
    """The values in a where clause are terms of the codelist of the variable that they are compared with."""
    items, codelists = define.parts.get("ItemDef", {}), define.parts.get("CodeList", {})
    for check in define.all("RangeCheck"):
        item = items.get(get(check, "def:ItemOID"))
        refs = children(item, "CodeListRef") if item is not None else []
        codelist = codelists.get(refs[0].get("CodeListOID")) if refs else None
        terms = {term.get("CodedValue") for term in terms_of(codelist)} if codelist is not None else set()
        for value in children(check, "CheckValue"):
            if terms and value.text not in terms:
                yield row(define, item, f"{check.getparent().get('OID')} asks for {value.text!r}, no term of "
                                        f"{codelist.get('OID')}.", value.text or "")


@rule("DEFINE-0091", "error")
def value_once(define: Define) -> Iterator[dict]:
    """Two value levels of a variable have different where clauses."""
    for values in define.all("def:ValueListDef"):
        seen = set()
        for ref in children(values, "ItemRef"):
            clauses = frozenset(get(clause, "WhereClauseOID") for clause in children(ref, "def:WhereClauseRef"))
            if clauses and clauses in seen:
                yield row(define, ref, f"{values.get('OID')} has two value levels for {', '.join(sorted(clauses))}.",
                          ref.get("ItemOID"))
            seen.add(clauses)


# --- Codelists --------------------------------------------------------------------------------------------------------


def _is_external(codelist: etree._Element) -> bool:
    return bool(children(codelist, "ExternalCodeList"))


def _users(define: Define) -> Iterator[tuple[etree._Element, etree._Element]]:
    """Each ItemDef with a codelist that exists, and the codelist."""
    codelists = define.parts.get("CodeList", {})
    for item in define.all("ItemDef"):
        for ref in children(item, "CodeListRef"):
            if ref.get("CodeListOID") in codelists:
                yield item, codelists[ref.get("CodeListOID")]


@rule("DEFINE-0095", "error")
def standard_of_codelist(define: Define) -> Iterator[dict]:
    """A codelist either comes from a terminology (def:StandardOID) or is def:IsNonStandard."""
    for codelist in define.all("CodeList"):
        if bool(get(codelist, "def:StandardOID")) == (get(codelist, "def:IsNonStandard") == "Yes"):
            yield row(define, codelist, f"{codelist.get('OID')} must have either def:StandardOID or def:IsNonStandard.",
                      codelist.get("OID"))


@rule("DEFINE-0096", "warning")
def code_of_codelist(define: Define) -> Iterator[dict]:
    """A codelist of a terminology has its NCI C-code (Alias nci:ExtCodeID); one that is def:IsNonStandard has none."""
    for codelist in define.all("CodeList"):
        standard, code = get(codelist, "def:StandardOID"), code_of(codelist)
        if standard and not code and not _is_external(codelist):
            yield row(define, codelist, f"{codelist.get('OID')} has no NCI C-code.", codelist.get("OID"))
        elif code and not standard:
            yield row(define, codelist, f"{codelist.get('OID')} has the NCI C-code {code} and no terminology.", code)


@rule("DEFINE-0097", "error")
def code_of_term(define: Define) -> Iterator[dict]:
    """A term of a CDISC codelist has either its NCI C-code or def:ExtendedValue."""
    for codelist in define.all("CodeList"):
        for term in terms_of(codelist) if code_of(codelist) else ():
            if bool(code_of(term)) == (get(term, "def:ExtendedValue") == "Yes"):
                yield row(define, term, f"The term {term.get('CodedValue')!r} of {codelist.get('OID')} must have either an NCI "
                                        "C-code or def:ExtendedValue.", term.get("CodedValue") or "")


@rule("DEFINE-0098", "error")
def blank_term(define: Define) -> Iterator[dict]:
    """No term is blank."""
    for codelist in define.all("CodeList"):
        if any(not (term.get("CodedValue") or "").strip() for term in terms_of(codelist)):
            yield row(define, codelist, f"{codelist.get('OID')} has a blank term.", codelist.get("OID"))


@rule("DEFINE-0099", "error")
def ranked_terms(define: Define) -> Iterator[dict]:
    """Rank, and OrderNumber, stand at all terms of a codelist or at none."""
    for codelist in define.all("CodeList"):
        terms = terms_of(codelist)
        for attribute in ("Rank", "OrderNumber"):
            count = sum(term.get(attribute) is not None for term in terms)
            if 0 < count < len(terms):
                yield row(define, codelist, f"{count} of the {len(terms)} terms of {codelist.get('OID')} have {attribute}.",
                          codelist.get("OID"))


@rule("DEFINE-0100", "error")
def type_of_codelist(define: Define) -> Iterator[dict]:
    """A codelist is of the type of its variables."""
    for item, codelist in _users(define):
        allowed = NARROWER.get(item.get("DataType"), ("text",))
        if codelist.get("DataType") not in allowed:
            yield row(define, item, f"The variable is of type {item.get('DataType')}, {codelist.get('OID')} of type "
                                    f"{codelist.get('DataType')}.", codelist.get("OID"))


@rule("DEFINE-0101", "warning")
def length_of_terms(define: Define) -> Iterator[dict]:
    """No term is longer than the variable that it is for."""
    for item, codelist in _users(define):
        length = item.get("Length") or ""
        if item.get("DataType") == "text" and length.isdecimal():
            for term in terms_of(codelist):
                if len((term.get("CodedValue") or "").encode()) > int(length):
                    yield row(define, item, f"The term {term.get('CodedValue')!r} of {codelist.get('OID')} is longer than {length}.",
                              term.get("CodedValue"))


@rule("DEFINE-0102", "error")
def decodes(define: Define) -> Iterator[dict]:
    """A coded term has a decode."""
    for codelist in define.all("CodeList"):
        for term in children(codelist, "CodeListItem"):
            if not description(term, "Decode"):
                yield row(define, term, f"The term {term.get('CodedValue')!r} of {codelist.get('OID')} has no decode.",
                          term.get("CodedValue") or "")


@rule("DEFINE-0103", "error")
def dictionary_version(define: Define) -> Iterator[dict]:
    """An external dictionary has a version."""
    for external in define.all("ExternalCodeList"):
        if not (external.get("Version") or "").strip():
            yield row(define, external, f"The dictionary {external.get('Dictionary')} has no version.", external.get("Dictionary") or "")


@rule("DEFINE-0104", "notice")
def known_dictionary(define: Define) -> Iterator[dict]:
    """An external dictionary is called as Define-XML calls it (MedDRA, WHODD, ISO 3166 ...); the list is extensible."""
    for external in define.all("ExternalCodeList"):
        if external.get("Dictionary") not in terminology()["dictionaries"]:
            yield row(define, external, f"{external.get('Dictionary')!r} is no dictionary that Define-XML knows.",
                      external.get("Dictionary") or "")


@rule("DEFINE-0105", "error")
def code_form(define: Define) -> Iterator[dict]:
    """An NCI C-code is a C and digits."""
    for alias in define.all("Alias"):
        if alias.get("Context") == "nci:ExtCodeID" and not re.fullmatch(r"C\d+", alias.get("Name") or ""):
            yield row(define, alias, f"{alias.get('Name')!r} is no NCI C-code.", alias.get("Name") or "")


@rule("DEFINE-0106", "warning")
def codelist_name(define: Define) -> Iterator[dict]:
    """Codelists have different names."""
    seen: set[str] = set()
    for codelist in define.all("CodeList"):
        name = codelist.get("Name") or ""
        if name in seen:
            yield row(define, codelist, f"Another codelist is called {name!r}, too.", name)
        seen.add(name)
