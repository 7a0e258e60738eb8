"""The syntax of conditions: text -> tree. The language is described in docs/conditions.md; conditions.py says what a tree means.

    condition  = all { "or" all }
    all        = one { "and" one }
    one        = "not" one | "(" condition ")" | test
    test       = NAME ( == | != | < | <= | > | >= ) ( LITERAL | NAME )
               | NAME [ "not" ] "in" "[" LITERAL { "," LITERAL } "]"
               | NAME "is" [ "not" ] "missing"
               | NAME [ "not" ] ( "contains" | "starts with" | "ends with" ) TEXT
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
TEXT_TESTS = ("contains", "starts with", "ends with")
KEYWORDS = frozenset("and or not in is missing contains starts ends with".split())
DEEPEST = 100  # how deep parentheses and `not` may be nested

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_TOKEN = re.compile(
    rf"""(?P<blank>\s+)
    | (?P<number>[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
    | (?:(?P<qualifier>{IDENTIFIER})\.)?(?:(?P<name>{IDENTIFIER})|(?P<quoted>`(?:[^`]|``)+`))
    | (?P<text>"(?:[^"\\]|""|\\.)*"|'(?:[^'\\]|''|\\.)*')
    | (?P<slip><>|=[<>]|===|=(?!=))
    | (?P<symbol>==|!=|<=|>=|<|>|[()\[\],])""",
    re.VERBOSE | re.DOTALL,
)
_HINTS = {
    "=": "Write '==' to compare.",
    "===": "Write '==' to compare.",
    "<>": "Write '!=' for unequal.",
    "=>": "Write '>='.",
    "=<": "Write '<='.",
    "!": "Write '!=' for unequal, or 'not' before a condition.",
    "&": "Write 'and'.",
    "|": "Write 'or'.",
    ".": "A name has at most one dot; put other names in backquotes: `IT.AESTDAT`.",
    '"': "This text has no closing quote; in a text, double the quote or put a backslash before it.",
    "'": "This text has no closing quote; in a text, double the quote or put a backslash before it.",
    "`": "This name has no closing backquote, or is empty.",
}
_QUOTE_IT = "Put text and dates in quotes, and unusual names in backquotes."


class ConditionError(ValueError):
    """A condition is wrong: `message`, the 1-based `position` in its text, and a `hint` how to mend it (or "")."""

    def __init__(self, message: str, position: int, hint: str = ""):
        super().__init__(message, position, hint)
        self.message, self.position, self.hint = message, position, hint

    def __str__(self) -> str:
        return f"column {self.position}: {self.message}" + (f" {self.hint}" if self.hint else "")


@dataclass(frozen=True)
class Name:
    """A name in a condition. `qualifier`: "" for a bare name, else what stands before the dot: raw, or a dataset (DM.RFSTDTC)."""

    qualifier: str
    name: str
    quoted: bool = field(default=False, compare=False)  # written in backquotes
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.qualifier}.{self.name}" if self.qualifier else self.name


@dataclass(frozen=True)
class Number:
    """A number as it was written."""

    text: str

    @property
    def value(self) -> float:
        return float(self.text)


Literal = str | Number


@dataclass(frozen=True)
class Comparison:
    """`left operator right`; the operator is one of COMPARISONS."""

    left: Name
    operator: str
    right: Name | Literal


@dataclass(frozen=True)
class Membership:
    """`name in [values]`, or `not in`."""

    name: Name
    values: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True)
class Missing:
    """`name is missing`, or `is not missing`."""

    name: Name
    negated: bool = False


@dataclass(frozen=True)
class TextTest:
    """`name contains "text"`, or `not contains`; the test is one of TEXT_TESTS."""

    name: Name
    test: str
    text: str
    negated: bool = False


@dataclass(frozen=True)
class Not:
    """`not part`: the two-valued result turned around."""

    part: Node


@dataclass(frozen=True)
class And:
    """All of the parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """Any of the parts."""

    parts: tuple[Node, ...]


Node = Comparison | Membership | Missing | TextTest | Not | And | Or


@dataclass(frozen=True)
class Condition:
    """A parsed condition: its tree. Two conditions are equal when their trees are."""

    root: Node

    @property
    def names(self) -> tuple[Name, ...]:
        """The names in the order of their first use, each once."""
        return tuple(dict.fromkeys(_names(self.root)))


def _names(node: Node) -> Iterator[Name]:
    if isinstance(node, (And, Or)):
        for part in node.parts:
            yield from _names(part)
    elif isinstance(node, Not):
        yield from _names(node.part)
    elif isinstance(node, Comparison):
        yield node.left
        if isinstance(node.right, Name):
            yield node.right
    else:
        yield node.name


# --- Tokens -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Token:
    """`kind`: name, keyword, text, number, symbol, end. `text`: as written, keywords in small letters."""

    kind: str
    text: str
    position: int
    value: Name | Literal | None = None


def _tokens(text: str) -> list[_Token]:
    tokens, start = [], 0
    while start < len(text):
        match = _TOKEN.match(text, start)
        if match is None or match.lastgroup == "slip":
            wrong = match[0] if match else text[start]
            raise ConditionError(f"{wrong!r} has no meaning here.", start + 1, _HINTS.get(wrong, _QUOTE_IT))
        if match.lastgroup != "blank":
            tokens.append(_token(match))
        start = match.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


def _token(match: re.Match[str]) -> _Token:
    kind, written, position = match.lastgroup, match[0], match.start() + 1
    if kind == "name" and not match["qualifier"] and written.lower() in KEYWORDS:
        return _Token("keyword", written.lower(), position)
    if kind == "name":
        return _Token("name", written, position, Name(match["qualifier"] or "", match["name"], False, position))
    if kind == "quoted":
        name = match["quoted"][1:-1].replace("``", "`")
        return _Token("name", written, position, Name(match["qualifier"] or "", name, True, position))
    if kind == "text":
        quote = written[0]
        return _Token("text", written, position, re.sub(rf"{quote}{quote}|\\([\\\"'])", lambda found: found[1] or quote, written[1:-1]))
    return _Token(kind, written, position, Number(written) if kind == "number" else None)


# --- Parser -----------------------------------------------------------------------------------------------------------


class _Cursor:
    """The tokens, and the place that the parser has reached."""

    def __init__(self, tokens: list[_Token]):
        self.tokens, self.place, self.depth = tokens, 0, 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def take(self, *texts: str) -> str:
        """The next token's text if it is one of these keywords or symbols, and on to the one after; else ""."""
        token = self.next
        if token.kind not in ("keyword", "symbol") or token.text not in texts:
            return ""
        self.place += 1
        return token.text

    def take_value(self, *kinds: str) -> _Token | None:
        token = self.next
        if token.kind not in kinds:
            return None
        self.place += 1
        return token

    def wrong(self, expected: str, hint: str = "") -> ConditionError:
        token = self.next
        if token.kind == "keyword" and not hint:
            hint = f"A field of the name {token.text} is written in backquotes."
        found = repr(token.text) if token.text else "the end"
        return ConditionError(f"expected {expected}, found {found}.", token.position, hint)


