"""The words of the XML: namespaces, names, elements, and how a define.xml is parsed."""

from __future__ import annotations

from functools import cache

from lxml import etree

NAMESPACES = {
    "odm": "http://www.cdisc.org/ns/odm/v1.3",
    "def": "http://www.cdisc.org/ns/def/v2.1",
    "arm": "http://www.cdisc.org/ns/arm/v1.0",
    "xlink": "http://www.w3.org/1999/xlink",
    "xml": "http://www.w3.org/XML/1998/namespace",
}


@cache
def qualified(name: str) -> str:
    """A prefixed name with its namespace; a name without prefix stays as it is.

    >>> qualified("def:Origin"), qualified("OID")
    ('{http://www.cdisc.org/ns/def/v2.1}Origin', 'OID')
    """
    prefix, _, local = name.rpartition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if prefix else name


@cache
def short(name: str) -> str:
    """The opposite of `qualified`: the namespace as its prefix; ODM's own elements have none.

    >>> short("{http://www.cdisc.org/ns/def/v2.1}Origin"), short("{http://www.cdisc.org/ns/odm/v1.3}ItemDef")
    ('def:Origin', 'ItemDef')
    """
    for prefix, namespace in NAMESPACES.items():
        if name.startswith(f"{{{namespace}}}"):
            local = name[len(namespace) + 2 :]
            return local if prefix == "odm" else f"{prefix}:{local}"
    return name


def add(parent: etree._Element, tag: str, attributes: dict | None = None, text: str | None = None) -> etree._Element:
    """A new last child of `parent`. A tag without prefix is ODM's; an attribute whose value is None is left out."""
    element = etree.SubElement(parent, qualified(tag if ":" in tag else f"odm:{tag}"))
    for name, value in (attributes or {}).items():
        if value is not None:
            element.set(qualified(name), str(value))
    element.text = text
    return element


def add_text(parent: etree._Element, tag: str, text: str) -> etree._Element:
    """A Description or Decode: one TranslatedText in English."""
    element = add(parent, tag)
    add(element, "TranslatedText", {"xml:lang": "en"}, text)
    return element


def yes(flag: bool) -> str | None:
    """The value of an attribute that can only say Yes."""
    return "Yes" if flag else None


def parser() -> etree.XMLParser:
    """Reads nothing but the file itself: no entities, no DTD, no network."""
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
