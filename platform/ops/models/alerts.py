"""Alerts: what somebody has to know, once, however often it happens."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Severity(models.TextChoices):
    """How soon a person has to look."""

    INFO = "INFO", _("Information")
    WARNING = "WARNING", _("Warning")
    CRITICAL = "CRITICAL", _("Critical")

    @property
    def rank(self) -> int:
        """Place in the order of urgency."""
        return list(type(self)).index(self)


class AlertKind(models.TextChoices):
    """Everything the platform raises alerts about."""

    ORDER_UNKNOWN = "order.unknown", _("Order without an answer")
    ORDER_NOT_FOUND = "order.not_found", _("Order not found at the broker")
    ORDER_ADOPTED = "order.adopted", _("The broker has an order that had ended here")
    APPROVAL_WAITING = "order.approval", _("Orders wait for approval")
    MONEY_WAITING = "money.approval", _("A transfer of money waits for a second person")
    MONEY_UNKNOWN = "money.unknown", _("A transfer of money without an answer")
    IPO_FAILED = "ipo.failed", _("New shares could not be subscribed")
    SIGNALS_PAUSED = "signals.paused", _("A position is not watched")
    SIGNAL_FAILED = "signals.failed", _("A signal could not be carried out")
    GRID = "grid.trouble", _("A grid needs a look")
    WEBHOOK_PAUSED = "webhook.paused", _("A webhook is paused")
    STRATEGY_FAILED = "strategy.failed", _("A strategy failed")
    ACCOUNT_HALTED = "account.halted", _("Account halted by the platform")
    LIMIT_NEAR = "risk.limit_near", _("A limit is nearly reached")
    LEDGER_DIFFERENCE = "ledger.difference", _("Our books and the broker's figures differ")
    SESSION_DOWN = "host.session_down", _("Order session down")
    ACCOUNT_SESSION_DOWN = "account.session_down", _("Account not reachable at its terminal")
    LEASE_LOST = "host.lease_lost", _("Another process took over the host")
    REPAIR_FAILED = "data.repair_failed", _("Market data could not be completed")
    SAMPLE_DIFFERS = "data.sample_differs", _("Stored bars differ from the terminal's")
    INTEGRITY = "data.integrity", _("Stored market data is damaged")
    QUOTES_STALE = "data.quotes_stale", _("No live quotes")
    PROCESS_MISSING = "process.missing", _("A process does not report")
    PROCESS_RESTARTED = "process.restarted", _("A process hung and was restarted")
    AUDIT_BROKEN = "audit.broken", _("The audit trail is broken")
    DISK_LOW = "disk.low", _("The disk is nearly full")
    BACKUP = "backup.trouble", _("There is no fresh backup")
    RESTORED = "platform.restored", _("The platform was restored from a backup")


class Alert(models.Model):
    """One condition. Repeats raise `count`; at most one alert per key is open.

    Who may see it: persons who see its account; of a host's alert, persons who see an account there; of
    an alert that names neither, administrators and risk officers.
    """

    kind = models.CharField(_("kind"), max_length=64)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity.choices)
    title = models.CharField(_("title"), max_length=200)
    titles = models.JSONField(default=dict, help_text="The title in the portal's other languages, by their codes.")
    facts = models.JSONField(_("facts"), default=dict)
    dedup_key = models.CharField(max_length=200)
    # Plain ids, as everywhere in this layer: it knows neither accounts nor people.
    account_id = models.BigIntegerField(_("account"), null=True, blank=True)
    host = models.CharField(_("host"), max_length=64, blank=True, default="")
    count = models.PositiveIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first time"))
    last_at = models.DateTimeField(_("last time"))
    notified_at = models.DateTimeField()
    notices = models.PositiveIntegerField(default=1, help_text="How often people were to be told.")
    routed = models.PositiveIntegerField(default=0, help_text="Notices that have become deliveries.")
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.BigIntegerField(null=True, blank=True)
    acknowledged_label = models.CharField(_("acknowledged by"), max_length=200, blank=True, default="")
    cleared_at = models.DateTimeField(_("over since"), null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = (
            models.UniqueConstraint(fields=("dedup_key",), condition=Q(closed_at=None), name="alert_open_once"),
        )
        indexes = (
            models.Index(fields=["dedup_key", "closed_at"], name="alert_key_closed"),
            models.Index(fields=["closed_at", "-id"], name="alert_open_newest"),
        )

    def __str__(self) -> str:
        return f"{self.severity} {self.kind}: {self.title}"

    def title_in(self, language: str | None) -> str:
        """The title in a language of the portal; in English where there is none."""
        return str(self.titles.get(language, self.title))

    @property
    def kind_label(self) -> str:
        """The kind in the active language."""
        return str(AlertKind(self.kind).label) if self.kind in AlertKind.values else self.kind
