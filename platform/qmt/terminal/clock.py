"""Market clocks: a simulated one that runs day and night, and one for tests that is set by hand."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells market time."""

    def now_ms(self) -> int:
        """Market time in epoch milliseconds; never goes back."""


class ManualClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Market time in epoch milliseconds."""
        return self._now_ms

    def set(self, now_ms: int) -> None:
        """Move to a moment.

        Raises
        ------
        ValueError
            When it lies in the past: market time never goes back.
        """
        if now_ms < self._now_ms:
            raise ValueError(f"market time cannot go back from {self._now_ms} to {now_ms}")
        self._now_ms = now_ms

    def advance(self, seconds: float) -> None:
        """Move forward."""
        self.set(self._now_ms + round(seconds * 1000))
