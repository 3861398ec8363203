"""Who is calling: a browser session with CSRF protection, or a bearer token.

An unknown, expired or revoked token and one of a deactivated person get the same
answer, so that guessing learns nothing.
"""

from __future__ import annotations

from typing import cast

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts.actors import actor_for_token, actor_for_user
from accounts.models import ApiToken, User
from accounts.tokens import token_authenticate
from ops.audit import Actor

CHALLENGE = 'Bearer realm="desk"'


class BearerTokenAuthentication(authentication.BaseAuthentication):
    """``Authorization: Bearer desk_…``; sets `request.auth` to the `ApiToken`.

    A request that carries the header is judged by it alone: a bad token never
    falls back to the browser's session.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = authentication.get_authorization_header(request)
        scheme, _, credential = header.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        token = token_authenticate(credential.strip().decode("latin-1"))
        if token is None:
            raise exceptions.AuthenticationFailed("The token is not valid.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class SessionAuthentication(authentication.SessionAuthentication):
    """Django's session with CSRF enforced; an anonymous call is a 401, not a 403."""

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def actor_of(request: Request) -> Actor:
    """The audit actor of an authenticated API request."""
    if isinstance(request.auth, ApiToken):
        return actor_for_token(request.auth)
    return actor_for_user(cast(User, request.user))
