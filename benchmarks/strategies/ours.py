"""Measure our back-test on the benchmark's bars, from arrays. Prints JSON."""

# ruff: noqa: E402 - the platform is set up before it is imported

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal

import django
import generator
import numpy as np

django.setup()

from marketdata.quotes.periods import day_number, day_start_ts
from qmt.calendar import TradingCalendar
from qmt.codes import Board, Kind, Market
from qmt.terminal.types import Instrument
from trading.backtest.engine import Engine, RunResult, RunSettings
from trading.backtest.matching import FillModel
from trading.backtest.tape import DayRows, Series, Tape
from trading.strategies.interface import Bars, Context, Strategy


class Crossover(Strategy):
    """Long while the fast average of closes is above the slow one; decided on closed bars, filled at the next open."""

    @property
    def warm_up(self) -> int:
        return generator.SLOW

    def on_bar(self, context: Context, bars: Bars) -> None:
        closes = context.panel(generator.SLOW)
        if len(closes) < generator.SLOW:
            return
        above = closes[-generator.FAST :].mean(axis=0) > closes.mean(axis=0)
        if not hasattr(self, "was"):
            self.was = np.zeros(len(context.symbols), bool)
        turned = np.flatnonzero(above != self.was)
        self.was = above
        for at in turned.tolist():
            symbol = context.symbols[at]
            if above[at]:
                context.buy(symbol, generator.LOT, reason="up")
            elif held := context.position(symbol).sellable:
                context.sell(symbol, held, reason="down")


def series(number: int, code: str, period: str, years: int) -> Series:
    """One instrument's bars."""
    days = np.array([day_number(day) for day in generator.trade_days(years)], np.int64)
    labels = np.array([0]) if period == "1d" else generator.LABELS
    ts = (day_start_ts(days)[:, None] + labels * 60_000).ravel()
    made = generator.bars(number, len(ts), 30 if period == "1d" else 2)
    values = np.column_stack([*made.values(), made["close"] * made["volume"]])
    closes = made["close"].reshape(len(days), -1)[:, -1]
    volumes = made["volume"].reshape(len(days), -1).sum(axis=1)
    rows = DayRows(days, closes, np.full(len(days), np.nan), volumes)
    first = generator.trade_days(1)[0].replace(year=2010)
    return Series(Instrument(code, code, Market.SH, Board.MAIN, Kind.STOCK, first), ts, values, rows)


def measured(period: str, years: int) -> dict[str, float]:
    """Seconds and counts of one run."""
    all_series = [series(number, code, period, years) for number, code in enumerate(generator.codes())]
    days = generator.trade_days(years)
    calendar = TradingCalendar(days, days[-1])
    settings = RunSettings(
        capital=Decimal(generator.CAPITAL), fills=FillModel(participation_permille=1000, slippage_bp=0)
    )
    started = time.perf_counter()
    tape = Tape(period, all_series, 0)
    result: RunResult = Engine(Crossover(), tape, settings, calendar=calendar).run()
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "bars": sum(len(one.ts) for one in all_series),
        "orders": len(result.orders),
        "fills": len(result.trades),
        "equity": float(result.days[-1].equity),
    }


sys.stdout.write(json.dumps({"1d": measured("1d", 5), "1m": measured("1m", 1)}))
