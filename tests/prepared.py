"""Installations that one run of the tests migrates once and copies: migrations take longer than what most tests do.

``python -m tests.prepared FOLDER`` makes them; where `TESTS_PREPARED` names the folder, they are copied. Without it, whoever
needs one migrates for itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "TESTS_PREPARED"


def make(folder: Path) -> None:
    """Make below `folder`: `blank` (migrated, without rows), `faults` (the same with the demo's people) and `demo`.

    Raises
    ------
    subprocess.CalledProcessError
        A command failed; its output is on standard error.
    """
    demo = _start(folder / "demo", "demo", "prepare")
    for command in ("migrate -v0", "migrate -v0 --database quotes"):
        _end(_start(folder / "blank", "test", command))
    shutil.copytree(folder / "blank", folder / "faults")
    _end(_start(folder / "faults", "test", "demo_data"))
    _end(demo)


def _start(folder: Path, profile: str, command: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DESK_", "DJANGO_"))}
    environment |= {"DESK_ENV": profile, "DESK_STATE_DIR": str(folder), "DESK_DEBUG": "false", "TZ": "Asia/Shanghai"}
    typed = [sys.executable, "manage.py", *command.split()]
    return subprocess.Popen(typed, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, process.args)


def copied(kind: str, folder: Path) -> bool:
    """Copy a prepared installation into `folder`; False when this run has prepared none."""
    given = os.environ.get(VARIABLE)
    if given is None:
        return False
    shutil.copytree(Path(given) / kind, folder, dirs_exist_ok=True)
    return True


def databases_copied(databases: Mapping[str, Mapping[str, object]]) -> bool:
    """Copy the migrated databases to where Django's tests look for theirs; False on a server, or when none are prepared."""
    given = os.environ.get(VARIABLE)
    if given is None or any("sqlite3" not in str(one["ENGINE"]) for one in databases.values()):
        return False
    for one in databases.values():
        test = one["TEST"]
        assert isinstance(test, dict)
        shutil.copyfile(Path(given) / "blank" / Path(str(one["NAME"])).name, str(test["NAME"]))
    return True


if __name__ == "__main__":
    make(Path(sys.argv[1]))
