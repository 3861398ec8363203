"""The one entry for calling a function of the SDK by name: REST and gRPC, people and tokens.

A call passes, in this order: the function exists and is exposed; the caller's token and role fit; its class allows it
here; the arguments fit; the account is the caller's to see; the host is there, and simulates the function if it simulates at
all; the caller has not asked too often. Then it is a row, and the host's reads worker is woken.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from accounts.models import BrokerAccount, QmtHost, User
from accounts.selectors import account_get
from ops import audit, health, rates
from ops.audit import Actor
from ops.clocks import database_now
from ops.errors import Code, Denied, DeskError, Forbidden, Invalid, NotFound, Unavailable
from ops.inputs import shown
from ops.models import Job
from qmt.reader import ReadFailure
from qmt.registry import FunctionClass, FunctionSpec, Kind, find
from qmt.registry.arguments import ArgumentProblem, check_arguments
from trading.functions import channel
from trading.functions.channel import ChannelLost
from trading.functions.choices import CallStatus
from trading.functions.models import FunctionCall
from trading.functions.services.keeping import answer_keep
from trading.functions.services.turnstile import Turnstile
from trading.functions.tasks import run_wake

CALLS_PER_MINUTE: Final = 120
#: In one process, and of one person.
CALLS_AT_ONCE: Final = 16
CALLS_OF_ONE: Final = 6
INLINE_BYTES: Final = 4 << 20
#: What the way there and back may take beyond the function's own deadline.
GRACE_SECONDS: Final = 3.0
ADMIN_SCOPE: Final = "admin:*"

_turnstile = Turnstile(CALLS_AT_ONCE, CALLS_OF_ONE)
_FIELD_CODES: Final = {
    "unknown": Code.FIELD_UNKNOWN,
    "missing": Code.FIELD_REQUIRED,
    "ours": Code.FIELD_INVALID,
    "unfit": Code.FIELD_INVALID,
}
_FAILURES: Final = {
    "NOT_SIMULATED": (Code.NOT_SIMULATED, 501),
    "TERMINAL_DOWN": (Code.TERMINAL_DOWN, 503),
    "FUNCTION_FAILED": (Code.FUNCTION_FAILED, 422),
    "FUNCTION_TIMEOUT": (Code.FUNCTION_TIMEOUT, 504),
    "ANSWER_TOO_LARGE": (Code.ANSWER_TOO_LARGE, 422),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to.

    Attributes
    ----------
    body
        The result as JSON; None when it was too large for a reply.
    job
        Then: a job that is done, with a file (`answer_file`).
    """

    function: str
    host: str
    body: bytes | None
    job: Job | None


def function_call(
    *,
    user: User,
    actor: Actor,
    scopes: Collection[str] | None,
    name: str,
    arguments: Mapping[str, Any],
    host_name: str | None = None,
) -> Answer:
    """Call a function of the SDK and wait for its answer.

    Parameters
    ----------
    scopes
        What the caller's token may be used for; None for a person in the portal.
    name
        ``xtdata.get_full_tick``, or ``get_full_tick`` where only one module has it.
    arguments
        By parameter, as JSON; an account is the platform's number of it.
    host_name
        Whose terminal; None: the account's, else the first host with market data.

    Raises
    ------
    NotFound
        FUNCTION_NOT_FOUND; ACCOUNT_NOT_FOUND.
    Forbidden
        SCOPE_MISSING, PERMISSION_DENIED, NOT_EXPOSED, MONEY_NOT_GRANTED.
    Invalid
        FIELD_UNKNOWN, FIELD_REQUIRED, FIELD_INVALID, with the argument's name.
    Denied
        USE_ENDPOINT: orders, subscriptions and transfers go through the platform's own; FUNCTION_FAILED, with the SDK's words;
        ANSWER_TOO_LARGE.
    DeskError
        501 NOT_SIMULATED, BROKEN_UPSTREAM, FUNCTION_NOT_BUILT; 504 FUNCTION_TIMEOUT; 429 RATE_LIMITED.
    Unavailable
        TERMINAL_DOWN, HOST_DISABLED, UNAVAILABLE.

    Notes
    -----
    Blocks up to the function's deadline and three seconds. Side effects: a `FunctionCall` row, an audit event for
    what changes the terminal's files, and what the function does.
    """
    spec = function_get(name)
    _require_right(spec, user, scopes)
    _require_class(spec)
    given = _checked(spec, arguments)
    account = _account(spec, user, given)
    host = _host(account, host_name)
    _require_answerable(spec, host)
    decision = rates.take(f"function:{user.pk}", limit=CALLS_PER_MINUTE)
    if not decision.allowed:
        raise DeskError(Code.RATE_LIMITED, status=429, retry_after_seconds=decision.retry_seconds)
    with _turnstile.passing(user.pk):
        return _called(_store(spec, user, actor, given, account, host), spec)


def function_get(name: str) -> FunctionSpec:
    """A function by its name, qualified or not.

    Raises
    ------
    NotFound
        FUNCTION_NOT_FOUND
    """
    spec = find(name)
    if spec is None:
        raise NotFound(Code.FUNCTION_NOT_FOUND, function=shown(name).strip("'"))
    return spec


def _require_right(spec: FunctionSpec, user: User, scopes: Collection[str] | None) -> None:
    if spec.kind is FunctionClass.SESSION:
        raise Forbidden(Code.NOT_EXPOSED, function=spec.qualified)
    if scopes is not None and spec.scope not in scopes:
        raise Forbidden(Code.SCOPE_MISSING, scope=spec.scope)
    if spec.scope == ADMIN_SCOPE and not user.is_admin:
        raise Forbidden(Code.PERMISSION_DENIED, "Only administrators call this function.", function=spec.qualified)


