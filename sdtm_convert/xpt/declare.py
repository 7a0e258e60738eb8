"""Which variables a dataset gets: name, type, length, label and formats, as declared, or else as the data suggest."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from sdtm_convert import model
from sdtm_convert.errors import did_you_mean
from sdtm_convert.xpt import encode
from sdtm_convert.xpt.arrow import encoded, is_text
from sdtm_convert.xpt.columns import Part, Source
from sdtm_convert.xpt.header import XptVariable, parse_format
from sdtm_convert.xpt.target import Target

LONGEST_TEXT = 200  # bytes: the limit of SAS version 5 and of the agencies
LONGEST_FIELD = 32767  # what the two bytes of a namestr can say
FILLER = 54  # bytes of a namestr of which TS-140 says nothing
MOST_VARIABLES = 9999  # what the four digits of the namestr header can say
RESERVED = frozenset("_ALL_ _CHARACTER_ _CHAR_ _DATA_ _ERROR_ _FILE_ _INFILE_ _LAST_ _MSG_ _NULL_ _N_ _NUMERIC_ _TEMPORARY_".split())
ATTRIBUTES = frozenset(field.name for kind in (XptVariable, model.Variable) for field in dataclasses.fields(kind))


def declared_by_name(declared: Mapping | Iterable) -> dict[object, dict[str, object]]:
    """The declared attributes of each variable as dicts, from any of the forms that `write_xpt` takes."""
    if isinstance(declared, Mapping):
        return {name: _attributes(item, name) for name, item in declared.items()}
    by_name: dict[object, dict[str, object]] = {}
    for attributes in map(_attributes, declared):
        if "name" not in attributes:
            raise ValueError(f"variables: {attributes!r} has no name; give one, or a dict of attributes by name.")
        if attributes["name"] in by_name:
            raise ValueError(f"variables: {attributes['name']!r} is declared twice.")
        by_name[attributes["name"]] = attributes
    return by_name


def _attributes(item: object, name: object = None) -> dict[str, object]:
    """The attributes that a dict or an object has; what it calls itself must be `name`, if that is given."""
    said = item if isinstance(item, Mapping) else {name: getattr(item, name) for name in ATTRIBUTES if hasattr(item, name)}
    if not isinstance(item, Mapping) and "type" not in said:
        raise ValueError(f"variables: {item!r} are no attributes; give a dict, such as {{'type': 'Char', 'length': 20}}.")
    for unknown in (attribute for attribute in said if attribute not in ATTRIBUTES):
        raise ValueError(f"variables: no attribute {unknown!r}. {did_you_mean(str(unknown), ATTRIBUTES)}".rstrip())
    if name is not None and said.get("name", name) != name:
        raise ValueError(f"variables: the attributes of {name!r} are those of {said['name']!r}.")
    return dict(said)


def declare(part: Part, declared: Mapping[object, Mapping[str, object]], target: Target, infer: bool) -> tuple[XptVariable, ...]:
    """The variables of a dataset in the order of its columns.

    What is not declared is taken from the data, unless `infer` is off: then type and, for text, length must be declared.
    """
    if not part.names:
        target.refuse("has no columns; a transport file needs at least one variable.")
    if len(part.names) > MOST_VARIABLES:
        target.refuse(f"has {len(part.names)} variables; a transport file holds {MOST_VARIABLES}.")
    for absent in (name for name in declared if name not in part.names):
        hint = did_you_mean(str(absent), map(str, part.names))
        target.refuse(f"is declared, but the data have no such column. {hint}".rstrip(), value=absent)
    seen: set[str] = set()
    for name in part.names:
        if check_name(name, target, "variable").upper() in seen:
            target.refuse("is there twice: to SAS, small and capital letters are the same.", value=name)
        seen.add(name.upper())
    return tuple(
        _variable(name, source, declared.get(name, {}), target, infer) for name, source in zip(part.names, part.sources, strict=True)
    )  # fmt: skip


def check_name(name: object, target: Target, what: str) -> str:
    """The name of a dataset or variable, if version 5 and the agencies allow it."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,7}", name, re.ASCII):
        why = f"is no {what} name: that has 1 to 8 letters, digits or underscores, and no digit first."
        target.refuse(why, value="None" if name is None else name)
    if name.upper() in RESERVED:
        target.refuse(f"is a name that SAS keeps for itself; choose another {what} name.", value=name)
    if "names" not in target.allow and not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        target.refuse(f"is no {what} name for a submission: capital letters, and a letter first.", value=name, allowance="names")
    return name


