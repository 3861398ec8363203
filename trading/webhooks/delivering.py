"""Delivering events: one sender per webhook, one event after the other, from rows.

An event becomes a delivery, and the webhook's place moves on, in one transaction; the next one is taken only when this one
was taken by its receiver or given up. So a receiver sees the events of an account in order, each at least once
and always under the same id, whatever dies in between.
"""

from __future__ import annotations

import json
import logging
import random
import time
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount
from alerts.transports import SendFailed
from alerts.transports.http import post
from alerts.transports.webhook import sign
from ops.alerts import AlertKind, Severity, alert_raise
from ops.clocks import wall_now
from ops.sealing import SealBroken
from trading.ledger.models import AccountBook, AccountEvent
from trading.ledger.wire import moment
from trading.webhooks.choices import EventDeliveryStatus, WebhookState
from trading.webhooks.models import EventDelivery, Webhook
from trading.webhooks.services import TEST_VERSION, alert_key, destination_of

log = logging.getLogger(__name__)

#: Pause before each further attempt; after the last one the event is given up.
PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 8, 30, 120, 600, 1800))
#: Given-up events in a row after which the webhook pauses.
MOST_FAILURES: Final = 3
#: Longer than one exchange with a receiver: a killed sender's webhook is taken over after this.
CLAIM_LASTS: Final = timedelta(seconds=60)
#: Events delivered in one turn, and for how long, so that one webhook lets others through.
BATCH, TURN_SECONDS = 100, 10.0
KEPT: Final = timedelta(days=14)
GAP: Final = "gap"


def due(now: datetime) -> list[int]:
    """Webhooks with something to deliver now and nobody who does."""
    free = Webhook.objects.filter(state=WebhookState.ACTIVE).filter(Q(claimed_until=None) | Q(claimed_until__lt=now))
    waiting = EventDelivery.objects.filter(status=EventDeliveryStatus.PENDING)
    found = []
    for webhook in free.select_related("account"):
        head = waiting.filter(webhook=webhook).order_by("version").first()
        if head is None:
            book = AccountBook.objects.filter(pk=webhook.account_id, version__gt=webhook.cursor)
            if book.exists():
                found.append(webhook.pk)
        elif head.due_at <= now:
            found.append(webhook.pk)
    return found


def deliver(webhook_id: int) -> int:
    """Deliver what is due to one webhook, in order; returns how many were taken. Nothing while somebody else does."""
    now = wall_now()
    until = now + CLAIM_LASTS
    mine = Webhook.objects.filter(pk=webhook_id, state=WebhookState.ACTIVE)
    if not mine.filter(Q(claimed_until=None) | Q(claimed_until__lt=now)).update(claimed_until=until):
        return 0
    taken, began = 0, time.monotonic()
    try:
        while taken < BATCH and time.monotonic() - began < TURN_SECONDS:
            # Only while the claim is ours: a sender that slept too long must not come second.
            renewed = wall_now() + CLAIM_LASTS
            if not mine.filter(claimed_until=until).update(claimed_until=renewed):
                return taken
            until = renewed
            if not _next(webhook_id):
                break
            taken += 1
    finally:
        Webhook.objects.filter(pk=webhook_id, claimed_until=until).update(claimed_until=None)
    return taken


def prune(now: datetime) -> int:
    """Delete log entries that have outlived their use; what waits stays. Returns how many."""
    old = EventDelivery.objects.filter(created_at__lt=now - KEPT).exclude(status=EventDeliveryStatus.PENDING)
    return old.delete()[0]


def _next(webhook_id: int) -> bool:
    """Deliver one event; False when there is none, it is not due, or it was not taken."""
    webhook = Webhook.objects.select_related("owner", "account").get(pk=webhook_id)
    if webhook.state != WebhookState.ACTIVE:
        return False
    if not BrokerAccount.objects.visible_to(webhook.owner).filter(pk=webhook.account_id).exists():
        _revoke(webhook)
        return False
    waiting = EventDelivery.objects.filter(webhook=webhook, status=EventDeliveryStatus.PENDING)
    delivery = waiting.order_by("version").first() or _take(webhook)
    if delivery is None or delivery.due_at > wall_now():
        return False
    return _attempt(webhook, delivery)


def _take(webhook: Webhook) -> EventDelivery | None:
    """The next event as a delivery, and the webhook's place behind it; None when nothing has happened."""
    events = AccountEvent.objects.filter(account_id=webhook.account_id, version__gt=webhook.cursor)
    with transaction.atomic():
        oldest = events.order_by("version").values_list("version", flat=True).first()
        if oldest is not None and oldest > webhook.cursor + 1:
            # The account's log is bounded: who was away for longer is told what is missing, not left to guess.
            return _stored(webhook, oldest - 1, GAP, {"from": webhook.cursor + 1, "to": oldest - 1}, wall_now())
        wanted = events.filter(kind__in=webhook.kinds) if webhook.kinds else events
        event = wanted.order_by("version").first()
        if event is None:
            newest = events.order_by("-version").values_list("version", flat=True).first()
            if newest is not None:
                Webhook.objects.filter(pk=webhook.pk, cursor=webhook.cursor).update(cursor=newest)
            return None
        return _stored(webhook, event.version, event.kind, event.payload, event.at)


