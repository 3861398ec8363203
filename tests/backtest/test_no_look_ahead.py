"""Changing the future never changes what was decided or told before it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.quotes.periods import day_number, day_start_ts
from marketdata.services.adjust import ExEvent
from tests.backtest.tapes import MINUTE, A, B, instrument, run, weekdays
from trading.backtest.matching import FillModel
from trading.backtest.tape import DayRows, Series, Tape
from trading.strategies.interface import Bars, Context, Order, Strategy, Trade
from trading.strategies.values import FIELDS

DAYS = weekdays(30)
LABELS = [*range(9 * 60 + 30, 9 * 60 + 36), 11 * 60 + 30, 13 * 60 + 1, 14 * 60 + 57, 15 * 60]


class Nosy(Strategy):
    """Looks at everything there is, trades on it, and writes down what it saw and was told."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[dt.datetime, Any]] = []

    @property
    def warm_up(self) -> int:
        return 10

    def on_bar(self, context: Context, bars: Bars) -> None:
        panel = context.panel(10)
        for symbol in bars:
            closes = context.history(symbol, 10)
            self._note(context, symbol, bars[symbol], [context.history(symbol, 10, name).tolist() for name in FIELDS])
            held, mean = context.position(symbol), float(closes.mean())
            if context.orders and len(closes) % 3 == 0:
                context.cancel(next(iter(context.orders)))
            elif bars[symbol].close < mean:
                limit = None if len(closes) % 2 else Decimal(str(round(bars[symbol].close * 0.99, 2)))
                context.buy(symbol, 300, price=limit, reason="below")
            elif held.sellable:
                context.sell(symbol, held.sellable, reason="above")
        self._note(context, np.nan_to_num(panel).tolist(), context.cash, context.equity, dict(context.positions))

    def on_order(self, context: Context, order: Order) -> None:
        self._note(context, order)

    def on_trade(self, context: Context, trade: Trade) -> None:
        self._note(context, trade)

    def _note(self, context: Context, *what: Any) -> None:
        self.seen.append((context.now, what))


def prices(seed: int, count: int) -> np.ndarray[Any, Any]:
    """A random walk in whole cents: open, high, low, close, volume, amount."""
    random = np.random.default_rng(seed)
    closes = np.maximum(1000 + np.cumsum(random.integers(-25, 26, count)), 200)
    opens = closes + random.integers(-10, 11, count)
    highs = np.maximum(opens, closes) + random.integers(0, 15, count)
    lows = np.minimum(opens, closes) - random.integers(0, 15, count)
    volume = random.integers(0, 20, count) * 1_000
    columns = np.column_stack([opens, highs, lows, closes]) / 100
    return np.column_stack([columns, volume, volume * columns[:, 3]])


def series(symbol: str, seed: int, period: str, cut: int, future: int) -> Series:
    """Bars of which those after the first `cut` of all instants depend on another number."""
    days = np.array([day_number(day) for day in DAYS], np.int64)
    offsets = np.array([0] if period == "1d" else LABELS, np.int64) * MINUTE
    ts = (day_start_ts(days)[:, None] + offsets).ravel()
    values = prices(seed, len(ts))
    values[cut:] = prices(future, len(ts))[cut:]
    random = np.random.default_rng(seed)
    kept = random.random(len(ts)) > 0.1
    kept[cut:] = np.random.default_rng(future).random(len(ts))[cut:] > 0.1
    per_day = values.reshape(len(days), len(offsets), len(FIELDS))
    daily = DayRows(
        days, per_day[:, -1, 3].copy(), np.full(len(days), np.nan), per_day[:, :, 4].sum(axis=1).astype(np.int64)
    )
    events = tuple(
        ExEvent(int(day), interest=0.1, stock_bonus=0.2, stock_gift=0.0, allot_num=0.0, allot_price=0.0, dr=1.2)
        for place, day in enumerate(days)
        if place % 9 == 4 and (place * len(offsets) < cut or future % 2)
    )
    return Series(instrument(symbol), ts[kept], values[kept], daily, events)


def seen_until(seed: int, period: str, cut: int, future: int) -> list[tuple[dt.datetime, Any]]:
    """What the strategy saw and was told up to the last instant before the cut."""
    strategy = Nosy()
    tape = Tape(period, [series(A, seed, period, cut, future), series(B, seed + 1, period, cut, future)], 0)
    model = FillModel(participation_permille=200, slippage_bp=5)
    run(strategy, tape, fills=model, minimum_commission=Decimal(5))
    per_day = 1 if period == "1d" else len(LABELS)
    last_day, label = DAYS[(cut - 1) // per_day], 15 * 60 if period == "1d" else LABELS[(cut - 1) % per_day]
    end = dt.datetime.combine(last_day, dt.time(label // 60, label % 60)).replace(
        tzinfo=dt.timezone(dt.timedelta(hours=8))
    )
    return [entry for entry in strategy.seen if entry[0] <= end]


def first_difference(one: list[Any], other: list[Any]) -> tuple[Any, Any] | None:
    """The first entries that differ (a difference of the whole lists would take minutes to print)."""
    return next((pair for pair in zip_longest(one, other) if pair[0] != pair[1]), None)


@pytest.mark.parametrize("period", ["1d", "1m"])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_run_up_to_a_day_does_not_depend_on_what_comes_after(period: str, data: st.DataObject) -> None:
    per_day = 1 if period == "1d" else len(LABELS)
    seed = data.draw(st.integers(0, 1_000), "seed")
    # At a day's end: that an instrument is suspended, and its reference price, are known when the day begins.
    cut = data.draw(st.integers(2, len(DAYS) - 1), "day") * per_day
    first, second = data.draw(st.tuples(st.integers(2_000, 2_050), st.integers(3_000, 3_050)), "futures")
    assert first_difference(seen_until(seed, period, cut, first), seen_until(seed, period, cut, second)) is None


def test_the_property_sees_something() -> None:
    """A strategy that trades, on tapes that do differ: else the property above would hold of nothing."""
    cut = 20
    first, second = (seen_until(7, "1d", cut, future) for future in (2_000, 3_001))
    assert first_difference(first, second) is None
    assert any(isinstance(part, Trade) for _now, what in first for part in what)
    whole = [series(A, 7, "1d", cut, future).values.tolist() for future in (2_000, 3_001)]
    assert whole[0] != whole[1]
