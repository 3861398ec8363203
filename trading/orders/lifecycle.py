"""Steps that the worker takes with an order: sent, withheld, expired, lost, absent, closed.

Each opens the account's journal, moves the orders along the table and gives back what
is due. None of them decides by itself: the caller brings the evidence. A step that is too
late (the order has moved on meanwhile) changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from accounts.models import BrokerAccount
from ops.alerts import AlertKind
from ops.errors import Code
from trading.ledger.dates import trade_date_close, trade_date_miss, trade_date_open
from trading.ledger.fields import ZERO
from trading.ledger.journal import Journal, account_journal
from trading.orders.choices import OrderEventKind, Status
from trading.orders.intake import parking
from trading.orders.intake.alarms import tell_missed_date, tell_unresolved
from trading.orders.intake.evidence import MAX_MESSAGE
from trading.orders.intake.snapshot import resolve_by_query
from trading.orders.models import Order
from trading.orders.states import OPEN, WORKING
from trading.orders.steps import take

__all__ = [
    "close_trade_date",
    "expire_due",
    "mark_not_found",
    "mark_rejected",
    "mark_unknown",
    "mark_withheld",
    "miss_trade_date",
    "open_trade_date",
    "resolve_by_query",
    "session_lost",
]

Step = Callable[[Journal, Order], bool]
_WAITING = (Status.QUEUED, Status.PENDING_APPROVAL)


def mark_withheld(order_id: UUID, *, code: Code, message: str = "") -> None:
    """A claimed order did not pass the last look, or provably never left: EXPIRED with the reason.

    An order whose cancel was wanted meanwhile is CANCELLED instead.
    """

    def step(journal: Journal, order: Order) -> bool:
        if order.status != Status.SUBMITTING:
            return False
        wanted = order.cancel_requested_at is not None
        return take(
            journal,
            order,
            Status.CANCELLED if wanted else Status.EXPIRED,
            kind=OrderEventKind.WITHHELD,
            data={"code": str(code)},
            strict=True,
            deny_code=str(code),
            message=message[:MAX_MESSAGE],
        )

    _each([order_id], step)


def mark_rejected(order_id: UUID, *, message: str) -> None:
    """The terminal's side provably did not take the order (`NotSent`): REJECTED with the words."""

    def step(journal: Journal, order: Order) -> bool:
        if order.status != Status.SUBMITTING:
            return False
        return take(
            journal,
            order,
            Status.REJECTED,
            kind=OrderEventKind.REJECTED,
            strict=True,
            message=message[:MAX_MESSAGE],
        )

    _each([order_id], step)


def mark_unknown(order_ids: Sequence[UUID], *, reason: str) -> list[UUID]:
    """SUBMITTING or SUBMITTED without an answer: UNKNOWN. Returns those that were moved."""

    def step(journal: Journal, order: Order) -> bool:
        if order.status not in (Status.SUBMITTING, Status.SUBMITTED):
            return False
        return take(
            journal,
            order,
            Status.UNKNOWN,
            kind=OrderEventKind.LOST_SIGHT,
            data={"reason": reason},
            strict=True,
        )

    moved = _each(order_ids, step)
    tell_unresolved(moved, AlertKind.ORDER_UNKNOWN, reason)
    return moved


def session_lost(host_name: str, *, reason: str) -> list[UUID]:
    """The host's session is gone or was never ended properly.

    Every SUBMITTING order of the host becomes UNKNOWN; cancels that were sent through the
    dead session and are not seen in the order's state are wanted again. Returns the orders
    that became UNKNOWN.
    """
    orders = Order.objects.filter(host_name=host_name, final_at__isnull=True)
    unanswered = orders.filter(status=Status.SUBMITTING).values_list("pk", flat=True)
    moved = mark_unknown(list(unanswered), reason=reason)
    unseen = orders.filter(
        status__in=(WORKING - {Status.PENDING_CANCEL}) | {Status.UNKNOWN},
        cancel_sent_at__isnull=False,
    )

    def again(journal: Journal, order: Order) -> bool:
        if order.cancel_sent_at is None or order.status == Status.PENDING_CANCEL:
            return False
        return take(
            journal,
            order,
            order.status,
            kind=OrderEventKind.CANCEL_REQUESTED,
            data={"reason": reason},
            cancel_sent_at=None,
        )

    _each(list(unseen.values_list("pk", flat=True)), again)
    return moved


