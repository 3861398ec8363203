"""The keeper of strategies: one process per run that is wanted, watched by its heartbeat, restarted with a cool-down.

It is a process of its own (`manage.py strategies`), not a Celery queue: a task would share its process with others, could be
bounded neither in memory nor in time, and would be lost with its worker. Whatever is killed, the rows say what is wanted:
the supervisor restarts the keeper, its children die with it (`supervisor.leash`), and the next keeper starts them again; the
fence in `Run.generation` keeps a process that was thought dead from writing or placing anything.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from django.db import DatabaseError, InterfaceError, close_old_connections

from desk.settings.schema import DeskConfig
from desk.supervisor.child import Child, ChildSpec, LineLog
from desk.supervisor.plan import Stage, manage
from desk.supervisor.supervisor import describe_exit
from ops.heartbeats import Heartbeat
from trading.strategies.describing import described
from trading.strategies.loading import find
from trading.strategies.runtime.process import heartbeat_name
from trading.strategies.services import keeping
from trading.strategies.services.catalogue import catalogue_refresh

TURN_SECONDS = 0.5
LOOK_SECONDS = 2.0
CATALOGUE_SECONDS = 10.0
SILENT_SECONDS = 30.0
"""A run's process whose heartbeat is older than this hangs. It beats every 5 s; with the time a handler may take on top, a
hang is seen within a minute."""
START_SECONDS = 45.0
"""How long a process may take to its first heartbeat."""
STOP_SECONDS = 1.5
"""How long processes get to end between two events; any later they are killed, which costs nothing but a look at the rows."""
END_SECONDS = 20.0
"""How long a process may take to notice that it is not wanted any more."""
GIVE_UP_AFTER = 5
"""Ends and hangs in a row, each within the time after which a child counts as stable."""
STEADY_SECONDS = 120.0

log = logging.getLogger(__name__)

Ages = Callable[[], Mapping[str, float]]


class Printed:
    """Children's lines on this process's own output, which the supervisor merges."""

    def line(self, name: str, text: str) -> None:
        # An object of JSON names its process itself.
        print(text if text.startswith("{") else f"{name} {text}", flush=True)  # noqa: T201


class Keeper:
    """Brings the processes after the rows. Everything happens on the caller's thread: Linux ties children to it.

    Parameters
    ----------
    ages
        Age in seconds of each heartbeat, by name.
    command
        Command line of a run's process.
    """

    def __init__(
        self,
        config: DeskConfig,
        *,
        ages: Ages,
        lines: LineLog | None = None,
        command: Callable[[int], tuple[str, ...]] = lambda run_id: manage("strategy", str(run_id)),
        silent_seconds: float | None = None,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._config = config
        self._ages = ages
        self._lines = lines or Printed()
        self._command = command
        self._silent = silent_seconds or SILENT_SECONDS + max(0.0, config.strategy_handler_seconds - 10.0)
        self._start_seconds = start_seconds
        self._children: dict[int, Child] = {}
        self._troubles: dict[int, int] = {}
        self._unwanted_since: dict[int, float] = {}
        self._steady: set[int] = set()
        self._next_look = 0.0
        self._next_catalogue = 0.0
        self._heartbeat = Heartbeat("strategies")

    @property
    def pids(self) -> dict[int, int]:
        """Process id of each run that has one."""
        return {run: child.pid for run, child in self._children.items() if child.pid is not None and child.is_running()}

    def run(self, stop: threading.Event) -> None:
        """Turn until told to stop; the children have ended when this returns."""
        # The first turn loads whatever lies in the folder, which takes its time.
        self._heartbeat.beat({"runs": 0}, force=True)
        try:
            while not stop.wait(TURN_SECONDS):
                close_old_connections()
                try:
                    self.turn()
                except (DatabaseError, InterfaceError) as error:
                    log.warning("strategies wait for the database: %s", error)
        finally:
            self.end()

    def turn(self) -> None:
        """One look at the rows, the processes and the folder."""
        now = time.monotonic()
        if now >= self._next_catalogue:
            self._next_catalogue = now + CATALOGUE_SECONDS
            self._refresh()
        self._reap(now)
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            wanted = set(keeping.wanted_runs())
            self._begin(wanted)
            self._dismiss(wanted, now)
            self._watch(now)
            keeping.settle_states(self._children.keys())
        self._heartbeat.beat({"runs": len(self._children)})

    def end(self) -> None:
        """Stop every process; runs stay wanted and go on with the next keeper."""
        for child in self._children.values():
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            if not child.wait(deadline):
                child.kill()
                child.wait(time.monotonic() + 0.5)
        self._children.clear()

    # --- parts of a turn
    def _refresh(self) -> None:
        found = find(self._config.strategies_dir)
        for plugin in catalogue_refresh(found, partial(described, memory_mb=self._config.strategy_memory_mb)):
            words = f"cannot be run: {plugin.problem}" if plugin.problem else "is there"
            log.info("strategy %s, version %s, %s", plugin.name, plugin.digest[:12], words)

    def _begin(self, wanted: Iterable[int]) -> None:
        for run_id in wanted:
            if run_id not in self._children:
                self._children[run_id] = self._child(run_id)
                self._children[run_id].start()

    def _reap(self, now: float) -> None:
        """Notice processes that have ended; start those again whose pause is over."""
        for run_id, child in list(self._children.items()):
            code = child.note_exit(now)
            if code == 0:
                # In order: it was not wanted any more, or has failed and said so.
                self._forget(run_id)
            elif code is not None and child.restart_at is not None:
                if run_id not in keeping.wanted_runs():
                    self._forget(run_id)
                elif not self._trouble(run_id):
                    keeping.note_end(run_id, describe_exit(code), child.restart_at - now)
            elif child.restart_at is not None and now >= child.restart_at:
                child.start()

    def _dismiss(self, wanted: set[int], now: float) -> None:
        """End processes that nobody wants and that do not end by themselves."""
        for run_id, child in list(self._children.items()):
            if run_id in wanted:
                self._unwanted_since.pop(run_id, None)
            elif not child.is_running():
                self._forget(run_id)
            elif now - self._unwanted_since.setdefault(run_id, now) > END_SECONDS:
                log.warning("the process of run %s does not end by itself and is killed", run_id)
                child.kill()

    def _watch(self, now: float) -> None:
        """Kill processes that hang: alive, without a successful pass."""
        ages = self._ages()
        for run_id, child in list(self._children.items()):
            if not child.is_running():
                continue
            running = now - child.started_at
            # A heartbeat from before the start belongs to the process before.
            age = min(ages.get(heartbeat_name(run_id), running), running)
            if age > (self._silent if age < running else max(self._silent, self._start_seconds)):
                log.warning("the process of run %s has been silent for %.0f s and is killed", run_id, age)
                child.kill_hung()
                keeping.note_hang(run_id, age)
            elif running > STEADY_SECONDS and run_id not in self._steady:
                self._steady.add(run_id)
                self._troubles.pop(run_id, None)
                keeping.note_steady(run_id)

    def _trouble(self, run_id: int) -> bool:
        """Count an end; whether there were too many."""
        self._steady.discard(run_id)
        self._troubles[run_id] = self._troubles.get(run_id, 0) + 1
        if self._troubles[run_id] < GIVE_UP_AFTER:
            return False
        keeping.give_up(run_id, self._troubles[run_id])
        self._forget(run_id)
        return True

    def _forget(self, run_id: int) -> None:
        self._children.pop(run_id, None)
        self._unwanted_since.pop(run_id, None)
        self._steady.discard(run_id)
        self._troubles.pop(run_id, None)

    def _child(self, run_id: int) -> Child:
        spec = ChildSpec(
            name=f"strategy@{run_id}",
            command=self._command(run_id),
            stage=Stage.BEAT,
            stop_seconds=STOP_SECONDS,
            environment={"OPENBLAS_NUM_THREADS": "1"},
        )
        run_dir: Path = self._config.run_dir
        return Child(spec, run_dir=run_dir, log=self._lines)
