"""The supervisor over small real processes: order, restarts, stubborn children, its own death."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from desk.supervisor import supervisor as supervisor_module
from desk.supervisor.child import ChildSpec
from desk.supervisor.embedded import port_problem
from desk.supervisor.lock import AlreadyRunning, SupervisorLock
from desk.supervisor.merged_log import MergedLog
from desk.supervisor.plan import Stage
from desk.supervisor.ready import Readiness
from desk.supervisor.supervisor import Supervisor

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
POLITE = """
import signal, sys, time
def stop(*_):
    print("bye", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
while True: time.sleep(0.05)
"""
STUBBORN = POLITE.replace("signal.signal(signal.SIGTERM, stop)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")


def spec(name: str, code: str = POLITE, *, stage: int = 1, stop_seconds: float = 2.0, heartbeat: str = "") -> ChildSpec:
    return ChildSpec(
        name=name,
        command=(sys.executable, "-S", "-c", code),
        stage=stage,
        stop_seconds=stop_seconds,
        heartbeats=(heartbeat,) if heartbeat else (),
        silent_seconds=0.3,
    )


class Run:
    """A supervisor driven on the test's thread, stopped when `until` holds."""

    def __init__(self, folder: Path, *specs: ChildSpec, ages: Callable[[], Mapping[str, float]] = dict) -> None:
        self.screen = io.StringIO()
        self.log = MergedLog(folder / "desk.log", stream=self.screen)
        self.supervisor = Supervisor(specs, run_dir=folder, log=self.log, heartbeat_ages=ages, on_tick=self._tick)
        self._until: Callable[[], bool] = lambda: True
        self._timer = threading.Timer(15, self.supervisor.request_stop)

    @property
    def lines(self) -> list[str]:
        return self.screen.getvalue().splitlines()

    def seen(self, name: str, text: str) -> int:
        return sum(1 for line in self.lines if line.startswith(f"{name} ") and text in line)

    def until(self, condition: Callable[[], bool]) -> None:
        self._until = condition
        self._timer.start()
        self.supervisor.run()
        self._timer.cancel()
        self.log.close()

    def _tick(self) -> bool:
        if self._until():
            self.supervisor.request_stop()
            return True
        return False

    def pid(self, name: str) -> int:
        return next(child.pid for child in self.supervisor.children if child.name == name and child.pid)


def test_supervisor_stops_stage_by_stage(tmp_path: Path) -> None:
    specs = [spec("valkey", stage=Stage.VALKEY), spec("trade", stage=Stage.WORKERS), spec("web", stage=Stage.WEB)]
    run = Run(tmp_path, *specs)
    run.until(lambda: all(run.seen(one.name, "up") for one in specs))
    order = [line.split("|")[0].strip() for line in run.lines if line.endswith("| bye")]
    assert order == ["web", "trade", "valkey"]
    assert list(tmp_path.glob("*.pid.json")) == []


@pytest.mark.parametrize(("given", "found"), [(None, "2"), ("7", "7")])
def test_children_share_two_heaps_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, found: str
) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if given is not None:
        monkeypatch.setenv("MALLOC_ARENA_MAX", given)
    said = f"import os; print('heaps', os.environ['MALLOC_ARENA_MAX'], flush=True)\n{POLITE}"
    run = Run(tmp_path, spec("web", said))
    run.until(lambda: run.seen("web", "up") == 1)
    assert run.seen("web", f"heaps {found}") == 1


def test_supervisor_restarts_a_killed_child(tmp_path: Path) -> None:
    run = Run(tmp_path, spec("engine"))
    killed: list[int] = []

    def twice_up() -> bool:
        if run.seen("engine", "up") == 1 and not killed:
            killed.append(run.pid("engine"))
            os.kill(killed[0], signal.SIGKILL)
        return run.seen("engine", "up") == 2

    run.until(twice_up)
    assert run.pid("engine") != killed[0]
    assert run.seen("up", "engine ended (killed by SIGKILL), starts again in 0.5 s") == 1


