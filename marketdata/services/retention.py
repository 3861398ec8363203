"""What of the market data leaves the database, and when."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from marketdata.config import get_marketdata_config
from marketdata.models import LiveDifference
from marketdata.quotes import store
from marketdata.quotes.models import QuoteSegment, RawQuote
from marketdata.quotes.periods import Period, bucket, date_ts, day_date
from marketdata.selectors import data_host
from marketdata.services.archive import ArchiveDamaged, archivable_days, archive_day
from marketdata.services.axis import first_open_day
from ops.clocks import MarketClock, market_clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retained:
    """What one run did.

    Attributes
    ----------
    sealed
        Ticks moved into day segments.
    archived, deleted
        Days of ticks that left the database, into a file or for good.
    bars
        Live-built bars deleted that no terminal ever confirmed.
    failed
        Days that could not be archived, with the reason: their ticks stay.
    """

    sealed: int = 0
    archived: tuple[date, ...] = ()
    deleted: tuple[date, ...] = ()
    bars: int = 0
    failed: tuple[tuple[date, str], ...] = ()


def retention_run(clock: MarketClock | None = None) -> Retained:
    """Seal the ticks of closed days, archive the old ones, delete what nobody confirmed. Repeated calls are cheap.

    Parameters
    ----------
    clock
        Whose day is open; the data host's when omitted.
    """
    clock = clock or market_clock(data_host())
    config = get_marketdata_config()
    open_day = day_date(first_open_day(clock))
    sealed = ticks_seal(open_day)
    oldest_kept = clock.trade_date - timedelta(days=config.ticks.retention_days)
    archived: list[date] = []
    deleted: list[date] = []
    failed: list[tuple[date, str]] = []
    for day in archivable_days(min(oldest_kept, open_day)):
        if not config.ticks.archive:
            _ticks_delete(day)
            deleted.append(day)
            continue
        try:
            archive_day(day)
            archived.append(day)
        except (ArchiveDamaged, OSError) as error:
            log.error("ticks of %s stay in the database, they could not be archived: %s", day, error)
            failed.append((day, str(error)))
    bars = _unconfirmed_delete(clock.trade_date - timedelta(days=config.live.hot_bar_days))
    return Retained(sealed, tuple(archived), tuple(deleted), bars, tuple(failed))


def ticks_seal(open_day: date) -> int:
    """Move the hot ticks of days before the open one into day segments; returns how many."""
    return store.seal(period=Period.TICK, upto_ts=date_ts(open_day) - 1).rows


def _ticks_delete(day: date) -> None:
    rows, _ = QuoteSegment.objects.filter(period=Period.TICK, bucket=bucket(Period.TICK, date_ts(day))).delete()
    log.info("ticks of %s are deleted: %d segments", day, rows)


def _unconfirmed_delete(before: date) -> int:
    """Delete live-built bars of days that were never verified, after so long nobody will, and old notes of differences."""
    rows, _ = RawQuote.objects.filter(ts__lt=date_ts(before)).delete()
    LiveDifference.objects.filter(trade_date__lt=before).delete()
    if rows:
        log.warning("%d live bars from before %s were never confirmed by the terminal and are deleted", rows, before)
    return rows
