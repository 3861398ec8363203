"""The installation's own series: routes, processes, disks; and what several processes count adds up."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django.fixtures import Settings

from accounts.models import QmtHost
from desk.settings.metrics import own_part
from desk.system.collector import SystemCollector
from desk.system.processes import ProcessState, processes
from desk.system.taskqueues import queue_names
from ops.clocks import wall_now
from ops.metrics import render
from ops.models import Alert, ProcessHeartbeat
from ops.version import VERSION

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])

COUNTING = """
import sys
from prometheus_client import Counter, Gauge
Counter("desk_test_things", "things").inc(int(sys.argv[1]))
Gauge("desk_test_open", "open", multiprocess_mode="livesum").set(int(sys.argv[1]))
print("counted", flush=True)
sys.stdin.read()
"""


def sample(name: str, labels: dict[str, str]) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def values(name: str) -> dict[str, float]:
    """Label values of a series with one label, and its values."""
    found: dict[str, float] = {}
    for family in SystemCollector().collect():
        if family.name == name:
            for one in family.samples:
                found[next(iter(one.labels.values()), "")] = one.value
    return found


def beat(name: str, *, seconds_ago: float) -> None:
    at = wall_now() - timedelta(seconds=seconds_ago)
    ProcessHeartbeat.objects.create(name=name, host="pc", pid=7, started_at=at, last_loop_at=at)


def test_requests_are_measured_by_pattern_not_by_path(client: Client) -> None:
    labels = {"route": "api/v1/orders/<uuid:order_id>", "method": "GET", "status": "4xx"}
    before = sample("desk_http_request_seconds_count", labels)
    client.get("/api/v1/orders/00000000-0000-0000-0000-000000000001")
    client.get("/api/v1/orders/00000000-0000-0000-0000-000000000002")
    assert sample("desk_http_request_seconds_count", labels) - before == 2


def test_requests_of_odd_methods_and_no_route_share_a_series(client: Client) -> None:
    labels = {"route": "none", "method": "other", "status": "4xx"}
    before = sample("desk_http_request_seconds_count", labels)
    client.generic("BREW", "/no/such/page")
    client.generic("STEEP", "/nor/this")
    assert sample("desk_http_request_seconds_count", labels) - before == 2


def test_processes_are_judged_by_the_age_of_their_last_pass() -> None:
    QmtHost.objects.create(name="sim")
    beat("worker.core", seconds_ago=1)
    beat("engine", seconds_ago=30)
    beat("worker.trade@sim", seconds_ago=100)
    beat("strategy.run.3", seconds_ago=100)
    beat("strategy.run.1", seconds_ago=7200)
    states = {process.name: process.state for process in processes()}
    assert {name: states[name] for name in ("worker.core", "engine", "worker.trade@sim", "beat", "strategy.run.3")} == {
        "worker.core": ProcessState.OK,
        "engine": ProcessState.LATE,
        "worker.trade@sim": ProcessState.SILENT,
        "beat": ProcessState.MISSING,
        "strategy.run.3": ProcessState.SILENT,
    }
    assert "strategy.run.1" not in states
    up = values("desk_process_up")
    assert (up["worker.core"], up["engine"], up["worker.trade@sim"], up["beat"]) == (1, 1, 0, 0)
    assert "strategy.run.3" not in up


def test_system_series_tell_versions_disk_and_sizes() -> None:
    assert values("desk_build") == {VERSION: 1}
    assert 0 < values("desk_disk_free_bytes")[""] <= values("desk_disk_size_bytes")[""]
    assert values("desk_database_size_bytes").keys() == {"default", "quotes"}


def test_redis_that_is_away_is_said_and_its_queues_are_absent() -> None:
    assert values("desk_redis_up") == {"": 0}
    assert values("desk_tasks_waiting") == {}


def test_queues_are_those_of_every_worker() -> None:
    QmtHost.objects.create(name="sim")
    assert queue_names() == ["core", "qmt.sim.trade", "qmt.sim.data", "qmt.sim.reads"]


def test_alerts_are_counted_by_severity_while_they_last() -> None:
    now = wall_now()
    common = {"kind": "disk.low", "title": "t", "first_at": now, "last_at": now, "notified_at": now}
    Alert.objects.create(severity="CRITICAL", dedup_key="a", **common)
    Alert.objects.create(severity="CRITICAL", dedup_key="b", cleared_at=now, closed_at=now, **common)
    text = render().decode()
    assert 'desk_alerts_open{severity="CRITICAL"} 1.0' in text
    assert 'desk_alerts_open{severity="WARNING"} 0.0' in text


def test_processes_add_up_and_what_an_ended_one_had_open_is_gone(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    running = []
    for number in (1, 2, 4):
        child = subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(number)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        running.append(child)
    try:
        for child in running:
            assert child.stdout is not None
            assert child.stdout.readline() == b"counted\n"
        with mock.patch.dict(os.environ, {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}):
            together = render().decode()
            running[2].communicate(timeout=60)
            afterwards = render().decode()
    finally:
        for child in running:
            child.communicate(timeout=60)
    assert "desk_test_things_total 7.0" in together
    assert "desk_test_open 7.0" in together
    assert "desk_test_things_total 7.0" in afterwards
    assert "desk_test_open 3.0" in afterwards


def test_parts_of_a_shared_folder_are_shown_together(tmp_path: Path, settings: Settings) -> None:
    settings.METRICS_DIR = tmp_path
    for name, number in (("web-1", 1), ("core", 2)):
        (tmp_path / name).mkdir()
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / name)}
        command = [sys.executable, "-c", COUNTING, str(number)]
        subprocess.run(command, env=environment, input=b"", stdout=subprocess.DEVNULL, check=True, timeout=60)
    # Containers number their processes by themselves: two of them have the same.
    for file in tmp_path.glob("*/counter_*.db"):
        file.rename(file.with_name("counter_1.db"))
    with mock.patch.dict(os.environ, {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "web-1")}):
        assert "desk_test_things_total 3.0" in render().decode()


def test_new_process_of_a_part_takes_over_nothing_of_an_ended_one(tmp_path: Path) -> None:
    part = tmp_path / socket.gethostname()
    part.mkdir()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(60)
    names = [f"gauge_livesum_{ended.pid}.db", f"counter_{ended.pid}.db", f"counter_{os.getpid()}.db"]
    for name in names:
        (part / name).touch()
    assert own_part(tmp_path) == part
    assert [file.name for file in part.iterdir()] == [f"counter_{ended.pid}.db"]
