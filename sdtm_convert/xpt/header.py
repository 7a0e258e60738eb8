"""The header records of a transport file (TS-140): what they say, as frozen types, to and from bytes."""

from __future__ import annotations

import itertools
import re
import struct
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sdtm_convert.errors import InputError

RECORD = 80
NAMESTR = struct.Struct(">hhhh8s40s8shhh2s8shhi52s")
VAX_NAMESTR = 136  # VAX/VMS left out the last four filler bytes
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FORMAT = re.compile(r"(\$?(?:[A-Za-z_](?:\w*[A-Za-z_])?)?)(\d{0,5})(?:\.(\d{0,5}))?", re.ASCII)
_ODD_FORMAT = re.compile(r"(.{1,8}) (\d{1,5})\.(\d{1,5})", re.DOTALL)


class XptWarning(UserWarning):
    """A transport file was read or written, but a person should know something about it."""


def warn(text: str) -> None:
    """An XptWarning at the line that called the codec."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__package__") == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, XptWarning, stacklevel=level)


@dataclass(frozen=True)
class XptVariable:
    """One variable as a transport file describes it. `type` is Char or Num, `length` counts bytes, formats look like DATE9."""

    name: str
    label: str = ""
    type: str = "Char"
    length: int = 8
    format: str = ""
    informat: str = ""
    justify: int = 0  # 0 left, 1 right
    filler: bytes = b""  # what the file holds where TS-140 says nothing; kept so that a file can be written back as it was


@dataclass(frozen=True)
class Stamp:
    """SAS version, operating system and the two timestamps (ddMMMyy:hh:mm:ss), all as text in the file."""

    version: str = "6.06"  # the values of TS-140's own example; no reader looks at them
    os: str = "bsd4.2"
    created: str | None = None  # None: the time of writing
    modified: str | None = None


@dataclass(frozen=True)
class XptMetadata:
    """What a transport file says about one of its datasets (members), beside the data.

    `special_missing` holds, by variable, the letters A to Z or _ of special missing values by 0-based row; in the frame they
    are NaN. `rows` counts the rows that came with this metadata; `encoding` is the one that the text was decoded with.
    """

    name: str
    label: str = ""
    variables: tuple[XptVariable, ...] = ()
    type: str = ""
    library: Stamp = Stamp()
    member: Stamp = Stamp()
    rows: int = 0
    encoding: str = "ascii"
    special_missing: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    @property
    def created(self) -> datetime | None:
        """When the dataset was created; None where the file does not say it in TS-140's form."""
        return parse_timestamp(self.member.created or "")

    @property
    def modified(self) -> datetime | None:
        """When the dataset was last modified; None where the file does not say it in TS-140's form."""
        return parse_timestamp(self.member.modified or "")


def format_timestamp(moment: datetime) -> str:
    """A moment in the 16 bytes of a header.

    >>> format_timestamp(datetime(2024, 1, 1))
    '01JAN24:00:00:00'
    """
    return f"{moment:%d}{MONTHS[moment.month - 1]}{moment:%y:%H:%M:%S}"


def parse_timestamp(text: str) -> datetime | None:
    """The moment that a header names; a two-digit year before 60 is of this century, as SAS came in the 1960s.

    >>> parse_timestamp("14Apr14:10:07:55")
    datetime.datetime(2014, 4, 14, 10, 7, 55)
    """
    parts = re.fullmatch(r"(\d\d)([A-Za-z]{3})(\d\d):(\d\d):(\d\d):(\d\d)", text.strip(), re.ASCII)
    if not parts or parts[2].upper() not in MONTHS:
        return None
    day, year, hour, minute, second = (int(parts[n]) for n in (1, 3, 4, 5, 6))
    try:
        return datetime(year + (2000 if year < 60 else 1900), MONTHS.index(parts[2].upper()) + 1, day, hour, minute, second)
    except ValueError:
        return None


def parse_format(text: str) -> tuple[str, int, int] | None:
    """Name, width and decimals of a SAS format or informat; None where the text is none or its name has over 8 characters.

    >>> parse_format("DATE9."), parse_format("8.2"), parse_format("$20."), parse_format("E8601DA10.")
    (('DATE', 9, 0), ('', 8, 2), ('$', 20, 0), ('E8601DA', 10, 0))
    """
    odd = _ODD_FORMAT.fullmatch(text)
    parts = odd or _FORMAT.fullmatch(text)
    if not parts or len(parts[1]) > 8:
        return None
    width, decimals = int(parts[2] or 0), int(parts[3] or 0)
    return (parts[1] if odd else parts[1].upper(), width, decimals) if max(width, decimals) < 2**15 else None


