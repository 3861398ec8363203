"""Texts of the pages about alerts, the audit trail and the configuration."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from alerts.choices import ChannelKind, DeliveryStatus
from ops.models import AlertKind, Severity

ALERT_KIND_MESSAGES: dict[str, str | Promise] = {f"alert.{kind.value}": kind.label for kind in AlertKind}

OVERSIGHT_MESSAGES: dict[str, str | Promise] = {
    **{f"severity.{severity.value}": severity.label for severity in Severity},
    **{f"channel.{kind.value}": kind.label for kind in ChannelKind},
    **{f"delivery.{status.value}": status.label for status in DeliveryStatus},
    "alerts.acknowledge": _("Acknowledge"),
    "alerts.acknowledged": _("Acknowledged by {who}, {when}"),
    "alerts.cleared": _("Over since {when}"),
    "alerts.every_account": _("Everything I may see"),
    "alerts.every_kind": _("Every kind"),
    "alerts.facts": _("Facts"),
    "alerts.from_severity": _("{severity} and above"),
    "alerts.none": _("No alerts."),
    "alerts.none_open": _("No open alerts. All is quiet."),
    "alerts.remove": _("Remove"),
    "alerts.test": _("Test"),
    "alerts.test_sent": _("The test is on its way; the log below tells how it goes."),
    "alerts.times": _("{count} times since {first}"),
    "channel.mail_address": _("Mail address"),
    "channel.web_address": _("Web address (https://…)"),
    "quiet.off": _("No quiet hours. Times are in {zone}."),
    "quiet.on": _("Alerts wait from {start} to {end} ({zone})."),
    "actor.system": _("System"),
    "actor.token": _("Token"),
    "actor.user": _("Person"),
    "audit.actor": _("Who"),
    "audit.after": _("After"),
    "audit.before": _("Before"),
    "audit.broken": _("Broken, proved {when}: {problem}"),
    "audit.chain": _("Chain"),
    "audit.field": _("Field"),
    "audit.follow": _("Show everything about this object"),
    "audit.hash": _("Hash"),
    "audit.intact": _("Intact: {chains} chains, {events} events, {anchors} signed anchors, proved {when}."),
    "audit.never_verified": _("Not proved yet."),
    "audit.no_change": _("Nothing but the act itself."),
    "audit.request": _("Request"),
    "audit.verifying": _("Being proved: {done} of {total} chains…"),
    "configuration.default": _("Default"),
    "configuration.environment": _("Environment"),
    "configuration.file": _("File"),
    "configuration.no_file": _("None"),
    "configuration.secret_file": _("Secret file"),
    "configuration.unset": _("not set"),
}


def oversight_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in OVERSIGHT_MESSAGES.items()}
