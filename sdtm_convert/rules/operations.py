"""Operations: what a rule computes before its Check. Each is a plain function of the rule's table, the study and the operation;
its answer is the column that the rule calls by the operation's id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd

from . import operations_define as define
from . import operations_dictionaries as dictionaries
from . import operations_library as library
from . import operations_numbers as numbers
from . import operations_values as values
from . import operations_variables as variables
from .column import Column, cells_to_column, constant, group_codes, numbers_to_column
from .dates import to_the_second
from .match import first_rows, join_rows
from .operators import without_wildcard
from .operators_sets import column_of
from .rule import NotApplicable, NotRun, Operation, RuleError
from .study import Study
from .table import Table, expand, with_column
from .tables import dataset_metadata, needed


# Options of CDISC's operations that change the result and are not carried out.
_UNREAD = ("group_aliases", "codelist_code", "source", "term_code", "term_pref_term", "term_value")


def run_operations(operations: tuple[Operation, ...], table: Table, study: Study) -> Table:
    """The table with the result of each operation as one more column, in order; a later one can use an earlier one. Of an operation with
    several results each one is called by the operation's id, `_` and its own name."""
    for operation in operations:
        unread = next((name for name in _UNREAD if name in operation.options), "")
        if unread:
            raise NotRun(f"the option {unread} of {operation.operator}, which is not carried out")
        result = OPERATIONS[operation.operator](table, study, operation)
        columns = {operation.id: result} if isinstance(result, Column) else {f"{operation.id}_{name}": column for name, column in result.items()}
        for name, column in columns.items():
            table = with_column(table, name, column)
    return table


def _source(table: Table, study: Study, operation: Operation) -> Table:
    """The dataset that an operation works on: the rule's own, or the one that `domain` names."""
    domain = operation.domain
    if domain.startswith(("SUPP", "SQ")) and domain.endswith("--"):
        domain = domain.replace("--", table.rdomain)
    relationship = domain in ("RELREC", "RELSUB", "CO") or domain.startswith(("SUPP", "SQ"))
    if not domain or (domain == table.domain and not relationship):
        return _records(table, study)
    other = study.whole(domain)
    if other is None:
        raise NotApplicable(f"no dataset {domain}")
    return study.tables[other.name] if study.core_compatible else other  # of a split dataset it looks at the first part alone


def _records(table: Table, study: Study) -> Table:
    """The table itself, where its rows are the records; else the dataset that it is about."""
    return table.source or _dataset(table, study)


def _name(operation: Operation, table: Table) -> str:
    return str(without_wildcard(operation.name, operation.domain or table.prefix))


def _filtered(source: Table, operation: Operation) -> np.ndarray:
    """The rows that the operation's `filter` leaves: equal values, or a beginning (`X&`)."""
    keep = np.ones(source.rows, dtype=bool)
    for name, wanted in operation.filter.items():
        column = column_of(source, without_wildcard(name, source.prefix))
        if isinstance(wanted, str) and wanted.endswith("&"):
            keep &= column.where(lambda cell, w=wanted: isinstance(cell, str) and cell.startswith(w.rstrip("&")))
        else:
            keep &= column.where(lambda cell, w=wanted: cell == w)
    return np.flatnonzero(keep)


def _group_names(operation: Operation, table: Table, source: Table) -> list[str]:
    names = [without_wildcard(name, operation.domain or source.prefix) for name in operation.group]
    return list(dict.fromkeys(part for name in names for part in expand(table, name)))


