"""Scheduled sync jobs: looks at the market clock, starts what is due, makes up once for what was missed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import QmtHost
from accounts.selectors import host_clock
from desk.settings.marketdata_schema import ScheduleConfig
from marketdata.choices import ScheduleName
from marketdata.config import get_marketdata_config
from marketdata.models import DataSource, SyncSchedule
from marketdata.services.afterclose import after_close_request
from marketdata.services.integrity import integrity_request
from marketdata.services.refresh import StaticPart, refresh_request
from marketdata.services.reports import report_make
from marketdata.services.sampling import sampling_request
from marketdata.services.timetable import next_run, runs_between
from ops.clocks import MarketClock, wall_now
from ops.errors import DeskError
from ops.models import Job

logger = logging.getLogger(__name__)


def _static(clock: MarketClock) -> Job:
    return refresh_request(host=clock.host, parts=[StaticPart.INSTRUMENTS, StaticPart.LISTS])


def _financials(clock: MarketClock) -> Job:
    return refresh_request(host=clock.host, parts=[StaticPart.FINANCIALS])


def _integrity(_clock: MarketClock) -> Job:
    return integrity_request()


STARTS: dict[ScheduleName, Callable[[MarketClock], Job]] = {
    ScheduleName.AFTER_CLOSE: after_close_request,
    ScheduleName.SAMPLING: sampling_request,
    ScheduleName.STATIC: _static,
    ScheduleName.REPORT: report_make,
    ScheduleName.INTEGRITY: _integrity,
    ScheduleName.FINANCIALS: _financials,
}


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule as people see it: its row, and what the configuration says."""

    row: SyncSchedule
    config: ScheduleConfig


def schedules_run() -> list[Job]:
    """Start every scheduled job that is due; returns the jobs. Safe to call from several processes at once."""
    return [job for clock in _leading_clocks() for name in ScheduleName if (job := _run(name, clock)) is not None]


def schedules_list() -> list[ScheduleView]:
    """Every schedule that was seen once, with its configuration."""
    rows = SyncSchedule.objects.select_related("last_job").order_by("host", "name")
    return [ScheduleView(row, _config(ScheduleName(row.name))) for row in rows]


def _leading_clocks() -> list[MarketClock]:
    """Clock of one host per kind of source: hosts that share the work share its schedule."""
    sources = {row.host: (row.simulated, row.basis) for row in DataSource.objects.all()}
    leading: dict[tuple[bool, str], MarketClock] = {}
    for host in QmtHost.objects.filter(enabled=True, fed_from=None).select_related("status").order_by("pk"):
        clock = host_clock(host)
        if clock is not None and not clock.stale and host.name in sources:
            leading.setdefault(sources[host.name], clock)
    return list(leading.values())


def _config(name: ScheduleName) -> ScheduleConfig:
    found: ScheduleConfig = getattr(get_marketdata_config().schedules, name.value)
    return found


def _run(name: ScheduleName, clock: MarketClock) -> Job | None:
    config, now = _config(name), clock.market_time
    row, _ = SyncSchedule.objects.get_or_create(name=name, host=clock.host)
    own = SyncSchedule.objects.filter(pk=row.pk, next_run_at=row.next_run_at)
    following = next_run(config, now) if config.enabled else None
    if following is None or row.next_run_at is None or row.next_run_at > now:
        # New, switched off or on, or the configuration was changed since.
        if row.next_run_at != following:
            own.update(next_run_at=following)
        return None
    missed = runs_between(config, row.next_run_at, now) - 1
    # Who moves the next run on is the one that starts this one.
    if not own.update(next_run_at=following, last_run_at=now, last_started_at=wall_now(), missed=row.missed + missed):
        return None
    if missed:
        logger.warning("schedule %s of %s: %d missed runs are made up for by one", name, clock.host, missed)
    try:
        job = STARTS[name](clock)
    except DeskError as error:
        logger.warning("schedule %s of %s could not be started: %s", name, clock.host, error.message)
        return None
    SyncSchedule.objects.filter(pk=row.pk).update(last_job=job)
    logger.info("schedule %s of %s: job %s", name, clock.host, job.pk)
    return job
