"""Rows of back-tests for the tests of other areas."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from accounts.models import User
from trading.backtest.models import Backtest, BacktestDay, BacktestPlot
from trading.strategies.models import Plugin


def make_backtest(owner: User, plugin: Plugin) -> Backtest:
    """One that is done, with a day and a picture."""
    row = Backtest.objects.create(
        owner=owner,
        plugin=plugin,
        symbols=["600519.SH"],
        period="1d",
        start=date(2024, 1, 2),
        end=date(2024, 1, 2),
        capital=Decimal(10_000),
        state="DONE",
        figures={"total_return": 0.0},
    )
    BacktestDay.objects.create(backtest=row, day=row.start, cash=row.capital, drawdown=0.0)
    BacktestPlot.objects.create(backtest=row, name="equity", svg="<svg/>")
    return row
