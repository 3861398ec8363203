"""Sessions, phases and trading days of the mainland exchanges.

Everything here is pure: callers pass the moment in. All moments are Shanghai time. The day's timetable is one for
all boards; what differs per instrument (who has a closing auction, for instance) is a dated rule in ``qmt.rules``.
"""

from __future__ import annotations

import bisect
import datetime as dt
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_MS = 86_400_000
# Shanghai has been UTC+8 without summer time since 1991-09-15, so stamps of bars need no zone database.
_OFFSET_MS = 8 * 3_600_000
_EPOCH = dt.date(1970, 1, 1).toordinal()


class Phase(StrEnum):
    """Part of the trading day."""

    CLOSED = "CLOSED"
    OPEN_AUCTION = "OPEN_AUCTION"
    OPEN_AUCTION_NO_CANCEL = "OPEN_AUCTION_NO_CANCEL"
    PRE_OPEN = "PRE_OPEN"
    CONTINUOUS = "CONTINUOUS"
    LUNCH = "LUNCH"
    CLOSE_AUCTION = "CLOSE_AUCTION"
    AFTER_HOURS = "AFTER_HOURS"


# (first moment, phase), the phase holds until the next row. SSE 交易规则 (2023) 3.1.4 and 3.3; SZSE 3.1.4.
TIMETABLE: tuple[tuple[dt.time, Phase], ...] = (
    (dt.time(0, 0), Phase.CLOSED),
    (dt.time(9, 15), Phase.OPEN_AUCTION),
    (dt.time(9, 20), Phase.OPEN_AUCTION_NO_CANCEL),
    (dt.time(9, 25), Phase.PRE_OPEN),
    (dt.time(9, 30), Phase.CONTINUOUS),
    (dt.time(11, 30), Phase.LUNCH),
    (dt.time(13, 0), Phase.CONTINUOUS),
    (dt.time(14, 57), Phase.CLOSE_AUCTION),
    (dt.time(15, 0), Phase.AFTER_HOURS),
    (dt.time(15, 30), Phase.CLOSED),
)
_STARTS = [row[0] for row in TIMETABLE]

_ACCEPTS_ORDERS = frozenset({Phase.OPEN_AUCTION, Phase.OPEN_AUCTION_NO_CANCEL, Phase.CONTINUOUS, Phase.CLOSE_AUCTION})
_ACCEPTS_CANCELS = frozenset({Phase.OPEN_AUCTION, Phase.CONTINUOUS})


def phase_at(time: dt.time) -> Phase:
    """Phase of a trading day at a Shanghai time of day."""
    return TIMETABLE[bisect.bisect_right(_STARTS, time.replace(tzinfo=None)) - 1][1]


def accepts_orders(phase: Phase) -> bool:
    """Whether the exchange takes new orders in this phase."""
    return phase in _ACCEPTS_ORDERS


def accepts_cancels(phase: Phase) -> bool:
    """Whether the exchange carries out cancels in this phase."""
    return phase in _ACCEPTS_CANCELS


def midnight_ms(day: dt.date) -> int:
    """Epoch milliseconds of Shanghai midnight, the stamp of a daily bar."""
    return (day.toordinal() - _EPOCH) * DAY_MS - _OFFSET_MS


def to_ms(day: dt.date, time: dt.time) -> int:
    """Epoch milliseconds of a Shanghai date and time of day."""
    of_day = ((time.hour * 60 + time.minute) * 60 + time.second) * 1000 + time.microsecond // 1000
    return midnight_ms(day) + of_day


