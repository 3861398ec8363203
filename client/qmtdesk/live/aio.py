"""The live socket on an event loop: `qmtdesk.live.sync` with awaits."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from qmtdesk.errors import NotAuthenticated
from qmtdesk.live.link import (
    SILENCE_SECONDS,
    STEADY_SECONDS,
    Endpoint,
    account_channel,
    bar_channel,
    optional_symbols,
    pause_seconds,
)
from qmtdesk.live.messages import Link, Message
from qmtdesk.live.session import Session, closed
from qmtdesk.queries import Symbols


class AsyncLive:
    """Messages of a live socket: ``async for message in live``. One task iterates; any task may subscribe.

    Raises `NotAuthenticated` while iterating when the token is not valid.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session = Session()
        self._connection: ClientConnection | None = None
        self._waiting: deque[Message] = deque()
        self._stop = asyncio.Event()
        self._failures = 0
        self._connected_at = 0.0

    # --------------------------------------------------------------------------------------------- subscriptions
    async def quotes(self, symbols: Symbols | None = None) -> None:
        """As `Live.quotes`."""
        await self._say(self._session.subscribe("quotes", symbols=optional_symbols(symbols)))

    async def bars(self, symbols: Symbols | None = None, period: str = "1m") -> None:
        """As `Live.bars`."""
        await self._say(self._session.subscribe(bar_channel(period), symbols=optional_symbols(symbols)))

    async def account(self, account: int, *, since: int | None = None) -> None:
        """As `Live.account`."""
        await self._say(self._session.subscribe(account_channel(account), since=since))

    async def channel(self, name: str) -> None:
        """As `Live.channel`."""
        await self._say(self._session.subscribe(name))

    async def leave(self, channel: str) -> None:
        """As `Live.leave`."""
        await self._say(self._session.unsubscribe(channel))

    async def _say(self, text: str) -> None:
        if self._connection is not None:
            with suppress(ConnectionClosed):
                await self._connection.send(text)

    # -------------------------------------------------------------------------------------------------- messages
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        while not self._waiting:
            if self._stop.is_set():
                raise StopAsyncIteration
            try:
                await self._take()
            except NotAuthenticated:
                self._stop.set()
                raise
        return self._waiting.popleft()

    async def close(self) -> None:
        """Leave; the iteration ends."""
        self._stop.set()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _take(self) -> None:
        connection = self._connection
        if connection is None:
            await self._connect()
            return
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                text = await connection.recv()
        except TimeoutError:
            await self._lost("nothing was heard for a while")
            return
        except ConnectionClosed as error:
            frame = error.rcvd
            code, reason = (None, "") if frame is None else (frame.code, frame.reason)
            await self._lost(reason or str(error))
            final = closed(code, reason)
            if final is not None and not self._stop.is_set():
                raise final from None
            return
        received = self._session.receive(text)
        if time.monotonic() - self._connected_at > STEADY_SECONDS:
            self._failures = 0
        self._waiting.extend(received.messages)
        for answer in received.answers:
            with suppress(ConnectionClosed):
                await connection.send(answer)

    async def _connect(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_seconds(self._failures)):
                await self._stop.wait()
                return
        self._failures += 1
        try:
            connection = await connect(self._endpoint.url, **self._endpoint.options)
        except (OSError, TimeoutError, InvalidHandshake) as error:
            if self._failures == 1:
                self._waiting.append(Link("down", str(error)))
            return
        self._connection, self._connected_at = connection, time.monotonic()
        if self._stop.is_set():  # closed meanwhile, by another task
            await self.close()
            return
        with suppress(ConnectionClosed):
            for text in self._session.opening():
                await connection.send(text)

    async def _lost(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        if not self._stop.is_set():
            self._waiting.append(Link("down", reason))
