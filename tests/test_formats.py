"""The formats beside each other: any dataset comes back the same from each."""

from __future__ import annotations

import math
from datetime import datetime
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtm_convert.errors import InputError
from sdtm_convert.flow import created_of
from sdtm_convert.formats import FORMATS, parse_formats, read_dataset, write_dataset
from sdtm_convert.model import Variable

CREATED = "2024-01-01T00:00:00"

names = st.from_regex(r"[A-Z][A-Z0-9_]{0,6}X", fullmatch=True)  # no name that SAS keeps for itself ends in X
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
in_range = st.one_of(st.just(math.nan), st.integers(-(2**53), 2**53).map(float), st.integers(-200_000, 3_000_000).map(float),
                     st.floats(min_value=2.0**-260, max_value=2.0**251), st.floats(min_value=-(2.0**251), max_value=-(2.0**-260)))  # fmt: skip
formats = st.sampled_from(["", "DATE9.", "8.2", "DATETIME20.", "TIME8.", "E8601DA10."])


@st.composite
def datasets(draw) -> tuple[pd.DataFrame, list[Variable]]:
    """A frame and its variables: Char and Num in any order; texts may end in blanks, or be missing."""
    rows = draw(st.integers(0, 20))
    data, variables = {}, []
    for order, name in enumerate(draw(st.lists(names, min_size=1, max_size=6, unique=True)), 1):
        label, key = draw(printable), draw(st.sampled_from([None, order]))
        if draw(st.booleans()):
            variables.append(Variable(name, label, "Num", draw(st.sampled_from(["integer", "float"])), 8, order, key=key, display_format=draw(formats)))
            data[name] = pd.Series(draw(st.lists(in_range, min_size=rows, max_size=rows)), dtype="float64")
        else:
            variables.append(Variable(name, label, "Char", draw(st.sampled_from(["text", "date"])), 30, order, key=key))
            data[name] = pd.Series(draw(st.lists(st.none() | printable, min_size=rows, max_size=rows)), dtype="str")
    data["LAST"] = pd.Series(range(rows), dtype="float64")  # so that no row is blank
    variables.append(Variable("LAST", "", "Num", "integer", 8, len(variables) + 1))
    return pd.DataFrame(data), variables


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(datasets(), printable)
def test_any_dataset_comes_back_the_same_from_every_format(tmp_path, dataset, label):
    frame, variables = dataset
    label = label.rstrip(" ")
    variables = [Variable(**{**vars(v), "label": v.label.rstrip(" ")}) for v in variables]
    texts = [v.name for v in variables if v.type == "Char"]
    expected = frame.assign(**{name: frame[name].fillna("").str.rstrip(" ") for name in texts})
    for kind in FORMATS:
        path = tmp_path / f"x.{kind}"
        write_dataset(frame, path, name="X", label=label, variables=variables, created=CREATED)
        first = path.read_bytes()
        write_dataset(frame, path, name="X", label=label, variables=variables, created=CREATED)
        assert path.read_bytes() == first
        back, found = read_dataset(path)
        pd.testing.assert_frame_equal(back, expected, check_exact=True)
        assert (found.name, found.label, found.records) == ("X", label, len(frame))
        said = ("name", "label", "type", "length", "display_format")
        assert [[getattr(v, a) for a in said] for v in found.variables] == [[getattr(v, a) for a in said] for v in variables]
        if kind != "xpt":
            assert found.keys == tuple(v.name for v in variables if v.key)


