"""What one host's quote session follows: whole markets, or the instruments that somebody asked for."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.live.writer import QuoteWriter
from marketdata.services.subscriptions import subscribed_symbols
from qmt.errors import QueryFailed, QueryTimeout
from qmt.gateway import MAX_SINGLE_SUBSCRIPTIONS, QuoteBatch, QuoteGateway

MARKETS = ("SH", "SZ", "BJ")
REFRESH_SECONDS = 5.0

log = logging.getLogger(__name__)


class Feed:
    """Keeps the session's subscriptions as they are wanted. The session itself replays them after a reconnect.

    Used by the session thread; `_take` alone runs on threads of the SDK.
    """

    def __init__(self, writer: QuoteWriter, config: MarketDataConfig) -> None:
        self._writer = writer
        self._singles = config.live.feed == "singles"
        self._capture = config.ticks.capture
        self._handles: dict[tuple[str, ...], int] = {}
        self._refused: dict[str, str] = {}
        self._waiting: list[str] = []
        self._next_refresh = 0.0
        self._fed = threading.Event()
        self._fed_at = time.monotonic()

    @property
    def age_seconds(self) -> float:
        """Time since the last quote, or since `rest`."""
        if self._fed.is_set():
            self._fed.clear()
            self._fed_at = time.monotonic()
        return time.monotonic() - self._fed_at

    @property
    def is_empty(self) -> bool:
        """Whether nothing is followed: silence is then no sign of trouble."""
        return not self._handles

    def rest(self) -> None:
        """Silence is normal now."""
        self._fed_at = time.monotonic()

    def refresh(self, gateway: QuoteGateway, *, now: bool = False) -> None:
        """Follow what is wanted, at most every few seconds.

        Raises
        ------
        django.db.DatabaseError
            What is wanted is not known; nothing was changed.
        qmt.errors.TerminalDown
        """
        if not now and time.monotonic() < self._next_refresh:
            return
        self._next_refresh = time.monotonic() + REFRESH_SECONDS
        if not self._singles:
            # Before the database is asked: without it quotes must flow all the same.
            self._follow(gateway, {MARKETS})
        if not self._singles and self._capture != "subscribed":
            return
        symbols = subscribed_symbols()
        if self._capture == "subscribed":
            self._writer.capture(frozenset(symbols))
        if self._singles:
            self._waiting = symbols[MAX_SINGLE_SUBSCRIPTIONS:]
            self._follow(gateway, {(symbol,) for symbol in symbols[:MAX_SINGLE_SUBSCRIPTIONS]})

    def renew(self, gateway: QuoteGateway) -> None:
        """Subscribe anew: quotes can die silently."""
        for handle in self._handles.values():
            gateway.unsubscribe(handle)
        self._handles.clear()
        self.rest()
        self.refresh(gateway, now=True)

    def detail(self) -> dict[str, Any]:
        """What is followed, for the heartbeat."""
        return {
            "kind": "singles" if self._singles else "market",
            "following": len(self._handles) if self._singles else list(MARKETS),
            "waiting_for_room": self._waiting[:10],
            "refused": dict(list(self._refused.items())[:10]),
        }

    def _follow(self, gateway: QuoteGateway, wanted: set[tuple[str, ...]]) -> None:
        for targets in self._handles.keys() - wanted:
            gateway.unsubscribe(self._handles.pop(targets))
        for targets in sorted(wanted - self._handles.keys()):
            self._subscribe(gateway, targets)

    def _subscribe(self, gateway: QuoteGateway, targets: tuple[str, ...]) -> None:
        if not self._singles:
            self._handles[targets] = gateway.subscribe_quotes(targets, self._take)
            return
        (symbol,) = targets
        try:
            self._handles[targets] = gateway.subscribe_ticks(symbol, self._take)
            self._refused.pop(symbol, None)
        except QueryTimeout:
            raise
        except QueryFailed as error:
            # One symbol that the terminal does not know must not cost the others their quotes.
            if symbol not in self._refused:
                log.warning("%s cannot be followed: %s", symbol, error)
            self._refused[symbol] = str(error)

    def _take(self, batch: QuoteBatch) -> None:
        """Take quotes on a thread of the SDK: hand on, nothing else."""
        self._fed.set()
        self._writer.accept(batch)
