"""The admin shows the trading tables and edits none of them."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from tests.orders.bench import Bench

pytestmark = pytest.mark.django_db

TABLES = ["orders/order", "orders/trade", "orders/parkedevent"] + [
    f"ledger/{name}" for name in ("accountbook", "assetsnapshot", "position", "tradedate")
]


def log_in(client: Client, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_staff=True)
    client.force_login(admin)


@pytest.mark.parametrize("table", TABLES)
def test_admin_lists_and_adds_nothing(bench: Bench, client: Client, table: str) -> None:
    order = bench.reported()
    bench.apply(
        bench.fill(order, 100),
        bench.position(100),
        bench.fill(order, 100, tag="", order_sysid="X", order_id=5),
    )
    log_in(client, bench.team.admin)
    assert client.get(f"/admin/{table}/").status_code == 200
    assert client.get(f"/admin/{table}/add/").status_code == 403


def test_admin_shows_an_order_with_its_timeline_and_changes_nothing(bench: Bench, client: Client) -> None:
    order = bench.reported()
    log_in(client, bench.team.admin)
    page = client.get(f"/admin/orders/order/{order.pk}/change/")
    assert page.status_code == 200
    assert order.tag is not None
    assert order.tag in page.content.decode()
    assert client.post(f"/admin/orders/order/{order.pk}/change/", {"status": "FILLED"}).status_code == 403
    assert bench.order(order).status == order.status


def test_admin_is_closed_to_traders(bench: Bench, client: Client) -> None:
    client.force_login(bench.alice)
    assert client.get("/admin/orders/order/").status_code in (302, 403)
