"""Users, QMT hosts and their status, broker accounts, grants, API tokens."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.choices import (
    AccountMode,
    HostKind,
    Language,
    RisingColor,
    Role,
    SessionState,
    TradingState,
)
from accounts.querysets import BrokerAccountQuerySet


class DeskUserManager(UserManager["User"]):
    """Django's manager; a superuser made on the command line is also an administrator here."""

    def create_superuser(
        self,
        username: str,
        email: str | None = None,
        password: str | None = None,
        **extra_fields: Any,
    ) -> User:
        extra_fields.setdefault("role", Role.ADMIN)
        return super().create_superuser(username, email, password, **extra_fields)


class User(AbstractUser):
    """A person. Deactivate instead of deleting: the audit trail names people for ever."""

    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)
    language = models.CharField(_("language"), max_length=10, choices=Language.choices, default=Language.CHINESE)
    rising_color = models.CharField(
        _("colour of rising prices"),
        max_length=5,
        choices=RisingColor.choices,
        default=RisingColor.RED,
    )
    display_timezone = models.CharField(_("time zone shown"), max_length=40, default="Asia/Shanghai")

    objects: ClassVar[DeskUserManager] = DeskUserManager()

    class Meta(AbstractUser.Meta):
        ordering = ("username",)

    @property
    def is_admin(self) -> bool:
        """Whether this active person administers the platform."""
        return self.is_active and self.role == Role.ADMIN


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
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("QMT host")
        verbose_name_plural = _("QMT hosts")

    def __str__(self) -> str:
        return self.name

    @property
    def is_simulated(self) -> bool:
        return self.kind == HostKind.SIMULATED


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
    enabled = models.BooleanField(_("enabled"), default=True)

    objects = BrokerAccountQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("host", "account_no"), name="account_once_per_host"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.account_no})"

    def clean(self) -> None:
        """A paper account lives on a simulated host: it can never reach a broker."""
        if self.mode == AccountMode.PAPER and self.host_id and not self.host.is_simulated:
            raise ValidationError({"mode": _("A paper account needs a simulated host.")})


class Grant(models.Model):
    """One person's rights on one account."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    account = models.ForeignKey(BrokerAccount, on_delete=models.CASCADE, related_name="grants")
    can_view = models.BooleanField(_("may view"), default=True)
    can_trade = models.BooleanField(_("may trade"), default=False)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ("account_id", "user_id")
        constraints = (
            models.UniqueConstraint(fields=("user", "account"), name="grant_once"),
            models.CheckConstraint(condition=Q(can_trade=False) | Q(can_view=True), name="grant_trader_views"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} → {self.account_id}"


class ApiToken(models.Model):
    """A bearer token. Only its digest is stored; the token itself is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(
        _("prefix"), max_length=8, db_index=True, help_text=_("First characters, to recognise it by.")
    )
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"desk_{self.prefix}… ({self.name})"


class LoginThrottle(models.Model):
    """Failed logins of one place, or of one place and name, in the present window."""

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.failures}"
