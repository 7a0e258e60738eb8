"""Tables that rules look at with a define.xml: its datasets, variables and value levels, alone or beside the data."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .column import Column, as_text, constant
from .define_facts import DefineDataset, DefineFacts, RangeCheck, ValueLevel
from .library import standard_dataset, the_standard
from .match import first_rows
from .operators_sets import column_of
from .rule import NotApplicable, NotRun, RuleError
from .study import Study
from .table import Table, cells_to_table, stack_tables, take_rows
from .tables import dataset_row, file_of, library_cells, rows_of, values_of_variable, variable_cells, variable_metadata_against_library


def the_define(study: Study) -> DefineFacts:
    """What the study's define.xml says; NotRun without one."""
    if study.define is None:
        raise NotRun("define.xml")
    return study.define


def _described(table: Table, study: Study) -> DefineDataset:
    known = the_define(study).datasets.get(table.name)
    if known is None:
        raise NotApplicable("define.xml does not have the dataset")
    return known


# --- Variables --------------------------------------------------------------------------------------------------------


def define_items(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """One row a variable that define.xml has for the dataset: define_variable_name, _label, _data_type, _role, _size, _length, _ccode,
    _format, _allowed_terms, _origin_type, _is_collected, _has_no_data, _order_number, _has_codelist, _codelist_coded_values,
    _codelist_coded_codes, _mandatory, _has_comment, _has_method."""
    return [cells_to_table(tables[0].name, _define_cells(tables[0], study), tables[0])]


def define_items_against_library(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """As Define Item Metadata Check, with the library_variable_ columns of the standard's variable."""
    table, cells = tables[0], _define_cells(tables[0], study)
    the_standard(study)
    dataset = standard_dataset(table, study)
    known = [dataset.variables.get(name) if dataset else None for name in cells["define_variable_name"]]
    return [cells_to_table(table.name, cells | library_cells(known, study), table)]


def variables_against_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """As Variable Metadata Check, with the define_variable_ columns that define.xml has for the variable; empty for other variables."""
    return [stack_tables([_against_define(table, study, variable_cells(table, study)) for table in tables])]


def variables_against_define_and_library(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """As Variable Metadata Check against Library Metadata, with the define_variable_ columns too."""
    made = [variable_metadata_against_library((table,), study)[0] for table in tables]
    return [stack_tables([_against_define(table, study, _cells(own)) for table, own in zip(tables, made)])]


def values_against_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Every value: variable_value, with the columns of Variable Metadata Check against Define XML for its variable."""
    joined = [(table, _against_define(table, study, variable_cells(table, study))) for table in tables]
    return [values_of_variable(table, name, own) for table, one in joined for name, own in rows_of(_cells(one))]


def _define_cells(table: Table, study: Study) -> dict[str, list]:
    known = _described(table, study)
    if not known.variables:
        raise NotApplicable("define.xml has no variables for the dataset")
    return {name: [_none(variable[name]) for variable in known.variables] for name in known.variables[0]}


def _against_define(table: Table, study: Study, own: dict[str, list]) -> Table:
    cells = _define_cells(table, study)
    place = {name: row for row, name in enumerate(cells["define_variable_name"])}
    rows = [place.get(name) for name in own["variable_name"]]
    joined = {name: [None if row is None else column[row] for row in rows] for name, column in cells.items()}
    return cells_to_table(table.name, own | joined, table)


def _cells(table: Table) -> dict[str, list]:
    return {name: table.column(name).cells.tolist() for name in table.names}


def _none(cell: object) -> object:
    return None if cell == "" else cell


# --- Datasets ---------------------------------------------------------------------------------------------------------


def datasets_against_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """As Dataset Metadata Check, with define_dataset_name, _label, _location, _domain, _class, _structure, _is_non_standard, _variables,
    _variable_order, _key_sequence, _has_no_data; empty for a dataset that define.xml does not have."""
    described = the_define(study).datasets
    empty = dict.fromkeys(next(iter(described.values())).cells) if described else {}
    made = []
    for table in tables:
        cells = described[table.name].cells if table.name in described else empty
        made.append(cells_to_table(table.name, _cells(dataset_row(table, study)) | {name: [_none(cell)] for name, cell in cells.items()}, table))
    return [stack_tables(made)]


def records_against_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """The records of the dataset, with the columns of Dataset Metadata Check against Define XML in each row."""
    return [stack_tables([_with_define(table, study) for table in tables])]


def _with_define(table: Table, study: Study) -> Table:
    _described(table, study)
    known = {name: cells[0] for name, cells in _cells(datasets_against_define((table,), study)[0]).items() if name not in table.known}

    def make(name: str) -> Column:
        return table.column(name) if name in table.known else constant(known[name], table.rows)

    return replace(table, names=(*table.names, *known), make=make, kept={})


def presence_against_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """One row a dataset of define.xml: the define_dataset_ columns; domain and filename hold its name and its file (its name again where no
    files are given), and are empty where the dataset is not there."""
    described = list(the_define(study).datasets.values())
    columns = {name: [_none(known.cells[name]) for known in described] for name in (described[0].cells if described else ())}
    names = [str(known.cells["define_dataset_name"]) for known in described]
    there = [_there(name.upper(), study) for name in names]
    columns["domain"] = [name if table else None for name, table in zip(names, there)]
    columns["filename"] = [file_of(table, study) if table else None for table in there]
    return [cells_to_table("STUDY", columns, tables[0])]


def _there(name: str, study: Study) -> Table | None:
    """The dataset of that name, or the first part of it."""
    if name in study.tables and not study.core_compatible:
        return study.tables[name]
    return study.parts[name][0] if name in study.parts else None


# --- Value level ------------------------------------------------------------------------------------------------------


def values_against_value_level(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Every value that define.xml describes at value level: variable_value, variable_value_length (as define.xml counts it: of numbers
    the digits), variable_name, define_variable_name, and define_vlm_name, _label, _data_type and the other columns of Define Item
    Metadata Check under define_vlm_. A value counts where one of the where clauses holds."""
    levels = [(table, level) for table in tables for level in _described(table, study).values]
    if not levels:
        raise NotApplicable("define.xml has no value level for the dataset")
    made = [_at_level(table, level, study) for table, level in levels]
    found = [table for table in made if table.rows]
    if not found:
        raise NotApplicable("no record that define.xml describes at value level")
    return found


def _at_level(table: Table, level: ValueLevel, study: Study) -> Table:
    column_of(table, level.variable)
    rows = np.flatnonzero(_where(table, level.where, study))
    own = take_rows(table, rows)
    cells = {"variable_name": level.variable, "define_variable_name": level.variable} | {name: _none(cell) for name, cell in level.cells.items()}
    values = values_of_variable(own, level.variable, cells)
    length = _LENGTHS.get(str(level.cells["define_vlm_data_type"]), lambda text: None)
    counted = own.column(level.variable).map(lambda cell: length(as_text(cell) or ""))
    return replace(values, names=(*values.names, "variable_value_length"), kept={"variable_value_length": counted})


_LENGTHS: dict[str, Callable[[str], int]] = {
    "integer": lambda text: len(text.lstrip("0")),
    "float": lambda text: len(text.lstrip("0").replace(".", "")),
    "text": len,
}


def _where(table: Table, clauses: tuple[tuple[RangeCheck, ...], ...], study: Study) -> np.ndarray:
    """The rows for which one of the where clauses holds; CDISC's engine looks at the first check of the first one alone."""
    clauses = tuple(clause[:1] for clause in clauses[:1]) if study.core_compatible else clauses
    if not clauses:
        return np.ones(table.rows, dtype=bool)
    return np.logical_or.reduce([np.logical_and.reduce([_holds(table, check, study) for check in clause] or [np.zeros(table.rows, dtype=bool)])
                                 for clause in clauses])


def _holds(table: Table, check: RangeCheck, study: Study) -> np.ndarray:
    column = _asked_about(table, check.variable, study)
    if check.comparator in ("NE", "NOTIN"):
        return ~_among(column, check)
    if check.comparator in ("EQ", "IN"):
        return _among(column, check)
    if check.comparator not in _COMPARE or not check.values:
        raise RuleError(f"a where clause of define.xml compares {check.variable} by '{check.comparator}'")
    compare, limit = _COMPARE[check.comparator], check.values[0]
    return column.where(lambda cell: compare(cell, _like(cell, limit)))


def _asked_about(table: Table, name: str, study: Study) -> Column:
    """The column that a where clause asks about: the dataset's own, or that of the subject's record in DM."""
    if name in table.known:
        return table.column(name)
    subjects = study.whole("DM")
    if subjects is None or name not in subjects.known or not {"USUBJID"} <= table.known & subjects.known:
        raise RuleError(f"a where clause of define.xml asks about {name or 'no variable'}, which neither the dataset nor DM has")
    return subjects.column(name).take(first_rows([table.column("USUBJID")], [subjects.column("USUBJID")]))


def _among(column: Column, check: RangeCheck) -> np.ndarray:
    return column.where(lambda cell: any(cell == _like(cell, value) for value in check.values))


def _like(cell: object, value: str) -> object:
    """The value of a where clause as what the cell is: a number or text."""
    return value if isinstance(cell, str) else float(value)


_COMPARE = {"LT": operator.lt, "LE": operator.le, "GT": operator.gt, "GE": operator.ge}
