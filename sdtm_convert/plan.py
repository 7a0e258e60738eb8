"""What a checked specification says: the types that `load` makes and `derive` runs.

A `Study` holds one `Mapping` per dataset. A mapping makes records from `Block`s (one per raw table it reads, one `Test` per --TESTCD in
a findings domain) and gives each variable a chain of `Step`s: the first that has a value wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .conditions import Condition, Name
from .errors import Place
from .model import Codelist, Dictionary, Document, Standard, StandardDataset, StandardVariable, Terminology
from .registry import MethodInfo

SOURCE = "raw"  # Ref.table of a field (or variable) of the table that the records come from


@dataclass(frozen=True)
class Ref:
    """A resolved name. `table`: "" = this dataset, SOURCE = its `from`, else a dataset or raw table."""

    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}" if self.table not in ("", SOURCE) else self.name


@dataclass(frozen=True)
class LookupTable:
    """A look-up table of study.yml: rows by the text that is looked up."""

    name: str
    rows: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Where:
    """A condition with each of its names resolved."""

    condition: Condition
    refs: dict[Name, Ref]


@dataclass(frozen=True)
class Step:
    """One method with its arguments: Ref, list of Ref, Where, Codelist, nested Step, LookupTable, text, number."""

    method: MethodInfo
    arguments: dict[str, object]
    place: Place
    where: Where | None = None
    matching: Where | None = None
    by: tuple[str, ...] = ("USUBJID",)
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chain:
    """The steps of a variable for all records (`block` and `test` missing), for one block, or for one test of it."""

    steps: tuple[Step, ...]
    block: int | None = None
    test: str | None = None


@dataclass(frozen=True)
class VariablePlan:
    """How one variable gets its values, and what the study says of it beyond the standard."""

    name: str
    chains: tuple[Chain, ...]  # the most specific first
    place: Place
    standard: StandardVariable | None = None
    attributes: dict[str, str] = field(default_factory=dict)  # label, type, length, display_format, origin, comment, reason ...
    codelist: Codelist | None = None
    supplemental: bool = False

    @property
    def working(self) -> bool:
        """A working variable (`_NAME`): used by others, not submitted."""
        return self.name.startswith("_")

    @cached_property
    def type(self) -> str:
        return self.attributes.get("type") or (self.standard.type if self.standard else "") or ("" if self.working else "Char")

    @cached_property
    def label(self) -> str:
        return self.attributes.get("label") or (self.standard.label if self.standard else "")


@dataclass(frozen=True)
class Test:
    """One test of a findings domain: its code, the texts by which raw rows name it, the raw field with its result."""

    code: str
    collected: tuple[str, ...] = ()
    result: Ref | None = None


@dataclass(frozen=True)
class Block:
    """Records from one raw table or dataset: one per row, or one per row and test."""

    source: str
    place: Place
    where: Where | None = None
    excluded: str = ""
    test_field: Ref | None = None
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True)
class Mapping:
    """How one dataset is made."""

    dataset: str
    part: str  # sdtm or adam
    file: str
    standard: StandardDataset | None
    blocks: tuple[Block, ...]
    variables: dict[str, VariablePlan]  # in the order of evaluation, supplemental ones last
    keys: tuple[str, ...]
    place: Place
    label: str = ""
    structure: str = ""
    subclass: str = ""
    comment: str = ""
    not_submitted: dict[str, str] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        return self.dataset[:2] if self.part == "sdtm" else ""


@dataclass(frozen=True)
class RawSource:
    """One raw table of the study: where it is read from and who its subjects are."""

    name: str
    file: str
    form: str
    usubjid: str  # template over its fields; "" for a table without subjects
    place: Place
    options: dict[str, object] = field(default_factory=dict)  # of readers.read_raw
    drop_duplicates: bool = False
    pages: tuple[str, ...] = ()
    source: str = "Investigator"
    not_submitted: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """A checked specification of one study."""

    name: str
    folder: Path
    title: str
    description: str
    protocol: str
    notice: str
    created: str
    encoding: str
    raw_folder: Path
    raw: dict[str, RawSource]
    raw_not_submitted: dict[str, str]
    field_pages: dict[tuple[str, str], tuple[str, ...]]
    mappings: dict[str, Mapping]
    sdtm: Standard
    adam: Standard | None
    terminology: tuple[Terminology, ...]
    codelists: dict[str, Codelist]  # the study's own, and CDISC's with sponsor terms
    dictionaries: tuple[Dictionary, ...]
    documents: tuple[Document, ...]
    files: tuple[Path, ...]  # every specification file read
    study_code: Path | None = None  # methods.py, if the study names one
    unchecked: tuple[str, ...] = ()  # raw tables whose field names could not be checked: no file
