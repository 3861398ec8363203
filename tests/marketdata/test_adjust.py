"""Adjustment of prices, each example computed by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.quotes.periods import day_start_ts
from marketdata.services.adjust import ExEvent, adjust_prices
from marketdata.services.requests import Adjust
from qmt.terminal.history import adjusted
from qmt.terminal.types import BAR_DTYPE, FACTOR_DTYPE

DAYS = np.array([1, 2, 3, 4, 5])


def event(day: int, **facts: float) -> ExEvent:
    zero = dict.fromkeys(("interest", "stock_bonus", "stock_gift", "allot_num", "allot_price"), 0.0)
    return ExEvent(day=day, **(zero | {"dr": 1.0} | facts))


CASH = event(3, interest=0.5, dr=10 / 9.5)
BONUS = event(3, stock_bonus=0.3, stock_gift=0.2, dr=1.5)
# Three new shares for ten at 6.00: (10 + 0.3 × 6) / 1.3 = 9.076923…
ALLOTMENT = event(3, allot_num=0.3, allot_price=6.0, dr=10 / ((10 + 0.3 * 6) / 1.3))


GIFT = event(3, stock_gift=0.4, dr=1.4)
# 0.50 in cash, 3 bonus shares and 2 from reserves for ten: (10 − 0.5) / 1.5 = 6.333…
CASH_AND_SHARES = event(3, interest=0.5, stock_bonus=0.3, stock_gift=0.2, dr=10 / (9.5 / 1.5))
# 0.50 in cash and the allotment: (10 − 0.5 + 0.3 × 6) / 1.3 = 8.692307…
CASH_AND_ALLOTMENT = event(3, interest=0.5, allot_num=0.3, allot_price=6.0, dr=10 / ((10 - 0.5 + 0.3 * 6) / 1.3))


@pytest.mark.parametrize(
    ("events", "before", "after"),
    [
        ([CASH], 9.5, 10.0),
        ([BONUS], 6.6667, 10.0),
        ([GIFT], 7.1429, 10.0),
        ([ALLOTMENT], 9.0769, 10.0),
        ([CASH_AND_SHARES], 6.3333, 10.0),
        ([CASH_AND_ALLOTMENT], 8.6923, 10.0),
    ],
)
def test_front_maps_prices_before_the_ex_date(events: list[ExEvent], before: float, after: float) -> None:
    raw = np.full(5, 10.0)
    assert adjust_prices(raw, DAYS, events, Adjust.FRONT).tolist() == [before, before, after, after, after]


@pytest.mark.parametrize(
    ("events", "after"),
    [
        ([CASH], 10.5),
        ([BONUS], 15.0),
        ([GIFT], 14.0),
        ([ALLOTMENT], 11.2),
        ([CASH_AND_SHARES], 15.5),
        ([CASH_AND_ALLOTMENT], 11.7),
    ],
)
def test_back_maps_prices_from_the_ex_date_on(events: list[ExEvent], after: float) -> None:
    raw = np.full(5, 10.0)
    assert adjust_prices(raw, DAYS, events, Adjust.BACK).tolist() == [10.0, 10.0, after, after, after]


def test_ratio_kinds_use_the_terminal_factor() -> None:
    raw = np.full(5, 10.0)
    assert adjust_prices(raw, DAYS, [BONUS], Adjust.FRONT_RATIO).tolist() == [6.6667, 6.6667, 10, 10, 10]
    assert adjust_prices(raw, DAYS, [BONUS], Adjust.BACK_RATIO).tolist() == [10, 10, 15, 15, 15]


def test_two_events_apply_in_the_order_of_time() -> None:
    first, second = event(2, interest=1.0), event(4, stock_bonus=1.0)
    raw = np.full(5, 10.0)
    # Front: a price of day 1 loses 1 yuan first and is halved then: (10 − 1) / 2.
    assert adjust_prices(raw, DAYS, [first, second], Adjust.FRONT).tolist() == [4.5, 5.0, 5.0, 10.0, 10.0]
    # Back: a price of day 4 is doubled first and gains 1 yuan then: 10 × 2 + 1.
    assert adjust_prices(raw, DAYS, [first, second], Adjust.BACK).tolist() == [10.0, 11.0, 11.0, 21.0, 21.0]


def test_adjust_keeps_missing_values_missing() -> None:
    raw = np.array([np.nan, 10.0, 10.0, 10.0, 10.0])
    assert np.isnan(adjust_prices(raw, DAYS, [CASH], Adjust.FRONT)[0])


def test_adjust_without_events_changes_nothing() -> None:
    raw = np.array([12.4563, 12.99751])
    assert adjust_prices(raw, DAYS[:2], [], Adjust.FRONT) is raw


@pytest.mark.parametrize("events", [[CASH], [GIFT], [ALLOTMENT], [CASH_AND_SHARES], [CASH_AND_ALLOTMENT]])
def test_front_kinds_agree_at_the_previous_close(events: list[ExEvent]) -> None:
    """`dr` is the previous close (10.00 here) over the ex-rights reference, so both kinds meet in that price."""
    raw = np.full(5, 10.0)
    front = adjust_prices(raw, DAYS, events, Adjust.FRONT)
    assert adjust_prices(raw, DAYS, events, Adjust.FRONT_RATIO).tolist() == front.tolist()


# ------------------------------------------------------------------- the terminal's definition
def by_definition(price: float, day: int, events: Sequence[ExEvent], adjust: Adjust) -> float:
    """One price by the SDK documentation's example for 除权数据, one event after another."""
    if adjust is Adjust.FRONT:
        for one in events:
            if one.day > day:
                shares = 1 + one.allot_num + one.stock_bonus + one.stock_gift
                price = (price - one.interest + one.allot_price * one.allot_num) / shares
    elif adjust is Adjust.BACK:
        for one in reversed(events):
            if one.day <= day:
                shares = 1 + one.allot_num + one.stock_bonus + one.stock_gift
                price = price * shares + one.interest - one.allot_num * one.allot_price
    else:
        until_now = float(np.prod([one.dr for one in events if one.day <= day]))
        every = float(np.prod([one.dr for one in events]))
        price = price * until_now / (every if adjust is Adjust.FRONT_RATIO else 1.0)
    return price


