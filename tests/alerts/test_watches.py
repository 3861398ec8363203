"""Conditions that only a watch meets."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from accounts.choices import SessionState
from accounts.models import HostStatus, QmtHost
from alerts.watch import expected_processes, watch_sessions
from desk.tasks import watch
from marketdata.health import feed_checks
from marketdata.models import DataSource
from marketdata.watch import watch_quotes
from ops.alerts.watches import watch_disk, watch_processes
from ops.clocks import wall_now
from ops.health import provided
from ops.models import Alert, ProcessHeartbeat
from qmt.calendar import Phase

pytestmark = pytest.mark.django_db(databases=["default", "quotes"])


class Usage(NamedTuple):
    """As `shutil.disk_usage` answers."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())


@pytest.fixture
def host() -> QmtHost:
    return QmtHost.objects.create(name="sim")


def report(host: QmtHost, state: SessionState, *, probed_ago: float, phase: Phase = Phase.CONTINUOUS) -> None:
    now = wall_now()
    HostStatus.objects.update_or_create(
        host=host,
        defaults={
            "session_state": state,
            "updated_at": now,
            "last_probe_at": now - timedelta(seconds=probed_ago),
            "trade_date": now.date(),
            "phase": phase,
        },
    )


def open_kinds() -> list[str]:
    return sorted(Alert.objects.filter(closed_at=None).values_list("kind", flat=True))


def beat(name: str, seconds_ago: float) -> None:
    now = wall_now()
    ProcessHeartbeat.objects.update_or_create(
        name=name,
        defaults={"host": "h", "pid": 1, "started_at": now, "last_loop_at": now - timedelta(seconds=seconds_ago)},
    )


def test_process_that_falls_silent_is_reported_and_cleared_when_it_is_back() -> None:
    beat("engine", 61)
    assert watch_processes(["engine"]) == ["engine"]
    assert open_kinds() == ["process.missing"]

    beat("engine", 1)
    assert watch_processes(["engine"]) == []
    assert open_kinds() == []


def test_process_that_never_came_is_reported() -> None:
    watch_processes(["beat"])

    assert Alert.objects.get().title == "beat has never reported"


def test_expected_processes_follow_the_enabled_hosts(host: QmtHost) -> None:
    QmtHost.objects.create(name="off", enabled=False)

    expected = list(expected_processes())
    assert [name for name in expected if "@" in name] == ["worker.trade@sim", "worker.data@sim", "worker.reads@sim"]
    assert {"worker.core", "beat", "engine"} <= set(expected)


@pytest.mark.parametrize("state", [SessionState.SICK, SessionState.DOWN, SessionState.RECONCILING])
def test_session_away_for_a_minute_is_reported_for_its_host(host: QmtHost, state: SessionState) -> None:
    report(host, state, probed_ago=61)

    assert watch_sessions() == ["sim"]
    alert = Alert.objects.get()
    assert (alert.kind, alert.host, alert.severity) == ("host.session_down", "sim", "CRITICAL")


def test_session_that_has_just_gone_is_not_reported_yet(host: QmtHost) -> None:
    report(host, SessionState.SICK, probed_ago=30)

    assert watch_sessions() == []


def test_session_that_is_ready_again_ends_the_alert(host: QmtHost) -> None:
    report(host, SessionState.DOWN, probed_ago=61)
    watch_sessions()
    report(host, SessionState.READY, probed_ago=1)

    assert watch_sessions() == []
    assert open_kinds() == []


def test_session_ready_in_a_row_that_nobody_writes_any_more_is_reported(host: QmtHost) -> None:
    report(host, SessionState.READY, probed_ago=61)
    HostStatus.objects.update(updated_at=wall_now() - timedelta(seconds=61))

    assert watch_sessions() == ["sim"]


def quote(seconds_ago: float | None, *, host: str = "sim", trading_since: float | None = None) -> None:
    """When the host's last quote came, and since when it was seen trading."""

    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else wall_now() - timedelta(seconds=seconds)

    DataSource.objects.update_or_create(
        host=host, defaults={"last_tick_at": at(seconds_ago), "trading_since": at(trading_since)}
    )


@pytest.fixture
def trading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host trades continuously, whatever the wall's hour."""
    monkeypatch.setattr("marketdata.watch.trades", lambda host: True)


def test_quotes_that_stop_while_the_market_trades_are_reported(
    host: QmtHost, trading: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, object]] = []
    monkeypatch.setattr("marketdata.watch.publish", lambda channel, body: told.append((channel, body["stale_since"])))
    quote(31, trading_since=3600)
    assert watch_quotes() == ["sim"]
    assert open_kinds() == ["data.quotes_stale"]
    stale_since = DataSource.objects.get().stale_since
    assert stale_since == DataSource.objects.get().last_tick_at
    assert watch_quotes() == ["sim"]

    quote(1, trading_since=3600)
    assert watch_quotes() == []
    assert open_kinds() == []
    assert DataSource.objects.get().stale_since is None
    assert told == [("feeds", stale_since), ("feeds", None)]


def test_quotes_of_the_last_session_half_are_no_news_when_the_next_one_begins(host: QmtHost, trading: None) -> None:
    quote(5400)
    assert watch_quotes() == []
    assert open_kinds() == []

    quote(5400, trading_since=31)
    assert watch_quotes() == ["sim"]


def test_quotes_that_never_came_are_reported_after_a_while(host: QmtHost, trading: None) -> None:
    assert watch_quotes() == []
    quote(None, trading_since=31)
    assert watch_quotes() == ["sim"]


def test_quotes_that_stopped_make_the_installation_not_ready_until_one_comes(
    host: QmtHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("watch", "health"):
        monkeypatch.setattr(f"marketdata.{place}.trades", lambda host: True)
    quote(31, trading_since=3600)
    watch_quotes()
    assert [(check.name, check.ok) for check in feed_checks()] == [("quotes.sim", False)]
    assert "quotes.sim" in {check.name for check in provided() if not check.ok}

    quote(0, trading_since=3600)
    assert [(check.name, check.ok) for check in feed_checks()] == [("quotes.sim", True)]


def test_quotes_of_one_host_do_not_hide_the_silence_of_another(host: QmtHost, trading: None) -> None:
    QmtHost.objects.create(name="second")
    quote(1, trading_since=3600)
    quote(60, host="second", trading_since=3600)
    assert watch_quotes() == ["second"]


def test_quotes_that_rest_with_the_market_are_no_news(host: QmtHost) -> None:
    report(host, SessionState.READY, probed_ago=1, phase=Phase.CLOSED)
    quote(10_000, trading_since=10_000)

    assert watch_quotes() == []
    assert DataSource.objects.get().trading_since is None


@pytest.mark.parametrize(
    ("free", "severity"), [(1_900_000_000, "WARNING"), (100_000_000, "CRITICAL"), (2_000_000_000, None)]
)
def test_disk_nearly_full_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, severity: str | None
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100_000_000_000, 0, free))

    watch_disk(tmp_path)

    assert list(Alert.objects.values_list("severity", flat=True)) == ([severity] if severity else [])


def test_watch_that_fails_does_not_blind_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("ops.alerts.watches.settled", lambda: True)
    monkeypatch.setattr("alerts.watch.watch_sessions", broken)

    assert watch() == {"watches": 4, "failed": 1}
    assert "process.missing" in open_kinds()
