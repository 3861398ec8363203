"""Heartbeats: rows of last successful loops."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
from django.db import OperationalError

from desk.settings.schema import get_config
from ops.heartbeats import Heartbeat, heartbeat_file
from ops.models import ProcessHeartbeat

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_heartbeat_first_beat_writes_the_row() -> None:
    assert Heartbeat("engine", host="desk-1").beat({"bars": 3}) is True
    row = ProcessHeartbeat.objects.get(name="engine")
    assert (row.host, row.pid, row.detail) == ("desk-1", os.getpid(), {"bars": 3})


def test_heartbeat_second_beat_within_the_interval_writes_nothing() -> None:
    heartbeat = Heartbeat("engine", interval_seconds=60)
    heartbeat.beat({"n": 1})
    assert heartbeat.beat({"n": 2}) is False
    assert ProcessHeartbeat.objects.get(name="engine").detail == {"n": 1}


def test_heartbeat_touches_its_file_only_when_the_row_was_written() -> None:
    path = heartbeat_file(get_config().run_dir, "worker.of-a-file")
    with patch.object(ProcessHeartbeat.objects, "update_or_create", side_effect=OperationalError("locked")):
        Heartbeat("worker.of-a-file").beat()
    assert not path.exists()
    Heartbeat("worker.of-a-file").beat()
    assert path.exists()


def test_heartbeat_forced_beat_is_written_at_once() -> None:
    heartbeat = Heartbeat("engine", interval_seconds=60)
    heartbeat.beat({"n": 1})
    assert heartbeat.beat({"n": 2}, force=True) is True
    assert ProcessHeartbeat.objects.get(name="engine").detail == {"n": 2}


def test_heartbeat_of_a_restarted_process_takes_the_row_over() -> None:
    Heartbeat("engine", host="old").beat()
    Heartbeat("engine", host="new").beat()
    assert [row.host for row in ProcessHeartbeat.objects.all()] == ["new"]


def test_heartbeat_with_the_database_locked_is_lost_without_an_error() -> None:
    with patch.object(ProcessHeartbeat.objects, "update_or_create", side_effect=OperationalError("locked")):
        assert Heartbeat("engine").beat() is False
