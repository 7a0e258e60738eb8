"""Transport files there and back: any data, real files, metadata; and read by another's reader."""

from __future__ import annotations

import math
import warnings
import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import xport
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtm_convert.xpt import XptMetadata, XptVariable, XptWarning, files, header, list_members, read_xpt, write_xpt

pytestmark = pytest.mark.usefixtures("both_ways")

CREATED = datetime(2024, 1, 1)

names = st.from_regex(r"[A-Z][A-Z0-9_]{0,7}", fullmatch=True)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(lambda text: text.rstrip(" "))
in_range = st.one_of(
    st.just(math.nan),
    st.integers(-(2**53), 2**53).map(float),
    st.floats(min_value=2.0**-260, max_value=2.0**251),
    st.floats(min_value=-(2.0**251), max_value=-(2.0**-260)),
)
formats = st.sampled_from(["", "DATE9.", "8.2", "DATETIME20.", "BEST12.", "E8601DA10."])


@st.composite
def datasets(draw) -> tuple[pd.DataFrame, dict[str, dict]]:
    """A frame and what is declared of it: Char and Num variables in any order, with widths from 1 to 200."""
    rows = draw(st.integers(0, 30))
    data, declared = {}, {}
    for name in draw(st.lists(names, min_size=1, max_size=6, unique=True)):
        label = draw(printable)
        if draw(st.booleans()):
            declared[name] = {"type": "Num", "label": label, "format": draw(formats)}
            data[name] = pd.Series(draw(st.lists(in_range, min_size=rows, max_size=rows)), dtype="float64")
        else:
            width = draw(st.one_of(st.integers(1, 40), st.just(200)))
            texts = [text[:width].rstrip(" ") for text in draw(st.lists(printable, min_size=rows, max_size=rows))]
            declared[name] = {"type": "Char", "label": label, "length": width}
            data[name] = pd.Series(texts, dtype="str")
    data["LAST"] = pd.Series(range(rows), dtype="float64")  # so that no row is blank
    declared["LAST"] = {"type": "Num"}
    return pd.DataFrame(data), declared


def by_pyreadstat(path, encoding: str | None = None) -> tuple[pd.DataFrame, object]:
    """A file as pyreadstat reads it, dates as they are in the file and text as `str`."""
    frame, told = pyreadstat.read_xport(path, encoding=encoding, disable_datetime_conversion=True)
    return frame.astype(dict.fromkeys(frame.select_dtypes(["object", "str"]), "str")), told


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(datasets(), st.integers(1, 40), st.integers(1, 3), printable)
def test_any_dataset_comes_back_the_same_here_and_in_pyreadstat(tmp_path, dataset, chunk_rows, threads, label):
    frame, declared = dataset
    path = tmp_path / "x.xpt"
    write_xpt(frame, path, name="X", label=label, variables=declared, created=CREATED, chunk_rows=chunk_rows, threads=threads)
    back, metadata = read_xpt(path)
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    other, told = by_pyreadstat(path)
    if len(frame):
        pd.testing.assert_frame_equal(other, frame, check_exact=True)
    assert told.column_names == list(frame)
    assert (metadata.label, told.file_label or "", told.table_name) == (label, label, "X")
    for variable in metadata.variables:
        said = {"label": "", "format": "", "length": 8} | declared[variable.name]
        assert (variable.type, variable.label, variable.length, variable.format) == (said["type"], said["label"], said["length"], said["format"])
        assert (told.column_names_to_labels[variable.name] or "") == said["label"]
        assert told.variable_storage_width[variable.name] == said["length"]
        assert (told.original_variable_types[variable.name] or "") == said["format"].rstrip(".")
    copy = tmp_path / "copy"
    copy.mkdir(exist_ok=True)
    write_xpt(back, copy / "x.xpt", metadata=metadata)
    assert (copy / "x.xpt").read_bytes() == path.read_bytes()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(datasets())
