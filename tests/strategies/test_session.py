"""One run at work: events in order, requests placed once, nothing lost or doubled by a crash."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import BrokerAccount, Grant
from ops.clocks import wall_now
from tests.orders.bench import MOUTAI, TODAY
from tests.orders.claiming import claim as claim_order
from tests.strategies.stage import PING_AN, YESTERDAY, Stage
from trading.orders.intake import CallReturned
from trading.orders.models import Order as DeskOrder
from trading.strategies.interface import Context, Tick
from trading.strategies.models import Run, RunLine, RunOrder
from trading.strategies.runtime.session import HandlerFailed
from trading.strategies.runtime.store import Superseded

pytestmark = pytest.mark.django_db


def buy(symbol: str = MOUTAI, quantity: int = 100, price: str | None = "10.00", **more: Any) -> Any:
    def act(context: Context) -> None:
        context.buy(symbol, quantity, price=None if price is None else Decimal(price), **more)

    return act


def cancel_everything(context: Context) -> None:
    for key in context.orders:
        context.cancel(key)


def chatter(context: Context) -> None:
    for number in range(30):
        context.log(f"line {number}", price=1.5)


def bought(stage: Stage, quantity: int = 200) -> str:
    """The run has bought and knows it; returns the order's id."""
    stage.puppet.acts["bar"] = buy(quantity=quantity)
    stage.minute("10:00", 10.0, 12.0)
    del stage.puppet.acts["bar"]
    stage.round()
    report(stage)
    order = stage.desk_order()
    stage.bench.apply(stage.bench.fill(order, quantity), stage.bench.update(order, 56, traded_quantity=quantity))
    stage.round()
    return f"1m:{stage.session.run.bar_ts}/1"


def report(stage: Stage, number: int = 1) -> None:
    """The broker takes the order."""
    bench, order = stage.bench, stage.desk_order(number)
    claimed = claim_order(order.pk, host_name="sim")
    assert claimed is not None
    bench.apply(CallReturned(str(order.tag), 70 + number, wall_now()))
    order = bench.order(order)
    bench.apply(bench.response(order), bench.update(order, 50))


def test_bars_are_handed_over_with_what_closed_and_history(stage: Stage) -> None:
    seen: list[Any] = []
    stage.puppet.acts["bar"] = lambda context: seen.append(
        (context.now.isoformat(), context.history(MOUTAI, 3).tolist(), context.panel(3).tolist())
    )
    stage.minute("10:00", 10.0, 12.0)
    stage.minute("10:01", 10.1, None)
    assert stage.told("bar") == [{MOUTAI: 10.0, PING_AN: 12.0}, {MOUTAI: 10.1}]
    assert seen[1][:2] == ("2026-11-20T10:01:00+08:00", [10.0, 10.1])
    assert seen[1][2][0] == [10.0, 12.0]
    assert seen[1][2][1][0] == 10.1


