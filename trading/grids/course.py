"""The grid's rule itself: following the price around the centre until it turns. Pure, exact, without a clock of its own.

Above centre × (1 + interval) the price is *rising* and its peak is kept; when it has fallen from the peak by the callback, that is
a SELL. Below centre × (1 − interval) it is *falling* and its valley is kept; risen from the valley by the callback, a BUY. A price
that jumps from beyond one level to beyond the other is followed from there. After a full fill the centre is the fill's price.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from trading.grids.choices import Direction
from trading.grids.terms import GridTerms
from trading.orders.choices import Side

LEVEL_COOLDOWN: Final = timedelta(seconds=60)
"""A level that gave a signal is not taken up again so soon."""
SIDE_COOLDOWN: Final = timedelta(seconds=300)
"""Between two signals of one side."""
PRICE_STEP: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Course:
    """Where a grid stands; all of it is stored.

    Attributes
    ----------
    center
        CNY; the price of the last full fill, or where the grid began.
    extreme
        Peak while rising, valley while falling; None within the band.
    upper_free_at, lower_free_at, sell_free_at, buy_free_at
        From when on the level is taken up again, and the side may signal again; None: at once.
    """

    center: Decimal
    direction: Direction = Direction.NONE
    extreme: Decimal | None = None
    upper_free_at: datetime | None = None
    lower_free_at: datetime | None = None
    sell_free_at: datetime | None = None
    buy_free_at: datetime | None = None

    def signalled(self, side: Side, now: datetime) -> Course:
        """After a signal: within the band again, its level and its side at rest."""
        rested = replace(self, direction=Direction.NONE, extreme=None)
        if side is Side.SELL:
            return replace(rested, upper_free_at=now + LEVEL_COOLDOWN, sell_free_at=now + SIDE_COOLDOWN)
        return replace(rested, lower_free_at=now + LEVEL_COOLDOWN, buy_free_at=now + SIDE_COOLDOWN)

    def centred(self, price: Decimal) -> Course:
        """After a full fill: a new centre, whose levels nobody has met yet."""
        return replace(
            self,
            center=price,
            direction=Direction.NONE,
            extreme=None,
            upper_free_at=None,
            lower_free_at=None,
        )


def upper_level(center: Decimal, interval: Decimal) -> Decimal:
    """Above it the price is rising."""
    return (center * (1 + interval)).quantize(PRICE_STEP, ROUND_HALF_UP)


def lower_level(center: Decimal, interval: Decimal) -> Decimal:
    """Below it the price is falling."""
    return (center * (1 - interval)).quantize(PRICE_STEP, ROUND_HALF_UP)


def follow(course: Course, terms: GridTerms, price: Decimal, now: datetime) -> Course:
    """The course after one more price."""
    if price > upper_level(course.center, terms.interval):
        if course.direction == Direction.RISING and course.extreme is not None:
            return replace(course, extreme=max(course.extreme, price))
        if _free(course.upper_free_at, now):
            return replace(course, direction=Direction.RISING, extreme=price)
        # Taken up later; meanwhile what was followed on the other side is over.
        return replace(course, direction=Direction.NONE, extreme=None)
    if price < lower_level(course.center, terms.interval):
        if course.direction == Direction.FALLING and course.extreme is not None:
            return replace(course, extreme=min(course.extreme, price))
        if _free(course.lower_free_at, now):
            return replace(course, direction=Direction.FALLING, extreme=price)
        return replace(course, direction=Direction.NONE, extreme=None)
    return course


def turned(course: Course, terms: GridTerms, price: Decimal, now: datetime) -> Side | None:
    """The side that this price is a signal for, if it is one. Ask of a course that has followed it.

    While a side is at rest nothing is signalled, and its peak or valley is kept.
    """
    extreme = course.extreme
    if extreme is None:
        return None
    if course.direction == Direction.RISING:
        fallen = extreme - price >= terms.callback * extreme
        return Side.SELL if fallen and _free(course.sell_free_at, now) else None
    risen = price - extreme >= terms.callback * extreme
    return Side.BUY if risen and _free(course.buy_free_at, now) else None


def _free(at: datetime | None, now: datetime) -> bool:
    return at is None or now >= at
