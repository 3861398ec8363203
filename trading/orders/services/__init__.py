"""Placing and cancelling orders: what a person or a program may do."""

from __future__ import annotations

from trading.orders.services.approval import order_approve, order_refuse
from trading.orders.services.cancel import CancelOutcome, Wanted, cancel_as, order_cancel, orders_cancel
from trading.orders.services.release import reservation_release
from trading.orders.services.settle import trade_date_settle
from trading.orders.services.submit import Submission, order_submit

__all__ = [
    "CancelOutcome",
    "Submission",
    "Wanted",
    "cancel_as",
    "order_approve",
    "order_cancel",
    "order_refuse",
    "order_submit",
    "orders_cancel",
    "reservation_release",
    "trade_date_settle",
]
