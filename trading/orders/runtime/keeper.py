"""Keeps the lease and the host's status row: market clock, session, sign of life.

The status row is what pre-trade checks, the portal and `ops.clocks.market_clock` read, so the
market clock is known everywhere with Redis down. It is written on every change of phase, trade date
or session state, and otherwise every few seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import HostStatus, QmtHost
from ops.alerts import AlertKind, Severity, alert_raise
from ops.heartbeats import Heartbeat
from qmt.gateway import ClockReading
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.database import database_thread, usable_connection
from trading.orders.runtime.lease import HostLease
from trading.orders.runtime.marketclock import MarketClockReader
from trading.orders.runtime.session import SessionView, TradeSession

logger = logging.getLogger(__name__)

#: A market clock that moved by more than this against the wall clock is written at once: the
#: simulated one is compressed in closed hours, so its offset changes there all the time.
OFFSET_TOLERANCE_MS = 500
#: Longest pause between two looks at the lease and the session.
TURN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Content:
    """What the status row says, to write it again when something changed."""

    state: str
    message: str
    session_id: int | None
    trade_date: date | None
    phase: str
    offset_ms: int

    def differs(self, other: _Content) -> bool:
        mine = (self.state, self.message, self.session_id, self.trade_date, self.phase)
        theirs = (other.state, other.message, other.session_id, other.trade_date, other.phase)
        return mine != theirs or abs(self.offset_ms - other.offset_ms) > OFFSET_TOLERANCE_MS


class HostKeeper:
    """Renews the lease and writes `HostStatus`, on one thread."""

    def __init__(
        self,
        *,
        host: QmtHost,
        lease: HostLease,
        session: TradeSession,
        clock: MarketClockReader,
        config: RuntimeConfig,
        sdk_version: str,
        heartbeat: Heartbeat,
        detail: Callable[[], dict[str, Any]],
    ) -> None:
        self._host = host
        self._lease = lease
        self._session = session
        self._clock = clock
        self._config = config
        self._sdk_version = sdk_version
        self._heartbeat = heartbeat
        self._detail = detail
        self._stop = threading.Event()
        self._written: _Content | None = None
        self._written_at = 0.0
        self._renewed_at = 0.0
        self._thread = database_thread(self._run, name="host-keeper")

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Stop renewing; the last status is written before the thread ends."""
        self._stop.set()
        self._session.changed.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.turn()
            self._session.changed.wait(TURN_SECONDS)
            self._session.changed.clear()
        self.turn()

    def turn(self) -> None:
        """Renew what is due and write what changed; a database that is away costs this turn only."""
        try:
            with usable_connection():
                self._renew()
                self._write(self._session.view())
                self._heartbeat.beat(self._detail())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("host status waits for the database: %s", error)
        except Exception:
            logger.exception("host status could not be written")

    def _renew(self) -> None:
        if not self._lease.held or time.monotonic() - self._renewed_at < self._config.lease_renew_seconds:
            return
        self._renewed_at = time.monotonic()
        if not self._lease.renew():
            logger.error("another process took the lease on host %s", self._host.name)
            alert_raise(
                AlertKind.LEASE_LOST,
                Severity.CRITICAL,
                format_lazy(_("Another process owns the order session of {host}"), host=self._host.name),
                {"former_holder": self._lease.holder},
                dedup_key=f"host.lease_lost:{self._host.name}",
                host=self._host.name,
            )
            self._session.rebuild("the lease on this host is lost")

    def _write(self, view: SessionView) -> None:
        observed = self._clock.observed
        reading = observed[0] if observed else None
        content = _Content(
            view.state,
            view.message,
            view.session_id,
            reading.trade_date if reading else None,
            reading.phase if reading else "",
            reading.offset_ms if reading else 0,
        )
        due = time.monotonic() - self._written_at >= self._config.status_seconds
        if not due and self._written is not None and not content.differs(self._written):
            return
        fields = self._session_fields(view) | (_clock_fields(*observed) if observed else {})
        # Only the holder writes: a process that lost the lease must not describe the host.
        rows = HostStatus.objects.filter(host=self._host, lease_holder__in=("", self._lease.holder))
        if rows.update(**fields):
            self._written, self._written_at = content, time.monotonic()

    def _session_fields(self, view: SessionView) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "session_state": view.state,
            "session_id": view.session_id,
            "message": view.message,
            "sdk_version": self._sdk_version,
        }
        if view.last_probe_at_ns:
            fields["last_probe_at"] = datetime.fromtimestamp(view.last_probe_at_ns / 1e9, tz=UTC)
        return fields


def _clock_fields(reading: ClockReading, observed_at: datetime) -> dict[str, Any]:
    """The market clock's columns; `updated_at` is the reading's own age, so one that stops goes stale by itself."""
    return {
        "trade_date": reading.trade_date,
        "phase": reading.phase,
        "clock_offset_ms": reading.offset_ms,
        "simulated": reading.simulated,
        "updated_at": observed_at,
    }
