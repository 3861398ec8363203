"""Writes of the quote store: hot rows, verified stretches, sealing.

Hot rows (`bars_upsert`) hold the open day. Verified, closed stretches go straight into segments
(`segments_merge`); so do corrections. `seal` moves hot rows into segments. Of one key the segment
always wins over the hot row. The `quotes` database alone is written, never together with `default`.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from marketdata.quotes import codec, queries, segments
from marketdata.quotes.bulk import BulkWriter, bulk_writer
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.errors import SegmentConflict
from marketdata.quotes.periods import Period
from marketdata.quotes.segments import Stretch
from marketdata.quotes.tables import DATABASE, SEGMENTS, SegmentRow, raw_table

ATTEMPTS = 8
# Sizes of one transaction: short enough that the writer of live quotes waits a fraction of a second.
ROWS_PER_TRANSACTION = 50_000
SEGMENTS_PER_TRANSACTION = 256
INSTRUMENTS_PER_SEAL = 64
# A day of an instrument has some 5,000 ticks of 32 columns: more of them at once cost memory, and others their turn.
TICK_INSTRUMENTS_PER_SEAL = 4


@dataclass(frozen=True, slots=True)
class UpsertCounts:
    """Outcome of `bars_upsert`: rows given (each key once), inserted or changed, left alone."""

    rows: int
    written: int

    @property
    def unchanged(self) -> int:
        """Rows that stood in the table with the same values."""
        return self.rows - self.written


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """Outcome of `segments_merge` and `seal`.

    Attributes
    ----------
    rows : int
        Rows that went in, each key once.
    written, unchanged : int
        Segments.
    """

    rows: int = 0
    written: int = 0
    unchanged: int = 0

    def __add__(self, other: MergeCounts) -> MergeCounts:
        return MergeCounts(
            self.rows + other.rows,
            self.written + other.written,
            self.unchanged + other.unchanged,
        )


class _LostRace(Exception):
    """A segment changed between reading and writing it."""


def bars_upsert(*, period: Period, rows: QuoteColumns, replace: bool = True) -> UpsertCounts:
    """Insert or update hot rows; rows that did not change are not written again.

    Parameters
    ----------
    period : Period
        `Period.TICK` takes `columns.TICK` rows, every other period `columns.BAR` rows.
    rows : QuoteColumns
        In any order; of a repeated key the last row counts.
    replace : bool
        False leaves rows alone that are already there, whatever their values.

    Returns
    -------
    UpsertCounts

    Raises
    ------
    QuotesRefused
        A stamp that a bar of this period cannot have. Nothing was written.

    Notes
    -----
    Large batches are several transactions: a failure in between leaves the earlier ones stored, and
    the same call repeated completes them.
    """
    segments.check_axis(period, rows)
    rows = rows.normalised()
    connection = connections[DATABASE]
    engine = bulk_writer(connection)
    written = 0
    for start in range(0, len(rows), ROWS_PER_TRANSACTION):
        part = rows.take(slice(start, start + ROWS_PER_TRANSACTION))
        with transaction.atomic(using=DATABASE), connection.cursor() as cursor:
            written += engine.raw_upsert(cursor, raw_table(period), period, part, replace=replace)
    return UpsertCounts(len(rows), written)


def segments_merge(*, period: Period, rows: QuoteColumns) -> MergeCounts:
    """Write verified rows of closed days into segments; they replace rows of the same key.

    Rows that are already there with the same values cost no write and no new version.

    Parameters
    ----------
    period : Period
    rows : QuoteColumns
        Any instruments, any span, any order; of a repeated key the last row counts.

    Raises
    ------
    QuotesRefused
        A stamp that a bar of this period cannot have. Nothing was written.
    SegmentCorrupt
        A segment to merge into is damaged; `segment_discard` makes room for a fresh download.
    SegmentConflict
        Other writers won every attempt.

    Notes
    -----
    Batches of segments are transactions of their own; the call is safe to repeat.
    """
    segments.check_axis(period, rows)
    stretches = segments.split(period, rows.normalised())
    encoder = codec.Encoder()
    total = MergeCounts()
    for start in range(0, len(stretches), SEGMENTS_PER_TRANSACTION):
        batch = stretches[start : start + SEGMENTS_PER_TRANSACTION]
        total += _repeated(partial(_merge_batch, period, batch, encoder), period, batch)
    return total


def seal(*, period: Period, upto_ts: int, instrument_ids: Sequence[int] | None = None) -> MergeCounts:
    """Move hot rows up to a stamp into segments: segment written and rows deleted in one transaction.

    A row whose key a segment already has is dropped: the segment holds verified data.

    Parameters
    ----------
    upto_ts : int
        Last stamp to seal, inclusive; usually the end of a closed day.
    instrument_ids : sequence of int, optional
        All that have hot rows when omitted.

    Raises
    ------
    SegmentCorrupt, SegmentConflict
        As in `segments_merge`. The rows of the batch stay hot.

    Notes
    -----
    A few instruments per transaction, with a pause for waiting writers between two: memory does not grow with the
    market, and live quotes are stored meanwhile. Whatever interrupts it, a repeated call goes on.
    """
    connection = connections[DATABASE]
    if instrument_ids is None:
        with connection.cursor() as cursor:
            instrument_ids = queries.raw_instruments(cursor, period, upto_ts)
    encoder = codec.Encoder()
    total = MergeCounts()
    size = TICK_INSTRUMENTS_PER_SEAL if period is Period.TICK else INSTRUMENTS_PER_SEAL
    turn_seconds = bulk_writer(connection).TURN_SECONDS
    for start in range(0, len(instrument_ids), size):
        if start:
            time.sleep(turn_seconds)
        ids = list(instrument_ids[start : start + size])
        total += _repeated(partial(_seal_batch, period, ids, upto_ts, encoder), period, ids)
    return total


def raw_discard(*, period: Period, instrument_ids: Sequence[int], upto_ts: int) -> int:
    """Delete hot rows up to a stamp, e.g. live-built bars that verified ones replace.

    Returns
    -------
    int
        Rows deleted.
    """
    connection = connections[DATABASE]
    engine = bulk_writer(connection)
    with transaction.atomic(using=DATABASE), connection.cursor() as cursor:
        return len(queries.raw_take(cursor, engine, list(instrument_ids), period, upto_ts))


def segment_discard(*, period: Period, instrument_id: int, bucket: int) -> bool:
    """Delete one segment (a damaged one), so that its days count as missing and are fetched anew."""
    with transaction.atomic(using=DATABASE), connections[DATABASE].cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {SEGMENTS} "  # noqa: S608
            "WHERE instrument_id = %s AND period = %s AND bucket = %s",
            [instrument_id, period.value, bucket],
        )
        return bool(cursor.rowcount)


def _repeated(attempt: Callable[[int], MergeCounts], period: Period, units: Sequence[object]) -> MergeCounts:
    for number in range(ATTEMPTS):
        try:
            return attempt(number)
        except _LostRace:
            # Jitter: two writers that collided once must not keep step.
            time.sleep(random.uniform(0.0, 0.005) * 2**number)  # noqa: S311
    raise SegmentConflict(period=period.code, segments=len(units), attempts=ATTEMPTS)


def _merge_batch(period: Period, batch: Sequence[Stretch], encoder: codec.Encoder, attempt: int) -> MergeCounts:
    connection = connections[DATABASE]
    engine = bulk_writer(connection)
    # Reading and encoding happen outside the transaction: on SQLite it would hold the write lock
    # meanwhile. Whoever lost a race holds the lock on purpose, and cannot lose those rows again.
    locked = attempt > 0
    with contextlib.ExitStack() as stack:
        if locked:
            stack.enter_context(transaction.atomic(using=DATABASE))
        cursor = stack.enter_context(connection.cursor())
        created, changed = _next_versions(cursor, engine, period, batch, encoder, incoming_wins=True, lock=locked)
        if created or changed:
            with transaction.atomic(using=DATABASE):
                _put(cursor, engine, created, changed)
    written = len(created) + len(changed)
    rows = sum(len(stretch.rows) for stretch in batch)
    return MergeCounts(rows, written, len(batch) - written)


def _seal_batch(period: Period, ids: Sequence[int], upto_ts: int, encoder: codec.Encoder, attempt: int) -> MergeCounts:
    connection = connections[DATABASE]
    engine = bulk_writer(connection)
    with transaction.atomic(using=DATABASE), connection.cursor() as cursor:
        rows = queries.raw_take(cursor, engine, ids, period, upto_ts).normalised()
        batch = segments.split(period, rows)
        if not batch:
            return MergeCounts()
        created, changed = _next_versions(cursor, engine, period, batch, encoder, incoming_wins=False, lock=attempt > 0)
        _put(cursor, engine, created, changed)
    written = len(created) + len(changed)
    return MergeCounts(len(rows), written, len(batch) - written)


def _next_versions(
    cursor: CursorWrapper,
    engine: BulkWriter,
    period: Period,
    batch: Sequence[Stretch],
    encoder: codec.Encoder,
    *,
    incoming_wins: bool,
    lock: bool,
) -> tuple[list[SegmentRow], list[SegmentRow]]:
    """Encode what the batch makes of its segments: those to create, those to replace."""
    ids = sorted({stretch.instrument_id for stretch in batch})
    span = segments.bucket_span(batch)
    stored = segments.index_by_key(queries.segments_select(cursor, engine, ids, period, span, lock=lock))
    created: list[SegmentRow] = []
    changed: list[SegmentRow] = []
    for stretch in batch:
        row = stored.get((stretch.instrument_id, stretch.bucket))
        if row is None:
            created.append(segments.pack(period, stretch, 1, encoder))
            continue
        present = segments.unpack([row], stretch.rows.schema.columns)
        pair = (present, stretch.rows) if incoming_wins else (stretch.rows, present)
        merged = segments.merge(*pair)
        if not segments.same_rows(present, merged):
            whole = Stretch(stretch.instrument_id, stretch.bucket, merged)
            changed.append(segments.pack(period, whole, row.version + 1, encoder))
    return created, changed


def _put(
    cursor: CursorWrapper,
    engine: BulkWriter,
    created: Sequence[SegmentRow],
    changed: Sequence[SegmentRow],
) -> None:
    """Write inside the caller's transaction, which ends with nothing written when a race was lost."""
    if engine.segments_put(cursor, created, changed) != len(created) + len(changed):
        raise _LostRace
