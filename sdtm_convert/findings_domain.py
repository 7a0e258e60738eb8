"""Findings domains: what a mapping's `tests` stand for.

Each test gives --TESTCD, --TEST and, by its slots (result, unit, position ...), the variables in `SLOTS`; results in standard units follow
by themselves. All of it becomes ordinary chains of steps, as if the mapping had written them out.
"""

from __future__ import annotations

from dataclasses import replace

from .errors import Place, did_you_mean
from .plan import SOURCE, Chain, Ref, Step, Test
from .resolve import Scope, resolve_name, resolve_step, variable_steps

SLOTS = {"category": "CAT", "subcategory": "SCAT", "position": "POS", "result": "ORRES", "unit": "ORRESU", "low": "ORNRLO",
         "high": "ORNRHI", "location": "LOC", "laterality": "LAT", "specimen": "SPEC", "method": "METHOD"}
WORKING = {"standard_unit": "_STANDARD_UNIT", "decimals": "_DECIMALS"}
FIELD_SLOTS = ("result", "low", "high")
TEXT_SLOTS = ("category", "subcategory", "standard_unit", "decimals")


def findings_variables(dataset: str, blocks: list[tuple[tuple, dict]], given: dict) -> list[str]:
    """The variables that the tests of these blocks make, but for those that the mapping gives itself."""
    used = _slots_used(blocks)
    if not any(block.get("tests") for _, block in blocks):
        return []
    names = [f"{dataset[:2]}TESTCD", f"{dataset[:2]}TEST"]
    names += [f"{dataset[:2]}{suffix}" for slot, suffix in SLOTS.items() if slot in used]
    names += [name for slot, name in WORKING.items() if slot in used]
    names += [f"{dataset[:2]}{suffix}" for suffix in _standard_results(used)]
    names += [name for _, block in blocks for test in block.get("tests", {}).values() for name in test if name.isupper()]
    return [name for name in dict.fromkeys(names) if name not in given]


def _slots_used(blocks: list[tuple[tuple, dict]]) -> set[str]:
    return {slot for _, block in blocks for test in [block.get("defaults", {}), *block.get("tests", {}).values()] for slot in test}


def _standard_results(used: set[str]) -> list[str]:
    if "result" not in used:
        return []
    return ["STRESN", "STRESC", *(["STRESU"] if "unit" in used else [])]


def findings_tests(path: tuple, block: dict, scope: Scope) -> tuple[Ref | None, tuple[Test, ...]]:
    """The raw field that names the test (if rows are tests), and the tests with the fields of their results."""
    field = _source_field(block["test"], scope, scope.document.place(*path, "test", what=scope.dataset)) if "test" in block else None
    tests, texts = [], {}
    for code, data in block.get("tests", {}).items():
        place = scope.document.place(*path, "tests", code, what=f"{scope.dataset} test {code}")
        data = {**block.get("defaults", {}), **data}
        result = data.get("result")
        if "test" not in block and not isinstance(result, str):
            scope.context.fault(place, "the raw field with the result is missing.", "Give `result: FIELD`.")
        at = (*path, "tests", code, "result") if "result" in block["tests"][code] else (*path, "defaults", "result")
        ref = _source_field(result, scope, scope.document.place(*at, what=place.what)) if isinstance(result, str) else None
        collected = tuple(data.get("collected", [code]))
        for text in collected if "test" in block else ():
            if text.casefold() in texts:
                scope.context.fault(place, f"the collected test '{text}' is {texts[text.casefold()]} already.")
            texts[text.casefold()] = code
        tests.append(Test(code, collected, ref))
    return field, tuple(tests)


def _source_field(name: str, scope: Scope, place: Place) -> Ref | None:
    """A field of the table that the records come from: rows are told apart and let in by it."""
    ref = resolve_name(name, scope, place)
    if ref is not None and ref.table != SOURCE:
        return scope.context.fault(place, f"'{name}' is no field of {scope.sources[0]}.")
    return ref


