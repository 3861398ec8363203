"""One run in one process: events in, handlers called, effects written, requests placed. Driven by `process`.

Each pass looks at rows and hands what is new to the strategy, one event at a time: fills first, then changed orders, then
the instants whose bars have closed, then ticks. An event's effect is one transaction, with the fence of the run's
generation, so that whatever happens to this process, an event has happened with all it asked for, or not at all.
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from marketdata.models import DividendFactor, Instrument
from ops.clocks import MarketClock
from qmt.calendar import datetime_of_ms
from trading.strategies.book import VirtualBook
from trading.strategies.choices import Level
from trading.strategies.interface import Bars, Order, Strategy, Tick, bar_event
from trading.strategies.loading import check_warm_up
from trading.strategies.models import Run
from trading.strategies.runtime import news
from trading.strategies.runtime.context import LiveContext
from trading.strategies.runtime.history import History
from trading.strategies.runtime.moments import bar_moment, order_day, place_until, tick_place_until
from trading.strategies.runtime.placing import place_due
from trading.strategies.runtime.store import Effect, commit
from trading.strategies.values import FloatArray

MAX_TRACE = 4
Handler = Callable[[], None]
Watch = Callable[[], AbstractContextManager[None]]


class HandlerFailed(Exception):
    """The strategy's own code raised; nothing of the event was kept."""

    def __init__(self, handler: str, error: BaseException) -> None:
        super().__init__(f"{handler}: {type(error).__name__}: {error}")
        self.trace = traceback.format_exception(error)[-MAX_TRACE:]


@dataclass(frozen=True, slots=True)
class Market:
    """What a session needs to know of the market, apart from bars."""

    instruments: dict[str, Instrument]
    next_day: Callable[[date], date]


