"""Wanting a cancel: stored at once, refused by no limit of ours, never repeated by itself."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import BrokerAccount, Grant
from accounts.services import account_halt
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Forbidden, Invalid, NotFound
from ops.models import AuditEvent
from tests.orders.bench import Bench, host_ready
from tests.orders.claiming import claim_cancel
from tests.people import TEST_ACTOR
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.orders.services import Wanted, order_cancel, orders_cancel

pytestmark = pytest.mark.django_db


def test_cancel_of_a_queued_order_is_done_at_once(bench: Bench) -> None:
    order = order_cancel(user=bench.alice, order_id=bench.submit().pk)
    assert order.status == Status.CANCELLED
    assert order.cancel_requested_by == bench.alice
    assert AuditEvent.objects.get(action="order.cancel_requested").after == {"status": "CANCELLED"}


@pytest.mark.parametrize("stage", ["sent", "reported"])
def test_cancel_of_a_sent_order_is_stored_as_wanted(bench: Bench, stage: str) -> None:
    order = getattr(bench, stage)()
    cancelled = order_cancel(user=bench.alice, order_id=order.pk)
    assert cancelled.status == order.status
    assert cancelled.cancel_requested_at is not None
    assert cancelled.cancel_sent_at is None


def test_cancel_again_while_the_first_may_work_changes_nothing(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    claim_cancel(order.pk, host_name="sim")
    version = bench.order(order).version
    order_cancel(user=bench.alice, order_id=order.pk)
    assert bench.order(order).version == version
    assert AuditEvent.objects.filter(action="order.cancel_requested").count() == 1


def test_cancel_again_long_after_an_unseen_one_is_wanted_again(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    claim_cancel(order.pk, host_name="sim")
    Order.objects.filter(pk=order.pk).update(cancel_sent_at=wall_now() - timedelta(seconds=6))
    order_cancel(user=bench.alice, order_id=order.pk)
    assert bench.order(order).cancel_sent_at is None


def test_cancel_of_a_finished_order_is_a_conflict(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(bench.fill(order, 100))
    with pytest.raises(Conflict) as refusal:
        order_cancel(user=bench.alice, order_id=order.pk)
    assert refusal.value.code == Code.ORDER_FINAL
    assert refusal.value.details["state"] == "FILLED"


def test_cancel_is_refused_by_no_state_of_account_host_or_market(bench: Bench) -> None:
    orders = [bench.reported() for _ in range(4)]
    account_halt(actor=TEST_ACTOR, account=bench.account)
    order_cancel(user=bench.alice, order_id=orders[0].pk)
    host_ready(bench.team, session_state="DOWN")
    order_cancel(user=bench.alice, order_id=orders[1].pk)
    host_ready(bench.team, phase="LUNCH")
    order_cancel(user=bench.alice, order_id=orders[2].pk)
    BrokerAccount.objects.update(enabled=False, mode="READ_ONLY")
    order_cancel(user=bench.alice, order_id=orders[3].pk)
    assert all(bench.order(order).cancel_requested_at for order in orders)


def test_cancel_of_unknown_and_foreign_orders_answers_alike(bench: Bench) -> None:
    order = bench.submit()
    with pytest.raises(NotFound) as foreign:
        order_cancel(user=bench.team.charlie, order_id=order.pk)
    with pytest.raises(NotFound) as unknown:
        order_cancel(user=bench.alice, order_id=uuid.uuid4())
    assert foreign.value.code == unknown.value.code == Code.ORDER_NOT_FOUND
    assert bench.order(order).status == Status.QUEUED


def test_cancel_by_somebody_who_only_sees_is_refused(bench: Bench) -> None:
    order = bench.submit()
    with pytest.raises(Forbidden) as refusal:
        order_cancel(user=bench.team.bob, order_id=order.pk)
    assert refusal.value.code == Code.TRADE_NOT_GRANTED
    assert bench.order(order).status == Status.QUEUED


def test_cancel_all_of_an_account_tells_each_orders_outcome(bench: Bench) -> None:
    queued, working = bench.submit(), bench.reported()
    outcomes = orders_cancel(user=bench.alice, account_id=bench.account.pk)
    assert [(outcome.order.pk, outcome.wanted) for outcome in outcomes] == [
        (queued.pk, Wanted.DONE),
        (working.pk, Wanted.STORED),
    ]
    assert bench.order(queued).status == Status.CANCELLED
    assert bench.order(working).cancel_requested_by == bench.alice
    again = orders_cancel(user=bench.alice, account_id=bench.account.pk)
    assert [(outcome.order.pk, outcome.wanted) for outcome in again] == [(working.pk, Wanted.ALREADY)]


@pytest.mark.parametrize("wish", [{"symbol": "000001"}, {"side": "BUY", "strategy": "grid"}])
def test_cancel_all_touches_only_what_the_filters_name(bench: Bench, wish: dict[str, Any]) -> None:
    named = bench.submit(symbol="000001.SZ", price="12.00", strategy="grid")
    other = bench.submit()
    outcomes = orders_cancel(user=bench.alice, account_id=bench.account.pk, **wish)
    assert [outcome.order.pk for outcome in outcomes] == [named.pk]
    assert bench.order(other).status == Status.QUEUED


def test_cancel_all_with_a_malformed_filter_cancels_nothing(bench: Bench) -> None:
    order = bench.submit()
    for wish in ({"symbol": "Moutai"}, {"symbol": 600519}, {"side": "buy"}, {"strategy": ""}):
        with pytest.raises(Invalid):
            orders_cancel(user=bench.alice, account_id=bench.account.pk, **wish)
    assert bench.order(order).status == Status.QUEUED


def test_cancel_all_works_on_a_halted_account(bench: Bench) -> None:
    order = bench.submit()
    account_halt(actor=TEST_ACTOR, account=bench.account)
    assert [outcome.wanted for outcome in orders_cancel(user=bench.alice, account_id=bench.account.pk)] == [Wanted.DONE]
    assert bench.order(order).status == Status.CANCELLED


def test_cancel_all_leaves_the_orders_of_others_and_says_so(bench: Bench) -> None:
    mine = bench.submit()
    theirs = bench.submit()
    Order.objects.filter(pk=theirs.pk).update(created_by=bench.team.bob)
    Grant.objects.filter(user=bench.alice).update(trade="OWN")
    outcomes = orders_cancel(user=bench.alice, account_id=bench.account.pk)
    assert {outcome.order.pk: outcome.refusal for outcome in outcomes} == {
        mine.pk: None,
        theirs.pk: Code.ORDER_NOT_YOURS,
    }
    assert bench.order(theirs).status == Status.QUEUED


def test_cancel_all_by_somebody_who_may_only_look_is_refused(bench: Bench) -> None:
    order = bench.submit()
    with pytest.raises(Forbidden):
        orders_cancel(user=bench.team.bob, account_id=bench.account.pk)
    with pytest.raises(NotFound):
        orders_cancel(user=bench.team.charlie, account_id=bench.account.pk)
    assert bench.order(order).status == Status.QUEUED