def _by_group(table: Table, source: Table, names: list[str], rows: np.ndarray, reduce: Callable, otherwise: object = None,
              empty_keys: bool = False) -> Column:
    """`reduce(rows of one group)` of the source, for each row of the table with the same keys; `otherwise` where there are none. A row
    that lacks a key belongs to no group, unless `empty_keys`: then empty equals empty."""
    if not empty_keys:
        rows = rows[~np.any([column_of(source, name).codes[rows] == -1 for name in names], axis=0)]
    keys = [column_of(source, name).take(rows) for name in names]
    groups = group_codes(keys, len(rows))
    order = np.argsort(groups, kind="stable")
    parts = np.split(rows[order], np.flatnonzero(np.diff(groups[order])) + 1) if len(rows) else []
    cells = cells_to_column([reduce(part) for part in parts] + [otherwise])
    mine = [column_of(table, name) for name in names]
    first = first_rows(mine, keys) if len(rows) else np.full(table.rows, -1)
    group = np.where(first >= 0, groups[first], len(parts)) if len(rows) else np.zeros(table.rows, dtype=np.int64)
    return Column(cells.codes[group], cells.values)


# --- Values of a dataset ----------------------------------------------------------------------------------------------


def distinct(table: Table, study: Study, operation: Operation) -> Column:
    """The sorted list of the values of `name` in `domain` (or this dataset), without empty ones; by `group`, a list for each group.
    With `value_is_reference` only names that are variables of the dataset that RDOMAIN names."""
    source = _source(table, study, operation)
    name = _name(operation, table)
    key = ("distinct", source, name, operation.group, repr(operation.filter), repr(operation.options))
    if operation.group:
        names = _group_names(operation, table, source)
        column = column_of(source, name)
        return study.once((*key, table), lambda: _by_group(table, source, names, _filtered(source, operation),
                                                           lambda rows: _sorted(column.take(rows).used_cells)))
    cells = study.once(key, lambda: _distinct(source, study, operation, name))
    return constant(cells, table.rows)


def _distinct(source: Table, study: Study, operation: Operation, name: str) -> list:
    rows = _filtered(source, operation)
    column = column_of(source, name).take(rows)
    if not operation.options.get("value_is_reference"):
        return _sorted(column.used_cells)
    rdomain = column_of(source, "RDOMAIN").take(rows)
    pairs = np.unique(group_codes([rdomain, column], len(rows)), return_index=True)[1]
    named = zip(rdomain.take(pairs).cells, column.take(pairs).cells)
    for dataset in study.tables:
        study.judged(dataset)
    return sorted({cell for domain, cell in named if domain in study.tables and cell in study.tables[domain].names})


def _sorted(cells: list) -> list:
    try:
        return sorted(cells)
    except TypeError:
        raise RuleError("numbers and text are mixed in one column") from None


def record_count(table: Table, study: Study, operation: Operation) -> Column:
    """How many records the dataset has, after `filter`; by `group`, how many each group has."""
    source = _source(table, study, operation)
    rows = _filtered(source, operation)
    if not operation.group:
        return constant(len(rows), table.rows)
    names = _group_names(operation, table, source)
    pattern = operation.options.get("regex")
    if source is table:
        groups = group_codes([_cut(column_of(source, name), pattern) for name in names], source.rows)
        counts = np.bincount(groups[rows], minlength=groups.max(initial=0) + 1)
        return numbers_to_column(counts[groups])
    return _by_group(table, source, names, rows, len, 0, empty_keys=True)


def _cut(column: Column, pattern: str | None) -> Column:
    sample = next(iter(column.used_cells), None)
    if not pattern or not isinstance(sample, str) or not re.match(pattern, sample):
        return column
    return column.map(lambda cell: found[0] if isinstance(cell, str) and (found := re.match(pattern, cell)) else cell)


def min_date(table: Table, study: Study, operation: Operation) -> Column:
    """The earliest date of `name`, in its own precision up to the second and in UTC (by `group`: of each group); empty text where there is
    none."""
    return _extreme_date(table, study, operation, first=True)


def max_date(table: Table, study: Study, operation: Operation) -> Column:
    """The latest date of `name`, in its own precision up to the second and in UTC (by `group`: of each group); empty text where there is
    none."""
    return _extreme_date(table, study, operation, first=False)


