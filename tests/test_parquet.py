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


CHAR, NUM = {"type": "Char", "length": "8"}, {"type": "Num", "length": "8"}


def described(path, values, said, **more):
    """A file that says what ours say, of columns A, B and so on."""
    fields = [pa.field(name, values.type, metadata=said) for name in more.pop("names", "A")]
    pq.write_table(pa.table([values] * len(fields), schema=pa.schema(fields, metadata={parquet.MARK: b"1"} | more)), path)
    return path


@pytest.mark.parametrize(("said", "values", "message"), [
    ({"type": "Num"}, pa.array([1.0]), "A: the metadata of the column do not say its type and length"),
    ({"type": "Number", "length": "8"}, pa.array([1.0]), "A: the metadata of the column do not say"),
    (CHAR, pa.array([1.0]), "A: the column holds double, though its metadata say Char"),
    (NUM, pa.array(["1"]), "A: the column holds string, though its metadata say Num"),
    (NUM | {"length": "0"}, pa.array([1.0]), "A: length is '0'; it must be a whole number from 1."),
    (NUM | {"length": "٣"}, pa.array([1.0]), "A: length is '٣'; it must be a whole number"),
    (NUM | {"length": "8" * 5000}, pa.array([1.0]), r"A: length is '8+... \(5002 characters\); it must be"),
    (NUM | {"keySequence": "1" * 5000}, pa.array([1.0]), "A: keySequence is '1111"),
    (NUM | {"significantDigits": "x"}, pa.array([1.0]), "A: significantDigits is 'x'; it must be a whole number from 0."),
    (NUM | {"label": b"\xff"}, pa.array([1.0]), "A: the metadata say label in bytes that are not UTF-8"),
    (CHAR, pa.array([b"ok", b"\xff\xfe"]).view(pa.string()), r"A, row 2: b'\\xff\\xfe' is not UTF-8"),
    (CHAR, pa.array([b"ok", b"\xff\xfe"], pa.large_binary()).view(pa.large_string()), r"A, row 2: b'\\xff\\xfe' is not UTF-8"),
    (NUM, pa.array([1.0, None, -np.inf]), "row 3, A: -inf is no number that a dataset can hold"),
])  # fmt: skip
def test_columns_that_contradict_their_metadata_or_hold_what_no_dataset_may_are_refused(tmp_path, said, values, message):
    with pytest.raises(InputError, match=f"x.parquet: {message}"):
        read_parquet(described(tmp_path / "x.parquet", values, said))


def test_columns_and_keys_that_are_there_twice_are_refused(tmp_path):
    with pytest.raises(InputError, match="B: keySequence is 1, as that of A is"):
        read_parquet(described(tmp_path / "x.parquet", pa.array([1.0]), NUM | {"keySequence": "1"}, names="AB"))
    with pytest.raises(InputError, match="x.parquet: is not a readable Parquet file: Multiple matches"):
        read_parquet(described(tmp_path / "x.parquet", pa.array([1.0]), NUM, names="AA"))
    with pytest.raises(InputError, match="x.parquet: the metadata say label in bytes that are not UTF-8"):
        read_parquet(described(tmp_path / "x.parquet", pa.array([1.0]), NUM, label=b"\xff"))


def test_what_others_wrote_in_our_name_is_read_as_from_every_format(tmp_path):
    frame, _ = read_parquet(described(tmp_path / "x.parquet", pa.array(["a  ", None, " b", ""], pa.string_view()), CHAR, theirs=b"\xff"))
    assert frame["A"].tolist() == ["a", "", " b", ""]
    frame, _ = read_parquet(described(tmp_path / "x.parquet", pa.array([-0.0, None, 1.0]), NUM))
    assert str(frame["A"].tolist()) == "[0.0, nan, 1.0]"


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "d.parquet").mkdir()
    write(tmp_path / "d.parquet" / "a.parquet")
    with pytest.raises(InputError, match="d.parquet: is a folder, no Parquet file"):
        read_parquet(tmp_path / "d.parquet")
