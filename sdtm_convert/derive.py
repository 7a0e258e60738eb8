"""Raw tables -> datasets: records first, then every variable in the order of its references, column by column.

A step sees whole columns; `where` narrows the rows it works on; of several steps the first that has a value wins. What a method could
not do becomes a `Trouble`, which names rows and keeps them; nothing is dropped here without being counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from . import conditions
from .columns import as_numbers, as_text, constant_text, group_codes, missing_text
from .errors import MappingError, Place
from .graph import order_of_work, related_table, step_refs
from .load import template_fields
from .plan import SOURCE, Block, Chain, Mapping, Ref, Step, Study, VariablePlan, Where
from .readers import RawTable
from .registry import Problem, Related
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
        kept = _where_of_source(block.where, source, derived, block.place)
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


def _where_of_source(where: Where, source: Table, derived: Derived, place: Place) -> np.ndarray:
    """Which rows of a table a condition on its own columns holds for; another table's value is that of the row's subject."""
    def column(name: conditions.Name) -> pd.Series:
        ref = where.refs[name]
        if ref == Ref("", "USUBJID"):
            return take(pd.Series(derived.subjects.astype("str")), source.subject)
        if ref.table in (SOURCE, ""):
            return source.columns[ref.name]
        values, several = _of_subject(ref, source.subject, derived)
        return values if several is None else values.mask(several)

    return _holds(where, column, place)


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
        values, more = _typed(values, plan.type, scope.length)
        waiting = None if result is None else result.isna().to_numpy()
        _note(problems + more, step, plan, scope, waiting if inside is None or waiting is None else waiting[inside], derived)
        if inside is not None:
            values = _spread(values, inside, length)
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


def _typed(values: object, type: str, length: int) -> tuple[pd.Series, list[Problem]]:
    """Values as a column of the variable's type; a text that is no number is missing in a Num variable, and a problem."""
    index = pd.RangeIndex(length)
    if values is None or isinstance(values, (str, int, float)):
        values = missing_text(index) if values is None else constant_text(values, index) if isinstance(values, str) else pd.Series(float(values), index=index)
    column = values if isinstance(values, pd.Series) else pd.Series(values)
    if not column.index.equals(index):  # a method may have sorted its rows: then their numbers say where they belong
        column = column.reindex(index) if column.index.sort_values().equals(index) else column.reset_index(drop=True)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("str")
    if type == "Char":
        return as_text(column), []
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(column.to_numpy(dtype="float64", na_value=np.nan)), []
    if type != "Num":
        return column.astype("str"), []
    numbers = as_numbers(column)
    return numbers, [Problem("MAP-NUMBER", (numbers.isna() & column.notna()).to_numpy(), "not a number", column)]


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


# --- Steps ------------------------------------------------------------------------------------------------------------


@dataclass
class Scope:
    """The rows that a step works on, and what its names are there."""

    derived: Derived
    table: Table
    rows: np.ndarray | slice | None
    length: int

    def narrowed(self, inside: np.ndarray) -> Scope:
        """The same, for some of the rows only."""
        return Scope(self.derived, self.table, self.row_numbers()[inside], len(inside))

    def row_numbers(self) -> np.ndarray:
        numbers = np.arange(self.table.length)
        return numbers if self.rows is None else numbers[self.rows]

    def subject(self) -> np.ndarray:
        return self.table.subject if self.rows is None else self.table.subject[self.rows]

    def column(self, ref: Ref, problems: list[Problem] | None = None) -> pd.Series:
        """The values of a name on these rows; where another table has several for a subject, none, and a problem."""
        if ref.table == "":
            return take(self.table.columns[ref.name], self.rows)
        if ref.table == SOURCE:
            return self._of_source(ref.name)
        values, several = _of_subject(ref, self.subject(), self.derived)
        if several is not None and several.any():
            if problems is not None:
                problems.append(Problem("MAP-SEVERAL", several, f"{ref} has several values for the subject", values))
            values = values.mask(several)
        return values

    def _of_source(self, name: str) -> pd.Series:
        """The field on these rows, from the sources of those blocks alone that the rows lie in: others need not have it."""
        derived, table = self.derived, self.table
        rows = self.rows if isinstance(self.rows, np.ndarray) else None  # in ascending order
        pieces, nothing = [], None
        for block, source_name in enumerate(table.sources):
            start, stop = table.block_bounds(block)
            source = derived.raw.get(source_name) or derived.tables[source_name]
            if isinstance(self.rows, slice):
                start, stop = max(start, self.rows.start), min(stop, self.rows.stop)
            own = slice(start, stop) if rows is None else rows[np.searchsorted(rows, start):np.searchsorted(rows, stop)]
            if start < stop and (rows is None or len(own)):
                pieces.append(_gather(source.columns[name], table.source_rows[own]))
            elif nothing is None and name in source.columns:
                nothing = source.columns[name].iloc[:0].reset_index(drop=True)
        return concatenate(pieces) if pieces else nothing

    def condition(self, where: Where, place: Place, problems: list[Problem] | None = None) -> np.ndarray:
        return _holds(where, lambda name: self.column(where.refs[name], problems), place)

    def first_column(self, step: Step) -> pd.Series | None:
        value = step.arguments.get(step.method.primary)
        value = value[0] if isinstance(value, list) and value else value
        return self.column(value) if isinstance(value, Ref) and not related_table(step) else None


