"""Days of ticks out of the database into Parquet, and back.

One file per trade date, below ``ticks/date=YYYY-MM-DD/``: what DuckDB, polars and pandas read as a partitioned table, without
this platform. A file is proven before anything is deleted: read back from the disk, it must give the same number of rows and
the same checksum over every value as the segments it was made from.
"""

from __future__ import annotations

import hashlib
import logging
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from desk.settings.schema import get_config
from marketdata.config import get_marketdata_config
from marketdata.models import Instrument, TickArchive
from marketdata.quotes import segments, store
from marketdata.quotes.columns import TICK, AnyArray, Column, Kind, QuoteColumns
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import Int64Array, Period, bucket, date_ts
from marketdata.quotes.reader import read_bars
from ops.clocks import wall_now
from ops.errors import Code, DeskError, NotFound

INSTRUMENTS_PER_GROUP = 64
"""One row group of the file: what is held in memory at a time, and what a reader of one instrument has to read."""
_DAY_MS = 86_400_000
_ARROW = {Kind.FLOAT: pa.float64(), Kind.INT: pa.int64()}

log = logging.getLogger(__name__)

Say = Callable[[str], None]

SCHEMA = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("instrument_id", pa.int64(), nullable=False),
        pa.field("ts", pa.int64(), nullable=False, metadata={"unit": "epoch milliseconds"}),
        *(pa.field(column.name, _ARROW[column.kind], nullable=column.nullable) for column in TICK.columns),
    ]
)


class ArchiveDamaged(DeskError):
    """A file that does not hold what it should; nothing was deleted or restored."""

    default_status = 500

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(Code.ARCHIVE_DAMAGED, file=str(path), reason=reason)


@dataclass(slots=True)
class _Proof:
    """Rows and a checksum over their keys, values and NULLs, in order."""

    rows: int = 0
    checksum: int = 0

    def add(self, rows: QuoteColumns) -> None:
        self.rows += len(rows)
        parts: list[AnyArray] = [rows.instrument_id, rows.ts]
        for name in TICK.names:
            parts.append(rows.values[name])
            if name in rows.nulls:
                parts.append(np.packbits(rows.nulls[name]))
        for values in parts:
            self.checksum = zlib.crc32(values.tobytes(), self.checksum)


def archive_folder() -> Path:
    """Where archives are kept."""
    configured = get_marketdata_config().ticks.archive_folder
    return Path(configured) if configured else get_config().state_dir / "archive"


