"""Key figures of a run. Statistics, so float64; the money they start from is exact.

With E(0) the capital, E(t) the equity at the close of day t = 1 … N, r(t) = E(t) / E(t−1) − 1, rf the risk-free rate of one day and
D = 243 trading days a year (the mean of the Shanghai calendar, 2010–2025, is 242.9):

===================== ============================================================================================
total return          E(N) / E(0) − 1
annual return         (1 + total return)^(D / N) − 1, geometric
annual volatility     s(r) · √D, s the sample standard deviation (N − 1)
Sharpe ratio          (mean(r) − rf) / s(r) · √D (Sharpe 1994)
Sortino ratio         (mean(r) − rf) / √mean(min(r − rf, 0)²) · √D (Sortino & Price 1994)
drawdown              1 − E(t) / max E(0 … t); the greatest of them, its days from top to bottom and back to the top
Calmar ratio          annual return / greatest drawdown
turnover              (bought + sold) / 2 / mean equity, and times D / N
exposure              mean of holdings / equity at the close
beta, alpha           cov(r, b) / var(b); (mean(r) − rf − beta · (mean(b) − rf)) · D, b the daily returns compared with (Jensen 1968)
tracking error        s(r − b) · √D
information ratio     mean(r − b) / s(r − b) · √D
===================== ============================================================================================

A ratio whose denominator is 0, or that would need more days than there are, is None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from marketdata.quotes.periods import Int64Array, day_date
from trading.backtest.engine import DayRecord
from trading.backtest.trips import Trip
from trading.strategies.values import FloatArray

DAYS_A_YEAR = 243


def equity_of(days: Sequence[DayRecord], capital: Decimal) -> FloatArray:
    """Equity before the first day and at the close of each, shape (N + 1,)."""
    return np.array([float(capital), *(float(day.equity) for day in days)])


def drawdowns(equity: FloatArray) -> FloatArray:
    """Loss since the highest equity so far, as a share of it, shape as given."""
    highest = np.maximum.accumulate(equity)
    result: FloatArray = 1 - equity / highest
    return result


def performance(days: Sequence[DayRecord], capital: Decimal, risk_free: float = 0.0) -> dict[str, Any]:
    """Return, risk, drawdown, turnover, exposure.

    Parameters
    ----------
    risk_free
        Rate of a year.
    """
    equity = equity_of(days, capital)
    returns = equity[1:] / equity[:-1] - 1
    count, free = len(returns), risk_free / DAYS_A_YEAR
    total = float(equity[-1] / equity[0] - 1)
    annual = _annual(total, count)
    falls = drawdowns(equity)
    deepest = float(falls.max())
    below = np.sqrt(np.mean(np.minimum(returns - free, 0) ** 2)) if count else 0.0
    traded = float(sum((day.bought + day.sold for day in days), Decimal(0))) / 2 / float(equity.mean())
    shares = [float(day.holdings / day.equity) for day in days if day.equity > 0]
    return {
        "total_return": total,
        "annual_return": annual,
        "annual_volatility": _deviation(returns, math.sqrt(DAYS_A_YEAR)),
        "sharpe_ratio": _ratio(float(np.mean(returns - free)) if count else 0.0, _deviation(returns)),
        "sortino_ratio": _ratio(float(np.mean(returns - free)) if count else 0.0, float(below)),
        "max_drawdown": deepest,
        **_deepest(falls, days),
        "calmar_ratio": None if annual is None or deepest == 0 else annual / deepest,
        "turnover": traded,
        "annual_turnover": traded * DAYS_A_YEAR / count if count else None,
        "exposure": float(np.mean(shares)) if shares else 0.0,
        "days": count,
        "days_invested": sum(day.holdings > 0 for day in days),
        "best_day": float(returns.max()) if count else None,
        "worst_day": float(returns.min()) if count else None,
    }


def comparison(
    days: Sequence[DayRecord], capital: Decimal, bench_days: Int64Array, bench_close: FloatArray, risk_free: float = 0.0
) -> dict[str, Any] | None:
    """The run beside an index or any other instrument; None when its closes do not reach over the run's days.

    Returns
    -------
    dict
        Figures, and ``curve``: its value on each of the run's days, scaled to the capital.
    """
    own = np.array([day.day for day in days], np.int64)
    # The last close up to a day, and the last before the first day.
    at = np.searchsorted(bench_days, np.concatenate([own[:1] - 1, own]), side="right") - 1
    if not len(own) or at[0] < 0:
        return None
    levels = bench_close[at]
    returns, bench = np.diff(equity_of(days, capital)) / equity_of(days, capital)[:-1], np.diff(levels) / levels[:-1]
    free = risk_free / DAYS_A_YEAR
    total = float(levels[-1] / levels[0] - 1)
    spread, variance = returns - bench, float(np.var(bench, ddof=1)) if len(own) > 1 else 0.0
    beta = float(np.cov(returns, bench, ddof=1)[0, 1]) / variance if variance else None
    own_deviation, deviation = _deviation(returns), _deviation(bench)
    correlation = float(np.corrcoef(returns, bench)[0, 1]) if own_deviation and deviation else None
    return {
        "total_return": total,
        "annual_return": _annual(total, len(own)),
        "max_drawdown": float(drawdowns(levels).max()),
        "excess_return": float(equity_of(days, capital)[-1]) / float(capital) - 1 - total,
        "beta": beta,
        "alpha": None
        if beta is None
        else (float(np.mean(returns)) - free - beta * (float(np.mean(bench)) - free)) * DAYS_A_YEAR,
        "correlation": correlation,
        "tracking_error": _deviation(spread, math.sqrt(DAYS_A_YEAR)),
        "information_ratio": _ratio(float(np.mean(spread)), _deviation(spread)),
        "curve": (levels[1:] / levels[0] * float(capital)).tolist(),
    }


def trading(trips: Sequence[Trip]) -> dict[str, Any]:
    """Figures of the round trips that have ended."""
    ended = [trip for trip in trips if trip.closed_ts is not None]
    wins = [trip.profit for trip in ended if trip.profit > 0]
    losses = [trip.profit for trip in ended if trip.profit < 0]
    held = [trip.days for trip in ended if trip.days is not None]
    lost = -sum(losses, Decimal(0))
    return {
        "trips": len(ended),
        "open": len(trips) - len(ended),
        "wins": len(wins),
        "win_rate": len(wins) / len(ended) if ended else None,
        "profit_factor": float(sum(wins, Decimal(0)) / lost) if lost else None,
        "average_win": float(sum(wins, Decimal(0)) / len(wins)) if wins else None,
        "average_loss": float(-lost / len(losses)) if losses else None,
        "average_days": float(np.mean(held)) if held else None,
    }


def _annual(total: float, count: int) -> float | None:
    return (1 + total) ** (DAYS_A_YEAR / count) - 1 if count and total > -1 else None


def _deviation(values: FloatArray, scale: float = 1.0) -> float | None:
    return float(np.std(values, ddof=1)) * scale if len(values) > 1 else None


def _ratio(mean: float, deviation: float | None) -> float | None:
    return mean / deviation * math.sqrt(DAYS_A_YEAR) if deviation else None


def _deepest(falls: FloatArray, days: Sequence[DayRecord]) -> dict[str, Any]:
    """Where the greatest drawdown began, was deepest and was made good; row 0 is the capital before the first day."""
    bottom = int(np.argmax(falls))
    if falls[bottom] == 0:
        return {"drawdown_from": None, "drawdown_bottom": None, "drawdown_until": None, "drawdown_days": 0}
    top = int(np.flatnonzero(falls[: bottom + 1] == 0)[-1])
    later = np.flatnonzero(falls[bottom:] == 0)
    until = bottom + int(later[0]) if len(later) else None

    def named(row: int) -> str:
        return day_date(days[max(row - 1, 0)].day).isoformat()

    return {
        "drawdown_from": named(top),
        "drawdown_bottom": named(bottom),
        "drawdown_until": None if until is None else named(until),
        "drawdown_days": (len(falls) - 1 if until is None else until) - top,
    }
