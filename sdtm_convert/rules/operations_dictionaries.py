"""Operations that look values up in external dictionaries: MedDRA, WHODrug and others that the user has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..dictionaries import MEDDRA_LEVELS, READERS, Dictionary
from .column import Column, as_text, group_codes, values_of
from .operators import without_wildcard
from .operators_sets import column_of
from .rule import NotRun, Operation, RuleError
from .study import Study
from .table import Table
from .tables_define import the_define

# By level, the ends of the names of MedDRA's variables in a dataset.
_CODES = ("SOCCD", "HLGTCD", "HLTCD", "PTCD", "LLTCD")
_TERMS = ("SOC", "HLGT", "HLT", "DECOD", "LLT")


def valid_meddra_code_references(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the codes in --SOCCD, --HLGTCD, --HLTCD, --PTCD and --LLTCD stand above each other in MedDRA, along any of its paths."""
    paths = _dictionary(study, "meddra").paths
    return _asked(_named(table, _CODES), lambda *codes: codes in paths)


def valid_meddra_term_references(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the terms in --SOC, --HLGT, --HLT, --DECOD and --LLT stand above each other in MedDRA, along any of its paths."""
    paths = _dictionary(study, "meddra").text_paths
    return _asked(_named(table, _TERMS), lambda *terms: terms in paths)


def valid_meddra_code_term_pairs(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the code and the term of the level of MedDRA that the variable `name` (--DECOD, --PTCD ...) is about belong together."""
    known, name = _dictionary(study, "meddra"), str(without_wildcard(operation.name, table.prefix))
    own = name.removeprefix(table.prefix)
    if own not in (*_CODES, *_TERMS):
        raise RuleError(f"{name} is no variable of MedDRA terms or codes")
    level = (_CODES if own in _CODES else _TERMS).index(own)
    terms = known.terms[MEDDRA_LEVELS[level]]
    return _asked(_named(table, (_CODES[level], _TERMS[level])), lambda code, term: term in terms.get(code, ()))


def valid_whodrug_references(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the value of `name` is an ATC code that WHODrug has a text for."""
    codes = _dictionary(study, "whodrug").terms["ATC_TEXT"]
    return _asked([_column(table, operation.name)], lambda code: code in codes)


def whodrug_code_hierarchy(table: Table, study: Study, operation: Operation) -> Column:
    """Whether WHODrug has the drug --DECOD in the class --CLAS with the ATC code --CLASCD."""
    paths = _dictionary(study, "whodrug").paths
    return _asked(_named(table, ("DECOD", "CLAS", "CLASCD")), lambda *path: path in paths)


def valid_external_dictionary_value(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the value of `name` is a term of the dictionary `external_dictionary_type`: of its level `dictionary_term_type` (LLT, PT, HLT,
    HLGT, SOC; DRUG_DICT, ATC_TEXT), upper and lower case alike only with `case_sensitive: false`. Of LOINC, and of MedDRA's variables of
    codes, the values are codes."""
    known = _of_operation(study, operation)
    if known.name == "loinc" or known.name == "meddra" and operation.name.removeprefix("--") in (*_CODES, "BDSYSCD"):
        return valid_external_dictionary_code(table, study, operation)
    level = _level(known, operation)
    return _asked([_column(table, operation.name)], _in(known.texts[level], operation, study))


def valid_external_dictionary_code(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the value of `name` is a code of the dictionary `external_dictionary_type`, of its level `dictionary_term_type` where it has
    levels, upper and lower case alike only with `case_sensitive: false`."""
    known = _of_operation(study, operation)
    return _asked([_column(table, operation.name)], _in(frozenset(known.terms[_level(known, operation)]), operation, study))


def valid_external_dictionary_code_term_pair(table: Table, study: Study, operation: Operation) -> Column:
    """Whether the code in `name` and the term in `external_dictionary_term_variable` belong together in the dictionary
    `external_dictionary_type` (of its level `dictionary_term_type`, else of any)."""
    known = _of_operation(study, operation)
    levels = [known.terms[_level(known, operation)]] if operation.options.get("dictionary_term_type") else list(known.terms.values())
    columns = [_column(table, operation.name), _column(table, str(operation.options["external_dictionary_term_variable"]))]
    return _asked(columns, lambda code, term: any(term in terms.get(code, ()) for terms in levels))


def valid_define_external_dictionary_version(table: Table, study: Study, operation: Operation) -> Column:
    """Whether define.xml names the version of the dictionary `external_dictionary_type` that was given."""
    described, known = the_define(study), _of_operation(study, operation)
    return _asked([], lambda: described.dictionaries.get(known.name, "") == known.version, table.rows)


def _dictionary(study: Study, name: str) -> Dictionary:
    if name not in study.dictionaries:
        raise NotRun(f"the dictionary {name} (--dictionary {name}=FOLDER)")
    return study.dictionaries[name]


def _of_operation(study: Study, operation: Operation) -> Dictionary:
    name = str(operation.options["external_dictionary_type"]).lower()
    if name not in READERS:
        raise RuleError(f"'{name}' is none of the dictionaries {', '.join(READERS)}")
    return _dictionary(study, name)


def _level(known: Dictionary, operation: Operation) -> str:
    if list(known.terms) == [""]:
        return ""
    level = str(operation.options.get("dictionary_term_type") or "").upper()
    if level not in known.terms:
        raise RuleError(f"'{level}' is no level of {known.name}: {', '.join(known.terms)}")
    return level


def _in(words: frozenset[str], operation: Operation, study: Study) -> Callable[[str], bool]:
    """Whether a text is one of these; CDISC's engine never asks for upper and lower case."""
    if operation.options.get("case_sensitive", True) and not study.core_compatible:
        return words.__contains__
    folded = study.once(("folded", words), lambda: frozenset(word.lower() for word in words))
    return lambda text: text.lower() in folded


def _named(table: Table, ends: Sequence[str]) -> list[Column]:
    return [_column(table, f"--{end}") for end in ends]


def _column(table: Table, name: str) -> Column:
    return column_of(table, str(without_wildcard(name, table.prefix)))


def _asked(columns: Sequence[Column], test: Callable[..., bool], rows: int = 0) -> Column:
    """`test` of the texts of each row, asked once of each combination; a missing cell is empty text."""
    rows = len(columns[0]) if columns else rows
    groups = group_codes(columns, rows)
    first = np.unique(groups, return_index=True)[1]
    texts = [[as_text(cell) or "" for cell in column.take(first).cells] for column in columns]
    answers = np.array([test(*row) for row in (zip(*texts) if columns else [()] * len(first))], dtype=bool)
    return Column(answers[groups].astype(np.int64), values_of([False, True]))
