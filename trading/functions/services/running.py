"""The reads worker's part: claim a call, have a reader answer it, send the answer back."""

from __future__ import annotations

import logging
import time
from uuid import UUID

from ops.clocks import database_now, wall_now
from qmt.gateway import AccountRef
from qmt.reader import ReadFailure
from qmt.registry import find
from trading.functions import channel
from trading.functions.channel import ChannelLost
from trading.functions.choices import CallStatus
from trading.functions.models import FunctionCall
from trading.functions.runtime import ReadsRuntime, current_runtime

logger = logging.getLogger(__name__)


def call_run(call_id: UUID) -> str:
    """Carry out a call that waits for this worker's host and whose deadline has not passed; returns what it became.

    Whatever the message said, the row decides: a call that is unknown, was taken, belongs to another host or came too
    late is left alone.
    """
    runtime = current_runtime()
    if runtime is None:
        raise RuntimeError("this process is no reads worker")
    now = database_now()
    claimed = FunctionCall.objects.filter(
        pk=call_id, status=CallStatus.QUEUED, host=runtime.host_name, deadline_at__gt=now
    ).update(status=CallStatus.RUNNING, started_at=wall_now())
    if not claimed:
        return "left alone"
    call = FunctionCall.objects.select_related("account").get(pk=call_id)
    until = time.monotonic() + (call.deadline_at - now).total_seconds()
    try:
        body = _answer(runtime, call, until)
        channel.send_answer(call.pk, body, until=until)
    except ReadFailure as failure:
        return _failed(call, failure, until)
    except ChannelLost as error:
        return _end(call, CallStatus.FAILED, code="UNAVAILABLE", message=str(error)[:500])
    return _end(call, CallStatus.DONE, size=len(body))


def _answer(runtime: ReadsRuntime, call: FunctionCall, until: float) -> bytes:
    spec = find(call.function)
    if spec is None or not spec.is_run:
        raise ReadFailure("FUNCTION_NOT_FOUND", f"function={call.function} is not run here")
    account = None if call.account is None else AccountRef(call.account.account_no, call.account.account_type)
    seconds = min(spec.deadline_seconds, until - time.monotonic())
    return runtime.pool().call(spec, call.arguments, account=account, seconds=max(seconds, 0.001))


def _failed(call: FunctionCall, failure: ReadFailure, until: float) -> str:
    try:
        channel.send_failure(call.pk, failure, until=until)
    except ChannelLost as error:
        logger.warning("nobody could be told that %s failed: %s", call.function, error)
    return _end(call, CallStatus.FAILED, code=failure.code, message=failure.words[:500])


def _end(call: FunctionCall, status: CallStatus, **values: object) -> str:
    FunctionCall.objects.filter(pk=call.pk).update(status=status, finished_at=wall_now(), **values)
    return str(status)
