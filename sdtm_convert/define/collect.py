"""What a define.xml writes once and refers to often, with the OID of each: the first pass over a package.

Methods with the same words, comments with the same text, where clauses with the same conditions and codelists with the same
terms are one element each. OIDs are made from names (IG.AE, IT.AE.AETERM, WC.VS.VSTESTCD.SYSBP, MT.VS.VSDY) and depend on
nothing but the package, so a package written twice gives the same file.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field

from ..errors import InputError
from ..model import Codelist, Dataset, Dictionary, Method, Package, RangeCheck, StandardUsed, ValueLevel, Variable
from .resources import terminology, texts

LONGEST_OID = 64  # a longer one is cut and gets a digest


@dataclass
class Catalogue:
    """Things that are written once: the OID by what makes two of them the same, and the thing itself by OID."""

    oids: dict[Hashable, str] = field(default_factory=dict)
    things: dict[str, object] = field(default_factory=dict)

    def add(self, key: Hashable, oid: str, thing: object) -> str:
        """The OID of the thing with this key: the one it has, or this one, made unique by a digest where it is taken."""
        if key not in self.oids:
            oid = oid if len(oid) <= LONGEST_OID else f"{oid[: LONGEST_OID - 9]}.{digest(key)}"
            self.oids[key] = oid = oid if oid not in self.things else f"{oid}.{digest(key)}"
            self.things[oid] = thing
        return self.oids[key]


@dataclass(frozen=True)
class Item:
    """One ItemDef: a variable, or with `value` one of its value levels."""

    dataset: Dataset
    variable: Variable
    value: ValueLevel | None = None


@dataclass(frozen=True)
class Shared:
    """Everything that a define.xml refers to by OID. `codelist_names` says how each codelist is called."""

    datasets: tuple[Dataset, ...]  # in the order in which they are written
    standards: Catalogue = field(default_factory=Catalogue)
    items: Catalogue = field(default_factory=Catalogue)
    wheres: Catalogue = field(default_factory=Catalogue)
    codelists: Catalogue = field(default_factory=Catalogue)
    codelist_names: dict[str, str] = field(default_factory=dict)
    dictionaries: Catalogue = field(default_factory=Catalogue)
    methods: Catalogue = field(default_factory=Catalogue)
    comments: Catalogue = field(default_factory=Catalogue)
    leaves: Catalogue = field(default_factory=Catalogue)


def collect(package: Package) -> Shared:
    """All shared things of a package, in the order in which its datasets use them.

    Raises InputError for a key that is no variable of its dataset, for a value level without a where clause, and for two of one
    variable with the same.
    """
    shared = Shared(tuple(sorted(package.datasets, key=_order)))
    _add_standards(package, shared)
    if package_comment(package):
        shared.comments.add(package_comment(package), "COM.PACKAGE", package_comment(package))
    for dataset in shared.datasets:
        _add_dataset(dataset, shared)
    for dataset in shared.datasets:
        for variable in dataset.variables:
            for value in variable.value_level:
                _add_value(Item(dataset, variable, value), shared)
    _add_codelists(package, shared)
    for document in package.documents:
        shared.leaves.add(("document", document.id), f"LF.{slug(document.id)}", document)
    return shared


def _order(dataset: Dataset) -> tuple:
    classes = terminology()["classes"].get(dataset.purpose, [])
    return classes.index(dataset.class_name) if dataset.class_name in classes else len(classes), dataset.name


def _add_standards(package: Package, shared: Shared) -> None:
    """The standards of the package, guides first, and the terminology that a codelist names but the package does not."""
    used = list(package.standards)
    stated = {f"{standard.publishing_set.upper()} {standard.version}" for standard in used if standard.type == "CT"}
    for codelist in dict.fromkeys(_codelists(shared.datasets)):
        publishing_set, _, version = codelist.standard.rpartition(" ")
        if publishing_set and f"{publishing_set.upper()} {version}" not in stated:
            stated.add(f"{publishing_set.upper()} {version}")
            used.append(StandardUsed(terminology()["terminology"], "CT", version, publishing_set))
    for standard in sorted(used, key=lambda standard: standard.type != "IG"):
        name = ["CT", publishing_set_of(standard)] if standard.type == "CT" else [standard.name]
        oid = ".".join(["STD", *map(slug, name), slug(standard.version)])
        shared.standards.add(standard_key(standard.type, name[-1], standard.version), oid, standard)


def _codelists(datasets: tuple[Dataset, ...]) -> list[Codelist]:
    things = [thing for dataset in datasets for variable in dataset.variables for thing in (variable, *variable.value_level)]
    return list({id(thing.codelist): thing.codelist for thing in things if thing.codelist}.values())


def publishing_set_of(standard: StandardUsed) -> str:
    """The publishing set in the spelling of Define-XML: "Define-XML" is DEFINE-XML."""
    known = {name.upper(): name for name in terminology()["publishing_sets"]}
    return known.get(standard.publishing_set.upper(), standard.publishing_set)


def standard_key(type: str, name: str, version: str) -> tuple[str, str, str]:
    return type, name.upper(), version


def _add_dataset(dataset: Dataset, shared: Shared) -> None:
    unknown = [key for key in dataset.keys if key not in dataset.by_name]
    if unknown:
        raise InputError(f"define.xml: {dataset.name}: the key {unknown[0]!r} is no variable of the dataset. "
                         f"It has {', '.join(dataset.by_name)}.")
    shared.leaves.add(("dataset", dataset.name), f"LF.{slug(dataset.name)}", dataset)
    if dataset_comment(dataset):
        shared.comments.add(dataset_comment(dataset), f"COM.{slug(dataset.name)}", dataset_comment(dataset))
    for variable in dataset.variables:
        item, name = Item(dataset, variable), f"{slug(dataset.name)}.{slug(variable.name)}"
        shared.items.add(item_key(item), f"IT.{name}", item)
        _add_texts(item, name, shared)


def _add_value(item: Item, shared: Shared) -> None:
    if not item.value.where:
        raise InputError(f"define.xml: {item.dataset.name}.{item.variable.name}: a value level has no where clause.")
    if item_key(item) in shared.items.oids:
        raise InputError(f"define.xml: {item.dataset.name}.{item.variable.name}: two value levels for the same values: "
                         f"{where_text(item.value.where)}.")
    label = where_label(item)
    shared.wheres.add(where_key(item), f"WC.{slug(item.dataset.name)}.{label}", item)
    single = len(item.value.where) == 1 and item.value.where[0].comparator == "EQ"
    name = f"{slug(item.dataset.name)}.{slug(item.variable.name)}.{_value_label(item.value.where[0]) if single else label}"
    shared.items.add(item_key(item), f"IT.{name}", item)
    _add_texts(item, name, shared)
    if joined_text(item):
        shared.comments.add(joined_text(item), f"COM.{slug(item.dataset.name)}.{label}", joined_text(item))


def _add_texts(item: Item, name: str, shared: Shared) -> None:
    thing = item.value or item.variable
    if thing.method:
        shared.methods.add(method_key(thing.method), f"MT.{name}", (thing.method, item))
    if comment_of(item):
        shared.comments.add(comment_of(item), f"COM.{name}", comment_of(item))


# --- Codelists --------------------------------------------------------------------------------------------------------


def _add_codelists(package: Package, shared: Shared) -> None:
    """Each set of terms once. Several subsets of one codelist get their terms into the OID, their first user into the name."""
    first: dict[Hashable, Item] = {}
    for item in shared.items.things.values():
        if codelist_of(item):
            first.setdefault(codelist_key(item), item)
        elif not item.value and item.variable.dictionary:
            _add_dictionary(package, item, shared)
    lists = {key: codelist_of(item) for key, item in first.items()}
    bases = Counter(_codelist_base(codelist) for codelist in lists.values())
    names = Counter(codelist.name or codelist.short_name for codelist in lists.values())
    for key, codelist in lists.items():
        base, name = _codelist_base(codelist), codelist.name or codelist.short_name
        terms = joined_label(tuple(term.value for term in codelist.terms), digest(key))
        oid = base if bases[base] == 1 else f"{base}.{terms}"
        oid = shared.codelists.add(key, oid, (codelist, codelist_type(first[key])))
        user = f"{first[key].dataset.name}.{first[key].variable.name}"
        shared.codelist_names[oid] = name if names[name] == 1 else f"{name} ({_value_user(first[key], user)})"


def _value_user(item: Item, user: str) -> str:
    return f"{user}, {where_text(item.value.where)}" if item.value else user


def _add_dictionary(package: Package, item: Item, shared: Shared) -> None:
    """The dictionary of a coded variable; one whose version the package does not state is written without, and found."""
    name = item.variable.dictionary
    stated = [dictionary for dictionary in package.dictionaries if dictionary.name.casefold() == name.casefold()]
    dictionary = stated[0] if stated else Dictionary(name, "")
    shared.dictionaries.add(name.casefold(), f"CL.DICTIONARY.{slug(dictionary.name).upper()}", dictionary)


def _codelist_base(codelist: Codelist) -> str:
    return f"CL.{slug(codelist.short_name or codelist.code or codelist.name)}"


def codelist_of(item: Item) -> Codelist | None:
    """The codelist of a variable or value level; one of which no term is used cannot be written."""
    codelist = (item.value or item.variable).codelist
    return codelist if codelist and codelist.terms else None


def codelist_key(item: Item) -> Hashable:
    """What makes two codelists the same element: the standard's codelist, the type, and the terms in any order."""
    codelist = codelist_of(item)
    terms = tuple(sorted((term.value, term.code, term.decode) for term in codelist.terms))
    return codelist.code, codelist.short_name, codelist.name, codelist.standard, codelist_type(item), terms


