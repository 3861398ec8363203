"""The same object decides the same in a back-test and in the live runner, on the same bars and the same answers of a broker.

A day of minutes goes through the back-test. Then it goes through the live runner (its session, its rows, the desk's own checks, the
account's ledger), with a broker that answers what the tape answered. Every request, and everything the strategy was told, is compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from accounts.models import HostStatus
from marketdata.models import Instrument
from marketdata.quotes.periods import day_number
from ops.clocks import SHANGHAI, MarketClock, wall_now
from qmt.calendar import TradingCalendar, datetime_of_ms, phase_at, to_ms
from tests.backtest.tapes import MINUTE, instrument
from tests.orders.bench import MOUTAI, TODAY
from tests.orders.claiming import claim as claim_order
from tests.strategies.stage import PING_AN, Stage
from trading.backtest.engine import Engine, RunResult, RunSettings
from trading.backtest.matching import FillModel
from trading.backtest.tape import DayRows, Series, Tape
from trading.orders.intake import CallReturned
from trading.orders.models import Order as DeskOrder
from trading.strategies.interface import Bars, Context, Order, OrderState, Strategy, Trade
from trading.strategies.models import RunOrder
from trading.strategies.runtime.history import History
from trading.strategies.runtime.news import link
from trading.strategies.runtime.preparing import market_of
from trading.strategies.runtime.session import RunSession
from trading.strategies.runtime.store import claim

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

BARS = 40
CAPITAL = Decimal(30_000)


class Decider(Strategy):
    """Trades on averages, by limits and at the market, too much now and then; takes back what waits; writes all of it down."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    @property
    def warm_up(self) -> int:
        return 8

    def on_start(self, context: Context) -> None:
        context.state["bars"] = 0

    def on_bar(self, context: Context, bars: Bars) -> None:
        context.state["bars"] += 1
        count = context.state["bars"]
        self.told.append(("bar", bars.ts, {symbol: bar.close for symbol, bar in bars.items()}))
        self.told.append(("book", context.cash, context.equity, dict(context.positions), list(context.orders)))
        for symbol in bars:
            closes = context.history(symbol, 8)
            panel = context.panel(8)[:, context.symbols.index(symbol)]
            self.told.append(("seen", symbol, closes.tolist(), np.nan_to_num(panel).tolist()))
            waiting = [order for order in context.orders.values() if order.symbol == symbol]
            if waiting and count % 3 == 0:
                context.cancel(waiting[0].id)
            elif bars[symbol].close < closes.mean():
                price = Decimal(str(bars[symbol].close)) - Decimal("0.01") * (count % 3)
                context.buy(symbol, 300 + 50 * (count % 9 == 8), price=price if count % 2 else None, reason="below")
            elif held := context.position(symbol).sellable:
                context.sell(symbol, held, reason="above")
            elif count % 5 == 0:
                context.sell(symbol, 100, reason="nothing there")

    def on_order(self, context: Context, order: Order) -> None:
        self.told.append(("order", order.id, order.state, order.filled, order.average_price, order.code))

    def on_trade(self, context: Context, trade: Trade) -> None:
        terms = (trade.order_id, trade.symbol, trade.side, trade.quantity, trade.price, trade.fees, trade.ts)
        self.told.append(("trade", *terms, context.position(trade.symbol)))


def bars_of(symbol: str, base: float, seed: int) -> Series:
    """Minutes of today from 09:31 on; one has no bar now and then."""
    random = np.random.default_rng(seed)
    closes = base + np.cumsum(random.integers(-3, 4, BARS)) / 100
    opens = np.concatenate([[base], closes[:-1]]) + random.integers(-1, 2, BARS) / 100
    highs, lows = np.maximum(opens, closes) + 0.02, np.minimum(opens, closes) - 0.02
    volume = np.full(BARS, 2_000)
    values = np.round(np.column_stack([opens, highs, lows, closes, volume, closes * volume]), 2)
    stamps = to_ms(TODAY, datetime.min.time().replace(hour=9, minute=31)) + np.arange(BARS) * MINUTE
    kept = random.random(BARS) > 0.1
    rows = DayRows(
        np.array([day_number(TODAY)]), np.array([closes[-1]]), np.array([base]), np.array([int(volume.sum())])
    )
    return Series(instrument(symbol, t_plus=0), stamps[kept], values[kept], rows)


def tape_run(tape: Tape, stage: Stage) -> tuple[Decider, RunResult]:
    account = stage.bench.account
    settings = RunSettings(
        capital=CAPITAL,
        account_cash=Decimal(1_000_000),
        commission_rate=account.commission_rate,
        minimum_commission=account.min_commission,
        fills=FillModel(participation_permille=150, slippage_bp=5),
    )
    decider = Decider()
    return decider, Engine(decider, tape, settings, calendar=TradingCalendar([TODAY], TODAY)).run()


