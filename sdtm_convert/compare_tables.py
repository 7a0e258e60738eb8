"""Two versions of one dataset: attributes of its variables, records by keys, values cell by cell; all on columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
import pandas as pd

from .columns import as_text, group_codes
from .tables import concatenate, take
from .xpt import XptMetadata

TOLERANCE = 1e-12  # relative, between two numbers that count as equal
MOST_REPEATED = 0.1  # of the records may repeat keys that are still better than the next ones
ATTRIBUTES = ("label", "type", "length", "format")


@dataclass(frozen=True)
class Version:
    """One version of a dataset: its data and what its file says of them."""

    frame: pd.DataFrame
    metadata: XptMetadata


@dataclass(frozen=True)
class Match:
    """Which rows of A and B are the same record, in the order of A; `repeated` counts rows whose keys an earlier row has."""

    a: np.ndarray
    b: np.ndarray
    removed: np.ndarray  # rows of A only
    added: np.ndarray  # rows of B only
    repeated: int = 0


@dataclass(frozen=True)
class Cells:
    """The differing values of one variable: rows in A and in B (from 0), the values as text, "" for missing."""

    variable: str
    a: np.ndarray
    b: np.ndarray
    old: pd.Series
    new: pd.Series


@dataclass(frozen=True)
class Attribute:
    """A differing attribute of a variable, or with `variable` "" of the dataset; "" where the variable is in one version only."""

    variable: str
    attribute: str
    old: str
    new: str


@dataclass(frozen=True)
class DatasetDifference:
    """All that differs between two versions of a dataset. `keys_a`, `keys_b`: the keys of each by which a person knows a record."""

    name: str
    records_a: int | None  # None: the dataset is not there
    records_b: int | None
    keys: tuple[str, ...] = ()
    match: Match | None = None
    attributes: tuple[Attribute, ...] = ()
    cells: tuple[Cells, ...] = ()
    keys_a: pd.DataFrame | None = None
    keys_b: pd.DataFrame | None = None

    @property
    def in_both(self) -> bool:
        return self.records_a is not None and self.records_b is not None

    @property
    def different(self) -> bool:
        records = self.match is not None and bool(len(self.match.added) or len(self.match.removed))
        return not self.in_both or records or bool(self.attributes) or bool(self.cells)

    @property
    def changed_records(self) -> int:
        return len(np.unique(np.concatenate([cells.a for cells in self.cells]))) if self.cells else 0


def compare_versions(name: str, a: Version, b: Version, candidates: Iterable[Sequence[str]], exact: bool = False) -> DatasetDifference:
    """What differs between two versions of the dataset `name`.

    `candidates` are keys to match records by, best first: the first that identifies nearly every record (see `MOST_REPEATED`), else the
    last; records that repeat the keys of others pair up in their order.
    Numbers are equal within `TOLERANCE` unless `exact`; missing equals missing, but a special missing value only itself.
    """
    keys, match = match_by_best(a.frame, b.frame, candidates)
    names = [column for column in a.frame.columns if column in b.frame.columns]
    cells = (_cells(column, a, b, match, exact) for column in names)
    attributes = list(attribute_differences(a.metadata, b.metadata))
    if (np.diff(match.b) < 0).any():
        attributes.append(Attribute("", "order of records", "", f"{int((np.diff(match.b) < 0).sum()):,} places"))
    telling = [key for key in keys if key != "STUDYID" or keys == ("STUDYID",)]
    return DatasetDifference(name, len(a.frame), len(b.frame), keys, match, tuple(attributes), tuple(c for c in cells if len(c.a)),
                             a.frame[telling], b.frame[telling])


# --- Records ----------------------------------------------------------------------------------------------------------


def match_by_best(a: pd.DataFrame, b: pd.DataFrame, candidates: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], Match]:
    """The keys chosen and the match by them; without any usable candidate by row number, and the keys are ()."""
    keys, match = (), None
    for candidate in candidates:
        if not candidate or any(key not in frame.columns for key in candidate for frame in (a, b)):
            continue
        keys, match = tuple(candidate), match_records(a, b, candidate)
        if match.repeated <= MOST_REPEATED * (len(a) + len(b)):
            break
    return keys, match or match_records(a, b, ())


def match_records(a: pd.DataFrame, b: pd.DataFrame, keys: Sequence[str]) -> Match:
    """The records of two tables that have the same keys; records with repeated keys pair up in order. Missing equals missing.

    >>> a, b = pd.DataFrame({"K": ["x", "y"]}), pd.DataFrame({"K": ["y", "z"]})
    >>> match = match_records(a, b, ["K"])
    >>> match.a.tolist(), match.b.tolist(), match.removed.tolist(), match.added.tolist()
    ([1], [0], [0], [1])
    """
    codes, size = group_codes([_joined(a[key], b[key]) for key in keys], len(a) + len(b))
    codes_a, codes_b = codes[: len(a)], codes[len(a):]
    again = [_again(codes_a), _again(codes_b)]
    repeated = int((again[0] > 0).sum() + (again[1] > 0).sum()) if keys else 0
    if any(part.any() for part in again):
        codes, size = group_codes([pd.Series(codes), pd.Series(np.concatenate(again))])
        codes_a, codes_b = codes[: len(a)], codes[len(a):]
    row_in_b = np.full(size, -1, dtype=np.int64)
    row_in_b[codes_b] = np.arange(len(b))
    found = row_in_b[codes_a]
    matched = found >= 0
    added = np.ones(len(b), dtype=bool)
    added[found[matched]] = False
    return Match(np.flatnonzero(matched), found[matched], np.flatnonzero(~matched), np.flatnonzero(added), repeated)


def _joined(a: pd.Series, b: pd.Series) -> pd.Series:
    """A key of both tables as one column; as text where one is text and the other a number. A blank text is a missing one."""
    if not (_is_number(a) and _is_number(b)):
        a, b = _text(a), _text(b)
    return concatenate([a, b])


def _again(codes: np.ndarray) -> np.ndarray:
    """How many earlier rows have the same code."""
    rows = pd.Series(codes)
    return rows.groupby(codes, sort=False).cumcount().to_numpy() if rows.duplicated().any() else np.zeros(len(codes), dtype=np.int64)


# --- Values -----------------------------------------------------------------------------------------------------------


def _cells(name: str, a: Version, b: Version, match: Match, exact: bool) -> Cells:
    old, new = _matched(a.frame[name], match.a), _matched(b.frame[name], match.b)
    if _is_number(old) and _is_number(new):
        differing = numbers_differ(old.to_numpy(dtype="float64"), new.to_numpy(dtype="float64"), exact)
        has_letters = any(name in version.metadata.special_missing for version in (a, b))
        letters = [_letters(version, name, rows) for version, rows in ((a, match.a), (b, match.b))] if has_letters else []
        differing |= letters[0] != letters[1] if letters else False
    else:
        old, new = _text(old), _text(new)
        letters = []
        differing = (old != new).to_numpy(dtype=bool)
    hit = np.flatnonzero(differing)
    old, new = _text(take(old, hit)), _text(take(new, hit))
    for letter, column in zip(letters, (old, new)):
        special = letter[hit] != ""
        column[special] = "." + letter[hit][special].astype(object)
    return Cells(name, match.a[hit], match.b[hit], old, new)


def numbers_differ(old: np.ndarray, new: np.ndarray, exact: bool = False) -> np.ndarray:
    """Where two columns of numbers differ; missing (NaN) equals missing.

    >>> numbers_differ(np.array([0.3, 1.0, np.nan]), np.array([0.1 + 0.2, 1.001, np.nan])).tolist()
    [False, True, False]
    """
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    if not exact:
        same |= np.abs(old - new) <= TOLERANCE * np.maximum(np.abs(old), np.abs(new))
    return ~same


def _letters(version: Version, name: str, rows: np.ndarray) -> np.ndarray:
    """The letter of a special missing value (.A to .Z, ._) on these rows; "" elsewhere."""
    letters = np.full(len(version.frame), "", dtype="U1")
    special = version.metadata.special_missing.get(name, {})
    letters[list(special.keys())] = list(special.values())
    return letters[rows]


def _matched(column: pd.Series, rows: np.ndarray) -> pd.Series:
    all_rows = len(rows) == len(column) and bool((rows == np.arange(len(column))).all())
    return column if all_rows else take(column, rows)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype)


def _text(column: pd.Series) -> pd.Series:
    return as_text(column).fillna("")


# --- Attributes -------------------------------------------------------------------------------------------------------


def attribute_differences(a: XptMetadata, b: XptMetadata) -> Iterator[Attribute]:
    """What two files say differently of a dataset: its label, variables added, removed, changed or moved."""
    if a.label != b.label:
        yield Attribute("", "label", a.label, b.label)
    old, new = ({variable.name: variable for variable in version.variables} for version in (a, b))
    for name in (name for name in old if name not in new):
        yield Attribute(name, "variable", old[name].label or name, "")
    for name in (name for name in new if name not in old):
        yield Attribute(name, "variable", "", new[name].label or name)
    for name in (name for name in old if name in new):
        for attribute in ATTRIBUTES:
            before, after = str(getattr(old[name], attribute)), str(getattr(new[name], attribute))
            if before != after:
                yield Attribute(name, attribute, before, after)
    yield from _moved([name for name in old if name in new], [name for name in new if name in old])


def _moved(old: list[str], new: list[str]) -> Iterator[Attribute]:
    """The fewest variables (about) that must move to make one order of the other."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    stayed = {name for block in blocks for name in old[block.a : block.a + block.size]}
    for name in (name for name in old if name not in stayed):
        yield Attribute(name, "order", str(old.index(name) + 1), str(new.index(name) + 1))
