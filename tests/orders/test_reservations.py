"""Promises: made once, never below zero, given back exactly when the broker's own figure holds them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ops.clocks import wall_now
from tests.orders.bench import MOUTAI, Bench
from trading.ledger.models import Position
from trading.orders.choices import OrderEventKind, Status
from trading.orders.services import order_cancel

pytestmark = pytest.mark.django_db


def test_query_started_before_the_report_keeps_the_promise(bench: Bench) -> None:
    before = wall_now()
    order = bench.reported()
    bench.query(before, asset=bench.asset("998994.99"))
    assert bench.order(order).reserved_cash == Decimal("1005.01")
    assert bench.book.reserved_cash == Decimal("1005.01")


def test_query_started_after_the_report_hands_the_promise_over(bench: Bench) -> None:
    order = bench.reported()
    bench.query(asset=bench.asset("998994.99", frozen_cash=Decimal("1005.01")))
    order = bench.order(order)
    assert (order.status, order.reserved_cash) == (Status.REPORTED, 0)
    assert bench.book.reserved_cash == 0
    assert order.events.order_by("-seq")[0].kind == OrderEventKind.RELEASED


def test_push_never_hands_a_promise_over(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(bench.asset("998994.99", frozen_cash=Decimal("1005.01")))
    assert bench.order(order).reserved_cash == Decimal("1005.01")


def test_push_that_contains_a_freeze_counts_no_promise_twice(bench: Bench) -> None:
    bench.query(asset=bench.asset("1000000"))
    bench.reported(quantity=60_000)
    result = bench.apply(bench.asset("399844", frozen_cash=Decimal(600156)))
    assert result.refresh == {bench.account.pk}
    assert bench.submit(quantity=39_900).status == Status.QUEUED
    assert bench.submit(quantity=200).deny_code == "CASH_INSUFFICIENT"


def test_push_that_contains_frozen_shares_counts_no_promise_twice(bench: Bench) -> None:
    bench.query(positions=(bench.position(500),))
    bench.reported(side="SELL", quantity=300)
    bench.apply(bench.position(500, sellable=200, frozen=300))
    assert bench.submit(side="SELL", quantity=200).status == Status.QUEUED
    assert bench.submit(side="SELL", quantity=100).deny_code == "SELLABLE_INSUFFICIENT"


def test_query_without_an_asset_keeps_the_promise(bench: Bench) -> None:
    order = bench.reported()
    bench.query(positions=())
    assert bench.order(order).reserved_cash == Decimal("1005.01")


def test_query_of_positions_hands_reserved_shares_over(bench: Bench) -> None:
    bench.hold(500)
    order = bench.reported(side="SELL", quantity=300)
    bench.query(positions=(bench.position(500, sellable=200, frozen=300),))
    assert bench.order(order).reserved_quantity == 0
    refused = bench.submit(side="SELL", quantity=300)
    assert refused.details["allowed_quantity"] == 200


def test_spending_of_a_fill_counts_until_a_query_started_after_it(bench: Bench) -> None:
    order = bench.reported(quantity=50_000)
    early = wall_now()
    bench.apply(bench.fill(order, 50_000), bench.update(order, 56, traded_quantity=50_000))
    # 500,000.00 + 125.00 commission + 5.00 transfer fee; the broker's figure is still the old one.
    assert bench.book.reserved_cash == 0
    assert bench.book.unconfirmed_cash == Decimal("500130.00")
    assert bench.submit(quantity=50_000).deny_code == "CASH_INSUFFICIENT"
    bench.query(early, asset=bench.asset("1000000"))
    assert bench.book.unconfirmed_cash == Decimal("500130.00")
    bench.query(asset=bench.asset("499870"))
    assert bench.book.unconfirmed_cash == 0
    assert bench.submit(quantity=49_900).status == Status.QUEUED


def test_fill_of_a_handed_over_order_spends_nothing_twice(bench: Bench) -> None:
    order = bench.reported()
    bench.query(asset=bench.asset("998994.99"))
    bench.apply(bench.fill(order, 100))
    assert (bench.book.reserved_cash, bench.book.unconfirmed_cash) == (0, 0)


def test_part_fill_keeps_the_promise_of_the_rest(bench: Bench) -> None:
    order = bench.reported(quantity=200)
    bench.apply(bench.fill(order, 100))
    order = bench.order(order)
    # Half of 2,005.02, rounded up.
    assert order.reserved_cash == Decimal("1002.51")
    assert bench.book.reserved_cash == Decimal("1002.51")
    bench.apply(bench.update(order, 53, traded_quantity=100))
    assert bench.book.reserved_cash == 0
    assert bench.book.unconfirmed_cash == Decimal("1005.01")


def test_end_before_its_fills_sets_their_money_aside(bench: Bench) -> None:
    order = bench.reported(quantity=200)
    bench.apply(bench.update(order, 56, traded_quantity=200))
    assert bench.order(order).status == Status.FILLED
    assert bench.book.reserved_cash == 0
    assert bench.book.unconfirmed_cash == Decimal("2005.02")
    bench.apply(bench.fill(order, 200))
    assert bench.book.unconfirmed_cash == Decimal("2005.02")
    assert bench.order(order).traded_quantity == 200


def test_sold_shares_count_until_a_query_started_after_the_fill(bench: Bench) -> None:
    bench.hold(500)
    order = bench.reported(side="SELL", quantity=300)
    bench.apply(bench.fill(order, 300), bench.update(order, 56, traded_quantity=300))
    assert bench.order(order).reserved_quantity == 0
    assert Position.objects.get(symbol=MOUTAI).unconfirmed_sold == 300
    assert bench.submit(side="SELL", quantity=300).deny_code == "SELLABLE_INSUFFICIENT"
    bench.query(positions=(bench.position(200),))
    assert Position.objects.get(symbol=MOUTAI).unconfirmed_sold == 0
    assert bench.submit(side="SELL", quantity=200).status == Status.QUEUED


def test_sold_out_position_stays_out_of_sight_and_out_of_reach(bench: Bench) -> None:
    bench.hold(300)
    before = wall_now()
    order = bench.reported(side="SELL", quantity=300)
    bench.apply(bench.fill(order, 300))
    bench.query(before, positions=())
    row = Position.objects.get(symbol=MOUTAI)
    assert (row.quantity, row.sellable, row.unconfirmed_sold) == (0, 0, 300)
    bench.query(positions=())
    assert not Position.objects.exists()


@pytest.mark.parametrize("status", [54, 57])
def test_end_without_fills_gives_everything_back(bench: Bench, status: int) -> None:
    order = bench.reported()
    bench.apply(bench.update(order, status))
    assert (bench.book.reserved_cash, bench.book.unconfirmed_cash) == (0, 0)


def test_cancel_before_sending_gives_everything_back(bench: Bench) -> None:
    order = bench.submit()
    order_cancel(user=bench.alice, order_id=order.pk)
    assert bench.book.reserved_cash == 0


def test_push_older_than_the_last_query_is_ignored(bench: Bench) -> None:
    push = bench.asset("1")
    bench.query(wall_now() + timedelta(seconds=1), asset=bench.asset("500"))
    bench.apply(push)
    bench.account.asset.refresh_from_db()
    assert bench.account.asset.cash == 500
