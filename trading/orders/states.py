"""The order state machine: one table, one function that moves an order along it.

The broker's evidence repeats, skips and arrives late. `advance` therefore treats a
step that the table does not have as stale evidence and changes nothing; a step that
the platform itself decides on (`strict=True`) must be in the table or it raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db.models import F

from ops.clocks import wall_now
from trading.orders.choices import OrderEventKind, Status
from trading.orders.models import Order, OrderEvent

#: What the broker can still do to an order that it has, in the order it happens.
_WORKING: Final = (
    Status.SUBMITTED,
    Status.REPORTED,
    Status.PARTIALLY_FILLED,
    Status.PENDING_CANCEL,
)
_BROKER_FINAL: Final = (
    Status.FILLED,
    Status.CANCELLED,
    Status.PARTIALLY_CANCELLED,
    Status.REJECTED,
)
_BROKER: Final = frozenset((*_WORKING, *_BROKER_FINAL))
_DAY_END: Final = frozenset({Status.DONE_FOR_DAY})

#: Every allowed step. What is not here does not happen.
TABLE: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING_APPROVAL: frozenset({Status.QUEUED, Status.DENIED, Status.CANCELLED, Status.EXPIRED}),
    Status.QUEUED: frozenset({Status.SUBMITTING, Status.CANCELLED, Status.EXPIRED}),
    # EXPIRED and CANCELLED from here: withheld at the last look, nothing left the process.
    Status.SUBMITTING: _BROKER | {Status.UNKNOWN, Status.EXPIRED},
    Status.UNKNOWN: _BROKER | _DAY_END | {Status.NOT_FOUND},
    Status.SUBMITTED: _BROKER - {Status.SUBMITTED} | _DAY_END | {Status.UNKNOWN},
    Status.REPORTED: _BROKER - {Status.SUBMITTED, Status.REPORTED} | _DAY_END,
    Status.PARTIALLY_FILLED: frozenset({Status.PENDING_CANCEL, Status.FILLED, Status.PARTIALLY_CANCELLED} | _DAY_END),
    Status.PENDING_CANCEL: frozenset(
        {Status.FILLED, Status.CANCELLED, Status.PARTIALLY_CANCELLED, Status.REJECTED} | _DAY_END
    ),
    Status.DONE_FOR_DAY: frozenset(_BROKER_FINAL),
    # A fill that comes after the broker called the order cancelled (54 before its fill).
    Status.CANCELLED: frozenset({Status.PARTIALLY_CANCELLED, Status.FILLED}),
    Status.PARTIALLY_CANCELLED: frozenset({Status.FILLED}),
    Status.FILLED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.NOT_FOUND: frozenset(),
    Status.DENIED: frozenset(),
}

#: Steps that only one kind of evidence may take, beside the table.
EXCEPTIONAL: Final[Mapping[OrderEventKind, frozenset[tuple[Status, Status]]]] = {
    # The broker refused a cancel: the order works on.
    OrderEventKind.CANCEL_REFUSED: frozenset(
        {
            (Status.PENDING_CANCEL, Status.REPORTED),
            (Status.PENDING_CANCEL, Status.PARTIALLY_FILLED),
        }
    ),
    # The broker has an order that we had ended ourselves: adopted, with an alarm.
    OrderEventKind.ADOPTED: frozenset(
        (ended, to) for ended in (Status.EXPIRED, Status.NOT_FOUND, Status.CANCELLED, Status.REJECTED) for to in _BROKER
    ),
}

#: Nothing more is expected. Only late broker evidence can still correct the account of it.
TERMINAL: Final = frozenset(
    {
        Status.FILLED,
        Status.CANCELLED,
        Status.PARTIALLY_CANCELLED,
        Status.REJECTED,
        Status.DENIED,
        Status.EXPIRED,
        Status.NOT_FOUND,
        Status.DONE_FOR_DAY,
    }
)
OPEN: Final = frozenset(Status) - TERMINAL
#: Perhaps at the broker, perhaps not: what absence or evidence must resolve.
UNRESOLVED: Final = frozenset({Status.SUBMITTING, Status.UNKNOWN})
#: Known to be at the broker and alive.
WORKING: Final = frozenset(_WORKING)
#: Everything is given back on entering these. NOT_FOUND keeps its promise until the day closes.
RELEASING: Final = TERMINAL - {Status.NOT_FOUND}

#: The terminal's order status codes (xtconstant). 50 is the first that the exchange's side has seen.
BROKER_STATUS: Final[Mapping[int, Status]] = {
    48: Status.SUBMITTED,  # unreported (未报)
    49: Status.SUBMITTED,  # waiting to report (待报)
    50: Status.REPORTED,  # reported (已报)
    51: Status.PENDING_CANCEL,  # reported, cancelling (已报待撤)
    52: Status.PENDING_CANCEL,  # partly filled, cancelling (部成待撤)
    53: Status.PARTIALLY_CANCELLED,  # part-cancelled, carries fills (部撤)
    54: Status.CANCELLED,  # cancelled (已撤)
    55: Status.PARTIALLY_FILLED,  # partly filled (部成)
    56: Status.FILLED,  # filled (已成)
    57: Status.REJECTED,  # junk (废单)
}


class IllegalTransition(Exception):
    """The platform asked for a step that the table does not have. A bug, never the broker's doing."""


