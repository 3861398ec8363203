"""Closed vocabularies of grids, as stored in the database and shown by the API."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class GridState(models.TextChoices):
    """STOPPING: nothing more is placed, what is out is cancelled, and its fills are booked before it is STOPPED."""

    ACTIVE = "ACTIVE", _("Active")
    PAUSED = "PAUSED", _("Paused")
    STOPPING = "STOPPING", _("Stopping")
    STOPPED = "STOPPED", _("Stopped")


class GridEnd(models.TextChoices):
    """Why a grid ended."""

    DEVIATION = "DEVIATION", _("The centre wandered too far")
    TARGET = "TARGET", _("Target reached")
    STOP = "STOP", _("Loss limit reached")
    EXPIRED = "EXPIRED", _("Time is over")
    POSITION_GONE = "POSITION_GONE", _("The holding is gone")
    BY_HAND = "BY_HAND", _("Stopped by hand")


class Direction(models.TextChoices):
    """Which side of the band the price was last seen beyond, while a turn is waited for."""

    NONE = "NONE", _("Within the band")
    RISING = "RISING", _("Rising")
    FALLING = "FALLING", _("Falling")


class GridSignalState(models.TextChoices):
    """RECORDED: automatic trading was off. REFUSED, EXPIRED: nothing was placed. INCOMPLETE: less was traded."""

    DETECTED = "DETECTED", _("Detected")
    WORKING = "WORKING", _("Being executed")
    RECORDED = "RECORDED", _("Recorded")
    REFUSED = "REFUSED", _("Refused")
    EXPIRED = "EXPIRED", _("Expired")
    DONE = "DONE", _("Done")
    INCOMPLETE = "INCOMPLETE", _("Ended incomplete")


LIVE: Final = (GridSignalState.DETECTED, GridSignalState.WORKING)
"""States of a signal that is still looked after."""
