"""Whether the databases answer, asked beside the work of a process that people wait for.

A server that is stopped, or cut off without a word, answers nothing and closes nothing: a thread that has asked it waits for ever, and so does
everybody who asks next. So web and rpc ask each PostgreSQL database once a second on a connection of their own, with a
bound. Without an answer they refuse at once, and the connections on which threads wait are cut: these threads fail
then, as they would had the server died. SQLite has no server: waiting for its lock ends by itself, here sooner than in a worker.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final
from weakref import WeakSet

import psycopg
from django.db import connections

from ops.trouble import DatabaseAway

log = logging.getLogger(__name__)

#: Longest wait of a request for SQLite's write lock, or for one of the pool's connections.
PATIENCE_SECONDS: Final = 5.0
#: Longest wait for the answer to the smallest question there is.
ANSWER_SECONDS: Final = 3.0
ASK_SECONDS: Final = 1.0
#: Connecting to a server that is starting takes longer than asking it.
_CONNECT_SECONDS: Final = 4

_watches: dict[str, DatabaseWatch] = {}


class WatchedConnection(psycopg.Connection[Any]):
    """A connection of the pool that can be found again while a thread waits on it."""

    _made: Final[WeakSet[WatchedConnection]] = WeakSet()
    _lock: Final = threading.Lock()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        with self._lock:
            self._made.add(self)

    @classmethod
    def open_ones(cls) -> list[WatchedConnection]:
        """Those of this process that are not closed; the pools' threads add to them meanwhile."""
        with cls._lock:
            return [connection for connection in cls._made if not connection.closed]


class DatabaseWatch:
    """Asks one database again and again, on the event loop of the watching thread."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.is_away = False
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self._note(away=not await self.answers())
            await asyncio.sleep(ASK_SECONDS)

    async def answers(self) -> bool:
        """Whether the database answered within the bound."""
        try:
            if self._connection is None:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    self._connection = await _connect(self.alias)
            asking = asyncio.ensure_future(self._connection.execute("SELECT 1"))
            answered, _ = await asyncio.wait({asking}, timeout=ANSWER_SECONDS)
            if not answered:
                # Cancelled, it would ask the server to cancel, and wait for that answer without end.
                _end(self._connection)
            await asking
        except (psycopg.Error, OSError, TimeoutError):
            await self._give_up()
            return False
        return True

    async def _give_up(self) -> None:
        lost, self._connection = self._connection, None
        if lost is not None:
            with suppress(psycopg.Error, OSError):
                await lost.close()

    async def _note(self, *, away: bool) -> None:
        if away != self.is_away:
            self.is_away = away
            log.log(logging.ERROR if away else logging.INFO, "database %s %s", self.alias, _WORDS[away])
        if away:
            # At each turn: who had passed the door just before waits now.
            cut(self.alias)


_WORDS: Final = {True: "does not answer: requests are refused until it does", False: "answers again"}


async def _connect(alias: str) -> psycopg.AsyncConnection[Any]:
    parameters = connections[alias].get_connection_params()
    # Of the synchronous driver.
    for name in ("cursor_factory", "context"):
        parameters.pop(name, None)
    return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)


def cut(alias: str) -> None:
    """End every connection of this process to a database as if its server had: threads that wait on one fail."""
    name = str(connections.settings[alias]["NAME"])
    for connection in WatchedConnection.open_ones():
        with suppress(psycopg.Error):
            if connection.pgconn.db.decode() == name:
                _end(connection)


def _end(connection: psycopg.BaseConnection[Any]) -> None:
    """Shut its socket down: whoever waits for it fails."""
    # On a copy of the descriptor: shutting down concerns the socket, closing only the copy.
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.pgconn.socket)) as link:
        link.shutdown(socket.SHUT_RDWR)


def watch_databases() -> None:
    """Have this process notice by itself that a database is away. Call it once, before other threads ask anything.

    Side effects: connections wait less long, and a daemon thread asks every PostgreSQL database.
    """
    for alias in connections:
        settings = connections.settings[alias]
        options: MutableMapping[str, Any] = settings["OPTIONS"]
        if settings["ENGINE"].endswith("sqlite3"):
            options["timeout"] = min(options["timeout"], PATIENCE_SECONDS)
            continue
        pool = options["pool"]
        pool["timeout"] = min(pool["timeout"], PATIENCE_SECONDS)
        pool["connection_class"] = WatchedConnection
        # Whoever asked before has made a pool already, with other connections.
        connections[alias].close()
        connections[alias].close_pool()  # type: ignore[attr-defined]
        _watches[alias] = DatabaseWatch(alias)
    if _watches:
        threading.Thread(target=lambda: asyncio.run(_watch()), name="database-watch", daemon=True).start()


async def _watch() -> None:
    await asyncio.gather(*(watch.run() for watch in _watches.values()))


def is_away(alias: str) -> bool:
    """Whether a database is known to be away, without asking it."""
    watch = _watches.get(alias)
    return watch is not None and watch.is_away


def refuse_while_away() -> None:
    """Refuse what needs the platform's rows while their database is known to be away.

    Raises
    ------
    DatabaseAway
    """
    if is_away("default"):
        raise DatabaseAway