def _stored(webhook: Webhook, version: int, kind: str, data: dict[str, Any], at: datetime) -> EventDelivery | None:
    moved = Webhook.objects.filter(pk=webhook.pk, cursor=webhook.cursor).update(cursor=version)
    if not moved:
        return None
    webhook.cursor = version
    now = wall_now()
    key = EventDelivery.id_of(webhook.pk, webhook.account_id, version)
    body = {
        "id": str(key),
        "account": webhook.account_id,
        "version": version,
        "kind": kind,
        "at": moment(at),
        "data": data,
    }
    return EventDelivery.objects.create(
        id=key, webhook=webhook, version=version, kind=kind, body=body, created_at=now, due_at=now
    )


def _attempt(webhook: Webhook, delivery: EventDelivery) -> bool:
    """One POST; what came of it is stored."""
    began = time.monotonic()
    code, failure = None, None
    try:
        code = _post(webhook, delivery)
    except SendFailed as error:
        code, failure = error.code, error
    except SealBroken:
        failure = SendFailed("the address is sealed with a key that is not there", retry=False)
    except Exception as error:  # noqa: BLE001 - its text may contain the address: only the kind is kept
        log.error("delivery %s failed: %s", delivery.pk, type(error).__name__)
        failure = SendFailed(f"the sender failed ({type(error).__name__})")
    delivery.attempt += 1
    delivery.latency_ms = round((time.monotonic() - began) * 1000)
    delivery.response_code, delivery.error = code, "" if failure is None else failure.reason[:300]
    _settle(webhook, delivery, failure)
    return failure is None


def _post(webhook: Webhook, delivery: EventDelivery) -> int:
    destination = destination_of(webhook)
    body = json.dumps(delivery.body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    timestamp, key = int(time.time()), str(delivery.pk)
    headers = {
        "X-Desk-Delivery": key,
        "X-Desk-Timestamp": str(timestamp),
        "X-Desk-Signature": sign(destination.secret, timestamp=timestamp, delivery=key, body=body),
    }
    return post(destination.address, body, headers).status


def _settle(webhook: Webhook, delivery: EventDelivery, failure: SendFailed | None) -> None:
    now = wall_now()
    trial = delivery.version == TEST_VERSION  # a person waits for its outcome, and no event
    if failure is None:
        delivery.status, delivery.finished_at = EventDeliveryStatus.SENT, now
    elif failure.retry and delivery.attempt <= len(PAUSES) and not trial:
        # Jitter: a receiver that comes back must not meet everybody in the same second.
        pause = PAUSES[delivery.attempt - 1] * random.uniform(0.8, 1.2)  # noqa: S311
        delivery.due_at = now + pause
    else:
        delivery.status, delivery.finished_at = EventDeliveryStatus.DEAD, now
    entry = {
        "at": moment(now),
        "attempt": delivery.attempt,
        "status": str(delivery.status),
        "response_code": delivery.response_code,
        "error": delivery.error,
        "latency_ms": delivery.latency_ms,
    }
    delivery.attempts = [*delivery.attempts, entry][-20:]
    with transaction.atomic():
        delivery.save()
        if failure is None:
            Webhook.objects.filter(pk=webhook.pk).exclude(failures=0).update(failures=0)
        elif delivery.status == EventDeliveryStatus.DEAD and not trial:
            _count_failure(webhook, delivery)


def _count_failure(webhook: Webhook, delivery: EventDelivery) -> None:
    log.warning("webhook %s gave up on event %s: %s", webhook.pk, delivery.version, delivery.error)
    rows = Webhook.objects.filter(pk=webhook.pk)
    rows.update(failures=F("failures") + 1)
    paused = rows.filter(failures__gte=MOST_FAILURES, state=WebhookState.ACTIVE).update(state=WebhookState.PAUSED)
    if paused:
        alert_raise(
            AlertKind.WEBHOOK_PAUSED,
            Severity.WARNING,
            format_lazy(
                _("The webhook {name} of {owner} is paused: its receiver takes nothing"),
                name=webhook.name,
                owner=webhook.owner.username,
            ),
            {"webhook": webhook.pk, "address": webhook.hint, "error": delivery.error},
            dedup_key=alert_key(webhook),
            account_id=webhook.account_id,
        )


def _revoke(webhook: Webhook) -> None:
    """The person may not see the account any more: nothing of it leaves, not even what waited."""
    now = wall_now()
    with transaction.atomic():
        Webhook.objects.filter(pk=webhook.pk).update(state=WebhookState.REVOKED)
        webhook.deliveries.filter(status=EventDeliveryStatus.PENDING).update(
            status=EventDeliveryStatus.SKIPPED, error="the person may not see the account any more", finished_at=now
        )
