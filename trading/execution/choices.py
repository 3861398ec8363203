"""Closed vocabularies of executions, as stored in the database and shown by the API."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What an execution does with its legs."""

    BASKET = "BASKET", _("Basket")
    TARGET = "TARGET", _("Target positions")
    SPLIT = "SPLIT", _("Split")
    TWAP = "TWAP", _("TWAP")
    REPLACE = "REPLACE", _("Replacement")


class State(models.TextChoices):
    """State of an execution. INCOMPLETE ended by itself, STOPPED was ended by the platform."""

    PENDING_APPROVAL = "PENDING_APPROVAL", _("Pending approval")
    RUNNING = "RUNNING", _("Running")
    PAUSED = "PAUSED", _("Paused")
    STOPPING = "STOPPING", _("Stopping")
    COMPLETED = "COMPLETED", _("Completed")
    INCOMPLETE = "INCOMPLETE", _("Ended incomplete")
    CANCELLED = "CANCELLED", _("Cancelled")
    STOPPED = "STOPPED", _("Stopped")


FINAL = frozenset({State.COMPLETED, State.INCOMPLETE, State.CANCELLED, State.STOPPED})
