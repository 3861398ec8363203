"""Wall, database and market clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ops.clocks import MarketClock, database_now, derive_market_clock, market_clock, wall_now
from ops.errors import Code, Unavailable
from qmt.calendar import Phase

NOW = datetime(2026, 3, 2, 3, 29, 59, tzinfo=UTC)  # 11:29:59 in Shanghai, a Monday


def clock(**changes: object) -> MarketClock:
    values: dict[str, object] = {
        "host": "sim",
        "trade_date": date(2026, 3, 2),
        "phase": Phase.CONTINUOUS,
        "offset_ms": 0,
        "simulated": True,
        "observed_at": NOW,
        "now": NOW,
    }
    return derive_market_clock(**{**values, **changes})  # type: ignore[arg-type]


def test_market_clock_time_is_shanghai_wall_time_plus_offset() -> None:
    assert clock(offset_ms=-3_600_000).market_time.isoformat() == "2026-03-02T10:29:59+08:00"


def test_market_clock_phase_follows_the_time_past_the_last_heartbeat() -> None:
    assert clock(now=NOW + timedelta(seconds=2)).phase is Phase.LUNCH


def test_market_clock_of_a_closed_day_stays_closed() -> None:
    assert clock(phase=Phase.CLOSED).phase is Phase.CLOSED


def test_market_clock_past_ten_seconds_without_heartbeat_is_stale() -> None:
    assert clock(now=NOW + timedelta(seconds=10)).stale is False
    assert clock(now=NOW + timedelta(seconds=11)).stale is True


@pytest.mark.django_db
def test_market_clock_of_a_silent_host_is_refused_with_its_name() -> None:
    with pytest.raises(Unavailable) as caught:
        market_clock("nowhere")
    assert caught.value.code is Code.MARKET_CLOCK_UNKNOWN
    assert caught.value.details == {"host": "nowhere"}


@pytest.mark.django_db
@pytest.mark.postgres
def test_database_now_is_the_wall_clock_within_a_second() -> None:
    before = wall_now()
    assert abs(database_now() - before) < timedelta(seconds=1)
    assert database_now().utcoffset() == timedelta(0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_database_now_moves_within_a_transaction() -> None:
    from django.db import transaction

    with transaction.atomic():
        assert database_now() < database_now()
