"""Archives of datasets -> files in a folder, within limits. What an archive says of its sizes is not believed, it is measured.

Zip archives, and single files compressed with gzip (lb.csv.gz). An archive that would fill the disk is refused whole.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

LARGEST = 32 << 30  # bytes that one archive may hold
HARMLESS = 256 << 20  # bytes that may come out of any archive, however small
MOST_TIMES = 300  # beyond that, how many times as large as itself; transport files that are mostly blank reach about 100
MOST_FILES = 10_000
CHUNK = 1 << 20
NESTED = (".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst")
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


@dataclass(frozen=True)
class File:
    """A file of datasets: where it lies, and what messages call it (package.zip/ae.xpt for a part of an archive)."""

    path: Path
    shown: str


class Refused(Exception):
    """An archive that is not unpacked, and why."""


def is_archive(path: Path, wanted: Callable[[str], bool]) -> bool:
    """Whether this is a zip archive, or a wanted file under gzip; by its name."""
    return path.suffix.lower() == ".zip" or (path.suffix.lower() == ".gz" and wanted(path.stem))


def unpack(path: Path, into: Path, wanted: Callable[[str], bool]) -> tuple[list[File], list[dict]]:
    """The wanted files of an archive, written below `into` (which is made), and findings for what was refused or left out.

    `wanted` is asked with the bare name of each file. Rules of the findings: FILE-UNREADABLE, FILE-IGNORED.
    """
    into.mkdir(parents=True)
    try:
        if path.suffix.lower() == ".gz":
            return [_unpack_gzip(path, into)], []
        with zipfile.ZipFile(path) as archive:
            return _unpack_zip(path, archive, into, wanted)
    except Refused as refused:
        why = str(refused)
    except _DAMAGED as error:
        why = f"the archive cannot be read: {error}."
    shutil.rmtree(into, ignore_errors=True)
    return [], [note("FILE-UNREADABLE", "error", path.name, why)]


def note(rule: str, severity: str, source: str, message: str, dataset: str = "") -> dict:
    """One row of a findings table about a file. Bytes of a file's name that are no text become "?"."""
    row = {"rule": rule, "severity": severity, "dataset": dataset or None, "message": message, "source": source}
    return {name: text and text.encode("utf-8", "replace").decode("utf-8") for name, text in row.items()}


def _unpack_gzip(path: Path, into: Path) -> File:
    with gzip.open(path) as stream:
        _copy(stream, into / path.stem, _room(path))
    return File(into / path.stem, str(path))


def _unpack_zip(path: Path, archive: zipfile.ZipFile, into: Path, wanted: Callable[[str], bool]) -> tuple[list[File], list[dict]]:
    if len(archive.infolist()) > MOST_FILES:
        raise Refused(f"the archive holds {len(archive.infolist()):,} files; at most {MOST_FILES:,} are unpacked.")
    files, notes, room, seen = [], [], _room(path), set()
    for entry in archive.infolist():
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        if entry.is_dir() or "__MACOSX" in name.parts or name.name.startswith("."):
            continue
        shown = f"{path.name}/{name}"
        if why := _refusal(entry, name, seen):
            notes.append(note("FILE-UNREADABLE", "error", shown, why))
        elif wanted(name.name):
            target = into.joinpath(*name.parts)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as stream:
                    room -= _copy(stream, target, room)
                files.append(File(target, shown))
            except _DAMAGED as error:
                target.unlink(missing_ok=True)
                notes.append(note("FILE-UNREADABLE", "error", shown, f"the file in the archive cannot be read: {error}."))
        elif name.suffix.lower() in NESTED:
            notes.append(note("FILE-IGNORED", "warning", shown, "An archive in an archive is not looked into; unpack it."))
    return files, notes


def _refusal(entry: zipfile.ZipInfo, name: PurePosixPath, seen: set[str]) -> str:
    """Why a file of an archive is not unpacked; "" where it is."""
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0] or "\0" in str(name):
        return "Its name leads out of the archive; it is not unpacked."
    if entry.external_attr >> 16 & 0o170000 == 0o120000:
        return "It is a link; links are not followed."
    if entry.flag_bits & 1:
        return "It is encrypted; unpack it with its password first."
    if str(name).casefold() in seen:
        return "The archive holds a file of this name twice; only the first is read."
    seen.add(str(name).casefold())
    return ""


def _room(path: Path) -> int:
    return min(LARGEST, max(HARMLESS, MOST_TIMES * path.stat().st_size))


def _copy(stream: BinaryIO, target: Path, room: int) -> int:
    """Write out a stream; the bytes written. Refused as soon as there are more than `room`."""
    written = 0
    with target.open("wb") as out:
        for chunk in _chunks(stream):
            written += len(chunk)
            if written > room:
                raise Refused("what it unpacks to is out of all proportion to its size; it is not unpacked.")
            out.write(chunk)
    return written


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk
