"""Exit plans with their versions, what is remembered about each position, and the signals."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, BrokerAccount, User
from trading.execution.automatic import Authority
from trading.ledger.fields import MoneyField, PriceField
from trading.ledger.querysets import AccountScopedQuerySet
from trading.orders.choices import Side
from trading.signals.choices import LIVE, SignalKind, SignalState


class ExitPlan(models.Model):
    """How positions of an account are left: its default, or for one strategy's or one instrument's position.

    Whoever set it last is the person in whose name it trades.
    """

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="exit_plans")
    strategy = models.CharField(_("strategy"), max_length=64, blank=True)
    symbol = models.CharField(_("symbol"), max_length=16, blank=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    by_token = models.BooleanField(_("set by a token"), default=False)
    enabled = models.BooleanField(_("on"))
    terms = models.JSONField(_("terms"))
    version = models.PositiveIntegerField(_("version"), default=1)
    changed_at = models.DateTimeField(_("changed"))

    objects: ClassVar[AccountScopedQuerySet[ExitPlan]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("exit plan")
        verbose_name_plural = _("exit plans")
        ordering = ("account_id", "strategy", "symbol")
        constraints = (
            models.UniqueConstraint(fields=("account", "strategy", "symbol"), name="exit_plan_once"),
            models.CheckConstraint(condition=Q(strategy="") | Q(symbol=""), name="exit_plan_of_one_thing"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol or self.strategy or 'default'} v{self.version}"

    @property
    def authority(self) -> Authority:
        """In whose name it trades."""
        return Authority(self.user_id, self.token_id, self.by_token)


class ExitPlanVersion(models.Model):
    """One state of a plan, kept for ever."""

    plan = models.ForeignKey(ExitPlan, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField(_("version"))
    enabled = models.BooleanField(_("on"))
    terms = models.JSONField(_("terms"))
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_token = models.BooleanField(_("set by a token"), default=False)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("version of an exit plan")
        verbose_name_plural = _("versions of exit plans")
        ordering = ("plan_id", "-version")
        constraints = (models.UniqueConstraint(fields=("plan", "version"), name="exit_plan_version_once"),)

    def __str__(self) -> str:
        return f"{self.plan_id} v{self.version}"


class PositionTrack(models.Model):
    """What detection remembers about one holding, from its first share to its last.

    The engine's process alone writes it; a restart goes on from here.
    """

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="position_tracks")
    symbol = models.CharField(_("symbol"), max_length=16)
    instrument_id = models.BigIntegerField(_("instrument"))
    opened_on = models.DateField(_("opened"))
    adopted = models.BooleanField(
        _("adopted"), default=False, help_text=_("Our fills do not explain all of it: the cost is the broker's.")
    )
    quantity = models.BigIntegerField(_("quantity"))
    cost = PriceField(_("cost"))
    hi = PriceField(_("highest price"))
    bh = PriceField(_("highest price since arming"), null=True, blank=True)
    first_done = models.BooleanField(_("first take-profit done"), default=False)
    latches = models.PositiveSmallIntegerField(
        _("signalled conditions"), default=0, help_text=_("Bits: they hold, and were told already.")
    )
    added_at = models.BigIntegerField(_("last add"), default=0, help_text=_("Epoch ms, event time."))
    seen_at = models.BigIntegerField(_("last quote"), default=0, help_text=_("Epoch ms, event time."))
    last_trade = models.BigIntegerField(_("last fill taken in"), default=0)
    scaled_on = models.DateField(_("prices as of"), help_text=_("Ex-dates up to this trade date are in the figures."))
    paused = models.CharField(_("paused"), max_length=40, blank=True, help_text=_("Why nothing is detected."))
    created_at = models.DateTimeField(_("followed since"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar[AccountScopedQuerySet[PositionTrack]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("followed position")
        verbose_name_plural = _("followed positions")
        ordering = ("account_id", "symbol", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "symbol"), condition=Q(ended_at__isnull=True), name="position_track_open_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol}"


class Signal(models.Model):
    """One thing that was detected, once, and what became of it."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="signals")
    track = models.ForeignKey(PositionTrack, on_delete=models.PROTECT, related_name="signals", null=True, blank=True)
    plan_version = models.ForeignKey(ExitPlanVersion, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    by_token = models.BooleanField(_("by a token"), default=False)
    strategy = models.CharField(_("strategy"), max_length=64, blank=True)

    kind = models.CharField(_("kind"), max_length=20, choices=SignalKind.choices)
    priority = models.PositiveSmallIntegerField(_("priority"))
    symbol = models.CharField(_("symbol"), max_length=16)
    instrument_id = models.BigIntegerField(_("instrument"))
    side = models.CharField(_("side"), max_length=4, choices=Side.choices)
    quantity = models.BigIntegerField(_("quantity"))
    price = PriceField(_("price at detection"))
    facts = models.JSONField(_("facts"), default=dict)
    quote_ts = models.BigIntegerField(_("quote's time"), help_text=_("Epoch ms, event time."))
    trade_date = models.DateField(_("trade date"))
    detected_at = models.DateTimeField(_("detected"))
    expires_at = models.DateTimeField(_("expires"))

    state = models.CharField(_("state"), max_length=10, choices=SignalState.choices)
    code = models.CharField(_("code"), max_length=40, blank=True)
    message = models.CharField(_("message"), max_length=400, blank=True)
    attempts = models.PositiveSmallIntegerField(_("orders placed"), default=0)
    traded_quantity = models.BigIntegerField(_("traded quantity"), default=0)
    traded_amount = MoneyField(_("traded amount"))
    executed_at = models.DateTimeField(_("first order"), null=True, blank=True)
    final_at = models.DateTimeField(_("ended"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)

    objects: ClassVar[AccountScopedQuerySet[Signal]] = AccountScopedQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("account", "symbol", "kind", "quote_ts"), name="signal_once_per_quote"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="signal_quantity_positive"),
        )
        indexes = (
            models.Index(fields=("priority", "id"), name="signal_live", condition=Q(state__in=[str(s) for s in LIVE])),
            models.Index(fields=("account", "-id"), name="signal_newest"),
            models.Index(fields=("account", "symbol", "kind", "-id"), name="signal_of_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.symbol} {self.state}"

    @property
    def authority(self) -> Authority:
        """In whose name it is executed."""
        return Authority(self.user_id, self.token_id, self.by_token)

    @property
    def lane(self) -> str:
        """What names its orders; see `trading.execution.automatic`."""
        return f"sig:{self.pk}"
