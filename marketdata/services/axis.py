"""Which bars ought to exist: calendar × sessions × listing × how far today has got.

Days are day numbers (see `marketdata.quotes.periods`). Shanghai, Shenzhen and Beijing trade on the same days by
regulation, so one calendar, Shanghai's, serves all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

import numpy as np
import numpy.typing as npt

from marketdata.config import get_marketdata_config
from marketdata.models import Instrument, TradingDay
from marketdata.quotes.periods import MINUTE_MS, Int64Array, Period, day_date, day_number
from ops.clocks import MarketClock

CALENDAR_MARKET = "SH"
# After 15:30 the after-hours trades are in as well and the terminal's bars of the day are final.
DAY_FINAL = time(15, 30)

BoolMatrix = npt.NDArray[np.bool_]

_NO_LISTING = np.iinfo(np.int64).min
_NO_DELISTING = np.iinfo(np.int64).max


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


def minute_labels() -> Int64Array:
    """Right-edge labels of a full day's minutes, in ms after midnight, by the configured convention."""
    morning = np.arange(9 * 60 + 31, 11 * 60 + 31, dtype=np.int64)
    afternoon = np.arange(13 * 60 + 1, 15 * 60 + 1, dtype=np.int64)
    auction = [9 * 60 + 30] if get_marketdata_config().minute_bars == 241 else []
    minutes = np.concatenate([np.array(auction, dtype=np.int64), morning, afternoon])
    labels: Int64Array = minutes * MINUTE_MS
    return labels


def last_closed_date(clock: MarketClock) -> date | None:
    """The market clock's trade date when its bars are final, else None: earlier days are, later ones are not."""
    after_close = clock.market_time.date() > clock.trade_date or (
        clock.market_time.date() == clock.trade_date and clock.market_time.time() >= DAY_FINAL
    )
    return clock.trade_date if after_close else None


def first_open_day(clock: MarketClock) -> int:
    """Day number from which on bars are not final."""
    return day_number(clock.trade_date) + (0 if last_closed_date(clock) is None else 1)


def expected_axis(
    instruments: Sequence[Instrument], period: Period, start: date, end: date, clock: MarketClock
) -> Axis:
    """Return what the instruments should have between two dates, both included.

    Notes
    -----
    A daily bar is expected once its day is closed. Minutes of the open day are expected up to the market clock, less
    the grace the live feed has. Nothing is expected of a day after the clock's trade date.
    """
    days = calendar_days(day_number(start), day_number(min(end, clock.trade_date)))
    full = 1 if period is Period.DAY_1 else get_marketdata_config().minute_bars
    bars = np.full(len(days), full, dtype=np.int64)
    open_index = -1
    if len(days) and days[-1] == day_number(clock.trade_date) and last_closed_date(clock) is None:
        open_index = len(days) - 1
        bars[open_index] = 0 if period is Period.DAY_1 else _minutes_so_far(clock)
    return Axis(days, bars, open_index, _listed(instruments, days))


def open_day_labels(clock: MarketClock) -> Int64Array:
    """Labels, in ms after midnight, of the open day's minutes that should be there by now."""
    if clock.market_time.date() != clock.trade_date:
        return np.empty(0, dtype=np.int64)
    now = clock.market_time
    of_day = ((now.hour * 60 + now.minute) * 60 + now.second) * 1000
    labels = minute_labels()
    due: Int64Array = labels[labels <= of_day - get_marketdata_config().live_grace_seconds * 1000]
    return due


def _minutes_so_far(clock: MarketClock) -> int:
    return len(open_day_labels(clock))


def calendar_days(first: int, last: int) -> Int64Array:
    """Trading days between two day numbers, both included, ascending."""
    dates = (
        TradingDay.objects.filter(market=CALENDAR_MARKET, date__range=(day_date(first), day_date(last)))
        .order_by("date")
        .values_list("date", flat=True)
    )
    return np.array([day_number(day) for day in dates], dtype=np.int64)


def _listed(instruments: Sequence[Instrument], days: Int64Array) -> BoolMatrix:
    first = np.array([day_number(i.list_date) if i.list_date else _NO_LISTING for i in instruments], np.int64)
    last = np.array(
        [day_number(i.delist_date) if i.delist_date else _NO_DELISTING for i in instruments],
        np.int64,
    )
    matrix: BoolMatrix = (days >= first[:, None]) & (days <= last[:, None])
    return matrix
