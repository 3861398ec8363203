"""Ending orphans: only ours, told by pid and start time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from desk.supervisor import pidfiles


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_orphan_with_matching_start_time_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    pidfiles.write(tmp_path, "engine", sleeper.pid)
    assert pidfiles.end_orphans(tmp_path) == ["engine"]
    assert not psutil.pid_exists(sleeper.pid)
    assert list(tmp_path.iterdir()) == []


def test_stranger_with_a_recycled_pid_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    started = psutil.Process(sleeper.pid).create_time() - 3600
    record = {"name": "engine", "pid": sleeper.pid, "started_at": started}
    (tmp_path / "engine.pid.json").write_text(json.dumps(record))
    assert pidfiles.end_orphans(tmp_path) == []
    assert sleeper.poll() is None
    assert list(tmp_path.iterdir()) == []


def test_orphan_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"deaf\n"
    pidfiles.write(tmp_path, "data@sim", process.pid)
    assert pidfiles.end_orphans(tmp_path, timeout_seconds=0.3) == ["data@sim"]
    assert not psutil.pid_exists(process.pid)
    process.stdout.close()


def test_torn_pid_file_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "web.pid.json").write_text('{"name": "web", "pid"')
    assert pidfiles.end_orphans(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
