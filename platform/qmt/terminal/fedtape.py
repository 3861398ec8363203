"""The live day of a fed market: what another host's quotes have shown so far, batch by batch.

It answers what the exchange core asks of a prepared `Tape`, but nothing here is drawn or interpolated: a slot is one batch of
snapshots as it arrived, a book is the five levels somebody displayed, and where nobody has shown anything there is nothing to trade with.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qmt.calendar import Phase, date_of_ms, phase_at, time_of_ms, to_ms
from qmt.gateway import Quote
from qmt.rules import closing_auction_since
from qmt.terminal.tape import Depth, TapeRow
from qmt.terminal.types import Tick, TradingStatus

_NO_DEPTH = Depth((), ())
_OPENING_MATCH, _CONTINUOUS_START = dt.time(9, 25), dt.time(9, 30)
_CLOSING_START, _CLOSING_MATCH = dt.time(14, 57), dt.time(15, 0)


@dataclass(slots=True)
class _Seen:
    """The last snapshot of one instrument."""

    quote: Quote | None = None
    slot: int = -1
    traded: int = 0
    """Shares traded since the snapshot before."""
    is_auction: bool = False
    """Whether this very snapshot tells of an auction's match."""


@dataclass(slots=True)
class _Batch:
    at_ms: int
    quotes: dict[int, Quote] = field(default_factory=dict)


