"""Rule files: YAML in CDISC's open rule format -> Rule. Everything wrong with a rule is said before any data are looked at."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ..documents import Document, check_schema, parse_document
from ..errors import Fault, InputError, Place, SpecError, did_you_mean
from .operations import OPERATIONS
from .operators import OPERATORS, missing_arguments
from .rule import Condition, Group, Match, Operation, Rule, Scope
from .rule_types import RULE_TYPES

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_rules(*paths: Path) -> list[Rule]:
    """The rules of files and folders (their *.yml and *.yaml, deeper folders too), by id. Raises SpecError with the faults of all of
    them, InputError for a path that cannot be read."""
    rules, faults = [], []
    for file in (file for path in paths for file in _files(Path(path))):
        try:
            rules.append(load_rule(file))
        except SpecError as error:
            faults += error.faults
    first: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in first:
            faults.append(Fault(Place(rule.file, 0, rule.id), f"the id is taken by {first[rule.id].file}."))
        first.setdefault(rule.id, rule)
    if faults:
        raise SpecError(faults)
    return sorted(rules, key=lambda rule: rule.id)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for pattern in ("*.yml", "*.yaml") for file in path.rglob(pattern))
        if not found:
            raise InputError(f"{path}: no rule files (*.yml) in this folder.")
        return found
    if not path.is_file():
        raise InputError(f"{path}: no such rule file or folder.")
    return [path]


def load_rule(file: Path) -> Rule:
    """One rule file. Raises SpecError, InputError."""
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{file}: the rule cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SpecError([Fault(Place(str(file)), "a rule is UTF-8 text; this file is not.")]) from None
    return parse_rule(text, str(file))


def parse_rule(text: str, file: str = "rule.yml") -> Rule:
    """The rule in `text`; `file` names it in messages. Raises SpecError."""
    places = parse_document(text, file)
    document = Document(file, yaml.load(text, Loader=_Loader), places.places)
    faults = check_schema(document, "rule")
    if not faults:
        faults = _check_names(document)
    if faults:
        raise SpecError(faults)
    return _rule(document.data, file)


# --- Names that must be known -----------------------------------------------------------------------------------------


def _check_names(document: Document) -> list[Fault]:
    data = document.data
    faults = _known(document, ("Rule Type",), data["Rule Type"], RULE_TYPES, "rule type")
    for number, operation in enumerate(data.get("Operations") or []):
        path = ("Operations", number, "operator")
        faults += _known(document, path, operation["operator"], OPERATIONS, "operation")
    return faults + _check_node(document, ("Check",), data["Check"])


def _check_node(document: Document, path: tuple, node: dict) -> list[Fault]:
    if "operator" not in node:
        if len(node) != 1 or not all(node.values()):
            message = "a group of conditions is one of all, any, not, with at least one condition."
            return [Fault(document.place(*path, what=_what(document, path)), message)]
        kind = next(iter(node))
        members = [node["not"]] if kind == "not" else node[kind]
        steps = [(kind,)] if kind == "not" else [(kind, number) for number in range(len(members))]
        return [fault for step, member in zip(steps, members) for fault in _check_node(document, (*path, *step), member)]
    operator = str(node["operator"])
    faults = _known(document, (*path, "operator"), operator, OPERATORS, "operator")
    if faults:
        return faults
    what = _what(document, path)
    for name in missing_arguments(_condition(node)):
        faults.append(Fault(document.place(*path, what=what), f"the operator '{operator}' needs '{name}'."))
    for pattern in [node.get("regex")] + ([node.get("value")] if operator.endswith("matches_regex") else []):
        if isinstance(pattern, str):
            try:
                re.compile(pattern)
            except re.error as error:
                faults.append(Fault(document.place(*path, what=what), f"'{pattern}' is no regular expression: {error}."))
    return faults


def _known(document: Document, path: tuple, name: str, known: dict, kind: str) -> list[Fault]:
    if name in known:
        return []
    return [Fault(document.place(*path, what=_what(document, path)), f"unknown {kind} '{name}'.", did_you_mean(name, known))]


def _what(document: Document, path: tuple) -> str:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    return f"{document.data['Core']['Id']} {where}"


# --- Building ---------------------------------------------------------------------------------------------------------


def _rule(data: dict, file: str) -> Rule:
    core, outcome, check = data["Core"], data["Outcome"], _node(data["Check"])
    standards, references = _authorities(data.get("Authorities") or [])
    return Rule(
        id=core["Id"], version=str(core.get("Version", "")), status=core.get("Status", ""), file=file,
        description=data.get("Description", ""), severity=data.get("Severity", "error"),
        rule_type=data["Rule Type"], sensitivity=data.get("Sensitivity", "Record"), scope=_scope(data.get("Scope") or {}),
        operations=tuple(_operation(operation) for operation in data.get("Operations") or []),
        matches=tuple(_match(match) for match in data.get("Match Datasets") or []),
        check=check if isinstance(check, Group) else Group("all", (check,)), message=outcome["Message"].strip(),
        output_variables=tuple(outcome.get("Output Variables") or ()), standards=standards, references=references,
    )


def _node(node: dict) -> Condition | Group:
    if "operator" in node:
        return _condition(node)
    kind = next(iter(node))
    members = [node[kind]] if kind == "not" else node[kind]
    return Group(kind, tuple(_node(member) for member in members))


def _condition(node: dict) -> Condition:
    options = {key: value for key, value in node.items() if key not in ("name", "operator", "value")}
    return Condition(str(node["operator"]), node.get("name"), node.get("value"), options)


def _operation(data: dict) -> Operation:
    plain = ("id", "operator", "name", "domain", "group", "filter")
    options = {key: value for key, value in data.items() if key not in plain}
    return Operation(str(data["id"]), data["operator"], data.get("name") or "", data.get("domain") or "",
                     tuple(data.get("group") or ()), data.get("filter") or {}, options)


def _match(data: dict) -> Match:
    keys = [(key, key) if isinstance(key, str) else (key.get("Left", ""), key.get("Right", "")) for key in data.get("Keys") or []]
    how = str(data.get("Join Type", "inner")).lower()
    return Match(data["Name"], tuple(keys), bool(data.get("Child")), how, data.get("Wildcard", "**"))


def _scope(data: dict) -> Scope:
    def names(part: str, way: str) -> tuple[str, ...]:
        return tuple((data.get(part) or {}).get(way) or ())

    return Scope(
        names("Classes", "Include"), names("Classes", "Exclude"), names("Domains", "Include"), names("Domains", "Exclude"),
        names("Data Structures", "Include"), names("Data Structures", "Exclude"), names("Datasets", "Include"),
        names("Datasets", "Exclude"), (data.get("Domains") or {}).get("include_split_datasets"),
    )


def _authorities(data: list) -> tuple[frozenset[tuple[str, str]], tuple[str, ...]]:
    standards, references = set(), []
    for standard in (standard for authority in data for standard in authority.get("Standards") or []):
        standards.add((str(standard.get("Name", "")), str(standard.get("Version", ""))))
        for citation in (c for reference in standard.get("References") or [] for c in reference.get("Citations") or []):
            parts = [citation.get("Document"), citation.get("Section"), citation.get("Item")]
            references.append(" ".join(str(part) for part in parts if part))
    return frozenset(standards), tuple(dict.fromkeys(references))
