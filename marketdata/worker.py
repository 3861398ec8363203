"""The data worker's runtime: one quote session with one terminal, and everything that lives on it.

Two threads. The *session* thread connects, probes, reads the market clock, watches the feed and beats; it never does
long work. The *work* thread syncs static data, works the repair queue and closes days, one thing at a time: a terminal
serves one download at a time anyway.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import socket
import threading
import time
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, close_old_connections, connections

from accounts.maintenance import host_maintenance
from accounts.models import QmtHost
from marketdata.choices import Basis
from marketdata.config import get_marketdata_config
from marketdata.live.feed import Feed
from marketdata.live.writer import QuoteWriter
from marketdata.services.axis import first_open_day
from marketdata.services.closing import close_days
from marketdata.services.figures import Counting
from marketdata.services.outcome import Source
from marketdata.services.pace import Pace
from marketdata.services.progress import jobs_sweep
from marketdata.services.queue import items_release, items_renew
from marketdata.services.refresh import StaticSource, lists_sync, refresh_run
from marketdata.services.runner import RepairRunner
from marketdata.services.sampling import SampleSource, sampling_run
from marketdata.services.static import static_sync
from marketdata.terminal import DataTerminal, data_terminal_of
from ops.clocks import MarketClock, derive_market_clock, wall_now
from ops.errors import Code
from ops.heartbeats import Heartbeat
from ops.jobs import jobs_release, jobs_renew
from ops.runtimes import RuntimeSlot
from qmt.calendar import Phase
from qmt.errors import QmtError, TerminalDown
from qmt.gateway import ClockReading, QuoteGateway

logger = logging.getLogger(__name__)

_TRADING = frozenset({Phase.CONTINUOUS, Phase.CLOSE_AUCTION})


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Intervals of the runtime, in seconds.

    Attributes
    ----------
    turn
        One turn of the session thread: market clock, feed.
    probe, probe_failures
        A real round trip this often; after so many failures in a row the session is rebuilt.
    poll
        The work thread looks at the queue at least this often, wake-up or not.
    closing
        Between two passes over closed days' live bars.
    backoff
        Pauses before reconnects; the last one repeats.
    """

    turn: float = 1.0
    probe: float = 5.0
    probe_failures: int = 3
    poll: float = 2.0
    closing: float = 30.0
    backoff: tuple[float, ...] = (0.5, 1.0, 2.0, 5.0, 10.0)


class UnderMaintenance(Exception):
    """The host's terminal is under its daily maintenance; the text says until when."""


