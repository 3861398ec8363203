"""Reads of alerts and of what a person keeps around them. One rule decides what a person may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, User
from alerts.models import Channel, Delivery, Subscription
from ops.alerts.store import one_line
from ops.errors import Code, NotFound
from ops.models import Alert

SHOWN_LIMIT = 100
_Owned = TypeVar("_Owned", bound=Model)


def alerts_visible_to(user: User | AnonymousUser) -> QuerySet[Alert]:
    """Alerts that `user` may see: of visible accounts, of hosts with a visible account, and everything for
    those who see every account."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Alert.objects.none()
    if user.role in SEES_EVERY_ACCOUNT and user.account_limit is None:
        return Alert.objects.all()
    accounts = BrokerAccount.objects.visible_to(user)
    return Alert.objects.filter(
        Q(account_id__in=accounts.values("pk"))
        | Q(account_id=None, host__in=accounts.values("host__name")) & ~Q(host="")
    )


def alert_get(user: User, alert_id: int) -> Alert:
    """One alert; ALERT_NOT_FOUND for one that is not there and one that is not the person's to see."""
    alert = alerts_visible_to(user).filter(pk=alert_id).first()
    if alert is None:
        raise NotFound(Code.ALERT_NOT_FOUND)
    return alert


def may_acknowledge(user: User, alert: Alert) -> bool:
    """Whether `user` may close a visible alert for everybody: who could act on it, not who only looks."""
    if user.role in SEES_EVERY_ACCOUNT:
        return True
    tradable = BrokerAccount.objects.cancellable_by(user)
    if alert.account_id is not None:
        return tradable.filter(pk=alert.account_id).exists()
    return bool(alert.host) and tradable.filter(host__name=alert.host).exists()


def open_alerts(user: User, ids: Iterable[int] | None = None) -> list[dict[str, Any]]:
    """The open alerts of a person, newest first; with `ids`: those alerts, open or not."""
    rows = alerts_visible_to(user)
    rows = rows.filter(closed_at=None) if ids is None else rows.filter(pk__in=list(ids))
    return [alert_view(alert) for alert in rows.order_by("-id")[:SHOWN_LIMIT]]


def alert_view(alert: Alert) -> dict[str, Any]:
    """An alert as the live socket and webhooks show it."""
    return {
        "id": alert.pk,
        "kind": alert.kind,
        "severity": alert.severity,
        "title": alert.title,
        "titles": alert.titles,
        "facts": alert.facts,
        "account": alert.account_id,
        "host": alert.host,
        "count": alert.count,
        "first_at": alert.first_at,
        "last_at": alert.last_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_label or None,
        "cleared_at": alert.cleared_at,
        "open": alert.closed_at is None,
    }


def channel_get(user: User, channel_id: int) -> Channel:
    """One of the person's own channels; another's is not there."""
    return _own(Channel.objects.filter(owner=user), channel_id, Code.ALERT_CHANNEL_NOT_FOUND)


def subscription_get(user: User, subscription_id: int) -> Subscription:
    """One of the person's own subscriptions; another's is not there."""
    return _own(Subscription.objects.filter(owner=user), subscription_id, Code.ALERT_SUBSCRIPTION_NOT_FOUND)


def deliveries_of(user: User) -> QuerySet[Delivery]:
    """The person's own delivery log."""
    return Delivery.objects.filter(owner=user).select_related("alert")


def _own(rows: QuerySet[_Owned], pk: int, code: Code) -> _Owned:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound(code)
    return row


def fact_lines(alert: Alert) -> list[str]:
    """The facts as `key=value`, one per line."""
    return [f"{one_line(str(name), 40)}={one_line(str(value), 400)}" for name, value in alert.facts.items()]
