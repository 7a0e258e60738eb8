"""Two packages, folders or transport files, compared: datasets, records, values, define.xml, findings, and the inputs behind them."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from lxml import etree

from .compare_tables import DatasetDifference, Version, compare_versions, match_records
from .conform import SUPP_KEYS
from .define.elements import qualified, read_define, short
from .errors import Fault, InputError, Place, SpecError, did_you_mean
from .findings import findings
from .output import FOLDERS
from .xpt import XptMetadata, list_members, read_xpt

FINDING_KEYS = ("rule", "dataset", "usubjid", "variables", "values")
KEYS = {  # of datasets that neither a define.xml nor a sequence number identifies (SDTMIG 3.4, ADaMIG 1.3)
    "DM": ("USUBJID",), "ADSL": ("USUBJID",), "TA": ("ARMCD", "TAETORD"), "TE": ("ETCD",), "TV": ("VISITNUM", "ARMCD"), "TI": ("IETESTCD", "TIVERS"),
    "TD": ("TDORDER",), "TM": ("MIDSTYPE",), "TS": ("TSPARMCD", "TSVAL", "TSVAL1"), "SE": ("USUBJID", "ETCD", "SESTDTC"),
    "SV": ("USUBJID", "VISITNUM"), "SM": ("USUBJID", "MIDS"), "RELREC": ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELID"),
}
BDS_KEYS = ("USUBJID", "PARAMCD", "DTYPE", "AVISITN", "VISITNUM", "ATPTN", "ADTM", "ADT")


@dataclass(frozen=True)
class Change:
    """A thing beside the data that is added, removed or changed: an input, a part of define.xml. `old`, `new`: "" where there is none."""

    kind: str
    name: str
    change: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True)
class Side:
    """One of the two things compared: where its datasets lie and what its files say of them."""

    path: Path
    files: dict[str, Path]
    metadata: dict[str, XptMetadata]
    manifest: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What differs between A and B. `inputs` explain differences and are none themselves: they do not count in `different`."""

    a: Side
    b: Side
    datasets: tuple[DatasetDifference, ...]
    define: tuple[Change, ...]
    new_findings: pd.DataFrame
    gone_findings: pd.DataFrame
    inputs: tuple[Change, ...]

    @property
    def different(self) -> bool:
        return any(d.different for d in self.datasets) or bool(self.define) or bool(len(self.new_findings) or len(self.gone_findings))


def compare(a: str | Path, b: str | Path, *, keys: Iterable[str] = (), exact: bool = False) -> Comparison:
    """Compare two packages, folders of transport files, or single transport files.

    Records are matched by `keys` ("AE=USUBJID,AETERM"), else by the KeySequence of define.xml, else by the keys usual for the dataset;
    a sequence number is used only where the other keys do not identify a record, for it changes when a record is inserted. Numbers
    are equal within a relative difference of 1e-12 unless `exact`. When a file was created, and with what, is no difference.

    Raises InputError for what cannot be read, SpecError for keys that cannot be used.
    """
    sides = read_side(Path(a)), read_side(Path(b))
    names = list(dict.fromkeys([*sides[0].files, *sides[1].files]))
    given = parse_keys(keys, sides)
    found = tuple(_dataset(name, sides, given, exact) for name in names)
    gone, new = _findings(sides)
    return Comparison(*sides, found, tuple(_define(sides)), new, gone, tuple(_inputs(sides)))


# --- What is compared -------------------------------------------------------------------------------------------------


