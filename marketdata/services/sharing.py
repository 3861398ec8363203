"""Which hosts work the same queue: those whose terminals tell the same truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q

from accounts.models import QmtHost
from marketdata.models import DataSource
from marketdata.quotes.periods import day_date
from marketdata.services.axis import first_open_day
from ops.clocks import MarketClock, wall_now
from ops.models import ProcessHeartbeat

#: A data session that has not reported for so long does not count as a helper.
SILENT_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a host may take from the queue.

    Attributes
    ----------
    host
        Its own name; blank for a disabled one, which takes nothing.
    others
        Further hosts, disabled ones included, whose holes it may fill: simulated like it, with history of the same basis.
    until
        Last day it may fill for them: its own clock must have closed the day.
    """

    host: str
    others: tuple[str, ...] = ()
    until: date = date.min

    def items(self) -> Q:
        """Filter of repair items."""
        if not self.host:
            return Q(pk__in=[])
        return Q(host=self.host) | Q(host__in=self.others, until__lte=self.until)


def reach_of(host: str, clock: MarketClock) -> Reach:
    """What a host may take now, from its row, its source row and its market clock."""
    row = QmtHost.objects.filter(name=host).first()
    if row is None or not row.enabled:
        return Reach("")
    source = DataSource.objects.filter(host=host).first()
    if source is None:
        return Reach(host)
    alike = DataSource.objects.filter(simulated=source.simulated, basis=source.basis).exclude(host=host)
    return Reach(host, tuple(alike.values_list("host", flat=True)), day_date(first_open_day(clock) - 1))


def helpers(reach: Reach) -> int:
    """How many hosts share the work now, this one included: enabled, and with a data session that reports a link."""
    enabled = QmtHost.objects.filter(name__in=reach.others, enabled=True).values_list("name", flat=True)
    names = [session_name(name) for name in enabled]
    rows = ProcessHeartbeat.objects.filter(name__in=names, last_loop_at__gt=wall_now() - SILENT_AFTER)
    return 1 + sum(bool(detail.get("connected")) for detail in rows.values_list("detail", flat=True))


def session_name(host: str) -> str:
    """Name of the heartbeat of a host's data session."""
    return f"session.data@{host}"


def data_hosts() -> list[str]:
    """Names of the enabled hosts, any of whose data workers may have something to do."""
    return list(QmtHost.objects.filter(enabled=True, fed_from=None).order_by("pk").values_list("name", flat=True))
