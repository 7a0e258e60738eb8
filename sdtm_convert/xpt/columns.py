"""Which variables a dataset gets: name, type, width, label and formats, as declared, or else as the data suggest."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from sdtm_convert import model
from sdtm_convert.errors import did_you_mean
from sdtm_convert.xpt import encode
from sdtm_convert.xpt.header import XptVariable, parse_format
from sdtm_convert.xpt.target import Target

LONGEST_TEXT = 200  # bytes, the limit of SAS version 5 and of the agencies
LONGEST_FIELD = 32767  # what the two bytes of a namestr can say
MOST_VARIABLES = 9999  # what the four digits of the namestr header can say
RESERVED = frozenset("_ALL_ _CHARACTER_ _CHAR_ _DATA_ _ERROR_ _FILE_ _INFILE_ _LAST_ _MSG_ _NULL_ _N_ _NUMERIC_ _TEMPORARY_".split())
FIELDS = frozenset(field.name for type in (XptVariable, model.Variable) for field in dataclasses.fields(type))


@dataclass(frozen=True)
class Source:
    """One column of the data, as something that can be sliced without a copy."""

    data: np.ndarray | pa.ChunkedArray | pd.api.extensions.ExtensionArray

    def chunk(self, start: int, stop: int) -> np.ndarray | pa.Array:
        """Rows `start` to `stop`: numbers as numpy, anything else as one Arrow array."""
        if isinstance(self.data, pa.ChunkedArray):
            part = self.data.slice(start, stop - start)
            return part.chunk(0) if part.num_chunks == 1 else part.combine_chunks()
        part = self.data[start:stop]
        return part if isinstance(part, np.ndarray) and part.dtype != object else pa.array(part, from_pandas=True)


def columns(frame: pd.DataFrame | pa.Table) -> dict[str, Source]:
    """The columns of a table, by name."""
    if isinstance(frame, pa.Table):
        return {name: Source(frame.column(position)) for position, name in enumerate(frame.column_names)}
    return {name: Source(_data(frame.iloc[:, position])) for position, name in enumerate(frame.columns)}


def _data(series: pd.Series):
    if isinstance(series.dtype, np.dtype):
        return series.to_numpy()
    if isinstance(series.dtype, (pd.StringDtype, pd.CategoricalDtype, pd.ArrowDtype)):
        return pa.chunked_array(series)
    return series.array


def check_name(name: object, target: Target, what: str) -> str:
    """The name of a dataset or variable, if version 5 and the agencies allow it."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,7}", name, re.ASCII):
        target.refuse(f"is no {what} name: that has 1 to 8 letters, digits or underscores, and no digit first.", value=name)
    if name.upper() in RESERVED:
        target.refuse(f"is a name that SAS keeps for itself; choose another {what} name.", value=name)
    if "names" not in target.allow and not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        target.refuse(f"is no {what} name for a submission: capitals, and a letter first.", value=name, allowance="names")
    return name


def check_label(label: object, target: Target, variable: str = "") -> str:
    """The label of a dataset or variable, if it fits the 40 bytes it has."""
    if not isinstance(label, str):
        target.refuse("is no label; give text.", variable, value=label)
    try:
        width = len(label.encode(target.encoding))
    except UnicodeEncodeError as error:
        target.refuse(f"is no {target.encoding} label: {error.object[error.start]!r}. Name an encoding.", variable, value=label)
    if width > 40:
        target.refuse(f"is a label of {width} bytes; a transport file holds 40.", variable, value=label)
    if not label.isprintable() and "control characters" not in target.allow:
        target.refuse("is a label with a control character.", variable, value=label, allowance="control characters")
    return label