def _require_class(spec: FunctionSpec) -> None:
    """What the class and the state of the function forbid everybody."""
    if spec.kind in (FunctionClass.ORDER, FunctionClass.SUBSCRIPTION, FunctionClass.MONEY) and spec.covered:
        words = f"{Code.USE_ENDPOINT}: {spec.qualified} is {', '.join(spec.covered)} here"
        raise Denied(Code.USE_ENDPOINT, words, function=spec.qualified, endpoints=list(spec.covered))
    if spec.broken:
        raise DeskError(Code.BROKEN_UPSTREAM, status=501, function=spec.qualified, reason=spec.broken)


def _checked(spec: FunctionSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return check_arguments(spec, arguments)
    except ArgumentProblem as problem:
        raise Invalid(_FIELD_CODES[problem.reason], str(problem), field=f"arguments.{problem.field}") from problem


def _account(spec: FunctionSpec, user: User, given: dict[str, Any]) -> BrokerAccount | None:
    """The account that is asked about; every account that is named must be the caller's to see."""
    named = [account_get(user, given[one.name]) for one in spec.parameters if one.kind is Kind.ACCOUNT]
    if spec.kind is FunctionClass.MONEY:
        _require_money(user, named)
    for one in spec.parameters:
        if one.kind is Kind.ACCOUNT:
            del given[one.name]
    return named[0] if named else None


def _require_money(user: User, accounts: Collection[BrokerAccount]) -> None:
    """What a bank says about an account is for those who may move its money."""
    for account in accounts:
        if not BrokerAccount.objects.money_moved_by(user).filter(pk=account.pk).exists():
            raise Forbidden(Code.MONEY_NOT_GRANTED, account=account.pk)


def _host(account: BrokerAccount | None, name: str | None) -> QmtHost:
    if account is not None:
        host = account.host
        if name is not None and name != host.name:
            raise Invalid(Code.FIELD_INVALID, f"the account is on {host.name}", field="host")
    elif name is not None:
        found = QmtHost.objects.filter(name=name).first()
        if found is None:
            raise Invalid(Code.FIELD_INVALID, f"there is no host {shown(name)}", field="host")
        host = found
    else:
        first = QmtHost.objects.filter(enabled=True, fed_from=None).order_by("pk").first()
        if first is None:
            raise Unavailable(Code.DATA_UNAVAILABLE, "no host has market data")
        host = first
    if not host.enabled:
        raise Unavailable(Code.HOST_DISABLED, host=host.name)
    return host


def _require_answerable(spec: FunctionSpec, host: QmtHost) -> None:
    """What this host cannot answer is refused, never made up."""
    if host.is_simulated and not spec.simulated:
        raise DeskError(Code.NOT_SIMULATED, status=501, function=spec.qualified, host=host.name)
    if not spec.is_run:
        raise DeskError(Code.FUNCTION_NOT_BUILT, status=501, function=spec.qualified)
    if not health.check_heartbeat(f"worker.reads@{host.name}").ok:
        raise Unavailable(Code.UNAVAILABLE, f"the reads worker of {host.name} does not report", host=host.name)


def _store(
    spec: FunctionSpec, user: User, actor: Actor, given: dict[str, Any], account: BrokerAccount | None, host: QmtHost
) -> FunctionCall:
    now = database_now()
    with transaction.atomic():
        call = FunctionCall.objects.create(
            user=user,
            actor=actor.label,
            function=spec.qualified,
            host=host.name,
            account=account,
            arguments=given,
            created_at=now,
            deadline_at=now + timedelta(seconds=spec.deadline_seconds),
        )
        if spec.kind is FunctionClass.HOST_FILE:
            audit.record(
                actor=actor,
                action="function.called",
                target=f"host:{host.pk}",
                after={"function": spec.qualified, "call": str(call.pk), "arguments": given},
            )
    return call


def _called(call: FunctionCall, spec: FunctionSpec) -> Answer:
    if not run_wake(call.pk, call.host, call.deadline_at):
        _give_up(call, Code.UNAVAILABLE, "the queue is away")
        raise Unavailable(Code.UNAVAILABLE, "the queue of the reads worker is away")
    until = time.monotonic() + spec.deadline_seconds + GRACE_SECONDS
    pieces = channel.receive(call.pk, until=until)
    try:
        return _collect(call, spec, pieces)
    except ReadFailure as failure:
        code, status = _FAILURES.get(failure.code, (Code.UNAVAILABLE, 503))
        _give_up(call, code, failure.words)
        raise DeskError(code, f"{code}: {failure.words}", status=status, function=spec.qualified) from failure
    except ChannelLost as error:
        _give_up(call, Code.UNAVAILABLE, "Redis is away")
        raise Unavailable(Code.UNAVAILABLE, "the answer cannot come back: Redis is away") from error


def _collect(call: FunctionCall, spec: FunctionSpec, pieces: Iterator[bytes]) -> Answer:
    beginning: list[bytes] = []
    size = 0
    for piece in pieces:
        beginning.append(piece)
        size += len(piece)
        if size > INLINE_BYTES:
            job = answer_keep(call=call, scope=spec.scope, beginning=beginning, pieces=pieces)
            return Answer(spec.qualified, call.host, None, job)
    return Answer(spec.qualified, call.host, b"".join(beginning), None)


def _give_up(call: FunctionCall, code: Code, words: str) -> None:
    """Nobody waits any more: a call that was not begun will not be."""
    FunctionCall.objects.filter(pk=call.pk, status=CallStatus.QUEUED).update(
        status=CallStatus.FAILED, code=code, message=words[:500], finished_at=database_now()
    )
