"""Closed vocabularies of strategies, as stored in the database and shown by the API."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Origin(models.TextChoices):
    """Where a plug-in's code comes from."""

    FOLDER = "FOLDER", _("Folder of strategies")
    PACKAGE = "PACKAGE", _("Installed package")


class RunState(models.TextChoices):
    """How a run stands. What a person wants is `Run.wanted`; the processes bring the state after it.

    WAITING: wanted, outside of its hours. FAULTED: it failed and stays stopped until a person starts it again.
    """

    STOPPED = "STOPPED", _("Stopped")
    WAITING = "WAITING", _("Waiting for its hours")
    STARTING = "STARTING", _("Starting")
    RUNNING = "RUNNING", _("Running")
    STOPPING = "STOPPING", _("Stopping")
    FAULTED = "FAULTED", _("Failed")


class Level(models.TextChoices):
    """How urgent a line of a run's log is."""

    INFO = "INFO", _("Information")
    WARNING = "WARNING", _("Warning")
    ERROR = "ERROR", _("Error")
