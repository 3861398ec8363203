"""Finished live bars into the store, once and never over what is there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db import Error as DatabaseTrouble
from django.db import connections

from marketdata.minutes import MinuteBar
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.periods import Period
from marketdata.quotes.store import bars_upsert
from marketdata.quotes.tables import DATABASE
from marketdata.symbols import SymbolIds

MAX_WAITING_BARS = 200_000

log = logging.getLogger(__name__)


class BarStore:
    """Stores finished bars of one period; keeps them while the database is away, up to a bound."""

    def __init__(self, period: Period, symbols: SymbolIds) -> None:
        self._period = period
        self._symbols = symbols
        self._lock = threading.Lock()
        self._waiting: list[MinuteBar] = []
        self.stored = 0
        self.already_there = 0
        self.dropped = 0
        self.failures = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, bars: Sequence[MinuteBar]) -> None:
        """Queue bars."""
        if bars:
            with self._lock:
                self._waiting.extend(bars)

    def flush(self) -> None:
        """Store what is queued. Bars that are already there stay as they are."""
        with self._lock:
            bars, self._waiting = self._waiting, []
        if not bars:
            return
        try:
            ids = self._symbols.find({bar.symbol for bar in bars})
            rows = bar_rows([bar for bar in bars if bar.symbol in ids], ids)
            counts = bars_upsert(period=self._period, rows=rows, replace=False)
        except DatabaseTrouble as error:
            self.failures += 1
            log.warning("%d live bars wait, the database is away: %s", len(bars), error)
            drop_connections()
            with self._lock:
                kept = (bars + self._waiting)[-MAX_WAITING_BARS:]
                # What does not fit is lost here and found by the gap scan.
                self.dropped += len(bars) + len(self._waiting) - len(kept)
                self._waiting = kept
            return
        self.stored += counts.written
        self.already_there += counts.unchanged


def bar_rows(bars: Sequence[MinuteBar], ids: Mapping[str, int]) -> QuoteColumns:
    """Bars as rows of the store."""
    if not bars:
        return QuoteColumns.empty(BAR)
    return QuoteColumns.build(
        BAR,
        instrument_id=np.array([ids[bar.symbol] for bar in bars], dtype=np.int64),
        ts=np.array([bar.ts for bar in bars], dtype=np.int64),
        columns={
            name: np.array([getattr(bar, name) for bar in bars])
            for name in ("open", "high", "low", "close", "volume", "amount")
        },
    )


def bar_message(period: Period, bar: MinuteBar) -> dict[str, Any]:
    """A bar as it stands in a live message."""
    return {
        "period": period.code,
        "ts": bar.ts,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "amount": bar.amount,
        "complete": bar.complete,
    }


def drop_connections() -> None:
    """A connection may be the broken part; the next attempt opens its own."""
    for alias in ("default", DATABASE):
        connections[alias].close()
