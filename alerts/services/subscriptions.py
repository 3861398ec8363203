"""Writes of subscriptions and quiet hours. Audited: what somebody did not want to hear is a decision too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from django.db import transaction

from accounts.models import BrokerAccount, User
from alerts.models import Channel, QuietHours, Subscription
from ops import audit
from ops.audit import Actor
from ops.errors import Code, Conflict, Invalid

SUBSCRIPTIONS_LIMIT = 100


def subscription_add(
    *,
    actor: Actor,
    owner: User,
    channel: Channel,
    min_severity: str,
    kinds: Sequence[str] = (),
    account: BrokerAccount | None = None,
) -> Subscription:
    """Have alerts sent to one of the person's own channels."""
    if Subscription.objects.filter(owner=owner).count() >= SUBSCRIPTIONS_LIMIT:
        raise Conflict(Code.CONFLICT, f"At most {SUBSCRIPTIONS_LIMIT} subscriptions.")
    with transaction.atomic():
        row = Subscription.objects.create(
            owner=owner,
            channel=channel,
            min_severity=min_severity,
            kinds=sorted(set(kinds)),
            account=account,
        )
        _record(actor, "alert_subscription.added", row, after=_facts(row))
    return row


def subscription_change(
    *,
    actor: Actor,
    subscription: Subscription,
    min_severity: str | None = None,
    kinds: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> Subscription:
    """Change what is given."""
    before = _facts(subscription)
    if min_severity is not None:
        subscription.min_severity = min_severity
    if kinds is not None:
        subscription.kinds = sorted(set(kinds))
    if enabled is not None:
        subscription.enabled = enabled
    after = _facts(subscription)
    if after != before:
        with transaction.atomic():
            subscription.save()
            _record(actor, "alert_subscription.changed", subscription, before=before, after=after)
    return subscription


def subscription_remove(*, actor: Actor, subscription: Subscription) -> None:
    """Stop sending."""
    with transaction.atomic():
        _record(actor, "alert_subscription.removed", subscription, before=_facts(subscription))
        subscription.delete()


def quiet_hours_set(*, actor: Actor, owner: User, start: time, end: time, silence_critical: bool = False) -> QuietHours:
    """Keep alerts back from `start` to `end` (over midnight, if it ends earlier) in the person's time zone.

    Raises
    ------
    Invalid
        FIELD_INVALID: an empty span, or one that never ends.
    """
    if start == end:
        raise Invalid(Code.FIELD_INVALID, "Quiet hours have to end at another time than they begin.", field="end")
    after = {"start": start.isoformat("minutes"), "end": end.isoformat("minutes"), "critical": silence_critical}
    with transaction.atomic():
        QuietHours.objects.update_or_create(
            owner=owner, defaults={"start": start, "end": end, "silence_critical": silence_critical}
        )
        audit.record(actor=actor, action="alert_quiet_hours.set", target=f"user:{owner.pk}", after=after)
    return QuietHours.objects.get(owner=owner)


def quiet_hours_remove(*, actor: Actor, owner: User) -> bool:
    """No quiet hours any more; False when there were none."""
    with transaction.atomic():
        removed, _ = QuietHours.objects.filter(owner=owner).delete()
        if removed:
            audit.record(actor=actor, action="alert_quiet_hours.removed", target=f"user:{owner.pk}")
    return bool(removed)


def _facts(row: Subscription) -> dict[str, object]:
    return {
        "channel": row.channel_id,
        "min_severity": row.min_severity,
        "kinds": row.kinds,
        "account": row.account_id,
        "enabled": row.enabled,
    }


def _record(
    actor: Actor,
    action: str,
    row: Subscription,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=f"alert_subscription:{row.pk}",
        before=before,
        after=after,
    )
