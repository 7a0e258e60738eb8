"""Operations that ask the standard, the SDTM model or terminology."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files

from ..model import Codelist, StandardVariable
from ..standard import available_terminologies
from .column import Column, cells_to_column, constant
from .library import (class_of, codelists_of, is_analysis, is_custom, library_variables, model_variables, standard_dataset, standard_variables,
                      the_standard)
from .operators import without_wildcard
from .operators_sets import column_of
from .rule import NotApplicable, NotRun, Operation
from .study import Study
from .table import Table


def domain_label(table: Table, study: Study, operation: Operation) -> Column:
    """The label that the standard gives the dataset; empty text if it knows none."""
    the_standard(study)
    known = standard_dataset(_dataset(table, study), study)
    return constant(known.label if known else "", table.rows)


def domain_is_custom(table: Table, study: Study, operation: Operation) -> Column:
    """Whether neither the standard nor the SDTM model has the dataset; true for supplemental ones and associated persons."""
    return constant(is_custom(_dataset(table, study), study), table.rows)


def required_variables(table: Table, study: Study, operation: Operation) -> Column:
    """The names of the variables that the standard requires in the dataset."""
    return _of_standard(table, study, lambda variable: variable.core == "Req")


def expected_variables(table: Table, study: Study, operation: Operation) -> Column:
    """The names of the variables that the standard expects in the dataset."""
    return _of_standard(table, study, lambda variable: variable.core == "Exp")


def permissible_variables(table: Table, study: Study, operation: Operation) -> Column:
    """The names of the variables that the standard permits in the dataset."""
    return _of_standard(table, study, lambda variable: variable.core == "Perm")


def _of_standard(table: Table, study: Study, keep: Callable[[StandardVariable], bool]) -> Column:
    the_standard(study)
    own = _dataset(table, study)
    known = standard_dataset(own, study)
    if known is None and own.is_ap and not own.is_supp:  # associated persons: as of the domain, but not of a subject of the study
        known = study.standard.datasets.get(own.prefix)
    if known is None and not is_analysis(study.standard) and not class_of(own, study):
        raise NotRun("a standard that knows the dataset, or variables that tell its class")
    names = [name for name, variable in known.variables.items() if keep(variable)] if known else []
    return constant([name for name in names if name != "USUBJID" or not own.is_ap or study.core_compatible], table.rows)


def get_column_order_from_library(table: Table, study: Study, operation: Operation) -> Column:
    """The names of all variables that may stand in the dataset, in the standard's order: for a general observation class those of the
    SDTM model, else those of the implementation guide. With `key_name` role only those with `key_value`."""
    return constant(_names(table, study, operation, library_variables), table.rows)


def get_dataset_filtered_variables(table: Table, study: Study, operation: Operation) -> Column:
    """As `get_column_order_from_library`, of the variables that the dataset has."""
    own = set(_dataset(table, study).names)
    return constant([name for name in _names(table, study, operation, library_variables) if name in own], table.rows)


def get_model_column_order(table: Table, study: Study, operation: Operation) -> Column:
    """The names of the variables that the SDTM model allows in a dataset of this class, in its order."""
    return constant(_names(table, study, operation, model_variables), table.rows)


def get_model_filtered_variables(table: Table, study: Study, operation: Operation) -> Column:
    """As `get_model_column_order`, those with the role (`key_name` role) `key_value`."""
    return constant(_names(table, study, operation, model_variables), table.rows)


def get_parent_model_column_order(table: Table, study: Study, operation: Operation) -> Column:
    """As `get_model_column_order`, of the dataset that RDOMAIN names, row by row."""
    rdomain = column_of(table, "RDOMAIN")
    lists = {}
    for domain in rdomain.used_cells:
        parent = study.whole(domain)
        if parent is None:
            raise NotApplicable(f"no dataset {domain}")
        lists[domain] = [name for name, _ in model_variables(parent, study)]
    return rdomain.map(lists.get)


def _names(table: Table, study: Study, operation: Operation, variables_of: Callable[[Table, Study], list[tuple[str, str]]]) -> list[str]:
    key, wanted = operation.options.get("key_name"), operation.options.get("key_value")
    if key and key != "role":
        raise NotRun(f"variables by {key}")
    variables = variables_of(_dataset(table, study), study)
    return [name for name, role in variables if not key or role == wanted]


def _dataset(table: Table, study: Study) -> Table:
    return study.tables.get(table.name, table)


def variable_names(table: Table, study: Study, operation: Operation) -> Column:
    """The names of all variables of the standard."""
    datasets = the_standard(study).datasets.values()
    return constant(sorted({name for dataset in datasets for name in dataset.variables}), table.rows)


def codelist_terms(table: Table, study: Study, operation: Operation) -> Column:
    """The terms (`returntype` value or code; `level` term or codelist) of the codelists named in `codelists`."""
    if not study.terminology:
        raise NotRun("controlled terminology")
    code, level = operation.options.get("returntype") == "code", operation.options.get("level", "term")
    found: list[str] = []
    for name in operation.options.get("codelists", []):
        codelist = next((c for c in (terminology.find(name) for terminology in study.terminology) if c), None)
        if codelist is None:
            raise NotRun(f"the codelist {name}")
        if level == "codelist":
            found.append(codelist.code if code else codelist.short_name)
        else:
            found += [term.code if code else term.value for term in codelist.terms]
    return constant(found, table.rows)


def codelist_terms_by_value(table: Table, study: Study, operation: Operation) -> Column:
    """The terms that the variable `name` may have beside what the variable `with` has, by specs/rules/value-codelists.csv, with `extensible`
    true or false of such codelists alone: a list row by row, empty where there is no such codelist. (An addition to CDISC's operations.)"""
    if not study.terminology:
        raise NotRun("controlled terminology")
    codelists = _value_codelists()[operation.name, operation.options["with"]]
    wanted = operation.options.get("extensible")

    def terms(value: object) -> list[str] | None:
        found = next((c for c in (terminology.find(codelists.get(value, "")) for terminology in study.terminology) if c), None)
        return list(found.by_value) if found and wanted in (None, found.extensible) else None

    return column_of(table, str(without_wildcard(operation.options["with"], table.prefix))).map(terms)


@lru_cache
def _value_codelists() -> dict[tuple[str, str], dict[str, str]]:
    """Codelists (C-codes) of a variable that depend on the value of another, by the names of the two."""
    text = (files("sdtm_convert.specs") / "rules" / "value-codelists.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        found.setdefault((row["variable"], row["with"]), {})[row["value"]] = row["codelist"]
    return found


def paired_term(table: Table, study: Study, operation: Operation) -> Column:
    """For each value of the variable `name` the term of the variable `with`'s codelist that has the same C-code: Albumin for ALB. With
    `suffixes` [TC, TN] by all pairs of codelists whose short names end so and are otherwise the same, as those of questionnaires. Empty for
    values that are no term, or a sponsor's. (An addition to CDISC's operations.)"""
    if not study.terminology:
        raise NotRun("controlled terminology")
    names = [str(without_wildcard(name, table.prefix)) for name in (operation.name, operation.options["with"])]
    suffixes = operation.options.get("suffixes")
    if suffixes:
        return column_of(table, names[0]).map(study.once(("pairs", *suffixes), lambda: _pairs_by_suffix(study, *suffixes)).get)
    known = standard_variables(_dataset(table, study), study)
    column = column_of(table, names[0])
    codes, terms = [codelists_of(known.get(name), study) for name in names]
    if not codes or not terms:
        raise NotApplicable(f"{names[0]} and {names[1]} have no codelists that belong together")
    return column.map(_paired(codes, terms).get)


def _pairs_by_suffix(study: Study, code: str, name: str) -> dict[str, str | None]:
    by_short = {codelist.short_name: codelist for terminology in study.terminology for codelist in terminology.codelists.values()}
    pairs = [(codelist, by_short.get(short.removesuffix(code) + name)) for short, codelist in by_short.items() if short.endswith(code)]
    return {value: term for codes, terms in pairs if terms for value, term in _paired([codes], [terms]).items()}


def _paired(codes: list[Codelist], terms: list[Codelist]) -> dict[str, str | None]:
    by_code = {term.code: term.value for codelist in terms for term in codelist.terms if term.code}  # a sponsor's term has none
    return {term.value: by_code.get(term.code) for codelist in codes for term in codelist.terms if term.code}


_PACKAGES = {"SDTMIG": ("SDTM",), "ADAMIG": ("SDTM", "ADAM"), "SENDIG": ("SEND",), "CDASHIG": ("CDASH",)}


def valid_codelist_dates(table: Table, study: Study, operation: Operation) -> Column:
    """The dates of the packages of controlled terminology for the standard, or of `ct_package_types`: of those that ship, were imported
    (`ct import`) or given."""
    own = the_standard(study).name.upper()
    wanted = {str(name).upper() for name in operation.options.get("ct_package_types") or _PACKAGES.get(own, ())}
    known = [*available_terminologies(), *((terminology.name, terminology.version) for terminology in study.terminology)]
    return constant(sorted({version for name, version in known if name.upper() in wanted}), table.rows)


def label_referenced_variable_metadata(table: Table, study: Study, operation: Operation) -> dict[str, Column]:
    """What the standard says of its dataset's variable that has the label in `name`, as `id`_name, _label, _role, _core, _ordinal and
    _simpleDatatype; empty text where it has none."""
    return _referenced(table, study, operation, "label")


def name_referenced_variable_metadata(table: Table, study: Study, operation: Operation) -> dict[str, Column]:
    """What the standard says of its dataset's variable that `name` names, as `id`_name, _label, _role, _core, _ordinal and
    _simpleDatatype; empty text where it has none."""
    return _referenced(table, study, operation, "name")


def _referenced(table: Table, study: Study, operation: Operation, by: str) -> dict[str, Column]:
    the_standard(study)
    dataset = standard_dataset(_dataset(table, study), study)
    if dataset is None:
        raise NotApplicable("not a dataset of the standard")
    column = column_of(table, str(without_wildcard(operation.name, table.prefix)))
    known = {getattr(variable, by): variable for variable in reversed(dataset.variables.values())}
    cells = {"name": "name", "label": "label", "role": "role", "core": "core", "ordinal": "order", "simpleDatatype": "type"}
    found = {cell: known.get(cell) for cell in column.used_cells}
    described = {name: [getattr(found[cell], attribute) if found.get(cell) else "" for cell in column.values.cells] for name, attribute in cells.items()}
    return {name: _spread(column, texts) for name, texts in described.items()}


def _spread(column: Column, cells: list) -> Column:
    """What is known of each distinct cell of a column, for each of its rows."""
    made = cells_to_column(cells)
    return Column(made.codes[column.codes], made.values)
