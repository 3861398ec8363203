"""Bounds on request bodies, at the ASGI door: how large they are, and how slowly they come.

Django's ASGI handler spools a whole body to disk before any middleware runs, and checks only a
declared length; a body without one (chunked) would be unbounded, and one that dribbles in would
be waited for without an end. So the bounds stand in front.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson

from desk.asgi_types import Application, Message, Receive, Scope, Send
from ops.errors import Code, DeskError


class _Refused(Exception):
    """The body is not taken; `error` says why."""

    def __init__(self, error: DeskError) -> None:
        super().__init__(error)
        self.error = error


#: How many times the limit is read and thrown away, so that a client that sends before it listens
#: hears the refusal instead of a broken connection.
DRAINED_LIMITS = 4
#: A body has this long, and longer by what has come of it at the slowest rate of a line that works.
SPARE_SECONDS = 15.0
SLOWEST_BYTES_PER_SECOND = 32 * 1024

log = logging.getLogger(__name__)


class BodyLimit:
    """Answer 413 or 408 in the API's error shape instead of keeping more than `limit` bytes, or waiting too long."""

    def __init__(self, application: Application, *, limit: int) -> None:
        self.application = application
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = _Body(receive, self.limit)
        started = False

        async def watching_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if (declared := _declared_length(scope)) > self.limit:
                raise _Refused(body.too_large(declared))
            await self.application(scope, body.receive, watching_send)
        except _Refused as refusal:
            if started:
                raise
            log.warning("a body from %s was refused: %s", _address(scope), refusal.error)
            if refusal.error.code == Code.BODY_TOO_LARGE:
                await body.drain(DRAINED_LIMITS)
            await _refuse(send, refusal.error)


class _Body:
    """One request's body on its way in."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._received = 0
        self._complete = False
        self._began = asyncio.get_running_loop().time()

    async def receive(self) -> Message:
        """The next message; raises `_Refused` when the body is too large or too slow."""
        if self._complete:
            # What is waited for now is the client's leaving.
            return await self._receive()
        message = await self._next()
        if self._received > self._limit:
            raise _Refused(self.too_large(self._received))
        return message

    async def drain(self, limits: int) -> None:
        """Read and throw away what still comes: so many times the limit, and no longer than a body may take."""
        try:
            while not self._complete and self._received <= self._limit * limits:
                await self._next()
        except _Refused:
            log.info("the rest of a refused body is not waited for")

    def too_large(self, received: int) -> DeskError:
        """The refusal of a body of so many bytes."""
        return DeskError(Code.BODY_TOO_LARGE, status=413, bytes=received, limit=self._limit)

    async def _next(self) -> Message:
        until = self._began + SPARE_SECONDS + self._received / SLOWEST_BYTES_PER_SECOND
        try:
            async with asyncio.timeout_at(until):
                message = await self._receive()
        except TimeoutError:
            raise _Refused(DeskError(Code.BODY_TOO_SLOW, status=408, bytes=self._received)) from None
        self._received += len(message.get("body", b""))
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message


async def _refuse(send: Send, error: DeskError) -> None:
    body = orjson.dumps(error.as_dict())
    headers: list[tuple[bytes, bytes]] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # What is left of the body would be read as the next request.
        (b"connection", b"close"),
    ]
    start: dict[str, Any] = {"type": "http.response.start", "status": error.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "a socket of this machine"


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
