"""Market time of events, and for which trade date an order that they lead to is valid. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Final

from qmt.calendar import date_of_ms, datetime_of_ms, time_of_ms, to_ms

CLOSE: Final = time(15, 0)
LUNCH, AFTERNOON = time(11, 30), time(13, 0)
OPEN: Final = time(9, 30)
DAILY: Final = "1d"
PERIOD_MS: Final = {"1m": 60_000, "5m": 300_000}
TICK_MS: Final = 30_000
"""How long a decision on a tick is worth sending."""

NextDay = Callable[[date], date]


def bar_moment(period: str, ts: int) -> datetime:
    """When a bar with this stamp closed: 15:00 for a day, its right edge for minutes."""
    if period == DAILY:
        return datetime_of_ms(to_ms(date_of_ms(ts), CLOSE))
    return datetime_of_ms(ts)


def order_day(moment: datetime, next_day: NextDay) -> date:
    """The trade date for which an order asked for at this moment is valid."""
    return moment.date() if moment.time() < CLOSE else next_day(moment.date())


def place_until(moment: datetime, period: str, next_day: NextDay) -> int:
    """Until when (market time, epoch ms) an order decided at this moment may be placed.

    A decision after the close holds for the next trade date. One within the day holds for one bar and a minute, counted
    from the reopening when it fell into a pause: what could not be placed by then is old, and is never sent.
    """
    day = order_day(moment, next_day)
    if day != moment.date():
        return to_ms(day, CLOSE)
    at = int(moment.timestamp() * 1000)
    clock = time_of_ms(at)
    if clock < OPEN:
        at = to_ms(day, OPEN)
    elif LUNCH <= clock < AFTERNOON:
        at = to_ms(day, AFTERNOON)
    return at + PERIOD_MS.get(period, PERIOD_MS["5m"]) + PERIOD_MS["1m"]


def within_hours(opens_at: time | None, closes_at: time | None, moment: datetime) -> bool:
    """Whether a run with these daily hours (market time) works at this moment; one without any always does."""
    if opens_at is None or closes_at is None:
        return True
    return opens_at <= moment.time() < closes_at


def tick_place_until(ts: int) -> int:
    """The same for a decision on a tick."""
    return ts + TICK_MS
