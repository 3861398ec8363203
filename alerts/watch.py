"""Hosts whose order session has been away for too long, and the processes that must be there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.choices import SessionState
from accounts.maintenance import under_maintenance
from accounts.models import QmtHost
from accounts.selectors import host_status
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.alerts.watches import SILENT_AFTER, watch_processes
from ops.clocks import wall_now

DOWN_AFTER = timedelta(seconds=60)
#: One process each, on whatever machine.
PLATFORM_PROCESSES = ("worker.core", "beat", "engine", "strategies")


def expected_processes() -> Iterator[str]:
    """Names of every process that has to report."""
    yield from PLATFORM_PROCESSES
    for host in QmtHost.objects.filter(enabled=True):
        yield from (f"worker.{role}@{host.name}" for role in host.process_roles)


def watch_expected_processes() -> list[str]:
    """Raise for each process that has fallen silent."""
    return watch_processes(expected_processes())


def watch_sessions() -> list[str]:
    """Raise for each enabled host whose session has not been ready for a minute; returns their names."""
    now = wall_now()
    down = []
    for host in QmtHost.objects.filter(enabled=True).select_related("status"):
        status = host_status(host)
        key = f"host.session_down:{host.name}"
        state = SessionState.DOWN if status is None else SessionState(status.session_state)
        silent = status is None or status.updated_at is None or now - status.updated_at > SILENT_AFTER
        probed = None if status is None else status.last_probe_at
        if (state == SessionState.READY and not silent) or under_maintenance(host):
            alert_clear(key)
            continue
        if probed is not None and now - probed <= DOWN_AFTER:
            continue
        down.append(host.name)
        alert_raise(
            AlertKind.SESSION_DOWN,
            Severity.CRITICAL,
            format_lazy(_("The order session of {host} says nothing"), host=host.name)
            if silent
            else format_lazy(_("The order session of {host}: {state}"), host=host.name, state=state.label),
            {
                "state": str(state),
                "message": "" if status is None else status.message,
                "last_probe_at": probed or "never",
            },
            dedup_key=key,
            host=host.name,
        )
    return down
