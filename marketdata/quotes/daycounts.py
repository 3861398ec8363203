"""Rows per day of a segment, in its header: what a coverage scan reads instead of payloads.

Daily bars: one bit per day of the year (46 bytes). Minute bars: one uint16 per day of the month
(62 bytes). Ticks: one uint32. All little-endian and of fixed width, so that the headers of a whole
market decode as one matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from marketdata.quotes.periods import (
    Int64Array,
    Period,
    bucket_days,
    bucket_first_day,
    day_numbers,
)

_YEAR_BYTES = 46


class DayCounts(NamedTuple):
    """Days that have rows, one entry each.

    Attributes
    ----------
    segment : ndarray of int64
        Position of the segment in the input.
    day : ndarray of int64
        Day number.
    rows : ndarray of int64
    """

    segment: Int64Array
    day: Int64Array
    rows: Int64Array


def encode(period: Period, bucket: int, ts: Int64Array) -> bytes:
    """Count the rows of one segment per day."""
    width = bucket_days(period)
    index = day_numbers(ts) - int(bucket_first_day(period, bucket))
    counts = np.bincount(index, minlength=width)
    if period is Period.DAY_1:
        return np.packbits(counts.astype(np.bool_), bitorder="little").tobytes()
    return counts.astype("<u2" if width > 1 else "<u4").tobytes()


def decode(period: Period, buckets: Int64Array, encoded: Sequence[bytes]) -> DayCounts:
    """Counts per day of many segments at once.

    Raises
    ------
    ValueError
        An entry has the wrong width.
    """
    matrix = _matrix(period, encoded)
    segment, offset = np.nonzero(matrix)
    days = bucket_first_day(period, buckets)[segment] + offset
    return DayCounts(segment, days, matrix[segment, offset].astype(np.int64))


def decode_matrix(period: Period, encoded: Sequence[bytes]) -> npt.NDArray[np.uint16]:
    """Counts per day of many segments as one matrix: segments × days of their bucket, at most 65,535 each.

    Raises
    ------
    ValueError
        An entry has the wrong width.
    """
    matrix = _matrix(period, encoded)
    if matrix.dtype.itemsize > np.dtype(np.uint16).itemsize:
        matrix = np.minimum(matrix, np.iinfo(np.uint16).max)
    return matrix.astype(np.uint16)


def _matrix(period: Period, encoded: Sequence[bytes]) -> npt.NDArray[np.unsignedinteger[Any]]:
    width = bucket_days(period)
    size = _YEAR_BYTES if period is Period.DAY_1 else width * (2 if width > 1 else 4)
    if any(len(entry) != size for entry in encoded):
        raise ValueError(f"day counts of a {period.code} segment take {size} bytes")
    flat = b"".join(encoded)
    if period is Period.DAY_1:
        packed = np.frombuffer(flat, dtype=np.uint8).reshape(len(encoded), size)
        return np.unpackbits(packed, axis=1, count=width, bitorder="little")
    return np.frombuffer(flat, dtype="<u2" if width > 1 else "<u4").reshape(-1, width)
