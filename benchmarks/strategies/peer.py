"""Measure backtrader on the benchmark's bars with the same rule. Runs in a virtualenv of its own, prints JSON."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta
from typing import Any

import backtrader as bt
import generator
import numpy as np
import pandas as pd


class Crossover(bt.Strategy):
    """Long while the fast average of closes is above the slow one; decided on closed bars, filled at the next open."""

    def __init__(self) -> None:
        self.averages = [
            (bt.indicators.SMA(data.close, period=generator.FAST), bt.indicators.SMA(data.close, period=generator.SLOW))
            for data in self.datas
        ]
        self.was = [False] * len(self.datas)
        self.fills = 0

    def next(self) -> None:
        for at, (data, (fast, slow)) in enumerate(zip(self.datas, self.averages, strict=True)):
            above = fast[0] > slow[0]
            if above == self.was[at]:
                continue
            self.was[at] = above
            if above:
                self.buy(data=data, size=generator.LOT)
            elif held := self.getposition(data).size:
                self.sell(data=data, size=held)

    def notify_order(self, order: Any) -> None:
        self.fills += order.status == order.Completed


def frame(number: int, period: str, years: int) -> pd.DataFrame:
    """One instrument's bars as the peer wants them."""
    days = [datetime.combine(day, datetime.min.time()) for day in generator.trade_days(years)]
    if period == "1d":
        stamps = days
    else:
        stamps = [day + timedelta(minutes=int(label)) for day in days for label in generator.LABELS]
    made = generator.bars(number, len(stamps), 30 if period == "1d" else 2)
    return pd.DataFrame(made, index=pd.DatetimeIndex(stamps)).assign(openinterest=0)


def measured(period: str, years: int) -> dict[str, float]:
    """Seconds and counts of one run; the frames are made before."""
    frames = [frame(number, period, years) for number in range(generator.SYMBOLS)]
    frequency = bt.TimeFrame.Days if period == "1d" else bt.TimeFrame.Minutes
    started = time.perf_counter()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(generator.CAPITAL)
    cerebro.broker.setcommission(commission=0.00025)
    for at, data in enumerate(frames):
        cerebro.adddata(bt.feeds.PandasData(dataname=data, timeframe=frequency), name=str(at))
    cerebro.addstrategy(Crossover)
    (ran,) = cerebro.run()
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "bars": int(np.sum([len(data) for data in frames])),
        "fills": ran.fills,
        "equity": cerebro.broker.getvalue(),
    }


figures = {"1d": measured("1d", 5)}
if "--minutes" in sys.argv:
    figures["1m"] = measured("1m", 1)
sys.stdout.write(json.dumps(figures))
