"""Live quotes that stopped although the market trades, per host.

Lunch, the hours after the close and holidays are silent by nature: only continuous trading counts, and of it only what this
watch has seen itself. Else the first seconds of every session half would look like the end of a feed that is hours old.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.maintenance import under_maintenance
from accounts.models import QmtHost
from accounts.selectors import host_clock
from marketdata.config import get_marketdata_config
from marketdata.models import DataSource, QuoteSubscription
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.clocks import wall_now
from ops.publish import publish
from qmt.calendar import Phase

FEEDS_CHANNEL = "feeds"


def watch_quotes() -> list[str]:
    """Raise, flag and tell the open sockets when a host trades and no quote arrives; returns the hosts concerned."""
    hosts = QmtHost.objects.filter(enabled=True, fed_from=None).select_related("status")
    return [host.name for host in hosts if _watch(host)]


def feed_view(source: DataSource) -> dict[str, Any]:
    """A host's feed as clients see it."""
    return {"host": source.host, "stale_since": source.stale_since, "last_quote_at": source.last_tick_at}


def _watch(host: QmtHost) -> bool:
    source, _created = DataSource.objects.get_or_create(host=host.name)
    now = wall_now()
    key = f"data.quotes_stale:{host.name}"
    if not trades(host) or not _is_fed() or under_maintenance(host):
        _mark(source, trading_since=None, stale_since=None)
        alert_clear(key)
        return False
    since = source.trading_since or now
    newest = max(filter(None, (source.last_tick_at, since)))
    stale = now - newest > timedelta(seconds=get_marketdata_config().live.stale_after_seconds)
    _mark(source, trading_since=since, stale_since=(source.stale_since or newest) if stale else None)
    if not stale:
        alert_clear(key)
        return False
    age = "never" if source.last_tick_at is None else f"{int((now - source.last_tick_at).total_seconds())} s"
    alert_raise(
        AlertKind.QUOTES_STALE,
        Severity.CRITICAL,
        format_lazy(_("{host} trades and no quote arrives"), host=host.name),
        {"last_quote_age": age},
        dedup_key=key,
        host=host.name,
    )
    return True


def _mark(source: DataSource, *, trading_since: datetime | None, stale_since: datetime | None) -> None:
    """Write what changed, and tell the open sockets when the flag did."""
    flipped = source.stale_since != stale_since
    if not flipped and source.trading_since == trading_since:
        return
    source.trading_since, source.stale_since = trading_since, stale_since
    DataSource.objects.filter(pk=source.pk).update(trading_since=trading_since, stale_since=stale_since)
    if flipped:
        publish(FEEDS_CHANNEL, feed_view(source))


def trades(host: QmtHost) -> bool:
    """Whether the host's market trades continuously now, as far as is known."""
    clock = host_clock(host)
    return clock is not None and not clock.stale and clock.phase is Phase.CONTINUOUS


def _is_fed() -> bool:
    """Whether anything is followed at all: a feed of single subscriptions may be empty."""
    return get_marketdata_config().live.feed == "market" or QuoteSubscription.objects.exists()
