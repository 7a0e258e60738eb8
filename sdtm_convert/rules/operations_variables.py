"""Operations of tables with a row a variable, or a value of many variables: what stands beside a variable, in its dataset or in another."""

from __future__ import annotations

import re

import numpy as np

from .column import Column, cells_to_column, choose, constant, group_codes, numbers_to_column
from .match import first_rows
from .operators_sets import column_of
from .rule import NotApplicable, Operation
from .study import Study
from .table import Table

# --- Variables that belong together -----------------------------------------------------------------------------------


def companion(table: Table, study: Study, operation: Operation) -> Column:
    """The name that `replace` makes of the whole name in `name`, by `regex`, where the dataset has such a variable: TRT01P beside TRT01PN,
    by (TRT..P)N and \\1. Empty where it has none. (An addition to CDISC's operations.)"""
    pattern, known = re.compile(operation.options["regex"]), _records(table, study).known

    def beside(name: object) -> str | None:
        found = pattern.fullmatch(name) if isinstance(name, str) else None
        other = found.expand(operation.options["replace"]) if found else ""
        return other if other in known else None

    return column_of(table, operation.name).map(beside)


def value_in(table: Table, study: Study, operation: Operation) -> Column:
    """What the record has in the variable that `name` names; empty where it names none. For checks of values. (An addition to CDISC's
    operations.)"""
    return _value_in(table, _records(table, study), column_of(table, operation.name), None)


def subject_value(table: Table, study: Study, operation: Operation) -> Column:
    """What the first record of the same subject in `domain` has in the variable that `name` names; empty where it has no such record or
    variable. For checks of values. (An addition to CDISC's operations.)"""
    other, own = study.whole(operation.domain), _records(table, study)
    if other is None:
        raise NotApplicable(f"no dataset {operation.domain}")
    rows = study.once(("subject", own, other), lambda: first_rows([column_of(own, "USUBJID")], [column_of(other, "USUBJID")]))
    return _value_in(table, other, column_of(table, operation.name), rows)


def _value_in(table: Table, source: Table, names: Column, rows: np.ndarray | None) -> Column:
    if not len(names.used):
        return constant(None, table.rows)
    columns = [source.column(cell) if cell in source.known else None for cell in names.values.cells[:-1]]
    columns = [column if column is None or rows is None else column.take(rows) for column in columns]
    return columns[0] if len(columns) == 1 and columns[0] is not None and not names.has_missing else choose(columns, names.codes)


def values_with_several(table: Table, study: Study, operation: Operation) -> Column:
    """The values of the variable that `name` names that go, in the records, with several values of the variable that `with` names (by `group`:
    in a group of records): a list row by row, empty where there are none. Empty cells are no values. (An addition to CDISC's operations.)"""
    source = _records(table, study)
    pairs = zip(column_of(table, operation.name).cells, column_of(table, operation.options["with"]).cells)
    return cells_to_column([_with_several(source, name, other, operation.group) if name and other else None for name, other in pairs])


def _with_several(source: Table, name: str, other: str, group: tuple[str, ...]) -> list | None:
    column, partner = source.column(name), source.column(other)
    rows = np.flatnonzero(~column.spread(column.values.empty) & ~partner.spread(partner.values.empty))
    column, partner = column.take(rows), partner.take(rows)
    keys = group_codes([*(column_of(source, part).take(rows) for part in group), column], len(rows))
    first = np.unique(keys, return_index=True)[1]
    width = len(partner.values.cells)
    several = np.bincount(np.unique(keys * width + partner.codes) // width, minlength=len(first)) > 1
    return list(dict.fromkeys(column.take(first[several]).cells)) or None


# --- Records that a record points to ----------------------------------------------------------------------------------


def source_record(table: Table, study: Study, operation: Operation) -> Column:
    """The number of the record that SRCDOM and SRCSEQ point to: of the same subject, in the dataset SRCDOM, with that --SEQ or ASEQ; 0 where
    there is none, empty where nothing is pointed to or the dataset is not given. (An addition to CDISC's operations.)"""
    domains, sequence = column_of(table, "SRCDOM"), column_of(table, "SRCSEQ")
    found = np.full(table.rows, np.nan)
    for code in domains.used:
        rows = np.flatnonzero((domains.codes == code) & ~sequence.spread(sequence.values.empty))
        found[rows] = _record(column_of(table, "USUBJID").take(rows), sequence.take(rows), str(domains.values.cells[code]), study)
    return numbers_to_column(found)


def sequence_record(table: Table, study: Study, operation: Operation) -> Column:
    """For a value of --SEQ, the number of the same subject's record with that number in the dataset that -- stands for; 0 where there is none,
    empty for other variables, or where the dataset is not given. For checks of values. (An addition to CDISC's operations.)"""
    name, source = str(table.column("variable_name").cells[0]), _records(table, study)
    if not re.fullmatch("[A-Z]{2}SEQ", name) or name[:2] == source.domain:
        return constant(None, table.rows)
    values = table.column("variable_value")
    return numbers_to_column(np.where(values.spread(values.values.empty), np.nan, _record(column_of(source, "USUBJID"), values, name[:2], study)))


def _record(subject: Column, sequence: Column, dataset: str, study: Study) -> np.ndarray:
    """For each subject and number the record of the dataset, from 1; 0 for none, NaN where the dataset or its numbers are not given."""
    other = study.whole(dataset)
    name = "ASEQ" if dataset.startswith("AD") else f"{dataset[:2]}SEQ"
    if other is None or name not in other.known:
        return np.full(len(subject), np.nan)
    return first_rows([subject, _as_numbers(sequence)], [column_of(other, "USUBJID"), _as_numbers(other.column(name))]) + 1.0


def _as_numbers(column: Column) -> Column:
    """The column with text that reads as a number as that number."""
    return column.map(lambda cell: float(cell) if isinstance(cell, str) and cell.strip().isdecimal() else cell)


def dataset_variables(table: Table, study: Study, operation: Operation) -> Column:
    """The names of the variables of the dataset that `name` names: a list row by row, empty where it is not given. (An addition to CDISC's
    operations.)"""
    column = column_of(table, operation.name)
    return column.map(lambda cell: list(study.tables[cell].names) if cell in study.tables else None)


def _records(table: Table, study: Study) -> Table:
    """The dataset that a table of variables or of values is about."""
    if table.source is not None:
        return table.source
    own = study.tables.get(table.name, table)
    return study.whole(own.unsplit) or own
