"""Reads of the quote store.

Hot rows are read first, then segments, and a segment wins. Sealing writes the segment and deletes
the rows in one transaction, so a reader that overlaps it finds each row in at least one of the two.
No read opens a transaction: on SQLite it would take the write lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connections

from marketdata.quotes import daycounts, queries, segments
from marketdata.quotes.bulk import bulk_writer
from marketdata.quotes.columns import Column, QuoteColumns, schema_of
from marketdata.quotes.periods import Int64Array, Period, bucket, bucket_first_day, day_start_ts
from marketdata.quotes.tables import DATABASE

CountMatrix = npt.NDArray[np.uint16]

_INSTRUMENTS_PER_QUERY = 500
_LAST_TS = 253_370_736_000_000  # the year 9999: a bound that every bucket calculation can hold


class Coverage(NamedTuple):
    """What is stored per instrument, one entry for each that has anything.

    Attributes
    ----------
    instrument_id, first_ts, last_ts, rows : ndarray of int64
        Hot and sealed rows together, each key once.
    hot_rows : ndarray of int64
        How many of them are not sealed.
    """

    instrument_id: Int64Array
    first_ts: Int64Array
    last_ts: Int64Array
    rows: Int64Array
    hot_rows: Int64Array


def read_bars(
    instrument_ids: Sequence[int],
    period: Period,
    start_ts: int,
    end_ts: int,
    columns: Sequence[str] | None = None,
) -> QuoteColumns:
    """Read stored rows of instruments in a closed range of stamps.

    Parameters
    ----------
    instrument_ids : sequence of int
    period : Period
    start_ts, end_ts : int
        Epoch milliseconds, both inclusive.
    columns : sequence of str, optional
        Value columns to decode; all when omitted, none (stamps only) when empty.

    Returns
    -------
    QuoteColumns
        In order of instrument id, then time; `to_frame` makes a DataFrame of it.

    Raises
    ------
    SegmentCorrupt
        A segment in the range is damaged; it is named, and no row of it is returned.
    ValueError
        An unknown column.
    """
    schema = schema_of(period)
    picked = schema.pick(columns)
    start_ts, end_ts = max(start_ts, 1), min(end_ts, _LAST_TS)
    ids = sorted(set(instrument_ids))
    parts = []
    if start_ts <= end_ts:
        for at in range(0, len(ids), _INSTRUMENTS_PER_QUERY):
            chunk = ids[at : at + _INSTRUMENTS_PER_QUERY]
            parts.append(_read_chunk(chunk, period, start_ts, end_ts, picked))
    parts = [part for part in parts if len(part)]
    return QuoteColumns.concat(parts) if parts else QuoteColumns.empty(schema, picked)


def _read_chunk(
    ids: Sequence[int], period: Period, start_ts: int, end_ts: int, columns: Sequence[Column]
) -> QuoteColumns:
    hot, sealed = _hot_and_sealed(ids, period, start_ts, end_ts, columns)
    if not len(hot):
        return sealed
    return segments.merge(hot, sealed)


def _hot_and_sealed(
    ids: Sequence[int], period: Period, start_ts: int, end_ts: int, columns: Sequence[Column]
) -> tuple[QuoteColumns, QuoteColumns]:
    """Hot rows, then sealed rows: in this order, whatever is sealed meanwhile is in one of them."""
    connection = connections[DATABASE]
    engine = bulk_writer(connection)
    with connection.cursor() as cursor:
        hot = queries.raw_select(cursor, engine, ids, period, start_ts, end_ts, columns)
        span = (bucket(period, start_ts), bucket(period, end_ts))
        rows = queries.segments_select(cursor, engine, ids, period, span, overlapping=(start_ts, end_ts))
    if not rows:
        return hot, QuoteColumns.empty(schema_of(period), columns)
    sealed = segments.unpack(rows, columns)
    if any(row.first_ts < start_ts or row.last_ts > end_ts for row in rows):
        sealed = sealed.take((sealed.ts >= start_ts) & (sealed.ts <= end_ts))
    return hot, sealed


def day_count_matrix(instrument_ids: Int64Array, period: Period, days: Int64Array) -> CountMatrix:
    """Count sealed rows of instruments on chosen days from segment headers, in one query.

    Hot rows do not count: they are not verified.

    Parameters
    ----------
    instrument_ids : ndarray of int64
        Shape (N,), each once, in any order.
    days : ndarray of int64
        Day numbers, shape (D,), ascending.

    Returns
    -------
    ndarray of uint16
        Shape (N, D). A day of ticks with more rows counts as 65,535.
    """
    matrix: CountMatrix = np.zeros((len(instrument_ids), len(days)), dtype=np.uint16)
    if not matrix.size:
        return matrix
    span = tuple(bucket(period, int(ts)) for ts in day_start_ts(days[[0, -1]]))
    order = np.argsort(instrument_ids, kind="stable")
    ordered = instrument_ids[order]
    few = len(ordered) <= _INSTRUMENTS_PER_QUERY
    connection = connections[DATABASE]
    with connection.cursor() as cursor:
        owners, labels, encoded = queries.headers_select(
            cursor,
            bulk_writer(connection),
            ordered.tolist() if few else None,
            period,
            (span[0], span[1]),
            # Of many, one stretch of the headers' index is read and what was not asked for is left out.
            between=None if few else (int(ordered[0]), int(ordered[-1])),
        )
    if not encoded:
        return matrix
    at = np.minimum(np.searchsorted(ordered, owners), len(ordered) - 1)
    wanted = ordered[at] == owners
    rows = order[at]
    counts = daycounts.decode_matrix(period, encoded)
    # Segments of one bucket lie on the same days: each bucket is one block of the matrix.
    for label in np.unique(labels[wanted]):
        block = np.flatnonzero(wanted & (labels == label))
        offsets, columns = _meet(int(bucket_first_day(period, label)), counts.shape[1], days)
        matrix[rows[block][:, None], columns] = counts[block][:, offsets]
    return matrix


def _meet(first_day: int, width: int, days: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Days of one bucket that are among ``days``: offsets within the bucket, positions in ``days``."""
    columns = np.arange(*np.searchsorted(days, [first_day, first_day + width]), dtype=np.int64)
    return days[columns] - first_day, columns


