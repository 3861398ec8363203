"""Grids, what they detected, the orders that followed, and their ledger. The rows are all the state there is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, BrokerAccount, User
from trading.execution.automatic import Authority
from trading.grids.choices import LIVE, Direction, GridEnd, GridSignalState, GridState
from trading.grids.course import Course
from trading.grids.figures import Totals
from trading.grids.lots import OpenLot
from trading.grids.terms import GridTerms
from trading.ledger.fields import MoneyField, PriceField
from trading.ledger.querysets import AccountScopedQuerySet
from trading.orders.choices import Side
from trading.orders.models import Order, Trade


class RatioField(models.DecimalField):  # type: ignore[type-arg]
    """A fraction: 0.05 is 5%."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.update(max_digits=8, decimal_places=6)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


class GridSession(models.Model):
    """One grid on one holding, from its start to its end. It changes inside its account's journal only.

    What the engine follows between two changes (peak or valley) it stores by itself, under `revision`.
    """

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="grids")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", help_text=_("In whose name it trades."))
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    by_token = models.BooleanField(_("started by a token"), default=False)
    symbol = models.CharField(_("symbol"), max_length=16)
    instrument_id = models.BigIntegerField(_("instrument"))

    template = models.CharField(_("template"), max_length=16)
    interval = RatioField(_("interval"))
    ratio = RatioField(_("ratio"))
    callback = RatioField(_("callback"))
    max_deviation = RatioField(_("largest deviation"))
    target = RatioField(_("target"))
    stop = RatioField(_("loss limit"))
    days = models.PositiveSmallIntegerField(_("days"))
    max_investment = MoneyField(_("largest investment"))
    expires_at = models.DateTimeField(_("expires"), help_text=_("Market time."))

    state = models.CharField(_("state"), max_length=10, choices=GridState.choices, default=GridState.ACTIVE)
    end = models.CharField(_("ended by"), max_length=16, choices=GridEnd.choices, blank=True)
    held = models.CharField(_("held"), max_length=40, blank=True, help_text=_("Why nothing is detected for now."))
    revision = models.PositiveIntegerField(
        _("revision"), default=1, help_text=_("Raised by every change but a new peak or valley.")
    )
    began_at_price = PriceField(_("first centre"))
    center = PriceField(_("centre"))
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices, default=Direction.NONE)
    extreme = PriceField(_("peak or valley"), null=True, blank=True)
    upper_free_at = models.DateTimeField(_("upper level rests until"), null=True, blank=True)
    lower_free_at = models.DateTimeField(_("lower level rests until"), null=True, blank=True)
    sell_free_at = models.DateTimeField(_("no sale until"), null=True, blank=True)
    buy_free_at = models.DateTimeField(_("no purchase until"), null=True, blank=True)

    signal_count = models.PositiveIntegerField(_("signals"), default=0)
    bought_quantity = models.BigIntegerField(_("bought"), default=0)
    bought_amount = MoneyField(_("paid"))
    sold_quantity = models.BigIntegerField(_("sold"), default=0)
    sold_amount = MoneyField(_("received"))
    open_quantity = models.BigIntegerField(_("open volume"), default=0)
    carried = MoneyField(_("paid out on ex-dates"))
    realised = MoneyField(_("realised profit"), help_text=_("Of matched lots, before fees."))
    scaled_on = models.DateField(_("prices as of"), help_text=_("Ex-dates up to this trade date are in the figures."))
    last_price = PriceField(_("last price"), null=True, blank=True)
    missing_since = models.DateTimeField(
        _("holding missing"), null=True, blank=True, help_text=_("The reconciliation that did not find it first.")
    )

    created_at = models.DateTimeField(_("started"))
    changed_at = models.DateTimeField(_("changed"))
    final_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar[AccountScopedQuerySet[GridSession]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("grid")
        verbose_name_plural = _("grids")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("account", "symbol"), condition=Q(final_at__isnull=True), name="grid_open_once"
            ),
            models.CheckConstraint(condition=Q(max_investment__gt=0), name="grid_investment_positive"),
            models.CheckConstraint(condition=Q(center__gt=0) & Q(began_at_price__gt=0), name="grid_center_positive"),
        )
        indexes = (models.Index(fields=("state",), name="grid_open", condition=Q(final_at__isnull=True)),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol} {self.state}"

    @property
    def is_final(self) -> bool:
        return self.state == GridState.STOPPED

    @property
    def authority(self) -> Authority:
        """In whose name it trades."""
        return Authority(self.user_id, self.token_id, self.by_token)

    @property
    def terms(self) -> GridTerms:
        """Its numbers."""
        return GridTerms(
            interval=self.interval,
            ratio=self.ratio,
            callback=self.callback,
            max_deviation=self.max_deviation,
            target=self.target,
            stop=self.stop,
            days=self.days,
        )

    @property
    def course(self) -> Course:
        """Where it stands."""
        return Course(
            center=self.center,
            direction=Direction(self.direction),
            extreme=self.extreme,
            upper_free_at=self.upper_free_at,
            lower_free_at=self.lower_free_at,
            sell_free_at=self.sell_free_at,
            buy_free_at=self.buy_free_at,
        )

    @property
    def totals(self) -> Totals:
        """What it has come to."""
        return Totals(
            max_investment=self.max_investment,
            bought_quantity=self.bought_quantity,
            bought_amount=self.bought_amount,
            sold_quantity=self.sold_quantity,
            sold_amount=self.sold_amount,
            open_quantity=self.open_quantity,
            carried=self.carried,
        )


