"""Symbols to instrument ids for processes that meet thousands of symbols a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from marketdata.models import Instrument

REFRESH_SECONDS = 5.0


class SymbolIds:
    """A cached map of all instruments, read again when an unknown symbol turns up.

    Ids are permanent, so what is cached stays right. Unknown symbols cost one query per
    `REFRESH_SECONDS` at most. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._next_refresh = 0.0
        self._lock = threading.Lock()

    def find(self, symbols: Iterable[str]) -> dict[str, int]:
        """Return the ids of the known ones among ``symbols``.

        Raises
        ------
        DatabaseError
            The map had to be read and the database is away.
        """
        wanted = list(symbols)
        if any(symbol not in self._ids for symbol in wanted):
            self._refresh()
        return {symbol: self._ids[symbol] for symbol in wanted if symbol in self._ids}

    def all(self) -> dict[str, int]:
        """Return the whole map, as it was read last."""
        if not self._ids:
            self._refresh()
        return self._ids

    def _refresh(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._next_refresh:
                return
            self._ids = dict(Instrument.objects.values_list("symbol", "pk"))
            self._next_refresh = now + REFRESH_SECONDS
