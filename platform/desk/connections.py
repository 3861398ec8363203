"""How long a client may take to say what it wants: a bound on the head of each HTTP request.

uvicorn closes a connection that rests between two requests, but waits without an end for the rest of a head that has begun,
and for the first byte of a new connection. The proxy bounds both (`client_header_timeout`); this holds where there is none.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: From the connection, or from the head's first byte, to the head's end.
HEAD_SECONDS = 10.0

log = logging.getLogger(__name__)


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, whose connections are closed when a request's head does not end in time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_deadline: asyncio.TimerHandle | None = None
        self._head_began = False
        self._handed_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; what begins after a finished answer is the next head."""
        known = self.cycle
        self._head_began = True
        super().data_received(data)
        if self._handed_over:
            return
        if self.cycle is not known:
            self._head_ended()
        elif self._head_deadline is None and not self.transport.is_closing() and known.response_complete:
            self._await_head()

    def handle_websocket_upgrade(self) -> None:
        """The socket's own protocol takes over."""
        self._handed_over = True
        self._head_ended()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._head_ended()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_began = self.cycle is not None
        self._head_deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _head_ended(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _give_up(self) -> None:
        self._head_deadline = None
        if self.transport.is_closing():
            return
        if self._head_began:
            # Browsers open connections ahead and say nothing on them: only what was begun is worth a line.
            address = self.client[0] if self.client else "a socket of this machine"
            log.warning(
                "a connection from %s was closed: its request's head did not end in %s s", address, HEAD_SECONDS
            )
        self.transport.close()
