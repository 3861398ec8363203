"""A real uvicorn on a free port of this machine, and small clients for its live socket."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import pytest
import redis
import uvicorn
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from desk.settings.schema import get_config
from desk.supervisor import plan
from ops.hub import _hubs
from tests.people import Team, make_team

START_SECONDS = 10
ANSWER_SECONDS = 3
LINK_FRAMES = frozenset({"stale", "live"})


@dataclass
class Valkey:
    """The Valkey of the test run's address, to be stopped and started at will."""

    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = get_config()
        plan.prepare_folders(config)
        command = plan.valkey(config).command
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        client = redis.Redis.from_url(config.redis_url)
        eventually(lambda: _answers(client))
        client.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            plan.remove_stale_socket(get_config().redis_socket)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def eventually(condition: Callable[[], Any], seconds: float = START_SECONDS) -> None:
    """Wait until `condition` holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


@dataclass
class Socket:
    """A test client of the live socket."""

    connection: ClientConnection

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def receive(self, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """The next frame of any kind."""
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=seconds))
        return frame

    def until(self, kind: str, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """The next frame of this type; others are passed over."""
        deadline = time.monotonic() + seconds
        while True:
            frame = self.receive(max(0.01, deadline - time.monotonic()))
            if frame["type"] == kind:
                return frame

    def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing arrives but words about the server's own link to Redis."""
        deadline = time.monotonic() + seconds
        try:
            while self.receive(max(0.01, deadline - time.monotonic()))["type"] in LINK_FRAMES:
                pass
        except TimeoutError:
            return True
        return False

    def closed(self, seconds: float = ANSWER_SECONDS) -> int | None:
        """Read to the end; the closing code."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.connection.recv(timeout=max(0.01, deadline - time.monotonic()))
        except ConnectionClosed:
            return self.connection.close_code

    def subscribe(self, channel: str, **more: Any) -> dict[str, Any]:
        """Subscribe and return the first frame that answers."""
        self.send(op="subscribe", channel=channel, **more)
        while True:
            frame = self.receive()
            if frame["type"] != "hello" and frame["type"] not in LINK_FRAMES:
                return frame


@dataclass
class Server:
    """Where the platform listens."""

    port: int

    @contextmanager
    def anonymous(self, path: str = "/ws/v1", **options: Any) -> Iterator[Socket]:
        with connect(f"ws://127.0.0.1:{self.port}{path}", compression=None, **options) as connection:
            yield Socket(connection)

    @contextmanager
    def session(self, user: User, **options: Any) -> Iterator[Socket]:
        """Connected with a portal session, as a browser is."""
        headers = {"Cookie": session_cookie(user), "Origin": f"http://127.0.0.1:{self.port}"}
        with self.anonymous(additional_headers=headers, **options) as socket:
            assert socket.until("hello")["user"]["username"] == user.username
            yield socket

    @contextmanager
    def token(self, plain: str) -> Iterator[Socket]:
        """Connected with a bearer token, as a script is."""
        with self.anonymous(additional_headers={"Authorization": f"Bearer {plain}"}) as socket:
            yield socket


def session_cookie(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


class _ThreadServer(uvicorn.Server):
    """uvicorn in a thread of the test process, so that tests can lower its limits."""

    def install_signal_handlers(self) -> None:
        """Signals belong to pytest."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def start(self) -> Self:
        self._thread = threading.Thread(target=self.run, name="uvicorn", daemon=True)
        self._thread.start()
        eventually(lambda: self.started)
        return self

    def stop(self) -> None:
        self.should_exit = True
        self._thread.join(START_SECONDS)


@pytest.fixture(scope="module")
def own_valkey() -> Iterator[Valkey]:
    """Valkey for one module: other areas on the same test worker count on there being none."""
    valkey = Valkey()
    valkey.start()
    yield valkey
    valkey.stop()


@pytest.fixture(scope="session")
def _uvicorn() -> Iterator[Server]:
    """One server for the session; it finds each module's Valkey by itself, as in real life."""
    from desk.asgi import application

    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
    )
    server = _ThreadServer(config).start()
    yield Server(port=server.servers[0].sockets[0].getsockname()[1])
    server.stop()


@pytest.fixture
def server(transactional_db: None, _uvicorn: Server, own_valkey: Valkey) -> Server:
    """The platform, listening."""
    if own_valkey.process is None:
        own_valkey.start()
    # A hub that is still on its way back would tell several events in one frame.
    eventually(lambda: all(hub.is_up for loop, hub in _hubs.items() if loop.is_running()))
    return _uvicorn


@pytest.fixture
def team(server: Server) -> Team:
    """The standing cast, committed, so that the server sees it."""
    return make_team()
