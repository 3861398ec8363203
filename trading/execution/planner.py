"""What an execution does next. Pure: the same facts give the same decision, before and after any crash.

One rule holds for every kind: a leg's children together never ask for more than the leg. A child counts with its
whole quantity while it may trade, and with what it traded afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ops.errors import Code
from trading.execution.choices import FINAL, Kind, State
from trading.execution.facts import ChildFacts, Facts, LegFacts, Lots
from trading.execution.schedule import slices_due

#: An order that ended with a rest is taken at its word only after this long: a fill may be told after the end.
SETTLING: Final = timedelta(seconds=2)
#: After a child that traded nothing the next one waits this long.
PAUSE_AFTER_NOTHING: Final = timedelta(seconds=5)
#: So many children in a row that traded nothing pause a split.
MOST_IN_VAIN: Final = 5

#: Denials that pass: the leg tries again instead of ending.
PASSING: Final = frozenset(
    {
        Code.TERMINAL_DOWN,
        Code.HOST_MAINTENANCE,
        Code.RECONCILING,
        Code.SESSION_CLOSED,
        Code.MARKET_CLOCK_STALE,
        Code.LEASE_LOST,
        Code.ASSET_UNKNOWN,
        Code.DEADLINE_PASSED,
        Code.ORDER_EXPIRED,
        Code.AUTHORITY_CHANGED,
        Code.ORDER_RATE_LIMIT,
        Code.ACTIVE_ORDERS_LIMIT,
        Code.DUPLICATE_ORDER,
    }
)
#: Denials that are about the account, not about the order: everything stops.
BARRING: Final = frozenset(
    {
        Code.PLATFORM_HALTED,
        Code.PERSON_HALTED,
        Code.ACCOUNT_HALTED,
        Code.ACCOUNT_DISABLED,
        Code.ACCOUNT_READ_ONLY,
        Code.ACCOUNT_NOT_FOUND,
        Code.TRADE_NOT_GRANTED,
        Code.TOKEN_ENDED,
        Code.LIVE_NOT_AVAILABLE,
        Code.LIVE_NOT_CONFIRMED,
        Code.LIVE_NEEDS_BROKER_HOST,
        Code.PAPER_NEEDS_SIMULATED_HOST,
    }
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write and do.

    Attributes
    ----------
    state, ending, code
        The execution's next state; None where it stays.
    place
        (leg, child number, quantity) of new children.
    cancel
        (leg, child number) of children whose cancel is wanted now.
    void
        (leg, child number) of children that were decided on and are not placed any more.
    end
        (leg, code) of legs that are over.
    cancel_replaced
        The replaced order's cancel is wanted now.
    """

    state: State | None = None
    ending: str = ""
    code: str = ""
    place: tuple[tuple[int, int, int], ...] = ()
    cancel: tuple[tuple[int, int], ...] = ()
    void: tuple[tuple[int, int], ...] = ()
    end: tuple[tuple[int, str], ...] = ()
    cancel_replaced: bool = False

    @property
    def writes(self) -> bool:
        """Whether there is anything to store; cancels are wishes that the orders' own rows keep."""
        return bool(self.state or self.place or self.void or self.end)


NOTHING: Final = Decision()


def decide(facts: Facts) -> Decision:
    """The next step of an execution."""
    if facts.state in FINAL:
        return NOTHING
    if facts.state is State.STOPPING:
        return _wind_down(facts)
    if facts.state is State.PENDING_APPROVAL:
        return _pending(facts)
    if facts.barred:
        return Decision(state=State.STOPPING, ending=State.STOPPED, code=facts.barred)
    if (code := _barring_denial(facts)) is not None:
        return Decision(state=State.STOPPING, ending=State.STOPPED, code=code)
    if facts.day_over:
        return Decision(state=State.STOPPING, ending=State.INCOMPLETE, code=Code.SESSION_CLOSED)
    if all(leg.ended for leg in facts.legs):
        return _finished(facts)
    if facts.state is State.PAUSED:
        return Decision(end=tuple(_full(facts)))
    if facts.authority_changed:
        return Decision(state=State.PAUSED, code=Code.AUTHORITY_CHANGED)
    return _go_on(facts)


def _pending(facts: Facts) -> Decision:
    """Nothing of it is placed before somebody else has approved it."""
    if facts.barred:
        return Decision(state=State.STOPPED, code=facts.barred)
    if facts.approval_over:
        return Decision(state=State.STOPPED, code=Code.APPROVAL_EXPIRED)
    return Decision(state=State.STOPPED, code=Code.SESSION_CLOSED) if facts.day_over else NOTHING


