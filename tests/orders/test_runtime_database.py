"""Connections of the runtime's threads: kept while they are good, never left behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.models import QmtHost
from trading.orders.runtime.database import database_thread, usable_connection

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def in_thread(work: Any) -> BaseDatabaseWrapper:
    """Run `work` on a database thread; returns the connection it used, as it was left behind."""
    used: list[BaseDatabaseWrapper] = []

    def run() -> None:
        work()
        used.append(connections["default"])

    thread = database_thread(run, name="test")
    thread.start()
    thread.join(10)
    return used[0]


def ask() -> None:
    with usable_connection():
        QmtHost.objects.count()


def test_database_thread_closes_its_connection_at_its_end() -> None:
    assert in_thread(ask).connection is None


def test_usable_connection_pooled_goes_back_after_each_use_and_another_stays_open() -> None:
    state: list[bool] = []

    def work() -> None:
        ask()
        state.append(connections["default"].connection is None)

    in_thread(work)
    assert state == [connections["default"].vendor == "postgresql"]


def test_usable_connection_dead_after_an_error_is_replaced() -> None:
    counts: list[int] = []

    def break_down() -> None:
        connection = connections["default"]
        with usable_connection():
            connection.ensure_connection()
            connection.errors_occurred = True
            connection.is_usable = lambda: False  # type: ignore[method-assign]
            raise OperationalError("server closed the connection unexpectedly")

    def work() -> None:
        with pytest.raises(OperationalError):
            break_down()
        assert connections["default"].connection is None
        with usable_connection():
            counts.append(QmtHost.objects.count())

    in_thread(work)
    assert counts == [0]
