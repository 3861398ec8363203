"""Back-tests with all that makes them repeatable, and what they led to, as rows."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from trading.backtest.choices import BacktestState
from trading.ledger.fields import MoneyField, PriceField
from trading.orders.choices import PriceType, Side
from trading.strategies.interface import MAX_REASON_LENGTH, OrderState
from trading.strategies.models import MAX_KEY_LENGTH, Plugin

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class BacktestQuerySet(models.QuerySet["Backtest"]):
    """Reads of back-tests that several callers share."""

    def visible_to(self, user: User | AnonymousUser) -> BacktestQuerySet:
        """One's own; administrators see everybody's."""
        if not isinstance(user, User):
            return self.none()
        return self if user.is_admin else self.filter(owner=user)


class Backtest(models.Model):
    """One run of one version of a strategy over stored bars.

    Strategy version, parameters, settings, the digest of the bars and the digest of our code decide the outcome: the same again
    gives the same again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="backtests")
    job = models.UUIDField(_("job"), null=True, blank=True)
    plugin = models.ForeignKey(Plugin, on_delete=models.PROTECT, related_name="backtests")
    name = models.CharField(_("name"), max_length=80, blank=True)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    symbols = models.JSONField(_("symbols"))
    period = models.CharField(_("period"), max_length=2)
    start = models.DateField(_("first day"))
    end = models.DateField(_("last day"))
    benchmark = models.CharField(_("compared with"), max_length=16, blank=True)
    capital = MoneyField(_("capital"))
    settings = models.JSONField(_("settings"), default=dict, blank=True)

    state = models.CharField(_("state"), max_length=9, choices=BacktestState.choices, default=BacktestState.WAITING)
    code = models.CharField(_("code"), max_length=40, blank=True, help_text=_("Why it failed."))
    message = models.TextField(_("message"), blank=True)
    data_digest = models.CharField(_("digest of the bars"), max_length=64, blank=True)
    code_version = models.CharField(_("version of the platform's code"), max_length=80, blank=True)
    source = models.JSONField(_("where the bars are from"), default=dict, blank=True)
    figures = models.JSONField(_("key figures"), default=dict, blank=True)
    rules = models.JSONField(_("figures per rule"), default=list, blank=True)
    lines = models.JSONField(_("log of the strategy"), default=list, blank=True)
    seconds = models.FloatField(_("seconds of the run"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = BacktestQuerySet.as_manager()

    class Meta:
        verbose_name = _("back-test")
        verbose_name_plural = _("back-tests")
        ordering = ("-created_at", "-id")
        indexes = (models.Index(fields=("owner", "-created_at"), name="backtest_owner_newest"),)

    def __str__(self) -> str:
        return f"{self.plugin_id} {self.start:%Y-%m-%d} – {self.end:%Y-%m-%d} {self.state}"


class BacktestDay(models.Model):
    """The run at the close of one trade date; CNY."""

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="days")
    day = models.DateField(_("trade date"))
    cash = MoneyField(_("cash"))
    holdings = MoneyField(_("holdings"))
    bought = MoneyField(_("bought"))
    sold = MoneyField(_("sold"))
    fees = MoneyField(_("fees"))
    drawdown = models.FloatField(_("drawdown"))
    compared = models.FloatField(_("what it is compared with, of the same capital"), null=True, blank=True)

    class Meta:
        verbose_name = _("day of a back-test")
        verbose_name_plural = _("days of back-tests")
        ordering = ("backtest", "day")
        constraints = (models.UniqueConstraint(fields=("backtest", "day"), name="backtest_day_once"),)

    def __str__(self) -> str:
        return f"{self.backtest_id} {self.day:%Y-%m-%d}"


class BacktestOrder(models.Model):
    """One request of the strategy and what became of it. Stamps are market time, epoch milliseconds."""

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="orders")
    number = models.PositiveIntegerField(_("number"))
    key = models.CharField(_("its id in the strategy"), max_length=MAX_KEY_LENGTH)
    asked_ts = models.BigIntegerField(_("asked at"))
    ended_ts = models.BigIntegerField(_("ended at"), null=True, blank=True)
    symbol = models.CharField(_("symbol"), max_length=16)
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    quantity = models.BigIntegerField(_("quantity"))
    price_type = models.CharField(_("price type"), max_length=12, choices=PriceType.choices)
    price = PriceField(_("price"), null=True, blank=True)
    reason = models.CharField(_("rule"), max_length=MAX_REASON_LENGTH, blank=True)
    state = models.CharField(_("state"), max_length=9, choices=[(state.value, state.value) for state in OrderState])
    filled = models.BigIntegerField(_("filled"), default=0)
    average_price = PriceField(_("average price"))
    code = models.CharField(_("code"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("order of a back-test")
        verbose_name_plural = _("orders of back-tests")
        ordering = ("backtest", "number")
        constraints = (models.UniqueConstraint(fields=("backtest", "number"), name="backtest_order_once"),)

    def __str__(self) -> str:
        return f"{self.backtest_id}#{self.number} {self.side} {self.quantity} {self.symbol}"


class BacktestTrade(models.Model):
    """One fill."""

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="trades")
    number = models.PositiveIntegerField(_("number"))
    order = models.PositiveIntegerField(_("number of its order"))
    ts = models.BigIntegerField(_("market time"))
    symbol = models.CharField(_("symbol"), max_length=16)
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    quantity = models.BigIntegerField(_("quantity"))
    price = PriceField(_("price"))
    fees = MoneyField(_("fees"))
    reason = models.CharField(_("rule"), max_length=MAX_REASON_LENGTH, blank=True)

    class Meta:
        verbose_name = _("fill of a back-test")
        verbose_name_plural = _("fills of back-tests")
        ordering = ("backtest", "number")
        constraints = (models.UniqueConstraint(fields=("backtest", "number"), name="backtest_trade_once"),)

    def __str__(self) -> str:
        return f"{self.backtest_id}#{self.number} {self.side} {self.quantity} {self.symbol} @ {self.price}"


class BacktestTrip(models.Model):
    """Shares that were bought together and left together, or are still held at the end."""

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="trips")
    number = models.PositiveIntegerField(_("number"))
    symbol = models.CharField(_("symbol"), max_length=16)
    quantity = models.BigIntegerField(_("quantity"))
    opened_ts = models.BigIntegerField(_("bought at"))
    closed_ts = models.BigIntegerField(_("sold at"), null=True, blank=True)
    cost = MoneyField(_("paid"))
    proceeds = MoneyField(_("received, or worth at the end"))
    income = MoneyField(_("cash of ex-dates"))
    entry_reason = models.CharField(_("rule of the purchase"), max_length=MAX_REASON_LENGTH, blank=True)
    exit_reason = models.CharField(_("rule of the sale"), max_length=MAX_REASON_LENGTH, blank=True)

    class Meta:
        verbose_name = _("round trip of a back-test")
        verbose_name_plural = _("round trips of back-tests")
        ordering = ("backtest", "number")
        constraints = (models.UniqueConstraint(fields=("backtest", "number"), name="backtest_trip_once"),)

    def __str__(self) -> str:
        return f"{self.backtest_id}#{self.number} {self.quantity} {self.symbol}"


class BacktestPlot(models.Model):
    """One picture of a report, drawn when the run ended."""

    backtest = models.ForeignKey(Backtest, on_delete=models.CASCADE, related_name="plots")
    name = models.CharField(_("name"), max_length=16)
    svg = models.TextField(_("picture"))

    class Meta:
        verbose_name = _("plot of a back-test")
        verbose_name_plural = _("plots of back-tests")
        ordering = ("backtest", "name")
        constraints = (models.UniqueConstraint(fields=("backtest", "name"), name="backtest_plot_once"),)

    def __str__(self) -> str:
        return f"{self.backtest_id} {self.name}"
