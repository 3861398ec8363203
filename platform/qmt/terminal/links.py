"""One connection of the terminal's server: reads calls, answers them, and sends what is pushed through a queue of its own."""

from __future__ import annotations

import collections
import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from qmt.terminal import protocol
from qmt.terminal.protocol import Frame, LinkClosed, ProtocolError

logger = logging.getLogger(__name__)

MAX_QUEUED_QUOTES: Final = 200
"""A client that reads too slowly loses the oldest quotes, never an answer or an account push."""


class Outbox:
    """Frames on their way to one client, written by a thread of their own so that nobody waits for a slow reader."""

    def __init__(self, connection: socket.socket, name: str) -> None:
        self._connection = connection
        self._frames: collections.deque[Frame] = collections.deque()
        self._quotes = 0
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._write, name=f"terminal-out-{name}", daemon=True)
        self._thread.start()

    def send(self, frame: Frame) -> None:
        """Queue a frame."""
        with self._ready:
            if self._closed:
                return
            if frame["kind"] == "quote":
                self._quotes += 1
                if self._quotes > MAX_QUEUED_QUOTES:
                    self._drop_oldest_quote()
            self._frames.append(frame)
            self._ready.notify()

    def close(self, *, flush_seconds: float = 0.0) -> None:
        """Stop writing; what is queued is written first when time is given."""
        with self._ready:
            self._closed = True
            if not flush_seconds:
                self._frames.clear()
            self._ready.notify()
        if flush_seconds and threading.current_thread() is not self._thread:
            self._thread.join(flush_seconds)

    def _drop_oldest_quote(self) -> None:
        for place, frame in enumerate(self._frames):
            if frame["kind"] == "quote":
                del self._frames[place]
                self._quotes -= 1
                return

    def _write(self) -> None:
        while True:
            with self._ready:
                while not self._frames and not self._closed:
                    self._ready.wait()
                if not self._frames:
                    return
                frame = self._frames.popleft()
                if frame["kind"] == "quote":
                    self._quotes -= 1
            try:
                protocol.send(self._connection, frame)
            except LinkClosed:
                with self._ready:
                    self._closed = True
                    self._frames.clear()
                return
            except ProtocolError:
                logger.exception("a frame could not be sent")


class Link:
    """A client's connection after its hello.

    Parameters
    ----------
    handle : callable
        Answers one call (operation, frame); what it raises is sent as the reply's error.
    """

    def __init__(
        self, connection: socket.socket, name: str, outbox: Outbox, handle: Callable[[str, Frame], Any]
    ) -> None:
        self.name = name
        self.outbox = outbox
        self._connection = connection
        self._handle = handle

    def serve(self) -> None:
        """Answer calls, in order, until the client is gone."""
        try:
            while True:
                self._answer(protocol.receive(self._connection))
        except (LinkClosed, ProtocolError) as error:
            # Every control call is a link of its own: its end is no news.
            logger.log(
                logging.DEBUG if self.name == "control" else logging.INFO, "%s: link ended: %s", self.name, error
            )
        finally:
            self.outbox.close()
            self._connection.close()

    def cut(self, *, announce: bool) -> None:
        """End the link from the terminal's side; the client hears of it only when it is announced."""
        self.outbox.send({"kind": "bye", "announce": announce})
        self.outbox.close(flush_seconds=1.0)
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client was faster

    def _answer(self, frame: Frame) -> None:
        number = frame.get("id", 0)
        found = self._outcome(lambda: self._handle(str(frame["op"]), frame), frame)
        if isinstance(found.get("result"), Deferred):
            work = found["result"].work
            threading.Thread(
                target=lambda: self._reply(number, self._outcome(work, frame)),
                name=f"terminal-deferred-{self.name}",
                daemon=True,
            ).start()
        else:
            self._reply(number, found)

    def _outcome(self, work: Callable[[], Any], frame: Frame) -> Frame:
        try:
            return {"result": work()}
        except Refusal as error:
            return {"error": str(error)}
        except Exception as error:
            logger.exception("%s: %s failed", self.name, frame.get("op"))
            return {"error": f"{type(error).__name__}: {error}"}

    def _reply(self, number: int, outcome: Frame) -> None:
        self.outbox.send({"kind": "reply", "id": number, **outcome})


class Refusal(Exception):
    """A call that the terminal refuses, in words for the client."""


@dataclass(frozen=True)
class Deferred:
    """A reply that comes later, from a thread of its own, so that the client's next calls need not wait for it."""

    work: Callable[[], Any]