def test_any_dataset_is_read_by_xport(tmp_path, dataset):
    """xport 2.0.2, which is plain Python: version 3 needs pandas before 1.4, which no Python of this project can run."""
    frame, declared = dataset
    path = tmp_path / "x.xpt"
    write_xpt(frame, path, name="X", variables=declared, created=CREATED)
    with path.open("rb") as file:
        reader = xport.Reader(file)
        rows = list(reader)
    assert reader.fields == tuple(frame)
    other = {name: [row[place] for row in rows] for place, name in enumerate(reader.fields)}
    for name, column in frame.items():
        assert pd.Series(other[name], dtype=column.dtype).equals(column.reset_index(drop=True)), name


def test_what_xport_writes_is_read(tmp_path):
    columns = {"N": [1.0, -118.625, 0.1, float("nan")], "C": ["a", "", "a longer text", "x y"]}
    with (tmp_path / "x.xpt").open("wb") as file:
        xport.from_columns(columns, file)
    frame, metadata = read_xpt(tmp_path / "x.xpt")
    pd.testing.assert_frame_equal(frame[["N", "C"]], pd.DataFrame(columns), check_exact=True)
    assert metadata.special_missing == {"N": {3: "_"}}  # what xport takes for the missing value


@pytest.fixture(scope="session")
def real_files(shared, tmp_path_factory) -> list[Path]:
    """Every transport file of the reference data, those in zip files too."""
    place = tmp_path_factory.mktemp("unzipped")
    for packed in shared.rglob("*.zip"):
        with zipfile.ZipFile(packed) as held:
            held.extractall(place, [name for name in held.namelist() if name.lower().endswith(".xpt")])
    found = sorted([*shared.rglob("*.xpt"), *place.rglob("*.xpt")])
    assert found
    return found