def _holds(where: Where, column, place: Place) -> np.ndarray:
    """Where the condition holds; MappingError where it compares what cannot be compared."""
    try:
        return conditions.evaluate(where.condition, column)
    except conditions.ConditionError as error:
        raise MappingError(f"{place}: in the condition `{conditions.render(where.condition)}`: {error.message}") from None


def _gather(values: pd.Series, rows: np.ndarray) -> pd.Series:
    if len(rows) == len(values) and (len(rows) == 0 or (rows[0] == 0 and np.array_equal(rows, np.arange(len(rows))))):
        return values
    return take(values, rows)


def _of_subject(ref: Ref, subject: np.ndarray, derived: Derived) -> tuple[pd.Series, np.ndarray | None]:
    """Another table's value for the subject of each row, and where it has several that differ."""
    other = derived.tables.get(ref.table) or derived.raw[ref.table]
    column = other.columns[ref.name]
    if other.one_row_a_subject:
        return _by_subject(column, other.subject, subject, len(derived.subjects)), None
    known = np.flatnonzero(column.notna().to_numpy() & (other.subject >= 0))
    values, owners = take(column, known), other.subject[known]
    codes, _ = pd.factorize(values)
    lowest, highest = np.full(len(derived.subjects), np.iinfo(np.int64).max), np.full(len(derived.subjects), -1)
    np.minimum.at(lowest, owners, codes)
    np.maximum.at(highest, owners, codes)
    several = np.append((highest > lowest) & (highest >= 0), False)  # the last is what subject -1 points to
    return _by_subject(values, owners, subject, len(derived.subjects)), several[subject]


def _by_subject(column: pd.Series, owners: np.ndarray, subject: np.ndarray, subjects: int) -> pd.Series:
    rows = np.full(subjects + 1, -1, dtype=np.int64)
    known = np.flatnonzero(owners >= 0)[::-1]
    rows[owners[known]] = known
    rows[subjects] = -1  # what subject -1 points to
    return take(column, rows[subject])


def run_step(step: Step, scope: Scope) -> tuple[object, list[Problem]]:
    """What the method makes on these rows, and its problems. Raises MappingError naming the step if the method fails."""
    arguments = {}
    problems: list[Problem] = []
    for name, parameter in step.method.parameters.items():
        value = step.arguments.get(name, parameter.default)
        arguments[name] = _argument(parameter.kind, value, step, scope, problems)
    try:
        result = step.method.function(**arguments)
    except Exception as error:  # whatever a method raises, its author must learn which step it was; nothing goes on
        raise MappingError(f"{step.place}: the method '{step.method.name}' failed: {type(error).__name__}: {error}") from error
    values, own = result if isinstance(result, tuple) else (result, [])
    if not (values is None or isinstance(values, (str, int, float))) and len(values) != scope.length:
        raise MappingError(f"{step.place}: the method '{step.method.name}' gave {len(values)} values for {scope.length} records.")
    return values, [*own, *problems]


