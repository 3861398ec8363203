"""How often one terminal is asked: a budget per minute, a rest between calls, and a long one when it complains."""

from __future__ import annotations

import time
from collections.abc import Callable

from desk.settings.marketdata_schema import RepairConfig

#: The rest after a complaint grows up to so many times the configured one.
LONGEST_REST = 8


class Pace:
    """Paces the download calls to one terminal. Used by one thread.

    Calls come out of a bucket that holds a minute's worth: a short repair is never slowed down, a long one settles at
    the configured rate.

    Parameters
    ----------
    config
        Rate and rests; read at each call.
    sleep
        Waits; may return early when the process stops.
    now
        Monotonic seconds.
    """

    def __init__(
        self,
        config: Callable[[], RepairConfig],
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._sleep = sleep
        self._now = now
        self._left: float | None = None
        self._counted_at = 0.0
        self._called_at: float | None = None
        self._complaints = 0
        self._rest_until = 0.0

    @property
    def complaints(self) -> int:
        """How often in a row the terminal has complained."""
        return self._complaints

    def resting_seconds(self) -> float:
        """How long the terminal is to be left alone still; 0 when it may be asked."""
        return max(self._rest_until - self._now(), 0.0)

    def wait(self) -> float:
        """Wait for the next call's turn; returns the seconds waited."""
        config, began = self._config(), self._now()
        if self._called_at is not None:
            self._pause(self._called_at + config.pause_seconds - self._now())
        per_second = config.calls_per_minute / 60
        self._refill(per_second, config.calls_per_minute)
        if self._left is not None and self._left < 1:
            self._pause((1 - self._left) / per_second)
            self._refill(per_second, config.calls_per_minute)
        self._left = max((self._left or 0.0) - 1, 0.0)
        self._called_at = self._now()
        return self._called_at - began

    def complained(self) -> float:
        """The terminal said that it is asked too much; returns how long it is left alone."""
        rest = self._config().throttled_pause_seconds * min(1 << self._complaints, LONGEST_REST)
        self._complaints += 1
        self._rest_until = self._now() + rest
        return rest

    def answered(self) -> None:
        """A call went through: complaints are counted anew."""
        self._complaints = 0

    def _refill(self, per_second: float, capacity: float) -> None:
        now = self._now()
        left = capacity if self._left is None else self._left + (now - self._counted_at) * per_second
        self._left, self._counted_at = min(left, capacity), now

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)
