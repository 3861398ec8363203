"""QMT hosts with their status, broker accounts and the record of going live."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.choices import AccountMode, HostKind, SessionState, TradingState
from accounts.models.people import User
from accounts.querysets import BrokerAccountQuerySet


class QmtHost(models.Model):
    """One QMT terminal: where it is and which broker or simulation answers there."""

    name = models.SlugField(_("name"), max_length=32, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=HostKind.choices, default=HostKind.SIMULATED)
    userdata_path = models.CharField(
        _("user-data folder"),
        max_length=400,
        blank=True,
        help_text=_("The terminal's userdata_mini folder; blank for a simulated one under the state folder."),
    )
    quote_address = models.CharField(
        _("quote address"),
        max_length=60,
        blank=True,
        help_text=_("address:port of the quote service; blank reads it from a simulated terminal's file."),
    )
    session_ids = models.JSONField(
        _("session ids"),
        default=list,
        blank=True,
        help_text=_("Pool of trade session ids that reconnects rotate through."),
    )
    maintenance = models.CharField(
        _("daily maintenance"),
        max_length=11,
        blank=True,
        default="",
        help_text=_("HH:MM-HH:MM, Beijing time: the sessions rest and orders are refused; blank: never."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    fed_from = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        related_name="feeds",
        null=True,
        blank=True,
        verbose_name=_("fed from"),
        help_text=_("Host whose live quotes this simulated one matches on; blank: it has a market of its own."),
    )

    class Meta:
        ordering = ("name",)
        constraints = (
            # Whatever writes the row: what is fed is a simulated terminal, never a broker's, and never its own source.
            models.CheckConstraint(
                condition=Q(fed_from__isnull=True) | (Q(kind=HostKind.SIMULATED) & ~Q(fed_from=models.F("pk"))),
                name="host_fed_is_simulated",
            ),
        )
        verbose_name = _("QMT host")
        verbose_name_plural = _("QMT hosts")

    def __str__(self) -> str:
        return self.name

    @property
    def is_simulated(self) -> bool:
        return self.kind == HostKind.SIMULATED

    @property
    def serves_data(self) -> bool:
        """Whether it has market data of its own; a fed host's are those of the host it is fed from."""
        return self.fed_from_id is None

    @property
    def worker_roles(self) -> tuple[str, ...]:
        """Roles of the workers without which nobody trades on it."""
        return ("trade", "data") if self.serves_data else ("trade",)

    @property
    def process_roles(self) -> tuple[str, ...]:
        """Roles of all its workers; functions of the SDK by name (reads) may be away while people trade."""
        return (*self.worker_roles, "reads")


