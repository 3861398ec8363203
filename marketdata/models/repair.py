"""Work that fills holes: one item per instrument and period, shared by all who wait for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketdata.choices import OPEN_REPAIR_STATUSES, RepairStatus, RepairTrouble
from marketdata.models.instruments import Instrument
from marketdata.quotes.periods import day_date, day_number
from ops.models import Job


class RepairItem(models.Model):
    """The missing days of one instrument and period, to be downloaded by one host at a time.

    The rows are the queue: a worker claims them by one conditional UPDATE and holds them with a lease.
    At most one item per instrument and period is open, whoever asked; a later request widens it. Every
    change of `ranges` raises `version`, so that a worker notices when an item grew while it ran.
    """

    host = models.CharField(_("asked for at"), max_length=64, help_text=_("Whose market clock says what is missing."))
    source_host = models.CharField(
        _("downloaded by"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("The host that took it last; hosts of the same source share the work."),
    )
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="repair_items")
    period = models.CharField(_("period"), max_length=8)
    ranges = models.JSONField(_("missing"), help_text=_("Pairs of first and last trade date."))
    days = models.PositiveIntegerField(_("missing days"))
    until = models.DateField(_("last missing day"))
    version = models.PositiveIntegerField(default=1)
    status = models.CharField(_("status"), max_length=12, choices=RepairStatus.choices, default=RepairStatus.PENDING)
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        default=0,
        help_text=_("Order of magnitude of the smallest job that waits: small ones go first."),
    )
    attempts = models.PositiveSmallIntegerField(_("rounds"), default=0)
    repeats = models.PositiveSmallIntegerField(
        _("repeats"),
        default=0,
        help_text=_(
            "Downloads in a row that went well and brought nothing new: what is missing then is believed to be missing."
        ),
    )
    not_before = models.DateTimeField(_("not before"))
    lease_holder = models.CharField(max_length=120, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    rows_stored = models.PositiveIntegerField(_("bars stored"), default=0)
    trouble = models.CharField(
        _("kind of trouble"), max_length=16, choices=RepairTrouble.choices, blank=True, default=""
    )
    error = models.CharField(_("error"), max_length=400, blank=True, default="")
    updated_at = models.DateTimeField(_("updated at"))
    jobs = models.ManyToManyField(Job, through="RepairLink", related_name="repair_items")

    class Meta:
        verbose_name = _("repair item")
        verbose_name_plural = _("repair items")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "period"],
                condition=Q(status__in=OPEN_REPAIR_STATUSES),
                name="marketdata_repairitem_one_open",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "priority", "not_before"], name="marketdata_repair_queue"),
            models.Index(fields=["lease_holder"], name="marketdata_repair_lease"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.period} {self.status}"

    @property
    def day_ranges(self) -> list[tuple[int, int]]:
        """The missing ranges as (first, last) day numbers."""
        return ranges_load(self.ranges)


def ranges_end(ranges: Iterable[tuple[int, int]]) -> date:
    """The last day of ranges of day numbers."""
    return day_date(max(last for _first, last in ranges))


def ranges_load(stored: list[list[str]]) -> list[tuple[int, int]]:
    """Read ranges as the database holds them: pairs of ISO dates."""
    return [(day_number(date.fromisoformat(first)), day_number(date.fromisoformat(last))) for first, last in stored]


def ranges_dump(ranges: Iterable[tuple[int, int]]) -> list[list[str]]:
    """Write (first, last) day numbers as pairs of ISO dates."""
    return [[day_date(first).isoformat(), day_date(last).isoformat()] for first, last in ranges]


class RepairLink(models.Model):
    """A job waits for an item; `days` is how many of its missing days the job asked for."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE)
    item = models.ForeignKey(RepairItem, on_delete=models.CASCADE)
    days = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("repair link")
        verbose_name_plural = _("repair links")
        constraints = [
            models.UniqueConstraint(fields=["job", "item"], name="marketdata_repairlink_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.item_id}"
