"""Reads the terminal's market clock on a thread of its own: a terminal that hangs delays no lease and no status."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, InterfaceError

from ops.clocks import MarketClock, derive_market_clock, wall_now
from qmt.errors import QmtError
from qmt.gateway import ClockReading
from trading.orders.runtime.database import database_thread, usable_connection

logger = logging.getLogger(__name__)


class MarketClockReader:
    """The last reading of one host's clock, and news of its phases.

    Parameters
    ----------
    read
        Asks the terminal; raises `QmtError` when it has no answer.
    on_change
        Called on this thread at the first reading and at every new phase or trade date.
    """

    def __init__(
        self,
        *,
        host_name: str,
        read: Callable[[], ClockReading],
        on_change: Callable[[ClockReading], None],
        period_seconds: float,
    ) -> None:
        self._host_name = host_name
        self._read = read
        self._on_change = on_change
        self._period_seconds = period_seconds
        self._observed: tuple[ClockReading, datetime] | None = None
        self._failing = False
        self._stop = threading.Event()
        self._thread = database_thread(self._run, name="market-clock")

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        self._stop.set()
        self._thread.join(timeout_seconds)

    @property
    def observed(self) -> tuple[ClockReading, datetime] | None:
        """The last reading and the wall clock when it was made; None before the first."""
        return self._observed

    def reading(self) -> ClockReading | None:
        """The last reading, however old; None before the first."""
        return self._observed[0] if self._observed else None

    def now(self) -> MarketClock | None:
        """The market clock carried forward to now; None before the first reading."""
        if self._observed is None:
            return None
        reading, observed_at = self._observed
        return derive_market_clock(
            host=self._host_name,
            trade_date=reading.trade_date,
            phase=reading.phase,
            offset_ms=reading.offset_ms,
            simulated=reading.simulated,
            observed_at=observed_at,
            now=wall_now(),
        )

    def _run(self) -> None:
        while True:
            try:
                with usable_connection():
                    self.observe()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("news of the market clock waits for the database: %s", error)
            except Exception:
                logger.exception("market clock of %s could not be read", self._host_name)
            if self._stop.wait(self._period_seconds):
                return

    def observe(self) -> None:
        """Ask once. A terminal without an answer leaves the last reading to grow old."""
        try:
            reading = self._read()
        except QmtError as error:
            if not self._failing:
                logger.warning("market clock of %s cannot be read: %s", self._host_name, error)
            self._failing = True
            return
        former = self.reading()
        self._failing = False
        self._observed = (reading, wall_now())
        if former is None or (former.phase, former.trade_date) != (
            reading.phase,
            reading.trade_date,
        ):
            self._on_change(reading)
