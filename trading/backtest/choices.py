"""Closed vocabularies of back-tests, as stored in the database and shown by the API."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class BacktestState(models.TextChoices):
    """How far a back-test has got. Its progress is its job's."""

    WAITING = "WAITING", _("Waiting")
    RUNNING = "RUNNING", _("Running")
    DONE = "DONE", _("Done")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")
