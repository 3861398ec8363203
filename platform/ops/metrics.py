"""Prometheus text of the whole installation: every process's series, and ages from the database.

Each process counts for itself. Under the supervisor they write to one folder (`PROMETHEUS_MULTIPROC_DIR`), in production to
parts of a shared one (`DESK_METRICS_DIR`), so that a single address shows web, workers and engine together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import psutil
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from ops.clocks import wall_now
from ops.models import Alert, Job, ProcessHeartbeat, Severity

CONTENT_TYPE = CONTENT_TYPE_LATEST


class DatabaseCollector(Collector):
    """What only the database knows: how long ago each process proved its loop, open jobs."""

    def collect(self) -> Iterable[Metric]:
        ages = GaugeMetricFamily(
            "desk_process_loop_age_seconds", "Seconds since the process's last successful loop", labels=["process"]
        )
        jobs = GaugeMetricFamily("desk_jobs", "Jobs that have not ended, by kind and state", labels=["kind", "status"])
        alerts = GaugeMetricFamily("desk_alerts_open", "Open alerts, by severity", labels=["severity"])
        try:
            now = wall_now()
            for name, last_loop_at in ProcessHeartbeat.objects.values_list("name", "last_loop_at"):
                ages.add_metric([name], (now - last_loop_at).total_seconds())
            open_jobs = Job.objects.exclude(status__in=Job.FINAL).values_list("kind", "status")
            for kind, status, count in open_jobs.annotate(count=Count("id")).order_by():
                jobs.add_metric([kind, status], count)
            rows = Alert.objects.filter(closed_at=None, cleared_at=None).order_by().values_list("severity")
            counts = dict(rows.annotate(count=Count("id")))
            for severity in Severity.values:
                alerts.add_metric([severity], counts.get(severity, 0))
        except DatabaseError:
            # The scrape still brings what the processes counted; the missing ages are the alarm.
            return []
        return [ages, jobs, alerts]


_collectors: list[Collector] = [DatabaseCollector()]


def provide(collector: Collector) -> None:
    """Add series of an application above this layer, read from the database at each scrape; once per process."""
    if not any(type(known) is type(collector) for known in _collectors):
        _collectors.append(collector)


def render() -> bytes:
    """Return the current series in Prometheus's text format."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return generate_latest(REGISTRY) + _database_series()
    _forget_ended(Path(folder))
    registry = CollectorRegistry()
    registry.register(_Counted(Path(folder), settings.METRICS_DIR))
    return generate_latest(registry) + _database_series()


class _Counted(Collector):
    """What processes have counted: those of one folder, or of every part of a shared one."""

    def __init__(self, own: Path, shared: Path | None) -> None:
        self._own, self._shared = own, shared

    def collect(self) -> Iterable[Metric]:
        files = self._own.glob("*.db") if self._shared is None else self._shared.glob("*/*.db")
        merged: Iterable[Metric] = MultiProcessCollector.merge([str(file) for file in files])  # type: ignore[no-untyped-call]
        return merged


def _forget_ended(folder: Path) -> None:
    """What processes count now (open sockets) is over with them; what they have counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _database_series() -> bytes:
    registry = CollectorRegistry()
    for collector in _collectors:
        registry.register(collector)
    return generate_latest(registry)
