"""One child process: started on a leash, its output merged, restarted with back-off."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from desk.supervisor import groups, pidfiles

LEASH = Path(__file__).with_name("leash.py")
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
"""glibc gives threads heaps of their own, and what a rush of them freed stays in many; elsewhere nobody reads it."""
STABLE_AFTER_SECONDS = 30.0
"""A child that ran this long gets a fresh back-off."""
STEADY_AFTER_HANG_SECONDS = 600.0
"""And this long, one that was killed because it hung."""


class LineLog(Protocol):
    """Where the output of children goes."""

    def line(self, name: str, text: str) -> None:
        """Take one line of the child of that name."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run and how to watch it.

    Attributes
    ----------
    stage : int
        Stop order: lower stages stop first, and end before the next one is told to.
    stop_seconds : float
        How long it may take to stop before it is killed.
    heartbeats : tuple of str
        Names of its `ProcessHeartbeat` rows; the first one proves its start.
    silent_seconds : float
        It is restarted when one of its heartbeats is older than this.
    after : Path or None
        A file another child writes when it is ready; the first start waits for it, not for ever.
    """

    name: str
    command: tuple[str, ...]
    stage: int
    stop_seconds: float = 3.0
    heartbeats: tuple[str, ...] = ()
    silent_seconds: float = 45.0
    after: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    noise: tuple[str, ...] = ()
    """Output lines containing one of these are dropped: advice for another use of the program."""


class Child:
    """A running (or waiting to be restarted) child.

    Start and restart happen on the supervisor's main thread only: Linux ties the death signal to
    the *thread* that forked.
    """

    def __init__(self, spec: ChildSpec, *, run_dir: Path, log: LineLog) -> None:
        self.spec = spec
        self.failures = 0
        self.started_at = 0.0
        self.restart_at: float | None = None
        self.begun = False
        self.hung = False
        """Whether its last process was killed because it hung."""
        self._run_dir = run_dir
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process in its own session, so that Ctrl-C reaches only the supervisor."""
        command = [
            sys.executable,
            "-I",
            "-S",
            str(LEASH),
            str(os.getpid()),
            *self.spec.command,
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**ALLOCATOR, **os.environ, **self.spec.environment},
            **groups.new_group(),
        )
        self.started_at = time.monotonic()
        self.begun = True
        self.restart_at = None
        # Without room for the file the process runs all the same; only a killed supervisor's successor would miss it.
        with suppress(OSError):
            pidfiles.write(self._run_dir, self.name, self._process.pid)
        self._reader = threading.Thread(target=self._read, args=(self._process,), name=f"log-{self.name}", daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as stream:
            for raw in stream:
                text = raw.decode("utf-8", errors="replace").rstrip()
                if text and not any(noise in text for noise in self.spec.noise):
                    self._log.line(self.name, text)

    def note_exit(self, now: float) -> int | None:
        """Plan the restart of a process that has just ended; returns its exit code once."""
        if self._process is None or self.restart_at is not None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        # One that hangs was "stable" until it was noticed: only a longer life counts for it.
        if now - self.started_at > (STEADY_AFTER_HANG_SECONDS if self.hung else STABLE_AFTER_SECONDS):
            self.failures = 0
        pause = BACKOFF_SECONDS[min(self.failures, len(BACKOFF_SECONDS) - 1)]
        self.failures += 1
        self.restart_at = now + pause
        self._join_reader()
        return code

    def ask_to_stop(self) -> None:
        """Tell it to end; whatever restart was planned is off."""
        self.restart_at = None
        if self._process is not None:
            groups.ask_to_stop(self._process)

    def kill(self) -> None:
        """Kill its whole process group."""
        if self._process is not None:
            groups.kill(self._process)

    def kill_hung(self) -> None:
        """Kill a process that is alive and does nothing any more."""
        self.hung = True
        self.kill()

    def wait(self, deadline: float) -> bool:
        """Wait until the process has ended; False when `deadline` (monotonic) passed first."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        self._join_reader()
        pidfiles.remove(self._run_dir, self.name)
        return True

    def _join_reader(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._reader is not None:
            self._reader.join(timeout=0.5)
