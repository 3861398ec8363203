"""Workers: roles, queues, the proof that they hear, and producers that do not wait."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from celery import Celery
from django.core.management import call_command
from django.core.management.base import CommandError
from kombu.exceptions import OperationalError

from desk.celery_app import app as desk_app
from desk.management.commands.qmthost import remote_problem
from desk.settings.schema import DeskConfig
from desk.worker import pulse as pulse_module
from desk.worker.pulse import DEAF_AFTER_SECONDS, Pulse, probe_queue, worker_probe
from desk.worker.roles import ROLES
from ops.models import ProcessHeartbeat


def test_role_names_follow_the_host() -> None:
    assert ROLES["trade"].queue("sim") == "qmt.sim.trade"
    assert ROLES["trade"].process_name("sim") == "worker.trade@sim"
    assert ROLES["core"].queue("") == "core"
    assert ROLES["core"].process_name("") == "worker.core"


@pytest.mark.parametrize("arguments", [["trade"], ["core", "--host", "sim"]])
def test_worker_command_with_a_host_that_does_not_fit_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("worker", *arguments)


def test_tasks_are_acknowledged_early_and_reserved_one_at_a_time() -> None:
    conf = desk_app.conf
    assert conf.task_acks_late is False
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert conf.task_publish_retry is False


def producer(broker_url: str) -> Celery:
    """The platform's Celery settings over another broker."""
    app = Celery("producer", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.update(broker_url=broker_url)
    return app


def test_task_to_a_broker_that_hangs_fails_within_a_second() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)
        app = producer(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        started = time.monotonic()
        with pytest.raises(OperationalError):
            app.send_task("any", queue="core", retry=False)
        assert time.monotonic() - started < 1.0


def test_task_without_a_broker_fails_at_once(tmp_path: Path) -> None:
    app = producer(f"redis+socket://{tmp_path}/none.sock")
    started = time.monotonic()
    with pytest.raises(OperationalError):
        app.send_task("any", queue="core", retry=False)
    assert time.monotonic() - started < 0.5


@pytest.fixture
def sends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Probes that were sent; they are taken by nobody."""
    sent: list[str] = []
    monkeypatch.setattr(worker_probe, "apply_async", lambda **options: sent.append(options["queue"]))
    monkeypatch.setattr(pulse_module, "close_old_connections", lambda: None)
    return sent


@pytest.mark.django_db
def test_pulse_of_a_hearing_worker_beats(sends: list[str]) -> None:
    worker_probe("worker.core")
    assert Pulse("worker.core").turn() is True
    assert sends == [probe_queue("worker.core")]
    assert ProcessHeartbeat.objects.get(pk="worker.core").detail["broker"] == "ok"


@pytest.mark.django_db
def test_pulse_of_a_deaf_worker_stops(sends: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pulse_module._heard, "worker.core", time.monotonic() - DEAF_AFTER_SECONDS - 1)
    assert Pulse("worker.core").turn() is False
    assert not ProcessHeartbeat.objects.exists()


@pytest.mark.django_db
def test_pulse_without_redis_goes_on_and_counts_silence_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**options: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(worker_probe, "apply_async", away)
    monkeypatch.setattr(pulse_module, "close_old_connections", lambda: None)
    monkeypatch.setitem(pulse_module._heard, "worker.core", time.monotonic() - DEAF_AFTER_SECONDS - 1)
    assert Pulse("worker.core").turn() is True
    assert ProcessHeartbeat.objects.get(pk="worker.core").detail["broker"] == "away"
    assert time.monotonic() - pulse_module._heard["worker.core"] < 1


def test_qmthost_without_shared_services_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_ENV", "production")
    monkeypatch.setenv("DESK_REDIS_URL", "rediss://redis.example.org:6380/0")
    problem = remote_problem(DeskConfig(), "qmt1")
    assert "DESK_DATABASE_URL, DESK_QUOTES_URL are not set" in problem
    assert "SQLite" in problem


def test_qmthost_with_postgres_and_redis_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_ENV", "production")
    monkeypatch.setenv("DESK_REDIS_URL", "rediss://redis.example.org:6380/0")
    monkeypatch.setenv("DESK_DATABASE_URL", "postgresql://desk@db/desk")
    monkeypatch.setenv("DESK_QUOTES_URL", "postgresql://desk@db/quotes")
    assert remote_problem(DeskConfig(), "qmt1") == ""
