"""Bulk writes on SQLite: `executemany` through Django's own connection.

A second SQLite library on a file that Django holds would silently drop POSIX locks; this module
therefore knows nothing but the cursor it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.backends.utils import CursorWrapper

from marketdata.quotes.columns import Kind, QuoteColumns
from marketdata.quotes.periods import Period
from marketdata.quotes.tables import (
    LATEST,
    SEGMENTS,
    LatestRow,
    RawTable,
    SegmentRow,
    assignments,
)

# Django's cursor keeps every parameter tuple of one executemany call alive.
_ROWS_PER_CALL = 20_000

ROW_LOCK = ""
"""A transaction holds the whole file's write lock from its start (IMMEDIATE)."""
TURN_SECONDS = 0.12
"""Between the transactions of a long piece of work: a waiting writer looks again after at most 0.1 s, and would otherwise
find the lock taken each time."""


def ids_clause(ids: Sequence[int]) -> tuple[str, list[Any]]:
    """Condition that picks instruments, and its parameters; one parameter whatever their number."""
    text = "[" + ",".join(map(str, ids)) + "]"
    return "instrument_id IN (SELECT value FROM json_each(%s))", [text]


def raw_upsert(cursor: CursorWrapper, table: RawTable, period: Period, rows: QuoteColumns, *, replace: bool) -> int:
    """Insert rows and, to ``replace``, update those that differ; returns how many were written.

    ``rows`` are in key order, each key once.
    """
    action = "NOTHING"
    if replace:
        changed = " OR ".join(f"{table.name}.{c} IS NOT excluded.{c}" for c in table.values)
        action = f"UPDATE SET {assignments(table.values, 'excluded')} WHERE {changed}"
    # Binding is most of the cost, so that columns of one value stand in the statement instead.
    literals = _literals(table, period, rows)
    statement = (
        f"INSERT INTO {table.name} ({', '.join(table.columns)}) "  # noqa: S608
        f"VALUES ({', '.join(literals.get(name, '%s') for name in table.columns)}) "
        f"ON CONFLICT ({', '.join(table.key)}) DO {action}"
    )
    bound = [name for name in table.columns if name not in literals]
    return _executemany(cursor, statement, _tuples(bound, rows))


def segments_put(cursor: CursorWrapper, created: Sequence[SegmentRow], changed: Sequence[SegmentRow]) -> int:
    """Insert new segments and replace those still at the version before; returns how many took."""
    fields = SegmentRow._fields
    written = 0
    if created:
        insert = (
            f"INSERT INTO {SEGMENTS} ({', '.join(fields)}) "  # noqa: S608
            f"VALUES ({', '.join(['%s'] * len(fields))}) ON CONFLICT DO NOTHING"
        )
        written += _executemany(cursor, insert, created)
    if changed:
        update = (
            f"UPDATE {SEGMENTS} SET {', '.join(f'{name} = %s' for name in fields[3:])} "  # noqa: S608
            "WHERE instrument_id = %s AND period = %s AND bucket = %s AND version = %s"
        )
        rows = ((*row[3:], *row[:3], row.version - 1) for row in changed)
        written += _executemany(cursor, update, rows)
    return written


def latest_put(cursor: CursorWrapper, rows: Sequence[LatestRow]) -> int:
    """Store snapshots that were received no earlier than the stored ones; returns how many took."""
    fields = LatestRow._fields
    statement = (
        f"INSERT INTO {LATEST} ({', '.join(fields)}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * len(fields))}) "
        f"ON CONFLICT (instrument_id) DO UPDATE SET {assignments(fields[1:], 'excluded')} "
        f"WHERE excluded.received_at >= {LATEST}.received_at"
    )
    return _executemany(cursor, statement, rows)


def _executemany(cursor: CursorWrapper, statement: str, rows: Iterable[tuple[Any, ...]]) -> int:
    pending = iter(rows)
    written = 0
    while batch := list(islice(pending, _ROWS_PER_CALL)):
        cursor.executemany(statement, batch)
        written += max(cursor.rowcount, 0)
    return written


def _literals(table: RawTable, period: Period, rows: QuoteColumns) -> dict[str, str]:
    """SQL text of the period and of columns that are NULL or one truth value throughout."""
    literals = {"period": str(period.value)} if "period" in table.key else {}
    for column in table.schema.columns:
        values = rows.values[column.name]
        missing = rows.nulls.get(column.name)
        if missing is not None and missing.all():
            literals[column.name] = "NULL"
        elif column.kind is Kind.BOOL and (values.all() or not values.any()):
            literals[column.name] = "1" if values[0] else "0"
    return literals


def _tuples(names: Sequence[str], rows: QuoteColumns) -> Iterator[tuple[Any, ...]]:
    columns: list[list[Any]] = []
    for name in names:
        if name in ("instrument_id", "ts"):
            columns.append(getattr(rows, name).tolist())
        elif (missing := rows.nulls.get(name)) is None:
            columns.append(rows.values[name].tolist())
        else:
            values = rows.values[name].astype(object)
            values[missing] = None
            columns.append(values.tolist())
    return zip(*columns, strict=True)
