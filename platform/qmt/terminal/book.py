"""Matching: our orders against the market's path.

The market does not react to us. An arriving order takes the displayed levels, best first, each share once per snapshot. What rests
trades when the path comes to its price, limited to a share of what the market traded there, at its own limit; in a call auction
at the auction's price. Orders of the terminal's accounts do not trade with one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from qmt.gateway import Side
from qmt.terminal.ledger import Order
from qmt.terminal.market import LiveDay
from qmt.terminal.tape import Depth

# Shares of the market's volume that go to our resting orders [assumed: no public figure; small enough to show partial fills].
THROUGH_PERCENT = 50
"""When the market trades at a better price than ours."""
AT_PERCENT = 15
"""When it trades at our price: others stand in the queue before us."""
SEALED_PERCENT = 1
"""At a price limit with an empty opposite side (封板): the queue is very long."""


_NO_DEPTH = Depth((), ())


@dataclass(frozen=True, slots=True)
class Match:
    """A quantity at a price for one order."""

    order: Order
    price_milli: int
    quantity: int


@dataclass(frozen=True, slots=True)
class _Slot:
    """What the market did in one slot."""

    price: int
    volume: int
    depth: Depth
    is_auction: bool


@dataclass(slots=True)
class _SymbolBook:
    resting: list[Order] = field(default_factory=list)
    credit: dict[int, int] = field(default_factory=dict)
    """Hundredths of shares an order has queued up for, until they make a lot."""
    taken: dict[tuple[Side, int], int] = field(default_factory=dict)
    """Shares already taken from the displayed levels of ``slot``."""
    slot: int = -1


class OrderBooks:
    """Resting orders of all symbols."""

    def __init__(self) -> None:
        self._books: dict[str, _SymbolBook] = {}

    def rest(self, order: Order) -> None:
        """Let an order wait in the book."""
        self._book(order.symbol).resting.append(order)

    def remove(self, order: Order) -> None:
        """Take an order out; nothing happens when it does not rest."""
        book = self._books.get(order.symbol)
        if book is not None:
            book.resting = [other for other in book.resting if other.order_id != order.order_id]
            book.credit.pop(order.order_id, None)

    def clear(self) -> None:
        """Forget everything: the session is over."""
        self._books.clear()

    def symbols(self) -> list[str]:
        """Symbols with resting orders."""
        return [symbol for symbol, book in self._books.items() if book.resting]

    def resting(self, symbol: str) -> list[Order]:
        """Orders that wait in one symbol's book."""
        book = self._books.get(symbol)
        return list(book.resting) if book is not None else []

    def drop_done(self, symbol: str) -> None:
        """Take out what has nothing left to trade."""
        if (book := self._books.get(symbol)) is not None:
            book.resting = [order for order in book.resting if order.open_quantity]

    def take(self, order: Order, depth: Depth, slot: int, lot: int) -> Iterator[Match]:
        """Trades of an arriving order with the displayed levels. The caller books each match before asking for the next."""
        book = self._book_at(order.symbol, slot)
        levels = depth.asks if order.side is Side.BUY else depth.bids
        for price, shown in levels:
            if not crosses(order, price):
                return
            key = (order.side, price)
            quantity = whole_lots(min(shown - book.taken.get(key, 0), order.open_quantity), order.open_quantity, lot)
            if quantity > 0:
                book.taken[key] = book.taken.get(key, 0) + quantity
                yield Match(order, price, quantity)
            if not order.open_quantity:
                return

    def can_fill(self, order: Order, depth: Depth, slot: int) -> bool:
        """Whether the displayed levels hold enough for the whole order at prices it accepts."""
        book = self._book_at(order.symbol, slot)
        levels = depth.asks if order.side is Side.BUY else depth.bids
        open_sizes = (
            shown - book.taken.get((order.side, price), 0) for price, shown in levels if crosses(order, price)
        )
        return sum(open_sizes) >= order.open_quantity

    def trade_slot(self, tape: LiveDay, slot: int) -> Iterator[Match]:
        """Trades of all resting orders in one slot; per symbol and side the best price first, then the oldest order."""
        live = [symbol for symbol in self.symbols() if tape.trades_in(tape.index[symbol], slot)]
        depths = tape.depths([tape.index[symbol] for symbol in live], slot)
        for symbol, depth in zip(live, depths, strict=True):
            position, book = tape.index[symbol], self._books[symbol]
            auction = tape.is_auction_slot(position, slot)
            seen = _Slot(
                price=tape.price(position, slot),
                volume=tape.volume_in(position, slot),
                depth=_NO_DEPTH if auction else depth,
                is_auction=auction,
            )
            for side in Side:
                orders = sorted((order for order in book.resting if order.side is side), key=priority)
                yield from _share(book, orders, seen, tape.rows[position].instrument.volume_unit)
            book.resting = [order for order in book.resting if order.open_quantity]

    def _book_at(self, symbol: str, slot: int) -> _SymbolBook:
        """The book of a symbol, with what was taken from this slot's snapshot and no other."""
        book = self._book(symbol)
        if book.slot != slot:
            book.slot = slot
            book.taken.clear()
        return book

    def _book(self, symbol: str) -> _SymbolBook:
        return self._books.setdefault(symbol, _SymbolBook())


def priority(order: Order) -> tuple[int, int]:
    """Sort key of one side's orders: the best price first, then the oldest."""
    return (-order.price_milli if order.side is Side.BUY else order.price_milli, order.order_id)


def _share(book: _SymbolBook, orders: Iterable[Order], seen: _Slot, lot: int) -> Iterator[Match]:
    """Hand out one slot's volume to the orders of one side, in their priority."""
    used = 0
    for order in orders:
        offered = _offered(order, seen.depth)
        if not crosses(order, seen.price) and not offered:
            return  # the others are priced worse
        credit = book.credit.get(order.order_id, 0) + seen.volume * _percent(order, seen)
        available = credit // 100 + offered - used
        quantity = whole_lots(min(available, order.open_quantity), order.open_quantity, lot)
        if quantity <= 0:
            book.credit[order.order_id] = min(credit, 100 * lot)
            continue
        book.credit.pop(order.order_id, None)
        used += quantity
        yield Match(order, seen.price if seen.is_auction else order.price_milli, quantity)


def _percent(order: Order, seen: _Slot) -> int:
    """Which part of the slot's volume may go to an order."""
    if not crosses(order, seen.price):
        return 0
    if order.price_milli != seen.price:
        return THROUGH_PERCENT
    opposite = seen.depth.asks if order.side is Side.BUY else seen.depth.bids
    return AT_PERCENT if opposite or seen.is_auction else SEALED_PERCENT


def crosses(order: Order, price: int) -> bool:
    """Whether the order is willing to trade at a price."""
    return price <= order.price_milli if order.side is Side.BUY else price >= order.price_milli


def _offered(order: Order, depth: Depth) -> int:
    """Shares the displayed opposite side offers at the order's price or better: they would have come to our order."""
    levels = depth.asks if order.side is Side.BUY else depth.bids
    return sum(size for price, size in levels if crosses(order, price))


def whole_lots(quantity: int, wanted: int, lot: int) -> int:
    """Trades come in whole lots, except that the rest of an order may be odd."""
    return quantity if quantity == wanted else quantity // lot * lot
