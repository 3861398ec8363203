"""The worker's claims, of one order whose account the test does not name."""

from __future__ import annotations

from uuid import UUID

from trading.orders import claims
from trading.orders.models import Order


def claim(order_id: UUID, *, host_name: str, seen: Order | None = None) -> Order | None:
    """Claim one order for sending, as the trade worker of a host."""
    wanted = {order_id: seen}
    return claims.claim_all(wanted, account_id=_account(order_id), host_name=host_name).orders.get(order_id)


def claim_cancel(order_id: UUID, *, host_name: str) -> Order | None:
    """Claim one wanted cancel, as the trade worker of a host."""
    return claims.claim_cancel(order_id, account_id=_account(order_id), host_name=host_name)


def _account(order_id: UUID) -> int:
    return Order.objects.values_list("account_id", flat=True).get(pk=order_id)
