"""Writes of people."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import BrokerAccount, User
from accounts.services.control import tell_after_commit
from ops import audit
from ops.audit import Actor

#: What the audit trail says about a person. Never the password.
AUDITED_FIELDS = (
    "username",
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
    person holds a right to trade, and their open sockets are checked again.
    """
    with transaction.atomic():
        stored = User.objects.select_for_update().filter(pk=user.pk).first() if user.pk else None
        before = _facts(stored) if stored else {}
        user.save()
        after = _facts(user)
        changed = sorted(name for name in after if before.get(name) != after[name])
        if stored is None:
            _record(actor, "user.added", user, None, after)
            return user
        if AUTHORITY_FIELDS.intersection(changed):
            _bump_tradable(user)
        if changed:
            _record(
                actor,
                "user.changed",
                user,
                {name: before[name] for name in changed},
                {name: after[name] for name in changed},
            )
        if stored.password != user.password:
            _record(actor, "user.password_changed", user, None, None)
    return user


def _facts(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in AUDITED_FIELDS}


def _bump_tradable(user: User) -> None:
    accounts = BrokerAccount.objects.filter(grants__user=user, grants__can_trade=True)
    keys = list(accounts.order_by("pk").values_list("pk", flat=True))
    BrokerAccount.objects.filter(pk__in=keys).update(epoch=F("epoch") + 1)


def _record(actor: Actor, action: str, user: User, before: Any, after: Any) -> None:
    tell_after_commit("user.changed", user_id=user.pk)
    audit.record(actor=actor, action=action, target=f"user:{user.pk}", before=before, after=after)
