"""The client without input and output: calls are generators that say what to do next.

A *flow* yields `Request` and `Pause` and is sent the `Reply` of each request; it knows no sockets and no clock, so that one
implementation serves `Desk` and `AsyncDesk`, and tests can play any network. A request that got no answer is thrown into
the flow as `Unreachable`.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from qmtdesk.errors import DeskError, RateLimited, ServerFailed, Unreachable, refusal
from qmtdesk.models import Job

T = TypeVar("T")

JSON = "application/json"
#: Answers of something between us and the platform, if they lack the platform's error shape.
GATEWAY_STATUSES = frozenset({502, 503, 504})
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request below the API's root."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    accept: str = JSON
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole answer to a request. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next step."""

    seconds: float


Flow: TypeAlias = Generator[Request | Pause, Reply | None, T]


@dataclass(frozen=True, slots=True)
class Settings:
    """What every call of one client has in common.

    Attributes
    ----------
    account
        The account that calls mean which name none.
    attempts
        How often a read is tried in all when connections fail or the platform says 429.
    order_seconds
        How long a submission whose answer was lost is followed before `OutcomeUnknown`.
    progress
        True for a bar on long downloads, False for none, None for one where a person watches; or what to call with
        each state of the job.
    new_key
        Makes idempotency keys.
    clock
        Seconds that only grow.
    """

    account: int | None = None
    attempts: int = 5
    order_seconds: float = 20.0
    progress: bool | Callable[[Job], None] | None = None
    new_key: Callable[[], str] = lambda: f"py-{uuid.uuid4().hex}"
    clock: Callable[[], float] = time.monotonic


def send(request: Request) -> Flow[Reply]:
    """One request, once; whatever its answer."""
    reply = yield request
    if reply is None:
        raise TypeError("whoever carries out a flow sends each request's reply")
    return reply


def pause(seconds: float) -> Flow[None]:
    """Wait."""
    yield Pause(seconds)


def backoff_seconds(attempt: int) -> float:
    """How long to wait after the `attempt`-th failure (from 1): doubling, with jitter, so that clients spread out."""
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret


def ask(settings: Settings, request: Request) -> Flow[Reply]:
    """A request that may be repeated: a read, or an act that the platform lets repeat without a second effect.

    Raises
    ------
    Unreachable
        After the last attempt.
    DeskError
        The platform's refusal; of 429 after the last attempt.
    """
    attempt = 0
    while True:
        attempt += 1
        error: DeskError
        try:
            reply = yield from send(request)
        except Unreachable as unreachable:
            error, seconds = unreachable, backoff_seconds(attempt)
        else:
            if reply.status < 400:
                return reply
            error = error_of(reply)
            if isinstance(error, RateLimited):
                seconds = max(error.retry_after, backoff_seconds(attempt))
            elif is_from_gateway(reply):
                seconds = backoff_seconds(attempt)
            else:
                raise error
        if attempt >= settings.attempts:
            raise error
        yield from pause(seconds)


def act(request: Request) -> Flow[Reply]:
    """A request that must not be repeated by us.

    Raises
    ------
    Unreachable
        It may or may not have arrived.
    DeskError
        The platform's refusal.
    """
    reply = yield from send(request)
    if reply.status >= 400:
        raise error_of(reply)
    return reply


def refusal_body(reply: Reply) -> Mapping[str, Any] | None:
    """The answer as a refusal in the platform's shape; None when it is none."""
    try:
        body = json.loads(reply.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) and isinstance(body.get("code"), str) else None


def is_from_gateway(reply: Reply) -> bool:
    """Whether a proxy answered in the platform's place."""
    return reply.status in GATEWAY_STATUSES and refusal_body(reply) is None


def error_of(reply: Reply) -> DeskError:
    """The error that a refusing answer stands for."""
    body = refusal_body(reply)
    if body is not None:
        error = refusal(reply.status, body)
    else:
        kind = RateLimited if reply.status == 429 else ServerFailed
        error = kind("NOT_UNDERSTOOD", f"HTTP {reply.status} without the platform's words", status=reply.status)
    wait = reply.headers.get("retry-after", "")
    if isinstance(error, RateLimited) and wait.isdigit():
        error.facts["retry_after_seconds"] = int(wait)
    return error


def account_of(settings: Settings, account: int | None) -> int:
    """The account a call is about."""
    chosen = settings.account if account is None else account
    if chosen is None:
        raise ValueError("name an account: Desk(url, token, account=3), or account=3 in the call")
    return chosen
