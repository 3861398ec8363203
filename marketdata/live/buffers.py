"""The newest quote per symbol, waiting for somebody to take it."""

from __future__ import annotations

import threading
from typing import NamedTuple

from qmt.gateway import Quote

MAX_SYMBOLS = 20_000


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
