"""Origin and method text of every variable, from the steps that make it: nobody types them (Define-XML 2.1, 5.3.11 and 5.3.13)."""

from __future__ import annotations

import re

from . import conditions
from .graph import related_table, step_refs
from .model import Method, Origin
from .plan import SOURCE, Chain, LookupTable, Mapping, Ref, Step, Study, VariablePlan, Where

WORKING_WORDS = {"_STANDARD_UNIT": "the standard unit", "_DECIMALS": "the test's number of"}
STRENGTH = ("Derived", "Predecessor", "Collected", "Assigned")  # of several steps the first of these that occurs is the origin


def origin_of(plan: VariablePlan, mapping: Mapping, study: Study) -> Origin:
    """The def:Origin that follows from a variable's steps; `origin:` in the mapping overrides its type."""
    if plan.name == "STUDYID":
        return Origin("Protocol", "Sponsor") if mapping.part == "sdtm" else _predecessor(mapping, "STUDYID")
    if plan.name == "DOMAIN":
        return Origin("Assigned", "Sponsor")
    if plan.name == "USUBJID":
        return Origin("Derived", "Sponsor") if mapping.part == "sdtm" else _predecessor(mapping, "USUBJID")
    origins = [_step_origin(step, chain.block, mapping, study) for chain in plan.chains for step in chain.steps]
    by_type = {origin.type: origin for origin in reversed(origins)}
    origin = next((by_type[type] for type in STRENGTH if type in by_type), Origin("Assigned", "Sponsor"))
    if origin.type == "Collected":
        pages = tuple(dict.fromkeys(page for o in origins for page in o.pages))
        origin = Origin(origin.type, origin.source, pages=tuple(sorted(pages, key=lambda page: (len(page), page))))
    if origin.type == "Predecessor" and len({o.predecessor for o in origins}) > 1:
        origin = Origin("Derived", "Sponsor")
    override = plan.attributes.get("origin")
    if override == "Collected" and origin.type != "Collected":
        return _collected_from(plan, mapping, study)
    if override and override != origin.type:
        return Origin(override, "" if override == "Predecessor" else "Sponsor")
    return origin


def _collected_from(plan: VariablePlan, mapping: Mapping, study: Study) -> Origin:
    """The origin of what counts as collected although a step changed it: all raw fields that its steps read."""
    tables = {block.source: study.raw[block.source] for block in mapping.blocks if block.source in study.raw}
    refs = [ref for chain in plan.chains for step in chain.steps for ref in step_refs(step)]
    fields = [(table, ref.name) for ref in refs for table in (tables if ref.table == SOURCE else [ref.table]) if table in study.raw]
    pages = dict.fromkeys(page for table, name in fields for page in study.field_pages.get((table, name), study.raw[table].pages))
    return Origin("Collected", next((study.raw[table].source for table, _ in fields), "Investigator"), pages=tuple(sorted(pages, key=lambda p: (len(p), p))))


def _predecessor(mapping: Mapping, name: str) -> Origin:
    return Origin("Predecessor", predecessor=f"{mapping.blocks[0].source}.{name}")


def _step_origin(step: Step, block: int | None, mapping: Mapping, study: Study) -> Origin:
    if step.method.origin == "Assigned":
        return Origin("Assigned", "Sponsor")
    if step.method.origin != "Collected":
        return Origin("Derived", "Sponsor")
    value = step.arguments.get(step.method.primary)
    values = value if isinstance(value, list) else [value]
    nested = [_step_origin(item, block, mapping, study) for item in values if isinstance(item, Step)]
    if nested:
        return min(nested, key=lambda origin: STRENGTH.index(origin.type))
    refs = [item for item in values if isinstance(item, Ref)]
    if not refs or any(ref.table == "" for ref in refs):
        return Origin("Derived", "Sponsor")
    sources = [b.source for i, b in enumerate(mapping.blocks) if block in (None, i)]
    tables = list(dict.fromkeys(table for ref in refs for table in (sources if ref.table == SOURCE else [ref.table])))
    if all(table in study.raw for table in tables):
        pages = [page for table in tables for ref in refs for page in study.field_pages.get((table, ref.name), study.raw[table].pages)]
        source = study.raw[tables[0]].source
        return Origin("Collected", source, pages=tuple(dict.fromkeys(pages)))
    if len(tables) == 1 and len(refs) == 1 and step.method.name == "assign" and not step.arguments.get("map"):
        return Origin("Predecessor", predecessor=f"{tables[0]}.{refs[0].name}")
    return Origin("Derived", "Sponsor")


# --- Method texts -----------------------------------------------------------------------------------------------------


