"""Claims: who may send an order, or its cancel, decided by one conditional UPDATE each.

The statements carry every condition themselves, by database time, so that no reader's
stale view and no machine's clock can send an order late, twice, or without authority.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from accounts.models import BrokerAccount
from trading.ledger.journal import Journal, account_journal
from trading.orders.choices import OrderEventKind, Status
from trading.orders.counting import count_cancel
from trading.orders.models import Order, OrderEvent
from trading.orders.states import WORKING
from trading.orders.steps import note


def claimable(host_name: str) -> QuerySet[Order]:
    """Orders that may be sent now: queued, in time, and accepted under the account's present authority."""
    epoch = BrokerAccount.objects.filter(pk=OuterRef("account_id")).values("epoch")[:1]
    return Order.objects.filter(host_name=host_name, status=Status.QUEUED, expires_at__gt=Now(), epoch=Subquery(epoch))


def _open(host_name: str) -> QuerySet[Order]:
    """The host's unfinished orders; said so that the index of these few is used."""
    return Order.objects.filter(host_name=host_name, final_at__isnull=True)


def cancels_due(host_name: str) -> QuerySet[Order]:
    """Wanted cancels that were not sent, of orders whose number at the terminal is known."""
    return (
        _open(host_name)
        .filter(
            status__in=WORKING | {Status.UNKNOWN},
            cancel_requested_at__isnull=False,
            cancel_sent_at__isnull=True,
        )
        .exclude(broker_order_id="")
    )


@dataclass(frozen=True, slots=True)
class Claimed:
    """What was claimed: the orders with their account and host, and when at the earliest (monotonic seconds)."""

    orders: Mapping[UUID, Order]
    since: float


def claim_all(wanted: Mapping[UUID, Order | None], *, account_id: int, host_name: str) -> Claimed:
    """Take queued orders of one account for sending: QUEUED → SUBMITTING, committed on return.

    Parameters
    ----------
    wanted
        The orders' ids, each with its row as the caller has read it, with its `created_by`: while its version is
        still the row's, it is not read again.

    Returns
    -------
    Claimed
        One is missing when there is nothing to send: not queued any more, past its time to live, accepted under an
        older authority epoch, or another account's or host's.
    """
    with account_journal(account_id) as journal:
        orders = _take(
            journal,
            claimable(host_name),
            wanted,
            {"status": Status.SUBMITTING, "claimed_at": Now()},
            kind=OrderEventKind.CLAIMED,
            before=Status.QUEUED,
        )
    return Claimed(orders, journal.held_at)


def claim_cancel(order_id: UUID, *, account_id: int, host_name: str) -> Order | None:
    """Take one wanted cancel for sending; None when it is not wanted, was sent, or cannot be sent yet."""
    with account_journal(account_id) as journal:
        due, values = cancels_due(host_name), {"cancel_sent_at": Now()}
        taken = _take(journal, due, {order_id: None}, values, kind=OrderEventKind.CANCEL_SENT)
        for order in taken.values():
            count_cancel(journal, order)
    return taken.get(order_id)


def unclaim_cancel(order_id: UUID) -> None:
    """Give a claimed cancel back: it provably did not leave the process, and is still wanted."""
    order = Order.objects.get(pk=order_id)
    with account_journal(order.account_id) as journal:
        if Order.objects.filter(pk=order_id, cancel_sent_at__isnull=False).update(cancel_sent_at=None):
            count_cancel(journal, order, times=-1)


def _take(
    journal: Journal,
    candidates: QuerySet[Order],
    wanted: Mapping[UUID, Order | None],
    values: Mapping[str, Any],
    *,
    kind: OrderEventKind,
    before: Status | None = None,
) -> dict[UUID, Order]:
    """Claim what of the account is among the candidates, and write the timelines in the same transaction."""
    mine = candidates.filter(account_id=journal.book.pk)
    taken: dict[UUID, Order] = {}
    for order_id, seen in wanted.items():
        order = None
        row = mine.filter(pk=order_id)
        if seen is not None and row.filter(version=seen.version).update(version=F("version") + 1, **values) == 1:
            order = _as_taken(seen, journal.at, values)
        elif row.update(version=F("version") + 1, **values) == 1:
            order = Order.objects.select_related("created_by").get(pk=order_id)
        if order is None:
            continue
        # The journal holds the account with its host already.
        order.account = journal.book.account
        taken[order_id] = order
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order=order,
            seq=order.version,
            kind=kind,
            from_status=before or order.status,
            to_status=order.status,
            at=journal.at,
        )
        for order in taken.values()
    )
    for order in taken.values():
        note(journal, order)
    return taken


def _as_taken(seen: Order, at: datetime, values: Mapping[str, Any]) -> Order:
    """The row as the claim has left it: the version held, so nothing else of it has changed."""
    for name, value in values.items():
        # The row has the database's moment; here it is only looked at.
        setattr(seen, name, at if isinstance(value, Now) else value)
    seen.version += 1
    return seen
