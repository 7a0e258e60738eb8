"""The compiled inner loops of transport files: the same as numpy's to the byte, and no byte outside of the buffers given."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtm_convert.errors import InputError
from sdtm_convert.xpt import compiled, ibm, read_xpt, write_xpt

kernels = compiled.kernels
needs_kernels = pytest.mark.skipif(not kernels, reason="the compiled part is not installed (no C compiler) or switched off")
quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def test_it_is_installed_wherever_there_is_a_compiler():
    if os.environ.get(compiled.SWITCH) == "0":
        pytest.skip(f"{compiled.SWITCH}=0")
    if not shutil.which("cc") or not Path(sysconfig.get_path("include"), "Python.h").is_file():
        pytest.skip("no C compiler, or no headers of Python")
    assert kernels


def test_the_environment_switches_it_off():
    code = "from sdtm_convert.xpt import compiled; print(compiled.kernels)"
    environment = {**os.environ, compiled.SWITCH: "0"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout == "None\n"


def outcome(work) -> tuple:
    """What a call returns, or the error it ends with; and its warnings."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            result = work()
        except InputError as error:
            result = str(error)
    return result, [str(warning.message) for warning in told]


def both(monkeypatch, work) -> tuple[tuple, tuple]:
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "kernels", None)
        by_numpy = outcome(work)
    return outcome(work), by_numpy


# --- The same as numpy ------------------------------------------------------------------------------------------------

texts = st.one_of(
    st.none(),
    st.text("ab 9", max_size=70),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    st.text("aé漢\n", max_size=5),
    st.sampled_from(["x" * 200, " " * 64, "", "y" * 64 + " " * 136]),
)
numbers = st.one_of(st.floats(), st.integers(-100, 100).map(float), st.just(float("nan")))


@st.composite
def frames(draw) -> tuple[pd.DataFrame, dict]:
    """Char and Num columns in any order, some categories; mostly fit to be written, sometimes not."""
    rows, data, declared = draw(st.integers(1, 40)), {}, {}
    for number in range(draw(st.integers(1, 5))):
        kind, name = draw(st.sampled_from(["Num", "Char", "categories"])), f"V{number}"
        if kind == "Num":
            data[name] = draw(st.lists(numbers, min_size=rows, max_size=rows))
            declared[name] = {"type": "Num", "length": draw(st.integers(3, 8))}
            continue
        values = draw(st.lists(texts, min_size=rows, max_size=rows))
        data[name] = pd.Series(values, dtype="category" if kind == "categories" else "str")
        declared[name] = {"type": "Char", "length": draw(st.sampled_from([1, 4, 8, 11, 16, 20, 40, 64, 70, 200]))}
    return pd.DataFrame(data), declared


@needs_kernels
@quick
@given(frames(), st.sampled_from([None, 1, 7]), st.sampled_from(["ascii", "utf-8"]))
def test_any_frame_is_written_to_the_same_bytes_or_refused_with_the_same_words(monkeypatch, tmp_path, made, chunk_rows, encoding):
    frame, declared = made
    path = tmp_path / "dm.xpt"

    def work():
        path.unlink(missing_ok=True)
        allow = {"underflow", "blank rows"}
        write_xpt(frame, path, name="DM", variables=declared, created="2024-01-01", chunk_rows=chunk_rows, encoding=encoding, allow=allow)
        return path.read_bytes()

    by_kernels, by_numpy = both(monkeypatch, work)
    assert by_kernels == by_numpy


