"""How many calls may wait in one process: each holds a thread of it, and the others' must not run out."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ops.errors import Code, DeskError, Unavailable


class Turnstile:
    """Lets so many through at once, and so many of one person.

    Parameters
    ----------
    total, each
        Most calls that wait in this process, and most of one person.
    """

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._waiting: Counter[int] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def passing(self, user_id: int) -> Iterator[None]:
        """Count a person in for the block.

        Raises
        ------
        DeskError
            429 RATE_LIMITED: this person's other calls wait still.
        Unavailable
            UNAVAILABLE: everybody's do.
        """
        with self._lock:
            if self._waiting[user_id] >= self._each:
                words = f"{self._each} of your calls wait for answers already"
                raise DeskError(Code.RATE_LIMITED, words, status=429, retry_after_seconds=1)
            if self._waiting.total() >= self._total:
                raise Unavailable(Code.UNAVAILABLE, "too many calls wait for answers: try again in a moment")
            self._waiting[user_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[user_id] -= 1
                self._waiting += Counter()  # forgets who has none
