"""An execution as plain facts: what the planner looks at, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from trading.execution.choices import Kind, State


@dataclass(frozen=True, slots=True)
class Lots:
    """Order sizes of a board: smallest order and step; a rest below the step is sold as a whole."""

    minimum: int
    step: int


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """One child.

    Attributes
    ----------
    placed
        Its order exists.
    open
        The order may still trade, or nobody knows.
    taken
        What must be counted as traded of a child that has ended: fills booked, or stated by the broker; for an order whose
        fate was never proven, everything.
    cancel_wanted, by_person
        A cancel is wanted; by a person.
    code
        Why the platform denied or withheld it.
    ended_at
        When it ended, by the wall clock.
    unproven
        Nobody could prove what became of it: nothing takes its place, and its leg is never called complete.
    """

    number: int
    quantity: int
    placed: bool = False
    open: bool = True
    taken: int = 0
    cancel_wanted: bool = False
    by_person: bool = False
    code: str = ""
    ended_at: datetime | None = None
    unproven: bool = False

    @property
    def allocated(self) -> int:
        """Shares that this child has traded or may still trade."""
        return self.quantity if self.open else self.taken


@dataclass(frozen=True, slots=True)
class LegFacts:
    """One leg with its children that were not given up, oldest first.

    ``affordable``: a buy's money is there now, beside what is promised already.
    """

    number: int
    is_buy: bool
    quantity: int
    lots: Lots
    children: tuple[ChildFacts, ...] = ()
    ended: bool = False
    affordable: bool = True

    @property
    def allocated(self) -> int:
        return sum(child.allocated for child in self.children)

    @property
    def remaining(self) -> int:
        """Shares that no child has or had."""
        return max(0, self.quantity - self.allocated)

    @property
    def complete(self) -> bool:
        """Whether everything has provably traded."""
        return not self.remaining and not any(child.open or child.unproven for child in self.children)

    @property
    def open_children(self) -> tuple[ChildFacts, ...]:
        return tuple(child for child in self.children if child.open)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The order that is replaced: whether it may still trade, what it traded, whether its cancel is wanted, when it ended."""

    open: bool
    taken: int
    cancel_wanted: bool
    lost: bool
    """Its fate was never proven: nothing may take its place."""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One execution and the market around it.

    Attributes
    ----------
    takes_orders
        The host is ready and the session takes orders now: otherwise children wait instead of being denied.
    day_over
        The execution's trade date has ended.
    proceeds_confirmed
        The broker's money figure is younger than the last sale's end.
    barred
        Why nothing may be sent in the name of whoever asked for it any more; blank when it may.
    authority_changed
        The account's authority is another than the execution was accepted or resumed under.
    resumed_at
        What happened before counts as known to whoever resumed it.
    approval_over
        Nobody decided about it within the time for that.
    """

    kind: Kind
    state: State
    ending: str
    legs: tuple[LegFacts, ...]
    now: datetime
    market_time: datetime
    trade_date: date
    takes_orders: bool
    day_over: bool = False
    proceeds_confirmed: bool = True
    barred: str = ""
    authority_changed: bool = False
    child_quantity: int | None = None
    slices: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    resumed_at: datetime | None = None
    replaced: Replaced | None = None
    approval_over: bool = False
