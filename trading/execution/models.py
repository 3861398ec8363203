"""Executions, their legs and their children. The rows are all the state there is: a restart loses nothing."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, BrokerAccount, User
from trading.execution.choices import FINAL, Kind, State
from trading.ledger.fields import MoneyField, PriceField
from trading.ledger.querysets import AccountScopedQuerySet
from trading.orders.choices import PriceType, Side
from trading.orders.models import Order
from trading.orders.services.ticket import EXECUTION_KEY


class Execution(models.Model):
    """One parent. It changes inside its account's journal only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="executions")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    by_token = models.BooleanField(_("asked for by a token"), default=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    client_execution_id = models.CharField(_("client execution id"), max_length=64, null=True, blank=True)
    body_digest = models.CharField(_("digest of the request"), max_length=64)
    strategy = models.CharField(_("strategy"), max_length=64, blank=True)
    terms = models.JSONField(_("terms"), default=dict, help_text=_("What was asked for."))

    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.RUNNING)
    ending = models.CharField(
        _("ends as"), max_length=20, choices=State.choices, blank=True, help_text=_("While it is stopping.")
    )
    code = models.CharField(_("code"), max_length=40, blank=True, help_text=_("Why it paused, stopped or ended."))
    version = models.PositiveIntegerField(_("version"), default=1)
    epoch = models.PositiveIntegerField(
        _("authority epoch"), help_text=_("Another one of the account's means that somebody has to look.")
    )
    trade_date = models.DateField(_("trade date"))
    child_quantity = models.BigIntegerField(_("largest child"), null=True, blank=True)
    slices = models.PositiveIntegerField(_("slices"), null=True, blank=True)
    starts_at = models.DateTimeField(_("window begins"), null=True, blank=True, help_text=_("Market time."))
    ends_at = models.DateTimeField(_("window ends"), null=True, blank=True, help_text=_("Market time."))
    replaced = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="replacements", null=True, blank=True)
    created_at = models.DateTimeField(_("accepted"))
    resumed_at = models.DateTimeField(_("resumed"), null=True, blank=True)
    final_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar[AccountScopedQuerySet[Execution]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("execution")
        verbose_name_plural = _("executions")
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("account", "client_execution_id"), name="execution_once_per_client_id"),
            models.UniqueConstraint(
                fields=("replaced",), condition=Q(final_at__isnull=True), name="execution_one_replacement_at_a_time"
            ),
        )
        indexes = (
            models.Index(fields=("created_at",), name="execution_open", condition=Q(final_at__isnull=True)),
            models.Index(fields=("account", "trade_date", "-created_at"), name="execution_of_the_day"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id} {self.state}"

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


class ExecutionApproval(models.Model):
    """Why an execution waits or waited for somebody else, on which terms, and who decided."""

    execution = models.OneToOneField(Execution, on_delete=models.PROTECT, primary_key=True, related_name="approval")
    rules = models.JSONField(_("rules"), help_text=_("Number, version and note of each rule that asked."))
    value = MoneyField(_("value"), null=True, blank=True)
    last_prices = models.JSONField(_("prices it met"), default=dict, help_text=_("Symbol to price."))
    max_drift_percent = models.DecimalField(
        _("most drift of the price (%)"), max_digits=7, decimal_places=4, null=True, blank=True
    )
    expires_at = models.DateTimeField(_("expires"))
    approved = models.BooleanField(_("approved"), default=False, help_text=_("Its orders are not held again."))
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("approval of an execution")
        verbose_name_plural = _("approvals of executions")

    def __str__(self) -> str:
        return f"{self.execution_id} {self.decided_at or '—'}"


class Leg(models.Model):
    """One instrument and side of an execution."""

    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="legs")
    number = models.PositiveIntegerField(_("number"))
    symbol = models.CharField(_("symbol"), max_length=16)
    instrument_id = models.BigIntegerField(_("instrument"))
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    quantity = models.BigIntegerField(_("quantity"), help_text=_("All children together never trade more."))
    price_type = models.CharField(_("price type"), max_length=12, choices=PriceType.choices)
    price = PriceField(_("price"), null=True, blank=True)
    traded_quantity = models.BigIntegerField(_("traded quantity"), default=0)
    traded_amount = MoneyField(_("traded amount"))
    ended = models.BooleanField(_("ended"), default=False)
    code = models.CharField(_("code"), max_length=40, blank=True, help_text=_("Why it ended with less."))
    note = models.JSONField(_("facts"), default=dict, blank=True)

    class Meta:
        verbose_name = _("leg")
        verbose_name_plural = _("legs")
        ordering = ("execution_id", "number")
        constraints = (
            models.UniqueConstraint(fields=("execution", "number"), name="leg_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="leg_quantity_positive"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol}"


class Child(models.Model):
    """One order of a leg: decided here first, placed under a key that follows from its numbers.

    The row is committed before the order is placed, and the key names one order for ever. So whoever finds a child
    without its order places it, or finds the order that was placed: never a second one.
    """

    leg = models.ForeignKey(Leg, on_delete=models.PROTECT, related_name="children")
    number = models.PositiveIntegerField(_("number"))
    quantity = models.BigIntegerField(_("quantity"))
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="child", null=True, blank=True)
    void = models.BooleanField(_("never placed"), default=False)
    created_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("child")
        verbose_name_plural = _("children")
        ordering = ("leg_id", "number")
        constraints = (
            models.UniqueConstraint(fields=("leg", "number"), name="child_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="child_quantity_positive"),
            models.CheckConstraint(condition=Q(void=False) | Q(order=None), name="child_void_has_no_order"),
        )

    def __str__(self) -> str:
        return f"{self.leg_id}#{self.number} {self.quantity}"

    @property
    def key(self) -> str:
        """The `client_order_id` of this child's order. Load it with its leg."""
        return f"{EXECUTION_KEY}{self.leg.execution_id.hex}:{self.leg.number}:{self.number}"
