"""What may happen to an order, composed by a seed: orders × trouble × crash × people, and what must come of it.

A scenario is a pure function of its seed. What it expects is said before it runs: whether the order must be at the
broker, must not be there, or may; and which ends are right for an order the broker does not have. What the broker
has, it decides: our row must then say the same (`tests.faults.books`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from qmt.terminal.faults import Fault, FaultAction
from trading.orders.runtime import crashpoints


class Shape(StrEnum):
    """What is ordered, and what an undisturbed market makes of it."""

    CROSS = "buy that fills at once"
    REST = "buy that rests"
    PART = "buy that fills in part and rests"
    NEAR = "buy at the best bid, filled as time passes"
    JUNK = "buy outside the price cage, junked by the exchange"
    SELL_CROSS = "sale that fills at once"
    SELL_REST = "sale that rests"


class Trouble(StrEnum):
    """What the terminal, the link, the database or the wake does."""

    NONE = "nothing"
    RESPONSE_LOST = "response lost"
    RESPONSE_LATE = "response within its deadline, late"
    RESPONSE_TOO_LATE = "response after its deadline"
    RESPONSE_TWICE = "response twice"
    RESPONSE_OVERTAKEN = "response overtaken by pushes"
    ORDER_PUSHES_LOST = "order pushes lost"
    TRADE_PUSHES_LOST = "fill pushes lost"
    MONEY_PUSHES_LOST = "asset and position pushes lost"
    ALL_PUSHES_LOST = "all pushes lost"
    ALL_LOST = "response and all pushes lost"
    PUSHES_TWICE = "all pushes twice"
    PUSHES_SWAPPED = "pushes swapped"
    QUERIES_LOST = "response, pushes and queries lost"
    CALL_HANGS = "submit call hangs"
    REJECTED = "rejected with words"
    REFUSED_SILENTLY = "-1 without words"
    LINK_DROPPED = "link dropped before the call, unannounced"
    LINK_DROPPED_AFTER = "link dropped behind the call"
    RESTARTED = "terminal restarted behind the call"
    NEXT_DAY = "terminal restarted on the next day"
    CONNECT_REFUSED = "link dropped, reconnects refused"
    WOKEN_OFTEN = "woken eight times at once"
    NOT_WOKEN = "not woken"
    DATABASE_AWAY = "database away behind the claim"
    DATABASE_LOCKED = "account's book locked behind the call"
    LEASE_STOLEN = "lease lost behind the claim"
    TOO_OLD = "past its time to live"
    CLAIM_TOO_OLD = "worker stopped between claim and last look"


class Act(StrEnum):
    """What people do meanwhile."""

    NOTHING = "nobody does anything"
    CANCEL_QUEUED = "cancelled while queued"
    CANCEL_CLAIMED = "cancelled behind the claim"
    CANCEL_SENT = "cancelled behind the call"
    CANCEL_WORKING = "cancelled once known"
    CANCEL_RACES_FILL = "cancelled while it fills"
    CANCEL_LOST = "cancelled, its answer lost"
    CANCEL_BY_HAND = "cancelled in the terminal"
    HALT_QUEUED = "halted while queued"
    HALT_CLAIMED = "halted behind the claim"
    HALT_SENT = "halted behind the call"
    GRANT_QUEUED = "grant withdrawn while queued"
    GRANT_CLAIMED = "grant withdrawn behind the claim"
    ORDER_BY_HAND = "another order placed in the terminal"
    TWIN_KEY = "submitted twice under one key"


class Fate(StrEnum):
    """Whether the broker ends up with the order."""

    THERE = "at the broker"
    ABSENT = "not at the broker"
    EITHER = "either"


_PUSHES: Final = ("push:order", "push:trade", "push:asset", "push:position")


def _lose(*targets: str) -> tuple[Fault, ...]:
    return tuple(Fault(FaultAction.LOSE, target, count=1 if target == "orderStock" else -1) for target in targets)


#: What is armed at the terminal before the order is placed.
ARMED: Final[dict[Trouble, tuple[Fault, ...]]] = {
    Trouble.RESPONSE_LOST: _lose("orderStock"),
    Trouble.RESPONSE_LATE: (Fault(FaultAction.DELAY, "orderStock", seconds=0.3),),
    Trouble.RESPONSE_TOO_LATE: (
        Fault(FaultAction.DELAY, "orderStock", seconds=1.6),
        *_lose("push:order", "push:trade"),
    ),
    Trouble.RESPONSE_TWICE: (Fault(FaultAction.DUPLICATE, "orderStock"),),
    Trouble.RESPONSE_OVERTAKEN: (Fault(FaultAction.REORDER, "orderStock"),),
    Trouble.ORDER_PUSHES_LOST: _lose("push:order"),
    Trouble.TRADE_PUSHES_LOST: _lose("push:trade"),
    Trouble.MONEY_PUSHES_LOST: _lose("push:asset", "push:position"),
    Trouble.ALL_PUSHES_LOST: _lose(*_PUSHES),
    Trouble.ALL_LOST: _lose("orderStock", *_PUSHES),
    Trouble.PUSHES_TWICE: tuple(Fault(FaultAction.DUPLICATE, target, count=-1) for target in _PUSHES),
    Trouble.PUSHES_SWAPPED: tuple(Fault(FaultAction.REORDER, target, count=3) for target in _PUSHES),
    Trouble.QUERIES_LOST: _lose("orderStock", "push:order", "push:trade", "queryStockOrders"),
    Trouble.CALL_HANGS: (Fault(FaultAction.HANG, "orderStock"),),
    Trouble.REJECTED: (Fault(FaultAction.REJECT, "orderStock", message="资金不足"),),
    Trouble.REFUSED_SILENTLY: (Fault(FaultAction.REFUSE_SILENTLY, "orderStock"),),
    Trouble.CONNECT_REFUSED: (Fault(FaultAction.REFUSE_CONNECT, "connect", count=4),),
}

PROVEN_ABSENT: Final = frozenset({"NOT_FOUND"})

#: Trouble that decides by itself where the order is: there or not, and the ends of one that is not.
_FATES: Final[dict[Trouble, tuple[Fate, frozenset[str]]]] = {
    Trouble.CALL_HANGS: (Fate.EITHER, PROVEN_ABSENT),
    Trouble.REJECTED: (Fate.ABSENT, frozenset({"REJECTED"})),
    Trouble.REFUSED_SILENTLY: (Fate.ABSENT, PROVEN_ABSENT),
    Trouble.LINK_DROPPED: (Fate.EITHER, PROVEN_ABSENT | {"EXPIRED"}),
    Trouble.CONNECT_REFUSED: (Fate.EITHER, PROVEN_ABSENT | {"EXPIRED"}),
    Trouble.DATABASE_AWAY: (Fate.EITHER, PROVEN_ABSENT | {"EXPIRED"}),
    Trouble.LEASE_STOLEN: (Fate.ABSENT, frozenset({"EXPIRED"})),
    Trouble.TOO_OLD: (Fate.ABSENT, frozenset({"EXPIRED"})),
    Trouble.CLAIM_TOO_OLD: (Fate.ABSENT, frozenset({"EXPIRED"})),
}
#: Where the order is when the worker dies at a point.
_CRASHES: Final[dict[str, tuple[Fate, frozenset[str]]]] = {
    # Queued, and the next owner of the host takes the authority it was accepted under.
    crashpoints.BEFORE_CLAIM: (Fate.ABSENT, frozenset({"EXPIRED"})),
    crashpoints.AFTER_CLAIM: (Fate.ABSENT, PROVEN_ABSENT),
    crashpoints.BEFORE_SUBMIT: (Fate.ABSENT, PROVEN_ABSENT),
    crashpoints.AFTER_SUBMIT: (Fate.THERE, frozenset()),
    crashpoints.BEFORE_STORE: (Fate.THERE, frozenset()),
    crashpoints.AFTER_STORE: (Fate.THERE, frozenset()),
    crashpoints.AFTER_CANCEL_CLAIM: (Fate.THERE, frozenset()),
    crashpoints.AFTER_CANCEL: (Fate.THERE, frozenset()),
    crashpoints.AFTER_QUERY: (Fate.EITHER, PROVEN_ABSENT | {"EXPIRED"}),
}
_ACTS: Final[dict[Act, tuple[Fate, frozenset[str]]]] = {
    Act.CANCEL_QUEUED: (Fate.EITHER, frozenset({"CANCELLED"})),
    Act.HALT_QUEUED: (Fate.ABSENT, frozenset({"EXPIRED"})),
    Act.HALT_CLAIMED: (Fate.ABSENT, frozenset({"EXPIRED"})),
    Act.GRANT_QUEUED: (Fate.ABSENT, frozenset({"EXPIRED"})),
    Act.GRANT_CLAIMED: (Fate.ABSENT, frozenset({"EXPIRED"})),
}
_CANCELS: Final = frozenset(
    {Act.CANCEL_QUEUED, Act.CANCEL_CLAIMED, Act.CANCEL_SENT, Act.CANCEL_WORKING, Act.CANCEL_RACES_FILL, Act.CANCEL_LOST}
)
#: Trouble after which nothing is claimed or called, so that what waits behind a claim or a call would never happen.
_BEFORE_THE_CALL: Final = frozenset(
    {Trouble.LEASE_STOLEN, Trouble.TOO_OLD, Trouble.CLAIM_TOO_OLD, Trouble.LINK_DROPPED, Trouble.CONNECT_REFUSED}
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One composed run.

    Attributes
    ----------
    lots
        Size of the order in round lots.
    passes
        How often the worker passes the crash point before it dies there.
    beside
        Other orders of the account, placed before and after, undisturbed by people.
    close_day
        End with the trade date's close instead of cancelling what still works.
    """

    seed: int
    shape: Shape
    lots: int
    trouble: Trouble
    act: Act
    crash: str
    passes: int
    beside: int
    close_day: bool

    def __str__(self) -> str:
        parts = [f"seed {self.seed}: {self.shape} ({self.lots} lots), {self.trouble}, {self.act}"]
        if self.crash:
            parts.append(f"killed at {self.crash} (after {self.passes})")
        if self.beside:
            parts.append(f"{self.beside} beside it")
        parts.append("day closed" if self.close_day else "rest cancelled")
        return ", ".join(parts)

    @property
    def fate(self) -> Fate:
        """Where the order must be in the end."""
        fates = [_FATES.get(self.trouble, (Fate.THERE, frozenset()))[0]]
        fates += [_ACTS.get(self.act, (Fate.THERE, frozenset()))[0]]
        if self.crash:
            fates.append(_CRASHES[self.crash][0])
            if self.crash in (crashpoints.BEFORE_STORE, crashpoints.AFTER_STORE) and self.beside:
                # The first thing stored may be about the others, before this one is claimed.
                fates.append(Fate.EITHER)
        # Two things that forbid the call agree; of two that only may, one may have come first.
        if Fate.ABSENT in fates:
            return Fate.ABSENT
        return Fate.EITHER if Fate.EITHER in fates else Fate.THERE

    @property
    def absent_ends(self) -> frozenset[str]:
        """Right ends of an order that the broker does not have."""
        ends = _FATES.get(self.trouble, (Fate.THERE, frozenset[str]()))[1]
        ends |= _ACTS.get(self.act, (Fate.THERE, frozenset[str]()))[1]
        if self.crash:
            # A later owner of the host takes the authority of whatever was still queued.
            ends |= _CRASHES[self.crash][1] | {"EXPIRED"}
            if self.crash in (crashpoints.AFTER_SUBMIT, crashpoints.BEFORE_STORE, crashpoints.AFTER_QUERY):
                ends |= PROVEN_ABSENT
            if self.crash == crashpoints.AFTER_STORE and self.beside:
                # The first thing stored may be about the others: what the broker said of this one is then lost with the worker.
                ends |= PROVEN_ABSENT
        if self.act in _CANCELS and ends & {"EXPIRED"}:
            ends |= {"CANCELLED"}  # withheld while its cancel was wanted
        return ends

    @property
    def cancels(self) -> bool:
        """Whether somebody asks for a cancel."""
        return self.act in _CANCELS


