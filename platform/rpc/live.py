"""LiveService: the live socket's sessions over gRPC streams.

Channels, conflation, resuming, rights that are asked again: all of it is `desk.live`, which knows no transport. Here its
frames are written as `LiveMessage` (see `rpc.encoding`), requests are read, and the end of a session becomes a status.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

from django.conf import settings

from accounts.choices import Scope
from desk.live.allowance import Allowance
from desk.live.encoding import Frame
from desk.live.protocol import MAX_SYMBOLS, Command, Ping, Subscribe, Unsubscribe
from desk.live.session import CLOSE_TOO_SLOW, LiveSession
from desk.live.watch import running_watch
from ops.errors import Code, DeskError, Forbidden, Invalid
from ops.hub import running_hub
from rpc.calls import Call, Context
from rpc.encoding import PROTOBUF
from rpc.methods import Methods
from rpc.v1 import live_pb2 as pb

SERVICE: Final = Methods(pb.DESCRIPTOR.services_by_name["LiveService"])

HUB_START_SECONDS = 0.3
#: How long a client may take to read what was said before its stream ended.
END_SECONDS = 0.5
_CLOSED = 0
_MAX_ID = 2**63 - 1
_BARS: Final = {"": "bars", "1m": "bars", "5m": "bars:5m"}


class RpcSession(LiveSession):
    """A client's session; why it ended is the stream's status, not a message.

    Parameters
    ----------
    single
        The stream carries one channel: what refuses or revokes the channel ends the stream.
    """

    def __init__(self, *, single: bool, **parts: Any) -> None:
        super().__init__(encoding=PROTOBUF, **parts)
        self._single = single
        self.reason: DeskError | None = None
        self.ended = asyncio.Event()

    def end(self, code: int, error: DeskError | None = None) -> None:
        if self.reason is None:
            self.reason = error or (_too_slow() if code == CLOSE_TOO_SLOW else None)
        super().end(code)
        self.ended.set()

    def refuse(self, error: DeskError, channel: str | None = None) -> None:
        if self._single:
            self.end(_CLOSED, error)
        else:
            super().refuse(error, channel)

    def revoke(self, channel: str) -> None:
        if self._single:
            self.end(_CLOSED, Forbidden(Code.PERMISSION_DENIED, "The right to this account was withdrawn."))
        else:
            super().revoke(channel)


def _too_slow() -> DeskError:
    words = "You took nothing for too long. Come back, and resume from the last version."
    return DeskError(Code.UNAVAILABLE, words, status=503)


# ------------------------------------------------------------------------------ methods
@SERVICE.live(scope=Scope.MARKET_READ)
async def stream_quotes(call: Call, request: pb.QuotesChannel, context: Context) -> None:
    """See live.proto."""
    await _serve_one(call, Subscribe("quotes", symbols=_symbols(request.symbols)), context)


@SERVICE.live(scope=Scope.ACCOUNT_READ)
async def stream_account(call: Call, request: pb.AccountChannel, context: Context) -> None:
    """See live.proto."""
    await _serve_one(call, _account(request), context)


@SERVICE.live(scope=None)
async def subscribe(call: Call, requests: AsyncIterator[pb.SubscribeRequest], context: Context) -> None:
    """See live.proto."""
    session = await _session(call, context, single=False)
    session.greet()
    reader = asyncio.create_task(_read(session, requests), name="rpc-reader")
    try:
        await _serve(session)
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _serve_one(call: Call, command: Subscribe, context: Context) -> None:
    session = await _session(call, context, single=True)
    session.handle(command)
    await _serve(session)


async def _session(call: Call, context: Context, *, single: bool) -> RpcSession:
    hub = running_hub(settings.REDIS_URL)
    with suppress(TimeoutError):
        # The first stream of a process starts the hub; it need not be told that nothing arrives.
        async with asyncio.timeout(HUB_START_SECONDS):
            await hub.wait_up()
    session = RpcSession(
        single=single,
        identity=call.identity,
        user=call.user,
        hub=hub,
        send=partial(_send, context),
        close=_nothing,
    )
    running_watch(hub).add(session)
    return session


async def _send(context: Context, frame: Frame) -> None:
    await context.write(frame)


async def _nothing(code: int) -> None:
    """A stream is closed by the end of its handler."""


async def _serve(session: RpcSession) -> None:
    """Write until the session ends; raises why it ended."""
    writer = asyncio.create_task(session.write(), name="rpc-writer")
    ended = asyncio.create_task(session.ended.wait(), name="rpc-ended")
    try:
        await asyncio.wait({writer, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not writer.done():
            # A client that reads nothing holds the writer up; a right that was withdrawn does not wait for it.
            await asyncio.wait({writer}, timeout=END_SECONDS)
        if writer.done():
            writer.result()
    finally:
        running_watch(running_hub(settings.REDIS_URL)).remove(session)
        session.end(_CLOSED)
        for task in (writer, ended):
            task.cancel()
        await asyncio.gather(writer, ended, return_exceptions=True)
    if session.reason is not None:
        raise session.reason


async def _read(session: RpcSession, requests: AsyncIterator[pb.SubscribeRequest]) -> None:
    """Carry out what the client asks for. A client that says no more may go on listening."""
    allowance = Allowance()
    async for request in requests:
        if not allowance.take():
            session.end(_CLOSED, DeskError(Code.RATE_LIMITED, "Too many requests on this stream.", status=429))
            return
        try:
            command = command_of(request)
        except DeskError as error:
            session.refuse(error)
        else:
            session.handle(command)


# ----------------------------------------------------------------------------- requests
def command_of(request: pb.SubscribeRequest) -> Command:
    """A request as the live sessions understand it.

    Raises
    ------
    Invalid
        MESSAGE_MALFORMED with the field at fault.
    """
    kind = request.WhichOneof("request")
    if kind == "ping":
        return Ping(request.ping.id)
    if kind == "subscribe":
        return _subscribe(request.subscribe)
    if kind == "unsubscribe":
        return Unsubscribe(_subscribe(request.unsubscribe).channel)
    raise Invalid(Code.MESSAGE_MALFORMED, "Ask for subscribe, unsubscribe or ping.", field="request")


def _subscribe(channel: pb.Channel) -> Subscribe:
    kind = channel.WhichOneof("channel")
    if kind == "quotes":
        return Subscribe("quotes", symbols=_symbols(channel.quotes.symbols))
    if kind == "bars":
        name = _BARS.get(channel.bars.period)
        if name is None:
            raise Invalid(Code.MESSAGE_MALFORMED, "Live bars are of 1m or 5m.", field="period")
        return Subscribe(name, symbols=_symbols(channel.bars.symbols))
    if kind == "account":
        return _account(channel.account)
    if kind == "jobs":
        return Subscribe("jobs")
    raise Invalid(Code.MESSAGE_MALFORMED, "Name a channel.", field="channel")


def _account(channel: pb.AccountChannel) -> Subscribe:
    if not 0 < channel.account <= _MAX_ID:
        raise Invalid(Code.FIELD_INVALID, field="account", account=channel.account)
    if channel.HasField("since") and channel.since < 0:
        raise Invalid(Code.MESSAGE_MALFORMED, "since is a version: a whole number, not negative.", field="since")
    since = channel.since if channel.HasField("since") else None
    return Subscribe(f"account:{channel.account}", account_id=channel.account, since=since)


def _symbols(symbols: Any) -> tuple[str, ...] | None:
    if len(symbols) > MAX_SYMBOLS:
        raise Invalid(Code.MESSAGE_MALFORMED, f"symbols is a list of at most {MAX_SYMBOLS} symbols.", field="symbols")
    return tuple(symbols) or None
