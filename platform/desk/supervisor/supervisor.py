"""Start the children, watch them, restart them, stop them in order."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from desk.supervisor import groups, pidfiles
from desk.supervisor.child import STABLE_AFTER_SECONDS, Child, ChildSpec
from desk.supervisor.heartbeats import Ages, HeartbeatReader, Known
from desk.supervisor.merged_log import MergedLog
from qmt.terminal.cli import EXIT_MISCONFIGURED

STOP_BUDGET_SECONDS = 9.0
"""For all stages together; a stage may use what the earlier ones left."""
KILL_WAIT_SECONDS = 0.5
TICK_SECONDS = 0.1
WATCH_SECONDS = 5.0
START_SECONDS = 120.0
"""How long a child may take to the first heartbeat of its life."""
AFTER_SECONDS = 8.0
"""A child that waits for another's file starts anyway after this long: it copes, with more words."""


class HangWatch(Protocol):
    """Is told of children that hung; must not raise and must not wait."""

    def hung(self, child: str, heartbeat: str, silent_seconds: float) -> None:
        """It was killed and starts again."""

    def recovered(self, child: str) -> None:
        """It has worked for a while since."""


class Supervisor:
    """Runs a set of children until told to stop.

    Parameters
    ----------
    specs : sequence of ChildSpec
        In start order.
    run_dir : Path
        Pid files.
    heartbeat_ages : callable
        Read every five seconds on a thread; may raise nothing, may return less than all, may hang.
    hang_watch : HangWatch, optional
        Told of children that hung.
    on_tick : callable, optional
        Called on the main thread about ten times a second until it returns True (readiness).
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        run_dir: Path,
        log: MergedLog,
        heartbeat_ages: Ages = dict,
        hang_watch: HangWatch | None = None,
        on_tick: Callable[[], bool] | None = None,
    ) -> None:
        self.children = [Child(spec, run_dir=run_dir, log=log) for spec in specs]
        self._log = log
        self._heartbeats = HeartbeatReader(heartbeat_ages, WATCH_SECONDS)
        self._hang_watch = hang_watch
        self._on_tick = on_tick
        self._stop = threading.Event()
        self._hurry = False
        self.failure = ""
        """Why everything was stopped, when nobody asked for it."""
        self._begun_at = 0.0
        self._next_watch = 0.0

    def request_stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Begin the ordered stop; a second request kills what is left at once."""
        if self._stop.is_set():
            self._hurry = True
        self._stop.set()

    def install_signal_handlers(self) -> None:
        for number in groups.STOP_SIGNALS:
            signal.signal(number, self.request_stop)

    def run(self) -> None:
        """Run until stopped; every child has ended when this returns."""
        self._begun_at = time.monotonic()
        self._next_watch = self._begun_at + WATCH_SECONDS
        self._heartbeats.start()
        try:
            self._begin_children(self._begun_at)
            while not self._stop.wait(TICK_SECONDS):
                self._tick()
        finally:
            self._heartbeats.stop()
            self.stop_all()

    def _tick(self) -> None:
        now = time.monotonic()
        self._begin_children(now)
        for child in self.children:
            code = child.note_exit(now)
            if code == EXIT_MISCONFIGURED:
                self.failure = f"{child.name} cannot run as it is configured; its last line says why."
                self._stop.set()
                return
            if code is not None and child.restart_at is not None:
                pause = child.restart_at - now
                self._log.say(f"{child.name} ended ({describe_exit(code)}), starts again in {pause:.1f} s")
            if child.restart_at is not None and now >= child.restart_at:
                child.start()
        if now >= self._next_watch:
            self._next_watch = now + WATCH_SECONDS
            self._watch_heartbeats(now)
        if self._on_tick is not None and self._on_tick():
            self._on_tick = None

    def _begin_children(self, now: float) -> None:
        overdue = now - self._begun_at > AFTER_SECONDS
        for child in self.children:
            after = child.spec.after
            if child.begun or self._stop.is_set():
                continue
            if after is None or overdue or after.exists():
                child.start()

    def _watch_heartbeats(self, now: float) -> None:
        known = self._heartbeats.known()
        for child in self.children:
            limit = child.spec.silent_seconds
            if not child.is_running() or now - max(child.started_at, known.since) < limit:
                continue
            silent = self._silent(child, known, now)
            if silent is not None:
                name, age = silent
                self._log.say(f"{name} has been silent for {age:.0f} s, it is restarted")
                child.kill_hung()
                if self._hang_watch is not None:
                    self._hang_watch.hung(child.name, name, age)
            elif child.hung and now - child.started_at > STABLE_AFTER_SECONDS:
                child.hung = False
                if self._hang_watch is not None:
                    self._hang_watch.recovered(child.name)

    @staticmethod
    def _silent(child: Child, known: Known, now: float) -> tuple[str, float] | None:
        """The first heartbeat of a child that stands still, with its age.

        One that was never written says nothing, apart from the first, which proves the start; when no age is known at all,
        the database is away.
        """
        for number, name in enumerate(child.spec.heartbeats):
            age = known.ages.get(name)
            if age is None and number == 0 and known.ages and now - child.started_at > START_SECONDS:
                return name, now - child.started_at
            if age is not None and age > child.spec.silent_seconds:
                return name, age
        return None

    def stop_all(self) -> None:
        """Stop stage by stage within the budget; whatever does not stop in time is killed."""
        budget = time.monotonic() + STOP_BUDGET_SECONDS
        stages = sorted({child.spec.stage for child in self.children})
        for stage in stages:
            group = [child for child in self.children if child.spec.stage == stage]
            started = [child for child in group if child.pid is not None]
            if started:
                self._log.say("stopping " + ", ".join(child.name for child in started))
            for child in group:
                child.ask_to_stop()
            for child in group:
                own = time.monotonic() + child.spec.stop_seconds
                self._await(child, min(own, budget))

    def _await(self, child: Child, deadline: float) -> None:
        # In short waits, so that a second Ctrl-C is heard.
        while not child.wait(min(deadline, time.monotonic() + TICK_SECONDS)):
            if self._hurry or time.monotonic() >= deadline:
                self._log.say(f"{child.name} did not stop in time and is killed")
                child.kill()
                child.wait(time.monotonic() + KILL_WAIT_SECONDS)
                return


def describe_exit(code: int) -> str:
    """Say in words how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def end_leftovers(run_dir: Path, log: MergedLog) -> None:
    """End children of a supervisor that was killed."""
    names = pidfiles.end_orphans(run_dir)
    if names:
        log.say("ended what an earlier run left behind: " + ", ".join(names))
