"""Fixtures of this area: the cast, and receivers on this machine that remember what they were sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.people import Team, make_team


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A receiver: its address, what it answers, and what it got."""

    port: int = 0
    status: int = 200
    answer: bytes = b'{"errcode": 0, "errmsg": "ok"}'
    location: str = ""
    drip_seconds: float = 0.0
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A receiver that the configuration allows."""
    settings.ALERT_TARGETS = ["127.0.0.1"]
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append(Received(self.path, dict(self.headers), body))
            if state.drip_seconds:
                time.sleep(state.drip_seconds)
            self.send_response(state.status)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", str(len(state.answer)))
            self.end_headers()
            try:
                self.wfile.write(state.answer)
            except OSError:
                pass  # the sender has gone

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def team(db: None) -> Team:
    """The standing cast."""
    return make_team()


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Wake-ups are hints; here they only name the task."""
    woken: list[str] = []
    monkeypatch.setattr("ops.alerts.store.wake", lambda alert_id: woken.append(f"alerts.route {alert_id}"))
    monkeypatch.setattr("alerts.tasks.deliver.apply_async", lambda args, **_: woken.append(f"alerts.deliver {args[0]}"))
    return woken


Capture = DjangoCaptureOnCommitCallbacks
