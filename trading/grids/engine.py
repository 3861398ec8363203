"""Grids beside the live bars in the engine's process: the reading thread hands quotes over, one thread does the rest."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from ops.heartbeats import Heartbeat
from trading.grids.services import orders_place, round_turn
from trading.grids.watch import GridWatch, Quote

ROUND_SECONDS: Final = 1.0
WAITING_LIMIT: Final = 50_000
"""Quotes of followed symbols that may wait; the oldest go first."""

log = logging.getLogger(__name__)


class GridListener:
    """Follows the quote stream for every active grid; see `marketdata.engine.QuoteListener`."""

    name = "grids"

    def __init__(self) -> None:
        self._watch = GridWatch()
        self._symbols: frozenset[str] = frozenset()
        self._waiting: deque[tuple[str, str, Quote]] = deque(maxlen=WAITING_LIMIT)
        self._filled = threading.Event()
        self._stopped = threading.Event()
        self._heartbeat = Heartbeat("grids")
        self._thread = threading.Thread(target=self._run, name="grids", daemon=True)
        self._next_round = 0.0
        self._open = 0

    def start(self) -> None:
        """Begin, before the first message."""
        self._thread.start()

    def quotes(self, message: dict[str, Any]) -> None:
        """Keep the quotes of followed symbols, in order; never waits."""
        found = message["q"]
        wanted = self._symbols & found.keys() if len(self._symbols) < len(found) else found.keys() & self._symbols
        if not wanted:
            return
        host = message["host"]
        self._waiting.extend((host, symbol, found[symbol]) for symbol in wanted)
        self._filled.set()

    def interrupt(self) -> None:
        """What was missed is missed: the next quote is as fresh as any, and peaks stay what they were."""

    def stop(self, timeout_seconds: float) -> None:
        """Store what is in memory, and end."""
        self._stopped.set()
        self._filled.set()
        self._thread.join(timeout_seconds)

    def detail(self) -> dict[str, Any]:
        """What the heartbeat says."""
        watch = self._watch
        return {
            "open": self._open,
            "followed": len(watch),
            "quotes": watch.evaluated,
            "decided": watch.signals,
            "failures": watch.failures,
            "waiting": len(self._waiting),
        }

    # --- the thread
    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._filled.wait(max(0.0, self._next_round - time.monotonic()))
                self._turn()
            self._last_turn()
        finally:
            connections.close_all()

    def _turn(self) -> None:
        try:
            self._evaluate()
            if time.monotonic() >= self._next_round:
                self._next_round = time.monotonic() + ROUND_SECONDS
                self._round()
        except (DatabaseError, InterfaceError) as error:
            log.warning("grids wait for the database: %s", error)
            close_old_connections()
            self._stopped.wait(ROUND_SECONDS)
        except Exception:
            log.exception("a round of grids failed")
            self._stopped.wait(ROUND_SECONDS)

    def _evaluate(self) -> None:
        self._filled.clear()
        decided = 0
        while self._waiting:
            row = self._waiting.popleft()
            host, symbol, quote = row
            try:
                decided += self._watch.evaluate(host, [(symbol, quote)])
            except (DatabaseError, InterfaceError):
                # This one again when it is back: following the same price twice in a row changes nothing.
                self._waiting.appendleft(row)
                raise
        if decided:
            orders_place()

    def _round(self) -> None:
        close_old_connections()
        self._watch.store()
        self._open = round_turn()
        self._watch.refresh()
        self._symbols = self._watch.symbols
        self._heartbeat.beat(self.detail())

    def _last_turn(self) -> None:
        try:
            self._watch.store(now=True)
        except (DatabaseError, InterfaceError) as error:
            log.warning("the newest peaks and valleys of grids are lost: %s", error)
