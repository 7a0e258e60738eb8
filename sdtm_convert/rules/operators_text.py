"""Operators that look at text and lists: length, parts of text, patterns, membership. See operators_values for what the parameters mean."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

import numpy as np

from .column import Column, by_pair, codes_in
from .operators_values import empty, equal_to, lower
from .rule import RuleError
from .table import Table, expand

# --- Length -----------------------------------------------------------------------------------------------------------


def longer_than(target: Column, value: Column) -> np.ndarray:
    """The text has more characters than the number given (or than the text of the other column)."""
    return _compare_lengths(target, value, operator.gt)


def longer_than_or_equal_to(target: Column, value: Column) -> np.ndarray:
    """The text has at least as many characters as the number given (or as the text of the other column)."""
    return _compare_lengths(target, value, operator.ge)


def longer_in_bytes_than(target: Column, value: Column) -> np.ndarray:
    """The text takes more bytes in UTF-8 than the number given. (An addition to CDISC's operators: `longer_than` counts characters.)"""
    return _compare_lengths(target, value, operator.gt, lambda cell: len(cell.encode()) if isinstance(cell, str) else len(cell))


def has_equal_length(target: Column, value: Column) -> np.ndarray:
    """The text has just as many characters as the number given (or as the text of the other column)."""
    return _compare_lengths(target, value, operator.eq)


def _compare_lengths(target: Column, value: Column, compare: Callable, measure: Callable = len) -> np.ndarray:
    lengths = _lengths(target, measure)
    if value.literal:
        limit = value.values.cells[0]
        if not isinstance(limit, (int, float)):
            raise RuleError(f"{limit!r} is neither a variable of the dataset nor a number")
        return target.spread(compare(lengths, limit))
    whole = all(isinstance(cell, int) for cell in value.used_cells)
    others = value.values.numbers if whole else _lengths(value, measure)
    return compare(target.spread(lengths), value.spread(others))


def _lengths(column: Column, measure: Callable) -> np.ndarray:
    used = column.used_cells
    if used and not column.of_values and not any(isinstance(cell, (str, list)) for cell in used):
        raise RuleError("the length of a number is asked for; a length is a property of text")
    return np.array([measure(cell) if isinstance(cell, (str, list)) else np.nan for cell in column.values.cells], dtype=float)


# --- Parts of text, patterns ------------------------------------------------------------------------------------------


def contains(target: Column, value: Column) -> np.ndarray:
    """The text contains the literal (the list contains the cell); against a plain column: its cell occurs anywhere in the target's
    column."""
    literal_text = value.literal and isinstance(value.values.cells[0], str)
    if target.is_lists or literal_text:
        return by_pair(target, value, lambda cell, part: cell is not None and part is not None and part in cell)
    if value.literal:
        return equal_to(target, value)
    present = set(target.used_cells)
    return value.where(lambda cell: cell in present)


def contains_case_insensitive(target: Column, value: Column) -> np.ndarray:
    """As `contains`, row by row, upper and lower case alike."""
    return by_pair(target, value, lambda cell, part: cell is not None and part is not None and str(part).lower() in str(cell).lower())


def starts_with(target: Column, value: Column) -> np.ndarray:
    """The text begins with the literal (against a column: with any of its cells)."""
    ways = _texts(value)
    return target.where(lambda cell: isinstance(cell, str) and cell.startswith(ways))


def ends_with(target: Column, value: Column) -> np.ndarray:
    """The text ends with the literal (against a column: with any of its cells)."""
    ways = _texts(value)
    return target.where(lambda cell: isinstance(cell, str) and cell.endswith(ways))


def _texts(value: Column) -> tuple[str, ...]:
    texts = tuple(value.used_cells)
    if not all(isinstance(text, str) for text in texts):
        raise RuleError(f"{texts[0]!r} is not text")
    return texts


def matches_regex(target: Column, pattern: str) -> np.ndarray:
    """The text, from its start, matches the regular expression (which need not reach the end). Empty cells never match."""
    return _match(target, lambda text: re.match(pattern, text) is not None)


def not_matches_regex(target: Column, pattern: str) -> np.ndarray:
    """The text is not empty and, from its start, does not match the regular expression."""
    return _match(target, lambda text: re.match(pattern, text) is None)


def prefix_matches_regex(target: Column, pattern: str, prefix: int) -> np.ndarray:
    """The regular expression is found in the first `prefix` characters."""
    return _match(target, lambda text: re.search(pattern, text[:prefix]) is not None)


def not_prefix_matches_regex(target: Column, pattern: str, prefix: int) -> np.ndarray:
    """The text is not empty and the regular expression is not found in its first `prefix` characters."""
    return _match(target, lambda text: re.search(pattern, text[:prefix]) is None)


def suffix_matches_regex(target: Column, pattern: str, suffix: int) -> np.ndarray:
    """The regular expression is found in the last `suffix` characters."""
    return _match(target, lambda text: re.search(pattern, text[-suffix:]) is not None)


def not_suffix_matches_regex(target: Column, pattern: str, suffix: int) -> np.ndarray:
    """The text is not empty and the regular expression is not found in its last `suffix` characters."""
    return _match(target, lambda text: re.search(pattern, text[-suffix:]) is None)


def _match(target: Column, function: Callable[[str], bool]) -> np.ndarray:
    texts = target.values.text
    return target.spread(np.array([text is not None and function(text) for text in texts], dtype=bool))


def prefix_equal_to(target: Column, value: Column, prefix: int) -> np.ndarray:
    """The first `prefix` characters equal the value. Every cell must be text."""
    return _part_equals(target, value, lambda text: text[:prefix])


def suffix_equal_to(target: Column, value: Column, suffix: int) -> np.ndarray:
    """The last `suffix` characters equal the value. Every cell must be text."""
    return _part_equals(target, value, lambda text: text[-suffix:])


def prefix_is_contained_by(target: Column, value: Column, prefix: int) -> np.ndarray:
    """The first `prefix` characters are one of the values. Every cell must be text."""
    return is_contained_by(_part(target, lambda text: text[:prefix]), value)


def suffix_is_contained_by(target: Column, value: Column, suffix: int) -> np.ndarray:
    """The last `suffix` characters are one of the values. Every cell must be text."""
    return is_contained_by(_part(target, lambda text: text[-suffix:]), value)


def _part(target: Column, cut: Callable[[str], str]) -> Column:
    if target.has_missing or not target.is_text:
        raise RuleError("part of a text is asked for, but not every cell is text")
    return target.map(cut)


def _part_equals(target: Column, value: Column, cut: Callable[[str], str]) -> np.ndarray:
    part = _part(target, cut)
    return (codes_in(value, part) == part.codes) & (part.codes >= 0)


def equals_string_part(target: Column, value: Column, regex: str, type_insensitive: bool = False) -> np.ndarray:
    """The cell equals the first match (its group, if there is one) of `regex` in the value."""
    def first(cell: object) -> object:
        found = re.findall(regex, cell) if isinstance(cell, str) else []
        return found[0] if found else None

    return equal_to(target, value.map(first), type_insensitive)


def split_parts_have_equal_length(target: Column, separator: str = "/") -> np.ndarray:
    """The two parts before and after the separator are equally long; empty cells and text without a separator pass."""
    def equal(cell: object) -> bool:
        parts = str(cell).split(separator)
        return len(parts) == 1 or (len(parts) == 2 and len(parts[0]) == len(parts[1]))

    return target.where(equal) | empty(target)


_SMALL_WORDS = frozenset("a an and as at but by en for if in nor of on or per the to v v. via vs vs. with".split())


def is_title_case(target: Column) -> np.ndarray:
    """The text is in title case: each word begins with a capital letter, but articles, conjunctions and short prepositions inside the
    text do not; words in capitals or with digits stand as they are. Empty cells pass."""
    return target.where(lambda cell: not isinstance(cell, str) or _is_title(cell.strip())) | empty(target)


def _is_title(text: str) -> bool:
    words = text.split()
    return all(_word_fits(word, place in (0, len(words) - 1)) for place, word in enumerate(words))


def _word_fits(word: str, at_end: bool) -> bool:
    letters = [part for part in re.split(r"[-/(\[\"']", word) if part and part[0].isalpha()]
    if not letters or not word[0].isalpha() and word[0] not in "([\"'":
        return True
    if word.lower() in _SMALL_WORDS and not at_end:
        return word == word.lower()
    return letters[0][0].isupper()


# --- Membership -------------------------------------------------------------------------------------------------------


def is_contained_by(target: Column, value: Column) -> np.ndarray:
    """The cell is one of the list (a list of the rule, or of an operation row by row); against a plain column: occurs anywhere in
    that column. An empty cell is in no list. Of a list in the target, one element in the list is enough."""
    if target.is_lists:
        return by_pair(target, value, lambda cell, ways: ways is not None and any(
            part is not None and part in ways for part in (cell if isinstance(cell, (list, set)) else [cell])))
    if value.is_lists:
        return _in_lists(target, value)
    if value.literal:
        raise RuleError(f"{value.values.cells[0]!r} is neither a list nor a variable of the dataset")
    present = set(value.used_cells)
    found = target.where(lambda cell: cell in present)
    return found | (target.codes == -1) if value.has_missing else found


def _in_lists(target: Column, value: Column) -> np.ndarray:
    if len(value.used) == 1:
        ways = _hashed(value.used_cells[0])
        found = target.where(lambda cell: cell in ways)
        return found & (value.codes >= 0) if value.has_missing else found
    lists = {id(cell): _hashed(cell) for cell in value.used_cells}
    return by_pair(target, value, lambda cell, ways: cell is not None and ways is not None and cell in lists[id(ways)])


def _hashed(ways: list) -> set | list:
    return set(ways) if all(not isinstance(way, (list, set, dict)) for way in ways) else ways


def is_contained_by_case_insensitive(target: Column, value: Column) -> np.ndarray:
    """As `is_contained_by`, upper and lower case alike."""
    def each(cell: object) -> object:
        return [lower(part) for part in cell] if isinstance(cell, (list, set)) else lower(cell)

    return is_contained_by(target.map(lower), value.map(each)) & (target.codes >= 0)


def contains_all(table: Table, target: Column, value: Column, names: list) -> np.ndarray:
    """Every element of the value's list is in the target: row by row for lists, else once for the whole column, which its first row answers
    for. In a list that the rule writes, the name of an operation stands for its list."""
    if target.is_lists and not value.literal:
        return by_pair(target, value, lambda cell, ways: cell is not None and ways is not None and all(way in cell for way in ways))
    wanted = value.used_cells if not value.literal else [part for name in names for part in expand(table, name)]
    if target.is_lists:
        return target.where(lambda cell: all(way in cell for way in wanted))
    wanted = {part for cell in wanted for part in (cell if isinstance(cell, (list, set)) else [cell])}
    return np.full(len(target), wanted <= set(target.used_cells))


def value_has_multiple_references(target: Column, value: Column) -> np.ndarray:
    """More than one dataset has the value, by the counts that the operation variable_value_count made."""
    return by_pair(target, value, lambda cell, counts: isinstance(counts, dict) and counts.get(cell, 0) > 1)


def shares_at_least_one_element_with(target: Column, value: Column) -> np.ndarray:
    """The two lists (or cells) have an element in common."""
    return by_pair(target, value, lambda a, b: bool(_elements(a) & _elements(b)))


def shares_exactly_one_element_with(target: Column, value: Column) -> np.ndarray:
    """The two lists (or cells) have just one element in common."""
    return by_pair(target, value, lambda a, b: len(_elements(a) & _elements(b)) == 1)


def shares_no_elements_with(target: Column, value: Column) -> np.ndarray:
    """The two lists (or cells) have no element in common."""
    return by_pair(target, value, lambda a, b: not _elements(a) & _elements(b))


def _elements(cell: object) -> set:
    return set(cell) if isinstance(cell, (list, set)) else {cell}


def is_ordered_subset_of(target: Column, value: Column) -> np.ndarray:
    """Every element of the target's list is in the value's list, and in the same order."""
    def ordered(cell: object, whole: object) -> bool:
        place = {name: position for position, name in enumerate(whole)}
        found = [place.get(name, -1) for name in cell]
        return -1 not in found and found == sorted(found)

    return by_pair(target, value, ordered)