def test_a_frame_alone_tells_types_and_lengths(tmp_path):
    frame = pd.DataFrame({"A": ["x", "yy"], "B": [1, 2], "C": pd.to_datetime(["2020-01-01", None]), "D": pd.Categorical(["u", None])})
    for kind in FORMATS:
        write_dataset(frame, tmp_path / f"x.{kind}", name="X", created=CREATED)
        back, found = read_dataset(tmp_path / f"x.{kind}")
        assert [(v.type, v.length, v.display_format) for v in found.variables] == [("Char", 2, ""), ("Num", 8, ""), ("Num", 8, "DATETIME20."), ("Char", 1, "")]
        assert back["C"].tolist()[0] == 1893456000 and back["D"].tolist() == ["u", ""]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_declared_variable_without_a_column_is_refused(tmp_path, kind):
    with pytest.raises(InputError, match="'B' is declared, but the data have no such column"):
        write_dataset(pd.DataFrame({"A": [1.0]}), tmp_path / f"x.{kind}", name="X", created=CREATED, variables=[Variable("B", "", "Num", "float", 8)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("more", "message"), [
    ({"name": "x"}, "'x' is no dataset name for a submission: capital letters, and a letter first."),
    ({"label": "two\nlines"}, "'two\\nlines' is a label with a control character."),
    ({"variables": [Variable("A", "a\tb", "Num", "float", 8)]}, ".A: 'a\\tb' is a label with a control character."),
    ({"frame": pd.DataFrame({"_A": [1.0]})}, "'_A' is no variable name for a submission: capital letters, and a letter first."),
    ({"frame": pd.DataFrame({"a": [1.0]})}, "'a' is no variable name for a submission"),
])  # fmt: skip
def test_names_and_labels_are_held_to_the_rules_of_submissions_in_every_format(tmp_path, kind, more, message):
    with pytest.raises(InputError) as told:
        write_dataset(**{"frame": pd.DataFrame({"A": [1.0]}), "path": tmp_path / f"x.{kind}", "name": "X", "created": CREATED} | more)
    assert message in str(told.value) and ("allow=" in str(told.value)) == (kind == "xpt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["json", "ndjson", "parquet"])
def test_keys_are_of_the_data_and_each_at_a_place_of_its_own(tmp_path, kind):
    frame, path = pd.DataFrame({"A": ["x"], "B": [1.0]}), tmp_path / f"x.{kind}"
    twice = [Variable("A", "", "Char", "text", 1, key=1), Variable("B", "", "Num", "float", 8, key=1)]
    for more, message in [({"keys": ["ZZ"]}, "X: 'ZZ' is named as a key, but the data have no such column."), ({"keys": ["A", "A"]}, "X: has a key twice: A, A."),
                          ({"variables": twice}, "B: keySequence is 1, as that of A is.")]:
        with pytest.raises(InputError, match=message):
            write_dataset(frame, path, name="X", created=CREATED, **more)
    write_dataset(frame, path, name="X", created=CREATED, keys=["B", "A"])
    assert read_dataset(path)[1].keys == ("B", "A")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_dataset_in_parts_is_written_whole_or_refused(tmp_path, kind):
    path, variables = tmp_path / f"x.{kind}", [Variable("A", "", "Num", "float", 8)]
    for values in ([1.0, 2.0], [1.0], []):
        parts = iter([pd.DataFrame({"A": [value]}) for value in values])
        if kind == "xpt":
            write_dataset(parts, path, name="X", created=CREATED, variables=variables)
            assert read_dataset(path)[0]["A"].tolist() == values
            continue
        with pytest.raises(TypeError, match="tables one by one become a transport file alone"):
            write_dataset(parts, path, name="X", created=CREATED, variables=variables)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("created", ["yesterday", "2025-13-45T99:99:99", "2025-02-30T00:00:00", "2025-01-01", "2025-01-01T24:00:00", "2025-01-01T00:00:00+99:00",
                                     "٢٠٢٥-01-01T00:00:00", None])  # fmt: skip
def test_a_time_of_creation_that_is_none_is_refused_by_every_format(tmp_path, kind, created):
    with pytest.raises(InputError) as told:
        write_dataset(pd.DataFrame({"A": [1.0]}), tmp_path / f"x.{kind}", name="X", created=created)
    assert str(told.value) == (f"{tmp_path / f'x.{kind}'}: the time of creation is {created!r}; it must be an ISO 8601 datetime such as 2025-03-28T12:00:00.")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("created", ["2024-02-29T23:59:59", "2025-01-01T00:00:00.123456+05:30", "2025-01-01T00:00:00Z", datetime(2025, 1, 1)])
def test_a_time_of_creation_may_have_a_fraction_and_a_zone(tmp_path, kind, created):
    write_dataset(pd.DataFrame({"A": [1.0]}), tmp_path / f"x.{kind}", name="X", created=created)
    assert read_dataset(tmp_path / f"x.{kind}")[1].records == 1


@pytest.mark.parametrize("epoch", ["abc", "nan", "inf", "99999999999999", "1e9", "-1", " "])
def test_a_source_date_epoch_that_is_no_whole_number_of_seconds_is_refused_before_a_package_is_made(monkeypatch, epoch):
    study = SimpleNamespace(created="", raw={}, files=[], raw_folder=None)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(InputError, match=f"SOURCE_DATE_EPOCH='{epoch}': is no whole number of seconds since 1970."):
        created_of(study)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    assert created_of(study) == "2020-09-13T12:26:40"


def test_formats_are_named_with_commas_and_known():
    assert parse_formats("xpt, NDJSON,xpt,") == ("xpt", "ndjson")
    for text, message in [("xpt,jsn", "'jsn' is not known. Did you mean 'json'"), (" , ", "no format is named")]:
        with pytest.raises(InputError, match=message):
            parse_formats(text)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match="known by the ending"):
        read_dataset(tmp_path / "x.csv")
    with pytest.raises(InputError, match="known by the ending"):
        write_dataset(pd.DataFrame({"A": [1.0]}), tmp_path / "x.txt", name="X", created=CREATED)
