"""At what price, and how much of it, an order trades within one bar. Pure functions on integers.

A bar tells four prices and a volume, not their order: what follows is one reading of it, on the careful side (docs/backtest.md).
Prices are thousandths of a yuan, quantities shares.
"""

from __future__ import annotations

from dataclasses import dataclass

from qmt.gateway import PriceType, Side
from qmt.money import divide_up
from qmt.pricetypes import is_market

_BASIS_POINTS = 10_000
_PERMILLE = 1000


@dataclass(frozen=True, slots=True)
class FillModel:
    """What the user sets about fills.

    Attributes
    ----------
    participation_permille
        Most of a bar's volume that the run's own orders may trade, in thousandths.
    slippage_bp
        What an order that takes the market's price pays on top of it, in ten-thousandths, rounded up to the tick.
    touch_fills
        A limit is filled when the price only touches it; else the price has to pass it.
    """

    participation_permille: int = 100
    slippage_bp: int = 5
    touch_fills: bool = False


@dataclass(frozen=True, slots=True)
class TradedBar:
    """One bar as the matching sees it."""

    open: int
    high: int
    low: int
    volume: int
    limit_up: int | None = None
    limit_down: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as the matching sees it.

    Attributes
    ----------
    limit
        The worst price it accepts.
    resting
        It has been in the market since before the bar began, at its limit.
    """

    side: Side
    price_type: PriceType
    limit: int
    resting: bool


def trade_price(wish: Wish, bar: TradedBar, tick: int, model: FillModel) -> int | None:
    """Price at which an order trades in a bar; None when it does not.

    - Nothing is bought in a bar that never left the upper limit, nor sold in one that never left the lower (封板).
    - An order new to the market that accepts the open trades there, with slippage, never beyond its limit or the day's.
    - Any other trades at its limit when the bar's prices pass it: who waits in the book gets no better price.
    """
    buying = wish.side is Side.BUY
    if bar.limit_up is not None and buying and bar.low >= bar.limit_up:
        return None
    if bar.limit_down is not None and not buying and bar.high <= bar.limit_down:
        return None
    accepts_open = bar.open <= wish.limit if buying else bar.open >= wish.limit
    if not wish.resting and wish.price_type is not PriceType.OWN_BEST and accepts_open:
        return _slipped(wish, bar, tick, model)
    reached = bar.low if buying else bar.high
    passed = reached < wish.limit if buying else reached > wish.limit
    return wish.limit if passed or (model.touch_fills and reached == wish.limit) else None


def _slipped(wish: Wish, bar: TradedBar, tick: int, model: FillModel) -> int:
    slip = divide_up(bar.open * model.slippage_bp, _BASIS_POINTS * tick) * tick
    if wish.side is Side.BUY:
        return min(bar.open + slip, wish.limit, *([] if bar.limit_up is None else [bar.limit_up]))
    return max(bar.open - slip, wish.limit, *([] if bar.limit_down is None else [bar.limit_down]), tick)


def room(bar: TradedBar, taken: int, model: FillModel) -> int:
    """Shares that may still be traded in a bar of which the run has taken some."""
    return max(bar.volume * model.participation_permille // _PERMILLE - taken, 0)


def trade_quantity(open_quantity: int, available: int, step: int) -> int:
    """Shares that trade: all that is open, or whole lots of what is available."""
    return open_quantity if open_quantity <= available else available // step * step


def limit_after(price_type: PriceType, price: int) -> int | None:
    """The limit at which the rest of an unpriced order waits after its first bar; None when it is cancelled.

    The latest price (最新价) was put in as a limit by the terminal; of the market kinds see `qmt.terminal.marketorders`.
    """
    if is_market(price_type) and price_type in (PriceType.BEST5_CANCEL, PriceType.IOC, PriceType.FOK):
        return None
    return price
