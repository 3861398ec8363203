"""From an alert to deliveries: who subscribed, who may see it, who wants silence now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import F

from accounts.models import User
from alerts.models import Channel, Delivery, QuietHours, Subscription
from alerts.quiet import quiet_until
from alerts.selectors import alerts_visible_to
from ops.clocks import SHANGHAI, wall_now
from ops.models import Alert, Severity

ROUTE_LIMIT = 200


def route(alert_id: int) -> list[str]:
    """Make the deliveries of an alert's newest notice; returns the ids of those due now.

    Repeating it changes nothing: one notice reaches one channel once.
    """
    alert = Alert.objects.filter(pk=alert_id, routed__lt=F("notices")).first()
    if alert is None:
        return []
    now = wall_now()
    deliveries = [
        Delivery(
            owner=channel.owner,
            alert=alert,
            notice=alert.notices,
            channel=channel,
            channel_name=channel.name,
            due_at=_due_at(channel.owner, alert, now),
        )
        for channel in _channels(alert)
    ]
    with transaction.atomic():
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
        Alert.objects.filter(pk=alert.pk, routed__lt=alert.notices).update(routed=alert.notices)
    return [str(delivery.pk) for delivery in deliveries if delivery.due_at <= now]


def unrouted() -> list[int]:
    """Alerts whose newest notice has not become deliveries yet."""
    rows = Alert.objects.filter(routed__lt=F("notices")).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:ROUTE_LIMIT])


def _channels(alert: Alert) -> Iterator[Channel]:
    """Each channel that is to carry the alert, once."""
    rows = (
        Subscription.objects.filter(enabled=True, channel__enabled=True, owner__is_active=True)
        .select_related("channel", "owner", "owner__quiet_hours")
        .order_by("channel_id", "pk")
    )
    rank = Severity(alert.severity).rank
    told: set[int] = set()
    sees: dict[int, bool] = {}
    for row in rows:
        if row.channel_id in told or Severity(row.min_severity).rank > rank:
            continue
        if row.kinds and alert.kind not in row.kinds:
            continue
        if row.account_id is not None and row.account_id != alert.account_id:
            continue
        # Asked now, not when the subscription was made: rights may have been withdrawn since.
        if row.owner_id not in sees:
            sees[row.owner_id] = alerts_visible_to(row.owner).filter(pk=alert.pk).exists()
        if sees[row.owner_id]:
            told.add(row.channel_id)
            channel = row.channel
            channel.owner = row.owner
            yield channel


def _due_at(owner: User, alert: Alert, now: datetime) -> datetime:
    """Now, or the end of the person's quiet hours."""
    quiet: QuietHours | None = getattr(owner, "quiet_hours", None)
    if quiet is None or (alert.severity == Severity.CRITICAL and not quiet.silence_critical):
        return now
    return quiet_until(now, start=quiet.start, end=quiet.end, zone=zone_of(owner)) or now


def zone_of(user: User) -> ZoneInfo:
    """The person's time zone; Shanghai when the stored one is not known here."""
    try:
        return ZoneInfo(user.display_timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return SHANGHAI
