"""What goes into the writer and what it reports back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from qmt.gateway import AssetUpdate, OrderUpdate, PositionUpdate, TradeUpdate


@dataclass(frozen=True, slots=True)
class CallReturned:
    """The SDK call for the order with this tag returned its number; our own note, not the terminal's word."""

    tag: str
    seq: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """The answers of one round of full-day queries about one account.

    A part that was not asked or failed is None: failed is not empty.
    `started_at` is the wall clock before the first of the queries was sent.
    """

    started_at: datetime
    asset: AssetUpdate | None = None
    orders: tuple[OrderUpdate, ...] | None = None
    trades: tuple[TradeUpdate, ...] | None = None
    positions: tuple[PositionUpdate, ...] | None = None


@dataclass(slots=True)
class IntakeResult:
    """What a batch led to, for the worker that runs the session.

    Attributes
    ----------
    accounts
        Accounts of which anything changed.
    parked
        Events without an order, kept for later.
    refresh
        Accounts whose asset and positions should be queried soon: an order was reported,
        filled or ended, so a reservation waits for the broker's own figure.
    recheck
        Accounts whose orders should be queried soon: the terminal spoke of an order without
        saying how it stands.
    cancels_wanted
        Orders whose stored cancel may now be sent.
    adopted
        Orders that the terminal had and we did not: external ones, and those we had ended.
    """

    accounts: set[int] = field(default_factory=set)
    parked: int = 0
    refresh: set[int] = field(default_factory=set)
    recheck: set[int] = field(default_factory=set)
    cancels_wanted: list[UUID] = field(default_factory=list)
    adopted: list[UUID] = field(default_factory=list)
