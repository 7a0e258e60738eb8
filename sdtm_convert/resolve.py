"""Names of a specification made sure: every raw field, variable, method, codelist and table that a step names exists.

Nothing is raised here: faults are collected, so that a specification shows all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from . import conditions
from .date_formats import check_format
from .documents import Document
from .errors import Fault, Place, did_you_mean
from .model import Codelist, StandardDataset, StandardVariable
from .plan import SOURCE, LookupTable, Ref, Step, Where
from .registry import MethodInfo, Parameter

ATTRIBUTES = ("steps", "label", "type", "length", "display_format", "codelist", "origin", "comment", "reason",
              "significant_digits", "data_type", "page")
NUMBER = r"[+-]?(\d+([.]\d*)?|[.]\d+)"
RELATED_OPTIONS = ("matching", "by", "order")
AUTOMATIC = {"STUDYID": "is `study` of study.yml", "DOMAIN": "follows from the name of the dataset",
             "USUBJID": "comes from `raw.usubjid` in study.yml"}


@dataclass
class Context:
    """What names can mean anywhere in the study, and the faults found so far."""

    methods: dict[str, MethodInfo]
    fields: dict[str, tuple[str, ...] | None]  # of each raw table; None = its file is not at hand
    variables: dict[str, tuple[str, ...]]  # of each dataset
    tables: dict[str, dict]
    unit_factors: dict[str, dict]
    find_codelist: Callable[[str, str], Codelist | None]  # (part, name)
    codelist_names: Callable[[], Iterable[str]]
    find_variable: Callable[[StandardDataset | None, str], StandardVariable | None]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, place: Place, message: str, hint: str = "") -> None:
        self.faults.append(Fault(place, message, hint))

    def names_of(self, table: str) -> tuple[str, ...] | None:
        """The variables of a dataset or fields of a raw table; None where they are not known."""
        return self.variables[table] if table in self.variables else self.fields.get(table)


@dataclass
class Scope:
    """What a bare name can mean where a step stands."""

    context: Context
    dataset: str
    part: str
    document: Document
    sources: tuple[str, ...]  # the tables that the records come from
    above: dict[str, bool]  # variables of this dataset that may be named; True = a plain copy of its source's namesake
    below: frozenset[str] = frozenset()
    codelists: dict[str, Codelist | None] = field(default_factory=dict)  # of this dataset's variables

    def in_source(self, name: str) -> bool | None:
        """Whether every table that the records come from has this field; None where that is not known."""
        known = [self.context.names_of(source) for source in self.sources]
        if any(fields is not None and name not in fields for fields in known):
            return False
        return None if any(fields is None for fields in known) else bool(known)


def resolve_name(text: str, scope: Scope, place: Place, of_records: bool = False) -> Ref | None:
    """The one thing that a name means; a fault where it means nothing or two things.

    The table that the records come from may be named too: `AE.AETERM` in ADAE made from AE is the value of that very record, but
    `of_records` (a method over many records) that of all AE's records.
    """
    context = scope.context
    prefix, dot, rest = text.partition(".")
    if dot and prefix == SOURCE:
        return _field(rest, scope, place)
    meanings: dict[Ref, str] = {}
    is_field = scope.in_source(text)
    if text in scope.above:
        meanings[Ref("", text)] = f"the variable {scope.dataset}.{text}"
    if is_field and not _same_as_source(text, scope):
        meanings[Ref(SOURCE, text)] = f"the field {text} of {' and '.join(scope.sources)}"
    if dot and prefix == scope.dataset and rest in context.variables[prefix]:
        meanings[Ref("", rest)] = f"the variable {text}"
    elif dot and (prefix in context.variables or prefix in context.fields):
        names = context.names_of(prefix)
        if names is None or rest in names:
            meanings[Ref(SOURCE if scope.sources == (prefix,) and not of_records else prefix, rest)] = text
        elif not meanings:
            kind = "variable" if prefix in context.variables else "field"
            return context.fault(place, f"{prefix} has no {kind} '{rest}'.", did_you_mean(rest, names))
    if len(meanings) > 1:
        ways = [f"'raw.{text}'" if ref.table == SOURCE else f"'{ref}'" if ref.table else f"'{scope.dataset}.{ref}'" for ref in meanings]
        return context.fault(place, f"'{text}' is both {' and '.join(meanings.values())}.", f"Write {' or '.join(ways)}.")
    if meanings:
        return next(iter(meanings))
    if is_field is None and text not in scope.below:
        return Ref(SOURCE, text)
    return _unknown(text, scope, place)


def _same_as_source(name: str, scope: Scope) -> bool:
    """Whether the variable of this name has its source's value anyway, so that it does not matter which one is meant."""
    copied = scope.above.get(name) and all(source in scope.context.variables for source in scope.sources)
    return copied or (name in scope.above and name in ("STUDYID", "DOMAIN", "USUBJID"))


