"""Orders, their timeline, their fills, and broker events that wait for their order."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, BrokerAccount, QmtHost, User
from trading.ledger.fields import MoneyField, PriceField
from trading.ledger.querysets import AccountScopedQuerySet
from trading.orders.choices import (
    KillPhase,
    KillScope,
    OrderEventKind,
    ParkedState,
    PriceType,
    Side,
    Source,
    Status,
)


class Order(models.Model):
    """One order. The row is the queue: workers act only on what it says.

    Only `trading.orders.states.advance` and `trading.orders.claims` change the status.
    Times are wall-clock; `trade_date` is the market clock's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="orders")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    client_order_id = models.CharField(_("client order id"), max_length=64, null=True, blank=True)
    body_digest = models.CharField(_("digest of the request"), max_length=64, blank=True)
    strategy = models.CharField(_("strategy"), max_length=64, blank=True)

    symbol = models.CharField(_("symbol"), max_length=16)
    instrument_id = models.BigIntegerField(_("instrument"), null=True, blank=True)
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    price_type = models.CharField(_("price type"), max_length=12, choices=PriceType.choices)
    price = PriceField(_("price"), null=True, blank=True)
    quantity = models.BigIntegerField(_("quantity"))
    traded_quantity = models.BigIntegerField(_("traded quantity"), default=0)
    traded_amount = MoneyField(_("traded amount"))
    avg_price = PriceField(_("average price"), null=True, blank=True)

    status = models.CharField(_("status"), max_length=20, choices=Status.choices)
    version = models.PositiveIntegerField(_("version"), default=1)
    epoch = models.PositiveIntegerField(_("authority epoch"))
    trade_date = models.DateField(_("trade date"))
    host_name = models.CharField(_("host"), max_length=32)
    simulated = models.BooleanField(
        _("simulated"), help_text=_("Accepted for a simulated terminal; never sent to another.")
    )

    tag = models.CharField(_("tag"), max_length=24, unique=True, null=True, blank=True)
    session_key = models.CharField(
        _("session"),
        max_length=64,
        blank=True,
        help_text=_("The trade session it was sent through."),
    )
    session_seq = models.BigIntegerField(_("sequence number"), null=True, blank=True)
    seen_session = models.CharField(
        _("session that numbers it"),
        max_length=64,
        blank=True,
        help_text=_("The terminal's order id was last confirmed in this session."),
    )
    broker_order_id = models.CharField(_("terminal's order id"), max_length=32, blank=True)
    order_sysid = models.CharField(_("exchange's order id"), max_length=64, blank=True)
    broker_traded_quantity = models.BigIntegerField(
        _("traded quantity stated by the broker"),
        default=0,
        help_text=_("More than the fills booked: some have not arrived yet."),
    )
    broker_status = models.PositiveSmallIntegerField(_("broker's status"), null=True, blank=True)

    deny_code = models.CharField(_("refusal code"), max_length=40, blank=True)
    message = models.CharField(_("message"), max_length=400, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)

    submitted_at = models.DateTimeField(_("accepted"))
    expires_at = models.DateTimeField(_("expires"))
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    answered_at = models.DateTimeField(
        _("answered"), null=True, blank=True, help_text=_("When the terminal's answer to the call arrived.")
    )
    reported_at = models.DateTimeField(_("reported"), null=True, blank=True)
    final_at = models.DateTimeField(_("final"), null=True, blank=True)

    cancel_requested_at = models.DateTimeField(_("cancel requested"), null=True, blank=True)
    cancel_requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    cancel_sent_at = models.DateTimeField(_("cancel sent"), null=True, blank=True)

    reserved_cash = MoneyField(_("reserved cash"))
    reserved_quantity = models.BigIntegerField(_("reserved quantity"), default=0)

    objects: ClassVar[AccountScopedQuerySet[Order]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ("-submitted_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=("account", "client_order_id"), name="order_once_per_client_id"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_quantity_positive"),
            models.CheckConstraint(
                condition=Q(reserved_cash__gte=0) & Q(reserved_quantity__gte=0),
                name="order_reservation_not_negative",
            ),
        )
        indexes = (
            models.Index(fields=("account", "trade_date", "-submitted_at"), name="order_of_the_day"),
            models.Index(
                fields=("host_name", "status"),
                name="order_open",
                condition=Q(final_at__isnull=True),
            ),
            models.Index(
                fields=("account",),
                name="order_open_of_account",
                condition=Q(final_at__isnull=True),
            ),
            models.Index(fields=("account", "trade_date", "order_sysid"), name="order_sysid"),
            models.Index(fields=("seen_session", "broker_order_id"), name="order_broker_id"),
            models.Index(fields=("session_key", "session_seq"), name="order_call"),
            models.Index(fields=("account",), name="order_cash_reserved", condition=Q(reserved_cash__gt=0)),
            models.Index(
                fields=("account", "symbol"),
                name="order_shares_reserved",
                condition=Q(reserved_quantity__gt=0),
            ),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} {self.status}"

    @property
    def remaining_quantity(self) -> int:
        """Shares not filled yet."""
        return max(0, self.quantity - self.traded_quantity)


