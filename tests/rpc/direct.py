"""Calls without a server: the functions behind the methods, in the test's own transaction."""

from __future__ import annotations

from accounts.models import User
from rpc.calls import Call
from tests.people import make_token


def call_of(user: User, *scopes: str) -> Call:
    """A call of this person that was let in."""
    row, _plain = make_token(user, *scopes)
    return Call(user=user, token=row, request_id="test-request", ends_at=None)
