"""Conditions that nobody meets while working: a process that fell silent, a disk that fills up.

Each watch looks once and raises or clears; a periodic task calls them.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ops.alerts.raising import alert_clear, alert_raise
from ops.clocks import wall_now
from ops.models import AlertKind, ProcessHeartbeat, Severity

SILENT_AFTER = timedelta(seconds=60)
#: After a start the rows are as old as the last stop; the processes get this long to write new ones.
GRACE_SECONDS = 90.0

log = logging.getLogger(__name__)

_started = time.monotonic()


def settled() -> bool:
    """Whether this process has run long enough for the others' silence to mean something."""
    return time.monotonic() - _started >= GRACE_SECONDS


def watch_processes(expected: Iterable[str]) -> list[str]:
    """Raise for each of these processes whose last successful loop is too old; returns their names."""
    rows = dict(ProcessHeartbeat.objects.values_list("name", "last_loop_at"))
    now = wall_now()
    silent = []
    for name in expected:
        seen = rows.get(name)
        key = f"process.missing:{name}"
        if seen is not None and now - seen <= SILENT_AFTER:
            alert_clear(key)
            continue
        silent.append(name)
        alert_raise(
            AlertKind.PROCESS_MISSING,
            Severity.CRITICAL,
            format_lazy(_("{process} has never reported"), process=name)
            if seen is None
            else format_lazy(_("{process} has not reported for {time}"), process=name, time=_words(now - seen)),
            {"process": name, "last_loop_at": seen or "never"},
            dedup_key=key,
        )
    return silent


def watch_disk(folder: Path) -> int:
    """Raise when the state folder's disk is nearly full, and again when no new orders are taken; returns the free bytes."""
    usage = shutil.disk_usage(folder)
    key = f"disk.low:{folder}"
    if usage.free >= max(settings.DISK_WARN_BYTES, settings.DISK_STOP_BYTES):
        alert_clear(key)
        return usage.free
    stopped = usage.free < settings.DISK_STOP_BYTES
    left = {"size": f"{usage.free / 1e9:.1f}", "folder": str(folder)}
    if stopped:
        # In the log too: the alert itself may find no room.
        log.critical("%(size)s GB are left on the disk of %(folder)s: no new orders are taken", left)
    alert_raise(
        AlertKind.DISK_LOW,
        Severity.CRITICAL if stopped else Severity.WARNING,
        format_lazy(_("{size} GB are left on the disk of {folder}: no new orders are taken"), **left)
        if stopped
        else format_lazy(_("{size} GB are left on the disk of {folder}"), **left),
        {"free_bytes": usage.free, "total_bytes": usage.total, "folder": str(folder)},
        dedup_key=key,
    )
    return usage.free


def _words(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    return f"{seconds} s" if seconds < 600 else f"{seconds // 60} min"
