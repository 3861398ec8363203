"""Longer bars from stored ones: 15m, 30m and 60m from one-minute bars, weeks to years from adjusted daily bars.

Minute bars are folded from the finest stored series, so that whoever has the minutes downloads nothing more, and the
three agree with one another and with the day to the last share. Weeks and longer are folded from daily bars *after*
adjustment: a raw weekly bar over an ex-date mixes two price bases and cannot be adjusted any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketdata.models import Holiday
from marketdata.quotes.periods import (
    Int64Array,
    Period,
    date_ts,
    day_date,
    day_number,
    day_numbers,
    day_start_ts,
    fold_labels,
    ts_date,
)
from marketdata.services.axis import bars_per_day, calendar_days

BoolArray = npt.NDArray[np.bool_]

_MONDAY_SHIFT = 3  # day number 0, 1970-01-01, was a Thursday


class Unit(Enum):
    """What a folded bar spans; the value is its number of trading days, a little high, or 0 for minutes."""

    MINUTES = 0
    WEEK = 5
    MONTH = 23
    QUARTER = 66
    YEAR = 251


@dataclass(frozen=True, slots=True)
class Fold:
    """How a period that is not stored comes from one that is.

    Attributes
    ----------
    code
        Its name in requests.
    stored
        The period that is read.
    minutes
        Length of a bar within the day; 0 for weeks and longer.
    """

    code: str
    stored: Period
    unit: Unit
    minutes: int = 0

    @property
    def size(self) -> int:
        """Stored bars that one folded bar holds at most, about."""
        # The opening auction's minute is one more.
        return self.minutes + 1 if self.unit is Unit.MINUTES else self.unit.value

    @property
    def per_day(self) -> float:
        """Folded bars of a trading day."""
        return 240 / self.minutes if self.unit is Unit.MINUTES else 1 / self.unit.value

    def begins(self, ts: int) -> int:
        """Stamp from which on stored bars are needed so that the first folded bar is whole."""
        if self.unit is Unit.MINUTES:
            return date_ts(ts_date(ts))
        return int(day_start_ts(_first_day(self.unit, day_number(ts_date(ts)))))


FOLDS = {
    fold.code: fold
    for fold in (
        *(Fold(f"{minutes}m", Period.MINUTE_1, Unit.MINUTES, minutes) for minutes in (15, 30, 60)),
        Fold("1w", Period.DAY_1, Unit.WEEK),
        Fold("1mon", Period.DAY_1, Unit.MONTH),
        Fold("1q", Period.DAY_1, Unit.QUARTER),
        Fold("1y", Period.DAY_1, Unit.YEAR),
    )
}


def fold_frame(frame: pd.DataFrame, fold: Fold, until: date) -> pd.DataFrame:
    """Fold stored bars.

    Parameters
    ----------
    frame
        Bars in order of instrument, then time: instrument_id, ts and any bar columns; prices adjusted already.
    until
        Last day that can be in the frame: the range's end or the market's today.

    Returns
    -------
    DataFrame
        The same columns. ``ts`` is the right edge of the minutes, or midnight of the last trading day of the week,
        month, quarter or year that is not after `until`. A day of suspension that was filled in counts only where
        nothing else is in the bar. ``partial`` is true for a bar whose trading days are not over at `until`.
    """
    if frame.empty:
        return frame
    days = day_numbers(frame["ts"].to_numpy())
    if fold.unit is Unit.MINUTES:
        labels = fold_labels(frame["ts"].to_numpy(), fold.minutes)
        unfinished = np.zeros(len(frame), dtype=np.bool_)
    else:
        labels, unfinished = _period_labels(days, fold.unit, until)
    if "partial" in frame.columns:
        frame = frame.assign(partial=frame["partial"].to_numpy(dtype=np.bool_) | unfinished)
    return _grouped(frame, labels)


def _grouped(frame: pd.DataFrame, labels: Int64Array) -> pd.DataFrame:
    if "suspended" in frame.columns and frame["suspended"].any():
        keep = _without_flat_beside_traded(frame, labels)
        frame, labels = frame[keep], labels[keep]
    owners = frame["instrument_id"].to_numpy()
    starts = np.flatnonzero((np.diff(labels, prepend=labels[0] - 1) != 0) | (np.diff(owners, prepend=owners[0]) != 0))
    ends = np.append(starts[1:], len(labels)) - 1
    made: dict[str, object] = {}
    for name in frame.columns:
        values = frame[name].to_numpy()
        match name:
            case "ts":
                made[name] = labels[starts]
            case "high":
                made[name] = np.maximum.reduceat(values, starts)
            case "low":
                made[name] = np.minimum.reduceat(values, starts)
            case "close":
                made[name] = values[ends]
            case "volume":
                made[name] = np.add.reduceat(values, starts)
            case "amount":
                # Two decimals: sums of binary fractions carry noise. Unknown stays unknown.
                made[name] = np.round(np.add.reduceat(values, starts), 2)
            case "partial":
                made[name] = np.logical_or.reduceat(values, starts)
            case "suspended":
                made[name] = np.logical_and.reduceat(values, starts)
            case _:
                made[name] = values[starts]  # open, pre_close, instrument_id: as the first bar has it
    return pd.DataFrame(made)


def _without_flat_beside_traded(frame: pd.DataFrame, labels: Int64Array) -> BoolArray:
    traded = ~frame["suspended"].to_numpy(dtype=np.bool_)
    keys = pd.MultiIndex.from_arrays([frame["instrument_id"].to_numpy(), labels])
    keep: BoolArray = traded | ~keys.isin(keys[traded])
    return keep


def _period_labels(days: Int64Array, unit: Unit, until: date) -> tuple[Int64Array, BoolArray]:
    """Stamp of each day's period, and whether trading days of it are still to come after `until`."""
    limit = day_number(until)
    firsts = _first_day(unit, days)
    calendar = calendar_days(int(firsts.min()), limit)
    # Bars beyond the known calendar (an import) carry their own last day.
    known = np.union1d(calendar, days)
    last = known[np.searchsorted(_first_day(unit, known), firsts, side="right") - 1]
    stamps = day_start_ts(last)
    unfinished: BoolArray = firsts == _first_day(unit, limit)
    if unfinished.any():
        unfinished &= _trading_left(unit, limit)
    return stamps, unfinished


