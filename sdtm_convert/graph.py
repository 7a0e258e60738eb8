"""The order of the work: a reference is a dependency, per variable; nobody declares an order.

A node is (dataset, variable); (dataset, "") stands for the dataset's records. DM.RFSTDTC may need EX.EXSTDTC while EX.EXSTDY needs
DM.RFSTDTC: datasets depend on each other, variables do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from .errors import Fault, SpecError
from .plan import SOURCE, Mapping, Ref, Step, Study, Where

Node = tuple[str, str]


def order_of_work(study: Study, wanted: Iterable[str] | None = None) -> list[Node]:
    """Every node that the wanted datasets need (all datasets by default), each after what it refers to.

    Raises SpecError that names the members of a cycle.
    """
    needs = {node: set(found) for node, found in _all_needs(study)}
    kept = _reachable(needs, wanted if wanted is not None else study.mappings, study)
    sorter = TopologicalSorter({node: sorted(needs[node]) for node in needs if node in kept})  # in the mappings' order, every time
    try:
        return list(sorter.static_order())
    except CycleError as error:
        raise SpecError([_cycle_fault(error.args[1], study)]) from None


def _all_needs(study: Study) -> Iterator[tuple[Node, Iterable[Node]]]:
    for name, mapping in study.mappings.items():
        yield (name, ""), (node for block in mapping.blocks for node in _block_needs(block, study))
        for variable in ("STUDYID", "DOMAIN", "USUBJID"):
            yield (name, variable), [(name, "")]
        for variable, plan in mapping.variables.items():
            needs = {(name, "")}
            for chain in plan.chains:
                sources = [block.source for i, block in enumerate(mapping.blocks) if chain.block in (None, i)]
                for step in chain.steps:
                    needs.update(_refs_to_nodes(step_refs(step), name, sources, study))
            yield (name, variable), needs


def _block_needs(block, study: Study) -> Iterator[Node]:
    if block.source in study.mappings:
        yield (block.source, "")
    refs = [*(block.where.refs.values() if block.where else ()), *(test.result for test in block.tests if test.result), block.test_field]
    for ref in refs:
        if ref is not None and ref.table == SOURCE and block.source in study.mappings:
            yield (block.source, ref.name)
        elif ref is not None and ref.table in study.mappings:
            yield (ref.table, ref.name)


def _refs_to_nodes(refs: Iterable[Ref], dataset: str, sources: list[str], study: Study) -> Iterator[Node]:
    for ref in refs:
        for table in sources if ref.table == SOURCE else [ref.table or dataset]:
            if table in study.mappings:
                yield (table, ref.name)


def step_refs(step: Step) -> Iterator[Ref]:
    """Every name that a step uses, in its arguments, nested steps and conditions."""
    for value in step.arguments.values():
        yield from _value_refs(value)
    if step.where:
        yield from step.where.refs.values()
    table = related_table(step)
    if table:
        yield from (Ref(ref.table or table, ref.name) for ref in (step.matching.refs.values() if step.matching else ()))
        yield from (Ref(table, name) for name in (*step.order, *step.by) if name != "USUBJID")
        yield from (Ref("", name) for name in step.by)


def _value_refs(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Step):
        yield from step_refs(value)
    elif isinstance(value, Where):
        yield from value.refs.values()
    elif isinstance(value, list):
        for item in value:
            yield from _value_refs(item)


def related_table(step: Step) -> str:
    """The other table whose records a step looks at; "" for a step that works on the records of its own dataset."""
    for parameter in step.method.parameters.values():
        value = step.arguments.get(parameter.name)
        if parameter.kind == "Related" and isinstance(value, Ref):
            return value.table
    return ""


def _reachable(needs: dict[Node, set[Node]], wanted: Iterable[str], study: Study) -> set[Node]:
    waiting = [(name, variable) for name in wanted for variable in ("", "STUDYID", "DOMAIN", "USUBJID", *study.mappings[name].variables)]
    kept: set[Node] = set()
    while waiting:
        node = waiting.pop()
        if node in kept:
            continue
        kept.add(node)
        waiting += needs[node]
    return kept


def _cycle_fault(cycle: list[Node], study: Study) -> Fault:
    names = [f"{dataset}.{variable}" if variable else f"{dataset} (records)" for dataset, variable in reversed(cycle)]
    dataset, variable = cycle[0]
    mapping: Mapping = study.mappings[dataset]
    place = mapping.variables[variable].place if variable in mapping.variables else mapping.place
    return Fault(place, f"a cycle: {' <- '.join(names)}.", "Each needs the one before it; break the circle.")
