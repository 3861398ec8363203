"""Round trips that add up to the run's profit, and key figures checked by hand."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.quotes.periods import day_number
from marketdata.services.adjust import ExEvent
from tests.backtest.tapes import PLAIN, A, B, Scripted, at_day, daily, flat, run, tape, weekdays
from tests.backtest.test_no_look_ahead import Nosy, series
from trading.backtest.engine import DayRecord
from trading.backtest.figures import DAYS_A_YEAR, comparison, performance, trading
from trading.backtest.matching import FillModel
from trading.backtest.tape import Tape
from trading.backtest.trips import rules_of, trips_of

D1, D2, D3, D4, D5, D6 = weekdays(6)


def records(*equity: float, holdings: float = 0, bought: int = 0) -> list[DayRecord]:
    return [
        DayRecord(
            day_number(day),
            Decimal(str(value - holdings)),
            Decimal(str(holdings)),
            Decimal(bought),
            Decimal(0),
            Decimal(0),
        )
        for day, value in zip(weekdays(len(equity)), equity, strict=True)
    ]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["1d", "1m"]))
def test_trips_and_rules_add_up_to_the_runs_profit(seed: int, period: str) -> None:
    on = Tape(period, [series(A, seed, period, 10_000, 0), series(B, seed + 1, period, 10_000, 0)], 0)
    result = run(Nosy(), on, fills=FillModel(300, 5), commission_rate=Decimal("0.00025"), minimum_commission=Decimal(5))
    trips = trips_of(result)
    profit = result.days[-1].equity - Decimal(1_000_000)
    assert sum((trip.profit for trip in trips), Decimal(0)) == profit
    rules = rules_of(result, trips)
    assert sum((rule.entered for rule in rules), Decimal(0)) == profit
    assert sum(rule.orders for rule in rules) == len(result.orders)


def test_oldest_shares_leave_first_and_carry_their_share_of_fees() -> None:
    acts = {
        D1: lambda context: context.buy(A, 200, reason="first"),
        D2: lambda context: context.buy(A, 100, reason="second"),
        D4: lambda context: context.sell(A, 300, reason="out"),
    }
    prices = dict(zip((D1, D2, D3, D4, D5), map(flat, (10, 10, 10.9, 10.9, 10.9)), strict=True))
    result = run(Scripted(at_day(acts)), tape(daily(A, prices)), minimum_commission=Decimal(6))
    first, second = trips_of(result)
    # Of the sale's 3,270: stamp duty 1.64, transfer fee 0.03, commission 6.
    assert (first.quantity, first.cost, first.proceeds) == (200, Decimal("2006.02"), Decimal("2174.8867"))
    assert (second.quantity, second.cost, second.proceeds) == (100, Decimal("1096.01"), Decimal("1087.4433"))
    assert [rule.reason for rule in rules_of(result, [first, second])] == ["first", "out", "second"]
    out = rules_of(result, [first, second])[1]
    assert (out.trips, out.wins, out.left, out.entered) == (2, 1, first.profit + second.profit, Decimal(0))


def test_ex_date_is_income_and_more_shares_of_the_trip() -> None:
    event = ExEvent(
        day_number(D3), interest=0.5, stock_bonus=1.0, stock_gift=0.0, allot_num=0.0, allot_price=0.0, dr=2.1
    )
    acts = {D1: lambda context: context.buy(A, 100), D3: lambda context: context.sell(A, 200)}
    prices = {D1: flat(10), D2: flat(10), D3: flat(4.75), D4: flat(5)}
    result = run(Scripted(at_day(acts)), tape(daily(A, prices, reference={D3: 4.75}, events=[event])))
    (trip,) = trips_of(result)
    assert (trip.quantity, trip.income, trip.closed_ts is None) == (200, Decimal(50), False)
    assert trip.profit == result.days[-1].equity - Decimal(1_000_000)


def test_shares_still_held_are_an_open_trip_at_the_last_price() -> None:
    acts = {D1: lambda context: context.buy(A, 100, reason="in")}
    result = run(Scripted(at_day(acts)), tape(daily(A, {D1: flat(10), D2: flat(10), D3: flat(10.8)})))
    (trip,) = trips_of(result)
    assert (trip.closed_ts, trip.proceeds, trip.exit_reason) == (None, Decimal("1080.00"), "")
    assert trading([trip])["open"] == 1


def test_performance_follows_the_formulas() -> None:
    figures = performance(records(110, 99, 132, holdings=66, bought=50), Decimal(100))
    returns = np.array([0.1, -0.1, 1 / 3])
    assert figures["total_return"] == pytest.approx(0.32)
    assert figures["annual_return"] == pytest.approx(1.32 ** (DAYS_A_YEAR / 3) - 1)
    assert figures["annual_volatility"] == pytest.approx(returns.std(ddof=1) * math.sqrt(DAYS_A_YEAR))
    assert figures["sharpe_ratio"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(DAYS_A_YEAR))
    assert figures["sortino_ratio"] == pytest.approx(returns.mean() / math.sqrt(0.01 / 3) * math.sqrt(DAYS_A_YEAR))
    assert figures["max_drawdown"] == pytest.approx(0.1)
    assert (figures["drawdown_from"], figures["drawdown_bottom"], figures["drawdown_until"]) == (
        D1.isoformat(),
        D2.isoformat(),
        D3.isoformat(),
    )
    assert figures["drawdown_days"] == 2
    assert figures["turnover"] == pytest.approx(75 / 110.25)
    assert figures["exposure"] == pytest.approx((66 / 110 + 66 / 99 + 66 / 132) / 3)


def test_performance_of_nothing_has_no_ratios() -> None:
    figures = performance(records(100), Decimal(100))
    assert figures["total_return"] == 0
    assert [figures[name] for name in ("sharpe_ratio", "sortino_ratio", "calmar_ratio", "drawdown_until")] == [None] * 4


def test_comparison_with_twice_the_index_has_beta_two() -> None:
    index = np.array([1000.0, 1010.0, 990.0, 1005.0])
    own = 100 * np.cumprod(1 + 2 * np.diff(index) / index[:-1])
    days = np.array([day_number(day) for day in (D1, D2, D3, D4)]) - 1
    days[0] -= 3
    days[1:] = [day_number(day) for day in (D1, D2, D3)]
    figures = comparison(records(*own.tolist()), Decimal(100), days, index)
    assert figures is not None
    assert figures["beta"] == pytest.approx(2)
    assert figures["alpha"] == pytest.approx(0)
    assert figures["total_return"] == pytest.approx(0.005)
    assert figures["curve"] == pytest.approx([101, 99, 100.5])


def test_comparison_without_a_close_before_the_run_is_none() -> None:
    days = np.array([day_number(D1)])
    assert comparison(records(100, 101), Decimal(100), days, np.array([1000.0])) is None


def test_trading_figures_of_two_wins_and_a_loss() -> None:
    acts = {
        D1: lambda context: context.buy(A, 100),
        D2: lambda context: context.sell(A, 100),
        D3: lambda context: context.buy(A, 100),
        D4: lambda context: context.sell(A, 100),
    }
    prices = dict(zip((D1, D2, D3, D4, D5), map(flat, (10, 10, 11, 11, 10.5)), strict=True))
    result = run(Scripted(at_day(acts)), tape(daily(A, prices)), fills=PLAIN)
    figures = trading(trips_of(result))
    assert (figures["trips"], figures["wins"], figures["win_rate"]) == (2, 1, 0.5)
    assert figures["average_days"] == 2
    assert figures["profit_factor"] == pytest.approx(99.42 / 50.55, abs=0.02)