def compose(seed: int) -> Scenario:
    """The scenario of a seed; what cannot happen together is drawn again.

    Each seed features one thing, in turn a kind of trouble, a crash point and an act of people, so that every one of
    them comes up in every range of some forty seeds; everything around it is drawn.
    """
    chance = random.Random(f"order faults {seed}")
    turn, feature = divmod(seed, 3)
    troubles, points, acts = list(Trouble), sorted(crashpoints.POINTS), list(Act)
    while True:
        crash = points[turn % len(points)] if feature == 1 else chance.choice((*[""] * len(points), *points))
        act = acts[turn % len(acts)] if feature == 2 else chance.choice((*[Act.NOTHING] * len(acts), *acts))
        scenario = Scenario(
            seed=seed,
            shape=chance.choice(list(Shape)),
            lots=chance.choice((1, 2, 3, 5, 8)),
            trouble=troubles[turn % len(troubles)] if feature == 0 else chance.choice(troubles),
            act=act,
            crash=crash,
            passes=chance.choice((0, 0, 1, 2)) if crash in (crashpoints.BEFORE_STORE, crashpoints.AFTER_STORE) else 0,
            beside=chance.choice((0, 0, 1, 2)),
            close_day=chance.random() < 0.25,
        )
        if _is_possible(scenario):
            return scenario


