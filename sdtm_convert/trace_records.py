"""The records of a package and the raw rows behind them, as far as one trace needs them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from .columns import number_text
from .derive import usubjid_of
from .errors import Fault, InputError, Place, SpecError, did_you_mean
from .output import FOLDERS
from .readers import read_raw
from .xpt import XptMetadata, list_members, read_xpt

FROM_RAW, FROM_DATASET = ("raw_table", "raw_row"), ("from_dataset", "from_record")  # columns of a lineage table
MOST_VALUES = 5  # shown of one name


@dataclass
class Records:
    """Access to a package's datasets, their lineage tables, and the raw tables where their folder is given; each read once.

    `data` is lineage.json, `wanted` the variables of each dataset that will be asked for. Rows and records count from 0 here.
    """

    package: Path
    data: dict
    raw_folder: Path | None
    wanted: dict[str, set[str]]
    notes: list[str] = field(default_factory=list)  # what the reader must know of what was read
    _frames: dict = field(default_factory=dict)
    _origins: dict = field(default_factory=dict)
    _raw: dict = field(default_factory=dict)

    # --- What is read

    def frame(self, dataset: str) -> tuple[pd.DataFrame, XptMetadata] | None:
        """A dataset's wanted variables, with those that identify its records; None where the package has no file of it."""
        if dataset not in self._frames:
            path = next((path for folder in FOLDERS.values() if (path := self.package / folder / f"{dataset.lower()}.xpt").is_file()), None)
            self._frames[dataset] = None if path is None else self._read(path, dataset)
        return self._frames[dataset]

    def _read(self, path: Path, dataset: str) -> tuple[pd.DataFrame, XptMetadata]:
        relative = path.relative_to(self.package).as_posix()
        if self.manifest.get("outputs", {}).get(relative) != _sha256(path):
            self._note(f"note: {path} is not the file that the build wrote; its records may be others")
        held = [variable.name for variable in list_members(path)[0].variables]
        known = {*self.wanted.get(dataset, ()), "USUBJID", "IDVARVAL", "QNAM", "QVAL", self.data["datasets"][dataset].get("topic", "")}
        return read_xpt(path, columns=[name for name in held if name in known or name.endswith("SEQ")])

    def origins(self, dataset: str) -> pd.DataFrame:
        """raw_table, raw_row (and from_dataset, from_record) of every record; numbers from 1, missing where there is none."""
        if dataset not in self._origins:
            path = self.package / "lineage" / f"{dataset.lower()}.parquet"
            if not path.is_file():
                raise InputError(f"{path}: there is no such file. Build the package again: its lineage is written with it.")
            table, frame = pq.read_table(path).to_pandas(), self.frame(dataset)
            if frame is not None and len(table) != len(frame[0]):
                raise InputError(f"{path}: knows {len(table)} records, and {dataset} has {len(frame[0])}. Build the package again.")
            self._origins[dataset] = table
        return self._origins[dataset]

    def raw(self, table: str) -> pd.DataFrame | None:
        """A raw table as text; None where its file is not at hand."""
        if table not in self._raw:
            source = self.data["raw"][table]
            path = self.raw_folder / source["file"] if self.raw_folder else None
            if path is not None and not path.is_file():
                self._note(f"note: there is no {path}; its values are not shown")
            self._raw[table] = read_raw(path, table, **source["options"]).frame if path and path.is_file() else None
            if self._raw[table] is not None and self.manifest.get("inputs", {}).get("raw", {}).get(path.name) != _sha256(path):
                self._note(f"note: {path} is not the file that the package was built from; its rows may be others")
        return self._raw[table]

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    @cached_property
    def manifest(self) -> dict:
        return json.loads((self.package / "manifest.json").read_text(encoding="utf-8"))

    # --- From records to records and rows

    def related(self, dataset: str, rows: np.ndarray | None, table: str, how: str) -> np.ndarray | None:
        """The records of a dataset, or rows of a raw table, that these records use: their own ("record") or those of the same "subject".

        None where that cannot be told.
        """
        if rows is None or self.frame(dataset) is None:
            return None
        if how == "record":
            if table == dataset:
                return rows
            origins, (owner, number) = self.origins(dataset).iloc[rows], FROM_RAW if table in self.data["raw"] else FROM_DATASET
            own = origins[number][origins[owner] == table].dropna() if owner in origins else origins["raw_row"][:0]
            return np.unique(own.to_numpy(dtype=np.int64)) - 1
        frame, _ = self.frame(dataset)
        return self._of_subjects(table, frame["USUBJID"].iloc[rows]) if "USUBJID" in frame else None

    def _of_subjects(self, table: str, subjects: pd.Series) -> np.ndarray | None:
        if table in self.data["raw"]:
            frame, template = self.raw(table), self.data["raw"][table]["usubjid"]
            owners = None if frame is None or not template else usubjid_of(template, frame)
            if frame is None:
                self._note(f"note: rows of {table} are found by subject; name the folder of the raw export with --raw")
        else:
            found = self.frame(table)
            owners = found[0]["USUBJID"] if found is not None and "USUBJID" in found[0] else None
        return None if owners is None else np.flatnonzero(owners.isin(subjects.unique()).to_numpy())

    def steps_that_apply(self, dataset: str, rows: np.ndarray | None, steps: list[dict]) -> list[dict]:
        """Of the steps of a variable those for the tests and the sources of these records."""
        topic, found = self.data["datasets"][dataset].get("topic", ""), self.frame(dataset)
        if rows is None or found is None:
            return steps
        tests = set(found[0][topic].iloc[rows]) if topic and topic in found[0] else set()
        origins = self.origins(dataset).iloc[rows]
        sources = {*origins["raw_table"].dropna(), *(origins["from_dataset"].dropna() if "from_dataset" in origins else ())}
        return [step for step in steps if step["test"] in ("", *(tests if topic else [step["test"]])) and step["source"] in ("", *sources)]

    # --- Words

    def head(self, node: tuple[str, str], row: int) -> Iterator[str]:
        """Which record it is, its value, and the raw row that it comes from."""
        dataset, variable = node
        frame = self.frame(dataset)[0]
        names = ["USUBJID", *([sequence] if (sequence := sequence_variable(dataset, frame)) else []), self.data["datasets"][dataset].get("topic", "")]
        known = [f"{name} {_value(frame[name].iloc[row])}" for name in names if name in frame]
        origin = self.origins(dataset).iloc[row]
        yield f"record    {row + 1:,}{': ' if known else ''}{', '.join(known)}"
        yield f"value     {self.shown(node, np.array([row])).removeprefix('  = ')}"
        if origin.get("from_dataset") and pd.notna(origin.get("from_record")):
            yield f"from      {origin['from_dataset']} record {int(origin['from_record'])}"
        if pd.notna(origin["raw_row"]):
            source = self.data["raw"][origin["raw_table"]]
            yield f"raw row   {origin['raw_table']} row {int(origin['raw_row'])} ({source['file']}, form {source['form']})"

    def shown(self, node: tuple[str, str], rows: np.ndarray | None) -> str:
        """The values of a variable or raw field on these rows, as the tree shows them."""
        table, name = node
        if table in self.data["raw"]:
            return self._shown_raw(table, name, rows)
        entry = self.data["variables"][table][name]
        if entry["kind"] == "working":
            return ""
        if rows is None:
            return "" if self.frame(table) is not None else f"  (the package has no records of {table})"
        values = self._supplemental(table, name, rows) if entry["kind"] == "supplemental" else self._values(table, name, rows)
        where = f"  (record{'s' if len(rows) > 1 else ''} {_numbers(rows)})" if len(rows) != 1 else ""
        return f"  = {', '.join(values)}{where}" if len(rows) else "  = no record"

    def _values(self, dataset: str, name: str, rows: np.ndarray) -> list[str]:
        frame, metadata = self.frame(dataset)
        shown = next((v.format for v in metadata.variables if v.name == name), "")
        return [_value(value, shown) for value in frame[name].iloc[rows[:MOST_VALUES]]]

    def _supplemental(self, dataset: str, name: str, rows: np.ndarray) -> list[str]:
        """The values of a qualifier for these records of its parent."""
        if self.frame(f"SUPP{dataset}") is None:
            return ["missing"] * len(rows[:MOST_VALUES])
        frame, parents = self.frame(f"SUPP{dataset}")[0], self.origins(f"SUPP{dataset}")["from_record"]
        own = (frame["QNAM"] == name).to_numpy()
        by_parent = dict(zip((parents[own] - 1).tolist(), frame["QVAL"][own]))
        return [_value(by_parent.get(row, "")) for row in rows[:MOST_VALUES].tolist()]

    def _shown_raw(self, table: str, name: str, rows: np.ndarray | None) -> str:
        if rows is None:
            return ""
        if not len(rows):
            return "  = no row"
        place, frame = f"row{'s' if len(rows) > 1 else ''} {_numbers(rows)}", self.raw(table)
        if frame is None or name not in frame or rows.max() >= len(frame):
            return f"  {place}"
        return f"  = {', '.join(_value(value) for value in frame[name].iloc[rows[:MOST_VALUES]])}  ({place})"


