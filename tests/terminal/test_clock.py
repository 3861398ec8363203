"""The simulated market clock."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmt.calendar import TradingCalendar, date_of_ms, datetime_of_ms, load_sse_calendar
from qmt.terminal.clock import ManualClock, SimClock
from qmt.terminal.state import StateStore
from tests.terminal.desk import at

DAY = dt.date(2026, 11, 20)  # a Friday
_CALENDAR = load_sse_calendar()


class Wall:
    """A monotonic clock of the tests."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def clock_on(store: StateStore, wall: Wall, speed: float = 1.0) -> SimClock:
    return SimClock(store=store, calendar=_CALENDAR, first_session=DAY, speed=speed, monotonic=wall)


def test_clock_of_a_new_terminal_starts_at_0935() -> None:
    assert clock_on(StateStore(":memory:", identity="x"), Wall()).now_ms() == at("09:35", DAY)


@pytest.mark.parametrize(
    ("wall_seconds", "expected"),
    [
        (60, "2026-11-20 09:36:00"),
        (6_900, "2026-11-20 11:30:00"),
        (6_910, "2026-11-20 12:15:00"),
        (6_920, "2026-11-20 13:00:00"),
        (6_920 + 7_200, "2026-11-20 15:00:00"),
        (14_120 + 15, "2026-11-20 15:15:00"),
        (14_120 + 30, "2026-11-20 15:30:00"),
        (14_150 + 10, "2026-11-22 00:00:00"),  # half of the weekend
        (14_150 + 20, "2026-11-23 08:30:00"),
        (14_170 + 5, "2026-11-23 08:52:30"),
        (14_170 + 10, "2026-11-23 09:15:00"),
        (14_180 + 15, "2026-11-23 09:20:00"),
        (14_180 + 45, "2026-11-23 09:30:00"),
        (14_225 + 100, "2026-11-23 09:31:40"),
    ],
)
def test_clock_follows_the_day_cycle(wall_seconds: float, expected: str) -> None:
    wall = Wall()
    clock = clock_on(StateStore(":memory:", identity="x"), wall)
    wall.seconds += wall_seconds
    assert datetime_of_ms(clock.now_ms()).strftime("%Y-%m-%d %H:%M:%S") == expected


def test_clock_at_double_speed_runs_twice_as_fast() -> None:
    wall = Wall()
    clock = clock_on(StateStore(":memory:", identity="x"), wall, speed=2.0)
    wall.seconds += 30
    assert clock.now_ms() == at("09:36", DAY)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_clock_with_a_speed_that_is_not_positive_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        clock_on(StateStore(":memory:", identity="x"), Wall(), speed=speed)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 9_000), st.sampled_from(["read", "kill", "stop"])), max_size=25), st.floats(0.5, 40)
)
def test_clock_over_kills_and_stops_never_goes_back(steps: list[tuple[float, str]], speed: float) -> None:
    wall, store = Wall(), StateStore(":memory:", identity="x")
    clock = clock_on(store, wall, speed)
    shown = clock.now_ms()
    for seconds, what in steps:
        wall.seconds += seconds
        if what == "stop":
            clock.close()
        if what != "read":
            clock = clock_on(store, wall, speed)
        now = clock.now_ms()
        assert now >= shown if what == "read" else now > shown
        shown = now


def test_clock_after_an_orderly_stop_skips_nothing(tmp_path: Path) -> None:
    wall = Wall()
    store = StateStore(tmp_path / "x.sqlite3", identity="x")
    clock = clock_on(store, wall)
    wall.seconds += 100
    stopped = clock.now_ms()
    clock.close()
    wall.seconds += 1_000_000
    assert clock_on(store, wall).now_ms() == stopped + 1


def test_manual_clock_set_back_raises() -> None:
    clock = ManualClock(1_000)
    clock.advance(1.5)
    assert clock.now_ms() == 2_500
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(2_499)


def test_calendar_of_the_clock_runs_past_its_published_years() -> None:
    calendar = TradingCalendar([dt.date(2026, 12, 30), dt.date(2026, 12, 31)], dt.date(2026, 12, 31))
    wall = Wall()
    clock = SimClock(
        store=StateStore(":memory:", identity="x"),
        calendar=calendar,
        first_session=dt.date(2026, 12, 31),
        monotonic=wall,
    )
    wall.seconds += 14_170
    assert date_of_ms(clock.now_ms()) == dt.date(2027, 1, 4)
