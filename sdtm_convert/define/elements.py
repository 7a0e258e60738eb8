"""The words of the XML: namespaces, names, elements, and how a define.xml is parsed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lxml import etree

from ..errors import InputError

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


# --- Reading a file ---------------------------------------------------------------------------------------------------


class NotXml(ValueError):
    """The bytes are no XML that we read: what is wrong, and the line."""

    def __init__(self, message: str, line: int):
        self.line = line
        super().__init__(message)


def parse(content: bytes) -> etree._Element:
    """The root of an XML file. Nothing but the bytes is read: no DTD, no entities, no network.

    Raises NotXml for bytes that are not well-formed XML, and for a DOCTYPE, which no define.xml has.
    """
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise NotXml(f"Not well-formed XML: {error.msg}.", error.lineno or 0) from None
    if root.getroottree().docinfo.doctype:
        raise NotXml("The file has a document type (DOCTYPE), which is not read.", 1)
    return root


def read_define(define: Path | bytes) -> etree._Element:
    """The root of a define.xml: its path, or its bytes. Raises InputError where it cannot be read or is no XML."""
    try:
        return parse(read_bytes(define))
    except NotXml as error:
        raise InputError(f"{name_of(define)}:{error.line}: {error}") from None


def read_bytes(define: Path | bytes) -> bytes:
    """The bytes of the file. Raises InputError where it cannot be read."""
    try:
        return define if isinstance(define, bytes) else Path(define).read_bytes()
    except OSError as error:
        raise InputError(f"{define}: cannot be read: {error.strerror}.") from None


def name_of(define: Path | bytes) -> str:
    """What messages call the file."""
    return "define.xml" if isinstance(define, bytes) else Path(define).name