def _extreme_date(table: Table, study: Study, operation: Operation, first: bool) -> Column:
    source = _source(table, study, operation)
    column = column_of(source, _name(operation, table))
    moments = column.spread(_moments(column))

    def reduce(rows: np.ndarray) -> str:
        rows = rows[~np.isnat(moments[rows])]
        best = rows[np.argmin(moments[rows]) if first else np.argmax(moments[rows])] if len(rows) else -1
        return to_the_second(column.values.cells[column.codes[best]]) if best >= 0 else ""

    rows = _filtered(source, operation)
    if not operation.group:
        return constant(reduce(rows), table.rows)
    return _by_group(table, source, _group_names(operation, table, source), rows, reduce, "")


def _moments(column: Column) -> np.ndarray:
    """The moment that each distinct cell is, NaT for none. RuleError for a cell that pandas, as CDISC's engine asks it, cannot read as one:
    an interval, unknown parts (`2020---15`), times with zones beside times without."""
    moments = np.full(len(column.values.cells), np.datetime64("NaT"), dtype="datetime64[us]")
    try:
        moments[column.used] = pd.to_datetime(pd.Series(column.used_cells), format="ISO8601").to_numpy(dtype="datetime64[us]")
    except (TypeError, ValueError) as error:
        raise RuleError(f"not an ISO 8601 date: {str(error).splitlines()[0]}") from None
    return moments


def maximum(table: Table, study: Study, operation: Operation) -> Column:
    """The greatest value of `name` (by `group`: of each group); missing where there is none."""
    return _extreme(table, study, operation, max)


def minimum(table: Table, study: Study, operation: Operation) -> Column:
    """The least value of `name` (by `group`: of each group); missing where there is none."""
    return _extreme(table, study, operation, min)


def mean(table: Table, study: Study, operation: Operation) -> Column:
    """The mean of the numbers in `name` (by `group`: of each group); missing where there are none."""
    return _reduced(table, study, operation, lambda column: _mean(column.spread(column.values.numbers)))


def _mean(numbers: np.ndarray) -> float | None:
    known = numbers[~np.isnan(numbers)]
    return float(known.mean()) if len(known) else None


def _extreme(table: Table, study: Study, operation: Operation, choose: Callable) -> Column:
    return _reduced(table, study, operation, lambda column: choose(_sorted(column.used_cells), default=None))


def _reduced(table: Table, study: Study, operation: Operation, reduce: Callable[[Column], object]) -> Column:
    source = _source(table, study, operation)
    column, rows = column_of(source, _name(operation, table)), _filtered(source, operation)
    if not operation.group:
        return constant(reduce(column.take(rows)), table.rows)
    names = _group_names(operation, table, source)
    return _by_group(table, source, names, rows, lambda own: reduce(column.take(own)))


def dy(table: Table, study: Study, operation: Operation) -> Column:
    """The study day of the date `name`: days from DM.RFSTDTC, plus 1 on or after it; empty where either is not a full date. Where DM has
    several records of a subject, the rows get them in the order of a join with DM."""
    subjects = study.whole("DM")
    if subjects is None:
        raise NotApplicable("no dataset DM")
    how = "inner" if study.core_compatible else "left"  # its rows without a subject in DM fall out, and the later ones move up
    _, joined = join_rows([column_of(table, "USUBJID")], [column_of(subjects, "USUBJID")], how)
    rows = np.append(joined, np.full(table.rows, -1))[:table.rows]
    reference = column_of(subjects, "RFSTDTC").map(_ordinal).take(rows)
    own = column_of(table, _name(operation, table)).map(_ordinal)
    days = own.spread(own.values.numbers) - reference.spread(reference.values.numbers)
    return numbers_to_column(days + (days >= 0))


def _ordinal(cell: object) -> int | None:
    try:
        return datetime.fromisoformat(cell).toordinal() if isinstance(cell, str) else None
    except ValueError:
        return None


