"""Minute and tick paths inside a day's bar.

Both are interpolations that agree with the bar exactly: the first price is the open, the last the close, high and low are
reached and never passed, and volume and amount add up to the lot and the cent. Prices are integers in a unit of the caller's
choice (thousandths of a yuan for raw prices), multiples of ``step``; volume is counted in lots, amount in cents.

A day has 241 minutes, labelled by their right edge: 09:30 is the opening auction, then 09:31 … 11:30 and 13:01 … 15:00. A
minute of continuous trading has 20 snapshots, three seconds apart, so a day has 4801 trade slots: the auction and 240 × 20.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmt.terminal.chance import Floats, Keys, uniforms

Ints = npt.NDArray[np.int64]

MINUTES = 241
SLOTS_PER_MINUTE = 20
SLOT_SECONDS = 3
SLOTS = 1 + 240 * SLOTS_PER_MINUTE
LAST = MINUTES - 1
_TURNS = range(15, 221)
"""Minutes that may hold the day's high or low: neither in the rush of the open nor just before the close."""
_HOUR = 60
AUCTION_QUIET = slice(238, 240)
"""14:58 and 14:59: no trades while the closing auction collects orders."""


def _minute_offsets() -> Ints:
    morning = 9 * 60 + 30 + np.arange(121)
    afternoon = 13 * 60 + 1 + np.arange(120)
    return np.concatenate([morning, afternoon]).astype(np.int64) * 60_000


def _slot_offsets() -> Ints:
    steps = np.arange(1, 120 * SLOTS_PER_MINUTE + 1, dtype=np.int64) * (SLOT_SECONDS * 1000)
    opening = np.array([(9 * 60 + 25) * 60_000], dtype=np.int64)
    return np.concatenate([opening, (9 * 60 + 30) * 60_000 + steps, 13 * 60 * 60_000 + steps])


MINUTE_OFFSETS_MS = _minute_offsets()
"""Label of each minute, milliseconds after midnight."""
SLOT_OFFSETS_MS = _slot_offsets()
"""Time of each trade slot, milliseconds after midnight; slot 0 is the opening auction's match at 09:25."""


def slot_times(day_midnight_ms: int) -> Ints:
    """Epoch milliseconds of a day's trade slots."""
    return SLOT_OFFSETS_MS + day_midnight_ms


