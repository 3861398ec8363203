"""Transfers with their timeline, and how much may be moved."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, BrokerAccount, User
from trading.ledger.fields import MoneyField
from trading.ledger.querysets import AccountScopedQuerySet
from trading.money.choices import TransferKind, TransferStatus


class MoneyLimit(models.Model):
    """How much of an account's money may be moved. Without a row nothing may."""

    account = models.OneToOneField(
        BrokerAccount, on_delete=models.PROTECT, primary_key=True, related_name="money_limit"
    )
    single_amount = MoneyField(_("of one transfer"))
    day_amount = MoneyField(_("of a day"), help_text=_("In and out together; what may have moved counts."))
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(_("set"))

    objects: ClassVar[AccountScopedQuerySet[MoneyLimit]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("limit of transfers")
        verbose_name_plural = _("limits of transfers")
        ordering = ("account_id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(single_amount__gt=0) & Q(day_amount__gte=models.F("single_amount")),
                name="money_limit_fits",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.single_amount} {self.day_amount}"


class Transfer(models.Model):
    """One transfer. The row is the request and the queue; it is sent by whoever claims it, once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="transfers")
    kind = models.CharField(_("kind"), max_length=10, choices=TransferKind.choices)
    amount = MoneyField(_("amount"))
    bank_no = models.CharField(_("bank"), max_length=20, blank=True, default="")
    bank_account = models.CharField(_("account at the bank"), max_length=40, blank=True, default="")
    note = models.CharField(_("purpose"), max_length=200)
    client_transfer_id = models.CharField(_("key"), max_length=64)
    digest = models.CharField(max_length=64, editable=False)
    status = models.CharField(
        _("status"), max_length=16, choices=TransferStatus.choices, default=TransferStatus.PENDING_APPROVAL
    )
    code = models.CharField(_("code"), max_length=40, blank=True, default="")
    message = models.CharField(_("message"), max_length=400, blank=True, default="")
    host_name = models.CharField(_("QMT host"), max_length=32)
    simulated = models.BooleanField(_("simulated"), default=False)
    epoch = models.PositiveIntegerField(_("authority epoch"), default=0, editable=False)
    day = models.DateField(_("counts on"), help_text=_("Shanghai's date of the request, then of the approval."))
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    by_token = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(_("asked"))
    expires_at = models.DateTimeField(_("expires"))
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    sealed = models.TextField(
        blank=True,
        default="",
        editable=False,
        help_text="Passwords between approval and claim, under a key that only the wake-up has. Empty otherwise.",
    )
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"), null=True, blank=True)
    final_at = models.DateTimeField(_("ended"), null=True, blank=True)
    resolved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    objects: ClassVar[AccountScopedQuerySet[Transfer]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(fields=("account", "client_transfer_id"), name="transfer_key_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_moves_something"),
            # Whatever writes the row: passwords rest only while it waits to be claimed.
            models.CheckConstraint(
                condition=Q(sealed="") | Q(status=TransferStatus.QUEUED), name="transfer_secrets_only_queued"
            ),
        )
        indexes = (
            models.Index(fields=("account", "day"), name="transfer_of_day"),
            models.Index(fields=("status",), condition=Q(final_at__isnull=True), name="transfer_open"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.status}"


class TransferEvent(models.Model):
    """One step of a transfer's timeline."""

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField(_("number"))
    status = models.CharField(_("status"), max_length=16, choices=TransferStatus.choices)
    by = models.CharField(_("by"), max_length=200)
    data = models.JSONField(_("facts"), default=dict)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of a transfer")
        verbose_name_plural = _("steps of transfers")
        ordering = ("transfer_id", "seq")
        constraints = (models.UniqueConstraint(fields=("transfer", "seq"), name="transfer_event_once"),)

    def __str__(self) -> str:
        return f"{self.transfer_id} {self.seq} {self.status}"