def chosen_records(records: Records, dataset: str, record: int | None, subject: str | None, seq: int | None) -> np.ndarray:
    """The records (from 0) with this number (from 1), or of this subject and sequence number. Raises SpecError where there are none."""
    found = records.frame(dataset)
    if found is None:
        raise SpecError([Fault(Place(dataset), "the package has no records of this dataset.")])
    frame = found[0]
    if record is not None:
        if not 1 <= record <= len(frame):
            raise SpecError([Fault(Place("--record"), f"{dataset} has the records 1 to {len(frame)}; {record} is none of them.")])
        return np.array([record - 1])
    if "USUBJID" not in frame:
        raise SpecError([Fault(Place("--subject"), f"{dataset} has no subjects.", "Choose with --record.")])
    own = frame["USUBJID"] == subject
    if not own.any():
        raise SpecError([Fault(Place("--subject"), f"{dataset} has no record of '{subject}'.", did_you_mean(subject, frame["USUBJID"].unique()))])
    sequence = sequence_variable(dataset, frame)
    if seq is not None:
        if not sequence:
            raise SpecError([Fault(Place("--seq"), f"{dataset} has no sequence number.", "Choose with --record.")])
        same = frame[sequence] == (str(seq) if frame[sequence].dtype == "str" else seq)
        if not (own & same).any():
            raise SpecError([Fault(Place("--seq"), f"{dataset} has no record of {subject} with {sequence} {seq}.")])
        own &= same
    return np.flatnonzero(own.to_numpy())