@st.composite
def cells(draw, width: int, kind: str) -> bytes:
    if kind == "Char":
        some = st.one_of(st.text("ab 9", max_size=width).map(str.encode), st.binary(max_size=width), st.just("é".encode() * (width // 2)))
        return draw(some)[:width].ljust(width, draw(st.sampled_from([b" ", b" ", b" ", b"\0"])))
    special = st.sampled_from([bytes([letter, *bytes(7)]) for letter in b".AZ_\x80\x41\0"])
    whole = st.integers(0, 999).map(lambda number: ibm.encode(np.array([float(number)]))[0].astype(">u8").tobytes())
    return draw(st.one_of(whole, special, st.binary(min_size=8, max_size=8)))[:width]


@st.composite
def observations(draw) -> tuple[dict, bytes, int]:
    """Variables and any bytes as their observations."""
    kinds = draw(st.lists(st.sampled_from(["Num", "Char"]), min_size=1, max_size=4))
    widths = [draw(st.sampled_from([1, 3, 8, 9, 16, 33, 64, 65, 200] if kind == "Char" else [3, 7, 8])) for kind in kinds]
    rows = draw(st.integers(1, 30))
    odd = draw(st.booleans())  # else most blocks are what the compiled way serves
    plain = {"Char": lambda width: st.text("ab 9", max_size=width).map(lambda text: text.ljust(width).encode()), "Num": lambda width: cells(width, "Num")}
    data = b"".join(draw(cells(width, kind) if odd else plain[kind](width)) for _ in range(rows) for kind, width in zip(kinds, widths, strict=True))
    return {f"V{n}": {"type": kind, "length": width} for n, (kind, width) in enumerate(zip(kinds, widths, strict=True))}, data, rows


@needs_kernels
@quick
@given(observations(), st.sampled_from([None, 3]))
def test_any_observations_are_read_as_the_same_frame(monkeypatch, tmp_path, made, chunksize):
    declared, data, _ = made
    path = tmp_path / "dm.xpt"
    empty = pd.DataFrame({name: pd.Series([], dtype="str" if of["type"] == "Char" else "float64") for name, of in declared.items()})
    write_xpt(empty, path, name="DM", variables=declared, created="2024-01-01")
    path.write_bytes(path.read_bytes() + data + b" " * (-len(data) % 80))

    def work():
        read = [read_xpt(path)] if chunksize is None else list(read_xpt(path, chunksize=chunksize))
        return [(frame.to_dict("list"), frame.dtypes.tolist(), metadata) for frame, metadata in read]

    (by_kernels, told), (by_numpy, told_by_numpy) = both(monkeypatch, work)
    assert repr(by_kernels) == repr(by_numpy)  # in which a NaN equals a NaN, and 0.0 is not -0.0
    assert told == told_by_numpy


@needs_kernels
def test_a_million_bit_patterns_become_the_same_ibm_doubles():
    values = np.random.default_rng(1).integers(0, 2**64, 1_000_000, dtype=np.uint64).view(np.float64)
    values = np.concatenate([values, np.ldexp(values.view(np.uint64) % 2**53 + 0.5, np.arange(len(values)) % 512 - 313), [0.0, -0.0, np.nan]])
    fits = np.isnan(values) | (values == 0) | ((np.abs(values) >= 2.0**-260) & (np.abs(values) < 2.0**252))
    coded = np.empty(len(values), np.uint64)
    assert not kernels.to_ibm(values, coded)
    assert kernels.to_ibm(values[fits], coded[: fits.sum()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "kernels", None)
        assert (ibm.encode(values[fits])[0] == coded[: fits.sum()]).all()


@needs_kernels
@pytest.mark.parametrize(
    ("value", "fits"),
    [
        (2.0**252, False), (np.nextafter(2.0**252, 0), True), (-np.inf, False), (2.0**-260, True), (np.nextafter(2.0**-260, 0), False),
        (5e-324, False), (0.0, True), (-0.0, True), (np.nan, True),
    ],
)  # fmt: skip
def test_where_ibm_doubles_begin_and_end(value, fits):
    assert [kernels.to_ibm(np.array([sign * value]), np.empty(1, np.uint64)) for sign in (1, -1)] == [fits, fits]


# --- Nothing outside of the buffers ------------------------------------------------------------------------------------

bytes_of = lambda count: np.zeros(count, np.uint8)  # noqa: E731
offsets_of = lambda *ends: np.array(ends, np.int64)  # noqa: E731
CODED, RECORDS = np.zeros(2, np.uint64), bytes_of(24)
ODD = np.frombuffer(bytearray(33), np.int64, 4, 1)
REFUSED_BY_FILL = {
    "no whole records": (bytes_of(15), 8, 0, ((0, 8, CODED, None, None),)),
    "records of no bytes": (bytes_of(16), 0, 0, ()),
    "records of less than no bytes": (bytes_of(16), -8, 0, ()),
    "a first row before the first": (bytes_of(16), 8, -1, ((0, 8, CODED, None, None),)),
    "a first row far away": (bytes_of(16), 8, 2**62, ((0, 8, CODED, None, None),)),
    "rows beyond all numbers": (bytes_of(16), 8, sys.maxsize - 15, ()),
    "more rows than numbers": (bytes_of(24), 8, 0, ((0, 8, CODED, None, None),)),
    "rows behind the last number": (bytes_of(16), 8, 1, ((0, 8, CODED, None, None),)),
    "a number beyond the record": (bytes_of(16), 8, 0, ((1, 8, CODED, None, None),)),
    "a number before the record": (bytes_of(16), 8, 0, ((-1, 8, CODED, None, None),)),
    "a number of nine bytes": (bytes_of(18), 9, 0, ((0, 9, CODED, None, None),)),
    "a field of no bytes": (bytes_of(16), 8, 0, ((0, 0, CODED, None, None),)),
    "numbers of four bytes": (bytes_of(16), 8, 0, ((0, 8, np.zeros(2, np.uint32), None, None),)),
    "no data": (bytes_of(16), 8, 0, ((0, 8, None, None, None),)),
    "more rows than texts": (bytes_of(24), 8, 0, ((0, 8, bytes_of(2), offsets_of(0, 1, 2), None),)),
    "no offsets": (bytes_of(8), 8, 0, ((0, 8, bytes_of(2), offsets_of(), None),)),
    "offsets of four bytes": (bytes_of(16), 8, 0, ((0, 8, bytes_of(2), np.zeros(3, np.int32), None),)),
    "a text beyond the data": (bytes_of(16), 8, 0, ((0, 8, bytes_of(2), offsets_of(0, 1, 3), None),)),
    "a text that ends before it begins": (bytes_of(16), 8, 0, ((0, 8, bytes_of(2), offsets_of(0, 2, 1), None),)),
    "a text before the data": (bytes_of(16), 8, 0, ((0, 8, bytes_of(2), offsets_of(5, 6, 2), None),)),
    "a text of all there is": (bytes_of(16), 8, 0, ((0, 8, bytes_of(2), offsets_of(-(2**63), 2**63 - 1, 2**63 - 1), None),)),
    "a text longer than its field": (bytes_of(16), 8, 0, ((0, 1, bytes_of(4), offsets_of(0, 2, 4), None),)),
    "the number of no text": (bytes_of(16), 8, 0, ((0, 8, bytes_of(2), offsets_of(0, 1, 2), offsets_of(0, 2)),)),
    "a number of a text below zero": (bytes_of(16), 8, 0, ((0, 8, bytes_of(2), offsets_of(0, 1, 2), offsets_of(0, -1)),)),
    "texts in the records": (RECORDS, 8, 0, ((0, 8, RECORDS[15:], offsets_of(0, 0, 1), None),)),
    "offsets in the records": (RECORDS, 8, 0, ((0, 8, bytes_of(2), RECORDS.view(np.int64), None),)),
    "numbers in the records": (RECORDS[:16], 8, 0, ((0, 8, RECORDS.view(np.uint64)[1:], None, None),)),
    "numbers of texts in the records": (RECORDS, 8, 0, ((0, 8, bytes_of(2), offsets_of(0, 1, 2), RECORDS.view(np.int64)),)),
    "numbers with numbers of texts": (bytes_of(24), 8, 0, ((0, 8, CODED, None, offsets_of(0, 0, 0)),)),
    "fields out of order": (bytes_of(16), 16, 0, ((8, 8, CODED, None, None), (0, 8, CODED, None, None))),
    "fields that overlap": (bytes_of(16), 16, 0, ((0, 8, CODED, None, None), (7, 8, CODED, None, None))),
    "more rows than numbers of texts": (bytes_of(24), 8, 0, ((0, 8, bytes_of(2), offsets_of(0, 1, 2), offsets_of(0, 1)),)),
}
VALUES, ENDS = np.zeros(2), offsets_of(0, 0)
REFUSED_BY_TAKE = {
    "no whole records": (bytes_of(15), 8, ()),
    "records of no bytes": (bytes_of(16), 0, ()),
    "more rows than room for numbers": (bytes_of(24), 8, ((0, 8, VALUES, None, 0),)),
    "a number beyond the record": (bytes_of(16), 8, ((1, 8, VALUES, None, 0),)),
    "a number of nine bytes": (bytes_of(18), 9, ((0, 9, VALUES, None, 0),)),
    "numbers of four bytes": (bytes_of(16), 8, ((0, 8, np.zeros(2, np.float32), None, 0),)),
    "no memory": (bytes_of(16), 8, ((0, 8, None, None, 0),)),
    "more rows than room for ends": (bytes_of(24), 8, ((0, 8, bytes_of(24), ENDS, 0),)),
    "less memory than the texts may need": (bytes_of(16), 8, ((0, 8, bytes_of(15), ENDS, 0),)),
    "less memory behind the start": (bytes_of(16), 8, ((0, 8, bytes_of(20), ENDS, 5),)),
    "a start before the memory": (bytes_of(16), 8, ((0, 8, bytes_of(99), ENDS, -1),)),
    "a start behind the memory": (bytes_of(16), 8, ((0, 8, bytes_of(99), ENDS, 100),)),
    "memory in the records": (RECORDS, 8, ((0, 8, RECORDS, offsets_of(0, 0, 0), 0),)),
    "ends in the records": (RECORDS, 8, ((0, 8, bytes_of(99), RECORDS.view(np.int64), 0),)),
    "ends at an odd address": (bytes_of(16), 8, ((0, 8, bytes_of(99), ODD, 0),)),
    "numbers at an odd address": (bytes_of(16), 8, ((0, 8, ODD, None, 0),)),
    "a field beyond the record": (bytes_of(16), 8, ((4, 5, bytes_of(99), ENDS, 0),)),
}


@needs_kernels
@pytest.mark.parametrize("arguments", REFUSED_BY_FILL.values(), ids=REFUSED_BY_FILL)
def test_what_does_not_fit_is_not_put_together(arguments):
    with pytest.raises(ValueError):
        kernels.fill(*arguments)


@needs_kernels
@pytest.mark.parametrize("arguments", REFUSED_BY_TAKE.values(), ids=REFUSED_BY_TAKE)
def test_what_does_not_fit_is_not_taken_apart(arguments):
    with pytest.raises(ValueError):
        kernels.take(*arguments)


@needs_kernels
def test_other_things_than_buffers_are_refused():
    read_only = np.zeros(2)
    read_only.flags.writeable = False
    for error, function, *arguments in [
        (TypeError, kernels.fill, bytes(16), 8, 0, ()),
        (TypeError, kernels.fill, bytes_of(16), 8, 0, []),
        (TypeError, kernels.fill, bytes_of(16), 8, 0, ([0, 8, CODED, None, None],)),
        (TypeError, kernels.fill, bytes_of(16), 8, 0, ((0, 8, "text", None, None),)),
        (TypeError, kernels.take, bytes_of(16), 8, ((0, 8),)),
        (ValueError, kernels.take, bytes_of(16), 8, ((0, 8, read_only, None, 0),)),
        (ValueError, kernels.fill, bytes_of(16), 8, 0, ((0, 8, np.zeros(4, np.uint64)[::2], None, None),)),
        (ValueError, kernels.to_ibm, np.zeros(2), np.zeros(3, np.uint64)),
        (ValueError, kernels.to_ibm, np.zeros(2), read_only),
        (ValueError, kernels.to_ibm, np.zeros(4), ODD),
        (ValueError, kernels.to_ibm, None, None),
        (ValueError, kernels.longest, None),
        (ValueError, kernels.longest, bytes_of(16)),
        (TypeError, kernels.plain, "text"),
    ]:
        with pytest.raises(error):
            function(*arguments)


@needs_kernels
def test_records_without_fields_may_begin_at_the_last_row_of_all():
    records = np.full(16, ord("#"), np.uint8)
    kernels.fill(records, 8, sys.maxsize - 16, ())
    assert records.tobytes() == b"#" * 16


@needs_kernels
def test_what_is_read_may_begin_at_any_address():
    ends = np.frombuffer(b"-" + offsets_of(0, 2, 7).tobytes(), np.int64, offset=1)
    codes = np.frombuffer(b"-" + offsets_of(1, 0, 1).tobytes(), np.int64, offset=1)
    coded = np.frombuffer(b"-" + np.array([0, 0x4110 << 48, 0x2E << 56], np.uint64).tobytes(), np.uint64, offset=1)
    assert not (ends.flags.aligned or codes.flags.aligned or coded.flags.aligned)
    records = bytes_of(3 * 8)
    kernels.fill(records, 8, 0, ((0, 5, np.frombuffer(b"NOnever", np.uint8), ends, codes), (5, 3, coded, None, None)))
    assert records.tobytes() == b"never\0\0\0" b"NO   \x41\x10\0" b"never.\0\0"
    assert kernels.longest(ends) == 5


@needs_kernels
def test_numbers_may_be_coded_where_they_lie():
    values = np.array([1.0, np.nan])
    assert kernels.to_ibm(values, values.view(np.uint64))
    assert values.view(np.uint64).tolist() == [0x4110 << 48, 0x2E << 56]
    values = np.array([np.inf])
    assert not kernels.to_ibm(values, values.view(np.uint64))


@needs_kernels
@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 15, 16, 17, 33, 48, 49, 64, 65, 100])
def test_no_byte_beside_the_records_changes(width):
    """The last texts of a column have little or nothing behind them to be read, the last field of a record nothing to be written."""
    for length in range(width + 1):
        around = np.full(4 * (width + 3) + 128, ord("#"), np.uint8)
        records, text = around[64:-64], np.frombuffer(b"x" * (4 * length), np.uint8)
        offsets = np.arange(5, dtype=np.int64) * length
        kernels.fill(records, width + 3, 0, ((3, width, text, offsets, None),))
        assert records.tobytes() == 4 * (b"###" + b"x" * length + b" " * (width - length))
        assert set(around[:64]) | set(around[-64:]) == {ord("#")}

        memory, ends = np.full(4 * width + 64, ord("#"), np.uint8), np.zeros(4, np.int64)
        assert kernels.take(records, width + 3, ((3, width, memory[: 4 * width], ends, 0),)) == [4 * length]
        assert ends.tolist() == [length, 2 * length, 3 * length, 4 * length]
        assert memory[: 4 * length].tobytes() == b"x" * (4 * length)
        assert set(memory[4 * width :]) == {ord("#")}
