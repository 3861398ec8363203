"""How a subscription to a new issue (新股申购) is known among orders: by its key, which no other order may have."""

from __future__ import annotations

from typing import Final

from trading.ledger.newissues import is_offered
from trading.orders.choices import Side, Source
from trading.orders.models import Order

SUBSCRIPTION_KEY: Final = "ipo:"
"""Beginning of the keys of subscriptions; the rest is account and symbol."""


def is_subscription(order: Order) -> bool:
    """Whether an order of ours is a subscription."""
    return (order.client_order_id or "").startswith(SUBSCRIPTION_KEY)


def brings_nothing(order: Order) -> bool:
    """Whether what the broker calls a fill of this order is none: a subscription's confirmation or its numbers (配号).

    One that was placed in the terminal has no key; its symbol is a subscription code of its day.
    """
    if is_subscription(order):
        return True
    if order.source != Source.EXTERNAL or order.side != Side.BUY:
        return False
    return is_offered(order.account, order.symbol, order.trade_date)
