"""Giving back what an order that was never found still holds: a person's decision, audited."""

from __future__ import annotations

from uuid import UUID

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from accounts.selectors import cancel_refusal
from ops import audit
from ops.errors import Code, Conflict
from trading.ledger.journal import account_journal
from trading.orders.choices import OrderEventKind, Status
from trading.orders.models import Order
from trading.orders.selectors import order_get
from trading.orders.steps import ZERO, take


def reservation_release(*, user: User, order_id: UUID, token: ApiToken | None = None, request_id: str = "") -> Order:
    """Release the reservation of a NOT_FOUND order before its trade date closes.

    The order stays NOT_FOUND, and is still adopted should the broker speak of it.

    Raises
    ------
    NotFound
        ORDER_NOT_FOUND.
    Forbidden
        TRADE_NOT_GRANTED, ORDER_NOT_YOURS.
    Conflict
        NOTHING_RESERVED: the order is not NOT_FOUND, or holds nothing any more.
    """
    order = order_get(user, order_id)
    refusal = cancel_refusal(user, order.account, owner_id=order.created_by_id)
    if refusal is not None:
        raise refusal
    with account_journal(order.account_id) as journal:
        order = Order.objects.select_related("created_by").get(pk=order.pk)
        held = {"cash": order.reserved_cash, "quantity": order.reserved_quantity}
        if order.status != Status.NOT_FOUND or not any(held.values()):
            raise Conflict(Code.NOTHING_RESERVED, order=str(order.pk), state=str(order.status))
        take(
            journal,
            order,
            order.status,
            kind=OrderEventKind.RELEASED,
            data={"by": user.username},
            reserved_cash=ZERO,
            reserved_quantity=0,
        )
        audit.record(
            actor=actor_for(user, token),
            action="order.reservation_released",
            target=f"order:{order.pk}",
            before=held,
            after={"cash": ZERO, "quantity": 0},
            account_id=order.account_id,
            request_id=request_id,
        )
    return order
