"""Collected dates and times in declared formats -> ISO 8601 as SDTM writes it (SDTMIG 4.4).

A format is text such as `dd-mmm-yyyy`, `mm/dd/yyyy HH:MM:SS`, `HH:MM AM`, `yyyy`, or `iso`; docs/dates.md is the whole story.
Nothing is guessed: what no declared format reads is missing, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sdtm_convert import iso8601
from sdtm_convert.iso8601 import PARTS, TEXT, UNKNOWN, Parts, flags

UNKNOWN_PARTS = ("UN", "UNK", "NK", "ND", "--", "??")
CUTOFF = 68  # the last two-digit year that means 20xx

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_SHORT_MONTHS = tuple(month[:3] for month in _MONTHS)
_PART_OF_LETTER = dict(zip("ymdHMS", PARTS, strict=True))
_RUNS = {"y": ("yyyy", "yy"), "m": ("mm", "mmm", "mmmm"), "d": ("dd",), "H": ("HH",), "M": ("MM",), "S": ("SS",)}
_SINGLE = {"y": "yyyy", "m": "mm", "d": "dd", "H": "HH", "M": "MM", "S": "SS"}
_DATES = ({"year"}, {"year", "month"}, {"year", "month", "day"}, {"month"}, {"day"}, {"month", "day"})
_TIMES = ({"hour"}, {"hour", "minute"}, {"hour", "minute", "second"})
_TOKEN = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<ampm>AM)|(?P<run>([ymdHMS])\4*)|(?P<literal>[^A-Za-z0-9']|T)|(?P<wrong>.)", re.DOTALL)
_LETTERS = "Dates are written with small letters, times with capitals: dd-mmm-yyyy, yyyy-mm-dd HH:MM:SS, HH:MM AM."


@dataclass(frozen=True)
class Parsed:
    """`values`: ISO 8601 text. `reason`: missing where fine, else unreadable, impossible or ambiguous (see `parse`)."""

    values: pd.Series
    reason: pd.Series


@dataclass(frozen=True)
class _Format:
    """A format taken apart. `tokens`: ("part", "dd"), ("ampm", "AM") or ("literal", "-"); none for `iso`."""

    tokens: tuple[tuple[str, str], ...]
    parts: frozenset[str]


def parse(
    values: pd.Series, formats: str | Sequence[str], *, unknown: Sequence[str] = UNKNOWN_PARTS, cutoff: int = CUTOFF
) -> Parsed:
    """Collected text -> ISO 8601 text, with the parts that are unknown left out or hyphened (SDTMIG 4.4.2).

    `formats`: the formats that the column may hold (`check_format` says what is wrong with one; a wrong one is a ValueError).
    `unknown`: what may stand for an unknown part, in any case. `cutoff`: two-digit years up to it are 20xx, above it 19xx.
    A format of a time alone gives a time (`14:05`), for `combine`. Reasons: "unreadable" (no format fits) and "impossible"
    (31 April, 25:00): the value is missing; "ambiguous": two formats read it differently, the first listed is taken.
    Blank text and dates that are unknown throughout are missing without a reason.

    >>> parse(pd.Series(["5-Mar-2020", "UN-UNK-2019", "30-FEB-2020"]), ["dd-mmm-yyyy"]).values.tolist()
    ['2020-03-05', '2019', nan]
    """
    formats = [formats] if isinstance(formats, str) else list(formats)
    for text in formats:
        if problem := check_format(text):
            raise ValueError(problem)
    unknown = tuple(mark for mark in ([unknown] if isinstance(unknown, str) else unknown) if mark)
    codes, raw = iso8601.distinct(values)
    texts = pc.utf8_trim_whitespace(raw)
    known = _not_blank(texts, unknown)
    best = pa.nulls(len(texts), TEXT)
    fits, settled, ambiguous = (np.zeros(len(texts), bool) for _ in range(3))
    for text in formats:
        read, fit, fine = _read_iso(texts) if _is_iso(text) else _read(texts, _compile(text), unknown, cutoff)
        ambiguous |= flags(pc.not_equal(best, read))
        best = pc.coalesce(best, read)
        fits, settled = fits | fit, settled | fine
    reasons = np.select([~known, ambiguous, settled, fits], ["", "ambiguous", "", "impossible"], "unreadable")
    best = pc.if_else(pa.array(known), best, pa.scalar(None, best.type))
    reason = pc.if_else(pa.array(reasons == ""), None, pa.array(reasons, TEXT))
    return Parsed(iso8601.spread(best, codes, values.index), iso8601.spread(reason, codes, values.index))


def check_format(text: str) -> str | None:
    """What is wrong with a format, and how to mend it; None for a right one.

    >>> check_format("dd-mmm-yyyy HH:MM") is None
    True
    """
    if _is_iso(text):
        return None
    wrong = _wrong_letters(text)
    if wrong:
        return f"Date format '{text}': {wrong}"
    names = [name for _, name in _part_names(text)]
    twice = [name for name in PARTS if names.count(name) > 1]
    if twice:
        return f"Date format '{text}': the {twice[0]} stands in it twice. 'mm' is the month, 'MM' the minute."
    date, time = set(names) & set(PARTS[:3]), set(names) & set(PARTS[3:])
    if not names:
        return f"Date format '{text}': it names no part of a date or time. {_LETTERS}"
    if time and time not in _TIMES:
        return f"Date format '{text}': minutes (MM) need hours (HH), seconds (SS) need minutes; the month is 'mm'."
    if time and date and date != set(PARTS[:3]):
        return f"Date format '{text}': a time needs the whole date beside it, or none; the minute is 'MM', the month 'mm'."
    if date and date not in _DATES:
        return f"Date format '{text}': a year and a day need the month; the minute is 'MM', the month 'mm'."
    if "AM" in [token for _, token in _tokens(text)] and not time:
        return f"Date format '{text}': AM needs hours (HH)."
    return None


# --- Formats ----------------------------------------------------------------------------------------------------------


def _is_iso(text: str) -> bool:
    return text.strip().lower() == "iso"


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "quoted"
        token = match[kind]
        if kind == "run":
            tokens.append(("part", _SINGLE.get(token, token)))
        elif kind == "quoted":
            tokens.append(("literal", token.replace("''", "'")))
        else:
            tokens.append((kind, token))
    return tokens


def _part_names(text: str) -> list[tuple[str, str]]:
    return [(token, _PART_OF_LETTER[token[0]]) for kind, token in _tokens(text) if kind == "part"]


def _wrong_letters(text: str) -> str:
    for kind, token in _tokens(text):
        if kind == "wrong":
            return f"'{token}' has no meaning in a format. {_LETTERS} Put text that is to stand there in single quotes."
        if kind == "part" and token not in _RUNS[token[0]]:
            return f"'{token}' is no {_PART_OF_LETTER[token[0]]}; write {' or '.join(_RUNS[token[0]])}."
    return "AM stands in it twice." if [token for _, token in _tokens(text)].count("AM") > 1 else ""


@lru_cache(maxsize=512)
def _compile(text: str) -> _Format:
    return _Format(tuple(_tokens(text)), frozenset(name for _, name in _part_names(text)))


@lru_cache(maxsize=512)
def _pattern(form: _Format, unknown: tuple[str, ...]) -> str:
    """The regular expression of a format (RE2): one group a part, and `ampm`."""
    others = "|".join(_unknown_pattern(token) for token in sorted(unknown, key=len, reverse=True))
    pieces = []
    for position, (kind, token) in enumerate(form.tokens):
        if kind == "literal":
            pieces.append(" +" if token == " " else _escaped(token))
            continue
        name = "ampm" if kind == "ampm" else _PART_OF_LETTER[token[0]]
        digits = "[AaPp][.]?[Mm][.]?" if kind == "ampm" else _digits(token, _stands_free(form.tokens, position))
        pieces.append(f"(?P<{name}>{digits}{'|' + others if others else ''})")
        if token == "SS":
            pieces.append("(?P<fraction>[.,][0-9]+)?")
    return "(?i)^" + "".join(pieces) + "$"


def _digits(token: str, free: bool) -> str:
    if token in ("mmm", "mmmm"):
        return "|".join(_SHORT_MONTHS if token == "mmm" else _MONTHS)
    if token == "yyyy":
        return "[0-9]{4}"
    return "[0-9]{1,2}" if free and token in ("mm", "dd", "HH") else "[0-9]{2}"


def _stands_free(tokens: tuple[tuple[str, str], ...], position: int) -> bool:
    """Is there no digit next to this part, so that one digit is enough to read it?"""
    before, after = tokens[:position][-1:], tokens[position + 1 :][:1]
    return not any(_ends_in_digit(token, -1) for token in before) and not any(_ends_in_digit(token, 0) for token in after)


def _ends_in_digit(token: tuple[str, str], end: int) -> bool:
    kind, text = token
    if kind == "literal":
        return text[end : end + 1 or None].isdigit() or not text
    return kind == "part" and text not in ("mmm", "mmmm")


def _unknown_pattern(token: str) -> str:
    """A token of one punctuation mark may be as wide as its part: `??-???-????`."""
    repeated = len(set(token)) == 1 and not token.isalnum()
    return f"{_escaped(token[0])}{{{len(token)},4}}" if repeated and len(token) <= 4 else _escaped(token)


def _escaped(text: str) -> str:
    return "".join(character if character.isalnum() or ord(character) > 127 else f"\\x{{{ord(character):x}}}" for character in text)


# --- Reading ----------------------------------------------------------------------------------------------------------


def _not_blank(texts: pa.Array, unknown: tuple[str, ...]) -> np.ndarray:
    """Neither empty nor one mark of the unknown standing alone."""
    return ~flags(pc.match_substring_regex(texts, f"(?i)^(?:{'|'.join(['', *map(_unknown_pattern, unknown)])})$"))


def _read_iso(texts: pa.Array) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Text that is ISO 8601 already -> itself; which has the shape, and which is right."""
    right = iso8601.is_date_text(texts)
    shaped = iso8601.read(texts)[1]
    return pc.if_else(pa.array(right), texts, pa.scalar(None, texts.type)), shaped | right, right


