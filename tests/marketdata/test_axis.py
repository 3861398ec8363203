"""Which bars ought to exist."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.models import Instrument
from marketdata.quotes.periods import Period, day_date, day_number
from marketdata.services.axis import expected_axis, first_open_day, minute_labels, open_day_labels
from tests.marketdata.fakes import TODAY, WEEK, clock_at

pytestmark = pytest.mark.django_db

HOUR = 3_600_000
MINUTE = 60_000


def test_minute_labels_are_241_right_edges() -> None:
    labels = minute_labels()
    assert len(labels) == 241
    assert labels[0] == 9 * HOUR + 30 * MINUTE
    assert labels[120] == 11 * HOUR + 30 * MINUTE
    assert labels[121] == 13 * HOUR + MINUTE
    assert labels[240] == 15 * HOUR


def test_minute_labels_of_240_leave_the_auction_out(settings: Settings) -> None:
    settings.MARKETDATA = MarketDataConfig().changed(bars={"minute_bars": 240})
    assert len(minute_labels()) == 240
    assert minute_labels()[0] == 9 * HOUR + 31 * MINUTE


def test_axis_daily_bar_of_the_open_day_is_not_expected(maotai: Instrument) -> None:
    axis = expected_axis([maotai], Period.DAY_1, WEEK[0], TODAY, clock_at("2023-03-20 15:29:59"))
    assert [day_date(day) for day in axis.days] == [*WEEK, TODAY]
    assert axis.bars.tolist() == [1, 1, 1, 1, 1, 0]
    assert axis.open_index == 5


def test_axis_day_is_final_at_half_past_three(maotai: Instrument) -> None:
    clock = clock_at("2023-03-20 15:30:00")
    axis = expected_axis([maotai], Period.DAY_1, TODAY, TODAY, clock)
    assert (axis.bars.tolist(), axis.open_index) == ([1], -1)
    assert first_open_day(clock) == day_number(TODAY) + 1


def test_axis_minutes_of_the_open_day_grow_with_the_market_clock(maotai: Instrument) -> None:
    expected = {"09:15:00": 0, "09:30:20": 1, "10:00:20": 31, "12:30:00": 121, "13:01:10": 121, "15:00:15": 241}
    found = {
        time: int(expected_axis([maotai], Period.MINUTE_1, TODAY, TODAY, clock_at(f"2023-03-20 {time}")).bars[0])
        for time in expected
    }
    assert found == expected


def test_axis_night_before_the_trade_date_expects_nothing_of_it(maotai: Instrument) -> None:
    clock = clock_at("2023-03-19 22:00:00", trade_date=TODAY)
    assert open_day_labels(clock, Period.MINUTE_1).size == 0
    assert first_open_day(clock) == day_number(TODAY)


def test_axis_listing_and_delisting_bound_an_instrument(maotai: Instrument, pingan: Instrument) -> None:
    maotai.list_date, maotai.delist_date = WEEK[1], WEEK[3]
    axis = expected_axis([maotai, pingan], Period.DAY_1, WEEK[0], WEEK[4], clock_at("2023-03-20 10:00:00"))
    assert np.array_equal(axis.listed, [[False, True, True, True, False], [True] * 5])


def test_axis_range_without_trading_days_is_empty(maotai: Instrument) -> None:
    axis = expected_axis([maotai], Period.DAY_1, date(2023, 3, 18), date(2023, 3, 19), clock_at("2023-03-20 10:00:00"))
    assert axis.days.size == 0
