"""Rule types: what one row is that a rule's Check is asked about.

`Record Data` asks about the records. The metadata checks ask about a small table with one row a variable or a dataset; the value
checks ask about every value, one variable at a time, so that nothing is melted. What a table cannot hold because it was not given
(labels, the standard, terminology, define.xml) makes a rule that asks for it `not run`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from .column import Column, constant
from .define_facts import DefineDataset
from .library import class_of, codelists_of, standard_dataset, standard_variables, structure, the_standard
from .rule import NotApplicable, NotRun
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
    return [stack_tables([cells_to_table(table.name, _variable_cells(table, study), table) for table in tables])]


def _variable_cells(table: Table, study: Study) -> dict[str, list]:
    return study.once(("variable cells", table), lambda: _describe_variables(table, study))


def _describe_variables(table: Table, study: Study) -> dict[str, list]:
    names = list(table.names)
    given = study.metadata.get(table.name)
    described = [given.by_name.get(name) if given else None for name in names]
    columns = [table.column(name) for name in names]
    blanks = [column.spread(column.values.empty) for column in columns]
    cells: dict[str, list] = {
        "variable_name": names,
        "variable_order_number": list(range(1, len(names) + 1)),
        "variable_data_type": [d.type if d else _type_of(column) for d, column in zip(described, columns)],
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
    own = _variable_cells(table, study)
    given = study.metadata.get(table.name)
    described = given.by_name if given else {}
    names = own["variable_name"]
    chosen = [described[name].codelist if name in described else None for name in names]
    library = _library_cells([known.get(name) for name in names], study, chosen)
    return cells_to_table(table.name, own | library, table)


def _library_cells(variables: list, study: Study, chosen: list | None = None) -> dict[str, list]:
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
    cells = _library_cells(variables, study)
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
    return [stack_tables([_dataset(table, study) for table in (tables[:1] if study.core_compatible else tables)])]


def _dataset(table: Table, study: Study) -> Table:
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
    return [cells_to_table("STUDY", {name: [_place(parts[0], study)] for name, parts in study.parts.items()}, tables[0])]


def _place(table: Table, study: Study) -> str:
    return study.files[table.name][0] if table.name in study.files else table.name


def values_with_variable_metadata(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Every value: variable_value, with the columns of Variable Metadata Check for its variable."""
    return [_values(table, row, cells) for table in tables for row, cells in _rows(_variable_cells(table, study))]