class RunSession:
    """A strategy at work.

    Parameters
    ----------
    run
        Claimed by this process, loaded with its account.
    strategy
        Made with the run's parameters.
    history
        Bars up to the run's place, at least.
    watch
        Guards the time of one handler; see `limits.Guard`.
    """

    def __init__(
        self, run: Run, strategy: Strategy, *, market: Market, history: History, watch: Watch = nullcontext
    ) -> None:
        self.run = run
        self._strategy = strategy
        self._market = market
        self._history = history
        self._watch = watch
        self._ex_until: date | None = None
        self._bar_day: date | None = None
        self.context = LiveContext(
            symbols=tuple(run.symbols),
            period=run.period,
            warm_up=check_warm_up(strategy.warm_up),
            book=VirtualBook(run.capital, self._is_same_day),
            history=history,
        )
        self.context.state = dict(run.values)
        self._restore()

    # --- events
    def start(self, clock: MarketClock) -> None:
        """The object starts."""
        name = f"start:{self.run.generation}"
        self._event(name, clock.market_time, "on_start", lambda: self._strategy.on_start(self.context))

    def stop(self, clock: MarketClock) -> None:
        """The run stops: what is asked for now is not sent, cancels are."""
        name = f"stop:{self.run.generation}"
        self._event(name, clock.market_time, "on_stop", lambda: self._strategy.on_stop(self.context), places=False)

    def news(self, clock: MarketClock) -> int:
        """Tell fills and changed orders; returns how many events that were."""
        news.link(self.run)
        told = 0
        # States are read before fills: whatever a state contains is among the fills then.
        changed = news.changes(self.run)
        for number, trade in news.fills(self.run):
            moment = datetime_of_ms(trade.ts)
            self._ex_rights(moment.date())

            def on_trade(trade: Any = trade) -> None:
                self.context.filled(trade)
                self._strategy.on_trade(self.context, trade)

            self._event(f"trade:{number}", moment, "on_trade", on_trade, progress={"trade_cursor": number})
            told += 1
        for order in changed:
            self._tell(order, clock)
            told += 1
        return told

    def bars(self, instants: Iterable[tuple[int, FloatArray]]) -> int:
        """Hand closed bars over, oldest first; returns how many instants that were."""
        told = 0
        for ts, values in instants:
            moment = bar_moment(self.run.period, ts)
            self._ex_rights(moment.date())
            values.flags.writeable = False
            self._history.add(ts, values)
            closed = Bars(self.run.period, ts, self._history.index, values)
            progress: dict[str, Any] = {"bar_ts": ts}
            if moment.date() != self._bar_day:
                self._bar_day = moment.date()
                progress["bar_days"] = self.run.bar_days + 1

            def on_bar(closed: Bars = closed) -> None:
                self._strategy.on_bar(self.context, closed)

            self._event(bar_event(self.run.period, ts), moment, "on_bar", on_bar, progress=progress)
            told += 1
        return told

    def ticks(self, ticks: Iterable[Tick]) -> int:
        """Hand pushed quotes over; returns how many. One that asks for nothing and changes nothing writes nothing."""
        told = 0
        for tick in ticks:
            name = f"tick:{tick.symbol}:{tick.ts}:{self.run.generation}:{self.run.events}"

            def on_tick(tick: Tick = tick) -> None:
                self._strategy.on_tick(self.context, tick)

            self._event(name, datetime_of_ms(tick.ts), "on_tick", on_tick, tick_ts=tick.ts)
            told += 1
        return told

    def place(self, clock: MarketClock) -> int:
        """Place what was asked for; returns how many requests moved."""
        return place_due(self.run, clock)

    # --- inside
    def _tell(self, order: Order, clock: MarketClock) -> None:
        self.context.know(order)
        name = f"order:{order.id}:{order.state}:{order.filled}:{self.run.events}"
        self._event(
            name, clock.market_time, "on_order", lambda: self._strategy.on_order(self.context, order), told=[order]
        )

    def _event(
        self,
        name: str,
        moment: datetime,
        handler: str,
        call: Handler,
        *,
        progress: dict[str, Any] | None = None,
        told: list[Order] | None = None,
        tick_ts: int | None = None,
        places: bool = True,
    ) -> None:
        context = self.context
        context.enter(_short(name), moment)
        context.book.open_day(order_day(context.now, self._market.next_day))
        try:
            with self._watch():
                call()
            asked, state = context.leave()
        except (Exception, SystemExit) as error:
            raise HandlerFailed(handler, error) from error
        if tick_ts is not None and state == self.run.values and not (asked.orders or asked.cancels or asked.lines):
            return
        until = (
            tick_place_until(tick_ts)
            if tick_ts is not None
            else place_until(context.now, self.run.period, self._market.next_day)
        )
        if asked.orders and not places:
            asked.lines.append((Level.WARNING, "orders asked for while stopping are not sent", {}))
        commit(
            self.run,
            Effect(
                progress=(progress or {}) | {"values": state},
                orders=[(order, asked.refused.get(order.id, ""), until) for order in asked.orders] if places else [],
                cancels=asked.cancels,
                told=told or [],
                lines=asked.lines,
                market_ts=int(context.now.timestamp() * 1000),
            ),
        )

    def _restore(self) -> None:
        """The book from the fills that were told, and the orders that are open, as they were told."""
        book = self.context.book
        for row in news.told_fills(self.run):
            self._ex_rights(row.trade_date)
            book.open_day(row.trade_date)
            book.apply(news.trade_of(self.run, row))
        if self.run.bar_ts is not None:
            self._bar_day = bar_moment(self.run.period, self.run.bar_ts).date()
            if self._ex_until is not None:
                self._ex_rights(self._bar_day)
        for request in news.open_requests(self.run):
            self.context.know(news.told(request))

    def _ex_rights(self, today: date) -> None:
        """Book the ex-dates of what is held, up to a trade date, once each."""
        since, self._ex_until = self._ex_until, max(today, self._ex_until or today)
        held = self.context.book.positions()
        if since is None or today <= since or not held:
            return
        ids = {self._market.instruments[symbol].pk: symbol for symbol in held}
        rows = DividendFactor.objects.filter(instrument__in=ids, date__gt=since, date__lte=today)
        for row in rows.order_by("date", "pk"):
            self.context.book.ex_right(
                ids[row.instrument_id],
                growth=1 + Decimal(str(row.stock_bonus)) + Decimal(str(row.stock_gift)),
                cash=Decimal(str(row.interest)),
            )

    def _is_same_day(self, symbol: str) -> bool:
        return self._market.instruments[symbol].t_plus == 0


def _short(name: str) -> str:
    """Ids of orders follow from the event's name and must fit their column: chains of them are cut to a digest."""
    if len(name) <= 80:
        return name
    return f"{name[:40]}~{hashlib.sha256(name.encode()).hexdigest()[:24]}"