class ConcurrentChange(Exception):
    """The row moved since it was read. Nothing was written; read it again."""


def broker_status(code: int) -> Status | None:
    """The status a broker code stands for; None for 255 (unknown) and codes nobody has seen."""
    return BROKER_STATUS.get(code)


def reached(current: Status, to: Status, kind: OrderEventKind) -> Status:
    """Where evidence of `to` leads from `current`: there if the tables have the step, else nowhere."""
    step = to in TABLE[current] or (current, to) in EXCEPTIONAL.get(kind, ())
    return to if step else current


def ended_by_us(order: Order) -> bool:
    """Whether we closed this order without the broker ever having spoken about its state.

    A broker that knows its tag after that proves us wrong.
    """
    if order.status in (Status.EXPIRED, Status.NOT_FOUND):
        return True
    return order.status in (Status.CANCELLED, Status.REJECTED) and order.broker_status is None


def advance(
    order: Order,
    to: Status,
    *,
    kind: OrderEventKind,
    at: datetime | None = None,
    data: Mapping[str, Any] | None = None,
    strict: bool = False,
    **fields: Any,
) -> bool:
    """Move `order` to `to` and write its timeline; the only way an order's row changes.

    The row is written by one UPDATE conditional on the version that was read, so a
    second writer loses instead of overwriting. Call inside the account's journal.

    Parameters
    ----------
    order
        The row as read; brought up to date in place.
    to
        The status the evidence or the decision leads to. The present one is allowed:
        then only `fields` change.
    kind
        What happened, for the timeline.
    at
        When, by the wall clock; now by default.
    data
        Facts for the timeline.
    strict
        The platform's own decisions: a step outside of the table raises. Without it,
        such a step is stale evidence: the status stays, `fields` are still written.
    **fields
        Other columns to write together with the step.

    Returns
    -------
    bool
        Whether anything was written. An exact repeat writes nothing.

    Raises
    ------
    IllegalTransition
        With `strict`, for a step that is not in the table.
    ConcurrentChange
        The row was changed by somebody else since it was read.
    """
    before = Status(order.status)
    after = reached(before, to, kind)
    if strict and after != to:
        raise IllegalTransition(f"{order.pk}: {before} → {to} ({kind})")
    changes = {name: value for name, value in fields.items() if getattr(order, name) != value}
    if after == before and not changes:
        return False
    moment = at or wall_now()
    changes.update(_stamps(order, after, moment))
    written = Order.objects.filter(pk=order.pk, version=order.version, status=before).update(
        status=after, version=F("version") + 1, **changes
    )
    if written != 1:
        raise ConcurrentChange(str(order.pk))
    order.status = after
    order.version += 1
    for name, value in changes.items():
        setattr(order, name, value)
    OrderEvent.objects.create(
        order=order,
        seq=order.version,
        kind=kind,
        from_status=before,
        to_status=after,
        data=dict(data or {}),
        at=moment,
    )
    return True


def _stamps(order: Order, after: Status, moment: datetime) -> dict[str, datetime | None]:
    """The times that follow from entering a status; each is set once.

    `final_at` is taken back when late evidence revives an order that we had ended.
    """
    stamps: dict[str, datetime | None] = {}
    seen_by_broker = after in _BROKER and after not in (Status.SUBMITTED, Status.REJECTED)
    if seen_by_broker and order.reported_at is None:
        stamps["reported_at"] = moment
    if after in TERMINAL:
        if order.final_at is None:
            stamps["final_at"] = moment
    elif order.final_at is not None:
        stamps["final_at"] = None
    return stamps
