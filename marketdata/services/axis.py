"""Which bars ought to exist: calendar × sessions × listing × how far today has got.

Days are day numbers (see `marketdata.quotes.periods`). Shanghai, Shenzhen and Beijing trade on the same days by
regulation, so one calendar, Shanghai's, serves all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Protocol

import numpy as np
import numpy.typing as npt

from marketdata.config import get_marketdata_config
from marketdata.models import TradingDay
from marketdata.quotes.periods import MINUTE_MS, Int64Array, Period, day_date, day_number
from ops.clocks import MarketClock

CALENDAR_MARKET = "SH"
# After 15:30 the after-hours trades are in as well and the terminal's bars of the day are final.
DAY_FINAL = time(15, 30)

BoolMatrix = npt.NDArray[np.bool_]

_NO_LISTING = np.iinfo(np.int64).min
_NO_DELISTING = np.iinfo(np.int64).max


class Listing(Protocol):
    """What the axis needs of an instrument."""

    @property
    def pk(self) -> int: ...
    @property
    def list_date(self) -> date | None: ...
    @property
    def delist_date(self) -> date | None: ...


@dataclass(frozen=True, slots=True)
class Axis:
    """Expected bars of a set of instruments.

    Attributes
    ----------
    days
        Trading days of the range, ascending, shape (D,).
    bars
        Bars a traded instrument has on each day by now, shape (D,): 0 for a day whose bar is not final.
    open_index
        Position of the open day in `days`; -1 when the range has none.
    listed
        Whether an instrument was listed on a day, shape (N, D).
    """

    days: Int64Array
    bars: Int64Array
    open_index: int
    listed: BoolMatrix


def minute_labels(period: Period = Period.MINUTE_1) -> Int64Array:
    """Right-edge labels of a full day's bars of a minute period, in ms after midnight.

    One minute: by the configured convention, 241 with the opening auction's 09:30 or 240 without it. Five minutes: 48,
    09:35 … 15:00; the auction is folded into the first one, whatever the convention of the minutes.
    """
    step = period.value
    morning = np.arange(9 * 60 + 30 + step, 11 * 60 + 31, step, dtype=np.int64)
    afternoon = np.arange(13 * 60 + step, 15 * 60 + 1, step, dtype=np.int64)
    own_auction = period is Period.MINUTE_1 and get_marketdata_config().bars.minute_bars == 241
    auction = np.array([9 * 60 + 30] if own_auction else [], dtype=np.int64)
    labels: Int64Array = np.concatenate([auction, morning, afternoon]) * MINUTE_MS
    return labels


def bars_per_day(period: Period) -> int:
    """Bars of a full trading day."""
    return 1 if period is Period.DAY_1 else len(minute_labels(period))


def last_closed_date(clock: MarketClock) -> date | None:
    """The market clock's trade date when its bars are final, else None: earlier days are, later ones are not."""
    after_close = clock.market_time.date() > clock.trade_date or (
        clock.market_time.date() == clock.trade_date and clock.market_time.time() >= DAY_FINAL
    )
    return clock.trade_date if after_close else None


def first_open_day(clock: MarketClock) -> int:
    """Day number from which on bars are not final."""
    return day_number(clock.trade_date) + (0 if last_closed_date(clock) is None else 1)


def expected_axis(instruments: Sequence[Listing], period: Period, start: date, end: date, clock: MarketClock) -> Axis:
    """Return what the instruments should have between two dates, both included.

    Notes
    -----
    A daily bar is expected once its day is closed. Minutes of the open day are expected up to the market clock, less
    the grace the live feed has. Nothing is expected of a day after the clock's trade date.
    """
    days = calendar_days(day_number(start), day_number(min(end, clock.trade_date)))
    bars = np.full(len(days), bars_per_day(period), dtype=np.int64)
    open_index = -1
    if len(days) and days[-1] == day_number(clock.trade_date) and last_closed_date(clock) is None:
        open_index = len(days) - 1
        bars[open_index] = 0 if period is Period.DAY_1 else len(open_day_labels(clock, period))
    return Axis(days, bars, open_index, _listed(instruments, days))


def open_day_labels(clock: MarketClock, period: Period) -> Int64Array:
    """Labels, in ms after midnight, of the open day's bars that should be there by now."""
    if clock.market_time.date() != clock.trade_date:
        return np.empty(0, dtype=np.int64)
    now = clock.market_time
    of_day = ((now.hour * 60 + now.minute) * 60 + now.second) * 1000
    labels = minute_labels(period)
    due: Int64Array = labels[labels <= of_day - get_marketdata_config().bars.live_grace_seconds * 1000]
    return due


def calendar_days(first: int, last: int) -> Int64Array:
    """Trading days between two day numbers, both included, ascending."""
    dates = (
        TradingDay.objects.filter(market=CALENDAR_MARKET, date__range=(day_date(first), day_date(last)))
        .order_by("date")
        .values_list("date", flat=True)
    )
    return np.array([day_number(day) for day in dates], dtype=np.int64)


def _listed(instruments: Sequence[Listing], days: Int64Array) -> BoolMatrix:
    first = np.array([day_number(i.list_date) if i.list_date else _NO_LISTING for i in instruments], np.int64)
    last = np.array(
        [day_number(i.delist_date) if i.delist_date else _NO_DELISTING for i in instruments],
        np.int64,
    )
    matrix: BoolMatrix = (days >= first[:, None]) & (days <= last[:, None])
    return matrix


def history_start(until: date, days: int) -> date:
    """First of the last so many trading days up to a date, or the oldest known; the date itself when none is."""
    known = TradingDay.objects.filter(market=CALENDAR_MARKET, date__lte=until).order_by("-date")
    found = list(known.values_list("date", flat=True)[:days])
    return found[-1] if found else until
