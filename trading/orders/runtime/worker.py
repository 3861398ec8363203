"""The trade worker's runtime: every part of it, put together for one host.

A process runs at most one. `start_runtime` builds and starts it, `current_runtime` is how the
Celery task finds it.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from accounts.models import QmtHost
from desk.settings.schema import get_config
from ops.alerts import alerts_directly, alerts_in_background
from ops.heartbeats import Heartbeat
from ops.publish import publish_directly, publish_in_background
from ops.runtimes import RuntimeSlot
from qmt.gateway import ClockReading, Disconnected, OrderResponse, TradeEvent
from trading.orders.doorbell import Doorbell
from trading.orders.intake import CallReturned, IntakeResult, apply_events
from trading.orders.runtime import crashpoints, metrics
from trading.orders.runtime.accountstates import AccountStates
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.database import usable_connection
from trading.orders.runtime.hostwork import HostWork
from trading.orders.runtime.keeper import HostKeeper
from trading.orders.runtime.lanes import Lanes, Stopping
from trading.orders.runtime.lease import HostLease
from trading.orders.runtime.marketclock import MarketClockReader
from trading.orders.runtime.reconcile import Reconciler
from trading.orders.runtime.refresher import Refresher
from trading.orders.runtime.sender import Sender
from trading.orders.runtime.session import TradeSession
from trading.orders.runtime.sweeper import Sweeper
from trading.orders.runtime.terminal import Terminal, terminal_of
from trading.orders.runtime.writer import EventWriter, Incoming

logger = logging.getLogger(__name__)

#: Longest slice of one thread while another wants to run.
SWITCH_SECONDS = 0.0005

_slot: RuntimeSlot[TradeRuntime] = RuntimeSlot("trade")


class TradeRuntime:
    """One host's session, lease, sender, sweeper, writer and keeper. Made by `start_runtime`."""

    def __init__(self, host: QmtHost, terminal: Terminal, config: RuntimeConfig) -> None:
        self.host_name = host.name
        self.config = config
        self._terminal = terminal
        self._lanes = Lanes()
        self._lease = HostLease(host, seconds=config.lease_seconds)
        self._writer = EventWriter(self._apply)
        self.clock = MarketClockReader(
            host_name=host.name,
            read=terminal.read_clock,
            on_change=self._phase_changed,
            period_seconds=config.clock_seconds,
        )
        reading = self.clock.reading
        self._reconciler = Reconciler(config=config, reading=reading, on_result=self._follow)
        self._states = AccountStates()
        self._work = HostWork(
            host_name=host.name,
            states=self._states,
            reconciler=self._reconciler,
            reading=reading,
            simulated=terminal.simulated,
            config=config,
        )
        self.session = TradeSession(
            make_gateway=lambda: terminal.make_gateway(self._sink),
            owner=self._lease,
            work=self._work,
            config=config,
        )
        self._sender = Sender(
            host_name=host.name,
            session=self.session,
            lease=self._lease,
            lanes=self._lanes,
            clock=self.clock.now,
            note=self._writer.note,
            blocked=self._states.blocked,
            simulated=terminal.simulated,
            config=config,
        )
        self._refresher = Refresher(self._refresh)
        self._sweeper = Sweeper(
            host_name=host.name,
            session=self.session,
            sender=self._sender,
            lanes=self._lanes,
            config=config,
            unresolved=self._chase_unresolved,
        )
        self._doorbell = Doorbell(host.name, self._rung)
        self._keeper = HostKeeper(
            host=host,
            lease=self._lease,
            session=self.session,
            clock=self.clock,
            config=config,
            sdk_version=terminal.sdk_version,
            heartbeat=Heartbeat(f"session.trade@{host.name}"),
            detail=self._detail,
        )

    # --- life cycle -------------------------------------------------------------------------

    def start(self) -> None:
        # Two things an order would wait for: another thread's slice (5 ms by default), and Redis.
        self._switch_interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        publish_in_background()
        alerts_in_background()
        self._writer.start()
        self._refresher.start()
        self.clock.start()
        self._keeper.start()
        self.session.start()
        self._sweeper.start()
        self._doorbell.start()

    def stop(self, timeout: float = 3.0) -> bool:
        """End in order: nothing new is sent, calls return, the session closes, every event is stored, the lease is given back.

        Returns
        -------
        bool
            False when events could not be stored in time; they are found again by reconciliation.
        """
        deadline = time.monotonic() + timeout

        def left(share: float = 1.0) -> float:
            return max(0.1, (deadline - time.monotonic()) * share)

        self._doorbell.stop(left(0.2))
        self._sweeper.stop(left(0.3))
        self._lanes.stop(left(0.5))
        self.session.stop(left(0.6))
        self._refresher.stop(left(0.5))
        stored = self._writer.stop(left(0.8))
        if not stored:
            logger.error("%d events were not stored before the stop", self._writer.pending)
        self.clock.stop(left(0.5))
        self._keeper.stop(left())
        with usable_connection():
            self._lease.release()
        self._terminal.close()
        alerts_directly(left(0.5))
        publish_directly(left(0.5))
        sys.setswitchinterval(self._switch_interval)
        _slot.empty(self)
        return stored

    # --- what tasks, tests and the command use ----------------------------------------------

    def wake(self, order_id: UUID) -> Future[str] | None:
        """Send what the row of `order_id` says; the future ends with the SDK call's return. None for no such row."""
        return self._sender.wake(order_id)

    def sweep(self) -> None:
        """One round of the sweeper now."""
        self._sweeper.sweep()

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until every event taken so far is stored."""
        return self._writer.flush(timeout_seconds)

    # --- wiring -----------------------------------------------------------------------------

    def _sink(self, event: TradeEvent) -> None:
        """Called on SDK threads: enqueue and return."""
        if isinstance(event, Disconnected):
            self.session.rebuild(f"the terminal disconnected: {event.reason}")
        elif isinstance(event, OrderResponse):
            self._sender.answered(event.tag)
        self._writer.put(self.session.key, event)

    def _rung(self, order_id: UUID) -> None:
        """Called on the bell's thread: only a hint, the poll finds what it could not look up."""
        with usable_connection(), contextlib.suppress(DatabaseError, InterfaceError, Stopping):
            self._sender.wake(order_id)

    def _apply(self, batch: Sequence[Incoming]) -> None:
        """Store a batch; what came through one session is one transaction."""
        crashpoints.reach(crashpoints.BEFORE_STORE)
        for key, items in itertools.groupby(batch, key=lambda item: item.session_key):
            events = [item.event for item in items]
            result = apply_events(events, host_name=self.host_name, session_key=key)
            crashpoints.reach(crashpoints.AFTER_STORE)
            now = time.time_ns()
            for event in events:
                if not isinstance(event, CallReturned):
                    metrics.EVENT_STORED.observe(max(0, now - event.received_at_ns) / 1e9)
            self._follow(result)

    def _follow(self, result: IntakeResult) -> None:
        """What a batch or a round of answers led to: cancels that may go now, money to ask for."""
        for order_id in result.cancels_wanted:
            # Only a hint: the events are stored, and the poll finds the cancel.
            with contextlib.suppress(DatabaseError, InterfaceError, Stopping):
                self._sender.wake(order_id)
        self._refresher.want(result.refresh)

    def _refresh(self, account_id: int) -> None:
        session = self.session.ready()
        if session is not None:
            self._work.refresh(account_id, session)

    def _chase_unresolved(self) -> None:
        self._work.chase_unresolved(self.session)

    def _phase_changed(self, reading: ClockReading) -> None:
        logger.info("market clock of %s: %s %s", self.host_name, reading.trade_date, reading.phase)
        self.session.changed.set()  # the status row must say so at once
        self.session.request_reconcile()

    def _detail(self) -> dict[str, Any]:
        view = self.session.view()
        return {
            "session_state": view.state,
            "session_id": view.session_id,
            "message": view.message,
            "events_pending": self._writer.pending,
            "lanes": self._lanes.figures(),
            "lease_seconds_left": round(self._lease.seconds_left(), 1),
        }


def start_runtime(
    host_name: str,
    *,
    terminal: Terminal | None = None,
    config: RuntimeConfig | None = None,
    environment: dict[str, str] | None = None,
) -> TradeRuntime:
    """Start the order runtime of a host in this process.

    Parameters
    ----------
    host_name
        Name of the `QmtHost`.
    terminal
        How to reach the host's terminal; by default what the host's row says.
    config
        Durations; by default the installation's.
    environment
        Where a test names a crash point; this process's by default.

    Raises
    ------
    QmtHost.DoesNotExist
        No such host.
    RuntimeError
        This process runs one already.
    """
    installation = get_config()
    crashpoints.arm(os.environ if environment is None else environment, env=installation.env)
    host = QmtHost.objects.get(name=host_name)
    chosen = config or RuntimeConfig.of_installation(installation)
    runtime = _slot.fill(lambda: TradeRuntime(host, terminal or terminal_of(host), chosen))
    runtime.start()
    return runtime


def current_runtime() -> TradeRuntime | None:
    """The runtime of this process, if it runs one."""
    return _slot.current
