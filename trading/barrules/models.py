"""Who wants which instrument entered and left by the MACD rule."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, BrokerAccount, User
from trading.barrules.choices import RulePeriod
from trading.ledger.fields import MoneyField
from trading.ledger.querysets import AccountScopedQuerySet


class MacdRule(models.Model):
    """The MACD rule on one instrument of one account. Whoever set it last is the person in whose name it trades."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="macd_rules")
    symbol = models.CharField(_("symbol"), max_length=16)
    instrument_id = models.BigIntegerField(_("instrument"))
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    by_token = models.BooleanField(_("set by a token"), default=False)
    period = models.CharField(_("period"), max_length=4, choices=RulePeriod.choices)
    amount = MoneyField(_("amount of an entry"))
    enabled = models.BooleanField(_("on"))
    judged_bar = models.BigIntegerField(_("newest bar judged"), default=0, help_text=_("Epoch ms."))
    entered_on = models.DateField(_("last entry"), null=True, blank=True)
    exited_on = models.DateField(_("last exit"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"))

    objects: ClassVar[AccountScopedQuerySet[MacdRule]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("MACD rule")
        verbose_name_plural = _("MACD rules")
        ordering = ("account_id", "symbol")
        constraints = (
            models.UniqueConstraint(fields=("account", "symbol"), name="macd_rule_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="macd_rule_amount_positive"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol} {self.period}"
