"""Rights of open sockets: checked at once when something changed, and anyway every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import Any

from desk.live import reads
from desk.live.identity import Identity
from desk.live.session import CLOSE_UNAUTHORISED, LiveSession
from ops.errors import Code, Forbidden
from ops.hub import Hub, Message

log = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
#: Control messages do not arrive while Redis is away.
CHECK_WITHOUT_LINK_SECONDS = 1.0


class RightsWatch:
    """The sessions of one process and the task that keeps their rights true.

    Sockets with the same credentials are checked together, so the cost grows with
    people, not with tabs.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sessions: set[LiveSession] = set()
        self._due: dict[Identity, bool] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, session: LiveSession) -> None:
        """Watch over a session until it is removed."""
        self._sessions.add(session)
        if self._task is None or self._task.done():
            self._hub.join("control", self)
            self._task = asyncio.get_running_loop().create_task(self._run(), name="live-rights")

    def remove(self, session: LiveSession) -> None:
        """Forget a session that has ended."""
        self._sessions.discard(session)
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
        for session in tuple(self._sessions):
            session.link_changed(up=up)
        self._wake.set()

    def _end_session(self, digest: Any) -> None:
        for session in tuple(self._sessions):
            if digest and session.identity.session_digest == digest:
                _end(session)

    # ---------------------------------------------------------------------- checking
    async def _run(self) -> None:
        while True:
            period = CHECK_SECONDS if self._hub.is_up else CHECK_WITHOUT_LINK_SECONDS
            try:
                async with asyncio.timeout(period):
                    await self._wake.wait()
            except TimeoutError:
                for session in self._sessions:
                    self._due.setdefault(session.identity, False)
            self._wake.clear()
            due, self._due = self._due, {}
            await self._check(due)

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
                asyncio.get_running_loop().call_later(1.0, self._wake.set)
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


_watches: dict[Hub, RightsWatch] = {}


def running_watch(hub: Hub) -> RightsWatch:
    """The watch over the sessions that `hub` serves."""
    watch = _watches.get(hub)
    if watch is None:
        _watches.clear()  # hubs of event loops that have ended
        watch = _watches[hub] = RightsWatch(hub)
    return watch
