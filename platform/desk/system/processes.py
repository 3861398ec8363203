"""The processes that report, and those that should."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from accounts.models import QmtHost
from desk.supervisor.plan import host_workers, platform_processes
from ops.alerts.watches import SILENT_AFTER
from ops.clocks import wall_now
from ops.health import HEARTBEAT_MAX_AGE
from ops.models import ProcessHeartbeat

#: A row of a process that nobody expects and that has been silent for this long is history.
HISTORY_AFTER = timedelta(minutes=10)


class ProcessState(StrEnum):
    """By the age of the last successful pass: three beats, a minute, more; MISSING has never reported."""

    OK = "OK"
    LATE = "LATE"
    SILENT = "SILENT"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class Process:
    """One process's last word.

    Attributes
    ----------
    age_seconds
        Since its last successful pass; None before the first.
    expected
        Whether the installation cannot do without it.
    """

    name: str
    state: ProcessState
    expected: bool
    machine: str = ""
    pid: int | None = None
    started_at: datetime | None = None
    last_pass_at: datetime | None = None
    age_seconds: float | None = None


def expected_heartbeats() -> Iterator[str]:
    """The names under which every process of the installation reports, and the loops inside that report apart."""
    for spec in platform_processes():
        yield from spec.heartbeats
    for host in QmtHost.objects.filter(enabled=True):
        for spec in host_workers(host.name, serves_data=host.serves_data):
            yield from spec.heartbeats


def processes() -> list[Process]:
    """Every process that reports or should, by name."""
    now = wall_now()
    expected = set(expected_heartbeats())
    found = [_of(row, now, expected=row.name in expected) for row in ProcessHeartbeat.objects.all()]
    reported = {process.name for process in found}
    kept = [process for process in found if process.expected or not _is_history(process)]
    return sorted([*kept, *_missing(expected - reported)], key=lambda process: process.name)


def _of(row: ProcessHeartbeat, now: datetime, *, expected: bool) -> Process:
    age = max(now - row.last_loop_at, timedelta(0))
    return Process(
        name=row.name,
        state=_state(age),
        expected=expected,
        machine=row.host,
        pid=row.pid,
        started_at=row.started_at,
        last_pass_at=row.last_loop_at,
        age_seconds=round(age.total_seconds(), 1),
    )


def _state(age: timedelta) -> ProcessState:
    if age <= HEARTBEAT_MAX_AGE:
        return ProcessState.OK
    return ProcessState.LATE if age <= SILENT_AFTER else ProcessState.SILENT


def _is_history(process: Process) -> bool:
    return process.age_seconds is not None and process.age_seconds > HISTORY_AFTER.total_seconds()


def _missing(names: Iterable[str]) -> Iterable[Process]:
    return (Process(name=name, state=ProcessState.MISSING, expected=True) for name in names)
