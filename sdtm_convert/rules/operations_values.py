"""Operations on the values of a column: extremes, means, look-ups, counts; and those that need what this project does not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from .column import Column, cells_to_column, constant
from .library import standard_dataset, the_standard
from .operators import without_wildcard
from .operators_sets import column_of
from .rule import NotRun, Operation, RuleError
from .study import Study
from .table import Table


def split_by(table: Table, study: Study, operation: Operation) -> Column:
    """The text of `name` cut at the `delimiter`: a list row by row."""
    delimiter = operation.options.get("delimiter")
    if not delimiter:
        raise RuleError("the operation split_by needs 'delimiter'")
    return column_of(table, _named(table, operation)).map(lambda cell: cell.split(delimiter) if isinstance(cell, str) else None)


def map_values(table: Table, study: Study, operation: Operation) -> Column:
    """The `output` of the entry of `map` whose other keys are what the row has in the variables of these names."""
    entries = operation.options.get("map") or []
    names = [name for name in (entries[0] if entries else {}) if name != "output"]
    if not names:
        return constant(entries[0].get("output") if entries else None, table.rows)
    columns = [column_of(table, str(without_wildcard(name, table.prefix))) for name in names]
    groups = table.groups([str(without_wildcard(name, table.prefix)) for name in names])
    first = np.unique(groups, return_index=True)[1]
    wanted = {tuple(entry.get(name) for name in names): entry.get("output") for entry in reversed(entries)}
    rows = zip(*(column.take(first).cells for column in columns))
    made = cells_to_column([wanted.get(tuple(row)) for row in rows])
    return Column(made.codes[groups], made.values)


def variable_value_count(table: Table, study: Study, operation: Operation) -> Column:
    """How many datasets have each value of the variable `name` (with their own prefix for `--`): a mapping of value to count in every row,
    which value_has_multiple_references reads."""
    counts: Counter = Counter()
    for name in study.parts:
        other = study.whole(name)
        variable = str(without_wildcard(operation.name, other.prefix))
        if variable in other.known:
            counts.update(other.column(variable).used_cells)
    return constant(dict(counts), table.rows)


def standard_domains(table: Table, study: Study, operation: Operation) -> Column:
    """The names of the standard's datasets."""
    return constant(sorted(the_standard(study).datasets), table.rows)


def get_library_class_domains(table: Table, study: Study, operation: Operation) -> Column:
    """The names of the standard's datasets of one class (`domain_class`), or of all."""
    wanted = str(operation.options.get("domain_class") or "").upper().replace("-", " ")
    datasets = the_standard(study).datasets.items()
    return constant(sorted(name for name, dataset in datasets if not wanted or dataset.class_name.upper() == wanted), table.rows)


def related_domain_is_custom(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the standard does not know the dataset that a supplemental dataset belongs to."""
    the_standard(study)
    parent = study.whole(table.rdomain) if table.rdomain else None
    if parent is not None:
        return constant(standard_dataset(parent, study) is None, table.rows)
    return constant(bool(table.rdomain) and table.rdomain not in study.standard.datasets, table.rows)


def codelist_extensible(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the `codelist` (by its short name or C-code) may be extended."""
    return constant(_codelist(study, str(operation.options.get("codelist") or operation.name)).extensible, table.rows)


def get_codelist_attributes(table: Table, study: Study, operation: Operation) -> Column:
    """The terms' values, or C-codes where `ct_attribute` speaks of codes, of all of the terminology given."""
    if not study.terminology:
        raise NotRun("controlled terminology")
    code = "code" in str(operation.options.get("ct_attribute", "")).lower()
    codelists = {c.code: c for terminology in study.terminology for c in terminology.codelists.values()}.values()
    return constant(sorted({(term.code if code else term.value) for c in codelists for term in c.terms} - {""}), table.rows)


def _codelist(study: Study, name: str):
    if not study.terminology:
        raise NotRun("controlled terminology")
    found = next((c for c in (terminology.find(name) for terminology in study.terminology) if c), None)
    if found is None:
        raise NotRun(f"the codelist {name}")
    return found


def needs(what: str) -> Callable[[Table, Study, Operation], Column]:
    """An operation that cannot be carried out, because it needs what this project does not read."""

    def not_run(table: Table, study: Study, operation: Operation) -> Column:
        raise NotRun(what)

    not_run.__doc__ = f"Not carried out; it needs {what}."
    return not_run


def _named(table: Table, operation: Operation) -> str:
    return str(without_wildcard(operation.name, operation.domain or table.prefix))