@dataclass(frozen=True, slots=True)
class DayBars:
    """D day bars of one instrument, or one day of D instruments; every array has length D."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    lots: Ints
    step: Ints
    keys: Keys
    closing_auction: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.open)

    def part(self, start: int, stop: int) -> DayBars:
        """Rows ``start`` to ``stop``."""
        window = slice(start, stop)
        return DayBars(
            self.open[window],
            self.high[window],
            self.low[window],
            self.close[window],
            self.lots[window],
            self.step[window],
            self.keys[window],
            self.closing_auction[window],
        )


@dataclass(frozen=True, slots=True)
class MinutePaths:
    """Minutes of D days; every array has shape (D, 241). ``weight`` = typical price × lots, the raw amount."""

    open: Ints
    high: Ints
    low: Ints
    close: Ints
    lots: Ints
    weight: Ints


@dataclass(frozen=True, slots=True)
class SlotPaths:
    """Trade slots of D days; shape (D, 4801). ``lots`` per slot, not cumulative."""

    last: Ints
    lots: Ints


def _intraday_shape() -> Floats:
    """Usual share of the volume per minute: busy after the open, quiet around lunch, rising to the close."""
    x = np.linspace(0.0, 1.0, 240)
    shape = np.empty(MINUTES)
    shape[1:] = 0.55 + 1.9 * np.exp(-x * 9.0) + 0.55 * x**6 + 0.25 * np.exp(-(((x - 0.5) * 14.0) ** 2))
    shape[0] = 3.5  # the opening auction
    return shape


_SHAPE = _intraday_shape()


def minute_paths(days: DayBars) -> MinutePaths:
    """Interpolate minutes into day bars; deterministic in each day's key."""
    noise = uniforms(days.keys, MINUTES, 1)
    high_at, low_at = _extreme_positions(days)
    lots = _minute_lots(days, noise, high_at, low_at)
    close = _closes(days, high_at, low_at)
    rows = np.arange(len(days))
    traded = lots > 0
    # A minute without trades keeps the price; anchors always count as prices even on a day of fewer lots than anchors.
    anchored = traded.copy()
    for position in (np.zeros(len(days), np.int64), high_at, low_at, np.full(len(days), LAST)):
        anchored[rows, position] = True
    close = np.take_along_axis(close, _forward(anchored), axis=1)

    before = np.concatenate([days.open[:, None], close[:, :-1]], axis=1)
    step = days.step[:, None]
    jump = np.floor(uniforms(days.keys, MINUTES, 2) * 3.0).astype(np.int64) - 1
    open_ = np.clip(before + jump * step, days.low[:, None], days.high[:, None])
    open_ = np.where(lots >= 2, open_, close)  # one lot has one price
    wick = _wicks(days, close)
    up, down = uniforms(days.keys, MINUTES, 3), uniforms(days.keys, MINUTES, 4)
    wide = lots >= 4  # open, high, low and close need a trade each
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    high = np.where(wide, np.minimum(top + (up * wick).astype(np.int64) * step, days.high[:, None]), top)
    low = np.where(wide, np.maximum(bottom - (down * wick).astype(np.int64) * step, days.low[:, None]), bottom)
    # The opening auction has one price; so has the closing auction, and nothing trades while it collects orders.
    single = np.zeros_like(traded)
    single[:, 0] = True
    single[:, LAST] = days.closing_auction
    single |= ~traded
    for array in (open_, high, low):
        np.copyto(array, close, where=single)
    weight = (open_ + high + low + close) // 4 * lots
    return MinutePaths(open_, high, low, close, lots, weight)


def minute_cents(weight: Ints, unit: Ints, scale: int, stated: Ints | None) -> Ints:
    """Amount per minute in cents, shape (D, 241).

    Parameters
    ----------
    weight
        Typical price × lots of :class:`MinutePaths`.
    unit
        Shares per lot, one per day or one for all.
    scale
        Price units to the yuan.
    stated
        The days' amounts, when the source states them: spread in proportion, adding up to the cent. Otherwise a minute's amount is its
        typical price × its shares, rounded half-up.
    """
    if stated is None:
        per_cent = scale // 100
        exact: Ints = (2 * weight * unit[:, None] + per_cent) // (2 * per_cent)
        return exact
    running = np.cumsum(weight.astype(np.float64), axis=1)
    share = np.floor(running / np.maximum(running[:, -1:], 1.0) * stated[:, None]).astype(np.int64)
    share[:, -1] = stated
    parts: Ints = np.diff(share, axis=1, prepend=0)
    return parts


def _extreme_positions(days: DayBars) -> tuple[Ints, Ints]:
    """Minute whose close is the day's high, and the one whose close is its low: an hour apart, or the path would fall off a cliff."""
    chance = uniforms(days.keys, 2, 5)
    first = (chance[:, 0] * len(_TURNS)).astype(np.int64)
    span = len(_TURNS) - 2 * _HOUR
    second = (first + _HOUR + (chance[:, 1] * span).astype(np.int64)) % len(_TURNS)
    high_at, low_at = first + _TURNS.start, second + _TURNS.start
    starts_high, ends_high = days.high == days.open, days.high == days.close
    starts_low, ends_low = days.low == days.open, days.low == days.close
    high_at = np.where(
        starts_low, np.maximum(high_at, _HOUR), np.where(ends_low, np.minimum(high_at, LAST - _HOUR), high_at)
    )
    low_at = np.where(
        starts_high, np.maximum(low_at, _HOUR), np.where(ends_high, np.minimum(low_at, LAST - _HOUR), low_at)
    )
    high_at = np.where(starts_high, 0, np.where(ends_high, LAST, high_at))
    low_at = np.where(starts_low, 0, np.where(ends_low, LAST, low_at))
    return high_at, low_at


