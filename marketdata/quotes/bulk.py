"""The bulk writer of a connection's engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from marketdata.quotes import bulk_postgres, bulk_sqlite
from marketdata.quotes.columns import QuoteColumns
from marketdata.quotes.periods import Period
from marketdata.quotes.tables import LatestRow, RawTable, SegmentRow


class BulkWriter(Protocol):
    """What `bulk_sqlite` and `bulk_postgres` both offer."""

    @property
    def ROW_LOCK(self) -> str: ...  # noqa: N802 - a constant of the module

    @property
    def TURN_SECONDS(self) -> float: ...  # noqa: N802 - a constant of the module

    def ids_clause(self, ids: Sequence[int]) -> tuple[str, list[Any]]: ...

    def raw_upsert(
        self,
        cursor: CursorWrapper,
        table: RawTable,
        period: Period,
        rows: QuoteColumns,
        *,
        replace: bool,
    ) -> int: ...

    def segments_put(
        self, cursor: CursorWrapper, created: Sequence[SegmentRow], changed: Sequence[SegmentRow]
    ) -> int: ...

    def latest_put(self, cursor: CursorWrapper, rows: Sequence[LatestRow]) -> int: ...


def bulk_writer(connection: BaseDatabaseWrapper) -> BulkWriter:
    """Return the writer for a connection.

    Raises
    ------
    NotImplementedError
        An engine other than SQLite and PostgreSQL.
    """
    if connection.vendor == "sqlite":
        return cast(BulkWriter, bulk_sqlite)
    if connection.vendor == "postgresql":
        return cast(BulkWriter, bulk_postgres)
    raise NotImplementedError(f"the quote store has no bulk writer for {connection.vendor}")
