"""What a data worker counts of its downloads and writes. It travels in the worker's heartbeat, so that every host's is seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import monotonic


@dataclass(slots=True)
class Figures:
    """Counts since the process started; a restart begins anew, as Prometheus expects of counters.

    Attributes
    ----------
    downloads, download_seconds
        Download calls, and the time they took.
    rows
        Bars that were read back, found good and stored.
    rounds, retries
        Rounds worked per instrument, and how many of them were not the first.
    failed
        Instruments given up after their last round.
    throttled
        Times the terminal said that it is asked too much.
    writes, write_seconds
        Writes of verified bars, and the time they took.
    """

    downloads: int = 0
    download_seconds: float = 0.0
    rows: int = 0
    rounds: int = 0
    retries: int = 0
    failed: int = 0
    throttled: int = 0
    writes: int = 0
    write_seconds: float = 0.0


class Counting:
    """The figures of one process; safe to share between threads."""

    def __init__(self) -> None:
        self._figures = Figures()
        self._lock = threading.Lock()

    def add(self, **changes: float) -> None:
        """Add to figures by name."""
        with self._lock:
            for name, change in changes.items():
                setattr(self._figures, name, getattr(self._figures, name) + change)

    @contextmanager
    def timing(self, *, count: str, seconds: str) -> Iterator[None]:
        """Count what happens inside and the time it takes, whatever comes of it."""
        began = monotonic()
        try:
            yield
        finally:
            self.add(**{count: 1, seconds: monotonic() - began})

    def snapshot(self) -> dict[str, float]:
        """The figures as plain values."""
        with self._lock:
            return {name: round(value, 3) for name, value in asdict(self._figures).items()}
