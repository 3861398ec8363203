"""Quotes onto the live channel. Knows nothing of databases."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from itertools import islice
from typing import Any

from marketdata.live.buffers import LatestBuffer, Received
from ops.publish import publish
from qmt.gateway import Quote

SYMBOLS_PER_MESSAGE = 1_000
RETRY_SECONDS = 0.5

log = logging.getLogger(__name__)

Publish = Callable[[str, dict[str, Any]], bool]


class QuotePublisher:
    """A thread that publishes what comes, newest quote per symbol.

    Parameters
    ----------
    gap_seconds : float
        Quotes that come within this time go out together.
    """

    def __init__(self, host: str, *, gap_seconds: float, publish: Publish = publish) -> None:
        self._host = host
        self._gap = gap_seconds
        self._publish = publish
        self._buffer = LatestBuffer()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"quotes-publish@{host}", daemon=True)
        self._missed = False
        self.published = 0
        self.failures = 0
        self.errors = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, quotes: dict[str, Received]) -> None:
        """Take quotes over; never waits."""
        self._buffer.put(quotes)

    def stop(self, timeout_seconds: float) -> None:
        """Publish what waits, and end."""
        self._stop.set()
        self._buffer.filled.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._buffer.filled.wait()
            self._stop.wait(self._gap if self._turn() else RETRY_SECONDS)
        self._turn()

    def _turn(self) -> bool:
        try:
            return self._publish_waiting()
        except Exception:
            # What nobody foresaw costs its quotes, not the thread.
            log.exception("quotes of host %s were not published", self._host)
            self.errors += 1
            self._missed = True
            return False

    def _publish_waiting(self) -> bool:
        """Publish what waits; False when Redis did not take it: its newest quotes then go out with the next ones."""
        waiting = iter(self._buffer.take().items())
        while part := dict(islice(waiting, SYMBOLS_PER_MESSAGE)):
            message: dict[str, Any] = {
                "t": max(item.received_at for item in part.values()),
                "host": self._host,
                "q": {symbol: quote_message(item.quote) for symbol, item in part.items()},
            }
            if self._missed:
                # Who counts on every snapshot has to know that some never came.
                message["gap"] = True
            if not self._publish("quotes", message):
                self._missed = True
                self.failures += len(part)
                self._buffer.give_back({**part, **dict(waiting)})
                self._buffer.filled.set()
                return False
            self._missed = False
            self.published += len(part)
        return True


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
