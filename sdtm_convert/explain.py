"""What the registry, the standard and a study know of a name, in plain words."""

from __future__ import annotations

from collections.abc import Callable

from .build_rules import BUILD_RULES
from .define.check import RULES
from .errors import Fault, Place, SpecError, did_you_mean
from .methods import shipped_methods
from .model import Codelist, StandardVariable
from .plan import Study
from .registry import MethodInfo
from .standard import load_standard, load_terminology, standard_dataset, standard_variable

STANDARDS = (("sdtmig", "3.4"), ("adamig", "1.3"))
TERMINOLOGIES = (("sdtm", "2025-03-28"), ("adam", "2025-03-28"))
MOST_TERMS = 40


def explain(name: str | None, study: str | None = None) -> str:
    """The text that `sdtm-convert explain` prints. Raises SpecError with did-you-mean for a name that nobody knows."""
    from .load import load_study

    loaded = load_study(study) if study else None
    methods = shipped_methods() if loaded is None else _methods_with(loaded)
    if not name:
        return _overview(methods)
    for look in _lookups(methods, loaded):
        if text := look(name):
            return text
    known = [*methods, *BUILD_RULES, *RULES, *_conformance_rules(), *(dataset for s in STANDARDS for dataset in load_standard(*s).datasets)]
    raise SpecError([Fault(Place(name), "no method, rule, dataset, variable or codelist has this name.", did_you_mean(name, known))])


def _lookups(methods: dict[str, MethodInfo], study: Study | None) -> list[Callable[[str], str]]:
    return [lambda name: _method(methods[name]) if name in methods else "",
            lambda name: _study_variable(name, study) if study else "",
            reported_rule,
            _rule, _variable, _dataset, _codelist]


def reported_rule(name: str) -> str:
    """What is known of a rule that is no conformance rule: one on define.xml, or what build and validate themselves report; else ""."""
    own = {rule.id: (rule.severity, rule.text) for rule in RULES.values()} | BUILD_RULES
    return f"{name} ({own[name][0]})\n{own[name][1]}" if name in own else ""


def _methods_with(study: Study) -> dict[str, MethodInfo]:
    used = {step.method.name: step.method for mapping in study.mappings.values() for plan in mapping.variables.values()
            for chain in plan.chains for step in chain.steps}
    return {**shipped_methods(), **used}


def _overview(methods: dict[str, MethodInfo]) -> str:
    families: dict[str, list[str]] = {}
    for info in methods.values():
        families.setdefault(info.function.__module__.rpartition(".")[2], []).append(f"  {info.name:24} {_first_sentence(info)}")
    return "\n".join(line for family, lines in families.items() for line in [f"{family}:", *lines])


def _first_sentence(info: MethodInfo) -> str:
    return info.template.replace("{", "").replace("}", "").replace("[", "").replace("]", "").split(". ")[0].rstrip(".") + "."


def _method(info: MethodInfo) -> str:
    arguments = [f"  {p.name:16} {p.kind}{'' if p.required else f', default {_default(p.default)}'}{' (stands behind the method)' if p.name == info.primary else ''}"
                 for p in info.parameters.values()]
    return "\n".join([f"{info.name}: a method; origin {info.origin}", "", info.doc, "", "Arguments:", *arguments])


def _default(value: object) -> str:
    return "none" if value in (None, (), []) else ", ".join(value) if isinstance(value, tuple) else str(value)


def _study_variable(name: str, study: Study) -> str:
    from .origins import method_of, origin_of

    dataset, _, variable = name.partition(".")
    mapping = study.mappings.get(dataset)
    plan = mapping.variables.get(variable) if mapping else None
    if plan is None:
        return ""
    origin, method = origin_of(plan, mapping, study), method_of(plan, mapping, study)
    lines = [f"{name}: {plan.label} ({plan.type}), made in {plan.place.file}:{plan.place.line}",
             f"origin   {origin.type} {origin.source or origin.predecessor}".rstrip()]
    lines += [f"method   {method.text}"] if method else []
    lines += [f"codelist {plan.codelist.short_name} {plan.codelist.code}".rstrip()] if plan.codelist else []
    return "\n".join(lines)


def _variable(name: str) -> str:
    dataset_name, _, variable_name = name.partition(".")
    if not variable_name:
        return ""
    for standard in (load_standard(*s) for s in STANDARDS):
        dataset = standard_dataset(standard, dataset_name)
        variable = standard_variable(dataset, variable_name) if dataset else None
        if variable:
            return f"{name} ({standard.name} {standard.version}): {_described(variable)}"
    return ""


def _described(variable: StandardVariable) -> str:
    parts = [variable.label, variable.type, variable.role, f"core {variable.core}" if variable.core else "", variable.values,
             f"codelist {', '.join(variable.codelists)}" if variable.codelists else ""]
    return "; ".join(part for part in parts if part)


def _dataset(name: str) -> str:
    for standard in (load_standard(*s) for s in STANDARDS):
        dataset = standard_dataset(standard, name)
        if dataset:
            lines = [f"{name}: {dataset.label}, {dataset.class_name} ({standard.name} {standard.version}). {dataset.structure}", ""]
            return "\n".join(lines + [f"  {variable.name:9} {_described(variable)}" for variable in dataset.variables.values()])
    return ""


def _codelist(name: str) -> str:
    for terminology in (load_terminology(*t) for t in TERMINOLOGIES):
        codelist = terminology.find(name)
        if codelist:
            return _codelist_words(codelist)
    return ""


def _codelist_words(codelist: Codelist) -> str:
    lines = [f"{codelist.short_name} ({codelist.code}): {codelist.name}, {'extensible' if codelist.extensible else 'not extensible'}, {codelist.standard}"]
    lines += [f"  {term.value:24} {term.code:9} {term.decode}" for term in codelist.terms[:MOST_TERMS]]
    return "\n".join(lines + ([f"  ... {len(codelist.terms) - MOST_TERMS} further terms"] if len(codelist.terms) > MOST_TERMS else []))


def _conformance_rules() -> dict[str, object]:
    from .validation import shipped_rules

    return {rule.id: rule for standard, _ in STANDARDS for rule in shipped_rules(standard)}


def _rule(name: str) -> str:
    rule = _conformance_rules().get(name)
    return f"{rule.id} ({rule.severity})\n{rule.description}\nMessage: {rule.message}" if rule else ""
