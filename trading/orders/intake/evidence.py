"""Applying one event to the order it means: states, answers, refused cancels."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from qmt.gateway import CancelError, CancelResponse, OrderError, OrderResponse, OrderUpdate
from trading.ledger.holdings import sale_unconfirmed, spending_unconfirmed
from trading.ledger.journal import Journal
from trading.orders.choices import OrderEventKind, Side, Status
from trading.orders.intake.alarms import raise_adopted
from trading.orders.intake.book import OrderBook
from trading.orders.intake.results import IntakeResult
from trading.orders.models import Order
from trading.orders.states import RELEASING, TERMINAL, WORKING, broker_status, ended_by_us, reached
from trading.orders.steps import take

logger = logging.getLogger(__name__)

MAX_MESSAGE = 400
_CENT = Decimal("0.01")
#: The terminal has the request, the exchange's side says nothing about it: no sign of life.
_UNREPORTED = frozenset({48, 49})
#: A query this much younger than a sent cancel shows what became of it.
_CANCEL_SETTLES = timedelta(seconds=5)


@dataclass(slots=True)
class Batch:
    """The open transaction: journals, candidate orders and the result so far.

    ``queried_at`` is when the queries were started whose answers are applied; None for pushes.
    """

    host_name: str
    session_key: str
    journals: dict[int, Journal]
    orders: OrderBook
    result: IntakeResult
    queried_at: datetime | None = None

    def journal(self, order: Order) -> Journal:
        """The journal of the order's account."""
        return self.journals[order.account_id]


def _numbers(batch: Batch, *, order_id: int | None, order_sysid: str = "") -> dict[str, Any]:
    """The order's numbers as this session gives them; only those it does give."""
    fields: dict[str, Any] = {}
    if order_id is not None and order_id > 0:
        fields["broker_order_id"] = str(order_id)
        if batch.session_key:
            fields["seen_session"] = batch.session_key
    if order_sysid:
        fields["order_sysid"] = order_sysid
    return fields


def take_evidence(
    batch: Batch,
    order: Order,
    to: Status,
    *,
    kind: OrderEventKind,
    data: dict[str, Any] | None = None,
    **fields: Any,
) -> bool:
    """Advance the order and note what follows from it for the session's worker."""
    before = Status(order.status)
    if kind is not OrderEventKind.CANCEL_REFUSED and ended_by_us(order) and to != before:
        kind = OrderEventKind.ADOPTED
    changed = take(batch.journal(order), order, to, kind=kind, data=data, **fields)
    if not changed:
        return False
    batch.orders.add(order)
    batch.result.accounts.add(order.account_id)
    if order.status != before and order.status != Status.SUBMITTED:
        batch.result.refresh.add(order.account_id)
    if order.status != before and kind is OrderEventKind.ADOPTED:
        batch.result.adopted.append(order.pk)
        raise_adopted(batch.journal(order), order, before)
    if _cancel_may_go(order):
        batch.result.cancels_wanted.append(order.pk)
    return True


def _cancel_may_go(order: Order) -> bool:
    return (
        order.cancel_requested_at is not None
        and order.cancel_sent_at is None
        and order.broker_order_id != ""
        and order.status in WORKING
    )


# ----------------------------------------------------------------------- order states
def apply_update(batch: Batch, order: Order, update: OrderUpdate) -> None:
    """The terminal says how an order stands."""
    to = _stated(order, update)
    if order.status == Status.REJECTED and update.status in _UNREPORTED:
        return
    kind = OrderEventKind.UPDATED
    fields = _numbers(batch, order_id=update.order_id, order_sysid=update.order_sysid)
    if _cancel_came_to_nothing(batch, order, update):
        kind = OrderEventKind.CANCEL_REFUSED
        fields |= {"cancel_requested_at": None, "cancel_sent_at": None}
    after = reached(Status(order.status), to, kind)
    if after == to or ended_by_us(order):
        fields["broker_status"] = update.status
        if update.status_msg and to in (Status.REJECTED, Status.CANCELLED):
            fields["message"] = update.status_msg[:MAX_MESSAGE]
    if update.traded_quantity > order.broker_traded_quantity:
        fields["broker_traded_quantity"] = update.traded_quantity
    if after in RELEASING:
        _set_aside_unbooked(batch.journal(order), order, update.traded_quantity)
    take_evidence(batch, order, to, kind=kind, data={"status": update.status}, **fields)


def _stated(order: Order, update: OrderUpdate) -> Status:
    """The status the code stands for, read together with the quantities."""
    to = broker_status(update.status)
    if to is None:
        # 255 and unheard-of codes prove only that the terminal has the order.
        return Status.SUBMITTED
    traded = max(update.traded_quantity, order.traded_quantity)
    if to is Status.CANCELLED and traded > 0:
        return Status.PARTIALLY_CANCELLED
    return to


