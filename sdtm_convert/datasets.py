"""Files of submitted datasets -> frames and their metadata, for `validate`: files, folders, zip archives.

What a file says of itself (labels, types, lengths) becomes `model.Dataset`, completed by a define.xml in the same folder. To read another
format, write one `Reader` (see dataset_readers.py) and enter it in `SUFFIXES`.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from .archives import File, is_archive, note, unpack
from .dataset_json_read import is_dataset_json
from .dataset_readers import SIDECARS, Known, Read, Reader, listed_datasets, read_json, read_parquet_file, read_table, read_transport
from .described import described_datasets
from .errors import InputError, did_you_mean
from .findings import findings
from .model import Dataset, Standard

SUFFIXES: dict[str, Reader] = {
    ".xpt": read_transport,
    ".csv": read_table,
    ".parquet": read_parquet_file,
    ".json": read_json,
    ".ndjson": read_json,
}
DEFINE = "define.xml"
# What a damaged file can make a reader raise where the reader did not foresee it; each is one finding, and the rest is read.
_DAMAGED = (InputError, ValueError, OverflowError, MemoryError, OSError, pa.ArrowException)


@dataclass(frozen=True, eq=False)
class Datasets:
    """Frames and metadata by dataset name, the file each came from, findings about the files, and the define.xml files that were used."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    metadata: dict[str, Dataset] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    findings: pd.DataFrame = field(default_factory=findings)
    defines: tuple[Path, ...] = ()


def read_datasets(paths: Iterable[str | Path], standard: Standard, encoding: str | None = None, workplace: Path | None = None,
                  progress: Callable[[str], None] = lambda stage: None) -> Datasets:
    """Every dataset in these files, folders and zip archives.

    A file that cannot be read is a finding (FILE-UNREADABLE) and does not stop the rest; one in Windows-1252 is read, and said so
    (FILE-ENCODING). Folders inside a folder are looked into only where it holds no datasets itself; of a package, the part that the
    standard is about is read. Archives are unpacked into `workplace`, an empty folder that must outlast `files`; without it into one that
    is gone when this returns. Of one dataset in several formats in a folder, the transport file is read (FILE-IGNORED). Raises InputError for
    a path that is not there, a folder without datasets, or a dataset that two files hold.
    """
    if workplace is None:
        with TemporaryDirectory(prefix="sdtm-convert.") as place:
            return read_datasets(paths, standard, encoding, Path(place), progress)
    files, notes = _files([Path(path) for path in paths], standard, workplace)
    files.sort(key=_transport_files_first)
    folders = {folder: _known(folder, standard, encoding, notes) for folder in dict.fromkeys(file.path.parent for file in files)}
    frames, metadata, origins = {}, {}, {}
    for number, file in enumerate(files, 1):
        progress(f"read {file.shown} ({number} of {len(files)})")
        for read in _read(file, folders[file.path.parent], notes):
            if other := origins.get(read.name):
                notes.append(_passed_over(file, other, read.name))
                continue
            frames[read.name], origins[read.name] = read.frame, file
            metadata |= {read.name: read.metadata} if read.metadata else {}
            notes += read.notes
    used = tuple(folder / DEFINE for folder, known in folders.items() if known.defined)
    return Datasets(frames, metadata, {name: file.path for name, file in origins.items()}, findings(notes), used)


def _transport_files_first(file: File) -> tuple[Path, int, str]:
    """By folder, format and name: of several formats of a dataset, which `build --format` writes side by side, the transport file counts."""
    return Path(file.shown).parent, list(SUFFIXES).index(file.path.suffix.lower()), file.shown


def _passed_over(file: File, other: File, name: str) -> dict:
    """The note on a dataset that another file of the folder has in another format. Raises InputError where it is no such file."""
    one, first = Path(file.shown), Path(other.shown)
    if one.parent != first.parent or file.path.suffix.lower() == other.path.suffix.lower():
        raise InputError(f"{file.shown}: the dataset {name} is in {other.shown} too; name one of them.")
    return note("FILE-IGNORED", "notice", one.name, f"{first.name} holds {name} too, in another format, and was taken.", name)


def _read(file: File, known: Known, notes: list[dict]) -> list[Read]:
    """The datasets of one file, and into `notes` what is wrong with it."""
    path, name = file.path, file.path.stem.upper()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            found = SUFFIXES[path.suffix.lower()](path, known)
    except _DAMAGED as error:
        why = str(error) if isinstance(error, InputError) else f"{file.shown}: is damaged: {type(error).__name__}: {error}"
        notes.append(note("FILE-UNREADABLE", "error", Path(file.shown).name, why.replace(str(path), file.shown), name))
        return []
    said = dict.fromkeys(str(warning.message).replace(str(path), file.shown) for warning in warned)
    notes += [note("FILE-ENCODING", "warning", Path(file.shown).name, each, name) for each in said]
    return found


