"""Webhooks with their place in an account's events, and the log of what was delivered."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount, User
from trading.webhooks.choices import EventDeliveryStatus, WebhookState


class Webhook(models.Model):
    """Where the events of one account go for one person. The row holds the place: nothing is lost with a process."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="webhooks")
    account = models.ForeignKey(BrokerAccount, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=80)
    sealed = models.TextField(help_text="Address and secret as JSON, sealed (ops.sealing).")
    hint = models.CharField(_("address"), max_length=120, help_text=_("Enough of the address to recognise it by."))
    kinds = models.JSONField(_("kinds of events"), default=list, blank=True, help_text=_("Empty: every kind."))
    state = models.CharField(_("state"), max_length=8, choices=WebhookState.choices, default=WebhookState.ACTIVE)
    cursor = models.PositiveBigIntegerField(
        _("last event taken"), help_text=_("Version of the account's newest event that is in the log.")
    )
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="Somebody delivers until then.")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("owner", "name"), name="webhook_name_once"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id})"


class EventDelivery(models.Model):
    """One event on its way to one webhook. The id follows from both, so it is the same however often it is sent.

    Version 0 is no event of the account: a trial of kind `test`, each under an id of its own.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    version = models.PositiveBigIntegerField(_("version of the event"))
    kind = models.CharField(_("kind"), max_length=10)
    body = models.JSONField(_("body"))
    status = models.CharField(
        _("status"), max_length=8, choices=EventDeliveryStatus.choices, default=EventDeliveryStatus.PENDING
    )
    attempt = models.PositiveSmallIntegerField(_("attempts"), default=0)
    attempts = models.JSONField(default=list)
    response_code = models.IntegerField(_("response"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True, default="")
    latency_ms = models.PositiveIntegerField(_("latency (ms)"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    due_at = models.DateTimeField(_("due"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery of an event")
        verbose_name_plural = _("deliveries of events")
        ordering = ("-created_at", "-version")
        constraints = (
            models.UniqueConstraint(
                fields=("webhook", "version"), condition=models.Q(version__gt=0), name="event_delivery_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("webhook", "version"),
                name="event_delivery_waiting",
                condition=models.Q(status=EventDeliveryStatus.PENDING),
            ),
        )

    def __str__(self) -> str:
        return f"{self.webhook_id} v{self.version} {self.status}"

    @staticmethod
    def id_of(webhook_id: int, account_id: int, version: int) -> uuid.UUID:
        """The id of one event on one webhook."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"desk:webhook:{webhook_id}:{account_id}:{version}")
