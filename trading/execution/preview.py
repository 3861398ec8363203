"""The children that an execution would have if each of them were filled whole, by the planner's own sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from trading.execution.facts import ChildFacts, LegFacts
from trading.execution.planner import child_size, slice_size
from trading.execution.schedule import due_times


@dataclass(frozen=True, slots=True)
class Due:
    """One child to come: its number, shares, and the market's time it is due; None when it follows the one before."""

    number: int
    quantity: int
    at: datetime | None


def split_children(leg: LegFacts, child_quantity: int) -> Iterator[Due]:
    """A split's children, one after the other; what is too small for any child is left over."""
    number = 1
    while size := child_size(leg, most=child_quantity, wanted=leg.remaining):
        yield Due(number, size, None)
        leg, number = _after(leg, number, size), number + 1


def window_children(leg: LegFacts, starts_at: datetime, ends_at: datetime, slices: int) -> Iterator[Due]:
    """A TWAP's children; a slice whose share is below the board's smallest order has none, its share goes along later."""
    for number, moment in enumerate(due_times(starts_at, ends_at, slices), 1):
        if size := slice_size(leg, due=number, slices=slices):
            yield Due(number, size, moment)
            leg = _after(leg, number, size)


def _after(leg: LegFacts, number: int, size: int) -> LegFacts:
    """The leg when that child was filled. One child stands for all so far: only their sum counts."""
    filled = ChildFacts(number, leg.allocated + size, placed=True, open=False, taken=leg.allocated + size)
    return replace(leg, children=(filled,))
