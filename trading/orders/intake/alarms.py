"""What must never happen quietly: the broker has an order that we had ended ourselves."""

from __future__ import annotations

import logging
from functools import partial

from django.db import transaction

from accounts.services import account_halt
from ops import audit
from ops.audit import Actor
from ops.publish import publish
from trading.ledger.journal import DATABASE, Journal
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
    alert = {"kind": "order.adopted", "account": order.account_id, **facts}
    transaction.on_commit(partial(publish, "alerts", alert), using=DATABASE, robust=True)