class FedTape:
    """One trade date of a fed market.

    Parameters
    ----------
    trade_date
        The day.
    rows
        Instruments of that day with their facts, as the source host states them.

    Notes
    -----
    Not thread-safe: the exchange takes quotes in, and asks, under the terminal's lock. It asks for slots in order, so only
    what it has not matched yet is kept beside the last snapshot per instrument.
    """

    def __init__(self, trade_date: dt.date, rows: Sequence[TapeRow]) -> None:
        self.trade_date = trade_date
        self.rows = tuple(rows)
        self.index = {row.instrument.symbol: position for position, row in enumerate(self.rows)}
        self._closing = [_closes_by_auction(row, trade_date) for row in self.rows]
        self._seen = [_Seen() for _ in self.rows]
        self._times: list[int] = []
        self._waiting: dict[int, _Batch] = {}
        self._reached = -1
        self._shown_from = 0
        """First slot after the last gap: older books are not believed any more."""
        self._unbroken_since_ms: int | None = None

    # --- what arrives -----------------------------------------------------------------------------

    def append(self, at_ms: int, quotes: Mapping[str, Quote]) -> bool:
        """Take a batch in at a moment of market time; False when nothing in it belongs to this day.

        Snapshots of another date, of unknown instruments and without a price or a book are passed over.
        """
        batch = _Batch(at_ms)
        for symbol, quote in quotes.items():
            position = self.index.get(symbol)
            if position is not None and date_of_ms(quote.ts) == self.trade_date and self._is_news(position, quote):
                batch.quotes[position] = quote
        if not batch.quotes:
            return False
        if self._unbroken_since_ms is None:
            self._unbroken_since_ms = at_ms
        self._times.append(at_ms)
        self._waiting[len(self._times) - 1] = batch
        return True

    def _is_news(self, position: int, quote: Quote) -> bool:
        """Stamps of one instrument never go back; a repeated subscription brings old ones again."""
        known = self._seen[position].quote
        return known is None or quote.ts >= known.ts

    def gap(self) -> None:
        """The feed fell silent: no book shown so far may be traded with, no auction across the gap is ours."""
        self._shown_from = len(self._times)
        self._unbroken_since_ms = None

    # --- what the exchange asks -------------------------------------------------------------------

    def slot_at(self, now_ms: int) -> int:
        """Last batch that had arrived by a moment; −1 before the first."""
        return bisect.bisect_right(self._times, now_ms) - 1

    def slot_time(self, slot: int) -> int:
        """When a batch arrived, in market time."""
        return self._times[slot]

    def trades_in(self, position: int, slot: int) -> bool:
        """Whether a batch brought something the instrument can trade with: an auction's result, or a book of the continuous session."""
        self._reach(slot)
        seen = self._seen[position]
        return seen.slot == slot and (seen.is_auction or self._is_tradable(position))

    def is_auction_slot(self, position: int, slot: int) -> bool:
        """Whether a batch told of the match of a call auction: the last price is then the official one."""
        self._reach(slot)
        return self._seen[position].slot == slot and self._seen[position].is_auction

    def volume_in(self, position: int, slot: int) -> int:
        """Shares that the market traded up to a batch since the one before; for an auction what it matched."""
        self._reach(slot)
        return self._seen[position].traded if self._seen[position].slot == slot else 0

    def phase_for(self, position: int, phase: Phase) -> Phase:
        """The market's phase as it holds for one instrument: not everything has a closing auction."""
        if phase is Phase.CLOSE_AUCTION and not self._closing[position]:
            return Phase.CONTINUOUS
        return phase

    def price(self, position: int, slot: int) -> int:
        """Last price shown; the reference price before the first."""
        self._reach(slot)
        quote = self._seen[position].quote
        return _milli(quote.last) if quote is not None and quote.last > 0 else self.rows[position].facts.pre_close_milli

    def depth(self, position: int, slot: int) -> Depth:
        """Displayed book, in shares; empty outside of continuous trading, after a gap and while the instrument is halted."""
        self._reach(slot)
        quote = self._seen[position].quote
        if quote is None or not self._is_tradable(position):
            return _NO_DEPTH
        return Depth(_levels(quote.ask, quote.ask_volume), _levels(quote.bid, quote.bid_volume))

    def depths(self, positions: Sequence[int], slot: int) -> list[Depth]:
        """Displayed books of some instruments."""
        return [self.depth(position, slot) for position in positions]

    def _is_tradable(self, position: int) -> bool:
        seen = self._seen[position]
        if seen.quote is None or seen.slot < self._shown_from or seen.quote.status != TradingStatus.CONTINUOUS:
            return False
        return self.phase_for(position, phase_at(time_of_ms(seen.quote.ts))) is Phase.CONTINUOUS

    def snapshot(self, symbols: Sequence[str], now_ms: int) -> dict[str, Tick]:
        """Latest snapshots as the source showed them; symbols without any are left out."""
        self._reach(self.slot_at(now_ms))
        shown = {symbol: self._seen[self.index[symbol]].quote for symbol in symbols if symbol in self.index}
        return {symbol: self._tick(quote) for symbol, quote in shown.items() if quote is not None}

    def _tick(self, quote: Quote) -> Tick:
        unit = self.rows[self.index[quote.symbol]].instrument.volume_unit
        return Tick(
            symbol=quote.symbol,
            time_ms=quote.ts,
            last_price=quote.last,
            open=quote.open,
            high=quote.high,
            low=quote.low,
            last_close=quote.pre_close,
            volume=quote.volume // unit,
            pvolume=quote.pvolume if quote.pvolume is not None else quote.volume,
            amount=quote.amount,
            transaction_num=quote.transactions or 0,
            status=_status(quote.status),
            ask_price=quote.ask,
            bid_price=quote.bid,
            ask_vol=tuple(size // unit for size in quote.ask_volume),
            bid_vol=tuple(size // unit for size in quote.bid_volume),
        )

    # --- within -----------------------------------------------------------------------------------

    def _reach(self, slot: int) -> None:
        """Apply the batches up to a slot."""
        while self._reached < min(slot, len(self._times) - 1):
            self._reached += 1
            batch = self._waiting.pop(self._reached)
            for position, quote in batch.quotes.items():
                if self._is_news(position, quote):
                    seen = self._seen[position]
                    seen.traded = max(quote.volume - (seen.quote.volume if seen.quote is not None else 0), 0)
                    seen.is_auction = self._tells_of_auction(position, seen.quote, quote, seen.traded)
                    seen.quote, seen.slot = quote, self._reached

    def _tells_of_auction(self, position: int, before: Quote | None, quote: Quote, traded: int) -> bool:
        """Whether a snapshot is the first after an auction's match, and nothing was missed since the auction began.

        The opening auction matches at 09:25, the closing one at 15:00. While they collect orders the day's volume stands still,
        so what it grew by is what the auction matched.
        """
        time = time_of_ms(quote.ts)
        if not traded or quote.last <= 0:
            return False
        if traded == quote.volume and _OPENING_MATCH <= time < _CONTINUOUS_START:
            return quote.last == quote.open and self._followed_since(_OPENING_MATCH)
        is_closing = self._closing[position] and before is not None and time >= _CLOSING_MATCH
        return is_closing and self._followed_since(_CLOSING_START)

    def _followed_since(self, time: dt.time) -> bool:
        since = self._unbroken_since_ms
        return since is not None and since < to_ms(self.trade_date, time)


def _closes_by_auction(row: TapeRow, day: dt.date) -> bool:
    since = closing_auction_since(row.instrument.market, row.instrument.board)
    return since is not None and day >= since


def _status(code: int) -> TradingStatus:
    try:
        return TradingStatus(code)
    except ValueError:
        return TradingStatus.HALTED  # a state that this terminal has no word for: nothing trades in it


def _milli(price: float) -> int:
    return round(price * 1000)


def _levels(prices: Sequence[float], sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((_milli(price), size) for price, size in zip(prices, sizes, strict=True) if price > 0 and size > 0)