def declare(sources: Mapping[str, Source], declared: Iterable | Mapping | None, target: Target, infer: bool = True) -> tuple[XptVariable, ...]:
    """The variables of a dataset in the order of its columns.

    `declared` maps a column to its attributes (a dict, or an object such as `model.Variable`), or lists objects with a `name`.
    What it does not say is taken from the data, unless `infer` is off: then type and, for text, length must be declared.
    """
    if declared is None:
        declared = {}
    if not isinstance(declared, Mapping):
        declared = {_attributes(item)["name"]: item for item in declared}
    if not sources:
        target.refuse("a transport file needs at least one variable.")
    if len(sources) > MOST_VARIABLES:
        target.refuse(f"has {len(sources)} variables; a transport file holds {MOST_VARIABLES}.")
    for absent in (name for name in declared if name not in sources):
        target.refuse(f"is declared, but the data have no such column. {did_you_mean(absent, map(str, sources))}", value=absent)
    seen: dict[str, str] = {}
    for name in sources:
        check_name(name, target, "variable")
        if seen.setdefault(name.upper(), name) is not name:
            target.refuse(f"and {name!r} are the same name in SAS.", value=seen[name.upper()])
    return tuple(_declare(name, source, _attributes(declared.get(name, {})), target, infer) for name, source in sources.items())


def _attributes(item: object) -> dict[str, object]:
    if not isinstance(item, Mapping):
        item = {field: getattr(item, field) for field in FIELDS if hasattr(item, field)}
    for unknown in (key for key in item if key not in FIELDS):
        raise ValueError(f"variables: no attribute {unknown!r}. {did_you_mean(str(unknown), FIELDS)}")
    return dict(item)


def _declare(name: str, source: Source, said: dict, target: Target, infer: bool) -> XptVariable:
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
    for text in (shown, said.get("informat") or ""):
        if parse_format(text) is None:
            target.refuse("is no SAS format: a name of at most 8 characters, width, point, decimals.", name, value=text)
    label = check_label(said.get("label") or "", target, name)
    extra = {key: said[key] for key in ("justify", "filler") if said.get(key)}
    return XptVariable(name, label, kind, int(length), shown, said.get("informat") or "", **extra)


def _check_length(name: str, kind: str, length: object, target: Target) -> None:
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)):
        target.refuse("is no length; give a whole number of bytes.", name, value=length)
    if kind == "Num" and not 3 <= length <= 8:
        target.refuse("is no length of a number; give 3 to 8 bytes.", name, value=length)
    if kind == "Char" and not 1 <= length <= LONGEST_FIELD:
        target.refuse(f"is no length of text; give 1 to {LONGEST_TEXT} bytes.", name, value=length)
    if kind == "Char" and length > LONGEST_TEXT and "long text" not in target.allow:
        target.refuse(f"bytes of text; version 5 holds {LONGEST_TEXT}.", name, value=length, allowance="long text")


def suggest_type(source: Source) -> tuple[str, str]:
    """Type and format for a column that nobody declared."""
    data = source.data
    if isinstance(data, np.ndarray) and data.dtype == object:
        kind = pd.api.types.infer_dtype(data, skipna=True)
        return {"date": ("Num", "DATE9."), "time": ("Num", "TIME8."), "datetime": ("Num", "DATETIME20.")}.get(
            kind, ("Char" if kind in ("string", "empty", "mixed", "bytes") else "Num", "")
        )
    kind = data.type if isinstance(data, pa.ChunkedArray) else source.chunk(0, 0)
    if isinstance(kind, np.ndarray):
        return "Num", {"M": "DATETIME20.", "m": "TIME8."}.get(kind.dtype.kind, "")
    kind = kind.type if isinstance(kind, pa.Array) else kind
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if encode.is_text(kind) or pa.types.is_null(kind):
        return "Char", ""
    if pa.types.is_timestamp(kind):
        return "Num", "DATETIME20."
    return "Num", "DATE9." if pa.types.is_date(kind) else "TIME8." if pa.types.is_time(kind) or pa.types.is_duration(kind) else ""


def longest_text(name: str, source: Source, target: Target, rows: int = 65536) -> int:
    """The bytes that the longest text of a column needs, trailing blanks aside; at least 1."""
    longest = 1
    for start in range(0, len(source.data), rows):
        texts = encode.text_array(source.chunk(start, min(start + rows, len(source.data))), name, start, target)
        longest = max(longest, encode.longest(texts))
    return longest
