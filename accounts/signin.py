"""Signing in, in one step or two: whoever has a second factor is nobody until its code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.contrib.auth import login
from django.http import HttpRequest

from accounts.models import User
from accounts.second_factor import code_accept, is_on
from ops.clocks import wall_now
from ops.errors import Code, Forbidden

#: How long a right password waits for its code.
PENDING = timedelta(minutes=5)
_SESSION_KEY = "signin"
_BACKEND = "accounts.sessions.ThrottledModelBackend"


def signin_begin(request: HttpRequest, user: User) -> bool:
    """Sign in a person whose password was right; False when the code is still to come."""
    if not is_on(user):
        login(request, user, backend=_BACKEND)
        return True
    # Nothing of an earlier visitor of this browser is carried into the half-open state.
    request.session.flush()
    request.session[_SESSION_KEY] = {
        "user": user.pk,
        "at": wall_now().timestamp(),
        # A password that is changed meanwhile ends the wait.
        "password": user.get_session_auth_hash(),
    }
    return False


def signin_pending(request: HttpRequest) -> User | None:
    """Whose code this browser is asked for; None when nobody's, or for too long."""
    stored = request.session.get(_SESSION_KEY)
    if not isinstance(stored, dict):
        return None
    user = User.objects.filter(pk=int(stored["user"]), is_active=True).first()
    at = datetime.fromtimestamp(float(stored["at"]), UTC)
    if user is None or wall_now() - at > PENDING or stored["password"] != user.get_session_auth_hash():
        return None
    return user


def signin_finish(request: HttpRequest, code: str) -> User:
    """Sign in with the code of the second factor, or a recovery code.

    Raises
    ------
    Forbidden
        NOT_AUTHENTICATED when no password came before; SECOND_FACTOR_INVALID.
    """
    user = signin_pending(request)
    if user is None:
        raise Forbidden(Code.NOT_AUTHENTICATED)
    code_accept(user, code)
    request.session.pop(_SESSION_KEY, None)
    login(request, user, backend=_BACKEND)
    return user
