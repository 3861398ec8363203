"""Telling what may happen often without a line for each time: at once, and then how many more there were."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable

MAX_KEYS = 1_000


class Repeats:
    """Counts what happens under a key, and says when it is time to tell of it. Safe to share between threads.

    Parameters
    ----------
    seconds : float
        After a key was told of, nothing is told of it for so long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._keys: dict[Hashable, tuple[float, int]] = {}

    def note(self, key: Hashable) -> int:
        """Count one more; how many there were since the last telling when they are to be told now, else 0."""
        now = time.monotonic()
        with self._lock:
            told_at, untold = self._keys.pop(key, (-self._seconds, 0))
            due = now - told_at >= self._seconds
            if len(self._keys) >= MAX_KEYS:
                # The one that was told of longest ago, or never changed since.
                del self._keys[next(iter(self._keys))]
            self._keys[key] = (now, 0) if due else (told_at, untold + 1)
        return untold + 1 if due else 0
