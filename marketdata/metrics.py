"""How market data is doing: for the Prometheus address and the portal's page.

Two sources, both in the database, so that one scrape of one web process shows every host: the figures that each data
worker keeps in its heartbeat row, and what the tables say (the repair queue, the newest quotes, the last status report).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Count, Min
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from marketdata.choices import OPEN_REPAIR_STATUSES, RepairStatus
from marketdata.models import DataSource, RepairItem
from marketdata.services.figures import Figures
from marketdata.services.reports import JOB_KIND as REPORT_KIND
from marketdata.services.sharing import SILENT_AFTER, data_hosts, session_name
from ops.clocks import wall_now
from ops.models import Job, ProcessHeartbeat

_HELP = {
    "downloads": "Download calls to the terminal",
    "download_seconds": "Time spent in download calls",
    "rows": "Bars repaired: read back, found good and stored",
    "rounds": "Repair rounds, per instrument",
    "retries": "Repair rounds that were not the first",
    "failed": "Instruments given up after their last round",
    "throttled": "Times the terminal said that it is asked too much",
    "writes": "Writes of verified bars",
    "write_seconds": "Time spent in such writes",
}


@dataclass(frozen=True, slots=True)
class HostFigures:
    """One host's data worker.

    Attributes
    ----------
    alive
        Its session reported lately.
    tick_age
        Seconds since the last quote that was stored from it; None before the first.
    """

    host: str
    alive: bool
    connected: bool
    message: str
    figures: Figures
    tick_age: float | None

    @property
    def download_mean(self) -> float | None:
        """Mean seconds of a download call."""
        return self.figures.download_seconds / self.figures.downloads if self.figures.downloads else None

    @property
    def write_mean_ms(self) -> float | None:
        """Mean milliseconds of a write."""
        return 1000 * self.figures.write_seconds / self.figures.writes if self.figures.writes else None


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """The repair queue: items waiting and under way, and how long the oldest has waited (seconds)."""

    waiting: int
    running: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class GapFigures:
    """One period in the last status report: the part of the expected instrument-days that is missing."""

    period: str
    missing_days: int
    expected_days: int
    reported_at: datetime

    @property
    def ratio(self) -> float:
        return self.missing_days / self.expected_days if self.expected_days else 0.0

    @property
    def percent(self) -> float:
        return 100 * self.ratio


def host_figures() -> list[HostFigures]:
    """Figures of every enabled host."""
    now = wall_now()
    beats = {row.name: row for row in ProcessHeartbeat.objects.filter(name__startswith=session_name(""))}
    ticks = dict(DataSource.objects.values_list("host", "last_tick_at"))
    found = []
    for host in data_hosts():
        beat = beats.get(session_name(host))
        detail = beat.detail if beat else {}
        tick = ticks.get(host)
        known = {field.name for field in fields(Figures)}
        found.append(
            HostFigures(
                host=host,
                alive=beat is not None and now - beat.last_loop_at < SILENT_AFTER,
                connected=bool(detail.get("connected")),
                message=str(detail.get("message", "")),
                figures=Figures(**{name: value for name, value in detail.get("repair", {}).items() if name in known}),
                tick_age=(now - tick).total_seconds() if tick else None,
            )
        )
    return found


def queue_figures() -> QueueFigures:
    """The repair queue now."""
    rows = RepairItem.objects.filter(status__in=OPEN_REPAIR_STATUSES).order_by()
    counts = dict(rows.values_list("status").annotate(count=Count("pk")))
    oldest = rows.filter(status=RepairStatus.PENDING).aggregate(at=Min("not_before"))["at"]
    age = 0.0 if oldest is None else max((wall_now() - oldest).total_seconds(), 0.0)
    return QueueFigures(counts.get(RepairStatus.PENDING, 0), counts.get(RepairStatus.RUNNING, 0), age)


def gap_figures() -> list[GapFigures]:
    """The missing part per period, as the last status report found it."""
    job = Job.objects.filter(kind=REPORT_KIND, status=Job.Status.DONE).order_by("-created_at").first()
    if job is None:
        return []
    return [
        GapFigures(
            period,
            part["missing_days"],
            part["missing_days"] + part["present_days"] + sum(part["proven_days"].values()),
            job.finished_at or job.created_at,
        )
        for period, part in job.result.get("periods", {}).items()
    ]


class MarketDataCollector(Collector):
    """The same figures as Prometheus series, labelled by host or period."""

    def collect(self) -> Iterable[Metric]:
        try:
            hosts, queue, gaps = host_figures(), queue_figures(), gap_figures()
        except DatabaseError:
            # The scrape still brings what the processes counted; the missing series are the alarm.
            return []
        counters = {
            name: CounterMetricFamily(f"desk_marketdata_{name}", text, labels=["host"]) for name, text in _HELP.items()
        }
        tick_age = GaugeMetricFamily(
            "desk_marketdata_tick_age_seconds", "Seconds since a host's last stored quote", labels=["host"]
        )
        for row in hosts:
            for name, value in asdict(row.figures).items():
                counters[name].add_metric([row.host], value)
            if row.tick_age is not None:
                tick_age.add_metric([row.host], row.tick_age)
        items = GaugeMetricFamily("desk_marketdata_queue_items", "Open repair items", labels=["status"])
        items.add_metric(["waiting"], queue.waiting)
        items.add_metric(["running"], queue.running)
        age = GaugeMetricFamily(
            "desk_marketdata_queue_age_seconds", "How long the oldest waiting repair item has been due"
        )
        age.add_metric([], queue.oldest_seconds)
        ratio = GaugeMetricFamily(
            "desk_marketdata_gap_ratio",
            "Missing part of the expected instrument-days in the last status report",
            labels=["period"],
        )
        for gap in gaps:
            ratio.add_metric([gap.period], gap.ratio)
        return [*counters.values(), tick_age, items, age, ratio]
