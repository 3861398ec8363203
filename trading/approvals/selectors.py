"""The approval queue, put together."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from trading.execution.selectors import executions_to_approve
from trading.money.selectors import transfers_to_approve
from trading.orders.selectors import orders_to_approve


def approvals_waiting(user: User | AnonymousUser) -> dict[str, list[dict[str, Any]]]:
    """The whole queue: ``orders``, ``executions`` and ``transfers`` that wait for somebody else, each oldest first."""
    return {
        "orders": orders_to_approve(user),
        "executions": executions_to_approve(user),
        "transfers": transfers_to_approve(user),
    }
