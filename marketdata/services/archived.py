"""Ticks of archived days, read out of their files where they lie: nothing is put back into the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from marketdata.models import TickArchive
from marketdata.quotes.columns import TICK, Column, QuoteColumns
from marketdata.quotes.periods import Int64Array, day_date, day_number
from marketdata.services.archive import ArchiveDamaged, archive_folder, table_columns


def archives_between(first: int, last: int) -> dict[int, TickArchive]:
    """Archives of days (numbers) between two, both included. A day that was restored is in the database and not here."""
    rows = TickArchive.objects.filter(trade_date__range=(day_date(first), day_date(last)), restored_at=None)
    return {day_number(archive.trade_date): archive for archive in rows}


def archived_ticks(
    archive: TickArchive, instrument_ids: Sequence[int], columns: Sequence[str] | None = None
) -> QuoteColumns:
    """Ticks of some instruments out of a day's file.

    Parameters
    ----------
    columns
        Value columns; all when omitted, `seq` always.

    Returns
    -------
    QuoteColumns
        In order of instrument id, then time; empty when the file has none of them.

    Raises
    ------
    ArchiveDamaged
        The file is not there, has another size, or a page of it does not have its checksum. The whole file's SHA-256 is
        left to a restore: reading a day of the market to answer one instrument would cost more than the answer.
    """
    path = archive_folder() / archive.path
    picked = TICK.pick(columns)
    wanted = np.unique(np.asarray(instrument_ids, dtype=np.int64))
    parts: list[QuoteColumns] = []
    try:
        if path.stat().st_size != archive.size:
            raise ArchiveDamaged(path, f"it has {path.stat().st_size} bytes, not {archive.size}")
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for number in range(file.num_row_groups):
                parts.extend(_of_group(file, number, wanted, picked))
    except FileNotFoundError:
        raise ArchiveDamaged(path, "it is not there") from None
    except (pa.ArrowException, OSError) as error:
        raise ArchiveDamaged(path, f"{type(error).__name__}: {error}") from error
    return QuoteColumns.concat(parts).normalised() if parts else QuoteColumns.empty(TICK, picked)


def archived_volumes(instrument_ids: Sequence[int], first: int, last: int) -> dict[tuple[int, int], int]:
    """Volume of the last tick per instrument and archived day (number) between two days, both included."""
    found: dict[tuple[int, int], int] = {}
    for day, archive in archives_between(first, last).items():
        rows = archived_ticks(archive, instrument_ids, ["volume"])
        for key, part in rows.group_slices():
            found[key, day] = int(rows.values["volume"][part.stop - 1])
    return found


def _of_group(
    file: pq.ParquetFile, number: int, wanted: Int64Array, columns: Sequence[Column]
) -> Iterator[QuoteColumns]:
    """The wanted instruments' rows of one row group; most groups are left after one column, which packs to nothing."""
    owners: Int64Array = file.read_row_group(number, columns=["instrument_id"]).column(0).to_numpy()
    keep = np.isin(owners, wanted)
    if keep.any():
        names = ["instrument_id", "ts", *(column.name for column in columns)]
        table = file.read_row_group(number, columns=names).filter(pa.array(keep))
        yield table_columns(table, columns)
