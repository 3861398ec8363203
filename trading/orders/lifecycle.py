"""Steps that the worker takes with an order: sent, withheld, expired, lost, resolved, closed.

Each opens the account's journal, moves the orders along the table and gives back what
is due. None of them decides by itself: the caller brings the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from ops.errors import Code
from qmt.gateway import OrderUpdate
from trading.orders.intake.results import AccountSnapshot, IntakeResult
from trading.orders.models import Order


def mark_sent(order_id: UUID, *, session_key: str, seq: int) -> None:
    """The SDK call returned its number: note it (SUBMITTING stays; the answer moves the order)."""
    raise NotImplementedError


def mark_withheld(order_id: UUID, *, code: Code, message: str = "") -> None:
    """A claimed order did not pass the last look, or provably never left: EXPIRED with the reason.

    An order whose cancel was wanted meanwhile is CANCELLED instead.
    """
    raise NotImplementedError


def mark_rejected(order_id: UUID, *, message: str) -> None:
    """The terminal provably did not take the order (`NotSent`): REJECTED with the words."""
    raise NotImplementedError


def mark_unknown(order_ids: Sequence[UUID], *, reason: str) -> list[UUID]:
    """SUBMITTING or SUBMITTED without an answer: UNKNOWN. Returns those that were moved."""
    raise NotImplementedError


def session_lost(host_name: str, *, reason: str) -> list[UUID]:
    """The host's session is gone or was never ended properly.

    Every SUBMITTING order of the host becomes UNKNOWN; cancels that were sent through the
    dead session and not seen in the order's status are wanted again.
    """
    raise NotImplementedError


def expire_due(host_name: str) -> list[UUID]:
    """Expire queued orders past their time to live (database time) or of an older epoch."""
    raise NotImplementedError


def resolve_by_query(
    account_id: int, snapshot: AccountSnapshot, *, session_key: str
) -> IntakeResult:
    """Apply one round of query answers: orders, fills, asset, positions; adopt unknown orders.

    External orders are adopted only while no SUBMITTING or UNKNOWN order of ours fits them.
    Reservations that the broker's figure now contains are given back.
    """
    raise NotImplementedError


def mark_not_found(order_ids: Sequence[UUID], *, evidence: dict[str, object]) -> list[UUID]:
    """UNKNOWN → NOT_FOUND, after the caller has its three full-day queries. Keeps the reservation."""
    raise NotImplementedError


def adopt_external(account_id: int, update: OrderUpdate) -> Order | None:
    """Store an order that was placed in the terminal as EXTERNAL; None while one of ours may be it."""
    raise NotImplementedError


def open_trade_date(account_id: int, trade_date: date) -> None:
    """Note that the account trades on this date; repeated calls change nothing."""
    raise NotImplementedError


def close_trade_date(account_id: int, trade_date: date) -> list[UUID]:
    """End the account's trade date after a completed reconciliation past the close.

    Open orders become DONE_FOR_DAY, UNKNOWN ones NOT_FOUND, every reservation of the date
    is given back. Returns the orders that were moved.
    """
    raise NotImplementedError
