"""Transport files beyond 4 GiB: written to their places and read from them, though the disk holds little of them."""

from __future__ import annotations

import pandas as pd
import pytest

from sdtm_convert.xpt import files, read_xpt, write_xpt

ROWS, PARTS, RECORD = 1024, 132, 32767 + 8
VARIABLES = {"C": {"type": "Char", "length": 8}, "WIDE": {"type": "Char", "length": 32767}}


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A file of 4.4 GB, of which only the beginning and the end are really written: on most disks the rest takes no room, and is read as NUL."""
    real = files._put

    def sparse(descriptor, data, offset):
        if len(data) < 1000 or bytes(data[-RECORD:]).startswith(b"last"):
            real(descriptor, data, offset)

    def parts():
        for number in range(1, PARTS + 1):
            yield pd.DataFrame({"C": ["x"] * (ROWS - 1) + ["last" if number == PARTS else "x"], "WIDE": "y"})

    monkeypatch.setattr(files, "_put", sparse)
    write_xpt(parts(), tmp_path / "x.xpt", name="X", variables=VARIABLES, allow={"long text"}, threads=2)
    return tmp_path / "x.xpt"


def test_the_last_row_is_where_it_belongs(large):
    size = 240 + 5 * 80 + 4 * 80 + 80 + ROWS * PARTS * RECORD  # two descriptions of 140 bytes, padded
    assert large.stat().st_size == size + -size % 80 > 2**32
    rows = 0
    for frame, _ in read_xpt(large, chunksize=20_000, columns=["C"]):
        rows += len(frame)
    assert (rows, frame["C"].iloc[-1]) == (ROWS * PARTS, "last")
