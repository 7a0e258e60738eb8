"""Tables that rules look at: what one row is that a rule's Check is asked about.

`Record Data` asks about the records. The metadata checks ask about a small table with one row a variable or a dataset; the value
checks ask about every value, one variable at a time, so that nothing is melted. What a table cannot hold because it was not given
(labels, the standard, terminology, define.xml) makes a rule that asks for it `not run`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .column import Column, constant
from .library import class_of, codelists_of, standard_dataset, standard_variables, structure, the_standard
from .rule import RuleError
from .study import Study
from .table import Table, cells_to_table, stack_tables

# What a rule needs, by the column that is not there.
NEEDS = {
    "variable_declared_type": "the variables' types",
    "variable_label": "the variables' labels",
    "variable_size": "the variables' lengths",
    "variable_format": "the variables' formats",
    "variable_key": "the dataset's keys",
    "dataset_keys": "the dataset's keys",
    "dataset_label": "the datasets' labels",
    "dataset_size": "the files' sizes",
    "dataset_location": "the files' names",
    "library_variable_codelist": "controlled terminology",
    "library_variable_codelist_terms": "controlled terminology",
    "library_variable_codelist_extensible": "controlled terminology",
}


def needed(name: str) -> str:
    """What is missing where a table has no column of that name; "" where it is not a matter of something not given."""
    if name in NEEDS:
        return NEEDS[name]
    if name.startswith("library_"):
        return "the standard"
    return "define.xml" if name.startswith("define_") else ""


def record_data(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """The records of the dataset."""
    return [study.whole(tables[0].unsplit) if len(tables) > 1 else tables[0]]


def variable_metadata(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """One row a variable: variable_name, variable_order_number, variable_data_type, variable_is_empty, variable_has_empty_values,
    record_count of the dataset and, where metadata are given, variable_declared_type, variable_label, variable_size, variable_format, variable_key."""
    return [stack_tables([cells_to_table(table.name, described_cells(table, study), table) for table in tables])]


def variable_cells(table: Table, study: Study) -> dict[str, list]:
    """The columns of Variable Metadata Check, for the variables that the dataset holds."""
    return study.once(("variable cells", table), lambda: _describe(table.names, table, study))


def described_cells(table: Table, study: Study) -> dict[str, list]:
    """The columns of Variable Metadata Check, for the variables by which the dataset is described. RuleError where it is not."""
    names = study.variables(table)
    if not names:
        raise RuleError(f"the variables of {table.name} are not described")
    return variable_cells(table, study) if names == table.names else _describe(names, table, study)


def _describe(names: tuple[str, ...], table: Table, study: Study) -> dict[str, list]:
    given = study.metadata.get(table.name)
    described = [given.by_name.get(name) if given else None for name in names]
    columns = [table.column(name) if name in table.known else constant(None, table.rows) for name in names]
    blanks = [column.spread(column.values.empty) for column in columns]
    cells: dict[str, list] = {
        "variable_name": list(names),
        "variable_order_number": list(range(1, len(names) + 1)),
        "variable_data_type": [d.type if d and d.type else _type_of(column) for d, column in zip(described, columns)],
        "variable_is_empty": [bool(blank.all()) for blank in blanks],
        "variable_has_empty_values": [bool(blank.any()) for blank in blanks],
        "record_count": [table.rows] * len(names),
    }
    if given:
        cells["variable_declared_type"] = [d.type if d else None for d in described]
        cells["variable_label"] = [d.label if d else None for d in described]
        cells["variable_size"] = [d.length if d else None for d in described]
        cells["variable_format"] = [d.display_format if d else None for d in described]
        if given.keys:
            cells["variable_key"] = [given.keys.index(name) + 1 if name in given.keys else None for name in names]
    return cells


def _type_of(column: Column) -> str | None:
    """The type that the cells have; None where there are none."""
    return None if not len(column.used) else "Char" if column.is_text else "Num"


def variable_metadata_against_library(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """As Variable Metadata Check, with library_variable_name, _label, _data_type, _role, _core, _order_number, _ccode, _has_codelist,
    _codelist, _codelist_terms, _codelist_extensible, _values of the standard's variable; empty for other variables."""
    made = [study.once(("library", table), lambda t=table: _against_library(t, study)) for table in tables]
    return [stack_tables(made)]


def _against_library(table: Table, study: Study) -> Table:
    the_standard(study)
    known = standard_variables(table, study)
    own = described_cells(table, study)
    given = study.metadata.get(table.name)
    described = given.by_name if given else {}
    names = own["variable_name"]
    chosen = [described[name].codelist if name in described else None for name in names]
    library = library_cells([known.get(name) for name in names], study, chosen)
    return cells_to_table(table.name, own | library, table)


