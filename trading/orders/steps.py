"""One step of one order inside its account's journal: the table, the promise, the event.

Everything that moves an order goes through `take`, so that a reservation can never outlive
its order and no change can miss the account's event log.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from trading.ledger.choices import EventKind
from trading.ledger.journal import Journal
from trading.orders.choices import OrderEventKind, Status
from trading.orders.counting import count_cancel
from trading.orders.holding import tell_left
from trading.orders.models import Order
from trading.orders.states import RELEASING, advance, reached
from trading.orders.wire import order_view

ZERO = Decimal(0)
_CANCELLED = frozenset({Status.CANCELLED, Status.PARTIALLY_CANCELLED})


def take(
    journal: Journal,
    order: Order,
    to: Status | str,
    *,
    kind: OrderEventKind,
    data: Mapping[str, Any] | None = None,
    strict: bool = False,
    **fields: Any,
) -> bool:
    """Advance `order` and note it in the journal; entering a releasing state gives everything back.

    Parameters and result are those of `states.advance`. `order` must have been read while
    the journal was open.
    """
    target = Status(to)
    if reached(Status(order.status), target, kind) in RELEASING:
        fields |= {"reserved_cash": ZERO, "reserved_quantity": 0}
    promised, before = order.reserved_cash, Status(order.status)
    changed = advance(order, target, kind=kind, at=journal.at, data=data, strict=strict, **fields)
    if changed:
        if _cancelled_elsewhere(order, before, kind):
            count_cancel(journal, order)
        journal.reserve_cash(order.reserved_cash - promised)
        note(journal, order)
        if before is Status.PENDING_APPROVAL and order.status != before:
            tell_left(order)
    return changed


def _cancelled_elsewhere(order: Order, before: Status, kind: OrderEventKind) -> bool:
    """Whether the broker just showed a cancel that did not leave here."""
    if kind in (OrderEventKind.CANCELLED, OrderEventKind.WITHHELD) or order.cancel_sent_at is not None:
        return False
    return order.status in _CANCELLED and before not in _CANCELLED


def note(journal: Journal, order: Order) -> None:
    """Tell the account's clients how the order stands."""
    journal.record(EventKind.ORDER, str(order.pk), partial(order_view, order))
