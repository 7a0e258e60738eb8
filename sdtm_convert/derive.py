"""Raw tables -> datasets: records first, then every variable in the order of its references, column by column.

A step sees whole columns; `where` narrows the rows it works on; of several steps the first that has a value wins. What a method could
not do becomes a `Trouble`, which names rows and keeps them; nothing is dropped here without being counted.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from .columns import as_text, constant_text, group_codes, missing_text
from .graph import order_of_work, step_refs
from .load import template_fields
from .plan import SOURCE, Block, Chain, Mapping, Step, Study, VariablePlan
from .readers import RawTable
from .registry import Problem
from .steps import Scope, run_step, spread_rows, typed, where_of_source
from .tables import Derived, Part, Table, Trouble, concatenate, take


def derive(study: Study, raw: dict[str, RawTable], only: Iterable[str] | None = None) -> Derived:
    """Every dataset of the study (or those in `only` and what they refer to) from its raw tables.

    Raises SpecError for a cycle of references, MappingError for a step that cannot run.
    """
    work = order_of_work(study, only)
    subjects, tables = _raw_tables(study, raw)
    derived = Derived(study, subjects, {}, tables)
    for name, table in tables.items():
        derived.used_rows[name] = np.zeros(table.length, dtype=bool)
        derived.excluded_rows[name] = np.zeros(table.length, dtype=bool)
    for dataset, variable in work:
        mapping = study.mappings[dataset]
        if not variable:
            derived.tables[dataset] = _records(mapping, derived)
        elif variable in mapping.variables and variable not in derived.tables[dataset].columns:  # ADaM has no DOMAIN
            derived.tables[dataset].columns[variable] = _variable(mapping, variable, derived)
    return derived


# --- Raw tables and records -------------------------------------------------------------------------------------------


def _raw_tables(study: Study, raw: dict[str, RawTable]) -> tuple[pd.Index, dict[str, Table]]:
    """The raw tables with the study-wide number of each row's subject."""
    identifiers = {name: usubjid_of(study.raw[name].usubjid, table.frame) for name, table in raw.items()}
    codes, subjects = pd.factorize(concatenate([*identifiers.values()]), sort=True)
    tables, start = {}, 0
    for name, table in raw.items():
        stop = start + len(table.frame)
        columns = {str(column): table.frame[column] for column in table.frame.columns}
        again = _duplicated(list(columns.values()), len(table.frame))
        tables[name] = Table(name, columns, codes[start:stop].astype(np.int64), duplicated=again, dropped=again if study.raw[name].drop_duplicates else None)
        start = stop
    return pd.Index(subjects), tables


def _duplicated(columns: list[pd.Series], length: int) -> np.ndarray:
    """Rows that equal an earlier one in every field."""
    codes, _ = group_codes(columns, length)
    return pd.Series(codes).duplicated().to_numpy() if columns else np.zeros(length, dtype=bool)


def usubjid_of(template: str, frame: pd.DataFrame) -> pd.Series:
    if not template:
        return missing_text(frame.index)
    pieces = template.replace("}", "{").split("{")
    result = constant_text(pieces[0], frame.index)
    for name, text in zip(template_fields(template), pieces[2::2]):
        result = result + frame[name].str.strip() + text
    return result


def _records(mapping: Mapping, derived: Derived) -> Table:
    """The records of a dataset: for each block one per row that its `where` lets in, or one per row and test."""
    parts, rows, subjects, start = [], [], [], 0
    for position, block in enumerate(mapping.blocks):
        source = derived.raw.get(block.source) or derived.tables[block.source]
        for test, chosen in _chosen_rows(block, source, derived):
            parts.append(Part(position, test, start, start + len(chosen)))
            rows.append(chosen)
            subjects.append(source.subject[chosen])
            start += len(chosen)
            if block.source in derived.used_rows:
                derived.used_rows[block.source][chosen] = True
    table = Table(mapping.dataset, {}, np.concatenate(subjects), parts, [block.source for block in mapping.blocks], np.concatenate(rows))
    index = pd.RangeIndex(table.length)
    table.columns["STUDYID"] = constant_text(derived.study.name, index)
    if mapping.part == "sdtm":
        table.columns["DOMAIN"] = constant_text(mapping.domain, index)
    table.columns["USUBJID"] = take(pd.Series(derived.subjects.astype("str")), table.subject)
    return table


def _chosen_rows(block: Block, source: Table, derived: Derived):
    """(test, row numbers) for each group of records that the block makes."""
    kept = np.ones(source.length, dtype=bool)
    if block.where:
        kept = where_of_source(block.where, source, derived, block.place)
        if block.excluded and block.source in derived.excluded_rows:
            derived.excluded_rows[block.source] |= ~kept
    if source.dropped is not None:
        kept &= ~source.dropped
    if not block.tests:
        yield None, np.flatnonzero(kept)
    elif block.test_field is not None:
        yield from _rows_by_test(block, source, kept)
    else:
        for test in block.tests:
            yield test.code, np.flatnonzero(kept & source.columns[test.result.name].notna().to_numpy())


