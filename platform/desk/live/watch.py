"""What messages alone must not decide: rights and completeness of the open sockets.

Live messages are hints and may be lost. So rights are checked at once when a control
message says so, and anyway every few seconds; and once a second the accounts' versions
are compared with what came by, so that an order's event is late at worst, never lost. While
the database is away or takes nothing, nothing of this can be known, and the sockets say "stale".
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from typing import Any

from accounts.services import grants_expire
from desk.live import metrics, reads
from desk.live.identity import Identity
from desk.live.session import CLOSE_UNAUTHORISED, LiveSession
from ops.errors import Code, Forbidden
from ops.health import check_database
from ops.hub import Hub, Message

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
#: Longest time between two checks of everybody's rights; every tick while Redis is
#: away, because control messages do not arrive then.
CHECK_SECONDS = 5.0


class SessionWatch:
    """The sessions of one process and the task that keeps them true.

    Sockets with the same credentials are checked together, so the cost grows with
    people, not with tabs.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sessions: set[LiveSession] = set()
        self._due: dict[Identity, bool] = {}
        self._versions: dict[int, int] = {}
        self._database_is_up = True
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, session: LiveSession) -> None:
        """Watch over a session until it is removed."""
        self._sessions.add(session)
        metrics.CLIENTS.set(len(self._sessions))
        if self._task is None or self._task.done():
            self._hub.join("control", self)
            self._task = asyncio.get_running_loop().create_task(self._run(), name="live-watch")

    def remove(self, session: LiveSession) -> None:
        """Forget a session that has ended."""
        self._sessions.discard(session)
        metrics.CLIENTS.set(len(self._sessions))
        if not self._sessions and self._task is not None:
            self._task.cancel()
            self._task = None
            self._hub.leave("control", self)

    # ---------------------------------------------------------------- as a listener
    def deliver(self, message: Message) -> None:
        facts = message.payload
        if facts.get("kind") == "user.logged_out":
            self._end_session(facts.get("session"))
            return
        for session in self._sessions:
            if _concerns(facts, session):
                # A changed account or grant also shows: state, mode, rights.
                self._due[session.identity] = True
        self._wake.set()

    def link_changed(self, *, up: bool) -> None:
        if self._database_is_up:
            self._tell(up=up)
        self._wake.set()

    def _tell(self, *, up: bool) -> None:
        for session in tuple(self._sessions):
            session.link_changed(up=up)

    def _end_session(self, digest: Any) -> None:
        for session in tuple(self._sessions):
            if digest and session.identity.session_digest == digest:
                _end(session)

    # ---------------------------------------------------------------------- checking
    async def _run(self) -> None:
        checked_at = time.monotonic()
        while True:
            ticked = False
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                ticked = True
            self._wake.clear()
            # What is due stays so until it can be asked.
            if not await self._database_answers(ask=ticked):
                continue
            if time.monotonic() - checked_at >= (CHECK_SECONDS if self._hub.is_up else 0.0):
                checked_at = time.monotonic()
                for session in self._sessions:
                    self._due.setdefault(session.identity, False)
            due, self._due = self._due, {}
            await self._check(due)
            if ticked:
                await self._expire_grants()
                await self._catch_up()

    async def _database_answers(self, *, ask: bool) -> bool:
        """Whether the database takes reads and writes, by the last tick; the sockets are told of each change."""
        if ask:
            check = await reads.in_thread(check_database, "default", writes=True)
            if check.ok != self._database_is_up:
                self._database_is_up = check.ok
                if self._hub.is_up:
                    self._tell(up=check.ok)
        return self._database_is_up

    async def _expire_grants(self) -> None:
        """A grant whose time is over is removed at once, and its control message closes what is open."""
        try:
            await reads.in_thread(grants_expire)
        except Exception as error:  # noqa: BLE001 - the next tick asks again
            log.warning("expired grants could not be removed: %s", error)

    async def _catch_up(self) -> None:
        """Compare with the versions of a tick ago: their messages have had the time to arrive."""
        for session in self._sessions:
            session.catch_up(self._versions)
        accounts = {pk for session in self._sessions for pk in session.account_ids}
        try:
            self._versions = await reads.in_thread(reads.account_versions, accounts) if accounts else {}
        except Exception as error:  # noqa: BLE001 - the next tick asks again
            log.warning("the accounts' versions could not be read: %s", error)

    async def _check(self, due: dict[Identity, bool]) -> None:
        sessions: defaultdict[Identity, list[LiveSession]] = defaultdict(list)
        for session in self._sessions:
            if session.identity in due:
                sessions[session.identity].append(session)
        for identity, open_sessions in sessions.items():
            try:
                await self._check_one(identity, open_sessions, with_views=due[identity])
            except Exception as error:  # noqa: BLE001 - a database that is away ends no socket
                log.warning("rights of live sockets could not be checked: %s", error)
                self._due[identity] = self._due.get(identity, False) or due[identity]

    async def _check_one(self, identity: Identity, sessions: list[LiveSession], *, with_views: bool) -> None:
        accounts = frozenset(pk for session in sessions for pk in session.account_ids)
        access = await reads.in_thread(reads.check_access, identity, accounts, with_views=with_views)
        for session in sessions:
            if access is None:
                _end(session)
                continue
            user, allowed, views = access
            # What was subscribed while we read has been checked by its own read.
            subscribed_since = session.account_ids - accounts
            session.apply_access(user, allowed | subscribed_since, views)
            if with_views:
                session.rights_changed()


def _concerns(facts: dict[str, Any], session: LiveSession) -> bool:
    user_id = facts.get("user_id")
    if user_id is not None:
        return bool(session.identity.user_id == user_id)
    return facts.get("account_id") in session.account_ids


def _end(session: LiveSession) -> None:
    session.end(
        CLOSE_UNAUTHORISED,
        Forbidden(Code.NOT_AUTHENTICATED, "Your access has ended. Sign in again."),
    )


_watches: dict[Hub, SessionWatch] = {}


def running_watch(hub: Hub) -> SessionWatch:
    """The watch over the sessions that `hub` serves."""
    watch = _watches.get(hub)
    if watch is None:
        _watches.clear()  # hubs of event loops that have ended
        watch = _watches[hub] = SessionWatch(hub)
    return watch