SHARE = st.floats(0.0, 1.0)
EVENTS = st.lists(
    st.builds(
        ExEvent,
        day=st.integers(1, 40),
        interest=st.floats(0.0, 2.0),
        stock_bonus=SHARE,
        stock_gift=SHARE,
        allot_num=st.floats(0.0, 0.3),
        allot_price=st.floats(1.0, 10.0),
        dr=st.floats(1.0, 2.0),
    ),
    max_size=6,
    unique_by=lambda one: one.day,
).map(lambda events: sorted(events, key=lambda one: one.day))


@given(EVENTS, st.sampled_from([Adjust.FRONT, Adjust.BACK, Adjust.FRONT_RATIO, Adjust.BACK_RATIO]))
@settings(max_examples=150, deadline=None)
def test_every_kind_is_the_documented_definition(events: list[ExEvent], adjust: Adjust) -> None:
    days = np.arange(0, 42)
    raw = 8.0 + 0.11 * days.astype(np.float64)
    ours = adjust_prices(raw, days, events, adjust)
    expected = [by_definition(price, day, events, adjust) for price, day in zip(raw, days.tolist(), strict=True)]
    assert ours == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("adjust", [item for item in Adjust if item is not Adjust.NONE])
def test_every_kind_is_what_the_simulated_terminal_answers(adjust: Adjust) -> None:
    days = np.arange(18_000, 18_040)
    events = [
        event(18_010, interest=0.5, dr=1.05),
        event(18_020, stock_bonus=0.3, stock_gift=0.2, interest=0.1, dr=1.52),
        event(18_030, allot_num=0.3, allot_price=6.0, dr=1.09),
    ]
    factors = np.zeros(len(events), FACTOR_DTYPE)
    for row, one in zip(factors, events, strict=True):
        row["time"], row["dr"], row["interest"] = day_start_ts(one.day), one.dr, one.interest
        row["stockBonus"], row["stockGift"] = one.stock_bonus, one.stock_gift
        row["allotNum"], row["allotPrice"] = one.allot_num, one.allot_price
    raw = np.zeros(len(days), BAR_DTYPE)
    raw["time"] = day_start_ts(days)
    raw["close"] = 8.0 + 0.11 * np.arange(len(days))
    theirs = adjusted(raw, factors, adjust.value)["close"]
    assert adjust_prices(raw["close"], days, events, adjust) == pytest.approx(theirs, abs=6e-5)
    assert not np.allclose(theirs, raw["close"])
