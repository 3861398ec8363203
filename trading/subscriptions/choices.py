"""Closed vocabularies of subscriptions."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ResultState(models.TextChoices):
    """How far the platform has got with one issue on one account."""

    WAITING = "WAITING", _("Waiting")
    SUBSCRIBED = "SUBSCRIBED", _("Subscribed")
    SKIPPED = "SKIPPED", _("Nothing to subscribe")
    FAILED = "FAILED", _("Failed")
