"""Several at once about one order that waits: exactly one of them wins, on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from accounts.services import grant_withdraw
from ops.errors import Code, DeskError
from tests.orders.approvals import held, make_approver, set_rule, too_late
from tests.orders.bench import Bench, make_bench
from tests.orders.claiming import claim
from tests.orders.test_races import at_once
from tests.people import TEST_ACTOR
from trading.orders.choices import OrderEventKind, Status
from trading.orders.lifecycle import expire_due
from trading.orders.services import order_approve, order_cancel, order_refuse

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
ENDS = frozenset({OrderEventKind.APPROVED, OrderEventKind.REFUSED, OrderEventKind.CANCELLED, OrderEventKind.EXPIRED})


@pytest.fixture
def desk(transactional_db: None) -> Bench:
    bench = make_bench()
    set_rule(bench)
    return bench


def _act(acts: list[Callable[[], object]], number: int) -> object:
    return acts[number]()


def test_two_approvers_at_once_queue_the_order_once(desk: Bench) -> None:
    people = [make_approver(desk, f"approver{number}") for number in range(8)]
    order = held(desk)
    results = at_once(lambda number: order_approve(user=people[number], order_id=order.pk), crowd=8)
    refused = [result.code for result in results if isinstance(result, DeskError)]
    assert refused == [Code.APPROVAL_DECIDED] * 7
    order = desk.order(order)
    assert order.status == Status.QUEUED
    assert Counter(event.kind for event in order.events.all()) == {OrderEventKind.HELD: 1, OrderEventKind.APPROVED: 1}
    assert desk.book.reserved_cash == order.reserved_cash


def test_approval_against_refusal_cancel_and_expiry_has_one_winner(desk: Bench) -> None:
    dora, eve = make_approver(desk), make_approver(desk, "eve")
    for round_number in range(6):
        order = held(desk, price=f"9.9{round_number}")
        acts: list[Callable[[], object]] = [
            partial(order_approve, user=dora, order_id=order.pk),
            partial(order_refuse, user=eve, order_id=order.pk, reason="no"),
            partial(order_cancel, user=desk.alice, order_id=order.pk),
            partial(expire_due, "sim"),
        ]
        if round_number % 2:
            too_late(order)
        at_once(partial(_act, acts), crowd=4)
        order = desk.order(order)
        kinds = [event.kind for event in order.events.order_by("seq")]
        if kinds[1] == OrderEventKind.APPROVED:
            # Approved in time; the cancel may have met the queued order right after.
            assert kinds[2:] in ([], [OrderEventKind.CANCELLED])
            assert not round_number % 2
        else:
            assert len(kinds) == 2
            assert kinds[1] in ENDS
            assert order.reserved_cash == 0
        if order.status == Status.QUEUED:
            order_cancel(user=desk.alice, order_id=order.pk)
    assert desk.book.reserved_cash == 0


def test_grant_withdrawn_while_approving_never_sends_the_order(desk: Bench) -> None:
    for number in range(5):
        dora = make_approver(desk, f"dora{number}")
        order = held(desk, price=f"9.8{number}")

        acts: list[Callable[[], object]] = [
            partial(order_approve, user=dora, order_id=order.pk),
            partial(grant_withdraw, actor=TEST_ACTOR, account=desk.account, user=dora),
        ]
        at_once(partial(_act, acts), crowd=2)
        # Approved before: its epoch is the old one. Approved after: refused, it still waits.
        assert claim(order.pk, host_name="sim") is None
        assert desk.order(order).status in (Status.QUEUED, Status.PENDING_APPROVAL)