def _is_possible(scenario: Scenario) -> bool:
    shape, trouble, act, crash = scenario.shape, scenario.trouble, scenario.act, scenario.crash
    if act is Act.CANCEL_RACES_FILL and shape is not Shape.NEAR:
        return False
    if act is Act.CANCEL_BY_HAND and shape not in (Shape.REST, Shape.PART, Shape.SELL_REST):
        return False
    if crash in (crashpoints.AFTER_CANCEL, crashpoints.AFTER_CANCEL_CLAIM):
        # It must come to a cancel at the terminal.
        if act not in (Act.CANCEL_WORKING, Act.CANCEL_SENT) or shape not in (Shape.REST, Shape.SELL_REST):
            return False
        if trouble in _FATES or trouble is Trouble.NEXT_DAY:
            return False
    claimed = act in (Act.CANCEL_CLAIMED, Act.HALT_CLAIMED, Act.GRANT_CLAIMED)
    sent = act in (Act.CANCEL_SENT, Act.HALT_SENT)
    if crash == crashpoints.BEFORE_CLAIM and (claimed or sent or trouble in _BEFORE_THE_CALL):
        return False
    if crash in (crashpoints.AFTER_CLAIM, crashpoints.BEFORE_SUBMIT) and (sent or trouble in _BEFORE_THE_CALL):
        return False
    if trouble in _BEFORE_THE_CALL and (claimed or sent or (crash and crash != crashpoints.AFTER_QUERY)):
        return False
    stopped = act in (Act.HALT_QUEUED, Act.HALT_CLAIMED, Act.GRANT_QUEUED, Act.GRANT_CLAIMED, Act.CANCEL_QUEUED)
    if stopped and (crash or trouble in _FATES):
        return False  # the trouble would never be met
    if trouble is Trouble.NEXT_DAY:
        # What was open ends with its day; nothing can be asked of yesterday any more.
        return act in (Act.NOTHING, Act.TWIN_KEY) and not crash and shape in (Shape.CROSS, Shape.REST, Shape.SELL_CROSS)
    if trouble is Trouble.DATABASE_AWAY and (crash or act is not Act.NOTHING):
        return False
    return not (
        trouble in (Trouble.REJECTED, Trouble.REFUSED_SILENTLY) and crash == crashpoints.AFTER_STORE and scenario.passes
    )