def expire_due(host_name: str) -> list[UUID]:
    """Expire orders past their time (database time): to be sent, to be approved; and queued ones of an older epoch.

    What waits for approval gets its epoch with it: a halt meanwhile is a question for the approval.
    """
    outdated = BrokerAccount.objects.filter(pk=OuterRef("account_id")).exclude(epoch=OuterRef("epoch"))
    waiting = Order.objects.filter(host_name=host_name, final_at__isnull=True, status__in=_WAITING)
    late = waiting.annotate(revoked=Exists(outdated))
    due = late.filter(Q(expires_at__lte=Now()) | Q(revoked=True, status=Status.QUEUED))
    found = {pk: (status, revoked) for pk, status, revoked in due.values_list("pk", "status", "revoked")}

    def step(journal: Journal, order: Order) -> bool:
        status, revoked = found[order.pk]
        if order.status != status:
            return False  # it has moved on; if it was approved meanwhile, its time began anew
        code = Code.AUTHORITY_CHANGED if revoked else Code.ORDER_EXPIRED
        if status == Status.PENDING_APPROVAL:
            code = Code.APPROVAL_EXPIRED
        return take(
            journal,
            order,
            Status.EXPIRED,
            kind=OrderEventKind.EXPIRED,
            data={"code": str(code)},
            strict=True,
            deny_code=str(code),
        )

    return _each(list(found), step)


def mark_not_found(order_ids: Sequence[UUID], *, evidence: Mapping[str, object]) -> list[UUID]:
    """UNKNOWN → NOT_FOUND, after the caller has its proof of absence. Keeps the reservation."""

    def step(journal: Journal, order: Order) -> bool:
        if order.status != Status.UNKNOWN:
            return False
        return take(
            journal,
            order,
            Status.NOT_FOUND,
            kind=OrderEventKind.NOT_FOUND,
            data=dict(evidence),
            strict=True,
        )

    moved = _each(order_ids, step)
    tell_unresolved(moved, AlertKind.ORDER_NOT_FOUND, "absent from the terminal's full day")
    return moved


def open_trade_date(account_id: int, trade_date: date) -> None:
    """Note that the account trades on this date; repeated calls change nothing."""
    with account_journal(account_id) as journal:
        trade_date_open(journal, trade_date)


def miss_trade_date(account_id: int, trade_date: date) -> None:
    """Note that the date ended unseen with holdings or money changed, and tell people."""
    with account_journal(account_id) as journal:
        missed = trade_date_miss(journal, trade_date)
    if missed:
        tell_missed_date(account_id, trade_date)


def close_trade_date(account_id: int, trade_date: date) -> list[UUID]:
    """End the account's trade date after a completed reconciliation past the close.

    What is still open becomes DONE_FOR_DAY (what was never sent: EXPIRED), every promise of
    the date is given back. Returns the orders that were moved.
    """
    with account_journal(account_id) as journal:
        orders = Order.objects.filter(account_id=account_id, trade_date__lte=trade_date)
        ended = [
            order.pk
            for order in orders.filter(status__in=OPEN).select_related("created_by")
            if _end_with_the_day(journal, order)
        ]
        kept = orders.filter(Q(reserved_cash__gt=0) | Q(reserved_quantity__gt=0))
        for order in kept.select_related("created_by"):
            take(
                journal,
                order,
                order.status,
                kind=OrderEventKind.RELEASED,
                data={"reason": "the trade date is closed"},
                reserved_cash=ZERO,
                reserved_quantity=0,
            )
        parking.end_of_day(journal.book.account, journal.at)
        trade_date_close(journal, trade_date)
    return ended


def _end_with_the_day(journal: Journal, order: Order) -> bool:
    if order.status in _WAITING:
        return take(
            journal,
            order,
            Status.EXPIRED,
            kind=OrderEventKind.EXPIRED,
            strict=True,
            deny_code=str(Code.TRADE_DATE_CLOSED),
        )
    if order.status == Status.SUBMITTING:
        take(journal, order, Status.UNKNOWN, kind=OrderEventKind.LOST_SIGHT, strict=True)
    return take(journal, order, Status.DONE_FOR_DAY, kind=OrderEventKind.DAY_CLOSED, strict=True)


def _each(order_ids: Sequence[UUID], step: Step) -> list[UUID]:
    """Take `step` with every order, one transaction per account; return the orders that moved."""
    rows = Order.objects.filter(pk__in=list(order_ids)).values_list("account_id", "pk")
    by_account: dict[int, list[Any]] = {}
    for account_id, pk in rows:
        by_account.setdefault(account_id, []).append(pk)
    moved: list[UUID] = []
    for account_id, pks in sorted(by_account.items()):
        with account_journal(account_id) as journal:
            orders = Order.objects.select_related("created_by").filter(pk__in=pks)
            moved += [order.pk for order in orders if step(journal, order)]
    return moved
