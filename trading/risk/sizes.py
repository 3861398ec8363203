"""The largest quantity that a condition leaves: what a denial says would have been allowed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal

from qmt.codes import Board
from qmt.rules import lot_rule
from trading.risk.context import CheckContext


def largest_quantity(context: CheckContext, holds: Callable[[int], bool]) -> int:
    """The largest quantity of the board's lots, below the order's own, for which `holds`; 0 for none.

    Parameters
    ----------
    holds
        True up to some quantity and False from there on: cost and size grow with it.
    """
    rule = lot_rule(Board(context.instrument.board), context.clock.trade_date)
    if rule is None:
        return 0
    low, high = 0, max(0, (context.quantity - rule.minimum) // rule.step + 1)
    # `low` steps above nothing hold, `high` do not.
    while low < high:
        middle = (low + high + 1) // 2
        if holds(rule.minimum + (middle - 1) * rule.step):
            low = middle
        else:
            high = middle - 1
    return 0 if low == 0 else rule.minimum + (low - 1) * rule.step


def quantity_within(context: CheckContext, room: Decimal, price: Decimal) -> int:
    """The largest quantity of the board's lots whose value at `price` is at most `room`; 0 for none."""
    if room <= 0 or price <= 0:
        return 0
    most = int((room / price).to_integral_value(rounding=ROUND_FLOOR))
    return largest_quantity(context, lambda quantity: quantity <= most)