def test_supervisor_restarts_a_failing_child_with_growing_pauses(tmp_path: Path) -> None:
    run = Run(tmp_path, spec("engine", "raise SystemExit(3)"))
    run.until(lambda: run.seen("up", "engine ended") == 2)
    assert run.seen("up", "engine ended (exit code 3), starts again in 0.5 s") == 1
    assert run.seen("up", "engine ended (exit code 3), starts again in 1.0 s") == 1


def test_supervisor_kills_a_child_that_does_not_stop(tmp_path: Path) -> None:
    run = Run(tmp_path, spec("data", STUBBORN, stop_seconds=0.3))
    run.until(lambda: run.seen("data", "up") == 1)
    assert run.seen("up", "data did not stop in time and is killed") == 1
    assert not psutil.pid_exists(run.pid("data"))


def test_supervisor_second_stop_request_does_not_wait(tmp_path: Path) -> None:
    run = Run(tmp_path, spec("data", STUBBORN, stop_seconds=30))
    threading.Timer(1.5, run.supervisor.request_stop).start()
    started = time.monotonic()
    run.until(lambda: run.seen("data", "up") == 1)
    assert time.monotonic() - started < 4


def test_supervisor_restarts_a_child_whose_heartbeat_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "WATCH_SECONDS", 0.5)
    run = Run(tmp_path, spec("trade", heartbeat="trade@sim"), ages=lambda: {"trade@sim": 60.0})
    run.until(lambda: run.seen("trade", "up") == 2)
    assert run.seen("up", "trade@sim has been silent for 60 s, it is restarted") >= 1


