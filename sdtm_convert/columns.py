"""Small helpers for work on whole columns: distinct values, groups, numbers as text, rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def by_distinct(column: pd.Series, function: Callable[[str], object], dtype: object = "str") -> pd.Series:
    """`function` of every value, called once for each distinct one; missing stays missing."""
    codes, distinct = pd.factorize(column)
    results = pd.array([function(value) for value in distinct], dtype=dtype)
    return pd.Series(results.take(codes, allow_fill=True), index=column.index)


def spread(results: pd.Series, codes: np.ndarray, index: pd.Index) -> pd.Series:
    """The value of `results` for each code; missing for -1."""
    return pd.Series(results.array.take(codes, allow_fill=True), index=index)


def text_lengths(column: pd.Series, encoding: str) -> np.ndarray:
    """The bytes of each text of a column in UTF-8, or in an encoding with one byte a character; 0 where it is missing."""
    measured = pc.binary_length if encoding == "utf-8" else pc.utf8_length
    return measured(pa.array(column, from_pandas=True)).fill_null(0).to_numpy(zero_copy_only=False)


def missing_text(index: pd.Index) -> pd.Series:
    """A text column of which every value is missing."""
    return pd.Series(np.nan, index=index, dtype="str")


def constant_text(value: str, index: pd.Index) -> pd.Series:
    """A text column with one value."""
    import pyarrow as pa

    column = pa.repeat(pa.scalar(value, pa.large_string()), len(index))
    return pd.Series(pd.array(column, dtype="str"), index=index)


def group_codes(columns: Sequence[pd.Series], length: int | None = None) -> tuple[np.ndarray, int]:
    """A group number for each row (equal where all columns are equal, missing equal to missing) and how many groups.

    Numbers are dense but in no particular order.
    """
    if not columns:
        return np.zeros(length or 0, dtype=np.int64), 1
    codes, size = None, 1
    for column in columns:
        own, distinct = pd.factorize(column, use_na_sentinel=False)
        if codes is None:
            codes, size = own.astype(np.int64), len(distinct)
        else:
            codes, size = codes * len(distinct) + own, size * len(distinct)
        if size > max(4 * len(codes), 1024):
            codes, kept = pd.factorize(codes)
            size = len(kept)
    return codes, size


def sort_order(columns: Sequence[pd.Series]) -> np.ndarray:
    """The stable order of rows by these columns: missing first (as SAS sorts), text by code point, numbers by value."""
    ranks = [sort_rank(column) for column in columns]
    return np.lexsort(ranks[::-1]) if ranks else np.arange(0)


def sort_rank(column: pd.Series) -> np.ndarray:
    """A number for each value that sorts as the value does; missing is lowest."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype="float64", na_value=np.nan)
        return np.where(np.isnan(values), -np.inf, values)
    codes, distinct = pd.factorize(column)
    order = np.argsort(np.asarray(distinct, dtype=object), kind="stable")
    rank = np.empty(len(distinct) + 1, dtype=np.int64)
    rank[order] = np.arange(len(distinct))
    rank[-1] = -1  # what factorize calls missing
    return rank[codes]


def number_text(value: float) -> str:
    """The shortest text of a number: 5 for 5.0, 0.1 for 0.1; never an exponent.

    >>> number_text(98.60), number_text(5.0), number_text(1e-05)
    ('98.6', '5', '0.00001')
    """
    value = float(value)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return np.format_float_positional(value, trim="-")


def numbers_as_text(column: pd.Series) -> pd.Series:
    """A numeric column as text by `number_text`."""
    if len(column) == 0 or column.isna().all():
        return missing_text(column.index)
    return by_distinct(column.astype("float64"), number_text)


def as_numbers(column: pd.Series) -> pd.Series:
    """A column as float64; text that is not a plain decimal number is missing. A number column comes back as it is."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64")
    return by_distinct(column, _number, "float64")


def _number(text: str) -> float:
    text = text.strip()
    # float() would also take "nan", "inf", "1_000" and non-ASCII digits, none of which is a collected number
    if not text or not text.isascii() or any(letter in "_nifaNIFA" for letter in text):
        return np.nan
    try:
        number = float(text)
    except ValueError:
        return np.nan
    return number if np.isfinite(number) else np.nan  # 1e999


def round_half_up(values: np.ndarray | pd.Series, decimals: int) -> np.ndarray:
    """Rounded half away from zero, as SAS rounds; a half that binary numbers only come close to counts as a half.

    >>> round_half_up(np.array([2.675, -0.5, 1.005]), 2).tolist()
    [2.68, -0.5, 1.01]
    """
    values = np.asarray(values, dtype="float64")
    scaled = np.abs(values) * 10.0**decimals
    near = np.minimum(scaled * 1e-13, 1e-4)  # never enough to move a large number
    whole = np.where(scaled < 2.0**52, np.floor(scaled + near + 0.5), scaled)  # beyond, every number is whole
    return np.copysign(whole / 10.0**decimals, values)


def as_text(column: pd.Series) -> pd.Series:
    """A column as text: numbers by `number_text`, text as it is."""
    return numbers_as_text(column) if pd.api.types.is_numeric_dtype(column.dtype) else column.astype("str")
