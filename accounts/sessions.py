"""Signing in and out: throttled, on the audit trail, and felt by open sockets.

Django announces a login, a failed one and a logout by its own auth signals; these
receivers only note them. Whether a login is let in is decided by the backend and, for
people with a second factor, by `accounts.signin`.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest

from accounts import throttle
from accounts.actors import actor_for_user
from accounts.models import PersonSession, User
from accounts.services.control import tell_after_commit
from accounts.services.sessions import address_of, session_digest, session_opened
from ops import audit
from ops.audit import Actor

__all__ = ["ThrottledModelBackend", "connect", "login_is_throttled", "session_digest"]


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
    return throttle.is_throttled(throttle.password_limits(address_of(request), username))


# ------------------------------------------------------------------------ receivers
def note_login(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Put a login on the audit trail and forgive the pair's failures."""
    with transaction.atomic():
        address = address_of(request)
        throttle.forgive(throttle.pair_key(address, user.get_username()))
        session_opened(request, user)
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
    if login_is_throttled(request, username):
        return
    with transaction.atomic():
        throttle.count_failure(throttle.password_limits(address_of(request), username))
        user = User.objects.filter(username=username.replace("\x00", "")).first()
        if user is not None:
            audit.record(
                actor=Actor.system("login"),
                action="session.refused",
                target=f"user:{user.pk}",
                after={"address": address_of(request)},
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
        PersonSession.objects.filter(session_key=session_key).delete()
        audit.record(actor=actor_for_user(user), action="session.closed", target=f"user:{user.pk}")


def connect() -> None:
    """Listen to Django's auth signals (once, at start-up)."""
    user_logged_in.connect(note_login, dispatch_uid="accounts.login")
    user_login_failed.connect(note_failed_login, dispatch_uid="accounts.login_failed")
    user_logged_out.connect(note_logout, dispatch_uid="accounts.logout")
