"""Rules on datasets: keys, class, purpose, domain, labels, files."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from .index import Define, children, description, get, row, rule
from .items import SAS_NAME
from .resources import terminology

LONGEST_LABEL = 40  # of SAS transport files, version 5


@rule("DEFINE-0040", "error")
def has_keys(define: Define) -> Iterator[dict]:
    """A dataset has keys (KeySequence)."""
    for dataset in define.all("ItemGroupDef"):
        if not any(ref.get("KeySequence") for ref in children(dataset, "ItemRef")):
            yield row(define, dataset, "The dataset has no keys.")


@rule("DEFINE-0041", "warning")
def key_sequence(define: Define) -> Iterator[dict]:
    """The keys are numbered 1, 2, 3 ... without gaps."""
    for dataset in define.all("ItemGroupDef"):
        keys = sorted(int(ref.get("KeySequence")) for ref in children(dataset, "ItemRef") if _is_number(ref, "KeySequence"))
        if keys and keys != list(range(1, len(keys) + 1)):
            yield row(define, dataset, "The keys are not numbered from 1 without gaps.", " ".join(map(str, keys)))


def _is_number(element: etree._Element, attribute: str) -> bool:
    return (element.get(attribute) or "").isdecimal()


@rule("DEFINE-0042", "error")
def known_class(define: Define) -> Iterator[dict]:
    """A dataset has a class of Define-XML that fits its purpose; an analysis dataset that is def:IsNonStandard has none."""
    for dataset in define.all("ItemGroupDef"):
        names = [its_class.get("Name") for its_class in children(dataset, "def:Class")]
        purpose = dataset.get("Purpose") or ""
        allowed = terminology()["classes"].get(purpose, [])
        if purpose == "Analysis" and get(dataset, "def:IsNonStandard") == "Yes":
            if names:
                yield row(define, dataset, "An analysis dataset that follows no standard has no class.", names[0])
        elif not names:
            yield row(define, dataset, "The dataset has no class.")
        elif names[0] not in allowed:
            yield row(define, dataset, f"{names[0]!r} is no class of datasets with Purpose {purpose}.", names[0])


@rule("DEFINE-0043", "error")
def known_subclass(define: Define) -> Iterator[dict]:
    """A subclass is one of Define-XML and belongs to the class of the dataset."""
    for subclass in define.all("def:SubClass"):
        name, its_class = subclass.get("Name") or "", subclass.getparent().get("Name")
        if terminology()["subclasses"].get(name) != its_class:
            yield row(define, subclass, f"{name!r} is no subclass of {its_class}.", name)


@rule("DEFINE-0044", "error")
def known_purpose(define: Define) -> Iterator[dict]:
    """The purpose is Tabulation or Analysis."""
    for dataset in define.all("ItemGroupDef"):
        if dataset.get("Purpose") not in ("Tabulation", "Analysis"):
            yield row(define, dataset, "Purpose is neither Tabulation nor Analysis.", dataset.get("Purpose") or "")


@rule("DEFINE-0045", "error")
def domain_code(define: Define) -> Iterator[dict]:
    """A tabulation has a Domain of two letters; an analysis dataset has none."""
    for dataset in define.all("ItemGroupDef"):
        domain = dataset.get("Domain") or ""
        if dataset.get("Purpose") == "Analysis" and domain:
            yield row(define, dataset, "An analysis dataset has no Domain.", domain)
        elif dataset.get("Purpose") == "Tabulation" and not (len(domain) == 2 or domain == dataset.get("Name")):
            yield row(define, dataset, f"The Domain of a tabulation has two characters; here it is {domain!r}.", domain)


@rule("DEFINE-0046", "error")
def sas_name(define: Define) -> Iterator[dict]:
    """SASDatasetName is the dataset's Name: up to 8 letters, digits and _."""
    for dataset in define.all("ItemGroupDef"):
        name = dataset.get("Name") or ""
        if dataset.get("SASDatasetName") != name or not SAS_NAME.fullmatch(name):
            yield row(define, dataset, f"SASDatasetName is {dataset.get('SASDatasetName')!r}, the Name {name!r}.", name)


@rule("DEFINE-0047", "error")
def empty_with_comment(define: Define) -> Iterator[dict]:
    """A dataset without data (def:HasNoData) has a comment that says why."""
    for dataset in define.all("ItemGroupDef"):
        if get(dataset, "def:HasNoData") == "Yes" and not get(dataset, "def:CommentOID"):
            yield row(define, dataset, "The dataset has no data and no comment.")