def _minute_lots(days: DayBars, noise: Floats, high_at: Ints, low_at: Ints) -> Ints:
    weights = _SHAPE * (0.15 + 2.2 * noise**2)
    weights[:, AUCTION_QUIET] *= ~days.closing_auction[:, None]
    weights[:, LAST] *= np.where(days.closing_auction, 6.0, 1.0)
    reserved = np.zeros((len(days), MINUTES), np.int64)
    rows = np.arange(len(days))
    for position in (np.zeros(len(days), np.int64), np.full(len(days), LAST), high_at, low_at):
        reserved[rows, position] = np.where(days.lots >= 4, 1, 0)
    reserved[:, 0] = np.where((days.lots < 4) & (days.lots > 0), 1, reserved[:, 0])
    return reserved + _spread(days.lots - reserved.sum(axis=1), weights)


def _spread(total: Ints, weights: Floats) -> Ints:
    """Split whole numbers by weights along the last axis; the parts add up exactly."""
    running = np.cumsum(weights, axis=-1)
    share = running / running[..., -1:]
    share[..., -1] = 1.0
    steps = np.floor(share * total[..., None]).astype(np.int64)
    return np.diff(steps, axis=-1, prepend=0)


def _closes(days: DayBars, high_at: Ints, low_at: Ints) -> Ints:
    """Bridge through open, high, low and close with noise that vanishes at these four."""
    count = len(days)
    rows = np.arange(count)[:, None]
    first_high = high_at <= low_at
    anchors = np.stack([np.zeros(count, np.int64), np.minimum(high_at, low_at), np.maximum(high_at, low_at)], axis=1)
    anchors = np.concatenate([anchors, np.full((count, 1), LAST)], axis=1)
    values = np.stack(
        [
            days.open,
            np.where(first_high, days.high, days.low),
            np.where(first_high, days.low, days.high),
            days.close,
        ],
        axis=1,
    ).astype(np.float64)
    steps = uniforms(days.keys, MINUTES, 6) - 0.5
    walk = np.cumsum(steps, axis=1)
    spread = (days.high - days.low).astype(np.float64)[:, None]
    walk *= spread / 9.0
    minute = np.arange(MINUTES)[None, :]
    segment = (minute >= anchors[:, 1:2]).astype(np.int64) + (minute >= anchors[:, 2:3])
    left, right = anchors[rows, segment], anchors[rows, segment + 1]
    fraction = (minute - left) / np.maximum(right - left, 1)
    line = values[rows, segment] * (1 - fraction) + values[rows, segment + 1] * fraction
    drift = walk[rows, left] * (1 - fraction) + walk[rows, right] * fraction
    path = line + walk - drift
    # Noise beyond the day's range is folded back: cut off, it would leave flat stretches at the high and the low.
    top, bottom = days.high.astype(np.float64)[:, None], days.low.astype(np.float64)[:, None]
    path = top - np.abs(top - path)
    path = bottom + np.abs(path - bottom)
    step = days.step[:, None]
    # Rounding from the low keeps it, and whatever lies a multiple of the step above it, exact.
    base = days.low[:, None]
    prices = base + np.round((path - base) / step).astype(np.int64) * step
    prices = np.clip(prices, base, days.high[:, None])
    flat_rows = np.arange(count)
    for position, value in (
        (high_at, days.high),
        (low_at, days.low),
        (np.zeros(count, np.int64), days.open),
        (np.full(count, LAST), days.close),
    ):
        prices[flat_rows, position] = value
    result: Ints = prices
    return result


