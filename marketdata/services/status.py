"""`DataSourceStatus`: what the last downloads brought, per instrument and period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Max, Min

from marketdata.models import DataSourceStatus
from marketdata.quotes.models import QuoteSegment, RawQuote
from marketdata.quotes.periods import Period
from ops.clocks import wall_now


@dataclass(frozen=True, slots=True)
class SyncNote:
    """What to remember of one download: rows it brought, trouble in words, how far the open day was compared."""

    instrument_id: int
    rows: int
    note: str = ""
    verified_until_ts: int | None = None


def status_write(*, period: Period, host: str, notes: Sequence[SyncNote]) -> None:
    """Insert or update the status rows of these instruments; first and last are read from the bars."""
    if not notes:
        return
    ids = [note.instrument_id for note in notes]
    spans = _spans(ids, period)
    verified = dict(
        DataSourceStatus.objects.filter(instrument_id__in=ids, period=period.code).values_list(
            "instrument_id", "verified_until_ts"
        )
    )
    now = wall_now()
    DataSourceStatus.objects.bulk_create(
        [
            DataSourceStatus(
                instrument_id=note.instrument_id,
                period=period.code,
                first_ts=spans.get(note.instrument_id, (None, None))[0],
                last_ts=spans.get(note.instrument_id, (None, None))[1],
                last_sync_at=now,
                last_sync_count=note.rows,
                host=host,
                note=note.note[:400],
                verified_until_ts=(
                    note.verified_until_ts if note.verified_until_ts is not None else verified.get(note.instrument_id)
                ),
            )
            for note in notes
        ],
        update_conflicts=True,
        unique_fields=["instrument", "period"],
        update_fields=[
            "first_ts",
            "last_ts",
            "last_sync_at",
            "last_sync_count",
            "host",
            "note",
            "verified_until_ts",
        ],
    )


def status_fail(*, period: Period, notes: Mapping[int, str]) -> None:
    """Note on the status rows of these instruments (by id) why they could not be completed."""
    DataSourceStatus.objects.bulk_create(
        [
            DataSourceStatus(instrument_id=key, period=period.code, note=note[:400])
            for key, note in sorted(notes.items())
        ],
        update_conflicts=True,
        unique_fields=["instrument", "period"],
        update_fields=["note"],
    )


def _spans(ids: Iterable[int], period: Period) -> dict[int, tuple[int | None, int | None]]:
    """First and last stamp per instrument over sealed and hot rows."""
    spans: dict[int, tuple[int | None, int | None]] = {}
    sealed = (
        QuoteSegment.objects.filter(instrument_id__in=list(ids), period=period)
        .values("instrument_id")
        .annotate(first=Min("first_ts"), last=Max("last_ts"))
    )
    hot = (
        RawQuote.objects.filter(instrument_id__in=list(ids), period=period)
        .values("instrument_id")
        .annotate(first=Min("ts"), last=Max("ts"))
    )
    for row in [*sealed, *hot]:
        first, last = spans.get(row["instrument_id"], (row["first"], row["last"]))
        spans[row["instrument_id"]] = (min(first, row["first"]), max(last, row["last"]))
    return spans
