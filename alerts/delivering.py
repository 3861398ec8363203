"""Sending what is due: claimed by one UPDATE, tried a few times with growing pauses, logged each time."""

from __future__ import annotations

import logging
import random
import time
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from alerts.choices import FINAL, DeliveryStatus
from alerts.messages import message_of
from alerts.models import Delivery
from alerts.selectors import alerts_visible_to
from alerts.services.channels import destination_of
from alerts.transports import SENDERS, Answer, SendFailed
from ops.clocks import wall_now
from ops.errors import DeskError
from ops.models import Alert

log = logging.getLogger(__name__)

ATTEMPTS_LIMIT = 5
#: Pause before each further attempt.
PAUSES = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20))
#: A worker that was killed while sending: another one tries again. Longer than the slowest mail server's dialogue,
#: which has ten seconds for each of its steps.
CLAIM_LASTS = timedelta(seconds=120)
SWEEP_LIMIT = 100
#: How long the log is kept. Who acknowledged what stays on the audit trail for ever.
KEPT = timedelta(days=180)


def due(now: datetime) -> list[str]:
    """Deliveries to be sent now, and those whose sender died."""
    dead = Delivery.objects.filter(status=DeliveryStatus.SENDING, claimed_at__lt=now - CLAIM_LASTS)
    dead.update(status=DeliveryStatus.PENDING, claimed_at=None)
    rows = Delivery.objects.filter(status=DeliveryStatus.PENDING, due_at__lte=now).order_by("due_at")
    return [str(pk) for pk in rows.values_list("pk", flat=True)[:SWEEP_LIMIT]]


def deliver(delivery_id: str) -> str:
    """Send one delivery if it is due and nobody else does; returns its status afterwards."""
    now = wall_now()
    claimed = Delivery.objects.filter(pk=delivery_id, status=DeliveryStatus.PENDING, due_at__lte=now).update(
        status=DeliveryStatus.SENDING, claimed_at=now, attempt=F("attempt") + 1
    )
    if not claimed:
        return "not due"
    delivery = Delivery.objects.select_related("owner", "channel", "alert").get(pk=delivery_id)
    reason = _no_longer_wanted(delivery)
    if reason:
        _finish(delivery, DeliveryStatus.SKIPPED, error=reason)
        return delivery.status
    _attempt(delivery)
    return delivery.status


def _no_longer_wanted(delivery: Delivery) -> str:
    """Why this must not be sent any more; blank when it must."""
    channel = delivery.channel
    if channel is None:
        return "the channel was removed"
    if not delivery.owner.is_active:
        return "the person has left"
    if delivery.alert is None:
        return ""
    if not channel.enabled:
        return "the channel is switched off"
    if not alerts_visible_to(delivery.owner).filter(pk=delivery.alert.pk).exists():
        return "the person may not see it any more"
    waited = delivery.attempt == 1 and delivery.due_at > delivery.created_at + timedelta(seconds=1)
    if waited and delivery.alert.closed_at is not None:
        return "it was over before the quiet hours ended"
    return ""


def _attempt(delivery: Delivery) -> None:
    channel = delivery.channel
    assert channel is not None  # noqa: S101 - _no_longer_wanted has said so
    began = time.monotonic()
    failure: SendFailed | None = None
    answer = Answer()
    try:
        answer = SENDERS[channel.kind](message_of(delivery), destination_of(channel))
    except SendFailed as error:
        failure = error
    except DeskError as error:
        failure = SendFailed(error.message, retry=False)
    except Exception as error:  # noqa: BLE001 - one channel's failure must not stop the others
        # Its text may contain the address: only the kind of failure is kept.
        log.error("delivery %s failed: %s", delivery.pk, type(error).__name__)
        failure = SendFailed(f"the sender failed ({type(error).__name__})")
    latency_ms = round((time.monotonic() - began) * 1000)
    if failure is None:
        _finish(delivery, DeliveryStatus.SENT, code=answer.code, latency_ms=latency_ms)
    elif failure.retry and delivery.attempt < ATTEMPTS_LIMIT:
        _put_off(delivery, failure, latency_ms)
    else:
        _finish(delivery, DeliveryStatus.FAILED, code=failure.code, error=failure.reason, latency_ms=latency_ms)
        log.warning("alert delivery %s failed for good: %s", delivery.pk, failure.reason)


def _put_off(delivery: Delivery, failure: SendFailed, latency_ms: int) -> None:
    pause = PAUSES[min(delivery.attempt, len(PAUSES)) - 1]
    # Jitter: a receiver that comes back must not meet everybody in the same second.
    delivery.due_at = wall_now() + pause * random.uniform(0.8, 1.2)  # noqa: S311
    _note(delivery, DeliveryStatus.PENDING, code=failure.code, error=failure.reason, latency_ms=latency_ms)
    _write(delivery)


def _finish(
    delivery: Delivery,
    status: DeliveryStatus,
    *,
    code: int | None = None,
    error: str = "",
    latency_ms: int | None = None,
) -> None:
    delivery.finished_at = wall_now()
    _note(delivery, status, code=code, error=error, latency_ms=latency_ms)
    _write(delivery)


def _note(delivery: Delivery, status: DeliveryStatus, *, code: int | None, error: str, latency_ms: int | None) -> None:
    delivery.status = status
    delivery.response_code, delivery.error, delivery.latency_ms = code, error[:300], latency_ms
    entry: dict[str, Any] = {"at": wall_now().isoformat(timespec="milliseconds"), "attempt": delivery.attempt}
    entry |= {"status": str(status), "response_code": code, "error": error[:300], "latency_ms": latency_ms}
    delivery.attempts = [*delivery.attempts, entry][-ATTEMPTS_LIMIT:]


def _write(delivery: Delivery) -> None:
    """Only the claimer writes: a sweep that gave the row to another worker must not be overwritten."""
    fields = ("status", "response_code", "error", "latency_ms", "attempts", "due_at", "finished_at")
    Delivery.objects.filter(pk=delivery.pk, status=DeliveryStatus.SENDING, claimed_at=delivery.claimed_at).update(
        claimed_at=None, **{name: getattr(delivery, name) for name in fields}
    )


def prune(now: datetime) -> dict[str, int]:
    """Delete closed alerts and deliveries that are older than `KEPT`; returns how many of each."""
    deliveries, _ = Delivery.objects.filter(created_at__lt=now - KEPT, status__in=FINAL).delete()
    alerts, _ = Alert.objects.filter(closed_at__lt=now - KEPT).delete()
    return {"deliveries": deliveries, "alerts": alerts}
