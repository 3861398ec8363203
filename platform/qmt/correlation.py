"""Which order a response belongs to: by the call's sequence number and by the order's tag, never by an order id alone.

A response may arrive before ``order_stock_async`` has returned its number, and a refused order's response may carry
no remark. Such an early response is held back until the number is known.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, Generic, TypeVar

R = TypeVar("R")

_REMEMBERED: Final = 10_000


class Correlator(Generic[R]):
    """Tags by sequence number for one session; ``R`` is what is held back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tags: OrderedDict[int, str] = OrderedDict()
        self._early: dict[int, list[R]] = {}
        self._in_flight = 0

    def begin(self) -> None:
        """A call is about to be made; its number is not known yet."""
        with self._lock:
            self._in_flight += 1

    def sent(self, seq: int, tag: str) -> list[tuple[int, R]]:
        """The call returned its number: returns what came early and can be told now."""
        with self._lock:
            self._tags[seq] = tag
            if len(self._tags) > _REMEMBERED:
                self._tags.popitem(last=False)
            own = [(seq, item) for item in self._early.pop(seq, [])]
            return own + self._landed()

    def failed(self) -> list[tuple[int, R]]:
        """The call gave no number: returns what can be told now."""
        with self._lock:
            return self._landed()

    def _landed(self) -> list[tuple[int, R]]:
        """One call is back. With none out, nobody will ever claim what is still held back."""
        self._in_flight -= 1
        if self._in_flight:
            return []
        orphans = [(seq, item) for seq, items in self._early.items() for item in items]
        self._early.clear()
        return orphans

    def tag(self, seq: int) -> str:
        """The tag of a known number; empty for another."""
        with self._lock:
            return self._tags.get(seq, "")

    def hold(self, seq: int, item: R) -> bool:
        """Hold an item back for a number that is not known yet; False when nothing that is out could have it."""
        with self._lock:
            if seq in self._tags or not self._in_flight:
                return False
            self._early.setdefault(seq, []).append(item)
            return True