def variable_exists(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the dataset has the variable `name`."""
    return constant(_name(operation, table) in _source(table, study, operation).known, table.rows)


def variable_is_null(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the dataset lacks the variable `name` or has no value in it."""
    source, name = _source(table, study, operation), _name(operation, table)
    if name not in source.known:
        return constant(True, table.rows)
    column = source.column(name)
    return constant(bool(column.spread(column.values.empty).all()), table.rows)


def minus(table: Table, study: Study, operation: Operation) -> Column:
    """The elements of the list `name` that are not in the list `subtract`, in order."""
    whole, taken = column_of(table, operation.name), column_of(table, operation.options["subtract"])
    groups = group_codes([whole, taken], table.rows)
    first = np.unique(groups, return_index=True)[1]
    lists = [[part for part in (a or []) if part not in (b or [])] for a, b in zip(whole.take(first).cells, taken.take(first).cells)]
    made = cells_to_column(lists)
    return Column(made.codes[groups], made.values)


# --- Names ------------------------------------------------------------------------------------------------------------


def study_domains(table: Table, study: Study, operation: Operation) -> Column:
    """The DOMAIN of every dataset; empty text for those without one."""
    return constant(sorted({other.domain for other in study.tables.values()}), table.rows)


def dataset_names(table: Table, study: Study, operation: Operation) -> Column:
    """The names of all datasets."""
    return constant(sorted(study.tables), table.rows)


def variable_count(table: Table, study: Study, operation: Operation) -> Column:
    """How many datasets have the variable `name`, each with its own prefix for `--`; of a split dataset its last part counts."""
    asked = [parts[-1] for parts in study.parts.values()]
    for other in asked:
        study.judged(other.name)
    return constant(sum(str(without_wildcard(operation.name, other.prefix)) in other.names for other in asked), table.rows)


def get_column_order_from_dataset(table: Table, study: Study, operation: Operation) -> Column:
    """The names of the dataset's variables, in order."""
    source = _dataset(table, study) if not operation.domain else _source(table, study, operation)
    return constant([*source.names, *source.added], table.rows)


def _dataset(table: Table, study: Study) -> Table:
    """The dataset that a table of metadata is about; of a split one, its first part."""
    return table if table.records is not None else study.tables.get(table.name, table)


def extract_metadata(table: Table, study: Study, operation: Operation) -> Column:
    """A property of the dataset: dataset_name, dataset_label, record_count ..."""
    metadata = dataset_metadata((study.tables.get(table.name, table),), study)[0]
    if operation.name not in metadata.known:
        raise NotRun(needed(operation.name) or operation.name)
    return metadata.column(operation.name).take(np.zeros(table.rows, dtype=np.int64))


OPERATIONS: dict[str, Callable[[Table, Study, Operation], Column | dict[str, Column]]] = {
    "codelist_extensible": values.codelist_extensible,
    "codelist_terms": library.codelist_terms,
    "codelist_terms_by_value": library.codelist_terms_by_value,
    "companion": variables.companion,
    "converted": numbers.converted,
    "dataset_names": dataset_names,
    "dataset_variables": variables.dataset_variables,
    "date_part": numbers.date_part,
    "define_extensible_codelists": define.define_extensible_codelists,
    "define_variable_metadata": define.define_variable_metadata,
    "difference": numbers.difference,
    "distinct": distinct,
    "distinct_count": numbers.distinct_count,
    "domain_is_custom": library.domain_is_custom,
    "domain_label": library.domain_label,
    "dy": dy,
    "expected_variables": library.expected_variables,
    "extract_metadata": extract_metadata,
    "get_codelist_attributes": values.get_codelist_attributes,
    "get_column_order_from_dataset": get_column_order_from_dataset,
    "get_column_order_from_library": library.get_column_order_from_library,
    "get_dataset_filtered_variables": library.get_dataset_filtered_variables,
    "get_library_class_domains": values.get_library_class_domains,
    "get_model_column_order": library.get_model_column_order,
    "get_model_filtered_variables": library.get_model_filtered_variables,
    "get_parent_model_column_order": library.get_parent_model_column_order,
    "get_xhtml_errors": values.needs("the XHTML schemas"),
    "label_referenced_variable_metadata": library.label_referenced_variable_metadata,
    "map": values.map_values,
    "max": maximum,
    "max_date": max_date,
    "mean": mean,
    "min": minimum,
    "min_date": min_date,
    "minus": minus,
    "name_referenced_variable_metadata": library.name_referenced_variable_metadata,
    "paired_term": library.paired_term,
    "percentage": numbers.percentage,
    "permissible_variables": library.permissible_variables,
    "ratio": numbers.ratio,
    "record_count": record_count,
    "related_domain_is_custom": values.related_domain_is_custom,
    "relative_day": numbers.relative_day,
    "required_variables": library.required_variables,
    "sequence_record": variables.sequence_record,
    "source_record": variables.source_record,
    "split_by": values.split_by,
    "standard_domains": values.standard_domains,
    "study_domains": study_domains,
    "subject_value": variables.subject_value,
    "time_part": numbers.time_part,
    "unit_dimension": numbers.unit_dimension,
    "valid_codelist_dates": library.valid_codelist_dates,
    "valid_define_external_dictionary_version": dictionaries.valid_define_external_dictionary_version,
    "valid_external_dictionary_code": dictionaries.valid_external_dictionary_code,
    "valid_external_dictionary_code_term_pair": dictionaries.valid_external_dictionary_code_term_pair,
    "valid_external_dictionary_value": dictionaries.valid_external_dictionary_value,
    "valid_meddra_code_references": dictionaries.valid_meddra_code_references,
    "valid_meddra_code_term_pairs": dictionaries.valid_meddra_code_term_pairs,
    "valid_meddra_term_references": dictionaries.valid_meddra_term_references,
    "valid_whodrug_references": dictionaries.valid_whodrug_references,
    "value_in": variables.value_in,
    "values_with_several": variables.values_with_several,
    "variable_count": variable_count,
    "variable_exists": variable_exists,
    "variable_is_null": variable_is_null,
    "variable_names": library.variable_names,
    "variable_value_count": values.variable_value_count,
    "whodrug_code_hierarchy": dictionaries.whodrug_code_hierarchy,
}

# The keys without which an operation has nothing to do.
NEEDED: dict[str, tuple[str, ...]] = {
    "codelist_terms": ("codelists",),
    "codelist_terms_by_value": ("name", "with"),
    "companion": ("name", "regex", "replace"),
    "converted": ("name", "test", "from", "to"),
    "dataset_variables": ("name",),
    "date_part": ("name",),
    "define_extensible_codelists": ("codelists",),
    "define_variable_metadata": ("attribute_name",),
    "difference": ("name", "subtract"),
    "distinct": ("name",),
    "distinct_count": ("name",),
    "dy": ("name",),
    "extract_metadata": ("name",),
    "label_referenced_variable_metadata": ("name",),
    "map": ("map",),
    "max": ("name",),
    "max_date": ("name",),
    "mean": ("name",),
    "min": ("name",),
    "min_date": ("name",),
    "minus": ("name", "subtract"),
    "name_referenced_variable_metadata": ("name",),
    "paired_term": ("name", "with"),
    "percentage": ("name", "of"),
    "ratio": ("name", "by"),
    "relative_day": ("name", "reference"),
    "split_by": ("name", "delimiter"),
    "subject_value": ("name", "domain"),
    "time_part": ("name",),
    "unit_dimension": ("name",),
    "valid_define_external_dictionary_version": ("external_dictionary_type",),
    "valid_external_dictionary_code": ("name", "external_dictionary_type"),
    "valid_external_dictionary_code_term_pair": ("name", "external_dictionary_type", "external_dictionary_term_variable"),
    "valid_external_dictionary_value": ("name", "external_dictionary_type"),
    "valid_meddra_code_term_pairs": ("name",),
    "valid_whodrug_references": ("name",),
    "value_in": ("name",),
    "values_with_several": ("name", "with"),
    "variable_count": ("name",),
    "variable_exists": ("name",),
    "variable_is_null": ("name",),
    "variable_value_count": ("name",),
}