class LiveRun:
    """The live runner on the same bars, its broker answering from what the tape did."""

    def __init__(self, stage: Stage, tape: Tape, result: RunResult) -> None:
        self.stage, self.tape = stage, tape
        Instrument.objects.filter(symbol__in=tape.symbols).update(t_plus=0)
        for symbol in tape.symbols:
            stage.bench.hold(100_000, symbol)
        self.run = stage.make_run(label="same", symbols=tape.symbols, period="1m", capital=CAPITAL)
        self.decider = Decider()
        run = claim(self.run.pk)
        self.session = RunSession(
            run, self.decider, market=market_of(run), history=History(run.symbols, self.decider.warm_up)
        )
        self.fills = {ts: list(trades) for ts, trades in itertools.groupby(result.trades, key=lambda trade: trade.ts)}
        self.filled: dict[str, int] = {}

    def walk(self) -> Iterator[None]:
        """Instant by instant: the broker's answers, the bars, what they led to."""
        self.session.start(self.clock(int(self.tape.instants[0]) - MINUTE))
        for row, ts in enumerate(self.tape.instants.tolist()):
            clock = self.clock(ts)
            for trade in self.fills.get(ts, ()):
                self.answer(trade)
                self.session.news(clock)
            self.session.bars([(ts, self.tape.values[row].copy())])
            # However long the test takes, its host is there.
            HostStatus.objects.update(updated_at=wall_now())
            self.session.place(clock)
            link(self.session.run)
            self.report()
            self.withdraw()
            self.session.news(clock)
            yield

    def clock(self, ts: int) -> MarketClock:
        moment = datetime_of_ms(ts).astimezone(SHANGHAI)
        return MarketClock("sim", TODAY, phase_at(moment.time()), moment, True, wall_now(), False)

    def desk_orders(self) -> Iterator[tuple[str, DeskOrder]]:
        for row in RunOrder.objects.filter(run=self.run).exclude(order=None).select_related("order").order_by("number"):
            assert row.order is not None
            yield row.key, row.order

    def report(self) -> None:
        """The broker takes what was sent."""
        bench = self.stage.bench
        for number, (_key, order) in enumerate(self.desk_orders(), 1):
            if order.status == "QUEUED":
                assert claim_order(order.pk, host_name="sim") is not None
                bench.apply(CallReturned(str(order.tag), 70 + number, wall_now()))
                order = bench.order(order)
                bench.apply(bench.response(order), bench.update(order, 50))

    def answer(self, trade: Trade) -> None:
        """The broker fills as the tape did."""
        bench, order = self.stage.bench, dict(self.desk_orders())[trade.order_id]
        done = self.filled[trade.order_id] = self.filled.get(trade.order_id, 0) + trade.quantity
        status = 56 if done == order.quantity else 55
        bench.apply(
            bench.fill(order, trade.quantity, str(trade.price), traded_at_ms=trade.ts),
            bench.update(order, status, traded_quantity=done),
        )

    def withdraw(self) -> None:
        """The broker cancels what it was asked to."""
        bench = self.stage.bench
        for key, order in self.desk_orders():
            if order.cancel_requested_at is not None and order.final_at is None:
                done = self.filled.get(key, 0)
                bench.apply(bench.update(order, 53 if done else 54, traded_quantity=done))


def requests(result: RunResult) -> list[tuple[Any, ...]]:
    return [
        (
            placed.order.id,
            placed.order.symbol,
            str(placed.order.side),
            placed.order.quantity,
            str(placed.order.price_type),
            placed.order.price,
            placed.order.reason,
            placed.asked_ts,
        )
        for placed in result.orders
    ]


def test_live_runner_decides_as_the_back_test_one_by_one() -> None:
    stage = Stage()
    tape = Tape("1m", [bars_of(MOUTAI, 10.0, 3), bars_of(PING_AN, 12.0, 4)], 0)
    decider, result = tape_run(tape, stage)
    live = LiveRun(stage, tape, result)
    compared = 0
    for _ in live.walk():
        for one, other in zip(decider.told[compared:], live.decider.told[compared:], strict=False):
            assert one == other
        compared = len(live.decider.told)
    rows = RunOrder.objects.filter(run=live.run).order_by("number")
    fields = ("key", "symbol", "side", "quantity", "price_type", "price", "reason", "decided_ts")
    assert list(rows.values_list(*fields)) == requests(result)
    # The back-test goes on to the close, where what still waits ends.
    assert all(entry[2] is OrderState.CANCELLED for entry in decider.told[compared:])
    states = {placed.order.state for placed in result.orders}
    assert states == {OrderState.FILLED, OrderState.CANCELLED, OrderState.REFUSED}
    codes = {placed.order.code for placed in result.orders}
    assert codes == {"", "SELLABLE_INSUFFICIENT", "QUANTITY_OFF_LOT", "CASH_INSUFFICIENT"}
