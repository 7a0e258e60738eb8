"""Parquet: what is written beside the data, read by pyarrow itself and by ours; what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from define_examples import char, num

from sdtm_convert import parquet
from sdtm_convert.errors import InputError
from sdtm_convert.parquet import describes_dataset, read_parquet, write_parquet

FRAME = pd.DataFrame({"AETERM": ["Übelkeit  ", None, ""], "AVAL": [0.1, np.nan, 1e300], "ADT": [0.0, 23000.0, np.nan]})
VARIABLES = (char("AETERM", "Reported Term", 40), num("AVAL", "Analysis Value", "float", significant_digits=1),
             num("ADT", "Analysis Date", display_format="DATE9."))  # fmt: skip


def write(path, frame=FRAME, **more):
    write_parquet(frame, path, **{"name": "ADAE", "label": "Adverse Events", "variables": VARIABLES, "created": "2025-03-28T12:00:00"} | more)
    return path


def test_pyarrow_finds_the_data_and_what_is_said_of_them(tmp_path):
    table = pq.read_table(write(tmp_path / "adae.parquet", keys=["ADT"]))
    assert table.to_pydict() == {"AETERM": ["Übelkeit", None, None], "AVAL": [0.1, None, 1e300], "ADT": [0.0, 23000.0, None]}
    said = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert said == {"sdtm-convert": "1", "name": "ADAE", "label": "Adverse Events", "created": "2025-03-28T12:00:00"}
    column = {key.decode(): value.decode() for key, value in table.schema.field("ADT").metadata.items() if key != b"PARQUET:field_id"}
    assert column == {"label": "Analysis Date", "type": "Num", "dataType": "integer", "length": "8", "displayFormat": "DATE9.", "keySequence": "1"}


def test_data_and_metadata_come_back_from_any_number_of_row_groups(tmp_path, monkeypatch):
    whole, _ = read_parquet(write(tmp_path / "adae.parquet", keys=["ADT", "AETERM"]))
    monkeypatch.setattr(parquet, "GROUP_ROWS", 2)
    frame, dataset = read_parquet(write(tmp_path / "adae.parquet", keys=["ADT", "AETERM"]))
    assert pq.ParquetFile(tmp_path / "adae.parquet").num_row_groups == 2
    pd.testing.assert_frame_equal(frame, whole)
    pd.testing.assert_frame_equal(frame, FRAME.assign(AETERM=pd.Series(["Übelkeit", "", ""], dtype="str")))
    said = ("name", "label", "type", "data_type", "length", "display_format", "significant_digits")
    assert [[getattr(v, a) for a in said] for v in dataset.variables] == [[getattr(v, a) for a in said] for v in VARIABLES]
    assert (dataset.name, dataset.label, dataset.keys, dataset.records) == ("ADAE", "Adverse Events", ("ADT", "AETERM"), 3)


def test_the_same_input_gives_the_same_bytes(tmp_path):
    assert write(tmp_path / "a.parquet").read_bytes() == write(tmp_path / "b.parquet").read_bytes()


def test_after_an_error_an_old_file_is_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1)
    path = tmp_path / "adae.parquet"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match="ADAE.AVAL, row 3: inf"):
        write(path, FRAME.assign(AVAL=[1, 2, np.inf]))
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_a_file_that_does_not_describe_itself_is_refused(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 nothing")
    assert not describes_dataset(path)
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read_parquet(path)
    FRAME.to_parquet(path)
    assert not describes_dataset(path)
    with pytest.raises(InputError, match="was not written by sdtm-convert"):
        read_parquet(path)
    assert describes_dataset(write(path))


@pytest.mark.parametrize(("said", "values", "message"), [
    ({"type": "Num"}, [1.0], "A: the metadata of the column do not say its type and length"),
    ({"type": "Number", "length": "8"}, [1.0], "A: the metadata of the column do not say"),
    ({"type": "Char", "length": "8"}, [1.0], "A: the column holds double, though its metadata say Char"),
    ({"type": "Num", "length": "8"}, ["1"], "A: the column holds string, though its metadata say Num"),
])  # fmt: skip
def test_columns_that_contradict_their_metadata_are_refused(tmp_path, said, values, message):
    array = pa.array(values)
    schema = pa.schema([pa.field("A", array.type, metadata=said)], metadata={parquet.MARK: b"1"})
    pq.write_table(pa.table([array], schema=schema), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=message):
        read_parquet(tmp_path / "x.parquet")
