"""A stage for runs: the orders' bench, a market clock that is set by hand, and a strategy that does as it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from ops.clocks import SHANGHAI, MarketClock, wall_now
from qmt.calendar import Phase, midnight_ms, phase_at
from tests.orders.bench import MOUTAI, TODAY, Bench, make_bench
from tests.strategies.runs import make_plugin, make_run
from trading.orders.models import Order as DeskOrder
from trading.strategies.interface import Bars, Context, Order, Strategy, Tick, Trade
from trading.strategies.models import Run
from trading.strategies.runtime.history import History
from trading.strategies.runtime.preparing import market_of
from trading.strategies.runtime.session import RunSession
from trading.strategies.runtime.store import claim

PING_AN = "000001.SZ"
YESTERDAY = TODAY - timedelta(days=1)
Act = Callable[[Context], object]


class Puppet(Strategy):
    """Does what its test says, and writes down what it was told."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        super().__init__(values)
        self.told: list[Any] = []
        self.acts: dict[str, Act] = {}

    @property
    def warm_up(self) -> int:
        return 3

    def _do(self, name: str, context: Context, what: Any) -> None:
        self.told.append((name, what))
        if name in self.acts:
            self.acts[name](context)

    def on_start(self, context: Context) -> None:
        self._do("start", context, None)

    def on_bar(self, context: Context, bars: Bars) -> None:
        self._do("bar", context, {symbol: bar.close for symbol, bar in bars.items()})

    def on_tick(self, context: Context, tick: Tick) -> None:
        self._do("tick", context, (tick.symbol, tick.last))

    def on_order(self, context: Context, order: Order) -> None:
        self._do("order", context, (order.id, order.state.value, order.filled, order.code))

    def on_trade(self, context: Context, trade: Trade) -> None:
        self._do("trade", context, (trade.order_id, trade.quantity, trade.price))

    def on_stop(self, context: Context) -> None:
        self._do("stop", context, None)


def row(close: float) -> list[float]:
    return [close, close, close, close, 1000.0, close * 1000]


class Stage:
    """One run of a puppet on Alpha, in the hands of its test."""

    def __init__(self, *, period: str = "1m", symbols: tuple[str, ...] = (MOUTAI, PING_AN)) -> None:
        self.bench: Bench = make_bench()
        self.plugin = make_plugin()
        self.run = self.make_run(period=period, symbols=symbols)
        self.puppet = Puppet()
        self.session = self.sit()

    def make_run(self, **changes: Any) -> Run:
        """A run that is wanted; its place is before every bar."""
        values: dict[str, Any] = {"symbols": [MOUTAI, PING_AN], "wanted": True, "mode": "PAPER", "state": "RUNNING"}
        values |= changes
        values["symbols"] = list(values["symbols"])
        return make_run(self.bench.account, self.bench.alice, plugin=self.plugin, **values)

    def sit(self, puppet: Puppet | None = None) -> RunSession:
        """A process takes the run over: a new object, and what the rows say."""
        run = claim(self.run.pk)
        self.puppet = puppet or Puppet()
        return RunSession(run, self.puppet, market=market_of(run), history=History(run.symbols, self.puppet.warm_up))

    def again(self) -> None:
        """The process died and another one goes on."""
        acts = self.puppet.acts
        self.session = self.sit()
        self.puppet.acts = acts

    def clock(self, text: str = "10:00:05", day: date = TODAY) -> MarketClock:
        moment = datetime.combine(day, time.fromisoformat(text), SHANGHAI)
        return MarketClock(
            host="sim",
            trade_date=day,
            phase=phase_at(moment.time()) if day == TODAY else Phase.CLOSED,
            market_time=moment,
            simulated=True,
            observed_at=wall_now(),
            stale=False,
        )

    def minute(self, text: str, *closes: float | None, day: date = TODAY) -> None:
        """Bars of one minute close."""
        moment = datetime.combine(day, time.fromisoformat(text), SHANGHAI)
        self.bar(int(moment.timestamp() * 1000), *closes)

    def day(self, day: date, *closes: float | None) -> None:
        """Daily bars close."""
        self.bar(midnight_ms(day), *closes)

    def bar(self, ts: int, *closes: float | None) -> None:
        values = np.array([[np.nan] * 6 if close is None else row(close) for close in closes])
        self.session.bars([(ts, values)])

    def round(self, text: str = "10:00:05", day: date = TODAY) -> None:
        """What a pass does beside bars."""
        clock = self.clock(text, day)
        self.session.news(clock)
        self.session.place(clock)
        self.session.news(clock)

    def desk_order(self, number: int = 1) -> DeskOrder:
        return DeskOrder.objects.get(client_order_id=f"auto:strat:{self.run.pk}:{number}:1")

    def told(self, name: str) -> list[Any]:
        return [what for kind, what in self.puppet.told if kind == name]
