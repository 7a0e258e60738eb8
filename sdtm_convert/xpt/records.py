"""Where the parts of a transport file (TS-140) lie: its members, their headers, their observations."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from sdtm_convert.errors import InputError, did_you_mean
from sdtm_convert.xpt import header
from sdtm_convert.xpt.decode import TextEncoding
from sdtm_convert.xpt.header import RECORD, SIGNATURE, XptMetadata

BLOCK = 1 << 21  # bytes of observations at a time: few enough for the processor's cache, but ...
FEWEST_ROWS, LARGEST_BLOCK = 1024, 1 << 24  # ... enough rows, where they are long, to keep the work in columns
_MARK = np.frombuffer(header.MEMBER_HEADER[:8], "<u8")[0]
_OTHER_KINDS = (
    (b"HEADER RECORD*******LIBV8", "is a transport file of version 8 or 9; submissions and this reader take version 5. Write it again with SAS's XPORT engine."),
    (b"**COMPRESSED**", "is a CPORT file, not a transport file of the XPORT engine. Write it again with LIBNAME ... XPORT."),
    (b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", "is a SAS dataset (sas7bdat), not a transport file."),
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One dataset of a file: where its observations start, how long one is, where the variables lie in it; and who is told what is odd."""

    path: str
    metadata: XptMetadata
    positions: tuple[int, ...]
    record: int
    start: int
    file_size: int
    tell: Callable[[str], None] = header.warn

    @property
    def most_rows(self) -> int:
        return (self.file_size - self.start) // self.record


def find_member(path: str | os.PathLike, name: str | None, text: TextEncoding) -> Member:
    """The dataset of that name, or the first one."""
    names = []
    for found in members(path, text):
        if name is None or found.metadata.name.upper() == str(name).upper():
            return found
        names.append(found.metadata.name)
    raise InputError(f"{path}: holds no dataset {name!r}, but {', '.join(names)}. {did_you_mean(str(name), names)}".rstrip())


def members(path: str | os.PathLike, text: TextEncoding) -> Iterator[Member]:
    """The datasets of a file. There is no list of them: where the next begins is found by looking through the one before."""
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        library = _library(file, str(path), size)
        offset = 3 * RECORD
        if offset >= size:
            raise InputError(f"{path}: is a transport file without any dataset.")
        while offset < size:
            found = _member(file, str(path), offset, size, library, text)
            yield found
            offset = _end(file, found)


def count_rows(found: Member) -> int:
    """The number of observations of a dataset."""
    with _open(found.path) as file:
        return _rows(file, found, _end(file, found))


def blocks(found: Member, only: bool) -> Iterator[np.ndarray]:
    """The observations as bytes, some whole records at a time; each is good until the next is asked for.

    With `only` a second dataset in the file is an error: which one is meant?
    """
    buffer = np.empty(0, np.uint8)
    with _open(found.path) as file:
        for offset, length in _steps(found):
            if len(buffer) < length:
                buffer = np.empty(length, np.uint8)
            block = _read(file, found.path, offset, buffer[:length])
            end = _next_member(file, found, offset, block)
            if end is None:
                yield block
                continue
            if only and end < found.file_size:
                names = [other.metadata.name for other in members(found.path, TextEncoding(found.path, "latin-1"))]
                raise InputError(f"{found.path}: holds {len(names)} datasets: {', '.join(names)}. Say which one (member=...).")
            rest = _rows(file, found, end) * found.record - (offset - found.start)
            if rest > 0:
                yield block[:rest]
            return


def _open(path: str | os.PathLike) -> BinaryIO:
    try:
        return open(os.path.expanduser(path), "rb", buffering=0)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error


def _read(file: BinaryIO, path: str, offset: int, into: np.ndarray) -> np.ndarray:
    """Fill `into` with the bytes at `offset`."""
    view, done = memoryview(into), 0
    try:
        file.seek(offset)
        while done < len(view):
            got = file.readinto(view[done:])
            if not got:
                raise InputError(f"{path}: ends at byte {offset + done}, in the middle of what should follow; it has been cut off.")
            done += got
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    return into


def _bytes(file: BinaryIO, path: str, offset: int, length: int) -> bytes:
    return _read(file, path, offset, np.empty(length, np.uint8)).tobytes()


# --- Headers ----------------------------------------------------------------------------------------------------------


def _library(file: BinaryIO, path: str, size: int) -> header.Stamp:
    """The stamp of the file, once its first bytes say that it is a transport file of version 5."""
    start = _bytes(file, path, 0, min(size, RECORD))
    if not start:
        raise InputError(f"{path}: is empty, so it is no transport file.")
    for signature, why in _OTHER_KINDS:
        if start.startswith(signature):
            raise InputError(f"{path}: {why}")
    if not start.startswith(header.LIBRARY_HEADER[:SIGNATURE]):
        raise InputError(f"{path}: is no SAS transport file: it begins with {start[:24]!r}.")
    _, created, modified = _records(file, path, 0, 3)
    return header.parse_stamp(created, modified)


def _records(file: BinaryIO, path: str, offset: int, count: int) -> list[bytes]:
    raw = _bytes(file, path, offset, count * RECORD)
    return [raw[start : start + RECORD] for start in range(0, len(raw), RECORD)]


