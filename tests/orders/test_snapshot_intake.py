"""Full-day answers: resolving, adopting, and never guessing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import BrokerAccount
from ops.clocks import wall_now
from qmt.gateway import OrderUpdate, Side, TradeUpdate
from tests.orders.bench import MOUTAI, SESSION, TODAY, Bench
from trading.ledger.models import LedgerEntry
from trading.orders.choices import ParkedState, Source, Status
from trading.orders.intake import AccountSnapshot, resolve_by_query, snapshot
from trading.orders.intake.news import RoundMemory
from trading.orders.lifecycle import mark_unknown
from trading.orders.models import Order, ParkedEvent, Trade
from trading.orders.services import order_cancel

pytestmark = pytest.mark.django_db


def external(bench: Bench, **changes: object) -> OrderUpdate:
    """An order that somebody placed in the terminal by hand."""
    template = bench.update(Order(symbol=MOUTAI, side="BUY", quantity=700, price=None), 50)
    return replace(template, order_id=42, order_sysid="SIM42", tag="", **changes)  # type: ignore[arg-type]


def test_unknown_order_is_resolved_by_its_tag(bench: Bench) -> None:
    order = bench.sent()
    mark_unknown([order.pk], reason="test")
    bench.query(orders=(bench.update(order, 56, traded_quantity=100),), trades=(bench.fill(order, 100),))
    order = bench.order(order)
    assert (order.status, order.traded_quantity) == (Status.FILLED, 100)


def test_order_of_the_terminal_is_adopted_as_external_with_its_fills(bench: Bench) -> None:
    update = external(bench)
    fill = bench.fill(Order(symbol=MOUTAI, side="BUY", quantity=700), 200, tag="", order_id=42, order_sysid="SIM42")
    result = bench.query(orders=(update,), trades=(fill,))
    order = Order.objects.get()
    assert result.adopted == [order.pk]
    assert (order.source, order.created_by, order.tag) == (Source.EXTERNAL, None, None)
    assert (order.status, order.traded_quantity) == (Status.PARTIALLY_FILLED, 200)
    assert order.trade_date == TODAY
    assert bench.book.open_trade_date == TODAY
    assert bench.book.reserved_cash == 0


def test_adoption_is_repeatable(bench: Bench) -> None:
    for _ in range(3):
        bench.query(orders=(external(bench),))
    assert Order.objects.count() == 1


def test_push_of_an_external_order_waits_for_reconciliation(bench: Bench) -> None:
    bench.apply(external(bench))
    assert Order.objects.count() == 0
    bench.query(orders=(external(bench, status=56, traded_quantity=700),))
    assert Order.objects.get().status == Status.FILLED
    assert ParkedEvent.objects.get().state == ParkedState.APPLIED


@pytest.mark.parametrize("cut", [0, 10])
def test_order_that_may_be_ours_is_not_adopted(bench: Bench, cut: int) -> None:
    order = bench.sent()
    mark_unknown([order.pk], reason="test")
    order = bench.order(order)
    shown = bench.update(order, 50, tag=(order.tag or "")[:cut])
    bench.query(orders=(shown,))
    assert Order.objects.count() == 1
    assert bench.order(order).status == Status.UNKNOWN


def test_order_with_a_remark_of_somebody_elses_is_not_ours(bench: Bench) -> None:
    order = bench.sent()
    mark_unknown([order.pk], reason="test")
    shown = bench.update(bench.order(order), 50, tag="by hand")
    bench.query(orders=(shown,))
    assert Order.objects.filter(source=Source.EXTERNAL).count() == 1
    assert bench.order(order).status == Status.UNKNOWN


def test_answers_that_say_nothing_new_hold_no_book(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(bench.fill(order, 100), bench.update(order, 56, traded_quantity=100))
    answers: dict[str, Any] = {
        "orders": (bench.update(order, 56, traded_quantity=100),),
        "trades": (bench.fill(order, 100, traded_id=Trade.objects.get().traded_id),),
    }
    version = bench.book.version
    with CaptureQueriesContext(
        connection,
    ) as queries:
        bench.query(**answers)
    assert bench.book.version == version
    assert not [query for query in queries if query["sql"].startswith("INSERT")]


def test_working_order_is_known_by_the_new_sessions_number(bench: Bench) -> None:
    from trading.orders.intake import AccountSnapshot, resolve_by_query

    order = bench.reported()
    renumbered = bench.update(order, 50, order_id=9)
    resolve_by_query(
        bench.account.pk,
        AccountSnapshot(started_at=wall_now(), orders=(renumbered,)),
        session_key="session-2",
    )
    bench.apply(bench.fill(order, 100, tag="", order_sysid="", order_id=9), session_key="session-2")
    assert bench.order(order).status == Status.FILLED


def test_cancel_that_came_to_nothing_is_seen_by_a_later_query(bench: Bench) -> None:
    order = bench.reported()
    order_cancel(user=bench.alice, order_id=order.pk)
    bench.apply(bench.update(order, 51))
    Order.objects.filter(pk=order.pk).update(cancel_sent_at=wall_now() - timedelta(seconds=1))
    bench.query(orders=(bench.update(order, 50),))
    assert bench.order(order).status == Status.PENDING_CANCEL
    Order.objects.filter(pk=order.pk).update(cancel_sent_at=wall_now() - timedelta(seconds=10))
    bench.query(orders=(bench.update(order, 50),))
    order = bench.order(order)
    assert (order.status, order.cancel_requested_at) == (Status.REPORTED, None)


def test_other_accounts_are_untouched(bench: Bench) -> None:
    other = BrokerAccount.objects.get(pk=bench.team.beta.pk)
    order = bench.submit(user=bench.team.charlie, account_id=other.pk)
    bench.query(orders=(external(bench, side=Side.SELL),))
    assert bench.order(order).status == Status.QUEUED
    assert Order.objects.filter(account=other).count() == 1


def test_round_cut_off_between_slices_is_completed_by_the_next(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash leaves whole slices behind; the next round books the rest, each fill once."""
    monkeypatch.setattr(snapshot, "SLICE", 1)
    order = bench.reported(quantity=300)
    fills = tuple(bench.fill(order, 100) for _ in range(3))
    parts: dict[str, Any] = {
        "orders": (bench.update(order, 56, traded_quantity=300),),
        "trades": fills,
        "asset": bench.asset("996984.97"),
        "positions": (bench.position(300),),
    }
    applied = []
    real = snapshot._apply_slice

    def dies_at_the_third(*args: Any) -> None:
        applied.append(args)
        if len(applied) == 3:
            raise RuntimeError("killed")
        real(*args)

    monkeypatch.setattr(snapshot, "_apply_slice", dies_at_the_third)
    with pytest.raises(RuntimeError, match="killed"):
        bench.query(**parts)
    assert Trade.objects.count() == 1
    bench.query(**parts)
    assert (Trade.objects.count(), LedgerEntry.objects.filter(kind="TRADE").count()) == (3, 3)
    assert bench.order(order).traded_quantity == 300
    assert (bench.book.unconfirmed_cash, bench.book.reserved_cash) == (0, 0)


def test_fills_of_a_round_leave_no_unconfirmed_cash_behind(bench: Bench) -> None:
    """Its money was asked for after its fills: nothing is held back until another query."""
    order = bench.reported(quantity=100)
    bench.query(
        orders=(bench.update(order, 56, traded_quantity=100),),
        trades=(bench.fill(order, 100),),
        asset=bench.asset("998994.99"),
        positions=(bench.position(100),),
    )
    assert bench.book.promised_cash == 0


def test_round_remembers_what_is_known_and_still_takes_what_is_new(bench: Bench) -> None:
    memory = RoundMemory(SESSION)
    order = bench.reported(quantity=200)
    first, second = bench.fill(order, 100), bench.fill(order, 100)
    done = bench.update(order, 56, traded_quantity=200)

    def resolve(*trades: TradeUpdate) -> None:
        answer = AccountSnapshot(started_at=wall_now(), orders=(done,), trades=trades)
        resolve_by_query(bench.account.pk, answer, session_key=SESSION, memory=memory)

    resolve(first)
    resolve(first)
    assert (len(memory.orders), len(memory.trades)) == (1, 1)
    resolve(first, second)
    assert bench.order(order).traded_quantity == 200
