"""Live quotes that stopped although the market trades."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Max

from accounts.models import QmtHost
from accounts.selectors import host_clock
from marketdata.quotes.models import LatestQuote
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.clocks import wall_now
from qmt.calendar import Phase

STALE_AFTER = timedelta(seconds=30)


def watch_quotes() -> list[str]:
    """Raise when no quote has arrived for half a minute of continuous trading; returns the hosts concerned.

    The latest-quote table does not say which host a quote came from: with several hosts the alert
    comes when all of them are silent.
    """
    trading = [host.name for host in QmtHost.objects.filter(enabled=True).select_related("status") if _trades(host)]
    newest = LatestQuote.objects.aggregate(at=Max("received_at"))["at"]
    now_ms = int(wall_now().timestamp() * 1000)
    stale = newest is None or now_ms - newest > STALE_AFTER.total_seconds() * 1000
    for name in trading:
        key = f"data.quotes_stale:{name}"
        if not stale:
            alert_clear(key)
            continue
        age = "never" if newest is None else f"{(now_ms - newest) // 1000} s"
        alert_raise(
            AlertKind.QUOTES_STALE,
            Severity.CRITICAL,
            f"{name} trades and no quote arrives",
            {"last_quote_age": age},
            dedup_key=key,
            host=name,
        )
    return trading if stale else []


def _trades(host: QmtHost) -> bool:
    clock = host_clock(host)
    return clock is not None and not clock.stale and clock.phase is Phase.CONTINUOUS
