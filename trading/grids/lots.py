"""Matching a grid's fills last in, first out. Pure.

A grid may sell shares of the holding that it did not buy. Such a sale is a lot too, closed by the next purchase: the newest
lot of the other side always goes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading.ledger.fields import ZERO
from trading.orders.choices import Side


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What is left of one fill.

    Attributes
    ----------
    key
        Number of its row; higher is newer.
    quantity
        Shares not matched yet.
    """

    key: int
    side: Side
    quantity: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Matching:
    """What a fill did to the lots.

    Attributes
    ----------
    taken
        Shares taken from each lot, by key.
    left
        Shares of the fill that open a lot of their own.
    realised
        Profit of what was matched, CNY, before fees.
    """

    taken: dict[int, int]
    left: int
    realised: Decimal


def match(lots: Iterable[OpenLot], side: Side, quantity: int, price: Decimal) -> Matching:
    """Match one fill with the open lots of the other side, newest first."""
    taken: dict[int, int] = {}
    realised, left = ZERO, quantity
    for lot in sorted(lots, key=lambda one: -one.key):
        if lot.side is side or left == 0:
            continue
        part = min(lot.quantity, left)
        taken[lot.key] = part
        left -= part
        gain = price - lot.price if side is Side.SELL else lot.price - price
        realised += gain * part
    return Matching(taken, left, realised)


def invested(lots: Sequence[OpenLot]) -> Decimal:
    """Paid for the shares bought and not sold again, CNY."""
    return sum((lot.price * lot.quantity for lot in lots if lot.side is Side.BUY), ZERO)