def _argument(kind: str, value: object, step: Step, scope: Scope, problems: list[Problem]):
    if value is None:
        return None
    if kind == "Related":
        return _related(value, step, scope)
    if kind == "Column":
        return _column(value, scope, problems)
    if kind == "Columns":
        return [_group_column(item, scope, problems) for item in value]
    if kind == "Condition":
        return scope.condition(value, step.place, problems)
    if kind == "Table":
        return value.rows
    return value


def _column(value: Ref | Step, scope: Scope, problems: list[Problem]) -> pd.Series:
    if isinstance(value, Ref):
        return scope.column(value, problems)
    if value.where is None:
        values, found = run_step(value, scope)
        problems += found
        return _typed(values, "", scope.length)[0]
    inside = np.flatnonzero(scope.condition(value.where, value.place, problems))
    values, found = run_step(value, scope.narrowed(inside))
    problems += [replace(problem, rows=_widened(problem.rows, inside, scope.length), values=None) for problem in found]
    return _spread(_typed(values, "", len(inside))[0], inside, scope.length)


def _spread(values: pd.Series, inside: np.ndarray, length: int) -> pd.Series:
    """Values of some rows among all rows; missing elsewhere."""
    position = np.full(length, -1, dtype=np.int64)
    position[inside] = np.arange(len(inside))
    return take(values, position)


def _widened(mask: np.ndarray, inside: np.ndarray, length: int) -> np.ndarray:
    wide = np.zeros(length, dtype=bool)
    wide[inside] = mask
    return wide


def _group_column(value: Ref | Step, scope: Scope, problems: list[Problem]) -> pd.Series:
    """As `_column`, but USUBJID comes as subject numbers' categories: grouping by it costs nothing then."""
    if value == Ref("", "USUBJID"):
        return pd.Series(pd.Categorical.from_codes(scope.subject(), categories=scope.derived.subjects))
    return _column(value, scope, problems)


def _related(ref: Ref, step: Step, scope: Scope) -> Related:
    """The records of another table that belong to the rows of this one."""
    derived = scope.derived
    other = derived.tables.get(ref.table) or derived.raw[ref.table]
    kept = np.ones(other.length, dtype=bool)
    if other.dropped is not None:
        kept &= ~other.dropped
    if step.matching is not None:
        kept &= _where_of_source(step.matching, other, derived, step.place)
    for name in step.by:  # as everywhere, what is missing equals nothing
        kept &= other.subject >= 0 if name == "USUBJID" else other.columns[name].notna().to_numpy()
    rows = np.flatnonzero(kept)
    if step.by == ("USUBJID",):
        groups, own, size = other.subject[rows], scope.subject(), len(derived.subjects)
    else:
        groups, own, size = _shared_groups(step.by, other, rows, scope)
    return Related(take(other.columns[ref.name], rows), tuple(take(other.columns[name], rows) for name in step.order), groups, own, size)


def _shared_groups(by: tuple[str, ...], other: Table, rows: np.ndarray, scope: Scope) -> tuple[np.ndarray, np.ndarray, int]:
    """The groups of the other table's rows and of these (-1 where a key is missing) by what both share; numbers compare as numbers."""
    columns, known = [], np.ones(scope.length, dtype=bool)
    for name in by:
        if name == "USUBJID":
            mine, theirs = pd.Series(scope.subject()), pd.Series(other.subject[rows])
            known &= scope.subject() >= 0
        else:
            mine, theirs = scope.column(Ref("", name)), take(other.columns[name], rows)
            if pd.api.types.is_numeric_dtype(mine.dtype) != pd.api.types.is_numeric_dtype(theirs.dtype):
                mine, theirs = as_numbers(mine), as_numbers(theirs)
            known &= mine.notna().to_numpy()
        columns.append(concatenate([mine, theirs]))
    codes, size = group_codes(columns)
    return codes[scope.length:], np.where(known, codes[:scope.length], -1), size


