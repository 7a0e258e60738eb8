"""All operators by CDISC's names, and how a condition of a rule is put to a dataset."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, wraps

import numpy as np

from . import operators_sets as sets
from . import operators_sorted as ordered
from . import operators_text as text
from . import operators_values as values
from .column import Column, choose, constant
from .rule import Condition
from .table import Table

RESOLVED = ("target", "value", "name", "names", "pattern", "table", "minimum", "core_compatible")  # what the engine hands over; all others are options


def negated(function: Callable) -> Callable:
    """The operator that answers the opposite."""

    @wraps(function)
    def opposite(*args, **kwargs) -> np.ndarray:
        return ~function(*args, **kwargs)

    opposite.__doc__ = f"The opposite of `{function.__name__}`."
    return opposite


OPERATORS: dict[str, Callable[..., np.ndarray]] = {
    "contains": text.contains,
    "contains_all": text.contains_all,
    "contains_case_insensitive": text.contains_case_insensitive,
    "date_equal_to": values.date_equal_to,
    "date_greater_than": values.date_greater_than,
    "date_greater_than_or_equal_to": values.date_greater_than_or_equal_to,
    "date_less_than": values.date_less_than,
    "date_less_than_or_equal_to": values.date_less_than_or_equal_to,
    "date_not_equal_to": values.date_not_equal_to,
    "does_not_contain": negated(text.contains),
    "does_not_contain_case_insensitive": negated(text.contains_case_insensitive),
    "does_not_equal_string_part": negated(text.equals_string_part),
    "does_not_have_next_corresponding_record": negated(sets.has_next_corresponding_record),
    "empty": values.empty,
    "empty_within_except_last_row": sets.empty_within_except_last_row,
    "ends_with": text.ends_with,
    "equal_to": values.equal_to,
    "equal_to_case_insensitive": values.equal_to_case_insensitive,
    "equals_string_part": text.equals_string_part,
    "exists": sets.exists,
    "greater_than": values.greater_than,
    "greater_than_or_equal_to": values.greater_than_or_equal_to,
    "has_different_values": sets.has_different_values,
    "has_equal_length": text.has_equal_length,
    "has_next_corresponding_record": sets.has_next_corresponding_record,
    "has_not_equal_length": negated(text.has_equal_length),
    "has_same_values": negated(sets.has_different_values),
    "inconsistent_enumerated_columns": sets.inconsistent_enumerated_columns,
    "invalid_date": values.invalid_date,
    "invalid_duration": values.invalid_duration,
    "is_complete_date": values.is_complete_date,
    "is_contained_by": text.is_contained_by,
    "is_contained_by_case_insensitive": text.is_contained_by_case_insensitive,
    "is_incomplete_date": negated(values.is_complete_date),
    "is_inconsistent_across_dataset": sets.is_inconsistent_across_dataset,
    "is_not_contained_by": negated(text.is_contained_by),
    "is_not_contained_by_case_insensitive": negated(text.is_contained_by_case_insensitive),
    "is_not_numeric": values.is_not_numeric,
    "is_not_ordered_by": negated(sets.is_ordered_by),
    "is_not_ordered_set": negated(sets.is_ordered_set),
    "is_not_ordered_subset_of": negated(text.is_ordered_subset_of),
    "is_not_title_case": negated(text.is_title_case),
    "is_not_unique_relationship": sets.is_not_unique_relationship,
    "is_not_unique_set": negated(sets.is_unique_set),
    "is_numeric": values.is_numeric,
    "is_ordered_by": sets.is_ordered_by,
    "is_ordered_set": sets.is_ordered_set,
    "is_ordered_subset_of": text.is_ordered_subset_of,
    "is_title_case": text.is_title_case,
    "is_unique_relationship": negated(sets.is_not_unique_relationship),
    "is_unique_set": sets.is_unique_set,
    "less_than": values.less_than,
    "less_than_or_equal_to": values.less_than_or_equal_to,
    "longer_in_bytes_than": text.longer_in_bytes_than,
    "longer_than": text.longer_than,
    "longer_than_or_equal_to": text.longer_than_or_equal_to,
    "matches_regex": text.matches_regex,
    "non_empty": negated(values.empty),
    "non_empty_within_except_last_row": sets.non_empty_within_except_last_row,
    "not_close_to": values.not_close_to,
    "not_contains_all": negated(text.contains_all),
    "not_equal_to": values.not_equal_to,
    "not_equal_to_case_insensitive": values.not_equal_to_case_insensitive,
    "not_exists": negated(sets.exists),
    "not_matches_regex": text.not_matches_regex,
    "not_prefix_matches_regex": text.not_prefix_matches_regex,
    "not_present_on_multiple_rows_within": negated(sets.present_on_multiple_rows_within),
    "not_suffix_matches_regex": text.not_suffix_matches_regex,
    "prefix_equal_to": text.prefix_equal_to,
    "prefix_is_contained_by": text.prefix_is_contained_by,
    "prefix_is_not_contained_by": negated(text.prefix_is_contained_by),
    "prefix_matches_regex": text.prefix_matches_regex,
    "prefix_not_equal_to": negated(text.prefix_equal_to),
    "present_on_multiple_rows_within": sets.present_on_multiple_rows_within,
    "shares_at_least_one_element_with": text.shares_at_least_one_element_with,
    "shares_exactly_one_element_with": text.shares_exactly_one_element_with,
    "shares_no_elements_with": text.shares_no_elements_with,
    "shorter_than": negated(text.longer_than_or_equal_to),
    "shorter_than_or_equal_to": negated(text.longer_than),
    "split_parts_have_equal_length": text.split_parts_have_equal_length,
    "split_parts_have_unequal_length": negated(text.split_parts_have_equal_length),
    "starts_with": text.starts_with,
    "suffix_equal_to": text.suffix_equal_to,
    "suffix_is_contained_by": text.suffix_is_contained_by,
    "suffix_is_not_contained_by": negated(text.suffix_is_contained_by),
    "suffix_matches_regex": text.suffix_matches_regex,
    "suffix_not_equal_to": negated(text.suffix_equal_to),
    "target_is_not_sorted_by": negated(ordered.target_is_sorted_by),
    "target_is_sorted_by": ordered.target_is_sorted_by,
    "value_does_not_have_multiple_references": negated(text.value_has_multiple_references),
    "value_has_multiple_references": text.value_has_multiple_references,
}


@cache
def parameters(operator: str) -> dict[str, inspect.Parameter]:
    """What the operator's function asks for."""
    return dict(inspect.signature(OPERATORS[operator]).parameters)