@rule("DEFINE-0048", "error")
def archive_location(define: Define) -> Iterator[dict]:
    """A dataset names its file: def:ArchiveLocationID is the ID of its own leaf; one without data has neither."""
    for dataset in define.all("ItemGroupDef"):
        leaves = [leaf.get("ID") for leaf in children(dataset, "def:leaf")]
        location = get(dataset, "def:ArchiveLocationID")
        if get(dataset, "def:HasNoData") == "Yes":
            if location or leaves:
                yield row(define, dataset, "The dataset has no data, yet names a file.", location or leaves[0])
        elif not location or [location] != leaves:
            yield row(define, dataset, f"def:ArchiveLocationID is {location!r}, the leaf of the dataset "
                                       f"{leaves[0] if leaves else 'missing'!r}.", location)


@rule("DEFINE-0049", "error")
def dataset_label(define: Define) -> Iterator[dict]:
    """A dataset has a label (Description) of 1 to 40 characters."""
    for dataset in define.all("ItemGroupDef"):
        label = description(dataset)
        if not 1 <= len(label) <= LONGEST_LABEL:
            yield row(define, dataset, f"The label has {len(label)} characters; 1 to {LONGEST_LABEL} are possible.", label)


@rule("DEFINE-0050", "error")
def repeating_reference(define: Define) -> Iterator[dict]:
    """Reference data are not repeating."""
    for dataset in define.all("ItemGroupDef"):
        if dataset.get("IsReferenceData") == "Yes" and dataset.get("Repeating") != "No":
            yield row(define, dataset, "IsReferenceData is Yes, so Repeating must be No.")


@rule("DEFINE-0051", "warning")
def domain_description(define: Define) -> Iterator[dict]:
    """Supplemental qualifiers and split datasets name their parent domain: an Alias with Context DomainDescription."""
    for dataset in define.all("ItemGroupDef"):
        aliases = [alias.get("Name") for alias in children(dataset, "Alias") if alias.get("Context") == "DomainDescription"]
        is_part = dataset.get("Purpose") == "Tabulation" and (dataset.get("Name") or "") != dataset.get("Domain")
        if is_part and not any(aliases) and dataset.get("Domain"):
            yield row(define, dataset, "The dataset is a part of a domain and has no Alias with its description.")


@rule("DEFINE-0052", "notice")
def dataset_order(define: Define) -> Iterator[dict]:
    """Datasets stand in the order of their classes, and by name within a class."""
    order = [name for names in terminology()["classes"].values() for name in names]
    last = None
    for dataset in define.all("ItemGroupDef"):
        names = [its_class.get("Name") for its_class in children(dataset, "def:Class")]
        place = (order.index(names[0]) if names and names[0] in order else len(order), dataset.get("Name") or "")
        if dataset.get("Purpose") == "Analysis":
            place = (place[0], "")  # by class only: no order of names is asked for in ADaM
        if last and place < last:
            yield row(define, dataset, "The dataset stands behind one that comes later by class or name.")
        last = max(place, last or place)


@rule("DEFINE-0053", "error")
def dataset_file(define: Define) -> Iterator[dict]:
    """The file of a dataset lies where its leaf says."""
    for dataset in define.all("ItemGroupDef"):
        for leaf in children(dataset, "def:leaf"):
            href = get(leaf, "xlink:href")
            if define.folder and not (define.folder / href).is_file():
                yield row(define, leaf, f"The file {href} is missing.", href)


@rule("DEFINE-0054", "warning")
def file_name(define: Define) -> Iterator[dict]:
    """The file of a dataset is called as the dataset, in lower case, with the ending .xpt."""
    for dataset in define.all("ItemGroupDef"):
        for leaf in children(dataset, "def:leaf"):
            wanted = f"{(dataset.get('Name') or '').lower()}.xpt"
            if get(leaf, "xlink:href").rpartition("/")[2] != wanted:
                yield row(define, leaf, f"The file should be called {wanted}.", get(leaf, "xlink:href"))


@rule("DEFINE-0055", "error")
def unique_dataset(define: Define) -> Iterator[dict]:
    """A dataset is described once."""
    seen: set[str] = set()
    for dataset in define.all("ItemGroupDef"):
        name = dataset.get("Name") or ""
        if name in seen:
            yield row(define, dataset, f"The dataset {name} is described twice.", name)
        seen.add(name)


@rule("DEFINE-0056", "error")
def structure(define: Define) -> Iterator[dict]:
    """A dataset says what one record is (def:Structure)."""
    for dataset in define.all("ItemGroupDef"):
        if not get(dataset, "def:Structure").strip():
            yield row(define, dataset, "def:Structure is empty.")


@rule("DEFINE-0057", "error")
def has_variables(define: Define) -> Iterator[dict]:
    """A dataset has variables."""
    for dataset in define.all("ItemGroupDef"):
        if not children(dataset, "ItemRef"):
            yield row(define, dataset, "The dataset has no variables.")
