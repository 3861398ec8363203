"""Stored periods, session labels, Shanghai days and the buckets that segments are cut into.

Timestamps are epoch milliseconds. A *day number* counts days since 1970-01-01 on the Shanghai
calendar, so that dates of whole columns are integer arithmetic.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Int64Array = npt.NDArray[np.int64]

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000

_EPOCH = date(1970, 1, 1)
_MORNING_MS = 9 * HOUR_MS + 30 * MINUTE_MS
_MORNING_END_MS = 11 * HOUR_MS + 30 * MINUTE_MS
_AFTERNOON_MS = 13 * HOUR_MS
_OFFSET_MS = 8 * HOUR_MS
# China's last summer time (tzdata, Asia/Shanghai): 1991-04-14 02:00 to 1991-09-15 02:00. The exchanges
# opened in December 1990, so this one stretch of UTC+9 is part of the history; the earlier ones are not.
_SUMMER_START_MS = 671_565_600_000
_SUMMER_END_MS = 684_867_600_000


class Period(IntEnum):
    """The stored periods; the value is what the database holds (minutes, 0 for ticks)."""

    TICK = 0
    MINUTE_1 = 1
    MINUTE_5 = 5
    DAY_1 = 1440

    @property
    def code(self) -> str:
        """The period's name in requests and in the SDK: ``tick``, ``1m``, ``5m``, ``1d``."""
        return _CODES[self]

    @classmethod
    def parse(cls, code: str) -> Period:
        """Return the period named ``code``.

        Raises
        ------
        ValueError
            Not a stored period.
        """
        try:
            return _PERIODS[code]
        except KeyError:
            raise ValueError(f"{code!r} is not a stored period") from None


_CODES = {
    Period.TICK: "tick",
    Period.MINUTE_1: "1m",
    Period.MINUTE_5: "5m",
    Period.DAY_1: "1d",
}
_PERIODS = {code: period for period, code in _CODES.items()}


def day_numbers(ts: npt.ArrayLike) -> Int64Array:
    """Shanghai day number of each timestamp."""
    stamps = np.asarray(ts, dtype=np.int64)
    shifted: Int64Array = stamps + _OFFSET_MS
    # Nearly all data lies after 1991: one comparison spares the others.
    if stamps.size and stamps.min() < _SUMMER_END_MS:
        summer = (stamps >= _SUMMER_START_MS) & (stamps < _SUMMER_END_MS)
        shifted += summer * HOUR_MS
    days: Int64Array = np.floor_divide(shifted, DAY_MS)
    return days


def day_start_ts(days: npt.ArrayLike) -> Int64Array:
    """Timestamp of Shanghai midnight of each day number: the stamp of a daily bar."""
    numbers = np.asarray(days, dtype=np.int64)
    stamps: Int64Array = numbers * DAY_MS - _OFFSET_MS
    summer = (stamps >= _SUMMER_START_MS) & (stamps < _SUMMER_END_MS)
    stamps -= summer * HOUR_MS
    return stamps


def day_number(day: date) -> int:
    """Day number of a date."""
    return (day - _EPOCH).days


def day_date(number: int) -> date:
    """Date of a day number."""
    return _EPOCH + timedelta(days=int(number))


def date_ts(day: date) -> int:
    """Timestamp of Shanghai midnight of a date."""
    return int(day_start_ts(day_number(day)))


def ts_date(ts: int) -> date:
    """Shanghai date of one timestamp."""
    return day_date(int(day_numbers(ts)))


def time_of_day_ms(ts: npt.ArrayLike) -> Int64Array:
    """Milliseconds since Shanghai midnight of each timestamp."""
    stamps = np.asarray(ts, dtype=np.int64)
    result: Int64Array = stamps - day_start_ts(day_numbers(stamps))
    return result


def fold_labels(ts: npt.ArrayLike, minutes: int) -> Int64Array:
    """Label of the bar of so many minutes that each minute belongs to.

    Labels are right edges counted from the start of each session half, 09:30 and 13:00, so that no bar spans lunch: of 60
    minutes 10:30, 11:30, 14:00, 15:00. The opening auction's 09:30 belongs to the first bar (vendors' convention, see
    docs/market-data.md).

    Parameters
    ----------
    ts
        Stamps of minute bars (right edges) within the sessions.
    minutes
        5, 15, 30 or 60: a divisor of the 120 minutes of each half.
    """
    stamps = np.asarray(ts, dtype=np.int64)
    of_day = time_of_day_ms(stamps)
    step = minutes * MINUTE_MS
    begin = np.where(of_day <= _MORNING_END_MS, _MORNING_MS, _AFTERNOON_MS)
    place = np.maximum(-(-(of_day - begin) // step), 1)
    labels: Int64Array = stamps - of_day + begin + place * step
    return labels


def buckets(period: Period, ts: npt.ArrayLike) -> Int64Array:
    """Segment bucket of each timestamp.

    Returns
    -------
    ndarray of int64
        ``YYYY`` for daily bars, ``YYYYMM`` for minute bars, ``YYYYMMDD`` for ticks.
    """
    days = day_numbers(ts).astype("datetime64[D]")
    years: Int64Array = days.astype("datetime64[Y]").astype(np.int64) + 1970
    if period is Period.DAY_1:
        return years
    month_starts = days.astype("datetime64[M]")
    months = month_starts.astype(np.int64) % 12 + 1
    if period is not Period.TICK:
        by_month: Int64Array = years * 100 + months
        return by_month
    day_of_month = (days - month_starts.astype("datetime64[D]")).astype(np.int64) + 1
    result: Int64Array = (years * 100 + months) * 100 + day_of_month
    return result


def bucket(period: Period, ts: int) -> int:
    """Segment bucket of one timestamp."""
    return int(buckets(period, ts))


def bucket_first_day(period: Period, bucket: npt.ArrayLike) -> Int64Array:
    """Day number on which each bucket begins."""
    value = np.asarray(bucket, dtype=np.int64)
    # Widen every bucket to YYYYMMDD.
    if period is Period.DAY_1:
        value = value * 10_000 + 101
    elif period is not Period.TICK:
        value = value * 100 + 1
    years, months, day_of_month = value // 10_000, value // 100 % 100, value % 100
    month_index: Any = (years - 1970) * 12 + (months - 1)
    starts = month_index.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    result: Int64Array = starts + day_of_month - 1
    return result


def bucket_days(period: Period) -> int:
    """Most days one bucket can hold: the width of its per-day counts."""
    return {Period.TICK: 1, Period.DAY_1: 366}.get(period, 31)
