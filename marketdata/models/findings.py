"""What the integrity checker found, and what it has looked at already."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketdata.choices import FindingSeverity, FindingState, IntegrityCheck
from marketdata.models.instruments import Instrument


class IntegrityFinding(models.Model):
    """Something wrong, or odd, in one stored stretch of one instrument.

    At most one unsettled finding per stretch and check: another run corrects its facts. It ends REPAIRED when a later run no longer
    finds it, ACKNOWLEDGED by a person who says why it may stay. More rows than were acknowledged open it again.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="integrity_findings")
    period = models.CharField(_("period"), max_length=8)
    bucket = models.IntegerField(_("stretch"), help_text=_("YYYY of daily bars, YYYYMM of minutes."))
    check_name = models.CharField(_("check"), max_length=24, choices=IntegrityCheck.choices)
    severity = models.CharField(_("severity"), max_length=8, choices=FindingSeverity.choices)
    start_date = models.DateField(_("from"))
    end_date = models.DateField(_("to"))
    rows = models.PositiveIntegerField(_("bars"))
    facts = models.JSONField(_("facts"))
    state = models.CharField(_("state"), max_length=12, choices=FindingState.choices, default=FindingState.OPEN)
    found_at = models.DateTimeField(_("found"))
    seen_at = models.DateTimeField(_("last seen"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_by = models.CharField(_("settled by"), max_length=200, blank=True, default="")
    note = models.CharField(_("note"), max_length=400, blank=True, default="")
    repair_job = models.UUIDField(_("repair job"), null=True, blank=True)

    class Meta:
        verbose_name = _("integrity finding")
        verbose_name_plural = _("integrity findings")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "period", "bucket", "check_name"],
                condition=~Q(state=FindingState.REPAIRED),
                name="marketdata_finding_one_unsettled",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "severity"], name="marketdata_finding_state"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.period} {self.bucket} {self.check_name}"


class IntegrityMark(models.Model):
    """A stretch as it was when it was last checked: what is still the same need not be checked again."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="integrity_marks")
    period = models.CharField(max_length=8)
    bucket = models.IntegerField()
    fingerprint = models.CharField(
        max_length=64, help_text="Of the stretch, of what it is compared with, and of the rules."
    )
    checked_at = models.DateTimeField(_("checked"))

    class Meta:
        verbose_name = _("integrity mark")
        verbose_name_plural = _("integrity marks")
        constraints = [
            models.UniqueConstraint(fields=["instrument", "period", "bucket"], name="marketdata_integritymark_once"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.period} {self.bucket}"
