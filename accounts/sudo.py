"""Re-authentication: for ten minutes after proving again who one is, dangerous acts are open.

Signing in does not count. A browser that was left open, or a stolen session, can look
around with its person's rights but not hand out rights, make tokens or go live.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest

from accounts.actors import actor_for_user
from accounts.models import User
from accounts.second_factor import code_accept, is_on
from ops import audit
from ops.clocks import wall_now
from ops.errors import Code, DeskError, Forbidden

DURATION = timedelta(minutes=10)
_SESSION_KEY = "sudo"


@dataclass(frozen=True, slots=True)
class Sudo:
    """The proof that a person authenticated again a moment ago. Only this module makes one."""

    user_id: int
    until: datetime

    @property
    def is_fresh(self) -> bool:
        return wall_now() < self.until


def sudo_of(request: HttpRequest) -> Sudo | None:
    """The request's proof, if its session holds one that has not run out."""
    stored = request.session.get(_SESSION_KEY)
    if not isinstance(stored, dict) or stored.get("user") != request.user.pk:
        return None
    at = datetime.fromtimestamp(float(stored["at"]), UTC)
    sudo = Sudo(user_id=int(stored["user"]), until=at + DURATION)
    return sudo if at <= wall_now() and sudo.is_fresh else None


def sudo_require(request: HttpRequest) -> Sudo:
    """The request's proof.

    Raises
    ------
    Forbidden
        SUDO_REQUIRED: none, or it has run out. A token never has one.
    """
    sudo = sudo_of(request)
    if sudo is None:
        raise Forbidden(Code.SUDO_REQUIRED)
    return sudo


def sudo_begin(request: HttpRequest, *, password: str, code: str = "") -> None:
    """Prove again who one is; failures count as failed logins do.

    Raises
    ------
    Forbidden
        CREDENTIALS_INVALID, whichever part did not match.
    """
    user = request.user
    if not isinstance(user, User):
        raise Forbidden(Code.NOT_AUTHENTICATED)
    proven = authenticate(request, username=user.get_username(), password=password)
    if proven is None or proven.pk != user.pk:
        raise Forbidden(Code.CREDENTIALS_INVALID)
    if is_on(user):
        try:
            code_accept(user, code)
        except DeskError as error:
            raise Forbidden(Code.CREDENTIALS_INVALID) from error
    request.session[_SESSION_KEY] = {"user": user.pk, "at": wall_now().timestamp()}
    with transaction.atomic():
        audit.record(actor=actor_for_user(user), action="session.confirmed", target=f"user:{user.pk}")
