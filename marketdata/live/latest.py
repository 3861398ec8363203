"""Quotes into the latest-quote table. Knows nothing of Redis."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

import orjson
from django.db import Error as DatabaseTrouble
from django.db import connections

from marketdata.live.buffers import LatestBuffer, Received
from marketdata.models import DataSource
from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.tables import DATABASE, LatestRow
from marketdata.symbols import SymbolIds

RETRY_SECONDS = 2.0
UNKNOWN_KEPT_SECONDS = 60.0
SEEN_SECONDS = 5.0
"""How often the host's row learns when its last quote came."""

log = logging.getLogger(__name__)


class LatestStore:
    """A thread that stores the newest quote of each symbol.

    Parameters
    ----------
    interval_seconds : float
        Longest time a quote waits for its row.
    """

    def __init__(self, host: str, symbols: SymbolIds, *, interval_seconds: float) -> None:
        self._host = host
        self._symbols = symbols
        self._interval = interval_seconds
        self._buffer = LatestBuffer()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"quotes-store@{host}", daemon=True)
        self._seen_due = 0.0
        self.stored = 0
        self.failures = 0
        self.unknown_symbols = 0
        self.errors = 0
        self.last_stored_at = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, quotes: dict[str, Received]) -> None:
        """Take quotes over; never waits."""
        self._buffer.put(quotes)

    def stop(self, timeout_seconds: float) -> None:
        """Store what waits, once, and end."""
        self._stop.set()
        self._buffer.filled.set()
        self._thread.join(timeout_seconds)

    def counters(self) -> dict[str, int]:
        """What the buffer did since the start, and what waits in it."""
        return {
            "replaced": self._buffer.replaced,
            "refused": self._buffer.refused,
            "waiting": len(self._buffer),
        }

    def _run(self) -> None:
        # Asleep while nothing comes: outside trading hours this thread costs nothing.
        while not self._stop.is_set():
            self._buffer.filled.wait()
            self._stop.wait(self._interval)
            if not self._turn():
                self._stop.wait(RETRY_SECONDS)
        self._turn()
        connections.close_all()

    def _turn(self) -> bool:
        try:
            return self._store_waiting()
        except Exception:
            # What nobody foresaw costs its quotes, not the thread.
            log.exception("latest quotes of host %s are lost", self._host)
            self.errors += 1
            return False

    def _store_waiting(self) -> bool:
        quotes = self._buffer.take()
        if not quotes:
            return True
        try:
            ids = self._symbols.find(quotes)
            rows = [latest_row(ids[symbol], quotes[symbol], self._host) for symbol in quotes if symbol in ids]
            self.stored += latest_upsert(rows)
            self._note_seen(max(item.received_at for item in quotes.values()))
        except DatabaseTrouble as error:
            self.failures += 1
            log.warning("latest quotes stay in the buffer, the database is away: %s", error)
            self._buffer.give_back(quotes)
            self._buffer.filled.set()
            # The connection may be the broken part; the next attempt opens its own.
            connections[DATABASE].close()
            connections["default"].close()
            return False
        self.last_stored_at = time.time_ns() // 1_000_000
        if len(ids) < len(quotes):
            self._keep_unknown({key: item for key, item in quotes.items() if key not in ids})
        return True

    def _note_seen(self, received_at: int) -> None:
        """Tell the host's row, which the stale-feed watch reads."""
        if time.monotonic() < self._seen_due:
            return
        self._seen_due = time.monotonic() + SEEN_SECONDS
        DataSource.objects.filter(host=self._host).update(last_tick_at=datetime.fromtimestamp(received_at / 1000, UTC))

    def _keep_unknown(self, quotes: dict[str, Received]) -> None:
        """Hold quotes of symbols without a row for a while.

        On a first start quotes come before the static data, and a suspended share sends only one.
        """
        oldest = self.last_stored_at - int(UNKNOWN_KEPT_SECONDS * 1000)
        kept = {key: item for key, item in quotes.items() if item.received_at >= oldest}
        self.unknown_symbols += len(quotes) - len(kept)
        if kept:
            self._buffer.give_back(kept)
            self._buffer.filled.set()


def latest_row(instrument_id: int, received: Received, host: str) -> LatestRow:
    """A quote as it stands in the latest-quote table."""
    quote = received.quote
    return LatestRow(
        instrument_id=instrument_id,
        ts=quote.ts,
        last=quote.last,
        open=quote.open,
        high=quote.high,
        low=quote.low,
        pre_close=quote.pre_close,
        volume=quote.volume,
        amount=quote.amount,
        bid=orjson.dumps(quote.bid).decode(),
        ask=orjson.dumps(quote.ask).decode(),
        bid_volume=orjson.dumps(quote.bid_volume).decode(),
        ask_volume=orjson.dumps(quote.ask_volume).decode(),
        status=quote.status,
        received_at=received.received_at,
        host=host,
    )