def codelist_type(item: Item) -> str:
    """The DataType of a codelist: that of its users; everything that is no number is text."""
    data_type = (item.value or item.variable).data_type
    return data_type if data_type in ("integer", "float") else "text"


# --- What makes two things the same, and what they are called ---------------------------------------------------------


def slug(text: str) -> str:
    """A name as a part of an OID: letters, digits, and _ . - only.

    >>> slug("CDISC/NCI CT"), slug("3.4")
    ('CDISC-NCI-CT', '3.4')
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.") or digest(text)


def digest(thing: object) -> str:
    """Eight characters that stand for a thing whose name would be too long."""
    return hashlib.sha256(repr(thing).encode("utf-8", "backslashreplace")).hexdigest()[:8]


def item_key(item: Item) -> Hashable:
    return item.dataset.name, item.variable.name, where_key(item) if item.value else None


def where_key(item: Item) -> Hashable:
    """A where clause whatever the order of its conditions and of the values of IN and NOTIN.

    One across datasets is for the values of one dataset, as its comment says how that is joined.
    """
    checks = []
    for check in item.value.where:
        values = tuple(sorted(check.values)) if check.comparator in ("IN", "NOTIN") else check.values
        checks.append((check.dataset or item.dataset.name, check.variable, check.comparator, values))
    return (item.dataset.name if others_in(item) else "", *sorted(checks))


def where_label(item: Item) -> str:
    """A where clause as a part of an OID: VSTESTCD.SYSBP, or with a comparator other than EQ: VSTESTCD.NE.SYSBP."""
    return ".".join(_check_label(check) for check in item.value.where)


def _check_label(check: RangeCheck) -> str:
    comparator = [] if check.comparator == "EQ" else [check.comparator]
    return ".".join([*([slug(check.dataset)] if check.dataset else []), slug(check.variable), *comparator, _value_label(check)])


def _value_label(check: RangeCheck) -> str:
    return joined_label(check.values, digest(check.values))


def joined_label(values: tuple[str, ...], otherwise: str) -> str:
    """Values as a part of an OID where they are short and plain: N-Y; else a digest."""
    label = "-".join(values)
    return label if re.fullmatch(r"[A-Za-z0-9_-]{1,24}", label) else otherwise


def where_text(where: tuple[RangeCheck, ...]) -> str:
    """A where clause for people: `VSTESTCD EQ SYSBP AND VSPOS IN (SITTING, STANDING)`."""

    def values(check: RangeCheck) -> str:
        return f"({', '.join(check.values)})" if check.comparator in ("IN", "NOTIN") else ", ".join(check.values)

    name = [f"{check.dataset}.{check.variable}" if check.dataset else check.variable for check in where]
    return " AND ".join(f"{name} {check.comparator} {values(check)}" for name, check in zip(name, where))


def method_key(method: Method) -> Hashable:
    return method.type, method.text


def package_comment(package: Package) -> str:
    return "\n".join(text for text in (package.comment, *package.notes) if text)


def dataset_comment(dataset: Dataset) -> str:
    """The dataset's comment; a dataset without records must have one."""
    return dataset.comment or ("" if dataset.records else texts()["no_records"])


