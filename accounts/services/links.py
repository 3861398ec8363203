"""One-time links: an invitation, or a new password. Shown once, stored as a digest."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.actors import actor_for_user
from accounts.choices import LinkKind, Role
from accounts.models import OneTimeLink, User
from accounts.services.users import password_set, user_save
from accounts.usernames import username_validator
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Denied, Invalid, NotFound
from ops.inputs import shown

INVITE_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(days=1)
#: A mail may lie in a mailbox that others can read.
MAILED_LIFETIME = timedelta(hours=1)
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


def person_invite(
    *,
    actor: Actor,
    username: str,
    role: Role,
    email: str = "",
    first_name: str = "",
    language: str = "zh-hans",
    created_by: User | None = None,
) -> tuple[User, str]:
    """Add a person without a password, and the link with which they choose one.

    Raises
    ------
    Invalid
        FIELD_INVALID: the name could be taken for another one.
    Conflict
        NAME_TAKEN, whatever the case of its letters.
    """
    try:
        username_validator(username)
    except ValidationError as error:
        raise Invalid(Code.FIELD_INVALID, str(error.message), field="username", value=shown(username)) from error
    with transaction.atomic():
        if User.objects.filter(username__iexact=username).exists():
            raise Conflict(Code.NAME_TAKEN, field="username", username=username)
        user = User(username=username, role=role, email=email, first_name=first_name, language=language)
        user.set_unusable_password()
        user_save(actor=actor, user=user)
        plain = link_create(actor=actor, user=user, kind=LinkKind.INVITE, created_by=created_by)
    return user, plain


def link_create(
    *,
    actor: Actor,
    user: User,
    kind: LinkKind,
    created_by: User | None = None,
    lifetime: timedelta | None = None,
) -> str:
    """A new link for `user`; those made before are worth nothing any more.

    Returns the secret part of the address, its only copy.

    Raises
    ------
    Denied
        PERSON_INACTIVE.
    """
    if not user.is_active:
        raise Denied(Code.PERSON_INACTIVE, user=user.username)
    plain = secrets.token_urlsafe(32)
    now = wall_now()
    expires_at = now + (lifetime or (INVITE_LIFETIME if kind == LinkKind.INVITE else RESET_LIFETIME))
    with transaction.atomic():
        OneTimeLink.objects.filter(user=user, used_at=None).update(used_at=now)
        OneTimeLink.objects.create(
            user=user, kind=kind, digest=_digest(plain), created_by=created_by, expires_at=expires_at
        )
        audit.record(
            actor=actor,
            action="link.created",
            target=f"user:{user.pk}",
            after={"kind": kind, "expires_at": expires_at},
        )
    return plain


def link_person(plain: str) -> tuple[User, LinkKind]:
    """Whose link this is.

    Raises
    ------
    NotFound
        LINK_INVALID, the same for a used, expired and never made one.
    """
    link = _usable(plain).select_related("user").first() if _SHAPE.fullmatch(plain) else None
    if link is None or not link.user.is_active:
        raise NotFound(Code.LINK_INVALID)
    return link.user, LinkKind(link.kind)


def link_redeem(*, plain: str, password: str) -> User:
    """Set the password of the link's person, and use the link up.

    The second factor stays: a link replaces what was forgotten, not what was lost.

    Raises
    ------
    NotFound
        LINK_INVALID.
    Invalid
        PASSWORD_REFUSED; the link can be tried again.
    """
    with transaction.atomic():
        user, kind = link_person(plain)
        if not _usable(plain).update(used_at=Now()):
            raise NotFound(Code.LINK_INVALID)
        actor = actor_for_user(user)
        password_set(actor=actor, user=user, password=password)
        audit.record(actor=actor, action="link.used", target=f"user:{user.pk}", after={"kind": kind})
    return user


def _usable(plain: str) -> QuerySet[OneTimeLink]:
    return OneTimeLink.objects.filter(digest=_digest(plain), used_at=None, expires_at__gt=Now())


def _digest(plain: str) -> str:
    return hashlib.sha256(f"link:{plain}".encode()).hexdigest()