def values_against_library(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Every value of the standard's variables: variable_value, with the columns of Variable Metadata Check against Library Metadata
    for its variable. (An addition to CDISC's rule types.)"""
    answer = []
    for table in tables:
        library = variable_metadata_against_library((table,), study)[0]
        cells = {name: library.column(name).cells.tolist() for name in library.names}
        answer += [_values(table, row, own) for row, own in _rows(cells) if own["library_variable_name"] is not None]
    return answer


def _rows(cells: dict[str, list]) -> list[tuple[str, dict[str, object]]]:
    return [(name, {key: column[row] for key, column in cells.items()}) for row, name in enumerate(cells["variable_name"])]


def _values(table: Table, name: str, cells: dict[str, object]) -> Table:
    """One variable's values, with what is known of the variable in every row."""
    def make(wanted: str) -> Column:
        return replace(table.column(name), of_values=True) if wanted == "variable_value" else constant(cells[wanted], table.rows)

    return Table(table.name, (*cells, "variable_value"), table.rows, make, table.domain, table.rdomain, table.records, table.sources,
                 source=table)


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
    return [cells_to_table(table.name, cells | _library_cells(known, study), table)]


def variables_against_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """As Variable Metadata Check, with the define_variable_ columns that define.xml has for the variable; empty for other variables."""
    return [stack_tables([_against_define(table, study, _variable_cells(table, study)) for table in tables])]


def variables_against_define_and_library(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """As Variable Metadata Check against Library Metadata, with the define_variable_ columns too."""
    made = [variable_metadata_against_library((table,), study)[0] for table in tables]
    cells = [{name: one.column(name).cells.tolist() for name in one.names} for one in made]
    return [stack_tables([_against_define(table, study, own) for table, own in zip(tables, cells)])]


def values_against_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Every value: variable_value, with the columns of Variable Metadata Check against Define XML for its variable."""
    answer = []
    for table in tables:
        joined = _against_define(table, study, _variable_cells(table, study))
        answer += [_values(table, row, own) for row, own in _rows({name: joined.column(name).cells.tolist() for name in joined.names})]
    return answer


def datasets_against_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """As Dataset Metadata Check, with define_dataset_name, _label, _location, _domain, _class, _structure, _is_non_standard, _variables,
    _variable_order, _key_sequence, _has_no_data; empty for a dataset that define.xml does not have."""
    described = _define(study)
    made = []
    for table in tables:
        own = _dataset(table, study)
        known = described.get(table.name)
        empty = dict.fromkeys(next(iter(described.values())).cells) if described else {}
        cells = {name: [cell or None] for name, cell in (known.cells if known else empty).items()}
        made.append(cells_to_table(table.name, {name: own.column(name).cells.tolist() for name in own.names} | cells, table))
    return [stack_tables(made)]


def _define(study: Study) -> dict[str, DefineDataset]:
    if study.define is None:
        raise NotRun("define.xml")
    return study.define


def _define_cells(table: Table, study: Study) -> dict[str, list]:
    known = _define(study).get(table.name)
    if known is None or not known.variables:
        raise NotApplicable("define.xml does not have the dataset")
    return {name: [variable[name] if variable[name] != "" else None for variable in known.variables] for name in known.variables[0]}


def _against_define(table: Table, study: Study, own: dict[str, list]) -> Table:
    cells = _define_cells(table, study)
    place = {name: row for row, name in enumerate(cells["define_variable_name"])}
    rows = [place.get(name) for name in own["variable_name"]]
    joined = {name: [None if row is None else column[row] for row in rows] for name, column in cells.items()}
    return cells_to_table(table.name, own | joined, table)


def needs_define(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Not carried out."""
    raise NotRun("more of define.xml than is read")


def needs_document(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Not carried out: it is about a USDM document, not about datasets."""
    raise NotRun("a USDM document")


RULE_TYPES: dict[str, Callable[[tuple[Table, ...], Study], list[Table]]] = {
    "Record Data": record_data,
    "Variable Metadata Check": variable_metadata,
    "Variable Metadata Check against Library Metadata": variable_metadata_against_library,
    "Library Variable Check": library_variables,
    "Dataset Metadata Check": dataset_metadata,
    "Domain Presence Check": domain_presence,
    "Value Check with Variable Metadata": values_with_variable_metadata,
    "Value Check with Dataset Metadata": values_with_variable_metadata,
    "Value Check against Library Metadata": values_against_library,
    "Dataset Contents Check against Define XML": needs_define,
    "Dataset Metadata Check against Define XML": datasets_against_define,
    "Domain Presence Check against Define XML": needs_define,
    "Define Item Metadata Check": define_items,
    "Define Item Metadata Check against Library Metadata": define_items_against_library,
    "Define Item Group Metadata Check": datasets_against_define,
    "Variable Metadata Check against Define XML": variables_against_define,
    "Variable Metadata Check against Define XML and Library Metadata": variables_against_define_and_library,
    "Value Check against Define XML Variable": values_against_define,
    "Value Check against Define XML VLM": needs_define,
    "Value Level Metadata Check against Define XML": needs_define,
    "JSON Schema Check": needs_document,
    "JSONata": needs_document,
}
RECORD_TYPES = (
    "Record Data",
    "Value Check with Variable Metadata",
    "Value Check with Dataset Metadata",
    "Value Check against Library Metadata",
    "Value Check against Define XML Variable",
)
