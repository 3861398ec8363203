"""Channels of people, what they want to hear, when they want silence, and what was sent."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount, User
from alerts.choices import ChannelKind, DeliveryStatus
from ops.models import Alert, Severity


class Channel(models.Model):
    """One address of one person. Where it leads is a secret: a robot's address is its password."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="alert_channels")
    kind = models.CharField(_("kind"), max_length=10, choices=ChannelKind.choices)
    name = models.CharField(_("name"), max_length=80)
    sealed = models.TextField(help_text="Address and secret as JSON, sealed (ops.sealing).")
    hint = models.CharField(_("address"), max_length=120, help_text=_("Enough of the address to recognise it by."))
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("alert channel")
        verbose_name_plural = _("alert channels")
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="alert_channel_name_once"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Subscription(models.Model):
    """What a person wants to hear on a channel. It never widens what the person may see."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="alert_subscriptions")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="subscriptions")
    min_severity = models.CharField(
        _("least severity"), max_length=10, choices=Severity.choices, default=Severity.WARNING
    )
    kinds = models.JSONField(_("kinds"), default=list, blank=True, help_text=_("Empty: every kind."))
    account = models.ForeignKey(
        BrokerAccount,
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("account"),
        help_text=_("Empty: everything the person may see."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        ordering = ("id",)
        verbose_name = _("alert subscription")
        verbose_name_plural = _("alert subscriptions")

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.min_severity} → {self.channel_id}"


class QuietHours(models.Model):
    """When a person is not to be disturbed; in the time zone the person has chosen."""

    owner = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="quiet_hours")
    start = models.TimeField(_("from"))
    end = models.TimeField(_("to"))
    silence_critical = models.BooleanField(_("critical alerts too"), default=False)

    class Meta:
        verbose_name = _("quiet hours")
        verbose_name_plural = _("quiet hours")

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.start}–{self.end}"


class Delivery(models.Model):
    """One notice to one channel: the queue's row while it waits, the log's row afterwards.

    Attributes
    ----------
    notice : int
        Which notice of the alert this carries; an alert that goes on for long is told again.
    attempts : list
        What each attempt led to: time, outcome, response code, error, latency.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries", null=True, blank=True)
    notice = models.PositiveIntegerField(default=1)
    channel = models.ForeignKey(Channel, on_delete=models.SET_NULL, related_name="deliveries", null=True)
    channel_name = models.CharField(_("channel"), max_length=80)
    status = models.CharField(
        _("status"), max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING
    )
    attempt = models.PositiveSmallIntegerField(_("attempts"), default=0)
    attempts = models.JSONField(default=list)
    response_code = models.IntegerField(_("response"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True, default="")
    latency_ms = models.PositiveIntegerField(_("latency (ms)"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    due_at = models.DateTimeField(_("due"))
    claimed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("alert delivery")
        verbose_name_plural = _("alert deliveries")
        constraints = (
            models.UniqueConstraint(fields=("alert", "channel", "notice"), name="alert_notice_once_per_channel"),
        )
        indexes = (
            models.Index(fields=["status", "due_at"], name="alert_delivery_due"),
            models.Index(fields=["owner", "-created_at"], name="alert_delivery_of_owner"),
        )

    def __str__(self) -> str:
        return f"{self.channel_name} {self.status}"
