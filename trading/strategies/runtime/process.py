"""The process of one run: ``manage.py strategy ID``, started by the keeper and watched through its heartbeat.

It ends by itself when the run is not wanted any more (0), when the run failed (0: its row says so) or when another process
took the run over. A signal ends it between two events; the run stays wanted and goes on in the next process.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from desk.settings.schema import get_config
from ops.clocks import MarketClock, market_clock
from ops.errors import Code, DeskError
from ops.heartbeats import Heartbeat
from trading.strategies.choices import Level, RunState
from trading.strategies.interface import ParameterError, Strategy
from trading.strategies.limits import Guard, bound_process
from trading.strategies.loading import LoadError, check_warm_up, load
from trading.strategies.models import Run
from trading.strategies.runtime.feed import BarFeed
from trading.strategies.runtime.moments import within_hours
from trading.strategies.runtime.placing import pass_cancels
from trading.strategies.runtime.preparing import ensure_days, history_of, market_of
from trading.strategies.runtime.session import HandlerFailed, RunSession
from trading.strategies.runtime.store import Superseded, claim, note
from trading.strategies.runtime.ticks import TickFeed
from trading.strategies.services.catalogue import found_of
from trading.strategies.services.ending import run_ended, run_enter, run_fault

POLL_SECONDS: Final = 0.5
TICK_POLL_SECONDS: Final = 0.1
ENSURE_SECONDS: Final = 60.0

log = logging.getLogger(__name__)


def heartbeat_name(run_id: int) -> str:
    """Name of the heartbeat of a run's process."""
    return f"strategy.{run_id}"


def run_process(run_id: int, stop: threading.Event) -> int:
    """Run one run until it ends or `stop` is set; returns the exit code."""
    bound_process(get_config().strategy_memory_mb)
    try:
        run = claim(run_id)
        if run.wanted:
            _Process(run, stop).run()
    except Superseded:
        log.warning("run %s was taken over by another process", run_id)
    finally:
        connections.close_all()
    return 0


class _Process:
    """The loop around a session."""

    def __init__(self, run: Run, stop: threading.Event) -> None:
        self._run = run
        self._stop = stop
        self._heartbeat = Heartbeat(heartbeat_name(run.pk))
        self._host = run.account.host.name
        self._next_ensure = 0.0
        self._ticks: TickFeed | None = None

    def run(self) -> None:
        guard = Guard(get_config().strategy_handler_seconds, self._too_slow)
        try:
            self._work(guard)
        except HandlerFailed as error:
            run_fault(self._run, Code.STRATEGY_FAILED, str(error), lines=_readable(error.trace))
        except LoadError as error:
            run_fault(self._run, Code.STRATEGY_UNUSABLE, str(error))
        finally:
            guard.stop()
            if self._ticks is not None:
                self._ticks.stop()

    def _work(self, guard: Guard) -> None:
        run_enter(self._run, RunState.STARTING, code="", message="")
        self._heartbeat.beat({"state": "starting"}, force=True)
        strategy = self._made()
        clock = self._first_clock()
        if clock is None:
            return
        market = market_of(self._run)
        history, place = history_of(self._run, market, check_warm_up(strategy.warm_up), clock)
        session = RunSession(self._run, strategy, market=market, history=history, watch=guard.handler)
        ids = {market.instruments[symbol].pk: number for number, symbol in enumerate(self._run.symbols)}
        feed = BarFeed(ids, self._run.period, place)
        if strategy.wants_ticks:
            self._ticks = TickFeed(session.context.symbols)
            self._ticks.start()
        session.start(clock)
        run_enter(self._run, RunState.RUNNING)
        note(self._run, (Level.INFO, "started", {"version": self._run.plugin.digest[:12], "place": feed.after_ts}))
        while not self._stop.wait(TICK_POLL_SECONDS if self._ticks else POLL_SECONDS):
            if not self._pass(session, feed):
                return

    def _pass(self, session: RunSession, feed: BarFeed) -> bool:
        """One look at everything; False when the run is to end."""
        close_old_connections()
        try:
            clock = market_clock(self._host)
            if ending := self._ending(clock):
                run_enter(self._run, RunState.STOPPING)
                session.news(clock)
                session.stop(clock)
                pass_cancels(self._run)
                run_ended(self._run, ending)
                return False
            session.news(clock)
            for ts, values in feed.due(clock):
                session.bars([(ts, values)])
                feed.after_ts = ts
                self._heartbeat.beat({"state": "running", "events": self._run.events})
            if self._ticks is not None:
                session.ticks(self._ticks.take())
            session.place(clock)
            self._ensure(clock)
        except (DatabaseError, InterfaceError) as error:
            # The event that was under way has not happened; the object's memory may have moved on without it.
            log.warning("run %s starts over, the database is away: %s", self._run.pk, error)
            raise
        except DeskError as error:
            log.warning("run %s waits: %s", self._run.pk, error)
            return True
        self._heartbeat.beat({"state": "running", "events": self._run.events})
        return True

    def _ending(self, clock: MarketClock) -> RunState | None:
        """The state that the run is to end in, if it is."""
        wanted = Run.objects.filter(pk=self._run.pk).values_list("wanted", "generation").get()
        if wanted[1] != self._run.generation:
            raise Superseded(f"run {self._run.pk} has another process")
        if not wanted[0]:
            return RunState.STOPPED
        return None if within_hours(self._run.opens_at, self._run.closes_at, clock.market_time) else RunState.WAITING

    def _made(self) -> Strategy:
        """The strategy's object.

        Raises
        ------
        LoadError
            The version is gone or changed, or it does not take the run's parameters.
        """
        made = load(found_of(self._run.plugin))
        try:
            return made(self._run.parameters)
        except ParameterError as error:
            raise LoadError(f"its parameters do not fit: {error}") from error
        except Exception as error:
            raise HandlerFailed("__init__", error) from error

    def _first_clock(self) -> MarketClock | None:
        """The market clock, as soon as the host has reported one; None when the run is to end first."""
        while not self._stop.wait(POLL_SECONDS):
            try:
                return market_clock(self._host)
            except DeskError as error:
                self._heartbeat.beat({"state": "starting", "waits_for": str(error.code)})
        return None

    def _ensure(self, clock: MarketClock) -> None:
        if time.monotonic() >= self._next_ensure:
            self._next_ensure = time.monotonic() + ENSURE_SECONDS
            ensure_days(self._run, clock)

    def _too_slow(self) -> None:
        """Called on the guard's thread while the handler does not come back."""
        seconds = get_config().strategy_handler_seconds
        run_fault(self._run, Code.STRATEGY_TOO_SLOW, f"a handler took longer than {seconds:g} s")


def _readable(trace: list[str]) -> list[str]:
    """The lines of a traceback without those that only underline."""
    return [line for line in "".join(trace).splitlines() if line.strip(" ^~")]
