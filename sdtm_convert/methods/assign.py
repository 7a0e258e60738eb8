"""Values taken as they are collected, joined, cut, looked up, or the same for every record."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..columns import as_numbers, as_text, by_distinct, constant_text, missing_text
from ..errors import did_you_mean
from ..registry import CodelistName, Column, Columns, Condition, Mapping, Number, Problem, SourceCodelist, Table, Text, method


def _check_case(arguments: dict) -> str | None:
    case = arguments["case"]
    return None if case in (None, "upper", "lower", "as collected") else f"case is upper, lower or as collected, not '{case}'."


@method(origin="Collected", check=_check_case)
def assign(source: Column, map: Mapping | None = None, codelist: CodelistName | None = None, case: Text | None = None):
    """The value of {source}[, with {map}][, in {case} case].

    Blanks around the text are cut. `map` gives the term for a collected text (compared without regard to case). A text that is
    not in `map` becomes the term of the codelist that it differs from in case only, or that it is a CDISC synonym of; else it
    stays as collected and is reported: here for a codelist of the study's own, by the conformance rules for one of CDISC.
    `case`: upper, lower or as collected.

        AESEV: {assign: SEVERITY, map: {Mild Adverse Event: MILD}}
    """
    if pd.api.types.is_numeric_dtype(source.dtype):
        if not map and codelist is None:
            return source
        source = as_text(source)
    exact = {} if codelist is None else codelist.by_value
    terms = {} if codelist is None else _terms_by_folded(codelist)
    mapped = {_folded(collected): term for collected, term in (map or {}).items()}
    change = {"upper": str.upper, "lower": str.lower}.get(case or "", str)

    def term(value: str) -> str:
        value = value.strip()
        folded = _folded(value)
        if folded in mapped:
            return mapped[folded]
        return value if value in exact else terms.get(folded) or change(value)

    values = _blank_as_missing(by_distinct(source, term))
    if codelist is None or codelist.code:
        return values
    foreign = (values.notna() & ~values.isin(list(exact))).to_numpy()
    return values, [Problem("MAP-TERM", foreign, f"not a term of the study's codelist {codelist.short_name}", source)]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _terms_by_folded(codelist) -> dict[str, str]:
    """Submission values by their folded form, then by their synonyms; a form that two terms share is left out."""
    found: dict[str, str] = {}
    for names in ([(term.value, term) for term in codelist.terms],
                  [(synonym, term) for term in codelist.terms for synonym in term.synonyms]):
        folded: dict[str, set[str]] = {}
        for name, term in names:
            folded.setdefault(_folded(name), set()).add(term.value)
        found |= {key: values.pop() for key, values in folded.items() if key not in found and len(values) == 1}
    return found


def _blank_as_missing(column: pd.Series) -> pd.Series:
    return column.mask(column == "")


@method(origin="Assigned")
def constant(value: Text):
    """Always {value}.

    EXDOSU: {constant: mg}
    """
    return value


@method(origin="Assigned")
def missing(reason: Text):
    """No value: {reason}.

    For a variable that is expected in the dataset though the study has nothing to put there.
    AELLTCD: {missing: the events are coded in words only}
    """
    return None


@method
def concatenate(sources: Columns, separator: Text = " "):
    """{sources}, joined; what is missing is left out.

    `{concatenate: [A, B], separator: "; "}`
    """
    result = missing_text(sources[0].index)
    for source in sources:
        part = as_text(source)
        joined = result + separator + part
        result = joined.fillna(result).fillna(part)
    return result


@method(origin="Collected")
def upper(source: Column):
    """{source} in upper case.

    COUNTRY: {upper: COUNTRY}
    """
    return _blank_as_missing(by_distinct(as_text(source), lambda value: value.strip().upper()))


def _check_positions(arguments: dict) -> str | None:
    """`start`, `length` and `number` count from 1; a separator has at least one character."""
    for name in ("start", "length", "number"):
        value = arguments.get(name)
        if value is not None and (value < 1 or value % 1):
            return f"{name} is a whole number from 1, not {value:g}."
    return "the separator is empty." if arguments.get("separator") == "" else None


@method(check=_check_positions)
def substring(source: Column, start: Number, length: Number | None = None):
    """The part of {source} from character {start}[, {length} characters long].

    The first character is 1. SUBJID: {substring: PATNUM, start: 5, length: 4}
    """
    first = int(start) - 1
    last = None if length is None else first + int(length)
    return _blank_as_missing(by_distinct(as_text(source), lambda value: value[first:last].strip()))


@method(check=_check_positions)
def part(source: Column, separator: Text, number: Number):
    """Part {number} of {source}, split at "{separator}".

    Missing where there are fewer parts. SITEID: {part: SUBJECT, separator: "-", number: 1}
    """
    position = int(number) - 1

    def one(value: str) -> str:
        pieces = value.split(separator)
        return pieces[position].strip() if position < len(pieces) else ""

    return _blank_as_missing(by_distinct(as_text(source), one))


@method(check=_check_positions)
def text_piece(source: Column, number: Number, length: Number = 200, rest: Text = "no"):
    """Piece {number} of {source}, split between words into pieces of at most {length} bytes.

    For text that is longer than a transport file holds: the first piece is the variable, the others are supplemental qualifiers
    (SDTMIG 4.5.3). A word that is longer is split too. `rest: yes` gives all that is left, of any length.
    AETERM: {text_piece: AETERM, number: 1}
    """
    position, most = int(number) - 1, int(length)

    def one(value: str) -> str:
        pieces = _pieces(value.strip(), most)
        return " ".join(pieces[position:]) if rest == "yes" else pieces[position] if position < len(pieces) else ""

    return _blank_as_missing(by_distinct(as_text(source), one))


def _pieces(text: str, most: int) -> list[str]:
    """Text in pieces of at most so many bytes (UTF-8), split at a blank where there is one."""
    pieces = []
    while len(text.encode()) > most:
        fits = text.encode()[:most].decode(errors="ignore")  # drops a letter that was cut
        end = len(fits) if text[len(fits)] == " " else fits.rfind(" ")
        end = end if end > 0 else len(fits)
        pieces.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*pieces, text]


def _check_decimal(arguments: dict) -> str | None:
    return None if arguments["decimal"] in (".", ",") else f"decimal is . or , and not '{arguments['decimal']}'."


@method(check=_check_decimal)
def number(source: Column, decimal: Text = "."):
    """{source} as a number.

    A text that is no number is missing and reported. `decimal` is what the decimals begin with: `{number: DOSE, decimal: ","}`
    """
    if pd.api.types.is_numeric_dtype(source.dtype):
        return source
    column = source if decimal == "." else source.str.replace(decimal, ".", regex=False)
    values = as_numbers(column)
    return values, [Problem("MAP-NUMBER", (values.isna() & source.notna()).to_numpy(), "not a number", source)]


def _check_lookup(arguments: dict) -> str | None:
    table, column = arguments["table"], arguments["column"]
    columns = list(dict.fromkeys(name for row in table.rows.values() for name in row))
    return None if column in columns else f"the table '{table.name}' has no column '{column}'. {did_you_mean(column, columns)}".strip()


@method(check=_check_lookup)
def lookup(source: Column, table: Table, column: Text):
    """{column} by {source}, from the study's table of {table}.

    The first column of a table in study.yml (`tables:`) is looked up without regard to case and blanks. A value that is not in the
    table is missing and reported. VISITNUM: {lookup: VISIT, table: visits, column: VISITNUM}
    """
    rows = {_folded(key): row.get(column, "") for key, row in table.items()}
    values = _blank_as_missing(by_distinct(as_text(source), lambda value: rows.get(_folded(value), "")))
    known = by_distinct(as_text(source), lambda value: _folded(value) in rows, "boolean").fillna(True).to_numpy(dtype=bool)
    return values, [Problem("MAP-LOOKUP", ~known, f"not in the table that gives {column}", source)]


@method(origin="Assigned")
def decode(source: Column, codelist: SourceCodelist):
    """The decode of {source} in its codelist.

    For a --TEST it is the test name that belongs to the --TESTCD in CDISC's paired codelists. A value that is not in the codelist
    is missing and reported. VSTEST: {decode: VSTESTCD}
    """
    decodes = {term.value: term.decode for term in codelist.terms}
    values = _blank_as_missing(by_distinct(as_text(source), lambda value: decodes.get(value.strip(), "")))
    return values, [Problem("MAP-DECODE", (values.isna() & source.notna()).to_numpy(), "no decode in the codelist", source)]


@method
def flag(condition: Condition, yes: Text = "Y", no: Text | None = None):
    """{yes} where {condition}[, else {no}].

    DTHFL: {flag: DTHDTC is not missing}
    """
    values = constant_text(yes, pd.RangeIndex(len(condition)))
    other = np.nan if no is None else no
    return values.where(pd.Series(condition), other)
