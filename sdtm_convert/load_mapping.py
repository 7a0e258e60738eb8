"""One mapping document -> a checked `Mapping`: blocks, variables with their chains of steps, keys; faults are collected."""

from __future__ import annotations

from dataclasses import replace

from .documents import Document
from .errors import Fault, Place, did_you_mean
from .findings_domain import findings_chains, findings_tests, findings_variables
from .model import Codelist, Standard, StandardDataset, StandardVariable
from .plan import SOURCE, Block, Chain, Mapping, Ref, Step, VariablePlan
from .resolve import ATTRIBUTES, Context, Scope, find_codelist, resolve_condition, resolve_name, variable_steps
from .standard import model_variable, standard_dataset, standard_variable

STRUCTURE_OF_NAME = {"ADSL": "ADSL", "ADAE": "OCCDS", "ADCM": "OCCDS", "ADMH": "OCCDS", "ADTTE": "TTE"}


def is_adam(dataset: str) -> bool:
    """Whether a dataset's name is that of an analysis dataset: AD..."""
    return dataset.startswith("AD") and len(dataset) > 2


def load_mappings(documents: list[Document], context: Context, sdtm: Standard, adam: Standard | None) -> dict[str, Mapping]:
    standards = {d.data["dataset"]: _standard_of(d, sdtm, adam) for d in documents}
    for document in documents:
        name = document.data["dataset"]
        if name in context.fields:
            context.fault(document.place("dataset", what=name), f"a raw table of study.yml has the same name '{name}'.",
                          f"Call the raw table otherwise, such as {name.lower()}_raw.")
        context.variables[name] = tuple(_variable_names(document, standards[name], context))
    return {d.data["dataset"]: _mapping(d, standards[d.data["dataset"]], context) for d in documents}


def _standard_of(document: Document, sdtm: Standard, adam: Standard | None) -> StandardDataset | None:
    name = document.data["dataset"]
    if not is_adam(name):
        return standard_dataset(sdtm, name)
    structure = document.data.get("class") or STRUCTURE_OF_NAME.get(name, "BDS")
    return adam.datasets[structure]


def find_variable(sdtm: Standard, dataset: StandardDataset | None, name: str) -> StandardVariable | None:
    """A variable as the standard lists it for the dataset, or as the SDTM model allows it there."""
    if dataset is None:
        return None
    return standard_variable(dataset, name) or (model_variable(sdtm, dataset, name) if dataset.name in sdtm.datasets else None)


def _blocks(document: Document) -> list[tuple[tuple, dict]]:
    """The blocks of a mapping with their paths: `records`, or the one that stands at the top level."""
    if "records" in document.data:
        return [(("records", position), block) for position, block in enumerate(document.data["records"])]
    keys = ("from", "where", "excluded", "test", "defaults", "tests")
    return [((), {key: document.data[key] for key in keys if key in document.data})]


def _variable_names(document: Document, standard: StandardDataset | None, context: Context) -> list[str]:
    """Every variable of the dataset, in the order in which they are defined: given ones after those that follow from the rest."""
    data, name = document.data, document.data["dataset"]
    automatic = ["STUDYID", *([] if is_adam(name) else ["DOMAIN"])]
    if standard is None or "USUBJID" in standard.variables:
        automatic.append("USUBJID")
    copied = [item.partition(".")[2] for item in data.get("predecessors", [])]
    in_blocks = [variable for _, block in _blocks(document) for variable in block.get("variables", {})]
    names = [*automatic, *findings_variables(name, _blocks(document), data.get("variables", {})), *copied, *in_blocks,
             *data.get("variables", {}), *data.get("supplemental", {})]
    return list(dict.fromkeys(names))