def _wicks(days: DayBars, close: Ints) -> Floats:
    """How many steps a minute's high may stand above its body, and its low below: grows with the day's range."""
    reach = (days.high - days.low) / np.maximum(days.step, 1) / 25.0
    result: Floats = np.broadcast_to(np.minimum(reach, 60.0)[:, None] + 1.0, close.shape)
    return result


def _forward(known: npt.NDArray[np.bool_]) -> Ints:
    """Index of the last known column at or before each column; column 0 counts as known."""
    index = np.where(known, np.arange(known.shape[-1]), 0)
    result: Ints = np.maximum.accumulate(index, axis=-1)
    return result


def slot_paths(minutes: MinutePaths, days: DayBars) -> SlotPaths:
    """Interpolate three-second slots into minutes; deterministic in each day's key."""
    count, keys, step = len(days), days.keys, days.step
    shape = (count, 240, SLOTS_PER_MINUTE)
    open_, high, low, close, lots = (
        array[:, 1:, None] for array in (minutes.open, minutes.high, minutes.low, minutes.close, minutes.lots)
    )
    where = uniforms(keys, 480, 7).reshape(count, 240, 2)
    early = 1 + (where[..., 0:1] * 9).astype(np.int64)  # 1 … 9
    late = 10 + (where[..., 1:2] * 9).astype(np.int64)  # 10 … 18
    slot = np.arange(SLOTS_PER_MINUTE)
    rising = close >= open_
    turn_1, turn_2 = np.where(rising, low, high), np.where(rising, high, low)

    anchor = (slot == 0) | (slot == early) | (slot == late) | (slot == SLOTS_PER_MINUTE - 1)
    reserved = (anchor & (lots >= 4)).astype(np.int64)
    reserved += ((slot == 0) & (lots >= 2) & (lots < 4)) | ((slot == SLOTS_PER_MINUTE - 1) & (lots >= 1) & (lots < 4))
    chance = uniforms(keys, 240 * SLOTS_PER_MINUTE, 8).reshape(shape)
    per_slot = reserved + _spread(lots[..., 0] - reserved.sum(axis=-1), chance**3 + 1e-3)
    at_once = np.zeros(SLOTS_PER_MINUTE, np.int64)
    at_once[-1] = 1  # a closing auction trades in one moment
    per_slot[days.closing_auction, -1] = minutes.lots[days.closing_auction, LAST, None] * at_once

    left = np.where(slot >= late, late, np.where(slot >= early, early, 0))
    right = np.where(slot >= late, SLOTS_PER_MINUTE - 1, np.where(slot >= early, late, early))
    from_ = np.where(slot >= late, turn_2, np.where(slot >= early, turn_1, open_))
    to = np.where(slot >= late, close, np.where(slot >= early, turn_2, turn_1))
    unit = step[:, None, None]
    wanted = from_ + (to - from_) * ((slot - left) / np.maximum(right - left, 1))
    offset = (chance - 0.5) * 2.4 * unit
    price = low + np.round((wanted + offset - low) / unit).astype(np.int64) * unit
    price = np.clip(price, low, high)
    for mark, value in ((slot == 0, open_), (slot == early, turn_1), (slot == late, turn_2)):
        price = np.where(mark, value, price)
    price[..., -1] = close[..., 0]
    few = lots < 4
    price = np.where(few & (slot < SLOTS_PER_MINUTE - 1), open_, price)

    last = np.empty((count, SLOTS), np.int64)
    traded = np.empty((count, SLOTS), np.int64)
    last[:, 0], traded[:, 0] = minutes.close[:, 0], minutes.lots[:, 0]
    last[:, 1:], traded[:, 1:] = price.reshape(count, -1), per_slot.reshape(count, -1)
    # The last slot of a minute is its close even when nothing traded in it, so that both views agree at the edge.
    known = traded > 0
    known[:, SLOTS_PER_MINUTE::SLOTS_PER_MINUTE] = True
    return SlotPaths(np.take_along_axis(last, _forward(known), axis=1), traded)