def library_cells(variables: list, study: Study, chosen: list | None = None) -> dict[str, list]:
    """The library_variable_ columns; `chosen` are the codelists that metadata give the variables, which stand before the standard's."""
    def of(attribute: str) -> list:
        return [getattr(variable, attribute) or None if variable else None for variable in variables]

    codelists = [codelists_of(variable, study, own) for variable, own in zip(variables, chosen or [None] * len(variables))]
    cells = {
        "library_variable_name": of("name"), "library_variable_label": of("label"), "library_variable_data_type": of("type"),
        "library_variable_role": of("role"), "library_variable_core": of("core"), "library_variable_order_number": of("order"),
        "library_variable_ccode": [variable.codelists[0] if variable and variable.codelists else None for variable in variables],
        "library_variable_has_codelist": [bool(variable and variable.codelists) for variable in variables],
        "library_variable_values": of("values"),
    }
    if study.terminology:
        cells["library_variable_codelist"] = ["/".join(c.short_name for c in own) or None for own in codelists]
        cells["library_variable_codelist_terms"] = [[term for c in own for term in c.by_value] or None for own in codelists]
        cells["library_variable_codelist_extensible"] = [any(c.extensible for c in own) if own else None for own in codelists]
    return cells


def library_variables(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """One row a variable of the standard's dataset, whether the dataset has it or not: the library_variable_ columns, and
    variable_name, empty where the dataset lacks it. (An addition to CDISC's rule types.)"""
    the_standard(study)
    table = tables[0]
    dataset = standard_dataset(table, study)
    if dataset is None:
        return []
    names = {name for part in tables for name in part.names}
    variables = list(dataset.variables.values())
    cells = library_cells(variables, study)
    cells["variable_name"] = [variable.name if variable.name in names else _instance(variable.name, names) for variable in variables]
    return [cells_to_table(table.name, cells, table)]


def _instance(template: str, names: set[str]) -> str | None:
    """The first name that ADaM's template stands for: TRT01P for TRTxxP."""
    if not re.search("xx|zz|y|w", template):
        return None
    pattern = re.compile(re.sub("xx|zz", r"\\d\\d", re.sub("y|w", r"\\d{1,2}", re.escape(template))))
    return next((name for name in sorted(names) if pattern.fullmatch(name)), None)


def dataset_metadata(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """One row a dataset: dataset_name, record_count, domain, is_ap, ap_suffix, dataset_class, dataset_structure and, where metadata
    or files are given, dataset_label, dataset_keys, dataset_location, dataset_size."""
    return [stack_tables([dataset_row(table, study) for table in tables])]


def dataset_row(table: Table, study: Study) -> Table:
    """The row of Dataset Metadata Check for one dataset."""
    given = study.metadata.get(table.name)
    known = standard_dataset(table, study)
    cells: dict[str, list] = {
        "dataset_name": [table.name], "record_count": [table.rows], "domain": [table.domain or None], "is_ap": [table.is_ap],
        "ap_suffix": [table.prefix if table.is_ap else None], "dataset_class": [class_of(table, study) or None],
        "dataset_structure": [structure(table, study) or None],
    }
    if given:
        cells["dataset_label"] = [given.label or None]
    if given and given.keys:
        cells["dataset_keys"] = [list(given.keys)]
    if table.name in study.files:
        location, size = study.files[table.name]
        cells |= {"dataset_location": [location], "dataset_size": [size]}
    if study.standard:
        cells["library_dataset_name"] = [known.name if known else None]
        cells["library_dataset_label"] = [known.label if known else None]
    return cells_to_table(table.name, cells, table)


def domain_presence(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """One row for the study, with a column for every dataset (by the name of the whole) that holds its file name, or its own name where
    no files are given."""
    datasets = cells_to_table("STUDY", {name: [file_of(parts[-1], study)] for name, parts in study.parts.items()}, tables[0])
    return [replace(datasets, source=tables[0])]  # what an operation asks, it asks of the dataset in scope


def file_of(table: Table, study: Study) -> str:
    """The name of the dataset's file, or its own name where no files are given."""
    return study.files[table.name][0] if table.name in study.files else table.name


def values_with_variable_metadata(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Every value: variable_value, with the columns of Variable Metadata Check for its variable."""
    return [values_of_variable(table, row, cells) for table in tables for row, cells in rows_of(variable_cells(table, study))]


def values_against_library(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Every value of the standard's variables: variable_value, with the columns of Variable Metadata Check against Library Metadata
    for its variable. (An addition to CDISC's rule types.)"""
    answer = []
    for table in tables:
        library = variable_metadata_against_library((table,), study)[0]
        cells = {name: library.column(name).cells.tolist() for name in library.names}
        answer += [values_of_variable(table, row, own) for row, own in rows_of(cells) if own["library_variable_name"] is not None]
    return answer


def rows_of(cells: dict[str, list]) -> list[tuple[str, dict[str, object]]]:
    """The name of each variable, with its row of a table of variables."""
    return [(name, {key: column[row] for key, column in cells.items()}) for row, name in enumerate(cells["variable_name"])]


def values_of_variable(table: Table, name: str, cells: dict[str, object]) -> Table:
    """One variable's values, with what is known of the variable in every row."""
    def make(wanted: str) -> Column:
        return replace(table.column(name), of_values=True) if wanted == "variable_value" else constant(cells[wanted], table.rows)

    return Table(table.name, (*cells, "variable_value"), table.rows, make, table.domain, table.rdomain, table.records, table.sources,
                 source=table)