def archivable_days(before: date) -> list[date]:
    """Trade dates before a day that have sealed ticks in the database, oldest first."""
    labels = (
        QuoteSegment.objects.filter(period=Period.TICK, bucket__lt=bucket(Period.TICK, date_ts(before)))
        .values_list("bucket", flat=True)
        .distinct()
        .order_by("bucket")
    )
    return [date(label // 10_000, label // 100 % 100, label % 100) for label in labels]


def archive_day(day: date, *, say: Say = lambda _text: None) -> TickArchive | None:
    """Archive a day's sealed ticks and delete them from the database; None when there are none.

    A day that has an archive already keeps what is in it: the file is written anew with both.

    Raises
    ------
    ArchiveDamaged
        The file that was written, or the one that was there, is not what it should be. The ticks stay in the database.
    """
    if not _versions(day):
        return None
    earlier = TickArchive.objects.filter(trade_date=day).first()
    if earlier is not None:
        _restore(earlier, say)
    versions = _versions(day)
    relative = Path("ticks") / f"date={day:%Y-%m-%d}" / "ticks.parquet"
    path = archive_folder() / relative
    draft = path.with_suffix(f".{os.getpid()}.draft")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = _write(draft, day, versions, say)
        if _read_proof(draft) != written:
            raise ArchiveDamaged(draft, "it reads back differently")
        size, digest = draft.stat().st_size, _sha256(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    archive, _created = TickArchive.objects.update_or_create(
        trade_date=day,
        defaults={
            "path": relative.as_posix(),
            "rows": written.rows,
            "instruments": len(versions),
            "size": size,
            "sha256": digest,
            "archived_at": wall_now(),
            "restored_at": None,
        },
    )
    _delete(day, versions)
    log.info("ticks of %s archived: %d rows, %d instruments, %.1f MB", day, written.rows, len(versions), size / 1e6)
    return archive


def archive_restore(day: date, *, say: Say = lambda _text: None) -> TickArchive:
    """Put a day's archived ticks back into the database; what stands there of the same key stays. The file is kept.

    Raises
    ------
    NotFound
        DATA_UNAVAILABLE: the day was never archived.
    ArchiveDamaged
        The file is missing or not the one that was written; nothing was changed.
    """
    archive = TickArchive.objects.filter(trade_date=day).first()
    if archive is None:
        raise NotFound(Code.DATA_UNAVAILABLE, f"no ticks of {day:%Y-%m-%d} are archived", field="day")
    _restore(archive, say)
    archive.restored_at = wall_now()
    archive.save(update_fields=["restored_at"])
    return archive


def _restore(archive: TickArchive, say: Say) -> None:
    path = archive_folder() / archive.path
    if not path.is_file():
        raise ArchiveDamaged(path, "it is not there")
    if _sha256(path) != archive.sha256:
        raise ArchiveDamaged(path, "its SHA-256 differs")
    first = date_ts(archive.trade_date)
    restored = 0
    for rows in _groups(path):
        ids = np.unique(rows.instrument_id).tolist()
        present = read_bars(ids, Period.TICK, first, first + _DAY_MS - 1)
        store.segments_merge(period=Period.TICK, rows=segments.merge(rows, present) if len(present) else rows)
        restored += len(rows)
        say(f"{archive.trade_date}: {restored} of {archive.rows} ticks restored")
    if restored != archive.rows:
        raise ArchiveDamaged(path, f"it has {restored} rows, not {archive.rows}")


def _versions(day: date) -> dict[int, int]:
    """Version of each instrument's segment of the day."""
    rows = QuoteSegment.objects.filter(period=Period.TICK, bucket=bucket(Period.TICK, date_ts(day)))
    return dict(rows.values_list("instrument_id", "version"))


def _write(path: Path, day: date, versions: dict[int, int], say: Say) -> _Proof:
    """Write a file in order of symbols, a row group for some instruments each."""
    proof = _Proof()
    names = dict(Instrument.objects.filter(pk__in=versions).values_list("pk", "symbol"))
    ids = sorted(versions, key=lambda key: (names.get(key, ""), key))
    first = date_ts(day)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", write_page_checksum=True) as writer:
        for at in range(0, len(ids), INSTRUMENTS_PER_GROUP):
            group = ids[at : at + INSTRUMENTS_PER_GROUP]
            rows = _in_order(read_bars(group, Period.TICK, first, first + _DAY_MS - 1), group)
            writer.write_table(_table(rows, names), row_group_size=max(len(rows), 1))
            proof.add(rows)
            say(f"{day}: {at + len(group)} of {len(ids)} instruments written")
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return proof


def _in_order(rows: QuoteColumns, ids: Sequence[int]) -> QuoteColumns:
    parts = dict(rows.group_slices())
    return QuoteColumns.concat([rows.take(parts[key]) for key in ids if key in parts])


def _table(rows: QuoteColumns, names: dict[int, str]) -> pa.Table:
    owners, places = np.unique(rows.instrument_id, return_inverse=True)
    symbols = pa.array([names.get(int(owner), f"#{owner}") for owner in owners]).take(pa.array(places))
    columns = [symbols, pa.array(rows.instrument_id), pa.array(rows.ts)]
    columns += [pa.array(rows.values[name], mask=rows.nulls.get(name)) for name in TICK.names]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _groups(path: Path) -> Iterator[QuoteColumns]:
    """The rows of a file, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield table_columns(file.read_row_group(number), TICK.columns)


def table_columns(table: pa.Table, columns: Sequence[Column]) -> QuoteColumns:
    """Rows of an archive's table in the form of the store."""
    values = {}
    nulls = {}
    for column in columns:
        array = table.column(column.name).combine_chunks()
        if array.null_count:
            nulls[column.name] = array.is_null().to_numpy(zero_copy_only=False)
            array = array.fill_null(0)
        values[column.name] = array.to_numpy(zero_copy_only=False)
    return QuoteColumns(TICK, _integers(table, "instrument_id"), _integers(table, "ts"), values, nulls)


def _integers(table: pa.Table, name: str) -> Int64Array:
    values: Int64Array = table.column(name).to_numpy()
    return values


def _read_proof(path: Path) -> _Proof:
    proof = _Proof()
    try:
        for rows in _groups(path):
            proof.add(rows)
    except (pa.ArrowException, OSError) as error:
        raise ArchiveDamaged(path, f"{type(error).__name__}: {error}") from error
    return proof


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _delete(day: date, versions: dict[int, int]) -> None:
    """Delete the segments that were archived; one that changed meanwhile stays, and is archived the next time."""
    by_version: dict[int, list[int]] = {}
    for instrument_id, version in versions.items():
        by_version.setdefault(version, []).append(instrument_id)
    for version, ids in by_version.items():
        for at in range(0, len(ids), 500):
            QuoteSegment.objects.filter(
                period=Period.TICK,
                bucket=bucket(Period.TICK, date_ts(day)),
                version=version,
                instrument_id__in=ids[at : at + 500],
            ).delete()
