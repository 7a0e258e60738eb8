"""The types that the whole package speaks in: frozen dataclasses, named in CDISC's words.

Two groups. *The standard*: what an implementation guide and controlled terminology say (`Standard`, `StandardDataset`,
`StandardVariable`, `Terminology`, `Codelist`, `Term`). *The package*: what is submitted (`Package`, `Dataset`, `Variable`,
`Origin`, `Method`, `ValueLevel` ...), resolved from the standard, the study's mapping and the data, and the one source of
XPT attributes and define.xml alike. The data themselves are plain `pandas.DataFrame`s and never part of these types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property


# --- The standard -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """One term of a codelist: submission value, NCI C-code ("" for a sponsor's own term), decode, synonyms."""

    value: str
    code: str = ""
    decode: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Codelist:
    """A CDISC codelist, or a sponsor's own (then `code` is "")."""

    code: str
    short_name: str
    name: str
    extensible: bool
    terms: tuple[Term, ...]
    standard: str = ""  # publishing set and version, as "SDTM 2025-03-28"; "" for a sponsor's own codelist

    @cached_property
    def by_value(self) -> dict[str, Term]:
        return {term.value: term for term in self.terms}


@dataclass(frozen=True)
class Terminology:
    """One published set of controlled terminology: SDTM or ADaM or ..., of one date."""

    name: str
    version: str
    codelists: dict[str, Codelist]  # by NCI C-code

    @cached_property
    def by_short_name(self) -> dict[str, Codelist]:
        return {codelist.short_name: codelist for codelist in self.codelists.values()}

    def find(self, name: str) -> Codelist | None:
        """The codelist with this C-code or short name ("C66742" or "NY")."""
        return self.codelists.get(name) or self.by_short_name.get(name)


@dataclass(frozen=True)
class StandardVariable:
    """One variable as the implementation guide has it. `type` is Char or Num, `core` Req, Exp, Perm, Cond or ""."""

    name: str
    label: str
    type: str
    role: str = ""
    core: str = ""
    order: int = 0
    codelists: tuple[str, ...] = ()  # NCI C-codes
    values: str = ""  # described value domain: "ISO 8601 datetime or interval", "ISO 8601 duration", "MedDRA" ...


@dataclass(frozen=True)
class StandardDataset:
    """One dataset (SDTMIG) or structure (ADaMIG: ADSL, BDS, TTE, OCCDS) with its variables in standard order."""

    name: str
    label: str
    class_name: str  # in Define-XML's words: SPECIAL PURPOSE, FINDINGS, BASIC DATA STRUCTURE ...
    structure: str
    variables: dict[str, StandardVariable]
    subclass: str = ""


@dataclass(frozen=True)
class Standard:
    """An implementation guide: SDTMIG 3.4 or ADaMIG 1.3."""

    name: str
    version: str
    datasets: dict[str, StandardDataset]


# --- The package ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """Where a variable's values come from, in Define-XML 2.1's words (def:Origin)."""

    type: str  # Collected, Derived, Assigned, Protocol, Predecessor
    source: str = ""  # Investigator, Subject, Sponsor, Vendor; "" for Predecessor
    predecessor: str = ""  # "DM.AGE"
    pages: tuple[str, ...] = ()  # pages of the annotated CRF


@dataclass(frozen=True)
class Method:
    """How derived values are computed, in words (MethodDef)."""

    text: str
    type: str = "Computation"  # or Imputation
    name: str = ""


@dataclass(frozen=True)
class RangeCheck:
    """One condition of a where clause: variable, comparator (EQ NE IN NOTIN LT LE GT GE), values."""

    variable: str
    comparator: str
    values: tuple[str, ...]
    dataset: str = ""  # "" = the dataset that the value level belongs to


@dataclass(frozen=True)
class ValueLevel:
    """The metadata of those values of a variable for which all of `where` hold. Fields as in `Variable`."""

    where: tuple[RangeCheck, ...]
    label: str
    type: str
    data_type: str
    length: int
    mandatory: bool = False
    significant_digits: int | None = None
    display_format: str = ""
    codelist: Codelist | None = None
    origin: Origin | None = None
    method: Method | None = None
    comment: str = ""


@dataclass(frozen=True)
class Variable:
    """One variable of a submitted dataset; drives conform, XPT and define.xml alike."""

    name: str
    label: str
    type: str  # Char or Num, as in the XPT file
    data_type: str  # Define-XML's: text integer float date time datetime partialDate partialDatetime incompleteDatetime durationDatetime
    length: int  # bytes in the XPT file; Num is 8
    order: int = 0
    role: str = ""
    core: str = ""
    mandatory: bool = False
    key: int | None = None  # KeySequence
    significant_digits: int | None = None
    display_format: str = ""  # SAS format such as DATE9.
    codelist: Codelist | None = None  # only the terms that the study uses
    dictionary: str = ""  # external dictionary: MedDRA ...
    origin: Origin | None = None
    method: Method | None = None
    comment: str = ""
    value_level: tuple[ValueLevel, ...] = ()
    all_missing: bool = False  # no value in the whole dataset
    non_standard: bool = False  # not a variable of the standard


@dataclass(frozen=True)
class Dataset:
    """One submitted dataset: its metadata (the data are a DataFrame of the same name)."""

    name: str
    label: str
    class_name: str
    structure: str
    variables: tuple[Variable, ...]
    keys: tuple[str, ...]
    domain: str = ""  # SDTM: the two-letter code (parent's code for SUPP--); "" in ADaM
    subclass: str = ""
    purpose: str = "Tabulation"  # or Analysis
    repeating: bool = True
    reference_data: bool = False
    records: int = 0
    comment: str = ""
    non_standard: bool = False
    parent_label: str = ""  # SUPP--: label of the parent domain, for Alias DomainDescription

    @cached_property
    def by_name(self) -> dict[str, Variable]:
        return {variable.name: variable for variable in self.variables}


@dataclass(frozen=True)
class Document:
    """A document of the package that define.xml points to. `kind`: crf, guide or other."""

    id: str
    title: str
    file: str
    kind: str = "other"


@dataclass(frozen=True)
class StandardUsed:
    """One def:Standard: ("SDTMIG", "IG", "3.4") or ("CDISC/NCI", "CT", "2025-03-28", "SDTM")."""

    name: str
    type: str
    version: str
    publishing_set: str = ""
    status: str = "Final"


@dataclass(frozen=True)
class Dictionary:
    """An external dictionary: MedDRA 23.0 ..."""

    name: str
    version: str
    href: str = ""


@dataclass(frozen=True)
class Package:
    """All that one define.xml describes: the tabulation or the analysis part of a submission."""

    study: str
    study_name: str
    study_description: str
    protocol: str
    standards: tuple[StandardUsed, ...]
    datasets: tuple[Dataset, ...]
    documents: tuple[Document, ...] = ()
    dictionaries: tuple[Dictionary, ...] = ()
    created: str = ""  # ISO 8601 datetime
    originator: str = ""
    comment: str = ""
    notes: tuple[str, ...] = field(default=())
