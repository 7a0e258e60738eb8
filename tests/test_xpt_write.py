"""Writing transport files: the exact bytes of each rule of TS-140, and a refusal of whatever would be altered or lost."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sdtm_convert.errors import InputError
from sdtm_convert.model import Variable
from sdtm_convert.xpt import XptMetadata, XptVariable, XptWarning, files, list_members, read_xpt, write_members, write_xpt
from sdtm_convert.xpt import write as xpt_write
from sdtm_convert.xpt.moments import nearest_seconds

pytestmark = pytest.mark.usefixtures("both_ways")

CREATED = datetime(2024, 1, 1)
MISSING = "2E 00 00 00 00 00 00 00"


@pytest.fixture
def write(tmp_path):
    """Write a frame as dataset X; return the bytes of the file."""

    def write(frame, variables=None, **options) -> bytes:
        if not isinstance(frame, pd.DataFrame):
            frame = pd.DataFrame(frame)
        options = {"name": "X", "created": CREATED} | options
        write_xpt(frame, tmp_path / "x.xpt", variables=variables, **options)
        return (tmp_path / "x.xpt").read_bytes()

    return write


def observations(file: bytes) -> bytes:
    """What follows the header of the observations, padding included."""
    count = int(file[560 + 54 : 560 + 58])
    return file[640 + -(-140 * count // 80) * 80 + 80 :]


def numbers(file: bytes) -> list[str]:
    """The observations of a file with one Num variable of length 8, without padding."""
    data = observations(file)
    eights = [data[start : start + 8].hex(" ").upper() for start in range(0, len(data), 8)]
    return [eight for eight in eights if eight != "20 20 20 20 20 20 20 20"]


def namestr(file: bytes, number: int = 0) -> bytes:
    return file[640 + 140 * number : 640 + 140 * (number + 1)]


def refusal(write, *arguments, **options) -> str:
    """The message of the refusal, without the folder; the options it names must let the data pass."""
    with pytest.raises(InputError) as caught:
        write(*arguments, **options)
    message = str(caught.value)
    return message[message.index("x.xpt") :]


char = lambda length, **more: {"type": "Char", "length": length, **more}  # noqa: E731
num = lambda length=8, **more: {"type": "Num", "length": length, **more}  # noqa: E731


# --- Numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, -1, None], dtype="float64"),
        pd.Series([1, -1, None], dtype="float32"),
        pd.Series([1, -1, None], dtype="Int64"),
        pd.Series([1, -1, None], dtype="Float64"),
        pd.Series([1, -1, None], dtype=pd.ArrowDtype(pa.int32())),
        pd.Series([1, -1.0, None], dtype=object),
        pd.Series([1, -1, pd.NA], dtype=object),
        pd.Series([1, -1, None], dtype="category"),
    ],
    ids=lambda series: str(series.dtype),
)
def test_numbers_of_any_dtype_have_the_same_bytes(write, values):
    assert numbers(write({"N": values}, {"N": num()})) == ["41 10 00 00 00 00 00 00", "C1 10 00 00 00 00 00 00", MISSING]


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16", "bool", "boolean"])
def test_whole_numbers_and_truth_values_are_numbers(write, dtype):
    assert numbers(write({"N": pd.Series([0, 1], dtype=dtype)}, {"N": num()})) == ["00 00 00 00 00 00 00 00", "41 10 00 00 00 00 00 00"]


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, pd.NaT])
def test_every_kind_of_missing_number_is_a_point(write, missing):
    assert numbers(write({"N": pd.Series([missing], dtype=object)}, {"N": num()})) == [MISSING]


def test_missing_in_arrow_is_a_point_be_it_null_or_nan(write, tmp_path):
    table = pa.table({"N": pa.array([1.0, None, np.nan])})
    write_xpt(table, tmp_path / "x.xpt", name="X", variables={"N": num()}, created=CREATED)
    assert numbers((tmp_path / "x.xpt").read_bytes()) == ["41 10 00 00 00 00 00 00", MISSING, MISSING]


def test_a_numeric_variable_without_values_stays_numeric_whatever_its_dtype(write):
    for dtype in ("float64", "object", "str", "datetime64[ns]"):
        assert numbers(write({"N": pd.Series([None, None], dtype=dtype)}, {"N": num()})) == [MISSING, MISSING]


def test_special_missing_values_are_their_letter(write):
    file = write({"N": [np.nan, np.nan, np.nan, np.nan, 1.0]}, {"N": num()}, special_missing={"N": {0: "A", 1: "Z", 2: "_"}})
    assert numbers(file) == ["41" + " 00" * 7, "5A" + " 00" * 7, "5F" + " 00" * 7, MISSING, "41 10 00 00 00 00 00 00"]


@pytest.mark.parametrize(
    ("special_missing", "message"),
    [
        ({"N": {1: "a"}}, "x.xpt: X.N, row 2: 'a' is no special missing value; give A to Z or _."),
        ({"N": {1: "."}}, "x.xpt: X.N, row 2: '.' is no special missing value; give A to Z or _."),
        ({"N": {0: "A"}}, "x.xpt: X.N, row 1: has a number where a special missing value is to be."),
        ({"N": {2: "A"}}, "x.xpt: X.N: special missing values lie outside the 2 rows."),
        ({"N": {-1: "A"}}, "x.xpt: X.N: special missing values lie outside the 2 rows."),
        ({"N": {0.9: "A"}}, "x.xpt: X.N: 0.9 is no row that could have a special missing value; give its 0-based number."),
        ({"N": {"1": "A"}}, "x.xpt: X.N: '1' is no row that could have a special missing value; give its 0-based number."),
        ({"N": {10**30: "A"}}, f"x.xpt: X.N: {10**30} is no row that could have a special missing value; give its 0-based number."),
        ({"N": ["A"]}, "x.xpt: X.N: ['A'] are no special missing values; give letters by 0-based row."),
        (["N"], "x.xpt: X: ['N'] are no special missing values; give, by variable, letters by 0-based row."),
        ({"C": {0: "A"}}, "x.xpt: X: 'C' is no numeric variable of this dataset, yet has special missing values."),
    ],
)
def test_special_missing_values_must_be_letters_at_missing_numbers(write, special_missing, message):
    frame = {"N": [1.0, np.nan], "C": ["", "a"]}
    assert refusal(write, frame, {"N": num(), "C": char(1)}, special_missing=special_missing) == message


def test_numbers_too_small_for_the_format_are_refused_or_zero(write):
    small = [2.0**-260, np.nextafter(2.0**-260, 0), 5e-324]
    assert refusal(write, {"N": small}, {"N": num()}) == (
        "x.xpt: X.N, row 2: 5.397605346934027e-79 is closer to zero than a transport file can tell (2**-260). "
        "Pass allow={'underflow'} to write it all the same."
    )
    file = write({"N": small}, {"N": num()}, allow={"underflow"})
    assert numbers(file) == ["00 10 00 00 00 00 00 00", "00 00 00 00 00 00 00 00", "00 00 00 00 00 00 00 00"]


@pytest.mark.parametrize("value", [2.0**252, -(2.0**252), np.inf, -np.inf, 1e300])
def test_numbers_too_large_for_the_format_are_refused(write, value):
    message = f"x.xpt: X.N, row 2: {value!r} is beyond what a transport file holds (below 2**252 in size)."
    assert refusal(write, {"N": [1.0, value]}, {"N": num()}) == message


@pytest.mark.parametrize("kind", ["int64", "Int64", "uint64", "object", "int64[pyarrow]"])
def test_whole_numbers_among_categories_that_would_be_rounded_are_refused(write, kind):
    values = pd.Categorical.from_codes([0, -1, 1], pd.Index([2**53, 2**53 + 1], dtype=kind))
    assert "X.N, row 3: 9007199254740993 is a whole number beyond 2**53 that would be rounded." in refusal(write, {"N": values}, {"N": num()})
    assert numbers(write({"N": values[:2]}, {"N": num()})) == ["4E 20 00 00 00 00 00 00", MISSING]


@pytest.mark.parametrize("dtype", ["int64", "Int64", "uint64", "object"])
def test_whole_numbers_that_would_be_rounded_are_refused(write, dtype):
    values = pd.Series([2**53, 2**53 + 1, 2**53 + 2], dtype=dtype)
    assert numbers(write({"N": values.iloc[[0, 2]]}, {"N": num()})) == ["4E 20 00 00 00 00 00 00", "4E 20 00 00 00 00 00 02"]
    assert refusal(write, {"N": values}, {"N": num()}) == (
        "x.xpt: X.N, row 2: 9007199254740993 is a whole number beyond 2**53 that would be rounded. "
        "Pass allow={'rounding'} to write it all the same."
    )
    assert numbers(write({"N": values}, {"N": num()}, allow="rounding"))[1] == "4E 20 00 00 00 00 00 00"


def test_numbers_of_length_3_to_7_are_cut_with_a_warning(write):
    with pytest.warns(XptWarning, match=r"x\.xpt: X: numbers were cut to the declared length of N\.$"):
        file = write({"N": [0.1, 1.0, np.nan]}, {"N": num(3)})
    assert observations(file)[:9].hex(" ").upper() == "40 19 99 41 10 00 2E 00 00"
    whole = [numbers(write({"N": [value]}))[0].replace(" ", "") for value in (0.1, -1 / 3, 1e9 / 7, 2.0)]
    for length in range(3, 8):
        with pytest.warns(XptWarning, match="were cut"):
            file = write({"N": [0.1, -1 / 3, 1e9 / 7, 2.0]}, {"N": num(length)})
        assert observations(file)[: 4 * length].hex().upper() == "".join(each[: 2 * length] for each in whole)
        write({"N": [1.0, 0.5, 8192.0]}, {"N": num(length)})  # nothing to cut, so no warning


@pytest.mark.parametrize("length", [0, 1, 2, 9, -8, 2.5, True, "8"])
def test_numbers_have_length_3_to_8(write, length):
    assert "length" in refusal(write, {"N": [1.0]}, {"N": num(length)})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", None], "x.xpt: X.N, row 1: '1' is large_string, not a number; the variable is Num."),
        ([None, "1"], "x.xpt: X.N, row 2: '1' is large_string, not a number; the variable is Num."),
        (pd.Series([1, "a"], dtype=object), "x.xpt: X.N, row 2: 'a' is str, where there should be numbers."),
        (pd.Series([1j], dtype=object), "x.xpt: X.N, row 1: 1j is complex, where there should be numbers."),
        (pd.Series([2**70], dtype=object), f"x.xpt: X.N, row 1: {2**70} is a whole number of 2**63 or beyond; give it as float."),
        (pd.Series([None, np.datetime64("2020-01-01")], dtype=object), "x.xpt: X.N, row 2: np.datetime64('2020-01-01') is datetime64, where there should be numbers."),
        (pd.Categorical([2**70]), f"x.xpt: X.N, row 1: {2**70} is a whole number of 2**63 or beyond; give it as float."),
        (pd.Categorical([1, "a"]), "x.xpt: X.N, row 2: 'a' is str, where there should be numbers."),
        (pd.Series([[1]], dtype=object), "x.xpt: X.N, row 1: [1] is list<item: int64>, not a number; the variable is Num."),
    ],
)
def test_what_is_no_number_is_refused(write, values, message):
    assert refusal(write, {"N": values}, {"N": num()}) == message


# --- Dates and times --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "shown", "expected"),
    [
        (pd.to_datetime(["2020-01-02"]), "DATE9.", "44 55 9C 00 00 00 00 00"),
        (pd.to_datetime(["1900-01-01"]), "DATE9.", "C4 55 9A 00 00 00 00 00"),
        (pd.Series([date(2020, 1, 2)], dtype=object), "E8601DA10.", "44 55 9C 00 00 00 00 00"),
        (pd.to_datetime(["2020-01-02"]), "YYQC6.", "44 55 9C 00 00 00 00 00"),
        (pd.to_datetime(["2020-01-02"]), "YYWEEKV7.", "44 55 9C 00 00 00 00 00"),
        (pd.Series([date(2020, 1, 2)], dtype=pd.ArrowDtype(pa.date32())), "YYMMDD10.", "44 55 9C 00 00 00 00 00"),
        (pd.to_timedelta(["01:02:03"]), "TIME8.", "43 E8 B0 00 00 00 00 00"),
        (pd.Series([time(1, 2, 3)], dtype=object), "TIME8.", "43 E8 B0 00 00 00 00 00"),
        (pd.to_datetime(["1960-01-01T00:00:01.5"]), "DATETIME20.", "41 18 00 00 00 00 00 00"),
        (pd.to_datetime(["1959-12-31T23:59:58.5"]), "E8601DT.", "C1 18 00 00 00 00 00 00"),
        (pd.Series([datetime(1960, 1, 1, 0, 0, 1, 500000)], dtype=object), "DATETIME20.", "41 18 00 00 00 00 00 00"),
    ],
)
def test_dates_and_times_count_from_1960_as_their_format_says(write, values, shown, expected):
    assert numbers(write({"D": values}, {"D": num(format=shown)})) == [expected]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-(10**6), 10**7) | st.integers(-(2**62), 2**62), st.sampled_from([1, 10**3, 10**6, 10**9]), st.sampled_from([0, 3653 * 86400]))
@example(1048844, 10**6, 0)
def test_seconds_are_the_nearest_that_a_number_can_be(ticks, per_second, more):
    [seconds] = nearest_seconds(np.array([ticks]), per_second, more)
    assert seconds == float(Fraction(ticks, per_second) + more)


def test_undeclared_dates_and_times_get_a_format(write, tmp_path):
    moments = pd.to_datetime(["2020-01-02 03:04:05", None])
    write({"A": pd.Series([date(2020, 1, 2), None]), "B": moments, "C": moments - moments[0], "D": pd.Series([time(1), None])})
    frame, metadata = read_xpt(tmp_path / "x.xpt")
    assert [variable.format for variable in metadata.variables] == ["DATE9.", "DATETIME20.", "TIME8.", "TIME8."]
    assert frame.iloc[0].tolist() == [21916.0, 21916 * 86400.0 + 3 * 3600 + 4 * 60 + 5, 0.0, 3600.0]
    assert frame.iloc[1].isna().all()


@pytest.mark.parametrize(
    ("values", "shown", "message"),
    [
        (pd.to_datetime(["2020-01-02"]), "", "has dates or times (timestamp[us]); declare a format that says what to count, such as DATE9."),
        (pd.to_datetime(["2020-01-02"]), "DATEX9.", "has dates or times (timestamp[us]); declare a format that says what to count, such as DATE9."),
        (pd.to_datetime(["2020-01-02"]), "MONTHN.", "has dates or times (timestamp[us]); declare a format that says what to count, such as DATE9."),
        (pd.to_datetime(["2020-01-02"]), "8.2", "has dates or times (timestamp[us]); declare a format that says what to count, such as DATE9."),
        (pd.to_datetime(["2020-01-02"], utc=True), "DATETIME20.", "has the time zone UTC, which a transport file cannot keep; convert it to local time."),
        (pd.to_timedelta(["01:00:00"]), "DATE9.", "has duration[us], which the format DATE9. cannot show."),
        (pd.to_datetime(["2020-01-02"]), "TIME8.", "has timestamp[us], which the format TIME8. cannot show."),
    ],
)  # fmt: skip
def test_dates_that_the_format_cannot_keep_are_refused(write, values, shown, message):
    assert refusal(write, {"D": values.as_unit("us")}, {"D": num(format=shown)}) == f"x.xpt: X.D: {message}"


def test_a_time_of_day_in_a_date_is_refused(write):
    values = pd.to_datetime(["2020-01-02 00:00", "2020-01-02 03:00"])
    message = "x.xpt: X.D, row 2: '2020-01-02 03:00:00' has a time of day, which the format DATE9. would lose."
    assert refusal(write, {"D": values}, {"D": num(format="DATE9.")}) == message


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ([date(2020, 1, 2), datetime(2020, 1, 2, 5)], 2),
        ([datetime(2020, 1, 2, 5), datetime(2020, 1, 2, 5, tzinfo=UTC)], 2),
        ([None, pd.Timestamp("2020-01-02 00:00:00.123456789")], 2),
        ([time(1, tzinfo=UTC)], 1),
        ([timedelta(1), 1], 2),
    ],
)
def test_dates_and_times_of_mixed_kinds_are_refused(write, values, row):
    categories = pd.Categorical.from_codes([values.index(value) - (None in values) for value in values], pd.Index([v for v in values if v is not None], dtype=object))
    for shown in ("DATE9.", "DATETIME20.", "TIME8."):
        for column in (pd.Series(values, dtype=object), categories):
            message = refusal(write, {"D": column}, {"D": num(format=shown)})
            assert message.startswith(f"x.xpt: X.D, row {row}: {values[-1]!r} would become")


@pytest.mark.parametrize(
    ("values", "declared", "message"),
    [
        (np.array(["20000-01-01T01"], "M8[s]"), num(format="DATE9."), "x.xpt: X.D, row 1: '568971824400' has a time of day, which the format DATE9. would lose."),
        (np.array(["20000-01-01T01"], "M8[s]"), char(8), "x.xpt: X.D, row 1: 568971824400 is timestamp[s], not text; the variable is Char."),
        (pd.arrays.ArrowExtensionArray(pa.array([2**31 - 1], pa.date32())), char(8), "x.xpt: X.D, row 1: 2147483647 is date32[day], not text; the variable is Char."),
        (pd.arrays.ArrowExtensionArray(pa.array([3600_000], pa.date64())), num(format="DATE9."),
         "x.xpt: X.D, row 1: '1970-01-01 01:00:00' has a time of day, which the format DATE9. would lose."),
        (pd.arrays.ArrowExtensionArray(pa.array([(1, 2, 3)], pa.month_day_nano_interval())), num(format="TIME8."),
         "x.xpt: X.D: has month_day_nano_interval, which the format TIME8. cannot show."),
    ],
)  # fmt: skip
def test_times_that_python_has_no_value_for_are_shown_as_their_number(write, values, declared, message):
    assert refusal(write, {"D": pd.Series(values)}, {"D": declared}) == message


def test_sparse_columns_are_numbers(write):
    expected = write({"N": [1.0, 0.0, np.nan]})
    assert write({"N": pd.arrays.SparseArray([1.0, 0.0, np.nan])}) == expected


# --- Text -------------------------------------------------------------------------------------------------------------


def test_text_is_padded_with_blanks_to_the_declared_width(write):
    file = write({"C": ["x", "", None, "    ", " y", "z  "]}, {"C": char(4)})
    assert observations(file)[:24] == b"x   " + b" " * 12 + b" y  " + b"z   "


def test_text_without_values_has_the_declared_width_else_1(write):
    for values in ([None], [""], ["   "], pd.Series([np.nan]), pd.Series([pd.NaT])):
        assert namestr(write({"C": values}, {"C": char(7)}))[:8].hex() == "0002000000070001"
        assert namestr(write({"C": values}, {"C": {"type": "Char"}}))[:8].hex() == "0002000000010001"


def test_text_that_is_wider_than_declared_is_refused_but_for_blanks_at_its_end(write):
    assert observations(write({"C": ["ab  ", "a"]}, {"C": char(2)}))[:4] == b"aba "
    assert refusal(write, {"C": ["ab", "abc"]}, {"C": char(2)}) == "x.xpt: X.C, row 2: 'abc' takes 3 bytes; the length is 2."


def test_undeclared_text_is_as_wide_as_its_longest_value_without_blanks_at_its_end(write):
    assert namestr(write({"C": ["ab", "a    ", "  c"]}))[4:6].hex() == "0003"


def test_text_of_200_bytes_is_the_longest(write):
    assert len(observations(write({"C": ["x" * 200]}, {"C": char(200)}))) == 240
    assert refusal(write, {"C": ["x"]}, {"C": char(201)}) == (
        "x.xpt: X.C: 201 bytes of text are too many; version 5 holds 200. Pass allow={'long text'} to write it all the same."
    )
    assert "201 bytes" in refusal(write, {"C": ["x" * 201]})
    assert observations(write({"C": ["x" * 201]}, allow={"long text"}))[:202] == b"x" * 201 + b" "
    assert "is no length of text" in refusal(write, {"C": ["x"]}, {"C": char(32768)}, allow={"long text"})
    assert "is no length of text" in refusal(write, {"C": [""]}, {"C": char(0)})


def test_other_than_ascii_is_refused_until_an_encoding_is_named(write):
    frame = {"C": ["mg", "µg"]}
    message = "x.xpt: X.C, row 2: 'µg' holds 'µ', which ascii lacks. Name an encoding, such as 'utf-8' or 'latin-1'."
    assert refusal(write, frame, {"C": char(3)}) == message
    assert observations(write(frame, {"C": char(3)}, encoding="utf-8"))[:6].hex(" ") == "6d 67 20 c2 b5 67"
    assert observations(write(frame, {"C": char(2)}, encoding="latin-1"))[:4].hex(" ") == "6d 67 b5 67"
    assert observations(write(frame, encoding="cp1252"))[:4].hex(" ") == "6d 67 b5 67"
    assert refusal(write, frame, {"C": char(2)}, encoding="UTF8") == "x.xpt: X.C, row 2: 'µg' takes 3 bytes; the length is 2."
    assert "'€g' holds '€', which iso8859-1 lacks" in refusal(write, {"C": ["€g"]}, encoding="latin-1")
    assert refusal(write, {"C": ["µµ "]}, {"C": char(1)}, encoding="latin-1") == "x.xpt: X.C, row 1: 'µµ' takes 2 bytes; the length is 1."


@pytest.mark.parametrize("encoding", ["utf-16", "cp037", "cp864", "idna", "rot13", "asci", "a\0", 5])
def test_an_encoding_must_be_known_and_hold_ascii(write, encoding):
    with pytest.raises(ValueError, match=re.escape(f"encoding={encoding!r}")):
        write({"C": ["a"]}, encoding=encoding)


@pytest.mark.parametrize("value", ["a\0b", "a\nb", "a\rb", "\t", "\x1f", "\x7f"])
def test_control_characters_are_refused_until_allowed(write, value):
    assert refusal(write, {"C": ["ok", value]}, {"C": char(3)}) == (
        f"x.xpt: X.C, row 2: {value!r} holds a control character. Pass allow={{'control characters'}} to write it all the same."
    )
    assert observations(write({"C": ["ok", value]}, {"C": char(3)}, allow={"control characters"}))[3:6] == value.encode().ljust(3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.Series([1.5]), "x.xpt: X.C, row 1: 1.5 is double, not text; the variable is Char."),
        (pd.Series([np.nan, 1.5]), "x.xpt: X.C, row 2: 1.5 is double, not text; the variable is Char."),
        (pd.Series([True]), "x.xpt: X.C, row 1: True is bool, not text; the variable is Char."),
        (pd.Series([b"ab"], dtype=object), "x.xpt: X.C, row 1: b'ab' is bytes, where there should be text."),
        (pd.Series(["a", 1], dtype=object), "x.xpt: X.C, row 2: 1 is int, where there should be text."),
        (pd.Series(["a", b"b"], dtype=object), "x.xpt: X.C, row 2: b'b' is bytes, where there should be text."),
        (pd.Series(["a", "\ud800"], dtype=object), "x.xpt: X.C, row 2: '\\ud800' is str, where there should be text."),
        (pd.Series(["a", "\ud800"], dtype=pd.StringDtype("python")), "x.xpt: X.C, row 2: '\\ud800' is str, where there should be text."),
        (pd.Categorical.from_codes([0, 1], pd.Index(["a", "\ud800"], dtype=object)), "x.xpt: X.C, row 2: '\\ud800' is str, where there should be text."),
        (pd.Categorical(["a", 1]), "x.xpt: X.C, row 2: 1 is int, where there should be text."),
    ],
)
def test_what_is_no_text_is_refused(write, values, message):
    assert refusal(write, {"C": values}, {"C": char(8)}) == message


@pytest.mark.parametrize(
    ("text", "encoding", "character"),
    [("¥5", "shift_jis", "¥"), ("あ ¥5", "shift_jis", "¥"), ("a−b", "cp932", "−"), ("あ", "iso2022_jp", "あ"), ("あ", "raw_unicode_escape", "あ")],
)
def test_text_that_an_encoding_would_give_back_as_another_is_refused(write, text, encoding, character):
    why = f"holds {character!r}, which {codecs.lookup(encoding).name} lacks. Name an encoding, such as 'utf-8' or 'latin-1'."
    assert refusal(write, {"C": ["x", text]}, {"C": char(20)}, encoding=encoding) == f"x.xpt: X.C, row 2: {text!r} {why}"
    assert f"is a label with {character!r}" in refusal(write, {"C": ["x"]}, {"C": char(20, label=text)}, encoding=encoding)
    assert observations(write({"C": ["x", "日本"]}, {"C": char(4)}, encoding="shift_jis"))[4:8].decode("shift_jis") == "日本"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_what_arrow_takes_for_text_but_is_no_utf8_is_refused(tmp_path, encoding):
    column = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(np.array([0, 1, 3], np.int32)), pa.py_buffer(b"a\xffb")])
    with pytest.raises(InputError, match=r"X\.C, row 2: b'\\xffb' is not UTF-8, as Arrow's text must be\."):
        write_xpt(pa.table({"C": column}), tmp_path / "x.xpt", name="X", encoding=encoding)
    assert not list(tmp_path.iterdir())


TEXTS = ["alpha", "", "be", None, "alpha", "gamma rays", "x"]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(TEXTS, dtype="str"),
        pd.Series(TEXTS, dtype=object),
        pd.Series(TEXTS, dtype="string"),
        pd.Series(TEXTS, dtype=pd.StringDtype("python", na_value=np.nan)),
        pd.Series(TEXTS, dtype="category"),
        pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.string())),
        pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        pd.Series(["cut off", *TEXTS, "cut off"], dtype="str").iloc[1:-1],
        pd.concat([pd.Series(TEXTS[:3], dtype="str"), pd.Series(TEXTS[3:], dtype="str")]),
    ],
    ids=["str", "object", "string", "python", "category", "arrow", "dictionary", "sliced", "chunked"],
)
def test_text_of_any_dtype_has_the_same_bytes(write, values):
    expected = write({"C": TEXTS}, {"C": char(12)})
    assert observations(expected)[:24] == b"alpha" + b" " * 19
    assert write(pd.DataFrame({"C": values}), {"C": char(12)}) == expected


@pytest.mark.parametrize(
    "column",
    [
        pa.array(TEXTS),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS).cast(pa.string_view()),
        pa.array(TEXTS).dictionary_encode(),
        pa.array(["cut off", *TEXTS, "cut off"]).slice(1, 7),
        pa.chunked_array([TEXTS[:2], [], TEXTS[2:]], pa.string()),
    ],
    ids=["string", "large", "view", "dictionary", "sliced", "chunked"],
)
def test_arrow_tables_have_the_same_bytes(write, tmp_path, column):
    class Streamed:  # as polars and others hand over their tables
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table({"C": column}).__arrow_c_stream__(requested_schema)

    expected = write({"C": TEXTS}, {"C": char(12)})
    for table in (pa.table({"C": column}), Streamed(), pa.table({"C": column}).to_reader()):
        write_xpt(table, tmp_path / "x.xpt", name="X", variables={"C": char(12)}, created=CREATED)
        assert (tmp_path / "x.xpt").read_bytes() == expected


def test_a_wrong_category_is_named_with_its_row(write):
    values = pd.Series(["ok"] * 5 + ["too long", "ok", "too long"], dtype="category")
    assert refusal(write, {"C": values}, {"C": char(2)}) == "x.xpt: X.C, row 6: 'too long' takes 8 bytes; the length is 2."
    unused = pd.Series(pd.Categorical(["ok"] * 5, categories=["too long", "ok"]))
    assert observations(write({"C": unused}, {"C": char(2)}))[:10] == b"okokokokok"


def test_dictionaries_of_views_are_text_as_any_other(tmp_path):
    """As polars hands over its categories; here there are as many of them as rows."""

    def write(texts, declared):
        column = pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint32()), pa.array(texts, pa.string_view()))
        write_xpt(pa.table({"C": column}), tmp_path / "x.xpt", name="X", variables={"C": declared}, created=CREATED)

    write(["no", "yes", "unused"], char(3))
    assert read_xpt(tmp_path / "x.xpt")[0]["C"].tolist() == ["yes", "", "no"]
    assert refusal(write, ["never", "yes"], char(3)) == "x.xpt: X.C, row 3: 'never' takes 5 bytes; the length is 3."
    assert refusal(write, ["no", "yes"], num()) == "x.xpt: X.C, row 1: 'yes' is large_string, not a number; the variable is Num."


def test_columns_may_begin_at_any_address(write, tmp_path):
    """As those that are parts of a file in memory, or of the records of another program."""
    number = np.frombuffer(b"-" + np.array([1.0, np.nan, -118.625]).tobytes(), np.float64, offset=1)
    offsets, texts = pa.py_buffer(b"-" + np.array([0, 3, 3, 5]).tobytes()).slice(1), pa.py_buffer(b"-oneNO").slice(1)
    table = pa.table({"C": pa.Array.from_buffers(pa.large_string(), 3, [None, offsets, texts]), "N": number})
    assert table["N"].chunk(0).buffers()[1].address % 8
    expected = write({"C": ["one", "", "NO"], "N": [1.0, np.nan, -118.625]}, {"C": char(4), "N": num()})
    write_xpt(table, tmp_path / "x.xpt", name="X", variables={"C": char(4), "N": num()}, created=CREATED)
    assert (tmp_path / "x.xpt").read_bytes() == expected
    assert numbers(write(pd.DataFrame({"N": number}, copy=False))) == ["41 10 00 00 00 00 00 00", MISSING, "C2 76 A0 00 00 00 00 00"]


def test_dictionaries_may_use_all_of_their_codes(tmp_path):
    texts = [f"T{number}" for number in range(128)]
    codes = pa.array([None, *range(127, -1, -1)] * 2, pa.int8())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(texts))
    write_xpt(pa.table({"C": column}), tmp_path / "x.xpt", name="X", variables={"C": char(4)})
    assert read_xpt(tmp_path / "x.xpt")[0]["C"].tolist() == ["", *texts[::-1]] * 2


def test_missing_text_may_hide_bytes_in_arrow(write, tmp_path):
    hidden = pa.Array.from_buffers(pa.large_string(), 2, [pa.py_buffer(b"\x02"), pa.py_buffer(np.array([0, 3, 4])), pa.py_buffer(b"abcd")])
    write_xpt(pa.table({"C": hidden}), tmp_path / "x.xpt", name="X", variables={"C": char(2)}, created=CREATED)
    assert observations((tmp_path / "x.xpt").read_bytes())[:4] == b"  d "


@pytest.mark.parametrize("longest", [*range(1, 20), 32, 47, 48, 49, 50, 200])
def test_texts_of_all_lengths_are_padded_whatever_lies_behind_them(write, tmp_path, longest):
    texts = ["z" * (number % (longest + 1)) for number in range(300)]
    neighbours = pa.chunked_array([pa.array(["\1\2" * 100, *texts, "\0" * 200], pa.large_string())])
    frame = pd.DataFrame({"A": neighbours.slice(1, 300).to_pandas(), "N": 1.0, "B": texts, "C": "c", "D": texts})
    lengths = {"A": longest, "B": min(longest + 1, 200), "C": 1, "D": longest}
    declared = {name: char(length) for name, length in lengths.items()} | {"N": num()}
    expected = [[text.ljust(longest), "A", text.ljust(lengths["B"]), "c", text.ljust(longest)] for text in texts]
    raw = b"".join("".join(row).encode().replace(b"A", bytes.fromhex("41 10 00 00 00 00 00 00"), 1) for row in expected)
    assert observations(write(frame, declared))[: len(raw)] == raw
    parts = [frame.iloc[start : start + 70] for start in range(0, 300, 70)]
    write_xpt(parts, tmp_path / "x.xpt", name="X", variables=declared, created=CREATED)
    assert observations((tmp_path / "x.xpt").read_bytes())[: len(raw)] == raw


def test_a_wider_float_than_a_file_holds_is_refused(write):
    assert refusal(write, {"N": np.array([0.1], "longdouble")}, {"N": num()}).startswith("x.xpt: X.N: is ")


@pytest.mark.parametrize("frame", [pd.Series([1.0], name="N"), {"N": [1.0]}, [{"N": 1.0}], "frame", None, [[1.0]]], ids=type)
def test_what_is_no_table_is_refused(tmp_path, frame):
    with pytest.raises(TypeError, match="is no table"):
        write_xpt(frame, tmp_path / "x.xpt", name="X", variables={"N": num()})
    assert not list(tmp_path.iterdir())


# --- Blank rows, padding, counts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "rows", "padding"), [(80, 1, 0), (81, 1, 79), (40, 2, 0), (40, 1, 40), (1, 80, 0), (7, 3, 59)])
def test_observations_are_padded_with_blanks_to_80_bytes(write, width, rows, padding):
    assert observations(write({"C": ["x" * width] * rows})) == b"x" * (width * rows) + b" " * padding


@pytest.mark.parametrize(("variables", "padding"), [(1, 20), (2, 40), (3, 60), (4, 0)])
def test_descriptions_of_variables_are_padded_with_blanks_to_80_bytes(write, variables, padding):
    file = write({f"V{n}": [1.0] for n in range(variables)})
    end = 640 + 140 * variables
    assert file[end : end + padding + 48] == b" " * padding + b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!"


def test_a_dataset_without_rows_is_all_header(write, tmp_path):
    declared = {"C": char(20, label="Text"), "N": num(label="Number")}
    file = write(pd.DataFrame({"C": [], "N": []}), declared)
    assert len(file) == 1040
    frame, metadata = read_xpt(tmp_path / "x.xpt")
    assert (frame.shape, metadata.rows) == ((0, 2), 0)
    assert [(v.name, v.type, v.length, v.label) for v in metadata.variables] == [("C", "Char", 20, "Text"), ("N", "Num", 8, "Number")]
    assert frame.dtypes.astype(str).tolist() == ["str", "float64"]
    for dtype in ("object", "str", "float64", "category"):
        assert write(pd.DataFrame({"C": pd.Series([], dtype=dtype), "N": pd.Series([], dtype=dtype)}), declared) == file


@pytest.mark.parametrize(
    ("values", "width", "row"),
    [(["x", "", ""], 1, 3), (["x", ""], 1, 2), ([""] * 17, 5, None), ([""] * 16, 5, 16), (["x", ""], 79, None), (["x", ""], 80, None), ([""], 5, None)],
)
def test_blank_rows_that_readers_would_take_for_padding_are_refused(write, tmp_path, values, width, row):
    if row is None:
        write({"C": values}, {"C": char(width)})
        assert read_xpt(tmp_path / "x.xpt")[0]["C"].tolist() == values
        return
    assert refusal(write, {"C": values}, {"C": char(width)}) == (
        f"x.xpt: X, row {row}: is blank, and shorter than a record of 80 bytes: readers would take it for padding. "
        "Pass allow={'blank rows'} to write it all the same."
    )
    assert set(observations(write({"C": values}, {"C": char(width)}, allow={"blank rows"}))) <= set(b"x ")


def test_9999_variables_are_the_most(write, tmp_path):
    frame = pd.DataFrame(np.ones((1, 10000)), columns=[f"V{n}" for n in range(10000)])
    file = write(frame.iloc[:, :9999])
    assert file[560:640] == b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000999900000000000000000000  "
    assert read_xpt(tmp_path / "x.xpt")[0].shape == (1, 9999)
    assert refusal(write, frame) == "x.xpt: X: has 10000 variables; a transport file holds 9999."
    assert refusal(write, pd.DataFrame(index=[0])) == "x.xpt: X: has no columns; a transport file needs at least one variable."


# --- Names, labels, formats -------------------------------------------------------------------------------------------


def test_variables_keep_their_order_and_positions(write):
    file = write({"ZZ": ["abc"], "AA": [1.0], "MM": ["de"]})
    described = [namestr(file, number) for number in range(3)]
    assert [one[8:16] for one in described] == [b"ZZ      ", b"AA      ", b"MM      "]
    assert [one[:8].hex() for one in described] == ["0002000000030001", "0001000000080002", "0002000000020003"]
    assert [one[84:88].hex() for one in described] == ["00000000", "00000003", "0000000b"]


@pytest.mark.parametrize("name", ["ABCDEFGH", "A", "A1_"])
def test_names_of_8_capital_letters_digits_and_underscores_pass(write, name):
    assert namestr(write({name: [1.0]}))[8:16] == name.encode().ljust(8)


@pytest.mark.parametrize("name", ["ABCDEFGHI", "", "1A", "A B", "A-B", "Ä", "A.B", 5, None, ("A",)])
def test_other_names_are_refused(write, name):
    frame = pd.DataFrame([[1.0]], columns=pd.Index([name], dtype=object))
    shown = repr("None" if name is None else name)
    assert f"{shown} is no variable name: that has 1 to 8 letters" in refusal(write, frame)


@pytest.mark.parametrize("name", ["age", "Age", "_AGE"])
def test_names_that_only_the_agencies_refuse_can_be_allowed(write, name):
    assert refusal(write, {name: [1.0]}) == (
        f"x.xpt: X: {name!r} is no variable name for a submission: capital letters, and a letter first. "
        "Pass allow={'names'} to write it all the same."
    )
    assert namestr(write({name: [1.0]}, allow={"names"}))[8:16] == name.encode().ljust(8)


@pytest.mark.parametrize("name", ["_N_", "_ALL_", "_null_"])
def test_names_that_sas_keeps_for_itself_are_refused(write, name):
    assert "is a name that SAS keeps for itself" in refusal(write, {name: [1.0]}, allow={"names"})


def test_the_same_name_twice_is_refused(write):
    frame = pd.DataFrame([[1.0, 2.0]], columns=["AGE", "age"])
    assert "'age' is there twice" in refusal(write, frame, allow={"names"})
    assert "'AGE' is there twice" in refusal(write, frame.set_axis(["AGE", "AGE"], axis=1))


def test_the_name_of_the_dataset_has_8_bytes(write):
    with pytest.warns(XptWarning, match="a file is named for its dataset"):
        file = write({"N": [1.0]}, name="ABCDEFGH")
    assert file[400:424] == b"SAS     ABCDEFGHSASDATA "
    with pytest.warns(XptWarning):
        assert "'ABCDEFGHI' is no dataset name" in refusal(write, {"N": [1.0]}, name="ABCDEFGHI")
    assert "'x' is no dataset name for a submission" in refusal(write, {"N": [1.0]}, name="x")
    with pytest.warns(XptWarning):
        assert "5 is no dataset name" in refusal(write, {"N": [1.0]}, name=5)


def test_a_file_is_named_for_its_dataset_in_any_case(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for stem in ("AE", "ae"):
            write_xpt(pd.DataFrame({"N": [1.0]}), tmp_path / f"{stem}.xpt", name="AE", created=CREATED)


@pytest.mark.parametrize("label", ["", "x", "x" * 40])
def test_labels_have_up_to_40_bytes(write, label):
    file = write({"N": [1.0]}, {"N": num(label=label)}, label=label)
    assert namestr(file)[16:56] == file[512:552] == label.encode().ljust(40)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("x" * 41, f"{'x' * 41!r} is a label of 41 bytes; a transport file holds 40."),
        ("µg", "'µg' is a label with 'µ', which ascii lacks. Name an encoding, such as 'utf-8'."),
        ("a\nb", "'a\\nb' is a label with a control character. Pass allow={'control characters'} to write it all the same."),
        (5, "5 is no label; give text."),
    ],
)
def test_labels_that_do_not_fit_are_refused(write, label, message):
    assert refusal(write, {"N": [1.0]}, {"N": num(label=label)}) == f"x.xpt: X.N: {message}"
    assert refusal(write, {"N": [1.0]}, {"N": num()}, label=label) == f"x.xpt: X: {message}"


def test_labels_are_measured_in_the_encoding_of_the_text(write):
    label = "µ" + "x" * 39
    assert "is a label of 41 bytes" in refusal(write, {"N": [1.0]}, {"N": num(label=label)}, encoding="utf-8")
    assert namestr(write({"N": [1.0]}, {"N": num(label=label)}, encoding="latin-1"))[16:56] == b"\xb5" + b"x" * 39


@pytest.mark.parametrize(
    ("shown", "name", "numbers"),
    [
        ("DATE9.", b"DATE    ", "00090000"),
        ("8.2", b"        ", "00080002"),
        ("$20.", b"$       ", "00140000"),
        ("E8601DA10.", b"E8601DA ", "000a0000"),
        ("$CHAR12.", b"$CHAR   ", "000c0000"),
        ("", b"        ", "00000000"),
    ],
)
def test_formats_are_taken_apart(write, shown, name, numbers):
    described = namestr(write({"N": [1.0]}, {"N": num(format=shown)}))
    assert (described[56:64], described[64:68].hex()) == (name, numbers)
    assert described[72:84] == b"        \0\0\0\0"
    described = namestr(write({"N": [1.0]}, {"N": num(informat=shown)}))
    assert (described[72:80], described[80:84].hex()) == (name, numbers)
    assert described[56:68] == b"        \0\0\0\0"


@pytest.mark.parametrize("shown", ["VERYLONGF8.", "DATE 9.", "8.2.1", "DATE9.x", "-8.", "$µ.", "99999."])
def test_formats_that_sas_cannot_have_are_refused(write, shown):
    assert f"X.N: {shown!r} is no SAS format" in refusal(write, {"N": [1.0]}, {"N": num(format=shown)})


def test_variables_of_the_model_declare_a_dataset(write, tmp_path):
    variables = (
        Variable("USUBJID", "Unique Subject Identifier", "Char", "text", 20),
        Variable("AESTDT", "Start Date", "Num", "date", 8, display_format="DATE9."),
    )
    write({"USUBJID": ["1"], "AESTDT": [1.0]}, variables)
    assert [(v.name, v.label, v.type, v.length, v.format) for v in read_xpt(tmp_path / "x.xpt")[1].variables] == [
        ("USUBJID", "Unique Subject Identifier", "Char", 20, ""),
        ("AESTDT", "Start Date", "Num", 8, "DATE9."),
    ]


def test_a_declared_variable_without_a_column_is_refused(write):
    message = "x.xpt: X: 'AGEE' is declared, but the data have no such column. Did you mean 'AGE'?"
    assert refusal(write, {"AGE": [1.0]}, {"AGEE": num()}) == message


def test_unknown_words_are_refused_with_a_hint(write):
    with pytest.raises(ValueError, match="no attribute 'lenght'. Did you mean 'length'"):
        write({"N": [1.0]}, {"N": {"lenght": 8}})
    with pytest.raises(ValueError, match="allow='underflo' is unknown. Did you mean 'underflow'"):
        write({"N": [1.0]}, allow={"underflo"})
    with pytest.raises(ValueError, match="threads=0"):
        write({"N": [1.0]}, threads=0)
    with pytest.raises(ValueError, match="chunk_rows=-1"):
        write({"N": [1.0]}, chunk_rows=-1)
    with pytest.raises(ValueError, match="threads=1.5"):
        write({"N": [1.0]}, threads=1.5)
    with pytest.raises(ValueError, match="allow=None is unknown"):
        write({"N": [1.0]}, allow=[None])
    assert write({"N": [1.0]}, threads=np.int64(2), chunk_rows=np.int32(1)) == write({"N": [1.0]})
    assert refusal(write, {"N": [1.0]}, {"N": {"type": "text"}}) == "x.xpt: X.N: 'text' is no type; give Char or Num."


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"N": ("Num", 8)}, "variables: ('Num', 8) are no attributes; give a dict, such as {'type': 'Char', 'length': 20}."),
        ({"N": 8}, "variables: 8 are no attributes"),
        ({"N": None}, "variables: None are no attributes"),
        ({"N": "Num"}, "variables: 'Num' are no attributes"),
        ({"N": {"name": "M"}}, "variables: the attributes of 'N' are those of 'M'."),
        ([{"type": "Num"}], "variables: {'type': 'Num'} has no name"),
        ([{"name": "N"}, {"name": "N", "length": 4}], "variables: 'N' is declared twice."),
    ],
)
def test_what_declares_nothing_is_refused(write, variables, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        write({"N": [1.0]}, variables)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"justify": "right"}, "x.xpt: X.N: 'right' is no justification; give 0 (left) or 1 (right)."),
        ({"justify": 70000}, "x.xpt: X.N: 70000 is no justification; give 0 (left) or 1 (right)."),
        ({"filler": 5}, "x.xpt: X.N: 5 is no filler; give at most 54 bytes."),
        ({"filler": b"x" * 55}, f"x.xpt: X.N: {b'x' * 55!r} is no filler; give at most 54 bytes."),
        ({"format": "F" + "9" * 5000 + "."}, f"x.xpt: X.N: 'F{'9' * 58}... (5004 characters) is no SAS format: a name of at most 8 characters, width, point, decimals."),
    ],
)  # fmt: skip
def test_attributes_that_a_header_cannot_hold_are_refused(write, declared, message):
    assert refusal(write, {"N": [1.0]}, {"N": num(**declared)}) == message


def test_metadata_must_be_such(tmp_path):
    frame = pd.DataFrame({"N": [1.0]})
    with pytest.raises(TypeError, match="metadata: dict is no XptMetadata"):
        write_xpt(frame, tmp_path / "x.xpt", metadata={"name": "X"})
    with pytest.raises(TypeError, match="metadata: NoneType is no XptMetadata"):
        write_members([(frame, None)], tmp_path / "x.xpt")
    with pytest.raises(ValueError, match="'Ω' has characters that the header of a transport file cannot hold"):
        write_xpt(frame, tmp_path / "x.xpt", metadata=XptMetadata("X", type="Ω"))
    assert not list(tmp_path.iterdir())


# --- Headers ----------------------------------------------------------------------------------------------------------


def test_the_whole_header_of_a_file(write):
    file = write({"N": [1.0]}, {"N": num(label="Number", format="8.2")}, label="Data", modified=datetime(2025, 12, 31, 23, 59, 58))
    assert file == b"".join(
        [
            b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  ",
            b"SAS     SAS     SASLIB  6.06    bsd4.2  " + b" " * 24 + b"01JAN24:00:00:00",
            b"31DEC25:23:59:58".ljust(80),
            b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140  ",
            b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!000000000000000000000000000000  ",
            b"SAS     X       SASDATA 6.06    bsd4.2  " + b" " * 24 + b"01JAN24:00:00:00",
            b"31DEC25:23:59:58" + b" " * 16 + b"Data".ljust(40) + b" " * 8,
            b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000000100000000000000000000  ",
            bytes.fromhex("0001 0000 0008 0001") + b"N       " + b"Number".ljust(40) + b" " * 8 + bytes.fromhex("0008 0002 0000 0000"),
            b" " * 8 + bytes(4) + bytes(4) + bytes(52) + b" " * 20,
            b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!000000000000000000000000000000  ",
            bytes.fromhex("4110000000000000") + b" " * 72,
        ]
    )


@pytest.mark.parametrize(
    "created",
    [
        datetime(2024, 1, 1),
        "2024-01-01",
        "2024-01-01T00:00:00Z",
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, 9, tzinfo=timezone(timedelta(hours=9))),
        pd.Timestamp("2024-01-01"),
    ],
    ids=str,
)
def test_the_time_given_is_in_all_four_places(write, created):
    file = write({"N": [1.0]}, created=created)
    assert [file[at : at + 16] for at in (144, 160, 464, 480)] == [b"01JAN24:00:00:00"] * 4
    assert file.count(b"JAN24") == 4


@pytest.mark.parametrize("created", ["yesterday", 20240101, date(2024, 1, 1), pd.NaT])
def test_what_is_no_time_is_refused(write, created):
    with pytest.raises(ValueError, match="give a datetime"):
        write({"N": [1.0]}, created=created)


@pytest.mark.parametrize("year", [1959, 2060])
def test_a_year_that_two_digits_do_not_tell_is_refused(write, year):
    assert write({"N": [1.0]}, created=datetime(year + (1 if year < 2000 else -1), 6, 1))
    with pytest.raises(InputError, match=f"{year}-06-01"):
        write({"N": [1.0]}, created=datetime(year, 6, 1))
    with pytest.raises(InputError, match="0001-01-01|1-01-01"):
        write({"N": [1.0]}, created=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))))


def test_source_date_epoch_is_the_time_where_none_is_given(write, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1704067200")
    assert write({"N": [1.0]}, created=None)[144:160] == b"01JAN24:00:00:00"
    for wrong in ("yesterday", "-1", "9" * 12, "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(InputError, match=f"SOURCE_DATE_EPOCH='{wrong}'"):
            write({"N": [1.0]}, created=None)


def test_what_is_not_said_anew_keeps_its_time(write, tmp_path):
    write({"N": [1.0]})
    frame, metadata = read_xpt(tmp_path / "x.xpt")
    changed = datetime(2025, 6, 7, 8, 9, 10)
    for options, times in [
        ({}, (CREATED, CREATED)),
        ({"modified": changed}, (CREATED, changed)),
        ({"created": changed}, (changed, changed)),
        ({"created": changed, "modified": CREATED}, (changed, CREATED)),
    ]:
        write_xpt(frame, tmp_path / "x.xpt", metadata=metadata, **options)
        again = read_xpt(tmp_path / "x.xpt")[1]
        assert (again.created, again.modified) == times
        assert again.library == again.member


def test_the_present_is_the_time_where_nothing_says_it(write, monkeypatch, tmp_path):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    write({"N": [1.0]}, created=None)
    assert before <= read_xpt(tmp_path / "x.xpt")[1].created <= datetime.now(UTC).replace(tzinfo=None)


def test_time_zone_and_language_of_the_machine_change_nothing(tmp_path):
    program = (
        "import sys, pandas as pd, datetime as d; from sdtm_convert.xpt import write_xpt;"
        "write_xpt(pd.DataFrame({'A': ['x'], 'D': pd.to_datetime(['2020-01-02 03:04:05'])}), sys.argv[1], name='X', **eval(sys.argv[2]))"
    )
    digests = set()
    for created, zone, language in [
        ("{'created': d.datetime(2024, 1, 1)}", "UTC", "C"),
        ("{'created': d.datetime(2024, 1, 1)}", "Asia/Tokyo", "de_DE.UTF-8"),
        ("{}", "America/New_York", "C"),
    ]:
        environment = os.environ | {"TZ": zone, "LC_ALL": language, "SOURCE_DATE_EPOCH": "1704067200"}
        subprocess.run([sys.executable, "-c", program, tmp_path / "x.xpt", created], check=True, env=environment, cwd=os.getcwd())
        digests.add(hashlib.sha256((tmp_path / "x.xpt").read_bytes()).hexdigest())
    assert len(digests) == 1


# --- Chunks, threads, parts ---------------------------------------------------------------------------------------------


def table(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    text = pd.Series(rng.choice(["a", "bb", "", "dddd dddd d", None], rows), dtype="str")
    return pd.DataFrame({"A": text, "N": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)), "B": text.str[:3], "C": rng.integers(0, 9, rows)})


DECLARED = {"A": char(12), "N": num(), "B": char(3), "C": num(5)}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("chunk_rows", [1, 7, None])
@pytest.mark.parametrize("as_what", ["polars", "polars categories", "polars in chunks", "arrow", "arrow dictionaries", "arrow views", "arrow slices"])
def test_no_byte_depends_on_what_holds_the_table(write, tmp_path, as_what, chunk_rows, threads):
    frame = table(60)
    frame.loc[59, "A"] = "last"
    arrow = pa.Table.from_pandas(frame)
    polar = pl.from_arrow(arrow)
    held = {
        "polars": lambda: polar.with_columns(pl.col("N").fill_null(float("nan"))),  # NaN, which polars tells from null
        "polars categories": lambda: polar.with_columns(pl.col("A").cast(pl.Categorical), pl.col("B").cast(pl.Enum(polar["B"].drop_nulls().unique()))),
        "polars in chunks": lambda: pl.concat([polar[:9], polar[9:9], polar[9:]], rechunk=False),
        "arrow": lambda: arrow,
        "arrow dictionaries": lambda: arrow.set_column(0, "A", arrow["A"].dictionary_encode()),
        "arrow views": lambda: arrow.set_column(0, "A", arrow["A"].cast(pa.string_view())),
        "arrow slices": lambda: pa.concat_tables([arrow, arrow, arrow]).slice(60, 60),
    }[as_what]()
    expected = write(frame, DECLARED)
    write_xpt(held, tmp_path / "x.xpt", name="X", variables=DECLARED, created=CREATED, chunk_rows=chunk_rows, threads=threads)
    assert (tmp_path / "x.xpt").read_bytes() == expected


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("chunk_rows", [1, 7, 100, 1000, None])
def test_chunks_and_threads_change_no_byte(write, threads, chunk_rows):
    frame, special = table(1000), {"N": {7: "A"}}
    frame.loc[7, "N"] = np.nan
    frame.loc[999, "A"] = "last"
    expected = write(frame, DECLARED, special_missing=special)
    assert write(frame, DECLARED, special_missing=special, chunk_rows=chunk_rows, threads=threads) == expected


def test_threads_change_no_byte_of_a_large_file(write):
    texts = [f"text {number} " * (number % 15) for number in range(997)]
    frame = pd.DataFrame({"A": texts * 90, "N": np.arange(997.0 * 90), "B": texts[::-1] * 90})
    declared = {"A": char(180), "N": num(), "B": char(180)}
    expected = write(frame, declared)
    assert len(expected) > xpt_write.WORTH_THREADS
    assert all(write(frame, declared, threads=threads) == expected for threads in (2, 3))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("cuts", [[0, 1000], [0, 1, 1, 500, 999, 1000], list(range(0, 1001, 50))])
def test_a_dataset_can_come_in_parts(write, tmp_path, cuts, threads):
    frame = table(1000)
    frame.loc[999, "A"] = "last"
    expected = write(frame, DECLARED)
    parts = (frame.iloc[start:stop] for start, stop in zip(cuts, cuts[1:], strict=False))
    write_xpt(parts, tmp_path / "x.xpt", name="X", variables=DECLARED, created=CREATED, threads=threads)
    assert (tmp_path / "x.xpt").read_bytes() == expected


def test_no_part_at_all_is_a_dataset_without_rows(write, tmp_path):
    expected = write(table(0), DECLARED)
    write_xpt(iter([]), tmp_path / "x.xpt", name="X", variables=DECLARED, created=CREATED)
    assert (tmp_path / "x.xpt").read_bytes() == expected


def test_parts_must_be_declared_and_alike(tmp_path):
    def write(parts, variables):
        write_xpt(iter(parts), tmp_path / "x.xpt", name="X", variables=variables, created=CREATED)

    assert refusal(write, [table(3)], {"A": char(12)}) == "x.xpt: X.N: needs a declared type and length, as the data come in parts."
    assert refusal(write, [table(3), table(3)[["N", "A"]]], DECLARED) == "x.xpt: X: the table that begins at row 4 has other columns: N, A."
    bad = table(3).assign(A="much too long a text")
    assert "X.A, row 4: 'much too long a text' takes 20 bytes" in refusal(write, [table(3), bad], DECLARED)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("chunk_rows", [1, 10, None])
def test_the_first_wrong_row_is_named_whatever_the_chunks(write, threads, chunk_rows):
    frame = pd.DataFrame({"A": ["ok"] * 100})
    frame.loc[[37, 80], "A"] = "wrong"
    message = "x.xpt: X.A, row 38: 'wrong' takes 5 bytes; the length is 2."
    assert refusal(write, frame, {"A": char(2)}, threads=threads, chunk_rows=chunk_rows) == message


def test_threads_of_the_caller_write_and_read_at_the_same_time(write, tmp_path):
    frames = [table(2000).assign(A=letter) for letter in "xyz"]
    expected = [write(frame, DECLARED) for frame in frames]

    def again(number: int) -> list[bool]:
        path, same = tmp_path / f"{number}.xpt", []
        for threads in (1, 2, 3, 8):
            write_xpt(frames[number], path, name="X", variables=DECLARED, created=CREATED, threads=threads, chunk_rows=90)
            same.append(path.read_bytes() == expected[number] and (read_xpt(path)[0]["A"] == "xyz"[number]).all())
        return same

    with warnings.catch_warnings(), ThreadPoolExecutor(3) as pool:
        warnings.simplefilter("ignore", XptWarning)  # of the file's name
        assert list(pool.map(again, range(3))) == [[True] * 4] * 3


# --- Several members ----------------------------------------------------------------------------------------------------


def test_several_datasets_in_a_file_are_refused_until_allowed(tmp_path):
    members = [
        (pd.DataFrame({"A": ["x"]}), XptMetadata("ONE", "First", (XptVariable("A", length=3),))),
        (pd.DataFrame({"N": [1.0, 2.0]}), XptMetadata("TWO", "Second", (XptVariable("N", type="Num"),))),
    ]
    with pytest.raises(InputError, match="2 datasets; regulators take one a file"):
        write_members(members, tmp_path / "x.xpt", created=CREATED)
    assert not list(tmp_path.iterdir())
    write_members(members, tmp_path / "x.xpt", created=CREATED, allow={"members"})
    file = (tmp_path / "x.xpt").read_bytes()
    assert len(file) == 240 + (5 * 80 + 160 + 80 + 80) + (5 * 80 + 160 + 80 + 80)
    assert file.count(b"HEADER RECORD*******MEMBER ") == 2
    with pytest.raises(InputError, match="at least one dataset"):
        write_members([], tmp_path / "y.xpt")
    with pytest.raises(InputError, match="two datasets are named ONE; only the first could be read"):
        write_members([members[0], members[0]], tmp_path / "x.xpt", allow={"members"})
    in_two = [(frame, replace(metadata, encoding=encoding)) for (frame, metadata), encoding in zip(members, ("cp1252", "utf-8"), strict=True)]
    with pytest.raises(InputError, match="the datasets are in cp1252 and utf-8, but a file has one encoding; name it"):
        write_members(in_two, tmp_path / "x.xpt", allow={"members"})
    write_members(in_two, tmp_path / "x.xpt", allow={"members"}, encoding="utf-8", created=CREATED)
    assert (tmp_path / "x.xpt").read_bytes() == file


# --- The file itself ----------------------------------------------------------------------------------------------------


def test_an_error_leaves_no_new_file_and_keeps_the_old_one(write, tmp_path):
    with pytest.raises(InputError):
        write({"N": [np.inf]})
    assert list(tmp_path.iterdir()) == []
    before = write({"N": [1.0]})
    for options in ({}, {"chunk_rows": 1}, {"chunk_rows": 1, "threads": 2}):
        with pytest.raises(InputError):
            write({"N": [1.0] * 50 + [np.inf]}, **options)
        assert [path.name for path in tmp_path.iterdir()] == ["x.xpt"]
        assert (tmp_path / "x.xpt").read_bytes() == before


def test_an_error_in_the_callers_parts_leaves_nothing_behind(tmp_path):
    def parts():
        yield table(10)
        raise OSError("the network is gone")

    with pytest.raises(OSError, match="the network is gone"):
        write_xpt(parts(), tmp_path / "x.xpt", name="X", variables=DECLARED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_an_interrupted_writer_leaves_nothing_behind(tmp_path, monkeypatch, threads):
    real = xpt_write.encode_numbers

    def interrupted(part, variable, first_row, target):
        if first_row == 30:
            raise KeyboardInterrupt
        return real(part, variable, first_row, target)

    monkeypatch.setattr(xpt_write, "encode_numbers", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_xpt(table(100), tmp_path / "x.xpt", name="X", variables=DECLARED, threads=threads, chunk_rows=10)
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_closed_after_all_threads_however_often_the_user_interrupts(tmp_path):
    """The caller's thread is interrupted while another writes, and again while it waits for that one."""
    program = f"""
import os, signal, sys, threading, time
sys.path.insert(0, {os.getcwd()!r})
import pandas as pd
from sdtm_convert.xpt import files, write_xpt

main, begun, told, put = threading.main_thread(), threading.Event(), [], files._put

def slow(descriptor, data, offset):
    if len(data) != 8:
        put(descriptor, data, offset)  # a header
    elif threading.current_thread() is main:
        begun.wait()
        raise KeyboardInterrupt
    else:
        begun.set()
        for _ in range(5):
            time.sleep(0.02)
            signal.pthread_kill(main.ident, signal.SIGINT)
        put(descriptor, data, offset)
        told.append("written")

files._put = slow
try:
    write_xpt(pd.DataFrame({{"N": [1.0] * 9}}), sys.argv[1], name="X", chunk_rows=1, threads=2)
except KeyboardInterrupt:
    told.append("interrupted")
print(*told)
"""
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "x.xpt"], capture_output=True, text=True, check=True)
    assert done.stdout == "written interrupted\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_full_disk_leaves_nothing_behind(tmp_path, threads):
    program = f"""
import resource, sys
sys.path.insert(0, {os.getcwd()!r})
import pandas as pd
from sdtm_convert.errors import InputError
from sdtm_convert.xpt import write_xpt
write_xpt(pd.DataFrame({{"N": [1.0]}}), sys.argv[1], name="X", created="2024-01-01")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_xpt(pd.DataFrame({{"N": [2.0] * 100_000}}), sys.argv[1], name="X", chunk_rows=1000, threads={threads})
except InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "x.xpt"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / 'x.xpt'}: cannot be written: {os.strerror(errno.EFBIG)}.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["x.xpt"]
    assert read_xpt(tmp_path / "x.xpt")[0]["N"].tolist() == [1.0]


def test_a_disk_that_takes_little_at_a_time_gets_all(write, monkeypatch):
    expected = write(table(1000), DECLARED, allow={"blank rows"})
    real = os.pwrite
    monkeypatch.setattr(files.os, "pwrite", lambda descriptor, data, offset: real(descriptor, data[:1000], offset))
    assert write(table(1000), DECLARED, allow={"blank rows"}) == expected


def test_a_system_without_pwrite_gets_the_same_file(write, monkeypatch):
    frame = table(1000).assign(A="x")
    expected = write(frame, DECLARED)
    monkeypatch.delattr(files.os, "pwrite")
    assert write(frame, DECLARED, threads=4, chunk_rows=10) == expected


def test_places_that_cannot_be_written_are_named(tmp_path):
    frame = pd.DataFrame({"N": [1.0]})
    with pytest.raises(InputError, match=r"none[/\\]x\.xpt: cannot be written: No such file"):
        write_xpt(frame, tmp_path / "none" / "x.xpt", name="X")
    (tmp_path / "x.xpt").mkdir()
    with pytest.raises(InputError, match="is no file that could be replaced"):
        write_xpt(frame, tmp_path / "x.xpt", name="X")
    with pytest.warns(XptWarning), pytest.raises(InputError, match="cannot be written: File name too long"):
        write_xpt(frame, tmp_path / ("x" * 300 + ".xpt"), name="X")
    assert [path.name for path in tmp_path.iterdir()] == ["x.xpt"]


def test_a_name_as_long_as_the_system_allows_is_written(tmp_path):
    path = tmp_path / ("x" * 251 + ".xpt")
    with pytest.warns(XptWarning, match="named for its dataset"):
        write_xpt(pd.DataFrame({"N": [1.0]}), path, name="X")
    assert read_xpt(path)[0]["N"].tolist() == [1.0]


def test_an_old_file_that_may_not_be_written_stays_as_it_is(write, tmp_path, monkeypatch):
    before = write({"N": [1.0]})
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)  # whoever runs the tests may have all rights
    assert refusal(write, {"N": [2.0]}) == "x.xpt: may not be written; its rights say that it is to stay as it is."
    assert (tmp_path / "x.xpt").read_bytes() == before


def test_paths_of_any_kind_are_written_and_read(tmp_path):
    frame = pd.DataFrame({"N": [1.0]})
    for path in (str(tmp_path / "x.xpt"), os.fsencode(tmp_path / "x.xpt"), tmp_path / "x.xpt"):
        write_xpt(frame, path, name="X")
        assert read_xpt(path)[0]["N"].tolist() == [1.0]
    [entry] = os.scandir(tmp_path)
    write_xpt(frame, entry, name="X")
    assert read_xpt(entry)[0]["N"].tolist() == [1.0]
    assert [member.name for member in list_members(entry)] == ["X"]


def test_rights_and_links_of_an_old_file_are_kept(write, tmp_path):
    write({"N": [1.0]})
    (tmp_path / "x.xpt").rename(tmp_path / "real.xpt")
    (tmp_path / "real.xpt").chmod(0o640)
    (tmp_path / "x.xpt").symlink_to("real.xpt")
    write({"N": [2.0]})
    assert (tmp_path / "x.xpt").is_symlink()
    assert (tmp_path / "real.xpt").stat().st_mode & 0o777 == 0o640
    assert read_xpt(tmp_path / "real.xpt")[0]["N"].tolist() == [2.0]


def test_a_new_file_has_the_usual_rights(write, tmp_path):
    old = os.umask(0o022)
    try:
        write({"N": [1.0]})
    finally:
        os.umask(old)
    assert (tmp_path / "x.xpt").stat().st_mode & 0o777 == 0o644
