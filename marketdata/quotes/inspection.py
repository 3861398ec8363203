"""Looking at segments one by one: which there are, and what is wrong with one that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from django.db import connections

from marketdata.quotes import daycounts, queries, segments
from marketdata.quotes.bulk import bulk_writer
from marketdata.quotes.columns import QuoteColumns, schema_of
from marketdata.quotes.errors import SegmentCorrupt
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import Int64Array, Period
from marketdata.quotes.tables import DATABASE, SegmentRow


class SegmentHead(NamedTuple):
    """What names one version of one segment."""

    instrument_id: int
    bucket: int
    version: int
    checksum: int


class OpenedSegment(NamedTuple):
    """One segment, read.

    Attributes
    ----------
    rows
        None when it cannot be read.
    trouble
        Why it cannot be read, or how the header differs from the content; empty when all is well.
    """

    head: SegmentHead
    first_ts: int
    last_ts: int
    rows: QuoteColumns | None
    trouble: str


def segment_heads(period: Period, instrument_ids: Sequence[int] | None = None) -> list[SegmentHead]:
    """Every segment of a period in key order, of some instruments or all; no payload is read."""
    found = QuoteSegment.objects.using(DATABASE).filter(period=period.value)
    if instrument_ids is not None:
        found = found.filter(instrument_id__in=list(instrument_ids))
    rows = found.order_by("instrument_id", "bucket").values_list(*SegmentHead._fields)
    return [SegmentHead._make(row) for row in rows]


def segments_open(period: Period, instrument_ids: Sequence[int], buckets: tuple[int, int]) -> Iterator[OpenedSegment]:
    """Read segments of instruments within a closed range of buckets, each by itself: a damaged one does not hide the others."""
    connection = connections[DATABASE]
    with connection.cursor() as cursor:
        stored = queries.segments_select(cursor, bulk_writer(connection), instrument_ids, period, buckets)
    for row in stored:
        head = SegmentHead(row.instrument_id, row.bucket, row.version, row.checksum)
        try:
            rows = segments.unpack([row], schema_of(period).columns)
        except SegmentCorrupt as error:
            yield OpenedSegment(head, row.first_ts, row.last_ts, None, str(error.details.get("reason", error)))
            continue
        yield OpenedSegment(head, row.first_ts, row.last_ts, rows, _header_trouble(period, row, rows.ts))


def _header_trouble(period: Period, row: SegmentRow, ts: Int64Array) -> str:
    if len(ts) != row.rows:
        return f"the header says {row.rows} bars, there are {len(ts)}"
    if (int(ts.min()), int(ts.max())) != (row.first_ts, row.last_ts):
        return "first or last time differ from the header's"
    told = daycounts.decode(period, np.array([row.bucket], np.int64), [row.day_counts])
    counted = daycounts.decode(period, np.array([row.bucket], np.int64), [daycounts.encode(period, row.bucket, ts)])
    if not (np.array_equal(told.day, counted.day) and np.array_equal(told.rows, counted.rows)):
        return "bars per day differ from the header's"
    return ""
