"""Matching on a displayed book that does not know of us: a fill happens at a price and in a size that somebody showed.

Each displayed share trades once. The real book never sees our order, so a level we have emptied is shown again; what was taken from
it is remembered for as long as it is shown, and only what is added to it can trade again. Volume that the market trades elsewhere
gives us nothing: whether it would have come to our order depends on a queue that nobody shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qmt.gateway import Side
from qmt.terminal.book import Match, OrderBooks, crosses, priority, whole_lots
from qmt.terminal.ledger import Order
from qmt.terminal.market import LiveDay
from qmt.terminal.tape import Depth

_Taken = dict[tuple[Side, int], int]


class FedBooks(OrderBooks):
    """Resting orders of all symbols, matched on displayed levels only."""

    def __init__(self) -> None:
        super().__init__()
        self._taken: dict[str, _Taken] = {}
        """Shares taken from the levels shown last, per symbol, by the side that took them and the level's price."""

    def clear(self) -> None:
        """Forget everything: the session is over."""
        super().clear()
        self._taken.clear()

    def take(self, order: Order, depth: Depth, slot: int, lot: int) -> Iterator[Match]:
        """Trades of an order with the displayed levels, best first, each at the level's price. The caller books each before the next."""
        taken = self._taken_from(order.symbol, depth)
        for price, shown in depth.asks if order.side is Side.BUY else depth.bids:
            if not crosses(order, price):
                return
            key = (order.side, price)
            left = shown - taken.get(key, 0)
            quantity = whole_lots(min(left, order.open_quantity), order.open_quantity, lot)
            if quantity > 0:
                taken[key] = taken.get(key, 0) + quantity
                yield Match(order, price, quantity)
            if not order.open_quantity:
                return

    def can_fill(self, order: Order, depth: Depth, slot: int) -> bool:
        """Whether what is left of the displayed levels holds the whole order at prices it accepts."""
        taken = self._taken_from(order.symbol, depth)
        levels = depth.asks if order.side is Side.BUY else depth.bids
        left = (shown - taken.get((order.side, price), 0) for price, shown in levels if crosses(order, price))
        return sum(left) >= order.open_quantity

    def trade_slot(self, tape: LiveDay, slot: int) -> Iterator[Match]:
        """Trades of the resting orders with one batch of snapshots; per symbol and side the best price first, then the oldest order."""
        for symbol in self.symbols():
            position = tape.index.get(symbol)
            if position is None or not tape.trades_in(position, slot):
                continue
            lot = tape.rows[position].instrument.volume_unit
            depth, auction = tape.depth(position, slot), tape.is_auction_slot(position, slot)
            for side in Side:
                orders = sorted((order for order in self.resting(symbol) if order.side is side), key=priority)
                if auction:
                    yield from _auction(orders, tape.price(position, slot), tape.volume_in(position, slot), lot)
                    continue
                for order in orders:
                    yield from self.take(order, depth, slot, lot)
            self.drop_done(symbol)

    def _taken_from(self, symbol: str, depth: Depth) -> _Taken:
        """What was taken from the levels that are shown now: a level that is gone is forgotten, one that shrank cannot owe more than it shows."""
        shown = {(Side.BUY, price): size for price, size in depth.asks}
        shown |= {(Side.SELL, price): size for price, size in depth.bids}
        known = self._taken.get(symbol, {})
        kept = {key: min(size, shown[key]) for key, size in known.items() if key in shown}
        self._taken[symbol] = kept
        return kept


def _auction(orders: Sequence[Order], price_milli: int, matched: int, lot: int) -> Iterator[Match]:
    """Orders priced better than the auction's price trade at it, up to what the auction matched.

    Orders exactly at the price share it in a queue that nobody shows: they get nothing in the auction, and go on resting.
    """
    left = matched
    for order in orders:
        if order.price_milli == price_milli or not crosses(order, price_milli):
            return
        quantity = whole_lots(min(left, order.open_quantity), order.open_quantity, lot)
        if quantity > 0:
            left -= quantity
            yield Match(order, price_milli, quantity)
