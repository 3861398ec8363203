"""What a grid has come to, how much it may still put in, and when it ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from trading.grids.choices import GridEnd
from trading.grids.terms import GridTerms
from trading.ledger.fields import ZERO

LOT = 100
RATIO_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a grid's fills, before fees.

    Attributes
    ----------
    open_quantity
        Bought less sold, in shares of today; negative where more of the holding was sold than bought back.
    carried
        What ex-dates took out of the price of the open shares: cash that their holder was paid.
    """

    max_investment: Decimal
    bought_quantity: int = 0
    bought_amount: Decimal = ZERO
    sold_quantity: int = 0
    sold_amount: Decimal = ZERO
    open_quantity: int = 0
    carried: Decimal = ZERO

    def profit(self, price: Decimal) -> Decimal:
        """CNY: sold − bought + open volume × price."""
        return self.sold_amount - self.bought_amount + self.carried + self.open_quantity * price

    def profit_ratio(self, price: Decimal) -> Decimal:
        """The profit as a part of the largest investment."""
        return self.profit(price) / self.max_investment

    def price_at(self, ratio: Decimal) -> Decimal | None:
        """The price at which the profit would be this part of the largest investment; None where no price is."""
        if self.open_quantity == 0:
            return None
        needed = ratio * self.max_investment - (self.sold_amount - self.bought_amount + self.carried)
        price = (needed / self.open_quantity).quantize(RATIO_STEP, ROUND_HALF_UP)
        return price if price > 0 else None

    def room(self, invested: Decimal, reserved: Decimal) -> Decimal:
        """CNY that may still be put in: neither what open lots cost, nor the money paid net, passes the largest investment."""
        paid = self.bought_amount - self.sold_amount - self.carried
        return self.max_investment - max(invested, paid) - reserved


def buy_quantity(*, position: int, ratio: Decimal, price: Decimal, room: Decimal, minimum: int) -> int:
    """Shares that one purchase takes; 0 when not even the smallest order fits.

    Parameters
    ----------
    minimum
        The board's smallest purchase.
    """
    least = max(LOT, minimum)
    wanted = max(floor_lots(int(position * ratio)), least)
    affordable = floor_lots(int(room / price)) if room > 0 else 0
    quantity = min(wanted, affordable)
    return quantity if quantity >= least else 0


def sell_quantity(*, free: int, ratio: Decimal, minimum: int) -> int:
    """Shares that one sale takes of what is sellable and not promised; 0 when not even the smallest order is there."""
    least = max(LOT, minimum)
    quantity = max(floor_lots(int(free * ratio)), least)
    return quantity if quantity <= free else 0


def floor_lots(quantity: int) -> int:
    """Whole lots of 100."""
    return quantity // LOT * LOT


def deviation(center: Decimal, began_at: Decimal) -> Decimal:
    """How far the centre has wandered from where it began."""
    return abs(center - began_at) / began_at


def end_of(
    terms: GridTerms,
    totals: Totals,
    *,
    center: Decimal,
    began_at: Decimal,
    price: Decimal,
    market_time: datetime,
    expires_at: datetime,
) -> GridEnd | None:
    """Why the grid ends at this price, if it does; the first reason in the order of the rules.

    That the holding is gone is known from the account, not from a price; see `trading.grids.services.watching`.
    """
    if deviation(center, began_at) > terms.max_deviation:
        return GridEnd.DEVIATION
    ratio = totals.profit_ratio(price)
    bought, sold = totals.bought_quantity > 0, totals.sold_quantity > 0
    if bought and sold and ratio >= terms.target:
        return GridEnd.TARGET
    if bought and ratio <= terms.stop:
        return GridEnd.STOP
    if market_time >= expires_at:
        return GridEnd.EXPIRED
    return None
