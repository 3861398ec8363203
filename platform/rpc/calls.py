"""One call: who makes it, whether they may, and how its end is told.

A method is a function that takes a `Call` and a request message and answers a message (or messages, one after the other).
It states the scope it needs; what states none is not served. Nothing else decides about rights: the functions below do,
as for every other door.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import grpc
import grpc.aio
from django.core.exceptions import PermissionDenied
from grpc_status import rpc_status

from accounts.choices import Scope
from accounts.models import ApiToken, User
from accounts.tokens import token_authenticate, token_user
from desk.live.identity import Identity
from desk.settings.schema import get_config
from ops import rates, trouble
from ops.database_watch import refuse_while_away
from ops.errors import Code, DeskError, Forbidden
from ops.logfacts import note_facts
from ops.requests import request_id_of, request_id_var
from rpc.forwarded import HEADER as FORWARDED_FOR
from rpc.forwarded import client_address
from rpc.statuses import rich_status

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]

REQUEST_ID = "x-request-id"
_PEER = re.compile(r"ipv[46]:(?:%5B|\[)?(?P<address>[0-9a-fA-F.:]+?)(?:%5D|\])?:\d+")


@dataclass(frozen=True, slots=True)
class Caller:
    """What a call brought with it, before anything was looked up."""

    tokens: frozenset[str]
    address: str
    request_id: str
    ends_at: float | None
    """Monotonic time of the call's deadline; None without one."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may be made."""

    user: User
    token: ApiToken
    request_id: str
    ends_at: float | None

    @property
    def identity(self) -> Identity:
        """What the live streams know a connection by."""
        return Identity(self.user.pk, token_id=self.token.pk, scopes=frozenset(self.token.scopes))

    @property
    def seconds_left(self) -> float | None:
        """Until the call's deadline; None without one."""
        return None if self.ends_at is None else max(0.0, self.ends_at - time.monotonic())


# ------------------------------------------------------------------------- before the call
def caller_of(context: Context) -> Caller:
    """Read a call's metadata. The token stands in ``authorization`` (``Bearer desk_…``) or ``x-api-key``."""
    metadata = [(key, str(value)) for key, value in _metadata(context) if not key.endswith("-bin")]
    given = [value for key, value in metadata if key == REQUEST_ID]
    forwarded = [value for key, value in metadata if key == FORWARDED_FOR]
    left = cast("float | None", context.time_remaining())
    return Caller(
        tokens=frozenset(_tokens(metadata)),
        address=client_address(get_config(), address_of(context.peer()), forwarded),
        request_id=request_id_of(given[0] if given else None),
        ends_at=None if left is None else time.monotonic() + left,
    )


def _metadata(context: Context) -> Iterable[tuple[str, Any]]:
    return cast(Iterable[tuple[str, Any]], context.invocation_metadata() or ())


def _tokens(metadata: Iterable[tuple[str, str]]) -> Iterator[str]:
    for key, value in metadata:
        kind, _, credential = value.partition(" ")
        if key == "authorization" and kind.lower() == "bearer":
            yield credential.strip()
        elif key == "x-api-key":
            yield value.strip()


def address_of(peer: str) -> str:
    """The address in gRPC's name of a peer (``ipv4:10.0.0.7:51324``, ``ipv6:%5B::1%5D:51324``); blank when it has none."""
    found = _PEER.fullmatch(peer)
    return found["address"] if found is not None else ""


def admit(caller: Caller, *, scope: Scope | None, rated: bool) -> Call:
    """Let a call in, or say why not. Reads the database and counts the token's rate.

    Parameters
    ----------
    scope
        What the token must be good for; None: any token.
    rated
        Whether the token's rate counts. What stops something is never refused by a rate.

    Raises
    ------
    Forbidden
        NOT_AUTHENTICATED, TOKEN_INVALID, SCOPE_MISSING.
    DeskError
        RATE_LIMITED.
    DatabaseAway
    """
    if not caller.tokens:
        raise Forbidden(Code.NOT_AUTHENTICATED, "Send a bearer token.")
    refuse_while_away()
    # Of two different tokens neither counts.
    token = token_authenticate(next(iter(caller.tokens)), address=caller.address) if len(caller.tokens) == 1 else None
    if token is None:
        raise Forbidden(Code.TOKEN_INVALID, "The token is not valid.")
    note_facts(user_id=token.user_id)
    if scope is not None and scope not in token.scopes:
        raise Forbidden(Code.SCOPE_MISSING, scope=scope.value)
    if rated:
        take_rate(f"token:{token.pk}", token.rate_per_minute)
    return Call(user=token_user(token), token=token, request_id=caller.request_id, ends_at=caller.ends_at)


def take_rate(key: str, per_minute: int) -> None:
    """Count one request of `key`; raises RATE_LIMITED."""
    decision = rates.take(key, limit=per_minute)
    if not decision.allowed:
        raise DeskError(Code.RATE_LIMITED, "Too many requests.", status=429, retry_after_seconds=decision.retry_seconds)


# --------------------------------------------------------------------------- after the call
async def end_with(context: Context, error: DeskError, *, request_id: str) -> NoReturn:
    """End a call with a refusal."""
    await context.abort_with_status(rpc_status.to_status(rich_status(error, request_id=request_id)))


def refusal_of(error: Exception, method: str) -> DeskError:
    """What a caller is told of anything that was raised; a bug is logged and tells nothing."""
    if isinstance(error, DeskError):
        return error
    if isinstance(error, PermissionDenied):
        return Forbidden(Code.PERMISSION_DENIED, "You may not do this.")
    if (refusal := trouble.refusal_of(error)) is not None:
        log.warning("gRPC method %s is hindered: %s", method, error)
        return refusal
    log.error("gRPC method %s failed", method, exc_info=error)
    return DeskError(Code.INTERNAL_ERROR, "The platform failed; this is logged.", status=500)


def bind_request(caller: Caller) -> None:
    """Make the call's id the one that audit rows and log lines carry."""
    request_id_var.set(caller.request_id)
