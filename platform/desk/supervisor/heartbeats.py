"""The heartbeats of all processes, read beside the supervisor: a database that hangs must not hang it too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Ages = Callable[[], Mapping[str, float]]
"""Age in seconds of each process's last successful loop, by heartbeat name; empty while none can be read or written."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of heartbeats, and since when without a gap (monotonic).

    While the database was away nobody could prove anything: a process is silent only for what it could have said since.
    """

    ages: Mapping[str, float] = field(default_factory=dict)
    since: float = 0.0


NOTHING = Known()


class HeartbeatReader:
    """Reads the ages again and again on a thread of its own.

    Parameters
    ----------
    read : callable
        May raise nothing; may hang.
    interval_seconds : float
        Pause between two reads. What is older than two of them counts as nothing.
    """

    def __init__(self, read: Ages, interval_seconds: float) -> None:
        self._read = read
        self._interval = interval_seconds
        self._known = NOTHING
        self._read_at = 0.0
        self._stop = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="heartbeats", daemon=True).start()

    def stop(self) -> None:
        """Read no more; a read that hangs is left alone."""
        self._stop.set()

    def known(self) -> Known:
        """What was read last; nothing while the database does not answer."""
        known, read_at = self._known, self._read_at
        return known if time.monotonic() - read_at <= 2 * self._interval else NOTHING

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            ages = self._read()
            now = time.monotonic()
            # An answer that took long is the end of a gap, not knowledge of what was meanwhile.
            without_gap = bool(self._known.ages) and now - began <= self._interval
            self._known = Known(ages, self._known.since if without_gap else now) if ages else NOTHING
            self._read_at = now
            self._stop.wait(self._interval)