def missing_arguments(condition: Condition) -> list[str]:
    """The keys that the condition's operator needs and the condition lacks."""
    needed = [name for name, parameter in parameters(condition.operator).items() if parameter.default is parameter.empty]
    lacks_value = condition.value is None and {"value", "names", "pattern"} & set(needed)
    return (["value"] if lacks_value else []) + [name for name in needed if name not in RESOLVED and name not in condition.options]


def ask(condition: Condition, table: Table, core_compatible: bool = False) -> np.ndarray:
    """The rows of the table for which the condition holds. Raises ColumnMissing if it asks about a column that is not there."""
    arguments = {}
    for name, parameter in parameters(condition.operator).items():
        if name == "core_compatible":
            arguments[name] = core_compatible
        elif name in RESOLVED:
            arguments[name] = _resolve(name, parameter, condition, table)
        elif name in condition.options:
            arguments[name] = without_wildcard(condition.options[name], table.prefix)
    answer = OPERATORS[condition.operator](**arguments)
    if condition.operator in ("contains_all", "not_contains_all") and not arguments["target"].is_lists:
        answer = answer & (np.arange(len(answer)) == 0)  # one verdict on the column, given at its first row
    return answer


def _resolve(parameter: str, declared: inspect.Parameter, condition: Condition, table: Table) -> object:
    name = without_wildcard(condition.name, table.prefix)
    value = without_wildcard(condition.value, table.prefix)
    match parameter:
        case "target":
            return sets.column_of(table, name)
        case "name":
            return name
        case "table":
            return table
        case "names":
            return value if isinstance(value, list) else [value]
        case "pattern":
            return value
        case "minimum":
            return value or declared.default
        case "value" if "list" in str(declared.annotation):
            return value
        case _:
            return value_column(condition, value, table)


def value_column(condition: Condition, value: object, table: Table) -> Column:
    """The condition's value as a column: of that name, of the name that each cell gives (`value_is_reference`), or the literal."""
    if condition.operator.startswith("prefix_") and value == "DOMAIN":
        return constant(table.prefix, table.rows, literal=True)
    if condition.options.get("value_is_reference"):
        names = sets.column_of(table, value)
        named = [table.column(cell) if cell in table.known else None for cell in names.values.cells[:-1]]
        return choose(named, names.codes)
    if isinstance(value, str) and not condition.options.get("value_is_literal") and value in table.known:
        return table.column(value)
    return constant(value, table.rows, literal=True)


def without_wildcard(value: object, prefix: str) -> object:
    """`--` at the start of a name replaced by the domain's prefix; in lists and their mappings too.

    >>> without_wildcard(["--SEQ", "USUBJID"], "AE")
    ['AESEQ', 'USUBJID']
    """
    if isinstance(value, str):
        return prefix + value[2:] if value.startswith("--") else value
    if isinstance(value, list):
        return [without_wildcard(part, prefix) for part in value]
    if isinstance(value, dict):
        return {key: without_wildcard(part, prefix) for key, part in value.items()}
    return value
