"""The live day of all instruments, prepared before it opens and revealed as market time passes.

A tape holds what happens in every three-second slot: last price, volume, amount. The displayed five-level book is a function
of (slot, last price, limits), so the same moment always shows the same book. Prices in thousandths of a yuan, volume in shares.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmt.calendar import Phase, date_of_ms, midnight_ms, phase_at, time_of_ms, to_ms
from qmt.terminal.chance import Keys, uniforms
from qmt.terminal.paths import (
    LAST,
    SLOTS,
    SLOTS_PER_MINUTE,
    DayBars,
    Ints,
    minute_cents,
    minute_paths,
    slot_paths,
    slot_times,
)
from qmt.terminal.types import TICK_DTYPE, DayFacts, Instrument, Tick, TradingStatus

LEVELS = 5
CLOSING_QUIET = range(SLOTS - 3 * SLOTS_PER_MINUTE, SLOTS - 1)
"""Slots after 14:57:00 and before 15:00:00."""
_STATUS = {
    Phase.CLOSED: TradingStatus.CLOSED,
    Phase.OPEN_AUCTION: TradingStatus.AUCTION,
    Phase.OPEN_AUCTION_NO_CANCEL: TradingStatus.AUCTION,
    Phase.PRE_OPEN: TradingStatus.BREAK,
    Phase.CONTINUOUS: TradingStatus.CONTINUOUS,
    Phase.LUNCH: TradingStatus.BREAK,
    Phase.CLOSE_AUCTION: TradingStatus.CLOSING_AUCTION,
    Phase.AFTER_HOURS: TradingStatus.CLOSED,
}
_NO_PRICES = (0.0,) * LEVELS
_NO_SIZES = (0,) * LEVELS
_SEALED_QUEUE = 400  # usual slots' volume waiting at a limit price
_CHUNK = 32  # instruments per batch: bounds the memory of the vectorised preparation


@dataclass(frozen=True, slots=True)
class Depth:
    """Displayed book of one instrument: (price, shares) from the best level on; an empty side has no level."""

    asks: tuple[tuple[int, int], ...]
    bids: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Books:
    """Displayed books in bulk: prices and lots of shape (n, 5), best level first, 0 where there is no level."""

    ask: Ints
    ask_lots: Ints
    bid: Ints
    bid_lots: Ints


@dataclass(frozen=True, slots=True)
class TapeRow:
    """Everything a tape needs to know about one instrument's day."""

    instrument: Instrument
    facts: DayFacts
    has_bar: bool
    """False for a suspended instrument: it has a snapshot, but nothing trades."""


