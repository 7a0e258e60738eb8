"""write_xpt and read_xpt: what is written is read back, by us and by others; real files come back byte for byte."""

from __future__ import annotations

import warnings
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from sdtm_convert.xpt import read_xpt, write_xpt

CREATED = datetime(2024, 1, 1)


def test_a_frame_is_read_back_as_it_was_written(tmp_path):
    frame = pd.DataFrame({"USUBJID": ["S-001", "S-002"], "AGE": [63.0, np.nan]})
    variables = {"USUBJID": {"type": "Char", "length": 20, "label": "Unique Subject Identifier"}, "AGE": {"type": "Num", "label": "Age"}}
    write_xpt(frame, tmp_path / "dm.xpt", name="DM", label="Demographics", variables=variables, created=CREATED)
    back, metadata = read_xpt(tmp_path / "dm.xpt")
    pd.testing.assert_frame_equal(back, frame)
    assert (metadata.name, metadata.label, metadata.created) == ("DM", "Demographics", CREATED)
    assert [(v.name, v.label, v.type, v.length) for v in metadata.variables] == [
        ("USUBJID", "Unique Subject Identifier", "Char", 20),
        ("AGE", "Age", "Num", 8),
    ]


def test_every_real_file_comes_back_byte_for_byte(shared, tmp_path):
    tried = 0
    for path in sorted(shared.rglob("*.xpt")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame, metadata = read_xpt(path)
        copy = tmp_path / f"{metadata.name}.xpt"
        write_xpt(frame, copy, metadata=metadata, encoding=metadata.encoding)
        assert copy.read_bytes() == path.read_bytes(), path
        tried += 1
    assert tried
