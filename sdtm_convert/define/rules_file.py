"""Rules on the file as a whole: the stylesheet, OIDs, references, standards, documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote

from lxml import etree

from .elements import qualified, short
from .index import Define, Rule, children, description, get, row, rule
from .resources import terminology

LONGEST_ATTRIBUTE = 1000


@rule("DEFINE-0004", "warning")
def stylesheet(define: Define) -> Iterator[dict]:
    """The file names a stylesheet (xml-stylesheet), and the stylesheet lies beside it."""
    named = [node for node in define.root.itersiblings(preceding=True) if getattr(node, "target", "") == "xml-stylesheet"]
    href = named[0].get("href") if named else ""
    if not href:
        yield row(define, define.root, "The file names no stylesheet; browsers show it as raw XML.")
    elif define.folder and not (define.folder / href).is_file():
        yield row(define, define.root, f"The stylesheet {href} is not beside the file.", href)


@rule("DEFINE-0005", "warning")
def long_attribute(define: Define) -> Iterator[dict]:
    """No attribute is longer than 1000 characters."""
    for element in define.root.iter(etree.Element):
        for name, value in element.attrib.items():
            if len(value) > LONGEST_ATTRIBUTE:
                yield row(define, element, f"The attribute {short(name)} of {short(element.tag)} has {len(value)} characters.")


@rule("DEFINE-0006", "error")
def unique_oid(define: Define) -> Iterator[dict]:
    """An OID (or leaf ID) belongs to one element."""
    seen: dict[str, int] = {}
    for element in define.version.iter(etree.Element):
        identifier = element.get("OID") or element.get("ID")
        if identifier in seen:
            yield row(define, element, f"The OID {identifier} is taken, first on line {seen[identifier]}.", identifier)
        elif identifier:
            seen[identifier] = element.sourceline


@rule("DEFINE-0007", "error")
def study_names(define: Define) -> Iterator[dict]:
    """StudyName, StudyDescription and ProtocolName are filled in."""
    for tag in ("StudyName", "StudyDescription", "ProtocolName"):
        for element in define.root.iter(qualified(f"odm:{tag}")):
            if not (element.text or "").strip():
                yield row(define, element, f"{tag} is empty.")


# --- References -------------------------------------------------------------------------------------------------------


def missing_target(define: Define, pointers: set[tuple[str, str]]) -> Iterator[dict]:
    """References of these kinds (element, attribute) whose target is not in the file."""
    for pointer in define.pointers:
        kinds = {(short(pointer.element.tag), pointer.attribute), ("*", pointer.attribute)}
        if kinds & pointers and pointer.oid not in define.parts.get(pointer.kind, {}):
            yield row(define, pointer.element, f"There is no {pointer.kind} {pointer.oid}.", pointer.oid)


def unreferenced(define: Define, kind: str) -> Iterator[dict]:
    """Elements of this kind that nothing refers to; the leaf of a dataset's own file needs no reference."""
    used = {pointer.oid for pointer in define.pointers if pointer.kind == kind}
    for oid, element in define.parts.get(kind, {}).items():
        if oid not in used and short(element.getparent().tag) != "ItemGroupDef":
            yield row(define, element, f"Nothing refers to the {kind} {oid}.", oid)


def _missing(identifier: str, text: str, *pointers: tuple[str, str]) -> Rule:
    return Rule(identifier, "error", text, partial(missing_target, pointers=set(pointers)))


def _unreferenced(identifier: str, kind: str) -> Rule:
    return Rule(identifier, "warning", f"Something refers to each {kind}.", partial(unreferenced, kind=kind))


