"""Market clocks: a simulated one that runs day and night, and one for tests that is set by hand.

The day cycle of the simulated clock: trading runs at the pace of the wall clock, everything else is compressed, so that a demo at
midnight or on a Sunday shows a moving market.

================================  =======================  ==========
market time                       what happens             wall time
================================  =======================  ==========
15:30 → 08:30 of next trading day night, weekend, holidays 20 s
08:30 → 09:15                     before the open          10 s
09:15 → 09:30                     opening auction          45 s
09:30 → 11:30                     continuous trading       2 h
11:30 → 13:00                     lunch                    20 s
13:00 → 15:00                     continuous trading       2 h
15:00 → 15:30                     after the close          30 s
================================  =======================  ==========

A speed multiplies all of it. While the terminal is down market time stands still.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from qmt.calendar import TradingCalendar, date_of_ms, to_ms
from qmt.terminal.state import StateStore

NIGHT_SECONDS = 20.0
BEFORE_OPEN_SECONDS = 10.0
OPENING_AUCTION_SECONDS = 45.0
LUNCH_SECONDS = 20.0
AFTER_CLOSE_SECONDS = 30.0
FIRST_START = dt.time(9, 35)
"""Market time of a new terminal: the morning so far is already on the tape."""

_DAY_START = dt.time(8, 30)
_DAY_END = dt.time(15, 30)
# (from, to, wall seconds; None = real pace)
_CYCLE: tuple[tuple[dt.time, dt.time, float | None], ...] = (
    (_DAY_START, dt.time(9, 15), BEFORE_OPEN_SECONDS),
    (dt.time(9, 15), dt.time(9, 30), OPENING_AUCTION_SECONDS),
    (dt.time(9, 30), dt.time(11, 30), None),
    (dt.time(11, 30), dt.time(13, 0), LUNCH_SECONDS),
    (dt.time(13, 0), dt.time(15, 0), None),
    (dt.time(15, 0), _DAY_END, AFTER_CLOSE_SECONDS),
)
_RESERVE_SECONDS = 2.0


class Clock(Protocol):
    """Tells market time."""

    def now_ms(self) -> int:
        """Market time in epoch milliseconds; never goes back."""


@runtime_checkable
class SteerableClock(Clock, Protocol):
    """A running clock that a person or a test may hold and push forward."""

    def pause(self) -> None:
        """Hold market time."""

    def resume(self) -> None:
        """Let it run on from where it was held."""

    def advance(self, seconds: float) -> None:
        """Jump forward by so many seconds of market time."""

    def skip_to_next_day(self) -> None:
        """Jump to the morning of the next trading day."""


class ManualClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Market time in epoch milliseconds."""
        return self._now_ms

    def set(self, now_ms: int) -> None:
        """Move to a moment.

        Raises
        ------
        ValueError
            When it lies in the past: market time never goes back.
        """
        if now_ms < self._now_ms:
            raise ValueError(f"market time cannot go back from {self._now_ms} to {now_ms}")
        self._now_ms = now_ms

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self.set(self._now_ms + round(seconds * 1000))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Part of the cycle: market time runs from start to end in so many wall milliseconds."""

    start_ms: int
    end_ms: int
    wall_ms: float

    @property
    def pace(self) -> float:
        return (self.end_ms - self.start_ms) / self.wall_ms


class SimClock:
    """Market clock of the simulated terminal.

    Parameters
    ----------
    store
        Keeps the time over restarts. What is kept lies ahead of what was shown, so that even after ``kill -9`` no moment comes twice.
    calendar
        Trading days.
    first_session
        Trade date of a terminal that never ran.
    speed
        Multiplies the pace of the whole cycle.
    monotonic
        Wall seconds that never go back.

    Raises
    ------
    ValueError
        For a speed that is not positive.
    """

    def __init__(
        self,
        *,
        store: StateStore,
        calendar: TradingCalendar,
        first_session: dt.date,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"the market's speed must be positive: {speed}")
        self._store, self._calendar, self._speed, self._monotonic = store, calendar, speed, monotonic
        kept = store.meta("clock_ms")
        start = int(kept) if kept is not None else to_ms(first_session, FIRST_START)
        self._exact_ms = float(start)
        self._read_at = monotonic()
        self._stretch = self._stretch_at(start)
        self._reserved_ms = start
        self._is_held = False

    def now_ms(self) -> int:
        """Market time in epoch milliseconds; never goes back."""
        read_at = self._monotonic()
        elapsed_ms = max(read_at - self._read_at, 0.0) * 1000 * self._speed
        self._read_at = read_at
        if self._is_held:
            return int(self._exact_ms)
        self._exact_ms, self._stretch = self._run(self._exact_ms, self._stretch, elapsed_ms)
        now = int(self._exact_ms)
        if now >= self._reserved_ms:
            ahead, _ = self._run(self._exact_ms, self._stretch, _RESERVE_SECONDS * 1000 * self._speed)
            self._reserved_ms = int(ahead) + 1
            self._store.save(meta={"clock_ms": str(self._reserved_ms)})
        return now

    def pause(self) -> None:
        """Hold market time."""
        self.now_ms()
        self._is_held = True

    def resume(self) -> None:
        """Let market time run on from where it was held."""
        self.now_ms()
        self._is_held = False

    def advance(self, seconds: float) -> None:
        """Jump forward by so many seconds of market time.

        Raises
        ------
        ValueError
            For a negative or endless time.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"market time cannot be moved by {seconds} s")
        self._jump(self.now_ms() + round(seconds * 1000))

    def skip_to_next_day(self) -> None:
        """Jump to the morning of the next trading day."""
        now = self.now_ms()
        day = date_of_ms(now)
        started = self._calendar.is_trading_day(day) and now >= to_ms(day, _DAY_START)
        following = self._calendar.next_day(day) if started else self._calendar.on_or_after(day)
        self._jump(to_ms(following, _DAY_START))

    def _jump(self, to_ms_: int) -> None:
        self._exact_ms = float(to_ms_)
        self._stretch = self._stretch_at(to_ms_)
        self._reserved_ms = to_ms_ + 1
        self._store.save(meta={"clock_ms": str(self._reserved_ms)})

    def close(self) -> None:
        """Keep the exact time: an orderly stop skips nothing."""
        self._reserved_ms = int(self._exact_ms) + 1
        self._store.save(meta={"clock_ms": str(self._reserved_ms)})

    def _run(self, at_ms: float, stretch: _Stretch, wall_ms: float) -> tuple[float, _Stretch]:
        """Market time after some wall milliseconds."""
        while True:
            left = (stretch.end_ms - at_ms) / stretch.pace
            if wall_ms < left:
                return at_ms + wall_ms * stretch.pace, stretch
            wall_ms -= left
            at_ms = float(stretch.end_ms)
            stretch = self._stretch_at(stretch.end_ms)

    def _stretch_at(self, at_ms: int) -> _Stretch:
        day = date_of_ms(at_ms)
        if self._calendar.is_trading_day(day) and to_ms(day, _DAY_START) <= at_ms < to_ms(day, _DAY_END):
            for start, end, seconds in _CYCLE:
                if at_ms < to_ms(day, end):
                    start_ms, end_ms = to_ms(day, start), to_ms(day, end)
                    return _Stretch(start_ms, end_ms, seconds * 1000 if seconds else end_ms - start_ms)
        started = self._calendar.is_trading_day(day) and at_ms >= to_ms(day, _DAY_END)
        ended = day if started else self._calendar.previous_day(day)
        next_day = self._calendar.next_day(ended) if ended is not None else self._calendar.on_or_after(day)
        night_start = to_ms(ended, _DAY_END) if ended is not None else at_ms
        return _Stretch(night_start, to_ms(next_day, _DAY_START), NIGHT_SECONDS * 1000)
