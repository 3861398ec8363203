"""The worker's steps: each moves what it may, gives back what is due, and is harmless when late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ops.errors import Code
from tests.orders.bench import TODAY, Bench, host_ready
from tests.orders.claiming import claim
from trading.ledger.models import TradeDate
from trading.orders.choices import ParkedState, Status
from trading.orders.lifecycle import (
    close_trade_date,
    mark_not_found,
    mark_rejected,
    mark_unknown,
    open_trade_date,
)
from trading.orders.models import ParkedEvent

pytestmark = pytest.mark.django_db


def test_unknown_keeps_the_promise(bench: Bench) -> None:
    order = bench.sent()
    assert mark_unknown([order.pk], reason="deadline") == [order.pk]
    assert bench.order(order).status == Status.UNKNOWN
    assert bench.book.reserved_cash > 0


def test_unknown_after_the_report_came_changes_nothing(bench: Bench) -> None:
    order = bench.reported()
    assert mark_unknown([order.pk], reason="deadline") == []
    assert bench.order(order).status == Status.REPORTED


def test_not_found_keeps_the_promise_until_the_day_closes(bench: Bench) -> None:
    order = bench.sent()
    mark_unknown([order.pk], reason="deadline")
    assert mark_not_found([order.pk], evidence={"queries": 3}) == [order.pk]
    order = bench.order(order)
    assert order.status == Status.NOT_FOUND
    assert order.events.order_by("-seq")[0].data == {"queries": 3}
    assert bench.book.reserved_cash == order.reserved_cash > 0
    close_trade_date(bench.account.pk, TODAY)
    assert bench.order(order).status == Status.NOT_FOUND
    assert bench.book.reserved_cash == 0


def test_not_found_of_an_order_that_was_seen_changes_nothing(bench: Bench) -> None:
    order = bench.reported()
    assert mark_not_found([order.pk], evidence={}) == []
    assert bench.order(order).status == Status.REPORTED


def test_rejected_before_it_left_gives_back(bench: Bench) -> None:
    order = bench.submit()
    claim(order.pk, host_name="sim")
    mark_rejected(order.pk, message="not an instrument")
    order = bench.order(order)
    assert (order.status, order.message) == (Status.REJECTED, "not an instrument")
    assert bench.book.reserved_cash == 0


def test_close_of_the_day_ends_what_is_open(bench: Bench) -> None:
    queued, reported, unanswered = bench.submit(), bench.reported(), bench.sent()
    finished = bench.reported()
    bench.apply(bench.fill(finished, 100))
    ended = close_trade_date(bench.account.pk, TODAY)
    assert set(ended) == {queued.pk, reported.pk, unanswered.pk}
    assert bench.order(queued).status == Status.EXPIRED
    assert bench.order(queued).deny_code == Code.TRADE_DATE_CLOSED
    assert bench.order(reported).status == Status.DONE_FOR_DAY
    assert bench.order(unanswered).status == Status.DONE_FOR_DAY
    assert bench.order(finished).status == Status.FILLED
    assert bench.book.reserved_cash == 0


def test_closed_date_takes_no_more_orders(bench: Bench) -> None:
    open_trade_date(bench.account.pk, TODAY)
    close_trade_date(bench.account.pk, TODAY)
    assert bench.submit().deny_code == Code.TRADE_DATE_CLOSED
    assert TradeDate.objects.get().state == "CLOSED"


def test_unclosed_date_blocks_the_next_until_it_is_closed(bench: Bench) -> None:
    bench.submit()
    tomorrow = TODAY + timedelta(days=3)
    host_ready(bench.team, trade_date=tomorrow)
    bench.instruments["600519.SH"].day.trade_date = tomorrow
    bench.instruments["600519.SH"].day.save()
    refused = bench.submit()
    assert refused.deny_code == Code.TRADE_DATE_UNCLOSED
    assert refused.details["unclosed"] == TODAY.isoformat()
    close_trade_date(bench.account.pk, TODAY)
    assert bench.submit().status == Status.QUEUED
    assert bench.book.open_trade_date == tomorrow


def test_opening_a_date_again_changes_nothing(bench: Bench) -> None:
    open_trade_date(bench.account.pk, TODAY)
    version = bench.book.version
    open_trade_date(bench.account.pk, TODAY)
    assert bench.book.version == version
    close_trade_date(bench.account.pk, TODAY)
    open_trade_date(bench.account.pk, TODAY)
    assert TradeDate.objects.get().state == "CLOSED"


def test_fill_after_the_close_is_booked_all_the_same(bench: Bench) -> None:
    order = bench.reported()
    close_trade_date(bench.account.pk, TODAY)
    bench.apply(bench.fill(order, 100))
    order = bench.order(order)
    assert (order.status, order.traded_quantity) == (Status.FILLED, 100)


def test_events_that_found_no_order_go_stale_with_their_day(bench: Bench) -> None:
    order = bench.reported()
    bench.apply(bench.fill(order, 100, tag="", order_sysid="X", order_id=5))
    close_trade_date(bench.account.pk, TODAY)
    assert ParkedEvent.objects.get().state == ParkedState.STALE
