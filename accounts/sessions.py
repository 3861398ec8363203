"""Signing in and out: throttled, on the audit trail, and felt by open sockets.

Django announces a login, a failed one and a logout by its own auth signals; these
receivers only note them. Whether a login is let in is decided by the backend.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from accounts.actors import actor_for_user
from accounts.models import LoginThrottle, User
from accounts.services.control import tell_after_commit
from ops import audit
from ops.audit import Actor
from ops.clocks import wall_now

WINDOW = timedelta(minutes=5)
#: Failures within the window. The pair stops guessing one person's password from one
#: place; a place that tries many names is stopped by its own count. There is no limit
#: per name alone: anybody could lock anybody out.
MAX_PER_PAIR = 10
MAX_PER_ADDRESS = 50


def session_digest(session_key: str) -> str:
    """A name for a session that does not open it."""
    return hashlib.sha256(session_key.encode()).hexdigest()


class ThrottledModelBackend(ModelBackend):
    """User name and password, refused unread after too many failures.

    The refusal looks like a wrong password: neither the words nor the time tell
    whether the person exists.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if request is not None and username is not None and login_is_throttled(request, username):
            raise PermissionDenied
        user = super().authenticate(request, username=username, password=password, **kwargs)
        return user if isinstance(user, User) else None


def login_is_throttled(request: HttpRequest, username: str) -> bool:
    """Whether this place has failed too often, for this name or for any."""
    since = wall_now() - WINDOW
    limits = _limits(request, username)
    rows = LoginThrottle.objects.filter(key__in=limits, started_at__gt=since)
    return any(row.failures >= limits[row.key] for row in rows)


def _limits(request: HttpRequest, username: str) -> dict[str, int]:
    address = request.META.get("REMOTE_ADDR", "")
    return {
        _key("pair", address, username.casefold()): MAX_PER_PAIR,
        _key("address", address): MAX_PER_ADDRESS,
    }


def _key(*parts: str) -> str:
    # A digest: the table shall not collect what people mistype into the name field.
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def _count_failure(request: HttpRequest, username: str) -> None:
    now = wall_now()
    for key in _limits(request, username):
        LoginThrottle.objects.get_or_create(key=key, defaults={"started_at": now})
        fresh = LoginThrottle.objects.filter(key=key, started_at__gt=now - WINDOW)
        if not fresh.update(failures=F("failures") + 1):
            LoginThrottle.objects.filter(key=key).update(started_at=now, failures=1)
    LoginThrottle.objects.filter(started_at__lte=now - WINDOW * 10).delete()


# ------------------------------------------------------------------------ receivers
def note_login(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Put a login on the audit trail and forgive the pair's failures."""
    with transaction.atomic():
        address = request.META.get("REMOTE_ADDR", "")
        pair = _key("pair", address, user.get_username().casefold())
        LoginThrottle.objects.filter(key=pair).delete()
        audit.record(
            actor=actor_for_user(user),
            action="session.opened",
            target=f"user:{user.pk}",
            after={"address": address},
        )


def note_failed_login(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Count a failed login, and put it on the audit trail if it names a person."""
    if request is None:
        return
    username = str(credentials.get("username", ""))
    throttled = login_is_throttled(request, username)
    if throttled:
        return
    with transaction.atomic():
        _count_failure(request, username)
        user = User.objects.filter(username=username).first()
        if user is not None:
            audit.record(
                actor=Actor.system("login"),
                action="session.refused",
                target=f"user:{user.pk}",
                after={"address": request.META.get("REMOTE_ADDR", "")},
            )


def note_logout(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Put a logout on the audit trail and end the session's open sockets."""
    session_key = request.session.session_key
    if user is None or session_key is None:
        return
    with transaction.atomic():
        # The session itself is deleted right after this signal, so the message
        # names it: who listens must not ask the database whether it still exists.
        tell_after_commit("user.logged_out", user_id=user.pk, session=session_digest(session_key))
        audit.record(actor=actor_for_user(user), action="session.closed", target=f"user:{user.pk}")


def connect() -> None:
    """Listen to Django's auth signals (once, at start-up)."""
    user_logged_in.connect(note_login, dispatch_uid="accounts.login")
    user_login_failed.connect(note_failed_login, dispatch_uid="accounts.login_failed")
    user_logged_out.connect(note_logout, dispatch_uid="accounts.logout")
