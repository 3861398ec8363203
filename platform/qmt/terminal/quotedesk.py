"""The terminal's quote side: clients, subscriptions and the pushes they get."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from qmt.calendar import midnight_ms
from qmt.terminal import bson, natives
from qmt.terminal.downloads import DownloadJob
from qmt.terminal.exchange import Exchange
from qmt.terminal.faults import FaultAction, FaultPlan
from qmt.terminal.market import Market
from qmt.terminal.protocol import Frame
from qmt.terminal.types import BAR_DTYPE, ExchangeEvent, QuoteEvent, Tick

Send = Callable[[Frame], None]

MARKETS: Final = ("SH", "SZ", "BJ")
QUOTE_PERIODS: Final = ("tick", "1m", "5m", "1d")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one subscription follows. ``period`` is empty for whole-market pushes."""

    number: int
    targets: frozenset[str]
    period: str = ""

    def covers(self, symbol: str) -> bool:
        """Whether a symbol is followed, by itself or through its market."""
        return symbol in self.targets or symbol.rpartition(".")[2] in self.targets


@dataclass(eq=False)
class QuoteClient:
    """One connected quote client."""

    send: Send
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    downloads: list[DownloadJob] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)


class QuoteDesk:
    """All quote clients. Every method is called with the terminal's lock held."""

    def __init__(self, exchange: Exchange, market: Market, faults: FaultPlan) -> None:
        self.exchange = exchange
        self._market = market
        self._faults = faults
        self._clients: list[QuoteClient] = []
        self._numbers = itertools.count(1)

    def attach(self, send: Send) -> QuoteClient:
        """Register a client."""
        client = QuoteClient(send)
        self._clients.append(client)
        return client

    def detach(self, client: QuoteClient) -> None:
        """Forget a client and stop its downloads."""
        client.gone.set()
        for job in client.downloads:
            job.stopped.set()
        if client in self._clients:
            self._clients.remove(client)

    def subscribe(self, client: QuoteClient, targets: Sequence[str], period: str) -> int:
        """Follow one symbol and period, or with an empty period whole markets and lists; −1 when it is unknown."""
        known = [target for target in targets if target in MARKETS or self._market.instrument(target) is not None]
        unavailable = period not in ("", QUOTE_PERIODS[0]) and self._market.history_refusal
        if not known or unavailable or (period and period not in QUOTE_PERIODS):
            return -1
        subscription = Subscription(next(self._numbers), frozenset(known), period)
        client.subscriptions[subscription.number] = subscription
        return subscription.number

    def deliver_present(self, client: QuoteClient, number: int) -> None:
        """Push the present state to a new subscription, as the terminal does first."""
        subscription = client.subscriptions[number]
        symbols = [one.symbol for one in self._market.instruments() if subscription.covers(one.symbol)]
        self._deliver(client, subscription, self._market.snapshot(symbols, now_ms=self.exchange.now_ms))

    def unsubscribe(self, client: QuoteClient, number: int) -> None:
        """End a subscription."""
        client.subscriptions.pop(number, None)

    def subscriptions(self, client: QuoteClient | None) -> list[dict[str, Any]]:
        """Subscriptions of one client, or of all."""
        return [
            {"seq": subscription.number, "targets": sorted(subscription.targets), "period": subscription.period}
            for one in self._clients
            if client in (None, one)
            for subscription in one.subscriptions.values()
        ]

    def publish(self, events: Iterable[ExchangeEvent]) -> None:
        """Push new snapshots."""
        ticks: dict[str, Tick] = {}
        for event in events:
            if isinstance(event, QuoteEvent):
                ticks.update(event.ticks)
        silent = [symbol for symbol in ticks if self._faults.take(symbol, FaultAction.SILENT_QUOTES) is not None]
        for symbol in silent:
            del ticks[symbol]
        if not ticks:
            return
        encoded: dict[tuple[frozenset[str], str], bytes] = {}
        for client in self._clients:
            for subscription in list(client.subscriptions.values()):
                key = (subscription.targets, subscription.period)
                if key not in encoded:
                    encoded[key] = self._encode(subscription, ticks)
                if encoded[key]:
                    client.send({"kind": "quote", "sub": subscription.number, "data": encoded[key]})

    def _deliver(self, client: QuoteClient, subscription: Subscription, ticks: Mapping[str, Tick]) -> None:
        if data := self._encode(subscription, ticks):
            client.send({"kind": "quote", "sub": subscription.number, "data": data})

    def _encode(self, subscription: Subscription, ticks: Mapping[str, Tick]) -> bytes:
        """The push as the SDK expects it: whole-market {symbol: tick}, single {symbol: [tick or bar]}; empty for nothing."""
        followed = {symbol: tick for symbol, tick in ticks.items() if subscription.covers(symbol)}
        if not followed:
            return b""
        if not subscription.period:
            return bson.encode({symbol: natives.tick(tick) for symbol, tick in followed.items()})
        if subscription.period == "tick":
            return bson.encode({symbol: [natives.tick(tick)] for symbol, tick in followed.items()})
        bars = {symbol: self._last_bar(symbol, subscription.period) for symbol in followed}
        return bson.encode({symbol: [bar] for symbol, bar in bars.items() if bar}) if any(bars.values()) else b""

    def _last_bar(self, symbol: str, period: str) -> dict[str, Any]:
        now = self.exchange.now_ms
        rows = self._market.bars(symbol, period, midnight_ms(self.exchange.trade_date), now + 3_600_000, now_ms=now)
        return {name: rows[-1][name].item() for name in BAR_DTYPE.names or ()} if len(rows) else {}
