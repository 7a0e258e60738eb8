"""A dataset on its way into a file, whatever the format: its variables, and its columns as what a submission may hold.

All formats say the same of the same data: a missing and a blank text are one, blanks at the end of a text do not count, a number is a
float64, dates are counted from 1960 as the variable's format says, infinities are refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .errors import InputError
from .model import Dataset, Variable
from .xpt import XptVariable
from .xpt.arrow import text_buffers
from .xpt.columns import Source, split
from .xpt.declare import check_label, check_name, declare, declared_by_name
from .xpt.encode import _floats, text_array
from .xpt.target import Target

ALLOWED = frozenset({"control characters", "long text"})  # in data, what transport files alone cannot hold, or must not
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]+)?([+-]([01][0-9]|2[0-3]):[0-5][0-9]|Z)?")  # CDISC's


@dataclass(frozen=True)
class Columns:
    """The columns of a dataset, with the variable of each."""

    dataset: Dataset
    sources: tuple[Source, ...]
    target: Target

    def texts(self, position: int, start: int, stop: int) -> pa.LargeStringArray:
        """Rows `start` to `stop` of a Char variable without blanks at the end, "" for missing ones. Raises InputError for one too long."""
        variable = self.dataset.variables[position]
        texts = text_array(self.sources[position].chunk(start, stop), variable.name, start, self.target)
        offsets, data = text_buffers(texts)
        filled = offsets[1:] > offsets[:-1]
        if (data[(offsets[1:] - offsets[0])[filled] - 1] == ord(" ")).any():
            texts = pc.ascii_rtrim(texts, " ")
        if int((offsets[1:] - offsets[:-1]).max(initial=0)) > variable.length:
            self._check_lengths(texts, variable, start)
        return texts

    def _check_lengths(self, texts: pa.LargeStringArray, variable: Variable, start: int) -> None:
        """The length counts bytes of a transport file, in whatever encoding that is: of characters there may be no more in any."""
        lengths = np.asarray(pc.utf8_length(texts))
        if int(lengths.max()) > variable.length:
            row = int(np.argmax(lengths > variable.length))
            why = f"has {lengths[row]} characters; the length is {variable.length} bytes."
            self.target.refuse(why, variable.name, start + row, texts[row].as_py())

    def numbers(self, position: int, start: int, stop: int) -> np.ndarray:
        """Rows `start` to `stop` of a Num variable as float64, NaN for missing ones. Raises InputError for an infinity, with its row."""
        variable = self.dataset.variables[position]
        shown = XptVariable(variable.name, variable.label, "Num", 8, variable.display_format)
        values = _floats(self.sources[position].chunk(start, stop), shown, start, self.target)
        if np.isinf(values).any():
            row = int(np.argmax(np.isinf(values)))
            self.target.refuse("is no number that a dataset can hold.", variable.name, start + row, values[row].item())
        return values + 0.0  # -0.0 becomes 0.0: there is only one zero


def dataset_columns(
    frame: pd.DataFrame, path: str | os.PathLike, name: str, label: str, variables: Iterable[Variable] | None, keys: Iterable[str]
) -> Columns:
    """The columns of a frame, checked against the declared variables; what is not declared is taken from the data.

    `keys` names the key variables in their order; without it, they are those with a `key`.

    Raises InputError, as `write_xpt` does, for names and labels that no submission may have, and for declared variables and keys without
    a column; TypeError for what is not one table.
    """
    target = Target(str(path), name, "utf-8", ALLOWED, hints=False)
    labels = replace(target, allow=frozenset())
    check_name(name, target, "dataset")
    check_label(label, labels)
    variables = tuple(variables or ())
    parts, whole = split(frame)
    if not whole:
        raise TypeError("frame: tables one by one become a transport file alone; other formats say first how many rows there are. Give one table.")
    part = next(parts)
    found = declare(part, declared_by_name(variables), target, infer=True)
    for variable in found:
        check_label(variable.label, labels, variable.name)
    given = {variable.name: variable for variable in variables}
    described = tuple(_described(variable, given.get(variable.name), order) for order, variable in enumerate(found, 1))
    described = _keyed(described, tuple(keys), target)
    check_keys(described, path)
    return Columns(described_dataset(name, label, described, part.rows), part.sources, target)


def _keyed(variables: tuple[Variable, ...], keys: tuple[str, ...], target: Target) -> tuple[Variable, ...]:
    """The variables with their places among the keys, where those are named; else as they are."""
    places = {key: place for place, key in enumerate(keys, 1)}
    names = {variable.name for variable in variables}
    for absent in (key for key in keys if key not in names):
        target.refuse("is named as a key, but the data have no such column.", value=absent)
    if len(places) < len(keys):
        target.refuse(f"has a key twice: {', '.join(keys)}.")
    return tuple(replace(variable, key=places.get(variable.name)) for variable in variables) if keys else variables


def moment_text(moment: datetime | str, path: str | os.PathLike, what: str = "time of creation") -> str:
    """A moment as a file says it. Raises InputError for what is no ISO 8601 datetime, or none of the calendar."""
    text = moment.isoformat() if isinstance(moment, datetime) else moment
    if not isinstance(text, str) or not MOMENT.fullmatch(text) or not _on_calendar(text[:10]):
        raise InputError(f"{path}: the {what} is {text!r}; it must be an ISO 8601 datetime such as 2025-03-28T12:00:00.")
    return text


def _on_calendar(day: str) -> bool:
    try:
        return bool(date.fromisoformat(day))
    except ValueError:
        return False


def check_keys(variables: Iterable[Variable], path: str | os.PathLike) -> None:
    """Raises InputError for two variables that a file has at the same place among the keys."""
    places: dict[int, str] = {}
    for variable in variables:
        if variable.key and variable.key in places:
            raise InputError(f"{path}: {variable.name}: keySequence is {variable.key}, as that of {places[variable.key]} is.")
        places |= {variable.key: variable.name} if variable.key else {}


def described_dataset(name: str, label: str, variables: Iterable[Variable], records: int) -> Dataset:
    """What a file says of its dataset: name, label, variables, keys and number of records."""
    variables = tuple(variables)
    keyed = sorted((variable.key, variable.name) for variable in variables if variable.key)
    return Dataset(name=name, label=label, class_name="", structure="", variables=variables, keys=tuple(name for _, name in keyed), records=records)


def _described(found: XptVariable, given: Variable | None, order: int) -> Variable:
    if given is None:
        kind = "text" if found.type == "Char" else "float"
        return Variable(found.name, found.label, found.type, kind, found.length, order, display_format=found.format)
    return replace(given, label=found.label, length=found.length)


def frame_of(columns: dict[str, pa.ChunkedArray], rows: int) -> pd.DataFrame:
    """Arrow columns as `read_xpt` gives them: `str` without missing values, and float64."""
    text = pd.StringDtype(na_value=np.nan)
    data = {name: pd.Series(text.__from_arrow__(values)) if pa.types.is_large_string(values.type) else values.to_numpy()
            for name, values in columns.items()}
    return pd.DataFrame(data, index=pd.RangeIndex(rows), columns=list(data), copy=False)
