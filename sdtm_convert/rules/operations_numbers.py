"""Operations that reckon with numbers, dates as SAS counts them, and units, row by row; and that count values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..units import conversion, dimension
from .column import Column, group_codes, numbers_to_column
from .operators import without_wildcard
from .operators_sets import column_of
from .rule import Operation
from .study import Study
from .table import Table

_SECONDS_A_DAY = 86400


def difference(table: Table, study: Study, operation: Operation) -> Column:
    """The number `name` minus the number `subtract`, row by row. (An addition to CDISC's operations.)"""
    return numbers_to_column(_numbers(table, operation.name) - _numbers(table, operation.options["subtract"]))


def ratio(table: Table, study: Study, operation: Operation) -> Column:
    """The number `name` divided by `by`, another variable or a number, row by row; missing where that is 0. (An addition to CDISC's
    operations.)"""
    by = operation.options["by"]
    return numbers_to_column(_divided(_numbers(table, operation.name), by if isinstance(by, (int, float)) else _numbers(table, by)))


def percentage(table: Table, study: Study, operation: Operation) -> Column:
    """100 times the number `name` divided by the number `of`, row by row; missing where `of` is 0. (An addition to CDISC's operations.)"""
    return numbers_to_column(_divided(100 * _numbers(table, operation.name), _numbers(table, operation.options["of"])))


def _divided(numbers: np.ndarray, by: np.ndarray | float) -> np.ndarray:
    return numbers / np.where(by == 0, np.nan, by)


def relative_day(table: Table, study: Study, operation: Operation) -> Column:
    """The day of the numeric date `name` counted from the numeric date `reference`: plus 1 on or after it, so that there is no day 0. (An
    addition to CDISC's operations.)"""
    days = _numbers(table, operation.name) - _numbers(table, operation.options["reference"])
    return numbers_to_column(days + (days >= 0))


def date_part(table: Table, study: Study, operation: Operation) -> Column:
    """The numeric date of the numeric datetime `name`. (An addition to CDISC's operations.)"""
    return _of_each_cell(table, operation.name, lambda seconds: np.floor(seconds / _SECONDS_A_DAY))


def time_part(table: Table, study: Study, operation: Operation) -> Column:
    """The numeric time of the numeric datetime `name`. (An addition to CDISC's operations.)"""
    return _of_each_cell(table, operation.name, lambda seconds: np.mod(seconds, _SECONDS_A_DAY))


def converted(table: Table, study: Study, operation: Operation) -> Column:
    """The number `name` in the unit `to` instead of `from`, for the test `test`, by specs/units.csv and specs/units_by_test.csv; missing where
    no conversion is known. (An addition to CDISC's operations.)"""
    keys = [column_of(table, _variable(table, operation.options[key])) for key in ("test", "from", "to")]
    groups = group_codes(keys, table.rows)
    first = np.unique(groups, return_index=True)[1]
    rows = zip(*(key.take(first).cells for key in keys))
    known = [conversion(*row) if all(isinstance(cell, str) and cell for cell in row) else None for row in rows]
    factor = np.array([float(found.factor) if found else np.nan for found in known] or [np.nan])
    offset = np.array([float(found.offset) if found else np.nan for found in known] or [np.nan])
    return numbers_to_column(_numbers(table, operation.name) * factor[groups] + offset[groups])


def unit_dimension(table: Table, study: Study, operation: Operation) -> Column:
    """What the unit `name` measures (length, mass, pressure ...), by specs/units.csv; empty for a unit that is not there. (An addition to
    CDISC's operations.)"""
    return column_of(table, _variable(table, operation.name)).map(lambda cell: dimension(cell) if isinstance(cell, str) else None)


def distinct_count(table: Table, study: Study, operation: Operation) -> Column:
    """How many different values `name` has (by `group`: in each group), without empty ones. Variables of the group that the dataset does not
    have are left out. (An addition to CDISC's operations.)"""
    column = column_of(table, _variable(table, operation.name))
    present = [name for name in (_variable(table, name) for name in operation.group) if name in table.known]
    groups = table.groups(present) if present else np.zeros(table.rows, dtype=np.int64)
    filled = np.flatnonzero(~column.spread(column.values.empty))
    width = len(column.values.cells)
    pairs = np.unique(groups[filled] * width + column.codes[filled])
    return numbers_to_column(np.bincount(pairs // width, minlength=groups.max(initial=0) + 1)[groups])


def _of_each_cell(table: Table, name: str, function: Callable[[np.ndarray], np.ndarray]) -> Column:
    """A column of `function` of the numbers, asked once of each distinct cell."""
    column = column_of(table, _variable(table, name))
    made = numbers_to_column(function(column.values.numbers))
    return Column(made.codes[column.codes], made.values)


def _numbers(table: Table, name: str) -> np.ndarray:
    column = column_of(table, _variable(table, name))
    return column.spread(column.values.numbers)


def _variable(table: Table, name: str) -> str:
    return str(without_wildcard(name, table.prefix))
