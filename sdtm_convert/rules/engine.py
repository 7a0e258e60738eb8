"""Running rules: every rule on every dataset, each with an outcome. An error inside a rule is an outcome too, never silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from .column import group_codes
from .matching import match_datasets
from .operations import run_operations
from .operators import ask, without_wildcard
from .rule import ColumnMissing, Condition, Group, NotApplicable, NotRun, Rule, RuleError, conditions
from .rule_types import PRESENCE_TYPES, RECORD_TYPES, RULE_TYPES
from .scope import out_of_scope
from .study import Study
from .table import Table
from .tables import needed

PASSED, FINDINGS, NOT_APPLICABLE, NOT_RUN, FAILED = "passed", "findings", "not applicable", "not run", "failed"
STATUSES = (PASSED, FINDINGS, NOT_APPLICABLE, NOT_RUN, FAILED)

Made = TypeVar("Made")

# What dirty data or a wrong rule can raise inside an operator. It ends this rule on this dataset, with the cause in the outcome.
_FAILURES = (RuleError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, re.error)


@dataclass(frozen=True, eq=False)
class Hits:
    """The rows of one table that broke the rule. Record data: rows of the dataset; else of a table of metadata."""

    table: Table
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one rule on one dataset: a status of STATUSES, the reason where it did not run to the end, and what was found."""

    rule: Rule
    dataset: str
    status: str
    reason: str = ""
    hits: tuple[Hits, ...] = ()


def run(rules: Iterable[Rule], study: Study) -> Iterator[Outcome]:
    """Every rule on every dataset, in the order of the rules; parts of a split dataset together under the first one's name."""
    return run_jobs(rules, study, 1, lambda outcome: outcome)


def run_jobs(rules: Iterable[Rule], study: Study, jobs: int, use: Callable[[Outcome], Made]) -> Iterator[Made]:
    """As `run`, but several datasets at a time, and of each outcome what `use` makes of it, in the same order. Threads share the datasets:
    numpy lets other threads work while it is busy with long columns. The outcomes themselves, with their joined datasets, are not kept."""
    rules = list(rules)
    done = _ahead(rules, study, jobs, use) if jobs > 1 else {}
    for number, rule in enumerate(rules):
        if rule.rule_type in PRESENCE_TYPES:
            yield use(_on_study(rule, study))
        elif rule.sensitivity == "Study":
            yield from map(use, _once(run_one(rule, parts, study) for parts in _targets(rule, study.tables.values(), study)))
        else:
            for parts in _targets(rule, study.tables.values(), study):
                key = (number, parts[0].name)
                yield done.pop(key) if key in done else use(run_one(rule, parts, study))


def _ahead(rules: list[Rule], study: Study, jobs: int, use: Callable[[Outcome], Made]) -> dict[tuple[int, str], Made]:
    """What `use` makes of the outcomes of all rules that judge each dataset by itself, by the rule's number and the dataset; the largest
    dataset first."""
    apart = [(number, rule) for number, rule in enumerate(rules) if rule.rule_type not in PRESENCE_TYPES and rule.sensitivity != "Study"]

    def judge(tables: tuple[Table, ...]) -> dict[tuple[int, str], Made]:
        return {(number, parts[0].name): use(run_one(rule, parts, study)) for number, rule in apart for parts in _targets(rule, tables, study)}

    largest_first = sorted(study.parts.values(), key=lambda tables: -sum(table.rows for table in tables))
    with ThreadPoolExecutor(jobs) as pool:
        return {key: made for found in pool.map(judge, largest_first) for key, made in found.items()}


def _targets(rule: Rule, tables: Iterable[Table], study: Study) -> list[tuple[Table, ...]]:
    """The datasets among these that the rule judges: each part of a split one by itself, or all of them together."""
    if rule.scope.split:
        return [(table,) for table in tables]
    return [study.parts[name] for name in dict.fromkeys(table.unsplit for table in tables)]


