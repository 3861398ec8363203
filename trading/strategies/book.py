"""The virtual book of one run: its money and holdings, changed by its own fills and by ex-dates. Pure, no Django.

Back-test and live runner keep the same book, so that the same fills lead to the same `Context.cash`, `positions` and
refusals. Cost follows the moving average, fees of purchases included, as the account's ledger does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from trading.strategies.interface import Order, Position, Side, Trade

STEP = Decimal("0.0001")
ZERO = Decimal(0)
CASH_INSUFFICIENT = "CASH_INSUFFICIENT"
SELLABLE_INSUFFICIENT = "SELLABLE_INSUFFICIENT"


@dataclass(slots=True)
class _Holding:
    quantity: int = 0
    bought_today: int = 0
    cost: Decimal = ZERO


class VirtualBook:
    """Money and holdings of a run.

    Parameters
    ----------
    capital
        CNY the run may use.
    is_same_day
        Whether a symbol may be sold on the day it was bought (T+0).
    """

    def __init__(self, capital: Decimal, is_same_day: Callable[[str], bool]) -> None:
        self.capital = capital
        self.cash = capital
        """Money in CNY; what open purchases will take is still in it."""
        self.fees = ZERO
        self.realised = ZERO
        """Profit of sales, after all fees, in CNY."""
        self.dividends = ZERO
        self._is_same_day = is_same_day
        self._holdings: dict[str, _Holding] = {}
        self._day: date | None = None

    def open_day(self, day: date) -> None:
        """Orders asked for from now on are valid for this trade date: what was bought before it may be sold on it.

        That is the next trade date as soon as a decision falls after the close. Again for the same day changes nothing.
        """
        if day == self._day:
            return
        self._day = day
        for holding in self._holdings.values():
            holding.bought_today = 0

    def apply(self, trade: Trade) -> None:
        """Book a fill."""
        holding = self._holdings.setdefault(trade.symbol, _Holding())
        value = trade.price * trade.quantity
        self.fees += trade.fees
        if trade.side is Side.BUY:
            self.cash -= value + trade.fees
            holding.cost += value + trade.fees
            holding.quantity += trade.quantity
            if not self._is_same_day(trade.symbol):
                holding.bought_today += trade.quantity
            return
        sold = min(trade.quantity, holding.quantity)
        cost = holding.cost if sold >= holding.quantity else _share(holding.cost, sold, holding.quantity)
        self.cash += value - trade.fees
        self.realised += value - trade.fees - cost
        holding.cost -= cost
        holding.quantity -= trade.quantity
        if holding.quantity == 0:
            del self._holdings[trade.symbol]

    def ex_right(self, symbol: str, *, growth: Decimal, cash: Decimal) -> None:
        """An ex-date of a holding, before its first trade of the day.

        Parameters
        ----------
        growth
            Shares after it per share before it (bonus and gift); a fraction of a share is dropped.
        cash
            CNY per share before it, taxes not taken off. An allotment is not subscribed.
        """
        holding = self._holdings.get(symbol)
        if holding is None:
            return
        paid = (cash * holding.quantity).quantize(STEP, ROUND_HALF_UP)
        self.cash += paid
        self.dividends += paid
        holding.quantity = int((holding.quantity * growth).to_integral_value(ROUND_DOWN))

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is held."""
        return tuple(self._holdings)

    def positions(self, open_orders: Iterable[Order] = ()) -> dict[str, Position]:
        """Holdings as a strategy sees them, by symbol."""
        offered = _offered(open_orders)
        return {symbol: self._position(symbol, offered.get(symbol, 0)) for symbol in self._holdings}

    def position(self, symbol: str, open_orders: Iterable[Order] = ()) -> Position:
        """One holding as a strategy sees it; an empty one when there is none."""
        if symbol not in self._holdings:
            return Position(symbol)
        return self._position(symbol, _offered(open_orders).get(symbol, 0))

    def _position(self, symbol: str, offered: int) -> Position:
        holding = self._holdings[symbol]
        return Position(
            symbol=symbol,
            quantity=holding.quantity,
            sellable=max(0, holding.quantity - holding.bought_today - offered),
            average_price=(holding.cost / holding.quantity).quantize(STEP, ROUND_HALF_UP),
        )

    def free_cash(self, open_orders: Iterable[Order], prices: Mapping[str, Decimal]) -> Decimal:
        """Money less what open purchases may still take, at their limit or at the newest price, without fees."""
        return self.cash - sum(
            (commitment(order, prices) for order in open_orders if order.side is Side.BUY), start=ZERO
        )

    def equity(self, prices: Mapping[str, Decimal]) -> Decimal:
        """Money and holdings; one without a price counts as what it cost."""
        worth = ZERO
        for symbol, holding in self._holdings.items():
            price = prices.get(symbol)
            worth += holding.cost if price is None else price * holding.quantity
        return self.cash + worth

    def refusal(self, order: Order, open_orders: Iterable[Order], prices: Mapping[str, Decimal]) -> str:
        """Why the book does not allow a request; blank when it does.

        Parameters
        ----------
        open_orders
            The others that are open, those asked for earlier in the same event included.
        """
        others = list(open_orders)
        if order.side is Side.SELL:
            sellable = self.position(order.symbol, others).sellable
            return "" if order.quantity <= sellable else SELLABLE_INSUFFICIENT
        return "" if commitment(order, prices) <= self.free_cash(others, prices) else CASH_INSUFFICIENT


def commitment(order: Order, prices: Mapping[str, Decimal]) -> Decimal:
    """What a purchase may still take, in CNY, without fees; nothing is known of one without limit and price."""
    price = order.price if order.price is not None else prices.get(order.symbol, ZERO)
    return price * order.open_quantity


def _offered(orders: Iterable[Order]) -> dict[str, int]:
    offered: dict[str, int] = {}
    for order in orders:
        if order.side is Side.SELL:
            offered[order.symbol] = offered.get(order.symbol, 0) + order.open_quantity
    return offered


def _share(total: Decimal, part: int, whole: int) -> Decimal:
    return (total * part / whole).quantize(STEP, ROUND_HALF_UP)
