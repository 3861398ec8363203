"""Several hosts work one queue; whose work a host may take, and what becomes of a dead one's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import QmtHost
from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.choices import Basis, RepairTrouble
from marketdata.config import get_marketdata_config
from marketdata.models import DataSource, DataSourceStatus, Instrument, RepairItem
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import Period, day_number
from marketdata.services import DataRequest, MarketDataService
from marketdata.services.outcome import Source
from marketdata.services.pace import Pace
from marketdata.services.queue import items_claim, repair_request
from marketdata.services.runner import RepairRunner
from marketdata.services.sharing import helpers, reach_of
from ops.models import Alert, ProcessHeartbeat
from qmt.errors import DownloadThrottled, TerminalDown
from tests.marketdata.conftest import MAOTAI, PINGAN
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, clock_at, day_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]

TEN = clock_at("2023-03-20 10:00:00")


def add_host(name: str, *, basis: Basis = Basis.RAW, simulated: bool = True, enabled: bool = True) -> QmtHost:
    DataSource.objects.create(host=name, basis=basis, simulated=simulated)
    host, _ = QmtHost.objects.get_or_create(name=name, defaults={"enabled": enabled})
    return host


def ask(instrument: Instrument, first: int, last: int, host: str = "sim") -> None:
    repair_request(
        ranges={instrument.pk: [(first, last)]}, days={instrument.pk: last - first + 1}, period=Period.DAY_1, host=host
    )


@pytest.fixture
def pair(host: QmtHost) -> None:
    """Two hosts with the same source."""
    add_host("sim")
    add_host("second")


def runner_of(host: str, terminal: FakeTerminal, **options: object) -> RepairRunner:
    return RepairRunner(
        gateway=terminal,
        source=Source(host, "250807.1.2", Basis.RAW),
        holder=f"data@{host}",
        clock=lambda: TEN,
        sleep=lambda _seconds: None,
        **options,  # type: ignore[arg-type]
    )


def test_second_host_fills_the_holes_the_first_was_asked_for(
    maotai: Instrument, pair: None, terminal: FakeTerminal, service: MarketDataService
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    request = DataRequest([MAOTAI], "1d", WEEK[0], WEEK[-1])
    service.get(request, wait_seconds=0)

    runner_of("second", terminal).run_all()

    assert service.get(request, wait_seconds=0).complete
    item = RepairItem.objects.get()
    assert (item.host, item.source_host, item.status) == ("sim", "second", "DONE")
    assert DataSourceStatus.objects.get().host == "second"


@pytest.mark.parametrize(
    "change", [{"basis": Basis.FRONT_ADJUSTED}, {"simulated": False}], ids=["other basis", "not simulated"]
)
def test_host_of_another_kind_of_source_takes_nothing(
    maotai: Instrument, host: QmtHost, change: dict[str, object]
) -> None:
    add_host("sim")
    add_host("second", **change)  # type: ignore[arg-type]
    ask(maotai, day_number(WEEK[0]), day_number(WEEK[-1]))

    assert items_claim(reach=reach_of("second", TEN), holder="x", limit=9) == []


def test_open_day_is_left_to_the_host_whose_clock_asked(maotai: Instrument, pair: None) -> None:
    ask(maotai, day_number(WEEK[0]), day_number(TODAY))

    assert items_claim(reach=reach_of("second", TEN), holder="x", limit=9) == []
    assert len(items_claim(reach=reach_of("sim", TEN), holder="x", limit=9)) == 1


def test_disabled_host_takes_nothing_and_its_work_is_done_by_another(maotai: Instrument, pair: None) -> None:
    QmtHost.objects.filter(name="sim").update(enabled=False)
    ask(maotai, day_number(WEEK[0]), day_number(WEEK[-1]))

    assert items_claim(reach=reach_of("sim", TEN), holder="x", limit=9) == []
    assert len(items_claim(reach=reach_of("second", TEN), holder="x", limit=9)) == 1


def test_dead_hosts_claim_is_taken_over_by_another_when_its_lease_has_run_out(maotai: Instrument, pair: None) -> None:
    ask(maotai, day_number(WEEK[0]), day_number(WEEK[-1]))
    (dead,) = items_claim(reach=reach_of("sim", TEN), holder="data@sim", limit=9)
    second = reach_of("second", TEN)
    assert items_claim(reach=second, holder="data@second", limit=9) == []

    RepairItem.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (taken,) = items_claim(reach=second, holder="data@second", limit=9)

    assert (taken.item_id, taken.attempts) == (dead.item_id, 2)
    assert RepairItem.objects.get().source_host == "second"


def test_instrument_that_is_worked_on_is_not_taken_for_another_period(maotai: Instrument, pair: None) -> None:
    first, last = day_number(WEEK[0]), day_number(WEEK[-1])
    ask(maotai, first, last)
    repair_request(ranges={maotai.pk: [(first, last)]}, days={maotai.pk: 5}, period=Period.MINUTE_1, host="sim")
    assert len(items_claim(reach=reach_of("sim", TEN), holder="x", limit=9)) == 1

    assert items_claim(reach=reach_of("second", TEN), holder="y", limit=9) == []


def test_helpers_leave_each_other_a_part_of_what_is_due(maotai: Instrument, pingan: Instrument, pair: None) -> None:
    for instrument in (maotai, pingan):
        ask(instrument, day_number(WEEK[0]), day_number(WEEK[-1]))
    ProcessHeartbeat.objects.create(
        name="session.data@second",
        host="pc",
        pid=1,
        started_at=timezone.now(),
        last_loop_at=timezone.now(),
        detail={"connected": True},
    )
    reach = reach_of("sim", TEN)

    assert helpers(reach) == 2
    assert len(items_claim(reach=reach, holder="x", limit=50, helpers=helpers(reach))) == 1
    ProcessHeartbeat.objects.update(detail={"connected": False})
    assert helpers(reach) == 1


def test_two_requests_for_one_hole_make_one_download(
    maotai: Instrument, pair: None, terminal: FakeTerminal, service: MarketDataService
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    request = DataRequest([MAOTAI], "1d", WEEK[0], WEEK[-1])
    jobs = {service.get(request, wait_seconds=0, owner=owner).job_id for owner in (1, 2)}

    runner_of("sim", terminal).run_all()
    runner_of("second", terminal).run_all()

    assert len(jobs) == 2
    assert len(terminal.downloads) == 1


def test_lost_link_gives_the_batch_to_whoever_is_there_without_counting_the_round(
    maotai: Instrument, pair: None, terminal: FakeTerminal, service: MarketDataService
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    service.get(DataRequest([MAOTAI], "1d", WEEK[0], WEEK[-1]), wait_seconds=0)
    dead = FakeTerminal(down=True)
    with pytest.raises(TerminalDown):
        runner_of("sim", dead).run_batch()
    item = RepairItem.objects.get()
    assert (item.attempts, item.status, item.trouble) == (0, "PENDING", RepairTrouble.CONNECTION)

    assert runner_of("second", terminal).run_batch() == 1
    assert QuoteSegment.objects.count() == 1


@pytest.fixture
def throttled_pace(settings: Settings) -> Callable[[], Pace]:
    settings.MARKETDATA = MarketDataConfig().changed(repair={"settle_seconds": 0.0, "throttled_pause_seconds": 60})
    return lambda: Pace(lambda: get_marketdata_config().repair, sleep=lambda _seconds: None)


def test_throttled_terminal_rests_and_what_had_landed_is_kept(
    maotai: Instrument,
    pingan: Instrument,
    pair: None,
    terminal: FakeTerminal,
    service: MarketDataService,
    throttled_pace: Callable[[], Pace],
) -> None:
    for symbol in (MAOTAI, PINGAN):
        terminal.put(symbol, "1d", day_bars(WEEK))
    service.get(DataRequest([MAOTAI, PINGAN], "1d", WEEK[0], WEEK[-1]), wait_seconds=0)
    terminal.fail = [DownloadThrottled("请求过于频繁")]
    runner = runner_of("sim", terminal, pace=throttled_pace())

    assert runner.run_batch() == 0

    assert QuoteSegment.objects.count() == 1
    assert {(row.attempts, row.status, row.trouble) for row in RepairItem.objects.all()} == {
        (0, "PENDING", RepairTrouble.THROTTLED)
    }
    assert runner.run_batch() == 0
    assert len(terminal.downloads) == 1
    # Another terminal need not wait, and fetches only what is missing still.
    assert runner_of("second", terminal).run_batch() == 2
    assert len(terminal.downloads[-1][0]) == 1
    assert QuoteSegment.objects.count() == 2


def test_terminal_that_keeps_complaining_is_an_alert(
    maotai: Instrument,
    pair: None,
    terminal: FakeTerminal,
    service: MarketDataService,
    django_capture_on_commit_callbacks: Any,
) -> None:
    clock = [0.0]
    pace = Pace(lambda: get_marketdata_config().repair, sleep=lambda _seconds: None, now=lambda: clock[0])
    service.get(DataRequest([MAOTAI], "1d", WEEK[0], WEEK[-1]), wait_seconds=0)
    terminal.fail = [DownloadThrottled("too many requests")] * 3
    runner = runner_of("sim", terminal, pace=pace)
    with django_capture_on_commit_callbacks(execute=True):
        for _time in range(3):
            runner.run_batch()
            clock[0] += 10_000

    alert = Alert.objects.get()
    assert (alert.kind, alert.dedup_key, alert.facts["complaints"]) == ("data.repair_failed", "data.throttled:sim", 3)
    assert alert.closed_at is None

    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    with django_capture_on_commit_callbacks(execute=True):
        assert runner.run_batch() == 1
    alert.refresh_from_db()
    assert alert.closed_at is not None