def hot_counts(instrument_ids: Int64Array, period: Period, start_ts: int, end_ts: int) -> dict[int, int]:
    """Number of hot rows in a closed range, per instrument that has any."""
    connection = connections[DATABASE]
    engine = bulk_writer(connection)
    counts: dict[int, int] = {}
    with connection.cursor() as cursor:
        for at in range(0, len(instrument_ids), _INSTRUMENTS_PER_QUERY):
            ids = instrument_ids[at : at + _INSTRUMENTS_PER_QUERY].tolist()
            counts |= queries.raw_counts(cursor, engine, ids, period, (start_ts, end_ts))
    return counts


def coverage(instrument_ids: Sequence[int] | Int64Array | None, period: Period) -> Coverage:
    """First and last stamp and row count per instrument, hot and sealed, without reading payloads.

    Parameters
    ----------
    instrument_ids
        None: the whole market.
    """
    connection = connections[DATABASE]
    engine = bulk_writer(connection)
    ids = _ids(instrument_ids)
    with connection.cursor() as cursor:
        hot = queries.raw_extent(cursor, engine, ids, period)
        sealed = queries.segments_extent(cursor, engine, ids, period)
    known = np.union1d(hot.instrument_id, sealed.instrument_id)
    totals = Coverage(
        known,
        np.full(known.size, np.iinfo(np.int64).max),
        np.zeros(known.size, dtype=np.int64),
        np.zeros(known.size, dtype=np.int64),
        np.zeros(known.size, dtype=np.int64),
    )
    for part in (hot, sealed):
        at = np.searchsorted(known, part.instrument_id)
        totals.first_ts[at] = np.minimum(totals.first_ts[at], part.first_ts)
        totals.last_ts[at] = np.maximum(totals.last_ts[at], part.last_ts)
        totals.rows[at] += part.rows
    totals.hot_rows[np.searchsorted(known, hot.instrument_id)] = hot.rows
    _count_overlaps_once(totals, hot, sealed, period)
    return totals


def _count_overlaps_once(totals: Coverage, hot: queries.Extent, sealed: queries.Extent, period: Period) -> None:
    """Correct the instruments whose hot rows reach into sealed time, where one key may stand twice."""
    both, in_hot, in_sealed = np.intersect1d(hot.instrument_id, sealed.instrument_id, return_indices=True)
    meet = hot.first_ts[in_hot] <= sealed.last_ts[in_sealed]
    for instrument_id, at in zip(both[meet].tolist(), in_hot[meet].tolist(), strict=True):
        span = (int(hot.first_ts[at]), int(hot.last_ts[at]))
        ours, theirs = _hot_and_sealed([instrument_id], period, *span, schema_of(period).pick(()))
        repeated = len(ours) + len(theirs) - len(segments.merge(ours, theirs))
        place = np.searchsorted(totals.instrument_id, instrument_id)
        totals.rows[place] -= repeated
        totals.hot_rows[place] -= repeated


def _ids(instrument_ids: Sequence[int] | Int64Array | None) -> list[int] | None:
    if instrument_ids is None:
        return None
    return [int(i) for i in np.unique(np.asarray(instrument_ids, dtype=np.int64))]