def _mapping(document: Document, standard: StandardDataset | None, context: Context) -> Mapping:
    data, name = document.data, document.data["dataset"]
    part = "adam" if is_adam(name) else "sdtm"
    blocks = _blocks(document)
    tables = tuple(dict.fromkeys(source for path, block in blocks if (source := _source(block, path, document, context))))
    scope = Scope(context, name, part, document, tables, {})
    if not all("from" in block for _, block in blocks):
        context.fault(document.place("dataset", what=name), "it says nothing of where its records come from.", "Give `from` or `records`.")
    if part == "adam" and "supplemental" in data:
        context.fault(document.place("supplemental", what=name), "analysis datasets have no supplemental qualifiers.", "Give them as `variables`.")
    scope.codelists.update(_variable_codelists(document, standard, scope))
    for variable in ("STUDYID", "DOMAIN", "USUBJID"):
        if variable in context.variables[name]:
            scope.above[variable] = True
    resolved_blocks = tuple(_block(path, block, replace(scope, sources=(block.get("from", ""),))) for path, block in blocks)
    variables = _variables(document, blocks, standard, scope)
    keys = tuple(data.get("keys", ()))
    for position, key in enumerate(keys):
        if key not in context.variables[name]:
            context.fault(document.place("keys", position, what=name), f"no variable '{key}' to sort by.", did_you_mean(key, context.variables[name]))
        if key in keys[:position]:
            context.fault(document.place("keys", position, what=name), f"the key '{key}' is named twice.")
    _check_not_submitted(document, blocks, context)
    return Mapping(
        dataset=name, part=part, file=document.file, standard=standard, blocks=resolved_blocks, variables=variables,
        keys=keys or tuple(key for key in ("STUDYID", "USUBJID", f"{name[:2]}SEQ") if key in context.variables[name]),
        place=document.place(what=name), label=data.get("label", standard.label if standard and part == "sdtm" else ""),
        structure=data.get("structure", standard.structure if standard and part == "sdtm" else ""), subclass=data.get("subclass", ""),
        comment=data.get("comment", ""), not_submitted=data.get("not_submitted", {}))


def _source(block: dict, path: tuple, document: Document, context: Context) -> str:
    source = block.get("from", "")
    if source and source not in context.fields and source not in context.variables:
        context.fault(document.place(*path, "from", what=document.data["dataset"]), f"no raw table or dataset '{source}'.",
                      did_you_mean(source, [*context.fields, *context.variables]))
        return ""
    return source


def _block(path: tuple, block: dict, scope: Scope) -> Block:
    place, at = (scope.document.place(*path, key, what=scope.dataset) for key in ("from", "where"))
    where = resolve_condition(block["where"], scope, at) if "where" in block else None
    for ref in where.refs.values() if where else ():
        if not ref.table and ref.name != "USUBJID":
            scope.context.fault(at, f"'{scope.dataset}.{ref.name}' has no value yet where the records are made.", "Name fields of `from`.")
    if "test" in block and "tests" not in block:
        scope.context.fault(scope.document.place(*path, "test", what=scope.dataset), "`test` names the field that says which test a row is; `tests` is missing.")
    field, tests = findings_tests(path, block, scope)
    return Block(block.get("from", ""), place, where, block.get("excluded", ""), field, tests)


def _check_not_submitted(document: Document, blocks: list, context: Context) -> None:
    sources = [block.get("from", "") for _, block in blocks]
    known = [context.fields[source] for source in sources if source in context.fields]
    for field in document.data.get("not_submitted", {}):
        if known and all(fields is not None and field not in fields for fields in known):
            context.fault(document.place("not_submitted", field, what=document.data["dataset"]), f"no field '{field}' in {' or '.join(sources)}.",
                          did_you_mean(field, [name for fields in known for name in fields or ()]))


def _variable_codelists(document: Document, standard: StandardDataset | None, scope: Scope) -> dict[str, Codelist | None]:
    """The codelist of each variable: what the mapping names, else what the standard says."""
    found: dict[str, Codelist | None] = {}
    given = {**{v: (("records", i, "variables", v), d) for i, b in enumerate(document.data.get("records", [])) for v, d in b.get("variables", {}).items()},
             **{v: (("variables", v), d) for v, d in document.data.get("variables", {}).items()},
             **{v: (("supplemental", v), d) for v, d in document.data.get("supplemental", {}).items()}}
    for name in scope.context.variables[scope.dataset]:
        path, data = given.get(name, ((), {}))
        steps = data if isinstance(data, list) else [data]
        named = next((step["codelist"] for step in steps if isinstance(step, dict) and "codelist" in step and not _names_its_source(step, scope)), None)
        if named == "none":
            found[name] = None
        elif named:
            found[name] = find_codelist(named, scope, scope.document.place(*path, what=f"{scope.dataset}.{name}"))
        elif (variable := scope.context.find_variable(standard, name)) and variable.codelists:
            found[name] = _joined([c for code in variable.codelists if (c := scope.context.find_codelist(scope.part, code))])
    return found


