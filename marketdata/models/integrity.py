"""What the platform knows about the completeness of its bars."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from marketdata.choices import Basis, EvidenceReason
from marketdata.models.instruments import Instrument


class DataSource(models.Model):
    """One host as a source of data, as its data worker last saw it."""

    host = models.CharField(_("host"), max_length=64, unique=True)
    basis = models.CharField(
        _("basis"),
        max_length=16,
        choices=Basis.choices,
        default=Basis.RAW,
        help_text=_("Front-adjusted history cannot be adjusted again, and its prices lie off tick."),
    )
    sdk_version = models.CharField(_("SDK version"), max_length=64, blank=True, default="")
    simulated = models.BooleanField(_("simulated"), default=False)
    static_trade_date = models.DateField(_("static data of"), null=True, blank=True)
    static_synced_at = models.DateTimeField(_("static data synced at"), null=True, blank=True)
    last_tick_at = models.DateTimeField(_("last quote received at"), null=True, blank=True)
    trading_since = models.DateTimeField(
        _("seen trading since"),
        null=True,
        blank=True,
        help_text=_("When the watch first saw this session half: quotes of the last one are no news."),
    )
    stale_since = models.DateTimeField(
        _("feed stale since"), null=True, blank=True, help_text=_("The market trades and no quote arrives.")
    )
    note = models.CharField(_("note"), max_length=400, blank=True, default="")

    class Meta:
        verbose_name = _("data source")
        verbose_name_plural = _("data sources")
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host


class DataSourceStatus(models.Model):
    """Summary per instrument and period. Derived: it can be rebuilt from the bars."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="source_status")
    period = models.CharField(_("period"), max_length=8)
    first_ts = models.BigIntegerField(_("first bar (ms)"), null=True, blank=True)
    last_ts = models.BigIntegerField(_("last bar (ms)"), null=True, blank=True)
    verified_until_ts = models.BigIntegerField(
        _("open day compared up to (ms)"),
        null=True,
        blank=True,
        help_text=_("Bars of the open day up to here were taken from the terminal, not from quotes."),
    )
    last_sync_at = models.DateTimeField(_("last download"), null=True, blank=True)
    last_sync_count = models.PositiveIntegerField(_("bars in the last download"), default=0)
    host = models.CharField(
        _("host"), max_length=64, blank=True, default="", help_text=_("Whose terminal the last download came from.")
    )
    note = models.CharField(_("note"), max_length=400, blank=True, default="")

    class Meta:
        verbose_name = _("data source status")
        verbose_name_plural = _("data source status")
        constraints = [
            models.UniqueConstraint(fields=["instrument", "period"], name="marketdata_datasourcestatus_once"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.period}"


class Evidence(models.Model):
    """Proof that a hole is not ours to fill.

    Written only after a download that succeeded and a read-back that still lacked the days.
    `start_date` and `end_date` are trade dates, both inclusive; the ranges of one instrument and
    period never overlap. After `recheck_at` the hole counts as missing again.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="evidence")
    period = models.CharField(_("period"), max_length=8)
    start_date = models.DateField(_("from"))
    end_date = models.DateField(_("to"))
    reason = models.CharField(_("reason"), max_length=16, choices=EvidenceReason.choices)
    host = models.CharField(_("host"), max_length=64)
    sdk_version = models.CharField(_("SDK version"), max_length=64, blank=True, default="")
    detail = models.CharField(_("detail"), max_length=200, blank=True, default="")
    checks = models.PositiveSmallIntegerField(
        _("checks"), default=1, help_text=_("How many downloads in a row proved the hole.")
    )
    recorded_at = models.DateTimeField(_("recorded at"))
    recheck_at = models.DateTimeField(_("check again after"), db_index=True)

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["instrument", "period", "start_date"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "period", "start_date"], name="marketdata_evidence_once"),
            models.CheckConstraint(condition=Q(end_date__gte=F("start_date")), name="marketdata_evidence_forward"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.period} {self.start_date}..{self.end_date} {self.reason}"


class SourceDepth(models.Model):
    """How far back one host's history of a period reaches."""

    host = models.CharField(_("host"), max_length=64)
    period = models.CharField(_("period"), max_length=8)
    first_date = models.DateField(_("oldest day served"))
    recorded_at = models.DateTimeField(_("recorded at"))
    recheck_at = models.DateTimeField(_("check again after"))

    class Meta:
        verbose_name = _("source depth")
        verbose_name_plural = _("source depths")
        constraints = [
            models.UniqueConstraint(fields=["host", "period"], name="marketdata_sourcedepth_once"),
        ]

    def __str__(self) -> str:
        return f"{self.host} {self.period} from {self.first_date:%Y-%m-%d}"
