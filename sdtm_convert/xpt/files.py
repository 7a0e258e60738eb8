"""Files at the level of bytes: written aside and renamed, written at an offset from any thread."""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdtm_convert.errors import InputError

_one_at_a_time = threading.Lock()


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[int]:
    """The descriptor of a new file that takes the place of `path` at the end; after any error there is only the old one."""
    final = Path(os.path.realpath(path))
    if final.exists() and not final.is_file():
        raise InputError(f"{path}: is no file that could be replaced.")
    aside = final.with_name(f".{final.name}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}.") from error
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        if final.exists():
            os.chmod(aside, stat.S_IMODE(final.stat().st_mode))
        os.replace(aside, final)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}.") from error
    finally:
        aside.unlink(missing_ok=True)


def put(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of `data` at `offset`."""
    data = memoryview(data).cast("B")
    while len(data):
        if hasattr(os, "pwrite"):
            written = os.pwrite(descriptor, data, offset)
        else:  # Windows
            with _one_at_a_time:
                os.lseek(descriptor, offset, os.SEEK_SET)
                written = os.write(descriptor, data)
        data, offset = data[written:], offset + written
