"""Closed vocabularies of webhooks, as stored in the database and shown by the API."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class WebhookState(models.TextChoices):
    """Whether a webhook delivers. PAUSED by itself after failures; REVOKED: the person may not see the account any more."""

    ACTIVE = "ACTIVE", _("Active")
    OFF = "OFF", _("Switched off")
    PAUSED = "PAUSED", _("Paused after failures")
    REVOKED = "REVOKED", _("The account is not visible any more")


class EventDeliveryStatus(models.TextChoices):
    """State of the delivery of one event. DEAD: given up; it can be sent again by hand."""

    PENDING = "PENDING", _("Waiting")
    SENT = "SENT", _("Delivered")
    DEAD = "DEAD", _("Given up")
    SKIPPED = "SKIPPED", _("Not delivered any more")
