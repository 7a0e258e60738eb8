"""Findings that an earlier run had too: what is left is new.

Two findings are the same where rule, dataset, subject, sequence number (else record), variables and values are. Of several that are the
same, as many are known as the earlier run had.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import Fault, InputError, Place, SpecError
from .findings import COLUMNS, findings

SAME = ("rule", "dataset", "usubjid", "variables", "values")


@dataclass(frozen=True, eq=False)
class Compared:
    """`new` and `known` findings of this run, and the number of earlier findings that are `gone`."""

    new: pd.DataFrame
    known: pd.DataFrame
    gone: int


def read_baseline(path: str | Path) -> pd.DataFrame:
    """The findings table in a findings.json. Raises InputError for a file that cannot be read, SpecError for one that is none."""
    path = Path(path)
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: the baseline cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SpecError([Fault(Place(str(path)), "a baseline is UTF-8 text; this file is not.")]) from None
    except (json.JSONDecodeError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise SpecError([Fault(Place(str(path), line), f"not JSON: {error}.", "Name a findings.json of an earlier run.")]) from None
    hint = "Name a findings.json of an earlier run."
    if not isinstance(rows, list):
        raise SpecError([Fault(Place(str(path), 1), "a baseline is a list of findings.", hint)])
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not {"rule", "dataset", "severity"} <= row.keys():
            raise SpecError([Fault(Place(str(path), number + 2), f"entry {number + 1} is no finding: it has no rule, severity and dataset.", hint)])
    try:
        table = findings([{name: row.get(name) for name in COLUMNS} for row in rows])
    except (ValueError, TypeError) as error:
        raise SpecError([Fault(Place(str(path), 1), f"these are no findings: {error}.", hint)]) from None
    about_waivers = table["rule"].fillna("").str.startswith("WAIVER-")  # notices of the day, not of the data
    return table[~about_waivers].reset_index(drop=True)


def compare_findings(found: pd.DataFrame, baseline: pd.DataFrame) -> Compared:
    """Which of the findings a baseline has not.

    >>> earlier = findings([{"rule": "R1", "severity": "error", "dataset": "AE", "record": 4}])
    >>> now = findings([{"rule": "R1", "severity": "error", "dataset": "AE", "record": record} for record in (4, 5)])
    >>> compare_findings(now, earlier).new["record"].tolist()
    [5]
    """
    both = pd.concat([_identity(found), _identity(baseline)], ignore_index=True)
    group = both.groupby(list(both.columns), sort=False, dropna=False).ngroup()
    place = both.groupby(group, sort=False).cumcount()
    own, theirs = slice(None, len(found)), slice(len(found), None)
    counts = group[theirs].value_counts()
    here = group[own].value_counts()
    known = (place[own] < group[own].map(counts).fillna(0)).to_numpy()
    gone = int((counts - here.reindex(counts.index).fillna(0)).clip(lower=0).sum())
    return Compared(found[~known].reset_index(drop=True), found[known].reset_index(drop=True), gone)


def _identity(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that say which finding it is; missing and empty text are the same."""
    texts = {name: table[name].fillna("").astype("str") for name in SAME}
    by_sequence = table["seq"].notna()
    place = table["seq"].where(by_sequence, table["record"]).fillna(-1).astype("int64")
    return pd.DataFrame({**texts, "by_sequence": by_sequence, "place": place})
