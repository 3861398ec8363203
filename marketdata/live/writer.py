"""The door for quotes of one host: from the SDK's threads to the live channel, the latest-quote table and the tick rows.

Each of the three has threads and a buffer of its own, because they fail in different ways: the publisher must not wait for a
locked database, and the stores must not care whether Redis is there. All buffers are bounded, and the SDK's thread never waits.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

from desk.settings.marketdata_schema import MarketDataConfig
from desk.settings.schema import get_config
from marketdata.config import get_marketdata_config
from marketdata.live.buffers import Received
from marketdata.live.latest import LatestStore
from marketdata.live.publisher import Publish, QuotePublisher
from marketdata.live.spill import Spill
from marketdata.live.ticks import TickWriter
from marketdata.symbols import SymbolIds
from ops.publish import publish
from qmt.gateway import Quote, QuoteBatch


class QuoteWriter:
    """Publishes and stores the quotes of one host.

    Parameters
    ----------
    host : str
        Name of the QMT host, carried in every message and row.
    config : MarketDataConfig, optional
        The settings in force when omitted.
    """

    def __init__(self, host: str, *, config: MarketDataConfig | None = None, publish: Publish = publish) -> None:
        config = config or get_marketdata_config()
        symbols = SymbolIds()
        self._publisher = QuotePublisher(host, gap_seconds=config.live.publish_gap_seconds, publish=publish)
        self._latest = LatestStore(host, symbols, interval_seconds=config.live.store_seconds)
        spill = Spill(spill_folder(config) / host, config.ticks.spill_megabytes * 1_000_000)
        self._ticks = TickWriter(host, symbols, spill, config.ticks)
        self._captured: frozenset[str] | None = None if config.ticks.capture == "market" else frozenset()
        self._received = 0
        self._not_finite = 0
        self._last_event_ts = 0
        self._last_received_at = 0

    def start(self) -> None:
        """Start the threads."""
        for part in (self._publisher, self._latest, self._ticks):
            part.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Publish and store what is buffered, and end the threads; ticks that cannot be stored go to the disk."""
        deadline = time.monotonic() + timeout_seconds
        for part in (self._publisher, self._latest, self._ticks):
            part.stop(max(deadline - time.monotonic(), 0.1))

    def capture(self, symbols: frozenset[str] | None) -> None:
        """Store quotes of these symbols as ticks from now on; None means every one."""
        self._captured = symbols

    def accept(self, batch: QuoteBatch) -> None:
        """Take quotes on a thread of the SDK: hand on, no waiting, no exception."""
        received_at = time.time_ns() // 1_000_000
        quotes = {symbol: Received(quote, received_at) for symbol, quote in batch.items() if _is_finite(quote)}
        self._received += len(batch)
        self._not_finite += len(batch) - len(quotes)
        if not quotes:
            return
        self._last_received_at = received_at
        self._last_event_ts = max(self._last_event_ts, *(item.quote.ts for item in quotes.values()))
        self._publisher.put(quotes)
        self._latest.put(quotes)
        captured = self._captured
        if captured is None and len(quotes) == len(batch):
            self._ticks.put(batch)
        elif wanted := quotes.keys() if captured is None else captured.intersection(quotes):
            self._ticks.put({symbol: batch[symbol] for symbol in wanted})

    def counters(self) -> dict[str, int]:
        """Counts since the start, and the times of the last event, receipt and write (epoch ms)."""
        publisher, latest = self._publisher, self._latest
        return {
            "received": self._received,
            "not_finite": self._not_finite,
            "published": publisher.published,
            "publish_failures": publisher.failures,
            "stored": latest.stored,
            "store_failures": latest.failures,
            "unknown_symbols": latest.unknown_symbols,
            "errors": publisher.errors + latest.errors,
            **latest.counters(),
            "last_event_ts": self._last_event_ts,
            "last_received_at": self._last_received_at,
            "last_stored_at": latest.last_stored_at,
            **{f"ticks_{name}": count for name, count in self._ticks.counters().items()},
        }


def spill_folder(config: MarketDataConfig) -> Path:
    """Where ticks are spilled, a folder per host."""
    return Path(config.ticks.spill_folder) if config.ticks.spill_folder else get_config().state_dir / "spill"


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