def method_of(plan: VariablePlan, mapping: Mapping, study: Study) -> Method | None:
    """The MethodDef of a derived variable: the texts of the methods that ran, filled with their arguments."""
    if plan.name == "USUBJID":
        template = _subject_template(mapping, study)
        pieces = [f'"{piece}"' if position % 2 == 0 else piece for position, piece in enumerate(re.split(r"[{}]", template)) if piece]
        return Method(f"{_join(pieces)}, one after another." if len(pieces) > 1 else f"{pieces[0]} as collected.", name=_name(plan, mapping)) if pieces else None
    steps = [step for chain in plan.chains for step in chain.steps]
    text = _steps_text(plan, mapping, study)
    if not text:
        return None
    working = [f"{name}: {_steps_text(theirs, owner, study)}" for name, (theirs, owner) in _working(plan, mapping, study).items()]
    kind = "Imputation" if any(step.method.type == "Imputation" for step in steps) else "Computation"
    return Method(" ".join([text, *working]), kind, _name(plan, mapping))


def _steps_text(plan: VariablePlan, mapping: Mapping, study: Study) -> str:
    texts = list(dict.fromkeys(step_text(step, mapping, study, chain) for chain in plan.chains for step in chain.steps))
    if len(texts) < 2:
        return "".join(texts)
    text = " ".join(f"({number}) {text}" for number, text in enumerate(texts, 1))
    return text if any(chain.test for chain in plan.chains) else f"The first of these that has a value: {text}"


def _working(plan: VariablePlan, mapping: Mapping, study: Study, found: dict | None = None) -> dict[str, tuple[VariablePlan, Mapping]]:
    """The working variables that a variable is made from, directly or by way of each other: nobody finds them in the data, so that
    their texts belong to its own."""
    found = {} if found is None else found
    for ref in (ref for chain in plan.chains for step in chain.steps for ref in step_refs(step)):
        owner = mapping if ref.table in ("", mapping.dataset) else study.mappings.get(ref.table)
        theirs = owner.variables.get(ref.name) if owner else None
        name = ref.name if owner is mapping else str(ref)
        if theirs and theirs.working and theirs.name not in WORKING_WORDS and name not in found and theirs is not plan:
            found[name] = (theirs, owner)
            _working(theirs, owner, study, found)
    return found


def _subject_template(mapping: Mapping, study: Study) -> str:
    """How USUBJID is made of the fields of the raw table that the first records come from, directly or by way of other datasets."""
    source = mapping.blocks[0].source
    return study.raw[source].usubjid if source in study.raw else _subject_template(study.mappings[source], study)


def _name(plan: VariablePlan, mapping: Mapping) -> str:
    return f"Algorithm for {mapping.dataset}.{plan.name}"


def step_text(step: Step, mapping: Mapping, study: Study, chain: Chain | None = None) -> str:
    """One step in words, as a sentence; where records come from several places and `chain` is of one of them, it says so."""
    arguments = {name: _words(step.arguments.get(name, parameter.default), parameter.kind, mapping, study)
                 for name, parameter in step.method.parameters.items()}
    if related_table(step):
        arguments |= {"by": _join(list(step.by)), "order": _join([f"{related_table(step)}.{name}" for name in step.order]),
                      "matching": conditions.describe(step.matching.condition) if step.matching else ""}
    text = step.method.text(arguments).rstrip(".")
    if step.where is not None:
        text += f", where {conditions.describe(step.where.condition)}"
    if chain and chain.block is not None and not chain.test and len({block.source for block in mapping.blocks}) > 1:
        text += f", in records from {mapping.blocks[chain.block].source}"
    return (text[:1].upper() + text[1:] if _begins_with_step(step) or text.startswith("the ") else text) + "."


def _begins_with_step(step: Step) -> bool:
    """Whether the text begins with that of a nested step; a name or a collected text at its beginning stays as it is written."""
    slot = re.match(r"\{(\w+)\}", step.method.template)
    value = step.arguments.get(slot[1]) if slot else None
    return isinstance(value[0] if isinstance(value, list) and value else value, Step)


def _words(value: object, kind: str, mapping: Mapping, study: Study) -> str:
    if value is None or value == () or value == []:
        return ""
    if isinstance(value, Ref):
        return _ref_words(value, mapping)
    if isinstance(value, LookupTable):
        return value.name
    if isinstance(value, Step) and value.method.name == "constant":
        return f'"{value.arguments["value"]}"'
    if isinstance(value, Step):
        text = step_text(value, mapping, study).rstrip(".")
        return text[:1].lower() + text[1:] if value.method.template[:1].isalpha() else text  # in the middle of a sentence
    if isinstance(value, Where):
        return conditions.describe(value.condition)
    if isinstance(value, (list, tuple)):
        return _join([_words(item, kind, mapping, study) for item in value])
    if isinstance(value, dict):
        return "" if kind == "Factors" else ", ".join(f"{key} = {item}" for key, item in value.items())
    if kind in ("CodelistName", "SourceCodelist"):
        return value.name
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _ref_words(ref: Ref, mapping: Mapping) -> str:
    if ref.table == SOURCE:
        sources = list(dict.fromkeys(block.source for block in mapping.blocks))
        return f"{sources[0]}.{ref.name}" if len(sources) == 1 else ref.name
    return WORKING_WORDS.get(ref.name) or str(ref)


def _join(items: list[str]) -> str:
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else "".join(items)