def _once(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """Of a rule whose one verdict is for the whole study, that on the first dataset that it is applicable to."""
    judged = ""
    for outcome in outcomes:
        if judged and outcome.status != NOT_APPLICABLE:
            outcome = replace(outcome, status=NOT_APPLICABLE, reason=f"judged once for the study, on {judged}", hits=())
        elif outcome.status != NOT_APPLICABLE:
            judged = outcome.dataset
        yield outcome


def _on_study(rule: Rule, study: Study) -> Outcome:
    """A rule about which datasets there are: once, where any dataset is in its scope."""
    reasons = {}
    for name, table in study.tables.items():
        try:
            reasons[name] = out_of_scope(rule, table, study)
        except RuleError as error:
            return Outcome(rule, "STUDY", FAILED, f"{name}: {error}")
    applicable = [name for name, reason in reasons.items() if not reason]
    if not applicable:
        return Outcome(rule, "STUDY", NOT_APPLICABLE, next(iter(reasons.values()), "no datasets"))
    outcome = run_one(rule, (study.tables[applicable[0]],), study)
    return Outcome(rule, "STUDY", outcome.status, outcome.reason, outcome.hits)


def run_one(rule: Rule, parts: tuple[Table, ...], study: Study) -> Outcome:
    """One rule on one dataset (on all of its parts)."""
    name = parts[0].name
    try:
        reason = out_of_scope(rule, parts[0], study)
    except RuleError as error:
        return Outcome(rule, name, FAILED, str(error))
    if reason:
        return Outcome(rule, name, NOT_APPLICABLE, reason)
    unreadable = next((study.unreadable[part.name] for part in parts if part.name in study.unreadable), "")
    if unreadable and (rule.rule_type in RECORD_TYPES or any(not operation.domain for operation in rule.operations)):
        return Outcome(rule, name, FAILED, unreadable)
    if study.core_compatible and name != "ADSL" and set(rule.scope.structures or ("ALL",)) != {"ALL"}:
        return Outcome(rule, name, FAILED, "CDISC's engine 0.17.1 fails on data structures other than ADSL")
    try:
        hits = tuple(_hits(rule, parts, study))
    except ColumnMissing as missing:
        lacks = needed(missing.name)
        return Outcome(rule, name, NOT_RUN, f"needs {lacks}") if lacks else Outcome(rule, name, NOT_APPLICABLE, str(missing))
    except NotApplicable as stop:
        return Outcome(rule, name, NOT_APPLICABLE, str(stop))
    except NotRun as stop:
        return Outcome(rule, name, NOT_RUN, f"needs {stop}")
    except _FAILURES as error:
        return Outcome(rule, name, FAILED, _cause(error))
    return Outcome(rule, name, FINDINGS if hits else PASSED, "", hits)


def _cause(error: Exception) -> str:
    return str(error) if isinstance(error, RuleError) else f"{type(error).__name__}: {error}"


@contextmanager
def _naming(*place: str) -> Iterator[None]:
    """What fails inside says at which place of the rule."""
    try:
        yield
    except _FAILURES as error:
        raise RuleError(f"{' '.join(part for part in place if part)}: {_cause(error)}") from error


def _hits(rule: Rule, parts: tuple[Table, ...], study: Study) -> Iterator[Hits]:
    """What the rule's Check finds in each table of its rule type."""
    tables = RULE_TYPES[rule.rule_type](parts, study)
    if not sum(table.rows for table in tables):
        raise NotApplicable("no records" if rule.rule_type in RECORD_TYPES else "not a dataset of the standard")
    for table in tables:
        with _naming("Match Datasets"):
            table = match_datasets(rule, table, study)
        for operation in rule.operations:
            with _naming(f"operation {operation.id}", operation.operator, operation.name):
                table = run_operations((operation,), table, study)
        if not table.rows:
            raise NotApplicable("no records after matching datasets")
        rows = np.flatnonzero(holds(rule.check, table, study.core_compatible))
        if rule.sensitivity == "Group":
            rows = _first_of_groups(rule, table, rows)
        if len(rows):
            yield Hits(table, rows)


def _first_of_groups(rule: Rule, table: Table, rows: np.ndarray) -> np.ndarray:
    """Of the rows that broke the rule, the first of each group by its Grouping Variables."""
    names = [str(without_wildcard(name, table.prefix)) for name in rule.grouping]
    missing = [name for name in names if name not in table.known]
    if missing:
        raise RuleError(f"no grouping variable {', '.join(missing)}")
    groups = group_codes([table.column(name).take(rows) for name in names], len(rows))
    return rows[np.unique(groups, return_index=True)[1]]


def holds(node: Condition | Group, table: Table, core_compatible: bool = False) -> np.ndarray:
    """The rows for which the Check holds. A condition on a column that is not there takes its `all` with it, but of an `any` only its
    own branch; where nothing is left, ColumnMissing says what is missing."""
    if isinstance(node, Condition):
        with _naming("condition", str(without_wildcard(node.name, table.prefix)), node.operator):
            return ask(node, table, core_compatible)
    answers, missing = [], []
    for member in _named(node, table):
        try:
            answers.append(holds(member, table, core_compatible))
        except ColumnMissing as error:
            if node.kind != "any":
                raise
            missing.append(error)
    if not answers:
        raise missing[0]
    if node.kind == "not":
        return ~answers[0]
    combine = np.logical_or if node.kind == "any" else np.logical_and
    return combine.reduce(answers)


def _named(group: Group, table: Table) -> Iterator[Condition | Group]:
    """The members of a group; a condition without a name stands for the same condition on every column."""
    for member in group.members:
        if isinstance(member, Condition) and member.name is None:
            yield from (replace(member, name=name) for name in table.names)
        else:
            yield member


def output_variables(rule: Rule, table: Table) -> list[str]:
    """The variables that a finding shows: the rule's Output Variables, else those that its Check asks about."""
    names = rule.output_variables or [condition.name for condition in conditions(rule.check) if condition.name]
    return list(dict.fromkeys(str(without_wildcard(name, table.prefix)) for name in names))