def check_label(label: object, target: Target, variable: str = "") -> str:
    """The label of a dataset or variable, if it fits the 40 bytes it has."""
    if not isinstance(label, str):
        target.refuse("is no label; give text.", variable, value=label)
    try:
        width = len(encoded(label, target.encoding))
    except UnicodeEncodeError as error:
        why = f"is a label with {error.object[error.start]!r}, which {target.encoding} lacks. Name an encoding, such as 'utf-8'."
        target.refuse(why, variable, value=label)
    if width > 40:
        target.refuse(f"is a label of {width} bytes; a transport file holds 40.", variable, value=label)
    if any(ord(character) < 32 or ord(character) == 127 for character in label) and "control characters" not in target.allow:
        target.refuse("is a label with a control character.", variable, value=label, allowance="control characters")
    return label


def _variable(name: str, source: Source, said: Mapping, target: Target, infer: bool) -> XptVariable:
    kind, length, shown = said.get("type") or "", said.get("length"), said.get("format") or said.get("display_format") or ""
    if not infer and (not kind or (kind == "Char" and length is None)):
        target.refuse("needs a declared type and length, as the data come in parts.", name)
    if not kind:
        kind, suggested = suggest_type(source)
        shown = shown or suggested
    if kind not in ("Char", "Num"):
        target.refuse("is no type; give Char or Num.", name, value=kind)
    if length is None:
        length = 8 if kind == "Num" else longest_text(name, source, target)
    _check_length(name, kind, length, target)
    informat = said.get("informat") or ""
    for text in (shown, informat):
        if not isinstance(text, str) or parse_format(text) is None:
            target.refuse("is no SAS format: a name of at most 8 characters, width, point, decimals.", name, value=text)
    justify, filler = said.get("justify") or 0, said.get("filler") or b""
    if not isinstance(justify, (int, np.integer)) or not 0 <= justify < 2**15:
        target.refuse("is no justification; give 0 (left) or 1 (right).", name, value=justify)
    if not isinstance(filler, bytes) or len(filler) > FILLER:
        target.refuse(f"is no filler; give at most {FILLER} bytes.", name, value=filler)
    label = check_label(said.get("label") or "", target, name)
    return XptVariable(name, label, kind, int(length), shown, informat, int(justify), filler)


def _check_length(name: str, kind: str, length: object, target: Target) -> None:
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)):
        target.refuse("is no length; give a whole number of bytes.", name, value=length)
    if kind == "Num" and not 3 <= length <= 8:
        target.refuse("is no length of a number; give 3 to 8 bytes.", name, value=length)
    if kind == "Char" and not 1 <= length <= LONGEST_FIELD:
        target.refuse(f"is no length of text; give 1 to {LONGEST_TEXT} bytes.", name, value=length)
    if kind == "Char" and length > LONGEST_TEXT and "long text" not in target.allow:
        target.refuse(f"bytes of text are too many; version 5 holds {LONGEST_TEXT}.", name, value=length, allowance="long text")


# --- What the data suggest --------------------------------------------------------------------------------------------

_OBJECTS = {"string": ("Char", ""), "empty": ("Char", ""), "date": ("Num", "DATE9."), "datetime": ("Num", "DATETIME20."), "time": ("Num", "TIME8.")}


def suggest_type(source: Source) -> tuple[str, str]:
    """Type and format for a column that nobody declared."""
    data = source.data if isinstance(source.data, np.ndarray | pa.ChunkedArray) else source.chunk(0, len(source.data))
    if isinstance(data, np.ndarray):
        if data.dtype == object:
            return _OBJECTS.get(pd.api.types.infer_dtype(data, skipna=True), ("Num", ""))
        return "Num", {"M": "DATETIME20.", "m": "TIME8."}.get(data.dtype.kind, "")
    kind = data.type
    if is_text(kind) or pa.types.is_null(kind):
        return "Char", ""
    if pa.types.is_timestamp(kind):
        return "Num", "DATETIME20."
    if pa.types.is_date(kind):
        return "Num", "DATE9."
    return "Num", "TIME8." if pa.types.is_time(kind) or pa.types.is_duration(kind) else ""


def longest_text(name: str, source: Source, target: Target, rows: int = 1 << 15) -> int:
    """The bytes that the longest text of a column needs, blanks at its end aside; at least 1."""
    longest = 1
    for start in range(0, len(source.data), rows):
        texts = encode.text_array(source.chunk(start, start + rows), name, start, target)
        longest = max(longest, encode.longest(texts))
    return longest
