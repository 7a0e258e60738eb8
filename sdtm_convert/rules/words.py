"""A rule in words: which datasets it is for, what it looks for, what it needs, its message, what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

from ..errors import Fault, Place, SpecError, did_you_mean
from .load import load_rules
from .operations import OPERATIONS
from .operators import OPERATORS
from .rule import Condition, Group, Match, Operation, Rule, conditions
from .rule_types import RULE_TYPES

_JOIN = {"all": "all of these hold:", "any": "at least one of these holds:", "not": "this does not hold:"}


def explain(name: str, places: Sequence[Path] = ()) -> str:
    """The rule with this id, in words; from the rules in `places`, or the shipped ones. Raises SpecError where there is none."""
    known = {rule.id: rule for rule in (load_rules(*places) if places else _shipped())}
    if name not in known:
        hint = did_you_mean(name, known) or ("" if places else "Name the folder of other rules with --rules.")
        raise SpecError([Fault(Place(name), "no rule has this id.", hint)])
    return rule_in_words(known[name])


def _shipped() -> list[Rule]:
    with as_file(files("sdtm_convert.specs") / "rules") as place:
        return load_rules(place)


def rule_in_words(rule: Rule) -> str:
    """The rule as a short text, for people who do not read YAML."""
    standards = ", ".join(f"{name} {version}" for name, version in sorted(rule.standards)) or "no standard named"
    lines = [f"{rule.id} ({rule.severity})", " ".join(rule.description.split()), "",
             f"For:       {standards}", f"Datasets:  {_scope(rule)}", f"Looks at:  {rule.rule_type}: {_looked_at(rule)}"]
    needs = _needs(rule)
    lines += [f"Needs:     {'; '.join(needs)}"] if needs else []
    lines += [f"Beside:    {_match(match)}" for match in rule.matches]
    lines += [f"Computes:  {_operation(operation)}" for operation in rule.operations]
    lines += ["", f"A finding for each {_unit(rule)} where", *_node(rule.check, 1)]
    asked = dict.fromkeys(condition.operator for condition in conditions(rule.check))
    lines += ["", "where"] + [f"  {operator}: {_meaning(operator)}" for operator in asked]
    lines += ["", f"Message:   {' '.join(rule.message.split())}"]
    if rule.output_variables:
        lines.append(f"Shows:     {', '.join(rule.output_variables)}")
    return "\n".join(lines + [f"Rests on:  {reference}" for reference in rule.references])


def _unit(rule: Rule) -> str:
    """What a finding is about."""
    units = {"Dataset": "dataset", "Group": f"group by {', '.join(rule.grouping)}", "Study": "row of the first dataset that the rule is applicable to"}
    return units.get(rule.sensitivity, "row")


def _scope(rule: Rule) -> str:
    scope = rule.scope
    parts = [("of class", scope.classes, scope.not_classes), ("of domain", scope.domains, scope.not_domains),
             ("of structure", scope.structures, scope.not_structures), ("called", scope.datasets, scope.not_datasets)]
    said = [f"{what} {' or '.join(wanted)}" for what, wanted, _ in parts if wanted and "ALL" not in wanted]
    said += [f"not {what} {' or '.join(unwanted)}" for what, _, unwanted in parts if unwanted]
    if scope.split is not None:
        said.append("parts of a split dataset each by itself" if scope.split else "not parts of a split dataset")
    return ", ".join(said) or "all"


def _looked_at(rule: Rule) -> str:
    return _first(RULE_TYPES[rule.rule_type].__doc__)


def _needs(rule: Rule) -> list[str]:
    """What the rule asks for beyond the datasets."""
    asked = {rule.rule_type, *(operation.operator for operation in rule.operations)}
    names = {str(condition.name) for condition in conditions(rule.check)} | set(rule.output_variables)
    needs = [("define.xml", any("efine" in name for name in asked) or any(name.startswith("define_") for name in names)),
             ("the standard", any("ibrary" in name or "model" in name for name in asked) or any("library_" in name for name in names)),
             ("controlled terminology", any("codelist" in name or "term" in name for name in asked | names)),
             ("labels, types and lengths", any(name.startswith(("variable_label", "variable_size", "dataset_label")) for name in names)),
             ("dictionaries (MedDRA, WHODrug ...)", any(word in name for name in asked for word in ("meddra", "whodrug", "external")))]
    return [what for what, needed in needs if needed]


def _match(match: Match) -> str:
    if match.child:
        return f"the record that each row of {match.name} points to"
    keys = ", ".join(left if left == right else f"{left} = {right}" for left, right in match.keys)
    return f"{match.name}{', matched by ' + keys if keys else ''}{', rows without a match kept' if match.join == 'left' else ''}"


def _operation(operation: Operation) -> str:
    of = f" of {operation.name}" if operation.name else ""
    where = f" in {operation.domain}" if operation.domain else ""
    by = f", by {', '.join(operation.group)}" if operation.group else ""
    only = f", only records with {', '.join(f'{k} {v}' for k, v in operation.filter.items())}" if operation.filter else ""
    return f"{operation.id} = {operation.operator}{of}{where}{by}{only}. {_first(OPERATIONS[operation.operator].__doc__)}"


def _node(node: Condition | Group, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(node, Condition):
        return [f"{indent}- {_condition(node)}"]
    if len(node.members) == 1 and node.kind != "not":
        return _node(node.members[0], depth)
    return [f"{indent}{_JOIN[node.kind]}", *(line for member in node.members for line in _node(member, depth + 1))]


def _condition(condition: Condition) -> str:
    value = condition.value
    shown = "" if value is None else f" {', '.join(map(str, value))}" if isinstance(value, list) else f" {value}"
    if value is not None and condition.options.get("value_is_literal"):
        shown = f" the text {value!r}"
    options = [f"{key} {part}" for key, part in condition.options.items() if key != "value_is_literal"]
    added = f" ({', '.join(options)})" if options else ""
    return f"{condition.name or 'every variable'} {condition.operator.replace('_', ' ')}{shown}{added}"


def _meaning(operator: str) -> str:
    """What the operator asks; of one that answers the opposite of another, what that one asks."""
    function = OPERATORS[operator]
    whole = getattr(function, "__wrapped__", None)
    return _first(function.__doc__) if whole is None else f"not so: {_first(whole.__doc__)}"


def _first(doc: str | None) -> str:
    """The first sentence of a docstring."""
    text = " ".join((doc or "").split())
    return text.partition(". ")[0].rstrip(".") + "."