def read_side(path: Path) -> Side:
    """The datasets of a package (its two folders), of a folder of transport files, or of one file. Nothing but headers is read."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder.")
    manifest = _json(path / "manifest.json", dict) if (path / "manifest.json").is_file() else {}
    folders = [path / folder for folder in FOLDERS.values() if (path / folder).is_dir()] or [path]
    paths = [path] if path.is_file() else [file for folder in folders for file in sorted(folder.iterdir()) if file.suffix.lower() == ".xpt"]
    if not paths and not manifest:
        raise InputError(f"{path}: holds neither a package (manifest.json) nor transport files (*.xpt).")
    files, metadata = {}, {}
    for file in paths:
        for member in list_members(file):
            if member.name in files:
                raise InputError(f"{path}: the dataset {member.name} is both in {files[member.name].name} and in {file.name}.")
            files[member.name], metadata[member.name] = file, member
    return Side(path, files, metadata, manifest)


def _json(path: Path, kind: type):
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}.") from None
    if not isinstance(data, kind):
        raise InputError(f"{path}: is not what a build writes.")
    return data


def parse_keys(texts: Iterable[str], sides: Sequence[Side]) -> dict[str, tuple[str, ...]]:
    """"AE=USUBJID,AETERM" as {"AE": ("USUBJID", "AETERM")}. Raises SpecError for another form, and for names that are not in both."""
    keys, faults = {}, []
    for text in texts:
        name, equals, rest = (part.strip() for part in text.upper().partition("="))
        keys[name] = tuple(part.strip() for part in rest.split(",") if part.strip())
        if not equals or not keys[name]:
            faults.append(Fault(Place("--keys"), f"'{text}' is not of the form DATASET=VARIABLE,VARIABLE."))
            continue
        known = [side.metadata[name] for side in sides if name in side.metadata]
        if not known:
            faults.append(Fault(Place("--keys"), f"there is no dataset '{name}'.", did_you_mean(name, [n for side in sides for n in side.files])))
        for metadata in known:
            names = [variable.name for variable in metadata.variables]
            faults += [Fault(Place("--keys"), f"{name} has no variable '{key}'.", did_you_mean(key, names)) for key in keys[name] if key not in names]
    if faults:
        raise SpecError(faults)
    return keys


# --- Datasets ---------------------------------------------------------------------------------------------------------


def _dataset(name: str, sides: Sequence[Side], given: dict[str, tuple[str, ...]], exact: bool) -> DatasetDifference:
    records = [side.metadata[name].rows if name in side.metadata else None for side in sides]
    if None in records or filecmp.cmp(sides[0].files[name], sides[1].files[name], shallow=False):
        return DatasetDifference(name, *records)
    with ThreadPoolExecutor(2) as pool:
        versions = list(pool.map(lambda side: Version(*read_xpt(side.files[name], member=name)), sides))
    candidates = [given[name]] if name in given else list(candidate_keys(name, sides, versions[1].frame))
    return compare_versions(name, *versions, candidates, exact)


def candidate_keys(name: str, sides: Sequence[Side], frame: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Keys by which records may be matched, best first: those of define.xml (B's, then A's), those usual for the dataset."""
    usual = SUPP_KEYS if name.startswith("SUPP") else KEYS.get(name, ())
    described = [define_keys(side.files[name], name) for side in (sides[1], sides[0])]
    for keys in [*described, usual]:
        without = tuple(key for key in keys if not key.endswith("SEQ"))
        if without not in ((), ("STUDYID",), ("USUBJID",), ("STUDYID", "USUBJID")) or keys == without:
            yield without
        yield tuple(keys)
    if "PARAMCD" in frame.columns:
        yield tuple(key for key in BDS_KEYS if key in frame.columns)
    sequence = next((key for key in (f"{name[:2]}SEQ", "ASEQ", *frame.columns) if key in frame.columns and key.endswith("SEQ")), "")
    if "PARAMCD" in frame.columns and sequence:
        yield "USUBJID", "PARAMCD", sequence
    yield ("USUBJID", sequence) if sequence else ("USUBJID",)


def define_keys(file: Path, name: str) -> tuple[str, ...]:
    """The variables with a KeySequence, in its order, that the define.xml beside a transport file gives the dataset; () without one."""
    path = file.parent / "define.xml"
    if not path.is_file():
        return ()
    root = read_define(path)
    names = {item.get("OID"): item.get("Name") for item in root.iter(qualified("odm:ItemDef"))}
    for dataset in root.iter(qualified("odm:ItemGroupDef")):
        if dataset.get("Name") == name:
            refs = [ref for ref in dataset.iterchildren(qualified("odm:ItemRef")) if (ref.get("KeySequence") or "").isdecimal()]
            return tuple(names.get(ref.get("ItemOID")) or "" for ref in sorted(refs, key=lambda ref: int(ref.get("KeySequence"))))
    return ()


# --- What lies beside the datasets ------------------------------------------------------------------------------------


def _findings(sides: Sequence[Side]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(gone, new): findings of only one side, by rule, dataset, subject, variables and values; record numbers may differ."""
    files = [side.path / "reports" / "findings.json" for side in sides]
    if not all(file.is_file() for file in files):
        return findings(), findings()
    a, b = (findings(_json(file, list)) for file in files)
    match = match_records(a, b, FINDING_KEYS)
    return a.iloc[match.removed].reset_index(drop=True), b.iloc[match.added].reset_index(drop=True)


def _define(sides: Sequence[Side]) -> Iterator[Change]:
    """The parts of define.xml (an ItemDef, a CodeList ...) that are only in one, or differ; dates of creation do not count."""
    if not all(side.path.is_dir() for side in sides):
        return
    for part, folder in (*FOLDERS.items(), ("define", Path())):
        a, b = (_define_parts(side.path / folder / "define.xml") for side in sides)
        for tag, oid in dict.fromkeys([*a, *b]):
            old, new = a.get((tag, oid)), b.get((tag, oid))
            if old != new:
                yield Change(part, f"{tag} {oid}".strip(), "added" if old is None else "removed" if new is None else "changed")


def _define_parts(path: Path) -> dict[tuple[str, str], bytes]:
    """The parts of a define.xml by kind and OID, each in canonical form."""
    if not path.is_file():
        return {}
    root = read_define(path)
    version = next(root.iter(qualified("odm:MetaDataVersion")), None)
    parts = [*root.iter(qualified("odm:GlobalVariables")), *(version.iterchildren(etree.Element) if version is not None else ())]
    return {(short(part.tag), part.get("OID") or part.get("ID") or ""): etree.tostring(part, method="c14n", with_comments=False, with_tail=False)
            for part in parts}


def _inputs(sides: Sequence[Side]) -> Iterator[Change]:
    """Raw files, specification files and versions that differ between the manifests of two packages."""
    a, b = (side.manifest for side in sides)
    for kind, label in (("raw", "raw"), ("specification", "specification"), ("versions", "version")):
        old, new = (manifest.get(kind, {}) if kind == "versions" else manifest.get("inputs", {}).get(kind, {}) for manifest in (a, b))
        for name in dict.fromkeys([*old, *new]) if a and b else ():
            if old.get(name) != new.get(name):
                change = "added" if name not in old else "removed" if name not in new else "changed"
                yield Change(label, name, change, old.get(name, ""), new.get(name, ""))
