"""Conditions written out: as text of the language, in plain words for method texts, and as where clauses of define.xml."""

from __future__ import annotations

import itertools
import math
import re

from sdtm_convert.condition_syntax import (
    IDENTIFIER, KEYWORDS, And, Comparison, Condition, Literal, Membership, Missing, Name, Node, Not, Number, Or, TextTest,
)  # fmt: skip
from sdtm_convert.model import RangeCheck

MOST_CLAUSES = 100  # alternatives in one where clause; beyond, the condition counts as not expressible

_COMPARATORS = {"==": "EQ", "!=": "NE", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
_WORDS = {"<": "is less than", "<=": "is at most", ">": "is greater than", ">=": "is at least"}
_TEXT_WORDS = {"contains": ("contains", "contain"), "starts with": ("starts with", "start with"), "ends with": ("ends with", "end with")}


# --- As text of the language ------------------------------------------------------------------------------------------


def render(condition: Condition) -> str:
    """The condition in its canonical form, which parses to the same tree.

    >>> from sdtm_convert.condition_syntax import parse
    >>> render(parse("(AEYN=='Y')  AND not(`IN` in ['a', -1])"))
    'AEYN == "Y" and not `IN` in ["a", -1]'
    """
    return _rendered(condition.root)


def _rendered(node: Node) -> str:
    match node:
        case Or(parts):
            return " or ".join(_within(part, Or) for part in parts)
        case And(parts):
            return " and ".join(_within(part, Or, And) for part in parts)
        case Not(part):
            return f"not {_within(part, Or, And)}"
        case Comparison(left, operator, right):
            return f"{_name(left)} {operator} {_name(right) if isinstance(right, Name) else _literal(right)}"
        case Membership(name, values, negated):
            return f"{_name(name)}{' not' if negated else ''} in [{', '.join(map(_literal, values))}]"
        case Missing(name, negated):
            return f"{_name(name)} is{' not' if negated else ''} missing"
        case TextTest(name, test, text, negated):
            return f"{_name(name)}{' not' if negated else ''} {test} {_literal(text)}"


def _within(part: Node, *weaker: type) -> str:
    text = _rendered(part)
    return f"({text})" if isinstance(part, weaker) else text


def _name(name: Name) -> str:
    bare = re.fullmatch(IDENTIFIER, name.name) and (name.qualifier or name.name.lower() not in KEYWORDS)
    text = name.name if bare else "`" + name.name.replace("`", "``") + "`"
    return f"{name.qualifier}.{text}" if name.qualifier else text


def _literal(value: Literal) -> str:
    if isinstance(value, Number):
        return value.text
    return '"' + value.replace("\\", "\\\\").replace('"', '""') + '"'


# --- In plain words ---------------------------------------------------------------------------------------------------


def describe(condition: Condition) -> str:
    """The condition in words, for the method texts of define.xml.

    >>> from sdtm_convert.condition_syntax import parse
    >>> describe(parse("EXDOSE > 0 and raw.ECTRT != 'PLACEBO'"))
    'EXDOSE is greater than 0 and the collected ECTRT has a value other than "PLACEBO"'
    """
    return _described(condition.root)


def _described(node: Node) -> str:
    match node:
        case Or(parts):
            return " or ".join(_phrase(part, Or) for part in parts)
        case And(parts):
            return " and ".join(_phrase(part, Or, And) for part in parts)
        case Not(part):
            return f"it is not true that {_phrase(part, Or, And)}"
        case Comparison(left, "!=", right):
            return f"{_noun(left)} has a value other than {_noun(right)}"
        case Comparison(left, "==", right):
            return f"{_noun(left)} {'equals' if isinstance(right, Number) else 'is'} {_noun(right)}"
        case Comparison(left, operator, right):
            return f"{_noun(left)} {_WORDS[operator]} {_noun(right)}"
        case Membership(name, values, negated):
            return f"{_noun(name)} {'has a value other than' if negated else 'is one of'} {', '.join(map(_noun, values))}"
        case Missing(name, negated):
            return f"{_noun(name)} is {'not ' if negated else ''}missing"
        case TextTest(name, test, text, negated):
            positive, infinitive = _TEXT_WORDS[test]
            return f"{_noun(name)} {f'has a value that does not {infinitive}' if negated else positive} {_noun(text)}"


def _phrase(part: Node, *weaker: type) -> str:
    text = _described(part)
    return f"({text})" if isinstance(part, weaker) else text


def _noun(value: Name | Literal) -> str:
    if isinstance(value, Name):
        return f"the collected {value.name}" if value.qualifier == "raw" else str(value)
    return value.text if isinstance(value, Number) else f'"{value}"'


# --- As where clauses -------------------------------------------------------------------------------------------------


def to_where_clauses(condition: Condition) -> list[list[RangeCheck]] | None:
    """The condition as where clauses of Define-XML: any of the outer list, all of the inner; None where it has no such form.

    Comparisons and lists of values have, joined by `and` and `or`. `missing`, text tests, two names, raw fields and `not (...)`,
    which is true for missing values, have not.
    """
    clauses = _alternatives(condition.root)
    return None if clauses is None else [list(clause) for clause in clauses]


def _alternatives(node: Node) -> list[tuple[RangeCheck, ...]] | None:
    match node:
        case Or(parts) | And(parts):
            inner = [_alternatives(part) for part in parts]
            if any(part is None for part in inner):
                return None
            if isinstance(node, Or):
                joined = list(itertools.chain(*inner))
                return joined if len(joined) <= MOST_CLAUSES else None
            if math.prod(len(part) for part in inner) > MOST_CLAUSES:
                return None
            return [tuple(itertools.chain(*choice)) for choice in itertools.product(*inner)]
        case Not(Not(part)):
            return _alternatives(part)
        case Comparison(left, operator, right) if not isinstance(right, Name):
            return _check(left, _COMPARATORS[operator], (right,))
        case Membership(name, values, negated):
            return _check(name, "NOTIN" if negated else "IN", values)
    return None


def _check(name: Name, comparator: str, values: tuple[Literal, ...]) -> list[tuple[RangeCheck, ...]] | None:
    if name.qualifier == "raw":
        return None
    texts = tuple(value.text if isinstance(value, Number) else value for value in values)
    return [(RangeCheck(variable=name.name, comparator=comparator, values=texts, dataset=name.qualifier),)]
