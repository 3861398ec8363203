"""The order session's state machine: DOWN → CONNECTING → RECONCILING → READY → SICK.

One thread owns the gateway. It connects, follows the host's accounts, reconciles everything, only
then lets orders through, asks the terminal a real question every few seconds, and rebuilds the
session with the next id when the answers stop (docs/field-notes.md, SDK 5 to 7).
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from django.db import DatabaseError, InterfaceError

from accounts.choices import SessionState
from qmt.errors import QmtError
from qmt.gateway import AccountRef, TradeGateway
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.database import database_thread, usable_connection

logger = logging.getLogger(__name__)


class SessionRefused(Exception):
    """The platform itself forbids this session (mode rules); the text says why."""


class NotReady(Exception):
    """The session a sender looked at is not the ready one any more; nothing was sent."""


class Owner(Protocol):
    """What the session needs to know about the lease."""

    @property
    def held(self) -> bool: ...

    def acquire(self) -> bool: ...


class SessionWork(Protocol):
    """What the platform does around a session; the order tables are behind it."""

    def accounts(self) -> Sequence[AccountRef]:
        """Accounts to follow. Raises `SessionRefused` when the mode rules forbid this host."""

    def before_connect(self) -> None:
        """No call of an earlier session is running: what it left SUBMITTING becomes UNKNOWN."""

    def reconcile(self, session: OpenSession) -> None:
        """Compare everything with the terminal. Raises `QmtError` when no account could be."""

    def tend(self, session: OpenSession) -> None:
        """Look after single accounts between two reconciliations; their trouble is no exception."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One opened session: the generation tells it from the ones before and after.

    `key` names it in the database and was never used before: sequence numbers and the terminal's
    order ids mean something only together with it.
    """

    generation: int
    key: str
    session_id: int
    opened_at_ns: int
    gateway: TradeGateway


@dataclass(frozen=True, slots=True)
class SessionView:
    """What the host's status row shows."""

    state: SessionState
    message: str
    session_id: int | None
    last_probe_at_ns: int


