"""Runtimes of which a process has one at most: an SDK session is the process's, not a caller's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class HostRuntime(Protocol):
    """What runs for one QMT host."""

    host_name: str


T = TypeVar("T", bound=HostRuntime)


class RuntimeSlot(Generic[T]):
    """The place of one kind of runtime in this process.

    Parameters
    ----------
    kind
        Names it in errors.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self._current: T | None = None

    @property
    def current(self) -> T | None:
        """The runtime of this process, if it runs one."""
        return self._current

    def fill(self, make: Callable[[], T]) -> T:
        """Make the process's runtime.

        Raises
        ------
        RuntimeError
            There is one already; nothing was made.
        """
        with self._lock:
            if self._current is not None:
                raise RuntimeError(f"this process already runs the {self._kind} runtime of {self._current.host_name}")
            self._current = make()
            return self._current

    def empty(self, runtime: T) -> None:
        """The runtime has ended; another one's place is left alone."""
        with self._lock:
            if self._current is runtime:
                self._current = None
