"""Wanting an order cancelled: the intent is a fact of its own, and no limit of ours refuses it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from accounts.selectors import account_get, acts_for, cancel_refusal
from ops import audit
from ops.audit import Actor
from ops.errors import Code, Conflict, Invalid, NotFound
from ops.inputs import shown
from qmt.codes import CodeError, parse_symbol
from trading.ledger.journal import DATABASE, Journal, account_journal
from trading.orders.choices import OrderEventKind, Side, Status
from trading.orders.models import Order
from trading.orders.services.waking import wake
from trading.orders.states import TERMINAL
from trading.orders.steps import take

#: A sent cancel that the order's state does not show after this long may be wanted again, by a person.
REPEAT_AFTER = timedelta(seconds=5)
_NOT_SENT_YET = frozenset({Status.QUEUED, Status.PENDING_APPROVAL})
#: Orders whose cancels are stored in one transaction.
BATCH = 50


class Wanted(StrEnum):
    """What became of a wish to cancel."""

    DONE = "CANCELLED"
    """The order was not sent yet and is cancelled."""
    STORED = "WANTED"
    """The intent is stored and goes to the terminal as soon as it may."""
    ALREADY = "ALREADY_WANTED"
    """An earlier wish stands and may still be carried out."""


@dataclass(frozen=True, slots=True)
class CancelOutcome:
    """One order of a wish to cancel several: what became of it, or why nothing did."""

    order: Order
    wanted: Wanted | None
    refusal: Code | None


def order_cancel(*, user: User, order_id: UUID, token: ApiToken | None = None, request_id: str = "") -> Order:
    """Want an order cancelled. A queued one is CANCELLED at once; otherwise the intent is stored.

    The stored intent is sent when the terminal's number of the order is known and the
    session takes cancels. Asking again changes nothing while the first cancel may still work.

    Raises
    ------
    NotFound
        ORDER_NOT_FOUND: no such order, or not the user's.
    Forbidden
        TRADE_NOT_GRANTED, or ORDER_NOT_YOURS for who may cancel their own orders only.
    Conflict
        ORDER_FINAL: there is nothing left to cancel.
    """
    order = Order.objects.visible_to(user).select_related("account").filter(pk=order_id).first()
    if order is None:
        raise NotFound(Code.ORDER_NOT_FOUND, order=str(order_id))
    refusal = cancel_refusal(user, order.account, owner_id=order.created_by_id)
    if refusal is not None:
        raise refusal
    with account_journal(order.account_id) as journal:
        order = Order.objects.select_related("created_by").get(pk=order.pk)
        before = order.status
        if before in TERMINAL:
            raise Conflict(Code.ORDER_FINAL, order=str(order.pk), state=str(before))
        if _want(journal, order, by=user, label=user.username) is Wanted.ALREADY:
            return order
        _tell(
            order,
            before,
            actor=actor_for(user, token),
            request_id=request_id,
        )
    return order


def orders_cancel(
    *,
    user: User,
    account_id: int,
    symbol: Any = None,
    side: Any = None,
    strategy: Any = None,
    token: ApiToken | None = None,
    request_id: str = "",
) -> list[CancelOutcome]:
    """Want every open order of an account cancelled, or those of one symbol, side or strategy.

    Returns
    -------
    list of CancelOutcome
        One per open order that the filters name, oldest first; orders that are not the user's to cancel are
        among them, untouched, with ORDER_NOT_YOURS.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Forbidden
        TRADE_NOT_GRANTED: the user may only look.
    Invalid
        A malformed filter.
    """
    account = account_get(user, account_id)
    if (refusal := cancel_refusal(user, account, owner_id=user.pk)) is not None:
        raise refusal
    orders = _filtered(Order.objects.filter(account=account, final_at__isnull=True), symbol, side, strategy)
    owners: dict[UUID, int | None] = dict(orders.order_by("submitted_at", "pk").values_list("pk", "created_by_id"))
    everybody = cancel_refusal(user, account, owner_id=None) is None
    mine = [pk for pk, owner in owners.items() if everybody or (owner is not None and acts_for(user, owner))]
    outcomes = cancel_as(
        account_id=account.pk,
        order_ids=mine,
        actor=actor_for(user, token),
        by=user,
        request_id=request_id,
    )
    done = {outcome.order.pk: outcome for outcome in outcomes}
    others = Order.objects.select_related("created_by").in_bulk([pk for pk in owners if pk not in done])
    done |= {pk: CancelOutcome(order, None, Code.ORDER_NOT_YOURS) for pk, order in others.items()}
    return [done[pk] for pk in owners if pk in done]


def cancel_as(
    *,
    account_id: int,
    order_ids: Iterable[UUID],
    actor: Actor,
    by: User | None = None,
    request_id: str = "",
) -> list[CancelOutcome]:
    """Want orders of one account cancelled, on behalf of `actor`, whose right to it the caller has made sure of.

    The book is held for a few orders at a time, so that a long list lets others through.

    Parameters
    ----------
    by
        The person who wants it; None for the platform itself.
    """
    outcomes: list[CancelOutcome] = []
    wanted = list(order_ids)
    for start in range(0, len(wanted), BATCH):
        with account_journal(account_id) as journal:
            rows = Order.objects.select_related("created_by").filter(account_id=account_id)
            found = rows.in_bulk(wanted[start : start + BATCH])
            for pk in wanted[start : start + BATCH]:
                order = found[pk]
                before = order.status
                if before in TERMINAL:
                    outcomes.append(CancelOutcome(order, None, Code.ORDER_FINAL))
                    continue
                outcome = _want(journal, order, by=by, label=actor.label)
                outcomes.append(CancelOutcome(order, outcome, None))
                if outcome is not Wanted.ALREADY:
                    _tell(order, before, actor=actor, request_id=request_id)
    return outcomes


def _filtered(orders: QuerySet[Order], symbol: Any, side: Any, strategy: Any) -> QuerySet[Order]:
    if symbol is not None:
        try:
            orders = orders.filter(symbol=str(parse_symbol(symbol)))
        except (CodeError, AttributeError):
            raise Invalid(Code.SYMBOL_UNKNOWN, field="symbol", symbol=shown(symbol)) from None
    if side is not None:
        if side not in Side.values:
            raise Invalid(Code.SIDE_UNKNOWN, field="side", value=shown(side), allowed=list(Side.values))
        orders = orders.filter(side=side)
    if strategy is not None:
        if not isinstance(strategy, str) or not strategy:
            raise Invalid(Code.FIELD_INVALID, field="strategy", strategy=shown(strategy))
        orders = orders.filter(strategy=strategy)
    return orders


def _tell(order: Order, before: str, *, actor: Actor, request_id: str) -> None:
    """Wake the worker after the commit; note who wanted what."""
    transaction.on_commit(partial(wake, order), using=DATABASE, robust=True)
    audit.record(
        actor=actor,
        action="order.cancel_requested",
        target=f"order:{order.pk}",
        before={"status": str(before)},
        after={"status": str(order.status)},
        account_id=order.account_id,
        request_id=request_id,
    )


def _want(journal: Journal, order: Order, *, by: User | None, label: str) -> Wanted:
    """Store the intent; ALREADY when it stands and may still be carried out."""
    wanted: dict[str, Any] = {"cancel_requested_at": journal.at, "cancel_requested_by": by}
    if order.status in _NOT_SENT_YET:
        take(journal, order, Status.CANCELLED, kind=OrderEventKind.CANCELLED, strict=True, **wanted)
        return Wanted.DONE
    if order.cancel_requested_at is not None:
        sent_at = order.cancel_sent_at
        if sent_at is None or order.status == Status.PENDING_CANCEL:
            return Wanted.ALREADY
        if journal.at - sent_at < REPEAT_AFTER:
            return Wanted.ALREADY
        wanted["cancel_sent_at"] = None
    take(journal, order, order.status, kind=OrderEventKind.CANCEL_REQUESTED, data={"by": label}, **wanted)
    return Wanted.STORED