class TradeSession:
    """Owner of the gateway; `ready` and `sending` are what the other threads use."""

    def __init__(
        self,
        *,
        make_gateway: Callable[[], TradeGateway],
        owner: Owner,
        work: SessionWork,
        config: RuntimeConfig,
    ) -> None:
        self._make_gateway = make_gateway
        self._gateway: TradeGateway | None = None
        self._owner = owner
        self._work = work
        self._config = config
        self._condition = threading.Condition()
        self._state = SessionState.DOWN
        self._message = ""
        self._session: OpenSession | None = None
        self._generation = 0
        self._key = ""
        self._sending = 0
        self._stopping = False
        self._rebuild_reason = ""
        self._reconcile_wanted = False
        self._last_probe_at_ns = 0
        self._changed = threading.Event()
        self._thread = database_thread(self._run, name="order-session")

    # --- what the other threads use ---------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Close the session in order; senders that are inside an SDK call are waited for."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._thread.join(timeout_seconds)

    def view(self) -> SessionView:
        with self._condition:
            session_id = self._session.session_id if self._session else None
            return SessionView(self._state, self._message, session_id, self._last_probe_at_ns)

    @property
    def changed(self) -> threading.Event:
        """Set after every change of state; the status writer clears it."""
        return self._changed

    def ready(self) -> OpenSession | None:
        """The session orders may be sent through now, or None."""
        with self._condition:
            return self._session if self._usable() else None

    def current(self) -> OpenSession | None:
        """The open session, ready or still reconciling, or None."""
        with self._condition:
            return self._session

    @contextmanager
    def sending(self, session: OpenSession) -> Iterator[TradeGateway]:
        """Hold the session open around one SDK call.

        Raises
        ------
        NotReady
            `session` is not the ready one any more; nothing was sent.
        """
        with self._condition:
            if self._session is not session or not self._usable():
                raise NotReady(f"session {session.session_id} is {self._state}")
            self._sending += 1
        try:
            yield session.gateway
        finally:
            with self._condition:
                self._sending -= 1
                self._condition.notify_all()

    @property
    def key(self) -> str:
        """Name of the session that is open or being opened: what events arriving now belong to."""
        return self._key

    def rebuild(self, reason: str) -> None:
        """Ask for a new session with the next id."""
        with self._condition:
            if not self._rebuild_reason:
                self._rebuild_reason = reason
            self._condition.notify_all()

    def request_reconcile(self) -> None:
        """Ask for a reconciliation now instead of at the next period."""
        with self._condition:
            self._reconcile_wanted = True
            self._condition.notify_all()

    def _usable(self) -> bool:
        # A session that is about to be rebuilt takes no more orders: they wait for the next one.
        return self._state == SessionState.READY and not self._rebuild_reason and not self._stopping

    # --- the session's own thread -----------------------------------------------------------

    def _run(self) -> None:
        backoff = self._config.backoff_seconds
        while not self._stopping:
            began = time.monotonic()
            try:
                with usable_connection():
                    if self._cycle():
                        backoff = self._config.backoff_seconds
            except SessionRefused as refusal:
                self._set(SessionState.DOWN, str(refusal))
            except QmtError as error:
                self._set(SessionState.SICK, f"{type(error).__name__}: {error}")
                logger.warning("order session: %s: %s", type(error).__name__, error)
            except (DatabaseError, InterfaceError) as error:
                self._set(SessionState.SICK, f"database: {error}")
                logger.warning("order session waits for the database: %s", error)
            except Exception:
                self._set(SessionState.SICK, "internal error, see the log")
                logger.exception("order session failed")
            finally:
                self._close()
            if not self._stopping:
                if time.monotonic() - began > self._config.backoff_max_seconds:
                    backoff = self._config.backoff_seconds
                if not self._owner.held:
                    # A dead owner's lease runs out at a known time: to be asked for then, not after a growing pause.
                    backoff = self._config.backoff_seconds
                self._wait(backoff)
                backoff = min(backoff * 2, self._config.backoff_max_seconds)
        self._set(SessionState.DOWN, "stopped")

    def _cycle(self) -> bool:
        """One life of a session, from the lease to its end. Returns whether it was ready once."""
        if not self._owner.held and not self._owner.acquire():
            self._set(SessionState.DOWN, "another process holds the lease on this host")
            return False
        accounts = tuple(self._work.accounts())
        self._work.before_connect()
        self._set(SessionState.CONNECTING, "")
        with self._condition:
            self._generation += 1
            self._rebuild_reason = ""
            # Before the gateway opens: the first pushes arrive while it does.
            self._key = f"{time.time_ns():x}-{secrets.token_hex(4)}"
        # Made only now: the mode rules above decide whether this process may load the SDK at all.
        gateway = self._gateway = self._gateway or self._make_gateway()
        gateway.open(accounts)
        with self._condition:
            self._session = session = OpenSession(
                self._generation, self._key, gateway.session_id, gateway.opened_at_ns, gateway
            )
        self._set(SessionState.RECONCILING, "")
        self._work.reconcile(session)
        if not self._owner.held:
            return False
        self._last_probe_at_ns = time.time_ns()
        self._set(SessionState.READY, "")
        logger.info("order session %s is ready, %d accounts", session.session_id, len(accounts))
        self._serve(session, accounts)
        return True

    def _serve(self, session: OpenSession, accounts: tuple[AccountRef, ...]) -> None:
        """Probe and reconcile until the session has to end."""
        config = self._config
        failures = 0
        next_reconcile = time.monotonic() + config.reconcile_seconds
        while True:
            reason, reconcile = self._wait_for_work(config.probe_seconds)
            if self._stopping:
                return
            if reason:
                self._set(SessionState.SICK, reason)
                logger.warning("order session %s is rebuilt: %s", session.session_id, reason)
                return
            if not self._owner.held:
                self._set(SessionState.DOWN, "the lease on this host is lost")
                return
            if tuple(self._work.accounts()) != accounts:
                self._set(SessionState.CONNECTING, "the host's accounts changed")
                return
            try:
                session.gateway.probe(timeout_seconds=config.query_timeout_seconds)
            except QmtError as error:
                failures += 1
                logger.warning("probe %d of %d failed: %s", failures, config.probe_failures, error)
                if failures >= config.probe_failures:
                    self._set(SessionState.SICK, f"{failures} probes failed: {error}")
                    return
                continue
            failures = 0
            self._last_probe_at_ns = time.time_ns()
            self._work.tend(session)
            if reconcile or time.monotonic() >= next_reconcile:
                self._work.reconcile(session)
                next_reconcile = time.monotonic() + config.reconcile_seconds

    def _wait_for_work(self, seconds: float) -> tuple[str, bool]:
        deadline = time.monotonic() + seconds
        with self._condition:
            while not (self._stopping or self._rebuild_reason or self._reconcile_wanted):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._condition.wait(left)
            reconcile, self._reconcile_wanted = self._reconcile_wanted, False
            return self._rebuild_reason, reconcile

    def _close(self) -> None:
        """End the session once no sender is inside an SDK call, or the wait for one is over."""
        deadline = time.monotonic() + self._config.hung_call_seconds
        with self._condition:
            session = self._session
            if session is None:
                return
            self._session = None
            if self._state == SessionState.READY:
                self._state = SessionState.SICK
            while self._sending and (left := deadline - time.monotonic()) > 0:
                self._condition.wait(left)
        session.gateway.close()
        self._changed.set()

    def _set(self, state: SessionState, message: str) -> None:
        with self._condition:
            changed = (state, message) != (self._state, self._message)
            self._state, self._message = state, message[:400]
        if changed:
            self._changed.set()

    def _wait(self, seconds: float) -> None:
        with self._condition:
            if not self._stopping:
                self._condition.wait(seconds)
