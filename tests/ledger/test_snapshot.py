"""Snapshot + events = fresh snapshot, whatever happened in between."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import BrokerAccount
from ops.clocks import wall_now
from tests.orders.bench import MOUTAI, TODAY, Bench, make_bench
from trading.ledger import selectors
from trading.ledger.holdings import VALUATION
from trading.ledger.models import AccountEvent
from trading.ledger.retention import account_events_prune
from trading.ledger.selectors import account_snapshot, events_since
from trading.orders.lifecycle import close_trade_date, expire_due
from trading.orders.models import Order
from trading.orders.services import order_cancel

pytestmark = pytest.mark.django_db


def fold(data: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """What a client does with deltas: replace by key, drop a holding of zero."""
    lists = {"order": ("orders", "id"), "trade": ("trades", "id"), "position": ("positions", "symbol")}
    state = dict(data)
    for event in events:
        if event["kind"] not in lists:
            state[event["kind"]] = event["data"]
            continue
        name, key = lists[event["kind"]]
        rows = {row[key]: row for row in state[name]} | {event["data"][key]: event["data"]}
        if event["kind"] == "position" and event["data"]["quantity"] == 0:
            del rows[event["data"]["symbol"]]
        state[name] = list(rows.values())
    return state


def comparable(data: dict[str, Any]) -> dict[str, Any]:
    """The versioned part: no market clock, no valuation, no order of rows."""
    keys = {"orders": "id", "trades": "id", "positions": "symbol"}
    plain: dict[str, Any] = {"account": data["account"], "asset": _versioned(data["asset"])}
    for name, key in keys.items():
        plain[name] = {row[key]: _versioned(row) for row in data[name]}
    return plain


def _versioned(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: value for name, value in row.items() if name not in VALUATION | {"at"}}


def the_account(bench: Bench) -> BrokerAccount:
    return BrokerAccount.objects.select_related("host__status").get(pk=bench.account.pk)


def test_snapshot_of_an_untouched_account_is_empty_at_version_zero(bench: Bench) -> None:
    found = account_snapshot(the_account(bench))
    assert found["version"] == 0
    assert found["data"]["orders"] == found["data"]["trades"] == found["data"]["positions"] == []
    assert found["data"]["asset"]["cash"] == "1000000.00"
    assert found["data"]["market_clock"]["trade_date"] == TODAY.isoformat()


def test_events_since_the_present_version_are_none_missed(bench: Bench) -> None:
    bench.submit()
    assert events_since(bench.account, bench.book.version) == []


def test_events_since_carry_each_version_once_in_order(bench: Bench) -> None:
    bench.submit()
    bench.submit()
    events = events_since(bench.account, 1)
    assert events is not None
    assert [event["version"] for event in events] == list(range(2, bench.book.version + 1))


@pytest.mark.parametrize("version", [-1, 99])
def test_events_since_a_version_that_never_was_ask_for_a_snapshot(bench: Bench, version: int) -> None:
    bench.submit()
    assert events_since(bench.account, version) is None


def test_events_since_more_than_the_limit_ask_for_a_snapshot(bench: Bench) -> None:
    bench.submit()
    assert events_since(bench.account, 0, limit=1) is None
    assert len(events_since(bench.account, 0, limit=2) or []) == 2


def test_events_that_were_pruned_ask_for_a_snapshot(bench: Bench) -> None:
    for _ in range(3):
        bench.submit()
    assert account_events_prune(keep=2) == 4
    assert events_since(bench.account, 0) is None
    assert len(events_since(bench.account, bench.book.version - 2) or []) == 2


def test_pruning_keeps_what_is_young(bench: Bench) -> None:
    bench.submit()
    assert account_events_prune(keep=100) == 0
    assert AccountEvent.objects.count() == 2


def test_snapshot_read_while_the_account_moves_is_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Callable[[BrokerAccount], dict[str, Any]] = selectors._read
    interruptions = iter([True, False])

    def disturbed(account: BrokerAccount) -> dict[str, Any]:
        data = read(account)
        if next(interruptions, False):
            bench.submit()
        return data

    monkeypatch.setattr(selectors, "_read", disturbed)
    found = account_snapshot(the_account(bench))
    assert found["version"] == bench.book.version == 2
    assert len(found["data"]["orders"]) == 1


def test_snapshot_of_an_account_that_never_rests_is_read_under_its_book(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = selectors._read
    calls: list[int] = []

    def disturbed(account: BrokerAccount) -> dict[str, Any]:
        data = read(account)
        calls.append(1)
        if len(calls) <= 3:
            bench.submit()
        return data

    monkeypatch.setattr(selectors, "_read", disturbed)
    found = account_snapshot(the_account(bench))
    assert len(calls) == 4
    assert found["version"] == bench.book.version


ACTS: dict[str, Callable[[Bench, list[Order], int], Any]] = {
    "buy": lambda bench, orders, n: orders.append(bench.sent(quantity=100 * (n % 5 + 1))),
    "queue": lambda bench, _orders, _n: bench.submit(),
    "denied": lambda bench, _orders, _n: bench.submit(price="99"),
    "report": lambda bench, orders, n: _of(orders, n, lambda o: bench.apply(bench.update(o, 50))),
    "fill": lambda bench, orders, n: _of(orders, n, lambda o: bench.apply(bench.fill(o, 100))),
    "cancelled": lambda bench, orders, n: _of(orders, n, lambda o: bench.apply(bench.update(o, 54))),
    "want cancel": lambda bench, orders, n: _of(orders, n, lambda o: _cancel(bench, o)),
    "asset": lambda bench, _orders, n: bench.apply(bench.asset(str(900_000 + n))),
    "position": lambda bench, _orders, n: bench.apply(bench.position(100 * (n % 3))),
    "query": lambda bench, _orders, n: bench.query(
        asset=bench.asset(str(800_000 + n)),
        positions=(bench.position(100 * n, last_price=Decimal(n + 1)),) if n % 2 else (),
    ),
    "expire": lambda _bench, _orders, _n: _expire(),
}


def _of(orders: list[Order], number: int, act: Callable[[Order], Any]) -> None:
    if orders:
        order = Order.objects.get(pk=orders[number % len(orders)].pk)
        if order.remaining_quantity >= 100:
            act(order)


def _cancel(bench: Bench, order: Order) -> None:
    if order.final_at is None:
        order_cancel(user=bench.alice, order_id=order.pk)


def _expire() -> None:
    Order.objects.filter(status="QUEUED").update(expires_at=wall_now())
    expire_due("sim")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 8)), min_size=1, max_size=14),
    looked_at=st.integers(0, 14),
)
def test_snapshot_and_events_are_a_fresh_snapshot(db: None, acts: list[tuple[str, int]], looked_at: int) -> None:
    with transaction.atomic():
        bench = make_bench()
        orders: list[Order] = []
        seen = account_snapshot(the_account(bench))
        for step, (name, number) in enumerate(acts):
            if step == looked_at:
                seen = account_snapshot(the_account(bench))
            ACTS[name](bench, orders, number)
        missed = events_since(bench.account, seen["version"])
        fresh = account_snapshot(the_account(bench))
        assert missed is not None
        assert comparable(fold(seen["data"], missed)) == comparable(fresh["data"])
        transaction.set_rollback(True)


def test_close_of_the_day_reaches_clients_too(bench: Bench) -> None:
    order = bench.reported()
    seen = account_snapshot(the_account(bench))
    assert close_trade_date(bench.account.pk, TODAY) == [order.pk]
    missed = events_since(bench.account, seen["version"])
    fresh = account_snapshot(the_account(bench))
    assert comparable(fold(seen["data"], missed or [])) == comparable(fresh["data"])
    assert fresh["data"]["account"]["closed_trade_date"] == TODAY.isoformat()
    assert fresh["data"]["orders"][0]["status"] == "DONE_FOR_DAY"
    assert fresh["data"]["orders"][0]["symbol"] == MOUTAI