TABLE = (
    _missing("DEFINE-0010", "The ItemDef of an ItemRef exists.", ("ItemRef", "ItemOID")),
    _missing("DEFINE-0011", "The CodeList of a variable exists.", ("CodeListRef", "CodeListOID")),
    _missing("DEFINE-0012", "The MethodDef of an ItemRef exists.", ("ItemRef", "MethodOID")),
    _missing("DEFINE-0013", "The def:CommentDef of a comment exists.", ("*", "def:CommentOID")),
    _missing("DEFINE-0014", "The def:WhereClauseDef of a value level exists.", ("def:WhereClauseRef", "WhereClauseOID")),
    _missing("DEFINE-0015", "The def:ValueListDef of a variable exists.", ("def:ValueListRef", "ValueListOID")),
    _missing("DEFINE-0016", "The def:leaf of a document reference exists.", ("def:DocumentRef", "leafID")),
    _missing("DEFINE-0017", "The def:Standard of a dataset or codelist exists.", ("*", "def:StandardOID")),
    _missing("DEFINE-0018", "The variable of a where clause exists.", ("RangeCheck", "def:ItemOID")),
    _missing("DEFINE-0019", "The datasets and variables of an analysis result exist.", ("arm:AnalysisDataset", "ItemGroupOID"),
             ("arm:AnalysisVariable", "ItemOID"), ("arm:AnalysisResult", "ParameterOID")),
    _unreferenced("DEFINE-0021", "ItemDef"),
    _unreferenced("DEFINE-0022", "CodeList"),
    _unreferenced("DEFINE-0023", "MethodDef"),
    _unreferenced("DEFINE-0024", "def:CommentDef"),
    _unreferenced("DEFINE-0025", "def:WhereClauseDef"),
    _unreferenced("DEFINE-0026", "def:ValueListDef"),
    _unreferenced("DEFINE-0027", "def:leaf"),
)


# --- Standards --------------------------------------------------------------------------------------------------------


@rule("DEFINE-0030", "error")
def has_guide(define: Define) -> Iterator[dict]:
    """The standards include an implementation guide."""
    if not any(standard.get("Type") == "IG" for standard in define.all("def:Standard")):
        yield row(define, define.version, "No def:Standard is an implementation guide (Type IG).")


@rule("DEFINE-0031", "error")
def known_standard(define: Define) -> Iterator[dict]:
    """A standard has a name that Define-XML knows for its type: SDTMIG, ADaMIG, SENDIG ... (IG) or CDISC/NCI (CT)."""
    lists = terminology()
    known = {"CT": [lists["terminology"]], "IG": [name for names in lists["guides"].values() for name in names]}
    for standard in define.all("def:Standard"):
        name, its_type = standard.get("Name") or "", standard.get("Type") or ""
        if name not in known.get(its_type, ()):
            yield row(define, standard, f"{name!r} is no standard of type {its_type!r}.", name)


@rule("DEFINE-0032", "error")
def publishing_set(define: Define) -> Iterator[dict]:
    """Terminology names its publishing set (SDTM, ADaM, SEND, CDASH, DEFINE-XML); a guide has none."""
    known = terminology()["publishing_sets"]
    for standard in define.all("def:Standard"):
        its_set, is_ct = standard.get("PublishingSet") or "", standard.get("Type") == "CT"
        if is_ct and its_set not in known:
            yield row(define, standard, f"The terminology has the publishing set {its_set!r}; known are {', '.join(known)}.", its_set)
        elif its_set and not is_ct:
            yield row(define, standard, "Only terminology has a publishing set.", its_set)


@rule("DEFINE-0033", "error")
def standard_of_dataset(define: Define) -> Iterator[dict]:
    """A dataset either follows a standard (def:StandardOID) or is def:IsNonStandard."""
    for dataset in define.all("ItemGroupDef"):
        if bool(get(dataset, "def:StandardOID")) == (get(dataset, "def:IsNonStandard") == "Yes"):
            yield row(define, dataset, "The dataset must have either def:StandardOID or def:IsNonStandard.")


@rule("DEFINE-0034", "error")
def type_of_standard(define: Define) -> Iterator[dict]:
    """A dataset follows an implementation guide, a codelist a terminology."""
    standards = define.parts.get("def:Standard", {})
    for tag, wanted in (("ItemGroupDef", "IG"), ("CodeList", "CT")):
        for element in define.all(tag):
            standard = standards.get(get(element, "def:StandardOID"))
            if standard is not None and standard.get("Type") != wanted:
                yield row(define, element, f"{tag} {element.get('OID')} refers to a standard of type {standard.get('Type')}, "
                                           f"not {wanted}.", get(element, "def:StandardOID"))


@rule("DEFINE-0035", "error")
def guide_of_purpose(define: Define) -> Iterator[dict]:
    """Tabulations follow SDTMIG or SENDIG, analysis datasets ADaMIG."""
    standards, guides = define.parts.get("def:Standard", {}), terminology()["guides"]
    for dataset in define.all("ItemGroupDef"):
        standard = standards.get(get(dataset, "def:StandardOID"))
        allowed = guides.get(dataset.get("Purpose"))
        if standard is not None and allowed and standard.get("Type") == "IG" and standard.get("Name") not in allowed:
            yield row(define, dataset, f"{standard.get('Name')} is not for datasets with Purpose {dataset.get('Purpose')}.",
                      standard.get("Name"))


