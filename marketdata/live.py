"""Live quotes of one host: from the SDK's threads to the live channel and the latest-quote table.

Two threads, because they fail in different ways: the publisher must not wait for a locked database,
and the store must not care whether Redis is there. Both take the newest quote per symbol from a
buffer of their own; a quote that nobody took yet is replaced by its successor, so that the buffers
are bounded by the number of symbols and the SDK's thread never waits.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import orjson
from django.db import Error as DatabaseTrouble
from django.db import connections

from marketdata.quotes.latest import latest_upsert
from marketdata.quotes.tables import DATABASE, LatestRow
from marketdata.symbols import SymbolIds
from ops.publish import publish
from qmt.gateway import Quote, QuoteBatch

STORE_INTERVAL_SECONDS = 1.0
PUBLISH_GAP_SECONDS = 0.05
RETRY_SECONDS = 2.0
UNKNOWN_KEPT_SECONDS = 60.0
MAX_SYMBOLS = 20_000
SYMBOLS_PER_MESSAGE = 1_000

log = logging.getLogger(__name__)

Publish = Callable[[str, dict[str, Any]], bool]


class Received(NamedTuple):
    """A quote and when it got here (epoch ms, wall clock): not the time of the event."""

    quote: Quote
    received_at: int


class LatestBuffer:
    """Newest quote per symbol until somebody takes them. Bounded; `put` never waits for a taker."""

    def __init__(self, max_symbols: int = MAX_SYMBOLS) -> None:
        self._max_symbols = max_symbols
        self._lock = threading.Lock()
        self._quotes: dict[str, Received] = {}
        self.replaced = 0
        self.refused = 0
        self.filled = threading.Event()

    def __len__(self) -> int:
        return len(self._quotes)

    def put(self, batch: dict[str, Received]) -> None:
        """Take over quotes; symbols beyond the bound are refused and counted."""
        with self._lock:
            for symbol, received in batch.items():
                if symbol in self._quotes:
                    self.replaced += 1
                elif len(self._quotes) >= self._max_symbols:
                    self.refused += 1
                    continue
                self._quotes[symbol] = received
        self.filled.set()

    def take(self) -> dict[str, Received]:
        """Hand over everything."""
        with self._lock:
            taken, self._quotes = self._quotes, {}
            self.filled.clear()
        return taken

    def give_back(self, quotes: dict[str, Received]) -> None:
        """Return what could not be used; quotes that came meanwhile are newer and stay."""
        with self._lock:
            self._quotes = {**quotes, **self._quotes}


class QuoteWriter:
    """Publishes and stores the quotes of one host.

    Parameters
    ----------
    host : str
        Name of the QMT host, carried in every message.
    store_interval_seconds : float
        Longest time a quote waits for its row.
    """

    def __init__(
        self,
        host: str,
        *,
        store_interval_seconds: float = STORE_INTERVAL_SECONDS,
        publish: Publish = publish,
    ) -> None:
        self._host = host
        self._interval = store_interval_seconds
        self._publish = publish
        self._symbols = SymbolIds()
        self._to_publish = LatestBuffer()
        self._to_store = LatestBuffer()
        self._stop = threading.Event()
        self._threads = (
            threading.Thread(target=self._run_publisher, name=f"quotes-publish@{host}", daemon=True),
            threading.Thread(target=self._run_store, name=f"quotes-store@{host}", daemon=True),
        )
        self._counters = dict.fromkeys(
            (
                "received",
                "not_finite",
                "published",
                "publish_failures",
                "stored",
                "store_failures",
                "unknown_symbols",
                "errors",
            ),
            0,
        )
        self._last_event_ts = 0
        self._last_received_at = 0
        self._last_stored_at = 0

    def start(self) -> None:
        """Start the two threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Write what is buffered, once, and end the threads."""
        self._stop.set()
        self._to_publish.filled.set()
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def accept(self, batch: QuoteBatch) -> None:
        """Take quotes on a thread of the SDK: two dictionary updates, no waiting, no exception."""
        received_at = time.time_ns() // 1_000_000
        quotes = {symbol: Received(quote, received_at) for symbol, quote in batch.items() if _is_finite(quote)}
        self._counters["received"] += len(batch)
        self._counters["not_finite"] += len(batch) - len(quotes)
        if not quotes:
            return
        self._last_received_at = received_at
        self._last_event_ts = max(self._last_event_ts, *(item.quote.ts for item in quotes.values()))
        self._to_publish.put(quotes)
        self._to_store.put(quotes)

    def counters(self) -> dict[str, int]:
        """Counts since the start, and the times of the last event, receipt and write (epoch ms)."""
        return {
            **self._counters,
            "replaced": self._to_store.replaced,
            "refused": self._to_store.refused,
            "waiting": len(self._to_store),
            "last_event_ts": self._last_event_ts,
            "last_received_at": self._last_received_at,
            "last_stored_at": self._last_stored_at,
        }

    # --- publisher

    def _run_publisher(self) -> None:
        while not self._stop.is_set():
            self._to_publish.filled.wait()
            self._guarded(self._publish_waiting)
            # Quotes that come in the gap go out together.
            self._stop.wait(PUBLISH_GAP_SECONDS)
        self._guarded(self._publish_waiting)

    def _publish_waiting(self) -> bool:
        waiting = iter(self._to_publish.take().items())
        while part := dict(islice(waiting, SYMBOLS_PER_MESSAGE)):
            newest = max(item.received_at for item in part.values())
            message = {
                "t": newest,
                "host": self._host,
                "q": {symbol: quote_message(item.quote) for symbol, item in part.items()},
            }
            taken = self._publish("quotes", message)
            self._counters["published" if taken else "publish_failures"] += len(part)
        return True

    # --- store

    def _run_store(self) -> None:
        while not self._stop.wait(self._interval):
            if not self._guarded(self._store_waiting):
                self._stop.wait(RETRY_SECONDS)
        self._guarded(self._store_waiting)
        connections.close_all()

    def _guarded(self, work: Callable[[], bool]) -> bool:
        """Run one turn; what nobody foresaw costs its quotes, not the thread."""
        try:
            return work()
        except Exception:
            log.exception("quotes of host %s are lost", self._host)
            self._counters["errors"] += 1
            return False

    def _store_waiting(self) -> bool:
        quotes = self._to_store.take()
        if not quotes:
            return True
        try:
            ids = self._symbols.find(quotes)
            rows = [latest_row(ids[symbol], quotes[symbol]) for symbol in quotes if symbol in ids]
            self._counters["stored"] += latest_upsert(rows)
        except DatabaseTrouble as error:
            self._counters["store_failures"] += 1
            log.warning("latest quotes stay in the buffer, the database is away: %s", error)
            self._to_store.give_back(quotes)
            # The connection may be the broken part; the next attempt opens its own.
            connections[DATABASE].close()
            connections["default"].close()
            return False
        self._last_stored_at = time.time_ns() // 1_000_000
        if len(ids) < len(quotes):
            self._keep_unknown({key: item for key, item in quotes.items() if key not in ids})
        return True

    def _keep_unknown(self, quotes: dict[str, Received]) -> None:
        """Hold quotes of symbols without a row for a while.

        On a first start quotes come before the static data, and a suspended share sends only one.
        """
        oldest = self._last_stored_at - int(UNKNOWN_KEPT_SECONDS * 1000)
        kept = {key: item for key, item in quotes.items() if item.received_at >= oldest}
        self._counters["unknown_symbols"] += len(quotes) - len(kept)
        self._to_store.give_back(kept)


def quote_message(quote: Quote) -> dict[str, Any]:
    """A quote as it stands in a live message."""
    return {
        "ts": quote.ts,
        "last": quote.last,
        "open": quote.open,
        "high": quote.high,
        "low": quote.low,
        "pre_close": quote.pre_close,
        "volume": quote.volume,
        "amount": quote.amount,
        "bid": quote.bid,
        "ask": quote.ask,
        "bidv": quote.bid_volume,
        "askv": quote.ask_volume,
        "status": quote.status,
    }


def latest_row(instrument_id: int, received: Received) -> LatestRow:
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
    )


def _is_finite(quote: Quote) -> bool:
    # A sum is finite only if each part is (prices are far from overflow): one test instead of 16.
    return math.isfinite(
        quote.last
        + quote.open
        + quote.high
        + quote.low
        + quote.pre_close
        + quote.amount
        + sum(quote.bid)
        + sum(quote.ask)
    )