class HostStatus(models.Model):
    """What a host's trade worker last knew: market clock, session, lease. Written by it only."""

    host = models.OneToOneField(QmtHost, on_delete=models.CASCADE, related_name="status", primary_key=True)
    trade_date = models.DateField(_("trade date"), null=True, blank=True)
    phase = models.CharField(_("phase"), max_length=32, blank=True)
    clock_offset_ms = models.BigIntegerField(
        _("market clock offset"), default=0, help_text=_("Market clock minus wall clock, milliseconds.")
    )
    simulated = models.BooleanField(_("simulated market"), default=False)
    session_state = models.CharField(
        _("session state"),
        max_length=12,
        choices=SessionState.choices,
        default=SessionState.DOWN,
    )
    session_id = models.BigIntegerField(_("session id"), null=True, blank=True)
    last_probe_at = models.DateTimeField(_("last successful probe"), null=True, blank=True)
    lease_holder = models.CharField(_("lease holder"), max_length=120, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    sdk_version = models.CharField(_("SDK version"), max_length=40, blank=True)
    message = models.CharField(_("message"), max_length=400, blank=True)
    updated_at = models.DateTimeField(_("updated"), null=True, blank=True)

    class Meta:
        verbose_name = _("host status")
        verbose_name_plural = _("host statuses")

    def __str__(self) -> str:
        return f"{self.host_id} {self.session_state}"


class AccountSession(models.Model):
    """How one account stands in its host's order session. Written by the host's trade worker only.

    True only while the host's own session is READY; before, the host's state is everybody's.
    """

    account = models.OneToOneField(
        "accounts.BrokerAccount", on_delete=models.CASCADE, related_name="session", primary_key=True
    )
    state = models.CharField(_("state"), max_length=12, choices=SessionState.choices, default=SessionState.DOWN)
    message = models.CharField(_("message"), max_length=400, blank=True)
    last_probe_at = models.DateTimeField(_("last successful probe"), null=True, blank=True)
    changed_at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("account session")
        verbose_name_plural = _("account sessions")

    def __str__(self) -> str:
        return f"{self.account_id} {self.state}"


class BrokerAccount(models.Model):
    """One account at a broker, reached through one host.

    `epoch` is the account's authority number: an order is only sent while the epoch
    it was accepted under is still the account's. Every halt, withdrawn grant, mode or
    host change raises it (services only).
    """

    host = models.ForeignKey(QmtHost, on_delete=models.PROTECT, related_name="accounts")
    account_no = models.CharField(_("broker account"), max_length=32)
    account_type = models.PositiveSmallIntegerField(
        _("account type"), default=2, help_text=_("The SDK's number; 2 is a stock account.")
    )
    name = models.CharField(_("name"), max_length=80)
    mode = models.CharField(_("mode"), max_length=10, choices=AccountMode.choices, default=AccountMode.PAPER)
    state = models.CharField(
        _("trading state"),
        max_length=10,
        choices=TradingState.choices,
        default=TradingState.ACTIVE,
    )
    epoch = models.PositiveIntegerField(_("authority epoch"), default=1, editable=False)
    commission_rate = models.DecimalField(
        _("commission rate"),
        max_digits=9,
        decimal_places=8,
        default=Decimal("0.00025"),
        validators=[MinValueValidator(Decimal(0))],
    )
    min_commission = models.DecimalField(
        _("minimum commission"),
        max_digits=8,
        decimal_places=2,
        default=Decimal("5.00"),
        validators=[MinValueValidator(Decimal(0))],
    )
    auto_trading = models.BooleanField(_("automatic trading"), default=False)
    owner = models.CharField(
        _("owner"),
        max_length=60,
        blank=True,
        default="",
        help_text=_("Accounts of one beneficial owner carry the same word: they must not trade with each other."),
    )
    cage_clamping = models.BooleanField(
        _("clamp to the price cage"),
        default=False,
        help_text=_("A limit price outside of the exchange's price cage is set to its edge instead of being denied."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    live_switch = models.OneToOneField(
        "accounts.LiveSwitch",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        help_text=_("The decision under which the account trades real money."),
    )

    objects = BrokerAccountQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("host", "account_no"), name="account_once_per_host"),
            # LIVE without a recorded decision, or a decision without LIVE, cannot be stored by any path.
            models.CheckConstraint(
                condition=Q(mode=AccountMode.LIVE, live_switch__isnull=False)
                | (~Q(mode=AccountMode.LIVE) & Q(live_switch__isnull=True)),
                name="account_live_has_its_switch",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.account_no})"

    def clean(self) -> None:
        """A paper account lives on a simulated host, a live one on a broker's: neither reaches the other."""
        if self.mode == AccountMode.PAPER and self.host_id and not self.host.is_simulated:
            raise ValidationError({"mode": _("A paper account needs a simulated host.")})
        if self.mode == AccountMode.LIVE and self.host_id and self.host.is_simulated:
            raise ValidationError({"mode": _("A live account needs a broker's terminal.")})


class LiveSwitch(models.Model):
    """One decision to trade real money on an account: who, when, and what they acknowledged."""

    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="live_switches")
    switched_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    switched_at = models.DateTimeField(_("switched on"))
    host_name = models.CharField(_("QMT host"), max_length=32)
    notice_version = models.CharField(_("version of the notice"), max_length=20)
    notice_digest = models.CharField(_("digest of the notice"), max_length=64)
    broker_report = models.CharField(
        _("report to the broker"),
        max_length=200,
        help_text=_("When and how programmatic trading was reported to the broker."),
    )
    ended_by = models.CharField(_("ended by"), max_length=200, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        ordering = ("-switched_at", "-id")

    def __str__(self) -> str:
        return f"{self.account_id} {self.switched_at:%Y-%m-%d %H:%M}"
