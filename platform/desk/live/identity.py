"""Who is on the other end of a socket, and whether they still are.

Credentials, in this order: an ``Authorization: Bearer`` or ``X-API-Key`` header, a subprotocol
``desk.bearer.<token>``, the portal's session cookie, or an ``authenticate`` message as
the first one. Never the URL: addresses end in logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import SimpleCookie
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import get_user

from accounts.choices import Scope
from accounts.models import ApiToken, User
from accounts.sessions import session_digest
from accounts.tokens import token_authenticate, token_is_usable, token_user
from ops.clocks import wall_now

PROTOCOL = "desk.v1"
_BEARER_PROTOCOL = "desk.bearer."


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a handshake brought; all None when it brought nothing."""

    token: str | None = None
    session_key: str | None = None
    address: str = ""

    @property
    def given(self) -> bool:
        return self.token is not None or self.session_key is not None


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated connection; equal for all sockets that stand or fall together."""

    user_id: int
    token_id: int | None = None
    session_key: str | None = None
    scopes: frozenset[str] = frozenset(Scope.values)

    def allows(self, scope: Scope) -> bool:
        return scope.value in self.scopes

    @property
    def session_digest(self) -> str | None:
        """What control messages name a session by: its key would open the session."""
        return None if self.session_key is None else session_digest(self.session_key)


def credentials_of(scope: dict[str, Any]) -> Credentials:
    """Read the handshake. A given token decides alone; it never falls back to the session."""
    headers = {name: value.decode("latin-1") for name, value in scope.get("headers", ())}
    address = str((scope.get("client") or ("",))[0])
    kind, _, value = headers.get(b"authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return Credentials(token=value.strip(), address=address)
    if b"x-api-key" in headers:
        return Credentials(token=headers[b"x-api-key"].strip(), address=address)
    for offered in scope.get("subprotocols", ()):
        if offered.startswith(_BEARER_PROTOCOL):
            return Credentials(token=offered.removeprefix(_BEARER_PROTOCOL), address=address)
    return Credentials(session_key=_session_cookie(headers.get(b"cookie", "")), address=address)


def _session_cookie(header: str) -> str | None:
    cookie: SimpleCookie = SimpleCookie()
    cookie.load(header)
    morsel = cookie.get(settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel is not None and morsel.value else None


def subprotocol_of(scope: dict[str, Any]) -> str | None:
    """The subprotocol to accept: ours when offered. A token is never echoed."""
    return PROTOCOL if PROTOCOL in scope.get("subprotocols", ()) else None


def authenticate(credentials: Credentials) -> tuple[Identity, User] | None:
    """Who the credentials belong to, or None. Reads the database."""
    if credentials.token is not None:
        token = token_authenticate(credentials.token, address=credentials.address)
        if token is None:
            return None
        scopes = frozenset(token.scopes)
        return Identity(token.user_id, token_id=token.pk, scopes=scopes), token_user(token)
    user = _session_user(credentials.session_key)
    if user is None:
        return None
    return Identity(user.pk, session_key=credentials.session_key), user


def still_valid(identity: Identity) -> User | None:
    """The person, if the connection would still be let in now. Reads the database."""
    if identity.token_id is None:
        return _session_user(identity.session_key)
    token = ApiToken.objects.select_related("user").filter(pk=identity.token_id).first()
    if token is None or not token_is_usable(token, wall_now()):
        return None
    return token_user(token)


def _session_user(session_key: str | None) -> User | None:
    """The session's active person; expired, unknown and stale (password changed) give None."""
    if session_key is None:
        return None
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(cast(Any, SimpleNamespace(session=store)))
    return user if isinstance(user, User) and user.is_active else None