class OrderEvent(models.Model):
    """One step of an order's timeline; `seq` is the order's version after it."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=20, choices=OrderEventKind.choices)
    from_status = models.CharField(_("from"), max_length=20, choices=Status.choices, blank=True)
    to_status = models.CharField(_("to"), max_length=20, choices=Status.choices)
    data = models.JSONField(_("data"), default=dict, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        ordering = ("order_id", "seq")
        constraints = (models.UniqueConstraint(fields=("order", "seq"), name="order_event_once"),)

    def __str__(self) -> str:
        return f"{self.order_id} #{self.seq} {self.kind}"


class Approval(models.Model):
    """Why an order waits for somebody else, on which terms, and who decided. What became of it is the order's status."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, primary_key=True, related_name="approval")
    rules = models.JSONField(_("rules"), help_text=_("Number, version and note of each rule that asked."))
    value = MoneyField(_("value"), null=True, blank=True)
    last_price = PriceField(_("price it met"), null=True, blank=True)
    max_drift_percent = models.DecimalField(
        _("most drift of the price (%)"), max_digits=7, decimal_places=4, null=True, blank=True
    )
    by_token = models.BooleanField(_("asked for by a token"), default=False)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")

    def __str__(self) -> str:
        return f"{self.order_id} {self.decided_at or '—'}"


class Trade(models.Model):
    """One fill, booked once. Fees are ours by rule; the broker's own commission stays apart."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="trades")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="trades", null=True, blank=True)
    trade_date = models.DateField(_("trade date"))
    exchange = models.CharField(_("exchange"), max_length=4)
    order_sysid = models.CharField(_("exchange's order id"), max_length=64)
    traded_id = models.CharField(_("trade number"), max_length=64)
    symbol = models.CharField(_("symbol"), max_length=16)
    instrument_id = models.BigIntegerField(_("instrument"), null=True, blank=True)
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    price = PriceField(_("price"))
    quantity = models.BigIntegerField(_("quantity"))
    amount = MoneyField(_("amount"))
    commission = MoneyField(_("commission"))
    stamp_duty = MoneyField(_("stamp duty"))
    transfer_fee = MoneyField(_("transfer fee"))
    fees = MoneyField(_("fees in all"))
    broker_commission = MoneyField(_("commission stated by the broker"), null=True, blank=True)
    traded_at = models.DateTimeField(_("traded"))
    received_at = models.DateTimeField(_("received"))

    objects: ClassVar[AccountScopedQuerySet[Trade]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("trade")
        verbose_name_plural = _("trades")
        ordering = ("-traded_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "trade_date", "exchange", "order_sysid", "traded_id"),
                name="trade_booked_once",
            ),
        )
        indexes = (models.Index(fields=("account", "trade_date", "-traded_at"), name="trade_of_the_day"),)

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} @ {self.price}"


class KillRun(models.Model):
    """One pull of the kill switch: what it stops, who pulled it, and whether it sells what is there.

    The rows drive it: whoever finds an unfinished target carries it on, after any crash.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.CharField(_("scope"), max_length=8, choices=KillScope.choices)
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    flatten = models.BooleanField(_("sell what is there"), default=False)
    max_below_percent = models.DecimalField(
        _("at most below the last price"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("Percent; empty: at the latest price."),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("kill switch run")
        verbose_name_plural = _("kill switch runs")
        ordering = ("-started_at", "-id")

    def __str__(self) -> str:
        return f"{self.scope} {self.started_at:%Y-%m-%d %H:%M:%S}"


class KillTarget(models.Model):
    """One account of a run: how far it has got, which orders it wants gone, what it sold or could not."""

    run = models.ForeignKey(KillRun, on_delete=models.PROTECT, related_name="targets")
    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="+")
    phase = models.CharField(_("phase"), max_length=10, choices=KillPhase.choices, default=KillPhase.CANCELLING)
    orders = models.JSONField(_("orders wanted gone"), default=list)
    sales = models.JSONField(
        _("sales"), default=dict, help_text=_("Symbol to order id, or to the code that stands against it.")
    )
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects: ClassVar[AccountScopedQuerySet[KillTarget]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("account of a kill switch run")
        verbose_name_plural = _("accounts of kill switch runs")
        ordering = ("run_id", "account_id")
        constraints = (models.UniqueConstraint(fields=("run", "account"), name="kill_target_once"),)
        indexes = (models.Index(fields=("account",), name="kill_unfinished", condition=Q(finished_at__isnull=True)),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.account_id} {self.phase}"


class ParkedEvent(models.Model):
    """A broker event whose order is not known yet: kept, and tried again when a candidate appears."""

    host = models.ForeignKey(QmtHost, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=20)
    session_key = models.CharField(_("session"), max_length=64, blank=True)
    session_seq = models.BigIntegerField(_("sequence number"), null=True, blank=True)
    tag = models.CharField(_("tag"), max_length=64, blank=True)
    order_sysid = models.CharField(_("exchange's order id"), max_length=64, blank=True)
    broker_order_id = models.CharField(_("terminal's order id"), max_length=32, blank=True)
    payload = models.JSONField(_("payload"))
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    state = models.CharField(_("state"), max_length=8, choices=ParkedState.choices, default=ParkedState.PARKED)
    received_at = models.DateTimeField(_("received"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("parked event")
        verbose_name_plural = _("parked events")
        ordering = ("id",)
        indexes = (models.Index(fields=("host", "state"), name="parked_waiting"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.tag or self.order_sysid or self.broker_order_id}"