def _trading_left(unit: Unit, day: int) -> bool:
    """Whether the period that holds `day` has weekdays after it that are no published holidays."""
    end = _last_day(unit, day)
    holidays = Holiday.objects.filter(date__gt=day_date(day), date__lte=day_date(end)).values_list("date", flat=True)
    return bool(np.busday_count(day_date(day + 1), day_date(end + 1), holidays=list(holidays)) > 0)


def _first_day(unit: Unit, days: npt.ArrayLike) -> Int64Array:
    """Day number on which the week, month, quarter or year of each day begins."""
    numbers = np.asarray(days, dtype=np.int64)
    if unit is Unit.WEEK:
        week: Int64Array = (numbers + _MONDAY_SHIFT) // 7 * 7 - _MONDAY_SHIFT
        return week
    months = numbers.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    step = _MONTHS[unit]
    first: Int64Array = (months // step * step).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return first


def _last_day(unit: Unit, day: int) -> int:
    first = int(_first_day(unit, day))
    # Any day of the next period tells where this one ends.
    return int(_first_day(unit, first + _LONGEST[unit])) - 1


_MONTHS = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}
_LONGEST = {Unit.WEEK: 7, Unit.MONTH: 31, Unit.QUARTER: 92, Unit.YEAR: 366}


def answer_per_day(period: Period, fold: Fold | None) -> float:
    """Bars of an answer per full trading day."""
    return fold.per_day if fold is not None else float(bars_per_day(period))
