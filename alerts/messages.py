"""What a notice says, in the reader's language."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import BrokerAccount, User
from alerts.models import Delivery
from alerts.routing import zone_of
from alerts.selectors import alert_view, fact_lines
from alerts.transports import Message
from ops.alerts.store import one_line
from ops.clocks import wall_now
from ops.models import Alert, Severity

SUBJECT_LIMIT = 120


def message_of(delivery: Delivery) -> Message:
    """The notice that a delivery carries."""
    with translation.override(delivery.owner.language):
        if delivery.alert is None:
            return _test_message(delivery)
        return _alert_message(delivery, delivery.alert)


def _alert_message(delivery: Delivery, alert: Alert) -> Message:
    zone = zone_of(delivery.owner)
    severity = str(Severity(alert.severity).label)
    heading = f"[{severity}] {alert.kind_label}"
    title = alert.title_in(delivery.owner.language)
    lines = [heading, title]
    account = _account_name(alert.account_id, delivery.owner)
    if account:
        lines.append(_("Account: %(name)s") % {"name": account})
    if alert.host:
        lines.append(_("Host: %(name)s") % {"name": alert.host})
    lines += fact_lines(alert)
    lines.append(_("Time: %(time)s") % {"time": f"{alert.last_at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"})
    if alert.count > 1:
        lines.append(_("Seen %(count)s times") % {"count": alert.count})
    return Message(
        delivery_id=str(delivery.pk),
        subject=one_line(f"{heading}: {title}", SUBJECT_LIMIT),
        text="\n".join(lines),
        payload={"version": 1, "type": "alert", "delivery": str(delivery.pk), "alert": _plain(alert)},
    )


def _plain(alert: Alert) -> dict[str, object]:
    """The alert's view with times as text."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in _items(alert)}


def _items(alert: Alert) -> list[tuple[str, object]]:
    return list(alert_view(alert).items())


def _test_message(delivery: Delivery) -> Message:
    when = wall_now().astimezone(zone_of(delivery.owner))
    text = _("Test from QMT Desk: this channel works.")
    return Message(
        delivery_id=str(delivery.pk),
        subject=text,
        text=f"{text}\n{delivery.channel_name}\n{when:%Y-%m-%d %H:%M:%S %Z}",
        payload={
            "version": 1,
            "type": "test",
            "delivery": str(delivery.pk),
            "channel": delivery.channel_name,
            "at": wall_now().isoformat(),
        },
    )


def _account_name(account_id: int | None, user: User) -> str:
    if account_id is None:
        return ""
    account = BrokerAccount.objects.visible_to(user).filter(pk=account_id).first()
    return one_line(account.name, 80) if account is not None else ""
