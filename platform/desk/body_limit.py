"""A bound on request bodies, at the ASGI door.

Django's ASGI handler spools a whole body to disk before any middleware runs, and checks only a
declared length; a body without one (chunked) would be unbounded. So the bound stands in front.
"""

from __future__ import annotations

from typing import Any

import orjson

from desk.asgi_types import Application, Message, Receive, Scope, Send
from ops.errors import Code, DeskError


class _BodyTooLarge(Exception):
    """More bytes arrived than the limit allows."""

    def __init__(self, received: int) -> None:
        super().__init__(received)
        self.received = received


#: How many times the limit is read and thrown away, so that a client that sends before it listens
#: hears the refusal instead of a broken connection.
DRAINED_LIMITS = 4


class BodyLimit:
    """Answer 413 in the API's error shape instead of keeping more than `limit` bytes."""

    def __init__(self, application: Application, *, limit: int) -> None:
        self.application = application
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = _declared_length(scope)
        if declared > self.limit:
            await self._drain(receive, 0)
            await self._refuse(send, declared)
            return
        received = 0
        started = False

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise _BodyTooLarge(received)
            return message

        async def watching_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.application(scope, counting_receive, watching_send)
        except _BodyTooLarge as error:
            if started:
                raise
            await self._drain(receive, error.received)
            await self._refuse(send, error.received)

    async def _drain(self, receive: Receive, received: int) -> None:
        more = True
        while more and received <= self.limit * DRAINED_LIMITS:
            message = await receive()
            received += len(message.get("body", b""))
            more = message["type"] == "http.request" and message.get("more_body", False)

    async def _refuse(self, send: Send, received: int) -> None:
        error = DeskError(Code.BODY_TOO_LARGE, status=413, bytes=received, limit=self.limit)
        body = orjson.dumps(error.as_dict())
        headers: list[tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        start: dict[str, Any] = {"type": "http.response.start", "status": 413, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body})


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
