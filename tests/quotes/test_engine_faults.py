"""The engine and a Redis-compatible server that goes away."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
import pytest
import redis
from pytest_django.fixtures import Settings

from desk.settings.schema import get_config
from desk.supervisor import plan
from marketdata import engine
from marketdata.models import Instrument
from ops.signing import signed
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


class SlowLink:
    """Between the engine and Valkey: a large answer pauses in the middle."""

    def __init__(self, url: str, folder: Path) -> None:
        self._target = url.removeprefix("unix://").partition("?")[0]
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "slow.sock"))
        self._listener.listen()
        self.url = f"unix://{folder / 'slow.sock'}"
        self.pauses = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                middle = len(data) // 2 if len(data) > 1000 else 0
                sink.sendall(data[:middle])
                if middle:
                    self.pauses += 1
                    time.sleep(0.3)
                sink.sendall(data[middle:])
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.usefixtures("quick")
def test_engine_message_that_pauses_in_the_middle_is_no_lost_stream(
    instrument: Instrument, valkey: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    # Not the test's own folder: the path of a socket must be short.
    with tempfile.TemporaryDirectory() as folder:
        link = SlowLink(valkey, Path(folder))
        worker = DataWorker(instrument)
        settings.REDIS_URL = link.url
        with running() as work:
            wait_until(worker.listeners)
            quotes = {f"{n:06d}.SZ": {"ts": at("10:00:57")} for n in range(300)}
            body = orjson.dumps({"t": 1, "host": "sim", "q": {}, "padding": quotes})
            worker.client.publish(engine.CHANNEL, signed(engine.NAME, body))
            wait_until(lambda: "sim" in work.detail()["streams"])
        link.close()
    assert link.pauses >= 1
    assert "interrupted" not in caplog.text