def item_name(item: Item) -> str:
    """The variable's name; for a supplemental qualifier, the QNAM that it is the value of."""
    qualifier = item.value and item.variable.name == "QVAL" and [c for c in item.value.where if c.variable == "QNAM"]
    if qualifier and qualifier[0].comparator == "EQ":
        return qualifier[0].values[0]
    return item.variable.name


def has_no_values(item: Item) -> bool:
    """Whether the variable is to be marked def:HasNoData; where the whole dataset is empty, only the dataset is."""
    return not item.value and item.variable.all_missing and item.dataset.records > 0


def comment_of(item: Item) -> str:
    """The comment of a variable or value level; a variable without values must have one."""
    comment = (item.value or item.variable).comment
    return comment or (texts()["no_values"] if has_no_values(item) else "")


def joined_text(item: Item) -> str:
    """How the other dataset of a where clause is joined; a where clause across datasets must say it."""
    return " ".join(_join(item.dataset, other) for other in others_in(item))


def others_in(item: Item) -> list[str]:
    """The other datasets that the where clause of a value level names."""
    return list(dict.fromkeys(check.dataset for check in item.value.where if check.dataset not in ("", item.dataset.name)))


def _join(dataset: Dataset, other: str) -> str:
    subject = [name for name in ("STUDYID", "USUBJID") if name in dataset.by_name]
    keys = " and ".join(subject)
    template = texts()["join" if keys else "join_without_keys"]
    return template.format(dataset=dataset.name, other=other, keys=keys)