def _field(name: str, scope: Scope, place: Place) -> Ref | None:
    if scope.in_source(name) is False:
        for source in scope.sources:
            fields = scope.context.names_of(source) or ()
            if name not in fields:
                scope.context.fault(place, f"{source} has no field '{name}'.", did_you_mean(name, fields))
        return None
    return Ref(SOURCE, name)


def _unknown(text: str, scope: Scope, place: Place) -> None:
    if text in scope.below:
        scope.context.fault(place, f"'{text}' is defined further down.",
                            f"Move it up, or write '{scope.dataset}.{text}'.")
        return None
    somewhere = [source for source in scope.sources if text in (scope.context.names_of(source) or ())]
    if somewhere:
        others = [source for source in scope.sources if source not in somewhere]
        scope.context.fault(place, f"'{text}' is a field of {', '.join(somewhere)} but not of {', '.join(others)}.",
                            "Give it in `variables` of the block that has it.")
        return None
    known = [*scope.above, *(name for source in scope.sources for name in scope.context.names_of(source) or ())]
    where = f" in {' and '.join(scope.sources)}" if scope.sources else ""
    scope.context.fault(place, f"no variable or field '{text}'{where}.", did_you_mean(text, known))
    return None


# --- Conditions -------------------------------------------------------------------------------------------------------


def resolve_condition(text: str, scope: Scope, place: Place) -> Where | None:
    """A condition with its names resolved."""
    try:
        condition = conditions.parse(str(text))
    except conditions.ConditionError as error:
        scope.context.fault(place, f"in the condition `{text}`: {error}")
        return None
    refs = {}
    for name in condition.names:
        written = f"{name.qualifier}.{name.name}" if name.qualifier else name.name
        ref = resolve_name(written, scope, place)
        if ref is not None:
            refs[name] = ref
    return Where(condition, refs) if len(refs) == len(set(condition.names)) else None


def _resolve_matching(text: str, table: str, scope: Scope, place: Place) -> Where | None:
    """A condition on the records of another table: its bare names are that table's."""
    names = scope.context.names_of(table)
    if names is None:
        return resolve_condition(text, Scope(scope.context, table, scope.part, scope.document, (table,), {}), place)
    there = Scope(scope.context, table, scope.part, scope.document, (), dict.fromkeys(names, False))
    return resolve_condition(text, there, place)


# --- Steps ------------------------------------------------------------------------------------------------------------


def variable_steps(name: str, data: dict | list, scope: Scope, path: tuple, attributes: tuple[str, ...] = ATTRIBUTES) -> tuple[Step, ...]:
    """The resolved steps of one variable's definition: one step, a list of steps, or `steps` beside those attributes that may stand here."""
    what = f"{scope.dataset}.{name}"
    if name in AUTOMATIC:
        scope.context.fault(scope.document.place(*path, what=what), f"{name} {AUTOMATIC[name]}; it is not mapped here.")
        return ()
    if isinstance(data, dict) and "steps" in data:
        data, path = _listed_steps(data, scope, path, what, attributes), (*path, "steps")
    items = [((*path, position), item) for position, item in enumerate(data)] if isinstance(data, list) else [(path, data)]
    steps = []
    for at, item in items:
        if not isinstance(item, dict):
            scope.context.fault(scope.document.place(*at, what=what), "a step is a method with its argument, such as {assign: FIELD}.")
            continue
        steps.append(resolve_step(item, scope, at, what, scope.codelists.get(name), attributes))
    return tuple(step for step in steps if step is not None)


def _listed_steps(data: dict, scope: Scope, path: tuple, what: str, attributes: tuple[str, ...]) -> list:
    """The list under `steps`. Beside it only attributes may stand: a method or a `where` there would have no effect."""
    for key in data:
        if key in ATTRIBUTES and key not in ("steps", *attributes):
            _attribute_without_effect(key, scope, (*path, key), what)
        elif key not in ATTRIBUTES:
            hint = did_you_mean(key, ATTRIBUTES) or "Put it into each of the steps that it is meant for."
            scope.context.fault(scope.document.place(*path, key, what=what), f"'{key}' cannot stand beside `steps`.", hint)
    if isinstance(data["steps"], list) and data["steps"]:
        return data["steps"]
    scope.context.fault(scope.document.place(*path, "steps", what=what), "`steps` is a list of steps.", "Write [{assign: A}, {assign: B}].")
    return []