def _read(texts: pa.Array, form: _Format, unknown: tuple[str, ...], cutoff: int) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Text in a format -> ISO 8601 (null where it does not fit or cannot be), which fits, and which is possible."""
    found = pc.extract_regex(texts, _pattern(form, unknown))
    fits = flags(pc.is_valid(found))
    numbers = np.full((6, len(texts)), UNKNOWN, "int32")
    for kind, token in form.tokens:
        if kind == "part":
            level = PARTS.index(_PART_OF_LETTER[token[0]])
            numbers[level] = _numbers(_group(found, PARTS[level]), token, unknown, cutoff)
    fine = fits & iso8601.possible(numbers)
    if ("ampm", "AM") in form.tokens:
        half, hour = _half_of_day(_group(found, "ampm")), numbers[3]
        fits &= (hour == UNKNOWN) | (half != UNKNOWN)
        fine &= fits & ((hour == UNKNOWN) | (hour >= 1) & (hour <= 12))
        numbers[3] = np.where(hour == UNKNOWN, UNKNOWN, hour % 12 + half)
    numbers[:, ~fine] = UNKNOWN
    iso = iso8601.write(Parts(numbers, _fraction(found, form, len(texts)), iso8601.blank(len(texts))))
    if not form.parts & set(PARTS[:3]):
        iso = pc.replace_substring_regex(iso, "^" + iso8601.NO_DATE, "")
    return iso, fits, fine


def _group(found: pa.Array, name: str) -> pa.Array:
    return pc.fill_null(pc.struct_field(found, name), "")


def _numbers(texts: pa.Array, token: str, unknown: tuple[str, ...], cutoff: int) -> np.ndarray:
    """The texts of one part as numbers; -1 where it is unknown or the format does not fit."""
    lower = pc.utf8_lower(texts)
    if token in ("mmm", "mmmm"):
        names = pa.array(_SHORT_MONTHS if token == "mmm" else _MONTHS, texts.type)
        return np.array(pc.fill_null(pc.index_in(lower, value_set=names), -2)) + 1
    marks = pa.array([mark.lower() for mark in unknown], texts.type)
    digits = pc.and_(pc.match_substring_regex(texts, "^[0-9]+$"), pc.invert(pc.is_in(lower, value_set=marks)))
    numbers = np.array(pc.cast(pc.if_else(digits, texts, str(UNKNOWN)), pa.int32()))
    if token != "yy":
        return numbers
    return np.where(numbers == UNKNOWN, UNKNOWN, numbers + np.where(numbers <= cutoff, 2000, 1900))


def _half_of_day(ampm: pa.Array) -> np.ndarray:
    """0 for AM, 12 for PM, -1 where neither is written: 12 AM is hour 0, 12 PM is hour 12."""
    halves = [flags(pc.match_substring_regex(ampm, f"(?i)^{letter}[.]?m[.]?$")) for letter in "ap"]
    return np.select(halves, [0, 12], UNKNOWN)


def _fraction(found: pa.Array, form: _Format, count: int) -> pa.Array:
    """The fraction as recorded; one of zeros only is how databases print whole seconds, and is dropped."""
    if "second" not in form.parts:
        return iso8601.blank(count)
    fraction = pc.replace_substring(_group(found, "fraction"), ",", ".")
    return pc.if_else(pc.match_substring_regex(fraction, "^[.]0+$"), "", fraction)