def _finished(facts: Facts) -> Decision:
    complete = all(leg.complete for leg in facts.legs)
    old = facts.replaced
    if old is not None and not old.lost:
        # What the old order traded belongs to the whole.
        leg = facts.legs[0]
        proven = not any(child.unproven for child in leg.children)
        complete = proven and old.taken + leg.allocated >= leg.quantity
    return Decision(state=State.COMPLETED if complete else State.INCOMPLETE)


def _wind_down(facts: Facts) -> Decision:
    """Nothing is placed any more; what is out is cancelled; the end comes when everything has its final state.

    An order that was to be replaced is left alone: a cancel that is wanted already stands.
    """
    cancel = tuple(
        (leg.number, child.number)
        for leg in facts.legs
        for child in leg.open_children
        if child.placed and not child.cancel_wanted
    )
    void = tuple((leg.number, child.number) for leg in facts.legs for child in leg.open_children if not child.placed)
    waiting = any(child.placed for leg in facts.legs for child in leg.open_children)
    if waiting or void:
        return Decision(cancel=cancel, void=void)
    complete = all(leg.complete for leg in facts.legs)
    return Decision(state=State.COMPLETED if complete else State(facts.ending))


def _barring_denial(facts: Facts) -> str | None:
    for child in _new_endings(facts):
        if child.code in BARRING:
            return child.code
    return None


def _new_endings(facts: Facts) -> Iterator[ChildFacts]:
    """Children that ended since somebody last looked (resumed)."""
    since = facts.resumed_at
    for leg in facts.legs:
        for child in leg.children:
            if child.ended_at is not None and (since is None or child.ended_at > since):
                yield child


def _full(facts: Facts) -> Iterator[tuple[int, str]]:
    """Legs whose children have traded everything."""
    for leg in facts.legs:
        if not leg.ended and not leg.open_children and leg.remaining == 0:
            yield leg.number, _why(leg)


def _go_on(facts: Facts) -> Decision:
    match facts.kind:
        case Kind.BASKET | Kind.TARGET:
            return _basket(facts)
        case Kind.SPLIT:
            return _split(facts, facts.legs[0])
        case Kind.TWAP:
            return _twap(facts, facts.legs[0])
        case Kind.REPLACE:
            return _replace(facts, facts.legs[0])


# ------------------------------------------------------------------------------ baskets
def _basket(facts: Facts) -> Decision:
    """One child a leg: sales at once, buys as soon as their money is there, or no sale can bring any more.

    A child that was denied for a reason that passes has a successor, a few times.
    """
    end = [(leg.number, _why(leg)) for leg in facts.legs if not leg.ended and _is_over(leg)]
    place = []
    sales_over = all(leg.is_buy or leg.ended or _is_over(leg) for leg in facts.legs)
    last_chance = sales_over and facts.proceeds_confirmed
    for leg in facts.legs:
        if leg.ended or leg.open_children or _is_over(leg) or not facts.takes_orders or _resting(facts, leg):
            continue
        if not leg.is_buy or leg.affordable or last_chance:
            place.append((leg.number, _next_number(leg), leg.quantity))
    return Decision(end=tuple(end), place=tuple(place))


def _is_over(leg: LegFacts) -> bool:
    """Whether a leg that has one child has had it."""
    if not leg.children or leg.open_children:
        return False
    newest = leg.children[-1]
    again = not newest.taken and newest.code in PASSING and len(leg.children) < MOST_IN_VAIN
    return not again


def _why(leg: LegFacts) -> str:
    """Why a leg ended with less than it provably wanted; blank when it did not."""
    if leg.complete:
        return ""
    newest = next((child for child in leg.children if child.unproven), leg.children[-1])
    return newest.code or str(Code.CHILD_CANCELLED if newest.by_person else Code.ORDER_FINAL)


# ------------------------------------------------------------------- splits and windows
def _split(facts: Facts, leg: LegFacts) -> Decision:
    """One child after the other, each no larger than agreed."""
    if leg.open_children:
        return NOTHING
    if (stop := _stumble(facts, leg)) is not None:
        return stop
    size = child_size(leg, most=facts.child_quantity or leg.quantity, wanted=leg.remaining)
    if not size:
        return Decision(end=((leg.number, Code.QUANTITY_BELOW_MINIMUM if leg.remaining else _why(leg)),))
    if not facts.takes_orders or _resting(facts, leg):
        return NOTHING
    return Decision(place=((leg.number, _next_number(leg), size),))