def resolve_step(
    data: dict, scope: Scope, path: tuple, what: str, codelist: Codelist | None = None, attributes: tuple[str, ...] = ATTRIBUTES
) -> Step | None:
    """One step: its method, every argument by its kind, and `where`. `data` stands at `path` of the scope's document.

    `attributes` are those of the variable that may stand beside the method: none in a test, or where the step is the argument of another.
    """
    context = scope.context
    place = scope.document.place(*path, what=what)
    name = _method_name(data, context.methods)
    if name is None:
        unknown = next((key for key in data if key not in ATTRIBUTES and key != "where"), "")
        message = f"unknown method '{unknown}'." if unknown else "no method is named."
        context.fault(scope.document.place(*path, unknown, what=what), message, did_you_mean(unknown, context.methods))
        return None
    info = context.methods[name]
    related = any(parameter.kind == "Related" for parameter in info.parameters.values())
    options = (*attributes, "where", *(RELATED_OPTIONS if related else ()))
    arguments, before = {}, len(context.faults)
    for key, value in data.items():
        parameter = info.parameters.get(info.primary if key == name else key)
        at = scope.document.place(*path, key, what=what)
        if parameter is not None and parameter.name in arguments:
            context.fault(at, f"the argument '{parameter.name}' is given twice: it is what stands behind '{name}'.")
        elif parameter is not None:
            arguments[parameter.name] = _argument(parameter, value, scope, (*path, key), what)
        elif key == name:
            context.fault(at, f"the method '{name}' takes no argument.")
        elif key in ATTRIBUTES and key not in options:
            _attribute_without_effect(key, scope, (*path, key), what)
        elif key not in options:
            context.fault(at, f"the method '{name}' has no argument '{key}'.",
                          did_you_mean(key, [*info.parameters, *options]) or f"It takes {', '.join(info.parameters)}.")
    _fill_in(info, arguments, scope, place, codelist)
    if info.check and len(context.faults) == before:
        given = {parameter.name: arguments.get(parameter.name, parameter.default) for parameter in info.parameters.values()}
        if wrong := info.check(given):
            context.fault(place, f"the method '{name}': {wrong}")
    where = resolve_condition(data["where"], scope, scope.document.place(*path, "where", what=what)) if "where" in data else None
    step = Step(info, arguments, place, where, *(_related_options(data, arguments, scope, path, what) if related else ()))
    return step if len(context.faults) == before else None


def _attribute_without_effect(key: str, scope: Scope, path: tuple, what: str) -> None:
    hint = "Write it in `variables`, beside the method that makes the variable."
    scope.context.fault(scope.document.place(*path, what=what), f"'{key}' is about a variable; within a step or a test it has no effect.", hint)


def _method_name(data: dict, methods: dict[str, MethodInfo]) -> str | None:
    """The key that is the step's method; a key may also be an argument that is called like a method, such as `number` of `part`."""
    found = [key for key in data if key in methods]
    return next((key for key in found if all(other == key or other in methods[key].parameters for other in found)), found[0] if found else None)


def _argument(parameter: Parameter, value, scope: Scope, path: tuple, what: str):
    context, place = scope.context, scope.document.place(*path, what=what)
    kind = parameter.kind
    if kind == "Column":
        return _column(value, scope, path, what)
    if kind == "Columns":
        values = value if isinstance(value, list) else [value]
        if not values:
            context.fault(place, f"'{path[-1]}' is an empty list.")
        return [_column(item, scope, (*path, position) if isinstance(value, list) else path, what) for position, item in enumerate(values)]
    if kind == "Related":
        return _related(value, scope, place)
    if kind == "DateFormats":
        return _date_formats(value, scope, place)
    if kind == "Texts":
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]
    if kind == "Condition":
        return resolve_condition(value, scope, place)
    if kind == "CodelistName" and value == "none":
        return None
    if kind in ("CodelistName", "SourceCodelist"):
        return find_codelist(value, scope, place)
    if kind == "Table":
        if str(value) not in context.tables:
            context.fault(place, f"no table '{value}' in study.yml.", did_you_mean(str(value), context.tables))
        return LookupTable(str(value), context.tables.get(str(value), {}))
    if kind == "Mapping":
        if not isinstance(value, dict):
            context.fault(place, f"'{path[-1]}' is a mapping of collected texts to terms.")
            return {}
        return {str(key): str(item) for key, item in value.items()}
    if isinstance(value, (dict, list)):
        context.fault(place, f"'{path[-1]}' is one text or number.")
        return None
    if kind == "Number":
        if not re.fullmatch(NUMBER, str(value)):
            context.fault(place, f"'{value}' is not a number.")
            return None
        return float(value)
    return str(value)


