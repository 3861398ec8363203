"""Who may do what: teams, grants and API tokens."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.choices import TradeRight
from accounts.models.brokers import BrokerAccount
from accounts.models.people import User
from accounts.querysets import GrantQuerySet

#: Requests a token may make in a minute unless it was made with another number.
DEFAULT_RATE_PER_MINUTE = 600
MAX_RATE_PER_MINUTE = 60_000


class Team(models.Model):
    """People who are granted rights together."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    members = models.ManyToManyField(User, through="TeamMember", related_name="teams")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    """One person in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        ordering = ("team_id", "user_id")
        constraints = (models.UniqueConstraint(fields=("team", "user"), name="team_member_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} ∈ {self.team_id}"


class Grant(models.Model):
    """The rights of one person or one team on one account. Every grant lets them see it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants", null=True, blank=True)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="grants", null=True, blank=True)
    account = models.ForeignKey(BrokerAccount, on_delete=models.CASCADE, related_name="grants")
    trade = models.CharField(_("trading"), max_length=4, choices=TradeRight.choices, default=TradeRight.NONE)
    can_approve = models.BooleanField(_("may approve orders"), default=False)
    can_manage = models.BooleanField(_("may manage the account"), default=False)
    can_move_money = models.BooleanField(
        _("may move money"),
        default=False,
        help_text=_("Ask for transfers, and decide about those that others asked for."),
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, db_index=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ("account_id", "team_id", "user_id")
        constraints = (
            models.UniqueConstraint(fields=("user", "account"), name="grant_once"),
            models.UniqueConstraint(fields=("team", "account"), name="grant_once_per_team"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, team__isnull=True) | Q(user__isnull=True, team__isnull=False),
                name="grant_to_a_person_or_a_team",
            ),
        )

    def __str__(self) -> str:
        return f"{self.holder_label} → {self.account_id}"

    @property
    def holder_label(self) -> str:
        """``user:3`` or ``team:1``, as the audit trail names the holder."""
        return f"user:{self.user_id}" if self.user_id is not None else f"team:{self.team_id}"

    @property
    def can_trade(self) -> bool:
        """Whether orders may be placed under this grant."""
        return self.trade != TradeRight.NONE


class ApiToken(models.Model):
    """A bearer token. Only its digest is stored; the token itself is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(
        _("prefix"), max_length=8, db_index=True, help_text=_("First characters, to recognise it by.")
    )
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    account_ids = models.JSONField(
        _("accounts"), null=True, blank=True, help_text=_("The only accounts it opens; empty: all of the person's.")
    )
    networks = models.JSONField(
        _("networks"), default=list, blank=True, help_text=_("Where it may be used from; empty: anywhere.")
    )
    rate_per_minute = models.PositiveIntegerField(
        _("requests a minute"),
        default=DEFAULT_RATE_PER_MINUTE,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_RATE_PER_MINUTE)],
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    last_used_from = models.CharField(_("last used from"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    rotated_from = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        related_name="rotated_to",
        null=True,
        blank=True,
        verbose_name=_("rotated from"),
    )

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"desk_{self.prefix}… ({self.name})"
