"""What the supervisor knows of heartbeats, and what it must not conclude from a gap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError

from desk.supervisor import embedded
from desk.supervisor.embedded import heartbeat_ages
from desk.supervisor.heartbeats import NOTHING, HeartbeatReader
from ops.clocks import wall_now
from ops.models import ProcessHeartbeat


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def test_reader_after_a_gap_knows_only_since_it_ended() -> None:
    answers: list[Mapping[str, float]] = [{"engine": 1.0}, {}]
    gap_read = threading.Event()
    go_on = threading.Event()

    def read() -> Mapping[str, float]:
        if answers:
            return answers.pop(0)
        gap_read.set()
        go_on.wait(30)
        return {"engine": 61.0}

    reader = HeartbeatReader(read, 30.0)
    reader._stop = mock.Mock(is_set=lambda: False, wait=lambda _seconds: None)
    reader.start()
    assert gap_read.wait(30)
    ended = time.monotonic()
    go_on.set()
    until(lambda: reader.known().ages == {"engine": 61.0})
    reader._stop.is_set = lambda: True
    assert reader.known().since >= ended


def test_reader_whose_database_hangs_knows_nothing_soon() -> None:
    hangs = threading.Event()
    asked: list[int] = []

    def read() -> Mapping[str, float]:
        asked.append(1)
        if len(asked) > 1:
            hangs.wait(60)
        return {"engine": 1.0}

    reader = HeartbeatReader(read, 0.5)
    reader.start()
    until(lambda: len(asked) == 2)
    until(lambda: reader.known() is NOTHING)
    reader.stop()
    hangs.set()


@pytest.mark.django_db
def test_ages_while_nobody_can_write_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # It would end the test's own transaction.
    monkeypatch.setattr(embedded, "close_old_connections", lambda: None)
    old = wall_now() - timedelta(seconds=60)
    ProcessHeartbeat.objects.create(name="engine", host="here", pid=7, started_at=old, last_loop_at=old)
    assert heartbeat_ages()["engine"] >= 60
    with mock.patch("django.db.models.query.QuerySet.update", side_effect=OperationalError("database is locked")):
        assert heartbeat_ages() == {}
    assert ProcessHeartbeat.objects.get(pk="engine").pid == 7
