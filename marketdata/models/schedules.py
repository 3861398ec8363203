"""Scheduled sync jobs: what ran last, what comes next."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from marketdata.choices import ScheduleName
from ops.models import Job


class SyncSchedule(models.Model):
    """One scheduled job of one host; when it runs stands in the configuration.

    All times are market times of the host: a simulated market's night takes seconds, and the schedule follows it.
    """

    name = models.CharField(_("schedule"), max_length=32, choices=ScheduleName.choices)
    host = models.CharField(_("host"), max_length=64)
    next_run_at = models.DateTimeField(_("next run (market time)"), null=True, blank=True)
    last_run_at = models.DateTimeField(_("last run (market time)"), null=True, blank=True)
    last_started_at = models.DateTimeField(_("last started"), null=True, blank=True)
    missed = models.PositiveIntegerField(
        _("runs made up for"),
        default=0,
        help_text=_("Runs whose time had passed unseen; one run stood for all of them."),
    )
    last_job = models.ForeignKey(
        Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("last job")
    )

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["host", "name"]
        constraints = [
            models.UniqueConstraint(fields=["name", "host"], name="marketdata_syncschedule_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.host}"
