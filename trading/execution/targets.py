"""From a holding that is wanted to the order that leads there: lots, T+1 and working orders in mind."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from trading.execution.facts import Lots
from trading.orders.choices import Side


@dataclass(frozen=True, slots=True)
class Holding:
    """What the account has of one instrument.

    ``sellable`` may be sold now; ``buying`` and ``selling`` are what working orders may still trade.
    """

    quantity: int
    sellable: int
    buying: int
    selling: int


@dataclass(frozen=True, slots=True)
class Step:
    """The order towards a target, with its facts; ``quantity`` 0 when there is nothing to order.

    ``note["short"]`` says what the target lacks for want of sellable shares or whole lots.
    """

    side: Side
    quantity: int
    note: dict[str, Any]


def step_towards(wanted: int, holding: Holding, lots: Lots) -> Step:
    """The order that brings a holding to `wanted` shares.

    Working orders count as if they were done. Sales end at what is sellable today; an odd rest goes only with
    the whole holding. Buys are rounded down to whole lots.
    """
    present = holding.quantity + holding.buying - holding.selling
    difference = wanted - present
    if difference >= 0:
        size = difference - difference % lots.step
        size = size if size >= lots.minimum else 0
        return Step(Side.BUY, size, _note(wanted, present, difference - size))
    size = min(-difference, holding.sellable)
    if not (wanted == 0 and size == holding.sellable):
        size -= size % lots.step
        size = size if size >= lots.minimum or lots.step > 1 else 0
    return Step(Side.SELL, size, _note(wanted, present, -difference - size))


def _note(wanted: int, present: int, short: int) -> dict[str, Any]:
    note = {"target": wanted, "held": present}
    return note | ({"short": short} if short else {})


def shares_for(value: Decimal, price: Decimal) -> int:
    """Whole shares that a value comes to at a price."""
    return int((value / price).to_integral_value(rounding=ROUND_FLOOR))
