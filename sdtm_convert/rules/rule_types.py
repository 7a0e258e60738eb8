"""Rule types by CDISC's names: for each, what makes the tables that the Check of such a rule is asked about.

`Record Data` asks about the records. The metadata checks ask about a small table with one row a variable or a dataset; the value
checks ask about every value, one variable at a time, so that nothing is melted. What a table cannot hold because it was not given
(labels, the standard, terminology, define.xml) makes a rule that asks for it `not run`.
"""

from __future__ import annotations

from collections.abc import Callable

from . import tables
from . import tables_define as define
from .rule import NotRun
from .study import Study
from .table import Table


def needs_document(tables: tuple[Table, ...], study: Study) -> list[Table]:
    """Not carried out: it is about a USDM document, not about datasets."""
    raise NotRun("a USDM document")


RULE_TYPES: dict[str, Callable[[tuple[Table, ...], Study], list[Table]]] = {
    "Record Data": tables.record_data,
    "Variable Metadata Check": tables.variable_metadata,
    "Variable Metadata Check against Library Metadata": tables.variable_metadata_against_library,
    "Library Variable Check": tables.library_variables,
    "Dataset Metadata Check": tables.dataset_metadata,
    "Domain Presence Check": tables.domain_presence,
    "Value Check with Variable Metadata": tables.values_with_variable_metadata,
    "Value Check with Dataset Metadata": tables.values_with_variable_metadata,
    "Value Check against Library Metadata": tables.values_against_library,
    "Dataset Contents Check against Define XML": define.records_against_define,
    "Dataset Metadata Check against Define XML": define.datasets_against_define,
    "Domain Presence Check against Define XML": define.presence_against_define,
    "Define Item Metadata Check": define.define_items,
    "Define Item Metadata Check against Library Metadata": define.define_items_against_library,
    "Define Item Group Metadata Check": define.datasets_against_define,
    "Variable Metadata Check against Define XML": define.variables_against_define,
    "Variable Metadata Check against Define XML and Library Metadata": define.variables_against_define_and_library,
    "Value Check against Define XML Variable": define.values_against_define,
    "Value Check against Define XML VLM": define.values_against_value_level,
    "Value Level Metadata Check against Define XML": define.values_against_value_level,
    "JSON Schema Check": needs_document,
    "JSONata": needs_document,
}
RECORD_TYPES = (  # whose rows are, or stand for, the records of the dataset
    "Record Data",
    "Value Check with Variable Metadata",
    "Value Check with Dataset Metadata",
    "Value Check against Library Metadata",
    "Value Check against Define XML Variable",
    "Value Check against Define XML VLM",
    "Value Level Metadata Check against Define XML",
    "Dataset Contents Check against Define XML",
)
PRESENCE_TYPES = ("Domain Presence Check", "Domain Presence Check against Define XML")  # asked once, of the study
