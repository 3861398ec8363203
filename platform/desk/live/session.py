"""One client's live session: its subscriptions and the one writer that serves them.

The session knows no transport: it is given a way to send text and a way to close. Its
writer is the only task that sends, so frames of a channel stay in order; what waits
meanwhile conflates or queues in the streams, and a slow client delays nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from accounts.choices import Scope
from accounts.models import User
from desk.live import metrics, reads
from desk.live.encoding import JSON, Encoding, Frame
from desk.live.identity import Identity
from desk.live.latest import STORE_LAG_SECONDS, running_latest
from desk.live.protocol import SIGNALS, STRATEGIES, Command, Ping, Subscribe, Unsubscribe, now_ms
from desk.live.streams import (
    FEEDS,
    AccountStream,
    AlertStream,
    ApprovalStream,
    JobStream,
    SignalStream,
    StrategyStream,
    Stream,
    SymbolStream,
)
from ops.errors import Code, DeskError, Forbidden, Invalid, Unavailable
from ops.hub import Hub

log = logging.getLogger(__name__)

#: A client that takes nothing for this long is dropped; it comes back and resumes.
SEND_TIMEOUT_SECONDS = 30.0
IDLE_SECONDS = 15.0
CLOSE_SECONDS = 1.0
RETRY_SECONDS = 1.0
MAX_CHANNELS = 100
MAX_REPLIES_WAITING = 200

CLOSE_UNAUTHORISED = 4401
CLOSE_TOO_FAST = 4429
CLOSE_TOO_SLOW = 4408

Symbols = tuple[str, ...] | None
SymbolData = tuple[frozenset[str] | None, dict[str, Any]]
Send = Callable[[Frame], Awaitable[None]]
Close = Callable[[int], Awaitable[None]]


class LiveSession:
    """An authenticated client. Create it inside the event loop and run `write` as a task."""

    def __init__(
        self, *, identity: Identity, user: User, hub: Hub, send: Send, close: Close, encoding: Encoding = JSON
    ) -> None:
        self.identity = identity
        self.user = user
        self._hub = hub
        self._send = send
        self._close = close
        self._encoding = encoding
        self._streams: dict[str, Stream] = {}
        self._accounts: dict[str, int] = {}
        self._replies: deque[Frame] = deque()
        self._wake = asyncio.Event()
        running_latest(hub)
        self._ending: int | None = None

    # ------------------------------------------------------------------- commands
    def greet(self) -> None:
        """Say who we think this is, and whether live messages are arriving."""
        user = self.user
        self.reply(
            self._encoding.frame(
                "hello",
                server_time=now_ms(),
                user={
                    "id": user.pk,
                    "username": user.username,
                    "language": user.language,
                    "rising_color": user.rising_color,
                },
            )
        )
        if not self._hub.is_up:
            self.reply(self._encoding.frame("stale", server_time=now_ms()))

    def handle(self, command: Command) -> None:
        """Carry out one command. Refusals become error frames.

        Nothing is read here: the writer's first read of a channel also decides whether
        the person may see it, after the channel was joined. So a right withdrawn at
        any moment is noticed either by that read or by the control message.
        """
        channel = getattr(command, "channel", None)
        try:
            if isinstance(command, Subscribe):
                self._subscribe(command)
            elif isinstance(command, Unsubscribe):
                self.drop(command.channel)
            elif isinstance(command, Ping):
                extra = {} if command.id is None else {"id": command.id}
                self.reply(self._encoding.frame("pong", server_time=now_ms(), **extra))
            else:
                raise Invalid(Code.MESSAGE_MALFORMED, "You are authenticated.", field="op")
        except DeskError as error:
            self.refuse(error, channel)

    def _subscribe(self, command: Subscribe) -> None:
        channel = command.channel
        if channel not in self._streams and len(self._streams) >= MAX_CHANNELS:
            raise Invalid(Code.MESSAGE_MALFORMED, f"At most {MAX_CHANNELS} channels.")
        of_accounts = command.account_id is not None or channel in (AlertStream.channel, ApprovalStream.channel)
        needed = Scope.ACCOUNT_READ if of_accounts else Scope.MARKET_READ
        if not self.identity.allows(needed):
            raise Forbidden(Code.SCOPE_MISSING, scope=needed.value)
        self.drop(channel)
        stream = self._stream(command)
        self._streams[channel] = stream
        if command.account_id is not None:
            self._accounts[channel] = command.account_id
        for name in _hub_channels(channel):
            self._hub.join(name, stream)
        self._wake.set()

    def _stream(self, command: Subscribe) -> Stream:
        wake, encoding = self._wake.set, self._encoding
        if command.account_id is not None and command.channel.startswith(SIGNALS):
            return SignalStream(
                command.channel,
                read=partial(self._read_signals, command.account_id),
                wake=wake,
                encoding=encoding,
            )
        if command.account_id is not None and command.channel.startswith(STRATEGIES):
            return StrategyStream(
                command.channel,
                read=partial(self._read_strategies, command.account_id),
                wake=wake,
                encoding=encoding,
            )
        if command.account_id is not None:
            return AccountStream(
                command.channel,
                since=command.since,
                read=partial(self._read_account, command.account_id),
                wake=wake,
                encoding=encoding,
            )
        if command.channel == "jobs":
            return JobStream(
                may_see=self._may_see_job_of,
                read=lambda: reads.in_thread(reads.jobs_now, self.user),
                wake=wake,
                encoding=encoding,
            )
        if command.channel == "alerts":
            return AlertStream(
                read=lambda ids: reads.in_thread(reads.alerts_now, self.user, ids), wake=wake, encoding=encoding
            )
        if command.channel == ApprovalStream.channel:
            return ApprovalStream(
                read=lambda: reads.in_thread(reads.approvals_now, self.user), wake=wake, encoding=encoding
            )
        if command.channel == "quotes":
            return SymbolStream(
                command.channel,
                read=partial(self._read_quotes, command.symbols),
                read_feeds=lambda: reads.in_thread(reads.feeds_stale),
                wake=wake,
                encoding=encoding,
            )
        return SymbolStream(
            command.channel, read=partial(self._read_bars, command.symbols), wake=wake, encoding=encoding
        )

    def _may_see_job_of(self, owner: int | None) -> bool:
        # Asked anew for each message: the role may have changed meanwhile.
        return owner in (None, self.user.pk) or self.user.is_admin

    async def _read_account(self, account_id: int, since: int | None) -> tuple[Frame, int]:
        return await reads.in_thread(reads.account_since, self.user, account_id, since, self._encoding)

    async def _read_signals(self, account_id: int) -> list[dict[str, Any]]:
        return await reads.in_thread(reads.signals_now, self.user, account_id)

    async def _read_strategies(self, account_id: int, after: Mapping[int, int] | None) -> dict[str, Any]:
        return await reads.in_thread(reads.strategies_now, self.user, account_id, after)

    async def _read_quotes(self, symbols: Symbols) -> SymbolData:
        latest = running_latest(self._hub)
        settled = latest.settled
        resolved, stored = await reads.in_thread(reads.quotes_now, symbols)
        if not settled:
            asyncio.get_running_loop().call_later(STORE_LAG_SECONDS, self._read_again, "quotes")
        return resolved, latest.overlay(stored, resolved)

    @staticmethod
    async def _read_bars(symbols: Symbols) -> SymbolData:
        # History is the REST API's; the socket brings what changes from now on.
        return await reads.in_thread(reads.resolve_symbols, symbols), {}

    def _read_again(self, channel: str) -> None:
        stream = self._streams.get(channel)
        if stream is not None:
            stream.read_again()

    # --------------------------------------------------------- rights, from outside
    @property
    def account_ids(self) -> frozenset[int]:
        """The accounts this client is subscribed to."""
        return frozenset(self._accounts.values())

    def apply_access(self, user: User, allowed: frozenset[int], views: Mapping[int, Mapping[str, Any]]) -> None:
        """Take rights over as they are now: what is not allowed any more ends at once."""
        self.user = user
        for channel, account_id in tuple(self._accounts.items()):
            if account_id not in allowed:
                self.revoke(channel)
            elif account_id in views and isinstance(self._streams.get(channel), AccountStream):
                self.reply(self._encoding.frame("account", channel=channel, data=views[account_id]))

    def revoke(self, channel: str) -> None:
        """Send nothing more of a channel whose right was withdrawn, and say so."""
        self.drop(channel)
        self.reply(self._encoding.frame("revoked", channel=channel))

    def rights_changed(self) -> None:
        """Show alerts and approvals anew: some of them may not be this person's to see any more."""
        self._read_again(AlertStream.channel)
        self._read_again(ApprovalStream.channel)

    def catch_up(self, versions: Mapping[int, int]) -> None:
        """Have accounts read again whose events up to these versions have not come by."""
        for channel, account_id in self._accounts.items():
            stream = self._streams.get(channel)
            if isinstance(stream, AccountStream) and account_id in versions:
                stream.catch_up(versions[account_id])

    def link_changed(self, *, up: bool) -> None:
        """Tell the client whether what it sees is live. The streams read again by themselves."""
        self.reply(self._encoding.frame("live" if up else "stale", server_time=now_ms()))

    def end(self, code: int, error: DeskError | None = None) -> None:
        """Close the session; no further frame of any channel is sent."""
        for channel in tuple(self._streams):
            self.drop(channel)
        if self._ending is None:
            self._ending = code
            if code == CLOSE_TOO_SLOW:
                metrics.ENDED.inc()
            if error is not None:
                self._replies.append(self._encoding.error(error))
        self._wake.set()

    def drop(self, channel: str) -> None:
        """Leave a channel; harmless when it was not subscribed."""
        stream = self._streams.pop(channel, None)
        if stream is None:
            return
        for name in _hub_channels(channel):
            self._hub.leave(name, stream)
        self._accounts.pop(channel, None)

    # ---------------------------------------------------------------------- writing
    def reply(self, text: Frame) -> None:
        """Queue one frame of no channel."""
        if len(self._replies) >= MAX_REPLIES_WAITING:
            self.end(CLOSE_TOO_SLOW)
            return
        self._replies.append(text)
        self._wake.set()

    def refuse(self, error: DeskError, channel: str | None = None) -> None:
        """Queue one error frame."""
        self.reply(self._encoding.error(error, channel))

    async def write(self) -> None:
        """Send until the session ends, then close. Cancel it when the client has gone."""
        while self._ending is None or self._replies:
            await self._something_to_do()
            self._wake.clear()
            if not await self._send_what_is_due():
                break
        with suppress(TimeoutError):
            # A peer that reads nothing holds up the closing frame too; the server's
            # own pings end such a connection.
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._close(self._ending or CLOSE_TOO_SLOW)

    async def _send_what_is_due(self) -> bool:
        while self._replies:
            if not await self._send_in_time(self._replies.popleft()):
                return False
        for channel, stream in tuple(self._streams.items()):
            if not await self._serve(channel, stream):
                return False
        return True

    async def _something_to_do(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            self.reply(self._encoding.frame("heartbeat", server_time=now_ms()))

    async def _serve(self, channel: str, stream: Stream) -> bool:
        """Send what is due on one channel; False when the client takes nothing."""
        try:
            async for text in stream.frames():
                # The read or the send may have taken long enough to lose the right.
                if self._streams.get(channel) is not stream:
                    break
                if not await self._send_in_time(text):
                    return False
        except DeskError as error:
            if self._streams.get(channel) is stream:
                self.drop(channel)
                self.refuse(error, channel)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - one channel's failed read is not the socket's end
            log.warning("live channel %s could not be read: %s", channel, error)
            self.refuse(Unavailable(Code.UNAVAILABLE, "The channel is read again soon."), channel)
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._wake.set)
        return True

    async def _send_in_time(self, text: Frame) -> bool:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._send(text)
        except TimeoutError:
            self.end(CLOSE_TOO_SLOW)
            return False
        return True


def _hub_channels(channel: str) -> tuple[str, ...]:
    """What a client's channel is made of."""
    return (channel, FEEDS) if channel == "quotes" else (channel,)
