"""Composed faults with processes that really die: a stream of orders, one blow, and what it may cost."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trading.orders.runtime import crashpoints


class Blow(StrEnum):
    """What happens to a process, a socket or a database while orders stream in."""

    WORKER_KILLED = "trade worker killed"
    WORKER_KILLED_AT = "trade worker killed at a crash point"
    WORKER_STOPPED_SHORT = "trade worker stopped for less than its lease"
    WORKER_STOPPED_LONG = "trade worker stopped for longer than its lease"
    WORKER_REPLACED = "trade worker stopped, another one takes the host, the first goes on"
    WORKER_ENDED = "trade worker told to end in order"
    TERMINAL_KILLED = "terminal killed"
    TERMINAL_STOPPED = "terminal stopped for a while"
    LINK_CUT = "sockets cut"
    LINK_CUT_SILENTLY = "sockets cut without a word"
    VALKEY_KILLED = "Valkey killed"
    VALKEY_STOPPED = "Valkey stopped for a while"
    DATABASE_LOCKED = "database locked for a while"
    POSTGRES_RESTARTED = "PostgreSQL stopped and started"
    POSTGRES_CRASHED = "PostgreSQL ended as by a crash"
    EVERYTHING_KILLED = "worker, terminal and Valkey killed"


#: Ends of orders that the terminal does not have. Where nothing is listed, every accepted order must be there.
LATE: Final = frozenset({"EXPIRED"})
UNSEEN: Final = frozenset({"EXPIRED", "NOT_FOUND"})
ABSENT_ENDS: Final[dict[Blow, frozenset[str]]] = {
    Blow.WORKER_KILLED: UNSEEN,
    Blow.WORKER_KILLED_AT: UNSEEN,
    # The last look finds the claim too old.
    Blow.WORKER_STOPPED_SHORT: UNSEEN,
    Blow.WORKER_STOPPED_LONG: UNSEEN,
    Blow.WORKER_REPLACED: UNSEEN,
    Blow.WORKER_ENDED: LATE,
    Blow.TERMINAL_KILLED: UNSEEN,
    Blow.TERMINAL_STOPPED: UNSEEN,
    Blow.LINK_CUT: UNSEEN,
    Blow.LINK_CUT_SILENTLY: UNSEEN,
    Blow.DATABASE_LOCKED: UNSEEN,
    Blow.POSTGRES_RESTARTED: UNSEEN,
    Blow.POSTGRES_CRASHED: UNSEEN,
    Blow.EVERYTHING_KILLED: UNSEEN,
}
#: Only these may refuse an order that is placed while they last, because the session is seen to be down.
POSTGRES: Final = frozenset({Blow.POSTGRES_RESTARTED, Blow.POSTGRES_CRASHED})
COUNT: Final = 60
_CRASHES: Final = (
    crashpoints.BEFORE_CLAIM,
    crashpoints.AFTER_CLAIM,
    crashpoints.BEFORE_SUBMIT,
    crashpoints.AFTER_SUBMIT,
    crashpoints.BEFORE_STORE,
    crashpoints.AFTER_STORE,
    crashpoints.AFTER_CANCEL_CLAIM,
    crashpoints.AFTER_CANCEL,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """One order of the stream; cancelled behind it if so wished."""

    crossing: bool
    quantity: int
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """One composed run: the blow comes behind the order of that number."""

    seed: int
    blow: Blow
    point: str
    wishes: tuple[Wish, ...]
    at: int
    seconds: float
    lost_responses: int

    def __str__(self) -> str:
        where = f" ({self.point})" if self.point else ""
        return (
            f"seed {self.seed}: {self.blow}{where} behind order {self.at + 1} of {len(self.wishes)}, for {self.seconds} s, "
            f"{sum(wish.cancelled for wish in self.wishes)} cancelled, {self.lost_responses} responses lost"
        )

    @property
    def absent_ends(self) -> frozenset[str]:
        """Right ends of an order that the terminal does not have."""
        ends = ABSENT_ENDS.get(self.blow, frozenset())
        # Its cancel came before it left.
        return ends | {"CANCELLED"} if any(wish.cancelled for wish in self.wishes) else ends


def compose(seed: int) -> Stream:
    """The stream of a seed; every kind of blow comes up in turn."""
    chance = random.Random(f"order blows {seed}")
    blows = list(Blow)
    blow = blows[seed % len(blows)]
    count = chance.randint(3, 7)
    seconds = {
        Blow.WORKER_STOPPED_SHORT: 1.5,
        Blow.WORKER_STOPPED_LONG: 5.0,
        Blow.TERMINAL_STOPPED: 2.5,
        Blow.VALKEY_STOPPED: 2.0,
        Blow.DATABASE_LOCKED: chance.choice((1.0, 3.0)),
        Blow.POSTGRES_RESTARTED: 1.0,
        Blow.POSTGRES_CRASHED: 0.5,
    }.get(blow, 0.3)
    point = _CRASHES[seed // len(blows) % len(_CRASHES)] if blow is Blow.WORKER_KILLED_AT else ""
    wishes = tuple(
        Wish(crossing=chance.random() < 0.5, quantity=100 * chance.randint(1, 9), cancelled=chance.random() < 0.3)
        for _ in range(count)
    )
    if "cancel" in point:
        # It dies at its first cancel: there must be one.
        wishes = (Wish(crossing=False, quantity=100, cancelled=True), *wishes[1:])
    return Stream(seed, blow, point, wishes, chance.randrange(count), seconds, chance.choice((0, 0, 1, 2)))
