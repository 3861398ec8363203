"""The live socket for scripts: an iterator of messages."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Self, TypeVar

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

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

M = TypeVar("M")


class Live:
    """Messages of a live socket, one after the other; connects and reconnects by itself.

    Iterate it, or register callbacks with `on` and call `run` (or `start`, for a thread of its own). Subscriptions may be
    changed from any thread at any time. One thread iterates.

    Raises, while iterating
    -----------------------
    NotAuthenticated
        The token is not valid.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session = Session()
        self._lock = threading.RLock()
        self._connection: ClientConnection | None = None
        self._held = ExitStack()
        self._waiting: deque[Message] = deque()
        self._stop = threading.Event()
        self._failures = 0
        self._connected_at = 0.0
        self._handlers: list[tuple[type[Any], Callable[[Any], object]]] = []
        self._thread: threading.Thread | None = None

    # --------------------------------------------------------------------------------------------- subscriptions
    def quotes(self, symbols: Symbols | None = None) -> None:
        """The latest quotes at once, then each change; of every instrument without `symbols`. Replaces the one before."""
        self._say(lambda: self._session.subscribe("quotes", symbols=optional_symbols(symbols)))

    def bars(self, symbols: Symbols | None = None, period: str = "1m") -> None:
        """Growing bars of one or five minutes. Replaces the ones of this period before."""
        self._say(lambda: self._session.subscribe(bar_channel(period), symbols=optional_symbols(symbols)))

    def account(self, account: int, *, since: int | None = None) -> None:
        """A snapshot of an account, then its events; with `since` only the events after that version, if they are kept."""
        self._say(lambda: self._session.subscribe(account_channel(account), since=since))

    def channel(self, name: str) -> None:
        """Another channel: ``jobs``, ``alerts``, ``approvals``."""
        self._say(lambda: self._session.subscribe(name))

    def leave(self, channel: str) -> None:
        """No more of a channel: ``quotes``, ``bars``, ``bars:5m``, ``account:3``, ``jobs``, …"""
        self._say(lambda: self._session.unsubscribe(channel))

    def _say(self, change: Callable[[], str]) -> None:
        with self._lock:
            text = change()
            if self._connection is not None:
                # A connection that is just ending: the next one opens with all subscriptions.
                with suppress(ConnectionClosed):
                    self._connection.send(text)

    # -------------------------------------------------------------------------------------------------- messages
    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message:
        while not self._waiting:
            if self._stop.is_set():
                raise StopIteration
            try:
                self._take()
            except NotAuthenticated:
                self._stop.set()
                raise
        return self._waiting.popleft()

    def on(self, kind: type[M], handler: Callable[[M], object]) -> None:
        """Have `handler` called with each message of this kind by `run`; what it raises ends `run`."""
        self._handlers.append((kind, handler))

    def run(self) -> None:
        """Call the handlers until `close`."""
        for message in self:
            for kind, handler in tuple(self._handlers):
                if isinstance(message, kind):
                    handler(message)

    def start(self) -> None:
        """`run` in a thread of its own, which ends with `close`; harmless when it runs already."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self.run, name="qmtdesk-live", daemon=True)
                self._thread.start()

    def join(self) -> None:
        """Wait for the thread of `start`."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def close(self) -> None:
        """Leave; the iteration ends."""
        self._stop.set()
        self._drop()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(SILENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> None:
        """Wait for the next text, or for the next connection."""
        connection = self._connection
        if connection is None:
            self._connect()
            return
        try:
            text = connection.recv(timeout=SILENCE_SECONDS)
        except TimeoutError:
            self._lost("nothing was heard for a while")
            return
        except ConnectionClosed as error:
            frame = error.rcvd
            code, reason = (None, "") if frame is None else (frame.code, frame.reason)
            self._lost(reason or str(error))
            final = closed(code, reason)
            if final is not None and not self._stop.is_set():
                raise final from None
            return
        with self._lock:
            received = self._session.receive(text)
            if time.monotonic() - self._connected_at > STEADY_SECONDS:
                self._failures = 0
            for answer in received.answers:
                with suppress(ConnectionClosed):
                    connection.send(answer)
        self._waiting.extend(received.messages)

    def _connect(self) -> None:
        if self._stop.wait(pause_seconds(self._failures)):
            return
        self._failures += 1
        held = ExitStack()
        try:
            connection = held.enter_context(connect(self._endpoint.url, **self._endpoint.options))
        except (OSError, TimeoutError, InvalidHandshake) as error:
            if self._failures == 1:
                self._waiting.append(Link("down", str(error)))
            return
        with self._lock:
            self._connection, self._held, self._connected_at = connection, held, time.monotonic()
            if self._stop.is_set():  # closed meanwhile, by another thread
                self._drop()
                return
            with suppress(ConnectionClosed):
                for text in self._session.opening():
                    connection.send(text)

    def _drop(self) -> None:
        with self._lock:
            self._connection = None
            held, self._held = self._held, ExitStack()
        held.close()

    def _lost(self, reason: str) -> None:
        self._drop()
        if not self._stop.is_set():
            self._waiting.append(Link("down", reason))
