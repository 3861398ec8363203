"""When a scheduled job runs next, by the market clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from desk.settings.marketdata_schema import ScheduleConfig
from marketdata.quotes.periods import day_date, day_number
from marketdata.services.axis import calendar_days
from ops.clocks import SHANGHAI

#: Longest closure between two runs that is looked across: the spring festival takes two weeks.
HORIZON = timedelta(days=35)
_LAST_WEEKDAY = 4


def next_run(config: ScheduleConfig, after: datetime) -> datetime:
    """The first run after a moment of market time; aware, Asia/Shanghai.

    Weekly runs fall on the configured weekday, or on the first trading day after it.
    """
    at = time.fromisoformat(config.at)
    begin = after.astimezone(SHANGHAI).date()
    days = _trading_days(begin - timedelta(days=7), begin + HORIZON)
    if config.every == "week":
        monday = begin - timedelta(days=begin.weekday() + 7)
        wanted = (monday + timedelta(days=7 * week + config.weekday - 1) for week in range(6))
        days = sorted({day for target in wanted if (day := _on_or_after(days, target)) is not None})
    return next(moment for day in days if (moment := datetime.combine(day, at, SHANGHAI)) > after)


def runs_between(config: ScheduleConfig, first: datetime, until: datetime, *, limit: int = 1000) -> int:
    """How many runs lie in [first, until], `first` being one of them; counted up to `limit`."""
    count, at = 0, first
    while at <= until and count < limit:
        count += 1
        at = next_run(config, at)
    return count


def _trading_days(start: date, end: date) -> list[date]:
    """Trading days between two dates. Beyond what the terminal has told, every weekday counts as one."""
    known = [day_date(number) for number in calendar_days(day_number(start), day_number(end)).tolist()]
    told_until = known[-1] if known else start - timedelta(days=1)
    guessed = (told_until + timedelta(days=step) for step in range(1, (end - told_until).days + 1))
    return [*known, *(day for day in guessed if day.weekday() <= _LAST_WEEKDAY)]


def _on_or_after(days: list[date], target: date) -> date | None:
    return next((day for day in days if day >= target), None)
