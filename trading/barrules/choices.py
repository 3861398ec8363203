"""Closed vocabularies of rules on bars."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RulePeriod(models.TextChoices):
    """Bars that a rule judges."""

    MINUTES_5 = "5m", _("5 minutes")
    MINUTES_15 = "15m", _("15 minutes")
    MINUTES_30 = "30m", _("30 minutes")
    MINUTES_60 = "60m", _("60 minutes")
    DAY = "1d", _("Day")

    @property
    def minutes(self) -> int:
        """Length of a bar; 0 for a day."""
        return 0 if self is RulePeriod.DAY else int(self.value[:-1])
