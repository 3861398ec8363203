"""Static data beside the instruments: index weights, statements, bonds, fund baskets, new issues. All of it dated."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketdata.models.dated import Dated
from marketdata.models.instruments import Instrument
from qmt.reference import FinancialTable


class IndexWeight(Dated):
    """Weight of one constituent in one index over a stretch of days."""

    index = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="constituents")
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="index_weights")
    weight = models.DecimalField(_("weight in per cent"), max_digits=9, decimal_places=6)

    class Meta:
        verbose_name = _("index weight")
        verbose_name_plural = _("index weights")
        ordering = ["index", "instrument", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["index", "instrument", "valid_from"], name="marketdata_weight_once"),
            models.UniqueConstraint(
                fields=["index", "instrument"], condition=Q(valid_to__isnull=True), name="marketdata_weight_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.index_id}: {self.instrument_id} {self.weight}%"


class FinancialReport(models.Model):
    """One row of a financial table, with the day it reports on and the day it became public kept apart.

    A row whose content the terminal changed later without a new announcement is kept with `superseded_at`; reads as of a day use
    `announced_on` alone, so a restatement counts from its own announcement on.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="financials")
    table = models.CharField(
        _("table"), max_length=16, choices=[(table.value, table.value) for table in FinancialTable]
    )
    report_date = models.DateField(_("period end"))
    announced_on = models.DateField(
        _("announced on"),
        null=True,
        blank=True,
        help_text=_("Empty: the terminal does not say; never known as of a day."),
    )
    rank = models.PositiveSmallIntegerField(_("rank"), default=0, help_text=_("In tables of holders."))
    values = models.JSONField(_("figures"))
    observed_at = models.DateTimeField(_("first seen"))
    superseded_at = models.DateTimeField(_("replaced"), null=True, blank=True)

    class Meta:
        verbose_name = _("financial report")
        verbose_name_plural = _("financial reports")
        ordering = ["instrument", "table", "report_date", "announced_on", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "table", "report_date", "announced_on", "rank"],
                condition=Q(superseded_at__isnull=True),
                name="marketdata_financial_one_valid",
            ),
            # A NULL is never equal to another, so rows without an announcement need a constraint of their own.
            models.UniqueConstraint(
                fields=["instrument", "table", "report_date", "rank"],
                condition=Q(superseded_at__isnull=True, announced_on__isnull=True),
                name="marketdata_financial_one_undated",
            ),
        ]
        indexes = [
            models.Index(fields=["table", "announced_on"], name="marketdata_financial_known"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.table} {self.report_date:%Y-%m-%d}"


class ConvertibleBond(Dated):
    """Terms of a convertible bond (可转债) over a stretch of days."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="bond_terms")
    underlying = models.CharField(_("underlying share"), max_length=16, blank=True)
    conversion_price = models.DecimalField(
        _("conversion price"), max_digits=14, decimal_places=4, null=True, blank=True
    )
    remaining_size = models.DecimalField(_("outstanding (CNY)"), max_digits=20, decimal_places=2, null=True, blank=True)
    maturity_date = models.DateField(_("maturity"), null=True, blank=True)
    conversion_start = models.DateField(_("convertible from"), null=True, blank=True)
    conversion_end = models.DateField(_("convertible to"), null=True, blank=True)
    facts = models.JSONField(_("everything the terminal says"))

    class Meta:
        verbose_name = _("convertible bond")
        verbose_name_plural = _("convertible bonds")
        ordering = ["instrument", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "valid_from"], name="marketdata_bond_once"),
            models.UniqueConstraint(
                fields=["instrument"], condition=Q(valid_to__isnull=True), name="marketdata_bond_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} from {self.valid_from:%Y-%m-%d}"


class FundBasket(models.Model):
    """Creation and redemption list (申赎清单) of one fund for one trade date."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="baskets")
    trade_date = models.DateField(_("trade date"))
    unit = models.PositiveBigIntegerField(_("creation unit"), help_text=_("Fund units in the smallest creation."))
    nav = models.FloatField(_("value of a fund unit"))
    cash_difference = models.FloatField(_("cash difference"))
    estimated_cash = models.FloatField(_("estimated cash"))
    facts = models.JSONField(_("everything else the list says"))
    components = models.JSONField(_("components"))

    class Meta:
        verbose_name = _("fund basket")
        verbose_name_plural = _("fund baskets")
        ordering = ["instrument", "-trade_date"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "trade_date"], name="marketdata_basket_once"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.trade_date:%Y-%m-%d}"


class NewIssue(models.Model):
    """One new issue (新股申购). Its instrument may not exist yet, so it is named by its symbol."""

    symbol = models.CharField(_("symbol"), max_length=16, unique=True)
    name = models.CharField(_("name"), max_length=64)
    subscription_code = models.CharField(_("subscription code"), max_length=16, blank=True)
    subscribe_on = models.DateField(_("subscription"), null=True, blank=True, db_index=True)
    lottery_on = models.DateField(_("lottery result"), null=True, blank=True)
    pay_on = models.DateField(_("payment"), null=True, blank=True)
    listed_on = models.DateField(_("listing"), null=True, blank=True)
    price = models.DecimalField(_("issue price"), max_digits=12, decimal_places=4, null=True, blank=True)
    issue_quantity = models.PositiveBigIntegerField(_("shares issued"), default=0)
    online_quantity = models.PositiveBigIntegerField(_("shares online"), default=0)
    min_quantity = models.PositiveIntegerField(_("smallest subscription"), default=0)
    max_quantity = models.PositiveIntegerField(_("largest subscription"), default=0)
    facts = models.JSONField(_("everything the terminal says"))
    first_seen_on = models.DateField(_("first seen"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("new issue")
        verbose_name_plural = _("new issues")
        ordering = ["-subscribe_on", "symbol"]

    def __str__(self) -> str:
        return f"{self.symbol} {self.name}"
