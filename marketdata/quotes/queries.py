"""Plain SQL reads of hot rows and segments. None of them opens a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db.backends.utils import CursorWrapper

from marketdata.quotes.bulk import BulkWriter
from marketdata.quotes.columns import AnyArray, BoolArray, Column, Kind, QuoteColumns
from marketdata.quotes.periods import Int64Array, Period
from marketdata.quotes.tables import SEGMENTS, SegmentRow, raw_table


class Extent(NamedTuple):
    """First and last stamp and number of rows per instrument, in order of instrument."""

    instrument_id: Int64Array
    first_ts: Int64Array
    last_ts: Int64Array
    rows: Int64Array


def raw_select(
    cursor: CursorWrapper,
    engine: BulkWriter,
    ids: Sequence[int],
    period: Period,
    start_ts: int,
    end_ts: int,
    columns: Sequence[Column],
) -> QuoteColumns:
    """Hot rows of instruments in a closed range, in no particular order."""
    table = raw_table(period)
    names = ", ".join(["instrument_id", "ts", *(c.name for c in columns)])
    where, parameters = _raw_where(engine, ids, period)
    cursor.execute(
        f"SELECT {names} FROM {table.name} WHERE {where} AND ts BETWEEN %s AND %s",  # noqa: S608
        [*parameters, start_ts, end_ts],
    )
    return from_rows(period, cursor.fetchall(), columns)


def raw_take(
    cursor: CursorWrapper, engine: BulkWriter, ids: Sequence[int], period: Period, upto_ts: int
) -> QuoteColumns:
    """Delete hot rows up to a stamp and return them: one statement, so no row slips between."""
    table = raw_table(period)
    names = ", ".join(["instrument_id", "ts", *table.schema.names])
    where, parameters = _raw_where(engine, ids, period)
    cursor.execute(
        f"DELETE FROM {table.name} WHERE {where} AND ts <= %s RETURNING {names}",  # noqa: S608
        [*parameters, upto_ts],
    )
    return from_rows(period, cursor.fetchall(), table.schema.columns)


def raw_instruments(cursor: CursorWrapper, period: Period, upto_ts: int) -> list[int]:
    """Instruments that have hot rows up to a stamp."""
    table = raw_table(period)
    condition, parameters = ("ts <= %s", [upto_ts])
    if "period" in table.key:
        condition, parameters = ("period = %s AND ts <= %s", [period.value, upto_ts])
    cursor.execute(
        f"SELECT DISTINCT instrument_id FROM {table.name} WHERE {condition} "  # noqa: S608
        "ORDER BY instrument_id",
        parameters,
    )
    return [row[0] for row in cursor.fetchall()]


def segments_select(
    cursor: CursorWrapper,
    engine: BulkWriter,
    ids: Sequence[int],
    period: Period,
    buckets: tuple[int, int],
    *,
    overlapping: tuple[int, int] | None = None,
    lock: bool = False,
) -> list[SegmentRow]:
    """Segments of instruments in a closed range of buckets, in key order.

    Parameters
    ----------
    overlapping : (start_ts, end_ts), optional
        Leave out segments that lie entirely outside this range of stamps.
    lock : bool
        Keep other writers away until the caller's transaction ends.
    """
    where, parameters = _period_where(engine, ids, period)
    where += " AND bucket BETWEEN %s AND %s"
    parameters += buckets
    if overlapping is not None:
        where += " AND last_ts >= %s AND first_ts <= %s"
        parameters += overlapping
    cursor.execute(
        f"SELECT {', '.join(SegmentRow._fields)} FROM {SEGMENTS} WHERE {where} "  # noqa: S608
        f"ORDER BY instrument_id, bucket{engine.ROW_LOCK if lock else ''}",
        parameters,
    )
    # psycopg hands bytea out as bytes, other drivers as memoryview: bytes() is free for the first.
    return [SegmentRow._make((*row[:8], bytes(row[8]), bytes(row[9]))) for row in cursor.fetchall()]


def headers_select(
    cursor: CursorWrapper,
    engine: BulkWriter,
    ids: Sequence[int] | None,
    period: Period,
    buckets: tuple[int, int],
    *,
    between: tuple[int, int] | None = None,
) -> tuple[Int64Array, Int64Array, list[bytes]]:
    """Instrument, bucket and per-day counts of segments (None: of all instruments), in key order.

    Parameters
    ----------
    between : (first id, last id), optional
        Only instruments in this closed range.
    """
    where, parameters = _period_where(engine, ids, period)
    if between is not None:
        where += " AND instrument_id BETWEEN %s AND %s"
        parameters += between
    cursor.execute(
        f"SELECT instrument_id, bucket, day_counts FROM {SEGMENTS} "  # noqa: S608
        f"WHERE {where} AND bucket BETWEEN %s AND %s ORDER BY instrument_id, bucket",
        [*parameters, *buckets],
    )
    rows = cursor.fetchall()
    ids_found, labels, encoded = zip(*rows, strict=True) if rows else ((), (), ())
    return (
        np.array(ids_found, dtype=np.int64),
        np.array(labels, dtype=np.int64),
        [bytes(entry) for entry in encoded],
    )


def raw_counts(
    cursor: CursorWrapper, engine: BulkWriter, ids: Sequence[int], period: Period, span: tuple[int, int]
) -> dict[int, int]:
    """Number of hot rows per instrument in a closed range of stamps."""
    table = raw_table(period)
    where, parameters = _raw_where(engine, ids, period)
    cursor.execute(
        f"SELECT instrument_id, COUNT(*) FROM {table.name} "  # noqa: S608
        f"WHERE {where} AND ts BETWEEN %s AND %s GROUP BY instrument_id",
        [*parameters, *span],
    )
    return dict(cursor.fetchall())


def raw_extent(cursor: CursorWrapper, engine: BulkWriter, ids: Sequence[int] | None, period: Period) -> Extent:
    """First and last stamp and number of hot rows per instrument."""
    table = raw_table(period)
    where, parameters = _raw_where(engine, ids, period)
    cursor.execute(
        "SELECT instrument_id, MIN(ts), MAX(ts), COUNT(*) "  # noqa: S608
        f"FROM {table.name} WHERE {where} GROUP BY instrument_id ORDER BY instrument_id",
        parameters,
    )
    return _extent(cursor)


def segments_extent(cursor: CursorWrapper, engine: BulkWriter, ids: Sequence[int] | None, period: Period) -> Extent:
    """First and last stamp and number of sealed rows per instrument."""
    where, parameters = _period_where(engine, ids, period)
    cursor.execute(
        "SELECT instrument_id, MIN(first_ts), MAX(last_ts), SUM(rows) "  # noqa: S608
        f"FROM {SEGMENTS} WHERE {where} GROUP BY instrument_id ORDER BY instrument_id",
        parameters,
    )
    return _extent(cursor)


def _extent(cursor: CursorWrapper) -> Extent:
    rows = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 4)
    return Extent(*rows.T)


def from_rows(period: Period, rows: Sequence[tuple[Any, ...]], columns: Sequence[Column]) -> QuoteColumns:
    """Turn fetched rows (instrument, ts, columns) into arrays."""
    schema = raw_table(period).schema
    if not rows:
        return QuoteColumns.empty(schema, columns)
    fetched = list(zip(*rows, strict=True))
    values: dict[str, AnyArray] = {}
    nulls: dict[str, BoolArray] = {}
    for column, given in zip(columns, fetched[2:], strict=True):
        values[column.name], missing = _array(column, given)
        if missing is not None:
            nulls[column.name] = missing
    return QuoteColumns(
        schema,
        np.array(fetched[0], dtype=np.int64),
        np.array(fetched[1], dtype=np.int64),
        values,
        nulls,
    )


def _array(column: Column, given: tuple[Any, ...]) -> tuple[AnyArray, BoolArray | None]:
    if not column.nullable:
        return np.array(given, dtype=column.kind.value), None
    if column.kind is Kind.FLOAT:
        # numpy reads None as NaN, and the store holds no NaN: what is NaN here was NULL.
        floats: AnyArray = np.array(given, dtype=np.float64)
        missing = np.isnan(floats)
    else:
        missing = np.fromiter((value is None for value in given), np.bool_, len(given))
        floats = np.array([value or 0 for value in given], dtype=column.kind.value)
    if not missing.any():
        return floats, None
    floats[missing] = 0
    return floats, missing


def _raw_where(engine: BulkWriter, ids: Sequence[int] | None, period: Period) -> tuple[str, list[Any]]:
    if "period" in raw_table(period).key:
        return _period_where(engine, ids, period)
    return engine.ids_clause(ids) if ids is not None else ("TRUE", [])


def _period_where(engine: BulkWriter, ids: Sequence[int] | None, period: Period) -> tuple[str, list[Any]]:
    if ids is None:
        return "period = %s", [period.value]
    where, parameters = engine.ids_clause(ids)
    return where + " AND period = %s", [*parameters, period.value]
