"""Which datasets a rule is for."""

from __future__ import annotations

from .library import class_of, is_analysis, structure
from .rule import Rule
from .study import Study
from .table import Table


def out_of_scope(rule: Rule, table: Table, study: Study) -> str:
    """Why the rule does not apply to this dataset; "" where it does."""
    scope = rule.scope
    if scope.structures or scope.not_structures:
        own = structure(table, study)
        if "ALL" not in scope.structures and not _structure_in_scope(own, scope.structures, scope.not_structures):
            return f"data structure {own or 'unknown'} is out of scope"
    elif study.standard is not None and is_analysis(study.standard) and not table.name.startswith("AD"):
        return "not an analysis dataset"
    if scope.datasets and table.name not in scope.datasets or table.name in scope.not_datasets:
        return f"dataset {table.name} is out of scope"
    if not _domain_in_scope(rule, table):
        return f"domain {table.domain or table.name} is out of scope"
    if "ALL" in scope.classes or not (scope.classes or scope.not_classes):
        return ""
    if not study.variables(table):
        return "its variables are not described, so its class is not known"
    own = class_of(table, study)
    classes = {own, "FINDINGS"} if own == "FINDINGS ABOUT" else {own}
    if (scope.classes and not classes & set(scope.classes)) or (own and classes & set(scope.not_classes)):
        return f"class {own or 'unknown'} is out of scope"
    return ""


def _structure_in_scope(own: str, included: tuple[str, ...], excluded: tuple[str, ...]) -> bool:
    structures = {own, "BDS"} if own == "TTE" else {own}
    return own != "" and (not included or bool(structures & set(included))) and not structures & set(excluded)


def _domain_in_scope(rule: Rule, table: Table) -> bool:
    scope = rule.scope
    split = table.name != table.unsplit
    if scope.domains:
        included = _matches(table, scope.domains, (table.domain, table.name))
    else:
        included = scope.split is not True or split
    excluded = bool(scope.not_domains) and _matches(table, scope.not_domains, (table.domain, table.name, table.unsplit))
    if scope.split is True and split and not excluded:
        included = True
    if scope.split is False and split:
        excluded = True
    return included and not excluded


def _matches(table: Table, wanted: tuple[str, ...], own: tuple[str, ...]) -> bool:
    """By name, or by one of the patterns SUPP--, SQ-- (supplemental qualifiers), AP--, APFA-- (associated persons)."""
    if "ALL" in wanted or any(name in wanted for name in own if name):
        return True
    return (table.is_supp and bool({"SUPP--", "SQ--"} & set(wanted))) or (table.is_ap and bool({"AP--", "APFA--"} & set(wanted)))
