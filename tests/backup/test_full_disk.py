"""A disk without room: orders end first and clearly, nothing is left half done, and it goes on by itself."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from pytest_django import Settings

from ops.errors import Code, DeskError
from ops.trouble import is_disk_full, refusal_of
from tests.backup.home import Home
from tests.orders.bench import Bench
from tests.people import make_token
from trading.orders.choices import Status
from trading.orders.models import Order

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])
WISH = {"symbol": "600519.SH", "side": "BUY", "quantity": 100, "price_type": "LIMIT", "price": "10.00"}


def pages(most: int | None) -> None:
    """Let the database file grow to so many pages and no further; None: without end."""
    with connection.cursor() as cursor:
        if most is None:
            most = 1_000_000_000
        cursor.execute(f"PRAGMA max_page_count = {most}")


def fill() -> None:
    """No page is left, not even a free one inside of the file."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        pages(cursor.fetchone()[0])


def test_order_is_refused_before_the_disk_is_full_and_nothing_is_stored(
    home: Home, bench: Bench, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DISK_STOP_BYTES = 1000
    stored = bench.submit(client_order_id="one")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=999))
    with pytest.raises(DeskError) as caught:
        bench.submit(client_order_id="two")
    assert (caught.value.code, caught.value.status) == (Code.DISK_FULL, 503)
    assert Order.objects.count() == 1
    # What was accepted is still answered for, sent, reported and filled.
    assert bench.submit(client_order_id="one").pk == stored.pk
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1000))
    assert bench.submit(client_order_id="two").status == Status.QUEUED


def test_broker_is_heard_while_no_orders_are_taken(
    home: Home, bench: Bench, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = bench.reported()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=0))
    bench.apply(bench.fill(order, 100), bench.update(order, 56, traded_quantity=100))
    assert bench.order(order).status == Status.FILLED


def test_database_without_room_answers_clearly_keeps_everything_and_goes_on(home: Home, bench: Bench) -> None:
    first = bench.submit()
    _row, token = make_token(bench.alice)
    headers = {"Authorization": f"Bearer {token}"}

    def post() -> Any:
        wish = {**WISH, "account": bench.account.pk}
        return Client().post("/api/v1/orders", wish, "application/json", headers=headers)

    fill()
    answers = [post()]
    # What is left inside of the last pages is used up first.
    while answers[-1].status_code != 503 and len(answers) < 100:
        answers.append(post())
    refused = answers[-1]
    assert (refused.status_code, refused.json()["code"]) == (503, "DISK_FULL")
    assert refused.headers["Retry-After"] == "5"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        assert cursor.fetchall() == [("ok",)]
    assert Order.objects.count() == len(answers)  # the first one, and all but the last of these
    pages(None)
    assert post().status_code != 503
    assert Order.objects.count() == len(answers) + 1
    assert bench.order(first).status == Status.QUEUED


def _raised(cause: BaseException) -> DatabaseError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def _sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("words")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_raised(_sqlite(sqlite3.SQLITE_FULL)), Code.DISK_FULL),
        (OSError(errno.ENOSPC, "No space left on device"), Code.DISK_FULL),
        (_raised(_sqlite(sqlite3.SQLITE_BUSY)), Code.UNAVAILABLE),
        (_raised(_sqlite(sqlite3.SQLITE_IOERR)), Code.UNAVAILABLE),
        (_raised(ConnectionError("gone")), Code.UNAVAILABLE),
        (_raised(_sqlite(sqlite3.SQLITE_ERROR)), None),
        (ValueError("a bug"), None),
    ],
)
def test_trouble_of_the_database_is_told_from_bugs(error: Exception, code: Code | None) -> None:
    refusal = refusal_of(error)
    assert (None if refusal is None else refusal.code) == code
    assert is_disk_full(error) == (code == Code.DISK_FULL)


def test_full_disk_of_postgresql_is_known_by_its_state() -> None:
    cause = Exception("could not extend file")
    cause.sqlstate = "53100"  # type: ignore[attr-defined]
    assert is_disk_full(_raised(cause))