def _member(file: BinaryIO, path: str, offset: int, size: int, library: header.Stamp, text: TextEncoding) -> Member:
    """One dataset's headers, which begin at `offset`."""
    first, descriptor, created, modified, counted = _records(file, path, offset, 5)
    for record, expected in ((first, header.MEMBER_HEADER), (descriptor, header.DESCRIPTOR_HEADER)):
        _expect(record, expected, path, offset)
    _expect(counted, header.NAMESTR_HEADER, path, offset + 4 * RECORD)
    width, count = _number(first[74:78], path, "the size of a variable's description"), _number(counted[54:58], path, "the number of variables")
    if width not in (header.VAX_NAMESTR, header.NAMESTR.size) or not count:
        raise InputError(f"{path}: describes {count} variables in {width} bytes each; no transport file does, it is damaged.")
    offset += 5 * RECORD
    length = -(-count * width // RECORD) * RECORD
    raw = _bytes(file, path, offset, length)
    described = [header.parse_namestr(raw[n * width : (n + 1) * width], path, n + 1) for n in range(count)]
    _expect(_bytes(file, path, offset + length, RECORD), header.OBSERVATION_HEADER, path, offset + length)
    name = header.clean(created[8:16])
    variables = tuple(
        replace(variable, label=text.decode(label, f"label of {name}.{variable.name}")) for variable, label, _ in described
    )  # fmt: skip
    label = text.decode(modified[32:72].rstrip(b" \0"), f"label of {name}")
    stamp = header.parse_stamp(created, modified)
    metadata = XptMetadata(name, label, variables, header.clean(modified[72:80]), library, stamp)
    positions = tuple(position for _, _, position in described)
    return Member(path, metadata, positions, record_length(metadata, positions, path), offset + length + RECORD, size)


def _expect(record: bytes, expected: bytes, path: str, offset: int) -> None:
    if record[:SIGNATURE] != expected[:SIGNATURE]:
        kind = expected[20:28].decode("ascii").strip()
        raise InputError(f"{path}: no {kind} header at byte {offset}, but {record[:24]!r}; the file is damaged.")


def _number(digits: bytes, path: str, what: str) -> int:
    if not digits.isdigit():
        raise InputError(f"{path}: {what} reads {digits!r}; the file is damaged.")
    return int(digits)


def record_length(metadata: XptMetadata, positions: tuple[int, ...], path: str) -> int:
    """The length of an observation, if the variables fill it without gap or overlap and have different names."""
    names = [variable.name.upper() for variable in metadata.variables]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice:
        raise InputError(f"{path}: {metadata.name} has two variables {twice}; the file is damaged.")
    lengths = [variable.length for variable in metadata.variables]
    order = sorted(range(len(positions)), key=positions.__getitem__)
    expected = itertools.accumulate((lengths[number] for number in order), initial=0)
    for number, position in zip(order, expected, strict=False):
        if positions[number] != position:
            why = f"lies at byte {positions[number]} of an observation, not {position} as the lengths say; the file is damaged."
            raise InputError(f"{path}: {metadata.name}.{metadata.variables[number].name} {why}")
    return sum(lengths)


# --- Observations -----------------------------------------------------------------------------------------------------


def _steps(found: Member) -> Iterator[tuple[int, int]]:
    """Offsets and lengths of blocks: whole observations and, as headers begin there, whole records of 80 bytes."""
    unit = math.lcm(found.record, RECORD)
    size = min(max(BLOCK, FEWEST_ROWS * found.record), LARGEST_BLOCK)
    step = max(1, size // unit) * unit
    for offset in range(found.start, found.file_size, step):
        yield offset, min(step, found.file_size - offset)


def _next_member(file: BinaryIO, found: Member, offset: int, block: np.ndarray) -> int | None:
    """Where the dataset ends, if it does so in or right after this block."""
    firsts = np.ndarray(len(block) // RECORD, "<u8", block, 0, (RECORD,))
    for place in [*np.flatnonzero(firsts == _MARK).tolist(), len(firsts)]:
        candidate = offset + place * RECORD
        if candidate + 2 * RECORD > found.file_size:
            continue
        member, descriptor = _records(file, found.path, candidate, 2)
        if member[:SIGNATURE] == header.MEMBER_HEADER[:SIGNATURE] and descriptor[:SIGNATURE] == header.DESCRIPTOR_HEADER[:SIGNATURE]:
            return candidate
    return found.file_size if offset + len(block) == found.file_size else None


def _end(file: BinaryIO, found: Member) -> int:
    buffer = np.empty(0, np.uint8)
    for offset, length in _steps(found):
        if len(buffer) < length:
            buffer = np.empty(length, np.uint8)
        end = _next_member(file, found, offset, _read(file, found.path, offset, buffer[:length]))
        if end is not None:
            return end
    return found.start


def _rows(file: BinaryIO, found: Member, end: int) -> int:
    """The number of observations. What follows the last must be padding to 80 bytes, else the file has been cut off.

    Blank observations at the very end cannot be told from padding and are taken for it; SAS does the same.
    """
    size = end - found.start
    rows, rest = divmod(size, found.record)
    name = f"{found.path}: {found.metadata.name}"
    if rest >= RECORD or _bytes(file, found.path, end - rest, rest).strip(b" \0"):
        raise InputError(f"{name}: ends {rest} bytes into observation {rows + 1} of {found.record} bytes; the file has been cut off.")
    if _bytes(file, found.path, end - rest, rest).strip(b" "):
        found.tell(f"{name}: ends with NUL instead of blanks; a row that begins with zeros may have been cut off.")
    if size % RECORD:
        found.tell(f"{name}: ends without padding to 80 bytes; rows may be missing.")
    last_record = -(-size // RECORD) * RECORD - RECORD
    while rows and (rows - 1) * found.record > last_record:
        if _bytes(file, found.path, found.start + (rows - 1) * found.record, found.record).strip(b" "):
            break
        rows -= 1
    return rows