def _names_its_source(step: dict, scope: Scope) -> bool:
    """Whether the `codelist` of a step is that of what it reads, not of what it makes."""
    methods = (scope.context.methods[key] for key in step if key in scope.context.methods)
    return any(parameter.kind == "SourceCodelist" for info in methods for parameter in info.parameters.values())


def _joined(codelists: list[Codelist]) -> Codelist | None:
    """Several codelists of one variable as one: a term of any of them will do."""
    if len(codelists) < 2:
        return codelists[0] if codelists else None
    terms = {term.value: term for codelist in codelists for term in codelist.terms}
    return replace(codelists[0], terms=tuple(terms.values()), extensible=any(c.extensible for c in codelists))


def _variables(document: Document, blocks: list, standard: StandardDataset | None, scope: Scope) -> dict[str, VariablePlan]:
    data = document.data
    given = dict.fromkeys([*(v for _, block in blocks for v in block.get("variables", {})), *data.get("variables", {}), *data.get("supplemental", {})])
    chains = findings_chains(blocks, scope)
    for variable in chains:
        scope.above[variable] = False
    for position, item in enumerate(data.get("predecessors", [])):
        place = document.place("predecessors", position, what=scope.dataset)
        resolve_name(item, scope, place)
        name = item.partition(".")[2]
        step = _copy_step(item, scope, place)
        chains.setdefault(name, []).append(Chain((step,)))
        scope.above[name] = step.arguments["source"].table == SOURCE
    waiting = list(given)
    for name in given:
        scope.below = frozenset(waiting) - {name}
        chains.setdefault(name, [])
        chains[name] = _given_chains(name, document, blocks, scope, bool(chains[name])) + chains[name]
        scope.above[name] = _is_copy(chains[name], name)
        waiting.remove(name)
    return {name: _variable(name, tuple(chains[name]), document, standard, scope) for name in scope.context.variables[scope.dataset] if name in chains}


def _copy_step(item: str, scope: Scope, place: Place) -> Step:
    """A predecessor: from the same record where the records come from its dataset, else the subject's."""
    table, _, name = item.partition(".")
    ref = Ref(SOURCE if scope.sources == (table,) else table, name)
    return Step(scope.context.methods["assign"], {"source": ref, "codelist": None}, place)


def _is_copy(chains: list[Chain], name: str) -> bool:
    steps = [step for chain in chains for step in chain.steps]
    return len(steps) == 1 and steps[0].method.name == "assign" and steps[0].arguments.get("source") == Ref(SOURCE, name) \
        and not steps[0].arguments.get("map")


def _given_chains(name: str, document: Document, blocks: list, scope: Scope, made: bool) -> list[Chain]:
    """The chains that the mapping writes out: of each block first, then of the dataset.

    What the tests (`made`) or blocks make already may have attributes alone here: QSTESTCD: {codelist: QSTESTCD}.
    """
    chains = []
    for position, (path, block) in enumerate(blocks):
        if name in block.get("variables", {}):
            in_block = replace(scope, sources=(block.get("from", ""),))
            chains.append(Chain(variable_steps(name, block["variables"][name], in_block, (*path, "variables", name)), position))
    for group in ("variables", "supplemental"):
        data = document.data.get(group, {}).get(name)
        attributes_alone = isinstance(data, dict) and data.keys() <= {*ATTRIBUTES} - {"steps"}
        if data is not None and not (attributes_alone and (made or chains)):
            chains.append(Chain(variable_steps(name, document.data[group][name], scope, (group, name))))
    return chains


def _variable(name: str, chains: tuple[Chain, ...], document: Document, standard: StandardDataset | None, scope: Scope) -> VariablePlan:
    supplemental = name in document.data.get("supplemental", {})
    group = "supplemental" if supplemental else "variables"
    data, path = document.data.get(group, {}).get(name, {}), (group, name)
    for position, block in enumerate(document.data.get("records", [])):
        if not data and name in block.get("variables", {}):
            data, path = block["variables"][name], ("records", position, "variables", name)
    attributes: dict[str, str] = {}
    for item in data if isinstance(data, list) else [data]:
        taken = {key for method in item if method in scope.context.methods for key in scope.context.methods[method].parameters}
        attributes |= {key: str(item[key]) for key in ATTRIBUTES if key in item and key not in ("steps", "codelist") and key not in taken}
    known = None if supplemental else scope.context.find_variable(standard, name)
    plan = VariablePlan(name, chains, document.place(*path, what=f"{scope.dataset}.{name}"), known, attributes, scope.codelists.get(name), supplemental)
    _check_attributes(plan, scope)
    return plan


def _check_attributes(plan: VariablePlan, scope: Scope) -> None:
    if not plan.working and not plan.label and not any(_copied(step, scope) for chain in plan.chains for step in chain.steps):
        scope.context.fault(plan.place, "it has no label: the standard does not know the variable." if not plan.supplemental else
                            "a supplemental qualifier needs a label.", "Give `label`.")
    if len(plan.label) > 40:
        scope.context.fault(plan.place, f"the label has {len(plan.label)} characters; 40 is the most.")
    if len(plan.name) > 8 and not plan.working:
        scope.context.fault(plan.place, f"the name has {len(plan.name)} characters; 8 is the most.")
    if plan.attributes.get("type", "Char") not in ("Char", "Num"):
        scope.context.fault(plan.place, f"the type '{plan.attributes['type']}' is neither Char nor Num.")
    for key, least, most in (("length", 1, 200), ("significant_digits", 0, 15)):
        value = plan.attributes.get(key)
        if value is not None and not (value.isdigit() and least <= int(value) <= most):
            scope.context.fault(plan.place, f"{key} '{value}' is not a whole number from {least} to {most}.")


def _copied(step: Step, scope: Scope) -> bool:
    """Whether the values are another dataset's as they are: then the label is that variable's too."""
    ref = step.arguments.get("source")
    if step.method.name != "assign" or not isinstance(ref, Ref):
        return False
    return any(table in scope.context.variables for table in (scope.sources if ref.table == SOURCE else [ref.table]))


def num_length_faults(mappings: dict[str, Mapping]) -> list[Fault]:
    """Lengths of Num variables, which the files have no choice of; asked of mappings that are complete, as a type may be another's."""
    plans = [plan for mapping in mappings.values() for plan in mapping.variables.values()]
    return [Fault(plan.place, f"the length {plan.attributes['length']} is declared, but a Num has 8 bytes.")
            for plan in plans if plan.type == "Num" and plan.attributes.get("length", "8") != "8"]


def with_copied_attributes(mappings: dict[str, Mapping]) -> dict[str, Mapping]:
    """A variable that the standard does not know has label and type of the other dataset's variable that it is a copy of."""
    def complete(mapping: Mapping, plan: VariablePlan) -> VariablePlan:
        original = None if plan.standard or plan.working else _original(mapping, plan, mappings)
        if original is None:
            return plan
        original = complete(*original)
        inherited = {key: original.attributes[key] for key in ("label", "type") if key in original.attributes}
        return replace(plan, standard=original.standard, attributes=inherited | plan.attributes)

    return {name: replace(mapping, variables={variable: complete(mapping, plan) for variable, plan in mapping.variables.items()})
            for name, mapping in mappings.items()}


def _original(mapping: Mapping, plan: VariablePlan, mappings: dict[str, Mapping]) -> tuple[Mapping, VariablePlan] | None:
    """The other dataset's variable that a variable is a copy of, with its mapping."""
    for chain in plan.chains:
        for step in chain.steps:
            ref = step.arguments.get("source") if step.method.name == "assign" else None
            if isinstance(ref, Ref) and ref.table:
                owner = mappings.get(mapping.blocks[chain.block or 0].source if ref.table == SOURCE else ref.table)
                if owner and ref.name in owner.variables:
                    return owner, owner.variables[ref.name]
    return None