def _date_formats(value, scope: Scope, place: Place) -> list[str]:
    formats = [str(item) for item in value] if isinstance(value, list) else [str(value)]
    for text in formats:
        if wrong := check_format(text):
            scope.context.fault(place, f"the date format '{text}': {wrong}")
    return formats


def _column(value, scope: Scope, path: tuple, what: str):
    if isinstance(value, dict):
        return resolve_step(value, scope, path, what, attributes=())
    place = scope.document.place(*path, what=what)
    if isinstance(value, list):
        scope.context.fault(place, "one name is wanted here, not a list.")
        return None
    return resolve_name(str(value), scope, place)


def _related(value, scope: Scope, place: Place) -> Ref | None:
    ref = resolve_name(str(value), scope, place, of_records=True)
    if ref is not None and ref.table in ("", SOURCE):
        scope.context.fault(place, f"'{value}' has one value for each record; this method wants another dataset's records.",
                            "Name it with its dataset, such as EX.EXSTDTC.")
        return None
    return ref


def find_codelist(name: str, scope: Scope, place: Place) -> Codelist | None:
    """The codelist of this short name or C-code: the study's own first, then CDISC's."""
    found = scope.context.find_codelist(scope.part, str(name))
    if found is None:
        scope.context.fault(place, f"no codelist '{name}' in the study or the terminology it names.",
                            did_you_mean(str(name), scope.context.codelist_names()))
    return found


def _fill_in(info: MethodInfo, arguments: dict, scope: Scope, place: Place, codelist: Codelist | None) -> None:
    """Arguments that the step need not write: codelists, unit factors, defaults that are names; and the missing ones."""
    for parameter in info.parameters.values():
        if parameter.name in arguments:
            continue
        if parameter.kind == "CodelistName":
            arguments[parameter.name] = codelist
        elif parameter.kind == "SourceCodelist":
            source = arguments.get(info.primary)
            arguments[parameter.name] = scope.codelists.get(source.name) if isinstance(source, Ref) and not source.table else None
            if arguments[parameter.name] is None and source is not None:
                scope.context.fault(place, f"the method '{info.name}' needs a codelist, and the variable has none.", "Name it: codelist.")
        elif parameter.kind == "Factors":
            arguments[parameter.name] = scope.context.unit_factors
        elif parameter.kind == "Columns" and parameter.default:
            arguments[parameter.name] = [Ref("", name) for name in parameter.default]
        elif parameter.required:
            scope.context.fault(place, f"the method '{info.name}' needs the argument '{parameter.name}'.")


def _related_options(data: dict, arguments: dict, scope: Scope, path: tuple, what: str):
    """`matching`, `by`, `order` of a step that looks at another dataset's records."""
    info = scope.context.methods[_method_name(data, scope.context.methods)]
    looked_at = [value for name, value in arguments.items() if info.parameters[name].kind == "Related" and isinstance(value, Ref)]
    table, matching = looked_at[0].table if looked_at else "", None
    if any(ref.table != table for ref in looked_at):
        scope.context.fault(scope.document.place(*path, what=what), f"{' and '.join(map(str, looked_at))} are not of one dataset.")
    if "matching" in data and table:
        matching = _resolve_matching(data["matching"], table, scope, scope.document.place(*path, "matching", what=what))
    by = _names(data.get("by", "USUBJID"))
    if not by:
        scope.context.fault(scope.document.place(*path, "by", what=what), "'by' is an empty list.")
    order = _names(data.get("order", []))
    known = scope.context.names_of(table) if table else None
    for key, names in (("by", by), ("order", order)):
        for name in names:
            if known is not None and name not in known and name != "USUBJID":
                scope.context.fault(scope.document.place(*path, key, what=what), f"{table} has no variable '{name}'.", did_you_mean(name, known))
            if key == "by" and name != "USUBJID" and name not in scope.above:
                scope.context.fault(scope.document.place(*path, key, what=what), f"no variable '{name}' above in {scope.dataset}.", did_you_mean(name, scope.above))
    return matching, tuple(by), tuple(order)


def _names(value) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
