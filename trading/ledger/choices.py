"""Closed vocabularies of the ledger."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class EventKind(models.TextChoices):
    """What an account event carries; the same words travel over the live socket."""

    ORDER = "order", _("Order")
    TRADE = "trade", _("Trade")
    ASSET = "asset", _("Asset")
    POSITION = "position", _("Position")
    ACCOUNT = "account", _("Account")


class TradeDateState(models.TextChoices):
    """MISSED: it ended unseen and holdings or money differ; new orders are denied until a person settles it."""

    OPEN = "OPEN", _("Open")
    MISSED = "MISSED", _("Ended unseen")
    CLOSED = "CLOSED", _("Closed")
