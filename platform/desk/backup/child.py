"""The scheduled backup in a process of its own: it computes for minutes, and the worker's threads have alerts to deliver."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Final

from desk.backup.service import backup_due, watch_backups
from desk.settings.schema import ROOT, get_config
from ops.clocks import wall_now

LEASH: Final = ROOT / "platform" / "desk" / "supervisor" / "leash.py"
SECONDS: Final = 4 * 3600
_busy = threading.Lock()


def command() -> list[str]:
    """The process that makes it, which ends when this one does."""
    return [
        sys.executable, "-I", "-S", str(LEASH), str(os.getpid()),
        sys.executable, str(ROOT / "manage.py"), "backup", "--scheduled",
    ]  # fmt: skip


def backup_if_due() -> str:
    """Make the day's backup when its time has come, and look how old the newest one is; says what was done.

    A process that fails has recorded why; the next look tries again an hour later.
    """
    config = get_config()
    if not _busy.acquire(blocking=False):
        return "busy"
    try:
        done = "not due"
        if backup_due(config, wall_now()):
            ended = subprocess.run(command(), cwd=ROOT, stdin=subprocess.PIPE, check=False, timeout=SECONDS)
            done = "made" if ended.returncode == 0 else f"failed ({ended.returncode})"
        watch_backups(config)
        return done
    finally:
        _busy.release()
