"""The platform that is soaked: an installation of its own, started as `make run` starts it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stand import ROOT, free_port, say
from tests import prepared
from tests.postgres import Postgres, postgres_server

HOST = "sim"
READY = "QMT Desk is ready"
READY_SECONDS = 600.0
STOP_SECONDS = 60.0
COMMAND_SECONDS = 600.0


@dataclass
class Platform:
    """A running installation: where it lives, where it listens, what it logs."""

    folder: Path
    port: int
    rpc_port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    postgres: Postgres | None

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    @property
    def log(self) -> Path:
        return self.folder / "up.log"

    def module(self, name: str, *arguments: str, seconds: float = COMMAND_SECONDS) -> Any:
        """Run one of our modules in the platform's environment to its end; the JSON it printed."""
        return ask_module(self.environment, name, *arguments, seconds=seconds)

    def manage(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end, whatever it answers."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip

    def terminal_state(self) -> Path:
        """A consistent copy of the terminal's own book, as of now."""
        path = self.folder / "terminal-copy.sqlite3"
        state = self.folder / "terminal" / HOST / "exchange.sqlite3"
        with (
            contextlib.closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(path)) as copy,
        ):
            source.backup(copy)
        return path


@contextlib.contextmanager
def platform(*, users: int, accounts: int, on_postgres: bool, keep: Path | None) -> Iterator[tuple[Platform, Any]]:
    """Prepare and start everything; yields it with its cast (see `cast`), stops it in order at the end.

    Parameters
    ----------
    keep
        A folder that takes the state folder's log before that is removed.
    """
    folder = Path(tempfile.mkdtemp(prefix="desk-soak-"))
    try:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(postgres_server(durable=True)) if on_postgres else None
            environment, port, rpc_port = _environment(folder, server)
            say(f"an installation with {users} people and {accounts} accounts")
            if on_postgres or not prepared.copied("demo", folder):
                _prepare(environment)
            cast = ask_module(environment, "cast", str(users), str(accounts))
            say("manage.py up")
            with (folder / "up.log").open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, str(ROOT / "manage.py"), "up"],
                    env=environment, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            found = Platform(folder, port, rpc_port, environment, process, server)
            stack.callback(_stop, process)
            _until_ready(found)
            yield found, cast
    finally:
        if keep is not None and (folder / "up.log").exists():
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "up.log", keep / "up.log")
        shutil.rmtree(folder, ignore_errors=True)


def ask_module(environment: dict[str, str], name: str, *arguments: str, seconds: float = COMMAND_SECONDS) -> Any:
    """Run a module of this package to its end; the JSON on its last line. What it said stands in the error."""
    command = [sys.executable, "-m", f"{__package__}.{name}", *arguments]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _environment(folder: Path, server: Postgres | None) -> tuple[dict[str, str], int, int]:
    port, rpc_port = _two_ports()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DESK_", "DJANGO_"))}
    environment |= {
        "DESK_ENV": "demo",
        "DESK_DEBUG": "false",
        "DESK_STATE_DIR": str(folder),
        "DESK_LOG_FORMAT": "json",
        "DESK_RPC_PORT": str(rpc_port),
        "DJANGO_SETTINGS_MODULE": "desk.settings",
        "PORT": str(port),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "platform"), str(ROOT))),
        "TZ": "Asia/Shanghai",
    }
    return environment | (server.environment() if server is not None else {}), port, rpc_port


def _two_ports() -> tuple[int, int]:
    """Two different free ports: the first is held while the second is taken."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1]), free_port()


def _prepare(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "prepare"],
        env=environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"prepare: {done.stderr[-4000:]}")


def _until_ready(found: Platform) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while READY not in found.log.read_text("utf-8", "replace"):
        if found.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the platform is not ready: {found.log.read_text('utf-8', 'replace')[-4000:]}")
        time.sleep(0.2)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop everything as Ctrl-C does; what takes too long is killed, and its children end with it."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
