"""A package as define.xml: Define-XML 2.1, written with lxml in the order that its schema wants.

Source: the Define-XML 2.1 specification (sections 4 and 5) and its schema. The same package gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

from lxml import etree

from ..errors import InputError
from ..model import Dataset, Document, Method, Package, Variable
from .collect import Item, Shared, collect, item_name, package_comment, publishing_set_of, slug
from .elements import NAMESPACES, add, add_text, qualified
from .items import add_codelists, add_datasets, add_items, add_leaf, add_value_lists, add_where_clauses
from .resources import stylesheet_path

DEFINE_VERSION = "2.1.9"  # the patch of the schema that the installed defineutils brings
STYLESHEET_NAME = "define2-1.xsl"
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production Char
DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?")


def define_xml(package: Package) -> bytes:
    """The define.xml of a package, as the UTF-8 bytes of the file.

    Raises InputError, naming each place, where a text holds a character that XML cannot hold, where a key or a where clause
    names a variable that the package does not have, and where the package has no time of creation.
    """
    check_texts(package)
    if not DATETIME.fullmatch(package.created):
        raise InputError(f"define.xml: the package's time of creation is {package.created!r}; it must be an ISO 8601 datetime "
                         "such as 2025-03-28T12:00:00.")
    shared = collect(package)
    root = _root(package)
    study = add(root, "Study", {"OID": f"STDY.{slug(package.study)}"})
    names = add(study, "GlobalVariables")
    add(names, "StudyName", text=package.study_name or package.study)
    add(names, "StudyDescription", text=package.study_description or package.study_name or package.study)
    add(names, "ProtocolName", text=package.protocol or package.study)
    _add_metadata_version(study, package, shared)
    root.addprevious(etree.ProcessingInstruction("xml-stylesheet", f'type="text/xsl" href="{STYLESHEET_NAME}"'))
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8", pretty_print=True)


def write_define(package: Package, folder: Path) -> Path:
    """Write `define.xml` and the public stylesheet into `folder`, each aside and then renamed; gives the path of define.xml.

    Raises InputError as `define_xml` does, and where the folder cannot be written.
    """
    folder = Path(folder)
    xml, stylesheet = define_xml(package), stylesheet_path().read_bytes()
    replace_file(folder / STYLESHEET_NAME, stylesheet)
    return replace_file(folder / "define.xml", xml)


def replace_file(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all. Raises InputError where that is not possible."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise InputError(f"{path}: cannot be written: {error.strerror}. Check the folder's permissions and space.") from None
    return path


def kind_of(package: Package) -> str:
    """SDTM for tabulations, ADaM where the datasets are for analysis."""
    return "ADaM" if any(dataset.purpose == "Analysis" for dataset in package.datasets) else "SDTM"


def _root(package: Package) -> etree._Element:
    namespaces = {None: NAMESPACES["odm"], "xlink": NAMESPACES["xlink"], "def": NAMESPACES["def"]}
    root = etree.Element(qualified("odm:ODM"), nsmap=namespaces)
    attributes = {
        "FileOID": f"DEF.{slug(package.study)}.{kind_of(package)}.{package.created}",
        "ODMVersion": "1.3.2",
        "FileType": "Snapshot",
        "CreationDateTime": package.created,
        "Originator": package.originator,
        "SourceSystem": "sdtm-convert",
        "SourceSystemVersion": _system_version(),
        "def:Context": "Submission",
    }
    for name, value in attributes.items():
        if value:
            root.set(qualified(name), value)
    return root


def _system_version() -> str:
    """The version of this distribution; none where the source tree runs uninstalled."""
    try:
        return version("sdtm-convert")
    except PackageNotFoundError:
        return ""


def _add_metadata_version(study: etree._Element, package: Package, shared: Shared) -> None:
    kind, comment = kind_of(package), package_comment(package)
    mdv = add(study, "MetaDataVersion", {
        "OID": f"MDV.{slug(package.study)}.{kind}",
        "Name": f"Study {package.study_name or package.study}, Data Definitions",
        "Description": f"Data Definitions for the {kind} datasets of study {package.study_name or package.study}",
        "def:DefineVersion": DEFINE_VERSION,
        "def:CommentOID": shared.comments.oids[comment] if comment else None,
    })
    _add_standards(mdv, shared)
    _add_document_lists(mdv, package, shared)
    add_value_lists(mdv, shared)
    add_where_clauses(mdv, shared)
    add_datasets(mdv, shared)
    add_items(mdv, package, shared)
    add_codelists(mdv, shared)
    _add_methods(mdv, shared)
    _add_comments(mdv, package, shared)
    for document in package.documents:
        href = quote(document.file, safe="/:#?&=%+,;@()!$'*~")
        add_leaf(mdv, shared.leaves.oids[("document", document.id)], href, document.title)


def _add_standards(mdv: etree._Element, shared: Shared) -> None:
    if not shared.standards.things:
        return
    standards = add(mdv, "def:Standards")
    for oid, standard in shared.standards.things.items():
        publishing_set = publishing_set_of(standard) if standard.type == "CT" else ""
        add(standards, "def:Standard", {"OID": oid, "Name": standard.name, "Type": standard.type,
                                        "PublishingSet": publishing_set or None, "Version": standard.version,
                                        "Status": standard.status})


def _add_document_lists(mdv: etree._Element, package: Package, shared: Shared) -> None:
    """def:AnnotatedCRF for the annotated CRFs, def:SupplementalDoc for all other documents."""
    annotated = [document for document in package.documents if document.kind == "crf"]
    others = [document for document in package.documents if document.kind != "crf"]
    for tag, documents in (("def:AnnotatedCRF", annotated), ("def:SupplementalDoc", others)):
        if documents:
            _add_document_refs(add(mdv, tag), documents, shared)


def _add_document_refs(parent: etree._Element, documents: list[Document], shared: Shared) -> None:
    for document in documents:
        add(parent, "def:DocumentRef", {"leafID": shared.leaves.oids[("document", document.id)]})


def _add_methods(mdv: etree._Element, shared: Shared) -> None:
    for oid, (method, item) in shared.methods.things.items():
        element = add(mdv, "MethodDef", {"OID": oid, "Name": _method_name(method, item), "Type": method.type})
        add_text(element, "Description", method.text)


def _method_name(method: Method, item: Item) -> str:
    return method.name or f"Algorithm for {item.dataset.name}.{item_name(item)}"


def _add_comments(mdv: etree._Element, package: Package, shared: Shared) -> None:
    """def:CommentDef; the comment on the whole package points to the reviewer's guides."""
    guides = [document for document in package.documents if document.kind == "guide"]
    for oid, text in shared.comments.things.items():
        element = add(mdv, "def:CommentDef", {"OID": oid})
        add_text(element, "Description", text)
        if text == package_comment(package):
            _add_document_refs(element, guides, shared)