def parse(text: str) -> Condition:
    """The text of a condition -> its tree; a ConditionError where it is none.

    >>> [str(name) for name in parse("AEYN == 'Y' and DM.AGE > 64").names]
    ['AEYN', 'DM.AGE']
    """
    cursor = _Cursor(_tokens(text))
    root = _any(cursor)
    if cursor.next.kind != "end":
        hint = "Join two comparisons with 'and'." if cursor.next.text in COMPARISONS else ""
        hint = _QUOTE_IT if cursor.next.kind in ("number", "text", "name") else hint
        raise cursor.wrong("'and', 'or' or the end", hint)
    return Condition(root)


def _any(cursor: _Cursor) -> Node:
    parts = [_all(cursor)]
    while cursor.take("or"):
        parts.append(_all(cursor))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _all(cursor: _Cursor) -> Node:
    parts = [_one(cursor)]
    while cursor.take("and"):
        parts.append(_one(cursor))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _one(cursor: _Cursor) -> Node:
    position = cursor.next.position
    opened = cursor.take("not", "(")
    if not opened:
        return _test(cursor)
    cursor.depth += 1
    if cursor.depth > DEEPEST:
        raise ConditionError(f"nested more than {DEEPEST} deep.", position)
    inner = Not(_one(cursor)) if opened == "not" else _any(cursor)
    if opened == "(" and not cursor.take(")"):
        raise cursor.wrong("')'", f"The parenthesis at column {position} is still open.")
    cursor.depth -= 1
    return inner


def _test(cursor: _Cursor) -> Node:
    token = cursor.take_value("name")
    if token is None:
        literal = cursor.next.kind in ("text", "number")
        raise cursor.wrong("a name", "The name comes first, then the comparison, then the value." if literal else "")
    name = token.value
    if operator := cursor.take(*COMPARISONS):
        return Comparison(name, operator, _right_side(cursor))
    if cursor.take("is"):
        negated = bool(cursor.take("not"))
        if not cursor.take("missing"):
            raise cursor.wrong("'missing'", "After 'is' comes 'missing' or 'not missing'; values are compared with '=='.")
        return Missing(name, negated)
    negated = bool(cursor.take("not"))
    if cursor.take("in"):
        return Membership(name, _list(cursor), negated)
    if test := cursor.take("contains", "starts", "ends"):
        if test != "contains" and not cursor.take("with"):
            raise cursor.wrong("'with'")
        return TextTest(name, test if test == "contains" else f"{test} with", _text(cursor), negated)
    raise cursor.wrong(f"a comparison after {token.text}", _after_name(cursor.next))


def _after_name(token: _Token) -> str:
    if token.kind in ("end", "keyword") or token.text == ")":
        return "A name alone is no condition: write == and a value, or 'is not missing'."
    return "One of == != < <= > >=, in [...], is missing, contains, starts with, ends with."


def _right_side(cursor: _Cursor) -> Name | Literal:
    token = cursor.take_value("name", "number", "text")
    if token is None:
        raise cursor.wrong("a value or a name")
    return _not_empty(token)


def _list(cursor: _Cursor) -> tuple[Literal, ...]:
    if not cursor.take("["):
        raise cursor.wrong("'['", 'A list is written in brackets: in ["A", "B"].')
    values = []
    while not values or cursor.take(","):
        token = cursor.take_value("number", "text")
        if token is None:
            raise cursor.wrong("a value", "Text in a list stands in quotes." if cursor.next.kind in ("name", "keyword") else "")
        values.append(_not_empty(token))
    if not cursor.take("]"):
        raise cursor.wrong("',' or ']'")
    return tuple(values)


def _text(cursor: _Cursor) -> str:
    token = cursor.take_value("text")
    if token is None:
        raise cursor.wrong("a text in quotes")
    return _not_empty(token)


def _not_empty(token: _Token) -> Name | Literal:
    if token.value == "":
        hint = "Blanks are missing: write 'is missing' or 'is not missing'."
        raise ConditionError("there is no empty text.", token.position, hint)
    return token.value
