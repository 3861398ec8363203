"""Audit actors made from people and tokens."""

from __future__ import annotations

from accounts.models import ApiToken, User
from ops.audit import Actor


def actor_for_user(user: User) -> Actor:
    """A person acting through the portal or the admin."""
    return Actor(kind="user", id=str(user.pk), label=user.username)


def actor_for_token(token: ApiToken) -> Actor:
    """A person acting through one of their tokens."""
    return Actor(kind="token", id=str(token.pk), label=f"{token.user.username}/{token.name}")


def actor_for(user: User, token: ApiToken | None = None) -> Actor:
    """Who acts: the person's token where one asked, else the person."""
    return actor_for_user(user) if token is None else actor_for_token(token)
