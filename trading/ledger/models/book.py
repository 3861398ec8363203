"""What the broker states, what is promised of it, and the versioned event log of each account."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount
from trading.ledger.choices import EventKind, TradeDateState
from trading.ledger.fields import MoneyField, PriceField
from trading.ledger.querysets import AccountScopedQuerySet


class AccountBook(models.Model):
    """One row per account that every change of its trading state goes through.

    Its version numbers the account's events; whoever writes them holds this row, so
    the numbers have no gaps and the reservation can never be promised twice.
    """

    account = models.OneToOneField(BrokerAccount, on_delete=models.PROTECT, primary_key=True, related_name="book")
    version = models.PositiveBigIntegerField(_("event version"), default=0)
    reserved_cash = MoneyField(
        _("reserved cash"),
        help_text=_("Promised to orders that the broker's own figure does not contain yet."),
    )
    unconfirmed_cash = MoneyField(
        _("unconfirmed spending"),
        help_text=_("Spent by fills since the last asset query that was started after them."),
    )
    unconfirmed_at = models.DateTimeField(_("last unconfirmed fill"), null=True, blank=True)
    open_trade_date = models.DateField(
        _("open trade date"), null=True, blank=True, help_text=_("The earliest date not closed.")
    )
    closed_trade_date = models.DateField(_("closed trade date"), null=True, blank=True)
    reconciled_at = models.DateTimeField(_("reconciled"), null=True, blank=True)
    ledger_cash = MoneyField(_("cash by entries"), help_text=_("The sum of the ledger's entries."))
    ledger_since = models.DateField(
        _("books opened on"), null=True, blank=True, help_text=_("The opening balance was entered on this date.")
    )
    estimated_fees = MoneyField(
        _("fees estimated"), help_text=_("By rule, since they were last compared with the broker's cash.")
    )
    reconcile_wanted_at = models.DateTimeField(
        _("reconciliation wanted"), null=True, blank=True, help_text=_("Somebody asked for one; done once it is older.")
    )
    restricted = models.JSONField(
        _("restricted instruments"),
        default=dict,
        blank=True,
        help_text=_("Symbol to reason; new orders in these are denied."),
    )

    objects: ClassVar[AccountScopedQuerySet[AccountBook]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("account book")
        verbose_name_plural = _("account books")
        constraints = (
            models.CheckConstraint(condition=Q(reserved_cash__gte=0), name="book_reserved_cash_not_negative"),
            models.CheckConstraint(condition=Q(unconfirmed_cash__gte=0), name="book_unconfirmed_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} v{self.version}"

    @property
    def promised_cash(self) -> Decimal:
        """What the broker's figure cannot contain yet: promises to orders, and unconfirmed spending."""
        promised: Decimal = self.reserved_cash + self.unconfirmed_cash
        return promised


class AssetSnapshot(models.Model):
    """The account's money as the broker last stated it."""

    account = models.OneToOneField(BrokerAccount, on_delete=models.PROTECT, primary_key=True, related_name="asset")
    cash = MoneyField(_("available cash"))
    frozen_cash = MoneyField(_("frozen cash"))
    market_value = MoneyField(_("market value"))
    total_asset = MoneyField(_("total asset"))
    at = models.DateTimeField(_("received"))
    query_cash = MoneyField(
        _("available cash at the last query"),
        null=True,
        blank=True,
        help_text=_("What reservations are counted against: a push may contain some of them already."),
    )
    query_started_at = models.DateTimeField(_("query started"), null=True, blank=True, help_text=_("Empty for a push."))

    objects: ClassVar[AccountScopedQuerySet[AssetSnapshot]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("asset")
        verbose_name_plural = _("assets")

    def __str__(self) -> str:
        return f"{self.account_id} {self.total_asset}"

    @property
    def confirmed_cash(self) -> Decimal:
        """The broker's figure that is known to contain every promise handed over to it, and no other."""
        figure: Decimal = self.cash if self.query_cash is None else self.query_cash
        return figure


class Position(models.Model):
    """One holding as the broker last stated it. A holding that is gone has no row."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="positions")
    symbol = models.CharField(_("symbol"), max_length=16)
    instrument_id = models.BigIntegerField(_("instrument"), null=True, blank=True)
    quantity = models.BigIntegerField(_("quantity"), default=0)
    sellable = models.BigIntegerField(_("sellable"), default=0)
    frozen = models.BigIntegerField(_("frozen"), default=0)
    on_road = models.BigIntegerField(_("on the road"), default=0)
    yesterday = models.BigIntegerField(_("held since yesterday"), default=0)
    avg_price = PriceField(_("average price"))
    open_price = PriceField(_("open price"))
    last_price = PriceField(_("last price"))
    market_value = MoneyField(_("market value"))
    unconfirmed_sold = models.BigIntegerField(
        _("unconfirmed sales"),
        default=0,
        help_text=_("Sold by fills since the last position query that was started after them."),
    )
    unconfirmed_at = models.DateTimeField(_("last unconfirmed fill"), null=True, blank=True)
    query_sellable = models.BigIntegerField(
        _("sellable at the last query"),
        null=True,
        blank=True,
        help_text=_("What reservations are counted against: a push may contain some of them already."),
    )
    query_started_at = models.DateTimeField(_("query started"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated"))

    objects: ClassVar[AccountScopedQuerySet[Position]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("position")
        verbose_name_plural = _("positions")
        ordering = ("account_id", "symbol")
        constraints = (models.UniqueConstraint(fields=("account", "symbol"), name="position_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol} {self.quantity}"

    @property
    def confirmed_sellable(self) -> int:
        """The broker's figure that is known to contain every promise handed over to it, and no other."""
        figure: int = self.sellable if self.query_sellable is None else self.query_sellable
        return figure


class AccountEvent(models.Model):
    """One versioned change of an account, in the form the live socket sends it."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveBigIntegerField(_("version"))
    kind = models.CharField(_("kind"), max_length=10, choices=EventKind.choices)
    payload = models.JSONField(_("payload"))
    at = models.DateTimeField(_("at"), db_index=True)

    objects: ClassVar[AccountScopedQuerySet[AccountEvent]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("account event")
        verbose_name_plural = _("account events")
        ordering = ("account_id", "version")
        constraints = (models.UniqueConstraint(fields=("account", "version"), name="account_event_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} v{self.version} {self.kind}"


class TradeDate(models.Model):
    """One trade date of one account: open until a reconciliation after its close has completed."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="trade_dates")
    date = models.DateField(_("date"))
    state = models.CharField(_("state"), max_length=6, choices=TradeDateState.choices, default=TradeDateState.OPEN)
    opened_at = models.DateTimeField(_("opened"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects: ClassVar[AccountScopedQuerySet[TradeDate]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("trade date")
        verbose_name_plural = _("trade dates")
        ordering = ("account_id", "-date")
        constraints = (models.UniqueConstraint(fields=("account", "date"), name="trade_date_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.date:%Y-%m-%d} {self.state}"
