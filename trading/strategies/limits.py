"""Bounds of a process that runs a strategy's code. Knows no Django.

Memory: on Linux the kernel refuses it more than so much (RLIMIT_DATA: its heap, mapped memory and stacks of threads); Python
then raises MemoryError where it was asked for. Elsewhere nothing bounds it but the machine: run strategies on Linux.
Processor: it gives way to the processes that trade (a nice value of 5), and core dumps are off. Time: see `Guard`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

NICE = 5
GUARD_SECONDS = 0.25
EXIT_TOO_SLOW = 76
"""Exit code of a process whose handler took too long."""


def bound_process(memory_mb: int) -> bool:
    """Bound this process for good; returns whether its memory is bounded."""
    if not sys.platform.startswith("linux"):
        return False
    import resource

    size = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICE)
    return True


class Guard:
    """Ends the process when a handler does not return in time.

    A thread watches, because no handler can be interrupted from outside: a loop in Python would swallow an exception.
    Code that holds the interpreter (a long call into C) keeps the thread from looking; then the heartbeat falls
    silent and the keeper kills the process.

    Parameters
    ----------
    seconds
        What one handler may take.
    on_late
        Called once on the watching thread, to say so, before the process ends.
    """

    def __init__(self, seconds: float, on_late: Callable[[], None], *, end: Callable[[int], None] = os._exit) -> None:
        self._seconds = seconds
        self._on_late = on_late
        self._end = end
        self._until: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="strategy-guard", daemon=True)
        self._thread.start()

    @contextmanager
    def handler(self) -> Iterator[None]:
        """The time that one handler has."""
        self._until = time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._until = None

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while not self._stopped.wait(GUARD_SECONDS):
            until = self._until
            if until is not None and time.monotonic() > until:
                try:
                    self._on_late()
                except Exception:
                    log.exception("a handler that took too long could not be noted")
                self._end(EXIT_TOO_SLOW)
                return
