"""Whether live quotes arrive, for the readiness of the installation."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError

from accounts.models import QmtHost
from marketdata.models import DataSource
from marketdata.watch import trades
from ops.health import Check


def feed_checks() -> Iterator[Check]:
    """One check per enabled host: only one that trades, and whose quotes stopped, is out of order."""
    try:
        stale = {source.host: source for source in DataSource.objects.exclude(stale_since=None)}
        hosts = list(QmtHost.objects.filter(enabled=True, fed_from=None).select_related("status"))
    except DatabaseError as error:
        yield Check("quotes", False, type(error).__name__)
        return
    for host in hosts:
        source = stale.get(host.name)
        if source is None or not trades(host) or _came_since(source):
            yield Check(f"quotes.{host.name}", True)
        else:
            facts = {"stale_since": source.stale_since, "last_quote_at": source.last_tick_at}
            yield Check(f"quotes.{host.name}", False, "the market trades and no quote arrives", facts)


def _came_since(source: DataSource) -> bool:
    """Whether a quote came after the watch last looked."""
    stale_since, last = source.stale_since, source.last_tick_at
    return stale_since is not None and last is not None and last > stale_since
