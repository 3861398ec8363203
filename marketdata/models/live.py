"""Who follows which quotes, and which days of ticks left the database."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketdata.models.instruments import Instrument


class QuoteSubscription(models.Model):
    """Somebody wants an instrument's quotes: its ticks are captured, and a feed of single subscriptions follows it."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="quote_subscriptions")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="quote_subscriptions",
        help_text=_("Empty: the platform itself."),
    )
    reason = models.CharField(_("reason"), max_length=100, blank=True, default="")
    created_at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("quote subscription")
        verbose_name_plural = _("quote subscriptions")
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "owner"], name="marketdata_quotesubscription_once"),
            models.UniqueConstraint(
                fields=["instrument"], condition=Q(owner=None), name="marketdata_quotesubscription_platform_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} for {self.owner_id or 'the platform'}"


class TickArchive(models.Model):
    """One day of ticks in a Parquet file: proven equal to the segments before these were deleted."""

    trade_date = models.DateField(_("trade date"), unique=True)
    path = models.CharField(_("file"), max_length=400, help_text=_("Relative to the archive folder."))
    rows = models.BigIntegerField(_("rows"))
    instruments = models.PositiveIntegerField(_("instruments"))
    size = models.BigIntegerField(_("bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    archived_at = models.DateTimeField(_("archived at"))
    restored_at = models.DateTimeField(_("restored at"), null=True, blank=True)

    class Meta:
        verbose_name = _("tick archive")
        verbose_name_plural = _("tick archives")
        ordering = ["trade_date"]

    def __str__(self) -> str:
        return f"{self.trade_date} {self.rows} rows"


class LiveDifference(models.Model):
    """Live-built bars of one instrument and day that the terminal's own contradicted. The terminal's are what is stored."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="live_differences")
    period = models.CharField(_("period"), max_length=8)
    trade_date = models.DateField(_("trade date"))
    host = models.CharField(_("host"), max_length=64)
    compared = models.PositiveIntegerField(_("bars compared"))
    differing = models.PositiveIntegerField(_("bars that differ"))
    examples = models.JSONField(
        _("examples"), default=list, help_text=_("The first ones: stamp, column, live, terminal.")
    )
    found_at = models.DateTimeField(_("found"))

    class Meta:
        verbose_name = _("difference of live bars")
        verbose_name_plural = _("differences of live bars")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "period", "trade_date"], name="marketdata_livedifference_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.period} {self.trade_date}: {self.differing} of {self.compared}"
