"""The order path over the in-process terminal, undisturbed: the ends that everything else is measured against."""

from __future__ import annotations

import threading
from datetime import time

import pytest

from accounts.models import HostStatus
from tests.faults.rig import ALPHA, BETA, BOTH_DATABASES, Rig, until
from trading.ledger.models import AccountBook, AssetSnapshot, Position, TradeDate

pytestmark = [pytest.mark.postgres, BOTH_DATABASES]


def test_order_crossing_the_book_is_filled_and_booked(rig: Rig) -> None:
    rig.start()
    order_id = rig.buy(100)
    order = rig.until_status(order_id, "FILLED")
    assert rig.booked(order_id) == 100
    assert order.sent_at is not None
    assert order.claimed_at is not None
    assert order.submitted_at <= order.claimed_at <= order.sent_at
    until(lambda: Position.objects.filter(account=rig.alpha, quantity=100).exists(), what="the position")


def test_order_filled_gives_its_reservation_back_and_cash_equals_the_brokers(rig: Rig) -> None:
    rig.start()
    order_id = rig.buy(100)
    rig.until_status(order_id, "FILLED")
    with rig.terminal.terminal.lock:
        cash = rig.terminal.exchange.asset(ALPHA).cash
    until(lambda: AssetSnapshot.objects.get(account=rig.alpha).cash == cash, what="the broker's cash")
    until(lambda: AccountBook.objects.get(account=rig.alpha).reserved_cash == 0, what="no reservation")


def test_order_resting_is_reported_then_cancelled(rig: Rig) -> None:
    rig.start()
    order_id = rig.rest()
    rig.until_status(order_id, "REPORTED")
    rig.cancel(order_id)
    order = rig.until_status(order_id, "CANCELLED")
    assert order.cancel_sent_at is not None
    assert rig.booked(order_id) == 0


def test_orders_of_two_accounts_go_to_their_own_accounts(rig: Rig) -> None:
    rig.start()
    first, second = rig.rest(), rig.buy(100, price=rig.detail.limit_down, user=rig.charlie)
    rig.until_status(first, "REPORTED")
    rig.until_status(second, "REPORTED")
    assert len(rig.at_broker(ALPHA)) == 1
    assert len(rig.at_broker(BETA)) == 1


def test_order_placed_in_the_terminal_is_adopted_as_external(rig: Rig) -> None:
    runtime = rig.start()
    rig.terminal.terminal.place_by_hand(
        {
            "account_id": ALPHA,
            "account_type": 2,
            "stock_code": "600519.SH",
            "order_type": 23,
            "order_volume": 100,
            "price_type": 11,
            "price": float(rig.detail.limit_down),
        }
    )
    runtime.session.request_reconcile()
    found = until(lambda: rig.alpha.orders.filter(source="EXTERNAL").first(), what="the adopted order")
    assert found is not None
    assert (found.symbol, found.quantity, found.status) == ("600519.SH", 100, "REPORTED")


def test_same_key_twenty_times_in_parallel_is_one_order(rig: Rig) -> None:
    rig.start()
    barrier = threading.Barrier(20)
    ids: list[object] = []

    def place() -> None:
        from django.db import connections

        barrier.wait()
        try:
            ids.append(rig.buy(100, price=rig.detail.limit_down, client_order_id="one-and-only"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=place) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ids) == 20
    assert len(set(ids)) == 1
    rig.until_status(ids[0], "REPORTED")  # type: ignore[arg-type]
    assert len(rig.at_broker()) == 1


def test_day_end_open_order_is_done_for_day_and_the_next_date_takes_orders(rig: Rig) -> None:
    rig.start()
    resting = rig.rest()
    rig.until_status(resting, "REPORTED")
    bought = rig.buy(100)
    rig.until_status(bought, "FILLED")
    rig.jump_to(time(15, 31))
    order = rig.until_status(resting, "DONE_FOR_DAY", "CANCELLED")
    assert order.reserved_cash == 0
    first = rig.trade_date
    until(lambda: TradeDate.objects.get(account=rig.alpha, date=first).state == "CLOSED", what="closed")
    rig.next_day(time(9, 35))
    rig.detail = rig.know("600519.SH")
    until(lambda: HostStatus.objects.filter(host=rig.host, trade_date__gt=first).exists(), what="the next date")
    again = rig.rest()
    rig.until_status(again, "REPORTED")
    assert rig.order(again).trade_date > first
    until(lambda: Position.objects.get(account=rig.alpha).sellable == 100, what="sellable the next day")