def _cancel_came_to_nothing(batch: Batch, order: Order, update: OrderUpdate) -> bool:
    """Whether a query shows an order plainly working long after its cancel was sent."""
    return (
        order.status == Status.PENDING_CANCEL
        and broker_status(update.status) in (Status.REPORTED, Status.PARTIALLY_FILLED)
        and batch.queried_at is not None
        and (order.cancel_sent_at is None or batch.queried_at - order.cancel_sent_at > _CANCEL_SETTLES)
    )


def _set_aside_unbooked(journal: Journal, order: Order, traded_quantity: int) -> None:
    """An order ends with fills that have not arrived: what they took must not become available.

    The part of the promise that belongs to them counts as spent until a query confirms it.
    """
    missing = min(traded_quantity - order.traded_quantity, order.remaining_quantity)
    if missing <= 0:
        return
    if order.side == Side.BUY:
        share = order.reserved_cash * missing / order.remaining_quantity
        spending_unconfirmed(journal, share.quantize(_CENT, rounding=ROUND_CEILING))
    else:
        sale_unconfirmed(journal, order.symbol, min(missing, order.reserved_quantity))


# ---------------------------------------------------------------------------- answers
def apply_response(batch: Batch, order: Order, response: OrderResponse) -> None:
    """The terminal's answer to the submission."""
    arrived = _arrival(order, response)
    if response.order_id is not None and response.order_id > 0:
        fields = _numbers(batch, order_id=response.order_id) | _call(batch, order, response.seq) | arrived
        take_evidence(batch, order, Status.SUBMITTED, kind=OrderEventKind.ANSWERED, **fields)
    elif response.error:
        _reject(batch, order, response.error, {"seq": response.seq}, **arrived)
    elif order.status == Status.SUBMITTING:
        # −1 without words proves nothing (it can belong to an order that is live).
        take_evidence(
            batch,
            order,
            Status.UNKNOWN,
            kind=OrderEventKind.LOST_SIGHT,
            data={"reason": "answered without a number and without an error"},
            **arrived,
        )


def _arrival(order: Order, response: OrderResponse) -> dict[str, Any]:
    """When the first answer came, by the wall clock; it repeats, and is read back from files."""
    if order.answered_at is not None or response.received_at_ns <= 0:
        return {}
    return {"answered_at": datetime.fromtimestamp(response.received_at_ns / 1e9, UTC)}


def _call(batch: Batch, order: Order, seq: int) -> dict[str, Any]:
    if order.session_seq is not None or seq <= 0:
        return {}
    return {"session_seq": seq, "session_key": batch.session_key}


def apply_error(batch: Batch, order: Order, error: OrderError) -> None:
    """The broker's words about a failed order.

    With a number, the order exists at the terminal and its own status decides; the words are
    kept, and its orders are asked for.
    """
    if error.order_id is None or error.order_id <= 0:
        _reject(batch, order, error.message, {"error_id": error.error_id})
        return
    take_evidence(
        batch,
        order,
        Status(order.status),
        kind=OrderEventKind.UPDATED,
        data={"error_id": error.error_id},
        message=error.message[:MAX_MESSAGE],
        **_numbers(batch, order_id=error.order_id),
    )
    if order.status not in TERMINAL:
        batch.result.recheck.add(order.account_id)


def _reject(batch: Batch, order: Order, message: str, data: dict[str, Any], **fields: Any) -> None:
    """A proven reject. It cannot end an order that the exchange's side has seen."""
    if order.reported_at is not None or order.status in TERMINAL:
        return
    take_evidence(
        batch,
        order,
        Status.REJECTED,
        kind=OrderEventKind.REJECTED,
        data=data,
        message=message[:MAX_MESSAGE],
        **fields,
    )


# ---------------------------------------------------------------------------- cancels
def apply_cancel_response(batch: Batch, order: Order, response: CancelResponse) -> None:
    """The cancel was passed on, or was not. The truth is the order's own status."""
    if response.result != 0:
        _cancel_refused(batch, order, response.message, {"result": response.result})
    elif order.status in (Status.REPORTED, Status.PARTIALLY_FILLED):
        take_evidence(batch, order, Status.PENDING_CANCEL, kind=OrderEventKind.CANCEL_PASSED_ON)


def apply_cancel_error(batch: Batch, order: Order, error: CancelError) -> None:
    """A cancel failed: the order works on, and may be cancelled again by whoever wants to."""
    _cancel_refused(batch, order, error.message, {"error_id": error.error_id})


def _cancel_refused(batch: Batch, order: Order, message: str, data: dict[str, Any]) -> None:
    if order.status in TERMINAL or order.cancel_sent_at is None:
        return
    to = Status(order.status)
    if to is Status.PENDING_CANCEL:
        to = Status.PARTIALLY_FILLED if order.traded_quantity else Status.REPORTED
    take_evidence(
        batch,
        order,
        to,
        kind=OrderEventKind.CANCEL_REFUSED,
        data=data,
        message=message[:MAX_MESSAGE],
        cancel_requested_at=None,
        cancel_sent_at=None,
    )