def findings_chains(blocks: list[tuple[tuple, dict]], scope: Scope) -> dict[str, list[Chain]]:
    """The chains of every variable that the tests make."""
    domain, chains = scope.dataset[:2], {}
    if not any(block.get("tests") for _, block in blocks):
        return chains
    names = scope.context.variables[scope.dataset]
    for position, (path, block) in enumerate(blocks):
        in_block = replace(scope, sources=(block.get("from", ""),))
        for code, data in block.get("tests", {}).items():
            for variable, steps in _test_steps(domain, code, path, block, data, in_block):
                chains.setdefault(variable, []).append(Chain(steps, position, code))
    chains.setdefault(f"{domain}TEST", []).append(Chain((_decode(domain, scope),)))
    used = _slots_used(blocks)
    for suffix in _standard_results(used):
        if f"{domain}{suffix}" in names:
            chains.setdefault(f"{domain}{suffix}", []).append(Chain((_standard_step(suffix, domain, names, scope),)))
    return {name: chain for name, chain in chains.items() if name in names}


def _test_steps(domain: str, code: str, path: tuple, block: dict, own: dict, scope: Scope):
    """(variable, steps) for each slot and written-out variable of one test."""
    yield f"{domain}TESTCD", (_constant(code, scope, (*path, "tests", code)),)
    for key in dict.fromkeys([*block.get("defaults", {}), *own]):
        value = own.get(key, block.get("defaults", {}).get(key))
        at = (*path, "tests", code, key) if key in own else (*path, "defaults", key)
        if key == "name":
            yield f"{domain}TEST", (_constant(value, scope, at),)
        elif key in SLOTS or key in WORKING:
            variable = f"{domain}{SLOTS[key]}" if key in SLOTS else WORKING[key]
            step = _slot_step(key, value, variable, scope, at, f"{scope.dataset} test {code}")
            yield variable, (step,) if step else ()
        elif key.isupper():
            yield key, variable_steps(key, value, scope, at, attributes=())


def _slot_step(slot: str, value, variable: str, scope: Scope, path: tuple, what: str) -> Step | None:
    codelist = scope.codelists.get(variable)
    if isinstance(value, dict):
        return resolve_step(value, scope, path, what, codelist, attributes=())
    if slot in TEXT_SLOTS:
        return _constant(value, scope, path)
    term = codelist is not None and value in codelist.by_value
    is_field = scope.in_source(value)
    place = scope.document.place(*path, what=what)
    if term and is_field:
        scope.context.fault(place, f"'{value}' is a term of {codelist.short_name} and a field of {scope.sources[0]}.",
                            "Write {constant: ...} or {assign: ...}.")
    if term:
        return _constant(value, scope, path)
    if slot not in FIELD_SLOTS and is_field is False:
        known = [*(scope.context.names_of(scope.sources[0]) or ()), *(codelist.by_value if codelist else ())]
        scope.context.fault(place, f"'{value}' is neither a term of the codelist of {variable} nor a field of {scope.sources[0]}.",
                            did_you_mean(value, known))
        return None
    return resolve_step({"assign": value}, scope, path, what, codelist)


def _constant(value: str, scope: Scope, path: tuple) -> Step:
    return Step(scope.context.methods["constant"], {"value": str(value)}, scope.document.place(*path, what=scope.dataset))


def _decode(domain: str, scope: Scope) -> Step:
    codelist = scope.codelists.get(f"{domain}TESTCD")
    arguments = {"source": Ref("", f"{domain}TESTCD"), "codelist": codelist}
    if codelist is None:
        return Step(scope.context.methods["assign"], {**arguments, "codelist": None}, scope.document.place("tests", what=scope.dataset))
    return Step(scope.context.methods["decode"], arguments, scope.document.place("tests", what=scope.dataset))


def _standard_step(suffix: str, domain: str, names: tuple[str, ...], scope: Scope) -> Step:
    def ref(name: str) -> Ref | None:
        return Ref("", name) if name in names else None

    result, unit = ref(f"{domain}ORRES"), ref(f"{domain}ORRESU")
    arguments = {"result": result, "unit": unit, "to": ref(WORKING["standard_unit"]),
                 "test": ref(f"{domain}TESTCD"), "factors": scope.context.unit_factors}
    if suffix == "STRESU":
        name = "standard_unit"
    else:
        name = "standard_number" if suffix == "STRESN" else "standard_text"
        arguments |= {"decimals": ref(WORKING["decimals"])} if suffix == "STRESN" else {"number": ref(f"{domain}STRESN")}
    place = scope.document.place("tests", what=f"{scope.dataset}.{domain}{suffix}")
    return Step(scope.context.methods[name], {key: value for key, value in arguments.items() if value is not None}, place)