class GridSignal(models.Model):
    """One turn of the price that a grid acts on, and what became of it."""

    session = models.ForeignKey(GridSession, on_delete=models.PROTECT, related_name="signals")
    number = models.PositiveIntegerField(_("number"))
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    price = PriceField(_("price at detection"))
    extreme = PriceField(_("peak or valley"))
    center = PriceField(_("centre"))
    quantity = models.BigIntegerField(_("quantity"))
    quote_ts = models.BigIntegerField(_("quote's time"), help_text=_("Epoch ms, event time."))
    trade_date = models.DateField(_("trade date"))
    detected_at = models.DateTimeField(_("detected"))

    state = models.CharField(_("state"), max_length=10, choices=GridSignalState.choices)
    code = models.CharField(_("code"), max_length=40, blank=True)
    message = models.CharField(_("message"), max_length=400, blank=True)
    traded_quantity = models.BigIntegerField(_("traded quantity"), default=0)
    traded_amount = MoneyField(_("traded amount"))
    final_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("grid signal")
        verbose_name_plural = _("grid signals")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("session", "number"), name="grid_signal_once"),
            models.UniqueConstraint(
                fields=("session", "side"), condition=Q(final_at__isnull=True), name="grid_signal_open_once_a_side"
            ),
        )
        indexes = (
            models.Index(
                fields=("session",), name="grid_signal_live", condition=Q(state__in=[str(state) for state in LIVE])
            ),
        )

    def __str__(self) -> str:
        return f"{self.session_id}#{self.number} {self.side} {self.state}"

    @property
    def lane(self) -> str:
        """What names its orders; see `trading.execution.automatic`."""
        return f"grid:{self.session_id}:{self.number}"


class GridAttempt(models.Model):
    """One order of a signal: decided here first, placed under a key that follows from its numbers."""

    signal = models.ForeignKey(GridSignal, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField(_("number"))
    quantity = models.BigIntegerField(_("quantity"))
    price = PriceField(_("limit price"))
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="grid_attempt", null=True, blank=True)
    timed_out = models.BooleanField(_("cancelled for standing too long"), default=False)
    settled = models.BooleanField(
        _("settled"), default=False, help_text=_("Its trade date is closed: no fill can come any more.")
    )
    created_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("order of a grid")
        verbose_name_plural = _("orders of grids")
        ordering = ("signal_id", "number")
        constraints = (
            models.UniqueConstraint(fields=("signal", "number"), name="grid_attempt_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="grid_attempt_quantity_positive"),
        )
        indexes = (models.Index(fields=("id",), name="grid_attempt_open", condition=Q(settled=False)),)

    def __str__(self) -> str:
        return f"{self.signal_id}#{self.number} {self.quantity}"


class GridFill(models.Model):
    """One fill, booked once; while part of it is unmatched it is an open lot as well."""

    session = models.ForeignKey(GridSession, on_delete=models.PROTECT, related_name="fills")
    signal = models.ForeignKey(GridSignal, on_delete=models.PROTECT, related_name="fills")
    trade = models.OneToOneField(Trade, on_delete=models.PROTECT, related_name="grid_fill")
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    quantity = models.BigIntegerField(_("quantity"))
    price = PriceField(_("price"))
    amount = MoneyField(_("amount"))
    realised = MoneyField(_("realised profit"), help_text=_("Of the lots that it closed, before fees."))
    lot_quantity = models.BigIntegerField(_("not matched yet"), help_text=_("In shares of today."))
    lot_price = PriceField(_("price as a lot"), help_text=_("In prices of today."))
    traded_at = models.DateTimeField(_("traded"))
    booked_at = models.DateTimeField(_("booked"))

    class Meta:
        verbose_name = _("fill of a grid")
        verbose_name_plural = _("fills of grids")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=Q(quantity__gt=0), name="grid_fill_quantity_positive"),
            models.CheckConstraint(condition=Q(lot_quantity__gte=0), name="grid_lot_not_negative"),
        )
        indexes = (models.Index(fields=("session",), name="grid_lot_open", condition=Q(lot_quantity__gt=0)),)

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} @ {self.price}"

    @property
    def lot(self) -> OpenLot:
        """What is left of it."""
        return OpenLot(self.pk, Side(self.side), self.lot_quantity, self.lot_price)
