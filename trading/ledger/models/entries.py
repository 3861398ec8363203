"""The ledger proper: entries that are only ever added, and the sums they lead to."""

from __future__ import annotations

from typing import Any, ClassVar, Never

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import BrokerAccount, User
from trading.ledger.choices import EntryKind
from trading.ledger.fields import MoneyField, PriceField
from trading.ledger.querysets import AccountScopedQuerySet

MAX_STRATEGY_LENGTH = 64


class EntryQuerySet(AccountScopedQuerySet["LedgerEntry"]):
    """Entries of the accounts a person sees. What is written stays: mistakes get an entry of their own."""

    def update(self, **kwargs: Any) -> Never:
        raise TypeError("ledger entries are never changed; add another one")

    def delete(self) -> Never:
        raise TypeError("ledger entries are never deleted; add another one")


class LedgerEntry(models.Model):
    """One line of an account's books: what it did to the money and to one instrument's shares.

    The sum of `cash` is the account's money, the sum of `quantity` per symbol its shares. A fill
    is a TRADE entry and one entry for each of its fees. Written by `trading.ledger.entries` only.
    """

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="entries")
    trade_date = models.DateField(_("trade date"))
    kind = models.CharField(_("kind"), max_length=12, choices=EntryKind.choices)
    symbol = models.CharField(_("symbol"), max_length=16, blank=True)
    side = models.CharField(
        _("side"), max_length=4, blank=True, help_text=_("Of the fill it belongs to; empty for anything else.")
    )
    quantity = models.BigIntegerField(_("shares"), default=0)
    price = PriceField(_("price"), null=True, blank=True)
    cash = MoneyField(_("money"))
    realised = MoneyField(_("realised profit"), help_text=_("At the account's average cost."))
    realised_own = MoneyField(_("realised profit of its owner"), help_text=_("At the owner's own average cost."))
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    strategy = models.CharField(_("strategy"), max_length=MAX_STRATEGY_LENGTH, blank=True)
    reference = models.CharField(
        _("reference"), max_length=80, help_text=_("What it records; the same thing is never entered twice.")
    )
    rule = models.CharField(_("rule"), max_length=80, blank=True, help_text=_("The dated rule of a fee."))
    note = models.CharField(_("note"), max_length=400, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    at = models.DateTimeField(_("entered"))

    objects: ClassVar[EntryQuerySet] = EntryQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("account", "kind", "reference"), name="ledger_entry_once"),
            models.CheckConstraint(condition=~Q(quantity=0) | ~Q(cash=0), name="ledger_entry_says_something"),
        )
        indexes = (
            models.Index(fields=("account", "trade_date", "id"), name="ledger_entry_of_day"),
            models.Index(fields=("account", "symbol", "id"), name="ledger_entry_of_symbol"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.symbol} {self.quantity} {self.cash}"

    def save(self, *args: Any, **kwargs: Any) -> Never:
        raise TypeError("entries are written by trading.ledger.entries, once")

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise TypeError("ledger entries are never deleted; add another one")


class Figures(models.Model):
    """What a run of entries in one instrument adds up to; `manage.py ledger_verify` adds it up again."""

    quantity = models.BigIntegerField(_("shares"), default=0)
    cost = MoneyField(_("cost"), help_text=_("Paid for the shares held, fees included, at moving average."))
    base_cost = MoneyField(_("base cost"), help_text=_("The same without fees."))
    realised = MoneyField(_("realised profit"), help_text=_("Of sales, after their fees."))
    dividends = MoneyField(_("dividends"), help_text=_("After taxes withheld."))
    fees = MoneyField(_("fees"))
    opened_on = models.DateField(_("held since"), null=True, blank=True)
    bought_on = models.DateField(_("last bought"), null=True, blank=True)
    bought_quantity = models.BigIntegerField(_("bought on that date"), default=0)

    class Meta:
        abstract = True


class LedgerPosition(Figures):
    """One instrument of one account as its entries add up. Rows of sold-out holdings stay: their profit counts."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="ledger_positions")
    symbol = models.CharField(_("symbol"), max_length=16)

    objects: ClassVar[AccountScopedQuerySet[LedgerPosition]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("position by entries")
        verbose_name_plural = _("positions by entries")
        ordering = ("account_id", "symbol")
        constraints = (models.UniqueConstraint(fields=("account", "symbol"), name="ledger_position_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol} {self.quantity}"


class OwnerPosition(Figures):
    """The part of an account's holding that one person's orders, under one strategy, led to.

    What nobody's order led to (opening holdings, orders from the terminal, corporate actions) belongs to the row
    without a person. The shares of all rows of one instrument add up to the account's.
    """

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="owner_positions")
    owner = models.CharField(_("owner"), max_length=90, help_text=_("Person and strategy as one key."))
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    strategy = models.CharField(_("strategy"), max_length=MAX_STRATEGY_LENGTH, blank=True)
    symbol = models.CharField(_("symbol"), max_length=16)

    objects: ClassVar[AccountScopedQuerySet[OwnerPosition]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("owner's position")
        verbose_name_plural = _("owners' positions")
        ordering = ("account_id", "owner", "symbol")
        constraints = (models.UniqueConstraint(fields=("account", "owner", "symbol"), name="owner_position_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.owner} {self.symbol} {self.quantity}"


class CorporateAction(models.Model):
    """One ex-date of one holding: what it brings, and whether the broker's figures show it yet."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="+")
    symbol = models.CharField(_("symbol"), max_length=16)
    ex_date = models.DateField(_("ex-date"))
    held = models.BigIntegerField(_("shares held before"))
    cash = MoneyField(_("cash"))
    shares = models.BigIntegerField(_("shares"), default=0)
    cash_received_on = models.DateField(_("cash received"), null=True, blank=True)
    shares_received_on = models.DateField(_("shares received"), null=True, blank=True)

    objects: ClassVar[AccountScopedQuerySet[CorporateAction]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("corporate action")
        verbose_name_plural = _("corporate actions")
        ordering = ("account_id", "-ex_date")
        constraints = (models.UniqueConstraint(fields=("account", "symbol", "ex_date"), name="corporate_action_once"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol} {self.ex_date:%Y-%m-%d}"
