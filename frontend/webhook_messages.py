"""Texts of the page of webhooks."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from trading.ledger.choices import EventKind
from trading.webhooks.choices import EventDeliveryStatus, WebhookState

WEBHOOK_MESSAGES: dict[str, str | Promise] = {
    **{f"event.{kind.value}": kind.label for kind in EventKind},
    **{f"webhook_state.{state.value}": state.label for state in WebhookState},
    **{f"delivery_state.{status.value}": status.label for status in EventDeliveryStatus},
    "event.gap": _("Gap: older events are gone"),
    "event.test": _("Trial"),
    "sudo.link": _("Confirm it is you"),
    "webhook.act_of": _("{act}: {name}"),
    "webhook.again_at": _("again at {when}"),
    "webhook.copied": _("Copied"),
    "webhook.every_kind": _("All"),
    "webhook.log_of": _("Deliveries of {name}"),
    "webhook.remove": _("Remove"),
    "webhook.remove_asked": _("Remove {name} with its log?"),
    "webhook.renew": _("New secret"),
    "webhook.renew_asked": _("Give {name} a new secret? The old one signs nothing from then on."),
    "webhook.repeat": _("Send again"),
    "webhook.secret_of": _("Secret of {name}"),
    "webhook.switch_off": _("Switch off"),
    "webhook.switch_on": _("Switch on"),
    "webhook.test": _("Try it"),
    "webhook.test_sent": _("A trial is on its way: the log says what came of it."),
}


def webhook_messages() -> dict[str, str]:
    """The texts in the active language."""
    return {key: str(text) for key, text in WEBHOOK_MESSAGES.items()}
