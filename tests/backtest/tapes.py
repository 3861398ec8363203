"""Tapes made by hand or by chance, and strategies that do what a test says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from marketdata.quotes.periods import day_number, day_start_ts
from marketdata.services.adjust import ExEvent
from qmt.calendar import TradingCalendar
from qmt.codes import board_of, kind_of, parse_symbol
from qmt.terminal.types import Instrument
from trading.backtest.engine import Engine, RunResult, RunSettings
from trading.backtest.matching import FillModel
from trading.backtest.tape import DayRows, Series, Tape
from trading.strategies.interface import Bars, Context, Order, OrderState, Strategy, Trade

A, B = "600519.SH", "000001.SZ"
PLAIN = FillModel(participation_permille=1000, slippage_bp=0)
"""All of a bar's volume, no slippage: prices in tests are the tape's own."""
MINUTE = 60_000

Ohlc = tuple[float, float, float, float]


def weekdays(count: int, start: dt.date = dt.date(2024, 1, 2)) -> list[dt.date]:
    """Consecutive weekdays."""
    days = [start + dt.timedelta(days=offset) for offset in range(count * 2 + 7)]
    return [day for day in days if day.weekday() < 5][:count]


CALENDAR = TradingCalendar(weekdays(2000, dt.date(2018, 1, 1)), dt.date(2025, 12, 31))


def instrument(symbol: str, **changes: Any) -> Instrument:
    """An instrument listed long ago, by the exchanges' number plan."""
    parsed = parse_symbol(symbol)
    board = board_of(parsed)
    facts: dict[str, Any] = {
        "symbol": symbol,
        "name": symbol,
        "market": parsed.market,
        "board": board,
        "kind": kind_of(board),
        "list_date": dt.date(2001, 8, 27),
    }
    return Instrument(**(facts | changes))


def daily(
    symbol: str,
    bars: Mapping[dt.date, Ohlc],
    *,
    volume: int | Mapping[dt.date, int] = 1_000_000,
    reference: Mapping[dt.date, float] | None = None,
    events: Sequence[ExEvent] = (),
    st_days: Sequence[tuple[int, bool]] = (),
    **facts: Any,
) -> Series:
    """Daily bars of one instrument; without a stated reference the close before counts."""
    days = np.array([day_number(day) for day in bars], np.int64)
    shares = np.array([volume if isinstance(volume, int) else volume[day] for day in bars], np.int64)
    prices = np.array(list(bars.values()), np.float64).reshape(-1, 4)
    told = np.array([(reference or {}).get(day, np.nan) for day in bars])
    values = np.column_stack([prices, shares, prices[:, 3] * shares])
    rows = DayRows(days, prices[:, 3].copy(), told, shares)
    return Series(instrument(symbol, **facts), day_start_ts(days), values, rows, tuple(events), tuple(st_days))


def flat(price: float) -> Ohlc:
    """A bar at one price."""
    return (price, price, price, price)


def tape(*series: Series, start: dt.date | None = None) -> Tape:
    """A daily tape."""
    start_ts = int(day_start_ts(day_number(start))) if start else 0
    return Tape("1d", series, start_ts)


def minutes(symbol: str, bars: Mapping[str, Ohlc], *, volume: int = 100_000, **facts: Any) -> Series:
    """One-minute bars by their right edge, ``2024-01-02 09:31`` in Shanghai, with the days they make."""
    moments = {text: dt.datetime.fromisoformat(f"{text}+08:00") for text in bars}
    stamps = np.array([int(moment.timestamp() * 1000) for moment in moments.values()], np.int64)
    prices = np.array(list(bars.values()), np.float64).reshape(-1, 4)
    values = np.column_stack([prices, np.full(len(bars), volume), prices[:, 3] * volume])
    last = {moments[text].date(): row[3] for text, row in bars.items()}
    days = np.array([day_number(day) for day in last], np.int64)
    closes = np.array(list(last.values()))
    references = np.array([prices[0, 0], *closes[:-1]])
    rows = DayRows(days, closes, references, np.full(len(days), volume))
    return Series(instrument(symbol, **facts), stamps, values, rows)


class Scripted(Strategy):
    """Does what a function says on each bar, and keeps what it was told."""

    def __init__(self, script: Callable[[Context, Bars], None], *, looks_back: int = 20) -> None:
        super().__init__()
        self._script, self._looks_back = script, looks_back
        self.told: list[tuple[str, str, str]] = []
        self.orders: list[Order] = []
        self.trades: list[Trade] = []

    @property
    def warm_up(self) -> int:
        return self._looks_back

    def on_bar(self, context: Context, bars: Bars) -> None:
        self._script(context, bars)

    def on_order(self, context: Context, order: Order) -> None:
        self.orders.append(order)
        self.told.append((context.now.strftime("%m-%d %H:%M"), str(order.state), order.code))

    def on_trade(self, context: Context, trade: Trade) -> None:
        self.trades.append(trade)
        self.told.append((context.now.strftime("%m-%d %H:%M"), "TRADE", f"{trade.quantity}@{trade.price}"))


def at_day(acts: Mapping[dt.date, Callable[[Context], Any]]) -> Callable[[Context, Bars], None]:
    """A script that acts on the closes of some days."""

    def script(context: Context, _bars: Bars) -> None:
        act = acts.get(context.trade_date)
        if act is not None:
            act(context)

    return script


def run(
    strategy: Strategy,
    on: Tape,
    *,
    capital: str = "1000000",
    fills: FillModel = PLAIN,
    is_raw: bool = True,
    **more: Any,
) -> RunResult:
    """Run a strategy without fees unless they are asked for."""
    given: dict[str, Any] = {"commission_rate": Decimal(0), "minimum_commission": Decimal(0)}
    settings = RunSettings(capital=Decimal(capital), fills=fills, **(given | more))
    return Engine(strategy, on, settings, calendar=CALENDAR, is_raw=is_raw).run()


def last_state(result: RunResult) -> OrderState:
    """State of the run's last order."""
    return result.orders[-1].order.state
