"""Day bars of one instrument and everything finer that follows from them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmt.calendar import DAY_MS, midnight_ms
from qmt.terminal.chance import Keys
from qmt.terminal.paths import MINUTE_OFFSETS_MS, MINUTES, DayBars, Ints, minute_cents, minute_paths
from qmt.terminal.types import BAR_DTYPE

_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
_MIDNIGHT_OF_EPOCH_MS = midnight_ms(dt.date(1970, 1, 1))
Bars = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class DaySeries:
    """Consecutive trading days of one instrument. Prices are integers, ``scale`` of them to the yuan."""

    scale: int
    volume_unit: int
    ordinals: Ints
    """Proleptic ordinals of the dates, ascending."""
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    reference: Ints
    """Ex-rights previous close."""
    lots: Ints
    suspended: npt.NDArray[np.bool_]
    step: Ints
    keys: Keys
    closing_auction: npt.NDArray[np.bool_]
    stated_cents: Ints | None = None
    """Amounts of the source; None when they follow from the minute path."""

    def __len__(self) -> int:
        return len(self.ordinals)

    def position(self, day: dt.date) -> int | None:
        """Row of a date; None when it has none."""
        ordinal = day.toordinal()
        at = int(np.searchsorted(self.ordinals, ordinal))
        return at if at < len(self) and int(self.ordinals[at]) == ordinal else None

    def bounds(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        """First and one past the last row of the days whose midnight lies in [start, end]."""
        stamps = midnights(self.ordinals)
        first, last = np.searchsorted(stamps, start_ms), np.searchsorted(stamps, end_ms, side="right")
        return int(first), max(int(first), int(last))

    def part(self, start: int, stop: int) -> DaySeries:
        """Rows ``start`` to ``stop``."""
        return self.rows(slice(start, stop))

    def rows(self, which: slice | Ints) -> DaySeries:
        """Chosen rows."""
        stated = self.stated_cents[which] if self.stated_cents is not None else None
        return DaySeries(
            self.scale,
            self.volume_unit,
            self.ordinals[which],
            self.open[which],
            self.high[which],
            self.low[which],
            self.close[which],
            self.reference[which],
            self.lots[which],
            self.suspended[which],
            self.step[which],
            self.keys[which],
            self.closing_auction[which],
            stated,
        )

    def joined(self, later: DaySeries) -> DaySeries:
        """This series and the days after it, of the same source."""
        return DaySeries(
            self.scale,
            self.volume_unit,
            np.concatenate([self.ordinals, later.ordinals]),
            np.concatenate([self.open, later.open]),
            np.concatenate([self.high, later.high]),
            np.concatenate([self.low, later.low]),
            np.concatenate([self.close, later.close]),
            np.concatenate([self.reference, later.reference]),
            np.concatenate([self.lots, later.lots]),
            np.concatenate([self.suspended, later.suspended]),
            np.concatenate([self.step, later.step]),
            np.concatenate([self.keys, later.keys]),
            np.concatenate([self.closing_auction, later.closing_auction]),
        )

    def day_bars(self) -> DayBars:
        """As input of the path interpolation."""
        return DayBars(
            self.open, self.high, self.low, self.close, self.lots, self.step, self.keys, self.closing_auction
        )


def midnights(ordinals: Ints) -> Ints:
    """Epoch milliseconds of Shanghai midnight per date."""
    return (ordinals - _EPOCH_ORDINAL) * DAY_MS + _MIDNIGHT_OF_EPOCH_MS


def midnight_of(stamps: Ints) -> Ints:
    """Shanghai midnight before each instant, all in epoch milliseconds."""
    return (stamps - _MIDNIGHT_OF_EPOCH_MS) // DAY_MS * DAY_MS + _MIDNIGHT_OF_EPOCH_MS


def ordinals_of(stamps: Ints) -> Ints:
    """Proleptic ordinals of the Shanghai dates of instants in epoch milliseconds."""
    return (stamps - _MIDNIGHT_OF_EPOCH_MS) // DAY_MS + _EPOCH_ORDINAL


def _amounts(series: DaySeries, weight: Ints) -> Ints:
    unit = np.full(len(series), series.volume_unit, np.int64)
    return minute_cents(weight, unit, series.scale, series.stated_cents)


def day_cents(series: DaySeries) -> Ints:
    """Amount per day in cents: the source's, or the sum of the minutes'."""
    if series.stated_cents is not None:
        return series.stated_cents
    total: Ints = _amounts(series, minute_paths(series.day_bars()).weight).sum(axis=1)
    return total


def daily_bars(series: DaySeries, cents: Ints, start: int, stop: int) -> Bars:
    """Daily bars (``BAR_DTYPE``) of the rows ``start`` to ``stop``.

    A suspended day has a flat bar without volume and ``suspendFlag`` 1, the first day after a suspension −1. ``cents`` are the amounts
    of the whole series (:func:`day_cents`).
    """
    rows = slice(start, stop)
    result = np.zeros(max(stop - start, 0), BAR_DTYPE)
    result["time"] = midnights(series.ordinals[rows])
    for name, values in zip(
        ("open", "high", "low", "close", "preClose"),
        (series.open, series.high, series.low, series.close, series.reference),
        strict=True,
    ):
        result[name] = values[rows] / series.scale
    result["volume"] = series.lots[rows]
    result["amount"] = cents[rows] / 100
    before = np.concatenate([[False], series.suspended[:-1]])
    flags = np.where(series.suspended, 1, np.where(before, -1, 0))
    result["suspendFlag"] = flags[rows]
    return result


def minute_bars(series: DaySeries) -> Bars:
    """One-minute bars, 241 for each day with trades; a suspended day has none."""
    alive = series.rows(np.flatnonzero(~series.suspended))
    count = len(alive)
    result = np.zeros((count, MINUTES), BAR_DTYPE)
    if not count:
        return result.reshape(-1)
    paths = minute_paths(alive.day_bars())
    result["time"] = midnights(alive.ordinals)[:, None] + MINUTE_OFFSETS_MS
    for name, values in zip(
        ("open", "high", "low", "close"), (paths.open, paths.high, paths.low, paths.close), strict=True
    ):
        result[name] = values / alive.scale
    result["preClose"][:, 0] = alive.reference / alive.scale
    result["preClose"][:, 1:] = paths.close[:, :-1] / alive.scale
    result["volume"] = paths.lots
    result["amount"] = _amounts(alive, paths.weight) / 100
    return result.reshape(-1)


def five_minute_bars(minutes: Bars) -> Bars:
    """Fold one-minute bars: labels 09:35 … 15:00, the opening auction belongs to the first, 48 a full day."""
    if not len(minutes):
        return minutes
    midnight = midnight_of(minutes["time"])
    of_day = minutes["time"] - midnight
    step = 5 * 60_000
    label = np.maximum(-(-of_day // step) * step, MINUTE_OFFSETS_MS[0] + step) + midnight
    starts = np.flatnonzero(np.diff(label, prepend=label[0] - 1))
    ends = np.append(starts[1:], len(label)) - 1
    result = np.zeros(len(starts), BAR_DTYPE)
    result["time"] = label[starts]
    result["open"], result["close"] = minutes["open"][starts], minutes["close"][ends]
    result["high"] = np.maximum.reduceat(minutes["high"], starts)
    result["low"] = np.minimum.reduceat(minutes["low"], starts)
    result["volume"] = np.add.reduceat(minutes["volume"], starts)
    result["amount"] = np.round(np.add.reduceat(minutes["amount"], starts), 2)
    result["preClose"] = minutes["preClose"][starts]
    return result
