"""The host's status row: written by the lease holder only, honest about the age of its clock."""

from __future__ import annotations

import threading
import time
from datetime import date, timedelta

import pytest

from accounts.choices import SessionState
from accounts.models import HostStatus, QmtHost
from ops.clocks import database_now, market_clock, wall_now
from ops.heartbeats import Heartbeat
from ops.models import Alert, ProcessHeartbeat
from qmt.calendar import Phase
from qmt.errors import TerminalDown
from qmt.gateway import ClockReading
from trading.orders.runtime.config import RuntimeConfig
from trading.orders.runtime.keeper import HostKeeper
from trading.orders.runtime.lease import HostLease
from trading.orders.runtime.marketclock import MarketClockReader
from trading.orders.runtime.session import SessionView

pytestmark = pytest.mark.django_db

DAY = date(2024, 1, 2)
MORNING = ClockReading(DAY, Phase.CONTINUOUS, 0, 3_600_000, True)


class FakeSession:
    def __init__(self) -> None:
        self.changed = threading.Event()
        self.rebuilds: list[str] = []
        self.shown = SessionView(SessionState.READY, "", 610_001, time.time_ns())

    def view(self) -> SessionView:
        return self.shown

    def rebuild(self, reason: str) -> None:
        self.rebuilds.append(reason)


class Kept:
    """A keeper and what it looks at, turned by hand."""

    def __init__(self) -> None:
        self.host = QmtHost.objects.create(name="sim")
        self.lease = HostLease(self.host, seconds=8.0, holder="me")
        assert self.lease.acquire()
        self.session = FakeSession()
        self.reading: ClockReading | None = MORNING
        self.news: list[Phase] = []
        self.clock = MarketClockReader(
            host_name="sim",
            read=self._read,
            on_change=lambda reading: self.news.append(reading.phase),
            period_seconds=1.0,
        )
        self.keeper = HostKeeper(
            host=self.host,
            lease=self.lease,
            session=self.session,  # type: ignore[arg-type]
            clock=self.clock,
            config=RuntimeConfig(lease_renew_seconds=0.0, status_seconds=60.0),
            sdk_version="250807.1.2",
            heartbeat=Heartbeat("session.trade@sim"),
            detail=lambda: {"session_state": "READY"},
        )

    def turn(self) -> HostStatus:
        self.clock.observe()
        self.keeper.turn()
        return HostStatus.objects.get(host=self.host)

    def _read(self) -> ClockReading:
        if self.reading is None:
            raise TerminalDown("nothing answers")
        return self.reading


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_keeper_writes_clock_session_and_version(kept: Kept) -> None:
    row = kept.turn()
    assert (row.trade_date, row.phase, row.clock_offset_ms, row.simulated) == (
        DAY,
        "CONTINUOUS",
        3_600_000,
        True,
    )
    assert (row.session_state, row.session_id, row.sdk_version) == ("READY", 610_001, "250807.1.2")
    assert row.last_probe_at is not None
    assert not market_clock("sim").stale


def test_keeper_writes_its_heartbeat(kept: Kept) -> None:
    kept.turn()
    assert ProcessHeartbeat.objects.get(name="session.trade@sim").detail == {"session_state": "READY"}


def test_keeper_change_of_phase_is_written_at_once(kept: Kept) -> None:
    kept.turn()
    kept.reading = ClockReading(DAY, Phase.LUNCH, 0, 3_600_000, True)
    assert kept.turn().phase == "LUNCH"


def test_keeper_nothing_new_is_not_written_again(kept: Kept) -> None:
    kept.turn()
    HostStatus.objects.update(message="untouched")
    assert kept.turn().message == "untouched"


def test_keeper_clock_that_jumps_is_written_at_once(kept: Kept) -> None:
    kept.turn()
    kept.reading = ClockReading(DAY, Phase.CONTINUOUS, 0, 3_601_000, True)
    assert kept.turn().clock_offset_ms == 3_601_000


def test_keeper_clock_that_cannot_be_read_goes_stale_by_itself(kept: Kept) -> None:
    before = kept.turn().updated_at
    kept.reading = None
    kept.session.shown = SessionView(SessionState.SICK, "3 probes failed", None, 0)
    row = kept.turn()
    assert row.session_state == "SICK"
    assert row.updated_at == before


def test_keeper_without_the_lease_describes_nothing(kept: Kept) -> None:
    until = database_now() + timedelta(seconds=60)
    HostStatus.objects.update(lease_holder="other", lease_until=until, session_state="RECONCILING")
    row = kept.turn()
    assert row.session_state == "RECONCILING"
    assert row.trade_date is None


def test_keeper_lost_lease_ends_the_session(kept: Kept) -> None:
    HostStatus.objects.update(lease_holder="other", lease_until=wall_now() + timedelta(seconds=60))
    kept.turn()
    assert kept.session.rebuilds == ["the lease on this host is lost"]


def test_keeper_lost_lease_is_an_alert_of_its_host(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())
    HostStatus.objects.update(lease_holder="other", lease_until=wall_now() + timedelta(seconds=60))
    kept.turn()
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.host) == ("host.lease_lost", "CRITICAL", "sim")


def test_market_clock_news_once_per_phase(kept: Kept) -> None:
    kept.turn()
    kept.turn()
    kept.reading = ClockReading(DAY, Phase.CLOSE_AUCTION, 0, 0, True)
    kept.turn()
    assert kept.news == [Phase.CONTINUOUS, Phase.CLOSE_AUCTION]
