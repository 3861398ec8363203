"""The system's state over REST: for administrators, whole, and true to its document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.choices import Role
from accounts.models import User
from desk.api.system import HopSerializer, SystemSerializer
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat
from tests.orders.bench import TODAY, Bench, make_bench

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture
def bench() -> Bench:
    return make_bench()


@pytest.fixture
def admin(bench: Bench) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(username="root", password="x", role=Role.ADMIN))
    return client


def names(serializer: Any) -> dict[str, Any]:
    """The fields of a serializer with those of what lies in it."""
    fields = getattr(serializer, "child", serializer).fields
    return {
        name: names(field) if hasattr(getattr(field, "child", field), "fields") else None
        for name, field in fields.items()
    }


def shape(value: Any, like: Any) -> Any:
    """The fields of an answer, as deep as the document goes."""
    if like is None or value is None:
        return like
    if isinstance(value, list):
        return shape(value[0], like) if value else like
    return {name: shape(inner, like.get(name)) for name, inner in value.items()}


def test_system_answers_exactly_what_is_documented(bench: Bench, admin: Client) -> None:
    now = wall_now()
    detail = {"events_pending": 0, "lanes": {"send": {"waiting": 0, "oldest_seconds": 0.0}}}
    ProcessHeartbeat.objects.create(
        name="session.trade@sim", host="pc", pid=7, started_at=now, last_loop_at=now, detail=detail
    )
    bench.submit()
    order = bench.reported()
    admin.post(f"/api/v1/orders/{order.pk}/cancel")
    documented = names(SystemSerializer())
    assert shape(admin.get("/api/v1/system").json(), documented) == documented


def test_system_shows_queues_processes_and_hosts(bench: Bench, admin: Client) -> None:
    at = wall_now() - timedelta(seconds=3)
    ProcessHeartbeat.objects.create(name="engine", host="pc", pid=7, started_at=at, last_loop_at=at)
    bench.submit()
    body = admin.get("/api/v1/system").json()
    engine = next(row for row in body["processes"] if row["name"] == "engine")
    assert (engine["state"], engine["machine"], engine["pid"], engine["expected"]) == ("OK", "pc", 7, True)
    (queued,) = body["queues"]["orders"]
    assert (queued["host"], queued["status"], queued["count"]) == (bench.account.host.name, "QUEUED", 1)
    (host,) = body["hosts"]
    assert (host["name"], host["session_state"], host["trade_date"]) == (
        bench.account.host.name, "READY", TODAY.isoformat(),
    )  # fmt: skip
    assert body["queues"]["tasks"] is None


def test_latency_is_of_the_market_s_present_date_unless_asked(bench: Bench, admin: Client) -> None:
    bench.sent()
    body = admin.get("/api/v1/system/latency").json()
    assert body["trade_date"] == TODAY.isoformat()
    assert {row["name"]: row["count"] for row in body["hops"]}["accept_to_claim"] == 1
    assert set(body["hops"][0]) == set(HopSerializer().fields)
    before = admin.get("/api/v1/system/latency", {"date": "2020-01-02"}).json()
    assert [row["count"] for row in before["hops"]] == [0] * 5
    refused = admin.get("/api/v1/system/latency", {"date": "soon"})
    assert (refused.status_code, refused.json()["code"]) == (400, "FIELD_INVALID")


def test_system_is_not_for_traders(bench: Bench) -> None:
    client = Client()
    client.force_login(bench.alice)
    for path in ("/api/v1/system", "/api/v1/system/latency"):
        assert client.get(path).json()["code"] == "PERMISSION_DENIED"
