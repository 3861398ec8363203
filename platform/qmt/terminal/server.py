"""The terminal's process: loopback TCP, one thread per client, a step loop, and the announcement file that tells where it listens."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from qmt.terminal import protocol
from qmt.terminal.clock import Clock, SteerableClock
from qmt.terminal.control import Controls
from qmt.terminal.links import Deferred, Link, Outbox
from qmt.terminal.protocol import Frame, LinkClosed, ProtocolError
from qmt.terminal.quotedoor import QuoteDoor
from qmt.terminal.terminal import Terminal
from qmt.terminal.tradedesk import TradeClient

logger = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"
HELLO_SECONDS: Final = 5.0


class Server:
    """Serves one terminal to any number of clients.

    Parameters
    ----------
    userdata : Path
        Folder of the announcement, and what a trade session is opened with.
    """

    def __init__(self, terminal: Terminal, clock: Clock, *, userdata: Path, port: int = 0) -> None:
        self.terminal = terminal
        self._clock = clock
        self._userdata = userdata
        self._announcement = userdata / protocol.ANNOUNCEMENT
        self._listener = socket.create_server((LOOPBACK, port))
        self._port = int(self._listener.getsockname()[1])
        self._links: dict[Link, str] = {}
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        self._controls = Controls(terminal, clock, self)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    def start(self) -> None:
        """Accept clients, step the market, announce the address."""
        threading.Thread(target=self._step, name="terminal-steps", daemon=True).start()
        self._come()

    def stop(self) -> None:
        """Go silently, as a terminal does that is shut down."""
        self.stopped.set()
        self._go()

    def restart(self, *, down_seconds: float, new_day: bool) -> None:
        """Go silently and come back on the same port; market time runs on meanwhile, or jumps to the next trading day."""
        self._go()
        if new_day and isinstance(self._clock, SteerableClock):
            with self.terminal.lock:
                self._clock.skip_to_next_day()
            self.terminal.step()
        if not self.stopped.wait(down_seconds):
            self._listener = socket.create_server((LOOPBACK, self._port))
            self._come()

    def _come(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), name="terminal-accept", daemon=True).start()
        self._announce()
        logger.info(
            "ready on %s:%s, %s market, trade date %s",
            LOOPBACK,
            self._port,
            self.terminal.market.kind,
            self.terminal.trade_date(),
        )

    def _go(self) -> None:
        self._announcement.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread on Linux
        self._listener.close()
        self.drop(announce=False)

    def drop(self, *, announce: bool, role: str = "") -> int:
        """Cut the links of the clients (of one role); returns how many."""
        with self._lock:
            chosen = [link for link, of in self._links.items() if of != "control" and role in ("", of)]
        for link in chosen:
            link.cut(announce=announce)
        return len(chosen)

    def _announce(self) -> None:
        facts = {
            "host": LOOPBACK,
            "port": self.port,
            "pid": os.getpid(),
            "started_at": time.time(),
            "market": self.terminal.market.kind,
            "basis": str(self.terminal.market.basis),
            "interpolated": self.terminal.market.interpolated,
        }
        self._userdata.mkdir(parents=True, exist_ok=True)
        draft = self._announcement.with_suffix(f".{os.getpid()}")
        draft.write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2))
        draft.replace(self._announcement)

    def _step(self) -> None:
        try:
            self.terminal.run(self.stopped)
        except Exception:
            logger.exception("the market stopped; the terminal goes down")
            self.stopped.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the listener was closed
            threading.Thread(target=self._greet, args=(connection,), name="terminal-client", daemon=True).start()

    def _greet(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(HELLO_SECONDS)
        try:
            hello = protocol.receive(connection)
            door = self._doors().get(str(hello.get("role")))
            if door is None or hello.get("version") != protocol.VERSION:
                protocol.send(connection, {"result": -1, "message": "this terminal speaks another protocol version"})
                connection.close()
                return
            connection.settimeout(None)
            door(connection, hello)
        except (LinkClosed, ProtocolError, OSError) as error:
            logger.info("a client left at the door: %s", error)
            connection.close()

    def _doors(self) -> dict[str, Callable[[socket.socket, Frame], None]]:
        return {"trade": self._serve_trade, "quote": self._serve_quotes, "control": self._serve_control}

    def _serve(self, link: Link, role: str) -> None:
        with self._lock:
            self._links[link] = role
        try:
            link.serve()
        finally:
            with self._lock:
                del self._links[link]

    # --- trade ----------------------------------------------------------------------------------

    def _serve_trade(self, connection: socket.socket, hello: Frame) -> None:
        session_id = int(hello.get("session", 0))
        name = f"trade session {session_id}"
        outbox = Outbox(connection, name)
        client = self.terminal.trade_attach(session_id, outbox.send)
        if client is None:
            logger.info("%s refused: the id is in use", name)
            outbox.close()
            protocol.send(connection, {"result": -1, "message": f"session {session_id} is in use"})
            connection.close()
            return
        logger.info("%s connected", name)
        try:
            protocol.send(connection, {"result": 0})
            self._serve(Link(connection, name, outbox, functools.partial(self._trade_call, client)), "trade")
        finally:
            self.terminal.trade_detach(client)
            logger.info("%s gone", name)

    def _trade_call(self, client: TradeClient, operation: str, frame: Frame) -> Any:
        arguments = frame["request"]
        gate = self.terminal.faults.hang_gate(operation)
        if gate is None:
            return self.terminal.trade_call(client, operation, frame["seq"], arguments)

        def late() -> int:
            gate.wait()
            return self.terminal.trade_call(client, operation, frame["seq"], arguments)

        return Deferred(late)

    # --- quotes ---------------------------------------------------------------------------------

    def _serve_quotes(self, connection: socket.socket, _: Frame) -> None:
        outbox = Outbox(connection, "quote client")
        client = self.terminal.quote_attach(outbox.send)
        link = Link(connection, "quote client", outbox, QuoteDoor(self.terminal, client).call)
        try:
            protocol.send(
                connection,
                {
                    "result": 0,
                    "version": protocol.VERSION,
                    "data_dir": str(self.terminal.data_dir or ""),
                    "app_dir": str(self._userdata.parent),
                },
            )
            self._serve(link, "quote")
        finally:
            self.terminal.quote_detach(client)

    # --- control --------------------------------------------------------------------------------

    def _serve_control(self, connection: socket.socket, _: Frame) -> None:
        link = Link(connection, "control", Outbox(connection, "control"), self._controls.call)
        protocol.send(connection, {"result": 0})
        self._serve(link, "control")
