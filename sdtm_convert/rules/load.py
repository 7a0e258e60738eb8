"""Rule files: YAML in CDISC's open rule format -> Rule. Everything wrong with a rule is said before any data are looked at."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..documents import Document, check_schema, parse_document, parse_values
from ..errors import Fault, InputError, Place, SpecError, did_you_mean
from .operations import NEEDED, OPERATIONS
from .operators import OPERATORS, missing_arguments, parameters
from .rule import Condition, Group, Match, Operation, Rule, Scope
from .rule_types import RULE_TYPES


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
        found = sorted(Path(folder, name) for folder, _, names in os.walk(path) for name in names if name.endswith((".yml", ".yaml")))
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
    data = parse_values(text, file)
    if _faults(Document(file, data, {})):  # places cost as much again, and are for faults alone
        raise SpecError(_faults(Document(file, data, parse_document(text, file).places)))
    return _rule(data, file)


def _faults(document: Document) -> list[Fault]:
    return check_schema(document, "rule") or _check_names(document)


# --- Names that must be known -----------------------------------------------------------------------------------------


def _check_names(document: Document) -> list[Fault]:
    data = document.data
    faults = _known(document, ("Rule Type",), data["Rule Type"], RULE_TYPES, "rule type")
    if data.get("Sensitivity") == "Group" and not data.get("Grouping Variables"):
        faults += _fault(document, ("Sensitivity",), "Group needs 'Grouping Variables'.")
    for number, match in enumerate(data.get("Match Datasets") or []):
        if not match.get("Keys") and not match.get("Child") and not match["Name"].startswith(("RELREC", "SUPP", "SQ")):
            faults += _fault(document, ("Match Datasets", number), f"the dataset {match['Name']} is matched by 'Keys', which are missing.")
    for number, operation in enumerate(data.get("Operations") or []):
        faults += _check_operation(document, ("Operations", number), operation)
    return faults + _check_node(document, ("Check",), data["Check"])


def _check_operation(document: Document, path: tuple, operation: dict) -> list[Fault]:
    operator = operation["operator"]
    faults = _known(document, (*path, "operator"), operator, OPERATIONS, "operation")
    missing = [name for name in NEEDED.get(operator, ()) if operation.get(name) is None]
    faults += [fault for name in missing for fault in _fault(document, path, f"the operation '{operator}' needs '{name}'.")]
    return faults + _check_pattern(document, path, operation.get("regex"))


def _check_node(document: Document, path: tuple, node: dict) -> list[Fault]:
    if "operator" not in node:
        if len(node) != 1 or not all(node.values()):
            return _fault(document, path, "a group of conditions is one of all, any, not, with at least one condition.")
        kind = next(iter(node))
        members = [node["not"]] if kind == "not" else node[kind]
        steps = [(kind,)] if kind == "not" else [(kind, number) for number in range(len(members))]
        return [fault for step, member in zip(steps, members) for fault in _check_node(document, (*path, *step), member)]
    operator = str(node["operator"])
    faults = _known(document, (*path, "operator"), operator, OPERATORS, "operator")
    if faults:
        return faults
    missing = missing_arguments(_condition(node))
    faults = [fault for name in missing for fault in _fault(document, path, f"the operator '{operator}' needs '{name}'.")]
    faults += _check_pattern(document, path, node.get("regex"))
    if operator.endswith("matches_regex"):
        faults += _check_pattern(document, path, node.get("value"))
    if "value" in node and not missing and not _value_fits(operator, node["value"]):
        faults += _fault(document, path, f"the operator '{operator}' does not take such a value.")
    return faults


def _value_fits(operator: str, value: object) -> bool:
    """Whether the value has the shape that the operator asks for."""
    if operator in ("target_is_sorted_by", "target_is_not_sorted_by"):
        return isinstance(value, list) and all(_sorts(part) for part in value)
    many = "names" in parameters(operator) or any(word in operator for word in ("contain", "element", "equal_to", "references", "ordered"))
    return not isinstance(value, dict) and (many or not isinstance(value, list))


def _sorts(part: object) -> bool:
    """Whether this is an entry of target_is_sorted_by: a name, which way it sorts, where empty cells stand."""
    return (isinstance(part, dict) and isinstance(part.get("name"), str) and str(part.get("sort_order", "asc")).lower() in ("asc", "desc")
            and part.get("null_position", "last") in ("first", "last"))


def _check_pattern(document: Document, path: tuple, pattern: object) -> list[Fault]:
    """A regular expression is text that compiles; none is none."""
    if pattern is None:
        return []
    if not isinstance(pattern, str):
        return _fault(document, path, f"a regular expression is text; {pattern!r} is not.")
    try:
        re.compile(pattern)
    except re.error as error:
        return _fault(document, path, f"'{pattern}' is no regular expression: {error}.")
    return []


def _fault(document: Document, path: tuple, message: str) -> list[Fault]:
    return [Fault(document.place(*path, what=_what(document, path)), message)]


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
        rule_type=data["Rule Type"], sensitivity=data.get("Sensitivity", "Record"), grouping=tuple(data.get("Grouping Variables") or ()), scope=_scope(data.get("Scope") or {}),
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
