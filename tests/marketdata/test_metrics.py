"""The figures of market data: counted by the worker, shown per host, for Prometheus and for people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import QmtHost, User
from marketdata.choices import Basis
from marketdata.config import get_marketdata_config
from marketdata.metrics import gap_figures, host_figures, queue_figures
from marketdata.models import DataSource, Instrument
from marketdata.quotes.periods import Period, day_number
from marketdata.services.figures import Counting, Figures
from marketdata.services.outcome import Source
from marketdata.services.queue import repair_request
from marketdata.services.reports import report_make
from marketdata.services.runner import RepairRunner
from ops.metrics import render
from ops.models import ProcessHeartbeat
from qmt.errors import DownloadThrottled
from tests.marketdata.conftest import MAOTAI
from tests.marketdata.fakes import WEEK, FakeTerminal, clock_at, day_bars, failed

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"])]

CLOCK = clock_at("2023-03-20 10:00:00")


def ask(instrument: Instrument) -> None:
    first, last = day_number(WEEK[0]), day_number(WEEK[-1])
    repair_request(ranges={instrument.pk: [(first, last)]}, days={instrument.pk: 5}, period=Period.DAY_1, host="sim")


def work(terminal: FakeTerminal) -> Figures:
    counting = Counting()
    runner = RepairRunner(
        gateway=terminal,
        source=Source("sim", "250807.1.2", Basis.RAW),
        holder="x",
        clock=lambda: CLOCK,
        sleep=lambda _seconds: None,
        counting=counting,
    )
    runner.run_all()
    return Figures(**counting.snapshot())  # type: ignore[arg-type]  # counts and seconds


def test_rounds_retries_and_rows_are_counted(maotai: Instrument, host: QmtHost, terminal: FakeTerminal) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    terminal.fail = [failed(), None]
    ask(maotai)
    figures = work(terminal)
    assert (figures.downloads, figures.rounds, figures.retries, figures.failed) == (2, 2, 1, 0)
    assert (figures.rows, figures.writes) == (5, 1)


def test_failures_and_complaints_are_counted(maotai: Instrument, host: QmtHost, terminal: FakeTerminal) -> None:
    terminal.fail = [failed()] * 3
    ask(maotai)
    assert (work(terminal).failed, get_marketdata_config().repair.attempts) == (1, 3)
    terminal.fail = [DownloadThrottled("too many requests")]
    ask(maotai)
    assert work(terminal).throttled == 1


@pytest.fixture
def reported(maotai: Instrument, host: QmtHost) -> None:
    """A host whose worker counted, a queue with one item, a report."""
    now = timezone.now()
    ProcessHeartbeat.objects.create(
        name="session.data@sim",
        host="pc",
        pid=1,
        started_at=now,
        last_loop_at=now,
        detail={"connected": True, "repair": {"downloads": 4, "download_seconds": 2.0, "rows": 70, "later": 1}},
    )
    QmtHost.objects.create(name="silent")
    DataSource.objects.create(host="sim", last_tick_at=now - timedelta(seconds=9))
    ask(maotai)


def test_figures_of_every_enabled_host(reported: None) -> None:
    sim, silent = host_figures()
    assert (sim.host, sim.alive, sim.connected, sim.figures.rows, sim.download_mean) == ("sim", True, True, 70, 0.5)
    assert sim.tick_age == pytest.approx(9, abs=2)
    assert (silent.host, silent.alive, silent.figures, silent.tick_age) == ("silent", False, Figures(), None)


def test_queue_figures_count_what_waits_and_how_long(reported: None) -> None:
    figures = queue_figures()
    assert (figures.waiting, figures.running) == (1, 0)
    assert 0 <= figures.oldest_seconds < 5


def test_gap_figures_are_those_of_the_last_report(maotai: Instrument, host: QmtHost, terminal: FakeTerminal) -> None:
    assert gap_figures() == []
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    ask(maotai)
    work(terminal)
    report_make(clock_at("2023-03-21 10:00:00"))
    row = next(row for row in gap_figures() if row.period == "1d")
    assert (row.missing_days, row.expected_days) == (1, 6)
    assert row.percent == pytest.approx(100 / 6)


def test_prometheus_address_shows_the_figures_of_every_host(reported: None) -> None:
    text = render().decode()
    assert 'desk_marketdata_rows_total{host="sim"} 70.0' in text
    assert 'desk_marketdata_rows_total{host="silent"} 0.0' in text
    assert 'desk_marketdata_queue_items{status="waiting"} 1.0' in text
    assert 'desk_marketdata_tick_age_seconds{host="sim"}' in text


def test_page_shows_the_figures_in_both_languages(reported: None) -> None:
    client = Client()
    client.force_login(User.objects.create_user("alice"))
    client.cookies["django_language"] = "en"
    english = client.get("/data/status/").content.decode()
    client.cookies["django_language"] = "zh-hans"
    chinese = client.get("/data/status/").content.decode()
    assert "Does not report" in english
    assert '<td class="num">70</td>' in english
    assert "没有报告" in chinese