class Tape:
    """Prepared live day.

    Parameters
    ----------
    trade_date
        The day.
    rows
        Instruments listed on that day, in the order of ``bars``.
    bars
        Their day bars in thousandths of a yuan; rows without a bar hold the previous close and no volume.
    typical_lots
        Usual daily volume in lots: scales the displayed sizes.
    reference
        Previous closes in the unit of ``bars``.
    scale
        Price units to the yuan. The exchange matches on thousandths only; a finer scale serves off-tick history.
    stated_cents
        Amounts of the day, when the source states them.
    """

    def __init__(
        self,
        trade_date: dt.date,
        rows: Sequence[TapeRow],
        bars: DayBars,
        typical_lots: Ints,
        reference: Ints,
        *,
        scale: int = 1000,
        stated_cents: Ints | None = None,
    ) -> None:
        self.trade_date = trade_date
        self.rows = tuple(rows)
        self.index = {row.instrument.symbol: position for position, row in enumerate(self.rows)}
        self.times_ms = slot_times(midnight_ms(trade_date))
        self._times: list[int] = self.times_ms.tolist()
        self._keys = bars.keys
        self._closing = [bool(flag) for flag in bars.closing_auction]
        self._unit = np.array([row.instrument.volume_unit for row in self.rows], np.int64)
        self.scale = scale
        self._step = bars.step
        self._reference = reference
        self._up = np.array([row.facts.limit_up_milli or 0 for row in self.rows], np.int64)
        self._down = np.array([row.facts.limit_down_milli or 0 for row in self.rows], np.int64)
        self._alive = np.array([row.has_bar for row in self.rows], np.bool_)
        quoted = self._alive & np.array([row.instrument.tradable for row in self.rows], np.bool_)
        self._size = np.where(quoted, np.maximum(typical_lots // SLOTS, 1), 0)
        self._prepare(bars, stated_cents)

    def _prepare(self, bars: DayBars, stated_cents: Ints | None) -> None:
        count = len(self.rows)
        price_type = np.int32 if self.scale == 1000 else np.int64  # thousandths fit, and there are millions of them
        self.last = np.empty((count, SLOTS), price_type)
        self._volume: Ints = np.empty((count, SLOTS), np.int64)
        self._amount: Ints = np.empty((count, SLOTS), np.int64)
        self._high = np.empty((count, SLOTS), price_type)
        self._low = np.empty((count, SLOTS), price_type)
        self._open: Ints = bars.open
        for start in range(0, count, _CHUNK):
            part = bars.part(start, start + _CHUNK)
            minutes = minute_paths(part)
            slots = slot_paths(minutes, part)
            window = slice(start, start + len(part))
            self.last[window] = slots.last
            self._volume[window] = np.cumsum(slots.lots, axis=1) * self._unit[window, None]
            stated = stated_cents[window] if stated_cents is not None else None
            cents = minute_cents(minutes.weight, self._unit[window], self.scale, stated)
            self._amount[window] = running_amount_cents(cents, slots.lots)
            self._high[window] = np.maximum.accumulate(slots.last, axis=1)
            self._low[window] = np.minimum.accumulate(slots.last, axis=1)

    def slot_at(self, now_ms: int) -> int:
        """Last slot that has happened; −1 before the opening auction's match."""
        return bisect.bisect_right(self._times, now_ms) - 1

    def slot_time(self, slot: int) -> int:
        """Epoch milliseconds of a slot."""
        return self._times[slot]

    def is_auction_slot(self, position: int, slot: int) -> bool:
        """Whether the slot is the match of a call auction for this instrument."""
        return slot == 0 or (slot == SLOTS - 1 and self._closing[position])

    def trades_in(self, position: int, slot: int) -> bool:
        """Whether the instrument can trade in a slot: it is not suspended, and no closing auction collects orders."""
        return self.rows[position].has_bar and not (self._closing[position] and slot in CLOSING_QUIET)

    def phase_for(self, position: int, phase: Phase) -> Phase:
        """The market's phase as it holds for one instrument: not everything has a closing auction."""
        if phase is Phase.CLOSE_AUCTION and not self._closing[position]:
            return Phase.CONTINUOUS
        return phase

    def price(self, position: int, slot: int) -> int:
        """Last price; the reference price before the open and for a suspended instrument."""
        if slot < 0 or not self._alive[position]:
            return int(self._reference[position])
        return int(self.last[position, slot])

    def volume_in(self, position: int, slot: int) -> int:
        """Shares traded in one slot."""
        total = int(self._volume[position, slot])
        return total if slot == 0 else total - int(self._volume[position, slot - 1])

    def depth(self, position: int, slot: int) -> Depth:
        """Displayed book of one instrument after a slot, in shares."""
        return self.depths([position], slot)[0]

    def depths(self, positions: Sequence[int], slot: int) -> list[Depth]:
        """Displayed books of some instruments after a slot."""
        if not positions:
            return []
        books = self._books(np.array(positions), slot)
        sides = (books.ask.tolist(), books.ask_lots.tolist(), books.bid.tolist(), books.bid_lots.tolist())
        units = self._unit[list(positions)].tolist()
        return [
            Depth(_levels(ask, ask_lots, unit), _levels(bid, bid_lots, unit))
            for ask, ask_lots, bid, bid_lots, unit in zip(*sides, units, strict=True)
        ]

    def _books(self, positions: Ints, slot: int) -> Books:
        return displayed_books(
            last=self.last[positions, slot].astype(np.int64),
            keys=self._keys[positions] + np.uint64(slot),
            step=self._step[positions],
            size=self._size[positions],
            up=self._up[positions],
            down=self._down[positions],
            scale=self.scale,
        )

    def snapshot(self, symbols: Sequence[str], now_ms: int) -> dict[str, Tick]:
        """Level-1 snapshot of the known symbols as it stands at a moment of this day (or after it)."""
        chosen = [self.index[symbol] for symbol in symbols if symbol in self.index]
        if not chosen:
            return {}
        slot = self.slot_at(now_ms)
        positions = np.array(chosen)
        phase = phase_at(time_of_ms(now_ms)) if date_of_ms(now_ms) == self.trade_date else Phase.CLOSED
        if slot < 0:
            return {self.rows[at].instrument.symbol: self._before_open(at, now_ms, phase) for at in chosen}
        prices = (self.last, self._high, self._low)
        last, high, low = ((array[positions, slot] / self.scale).tolist() for array in prices)
        volume, amount = self._volume[positions, slot], (self._amount[positions, slot] / 100).tolist()
        lots = (volume // self._unit[positions]).tolist()
        shares = volume.tolist()
        books = self._books(positions, slot)
        asks, bids = (books.ask / self.scale).tolist(), (books.bid / self.scale).tolist()
        ask_sizes, bid_sizes = books.ask_lots.tolist(), books.bid_lots.tolist()
        result: dict[str, Tick] = {}
        for n, at in enumerate(chosen):
            row = self.rows[at]
            if self.phase_for(at, phase) is Phase.CLOSE_AUCTION:  # both sides show the price it would match at
                asks[n] = bids[n] = [last[n], *_NO_PRICES[1:]]
                ask_sizes[n] = bid_sizes[n] = [max(ask_sizes[n][0], bid_sizes[n][0]), *_NO_SIZES[1:]]
            if not row.has_bar:
                result[row.instrument.symbol] = self._before_open(at, now_ms, phase)
                continue
            result[row.instrument.symbol] = Tick(
                symbol=row.instrument.symbol,
                time_ms=self._stamp(slot, now_ms, phase),
                last_price=last[n],
                open=int(self._open[at]) / self.scale,
                high=high[n],
                low=low[n],
                last_close=int(self._reference[at]) / self.scale,
                volume=lots[n],
                pvolume=shares[n],
                amount=amount[n],
                transaction_num=lots[n] // 3 + (lots[n] > 0),
                status=self._status(at, phase),
                ask_price=tuple(asks[n]),
                bid_price=tuple(bids[n]),
                ask_vol=tuple(ask_sizes[n]),
                bid_vol=tuple(bid_sizes[n]),
            )
        return result

    def _before_open(self, position: int, now_ms: int, phase: Phase) -> Tick:
        """Nothing has traded. In the auction both best quotes show the price at which it would match."""
        row = self.rows[position]
        pre_close = int(self._reference[position]) / self.scale
        ask, bid, size = _NO_PRICES, _NO_PRICES, _NO_SIZES
        auction = phase in (Phase.OPEN_AUCTION, Phase.OPEN_AUCTION_NO_CANCEL)
        if auction and row.has_bar:
            progress = min(max((now_ms - to_ms(self.trade_date, dt.time(9, 15))) / 600_000, 0.0), 1.0)
            start, step = int(self._reference[position]), int(self._step[position])
            matched = start + round((int(self._open[position]) - start) * progress / step) * step
            ask = bid = (matched / self.scale, *_NO_PRICES[1:])
            size = (1 + int(self._volume[position, 0] * progress) // int(self._unit[position]), *_NO_SIZES[1:])
        opening = to_ms(self.trade_date, dt.time(9, 15))
        stamp = max(now_ms // 3000 * 3000, opening) if auction else min(now_ms // 3000 * 3000, self._times[-1])
        return Tick(
            row.instrument.symbol, stamp, pre_close, 0.0, 0.0, 0.0, pre_close, 0, 0, 0.0, 0,
            self._status(position, phase), ask, bid, size, size,
        )  # fmt: skip

    def _stamp(self, slot: int, now_ms: int, phase: Phase) -> int:
        """Snapshots keep the time of the last slot, except while the closing auction collects orders."""
        if phase is Phase.CLOSE_AUCTION:
            return min(max(self._times[slot], now_ms // 3000 * 3000), self._times[-1])
        return self._times[slot]

    def _status(self, position: int, phase: Phase) -> TradingStatus:
        if not self.rows[position].has_bar:
            return TradingStatus.HALTED
        return _STATUS[self.phase_for(position, phase)]

    def tick_array(self, symbol: str, now_ms: int) -> npt.NDArray[np.void]:
        """All snapshots of one instrument up to a moment (``TICK_DTYPE``), the opening auction's match first."""
        position = self.index.get(symbol)
        count = self.slot_at(now_ms) + 1
        if position is None or count <= 0 or not self.rows[position].has_bar:
            return np.empty(0, TICK_DTYPE)
        result = np.zeros(count, TICK_DTYPE)
        unit = int(self._unit[position])
        result["time"] = self.times_ms[:count]
        result["lastPrice"] = self.last[position, :count] / self.scale
        result["open"] = int(self._open[position]) / self.scale
        result["high"] = self._high[position, :count] / self.scale
        result["low"] = self._low[position, :count] / self.scale
        result["lastClose"] = int(self._reference[position]) / self.scale
        result["amount"] = self._amount[position, :count] / 100
        result["pvolume"] = self._volume[position, :count]
        result["volume"] = self._volume[position, :count] // unit
        result["transactionNum"] = result["volume"] // 3 + (result["volume"] > 0)
        result["openInt"] = result["stockStatus"] = TradingStatus.CONTINUOUS
        books = displayed_books(
            last=self.last[position, :count].astype(np.int64),
            keys=self._keys[position] + np.arange(count, dtype=np.uint64),
            step=np.full(count, self._step[position]),
            size=np.full(count, self._size[position]),
            up=np.full(count, self._up[position]),
            down=np.full(count, self._down[position]),
            scale=self.scale,
        )
        result["askPrice"], result["askVol"] = books.ask / self.scale, books.ask_lots
        result["bidPrice"], result["bidVol"] = books.bid / self.scale, books.bid_lots
        return result


def displayed_books(*, last: Ints, keys: Keys, step: Ints, size: Ints, up: Ints, down: Ints, scale: int) -> Books:
    """Five levels around last prices, one row per entry of the arguments.

    ``size`` scales the lots on a level; 0 means nobody quotes (suspended). ``up`` and ``down`` are the price limits, 0 without
    one: no level lies beyond them, and at a limit the opposite side is empty (封板) while the own side is long.
    """
    chance = uniforms(keys, 2 * LEVELS + 1, 9)
    levels = np.arange(LEVELS)
    was_buy = chance[:, -1] < 0.5  # the last trade stood on one of the two sides
    spread = np.maximum(last // (200 * scale), 1) * step  # a high-priced share has a spread of several ticks
    last_, step_, size_, up_, down_ = (array[:, None] for array in (last, step, size, up, down))
    sealed_up = (up_ > 0) & (last_ >= up_)
    sealed_down = (down_ > 0) & (last_ <= down_)
    best_ask = np.where(was_buy, last, last + spread)[:, None]
    best_bid = np.where(was_buy, last - spread, last)[:, None]
    ask = np.where(sealed_down, last_, best_ask) + levels * step_
    bid = np.where(sealed_up, last_, best_bid) - levels * step_
    lots = 1 + (size_ * (0.3 + 3.0 * chance[:, : 2 * LEVELS] ** 2)).astype(np.int64)
    queue = np.where(levels == 0, size_ * _SEALED_QUEUE, 0)
    ask_lots = lots[:, :LEVELS] + np.where(sealed_down, queue, 0)
    bid_lots = lots[:, LEVELS:] + np.where(sealed_up, queue, 0)
    no_ask = sealed_up | ((up_ > 0) & (ask > up_)) | (size_ == 0)
    no_bid = sealed_down | ((down_ > 0) & (bid < down_)) | (bid <= 0) | (size_ == 0)
    zero = np.int64(0)
    return Books(
        np.where(no_ask, zero, ask),
        np.where(no_ask, zero, ask_lots),
        np.where(no_bid, zero, bid),
        np.where(no_bid, zero, bid_lots),
    )


def _levels(prices: Sequence[int], lots: Sequence[int], unit: int) -> tuple[tuple[int, int], ...]:
    return tuple((price, size * unit) for price, size in zip(prices, lots, strict=True) if price)


def running_amount_cents(per_minute: Ints, slot_lots: Ints) -> Ints:
    """Cumulative amount per slot: a minute's amount is spread over its slots by volume."""
    base = np.cumsum(per_minute, axis=1)
    count = len(per_minute)
    result = np.empty((count, SLOTS), np.int64)
    result[:, 0] = base[:, 0]
    lots = slot_lots[:, 1:].reshape(count, LAST, SLOTS_PER_MINUTE)
    inside = np.cumsum(lots, axis=-1)
    total = np.maximum(inside[..., -1:], 1)
    part = per_minute[:, 1:, None] * inside // total
    result[:, 1:] = (base[:, :-1, None] + part).reshape(count, -1)
    return result
