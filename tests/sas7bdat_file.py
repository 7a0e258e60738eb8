"""A minimal writer of SAS datasets (.sas7bdat), for tests: no library at hand writes them.

32-bit, little-endian, not compressed, one metadata page and as many data pages as needed. The layout follows what is publicly
known of the format (Shotwell and Yu, "SAS7BDAT Database Binary Format").
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
HEADER, PAGE, PAGE_HEADER, POINTER = 1024, 8192, 24, 12
ROW_SIZE, COLUMN_SIZE, TEXT, NAMES, ATTRIBUTES, FORMAT = 0xF7F7F7F7, 0xF6F6F6F6, 0xFFFFFFFD, 0xFFFFFFFF, 0xFFFFFFFC, 0xFFFFFBFE
ENCODINGS = {"utf-8": 20, "latin-1": 29, "cp1252": 62}


@dataclass(frozen=True)
class Column:
    """A numeric column (`width` 0) holds floats, None, or the codes "A" to "Z" and "_"; a character column holds text or bytes."""

    name: str
    values: list
    width: int = 0
    format: str = ""
    format_width: int = 0
    label: str = ""


def write_sas7bdat(path: Path, columns: list[Column], encoding: str = "utf-8") -> Path:
    rows = list(zip(*([_cell(column, value, encoding) for value in column.values] for column in columns)))
    row_length = sum(column.width or 8 for column in columns)
    per_page = (PAGE - PAGE_HEADER) // row_length
    pages = [_metadata_page(columns, row_length, len(rows), per_page, encoding)]
    for at in range(0, len(rows), per_page):
        data = b"".join(map(b"".join, rows[at : at + per_page]))
        count = len(data) // row_length
        pages.append((_page_header(0x100, count, 0) + data).ljust(PAGE, b"\0"))
    path.write_bytes(_file_header(len(pages), encoding) + b"".join(pages))
    return path


def _cell(column: Column, value: object, encoding: str) -> bytes:
    if column.width:
        data = value if isinstance(value, bytes) else str(value or "").encode(encoding)
        return data.ljust(column.width)
    if value is None:
        return bytes.fromhex("0000000000feffff")
    if isinstance(value, str):
        code = 0xFF if value == "_" else 0xFD - (ord(value) - ord("A"))
        return bytes([0, 0, 0, 0, 0, code, 0xFF, 0xFF])
    return struct.pack("<d", value)


def _file_header(pages: int, encoding: str) -> bytes:
    head = bytearray(HEADER)
    head[0:32] = MAGIC
    head[32], head[35], head[37], head[39], head[70] = 0x22, 0x22, 1, ord("2"), ENCODINGS[encoding]
    head[84:92], head[92:124], head[156:164] = b"SAS FILE", b"RAW".ljust(32), b"DATA    "
    head[196:208] = struct.pack("<III", HEADER, PAGE, pages)
    head[216:224] = b"9.0401M6"
    return bytes(head)


def _page_header(kind: int, blocks: int, subheaders: int) -> bytes:
    return struct.pack("<16xHHHxx", kind, blocks, subheaders)


def _metadata_page(columns: list[Column], row_length: int, rows: int, per_page: int, encoding: str) -> bytes:
    row_size = bytearray(480)
    struct.pack_into("<I16xIII", row_size, 0, ROW_SIZE, row_length, rows, 0)
    struct.pack_into("<I", row_size, 60, per_page)
    texts, references = _texts(columns, encoding)
    parts = [bytes(row_size), struct.pack("<III", COLUMN_SIZE, len(columns), 0), texts]
    parts.append(_sized(NAMES, b"".join(name + b"\0\0" for name, _, _ in references)))
    offsets = [sum(column.width or 8 for column in columns[:at]) for at in range(len(columns))]
    attributes = (struct.pack("<IIHBx", at, column.width or 8, 0x0400, 2 if column.width else 1) for at, column in zip(offsets, columns))
    parts.append(_sized(ATTRIBUTES, b"".join(attributes)))
    for column, (_, format, label) in zip(columns, references):
        parts.append(struct.pack("<I8xH20x6s6s6x", FORMAT, column.format_width, format, label))
    return _page(parts)


def _texts(columns: list[Column], encoding: str) -> tuple[bytes, list[tuple[bytes, bytes, bytes]]]:
    """The text subheader, and for each column the references (index, offset, length) to its name, format and label."""
    blob, references = bytearray(4), []
    for column in columns:
        triple = []
        for text in (column.name, column.format, column.label):
            data = text.encode(encoding)
            triple.append(struct.pack("<HHH", 0, 8 + len(blob), len(data)))
            blob += data.ljust((len(data) + 3) // 4 * 4, b"\0")
        references.append(tuple(triple))
    return _sized(TEXT, bytes(blob)), references


def _sized(signature: int, data: bytes) -> bytes:
    return struct.pack("<IH6x", signature, len(data) + 8) + data + bytes(8)


def _page(parts: list[bytes]) -> bytes:
    page = bytearray(PAGE)
    page[:PAGE_HEADER] = _page_header(0, len(parts), len(parts))
    end = PAGE
    for at, part in enumerate(parts):
        end -= len(part)
        struct.pack_into("<IIBBxx", page, PAGE_HEADER + at * POINTER, end, len(part), 0, 0)
        page[end : end + len(part)] = part
    if end < PAGE_HEADER + (len(parts) + 1) * POINTER:
        raise ValueError("too many columns for the one metadata page of this writer")
    return bytes(page)
