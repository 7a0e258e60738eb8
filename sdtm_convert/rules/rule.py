"""The types of a conformance rule, as CDISC's open rule format has it, and the ways in which a rule can end early."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Condition:
    """One leaf of a Check: `name` (a column) is put to `operator`, mostly against `value`."""

    operator: str
    name: str | None  # None: the condition is asked of every column
    value: object = None
    options: dict = field(default_factory=dict)  # prefix, suffix, within, ordering, regex, value_is_literal ...


@dataclass(frozen=True)
class Group:
    """`all`, `any` or `not` of further conditions."""

    kind: str
    members: tuple[Condition | Group, ...]


@dataclass(frozen=True)
class Operation:
    """One entry of Operations: its result becomes the column `id`."""

    id: str
    operator: str
    name: str = ""
    domain: str = ""
    group: tuple[str, ...] = ()
    filter: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """One entry of Match Datasets. `keys` are pairs of names, in this dataset and in the other one."""

    name: str
    keys: tuple[tuple[str, str], ...] = ()
    child: bool = False
    join: str = "inner"
    wildcard: str = "**"


@dataclass(frozen=True)
class Scope:
    """Which datasets a rule is for. An empty Include means all."""

    classes: tuple[str, ...] = ()
    not_classes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    not_domains: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    not_structures: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    not_datasets: tuple[str, ...] = ()
    split: bool | None = None  # include_split_datasets


@dataclass(frozen=True)
class Rule:
    """One conformance rule. Fields as in the rule file; `severity` is this project's addition (error where absent)."""

    id: str
    rule_type: str
    check: Condition | Group
    message: str
    sensitivity: str = "Record"  # Record, Dataset, Group or Study; Variable and Value are taken as Record
    grouping: tuple[str, ...] = ()  # Grouping Variables, of Sensitivity Group
    scope: Scope = Scope()
    operations: tuple[Operation, ...] = ()
    matches: tuple[Match, ...] = ()
    output_variables: tuple[str, ...] = ()
    description: str = ""
    severity: str = "error"
    standards: frozenset[tuple[str, str]] = frozenset()  # ("SDTMIG", "3.4")
    references: tuple[str, ...] = ()
    version: str = ""
    status: str = ""
    file: str = ""

    def is_for(self, standard: str, version: str) -> bool:
        """Whether the rule's Authorities name this standard (`sdtmig` or `SDTMIG`) and version (`3.4` or `3-4`)."""
        return (standard.upper(), version.replace("-", ".")) in {(name.upper(), number) for name, number in self.standards}


def conditions(node: Condition | Group) -> list[Condition]:
    """Every condition of a Check, in order."""
    if isinstance(node, Condition):
        return [node]
    return [condition for member in node.members for condition in conditions(member)]


class NotApplicable(Exception):
    """The rule says nothing about this dataset; the text is the reason."""


class ColumnMissing(NotApplicable):
    """A condition asks about a column that is not there. Inside `any` only that branch falls away."""

    def __init__(self, name: str):
        self.name = name
        super().__init__(f"no variable {name}")


class NotRun(Exception):
    """The rule cannot be decided with what was given; the text is what it needs."""


class RuleError(Exception):
    """The rule cannot be carried out on these data; the text is the cause."""
