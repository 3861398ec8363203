"""What people are told while the database is away: at once, in their language, without asking it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.db import OperationalError, connections
from django.test import Client

from ops import database_watch, health
from ops.database_watch import DatabaseWatch

AWAY = "The database does not answer"
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has noticed it; whoever asks a database all the same fails the test (no mark allows it)."""
    watch = DatabaseWatch("default")
    watch.is_away = True
    monkeypatch.setitem(database_watch._watches, "default", watch)


def test_page_while_away_says_so_and_tries_again_without_the_database(away: None) -> None:
    response = Client().get("/statements/?day=2026-11-20", headers=ENGLISH)
    page = response.content.decode()
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert response.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert AWAY in page
    assert '<meta http-equiv="refresh" content="5">' in page
    assert 'href="/statements/?day=2026-11-20"' in page


def test_page_while_away_speaks_chinese_to_who_reads_it(away: None) -> None:
    page = Client().get("/", headers={"Accept-Language": "zh-CN"}).content.decode()
    assert "数据库没有响应" in page
    assert '<html lang="zh-hans"' in page


def test_form_sent_while_away_is_not_sent_again_by_the_page(away: None) -> None:
    page = Client().post("/login/", {"username": "alice"}, headers=ENGLISH).content.decode()
    assert 'http-equiv="refresh"' not in page
    assert "was not confirmed" in page


def test_order_while_away_is_refused_with_a_code(away: None) -> None:
    response = Client().post("/api/v1/orders", {}, "application/json", headers={"Authorization": "Bearer desk_x"})
    assert (response.status_code, response.json()["code"]) == (503, "UNAVAILABLE")
    assert response.headers["Retry-After"] == "5"


def test_health_while_away_tells_that_the_process_lives_and_why_it_is_not_ready(
    away: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database_watch._watches, "quotes", database_watch._watches["default"])
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a-session"
    assert client.get("/api/v1/health/live").status_code == 200
    ready = client.get("/api/v1/health/ready")
    assert ready.status_code == 503
    assert {"name": "database.default", "ok": False, "detail": "does not answer", "facts": {}} in ready.json()["checks"]


def test_page_whose_database_fails_under_it_is_the_same_page() -> None:
    error = OperationalError("server closed the connection unexpectedly")
    client = Client(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = "a-session"
    with mock.patch("django.contrib.sessions.backends.db.SessionStore.load", side_effect=error):
        response = client.get("/", headers=ENGLISH)
    assert response.status_code == 503
    assert AWAY in response.content.decode()


def test_page_with_a_bug_is_no_absent_database() -> None:
    client = Client(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = "a-session"
    with mock.patch(
        "django.contrib.sessions.backends.db.SessionStore.load", side_effect=OperationalError("no such")
    ) as m:
        m.side_effect.__cause__ = sqlite3.OperationalError("no such table")
        m.side_effect.__cause__.sqlite_errorcode = sqlite3.SQLITE_ERROR
        response = client.get("/", headers=ENGLISH)
    assert response.status_code == 500


@pytest.mark.django_db(transaction=True)
def test_readiness_of_a_locked_file_says_that_it_takes_no_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    if connections["default"].vendor != "sqlite":
        pytest.skip("a server has no lock of this kind")
    monkeypatch.setattr(health, "LOCK_SECONDS", 0.1)
    assert health.check_database("default", writes=True).ok
    other = sqlite3.connect(Path(str(connections["default"].settings_dict["NAME"])), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        check = health.check_database("default", writes=True)
        assert health.check_database("default").ok
    finally:
        other.close()
    assert (check.ok, check.detail) == (False, "takes no writes: its lock was not to be had for 0.1 s")
    assert health.check_database("default", writes=True).ok
