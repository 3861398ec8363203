"""What must never happen quietly: the broker has an order that we had ended ourselves."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.services import account_halt
from ops import audit
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.audit import Actor
from trading.ledger.journal import Journal
from trading.orders.choices import Side, Status
from trading.orders.models import Order

logger = logging.getLogger(__name__)

ACTOR = Actor.system("trade-intake")


def raise_adopted(journal: Journal, order: Order, before: str) -> None:
    """Adopt with an alarm: log, audit, tell, and halt the account for new orders."""
    facts = {
        "order": str(order.pk),
        "tag": order.tag,
        "symbol": order.symbol,
        "ended_as": str(before),
        "found_as": str(order.status),
    }
    logger.error("account %s: the broker has an order that had ended here: %s", order.account_id, facts)
    audit.record(
        actor=ACTOR,
        action="order.adopted",
        target=f"order:{order.pk}",
        before={"status": str(before)},
        after={"status": str(order.status)},
        account_id=order.account_id,
    )
    account_halt(
        actor=ACTOR,
        account=journal.book.account,
        reason=f"the broker has order {order.pk}, which had ended here as {before}",
    )
    alert_raise(
        AlertKind.ORDER_ADOPTED,
        Severity.CRITICAL,
        format_lazy(
            _("{side} {quantity} {symbol} had ended here as {status}; the broker has it"),
            status=Status(before).label,
            **_named(order),
        ),
        facts,
        dedup_key=f"order.adopted:{order.pk}",
        account_id=order.account_id,
    )


def _named(order: Order) -> dict[str, Any]:
    """What a title says of an order, in the reader's language."""
    return {"side": Side(order.side).label, "quantity": order.quantity, "symbol": order.symbol}


def tell_unresolved(order_ids: Sequence[UUID], kind: AlertKind, reason: str) -> None:
    """Tell people about orders whose fate nobody knows. What they are told is never an order's trouble."""
    try:
        orders = list(Order.objects.filter(pk__in=order_ids)) if order_ids else []
    except DatabaseError:
        logger.exception("nobody was told that these are %s: %s", kind, order_ids)
        return
    for order in orders:
        alert_raise(
            kind,
            Severity.CRITICAL if kind == AlertKind.ORDER_UNKNOWN else Severity.WARNING,
            format_lazy("{side} {quantity} {symbol}: {reason}", reason=reason, **_named(order)),
            {"order": str(order.pk), "symbol": order.symbol, "host": order.host_name, "status": order.status},
            dedup_key=f"{kind}:{order.pk}",
            account_id=order.account_id,
        )


def tell_missed_date(account_id: int, trade_date: date) -> None:
    """Tell people that new orders are denied until somebody has settled a trade date."""
    alert_raise(
        AlertKind.ACCOUNT_HALTED,
        Severity.CRITICAL,
        format_lazy(_("Trade date {date} ended unseen, and holdings or money differ"), date=trade_date),
        {"trade_date": trade_date.isoformat()},
        dedup_key=_missed_date_key(account_id, trade_date),
        account_id=account_id,
    )


def missed_date_settled(account_id: int, trade_date: date) -> None:
    """That trouble is over."""
    alert_clear(_missed_date_key(account_id, trade_date))


def _missed_date_key(account_id: int, trade_date: date) -> str:
    return f"trade_date.missed:{account_id}:{trade_date}"
