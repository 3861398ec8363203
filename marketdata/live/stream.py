"""Quotes of one host on their way into live bars, and what is known about their completeness."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from marketdata.config import get_marketdata_config
from marketdata.minutes import FIVE_MINUTES, BarAxis, MinuteBar, MinuteBuilder, Snapshot, is_quiet
from marketdata.quotes.models import LatestQuote
from marketdata.quotes.periods import Period
from marketdata.symbols import SymbolIds

STALL_SECONDS = 10.0
"""No quote of any instrument for this long, in a session: the stream is broken further up."""

log = logging.getLogger(__name__)


class HostStream:
    """Quotes of one host on their way into bars, and what is known about their completeness."""

    def __init__(self, host: str) -> None:
        self.host = host
        config = get_marketdata_config().bars
        self.builders = {
            Period.MINUTE_1: MinuteBuilder(BarAxis(1, own_auction=config.minute_bars == 241)),
            Period.MINUTE_5: MinuteBuilder(FIVE_MINUTES),
        }
        self.settled = False
        self._last_at = time.monotonic()
        self._first_received_at: int | None = None
        self._seen: set[str] = set()

    @property
    def watermark(self) -> int:
        """Newest event time seen; 0 before the first."""
        return self.builders[Period.MINUTE_1].watermark

    @property
    def stale_quotes(self) -> int:
        """Quotes left out because a newer one had been there."""
        return self.builders[Period.MINUTE_1].stale

    def closed(self) -> Iterator[tuple[Period, list[MinuteBar]]]:
        """Complete bars that are over, each handed out once."""
        now = self.event_now()
        for period, builder in self.builders.items():
            yield period, builder.closed(now)

    def changed(self) -> Iterator[tuple[Period, list[MinuteBar]]]:
        """Bars that changed since the last call."""
        for period, builder in self.builders.items():
            yield period, builder.changed()

    def quotes(self, message: dict[str, Any]) -> None:
        """Apply one message of the quote channel; one that says quotes before it were never published breaks the stream."""
        if message.get("gap"):
            self.interrupt()
        now = time.monotonic()
        stalled = now - self._last_at > STALL_SECONDS and not is_quiet(self.watermark)
        if self.settled and stalled:
            log.warning("quotes of host %s paused for %.0f s", self.host, now - self._last_at)
            self._interrupt_builders()
        self._last_at = now
        snapshots = list(_snapshots(message["q"]))
        for builder in self.builders.values():
            builder.feed(snapshots)
            if self.settled:
                builder.resume()
        self._seen.update(message["q"])
        if self._first_received_at is None:
            self._first_received_at = int(message["t"])

    def event_now(self) -> int:
        """Newest event time; carried on by the wall clock only where silence is normal.

        Anywhere else silence may be a stalled stream, and closing a minute on the wall clock's word
        would store it without its last trades.
        """
        watermark = self.watermark
        if not is_quiet(watermark):
            return watermark
        return watermark + int((time.monotonic() - self._last_at) * 1000)

    def interrupt(self) -> None:
        """The subscription was lost: what was published meanwhile is not known."""
        self._interrupt_builders()
        self._first_received_at = None
        self.settled = False

    def settle(self, symbols: SymbolIds) -> None:
        """Join the stream to the stored latest quotes, once these reach up to its first message.

        The data worker stores everything it received up to some moment in one transaction. So when
        one quote that came no earlier than the stream's first message is stored, every quote before
        that message is stored too, and none is missing between the table and the stream.

        Raises
        ------
        django.db.Error
            The database is away; nothing changed.
        """
        first = self._first_received_at
        if self.settled or first is None:
            return
        names = {pk: symbol for symbol, pk in symbols.all().items()}
        rows = [
            row
            for row in LatestQuote.objects.filter(host=self.host).values_list(
                "instrument_id", "ts", "last", "high", "low", "volume", "amount", "received_at"
            )
            if row[0] in names
        ]
        if not any(row[-1] >= first and names[row[0]] in self._seen for row in rows):
            return
        snapshots = [Snapshot(names[row[0]], *row[1:-1]) for row in rows]
        for builder in self.builders.values():
            builder.baseline(snapshots)
            builder.resume()
        self.settled = True

    def _interrupt_builders(self) -> None:
        for builder in self.builders.values():
            builder.interrupt()


def _snapshots(quotes: Mapping[str, Mapping[str, Any]]) -> Iterator[Snapshot]:
    for symbol, quote in quotes.items():
        yield Snapshot(
            symbol,
            quote["ts"],
            quote["last"],
            quote["high"],
            quote["low"],
            quote["volume"],
            quote["amount"],
        )
