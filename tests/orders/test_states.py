"""The table: what is in it, what is not, and who may take the exceptional steps."""

from __future__ import annotations

import pytest

from tests.orders.bench import Bench
from trading.orders.choices import OrderEventKind, Status
from trading.orders.models import Order, OrderEvent
from trading.orders.states import (
    BROKER_STATUS,
    EXCEPTIONAL,
    OPEN,
    RELEASING,
    TABLE,
    TERMINAL,
    ConcurrentChange,
    IllegalTransition,
    advance,
    broker_status,
    reached,
)

#: How far an order has come; a step of the table never leads to a lower number.
PROGRESS = {
    Status.PENDING_APPROVAL: 0,
    Status.QUEUED: 1,
    Status.SUBMITTING: 2,
    Status.UNKNOWN: 3,
    Status.SUBMITTED: 3,
    Status.REPORTED: 4,
    Status.PARTIALLY_FILLED: 5,
    Status.PENDING_CANCEL: 6,
    Status.EXPIRED: 9,
    Status.DENIED: 9,
    Status.NOT_FOUND: 9,
    Status.REJECTED: 9,
    Status.DONE_FOR_DAY: 9,
    Status.CANCELLED: 10,
    Status.PARTIALLY_CANCELLED: 11,
    Status.FILLED: 12,
}


def test_table_has_every_status() -> None:
    assert set(TABLE) == set(Status)
    assert set(Status) == TERMINAL | OPEN
    assert not TERMINAL & OPEN


def test_table_never_leads_backwards() -> None:
    for current, targets in TABLE.items():
        for to in targets:
            assert PROGRESS[to] >= PROGRESS[current], f"{current} → {to}"
            assert to != current


def test_finished_orders_only_gain_fills() -> None:
    for status in TERMINAL - {Status.DONE_FOR_DAY}:
        assert TABLE[status] <= {Status.PARTIALLY_CANCELLED, Status.FILLED}


def test_only_not_found_ends_without_giving_back() -> None:
    assert {Status.NOT_FOUND} == TERMINAL - RELEASING


def test_nothing_leads_back_to_the_queue() -> None:
    sources = {status for status, targets in TABLE.items() if Status.QUEUED in targets}
    assert sources == {Status.PENDING_APPROVAL}


def test_only_the_queue_leads_to_sending() -> None:
    sources = {status for status, targets in TABLE.items() if Status.SUBMITTING in targets}
    assert sources == {Status.QUEUED}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (48, Status.SUBMITTED),
        (49, Status.SUBMITTED),
        (50, Status.REPORTED),
        (51, Status.PENDING_CANCEL),
        (52, Status.PENDING_CANCEL),
        (53, Status.PARTIALLY_CANCELLED),
        (54, Status.CANCELLED),
        (55, Status.PARTIALLY_FILLED),
        (56, Status.FILLED),
        (57, Status.REJECTED),
        (255, None),
        (0, None),
        (99, None),
    ],
)
def test_broker_code_is_read(code: int, status: Status | None) -> None:
    assert broker_status(code) == status


def test_broker_codes_are_the_terminals_ten() -> None:
    assert sorted(BROKER_STATUS) == list(range(48, 58))


@pytest.mark.parametrize("kind", [kind for kind in OrderEventKind if kind not in EXCEPTIONAL])
def test_exceptional_steps_need_their_kind(kind: OrderEventKind) -> None:
    assert reached(Status.PENDING_CANCEL, Status.REPORTED, kind) == Status.PENDING_CANCEL
    assert reached(Status.EXPIRED, Status.REPORTED, kind) == Status.EXPIRED


@pytest.mark.django_db
def test_advance_writes_row_and_timeline(bench: Bench) -> None:
    order = bench.submit()
    assert advance(order, Status.CANCELLED, kind=OrderEventKind.CANCELLED, data={"a": 1}) is True
    stored = bench.order(order)
    assert (stored.status, stored.version) == (Status.CANCELLED, 2)
    assert stored.final_at is not None
    event = OrderEvent.objects.get(order=order, seq=2)
    assert (event.from_status, event.to_status, event.data) == ("QUEUED", "CANCELLED", {"a": 1})


@pytest.mark.django_db
def test_advance_by_stale_evidence_writes_nothing(bench: Bench) -> None:
    order = bench.reported()
    version = order.version
    assert advance(order, Status.SUBMITTED, kind=OrderEventKind.ANSWERED) is False
    assert bench.order(order).version == version


@pytest.mark.django_db
def test_advance_strictly_along_no_step_raises_and_writes_nothing(bench: Bench) -> None:
    order = bench.submit()
    with pytest.raises(IllegalTransition):
        advance(order, Status.FILLED, kind=OrderEventKind.UPDATED, strict=True)
    assert bench.order(order).status == Status.QUEUED


@pytest.mark.django_db
def test_advance_of_a_row_that_moved_raises_instead_of_overwriting(bench: Bench) -> None:
    order = bench.submit()
    stale = Order.objects.get(pk=order.pk)
    advance(order, Status.CANCELLED, kind=OrderEventKind.CANCELLED)
    with pytest.raises(ConcurrentChange):
        advance(stale, Status.SUBMITTING, kind=OrderEventKind.CLAIMED)
    assert bench.order(order).status == Status.CANCELLED
