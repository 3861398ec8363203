"""The newest snapshot of each instrument."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connections, transaction

from marketdata.quotes.bulk import bulk_writer
from marketdata.quotes.tables import DATABASE, LatestRow


def latest_upsert(rows: Iterable[LatestRow]) -> int:
    """Store snapshots in one transaction; one that was received before the stored one is left out.

    Parameters
    ----------
    rows : iterable of LatestRow
        At most one per instrument.

    Returns
    -------
    int
        Rows written.
    """
    # In key order: two writers then wait for each other instead of deadlocking.
    ordered = sorted(rows, key=lambda row: row.instrument_id)
    if not ordered:
        return 0
    connection = connections[DATABASE]
    with transaction.atomic(using=DATABASE), connection.cursor() as cursor:
        return bulk_writer(connection).latest_put(cursor, ordered)
