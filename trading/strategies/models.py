"""Plug-ins as they were found, their runs, what the runs decided and said. The rows are all that survives a process."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, BrokerAccount, User
from trading.ledger.fields import MoneyField, PriceField
from trading.ledger.querysets import AccountScopedQuerySet
from trading.orders.choices import PriceType, Side
from trading.orders.models import Order
from trading.strategies.choices import Level, Origin, RunState
from trading.strategies.interface import MAX_REASON_LENGTH, OrderState

MAX_LABEL_LENGTH = 48
MAX_KEY_LENGTH = 120


class Plugin(models.Model):
    """One version of a strategy: what its source with this digest declares. Versions that are gone stay as rows."""

    name = models.CharField(_("name"), max_length=48)
    digest = models.CharField(_("digest of its source"), max_length=64)
    origin = models.CharField(_("origin"), max_length=8, choices=Origin.choices)
    location = models.CharField(_("place"), max_length=400)
    title = models.CharField(_("title"), max_length=120, blank=True)
    text = models.TextField(_("description"), blank=True)
    parameters = models.JSONField(_("declared parameters"), default=list, blank=True)
    periods = models.JSONField(_("periods"), default=list, blank=True)
    wants_ticks = models.BooleanField(_("takes ticks"), default=False)
    problem = models.CharField(_("why it cannot be used"), max_length=400, blank=True)
    present = models.BooleanField(_("there now"), default=True)
    found_at = models.DateTimeField(_("first found"))

    class Meta:
        verbose_name = _("strategy")
        verbose_name_plural = _("strategies")
        ordering = ("name", "-found_at")
        constraints = (
            models.UniqueConstraint(fields=("name", "digest"), name="plugin_version_once"),
            models.UniqueConstraint(fields=("name",), condition=Q(present=True), name="plugin_present_once"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.digest[:12]}"


class Run(models.Model):
    """A strategy on an account, with its parameters, its money and its place in the sequence of events.

    It goes on where it stopped. `generation` is the fence between processes: only the one that raised it last writes.
    """

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="strategy_runs")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    by_token = models.BooleanField(_("started by a token"), default=False)
    plugin = models.ForeignKey(Plugin, on_delete=models.PROTECT, related_name="runs")
    label = models.CharField(
        _("label"), max_length=MAX_LABEL_LENGTH, help_text=_("What its orders and its profit are kept under.")
    )
    symbols = models.JSONField(_("symbols"))
    period = models.CharField(_("period"), max_length=2)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    capital = MoneyField(_("capital"))
    opens_at = models.TimeField(_("starts daily"), null=True, blank=True, help_text=_("Market time."))
    closes_at = models.TimeField(_("stops daily"), null=True, blank=True, help_text=_("Market time."))

    wanted = models.BooleanField(_("wanted"), default=False)
    mode = models.CharField(_("account mode it was started in"), max_length=10, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=RunState.choices, default=RunState.STOPPED)
    code = models.CharField(_("code"), max_length=40, blank=True, help_text=_("Why it failed or stopped."))
    message = models.CharField(_("message"), max_length=400, blank=True)
    generation = models.PositiveIntegerField(_("generation"), default=0)
    changed_at = models.DateTimeField(_("changed"))
    created_at = models.DateTimeField(_("created"))

    values = models.JSONField(_("kept state"), default=dict, blank=True)
    events = models.PositiveBigIntegerField(_("events handled"), default=0)
    bar_ts = models.BigIntegerField(_("last bars handled"), null=True, blank=True)
    bar_days = models.PositiveIntegerField(_("trade dates with bars"), default=0)
    trade_cursor = models.PositiveBigIntegerField(_("last fill told"), default=0)
    order_count = models.PositiveIntegerField(_("orders asked for"), default=0)
    line_count = models.PositiveBigIntegerField(_("lines written"), default=0)

    objects: ClassVar[AccountScopedQuerySet[Run]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("strategy run")
        verbose_name_plural = _("strategy runs")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("account", "label"), name="strategy_label_once"),
            models.CheckConstraint(condition=Q(capital__gt=0), name="strategy_capital_positive"),
            models.CheckConstraint(
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__isnull=False, closes_at__isnull=False, closes_at__gt=models.F("opens_at")),
                name="strategy_hours_in_order",
            ),
        )

    def __str__(self) -> str:
        return f"{self.label} {self.state}"


class RunOrder(models.Model):
    """One order that a run asked for. Stored with the event that asked, before anything is sent."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="orders")
    number = models.PositiveIntegerField(_("number"))
    key = models.CharField(_("its id in the strategy"), max_length=MAX_KEY_LENGTH)
    symbol = models.CharField(_("symbol"), max_length=16)
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    quantity = models.BigIntegerField(_("quantity"))
    price_type = models.CharField(_("price type"), max_length=12, choices=PriceType.choices)
    price = PriceField(_("price"), null=True, blank=True)
    reason = models.CharField(_("rule"), max_length=MAX_REASON_LENGTH, blank=True)
    decided_ts = models.BigIntegerField(_("decided at"), help_text=_("Market time, epoch milliseconds."))
    place_until_ts = models.BigIntegerField(_("placed until"), help_text=_("Market time; never sent later."))
    state = models.CharField(
        _("state told"), max_length=9, choices=[(state.value, state.value) for state in OrderState]
    )
    filled = models.BigIntegerField(_("filled, as told"), default=0)
    average_price = PriceField(_("average price"))
    code = models.CharField(_("code"), max_length=40, blank=True)
    cancel_wanted = models.BooleanField(_("cancel wanted"), default=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("order of a run")
        verbose_name_plural = _("orders of runs")
        ordering = ("run_id", "number")
        constraints = (
            models.UniqueConstraint(fields=("run", "number"), name="run_order_number_once"),
            models.UniqueConstraint(fields=("run", "key"), name="run_order_key_once"),
        )

    def __str__(self) -> str:
        return f"{self.run_id}#{self.number} {self.side} {self.quantity} {self.symbol}"

    @property
    def lane(self) -> str:
        """Names this wish for ever; see `trading.execution.automatic`."""
        return f"strat:{self.run_id}:{self.number}"


class RunLine(models.Model):
    """One line of a run's log. The newest ones are kept."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveBigIntegerField(_("number"))
    level = models.CharField(_("level"), max_length=7, choices=Level.choices)
    text = models.CharField(_("text"), max_length=500)
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    market_ts = models.BigIntegerField(_("market time"), null=True, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("line of a run's log")
        verbose_name_plural = _("lines of runs' logs")
        ordering = ("run_id", "number")
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="run_line_once"),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.level} {self.text[:40]}"
