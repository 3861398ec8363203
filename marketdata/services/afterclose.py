"""The repair after the close: whatever we keep bars of is complete up to the day that just ended."""

from __future__ import annotations

from marketdata.config import get_marketdata_config
from marketdata.models import DataSourceStatus, Instrument
from marketdata.quotes.periods import Period
from marketdata.services.axis import history_start
from marketdata.services.gaps import find_gaps
from marketdata.services.readiness import repair_order
from ops.clocks import MarketClock
from ops.jobs import job_create, job_finish
from ops.models import Job

JOB_KIND = "marketdata.after_close"


def kept_instruments(period: Period) -> list[Instrument]:
    """Instruments of which bars of a period were downloaded once, in the order of their symbols."""
    kept = DataSourceStatus.objects.filter(period=period.code, last_sync_at__isnull=False)
    return list(Instrument.objects.filter(pk__in=kept.values("instrument_id")).order_by("symbol"))


def after_close_request(clock: MarketClock) -> Job:
    """Ask for what is missing of the last days, one repair job per period; returns the job that names them."""
    config = get_marketdata_config().sync
    start = history_start(clock.trade_date, config.history_days)
    jobs: dict[str, str] = {}
    missing = 0
    for period in (Period.parse(code) for code in config.periods):
        instruments = kept_instruments(period)
        if not instruments:
            continue
        gaps = find_gaps(instruments, period, start, clock.trade_date, clock=clock)
        if not gaps.complete:
            params: dict[str, object] = {
                "reason": "after the close",
                "period": period.code,
                "symbol_count": int(gaps.missing.any(axis=1).sum()),
                "start": start.isoformat(),
                "end": clock.trade_date.isoformat(),
            }
            jobs[period.code] = str(
                repair_order(ranges=gaps.ranges(), period=period, host=clock.host, params=params).pk
            )
            missing += gaps.days_missing
    summary = job_create(kind=JOB_KIND, params={"host": clock.host, "trade_date": clock.trade_date.isoformat()})
    text = f"{missing} instrument-days asked for" if jobs else "nothing is missing"
    job_finish(summary.pk, result={"jobs": jobs, "missing_days": missing}, message=text)
    summary.refresh_from_db()
    return summary