class DataRuntime:
    """One host's quote session and its work. Made by `start_runtime`."""

    def __init__(self, host_name: str, terminal: DataTerminal, config: WorkerConfig | None = None) -> None:
        self.host_name = host_name
        self._terminal = terminal
        self._config = config or WorkerConfig()
        self._holder = f"data@{socket.gethostname()}:{os.getpid()}"
        self._gateway: QuoteGateway | None = None
        self._connected = threading.Event()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._reading: ClockReading | None = None
        self._read_at = wall_now()
        self._basis = Basis.RAW
        self._static_date: date | None = None
        self._message = "starting"
        self._counting = Counting()
        self._pace = Pace(lambda: get_marketdata_config().repair, sleep=self._pause)
        self._writer = QuoteWriter(host_name)
        self._feed = Feed(self._writer, get_marketdata_config())
        self._heartbeat = Heartbeat(f"session.data@{host_name}")
        self._threads = (
            threading.Thread(target=self._run_session, name=f"data-session@{host_name}", daemon=True),
            threading.Thread(target=self._run_work, name=f"data-work@{host_name}", daemon=True),
        )

    # --- life cycle -------------------------------------------------------------------------

    def start(self) -> None:
        self._writer.start()
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """End the threads and the session; what a repair had not finished goes back to the queue."""
        self._stop.set()
        self._wake.set()
        # Closing the session first breaks off a download that waits.
        if self._gateway is not None:
            self._gateway.close()
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.1))
        self._writer.stop(max(deadline - time.monotonic(), 0.5))
        with contextlib.suppress(DatabaseError):
            items_release(holder=self._holder)
            jobs_release(holder=self._holder)
        _slot.empty(self)

    def wake(self) -> None:
        """Look at the queue now."""
        self._wake.set()

    def clock(self) -> MarketClock:
        """The host's market clock, carried forward from the last reading.

        Raises
        ------
        TerminalDown
            The terminal has not told its clock yet.
        """
        reading = self._reading
        if reading is None:
            raise TerminalDown("the terminal has not told its market clock yet")
        return derive_market_clock(
            host=self.host_name,
            trade_date=reading.trade_date,
            phase=reading.phase,
            offset_ms=reading.offset_ms,
            simulated=reading.simulated,
            observed_at=self._read_at,
            now=wall_now(),
        )

    # --- session thread ---------------------------------------------------------------------

    def _run_session(self) -> None:
        attempts = 0
        while not self._stop.is_set():
            try:
                self._require_service()
                self._connect()
                attempts = 0
                self._watch()
            except UnderMaintenance as reason:
                attempts = 0
                self._say(str(reason))
            except QmtError as error:
                self._say(f"{type(error).__name__}: {error}", level=logging.WARNING)
            except Exception:
                # The session must survive what nobody foresaw: it is rebuilt like any other failure.
                logger.exception("the quote session failed")
                self._message = "internal error, see the log"
            self._disconnect()
            pauses = self._config.backoff
            pause = pauses[min(attempts, len(pauses) - 1)]
            attempts += 1
            self._beat()
            self._stop.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311
        connections.close_all()

    def _require_service(self) -> None:
        """Raise `UnderMaintenance` while the terminal is; a database that is away decides nothing."""
        with contextlib.suppress(DatabaseError):
            if until := host_maintenance(self.host_name):
                raise UnderMaintenance(f"{Code.HOST_MAINTENANCE}: until={until}")

    def _connect(self) -> None:
        if self._gateway is None:
            self._gateway = self._terminal.open_gateway()
        self._gateway.connect(self._terminal.address())
        self._basis = self._terminal.basis()
        self._read_clock(self._gateway)
        # A reconnect has replayed what was followed before, from the session's own registry.
        self._follow(self._gateway, now=True)
        self._feed.rest()
        # Another terminal, or the same one with other data: its facts are read anew.
        self._static_date = None
        self._connected.set()
        self._wake.set()
        self._say("connected")

    def _watch(self) -> None:
        """Turn until the session is lost."""
        gateway = self._session()
        failures = 0
        probe_at = time.monotonic() + self._config.probe
        while not self._stop.wait(self._config.turn):
            if time.monotonic() >= probe_at:
                probe_at = time.monotonic() + self._config.probe
                self._require_service()
                failures = 0 if gateway.is_alive() else failures + 1
                if failures >= self._config.probe_failures:
                    raise TerminalDown(f"{failures} probes in a row failed")
            if failures == 0:
                self._read_clock(gateway)
                self._watch_feed(gateway)
            self._renew()
            self._beat()

    def _read_clock(self, gateway: QuoteGateway) -> None:
        reading = gateway.market_clock()
        before, self._reading, self._read_at = self._reading, reading, wall_now()
        if before is not None and (before.trade_date, before.phase) != (
            reading.trade_date,
            reading.phase,
        ):
            logger.info("market clock of %s: %s %s", self.host_name, reading.trade_date, reading.phase)
            self._wake.set()

    def _watch_feed(self, gateway: QuoteGateway) -> None:
        """Quotes can die silently: in trading hours a feed without any is subscribed anew."""
        self._follow(gateway)
        if self.clock().phase not in _TRADING or self._feed.is_empty:
            self._feed.rest()
            return
        age = self._feed.age_seconds
        if age < get_marketdata_config().live.stale_after_seconds:
            return
        self._say(f"no quote for {age:.0f} s: subscribing anew", level=logging.WARNING)
        self._feed.renew(gateway)

    def _follow(self, gateway: QuoteGateway, *, now: bool = False) -> None:
        try:
            self._feed.refresh(gateway, now=now)
        except DatabaseError as error:
            logger.warning("what %s has to follow is not known, the database is away: %s", self.host_name, error)

    def _disconnect(self) -> None:
        self._connected.clear()
        if self._gateway is not None:
            self._gateway.close()

    def _session(self) -> QuoteGateway:
        if self._gateway is None:
            raise TerminalDown("there is no quote session")
        return self._gateway

    def _renew(self) -> None:
        with contextlib.suppress(DatabaseError):
            items_renew(holder=self._holder)
            jobs_renew(holder=self._holder, seconds=get_marketdata_config().repair.lease_seconds)

    def _beat(self) -> None:
        reading = self._reading
        self._heartbeat.beat(
            {
                "connected": self._connected.is_set(),
                "message": self._message,
                "trade_date": reading.trade_date.isoformat() if reading else None,
                "phase": str(reading.phase) if reading else None,
                "static_date": self._static_date.isoformat() if self._static_date else None,
                "feed": self._feed.detail(),
                "quotes": self._writer.counters(),
                "repair": self._counting.snapshot(),
            }
        )
        close_old_connections()

    def _say(self, message: str, *, level: int = logging.INFO) -> None:
        if message != self._message:
            logger.log(level, "data session of %s: %s", self.host_name, message)
        self._message = message

    # --- work thread ------------------------------------------------------------------------

    def _run_work(self) -> None:
        closing_at = 0.0
        while not self._stop.is_set():
            self._wake.wait(self._config.poll)
            self._wake.clear()
            if self._stop.is_set() or not self._connected.wait(self._config.poll):
                continue
            try:
                self._sync_static()
                if time.monotonic() >= closing_at:
                    closing_at = time.monotonic() + self._config.closing
                    self._close_days()
                self._repair()
                self._refresh()
                self._sample()
            except QmtError as error:
                # The session thread finds out what is wrong with the link; here it is only waited for.
                logger.warning("work on %s stopped: %s: %s", self.host_name, type(error).__name__, error)
                self._stop.wait(self._config.turn)
            except DatabaseError as error:
                logger.warning("work on %s waits, the database is away: %s", self.host_name, error)
                self._stop.wait(self._config.poll)
            except Exception:
                logger.exception("work on %s failed", self.host_name)
                self._stop.wait(self._config.poll)
            close_old_connections()
        connections.close_all()

    def _sync_static(self) -> None:
        clock = self.clock()
        reading = self._reading
        if reading is None or self._static_date == clock.trade_date:
            return
        started = time.monotonic()
        summary = static_sync(
            gateway=self._session(),
            host=self.host_name,
            reading=reading,
            sdk_version=self._terminal.sdk_version,
            basis=self._basis,
            on_message=lambda text: self._say(f"static data: {text}"),
        )
        self._static_date = reading.trade_date
        self._say("connected")
        logger.info(
            "static data of %s: %d instruments, %d sectors, %d trading days, %d factors in %.1f s",
            reading.trade_date,
            summary.instruments,
            summary.sectors,
            summary.trading_days,
            summary.factors,
            time.monotonic() - started,
        )
        lists = lists_sync(reference=self._session().reference, day=reading.trade_date)
        logger.info("lists of %s: %s", reading.trade_date, lists.counts)

    def _refresh(self) -> None:
        """Do what was asked for: static data, statements."""
        if (reading := self._reading) is not None:
            source = StaticSource(self._session(), self.host_name, reading, self._terminal.sdk_version, self._basis)
            refresh_run(source, holder=self._holder, between=self._repair)

    def _sample(self) -> None:
        """Compare a sample of what is stored with the terminal's, when a job asks for it."""
        source = SampleSource(self._session(), self.host_name, self._pace.wait)
        sampling_run(source, holder=self._holder, first_open_day=first_open_day(self.clock()))

    def _close_days(self) -> None:
        jobs_sweep(host=self.host_name)
        clock = self.clock()
        summary = close_days(host=self.host_name, first_open_day=first_open_day(clock), clock=clock)
        if summary.requested or summary.discarded:
            logger.info(
                "closed days of %s: %d instruments to verify, %d live bars replaced",
                self.host_name,
                summary.requested,
                summary.discarded,
            )

    def _repair(self) -> None:
        runner = RepairRunner(
            gateway=self._session(),
            source=Source(self.host_name, self._terminal.sdk_version, self._basis),
            holder=self._holder,
            clock=self.clock,
            sleep=self._pause,
            pace=self._pace,
            counting=self._counting,
        )
        while not self._stop.is_set() and self._connected.is_set() and runner.run_batch():
            self._sync_static()

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)


_slot: RuntimeSlot[DataRuntime] = RuntimeSlot("data")


def start_runtime(
    host_name: str,
    *,
    terminal: DataTerminal | None = None,
    config: WorkerConfig | None = None,
) -> DataRuntime:
    """Start the data runtime of a host in this process.

    Parameters
    ----------
    host_name
        Name of the `QmtHost`.
    terminal
        How to reach the host's terminal; by default what the host's row says.
    config
        Intervals.

    Raises
    ------
    QmtHost.DoesNotExist
        No such host.
    RuntimeError
        This process runs one already.
    """
    host = QmtHost.objects.get(name=host_name)
    runtime = _slot.fill(lambda: DataRuntime(host_name, terminal or data_terminal_of(host), config))
    runtime.start()
    return runtime


def current_runtime() -> DataRuntime | None:
    """The runtime of this process, if it runs one."""
    return _slot.current