# --- Texts that XML cannot hold ---------------------------------------------------------------------------------------


def check_texts(package: Package) -> None:
    """Raise InputError if any text of the package holds a character that XML cannot hold, naming every place."""
    wrong = [(place, FORBIDDEN.search(text)) for place, text in _texts(package, "", set()) if FORBIDDEN.search(text)]
    if wrong:
        lines = [f"{place}: the text has the character U+{ord(match[0]):04X} at position {match.start() + 1}."
                 for place, match in wrong]
        raise InputError("define.xml cannot hold control characters. Remove them from the mapping or the data:\n"
                         + "\n".join(lines))


def _texts(thing: object, place: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Every text in the package with its place, such as `AE.AETERM: label`; a codelist that is used often once."""
    if isinstance(thing, str):
        yield place, thing
    elif isinstance(thing, tuple):
        for part in thing:
            yield from _texts(part, place, seen)
    elif dataclasses.is_dataclass(thing) and id(thing) not in seen:
        seen.add(id(thing))
        if isinstance(thing, Dataset):
            place = thing.name
        elif isinstance(thing, Variable):
            place = f"{place}.{thing.name}"
        for part in dataclasses.fields(thing):
            inner = getattr(thing, part.name)
            nested = isinstance(inner, tuple) and inner and isinstance(inner[0], (Dataset, Variable))
            yield from _texts(inner, place if nested else f"{place}: {part.name}" if place else part.name, seen)
