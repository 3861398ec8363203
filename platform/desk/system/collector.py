"""The installation's own series for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import DatabaseError
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from desk.settings.schema import get_config
from desk.system.processes import processes
from desk.system.storage import databases, disk
from desk.system.taskqueues import task_queues
from ops.version import VERSION


class SystemCollector(Collector):
    """Processes that should report, tasks that wait, room on the disk, sizes."""

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("desk_build", "1; the project's version", labels=["version"])
        build.add_metric([VERSION], 1)
        free = GaugeMetricFamily("desk_disk_free_bytes", "Room left on the disk of the state folder")
        total = GaugeMetricFamily("desk_disk_size_bytes", "Size of the disk of the state folder")
        room = disk(get_config().state_dir)
        free.add_metric([], room.free)
        total.add_metric([], room.total)
        return [build, free, total, *_from_databases()]


def _from_databases() -> Iterable[Metric]:
    try:
        return [*_processes(), *_queues(), *_sizes()]
    except DatabaseError:
        # The scrape still brings what the processes counted; the missing series are the alarm.
        return []


def _processes() -> Iterable[Metric]:
    up = GaugeMetricFamily("desk_process_up", "1 while an expected process reports", labels=["process"])
    started = GaugeMetricFamily(
        "desk_process_started_seconds", "When a process started (Unix time)", labels=["process"]
    )
    for process in processes():
        if process.expected:
            up.add_metric([process.name], float(process.state in ("OK", "LATE")))
        if process.started_at is not None:
            started.add_metric([process.name], process.started_at.timestamp())
    return [up, started]


def _queues() -> Iterable[Metric]:
    redis_up = GaugeMetricFamily("desk_redis_up", "1 while Redis answers")
    waiting = GaugeMetricFamily("desk_tasks_waiting", "Tasks that wait for a worker", labels=["queue"])
    found = task_queues()
    redis_up.add_metric([], float(found is not None))
    for queue, count in (found or {}).items():
        waiting.add_metric([queue], count)
    return [redis_up, waiting]


def _sizes() -> Iterable[Metric]:
    sizes = GaugeMetricFamily("desk_database_size_bytes", "Size of a database", labels=["database"])
    for row in databases():
        if row.size is not None:
            sizes.add_metric([row.alias], row.size)
    return [sizes]