def sequence_variable(dataset: str, frame: pd.DataFrame) -> str:
    """--SEQ of a domain, ASEQ or the domain's of an analysis dataset, IDVARVAL of a SUPP--; "" where there is none."""
    wanted = ["IDVARVAL"] if dataset.startswith("SUPP") else [f"{dataset[:2]}SEQ", "ASEQ"]
    return next((name for name in [*wanted, *frame.columns] if name in frame and (name in wanted or name.endswith("SEQ"))), "")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _numbers(rows: np.ndarray) -> str:
    """Row numbers from 1, the first few."""
    more = f" and {len(rows) - MOST_VALUES:,} more" if len(rows) > MOST_VALUES else ""
    return ", ".join(str(row + 1) for row in rows[:MOST_VALUES].tolist()) + more


def _value(value: object, shown: str = "") -> str:
    """A value as text: text in quotes, a SAS date or time with what it means."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if value else "missing"  # control characters must not reach a terminal
    if pd.isna(value):
        return "missing"
    meaning = _moment(float(value), shown.upper())
    return number_text(value) + (f" ({meaning})" if meaning else "")


def _moment(value: float, shown: str) -> str:
    """A SAS date (days since 1960), date-time or time (seconds) in ISO 8601, by its display format; "" for any other number.

    >>> _moment(19558.0, "DATE9.")
    '2013-07-19'
    """
    try:
        if shown.startswith(("DATETIME", "E8601DT")):
            return (datetime(1960, 1, 1) + timedelta(seconds=value)).isoformat()
        if shown.startswith(("DATE", "E8601DA", "YYMMDD")):
            return (date(1960, 1, 1) + timedelta(days=value)).isoformat()
        if shown.startswith(("TIME", "E8601TM")):
            return (datetime(1960, 1, 1) + timedelta(seconds=value)).time().isoformat()
    except OverflowError:
        return ""
    return ""
