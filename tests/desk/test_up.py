"""The whole platform on one machine: start, kill -9, Ctrl-C, start again. One run, real processes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import prepared

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
# On an idle two-core machine a second start takes at most 12 s; a test machine is busy.
START_SECONDS = 60
STOP_SECONDS = 10
HOST = {"terminal@sim", "trade@sim", "data@sim", "reads@sim"}
PROCESSES = HOST | {"valkey", "core", "beat", "engine", "strategies", "rpc", "web"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Platform:
    """One `manage.py up`, its printed lines and its processes."""

    def __init__(self, environment: dict[str, str], state: Path, port: int) -> None:
        self.environment = environment
        self.state = state
        self.port = port
        self.lines: list[str] = []
        self._start()

    def _start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*MANAGE, "up"], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip())

    def restart(self) -> None:
        self.lines.clear()
        self._start()

    def wait_for(self, text: str, *, count: int = 1, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while sum(text in line for line in self.lines) < count:
            assert self.process.poll() is None, "\n".join(self.lines[-40:])
            assert time.monotonic() < deadline, f"{text!r} was not seen:\n" + "\n".join(self.lines[-60:])
            time.sleep(0.05)

    def wait_ready(self) -> None:
        self.wait_for("QMT Desk is ready: ")

    def children(self) -> dict[str, psutil.Process]:
        found = {}
        for path in (self.state / "run").glob("*.pid.json"):
            record = json.loads(path.read_text())
            found[record["name"]] = psutil.Process(record["pid"])
        return found

    def health(self) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/api/v1/health/ready")
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


def processes_of(state: Path) -> list[str]:
    """Every process on this machine that works on `state`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DESK_STATE_DIR") == str(state) and process.pid != os.getpid():
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(prefix="desk-up-", ignore_cleanup_errors=True) as folder:
        state, port = Path(folder), free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DESK_")}
        environment.update(DESK_ENV="demo", DESK_STATE_DIR=str(state), PORT=str(port))
        if not prepared.copied("demo", state):
            subprocess.run([*MANAGE, "prepare"], env=environment, check=True, capture_output=True)
        running = Platform(environment, state, port)
        try:
            yield running
        finally:
            running.process.send_signal(signal.SIGTERM)
            try:
                running.process.wait(STOP_SECONDS + 5)
            except subprocess.TimeoutExpired:
                running.process.kill()


# The steps build on each other, in this order: each start costs seconds.


def test_up_ends_its_start_with_the_address_and_the_logins(platform: Platform) -> None:
    platform.wait_ready()
    (headline,) = [line for line in platform.lines if line.startswith("QMT Desk is ready")]
    assert headline == (
        f"QMT Desk is ready: http://127.0.0.1:{platform.port}/   "
        "logins: admin, alice, bob, charlie (password desk-demo)"
    )
    assert set(platform.children()) == PROCESSES
    status, body = platform.health()
    assert (status, body["status"]) == (200, "ready")


def test_up_a_second_time_from_the_same_folder_is_refused(platform: Platform) -> None:
    environment = {**platform.environment, "PORT": str(free_port())}
    second = subprocess.run([*MANAGE, "up"], env=environment, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert f"already runs from this state folder (pid {platform.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr


def test_up_on_a_busy_port_is_refused_with_one_sentence(platform: Platform, tmp_path: Path) -> None:
    environment = {**platform.environment, "DESK_STATE_DIR": str(tmp_path)}
    second = subprocess.run([*MANAGE, "up"], env=environment, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert f"Port {platform.port} is in use by another program" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


def test_up_brings_killed_children_back(platform: Platform) -> None:
    before = platform.children()
    for name in ("web", "trade@sim", "valkey", "terminal@sim"):
        before[name].kill()
    for name in ("web", "trade@sim", "valkey", "terminal@sim"):
        platform.wait_for(f"{name} ended (killed by SIGKILL)", seconds=10)
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert time.monotonic() < deadline
        try:
            if platform.health()[0] == 200 and set(platform.children()) == PROCESSES:
                break
        except OSError:
            pass
        time.sleep(0.2)
    assert platform.children()["web"].pid != before["web"].pid


def test_up_killed_leaves_nothing_and_the_next_start_recovers(platform: Platform) -> None:
    platform.process.kill()
    platform.process.wait()
    deadline = time.monotonic() + 5
    while left := processes_of(platform.state):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    platform.restart()
    platform.wait_ready()
    assert platform.health()[0] == 200


def test_up_stops_everything_in_order_within_ten_seconds(platform: Platform) -> None:
    started = time.monotonic()
    platform.process.send_signal(signal.SIGINT)
    assert platform.process.wait(STOP_SECONDS) == 0
    assert time.monotonic() - started < STOP_SECONDS
    time.sleep(0.1)
    stops = [line.split("INFO    ")[1] for line in platform.lines if "INFO    stopping " in line]
    assert stops == [
        "stopping rpc, web",
        "stopping beat, strategies",
        "stopping trade@sim, data@sim, reads@sim, core",
        "stopping engine",
        "stopping terminal@sim",
        "stopping valkey",
    ]
    assert not any("did not stop in time" in line for line in platform.lines)
    assert processes_of(platform.state) == []
    assert not any("Traceback" in line for line in platform.lines)
