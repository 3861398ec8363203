"""Bulk writes on PostgreSQL: binary COPY, straight in where nothing is there, else through a merge.

Everything runs through Django's own cursor, inside the caller's transaction. The temporary tables
live as long as their connection and empty themselves at each commit, so that a write costs no
catalogue rows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from django.db import IntegrityError, models, transaction
from django.db.backends.utils import CursorWrapper

from marketdata.quotes.columns import AnyArray, QuoteColumns
from marketdata.quotes.periods import Int64Array, Period
from marketdata.quotes.tables import (
    LATEST,
    SEGMENTS,
    LatestRow,
    RawTable,
    SegmentRow,
    assignments,
    prefixed,
)

_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
_COPY_TRAILER = struct.pack(">h", -1)
# Below this a merge costs no more than looking whether it can be avoided.
_FEW_ROWS = 1_000

ROW_LOCK = " FOR UPDATE"
TURN_SECONDS = 0.0
"""Writers of other rows do not wait for each other."""
# Width and byte order of each field type in the binary COPY format.
_WIRE_TYPES: tuple[tuple[type[models.Field[Any, Any]], str], ...] = (
    (models.BigIntegerField, ">i8"),
    (models.SmallIntegerField, ">i2"),
    (models.IntegerField, ">i4"),
    (models.FloatField, ">f8"),
    (models.BooleanField, "i1"),
)
_SEGMENT_TYPES = ["int4", "int2", "int4", "int4", "int8", "int8", "int4", "int8", "bytea", "bytea"]
_LATEST_TYPES = [
    *["int4", "int8"],
    *["float8"] * 5,
    *["int8", "float8"],
    *["jsonb"] * 4,
    *["int4", "int8", "varchar"],
]


def ids_clause(ids: Sequence[int]) -> tuple[str, list[Any]]:
    """Condition that picks instruments, and its parameters; one parameter whatever their number."""
    return "instrument_id = ANY(%s)", [list(ids)]


def raw_upsert(cursor: CursorWrapper, table: RawTable, period: Period, rows: QuoteColumns, *, replace: bool) -> int:
    """Insert rows and, to ``replace``, update those that differ; returns how many were written.

    ``rows`` are in key order, each key once (one INSERT may not touch a row twice).
    """
    if len(rows) >= _FEW_ROWS and _no_rows_there(cursor, table, period, rows):
        try:
            with transaction.atomic(using=cursor.db.alias):
                _copy_columns(cursor, table.name, table, period, rows)
            return len(rows)
        except IntegrityError:
            pass  # another writer was quicker: merge
    incoming = _temporary(cursor, table.name)
    _copy_columns(cursor, incoming, table, period, rows)
    action = "NOTHING"
    if replace:
        # Unchanged rows are skipped: each would get a new version, and the table would double.
        action = (
            f"UPDATE SET {assignments(table.values, 'excluded')} "
            f"WHERE ({prefixed(table.values, table.name)}) "
            f"IS DISTINCT FROM ({prefixed(table.values, 'excluded')})"
        )
    cursor.execute(
        f"INSERT INTO {table.name} ({', '.join(table.columns)}) "  # noqa: S608
        f"SELECT {', '.join(table.columns)} FROM {incoming} "
        f"ON CONFLICT ({', '.join(table.key)}) DO {action}"
    )
    written: int = cursor.rowcount
    cursor.execute(f"TRUNCATE {incoming}")
    return written


def segments_put(cursor: CursorWrapper, created: Sequence[SegmentRow], changed: Sequence[SegmentRow]) -> int:
    """Insert new segments and replace those still at the version before; returns how many took.

    Fewer than given leaves the transaction unusable: the caller has lost a race and rolls back.
    """
    fields = SegmentRow._fields
    written = 0
    if created:
        try:
            # Straight into the table: a way through a temporary one would write the payloads twice.
            _copy_rows(cursor, SEGMENTS, fields, _SEGMENT_TYPES, created)
        except IntegrityError:
            return 0
        written += len(created)
    if changed:
        incoming = _temporary(cursor, SEGMENTS)
        _copy_rows(cursor, incoming, fields, _SEGMENT_TYPES, changed)
        cursor.execute(
            f"UPDATE {SEGMENTS} s SET {assignments(fields[3:], 'i')} FROM {incoming} i "  # noqa: S608
            "WHERE s.instrument_id = i.instrument_id AND s.period = i.period "
            "AND s.bucket = i.bucket AND s.version = i.version - 1"
        )
        written += cursor.rowcount
        cursor.execute(f"TRUNCATE {incoming}")
    return written


def latest_put(cursor: CursorWrapper, rows: Sequence[LatestRow]) -> int:
    """Store snapshots that were received no earlier than the stored ones; returns how many took."""
    incoming = _temporary(cursor, LATEST)
    fields = LatestRow._fields
    _copy_rows(cursor, incoming, fields, _LATEST_TYPES, rows, binary=False)
    cursor.execute(
        f"INSERT INTO {LATEST} ({', '.join(fields)}) "  # noqa: S608
        f"SELECT {', '.join(fields)} FROM {incoming} "
        f"ON CONFLICT (instrument_id) DO UPDATE SET {assignments(fields[1:], 'excluded')} "
        f"WHERE excluded.received_at >= {LATEST}.received_at"
    )
    written: int = cursor.rowcount
    cursor.execute(f"TRUNCATE {incoming}")
    return written


def _temporary(cursor: CursorWrapper, table: str) -> str:
    name = f"incoming_{table}"
    cursor.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING STORAGE) ON COMMIT DELETE ROWS"
    )
    return name


def _copy_rows(
    cursor: CursorWrapper,
    table: str,
    fields: tuple[str, ...],
    types: list[str],
    rows: Iterable[tuple[Any, ...]],
    *,
    binary: bool = True,
) -> None:
    form = " (FORMAT BINARY)" if binary else ""
    statement = f"COPY {table} ({', '.join(fields)}) FROM STDIN{form}"
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        if binary:
            copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _no_rows_there(cursor: CursorWrapper, table: RawTable, period: Period, rows: QuoteColumns) -> bool:
    """Whether the table is empty where the rows go: then they can be copied in without a merge."""
    condition, parameters = ids_clause(np.unique(rows.instrument_id).tolist())
    if "period" in table.key:
        condition += " AND period = %s"
        parameters.append(period.value)
    cursor.execute(
        f"SELECT EXISTS (SELECT 1 FROM {table.name} "  # noqa: S608
        f"WHERE {condition} AND ts BETWEEN %s AND %s)",
        [*parameters, int(rows.ts.min()), int(rows.ts.max())],
    )
    return not cursor.fetchone()[0]


# --- binary COPY of columns -----------------------------------------------------------------------


def _copy_columns(cursor: CursorWrapper, target: str, table: RawTable, period: Period, rows: QuoteColumns) -> None:
    statement = f"COPY {target} ({', '.join(table.columns)}) FROM STDIN (FORMAT BINARY)"
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write(_COPY_HEADER)
        for block in _binary_blocks(table, period, rows):
            copy.write(block)
        copy.write(_COPY_TRAILER)


def _binary_blocks(table: RawTable, period: Period, rows: QuoteColumns) -> Iterator[bytes]:
    """COPY rows as arrays of fixed-width records, one array for each pattern of NULLs."""
    arrays = _arrays(table, period, rows)
    for missing, chosen in _null_patterns(table, rows):
        yield _records(table, arrays, missing, chosen)


def _arrays(table: RawTable, period: Period, rows: QuoteColumns) -> dict[str, AnyArray]:
    arrays: dict[str, AnyArray] = {"instrument_id": rows.instrument_id, "ts": rows.ts}
    if "period" in table.key:
        arrays["period"] = np.full(len(rows), period.value, dtype=np.int64)
    return {**rows.values, **arrays}


def _null_patterns(table: RawTable, rows: QuoteColumns) -> Iterator[tuple[frozenset[str], Int64Array | slice]]:
    names = [name for name in table.values if name in rows.nulls]
    if not names:
        yield frozenset(), slice(None)
        return
    pattern = np.zeros(len(rows), dtype=np.int64)
    for bit, name in enumerate(names):
        pattern |= rows.nulls[name].astype(np.int64) << bit
    for value in np.unique(pattern).tolist():
        missing = frozenset(name for bit, name in enumerate(names) if value >> bit & 1)
        yield missing, np.flatnonzero(pattern == value)


def _records(
    table: RawTable,
    arrays: dict[str, AnyArray],
    missing: frozenset[str],
    chosen: Int64Array | slice,
) -> bytes:
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name in table.columns:
        layout.append((f"size_{name}", ">i4"))
        if name not in missing:
            layout.append((name, _wire_type(table, name)))
    count = arrays["ts"][chosen].size
    records = np.empty(count, dtype=layout)
    records["fields"] = len(table.columns)
    for name in table.columns:
        if name in missing:
            records[f"size_{name}"] = -1
        else:
            records[f"size_{name}"] = records.dtype[name].itemsize
            records[name] = arrays[name][chosen]
    return records.tobytes()


def _wire_type(table: RawTable, name: str) -> str:
    field = table.model._meta.get_field(name)
    for field_type, wire in _WIRE_TYPES:
        if isinstance(field, field_type):
            return wire
    raise TypeError(f"{table.name}.{name} has no binary COPY form here")
