"""IBM System/360 doubles, the numbers of a transport file (TS-140), to and from IEEE float64, whole columns at a time.

An IBM double is a sign bit, a 7-bit power of 16 in excess 64 and a 56-bit fraction: value = 0.fraction * 16 ** (power - 64).
Every float64 from 2**-260 up to, not including, 2**252 in size has exactly one normalised IBM form and comes back unchanged.
"""

from __future__ import annotations

import numpy as np

from sdtm_convert.xpt import compiled

MISSING = 0x2E << 56  # the letter "." and seven zero bytes
SPECIAL_MISSING = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"  # .A to .Z and ._: the letter and seven zero bytes

# By sign and exponent of the IEEE double, its first 12 bits: whether these have an IBM form, the factor that makes the number an
# integer of 53 to 56 bits without sign, and the first byte of the IBM double.
_SIGN, _POWER = np.arange(1 << 12) >> 11, (np.arange(1 << 12) % (1 << 11) + 1) // 4 - 191
_FITS = (0 <= _POWER) & (_POWER < 128)
_TO_FRACTION = np.where(_FITS, np.ldexp(1.0 - 2 * _SIGN, np.where(_FITS, 56 - 4 * (_POWER - 64), 0)), 0.0)
_FIRST_BYTE = np.where(_FITS, _POWER | _SIGN << 7, 0).astype(np.uint64) << np.uint64(56)
_FRACTION_56 = np.uint64((1 << 56) - 1)

# By first byte of the IBM double (sign and power): the factor of its fraction read as an integer. All are exact in float64.
_FACTOR = np.ldexp(np.where(np.arange(256) > 127, -1.0, 1.0), 4 * ((np.arange(256) & 127) - 64) - 56)
# The same for a zero fraction: either a missing value or a zero in disguise.
_ZERO_FRACTION = np.zeros(256)
_ZERO_FRACTION[[0x2E, *SPECIAL_MISSING.encode()]] = np.nan


def encode(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """IBM doubles of a float64 column as native uint64 (write them big-endian); NaN becomes the missing value ".".

    Also the positions of values that are too large (2**252 and beyond, infinities) and too small (below 2**-260, not zero) for an
    IBM double, or None where there is none. Too small ones have become zero; what stands for too large ones means nothing.

    >>> encode(np.array([1.0, -118.625, 0.0]))[0].astype(">u8").tobytes().hex(" ", 8)
    '4110000000000000 c276a00000000000 0000000000000000'
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    if compiled.kernels and compiled.kernels.to_ibm(values, ibm := np.empty(len(values), np.uint64)):
        return ibm, None, None
    exponents = (values.view(np.uint64) >> np.uint64(52)).view(np.int64)
    with np.errstate(invalid="ignore"):  # NaN and infinities, which see below
        fractions = _TO_FRACTION.take(exponents)
        fractions *= values
        ibm = fractions.astype(np.int64).view(np.uint64)
    ibm |= _FIRST_BYTE.take(exponents)
    fits = _FITS.take(exponents)
    if fits.all():
        return ibm, None, None
    odd = np.flatnonzero(~fits)
    rest = values[odd]
    ibm[odd] = np.where(np.isnan(rest), np.uint64(MISSING), np.uint64(0))
    size = np.abs(rest)
    large, small = odd[size >= 2.0**252], odd[(size < 1) & (size > 0)]
    return ibm, large if len(large) else None, small if len(small) else None


def decode(ibm: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Float64 of IBM doubles given as native uint64, into `values`; any missing value becomes NaN.

    Returns the positions of special missing values, their letters ("A" to "Z", "_"; as integers), and the number of values that
    a float64 cannot hold (fractions that use more than 53 of the 56 bits; they are rounded to the nearest).

    >>> values = np.empty(3)
    >>> decode(np.array([0x4101 << 48, 0x41 << 56, 0x2E << 56], dtype=np.uint64), values), values
    ((array([1]), array([65], dtype=uint8), 0), array([0.0625,    nan,    nan]))
    """
    fraction = (ibm & _FRACTION_56).view(np.int64)
    first = (ibm >> np.uint64(56)).view(np.int64)
    values[:] = fraction
    rounded = int(np.count_nonzero(values.astype(np.int64) != fraction)) if np.bitwise_or.reduce(fraction) & 7 else 0  # 56 bits less 53
    values *= _FACTOR.take(first)
    empty = np.flatnonzero(fraction == 0)
    if not len(empty):
        return empty, np.empty(0, np.uint8), rounded
    letters = first[empty]
    values[empty] = _ZERO_FRACTION[letters]
    special = np.isnan(values[empty]) & (letters != 0x2E)
    return empty[special], letters[special].astype(np.uint8), rounded
