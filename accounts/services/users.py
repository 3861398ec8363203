"""Writes of people: what they are, their password, and letting them in again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q

from accounts.choices import Role, TradeRight
from accounts.models import BrokerAccount, OneTimeLink, TeamMember, User
from accounts.services.control import tell_after_commit
from accounts.services.sessions import sessions_end_all
from accounts.services.tokens import tokens_revoke_all
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Denied, Invalid

#: What the audit trail says about a person. Never the password.
AUDITED_FIELDS = (
    "username",
    "first_name",
    "last_name",
    "email",
    "role",
    "is_active",
    "is_staff",
    "is_superuser",
    "language",
    "rising_color",
    "display_timezone",
)
#: Fields whose change may take rights away from a person.
AUTHORITY_FIELDS = frozenset({"role", "is_active"})


def user_save(*, actor: Actor, user: User) -> User:
    """Store a new or changed person, with what changed on the audit trail.

    A changed role or activity raises the epoch of every account on which the
    person holds a right to trade, and their open sockets are checked again. Who is
    deactivated loses tokens, sessions and unused links at once.

    Raises
    ------
    Denied
        LAST_ADMIN: nobody would be left to administer the platform.
    """
    with transaction.atomic():
        stored = User.objects.select_for_update().filter(pk=user.pk).first() if user.pk else None
        before = _facts(stored) if stored else {}
        if stored is not None and stored.is_admin and not user.is_admin:
            _refuse_last_admin(stored)
        user.save()
        after = _facts(user)
        changed = sorted(name for name in after if before.get(name) != after[name])
        if stored is None:
            _record(actor, "user.added", user, None, after)
            return user
        if AUTHORITY_FIELDS.intersection(changed):
            bump_tradable(user)
        if stored.is_active and not user.is_active:
            _end_access(actor, user)
        if changed:
            _record(
                actor,
                "user.changed",
                user,
                {name: before[name] for name in changed},
                {name: after[name] for name in changed},
            )
        if stored.password != user.password:
            password_changed(actor=actor, user=user)
    return user


def user_change(*, actor: Actor, user: User, changes: Mapping[str, Any]) -> User:
    """Change some fields of a person as they are stored now; raises as `user_save` does."""
    with transaction.atomic():
        stored = User.objects.select_for_update().get(pk=user.pk)
        for name, value in changes.items():
            setattr(stored, name, value)
        return user_save(actor=actor, user=stored)


def password_set(*, actor: Actor, user: User, password: str, keep_session: str | None = None) -> None:
    """Give a person a new password; every session but `keep_session` ends, unused links too.

    Raises
    ------
    Invalid
        PASSWORD_REFUSED with the reasons in words.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(Code.PASSWORD_REFUSED, " ".join(error.messages), field="password") from None
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=("password",))
        password_changed(actor=actor, user=user, keep_session=keep_session)


def password_changed(*, actor: Actor, user: User, keep_session: str | None = None) -> None:
    """What follows a stored new password: other sessions and unused links end, audited."""
    with transaction.atomic():
        OneTimeLink.objects.filter(user=user, used_at=None).update(used_at=wall_now())
        sessions_end_all(actor=actor, user=user, but=keep_session)
        _record(actor, "user.password_changed", user, None, None)


def bump_tradable(user: User) -> None:
    """Raise the epoch of every account on which `user`, or a team of theirs, may trade."""
    teams = TeamMember.objects.filter(user=user).values("team")
    holder = Q(grants__user=user) | Q(grants__team__in=teams)
    accounts = BrokerAccount.objects.filter(holder & ~Q(grants__trade=TradeRight.NONE))
    keys = sorted(set(accounts.values_list("pk", flat=True)))
    BrokerAccount.objects.filter(pk__in=keys).update(epoch=F("epoch") + 1)


def _end_access(actor: Actor, user: User) -> None:
    tokens_revoke_all(actor=actor, user=user)
    sessions_end_all(actor=actor, user=user)
    OneTimeLink.objects.filter(user=user, used_at=None).update(used_at=wall_now())


def _refuse_last_admin(user: User) -> None:
    # Locked in key order: two administrators cannot deactivate each other at the same time.
    admins = User.objects.select_for_update().filter(role=Role.ADMIN, is_active=True).order_by("pk")
    if not [other for other in admins if other.pk != user.pk]:
        raise Denied(Code.LAST_ADMIN, field="role", user=user.username)


def _facts(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in AUDITED_FIELDS}


def _record(actor: Actor, action: str, user: User, before: Any, after: Any) -> None:
    tell_after_commit("user.changed", user_id=user.pk)
    audit.record(actor=actor, action=action, target=f"user:{user.pk}", before=before, after=after)
