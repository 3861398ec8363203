"""The engine and a Redis-compatible server that goes away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from desk.settings.schema import get_config
from desk.supervisor import plan
from marketdata.models import Instrument
from tests.quotes.stream import DataWorker, at, running, settled, stored, wait_until

pytestmark = [
    pytest.mark.django_db(databases=["default", "quotes"], transaction=True),
    pytest.mark.faults,
]


@pytest.mark.usefixtures("quick")
def test_engine_redis_restart_resumes_with_the_next_whole_minute(instrument: Instrument) -> None:
    with valkey_server():
        worker = DataWorker(instrument)
        with running() as work:
            wait_until(worker.listeners)
            worker.quote("10:00:57", 10.0, 500)
            wait_until(lambda: settled(work))
            worker.quote("10:01:03", 10.1, 700)
            stop_server()
            wait_until(lambda: not settled(work))
            with valkey_server():
                wait_until(lambda: listening(worker))
                worker.quote("10:01:50", 10.2, 900)
                wait_until(lambda: settled(work))
                worker.quote("10:02:03", 10.3, 950)
                worker.quote("10:03:06", 10.4, 990)
                wait_until(stored)
    assert stored() == [(at("10:03"), 10.3, 50)]


_servers: list[subprocess.Popen[bytes]] = []


@contextmanager
def valkey_server() -> Iterator[None]:
    config = get_config()
    plan.prepare_folders(config)
    server = subprocess.Popen(plan.valkey(config).command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _servers.append(server)
    client = redis.Redis.from_url(config.redis_url)
    try:
        wait_until(lambda: answers(client))
        yield
    finally:
        client.close()
        server.kill()
        server.wait()
        plan.remove_stale_socket(config.redis_socket)


def stop_server() -> None:
    server = _servers.pop()
    server.kill()
    server.wait()
    plan.remove_stale_socket(get_config().redis_socket)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def listening(worker: DataWorker) -> bool:
    try:
        return bool(worker.listeners())
    except redis.ConnectionError:
        return False
