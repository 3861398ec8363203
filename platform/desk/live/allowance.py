"""How many messages a client may send."""

from __future__ import annotations

import time

BURST_MESSAGES = 200
MESSAGES_PER_SECOND = 50.0


class Allowance:
    """A bucket that each message takes one from and that time fills again."""

    def __init__(self) -> None:
        self._left = float(BURST_MESSAGES)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Whether one more message is within the allowance."""
        now = time.monotonic()
        self._left = min(BURST_MESSAGES, self._left + (now - self._at) * MESSAGES_PER_SECOND) - 1
        self._at = now
        return self._left >= 0
