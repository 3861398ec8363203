"""Executions that wait for somebody else: as a whole, judged again, approved whole or in part, refused, expired."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.services import account_halt, grant_withdraw
from ops.clocks import wall_now
from ops.errors import Code, Conflict, Denied, Forbidden, Invalid
from ops.models import AuditEvent
from tests.execution.floor import Floor
from tests.orders.approvals import make_approver, quote, set_rule
from tests.orders.bench import MOUTAI
from tests.people import TEST_ACTOR
from tests.risk.desk import stored
from trading.execution.choices import State
from trading.execution.models import Execution, ExecutionApproval
from trading.execution.selectors import executions_to_approve
from trading.execution.services import (
    execution_approve,
    execution_cancel,
    execution_pause,
    execution_refuse,
    execution_resume,
    step,
)
from trading.orders.choices import Status
from trading.orders.models import Order
from trading.risk.choices import LimitKind

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
A: dict[str, Any] = {"symbol": MOUTAI, "side": "BUY", "quantity": 300, "price": "10.00"}
B: dict[str, Any] = {"symbol": "000001.SZ", "side": "BUY", "quantity": 200, "price": "12.00"}


@pytest.fixture
def dora(floor: Floor) -> User:
    return make_approver(floor.bench)


def waiting(floor: Floor, **rule: Any) -> Execution:
    """A basket of 3,000 and 2,400 CNY that waits, because together they reach 5,000."""
    set_rule(floor.bench, **rule)
    execution = floor.basket(A, B)
    assert execution.state == State.PENDING_APPROVAL
    return execution


def test_basket_waits_when_its_legs_together_reach_the_value_and_nothing_is_placed(floor: Floor) -> None:
    execution = floor.turn(waiting(floor))
    assert execution.state == State.PENDING_APPROVAL
    assert floor.children(execution) == []
    assert str(execution.approval.value) == "5400.0000"
    assert floor.bench.book.reserved_cash == 0


@pytest.mark.parametrize("kind", ["split", "twap"])
def test_splitting_an_order_does_not_get_it_past_a_rule(floor: Floor, kind: str) -> None:
    set_rule(floor.bench)
    execution = floor.split(quantity=500, child=100) if kind == "split" else floor.twap(quantity=500, slices=5)
    assert execution.state == State.PENDING_APPROVAL


def test_small_execution_runs_at_once(floor: Floor) -> None:
    set_rule(floor.bench)
    assert floor.basket(A).state == State.RUNNING


def test_approved_basket_runs_and_its_orders_are_not_held_again(floor: Floor, dora: User) -> None:
    execution = waiting(floor, min_value="1000")
    approved = execution_approve(user=dora, execution_id=execution.pk)
    assert (approved.pk, approved.state) == (execution.pk, State.RUNNING)
    floor.turn(execution)
    assert [order.status for order in floor.orders(execution)] == [Status.QUEUED, Status.QUEUED]
    events = AuditEvent.objects.filter(target=f"execution:{execution.pk}").order_by("pk")
    assert [(event.action, event.actor_label) for event in events] == [
        ("execution.accepted", "alice"),
        ("execution.approved", "dora"),
    ]


def test_part_of_a_basket_becomes_a_basket_of_its_own_and_the_rest_is_refused(floor: Floor, dora: User) -> None:
    execution = waiting(floor)
    part = execution_approve(user=dora, execution_id=execution.pk, legs=[2])
    assert part.pk != execution.pk
    assert (part.created_by, part.state) == (floor.bench.alice, State.RUNNING)
    assert [(leg.number, leg.symbol, leg.quantity) for leg in floor.legs(part)] == [(2, "000001.SZ", 200)]
    assert part.terms == {"part_of": str(execution.pk), "legs": [2]}
    old = floor.turn(execution)
    assert (old.state, old.code) == (State.STOPPED, Code.APPROVED_IN_PART)
    assert [leg.code for leg in floor.legs(old)] == [Code.APPROVAL_REFUSED, Code.APPROVED_IN_PART]
    floor.turn(part)
    assert [order.symbol for order in Order.objects.all()] == ["000001.SZ"]
    assert floor.orders(part)[0].status == Status.QUEUED
    floor.fill(floor.orders(part)[0], price="12.00")
    assert floor.turn(part).state == State.COMPLETED


@pytest.mark.parametrize("legs", [[], [3], "1", [True], [1, "2"], {}])
def test_legs_that_are_none_are_refused(floor: Floor, dora: User, legs: Any) -> None:
    execution = waiting(floor)
    with pytest.raises(Invalid):
        execution_approve(user=dora, execution_id=execution.pk, legs=legs)
    assert floor.fresh(execution).state == State.PENDING_APPROVAL


def test_leg_that_is_denied_now_leaves_the_basket_waiting_and_the_other_may_be_approved(
    floor: Floor, dora: User
) -> None:
    execution = waiting(floor)
    stored(LimitKind.SYMBOL_DENY, params={"symbols": [MOUTAI]})
    with pytest.raises(Denied) as caught:
        execution_approve(user=dora, execution_id=execution.pk)
    assert [row["leg"] for row in caught.value.details["legs"]] == [1]
    assert floor.fresh(execution).state == State.PENDING_APPROVAL
    assert execution_approve(user=dora, execution_id=execution.pk, legs=[2]).state == State.RUNNING


def test_price_that_drifted_denies_the_leg(floor: Floor, dora: User) -> None:
    quote(floor.bench, "10.00")
    execution = waiting(floor, max_drift_percent="2")
    quote(floor.bench, "10.30")
    with pytest.raises(Denied) as caught:
        execution_approve(user=dora, execution_id=execution.pk)
    assert [(row["leg"], row["code"]) for row in caught.value.details["legs"]] == [(1, Code.PRICE_DRIFTED)]
    assert execution_approve(user=dora, execution_id=execution.pk, legs=[2]).state == State.RUNNING


def test_maker_and_the_ungranted_never_decide(floor: Floor, dora: User) -> None:
    execution = waiting(floor)
    people = {floor.bench.alice: Code.SELF_APPROVAL, floor.bench.team.admin: Code.APPROVE_NOT_GRANTED}
    for person, code in people.items():
        with pytest.raises(Forbidden) as caught:
            execution_approve(user=person, execution_id=execution.pk)
        assert caught.value.code == code
        with pytest.raises(Forbidden):
            execution_refuse(user=person, execution_id=execution.pk, reason="x")
    assert floor.fresh(execution).state == State.PENDING_APPROVAL


def test_refused_execution_ends_and_places_nothing(floor: Floor, dora: User) -> None:
    execution = execution_refuse(user=dora, execution_id=waiting(floor).pk, reason="not today")
    assert (execution.state, execution.code) == (State.STOPPED, Code.APPROVAL_REFUSED)
    assert execution.approval.reason == "not today"
    floor.turn(execution)
    assert not Order.objects.exists()
    with pytest.raises(Conflict) as caught:
        execution_approve(user=dora, execution_id=execution.pk)
    assert caught.value.code == Code.APPROVAL_DECIDED


def test_nobody_deciding_in_time_stops_it_by_the_loop_and_by_a_late_decision(floor: Floor, dora: User) -> None:
    first, second = waiting(floor), floor.basket(A, B)
    ExecutionApproval.objects.update(expires_at=wall_now() - timedelta(seconds=1))
    first = floor.turn(first)
    assert (first.state, first.code) == (State.STOPPED, Code.APPROVAL_EXPIRED)
    with pytest.raises(Conflict) as caught:
        execution_approve(user=dora, execution_id=second.pk)
    assert caught.value.code == Code.APPROVAL_EXPIRED
    assert floor.fresh(second).state == State.STOPPED


def test_halted_account_ends_what_waits(floor: Floor, dora: User) -> None:
    execution = waiting(floor)
    account_halt(actor=TEST_ACTOR, account=floor.bench.account)
    with pytest.raises(Denied) as caught:
        execution_approve(user=dora, execution_id=execution.pk)
    assert caught.value.code == Code.LEGS_DENIED
    execution = floor.turn(execution)
    assert (execution.state, execution.code) == (State.STOPPED, Code.ACCOUNT_HALTED)


def test_makers_lost_right_ends_what_waits(floor: Floor, dora: User) -> None:
    execution = waiting(floor)
    grant_withdraw(actor=TEST_ACTOR, account=floor.bench.account, user=floor.bench.alice)
    with pytest.raises(Denied) as caught:
        execution_approve(user=dora, execution_id=execution.pk)
    assert caught.value.code == Code.TRADE_NOT_GRANTED
    assert floor.turn(execution).code == Code.TRADE_NOT_GRANTED


def test_maker_cancels_what_waits_and_neither_pauses_nor_resumes_it(floor: Floor) -> None:
    execution = waiting(floor)
    for act in (execution_pause, execution_resume):
        with pytest.raises(Conflict):
            act(user=floor.bench.alice, execution_id=execution.pk)
    execution_cancel(user=floor.bench.alice, execution_id=execution.pk)
    assert floor.turn(execution).state == State.CANCELLED
    assert not Order.objects.exists()


def test_child_that_a_later_rule_asks_about_waits_by_itself(floor: Floor, dora: User) -> None:
    execution = floor.split(quantity=500, child=200)
    set_rule(floor.bench, min_value="1000")
    step(execution.pk)
    assert [order.status for order in floor.orders(floor.turn(execution))] == [Status.PENDING_APPROVAL]


def test_queue_shows_executions_to_approvers_and_to_their_maker(floor: Floor, dora: User) -> None:
    execution = waiting(floor)
    rows = executions_to_approve(dora)
    assert [(row["id"], row["decidable"], row["approval"]["value"]) for row in rows] == [
        (str(execution.pk), True, "5400.00")
    ]
    assert [row["decidable"] for row in executions_to_approve(floor.bench.alice)] == [False]
    assert executions_to_approve(floor.bench.team.bob) == []
