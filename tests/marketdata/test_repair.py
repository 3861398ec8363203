"""Request → missing → download → read back → store → answer."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from accounts.models import QmtHost
from marketdata.choices import EvidenceReason
from marketdata.models import DataSourceStatus, Evidence, Instrument, InstrumentDay, RepairItem
from marketdata.quotes.models import QuoteSegment, RawQuote
from marketdata.quotes.periods import Period, date_ts, day_number
from marketdata.services import BarsResult, DataRequest, MarketDataService
from marketdata.services.queue import repair_request
from ops.clocks import wall_now
from ops.models import Alert, Job
from qmt.errors import TerminalDown
from tests.marketdata.conftest import MAOTAI, PINGAN, RunnerFactory, set_clock
from tests.marketdata.fakes import (
    TODAY,
    WEEK,
    FakeTerminal,
    bars,
    clock_at,
    dates_of,
    day_bars,
    failed,
    minute_bars,
    padding,
)

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"]), pytest.mark.postgres]


def job_of(result: BarsResult) -> Job:
    """The repair that an answer was waiting for."""
    assert result.job_id is not None
    return Job.objects.get(pk=result.job_id)


WEEK_REQUEST = DataRequest([MAOTAI], "1d", WEEK[0], WEEK[-1])


def test_get_empty_database_downloads_stores_and_answers(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))

    first = service.get(WEEK_REQUEST, wait_seconds=0)
    assert (first.complete, len(first.frame), first.readiness.missing_days) == (False, 0, 5)
    make_runner().run_all()
    second = service.get(WEEK_REQUEST, wait_seconds=0)

    assert second.complete
    assert second.job_id is None
    expected = day_bars(WEEK)
    answer = second.frame
    assert answer["symbol"].tolist() == [MAOTAI] * 5
    for name in ("time", "open", "high", "low", "close", "volume", "amount", "pre_close"):
        assert answer[name].tolist() == expected[name].tolist()
    job = job_of(first)
    assert (job.status, job.done, job.total, job.result["rows_stored"]) == ("DONE", 5, 5, 5)


def test_get_second_request_downloads_nothing(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()
    calls = len(terminal.downloads)

    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()

    assert len(terminal.downloads) == calls == 1
    assert Job.objects.count() == 1


def test_get_interior_hole_fetches_only_the_hole(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    for day in (WEEK[0], WEEK[1], WEEK[3], WEEK[4]):
        service.get(DataRequest([MAOTAI], "1d", day, day), wait_seconds=0)
    make_runner().run_all()
    terminal.downloads.clear()

    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()

    assert terminal.downloads == [((MAOTAI,), "1d", "20230315", "20230315")]
    assert service.get(WEEK_REQUEST, wait_seconds=0).complete


def test_get_days_the_source_lacks_become_source_empty_evidence(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars([WEEK[0], WEEK[4]]))
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()

    row = Evidence.objects.get()
    assert (row.start_date, row.end_date, row.reason) == (WEEK[1], WEEK[3], "SOURCE_EMPTY")
    assert (row.host, row.sdk_version, row.checks) == ("sim", "250807.1.2", 1)
    assert (row.recheck_at - row.recorded_at).days == 1
    result = service.get(WEEK_REQUEST, wait_seconds=0)
    assert result.complete
    assert result.evidence == {"SOURCE_EMPTY": 3}


def test_get_instrument_without_any_bar_is_believed_after_two_downloads(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    service.get(WEEK_REQUEST, wait_seconds=0)
    runner = make_runner()
    runner.run_batch()
    assert Evidence.objects.count() == 0
    runner.run_batch()
    assert len(terminal.downloads) == 2
    assert Evidence.objects.get().reason == EvidenceReason.SOURCE_EMPTY


def test_get_days_before_the_listing_are_not_expected(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    Instrument.objects.filter(pk=maotai.pk).update(list_date=WEEK[3])
    terminal.put(MAOTAI, "1d", day_bars(WEEK[3:]))
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()
    assert terminal.downloads == [((MAOTAI,), "1d", "20230316", "20230317")]
    assert service.get(WEEK_REQUEST, wait_seconds=0).complete
    assert Evidence.objects.count() == 0


def test_get_open_day_has_no_daily_bar_before_its_end(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars([*WEEK, TODAY]))
    request = DataRequest([MAOTAI], "1d", WEEK[0])
    service.get(request, wait_seconds=0)
    make_runner().run_all()
    result = service.get(request, wait_seconds=0)
    assert result.complete
    assert dates_of(result.frame["time"]) == list(WEEK)


def test_get_two_requests_for_one_hole_make_one_download(
    maotai: Instrument,
    pingan: Instrument,
    terminal: FakeTerminal,
    service: MarketDataService,
    make_runner: RunnerFactory,
) -> None:
    for symbol in (MAOTAI, PINGAN):
        terminal.put(symbol, "1d", day_bars(WEEK))
    both = DataRequest([MAOTAI, PINGAN], "1d", WEEK[0], WEEK[-1])
    first = service.get(both, wait_seconds=0, owner=1)
    second = service.get(WEEK_REQUEST, wait_seconds=0, owner=2)

    make_runner().run_all()

    assert [call[0] for call in terminal.downloads] == [(MAOTAI, PINGAN)]
    assert RepairItem.objects.count() == 2
    owners = dict(Job.objects.values_list("pk", "owner"))
    assert owners == {first.job_id: 1, second.job_id: 2}
    assert set(Job.objects.values_list("status", flat=True)) == {"DONE"}


def test_get_wider_request_widens_the_open_item(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    service.get(DataRequest([MAOTAI], "1d", WEEK[1], WEEK[2]), wait_seconds=0)
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()
    assert terminal.downloads == [((MAOTAI,), "1d", "20230313", "20230317")]
    assert [job.status for job in Job.objects.all()] == ["DONE", "DONE"]


def test_item_widened_while_it_runs_gets_another_round(
    maotai: Instrument,
    terminal: FakeTerminal,
    service: MarketDataService,
    make_runner: RunnerFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    service.get(DataRequest([MAOTAI], "1d", WEEK[0], WEEK[0]), wait_seconds=0)
    original = terminal.read_local
    asked: list[BarsResult] = []

    def read_and_widen(*args: Any) -> dict[str, pd.DataFrame]:
        if not asked:
            asked.append(service.get(WEEK_REQUEST, wait_seconds=0))
        return original(*args)

    monkeypatch.setattr(terminal, "read_local", read_and_widen)
    make_runner().run_all()

    assert [call[2:] for call in terminal.downloads] == [
        ("20230313", "20230313"),
        ("20230314", "20230317"),
    ]
    assert service.get(WEEK_REQUEST, wait_seconds=0).complete
    assert set(Job.objects.values_list("status", flat=True)) == {"DONE"}


def test_failed_download_keeps_what_landed_and_retries_the_rest(
    maotai: Instrument,
    pingan: Instrument,
    terminal: FakeTerminal,
    service: MarketDataService,
    make_runner: RunnerFactory,
) -> None:
    for symbol in (MAOTAI, PINGAN):
        terminal.put(symbol, "1d", day_bars(WEEK))
    terminal.fail = [failed()]
    request = DataRequest([MAOTAI, PINGAN], "1d", WEEK[0], WEEK[-1])
    service.get(request, wait_seconds=0)
    make_runner().run_batch()
    assert QuoteSegment.objects.count() == 1  # the half that landed
    make_runner().run_all()
    assert len(terminal.downloads) == 2
    assert len(terminal.downloads[1][0]) == 1
    assert service.get(request, wait_seconds=0).complete


def test_download_that_always_fails_ends_in_a_failed_job_and_a_note(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    terminal.fail = [failed()] * 9
    first = service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()

    assert len(terminal.downloads) == 3
    job = job_of(first)
    assert job.status == "FAILED"
    assert job.error == "DownloadFailed: server busy"
    assert DataSourceStatus.objects.get().note == "3 rounds failed: DownloadFailed: server busy"
    assert Evidence.objects.count() == 0
    again = service.get(WEEK_REQUEST, wait_seconds=0)
    assert (again.complete, again.job_id) == (False, None)
    assert again.readiness.failures == {MAOTAI: "DownloadFailed: server busy"}


def test_download_that_always_fails_is_an_alert_of_its_host(
    maotai: Instrument,
    terminal: FakeTerminal,
    service: MarketDataService,
    make_runner: RunnerFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    terminal.fail = [failed()] * 9
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()

    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.count) == ("data.repair_failed", "WARNING", 1)
    assert alert.title == "1 instruments of 1d could not be completed in 3 rounds"
    assert alert.facts == {"instruments": MAOTAI, "period": "1d", "error": "DownloadFailed: server busy"}


def test_alert_of_a_failed_repair_is_over_when_what_had_failed_is_there(
    maotai: Instrument,
    pingan: Instrument,
    terminal: FakeTerminal,
    service: MarketDataService,
    make_runner: RunnerFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ops.alerts.raising._after_commit", lambda work: work())
    for symbol in (MAOTAI, PINGAN):
        terminal.put(symbol, "1d", day_bars(WEEK))
    terminal.fail = [failed()] * 3
    service.get(DataRequest([MAOTAI, PINGAN], "1d", WEEK[0], WEEK[-1]), wait_seconds=0)
    make_runner().run_all()
    assert Alert.objects.get().closed_at is None

    def complete(instrument: Instrument) -> None:
        pair = {instrument.pk: [(day_number(WEEK[0]), day_number(WEEK[-1]))]}
        repair_request(ranges=pair, days={instrument.pk: len(WEEK)}, period=Period.DAY_1, host="sim")
        make_runner().run_all()

    complete(maotai)
    assert Alert.objects.get().closed_at is None
    complete(pingan)
    assert Alert.objects.get().closed_at is not None


def test_terminal_that_goes_down_gives_the_batch_back(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    service.get(WEEK_REQUEST, wait_seconds=0)
    terminal.down = True
    with pytest.raises(TerminalDown):
        make_runner().run_batch()
    item = RepairItem.objects.get()
    assert (item.status, item.attempts, item.lease_holder) == ("PENDING", 0, "")
    terminal.down = False
    make_runner().run_all()
    assert service.get(WEEK_REQUEST, wait_seconds=0).complete


def test_padding_only_frame_is_refused_and_asked_for_again(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    terminal.padded = {MAOTAI: 2}  # the first read and its settling re-read
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_batch()
    assert QuoteSegment.objects.count() == 0
    assert Evidence.objects.count() == 0
    assert RepairItem.objects.get().error.startswith("PADDING_ONLY")
    make_runner().run_all()
    assert service.get(WEEK_REQUEST, wait_seconds=0).frame["volume"].tolist() == [24_100] * 5


def test_data_that_lands_after_finished_is_waited_for(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    terminal.landing_reads = 1
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_batch()
    assert len(terminal.downloads) == 1
    assert service.get(WEEK_REQUEST, wait_seconds=0).complete
    assert Evidence.objects.count() == 0


def test_killed_worker_leaves_its_items_to_the_next_one(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    service.get(WEEK_REQUEST, wait_seconds=0)

    class Killed(BaseException):
        pass

    def die(*_args: Any) -> dict[str, pd.DataFrame]:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal, "read_local", die)
        with pytest.raises(Killed):
            make_runner(holder="first").run_batch()
    assert RepairItem.objects.get().status == "RUNNING"
    assert make_runner(holder="second").run_batch() == 0  # the lease still holds
    RepairItem.objects.update(lease_until="2020-01-01T00:00:00Z")
    assert make_runner(holder="second").run_batch() == 1
    assert service.get(WEEK_REQUEST, wait_seconds=0).complete


def test_minutes_of_a_closed_day_are_verified_against_the_day_bar(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK, volume=24_100))
    full = minute_bars(WEEK[0], volume=100)
    quiet = minute_bars(WEEK[1], volume=100)
    # Twenty minutes without trade are absent; the volume of the others is the whole day's.
    quiet = quiet.drop(index=range(50, 70)).reset_index(drop=True)
    quiet.loc[0, "volume"] = 2_100
    terminal.put(MAOTAI, "1m", pd.concat([full, quiet], ignore_index=True))
    request = DataRequest([MAOTAI], "1m", WEEK[0], WEEK[1])
    service.get(request, wait_seconds=0)
    make_runner().run_all()

    result = service.get(request, wait_seconds=0)
    assert result.complete
    assert len(result.frame) == 241 + 221
    row = Evidence.objects.get()
    assert (row.period, row.start_date, row.end_date, row.reason) == (
        "1m",
        WEEK[1],
        WEEK[1],
        "NO_TRADE",
    )


def test_minutes_that_lack_volume_are_fetched_three_times_then_noted(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK, volume=24_100))
    partial = minute_bars(WEEK[0], volume=100).drop(index=range(200, 241))
    terminal.put(MAOTAI, "1m", partial)
    request = DataRequest([MAOTAI], "1m", WEEK[0], WEEK[0])
    service.get(request, wait_seconds=0)
    make_runner().run_all()
    assert len([call for call in terminal.downloads if call[1] == "1m"]) == 3
    row = Evidence.objects.get(period="1m")
    assert row.reason == EvidenceReason.SOURCE_EMPTY
    assert row.detail == "200 minutes hold 20000 of the day's 24100"


def test_minutes_of_the_open_day_stop_at_the_last_finished_one(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    terminal.put(MAOTAI, "1m", minute_bars(TODAY))
    request = DataRequest([MAOTAI], "1m", TODAY)
    service.get(request, wait_seconds=0)
    make_runner(clock=clock_at("2023-03-20 10:00:30")).run_all()
    assert RawQuote.objects.count() == 31  # 09:30 … 10:00
    assert QuoteSegment.objects.filter(period=1).count() == 0
    assert service.get(request, wait_seconds=0).complete


def test_rejected_rows_are_not_stored_and_leave_the_day_failed(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    frame = day_bars(WEEK)
    frame.loc[2, "low"] = 99.0
    terminal.put(MAOTAI, "1d", frame)
    terminal.put(MAOTAI, "1d", bars([(date_ts(date(2023, 3, 18)), 1.0, 1.0, 1.0, 1.0, 5)]))
    first = service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()
    result = service.get(WEEK_REQUEST, wait_seconds=0)
    assert not result.complete
    assert dates_of(result.frame["time"]) == [WEEK[0], WEEK[1], WEEK[3], WEEK[4]]
    assert job_of(first).error == "ROWS_REJECTED: OHLC_ORDER"
    assert Evidence.objects.count() == 0


def test_evidence_is_withdrawn_when_the_day_turns_up(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars([WEEK[0], WEEK[4]]))
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()
    Evidence.objects.update(recheck_at="2020-01-01T00:00:00Z")
    terminal.put(MAOTAI, "1d", day_bars([WEEK[2]]))
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()

    rows = list(Evidence.objects.values_list("start_date", "end_date", "checks"))
    assert rows == [(WEEK[1], WEEK[1], 2), (WEEK[3], WEEK[3], 2)]
    answer = service.get(WEEK_REQUEST, wait_seconds=0).frame
    assert dates_of(answer["time"]) == [WEEK[0], WEEK[2], WEEK[4]]


# ------------------------------------------------------------------------- suspensions
def suspended_rows(*days: date) -> pd.DataFrame:
    """How a terminal shows suspended days: flat, without volume, flagged."""
    return padding(date_ts(day) for day in days)


def reasons() -> list[tuple[date, date, str]]:
    return list(Evidence.objects.values_list("start_date", "end_date", "reason"))


def test_suspended_days_between_bars_are_believed_at_once(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars([WEEK[0], WEEK[1], WEEK[4]]))
    terminal.put(MAOTAI, "1d", suspended_rows(WEEK[2], WEEK[3]))
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()
    assert reasons() == [(WEEK[2], WEEK[3], "SUSPENDED")]
    assert len(terminal.downloads) == 1
    assert len(service.get(WEEK_REQUEST, wait_seconds=0).frame) == 3


def test_suspended_days_at_the_end_are_believed_after_every_round_said_so(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars(WEEK[:4]))
    terminal.put(MAOTAI, "1d", suspended_rows(WEEK[4]))
    service.get(WEEK_REQUEST, wait_seconds=0)
    runner = make_runner()
    runner.run_batch()
    runner.run_batch()
    assert reasons() == []
    runner.run_batch()
    assert reasons() == [(WEEK[4], WEEK[4], "SUSPENDED")]


def test_suspension_of_the_day_facts_is_believed_at_once(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    InstrumentDay.objects.create(
        instrument=maotai, trade_date=WEEK[4], pre_close="10", suspended=True, updated_at=wall_now()
    )
    terminal.put(MAOTAI, "1d", day_bars(WEEK[:4]))
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_batch()
    assert reasons() == [(WEEK[4], WEEK[4], "SUSPENDED")]


def test_rows_on_a_saturday_unmask_padding_as_no_suspension(
    maotai: Instrument,
    host: QmtHost,
    terminal: FakeTerminal,
    service: MarketDataService,
    make_runner: RunnerFactory,
) -> None:
    after_close = clock_at("2023-03-20 16:00:00")
    set_clock(host, after_close)
    terminal.put(MAOTAI, "1d", day_bars([*WEEK[:4], TODAY]))
    terminal.put(MAOTAI, "1d", suspended_rows(WEEK[4], date(2023, 3, 18)))
    service.get(DataRequest([MAOTAI], "1d", WEEK[0], TODAY), wait_seconds=0)
    make_runner(clock=after_close).run_batch()
    assert reasons() == []
    assert RepairItem.objects.get().error == "ROWS_REJECTED: NON_TRADING_DAY, PADDING"


def test_suspension_alone_is_read_with_the_bars_around_it(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars([WEEK[0], WEEK[1], WEEK[3], WEEK[4]]))
    terminal.put(MAOTAI, "1d", suspended_rows(WEEK[2]))
    for day in (WEEK[1], WEEK[3]):
        service.get(DataRequest([MAOTAI], "1d", day, day), wait_seconds=0)
        make_runner().run_all()
    service.get(DataRequest([MAOTAI], "1d", WEEK[2], WEEK[2]), wait_seconds=0)
    runner = make_runner()
    runner.run_batch()
    assert RepairItem.objects.get(status="PENDING").error.startswith("PADDING_ONLY")
    runner.run_batch()
    assert reasons() == [(WEEK[2], WEEK[2], "SUSPENDED")]


def test_fill_shows_a_suspension_as_flat_bars(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    terminal.put(MAOTAI, "1d", day_bars([WEEK[0], WEEK[1], WEEK[4]]))
    terminal.put(MAOTAI, "1d", suspended_rows(WEEK[2], WEEK[3]))
    service.get(WEEK_REQUEST, wait_seconds=0)
    make_runner().run_all()
    request = DataRequest([MAOTAI], "1d", WEEK[0], WEEK[-1], fill="previous_close")
    frame = service.get(request, wait_seconds=0).frame
    assert dates_of(frame["time"]) == list(WEEK)
    assert frame["close"].tolist() == [10.0, 10.01, 10.01, 10.01, 10.02]
    assert frame["volume"].tolist() == [24_100, 24_100, 0, 0, 24_100]
    assert frame["suspended"].tolist() == [False, False, True, True, False]
