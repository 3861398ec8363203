"""Somebody has seen it and takes it from here."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from alerts.selectors import alert_get, may_acknowledge
from ops import audit
from ops.alerts.store import CHANNEL
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Forbidden
from ops.models import Alert
from ops.publish import publish


def alert_acknowledge(*, actor: Actor, user: User, alert_id: int) -> Alert:
    """Close an alert for everybody, with who and when. The first one counts; a repeat changes nothing.

    An alert whose condition is over already can be acknowledged too.

    Raises
    ------
    NotFound
        ALERT_NOT_FOUND, for others' alerts too.
    Forbidden
        ALERT_LOOK_ONLY: seen, but only for looking.
    """
    alert = alert_get(user, alert_id)
    if not may_acknowledge(user, alert):
        raise Forbidden(Code.ALERT_LOOK_ONLY, alert=alert_id)
    now = wall_now()
    with transaction.atomic():
        changed = Alert.objects.filter(pk=alert.pk, acknowledged_at=None).update(
            acknowledged_at=now,
            acknowledged_by=user.pk,
            acknowledged_label=user.username,
            closed_at=alert.closed_at or now,
        )
        if changed:
            audit.record(
                actor=actor,
                action="alert.acknowledged",
                target=f"alert:{alert.pk}",
                after={"kind": alert.kind, "severity": alert.severity, "title": alert.title, "count": alert.count},
                account_id=alert.account_id,
            )
            transaction.on_commit(lambda: _publish(alert.pk), robust=True)
    alert.refresh_from_db()
    return alert


def _publish(alert_id: int) -> None:
    publish(CHANNEL, {"id": alert_id})
