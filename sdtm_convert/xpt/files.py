"""A file written aside, at any offset from any thread, and renamed when all is well."""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sdtm_convert.errors import InputError

_one_at_a_time = threading.Lock()


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Callable[[bytes | memoryview, int], None]]:
    """A function that writes bytes at an offset of a new file, which takes the place of `path` at the end.

    After any error, in here or in the caller's block, there is no new file, and an old one is as it was. Raises InputError for
    what the disk or its rights do not allow.
    """
    final = Path(os.path.realpath(os.path.expanduser(path)))
    aside = final.with_name(f".{final.name[:40]}.{secrets.token_hex(4)}.tmp")
    with _told(path):
        old = final.stat() if os.path.lexists(final) else None
        if old and not stat.S_ISREG(old.st_mode):
            raise InputError(f"{path}: is no file that could be replaced.")
        if old and not os.access(final, os.W_OK):
            raise InputError(f"{path}: may not be written; its rights say that it is to stay as it is.")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)

    def put(data: bytes | memoryview, offset: int) -> None:
        with _told(path):
            _put(descriptor, memoryview(data).cast("B"), offset)

    try:
        try:
            yield put
        finally:
            with _told(path):
                os.close(descriptor)
        with _told(path):
            if old:
                os.chmod(aside, stat.S_IMODE(old.st_mode))
            os.replace(aside, final)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def _told(path: str | os.PathLike) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}.") from error


def _put(descriptor: int, data: memoryview, offset: int) -> None:
    while len(data):
        if hasattr(os, "pwrite"):
            written = os.pwrite(descriptor, data, offset)
        else:  # Windows
            with _one_at_a_time:
                os.lseek(descriptor, offset, os.SEEK_SET)
                written = os.write(descriptor, data)
        data, offset = data[written:], offset + written
