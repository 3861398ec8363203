"""Which accounts subscribe by themselves, and what became of each issue."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, BrokerAccount, User
from trading.ledger.querysets import AccountScopedQuerySet
from trading.orders.models import Order
from trading.subscriptions.choices import ResultState


class SubscriptionPlan(models.Model):
    """An account whose issues are subscribed on every trade date, in the name of whoever opted in."""

    account = models.OneToOneField(
        BrokerAccount, on_delete=models.PROTECT, primary_key=True, related_name="subscription_plan"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    by_token = models.BooleanField(_("asked for by a token"), default=False)
    enabled = models.BooleanField(_("enabled"))
    since = models.DateField(_("from trade date"))
    changed_at = models.DateTimeField(_("changed"))

    objects: ClassVar[AccountScopedQuerySet[SubscriptionPlan]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("subscription plan")
        verbose_name_plural = _("subscription plans")
        ordering = ("account_id",)

    def __str__(self) -> str:
        return f"{self.account_id} {'on' if self.enabled else 'off'}"


class SubscriptionResult(models.Model):
    """One issue on one account: subscribed by hand or by the plan, or why not."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="subscription_results")
    trade_date = models.DateField(_("trade date"))
    symbol = models.CharField(_("symbol"), max_length=16)
    name = models.CharField(_("name"), max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ResultState.choices, default=ResultState.WAITING)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    code = models.CharField(_("code"), max_length=40, blank=True)
    message = models.CharField(_("message"), max_length=400, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    changed_at = models.DateTimeField(_("changed"))

    objects: ClassVar[AccountScopedQuerySet[SubscriptionResult]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("result of a subscription")
        verbose_name_plural = _("results of subscriptions")
        ordering = ("-trade_date", "-id")
        constraints = (
            models.UniqueConstraint(fields=("account", "trade_date", "symbol"), name="subscription_result_once"),
        )
        indexes = (models.Index(fields=("state", "trade_date"), name="subscription_result_open"),)

    def __str__(self) -> str:
        return f"{self.trade_date} {self.account_id} {self.symbol} {self.state}"
