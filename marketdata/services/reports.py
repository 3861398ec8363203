"""The status report: how complete the kept bars are, what failed, who delivers."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np

from marketdata.choices import OPEN_REPAIR_STATUSES, RepairStatus
from marketdata.config import get_marketdata_config
from marketdata.models import DataSource, RepairItem
from marketdata.quotes.periods import Period
from marketdata.services.afterclose import kept_instruments
from marketdata.services.axis import history_start
from marketdata.services.gaps import REASONS, find_gaps
from ops.clocks import MarketClock, wall_now
from ops.jobs import job_create, job_finish
from ops.models import Job

JOB_KIND = "marketdata.report"


def report_make(clock: MarketClock) -> Job:
    """Write the report as the result of a job that has ended."""
    job = job_create(kind=JOB_KIND, params={"host": clock.host, "trade_date": clock.trade_date.isoformat()})
    result = status_report(clock)
    missing = sum(part["missing_days"] for part in result["periods"].values())
    failed = sum(result["failed_last_day"].values())
    job_finish(job.pk, result=result, message=f"{missing} instrument-days missing, {failed} repairs failed in a day")
    job.refresh_from_db()
    return job


def status_report(clock: MarketClock) -> dict[str, Any]:
    """The figures.

    Returns
    -------
    dict
        `start` and `end`; per period the instruments kept, and their expected instrument-days as present, missing and proven
        (by reason); open repairs, and repairs that failed within a day, by kind of trouble; the sources.
    """
    config = get_marketdata_config().sync
    start = history_start(clock.trade_date, config.history_days)
    since = wall_now() - timedelta(days=1)
    failed = RepairItem.objects.filter(status=RepairStatus.FAILED, updated_at__gt=since)
    return {
        "start": start.isoformat(),
        "end": clock.trade_date.isoformat(),
        "periods": {code: _period(Period.parse(code), start, clock) for code in config.periods},
        "open_repairs": RepairItem.objects.filter(status__in=OPEN_REPAIR_STATUSES).count(),
        "failed_last_day": dict(Counter(failed.values_list("trouble", flat=True))),
        "sources": [
            {
                "host": row.host,
                "basis": row.basis,
                "simulated": row.simulated,
                "static_data_of": row.static_trade_date.isoformat() if row.static_trade_date else None,
                "last_tick_at": row.last_tick_at.isoformat() if row.last_tick_at else None,
            }
            for row in DataSource.objects.order_by("host")
        ],
    }


def _period(period: Period, start: Any, clock: MarketClock) -> dict[str, Any]:
    instruments = kept_instruments(period)
    if not instruments:
        return {"instruments": 0, "present_days": 0, "missing_days": 0, "incomplete": 0, "proven_days": {}}
    gaps = find_gaps(instruments, period, start, clock.trade_date, clock=clock)
    counts = np.bincount(gaps.proven.ravel(), minlength=len(REASONS) + 1)
    return {
        "instruments": len(instruments),
        "present_days": int(gaps.present.sum()),
        "missing_days": gaps.days_missing,
        "incomplete": int(gaps.missing.any(axis=1).sum()),
        "proven_days": {str(reason): int(counts[1 + at]) for at, reason in enumerate(REASONS) if counts[1 + at]},
    }