def show_format(name: str, width: int, decimals: int) -> str:
    """The usual text of a format; empty where there is none. Names that SAS's own cannot have, as those that end in a digit or
    are not in capital letters, stand apart from width and decimals, so that they can be written back as they are.

    >>> show_format("DATE", 9, 0), show_format("", 8, 2), show_format("", 0, 0), show_format("MYFMT1", 0, 0)
    ('DATE9.', '8.2', '', 'MYFMT1 0.0')
    """
    if not name and not width and not decimals:
        return ""
    usual = f"{name}{width or ''}.{decimals or ''}"
    return usual if parse_format(usual) == (name, width, decimals) else f"{name} {width}.{decimals}"


def _record(kind: str, digits: str = "0" * 30) -> bytes:
    return f"HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{digits}  ".encode("ascii")


LIBRARY_HEADER = _record("LIBRARY")
MEMBER_HEADER = _record("MEMBER", "000000000000000001600000000140")
DESCRIPTOR_HEADER = _record("DSCRPTR")
NAMESTR_HEADER = _record("NAMESTR")
OBSERVATION_HEADER = _record("OBS")
SIGNATURE = 48  # this much of a header record tells its kind; digits follow


def _field(text: str, width: int) -> bytes:
    try:
        raw = text.encode("latin-1").ljust(width)
    except UnicodeEncodeError:
        raise ValueError(f"{text!r} has characters that the header of a transport file cannot hold.") from None
    if len(raw) > width:
        raise ValueError(f"{text!r} has more than the {width} bytes that the header of a transport file holds.")
    return raw


def pack_library(stamp: Stamp) -> bytes:
    """The three records that open a file."""
    first = b"SAS     SAS     SASLIB  " + _field(stamp.version, 8) + _field(stamp.os, 8) + b" " * 24 + _field(stamp.created, 16)
    return LIBRARY_HEADER + first + _field(stamp.modified, RECORD)


def pack_member(metadata: XptMetadata, encoding: str) -> bytes:
    """All that precedes the observations of one dataset. Everything in `metadata` has been checked to fit."""
    stamp = metadata.member
    first = b"SAS     " + _field(metadata.name, 8) + b"SASDATA " + _field(stamp.version, 8) + _field(stamp.os, 8)
    first += b" " * 24 + _field(stamp.created, 16)
    second = _field(stamp.modified, 32) + metadata.label.encode(encoding).ljust(40) + _field(metadata.type, 8)
    counted = _record("NAMESTR", f"000000{len(metadata.variables):04d}{'0' * 20}")
    ends = itertools.accumulate(variable.length for variable in metadata.variables)
    positions = itertools.chain([0], ends)
    described = zip(itertools.count(1), metadata.variables, positions, strict=False)
    namestrs = b"".join(_pack_namestr(variable, number, position, encoding) for number, variable, position in described)
    namestrs += b" " * (-len(namestrs) % RECORD)
    return MEMBER_HEADER + DESCRIPTOR_HEADER + first + second + counted + namestrs + OBSERVATION_HEADER


def _pack_namestr(variable: XptVariable, number: int, position: int, encoding: str) -> bytes:
    shown, read = parse_format(variable.format), parse_format(variable.informat)
    filler = variable.filler.ljust(54, b"\0")
    return NAMESTR.pack(
        1 if variable.type == "Num" else 2, 0, variable.length, number,
        _field(variable.name, 8), variable.label.encode(encoding).ljust(40),
        _field(shown[0], 8), shown[1], shown[2], variable.justify, filler[:2],
        _field(read[0], 8), read[1], read[2], position, filler[2:],
    )  # fmt: skip


def clean(raw: bytes) -> str:
    """Header text without its padding, which some writers make of NUL."""
    return raw.decode("latin-1").rstrip(" \0")


def parse_stamp(created: bytes, modified: bytes) -> Stamp:
    """The stamp of a library or a member from its two records: both have it in the same place."""
    return Stamp(clean(created[24:32]), clean(created[32:40]), clean(created[64:80]), clean(modified[:16]))


def parse_namestr(raw: bytes, path: object, number: int) -> tuple[XptVariable, bytes, int]:
    """One variable, its label as bytes (its encoding is another question) and its position in the record."""
    kind, _, length, _, name, label, shown, width, decimals, justify, fill, read, iwidth, idecimals, position, rest = NAMESTR.unpack(
        raw.ljust(NAMESTR.size, b"\0")
    )
    if kind not in (1, 2) or length < 1 or (kind == 1 and not 2 <= length <= 8):
        raise InputError(
            f"{path}: variable {number} is described as type {kind} with length {length}, which no transport file can hold; "
            "the file is damaged."
        )
    name, formats = clean(name), show_format(clean(shown), width, decimals)
    if not name or not name.isascii() or not name.isprintable():
        raise InputError(f"{path}: variable {number} is named {name!r}; the file is damaged.")
    if min(width, decimals, iwidth, idecimals) < 0:
        raise InputError(f"{path}: {name} has a format or informat of less than no width; the file is damaged.")
    informat = show_format(clean(read), iwidth, idecimals)
    variable = XptVariable(name, "", "Num" if kind == 1 else "Char", length, formats, informat, justify, (fill + rest).rstrip(b"\0"))
    return variable, label.rstrip(b" \0"), position
