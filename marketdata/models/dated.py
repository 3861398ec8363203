"""Facts that hold from one day to another."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class DatedQuerySet(models.QuerySet[Any]):
    """Reads of facts as of a day."""

    def on(self, day: date) -> Self:
        """Rows in force on a day."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=day), valid_from__lte=day)

    def current(self) -> Self:
        """Rows that have no end."""
        return self.filter(valid_to__isnull=True)


class Dated(models.Model):
    """In force from `valid_from` to `valid_to`, both trade dates of the terminal, both included; no end means still.

    `valid_from` is the first trade date on which the terminal was seen to say so, unless it tells the past itself.
    """

    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True, blank=True)

    objects = DatedQuerySet.as_manager()

    class Meta:
        abstract = True
