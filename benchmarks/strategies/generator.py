"""Generated bars, the same for ours and the peer's: random walks in whole cents, no holes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

SYMBOLS = 50
FAST, SLOW = 10, 30
LOT = 200
"""Shares of every purchase: the price stays below what makes 50 of them more than the money."""
CAPITAL = 100_000_000
MORNING = np.arange(9 * 60 + 30, 11 * 60 + 31)
AFTERNOON = np.arange(13 * 60 + 1, 15 * 60 + 1)
LABELS = np.concatenate([MORNING, AFTERNOON])
"""Right edges of a day's 241 minutes, in minutes after midnight."""


def trade_days(years: int) -> list[date]:
    """Weekdays, 243 a year."""
    days, day = [], date(2018, 1, 2)
    while len(days) < 243 * years:
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    return days


def codes() -> list[str]:
    """Codes of the main board in Shanghai."""
    return [f"{600000 + number}.SH" for number in range(SYMBOLS)]


def bars(number: int, count: int, step: float) -> dict[str, Any]:
    """Columns of one instrument; prices in CNY, volume in shares.

    Parameters
    ----------
    step
        Standard deviation of one bar's change in cents.
    """
    random = np.random.default_rng(number)
    close = 2000 + np.cumsum(np.rint(random.normal(0, step, count)))
    close = 1000 + np.abs(close - 1000)
    open_ = np.concatenate([[2000], close[:-1]])
    high = np.maximum(open_, close) + random.integers(0, 4, count)
    low = np.minimum(open_, close) - random.integers(0, 4, count)
    volume = random.integers(1_000, 5_000, count) * 100
    return {"open": open_ / 100, "high": high / 100, "low": low / 100, "close": close / 100, "volume": volume}
