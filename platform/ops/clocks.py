"""Two clocks: the wall clock decides deadlines, a host's market clock decides sessions.

*Wall clock*: time to live, deadlines, tokens, beat. *Market clock*, one per QMT host: sessions,
T+1, "today". A host publishes its clock in its status row, so that reading it needs no Redis.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.apps import apps
from django.db import connections
from django.utils import timezone

from ops.errors import Code, Unavailable

if TYPE_CHECKING:
    from qmt.calendar import Phase

SHANGHAI = ZoneInfo("Asia/Shanghai")
STALE_AFTER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class MarketClock:
    """A host's market time, derived from its last heartbeat.

    Attributes
    ----------
    trade_date : date
        The market's trading day ("today" for T+1, limits and order books).
    market_time : datetime
        Aware, Asia/Shanghai.
    simulated : bool
        Whether the market behind this host is not a real one.
    observed_at : datetime
        Wall clock (UTC) of the heartbeat this was derived from.
    stale : bool
        The heartbeat is older than `STALE_AFTER`: sessions must not be judged by it.
    """

    host: str
    trade_date: date
    phase: Phase
    market_time: datetime
    simulated: bool
    observed_at: datetime
    stale: bool


def wall_now() -> datetime:
    """Return the wall clock as an aware UTC datetime."""
    return timezone.now()


def database_now(using: str = "default") -> datetime:
    """Return the database server's time (aware UTC): the one clock that processes share.

    SQLite runs on the machine of the only processes that can open it, so its time is theirs.
    """
    connection = connections[using]
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        # Not now(): that is the transaction's start, and a long one would expire nothing.
        cursor.execute("SELECT clock_timestamp()")
        (value,) = cursor.fetchone()
    return _as_utc(value)


def _as_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def derive_market_clock(
    *,
    host: str,
    trade_date: date,
    phase: Phase,
    offset_ms: int,
    simulated: bool,
    observed_at: datetime,
    now: datetime,
) -> MarketClock:
    """Carry a host's last reading forward to `now`.

    The phase follows the carried time, so that 11:30:00 closes the morning without waiting for
    the next heartbeat; a host that says CLOSED (holiday, night) stays closed until it says more.
    """
    from qmt.calendar import Phase, phase_at

    market_time = (now + timedelta(milliseconds=offset_ms)).astimezone(SHANGHAI)
    if phase is not Phase.CLOSED and market_time.date() == trade_date:
        phase = phase_at(market_time.time())
    return MarketClock(
        host=host,
        trade_date=trade_date,
        phase=phase,
        market_time=market_time,
        simulated=simulated,
        observed_at=observed_at,
        stale=now - observed_at > STALE_AFTER,
    )


def market_clock(host_name: str) -> MarketClock:
    """Return the market clock of a QMT host from its status row.

    Raises
    ------
    Unavailable
        `MARKET_CLOCK_UNKNOWN`: the host has not reported a trade date yet.
    """
    from qmt.calendar import Phase

    # Resolved by label, as AUTH_USER_MODEL is: the row belongs to a layer above this one.
    model = apps.get_model("accounts", "HostStatus")
    row = (
        model._default_manager.filter(host__name=host_name)
        .values("trade_date", "phase", "clock_offset_ms", "simulated", "updated_at")
        .first()
    )
    if row is None or row["trade_date"] is None or row["updated_at"] is None:
        raise Unavailable(Code.MARKET_CLOCK_UNKNOWN, host=host_name)
    return derive_market_clock(
        host=host_name,
        trade_date=row["trade_date"],
        phase=Phase(row["phase"] or Phase.CLOSED),
        offset_ms=row["clock_offset_ms"],
        simulated=row["simulated"],
        observed_at=row["updated_at"],
        now=wall_now(),
    )
