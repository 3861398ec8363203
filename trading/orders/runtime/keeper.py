"""Keeps the lease and the host's status row: market clock, session, heartbeat.

The status row is what pre-trade checks, the portal and `ops.clocks.market_clock` read, so the
market clock is known everywhere with Redis down. It is written on every change of phase, trade date
or session state, and otherwise every few seconds as a sign of life.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, InterfaceError

from accounts.models import HostStatus, QmtHost
from ops.clocks import wall_now
from ops.heartbeats import Heartbeat
from qmt.errors import QmtError
from qmt.gateway import ClockReading
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.database import usable_connection
from trading.orders.runtime.lease import HostLease
from trading.orders.runtime.session import SessionView, TradeSession

logger = logging.getLogger(__name__)

#: A market clock that moved by more than this against the wall clock is written at once: the
#: simulated one is compressed in closed hours, so its offset changes there all the time.
OFFSET_TOLERANCE_MS = 500
#: How often the terminal is asked for its clock.
CLOCK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Written:
    """What the status row says, to write it again only when something changed."""

    state: str
    message: str
    session_id: int | None
    trade_date: object
    phase: object
    offset_ms: int

    def differs(self, other: _Written) -> bool:
        mine = (self.state, self.message, self.session_id, self.trade_date, self.phase)
        theirs = (other.state, other.message, other.session_id, other.trade_date, other.phase)
        return mine != theirs or abs(self.offset_ms - other.offset_ms) > OFFSET_TOLERANCE_MS


class HostKeeper:
    """Renews the lease and writes `HostStatus`, on one thread.

    Parameters
    ----------
    read_clock
        The terminal's market clock, now; raises `QmtError` when it cannot be had.
    on_phase
        Called on this thread after a change of phase or trade date was written.
    """

    def __init__(
        self,
        *,
        host: QmtHost,
        lease: HostLease,
        session: TradeSession,
        read_clock: Callable[[], ClockReading],
        config: RuntimeConfig,
        sdk_version: str,
        heartbeat: Heartbeat,
        detail: Callable[[], dict[str, Any]],
        on_phase: Callable[[ClockReading], None],
    ) -> None:
        self._host = host
        self._lease = lease
        self._session = session
        self._read_clock = read_clock
        self._config = config
        self._sdk_version = sdk_version
        self._heartbeat = heartbeat
        self._detail = detail
        self._on_phase = on_phase
        self._stop = threading.Event()
        self._reading: ClockReading | None = None
        self._written: _Written | None = None
        self._written_at = 0.0
        self._renewed_at = 0.0
        self._clock_failed = False
        self._thread = threading.Thread(target=self._run, name="host-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Stop renewing; the last status is written before the thread ends."""
        self._stop.set()
        self._session.changed.set()
        self._thread.join(timeout_seconds)

    @property
    def reading(self) -> ClockReading | None:
        """The last market clock reading, None before the first."""
        return self._reading

    def _run(self) -> None:
        while not self._stop.is_set():
            self._step()
            self._session.changed.wait(CLOCK_SECONDS)
            self._session.changed.clear()
        self._step()

    def _step(self) -> None:
        try:
            with usable_connection():
                self._renew()
                self._observe()
                self._heartbeat.beat(self._detail())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("host status waits for the database: %s", error)
        except Exception:
            logger.exception("host status could not be written")

    def _renew(self) -> None:
        if self._lease.held and time.monotonic() - self._renewed_at >= self._config.lease_renew_seconds:
            self._renewed_at = time.monotonic()
            if not self._lease.renew():
                self._session.rebuild("the lease on this host is lost")

    def _observe(self) -> None:
        former = self._reading
        try:
            reading = self._read_clock()
        except QmtError as error:
            if not self._clock_failed:
                logger.warning("market clock cannot be read: %s", error)
            self._clock_failed = True
        else:
            self._reading, self._clock_failed = reading, False
        self._write(self._session.view(), self._reading)
        now = self._reading
        if now is not None and (former is None or (former.phase, former.trade_date) != (now.phase, now.trade_date)):
            self._on_phase(now)

    def _write(self, view: SessionView, reading: ClockReading | None) -> None:
        content = _Written(
            view.state,
            view.message,
            view.session_id,
            reading.trade_date if reading else None,
            reading.phase if reading else None,
            reading.offset_ms if reading else 0,
        )
        due = time.monotonic() - self._written_at >= self._config.status_seconds
        if not due and self._written is not None and not content.differs(self._written):
            return
        fields: dict[str, Any] = {
            "session_state": view.state,
            "session_id": view.session_id,
            "message": view.message,
            "sdk_version": self._sdk_version,
        }
        if view.last_probe_at_ns:
            fields["last_probe_at"] = datetime.fromtimestamp(view.last_probe_at_ns / 1e9, tz=UTC)
        # `updated_at` is the age of the clock: one that cannot be read any more goes stale by itself.
        if reading is not None and not self._clock_failed:
            fields |= {
                "updated_at": wall_now(),
                "trade_date": reading.trade_date,
                "phase": reading.phase,
                "clock_offset_ms": reading.offset_ms,
                "simulated": reading.simulated,
            }
        # Only the holder writes: a process that lost the lease must not describe the host.
        if HostStatus.objects.filter(host=self._host, lease_holder__in=("", self._lease.holder)).update(**fields):
            self._written, self._written_at = content, time.monotonic()