# --- Methods, comments, documents -------------------------------------------------------------------------------------


@rule("DEFINE-0110", "error")
def method_text(define: Define) -> Iterator[dict]:
    """A method says in words how values are computed, and its Type is Computation or Imputation."""
    for method in define.all("MethodDef"):
        if not description(method):
            yield row(define, method, f"The method {method.get('OID')} has no description.", method.get("OID"))
        if method.get("Type") not in ("Computation", "Imputation"):
            yield row(define, method, f"The method {method.get('OID')} has the Type {method.get('Type')!r}.", method.get("OID"))


@rule("DEFINE-0111", "error")
def comment_text(define: Define) -> Iterator[dict]:
    """A comment has text."""
    for comment in define.all("def:CommentDef"):
        if not description(comment):
            yield row(define, comment, f"The comment {comment.get('OID')} is empty.", comment.get("OID"))


@rule("DEFINE-0112", "warning")
def document_file(define: Define) -> Iterator[dict]:
    """The file of a document lies where its leaf says."""
    for leaf in children(define.version, "def:leaf"):
        href = get(leaf, "xlink:href")
        file = unquote(href.partition("#")[0])
        if define.folder and not re.match(r"[a-z]+:", href) and not (define.folder / file).is_file():
            yield row(define, leaf, f"The document {file} is missing.", file)


@rule("DEFINE-0113", "warning")
def annotated_crf(define: Define) -> Iterator[dict]:
    """The document that collected variables point to is listed under def:AnnotatedCRF."""
    listed = {ref.get("leafID") for crf in define.all("def:AnnotatedCRF") for ref in children(crf, "def:DocumentRef")}
    used: dict[str, etree._Element] = {}
    for origin in define.all("def:Origin"):
        if origin.get("Type") == "Collected":
            for ref in children(origin, "def:DocumentRef"):
                used.setdefault(ref.get("leafID"), ref)
    for leaf, ref in used.items():
        if leaf not in listed:
            yield row(define, ref, f"Collected variables point to {leaf}, which is not under def:AnnotatedCRF.", leaf)


@rule("DEFINE-0114", "error")
def page_reference(define: Define) -> Iterator[dict]:
    """A page reference has pages: PageRefs, or FirstPage and LastPage; page numbers where it is a PhysicalRef."""
    for ref in define.all("def:PDFPageRef"):
        pages, first, last = (ref.get(name) or "" for name in ("PageRefs", "FirstPage", "LastPage"))
        if not pages.strip() and not (first and last):
            yield row(define, ref, "The page reference has no pages.")
        elif ref.get("Type") == "PhysicalRef" and pages and not re.fullmatch(r"\s*\d+(\s+\d+)*\s*", pages):
            yield row(define, ref, f"{pages!r} are no page numbers, as a PhysicalRef needs them.", pages)


@rule("DEFINE-0115", "warning")
def leaf_title(define: Define) -> Iterator[dict]:
    """A leaf has a title and names a file."""
    for leaf in define.all("def:leaf"):
        titles = children(leaf, "def:title")
        if not get(leaf, "xlink:href") or not titles or not (titles[0].text or "").strip():
            yield row(define, leaf, f"The leaf {leaf.get('ID')} has no title or no file.", leaf.get("ID"))


# --- Analysis results -------------------------------------------------------------------------------------------------


@rule("DEFINE-0120", "warning")
def analysis_terms(define: Define) -> Iterator[dict]:
    """The reason and the purpose of an analysis are terms of Define-XML."""
    lists = terminology()
    for result in define.all("arm:AnalysisResult"):
        for attribute, known in (("AnalysisReason", lists["reasons"]), ("AnalysisPurpose", lists["purposes"])):
            if result.get(attribute) not in known:
                yield row(define, result, f"{attribute} {result.get(attribute)!r} is none of {', '.join(known)}.",
                          result.get(attribute) or "")


@rule("DEFINE-0121", "error")
def joined_analysis(define: Define) -> Iterator[dict]:
    """An analysis of more than one dataset says in a comment how they are joined."""
    for datasets in define.all("arm:AnalysisDatasets"):
        if len(children(datasets, "arm:AnalysisDataset")) > 1 and not get(datasets, "def:CommentOID"):
            yield row(define, datasets, f"The analysis {datasets.getparent().get('OID')} joins datasets without a comment.")
