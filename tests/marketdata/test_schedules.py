"""Scheduled jobs: when they run, once for what was missed, and what they do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import QmtHost, User
from desk.settings.marketdata_schema import MarketDataConfig, ScheduleConfig
from marketdata.choices import Basis, ScheduleName
from marketdata.config import get_marketdata_config
from marketdata.models import DataSource, DataSourceStatus, Instrument, SyncSchedule, TradingDay
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import day_number
from marketdata.services.afterclose import after_close_request
from marketdata.services.reports import status_report
from marketdata.services.sampling import SampleSource, sampling_request, sampling_run
from marketdata.services.schedules import schedules_run
from marketdata.services.timetable import next_run, runs_between
from ops.clocks import SHANGHAI, wall_now
from ops.models import Alert, Job
from tests.marketdata.conftest import MAOTAI, RunnerFactory, set_clock
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, clock_at, day_bars
from tests.marketdata.test_jobs import ask

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"])]

DAILY = ScheduleConfig(every="day", at="15:30")
FRIDAYS = ScheduleConfig(every="week", weekday=5, at="16:30")


@pytest.fixture(autouse=True)
def _no_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sampling", "refresh"):
        monkeypatch.setattr(f"marketdata.services.{module}.repair_wake", lambda _job_id, _host: True)


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


# -------------------------------------------------------------------------------- timetable
@pytest.mark.parametrize(
    ("config", "after", "expected"),
    [
        (DAILY, "2023-03-15 10:00", "2023-03-15 15:30"),
        (DAILY, "2023-03-15 15:30", "2023-03-16 15:30"),
        (DAILY, "2023-03-17 16:00", "2023-03-20 15:30"),
        (FRIDAYS, "2023-03-15 10:00", "2023-03-17 16:30"),
        (FRIDAYS, "2023-03-17 16:30", "2023-03-24 16:30"),
        (ScheduleConfig(every="week", weekday=6, at="10:00"), "2023-03-15 10:00", "2023-03-20 10:00"),
    ],
)
def test_next_run_is_on_a_trading_day(calendar: None, config: ScheduleConfig, after: str, expected: str) -> None:
    assert next_run(config, at(after)) == at(expected)


def test_next_run_of_a_week_whose_day_is_a_holiday_is_the_next_trading_day(calendar: None) -> None:
    TradingDay.objects.filter(date=WEEK[4]).delete()
    assert next_run(FRIDAYS, at("2023-03-15 10:00")) == at("2023-03-20 16:30")


def test_runs_between_counts_both_ends(calendar: None) -> None:
    assert runs_between(DAILY, at("2023-03-13 15:30"), at("2023-03-17 15:30")) == 5
    assert runs_between(DAILY, at("2023-03-17 15:30"), at("2023-03-17 15:29")) == 0


# ---------------------------------------------------------------------------------- running
@pytest.fixture
def report_only(settings: Settings) -> None:
    off = {"enabled": False}
    settings.MARKETDATA = MarketDataConfig().changed(
        schedules={
            "after_close": off,
            "sampling": off,
            "static": off,
            "integrity": off,
            "financials": off,
            "report": {"every": "day", "at": "17:00"},
        }
    )


@pytest.fixture
def source(host: QmtHost) -> None:
    DataSource.objects.create(host="sim", basis=Basis.RAW, simulated=True)


def report_row() -> SyncSchedule:
    return SyncSchedule.objects.get(name=ScheduleName.REPORT)


def test_new_schedule_waits_for_its_first_time(calendar: None, source: None, report_only: None) -> None:
    assert schedules_run() == []
    assert report_row().next_run_at == at("2023-03-20 17:00")


def test_schedule_runs_once_when_its_time_has_come(
    calendar: None, host: QmtHost, source: None, report_only: None
) -> None:
    schedules_run()
    set_clock(host, clock_at("2023-03-20 17:00:01"))

    (job,) = schedules_run()
    again = schedules_run()

    row = report_row()
    assert again == []
    assert (job.kind, job.status, row.last_job_id, row.missed) == ("marketdata.report", "DONE", job.pk, 0)
    assert row.next_run_at == at("2023-03-21 17:00")
    assert row.last_run_at is not None
    assert abs(row.last_run_at - at("2023-03-20 17:00")) < timedelta(minutes=1)


def test_financials_are_refreshed_once_a_week(
    calendar: None, host: QmtHost, source: None, report_only: None, settings: Settings
) -> None:
    weekly = {"enabled": True, "every": "week", "weekday": 1, "at": "19:00"}
    settings.MARKETDATA = settings.MARKETDATA.changed(schedules={"report": {"enabled": False}, "financials": weekly})
    schedules_run()
    set_clock(host, clock_at("2023-03-20 19:00:01"))
    (job,) = schedules_run()
    assert (job.kind, job.params["parts"], job.params["symbols"]) == ("static", ["financials"], [])


def test_missed_runs_are_made_up_for_by_one(calendar: None, host: QmtHost, source: None, report_only: None) -> None:
    schedules_run()
    SyncSchedule.objects.filter(name=ScheduleName.REPORT).update(next_run_at=at("2023-03-14 17:00"))

    assert len(schedules_run()) == 1
    assert schedules_run() == []
    assert report_row().missed == 3


def test_changed_configuration_moves_the_next_run(
    calendar: None, source: None, report_only: None, settings: Settings
) -> None:
    schedules_run()
    settings.MARKETDATA = get_marketdata_config().changed(schedules={"report": {"every": "day", "at": "18:45"}})
    assert schedules_run() == []
    assert report_row().next_run_at == at("2023-03-20 18:45")
    settings.MARKETDATA = get_marketdata_config().changed(schedules={"report": {"enabled": False}})
    schedules_run()
    assert report_row().next_run_at is None


def test_stale_market_clock_starts_nothing(calendar: None, host: QmtHost, source: None, report_only: None) -> None:
    schedules_run()
    SyncSchedule.objects.update(next_run_at=at("2023-03-14 17:00"))
    host.status.__class__.objects.update(updated_at=wall_now() - timedelta(minutes=1))
    assert schedules_run() == []


def test_hosts_of_one_source_have_one_schedule(calendar: None, host: QmtHost, source: None, report_only: None) -> None:
    second = QmtHost.objects.create(name="second")
    set_clock(second, clock_at("2023-03-20 10:00:00"))
    DataSource.objects.create(host="second", basis=Basis.RAW, simulated=True)
    schedules_run()
    assert set(SyncSchedule.objects.values_list("host", flat=True)) == {"sim"}


def test_schedules_are_listed(calendar: None, source: None, report_only: None) -> None:
    schedules_run()
    client = Client()
    client.force_login(User.objects.create_user("alice"))
    rows = {row["name"]: row for row in client.get("/api/v1/schedules").json()["results"]}
    assert set(rows) == set(ScheduleName.values)
    assert (rows["report"]["enabled"], rows["report"]["at"]) == (True, "17:00")
    assert datetime.fromisoformat(rows["report"]["next_run_at"]) == at("2023-03-20 17:00")
    assert (rows["static"]["enabled"], rows["static"]["next_run_at"]) == (False, None)


# ------------------------------------------------------------------------------ after close
def test_after_close_asks_for_what_kept_instruments_lack(
    maotai: Instrument, pingan: Instrument, source: None, terminal: FakeTerminal, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK[:3]))
    DataSourceStatus.objects.create(instrument=maotai, period="1d", last_sync_at=wall_now())
    DataSourceStatus.objects.create(instrument=pingan, period="1d", note="never downloaded")

    job = after_close_request(clock_at("2023-03-20 15:31:00"))

    assert (job.status, job.result["missing_days"], list(job.result["jobs"])) == ("DONE", 6, ["1d"])
    repair = Job.objects.get(pk=job.result["jobs"]["1d"])
    assert list(repair.repair_items.values_list("instrument__symbol", flat=True)) == [MAOTAI]


def test_after_close_with_nothing_missing_says_so(source: None, calendar: None) -> None:
    job = after_close_request(clock_at("2023-03-20 15:31:00"))
    assert (job.message, job.result) == ("nothing is missing", {"jobs": {}, "missing_days": 0})


# ------------------------------------------------------------------------------- sampling
@pytest.fixture
def stored(maotai: Instrument, source: None, terminal: FakeTerminal, make_runner: RunnerFactory) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    ask(maotai)
    make_runner().run_all()
    assert QuoteSegment.objects.count() == 1


def sample(terminal: FakeTerminal) -> Job:
    job = sampling_request(clock_at("2023-03-20 10:00:00"))
    assert sampling_run(SampleSource(terminal, "sim"), holder="x", first_open_day=day_number(TODAY))
    job.refresh_from_db()
    return job


def test_sample_that_agrees_says_so(stored: None, terminal: FakeTerminal) -> None:
    job = sample(terminal)
    assert (job.status, job.result["bars"], job.result["different"]) == ("DONE", 5, 0)
    assert not sampling_run(SampleSource(terminal, "sim"), holder="x", first_open_day=day_number(TODAY))


def test_sample_that_differs_is_told_bar_by_bar_and_alerts(
    stored: None, terminal: FakeTerminal, django_capture_on_commit_callbacks: Any
) -> None:
    frame = terminal.source[MAOTAI, "1d"]
    frame.loc[1, "close"] = 10.04
    terminal.source[MAOTAI, "1d"] = frame.drop(index=3)
    with django_capture_on_commit_callbacks(execute=True):
        job = sample(terminal)
    assert job.result["differences"] == [
        "600519.SH 1d 2023-03-14: close is 10.01, the terminal's 10.04",
        "600519.SH 1d 2023-03-16: the terminal has no such bar",
    ]
    alert = Alert.objects.get()
    assert (alert.kind, alert.host) == ("data.sample_differs", "sim")


# ------------------------------------------------------------------------------------ report
def test_report_counts_present_missing_and_proven_days(
    stored: None, maotai: Instrument, terminal: FakeTerminal
) -> None:
    report = status_report(clock_at("2023-03-21 10:00:00"))
    assert report["periods"]["1d"] == {
        "instruments": 1,
        "present_days": 5,
        "missing_days": 1,
        "incomplete": 1,
        "proven_days": {},
    }
    assert (report["open_repairs"], report["failed_last_day"]) == (0, {})
    assert [row["host"] for row in report["sources"]] == ["sim"]
