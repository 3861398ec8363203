"""People: users, their one-time links, second factors and open sessions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.choices import Language, LinkKind, RisingColor, Role
from accounts.usernames import username_validator


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

    #: Set on the instance by token authentication: the only accounts this request may
    #: touch (None: all of the person's). The one permission rule honours it.
    account_limit: frozenset[int] | None = None

    class Meta(AbstractUser.Meta):
        ordering = ("username",)

    def clean(self) -> None:
        """Refuse a new person whose name could be taken for another one's (Django's admin asks here)."""
        super().clean()
        if self._state.adding:
            username_validator(self.username)

    @property
    def is_admin(self) -> bool:
        """Whether this active person administers the platform."""
        return self.is_active and self.role == Role.ADMIN


class OneTimeLink(models.Model):
    """A link that lets its holder set a person's password, once. Only its digest is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(_("kind"), max_length=8, choices=LinkKind.choices)
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.kind} {self.user_id}"


class SecondFactor(models.Model):
    """A person's time-based one-time codes. Counts only once confirmed by a code."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="second_factor", primary_key=True)
    sealed_secret = models.CharField(max_length=300)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    last_step = models.BigIntegerField(
        default=0, help_text=_("Time step of the last accepted code: none is accepted twice.")
    )

    def __str__(self) -> str:
        return f"{self.user_id} {'confirmed' if self.confirmed_at else 'unconfirmed'}"


class RecoveryCode(models.Model):
    """One of the codes that stand in for a lost second factor, once each; digests only."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "digest"), name="recovery_code_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} {'used' if self.used_at else 'unused'}"


class PersonSession(models.Model):
    """A browser that is signed in: what a person needs to recognise it, and to end it."""

    session_key = models.CharField(max_length=40, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="open_sessions")
    address = models.CharField(_("address"), max_length=64, blank=True)
    agent = models.CharField(_("device"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("signed in"), auto_now_add=True)
    last_seen_at = models.DateTimeField(_("last seen"))

    class Meta:
        ordering = ("-last_seen_at", "-id")

    def __str__(self) -> str:
        return f"{self.user_id} {self.address}"


class Handover(models.Model):
    """What somebody left behind when they were deactivated, and who looks after it.

    The successor may cancel the person's orders as their own, on accounts they may trade.
    """

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="handovers_given")
    successor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="handovers_taken", null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    items = models.JSONField(_("open work"), default=list)
    grants_moved = models.JSONField(_("rights transferred"), default=list)

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.person_id} → {self.successor_id}"


class LoginThrottle(models.Model):
    """Failed logins of one place, or of one place and name, in the present window."""

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.failures}"
