"""Executions over real rows: children, progress, rights, and a crash at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Grant
from accounts.services import account_halt, account_resume, grant_withdraw
from ops.errors import Code
from ops.models import AuditEvent
from tests.execution.floor import Floor
from tests.orders.bench import MOUTAI, host_ready
from tests.people import TEST_ACTOR
from trading.execution.choices import State
from trading.execution.models import Child, Execution
from trading.execution.services import drive, execution_cancel, execution_pause, execution_resume
from trading.ledger.models import AccountEvent
from trading.orders.choices import Source, Status
from trading.orders.models import Order
from trading.orders.services import order_cancel

pytestmark = pytest.mark.django_db

SELL = {"symbol": "000001.SZ", "side": "SELL", "quantity": 1000, "price": "12.34"}
BUY = {"symbol": MOUTAI, "side": "BUY", "quantity": 1000, "price": "10.00"}


# ------------------------------------------------------------------------------- splits
@pytest.mark.postgres
def test_split_places_one_child_after_the_other_until_everything_traded(floor: Floor) -> None:
    execution = floor.split(500, 200)
    sizes = []
    while floor.turn(execution).state == State.RUNNING:
        order = floor.orders(execution)[-1]
        sizes.append(order.quantity)
        floor.fill(order)
    assert sizes == [200, 200, 100]
    (leg,) = floor.legs(execution)
    assert (leg.traded_quantity, leg.traded_amount, leg.code) == (500, Decimal(5000), "")
    assert floor.fresh(execution).state == State.COMPLETED


def test_children_carry_their_parents_strategy_person_and_source(floor: Floor) -> None:
    execution = floor.split(strategy="grid")
    floor.turn(execution)
    (order,) = floor.orders(execution)
    assert (order.strategy, order.created_by, order.source) == ("grid", floor.bench.alice, Source.EXECUTION)
    assert order.client_order_id == f"exec:{execution.pk.hex}:1:1"


def test_progress_is_told_on_the_accounts_channel(floor: Floor) -> None:
    execution = floor.split(500, 200)
    floor.turn(execution)
    floor.fill(floor.orders(execution)[0], 100)
    floor.turn(execution)
    last = AccountEvent.objects.filter(account=floor.bench.account, kind="execution").latest("version")
    assert (last.payload["id"], last.payload["traded_quantity"]) == (str(execution.pk), 100)


def test_loop_at_rest_writes_nothing(floor: Floor) -> None:
    execution = floor.split()
    floor.turn(execution)
    version = floor.bench.book.version
    assert drive.step(execution.pk) is False
    assert floor.bench.book.version == version


# ------------------------------------------------------------------------------ baskets
@pytest.mark.postgres
def test_basket_sells_first_and_buys_when_the_proceeds_are_there(floor: Floor) -> None:
    floor.bench.hold(1000, "000001.SZ")
    floor.confirm(cash="500.00")
    execution = floor.basket(BUY, SELL)
    floor.turn(execution)
    (sale,) = floor.orders(execution)
    assert (sale.symbol, sale.side) == ("000001.SZ", "SELL")
    floor.fill(sale, price="12.34")
    floor.confirm(cash="12800.00")
    floor.turn(execution)
    buy = floor.orders(execution)[0]
    assert (buy.symbol, buy.status) == (MOUTAI, Status.QUEUED)
    floor.fill(buy)
    assert floor.turn(execution).state == State.COMPLETED


def test_basket_buy_that_the_sales_did_not_pay_for_is_denied_and_told(floor: Floor) -> None:
    floor.bench.hold(1000, "000001.SZ")
    floor.confirm(cash="500.00")
    execution = floor.basket(BUY, SELL)
    floor.turn(execution)
    (sale,) = floor.orders(execution)
    floor.fill(sale, 100)
    order_cancel(user=floor.bench.alice, order_id=sale.pk)
    floor.cancelled(sale)
    floor.confirm(cash="1700.00")
    ended = floor.turn(execution)
    assert ended.state == State.INCOMPLETE
    assert [(leg.code, leg.traded_quantity) for leg in floor.legs(execution)] == [
        (Code.CASH_INSUFFICIENT, 0),
        (Code.CHILD_CANCELLED, 100),
    ]


def test_basket_tells_each_legs_result(floor: Floor) -> None:
    execution = floor.basket(BUY, BUY | {"symbol": "510300.SH", "price": "4.000"})
    floor.turn(execution)
    first, second = floor.orders(execution)
    floor.fill(first)
    floor.report(second)
    floor.bench.apply(floor.bench.update(second, 57, status_msg="废单"))
    assert floor.turn(execution).state == State.INCOMPLETE
    assert [(leg.traded_quantity, leg.code) for leg in floor.legs(execution)] == [(1000, ""), (0, "REJECTED")]


# --------------------------------------------------------------------------------- TWAP
def test_twap_slices_follow_the_market_clock(floor: Floor) -> None:
    execution = floor.twap(1000, 3)
    floor.turn(execution)
    (first,) = floor.orders(execution)
    assert first.quantity == 300
    floor.fill(first, 100)
    floor.market_time("10:11")
    floor.turn(execution)
    assert floor.bench.order(first).cancel_requested_at is not None
    assert len(floor.orders(execution)) == 1
    floor.cancelled(first)
    floor.turn(execution)
    second = floor.orders(execution)[1]
    assert second.quantity == 500  # 666 due, 100 done
    floor.fill(second)
    floor.market_time("10:21")
    floor.turn(execution)
    third = floor.orders(execution)[2]
    assert third.quantity == 400
    floor.fill(third)
    assert floor.turn(execution).state == State.COMPLETED


def test_twap_ends_with_its_window(floor: Floor) -> None:
    execution = floor.twap(1000, 3)
    floor.turn(execution)
    (order,) = floor.orders(execution)
    floor.report(order)
    floor.market_time("10:31")
    floor.turn(execution)
    floor.cancelled(order)
    ended = floor.turn(execution)
    assert ended.state == State.INCOMPLETE
    assert floor.legs(execution)[0].code == Code.DEADLINE_PASSED


# -------------------------------------------------------------------------- replacements
@pytest.mark.postgres
def test_replacement_waits_for_the_final_state_and_orders_the_remainder(floor: Floor) -> None:
    old = floor.fill(floor.bench.submit(quantity=1000), 300)
    execution = floor.replace(old, price="10.20")
    floor.turn(execution)
    assert floor.bench.order(old).cancel_requested_at is not None
    assert floor.orders(execution) == []
    floor.fill(old, 100)  # it goes on trading until the cancel arrives
    floor.turn(execution)
    assert floor.orders(execution) == []
    floor.cancelled(old)
    floor.turn(execution)
    (new,) = floor.orders(execution)
    assert (new.quantity, new.price) == (600, Decimal("10.20"))
    floor.fill(new, price="10.20")
    assert floor.turn(execution).state == State.COMPLETED


def test_replacement_of_an_order_that_fills_meanwhile_sends_nothing_and_says_so(floor: Floor) -> None:
    old = floor.report(floor.bench.submit(quantity=1000))
    execution = floor.replace(old, price="10.20")
    floor.turn(execution)
    floor.fill(old)
    assert floor.turn(execution).state == State.COMPLETED
    assert floor.orders(execution) == []
    assert floor.legs(execution)[0].code == Code.ORDER_FILLED


def test_replacement_counts_fills_that_the_broker_states_before_they_are_booked(floor: Floor) -> None:
    old = floor.report(floor.bench.submit(quantity=1000))
    execution = floor.replace(old, price="10.20")
    floor.turn(execution)
    floor.bench.apply(floor.bench.update(old, 53, traded_quantity=400, traded_price=Decimal(10)))
    floor.turn(execution)
    assert floor.orders(execution) == []  # a fill may still be told after the end
    floor.settled(old)
    floor.turn(execution)
    assert [order.quantity for order in floor.orders(execution)] == [600]


# -------------------------------------------------------------------------------- people
def test_pause_places_nothing_more_and_resume_goes_on(floor: Floor) -> None:
    execution = floor.split(500, 200)
    floor.turn(execution)
    execution_pause(user=floor.bench.alice, execution_id=execution.pk)
    floor.fill(floor.orders(execution)[0])
    assert floor.turn(execution).state == State.PAUSED
    assert len(floor.orders(execution)) == 1
    execution_resume(user=floor.bench.alice, execution_id=execution.pk)
    floor.turn(execution)
    assert len(floor.orders(execution)) == 2


def test_cancel_cancels_the_children_and_waits_for_their_end(floor: Floor) -> None:
    execution = floor.split(500, 200)
    floor.turn(execution)
    (order,) = floor.orders(execution)
    floor.fill(order, 100)
    execution_cancel(user=floor.bench.alice, execution_id=execution.pk)
    assert floor.turn(execution).state == State.STOPPING
    assert floor.bench.order(order).cancel_requested_by is None
    floor.cancelled(order)
    ended = floor.turn(execution)
    assert (ended.state, floor.legs(execution)[0].traded_quantity) == (State.CANCELLED, 100)
    assert len(floor.orders(execution)) == 1


def test_withdrawn_grant_stops_the_execution_and_cancels_its_children(floor: Floor) -> None:
    execution = floor.split(500, 200)
    floor.turn(execution)
    (order,) = floor.orders(execution)
    floor.report(order)
    grant_withdraw(actor=TEST_ACTOR, account=floor.bench.account, user=floor.bench.alice)
    floor.turn(execution)
    floor.cancelled(order)
    ended = floor.turn(execution)
    assert (ended.state, ended.code) == (State.STOPPED, Code.TRADE_NOT_GRANTED)
    assert len(floor.orders(execution)) == 1


def test_halt_stops_the_execution(floor: Floor) -> None:
    execution = floor.split(500, 200)
    account_halt(actor=TEST_ACTOR, account=floor.bench.account)
    ended = floor.turn(execution)
    assert (ended.state, ended.code) == (State.STOPPED, Code.ACCOUNT_HALTED)
    assert floor.orders(execution) == []
    assert AuditEvent.objects.filter(action="execution.stopped", target=f"execution:{execution.pk}").count() == 1


def test_halt_that_was_lifted_before_the_loop_saw_it_pauses_the_execution(floor: Floor) -> None:
    execution = floor.split(500, 200)
    account_halt(actor=TEST_ACTOR, account=floor.bench.account)
    account_resume(actor=TEST_ACTOR, account=floor.bench.account)
    paused = floor.turn(execution)
    assert (paused.state, paused.code) == (State.PAUSED, Code.AUTHORITY_CHANGED)
    assert floor.orders(execution) == []


def test_revoked_token_stops_what_it_asked_for(floor: Floor) -> None:
    execution = floor.split(500, 200)
    Execution.objects.filter(pk=execution.pk).update(by_token=True, token=None)
    assert floor.turn(execution).code == Code.TOKEN_ENDED
    assert floor.orders(execution) == []


def test_execution_waits_while_the_terminal_is_away(floor: Floor) -> None:
    execution = floor.split(500, 200)
    host_ready(floor.bench.team, session_state="DOWN")
    assert floor.turn(execution).state == State.RUNNING
    assert Order.objects.count() == 0
    host_ready(floor.bench.team)
    floor.turn(execution)
    assert len(floor.orders(execution)) == 1


def test_sale_is_never_more_than_what_is_sellable(floor: Floor) -> None:
    floor.bench.hold(1000, sellable=600)
    execution = floor.split(600, 300, side="SELL")
    floor.turn(execution)
    floor.bench.hold(1000, sellable=200)
    floor.fill(floor.orders(execution)[0])
    paused = floor.turn(execution)
    assert (paused.state, paused.code) == (State.PAUSED, Code.SELLABLE_INSUFFICIENT)
    assert sum(order.quantity for order in floor.orders(execution) if order.status != Status.DENIED) == 300


@pytest.mark.postgres
def test_child_decided_before_a_cancel_is_not_placed_after_it(floor: Floor) -> None:
    execution = floor.split(500, 200)
    leg = floor.legs(execution)[0]
    child = Child.objects.create(leg=leg, number=1, quantity=200, created_at=execution.created_at)
    execution_cancel(user=floor.bench.alice, execution_id=execution.pk)
    child = Child.objects.select_related("leg__execution__created_by", "leg__execution__account").get(pk=child.pk)
    assert drive.place(child) is False
    assert floor.turn(execution).state == State.CANCELLED
    assert Order.objects.count() == 0


def test_grant_of_somebody_else_that_changes_pauses_rather_than_goes_on_unseen(floor: Floor) -> None:
    execution = floor.split(500, 200)
    grant_withdraw(actor=TEST_ACTOR, account=floor.bench.account, user=floor.bench.team.bob)
    assert not Grant.objects.filter(user=floor.bench.team.bob).exists()
    assert floor.turn(execution).code == Code.AUTHORITY_CHANGED


# ------------------------------------------------------------------------------- crashes
class Crash(Exception):
    """The process died here."""


@contextmanager
def crashing(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[Callable[[], int]]:
    """Die at the `at`-th act of the loop: before it begins, or after it was committed."""
    count = 0

    def wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count == at:
                raise Crash
            result = original(*args, **kwargs)
            count += 1
            if count == at:
                raise Crash
            return result

        return act

    with monkeypatch.context() as patch:
        for name in ("order_submit", "cancel_as", "_store", "_note_progress"):
            patch.setattr(drive, name, wrapped(getattr(drive, name)))
        yield lambda: count


def trade_basket(floor: Floor, turn: Callable[[Execution], object]) -> list[tuple[Any, ...]]:
    """A basket and a replacement of one of its children, to the end; what was ordered by it."""
    floor.bench.hold(1000, "000001.SZ")
    execution = floor.basket(SELL, BUY)
    turn(execution)
    for order in floor.orders(execution):
        floor.fill(order, 500)
    turn(execution)
    execution_cancel(user=floor.bench.alice, execution_id=execution.pk)
    turn(execution)
    for order in floor.orders(execution):
        if floor.bench.order(order).cancel_requested_at is not None:
            floor.cancelled(order)
    turn(execution)
    assert floor.fresh(execution).state == State.CANCELLED
    rows = Order.objects.order_by("symbol", "submitted_at")
    return [(row.symbol, row.side, row.quantity, row.traded_quantity, row.status) for row in rows]


@pytest.mark.parametrize("at", range(1, 19))
def test_crash_at_any_step_and_resume_ends_in_the_same_orders(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    calm = [
        ("000001.SZ", "SELL", 1000, 500, Status.PARTIALLY_CANCELLED),
        (MOUTAI, "BUY", 1000, 500, Status.PARTIALLY_CANCELLED),
    ]
    with crashing(monkeypatch, at):

        def turn(execution: Execution) -> None:
            try:
                floor.turn(execution)
            except Crash:
                floor.turn(execution)  # the next process

        assert trade_basket(floor, turn) == calm


def test_crashes_of_the_test_above_reach_to_the_end(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    with crashing(monkeypatch, 0) as count:
        trade_basket(floor, floor.turn)
        assert count() == 18


# -------------------------------------------------------------------------------- limits
def test_children_alike_are_not_taken_for_the_same_order_again(floor: Floor) -> None:
    execution = floor.split(600, 200)
    for _ in range(3):
        floor.turn(execution)
        floor.fill(floor.orders(execution)[-1])
    assert floor.turn(execution).state == State.COMPLETED
    assert [order.deny_code for order in floor.orders(execution)] == ["", "", ""]
