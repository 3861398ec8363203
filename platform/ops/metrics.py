"""Prometheus text of the whole installation: every process's series, and ages from the database.

Each process counts for itself. Under the supervisor they write to one folder
(`PROMETHEUS_MULTIPROC_DIR`), so that a single address shows web, workers and engine together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from django.db import DatabaseError
from django.db.models import Count
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ops.clocks import wall_now
from ops.models import Job, ProcessHeartbeat

CONTENT_TYPE = CONTENT_TYPE_LATEST


class DatabaseCollector(Collector):
    """What only the database knows: how long ago each process proved its loop, open jobs."""

    def collect(self) -> Iterable[Metric]:
        ages = GaugeMetricFamily(
            "desk_process_loop_age_seconds", "Seconds since the process's last successful loop", labels=["process"]
        )
        jobs = GaugeMetricFamily("desk_jobs", "Jobs that have not ended, by kind and state", labels=["kind", "status"])
        try:
            now = wall_now()
            for name, last_loop_at in ProcessHeartbeat.objects.values_list("name", "last_loop_at"):
                ages.add_metric([name], (now - last_loop_at).total_seconds())
            open_jobs = Job.objects.exclude(status__in=Job.FINAL).values_list("kind", "status")
            for kind, status, count in open_jobs.annotate(count=Count("id")).order_by():
                jobs.add_metric([kind, status], count)
        except DatabaseError:
            # The scrape still brings what the processes counted; the missing ages are the alarm.
            return []
        return [ages, jobs]


_collectors: list[Collector] = [DatabaseCollector()]


def provide(collector: Collector) -> None:
    """Add series of an application above this layer, read from the database at each scrape; once per process."""
    if not any(type(known) is type(collector) for known in _collectors):
        _collectors.append(collector)


def render() -> bytes:
    """Return the current series in Prometheus's text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY) + _database_series()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + _database_series()


def _database_series() -> bytes:
    registry = CollectorRegistry()
    for collector in _collectors:
        registry.register(collector)
    return generate_latest(registry)
