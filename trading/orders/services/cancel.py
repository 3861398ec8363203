"""Wanting an order cancelled: the intent is a fact of its own, and no limit of ours refuses it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.actors import actor_for_token, actor_for_user
from accounts.models import ApiToken, User
from accounts.selectors import cancel_refusal
from ops import audit
from ops.errors import Code, Conflict, NotFound
from trading.ledger.journal import DATABASE, Journal, account_journal
from trading.orders.choices import OrderEventKind, Status
from trading.orders.models import Order
from trading.orders.services.waking import wake
from trading.orders.states import TERMINAL
from trading.orders.steps import take

#: A sent cancel that the order's state does not show after this long may be wanted again, by a person.
REPEAT_AFTER = timedelta(seconds=5)
_NOT_SENT_YET = frozenset({Status.QUEUED, Status.PENDING_APPROVAL})


def order_cancel(*, user: User, order_id: UUID, token: ApiToken | None = None, request_id: str = "") -> Order:
    """Want an order cancelled. A queued one is CANCELLED at once; otherwise the intent is stored.

    The stored intent is sent when the terminal's number of the order is known and the
    session takes cancels. Asking again changes nothing while the first cancel may still work.

    Raises
    ------
    NotFound
        ORDER_NOT_FOUND: no such order, or not the user's.
    Forbidden
        TRADE_NOT_GRANTED, or ORDER_NOT_YOURS for who may cancel their own orders only.
    Conflict
        ORDER_FINAL: there is nothing left to cancel.
    """
    order = Order.objects.visible_to(user).select_related("account").filter(pk=order_id).first()
    if order is None:
        raise NotFound(Code.ORDER_NOT_FOUND, order=str(order_id))
    refusal = cancel_refusal(user, order.account, owner_id=order.created_by_id)
    if refusal is not None:
        raise refusal
    with account_journal(order.account_id) as journal:
        order = Order.objects.select_related("created_by").get(pk=order.pk)
        before = order.status
        if before in TERMINAL:
            raise Conflict(Code.ORDER_FINAL, order=str(order.pk), state=str(before))
        if not _want(journal, order, user):
            return order
        transaction.on_commit(partial(wake, order), using=DATABASE, robust=True)
        audit.record(
            actor=actor_for_user(user) if token is None else actor_for_token(token),
            action="order.cancel_requested",
            target=f"order:{order.pk}",
            before={"status": str(before)},
            after={"status": str(order.status)},
            account_id=order.account_id,
            request_id=request_id,
        )
    return order


def _want(journal: Journal, order: Order, user: User) -> bool:
    """Store the intent; False when it stands already and may still be carried out."""
    wanted: dict[str, Any] = {"cancel_requested_at": journal.at, "cancel_requested_by": user}
    if order.status in _NOT_SENT_YET:
        return take(
            journal,
            order,
            Status.CANCELLED,
            kind=OrderEventKind.CANCELLED,
            strict=True,
            **wanted,
        )
    if order.cancel_requested_at is not None:
        sent_at = order.cancel_sent_at
        if sent_at is None or order.status == Status.PENDING_CANCEL:
            return False
        if journal.at - sent_at < REPEAT_AFTER:
            return False
        wanted["cancel_sent_at"] = None
    return take(
        journal,
        order,
        order.status,
        kind=OrderEventKind.CANCEL_REQUESTED,
        data={"by": user.username},
        **wanted,
    )
