"""Closed vocabularies of signals, as stored in the database and shown by the API."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class SignalKind(models.TextChoices):
    """What was detected."""

    STOP_LOSS = "STOP_LOSS", _("Stop loss")
    FIRST_TAKE_PROFIT = "FIRST_TAKE_PROFIT", _("First take-profit")
    TRAILING = "TRAILING", _("Trailing take-profit")
    ADD = "ADD", _("Add")
    MACD_ENTRY = "MACD_ENTRY", _("MACD entry")
    MACD_EXIT = "MACD_EXIT", _("MACD exit")


#: Smaller is served first. Grids, which come after the exits, place their orders themselves.
PRIORITY: Final = {
    SignalKind.STOP_LOSS: 10,
    SignalKind.FIRST_TAKE_PROFIT: 20,
    SignalKind.TRAILING: 30,
    SignalKind.MACD_EXIT: 40,
    SignalKind.ADD: 60,
    SignalKind.MACD_ENTRY: 70,
}


class SignalState(models.TextChoices):
    """RECORDED: automatic trading was off. REFUSED, EXPIRED: nothing was placed. INCOMPLETE: less was traded."""

    DETECTED = "DETECTED", _("Detected")
    WORKING = "WORKING", _("Being executed")
    RECORDED = "RECORDED", _("Recorded")
    REFUSED = "REFUSED", _("Refused")
    EXPIRED = "EXPIRED", _("Expired")
    DONE = "DONE", _("Done")
    INCOMPLETE = "INCOMPLETE", _("Ended incomplete")


LIVE: Final = (SignalState.DETECTED, SignalState.WORKING)
"""States that the executor looks after."""