def _twap(facts: Facts, leg: LegFacts) -> Decision:
    """One child a slice: its share and what earlier slices left over. A slice's child ends when the next begins."""
    if facts.starts_at is None or facts.ends_at is None or facts.slices is None:
        raise ValueError("a TWAP execution has a window and slices")
    due = slices_due(facts.starts_at, facts.ends_at, facts.slices, facts.market_time)
    over = facts.market_time >= facts.ends_at
    if leg.open_children:
        late = [child for child in leg.open_children if over or child.number < due]
        return Decision(
            cancel=tuple((leg.number, child.number) for child in late if child.placed and not child.cancel_wanted),
            void=tuple((leg.number, child.number) for child in late if not child.placed),
        )
    if (stop := _stumble(facts, leg)) is not None:
        return stop
    if leg.remaining == 0:
        return Decision(end=((leg.number, _why(leg)),))
    last = leg.children[-1].number if leg.children else 0
    if over or last >= facts.slices:
        return Decision(end=((leg.number, Code.DEADLINE_PASSED),))
    if due <= last or not facts.takes_orders or _resting(facts, leg):
        return NOTHING
    size = slice_size(leg, due=due, slices=facts.slices)
    return Decision(place=((leg.number, due, size),)) if size else NOTHING


def slice_size(leg: LegFacts, *, due: int, slices: int) -> int:
    """The child of slice `due` of `slices`: what should have been ordered by then and was not; 0 for none."""
    wanted = leg.quantity if due == slices else leg.quantity * due // slices
    return child_size(leg, most=leg.quantity, wanted=max(0, wanted - leg.allocated))


def _stumble(facts: Facts, leg: LegFacts) -> Decision | None:
    """A child that was denied for good ends the leg; one that a person cancelled, or many in vain, pause it."""
    fresh = [child for child in _new_endings(facts) if not child.open]
    if not fresh:
        return None
    newest = fresh[-1]
    if newest.by_person and leg.remaining:
        return Decision(state=State.PAUSED, code=Code.CHILD_CANCELLED)
    if newest.code and newest.code not in PASSING and not newest.taken:
        return Decision(state=State.PAUSED, code=newest.code)
    in_vain = [child for child in fresh[-MOST_IN_VAIN:] if not child.taken]
    if facts.kind is not Kind.TWAP and len(in_vain) == MOST_IN_VAIN:
        return Decision(state=State.PAUSED, code=Code.NO_PROGRESS)
    return None


def _resting(facts: Facts, leg: LegFacts) -> bool:
    """Whether the newest child ended too short a time ago for another to follow."""
    if not leg.children:
        return False
    newest = leg.children[-1]
    if newest.ended_at is None or newest.taken == newest.quantity:
        return False
    return facts.now - newest.ended_at < (SETTLING if newest.taken or not newest.code else PAUSE_AFTER_NOTHING)


def _next_number(leg: LegFacts) -> int:
    return leg.children[-1].number + 1 if leg.children else 1


def child_size(leg: LegFacts, *, most: int, wanted: int) -> int:
    """The largest order within `wanted` and `most` that the board takes and that leaves no rest it would not take.

    Returns
    -------
    int
        Shares; 0 when the board takes none. Never more than the leg has left.
    """
    size = min(most, wanted, leg.remaining)
    if not leg.is_buy and size == leg.remaining:
        return size  # the rest of a holding goes whole, odd or not
    size = _whole(size, leg.lots)
    rest = leg.remaining - size
    if leg.is_buy and 0 < rest < leg.lots.minimum:
        smaller = _whole(leg.remaining - leg.lots.minimum, leg.lots)
        # A rest too small to be ordered is left over only when there is no other way.
        size = min(size, smaller) if smaller else size
    return size


def _whole(quantity: int, lots: Lots) -> int:
    whole = quantity - quantity % lots.step
    return whole if whole >= lots.minimum else 0


# --------------------------------------------------------------------------- replacements
def _replace(facts: Facts, leg: LegFacts) -> Decision:
    """Cancel, wait for the old order's final state, then order what it left over and nothing more."""
    old = facts.replaced
    if old is None:
        raise ValueError("a replacement replaces an order")
    if leg.open_children:
        return NOTHING
    if _is_over(leg):
        proven = not any(child.unproven for child in leg.children)
        whole = proven and old.taken + leg.allocated >= leg.quantity
        return Decision(end=((leg.number, "" if whole else _why(leg)),))
    if old.open:
        return Decision(cancel_replaced=not old.cancel_wanted)
    if old.lost:
        return Decision(end=((leg.number, Code.ORDER_NOT_FOUND),))
    left = max(0, leg.quantity - old.taken)
    if not left:
        return Decision(end=((leg.number, Code.ORDER_FILLED),))
    if old.ended_at is not None and facts.now - old.ended_at < SETTLING:
        return NOTHING
    size = left if not leg.is_buy else _whole(left, leg.lots)
    if not size:
        return Decision(end=((leg.number, Code.QUANTITY_BELOW_MINIMUM),))
    if not facts.takes_orders or _resting(facts, leg):
        return NOTHING
    return Decision(place=((leg.number, _next_number(leg), size),))
