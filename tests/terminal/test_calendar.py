"""Phases of the day and trading days."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from qmt.calendar import (
    Phase,
    TradingCalendar,
    accepts_cancels,
    accepts_orders,
    date_of_ms,
    load_sse_calendar,
    midnight_ms,
    phase_at,
    time_of_ms,
    to_ms,
)


@pytest.mark.parametrize(
    ("time", "phase"),
    [
        ("09:14:59", Phase.CLOSED),
        ("09:15", Phase.OPEN_AUCTION),
        ("09:20", Phase.OPEN_AUCTION_NO_CANCEL),
        ("09:25", Phase.PRE_OPEN),
        ("09:30", Phase.CONTINUOUS),
        ("11:29:59.999", Phase.CONTINUOUS),
        ("11:30", Phase.LUNCH),
        ("13:00", Phase.CONTINUOUS),
        ("14:57", Phase.CLOSE_AUCTION),
        ("15:00", Phase.AFTER_HOURS),
        ("15:30", Phase.CLOSED),
    ],
)
def test_phase_at_a_boundary_is_the_phase_that_begins(time: str, phase: Phase) -> None:
    assert phase_at(dt.time.fromisoformat(time)) is phase


def test_accepts_of_the_quiet_auction_minutes_takes_orders_but_no_cancels() -> None:
    assert accepts_orders(Phase.OPEN_AUCTION_NO_CANCEL)
    assert not accepts_cancels(Phase.OPEN_AUCTION_NO_CANCEL)
    assert accepts_orders(Phase.CLOSE_AUCTION)
    assert not accepts_cancels(Phase.CLOSE_AUCTION)
    assert not accepts_orders(Phase.LUNCH)


def test_stamps_of_a_shanghai_moment_round_trip() -> None:
    day, time = dt.date(2024, 2, 29), dt.time(14, 56, 59, 500_000)
    stamp = to_ms(day, time)
    assert (date_of_ms(stamp), time_of_ms(stamp)) == (day, time)
    assert midnight_ms(day) == 1_709_136_000_000


def test_calendar_of_shanghai_knows_holidays_and_working_weekends(calendar: TradingCalendar) -> None:
    assert not calendar.is_trading_day(dt.date(2024, 2, 12))
    assert not calendar.is_trading_day(dt.date(2024, 2, 18))  # a working Sunday is no trading day
    assert calendar.next_day(dt.date(2024, 2, 8)) == dt.date(2024, 2, 19)
    assert calendar.previous_day(dt.date(2024, 2, 19)) == dt.date(2024, 2, 8)
    assert dt.date(2024, 2, 12) in calendar.holidays(dt.date(2024, 2, 1), dt.date(2024, 2, 29))


def test_calendar_beyond_the_published_years_follows_weekdays_and_fixed_holidays() -> None:
    calendar = TradingCalendar([dt.date(2026, 12, 30), dt.date(2026, 12, 31)], dt.date(2026, 12, 31))
    assert calendar.next_day(dt.date(2026, 12, 31)) == dt.date(2027, 1, 4)
    assert not calendar.is_trading_day(dt.date(2027, 10, 5))
    assert calendar.previous_day(dt.date(2027, 1, 4)) == dt.date(2026, 12, 31)
    assert calendar.between(dt.date(2026, 12, 31), dt.date(2027, 1, 5)) == [
        dt.date(2026, 12, 31),
        dt.date(2027, 1, 4),
        dt.date(2027, 1, 5),
    ]


def test_calendar_before_its_first_day_has_no_previous() -> None:
    calendar = TradingCalendar([dt.date(2026, 12, 30)], dt.date(2026, 12, 31))
    assert calendar.previous_day(dt.date(2026, 12, 30)) is None


def test_calendar_extended_with_file_dates_trusts_them_up_to_their_last() -> None:
    published = [dt.date(2023, 3, day) for day in (13, 14, 15, 16, 17, 20, 21)]
    calendar = TradingCalendar(published, dt.date(2023, 12, 31)).extended_with(
        [dt.date(2023, 3, 13), dt.date(2023, 3, 15)]
    )
    assert calendar.between(dt.date(2023, 3, 1), dt.date(2023, 3, 17)) == [
        dt.date(2023, 3, day) for day in (13, 15, 16, 17)
    ]


def test_load_sse_calendar_from_its_cache_gives_the_same_days(tmp_path: Path, calendar: TradingCalendar) -> None:
    cache = tmp_path / "calendar.json"
    first, second = load_sse_calendar(cache), load_sse_calendar(cache)
    span = (dt.date(2020, 1, 1), dt.date(2027, 6, 1))
    assert first.between(*span) == second.between(*span) == calendar.between(*span)


@pytest.mark.parametrize("content", ["", "{", '{"source": "other"}', "[]"])
def test_load_sse_calendar_with_a_broken_cache_writes_it_anew(tmp_path: Path, content: str) -> None:
    cache = tmp_path / "calendar.json"
    cache.write_text(content, "utf-8")
    assert load_sse_calendar(cache).is_trading_day(dt.date(2026, 11, 18))
    assert "2026-11-18" in cache.read_text("utf-8")
