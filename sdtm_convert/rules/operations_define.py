"""Operations that ask define.xml."""

from __future__ import annotations

from .column import Column, constant
from .operators import without_wildcard
from .rule import NotApplicable, Operation
from .study import Study
from .table import Table
from .tables_define import the_define


def define_variable_metadata(table: Table, study: Study, operation: Operation) -> Column:
    """What define.xml says of the variable `name` of the dataset: its `attribute_name`, such as define_variable_label; empty text where
    it does not have the variable. Without `name` a mapping of every variable's name to it."""
    described = the_define(study).datasets
    name = operation.domain or table.name
    if name not in described:
        raise NotApplicable("define.xml does not have the dataset")
    attribute = str(operation.options.get("attribute_name", ""))
    cells = {variable["define_variable_name"]: variable.get(attribute, "") for variable in described[name].variables}
    if operation.name:
        return constant(cells.get(without_wildcard(operation.name, operation.domain or table.prefix), ""), table.rows)
    return constant(cells, table.rows)


def define_extensible_codelists(table: Table, study: Study, operation: Operation) -> Column:
    """The terms that define.xml declares as the sponsor's additions to the codelists (by their names in define.xml, in any case) of
    `codelists`, or to all of them where that is ALL."""
    extended = the_define(study).extended
    wanted = [str(name).lower() for name in operation.options.get("codelists") or []]
    every = wanted == ["all"]
    return constant([term for name, terms in extended.items() if every or name.lower() in wanted for term in terms], table.rows)
