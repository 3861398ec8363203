"""How an account stood at the end of each trade date: the equity curve and the statements."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount
from trading.ledger.fields import MoneyField, PriceField
from trading.ledger.querysets import AccountScopedQuerySet


class AccountDay(models.Model):
    """The account's totals when a trade date was closed (or the books were opened on it)."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="days")
    date = models.DateField(_("trade date"))
    cash = MoneyField(_("cash"), help_text=_("The broker's, frozen included."))
    market_value = MoneyField(_("market value"))
    ledger_cash = MoneyField(_("cash by entries"))
    external = MoneyField(
        _("brought in"), help_text=_("Money and shares brought in less taken out, since the books were opened.")
    )
    at = models.DateTimeField(_("taken"))

    objects: ClassVar[AccountScopedQuerySet[AccountDay]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("account's day")
        verbose_name_plural = _("accounts' days")
        ordering = ("account_id", "date")
        constraints = (models.UniqueConstraint(fields=("account", "date"), name="account_day_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.date:%Y-%m-%d} {self.equity}"

    @property
    def equity(self) -> Decimal:
        """Cash and holdings together, CNY."""
        total: Decimal = self.cash + self.market_value
        return total


class PositionDay(models.Model):
    """One holding when a trade date was closed."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="position_days")
    date = models.DateField(_("trade date"))
    symbol = models.CharField(_("symbol"), max_length=16)
    quantity = models.BigIntegerField(_("shares"))
    sellable = models.BigIntegerField(_("sellable"))
    price = PriceField(_("price"))
    market_value = MoneyField(_("market value"))
    cost = MoneyField(_("cost"))
    base_cost = MoneyField(_("base cost"))
    broker_cost = PriceField(_("broker's cost per share"))
    opened_on = models.DateField(_("held since"), null=True, blank=True)

    objects: ClassVar[AccountScopedQuerySet[PositionDay]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("position's day")
        verbose_name_plural = _("positions' days")
        ordering = ("account_id", "date", "symbol")
        constraints = (models.UniqueConstraint(fields=("account", "date", "symbol"), name="position_day_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.date:%Y-%m-%d} {self.symbol} {self.quantity}"