def _known(folder: Path, standard: Standard, encoding: str | None, notes: list[dict]) -> Known:
    """What is known of the datasets of a folder: from its define.xml, and from tables that describe CSV files."""
    defined, listed = {}, {}
    try:
        if (folder / DEFINE).is_file():
            defined = described_datasets(folder / DEFINE)
    except InputError as error:
        notes.append(note("FILE-UNREADABLE", "warning", DEFINE, f"{error} What needs it does not run."))
    try:
        listed = listed_datasets(folder)
    except InputError as error:
        notes.append(note("FILE-UNREADABLE", "warning", ", ".join(SIDECARS), str(error)))
    return Known(standard, encoding, defined, listed)


# --- Which files --------------------------------------------------------------------------------------------------------


def _files(paths: list[Path], standard: Standard, workplace: Path) -> tuple[list[File], list[dict]]:
    found: list[File] = []
    notes: list[dict] = []
    for path in _expanded(paths, standard, notes):
        if not is_archive(path, _is_dataset):
            found.append(File(path, str(path)))
            continue
        parts, own = unpack(path, workplace / str(len(list(workplace.iterdir()))), _is_wanted)
        found += [part for part in parts if _is_dataset(part.path.name) and _is_no_other_json(part.path)]
        notes += own
        if not parts and not own:
            notes.append(note("FILE-UNREADABLE", "error", path.name, f"The archive holds no datasets ({', '.join(SUFFIXES)})."))
    return found, notes


def _expanded(paths: list[Path], standard: Standard, notes: list[dict]) -> list[Path]:
    """The paths with each folder replaced by the files of datasets in it; each file once, however often it is named."""
    found: dict[str, Path] = {}
    for path in paths:
        for file in _at(path, standard, notes):
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def _at(path: Path, standard: Standard, notes: list[dict]) -> list[Path]:
    """The files of datasets that a path names: itself, or what is in the folder. Raises InputError for a path that names none."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        near = did_you_mean(path.name, os.listdir(path.parent) if os.access(path.parent, os.R_OK) and path.parent.is_dir() else [])
        raise InputError(f"{path}: there is no such file or folder. {near}".strip()) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if stat.S_ISDIR(mode):
        if not os.access(path, os.R_OK | os.X_OK):
            raise InputError(f"{path}: the folder cannot be read: Permission denied.")
        return _of_package(path, standard) or _of_folder(path, notes)
    if not stat.S_ISREG(mode) or not _is_named_as_dataset(path):
        raise InputError(f"{path}: not a dataset; known are {', '.join(SUFFIXES)}, .zip.")
    return [path]


def _of_package(path: Path, standard: Standard) -> list[Path]:
    """The transport files of a package that a standard is about; an analysis dataset is judged beside the DM that it comes from."""
    if not (path / "manifest.json").is_file():
        return []
    part = "analysis/adam/datasets" if standard.name.upper().startswith("ADAM") else "tabulations/sdtm"
    own = sorted((path / part).glob("*.xpt"))
    return own + [dm for dm in [path / "tabulations/sdtm/dm.xpt"] if own and part.startswith("analysis") and dm.is_file()]


def _of_folder(path: Path, notes: list[dict]) -> list[Path]:
    """The files of datasets in a folder, else in the folders below; not those of lineage, which are about records and hold none. What
    cannot be read is a finding; links to folders are not followed."""

    def unreadable(error: OSError) -> None:
        notes.append(note("FILE-UNREADABLE", "error", Path(error.filename).name, f"{error.filename}: the folder cannot be read: {error.strerror}."))

    own: list[Path] = []
    for folder, _, names in os.walk(path, onerror=unreadable):
        own += _datasets_among([Path(folder) / name for name in sorted(names)], notes) if "lineage.json" not in names else []
        if own and folder == str(path):
            break
    if not own:
        raise InputError(f"{path}: no datasets ({', '.join(SUFFIXES)}, .zip) in this folder.")
    return sorted(own)


def _datasets_among(files: list[Path], notes: list[dict]) -> list[Path]:
    """The files that are datasets by their names, and in JSON by their contents; one that is no file (a broken link, a pipe), or whose name
    is no text, is a finding."""
    named = [file for file in files if _is_named_as_dataset(file) and not file.name.startswith((".", "_"))]
    faults = {file: fault for file in named if (fault := _fault(file))}
    notes += [note("FILE-UNREADABLE", "error", file.name, f"{file}: {fault}", file.stem.upper()) for file, fault in faults.items()]
    return [file for file in named if file not in faults and _is_no_other_json(file)]


def _fault(file: Path) -> str:
    """Why an entry of a folder cannot be read as a file; "" where it can."""
    if not file.is_file():
        return "is no file: a broken link, a pipe or the like."
    try:
        file.name.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is no UTF-8 text; rename it."
    return ""


def _is_named_as_dataset(path: Path) -> bool:
    return _is_dataset(path.name) or is_archive(path, _is_dataset)


def _is_no_other_json(path: Path) -> bool:
    """Whether a file is to be read: not where it is JSON of another kind. One that does not tell is read, so that its fault is told."""
    if SUFFIXES.get(path.suffix.lower()) is not read_json:
        return True
    return is_dataset_json(path) or not os.access(path, os.R_OK) or not path.stat().st_size


def _is_dataset(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES and not name.startswith((".", "_"))


def _is_wanted(name: str) -> bool:
    """Whether a file of an archive is needed: a dataset, or what describes datasets."""
    return _is_dataset(name) or name.lower() in (*SIDECARS, DEFINE)
