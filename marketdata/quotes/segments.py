"""Segments as rows: packed, checked, unpacked, merged and written by compare-and-swap."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marketdata.quotes import codec, daycounts
from marketdata.quotes.columns import Column, Kind, QuoteColumns, schema_of
from marketdata.quotes.errors import QuotesRefused, SegmentCorrupt
from marketdata.quotes.periods import (
    MINUTE_MS,
    Period,
    buckets,
    time_of_day_ms,
)
from marketdata.quotes.tables import SegmentRow

_IDENTITY = struct.Struct("<qqqqqq")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of one instrument and bucket, in key order."""

    instrument_id: int
    bucket: int
    rows: QuoteColumns


def check_axis(period: Period, rows: QuoteColumns) -> None:
    """Refuse stamps that a bar of this period cannot have.

    Raises
    ------
    QuotesRefused
        A daily bar off Shanghai midnight, a minute bar off its minute, columns of another schema.
    """
    if rows.schema is not schema_of(period):
        raise QuotesRefused(f"{rows.schema.name} columns do not fit period {period.code}")
    if period is Period.TICK:
        return
    step = period.value * MINUTE_MS
    off = time_of_day_ms(rows.ts) if period is Period.DAY_1 else rows.ts % step
    if off.any():
        row = int(np.argmax(off != 0))
        raise QuotesRefused(
            f"ts is not the stamp of a {period.code} bar: row={row} "
            f"instrument_id={rows.instrument_id[row]} ts={rows.ts[row]}"
        )


def split(period: Period, rows: QuoteColumns) -> list[Stretch]:
    """Cut rows in key order into one stretch per instrument and bucket."""
    if not len(rows):
        return []
    labels = buckets(period, rows.ts)
    changes = (np.diff(labels) != 0) | (np.diff(rows.instrument_id) != 0)
    starts = [0, *(np.flatnonzero(changes) + 1).tolist()]
    stops = [*starts[1:], len(rows)]
    return [
        Stretch(int(rows.instrument_id[a]), int(labels[a]), rows.take(slice(a, b)))
        for a, b in zip(starts, stops, strict=True)
    ]


def pack(period: Period, stretch: Stretch, version: int, encoder: codec.Encoder) -> SegmentRow:
    """Encode a stretch as the segment's next version."""
    ts = stretch.rows.ts
    counts = daycounts.encode(period, stretch.bucket, ts)
    payload = encoder.encode(stretch.rows)
    row = SegmentRow(
        instrument_id=stretch.instrument_id,
        period=period.value,
        bucket=stretch.bucket,
        version=version,
        first_ts=int(ts[0]),
        last_ts=int(ts[-1]),
        rows=len(stretch.rows),
        checksum=0,
        day_counts=counts,
        payload=payload,
    )
    return row._replace(checksum=checksum(row))


def checksum(row: SegmentRow) -> int:
    """CRC-32 over the key, the header and the payload, so that a swapped row is found as well."""
    identity = _IDENTITY.pack(row.instrument_id, row.period, row.bucket, row.first_ts, row.last_ts, row.rows)
    return zlib.crc32(row.payload, zlib.crc32(row.day_counts, zlib.crc32(identity)))


def unpack(rows: Sequence[SegmentRow], columns: Sequence[Column]) -> QuoteColumns:
    """Verify and decode segments of one period into one set of columns, in the order given.

    Raises
    ------
    SegmentCorrupt
        Names the first segment that fails.
    """
    period = Period(rows[0].period)
    ends = np.cumsum([row.rows for row in rows])
    total = int(ends[-1])
    ts = np.empty(total, dtype=np.int64)
    values = {c.name: np.empty(total, dtype=c.kind.value) for c in columns}
    nulls: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    for row, end in zip(rows, ends.tolist(), strict=True):
        place = slice(end - row.rows, end)
        out = {name: array[place] for name, array in values.items()}
        out["ts"] = ts[place]
        if checksum(row) != row.checksum:
            raise _corrupt(row, "checksum differs")
        try:
            missing = codec.decode(row.payload, columns, out)
        except codec.PayloadCorrupt as exc:
            raise _corrupt(row, str(exc)) from exc
        for name, mask in missing.items():
            nulls.setdefault(name, np.zeros(total, dtype=np.bool_))[place] = mask
    ids = np.repeat(np.array([row.instrument_id for row in rows], dtype=np.int64), [row.rows for row in rows])
    return QuoteColumns(schema_of(period), ids, ts, values, nulls)


def merge(base: QuoteColumns, winner: QuoteColumns) -> QuoteColumns:
    """Union of two sets of rows by key; where both have a key, ``winner``'s row stays."""
    return QuoteColumns.concat([base, winner]).normalised()


def same_rows(a: QuoteColumns, b: QuoteColumns) -> bool:
    """Whether two sets hold the same keys, values and NULLs, bit for bit."""
    if len(a) != len(b) or not np.array_equal(a.ts, b.ts):
        return False
    for column in a.schema.columns:
        name = column.name
        left, right = a.values[name], b.values[name]
        if column.kind is Kind.FLOAT:
            left, right = left.view(np.int64), right.view(np.int64)
        if not np.array_equal(left, right):
            return False
        if (name in a.nulls or name in b.nulls) and not np.array_equal(a.null_mask(name), b.null_mask(name)):
            return False
    return True


def index_by_key(rows: Sequence[SegmentRow]) -> dict[tuple[int, int], SegmentRow]:
    """Segments of one period by (instrument, bucket)."""
    return {(row.instrument_id, row.bucket): row for row in rows}


def bucket_span(stretches: Sequence[Stretch]) -> tuple[int, int]:
    """Smallest and largest bucket."""
    labels = [stretch.bucket for stretch in stretches]
    return min(labels), max(labels)


def _corrupt(row: SegmentRow, reason: str) -> SegmentCorrupt:
    return SegmentCorrupt(
        instrument_id=row.instrument_id,
        period=Period(row.period).code,
        bucket=row.bucket,
        reason=reason,
    )
