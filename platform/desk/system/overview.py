"""Everything the system page and `GET /api/v1/system` show, put together."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from accounts.models import QmtHost
from accounts.selectors import host_clock, host_status
from desk.settings.schema import get_config
from desk.system.processes import processes
from desk.system.storage import databases, disk
from desk.system.taskqueues import task_queues
from desk.system.versions import versions
from marketdata.metrics import host_figures, queue_figures
from ops.clocks import wall_now
from trading.orders.metrics import cancels_waiting, events_pending, lanes, order_queues


def system_overview() -> dict[str, Any]:
    """The installation as one process sees it now. Reads rows, the disk and the lengths of Redis's queues."""
    return {
        "at": wall_now(),
        "versions": asdict(versions()),
        "processes": [asdict(process) for process in processes()],
        "hosts": _hosts(),
        "queues": _queues(),
        "storage": {
            "disk": asdict(disk(get_config().state_dir)),
            "databases": [asdict(row) for row in databases()],
        },
    }


def current_trade_date() -> date | None:
    """The latest date that any enabled host's market is in; None before the first report."""
    hosts = QmtHost.objects.filter(enabled=True).select_related("status")
    return max((clock.trade_date for host in hosts if (clock := host_clock(host)) is not None), default=None)


def _hosts() -> list[dict[str, Any]]:
    ticks = {row.host: row.tick_age for row in host_figures()}
    pending = events_pending()
    found = []
    for host in QmtHost.objects.filter(enabled=True).select_related("status").order_by("name"):
        status, clock = host_status(host), host_clock(host)
        found.append(
            {
                "name": host.name,
                "kind": host.kind,
                "session_state": "DOWN" if status is None else status.session_state,
                "message": "" if status is None else status.message,
                "trade_date": None if clock is None else clock.trade_date,
                "phase": "" if clock is None else str(clock.phase),
                "reported_at": None if status is None else status.updated_at,
                "last_probe_at": None if status is None else status.last_probe_at,
                "sdk_version": "" if status is None else status.sdk_version,
                "tick_age_seconds": ticks.get(host.name),
                "events_pending": pending.get(host.name),
            }
        )
    return found


def _queues() -> dict[str, Any]:
    repair = queue_figures()
    return {
        "orders": [asdict(queue) for queue in order_queues()],
        "cancels": [
            {"host": host, "count": count, "oldest_seconds": age} for host, (count, age) in cancels_waiting().items()
        ],
        "lanes": [asdict(lane) for lane in lanes()],
        "repair": {"waiting": repair.waiting, "running": repair.running, "oldest_seconds": repair.oldest_seconds},
        "tasks": task_queues(),
    }
