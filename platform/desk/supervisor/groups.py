"""Starting and signalling whole process groups, on POSIX and on Windows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import psutil

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""What tells the supervisor to stop on this platform."""


def new_group() -> dict[str, Any]:
    """Popen arguments that put a child out of reach of the terminal's Ctrl-C."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def ask_to_stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the group of `process` to end (Ctrl-Break is what Windows can send to a group)."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        _signal_group(process.pid, signal.SIGTERM)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the group of `process`."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        kill_tree(process.pid)
    else:
        _signal_group(process.pid, signal.SIGKILL)


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants, whatever groups they are in."""
    try:
        root = psutil.Process(pid)
        family = [*root.children(recursive=True), root]
    except psutil.Error:
        return
    for process in family:
        try:
            process.kill()
        except psutil.Error:
            continue  # It ended in between: what we wanted.


if sys.platform != "win32":

    def _signal_group(pid: int, number: signal.Signals) -> None:
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            pass
