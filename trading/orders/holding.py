"""Orders that wait for somebody else: whether one has to, and telling the approvers that the queue has changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.publish import publish
from trading.ledger.journal import DATABASE
from trading.ledger.wire import plain
from trading.orders.choices import Side, Status
from trading.orders.models import Approval, Order
from trading.risk.approval import Wish, approval_needed
from trading.risk.context import CheckContext

CHANNEL = "approvals"


def held_for_approval(order: Order, context: CheckContext, now: datetime) -> Approval | None:
    """Let a new order wait if a rule asks for it: PENDING_APPROVAL until the rule's time is over.

    Parameters
    ----------
    order
        Judged and not stored yet; its status and its end are set here.
    context
        What the pre-trade checks looked at.
    now
        The database's time.

    Returns
    -------
    Approval or None
        The request, not stored yet; None when nobody has to approve the order.
    """
    if context.facts is None:
        return None
    wish = Wish.of(context, strategy=order.strategy, user_id=order.created_by_id, source=str(order.source))
    hold = approval_needed(context.facts.version, [wish])
    if hold is None:
        return None
    order.status = Status.PENDING_APPROVAL
    order.expires_at = now + timedelta(seconds=hold.expires_seconds)
    return Approval(
        order=order,
        rules=hold.reasons(),
        value=hold.value,
        last_price=wish.last,
        max_drift_percent=hold.max_drift_percent,
        by_token=order.token_id is not None,
    )


def tell_waiting(order: Order) -> None:
    """An order waits from now on: one alert per account, however many wait, and the queue's readers look again."""
    alert_raise(
        AlertKind.APPROVAL_WAITING,
        Severity.WARNING,
        format_lazy(
            _("{side} {quantity} {symbol} waits for approval"),
            side=Side(order.side).label,
            quantity=order.quantity,
            symbol=order.symbol,
        ),
        {
            "order": str(order.pk),
            "symbol": order.symbol,
            "side": str(order.side),
            "quantity": order.quantity,
            "price": plain(order.price),
            "expires_at": order.expires_at,
        },
        dedup_key=f"order.approval:{order.account_id}",
        account_id=order.account_id,
    )
    tell_queue(order.account_id)


def tell_left(order: Order) -> None:
    """An order does not wait any more; call it after its row was written, inside the account's journal."""
    waiting = Order.objects.filter(account_id=order.account_id, final_at__isnull=True, status=Status.PENDING_APPROVAL)
    if not waiting.exists():
        alert_clear(f"order.approval:{order.account_id}")
    tell_queue(order.account_id)


def tell_queue(account_id: int) -> None:
    """Have whoever looks at the queue read it again, after the commit."""
    transaction.on_commit(partial(publish, CHANNEL, {"account": account_id}), using=DATABASE, robust=True)