def date_of_ms(ms: int) -> dt.date:
    """Shanghai date of a stamp."""
    return dt.date.fromordinal((ms + _OFFSET_MS) // DAY_MS + _EPOCH)


def time_of_ms(ms: int) -> dt.time:
    """Shanghai time of day of a stamp."""
    of_day = (ms + _OFFSET_MS) % DAY_MS
    seconds, milli = divmod(of_day, 1000)
    return dt.time(seconds // 3600, seconds // 60 % 60, seconds % 60, milli * 1000)


def datetime_of_ms(ms: int) -> dt.datetime:
    """Aware Shanghai datetime of a stamp."""
    return dt.datetime.fromtimestamp(ms / 1000, SHANGHAI)


class TradingCalendar:
    """Ordered trading days of one market with a rule for days nobody has published yet.

    Parameters
    ----------
    days
        The published trading days, any order.
    last_published
        Up to and including this date ``days`` is the whole truth. Later days follow :func:`probable_trading_day`.

    Notes
    -----
    The next year's holidays are announced by the State Council each November or December. Until then any calendar can
    only guess; the guess is marked by :attr:`last_published`, and is used by the simulated market, never by a live host.
    """

    def __init__(self, days: Iterable[dt.date], last_published: dt.date) -> None:
        self._days = sorted(set(days))
        self._set = frozenset(self._days)
        self.last_published = last_published

    @property
    def first(self) -> dt.date:
        """First day the calendar knows."""
        return self._days[0]

    def is_trading_day(self, day: dt.date) -> bool:
        """Whether the market trades on that date."""
        if day > self.last_published:
            return probable_trading_day(day)
        return day in self._set

    def next_day(self, day: dt.date) -> dt.date:
        """First trading day after ``day``."""
        following = day + dt.timedelta(days=1)
        while not self.is_trading_day(following):
            following += dt.timedelta(days=1)
        return following

    def on_or_after(self, day: dt.date) -> dt.date:
        """``day`` itself when it trades, else the next trading day."""
        return day if self.is_trading_day(day) else self.next_day(day)

    def previous_day(self, day: dt.date) -> dt.date | None:
        """Last trading day before ``day``; None before the calendar's first."""
        if day > self.last_published:
            before = day - dt.timedelta(days=1)
            while before > self.last_published:
                if probable_trading_day(before):
                    return before
                before -= dt.timedelta(days=1)
            day = self.last_published + dt.timedelta(days=1)
        index = bisect.bisect_left(self._days, day)
        return self._days[index - 1] if index else None

    def between(self, start: dt.date, end: dt.date) -> list[dt.date]:
        """Trading days from ``start`` to ``end``, both included."""
        known = self._days[bisect.bisect_left(self._days, start) : bisect.bisect_right(self._days, end)]
        known = [day for day in known if day <= self.last_published]
        day = max(start, self.last_published + dt.timedelta(days=1))
        while day <= end:
            if probable_trading_day(day):
                known.append(day)
            day += dt.timedelta(days=1)
        return known

    def holidays(self, start: dt.date, end: dt.date) -> list[dt.date]:
        """Weekdays on which the market is closed, from ``start`` to ``end``."""
        span = (end - start).days + 1
        days = (start + dt.timedelta(days=offset) for offset in range(max(span, 0)))
        return [day for day in days if day.weekday() < 5 and not self.is_trading_day(day)]

    def extended_with(self, days: Sequence[dt.date]) -> TradingCalendar:
        """The same rule for the future, but ``days`` are the truth up to the last of them."""
        if not days:
            return self
        last = max(days)
        later = [day for day in self._days if day > last]
        return TradingCalendar([*days, *later], max(last, self.last_published))


def probable_trading_day(day: dt.date) -> bool:
    """Rule for unpublished years: weekdays, without the holidays that have a fixed date every year.

    New Year's day, Labour day (1–3 May) and the National day week (1–7 October). The lunar holidays are left out.
    """
    if day.weekday() >= 5:
        return False
    if (day.month, day.day) == (1, 1):
        return False
    if day.month == 5 and day.day <= 3:
        return False
    return not (day.month == 10 and day.day <= 7)


def load_sse_calendar(cache_path: Path | None = None) -> TradingCalendar:
    """The Shanghai calendar from ``exchange_calendars`` (XSHG).

    Importing that package and building its calendar costs about half a second, so the days may be kept in a small file.
    The file is written anew when the installed package's version differs from the one that wrote it.
    """
    from importlib.metadata import version

    source = f"exchange_calendars {version('exchange_calendars')}"
    if cache_path is not None and (cached := _read_cache(cache_path, source)) is not None:
        return cached
    import exchange_calendars

    sessions = exchange_calendars.get_calendar("XSHG").sessions
    days = [stamp.date() for stamp in sessions]
    calendar = TradingCalendar(days, dt.date(days[-1].year, 12, 31))
    if cache_path is not None:
        _write_cache(cache_path, source, days, calendar.last_published)
    return calendar


def _read_cache(path: Path, source: str) -> TradingCalendar | None:
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["source"] != source:
            return None
        days = [dt.date.fromisoformat(text) for text in data["days"]]
        return TradingCalendar(days, dt.date.fromisoformat(data["last_published"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent, cut short or from an older layout: built again below


def _write_cache(path: Path, source: str, days: Sequence[dt.date], last: dt.date) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    content = {"source": source, "last_published": last.isoformat(), "days": [day.isoformat() for day in days]}
    temporary.write_text(json.dumps(content), "utf-8")
    temporary.replace(path)
