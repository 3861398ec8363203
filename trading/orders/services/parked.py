"""Broker events that found no order, and an order of the terminal's that may be ours: a person decides.

A remark that came back empty or cut leaves symbol, side and quantity to compare. Nothing is guessed: the event
waits, the candidates are listed, and somebody who may put books right says which it is.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.actors import actor_for_user
from accounts.models import BrokerAccount, User
from accounts.sudo import Sudo
from ops import audit
from ops.errors import Code, Conflict, Invalid, NotFound
from qmt.gateway import OrderUpdate
from trading.ledger.bookkeeping import books_require
from trading.ledger.journal import account_journals
from trading.ledger.wire import moment
from trading.orders.choices import ParkedState
from trading.orders.intake import parking
from trading.orders.intake.adoption import adopt, may_be, unresolved
from trading.orders.intake.batch import Intake
from trading.orders.intake.evidence import apply_update
from trading.orders.intake.results import IntakeResult
from trading.orders.models import Order, ParkedEvent
from trading.orders.wire import order_view


def parked_views(account: BrokerAccount) -> list[dict[str, Any]]:
    """The account's waiting events, oldest first, each with the orders of ours that it may mean."""
    ours = unresolved(account.pk)
    views = []
    for row in _waiting(account).order_by("pk")[: parking.MOST_TRIED]:
        event = parking.restore(row)
        fitting = [order for order in ours if isinstance(event, OrderUpdate) and may_be(order, event)]
        views.append(
            {
                "id": row.pk,
                "kind": row.kind,
                "received_at": moment(row.received_at),
                "tag": row.tag,
                "order_id": row.broker_order_id,
                "order_sysid": row.order_sysid,
                "payload": row.payload,
                "candidates": [order_view(order) for order in fitting],
            }
        )
    return views


def parked_decide(
    *,
    user: User,
    account_id: int,
    parked_id: int,
    order_id: UUID | None,
    sudo: Sudo | None,
    request_id: str = "",
) -> Order:
    """Say which order a waiting order state of the terminal's is: one of ours, or nobody's here.

    Parameters
    ----------
    order_id
        One of its candidates; None: placed outside, it is adopted as EXTERNAL.

    Returns
    -------
    Order
        The order that has the terminal's number now.

    Raises
    ------
    NotFound, Forbidden
        As `books_require`; NOT_FOUND for no such waiting event.
    Invalid
        FIELD_INVALID: the order is no candidate, or the event is no order state.
    Conflict
        CONFLICT: the terminal's number belongs to an order already.
    """
    account = books_require(user, account_id, sudo)
    row = _waiting(account).filter(pk=parked_id).select_related("host__status").first()
    if row is None:
        raise NotFound(Code.NOT_FOUND, parked=parked_id)
    event = parking.restore(row)
    if not isinstance(event, OrderUpdate):
        raise Invalid(Code.FIELD_INVALID, field="parked", kind=row.kind, allowed="OrderUpdate")
    intake = Intake(row.host, {account.account_no: account}, row.session_key)
    with account_journals([account.pk]) as journals:
        journal = journals[account.pk]
        clues = intake.clues(event)
        batch = intake.batch(journals, [clues], IntakeResult())
        if batch.orders.find(clues) is not None:
            raise Conflict(Code.CONFLICT, parked=row.pk, order_sysid=event.order_sysid)
        if order_id is None:
            order = adopt(
                journal,
                event,
                trade_date=clues.trade_date or intake.today,
                instrument=intake.instruments([event.symbol]).get(event.symbol),
                ours=(),
                session_key=row.session_key,
            )
        else:
            order = next((one for one in unresolved(account.pk) if one.pk == order_id and may_be(one, event)), None)
        if order is None:
            raise Invalid(Code.FIELD_INVALID, field="order", order=str(order_id))
        batch.orders.add(order)
        apply_update(batch, order, event)
        parking.settle(row, ParkedState.APPLIED, journal.at)
        # Its fills, which wait as well, find it by its number now.
        intake.retry_parked(batch, [other for other in parking.waiting(row.host) if other.pk != row.pk])
        audit.record(
            actor=actor_for_user(user),
            action="order.parked_decided",
            target=f"order:{order.pk}",
            after={"parked": row.pk, "order_sysid": event.order_sysid, "external": order_id is None},
            account_id=account.pk,
            request_id=request_id,
        )
    return Order.objects.select_related("created_by").get(pk=order.pk)


def _waiting(account: BrokerAccount) -> Any:
    mine = Q(account=account) | Q(account=None, host=account.host)
    return ParkedEvent.objects.filter(mine, state=ParkedState.PARKED)
