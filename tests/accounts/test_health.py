"""Health: the process, and each part of the installation with its own truth."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import HostStatus
from ops import health
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat
from ops.version import VERSION
from tests.people import Team

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


@pytest.fixture(autouse=True)
def redis_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "check_redis", lambda: health.Check("redis", True))


def beat(name: str, *, age_seconds: float = 0) -> None:
    at = wall_now() - timedelta(seconds=age_seconds)
    ProcessHeartbeat.objects.create(name=name, host="here", pid=1, started_at=at, last_loop_at=at)


def report(team: Team, state: str = "READY", *, age_seconds: float = 0) -> None:
    at = wall_now() - timedelta(seconds=age_seconds)
    HostStatus.objects.create(
        host=team.host, session_state=state, updated_at=at, trade_date="2024-01-02", phase="CLOSED"
    )


def failing(expected_status: int) -> dict[str, str]:
    response = Client().get("/api/v1/health/ready")
    assert response.status_code == expected_status
    return {check["name"]: check["detail"] for check in response.json()["checks"] if not check["ok"]}


def test_live_needs_nobody_and_no_database(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        response = Client().get("/api/v1/health/live")
    assert response.status_code == 200
    assert response.json() == {"name": "QMT Desk", "version": VERSION, "status": "ok"}


def test_ready_everything_works_is_200(team: Team) -> None:
    beat("worker.trade@sim")
    beat("worker.data@sim")
    report(team)
    assert failing(200) == {}


def test_ready_workers_that_never_reported_are_named(team: Team) -> None:
    assert failing(503) == {
        "process.worker.trade@sim": "has never reported",
        "process.worker.data@sim": "has never reported",
        "terminal.sim": "its trade worker has never reported",
    }


def test_ready_old_heartbeat_is_not_believed(team: Team) -> None:
    beat("worker.trade@sim", age_seconds=60)
    beat("worker.data@sim")
    report(team)
    assert failing(503) == {"process.worker.trade@sim": "its last successful loop is too old"}


@pytest.mark.parametrize("state", ["DOWN", "CONNECTING", "RECONCILING", "SICK"])
def test_ready_terminal_not_ready_says_its_state(team: Team, state: str) -> None:
    beat("worker.trade@sim")
    beat("worker.data@sim")
    report(team, state)
    assert failing(503) == {"terminal.sim": f"the session is {state}"}


def test_ready_old_terminal_state_is_not_believed(team: Team) -> None:
    beat("worker.trade@sim")
    beat("worker.data@sim")
    report(team, age_seconds=60)
    assert failing(503) == {"terminal.sim": "its state is too old to be believed"}


def test_ready_disabled_host_is_not_asked(team: Team) -> None:
    team.host.enabled = False
    team.host.save()
    assert failing(200) == {}


def test_ready_redis_away_is_named_and_says_nothing_of_its_address(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.undo()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert failing(503) == {"redis": "ConnectionError"}


def test_version_is_the_packages() -> None:
    from desk.settings.schema import ROOT

    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert settings.SPECTACULAR_SETTINGS["VERSION"] == VERSION


def test_live_touches_no_database_for_a_signed_in_browser_either(django_assert_num_queries: Any, team: Team) -> None:
    client = Client()
    client.force_login(team.alice)
    with django_assert_num_queries(0):
        assert client.get("/api/v1/health/live").status_code == 200


def test_web_is_ready_whatever_workers_and_terminals_do(team: Team) -> None:
    response = Client().get("/api/v1/health/web")
    assert (response.status_code, response.json()["status"]) == (200, "ready")
    assert [check["name"] for check in response.json()["checks"]] == [
        "database.default", "database.quotes", "migrations.default", "migrations.quotes", "redis",
    ]  # fmt: skip


def test_web_is_not_ready_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "check_redis", lambda: health.Check("redis", False, "ConnectionError"))
    response = Client().get("/api/v1/health/web")
    assert response.status_code == 503
    assert [check["detail"] for check in response.json()["checks"] if not check["ok"]] == ["ConnectionError"]


def test_web_is_not_ready_with_migrations_to_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    undone = health.Check("migrations.default", False, "2 to apply: run manage.py migrate")
    monkeypatch.setattr(health, "check_migrations", lambda _alias: undone)
    assert Client().get("/api/v1/health/web").status_code == 503


def test_ready_without_room_says_that_no_orders_are_taken(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    beat("worker.trade@sim")
    beat("worker.data@sim")
    report(team)
    monkeypatch.setattr(settings, "DISK_STOP_BYTES", 200_000_000)
    monkeypatch.setattr(health, "free_bytes", lambda: 199_999_999)
    assert failing(503) == {"disk": "199 MB are left: no new orders are taken"}