def test_request_becomes_one_order_in_the_owners_name(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy(reason="dip")
    stage.minute("10:00", 10.0, 12.0)
    assert DeskOrder.objects.count() == 0
    stage.round()
    stage.round()
    order = DeskOrder.objects.get()
    assert (order.created_by, order.source, order.strategy, order.quantity, order.price, order.status) == (
        stage.bench.alice,
        "STRATEGY",
        "puppet",
        100,
        Decimal("10.00"),
        "QUEUED",
    )
    row = RunOrder.objects.get()
    assert (row.order, row.reason, row.state) == (order, "dip", "REQUESTED")


def test_fill_is_told_before_its_order_and_is_in_the_book(stage: Stage) -> None:
    stage.puppet.acts["trade"] = lambda context: context.state.update(held=context.position(MOUTAI).quantity)
    key = bought(stage)
    assert [kind for kind, _ in stage.puppet.told] == ["bar", "trade", "order"]
    assert stage.told("trade") == [(key, 200, Decimal("10.000000"))]
    assert stage.told("order")[-1] == (key, "FILLED", 200, "")
    assert stage.session.context.state == {"held": 200}
    assert stage.session.context.cash == Decimal(100_000) - 2000 - Decimal("5.02")
    assert stage.session.context.orders == {}


def test_order_changes_are_told_once(stage: Stage) -> None:
    bought(stage)
    before = len(stage.puppet.told)
    stage.round()
    assert len(stage.puppet.told) == before


def test_crash_after_the_event_places_the_stored_request_once(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy()
    stage.minute("10:00", 10.0, 12.0)
    stage.again()
    stage.round()
    stage.again()
    stage.round()
    assert DeskOrder.objects.count() == 1
    assert list(stage.session.context.orders) == [f"1m:{stage.session.run.bar_ts}/1"]


def test_crash_between_order_and_link_finds_the_order(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy()
    stage.minute("10:00", 10.0, 12.0)
    stage.round()
    RunOrder.objects.update(order=None)
    stage.again()
    stage.round()
    assert RunOrder.objects.get().order == DeskOrder.objects.get()


def test_failing_handler_has_asked_for_nothing(stage: Stage) -> None:
    def act(context: Context) -> None:
        context.buy(MOUTAI, 100)
        context.state["seen"] = True
        raise KeyError("wrong")

    stage.puppet.acts["bar"] = act
    with pytest.raises(HandlerFailed, match=r"on_bar: KeyError: 'wrong'"):
        stage.minute("10:00", 10.0, 12.0)
    run = Run.objects.get()
    assert (run.values, run.bar_ts, run.events, RunOrder.objects.count()) == ({}, None, 0, 0)


def test_exit_called_by_a_strategy_is_its_failure(stage: Stage) -> None:
    def act(context: Context) -> None:
        raise SystemExit(0)

    stage.puppet.acts["bar"] = act
    with pytest.raises(HandlerFailed, match="SystemExit"):
        stage.minute("10:00", 10.0, 12.0)


def test_state_that_is_no_json_fails_the_event(stage: Stage) -> None:
    stage.puppet.acts["bar"] = lambda context: context.state.update(x=object())
    with pytest.raises(HandlerFailed, match=r"context.state is no JSON"):
        stage.minute("10:00", 10.0, 12.0)
    assert Run.objects.get().events == 0


def test_state_survives_a_restart(stage: Stage) -> None:
    stage.puppet.acts["bar"] = lambda context: context.state.update(count=context.state.get("count", 0) + 1)
    stage.minute("10:00", 10.0, 12.0)
    stage.again()
    stage.minute("10:01", 10.0, 12.0)
    assert Run.objects.get().values == {"count": 2}


def test_book_survives_a_restart(stage: Stage) -> None:
    bought(stage)
    before = stage.session.context
    stage.again()
    after = stage.session.context
    assert after.positions[MOUTAI].quantity == 200
    assert (after.cash, after.positions) == (before.cash, before.positions)


def test_second_process_fences_the_first(stage: Stage) -> None:
    first = stage.session
    stage.again()
    stage.session, second = first, stage.session
    with pytest.raises(Superseded):
        stage.minute("10:00", 10.0, 12.0)
    stage.session = second
    stage.minute("10:00", 10.0, 12.0)
    assert Run.objects.get().events == 1


def test_first_process_places_nothing_after_it_was_fenced(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy()
    stage.minute("10:00", 10.0, 12.0)
    first = stage.session
    stage.again()
    first.place(stage.clock())
    assert DeskOrder.objects.count() == 0
    assert RunOrder.objects.get().code == "AUTHORITY_CHANGED"


def test_request_of_a_stopped_run_is_not_placed(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy()
    stage.minute("10:00", 10.0, 12.0)
    Run.objects.update(wanted=False)
    stage.round()
    assert DeskOrder.objects.count() == 0
    assert stage.told("order") == [(f"1m:{stage.session.run.bar_ts}/1", "REFUSED", 0, "AUTHORITY_CHANGED")]


def test_request_of_an_owner_without_the_right_is_refused(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy()
    stage.minute("10:00", 10.0, 12.0)
    Grant.objects.filter(user=stage.bench.alice).delete()
    stage.round()
    assert DeskOrder.objects.count() == 0
    assert stage.told("order")[0][1:] == ("REFUSED", 0, "TRADE_NOT_GRANTED")


def test_request_without_automatic_trading_is_refused(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy()
    stage.minute("10:00", 10.0, 12.0)
    BrokerAccount.objects.update(auto_trading=False)
    stage.round()
    assert DeskOrder.objects.count() == 0
    assert stage.told("order")[0][1:] == ("REFUSED", 0, "AUTO_TRADING_OFF")


def test_request_too_late_is_never_placed(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy()
    stage.minute("10:00", 10.0, 12.0)
    stage.round("10:02:01")
    assert DeskOrder.objects.count() == 0
    assert stage.told("order")[0][1:] == ("CANCELLED", 0, "DEADLINE_PASSED")


def test_request_of_the_evening_waits_for_the_next_session(stage: Stage) -> None:
    stage.run = stage.make_run(label="daily", period="1d")
    stage.session = stage.sit()
    stage.puppet.acts["bar"] = buy()
    stage.day(YESTERDAY, 10.0, 12.0)
    stage.round("20:00:00", YESTERDAY)
    stage.round("09:20:00")
    assert DeskOrder.objects.count() == 0
    stage.round("09:30:01")
    assert DeskOrder.objects.count() == 1


def test_request_of_the_evening_ends_with_the_next_trade_date(stage: Stage) -> None:
    stage.run = stage.make_run(label="daily", period="1d")
    stage.session = stage.sit()
    stage.puppet.acts["bar"] = buy()
    stage.day(YESTERDAY - timedelta(days=1), 10.0, 12.0)
    stage.round("09:30:01")
    assert DeskOrder.objects.count() == 0
    assert stage.told("order")[0][1:] == ("CANCELLED", 0, "DEADLINE_PASSED")


def test_virtual_book_refuses_what_the_account_could_pay(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy(quantity=10_100)
    stage.minute("10:00", 10.0, 12.0)
    stage.round()
    assert DeskOrder.objects.count() == 0
    assert stage.told("order")[0][1:] == ("REFUSED", 0, "CASH_INSUFFICIENT")


def test_virtual_book_sells_only_what_the_run_bought(stage: Stage) -> None:
    stage.bench.hold(1000)
    stage.puppet.acts["bar"] = lambda context: context.sell(MOUTAI, 100)
    stage.minute("10:00", 10.0, 12.0)
    stage.round()
    assert DeskOrder.objects.count() == 0
    assert stage.told("order")[0][1:] == ("REFUSED", 0, "SELLABLE_INSUFFICIENT")


def test_denial_by_a_limit_is_told_with_its_code(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy(quantity=150)
    stage.minute("10:00", 10.0, 12.0)
    stage.round()
    assert DeskOrder.objects.get().status == "DENIED"
    assert stage.told("order")[0][1:] == ("REFUSED", 0, "QUANTITY_OFF_LOT")


def test_cancel_before_placing_ends_the_request(stage: Stage) -> None:
    stage.puppet.acts["bar"] = lambda context: context.cancel(context.buy(MOUTAI, 100, price=Decimal(10)))
    stage.minute("10:00", 10.0, 12.0)
    stage.round()
    assert DeskOrder.objects.count() == 0
    assert stage.told("order")[0][1:] == ("CANCELLED", 0, "")


def test_cancel_of_a_working_order_is_wanted_at_the_broker(stage: Stage) -> None:
    stage.puppet.acts["bar"] = buy()
    stage.minute("10:00", 10.0, 12.0)
    stage.round()
    report(stage)
    stage.puppet.acts["bar"] = cancel_everything
    stage.minute("10:01", 10.0, 12.0)
    stage.round("10:01:05")
    order = stage.desk_order()
    assert order.cancel_requested_at is not None
    stage.bench.apply(stage.bench.update(order, 54))
    stage.round("10:01:06")
    assert stage.told("order")[-1][1:] == ("CANCELLED", 0, "")


def test_orders_asked_for_while_stopping_are_not_sent(stage: Stage) -> None:
    stage.puppet.acts["stop"] = buy()
    stage.session.stop(stage.clock())
    assert RunOrder.objects.count() == 0
    assert [line.text for line in RunLine.objects.all()] == ["orders asked for while stopping are not sent"]


def test_trade_dates_with_bars_are_counted_once_each(stage: Stage) -> None:
    stage.minute("10:00", 10.0, 12.0, day=YESTERDAY)
    stage.minute("10:01", 10.0, 12.0, day=YESTERDAY)
    stage.again()
    stage.minute("10:02", 10.0, 12.0, day=YESTERDAY)
    stage.minute("10:00", 10.0, 12.0)
    assert Run.objects.get().bar_days == 2


def test_shares_bought_today_are_for_sale_after_the_close(stage: Stage) -> None:
    bought(stage)
    assert stage.session.context.position(MOUTAI).sellable == 0
    stage.minute("15:00", 10.0, 12.0)
    assert stage.session.context.position(MOUTAI).sellable == 200


def test_lines_of_one_event_are_bounded(stage: Stage) -> None:
    stage.puppet.acts["bar"] = chatter
    stage.minute("10:00", 10.0, 12.0)
    lines = list(RunLine.objects.order_by("number"))
    assert [line.number for line in lines] == list(range(1, 21))
    assert lines[0].facts == {"price": "1.5"}


def test_tick_that_changes_nothing_writes_nothing(stage: Stage) -> None:
    stage.session.ticks([Tick(MOUTAI, int(stage.clock().market_time.timestamp()) * 1000, 10.0, 100, 1000.0)])
    assert stage.told("tick") == [(MOUTAI, 10.0)]
    assert Run.objects.get().events == 0


def test_tick_may_ask_for_an_order(stage: Stage) -> None:
    ts = int(stage.clock().market_time.timestamp()) * 1000
    stage.puppet.acts["tick"] = buy()
    stage.session.ticks([Tick(MOUTAI, ts, 10.0, 100, 1000.0)])
    stage.round()
    assert DeskOrder.objects.get().trade_date == TODAY
    assert RunOrder.objects.get().place_until_ts == ts + 30_000
