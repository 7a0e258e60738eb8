"""define.xml as HTML: the public stylesheet, run here with look-ups that stay fast on large studies.

The stylesheet searches all definitions for each reference, which takes minutes on a large study. Here each such search is
replaced in memory by an `xsl:key` look-up of the same elements; the HTML is the same to the byte. The stylesheet that goes
into the submission is the original.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from lxml import etree

from ..errors import InputError
from .elements import name_of, parse, read_define
from .resources import display, stylesheet_path

VERSION = "odm:ODM/odm:Study[1]/odm:MetaDataVersion[1]"
XSL = "{http://www.w3.org/1999/XSL/Transform}"

# Name of the key, what it finds, by which attribute, and the searches that it stands for.
KEYS = (
    ("standard", f"{VERSION}/def:Standards/def:Standard", "@OID", (r"\$g_seqStandard\[@OID ?= ?(?P<v>[^][]+)\]",)),
    ("dataset", f"{VERSION}/odm:ItemGroupDef", "@OID",
     (r"\$g_seqItemGroupDefs\[@OID ?= ?(?P<v>\$\w+)\]", r"//odm:ItemGroupDef\[@OID ?= ?(?P<v>\$\w+)\]",
      r"/odm:ODM/odm:Study/odm:MetaDataVersion/odm:ItemGroupDef\[@OID ?= ?(?P<v>\$\w+)\]")),
    ("item", f"{VERSION}/odm:ItemDef", "@OID",
     (r"\$g_seqItemDefs\[@OID ?= ?(?P<v>\$\w+)\]", r"\.\./\.\./odm:ItemDef\[@OID ?= ?(?P<v>\$\w+)\]",
      r"/odm:ODM/odm:Study/odm:MetaDataVersion/odm:ItemDef\[@OID ?= ?(?P<v>\$\w+)\]")),
    ("ref", f"{VERSION}/odm:ItemGroupDef/odm:ItemRef", "@ItemOID",
     (r"\$g_seqItemGroupDefs/odm:ItemRef\[@ItemOID ?= ?(?P<v>\$\w+)\]",)),
    ("values", f"{VERSION}/def:ValueListDef", "@OID",
     (r"\$g_seqValueListDefs\[@OID ?= ?(?P<v>\$\w+(?:/def:ValueListRef/@ValueListOID)?)\]",)),
    ("parent", f"{VERSION}/odm:ItemDef/def:ValueListRef", "@ValueListOID",
     (r"\.\./\.\./odm:ItemDef/def:ValueListRef\[@ValueListOID ?= ?(?P<v>\$\w+)\]",)),
    ("where", f"{VERSION}/def:WhereClauseDef", "@OID", (r"\$g_seqWhereClauseDefs\[@OID ?= ?(?P<v>\$\w+)\]",)),
    ("codelist", f"{VERSION}/odm:CodeList", "@OID", (r"\$g_seqCodeLists\[@OID ?= ?(?P<v>\$\w+)\]",)),
    ("method", f"{VERSION}/odm:MethodDef", "@OID", (r"\$g_seqMethodDefs\[@OID ?= ?(?P<v>\$\w+)\]",)),
    ("comment", f"{VERSION}/def:CommentDef", "@OID", (r"\$g_seqCommentDefs\[@OID ?= ?(?P<v>\$\w+)\]",)),
    ("leaf", f"{VERSION}/def:leaf", "@ID", (r"\$g_seqleafs\[@ID ?= ?(?P<v>\$\w+)\]",)),
)


def render_html(define: Path | bytes) -> bytes:
    """The HTML of a define.xml (its path, or its bytes), as a reviewer sees it; settings in define/display.yml.

    Raises InputError where the file cannot be read or is no XML.
    """
    document = read_define(define).getroottree()
    parameters = {name: str(value) for name, value in display().items()}
    try:
        return bytes(keyed_transform()(document, **parameters))
    except etree.XSLTApplyError as error:
        raise InputError(f"{name_of(define)}: cannot be shown as HTML: {error}.") from None


@cache
def keyed_transform() -> etree.XSLT:
    """The stylesheet with its searches replaced by key look-ups."""
    root = parse(stylesheet_path().read_bytes())
    for element in root.iter(f"{XSL}*"):
        for attribute in ("select", "test"):
            if attribute in element.attrib:
                element.set(attribute, with_keys(element.get(attribute)))
    first = next(index for index, child in enumerate(root) if child.tag not in (f"{XSL}import", etree.Comment))
    for name, match, use, _ in reversed(KEYS):
        key = etree.Element(f"{XSL}key", {"name": name, "match": match, "use": use})
        root.insert(first, key)
    return etree.XSLT(root, access_control=etree.XSLTAccessControl.DENY_ALL)


def with_keys(expression: str) -> str:
    """An XPath expression of the stylesheet with each search by OID as a look-up.

    >>> with_keys("$g_seqItemDefs[@OID=$ItemOID]/@Name")
    "key('item', $ItemOID)/@Name"
    """
    for name, _, _, searches in KEYS:
        for search in searches:
            expression = re.sub(search, lambda match: f"key('{name}', {match['v']})", expression)
    return expression
