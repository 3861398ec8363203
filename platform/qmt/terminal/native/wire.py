"""The client's end of the terminal's link: calls that wait for their reply, and everything else as it comes."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from qmt.terminal import protocol
from qmt.terminal.protocol import Frame, LinkClosed, ProtocolError

CONNECT_SECONDS: Final = 3.0


class LinkRefused(Exception):
    """The terminal is there and does not want this client."""


class Link:
    """A connection to the terminal.

    Parameters
    ----------
    hello : dict
        The opening frame; ``role`` and what it needs.
    on_frame : callable
        Gets every frame that is not a reply, on the link's reading thread; must not block.
    on_lost : callable
        Called once when the terminal ended the link; its argument tells whether the client is to
        hear of it (a terminal that shuts down goes silently, as a real one does).
    """

    def __init__(
        self,
        address: tuple[str, int],
        hello: Frame,
        on_frame: Callable[[Frame], None],
        on_lost: Callable[[bool], None],
    ) -> None:
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Reply] = {}
        self._lock = threading.Lock()
        self._lost = threading.Event()
        self._closing = False
        self._announced = True
        try:
            self._connection = socket.create_connection(address, timeout=CONNECT_SECONDS)
        except OSError as error:
            raise LinkClosed(f"nobody listens on {address[0]}:{address[1]}") from error
        try:
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            protocol.send(self._connection, {**hello, "version": protocol.VERSION})
            welcome = protocol.receive(self._connection)
        except (LinkClosed, ProtocolError):
            self._connection.close()
            raise
        if welcome.get("result") != 0:
            self._connection.close()
            raise LinkRefused(str(welcome.get("message", "refused")))
        self.welcome = welcome
        self._connection.settimeout(None)
        threading.Thread(target=self._read, name=f"native-link-{hello['role']}", daemon=True).start()

    @property
    def is_up(self) -> bool:
        """Whether the link has not been lost or closed."""
        return not self._lost.is_set()

    def call(self, operation: str, timeout_seconds: float | None = None, **arguments: Any) -> Any:
        """Call the terminal and wait for its reply.

        Raises
        ------
        LinkClosed
            The link was lost before the reply, or the time is over.
        RuntimeError
            The terminal refused, with its words.
        """
        number = next(self._numbers)
        reply = _Reply()
        with self._lock:
            if self._lost.is_set():
                raise LinkClosed("the link is down")
            self._waiting[number] = reply
            try:
                protocol.send(self._connection, {"kind": "call", "id": number, "op": operation, **arguments})
            except LinkClosed:
                del self._waiting[number]
                raise
        return reply.wait(timeout_seconds)

    def close(self) -> None:
        """End the link from our side."""
        self._closing = True
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was down already
        self._connection.close()

    def _read(self) -> None:
        try:
            while True:
                frame = protocol.receive(self._connection)
                if frame["kind"] == "reply":
                    with self._lock:
                        reply = self._waiting.pop(frame["id"], None)
                    if reply is not None:
                        reply.give(frame)
                elif frame["kind"] == "bye":
                    self._announced = bool(frame["announce"])
                else:
                    self._on_frame(frame)
        except (LinkClosed, ProtocolError):
            pass
        with self._lock:
            self._lost.set()
            waiting, self._waiting = list(self._waiting.values()), {}
        for reply in waiting:
            reply.give(None)
        self._connection.close()
        if not self._closing:
            self._on_lost(self._announced)


class _Reply:
    """One call that waits."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._frame: Frame | None = None

    def give(self, frame: Frame | None) -> None:
        self._frame = frame
        self._ready.set()

    def wait(self, timeout_seconds: float | None) -> Any:
        if not self._ready.wait(timeout_seconds):
            raise LinkClosed("the terminal did not answer in time")
        if self._frame is None:
            raise LinkClosed("the link was lost")
        if "error" in self._frame:
            raise RuntimeError(self._frame["error"])
        return self._frame["result"]
