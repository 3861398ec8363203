"""New issues (新股申购) and quotas as a terminal last stated them, per trade date."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount, QmtHost
from trading.ledger.choices import IssueKind
from trading.ledger.fields import PriceField
from trading.ledger.querysets import AccountScopedQuerySet


class IssueRound(models.Model):
    """When a host's terminal last told which issues there are: no row of an issue proves nothing without it."""

    host = models.OneToOneField(QmtHost, on_delete=models.PROTECT, primary_key=True, related_name="+")
    trade_date = models.DateField(_("trade date"))
    asked_at = models.DateTimeField(_("asked"))

    class Meta:
        verbose_name = _("round of new issues")
        verbose_name_plural = _("rounds of new issues")

    def __str__(self) -> str:
        return f"{self.host_id} {self.trade_date}"


class SubscribableIssue(models.Model):
    """One issue that a host's terminal offers for subscription on one trade date."""

    host = models.ForeignKey(QmtHost, on_delete=models.PROTECT, related_name="+")
    trade_date = models.DateField(_("trade date"))
    symbol = models.CharField(_("symbol"), max_length=16, help_text=_("The subscription code."))
    name = models.CharField(_("name"), max_length=64, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=IssueKind.choices)
    price = PriceField(_("issue price"), help_text=_("0 while it is not fixed."))
    minimum = models.BigIntegerField(_("smallest subscription"))
    maximum = models.BigIntegerField(_("largest subscription"))
    asked_at = models.DateTimeField(_("asked"))

    class Meta:
        verbose_name = _("new issue")
        verbose_name_plural = _("new issues")
        ordering = ("-trade_date", "symbol")
        constraints = (
            models.UniqueConstraint(fields=("host", "trade_date", "symbol"), name="issue_once_per_host_and_date"),
        )

    def __str__(self) -> str:
        return f"{self.trade_date} {self.symbol}"


class SubscriptionQuota(models.Model):
    """How many shares of new issues an account may subscribe on a trade date, by the terminal's own keys."""

    account = models.OneToOneField(BrokerAccount, on_delete=models.PROTECT, primary_key=True, related_name="+")
    trade_date = models.DateField(_("trade date"))
    quotas = models.JSONField(_("quotas"), default=dict)
    asked_at = models.DateTimeField(_("asked"))

    objects: ClassVar[AccountScopedQuerySet[SubscriptionQuota]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("subscription quota")
        verbose_name_plural = _("subscription quotas")

    def __str__(self) -> str:
        return f"{self.account_id} {self.trade_date}"
