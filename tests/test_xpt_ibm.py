"""IBM doubles: exact bytes, every float64 in range unchanged there and back, what lies outside pointed out."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtm_convert.xpt import ibm

pytestmark = pytest.mark.usefixtures("both_ways")


def decode(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    values = np.empty(len(bits))
    return values, *ibm.decode(bits, values)


def coded(*values: float) -> list[str]:
    return [struct.pack(">Q", int(bits)).hex(" ").upper() for bits in ibm.encode(np.array(values, dtype=float))[0]]


def value_of(bits: int) -> Fraction:
    """The value of an IBM double, worked out from its definition in whole numbers."""
    size = Fraction(bits & ((1 << 56) - 1)) * Fraction(16) ** (((bits >> 56) & 127) - 64) / 2**56
    return -size if bits >> 63 else size


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "41 10 00 00 00 00 00 00"),
        (-1.0, "C1 10 00 00 00 00 00 00"),
        (-118.625, "C2 76 A0 00 00 00 00 00"),
        (0.1, "40 19 99 99 99 99 99 9A"),
        (2.0**53 - 1, "4E 1F FF FF FF FF FF FF"),
        (2.0**53, "4E 20 00 00 00 00 00 00"),
        (0.0, "00 00 00 00 00 00 00 00"),
        (-0.0, "00 00 00 00 00 00 00 00"),
        (np.nan, "2E 00 00 00 00 00 00 00"),
        (-np.nan, "2E 00 00 00 00 00 00 00"),
        (2.0**-260, "00 10 00 00 00 00 00 00"),
        (2.0**249, "7F 20 00 00 00 00 00 00"),
        (np.nextafter(2.0**252, 0), "7F FF FF FF FF FF FF F8"),
        (-np.nextafter(2.0**252, 0), "FF FF FF FF FF FF FF F8"),
        (21916.0, "44 55 9C 00 00 00 00 00"),
        (-21914.0, "C4 55 9A 00 00 00 00 00"),
        (3723.0, "43 E8 B0 00 00 00 00 00"),
    ],
)
def test_bytes_of_a_number(value, expected):
    assert coded(value) == [expected]


def test_too_large_and_too_small_numbers_are_pointed_out():
    values = [1.0, 2.0**252, -np.inf, np.nan, 5e-324, 0.0, np.nextafter(2.0**-260, 0), -np.nextafter(2.0**-260, 0)]
    bits, large, small = ibm.encode(np.array(values))
    assert large.tolist() == [1, 2]
    assert small.tolist() == [4, 6, 7]
    assert bits[[4, 5, 6, 7]].tolist() == [0, 0, 0, 0]


def test_an_ordinary_column_points_out_nothing():
    assert ibm.encode(np.array([1.0, 2.5]))[1:] == (None, None)
    assert ibm.encode(np.array([]))[1:] == (None, None)


in_range = st.one_of(
    st.floats(min_value=2.0**-260, max_value=np.nextafter(2.0**252, 0)),
    st.floats(min_value=-np.nextafter(2.0**252, 0), max_value=-(2.0**-260)),
    st.integers(-(2**53), 2**53).map(float),
    st.decimals(-(10**6), 10**6, places=4).map(float),
    st.just(0.0),
)


@given(st.lists(in_range, min_size=1, max_size=50))
def test_every_number_in_range_has_its_exact_value_and_comes_back(values):
    bits, large, small = ibm.encode(np.array(values))
    assert [value_of(int(one)) for one in bits] == [Fraction(value) for value in values]
    assert large is None and small is None
    back, special, letters, rounded = decode(bits)
    assert back.tolist() == values
    assert (len(special), len(letters), rounded) == (0, 0, 0)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50))
def test_any_eight_bytes_are_the_nearest_float_or_missing(bits):
    values, special, letters, rounded = decode(np.array(bits, dtype=np.uint64))
    for one, value in zip(bits, values, strict=True):
        if np.isnan(value):
            assert one % (1 << 56) == 0 and chr(one >> 56) in "." + ibm.SPECIAL_MISSING
        else:
            assert Fraction(float(value)) == Fraction(float(value_of(one)))
    assert rounded == sum(value_of(one) != Fraction(float(value_of(one))) for one in bits)
    assert [chr(letter) for letter in letters] == [chr(bits[place] >> 56) for place in special]


def test_a_million_random_bit_patterns_of_float64_come_back():
    bits = np.random.default_rng(1).integers(0, 2**64, 1_000_000, dtype=np.uint64)
    values = bits.view(np.float64)
    inside = (np.abs(values) < 2.0**252) & (np.abs(values) >= 2.0**-260)
    with np.errstate(invalid="ignore"):
        coded_bits, large, small = ibm.encode(values)
    back, special, _, rounded = decode(coded_bits[inside])
    np.testing.assert_array_equal(back, values[inside])
    assert (len(special), rounded) == (0, 0)
    np.testing.assert_array_equal(large, np.flatnonzero(np.abs(values) >= 2.0**252))
    np.testing.assert_array_equal(small, np.flatnonzero((np.abs(values) < 2.0**-260) & (values != 0)))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("41 01 00 00 00 00 00 00", 0.0625),  # not normalised: SAS writes none, others do
        ("40 00 00 00 00 00 00 00", 0.0),
        ("80 00 00 00 00 00 00 00", 0.0),
        ("00 00 00 00 00 00 00 01", 2.0**-312),
        ("41 41 99 99 99 99 99 98", 4.1),
    ],
)
def test_unusual_forms_of_numbers_are_read(raw, value):
    assert decode(np.array([int(raw.replace(" ", ""), 16)], dtype=np.uint64))[0].tolist() == [value]


def test_missing_values_are_nan_and_special_ones_keep_their_letter():
    bits = np.array([ord(letter) << 56 for letter in "." + ibm.SPECIAL_MISSING], dtype=np.uint64)
    values, special, letters, rounded = decode(bits)
    assert np.isnan(values).all()
    assert special.tolist() == list(range(1, 28))
    assert letters.tobytes().decode() == ibm.SPECIAL_MISSING
    assert rounded == 0


def test_numbers_with_56_bits_are_rounded_and_counted():
    values, _, _, rounded = decode(np.array([0x4141999999999999, 0x4110000000000000], dtype=np.uint64))
    assert (values.tolist(), rounded) == ([4.1, 1.0], 1)
