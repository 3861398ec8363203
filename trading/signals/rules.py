"""The exit rules in exact arithmetic: what one price does to one position. Pure; prices in CNY, quantities in shares.

With ``cost`` the position's cost, ``p`` the price, ``hi`` the highest price since opening:

- stop loss: ``p ≤ cost × (1 − drop)``;
- first take-profit: armed when ``(p − cost)/cost ≥ gain``, with ``bh = p`` and no trade yet; then ``bh = max(bh, p)``, and it fires
  when ``(bh − p)/bh ≥ callback``. Below ``cost × (1 + gain) × (1 − callback)²`` it is disarmed instead. A price that low always
  satisfies the firing rule too, so disarming goes first: otherwise it would never happen;
- trailing, once the first take-profit was filled: ``p ≤ level``, see `trailing_level`;
- adding, before it: the drop from cost in [from, to).

Of several exits that hold, the first in this order is the signal; the others count as told with it. A condition is told
once while it holds, and again after it had not held (adding: after its cooldown).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import IntFlag
from typing import Final

from qmt.rules import LotRow
from trading.signals.choices import SignalKind
from trading.signals.terms import ExitTerms

ONE = Decimal(1)
LEAST_HI, MOST_HI = Decimal("0.1"), Decimal(20)
BOARD_LOT: Final = 100


class Condition(IntFlag):
    """The exits that hold; stored as bits."""

    NONE = 0
    STOP_LOSS = 1
    FIRST_TAKE_PROFIT = 2
    TRAILING = 4


EXITS: Final = (
    (Condition.STOP_LOSS, SignalKind.STOP_LOSS),
    (Condition.FIRST_TAKE_PROFIT, SignalKind.FIRST_TAKE_PROFIT),
    (Condition.TRAILING, SignalKind.TRAILING),
)
"""In the order of priority."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is remembered about a position. ``bh`` is None while the first take-profit is not armed."""

    cost: Decimal
    hi: Decimal
    bh: Decimal | None
    first_done: bool


def moved(terms: ExitTerms, before: Figures, price: Decimal) -> tuple[Figures, Condition]:
    """Take in one price.

    Returns
    -------
    tuple
        The figures after it, and the exits that hold at it.
    """
    hi = max(before.hi, price)
    bh, fires = _first(terms, before, price)
    after = Figures(before.cost, hi, bh, before.first_done)
    holds = Condition.NONE
    if terms.stop_loss and price <= stop_level(terms, before.cost):
        holds |= Condition.STOP_LOSS
    if fires:
        holds |= Condition.FIRST_TAKE_PROFIT
    if terms.trailing and before.first_done and price <= trailing_level(terms, before.cost, hi):
        holds |= Condition.TRAILING
    return after, holds


def _first(terms: ExitTerms, before: Figures, price: Decimal) -> tuple[Decimal | None, bool]:
    if before.first_done or not terms.first_take_profit:
        return None, False
    if before.bh is None:
        return (price if price >= arm_level(terms, before.cost) else None), False
    if price < disarm_level(terms, before.cost):
        return None, False
    bh = max(before.bh, price)
    return bh, price <= fire_level(terms, bh)


def stop_level(terms: ExitTerms, cost: Decimal) -> Decimal:
    """Highest price of the stop loss."""
    return cost * (ONE - terms.stop_loss_drop)


def arm_level(terms: ExitTerms, cost: Decimal) -> Decimal:
    """Lowest price that arms the first take-profit."""
    return cost * (ONE + terms.first_gain)


def disarm_level(terms: ExitTerms, cost: Decimal) -> Decimal:
    """Below it the first take-profit is disarmed."""
    callback = ONE - terms.first_callback
    return cost * (ONE + terms.first_gain) * callback * callback


def fire_level(terms: ExitTerms, bh: Decimal) -> Decimal:
    """Highest price at which the armed first take-profit fires."""
    return bh * (ONE - terms.first_callback)


def trailing_level(terms: ExitTerms, cost: Decimal, hi: Decimal) -> Decimal:
    """Highest price of the trailing take-profit: a factor of the top by the gain there; below the first step a floor under cost."""
    gain = hi - cost
    for step, factor in reversed(terms.trailing_steps):
        if gain >= step * cost:
            return hi * factor
    return cost * (ONE - terms.trailing_floor_drop)


def adds(terms: ExitTerms, figures: Figures, price: Decimal) -> bool:
    """Whether the drop from cost asks for adding."""
    if not terms.add or figures.first_done:
        return False
    drop = figures.cost - price
    return terms.add_drop_from * figures.cost <= drop < terms.add_drop_to * figures.cost


def hi_is_bad(figures: Figures) -> bool:
    """Whether the highest price cannot be one of this position."""
    return not LEAST_HI * figures.cost <= figures.hi <= MOST_HI * figures.cost


# ----------------------------------------------------------------------------- quantity
def exit_quantity(terms: ExitTerms, kind: SignalKind, sellable: int, lots: LotRow) -> int:
    """Shares to sell; 0 when nothing is sellable.

    The first take-profit sells ``max(100, floor(sellable × share / 100) × 100)``, within what is sellable and at least
    the board's smallest order; the others sell everything.
    """
    if kind is not SignalKind.FIRST_TAKE_PROFIT or sellable <= 0:
        return max(0, sellable)
    boards = (sellable * terms.first_share / BOARD_LOT).to_integral_value(rounding=ROUND_FLOOR)
    wanted = max(BOARD_LOT, int(boards) * BOARD_LOT, lots.minimum)
    return min(wanted, sellable)


def add_quantity(terms: ExitTerms, quantity: int, price: Decimal, lots: LotRow) -> int:
    """Shares to buy: ``min(amount, limit − market value)`` CNY in the board's lots; 0 when that is too little."""
    amount = min(terms.add_amount, terms.add_position_limit - quantity * price)
    if amount < terms.add_min_amount:
        return 0
    return within_lots(int((amount / price).to_integral_value(rounding=ROUND_FLOOR)), lots)


def within_lots(quantity: int, lots: LotRow) -> int:
    """The largest buy order of the board's lots that is no larger; 0 for none."""
    if quantity < lots.minimum:
        return 0
    return min(quantity, lots.limit_most) // lots.step * lots.step
