"""What goes wrong on purpose: the switches behind the control channel and the in-process face.

A fault names an action and a target, and stays for a number of uses (or until it is cleared). The parts of the
terminal ask for it at the one place where the real thing goes wrong: on the way out of a response, before a download
lands, while a history is read.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

EVERY: Final = "*"
UNLIMITED: Final = -1


class FaultAction(StrEnum):
    """What to do to the target."""

    # Trade frames. Targets: a native operation ("orderStock", "queryStockAsset", …) or a push ("push:order",
    # "push:trade", …).
    LOSE = "lose"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    # The native call itself never returns. Targets: native operations.
    HANG = "hang"
    # Target "orderStock": answered with −1, with or without the broker's words.
    REJECT = "reject"
    REFUSE_SILENTLY = "refuse_silently"
    # Target "connect": the terminal answers −1 to new sessions.
    REFUSE_CONNECT = "refuse_connect"
    # Target "download": fails with words, fails because it is asked too often, never reports progress, lands only a
    # part, lands late.
    FAIL = "fail"
    THROTTLE = "throttle"
    STALL = "stall"
    PARTIAL = "partial"
    SLOW_LANDING = "slow_landing"
    # Target: a symbol. Reads deliver flat rows where nothing is, even with fill_data=False, even on a Saturday.
    PADDING = "padding"
    # Target: a symbol. The source has no bars of some days (message: YYYYMMDD, or YYYYMMDD-YYYYMMDD, separated by commas)
    # or of some minutes of a day (YYYYMMDDHHMM), whatever was downloaded. Stays as long as it is armed.
    HOLES = "holes"
    # Target: a sector name. Its members are missing, or are another sector's.
    EMPTY_SECTOR = "empty_sector"
    WRONG_SECTOR = "wrong_sector"
    # Target: a symbol. No quotes are pushed although the market moves.
    SILENT_QUOTES = "silent_quotes"


@dataclass(frozen=True, slots=True)
class Fault:
    """One armed fault. ``count`` uses are left (−1: until cleared); ``seconds`` and ``message`` are used by actions that need them."""

    action: FaultAction
    target: str = EVERY
    count: int = 1
    seconds: float = 1.0
    message: str = ""


class FaultPlan:
    """The armed faults; thread-safe."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._used: Counter[str] = Counter()

    def arm(self, fault: Fault) -> None:
        """Add a fault."""
        if fault.count == 0 or fault.count < UNLIMITED or fault.seconds < 0:
            raise ValueError(f"not a fault: {fault}")
        with self._lock:
            self._armed.append(fault)

    def clear(self, action: FaultAction | None = None, target: str | None = None) -> None:
        """Disarm matching faults (all by default) and let hanging calls go on."""
        with self._lock:
            self._armed = [
                fault
                for fault in self._armed
                if (action is not None and fault.action != action) or (target is not None and fault.target != target)
            ]
            released, self._released = self._released, threading.Event()
        released.set()

    def armed(self) -> list[Fault]:
        """What is armed now."""
        with self._lock:
            return list(self._armed)

    def used(self) -> dict[str, int]:
        """How often each ``action:target`` struck."""
        with self._lock:
            return dict(self._used)

    def take(self, target: str, *actions: FaultAction) -> Fault | None:
        """Use up one matching fault; None when the target is healthy."""
        with self._lock:
            for place, fault in enumerate(self._armed):
                if fault.action in actions and fault.target in (target, EVERY):
                    if fault.count == 1:
                        del self._armed[place]
                    elif fault.count > 1:
                        self._armed[place] = replace(fault, count=fault.count - 1)
                    self._used[f"{fault.action}:{target}"] += 1
                    return fault
        return None

    def standing(self, target: str, action: FaultAction) -> list[Fault]:
        """Faults of one action that are armed for the target, without using them up."""
        with self._lock:
            return [fault for fault in self._armed if fault.action == action and fault.target in (target, EVERY)]

    def hang_gate(self, target: str) -> threading.Event | None:
        """Use up a hang armed for the target: the event that lets the call go on; None when it need not wait."""
        if self.take(target, FaultAction.HANG) is None:
            return None
        with self._lock:
            return self._released
