"""One step on some rows of a dataset: its names become columns, its method runs, its problems are told.

A `Scope` is the rows that a step works on and what names are there: own variables, fields of the source, another dataset's by subject.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from . import conditions
from .columns import as_numbers, as_text, constant_text, group_codes, missing_text
from .errors import MappingError, Place
from .graph import related_table
from .plan import SOURCE, Ref, Step, Where
from .registry import Problem, Related
from .tables import Derived, Table, concatenate, take


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
        return typed(values, "", scope.length)[0]
    inside = np.flatnonzero(scope.condition(value.where, value.place, problems))
    values, found = run_step(value, scope.narrowed(inside))
    problems += [replace(problem, rows=_widened(problem.rows, inside, scope.length), values=None) for problem in found]
    return spread_rows(typed(values, "", len(inside))[0], inside, scope.length)


def spread_rows(values: pd.Series, inside: np.ndarray, length: int) -> pd.Series:
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
        kept &= where_of_source(step.matching, other, derived, step.place)
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


def where_of_source(where: Where, source: Table, derived: Derived, place: Place) -> np.ndarray:
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


def typed(values: object, type: str, length: int) -> tuple[pd.Series, list[Problem]]:
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
