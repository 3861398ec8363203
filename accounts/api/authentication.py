"""Who is calling: a browser session with CSRF protection, or a bearer token.

An unknown, expired or revoked token and one of a deactivated person get the same
answer, so that guessing learns nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from accounts.services.sessions import address_of
from accounts.tokens import token_authenticate, token_user
from ops.audit import Actor
from ops.logfacts import note_facts

CHALLENGE = 'Bearer realm="desk"'
#: What older scripts send instead.
API_KEY_HEADER = "HTTP_X_API_KEY"


class BearerTokenAuthentication(authentication.BaseAuthentication):
    """``Authorization: Bearer desk_…`` or ``X-API-Key: desk_…``; sets `request.auth` to the `ApiToken`.

    A request that carries either header is judged by it alone: a bad token never
    falls back to the browser's session, and of two different tokens neither counts.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        given = set(_credentials(request))
        if not given:
            return None
        token = token_authenticate(given.pop(), address=address_of(request._request)) if len(given) == 1 else None
        if token is None:
            raise exceptions.AuthenticationFailed("The token is not valid.")
        note_facts(user_id=token.user_id)
        return token_user(token), token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def _credentials(request: Request) -> Iterator[str]:
    scheme, _, credential = authentication.get_authorization_header(request).partition(b" ")
    if scheme.lower() == b"bearer":
        yield credential.strip().decode("latin-1")
    key = request.META.get(API_KEY_HEADER)
    if key is not None:
        yield key.strip()


class SessionAuthentication(authentication.SessionAuthentication):
    """Django's session with CSRF enforced; an anonymous call is a 401, not a 403."""

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def actor_of(request: Request) -> Actor:
    """The audit actor of an authenticated API request."""
    token = request.auth if isinstance(request.auth, ApiToken) else None
    return actor_for(cast(User, request.user), token)
