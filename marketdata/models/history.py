"""What an instrument was called and which rules it traded under before."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketdata.choices import AliasKind
from marketdata.models.instruments import Instrument


class InstrumentAlias(models.Model):
    """A former code or name. The present ones stand on the instrument, whose key never changes."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="aliases")
    kind = models.CharField(_("kind"), max_length=8, choices=AliasKind.choices)
    text = models.CharField(_("code or name"), max_length=64, db_index=True)
    valid_from = models.DateField(
        _("from"), null=True, blank=True, help_text=_("Empty: it was so when it was first seen.")
    )
    valid_to = models.DateField(_("to"), help_text=_("Last day."))

    class Meta:
        verbose_name = _("former name")
        verbose_name_plural = _("former names")
        ordering = ["instrument", "kind", "valid_to"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "kind", "valid_to"], name="marketdata_alias_once"),
        ]

    def __str__(self) -> str:
        return f"{self.text} until {self.valid_to:%Y-%m-%d}"


class InstrumentChange(models.Model):
    """One fact of an instrument that differs from what the terminal said before."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="changes")
    date = models.DateField(_("trade date"), help_text=_("First trade date on which the terminal said so."))
    field = models.CharField(_("fact"), max_length=32)
    before = models.CharField(_("before"), max_length=64, blank=True)
    after = models.CharField(_("after"), max_length=64, blank=True)
    host = models.CharField(_("host"), max_length=64)
    recorded_at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("instrument change")
        verbose_name_plural = _("instrument changes")
        ordering = ["-date", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "date", "field"], name="marketdata_change_once"),
            models.CheckConstraint(condition=~Q(field=""), name="marketdata_change_named"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.date:%Y-%m-%d} {self.field}: {self.before} → {self.after}"