def _rows_by_test(block: Block, source: Table, kept: np.ndarray):
    codes, texts = pd.factorize(source.columns[block.test_field.name])
    by_text = {text.casefold(): position for position, test in enumerate(block.tests) for text in test.collected}
    test_of_text = np.array([by_text.get(str(text).strip().casefold(), -1) for text in texts] + [-1])
    test_of_row = np.where(kept, test_of_text[codes], -1)
    for position, test in enumerate(block.tests):
        yield test.code, np.flatnonzero(test_of_row == position)


# --- Variables --------------------------------------------------------------------------------------------------------


def _variable(mapping: Mapping, name: str, derived: Derived) -> pd.Series:
    """The values of one variable: for each test its own steps, then those of its block, then those of the dataset, each for what is
    still missing."""
    plan, table = mapping.variables[name], derived.tables[mapping.dataset]
    own = [chain for chain in plan.chains if chain.block is not None]
    general = [chain for chain in plan.chains if chain.block is None]
    result = concatenate([_of_block(own, block, plan, table, derived) for block in range(len(mapping.blocks))]) if own else None
    steps = [step for chain in general for step in chain.steps]
    if steps or result is None:
        result = _first_value(steps, plan, table, None, table.length, derived, result)
    return result


def _of_block(chains: list[Chain], block: int, plan: VariablePlan, table: Table, derived: Derived) -> pd.Series:
    """The values on the records of one block, as its own chains and those of its tests give them."""
    of_tests = [chain for chain in chains if chain.block == block and chain.test is not None]
    parts = [part for part in table.parts if part.block == block] if of_tests else []
    pieces = []
    for part in parts:
        steps = [step for chain in of_tests if chain.test == part.test for step in chain.steps]
        pieces.append(_first_value(steps, plan, table, slice(part.start, part.stop), part.stop - part.start, derived, None))
    result = concatenate(pieces) if pieces else None
    steps = [step for chain in chains if chain.block == block and chain.test is None for step in chain.steps]
    if not steps and result is not None:
        return result
    start, stop = table.block_bounds(block)
    rows = None if stop - start == table.length else slice(start, stop)
    return _first_value(steps, plan, table, rows, stop - start, derived, result)


def _first_value(steps: list[Step], plan: VariablePlan, table: Table, rows, length: int, derived: Derived, result: pd.Series | None) -> pd.Series:
    for step in steps:
        scope = Scope(derived, table, rows, length)
        inside = None
        if step.where is not None:
            problems = []
            inside = np.flatnonzero(scope.condition(step.where, step.place, problems))
            _note(problems, step, plan, scope, None if result is None else result.isna().to_numpy(), derived)
            scope = scope.narrowed(inside)
        values, problems = run_step(step, scope)
        values, more = typed(values, plan.type, scope.length)
        waiting = None if result is None else result.isna().to_numpy()
        _note(problems + more, step, plan, scope, waiting if inside is None or waiting is None else waiting[inside], derived)
        if inside is not None:
            values = spread_rows(values, inside, length)
        result = values if result is None else _fill(result, values)
    return result if result is not None else _nothing(plan.type, length)


def _fill(result: pd.Series, values: pd.Series) -> pd.Series:
    if not result.isna().any():
        return result
    if result.isna().all():
        return values
    if pd.api.types.is_numeric_dtype(result.dtype) != pd.api.types.is_numeric_dtype(values.dtype):
        result, values = as_text(result), as_text(values)
    return result.where(result.notna(), values)


def _nothing(type: str, length: int) -> pd.Series:
    index = pd.RangeIndex(length)
    return pd.Series(np.nan, index=index, dtype="float64") if type == "Num" else missing_text(index)


def _note(problems: list[Problem], step: Step, plan: VariablePlan, scope: Scope, waiting: np.ndarray | None, derived: Derived) -> None:
    """Troubles of the rows that still waited for a value."""
    for problem in problems:
        mask = np.asarray(problem.rows, dtype=bool)
        mask = mask if waiting is None else mask & waiting
        if not mask.any():
            continue
        hit = np.flatnonzero(mask)
        values = problem.values if problem.values is not None else scope.first_column(step)
        fields = tuple(dict.fromkeys(ref.name for ref in step_refs(step) if ref.table == SOURCE))
        derived.troubles.append(Trouble(problem.rule, scope.table.name, plan.name, scope.row_numbers()[hit], problem.message,
                                        None if values is None else take(as_text(values), hit), fields, step.place))
