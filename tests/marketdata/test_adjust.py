"""Adjustment of prices, each example computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from marketdata.services.adjust import ExEvent, adjust_prices
from marketdata.services.requests import Adjust

DAYS = np.array([1, 2, 3, 4, 5])


def event(day: int, **facts: float) -> ExEvent:
    zero = dict.fromkeys(("interest", "stock_bonus", "stock_gift", "allot_num", "allot_price"), 0.0)
    return ExEvent(day=day, **(zero | {"dr": 1.0} | facts))


CASH = event(3, interest=0.5, dr=10 / 9.5)
BONUS = event(3, stock_bonus=0.3, stock_gift=0.2, dr=1.5)
# Three new shares for ten at 6.00: (10 + 0.3 × 6) / 1.3 = 9.076923…
ALLOTMENT = event(3, allot_num=0.3, allot_price=6.0, dr=10 / ((10 + 0.3 * 6) / 1.3))


@pytest.mark.parametrize(
    ("events", "before", "after"),
    [
        ([CASH], 9.5, 10.0),
        ([BONUS], 6.6667, 10.0),
        ([ALLOTMENT], 9.0769, 10.0),
    ],
)
def test_front_maps_prices_before_the_ex_date(events: list[ExEvent], before: float, after: float) -> None:
    raw = np.full(5, 10.0)
    assert adjust_prices(raw, DAYS, events, Adjust.FRONT).tolist() == [before, before, after, after, after]


@pytest.mark.parametrize(("events", "after"), [([CASH], 10.5), ([BONUS], 15.0), ([ALLOTMENT], 11.2)])
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
