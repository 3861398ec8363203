"""Which processes are ours: pid files that also know when the process started.

A pid alone is no proof, the number may have been given to a stranger since. Pid and start time
together are.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from desk.supervisor import groups

START_TIME_TOLERANCE_SECONDS = 0.05
SUFFIX = ".pid.json"


@dataclass(frozen=True, slots=True)
class PidRecord:
    """One process of ours."""

    name: str
    pid: int
    started_at: float

    def process(self) -> psutil.Process | None:
        """Return the running process, or None when it ended or the pid is another's now."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started_at) > START_TIME_TOLERANCE_SECONDS:
                return None
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.Error:
            return None


def write(folder: Path, name: str, pid: int) -> PidRecord | None:
    """Record process `pid` under `name`; None when it has ended already."""
    try:
        record = PidRecord(name, pid, psutil.Process(pid).create_time())
    except psutil.Error:
        return None
    path = folder / f"{name}{SUFFIX}"
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(asdict(record)), encoding="utf-8")
    aside.replace(path)
    return record


def remove(folder: Path, name: str) -> None:
    """Forget `name`."""
    (folder / f"{name}{SUFFIX}").unlink(missing_ok=True)


def records(folder: Path) -> list[PidRecord]:
    """Read every record; a torn file is dropped."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            found.append(PidRecord(str(data["name"]), int(data["pid"]), float(data["started_at"])))
        except (OSError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
    return found


def end_orphans(folder: Path, *, timeout_seconds: float = 3.0) -> list[str]:
    """End what an earlier supervisor left behind; returns the names of those still alive.

    They get SIGTERM, then SIGKILL: without their supervisor nobody reads their output or heartbeat.
    """
    alive = [(record, process) for record in records(folder) if (process := record.process())]
    for _, process in alive:
        _ask_to_stop(process)
    psutil.wait_procs([process for _, process in alive], timeout=timeout_seconds)
    for record, _ in alive:
        if record.process() is not None:
            groups.kill_tree(record.pid)
    psutil.wait_procs([process for _, process in alive], timeout=timeout_seconds)
    for path in folder.glob(f"*{SUFFIX}"):
        path.unlink(missing_ok=True)
    return [record.name for record, _ in alive]


def _ask_to_stop(process: psutil.Process) -> None:
    try:
        process.terminate()
    except psutil.Error:
        pass  # It ended in between: what we wanted.
