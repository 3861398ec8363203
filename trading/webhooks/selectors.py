"""Reads of webhooks: everybody's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accounts.models import User
from ops.errors import Code, NotFound
from trading.ledger.wire import moment
from trading.webhooks.models import EventDelivery, Webhook


def webhook_get(user: User, webhook_id: int) -> Webhook:
    """One webhook of `user`; raises NotFound."""
    webhook = Webhook.objects.select_related("owner").filter(owner=user, pk=webhook_id).first()
    if webhook is None:
        raise NotFound(Code.NOT_FOUND, webhook=webhook_id)
    return webhook


def delivery_get(user: User, delivery_id: UUID) -> EventDelivery:
    """One delivery of a webhook of `user`; raises NotFound."""
    rows = EventDelivery.objects.select_related("webhook__owner").filter(webhook__owner=user)
    delivery = rows.filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound(Code.NOT_FOUND, delivery=str(delivery_id))
    return delivery


def webhook_view(webhook: Webhook) -> dict[str, Any]:
    """One webhook, without what opens it."""
    return {
        "id": webhook.pk,
        "account": webhook.account_id,
        "name": webhook.name,
        "address": webhook.hint,
        "kinds": list(webhook.kinds),
        "state": str(webhook.state),
        "cursor": webhook.cursor,
        "failures": webhook.failures,
        "created_at": moment(webhook.created_at),
    }


def delivery_view(delivery: EventDelivery) -> dict[str, Any]:
    """One delivery with what each attempt led to."""
    return {
        "id": str(delivery.pk),
        "version": delivery.version,
        "kind": delivery.kind,
        "status": str(delivery.status),
        "attempt": delivery.attempt,
        "attempts": list(delivery.attempts),
        "response_code": delivery.response_code,
        "error": delivery.error,
        "latency_ms": delivery.latency_ms,
        "created_at": moment(delivery.created_at),
        "due_at": moment(delivery.due_at),
        "finished_at": moment(delivery.finished_at),
    }
