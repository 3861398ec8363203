"""One process of the platform under its own supervisor, as containers and units run it: hung, restarted, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from desk.settings.schema import ROOT
from tests.e2e.platform_stack import make_stack

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]
# Generous: a hang is seen after 30 to 45 seconds, and a test machine is busy.
WAIT_SECONDS = 240


def until(found: Callable[[], object], words: Callable[[], str]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not found():
        assert time.monotonic() < deadline, words()
        time.sleep(0.2)


def health(state: Path, *names: str) -> int:
    """What the container's check says."""
    environment = {"DESK_STATE_DIR": str(state), "PATH": os.environ["PATH"]}
    return subprocess.run([sys.executable, str(ROOT / "docker" / "health.py"), *names], env=environment).returncode


def test_kept_process_that_hangs_is_restarted_and_ends_with_its_keeper(tmp_path: Path) -> None:
    stack = make_stack(tmp_path / "state")
    command = [sys.executable, str(ROOT / "manage.py"), "keep", "strategies"]
    pid_file = stack.state_dir / "run" / "keep-strategies" / "strategies.pid.json"
    output = tmp_path / "output"

    def said() -> str:
        return output.read_text(encoding="utf-8", errors="replace")

    def child() -> psutil.Process:
        return psutil.Process(json.loads(pid_file.read_text(encoding="utf-8"))["pid"])

    assert health(stack.state_dir, "strategies") == 1
    with output.open("wb") as file:
        keeper = subprocess.Popen(command, env=stack.environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        until(lambda: health(stack.state_dir, "strategies") == 0, said)

        second = subprocess.run(command, env=stack.environment, capture_output=True, text=True)
        assert second.returncode == 1
        assert f"strategies already runs from this state folder (pid {keeper.pid})" in second.stderr

        hung = child()
        hung.suspend()
        until(lambda: "it is restarted" in said(), said)
        until(lambda: health(stack.state_dir, "strategies") == 0, said)
        assert not hung.is_running()
        successor = child()

        keeper.send_signal(signal.SIGTERM)
        assert keeper.wait(WAIT_SECONDS) == 0, said()
        assert not successor.is_running()
    finally:
        keeper.kill()
        keeper.wait()
