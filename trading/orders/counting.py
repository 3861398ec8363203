"""What of an order's life counts: its acceptance, every cancel that reaches the broker, every fill.

Cancels count when they leave, or when the broker shows one that nobody here sent; an order that is taken
back before it was sent counts as an order, and no cancel.
"""

from __future__ import annotations

from decimal import Decimal

from trading.ledger.journal import Journal
from trading.orders.models import Order
from trading.risk.tallies import Tallies, subjects_of


def count_order(journal: Journal, order: Order) -> None:
    """An order was accepted here, or found at the broker."""
    Tallies.of(journal).count(order.trade_date, _subjects(order), orders=1)


def count_cancel(journal: Journal, order: Order, times: int = 1) -> None:
    """A cancel left for the broker; −1 when it provably did not after all."""
    Tallies.of(journal).count(order.trade_date, _subjects(order), cancels=times)


def count_turnover(journal: Journal, order: Order, amount: Decimal) -> None:
    """A fill of so many CNY was booked."""
    Tallies.of(journal).count(order.trade_date, _subjects(order), turnover=amount)


def _subjects(order: Order) -> tuple[str, ...]:
    return subjects_of(account_id=order.account_id, user_id=order.created_by_id, strategy=order.strategy)