class Told:
    """What people would be told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def hung(self, child: str, heartbeat: str, silent_seconds: float) -> None:
        self.told.append(f"{child} hung")

    def recovered(self, child: str) -> None:
        self.told.append(f"{child} recovered")


def test_supervisor_stopped_process_is_restarted_and_told_of_until_it_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "WATCH_SECONDS", 0.1)
    monkeypatch.setattr(supervisor_module, "STABLE_AFTER_SECONDS", 1.0)
    beat = tmp_path / "beat"
    code = f"import pathlib, time\nprint('up', flush=True)\nwhile True: pathlib.Path({str(beat)!r}).touch(); time.sleep(0.02)"
    run = Run(tmp_path, spec("engine", code, heartbeat="engine"), ages=lambda: age_of(beat, "engine"))
    run.supervisor.children[0].spec = dataclasses.replace(run.supervisor.children[0].spec, silent_seconds=0.6)
    told = Told()
    run.supervisor._hang_watch = told
    stopped: list[int] = []

    def recovered() -> bool:
        if beat.exists() and not stopped:
            stopped.append(run.pid("engine"))
            os.kill(stopped[0], signal.SIGSTOP)
        return "engine recovered" in told.told

    run.until(recovered)
    assert told.told == ["engine hung", "engine recovered"]
    assert run.pid("engine") != stopped[0]
    assert run.seen("up", "engine ended (killed by SIGKILL), starts again") == 1


def age_of(path: Path, name: str) -> dict[str, float]:
    return {name: time.time() - path.stat().st_mtime} if path.exists() else {}


@pytest.mark.parametrize(("ages", "restarts"), [({"other": 0.0}, True), ({}, False)])
def test_supervisor_child_without_its_first_heartbeat_is_restarted_while_others_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ages: dict[str, float], *, restarts: bool
) -> None:
    monkeypatch.setattr(supervisor_module, "WATCH_SECONDS", 0.1)
    monkeypatch.setattr(supervisor_module, "START_SECONDS", 0.4)
    run = Run(tmp_path, spec("engine", heartbeat="engine"), ages=lambda: ages)
    end = time.monotonic() + 1.5
    run.until(lambda: time.monotonic() > end or run.seen("engine", "up") == 2)
    assert (run.seen("up", "it is restarted") > 0) is restarts


def test_supervisor_child_is_out_of_reach_of_the_terminal_s_ctrl_c(tmp_path: Path) -> None:
    run = Run(tmp_path, spec("web"))
    sessions: list[int] = []

    def look() -> bool:
        if run.seen("web", "up"):
            sessions.append(os.getsid(run.pid("web")))
        return bool(sessions)

    run.until(look)
    assert sessions == [run.pid("web")]
    assert sessions[0] != os.getsid(0)


PARENT = """
import sys
sys.path[:0] = ["platform", "."]
from pathlib import Path
from desk.supervisor.child import ChildSpec
from desk.supervisor.merged_log import MergedLog
from desk.supervisor.supervisor import Supervisor
folder = Path(sys.argv[1])
child = ChildSpec(name="child", command=(sys.executable, "-S", "-c", "import time; time.sleep(60)"), stage=1)
Supervisor([child], run_dir=folder, log=MergedLog(folder / "desk.log")).run()
"""


def test_supervisor_killed_takes_its_children_along(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=ROOT, stdout=subprocess.DEVNULL)
    record = tmp_path / "child.pid.json"
    deadline = time.monotonic() + 10
    while not record.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child = psutil.Process(json.loads(record.read_text())["pid"])
    # The leash must have been put on: the child runs its own command by now.
    while "leash.py" in " ".join(child.cmdline()):
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    assert psutil.wait_procs([child], timeout=3)[1] == []


def test_lock_held_by_another_process_names_it(tmp_path: Path) -> None:
    with SupervisorLock(tmp_path / "up.lock"):
        with pytest.raises(AlreadyRunning) as caught, SupervisorLock(tmp_path / "up.lock"):
            pass
        assert caught.value.pid == str(os.getpid())
    with SupervisorLock(tmp_path / "up.lock"):
        pass


def test_port_in_use_is_one_clear_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        problem = port_problem("127.0.0.1", port)
    assert problem == (
        f"Port {port} is in use by another program: stop it, or choose another port, e.g. PORT={port + 10} make run."
    )
    assert port_problem("127.0.0.1", port) == ""


def test_readiness_says_its_line_once_everything_answers(tmp_path: Path) -> None:
    screen = io.StringIO()
    log = MergedLog(tmp_path / "desk.log", stream=screen)
    answers: list[Mapping[str, object] | None] = [
        None,
        {"status": "not_ready", "checks": [{"name": "redis", "ok": False, "detail": "away"}]},
        {"status": "ready", "checks": []},
        {"status": "ready", "checks": []},
    ]
    silent = ["engine"]
    ready = Readiness(
        probe=lambda: answers.pop(0),
        waiting_for=lambda: silent,
        headline="QMT Desk is ready: http://127.0.0.1:8000/",
        log=log,
        started_at=time.monotonic(),
    )

    def ask() -> bool:
        ready._next = 0.0
        return ready()

    assert [ask(), ask(), ask()] == [False, False, False]
    silent.clear()
    assert ask() is True
    log.close()
    assert screen.getvalue().count("QMT Desk is ready") == 1


def test_child_that_is_misconfigured_stops_everything_instead_of_starting_again(tmp_path: Path) -> None:
    go = tmp_path / "go"
    wrong = f"import os, sys, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\nprint('no such file'); sys.exit(78)"
    run = Run(tmp_path, spec("polite"), spec("wrong", wrong))

    def wrong_ends_once_polite_listens() -> bool:
        if run.seen("polite", "up"):
            go.touch()
        return False

    run.until(wrong_ends_once_polite_listens)
    assert run.supervisor.failure == "wrong cannot run as it is configured; its last line says why."
    assert (run.seen("wrong", "no such file"), run.seen("polite", "bye")) == (1, 1)
    assert run.seen("up", "starts again") == 0
