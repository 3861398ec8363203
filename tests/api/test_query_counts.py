"""Lists cost the same number of queries however many rows they show, and the hot ones use an index."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ops.models import Job
from tests.orders.bench import MOUTAI, Bench, make_bench
from tests.people import signed_in
from trading.orders.models import Order

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

API = "/api/v1"


@pytest.fixture
def bench(db: None) -> Bench:
    return make_bench()


def filled(bench: Bench) -> Order:
    order = bench.reported()
    bench.apply(bench.fill(order, 100))
    return order


def more(bench: Bench) -> None:
    """Another row of every kind that the lists show."""
    filled(bench)
    bench.submit(price="11.01")
    Job.objects.create(kind="bars", owner=bench.alice.pk)
    bench.hold(100, symbol=["000001.SZ", "300750.SZ", "510300.SH"][Job.objects.count() % 3])


def statements(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(f"{API}/{path}")
    assert response.status_code == 200, response.content
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize(
    "path",
    [
        *("orders", "orders?status=open", "orders?account=1&date=20261120", "trades", "positions", "accounts", "jobs"),
        *("instruments", "quotes?symbols=600519.SH,000001.SZ", "me"),
    ],
)
def test_list_costs_the_same_queries_for_more_rows(bench: Bench, path: str) -> None:
    path = path.replace("account=1", f"account={bench.account.pk}")
    client = signed_in(bench.alice)
    more(bench)
    statements(client, path)  # the first request of a session notes when it was seen
    few = statements(client, path)
    for _ in range(4):
        more(bench)
    many = statements(client, path)
    assert len(many) == len(few), "\n".join(many)
    assert len(few) <= 6


def test_order_detail_costs_the_same_queries_for_more_fills(bench: Bench) -> None:
    client = signed_in(bench.alice)
    one = filled(bench)
    many = bench.reported(quantity=500)
    for _ in range(5):
        bench.apply(bench.fill(many, 100))
    statements(client, f"orders/{one.pk}")
    counts = [len(statements(client, f"orders/{order.pk}")) for order in (one, many)]
    assert counts[0] == counts[1]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's query plan")
@pytest.mark.parametrize(
    "path", ["orders?account={}", "orders?account={}&status=open", "trades?account={}", "positions?account={}"]
)
def test_hot_list_reads_by_an_index(bench: Bench, path: str) -> None:
    client = signed_in(bench.alice)
    filled(bench)
    address = path.format(bench.account.pk)
    statements(client, address)
    table = {"orders": "orders_order", "trades": "orders_trade", "positions": "ledger_position"}[
        path.split("?", maxsplit=1)[0]
    ]
    reads = [sql for sql in statements(client, address) if f'FROM "{table}"' in sql]
    assert reads
    for sql in reads:
        assert f"SCAN {table}" not in " ".join(plan(sql)), plan(sql)


def plan(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        rows: list[Any] = cursor.fetchall()
    return [str(row[-1]) for row in rows]


def test_submission_and_cancel_cost_few_queries(bench: Bench) -> None:
    """One order is one transaction; the number is the price of everything that is checked and kept."""
    client = signed_in(bench.alice)
    body = {"account": bench.account.pk, "symbol": MOUTAI, "side": "BUY", "quantity": 100, "price": "10.00"}
    client.post(f"{API}/orders", body, content_type="application/json")
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(f"{API}/orders", body, content_type="application/json")
    assert answer.status_code == 201
    assert len(captured.captured_queries) <= 30, "\n".join(q["sql"][:150] for q in captured.captured_queries)