def read_quietly(path):
    """One real file, ts.xpt, is in Windows-1252, which read_xpt says."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*/ts.xpt: .* is not UTF-8", XptWarning)
        return read_xpt(path)


def test_every_real_file_comes_back_byte_for_byte_headers_included(real_files, tmp_path):
    for path in real_files:
        frame, metadata = read_quietly(path)
        copy = tmp_path / f"{metadata.name}.xpt"
        write_xpt(frame, copy, metadata=metadata)
        assert copy.read_bytes() == path.read_bytes(), path


def test_every_real_file_reads_as_pyreadstat_reads_it(real_files):
    for path in real_files:
        frame, metadata = read_quietly(path)
        other, told = by_pyreadstat(path, "windows-1252" if path.name == "ts.xpt" else None)
        pd.testing.assert_frame_equal(frame, other, check_exact=True)
        assert (metadata.name, metadata.label) == (told.table_name, told.file_label or "")
        assert [variable.label for variable in metadata.variables] == [label or "" for label in told.column_labels]


def test_every_real_file_is_listed_with_its_rows(real_files):
    for path in real_files:
        [member] = list_members(path, encoding="cp1252")
        frame, metadata = read_quietly(path)
        assert (member.rows, member.variables) == (len(frame), metadata.variables)


def test_real_files_written_anew_are_read_by_pyreadstat(real_files, tmp_path):
    for path in real_files:
        frame, metadata = read_quietly(path)
        declared = {v.name: {"type": v.type, "length": v.length, "label": v.label, "format": v.format} for v in metadata.variables}
        new = tmp_path / f"{metadata.name}.xpt"
        write_xpt(frame, new, name=metadata.name, label=metadata.label, variables=declared, encoding="utf-8", created=CREATED)
        other, told = by_pyreadstat(new)
        pd.testing.assert_frame_equal(frame, other, check_exact=True)
        assert [label or "" for label in told.column_labels] == [variable.label for variable in metadata.variables]


def test_all_of_the_metadata_is_written_back(tmp_path):
    metadata = XptMetadata(
        name="AE",
        label="Adverse Events",
        variables=(
            XptVariable("AETERM", "Reported Term", "Char", 33, "$33.", "$CHAR33.", filler=b"ab" + bytes(51) + b"z"),
            XptVariable("AESTDT", "Start Date", "Num", 5, "DATE9.", "YYMMDD10.", justify=1),
        ),
        type="DATA",
        library=header.Stamp("9.4", "X64_10PR", "14APR14:10:07:55", "15APR14:10:07:55"),
        member=header.Stamp("9.3", "LINUX", "16APR14:10:07:55", "17APR14:10:07:55"),
        rows=2,
        special_missing={"AESTDT": {1: "C"}},
    )
    frame = pd.DataFrame({"AETERM": ["Headache", ""], "AESTDT": [19827.0, np.nan]})
    write_xpt(frame, tmp_path / "ae.xpt", metadata=metadata)
    back, read = read_xpt(tmp_path / "ae.xpt")
    pd.testing.assert_frame_equal(back, frame)
    assert read == metadata
    assert (read.created, read.modified) == (datetime(2014, 4, 16, 10, 7, 55), datetime(2014, 4, 17, 10, 7, 55))


def test_what_is_said_anew_takes_the_place_of_the_metadata(tmp_path):
    metadata = XptMetadata("AE", "Old", (XptVariable("N", "Old", "Num"),), member=header.Stamp("9.4", "LINUX", "14APR14:10:07:55", "14APR14:10:07:55"))
    write_xpt(pd.DataFrame({"N": [1.0]}), tmp_path / "ce.xpt", metadata=metadata, name="CE", label="New", created=CREATED)
    _, read = read_xpt(tmp_path / "ce.xpt")
    assert (read.name, read.label, read.created, read.member.os) == ("CE", "New", CREATED, "LINUX")
    assert [(variable.name, variable.label) for variable in read.variables] == [("N", "Old")]


def test_sas_dates_and_moments_are_what_pyreadstat_takes_them_for(tmp_path):
    moments = pd.to_datetime(["2020-02-29 23:59:59", "1959-12-31 12:00:00", "1960-01-01 00:00:00"])
    frame = pd.DataFrame({"D": moments.normalize(), "T": moments})
    write_xpt(frame, tmp_path / "x.xpt", name="X", variables={"D": {"format": "DATE9."}, "T": {"format": "DATETIME20."}}, created=CREATED)
    other, _ = pyreadstat.read_xport(tmp_path / "x.xpt")
    assert other["D"].astype(str).tolist() == ["2020-02-29", "1959-12-31", "1960-01-01"]
    assert pd.to_datetime(other["T"]).tolist() == moments.tolist()


def test_files_beyond_4_gib_are_written_where_they_belong(tmp_path, monkeypatch):
    """Nothing goes to the disk: that every byte has its place is what counts."""
    written = []
    monkeypatch.setattr(files, "_put", lambda descriptor, data, offset: written.append((offset, len(data))))
    part, parts = pd.DataFrame({"C": ["x"] * 1024}), 132
    variables = {"C": {"type": "Char", "length": 32767}}
    write_xpt((part for _ in range(parts)), tmp_path / "x.xpt", name="X", variables=variables, allow={"long text"})
    ends = [offset + length for offset, length in written]
    assert [offset for offset, _ in written] == [0, *ends[:-1]]
    size = 880 + parts * 1024 * 32767
    assert ends[-1] == size + -size % 80 > 2**32


@pytest.mark.parametrize("rows", [0, 1, 9])
def test_a_table_of_numbers_alone_comes_back(tmp_path, rows):
    frame = pd.DataFrame({"A": np.arange(rows, dtype=float), "B": np.full(rows, np.nan)})
    write_xpt(frame, tmp_path / "x.xpt", name="X")
    pd.testing.assert_frame_equal(read_xpt(tmp_path / "x.xpt")[0], frame)
