"""Files of bars that people brought in, and which stored days came from them."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from marketdata.choices import Basis, ImportState
from marketdata.models.instruments import Instrument


class BarImport(models.Model):
    """One uploaded file: what it is said to hold, what the check found, what was stored of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file_name = models.CharField(_("file"), max_length=200)
    digest = models.CharField(_("SHA-256"), max_length=64)
    size = models.PositiveBigIntegerField(_("bytes"))
    options = models.JSONField(_("how it is read"))
    period = models.CharField(_("period"), max_length=8)
    basis = models.CharField(_("basis"), max_length=16, choices=Basis.choices)
    preview = models.JSONField(_("preview"))
    state = models.CharField(_("state"), max_length=12, choices=ImportState.choices, default=ImportState.PREVIEWED)
    owner = models.BigIntegerField(_("by"))
    owner_label = models.CharField(_("by"), max_length=200)
    created_at = models.DateTimeField(_("uploaded"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    job = models.UUIDField(_("job"), null=True, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)

    class Meta:
        verbose_name = _("import of bars")
        verbose_name_plural = _("imports of bars")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.file_name} {self.state}"


class ImportedDays(models.Model):
    """Stored bars that came from a file and not from a terminal: one row per unbroken stretch of trading days."""

    source = models.ForeignKey(BarImport, on_delete=models.PROTECT, related_name="days")
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="imported_days")
    period = models.CharField(_("period"), max_length=8)
    start_date = models.DateField(_("from"))
    end_date = models.DateField(_("to"))
    bars = models.PositiveIntegerField(_("bars"))

    class Meta:
        verbose_name = _("imported days")
        verbose_name_plural = _("imported days")
        ordering = ["instrument", "period", "start_date"]
        indexes = [
            models.Index(fields=["instrument", "period"], name="marketdata_imported_of"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.period} {self.start_date:%Y-%m-%d}..{self.end_date:%Y-%m-%d}"
