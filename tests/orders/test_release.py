"""Releasing the promise of an order that was never found."""

from __future__ import annotations

import pytest
from django.test import Client

from ops.models import AuditEvent
from tests.orders.bench import Bench
from trading.orders.choices import Status
from trading.orders.lifecycle import mark_not_found, mark_unknown
from trading.orders.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def lost(bench: Bench) -> Order:
    order = bench.sent()
    mark_unknown([order.pk], reason="test")
    mark_not_found([order.pk], evidence={})
    return bench.order(order)


def test_release_gives_back_once_and_is_audited(bench: Bench, lost: Order, client: Client) -> None:
    client.force_login(bench.alice)
    path = f"/api/v1/orders/{lost.pk}/release"
    answer = client.post(path)
    assert (answer.status_code, answer.json()["status"]) == (200, "NOT_FOUND")
    assert bench.book.reserved_cash == 0
    audit = AuditEvent.objects.get(action="order.reservation_released")
    assert audit.actor_label == "alice"
    again = client.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "NOTHING_RESERVED")


def test_release_by_somebody_without_the_grant_changes_nothing(bench: Bench, lost: Order, client: Client) -> None:
    path = f"/api/v1/orders/{lost.pk}/release"
    for person, status in (("bob", 403), ("charlie", 404)):
        client.force_login(getattr(bench.team, person))
        assert client.post(path).status_code == status
    assert bench.book.reserved_cash > 0


def test_release_of_an_order_that_may_live_is_refused(bench: Bench, client: Client) -> None:
    order = bench.reported()
    client.force_login(bench.alice)
    answer = client.post(f"/api/v1/orders/{order.pk}/release")
    assert answer.json()["code"] == "NOTHING_RESERVED"
    assert bench.order(order).status == Status.REPORTED
    assert bench.book.reserved_cash > 0
