"""The data worker's runtime over the simulated terminal: static data, repair, reconnect, new trade date."""

from __future__ import annotations

import csv
import gzip
import os
import time
from collections.abc import Callable, Iterator
from datetime import date
from datetime import time as dt_time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from accounts.models import QmtHost
from marketdata.choices import Basis
from marketdata.models import DataSource, Evidence, Instrument, InstrumentDay
from marketdata.quotes.models import LatestQuote
from marketdata.quotes.periods import date_ts, ts_date
from marketdata.services import DataRequest, MarketDataService
from marketdata.services.reading import read_frame
from marketdata.terminal import DataTerminal
from marketdata.worker import DataRuntime, WorkerConfig, current_runtime, start_runtime
from ops.models import Job, ProcessHeartbeat
from qmt.calendar import load_sse_calendar, to_ms
from qmt.terminal.clock import ManualClock
from qmt.terminal.inprocess import InProcessTerminal
from qmt.terminal.replayed import ReplayedMarket
from tests.marketdata.conftest import set_clock

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"], transaction=True)]

FAST = WorkerConfig(turn=0.05, probe=0.1, poll=0.05, closing=0.2, backoff=(0.05,))
REAL_DATA = Path(os.environ.get("DESK_TEST_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))

# Real files look like this: four decimals, fractional lots, a day on which one instrument did not trade.
ROWS = """ts_code,trade_date,open,high,low,close,pre_close,vol,amount
600519.SH,20230313,1690.1234,1700.5,1680.25,1695.4567,1688.0,20815.55,3528565.822
600519.SH,20230314,1695.5,1702.0,1690.0,1700.1,1695.4567,19624.38,3306220.766
600519.SH,20230315,1700.0,1710.0,1695.0,1705.05,1700.1,18545.09,3154543.516
600519.SH,20230316,1705.0,1712.0,1700.0,1708.0,1705.05,12103.12,2103289.517
600519.SH,20230317,1708.0,1745.0,1707.0,1742.0,1708.0,30111.01,5203289.5
000001.SZ,20230313,12.4563,12.9975,12.4283,12.7829,12.4097,2081592.55,2856543.822
000001.SZ,20230314,12.8109,12.9322,12.3164,12.4377,12.7829,2962498.38,4006220.766
000001.SZ,20230316,12.4283,12.475,12.251,12.363,12.4377,1854509.48,2454543.516
000001.SZ,20230317,12.3257,12.4563,12.2697,12.4097,12.363,1210312.72,1603289.517
"""


def eventually(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.02)


@pytest.fixture
def replayed(tmp_path: Path) -> InProcessTerminal:
    path = tmp_path / "bars.csv"
    path.write_text(ROWS)
    return InProcessTerminal(market=ReplayedMarket(path, seed=1, calendar=load_sse_calendar()))


Starter = Callable[..., DataRuntime]


@pytest.fixture
def start(host: QmtHost) -> Iterator[Starter]:
    """Start a runtime over a terminal and wait for its first static sync."""

    def begin(terminal: InProcessTerminal, basis: Basis = Basis.FRONT_ADJUSTED) -> DataRuntime:
        gateway = terminal.quote_gateway()
        runtime = start_runtime(
            "sim",
            terminal=DataTerminal(lambda: gateway, lambda: "127.0.0.1:1", lambda: basis, "250807.1.2"),
            config=FAST,
        )
        eventually(lambda: DataSource.objects.exclude(static_trade_date=None).exists(), "static data")
        set_clock(host, runtime.clock())
        return runtime

    yield begin
    runtime = current_runtime()
    if runtime is not None:
        runtime.stop()


def test_worker_replayed_file_comes_back_value_for_value(replayed: InProcessTerminal, start: Starter) -> None:
    start(replayed)
    request = DataRequest(["600519.SH", "000001.SZ"], "1d", "20230313", "20230317")
    result = MarketDataService("sim").get(request, wait_seconds=20)
    assert result.complete
    lots = 100
    expected = [
        (
            row["ts_code"],
            *(float(row[name]) for name in ("open", "high", "low", "close", "pre_close")),
            int(Decimal(row["vol"]).to_integral_value()) * lots,
            pytest.approx(float(row["amount"]) * 1000, abs=0.005),
        )
        for row in csv.DictReader(ROWS.splitlines())
    ]
    names = ["symbol", "open", "high", "low", "close", "pre_close", "volume", "amount"]
    assert [tuple(row) for row in result.frame[names].to_numpy().tolist()] == expected
    gap = Evidence.objects.get()
    assert (gap.instrument.symbol, f"{gap.start_date:%Y%m%d}", f"{gap.end_date:%Y%m%d}", gap.reason) == (
        "000001.SZ",
        "20230315",
        "20230315",
        "SOURCE_EMPTY",
    )
    MarketDataService("sim").get(request, wait_seconds=0)
    assert Job.objects.count() == 1


def test_worker_minutes_of_a_replayed_day_add_up_to_it(replayed: InProcessTerminal, start: Starter) -> None:
    start(replayed)
    request = DataRequest(["600519.SH"], "1m", "20230317", "20230317")
    result = MarketDataService("sim").get(request, wait_seconds=20)
    assert result.complete
    assert result.frame["volume"].sum() == 3_011_100
    assert result.frame["high"].max() == 1745.0
    assert result.frame["low"].min() == 1707.0


def test_worker_writes_latest_quotes_and_a_heartbeat(replayed: InProcessTerminal, start: Starter) -> None:
    start(replayed)
    replayed.advance(6)
    eventually(lambda: LatestQuote.objects.count() == 2, "latest quotes")
    eventually(lambda: ProcessHeartbeat.objects.filter(name="session.data@sim").exists(), "heartbeat")
    detail = ProcessHeartbeat.objects.get(name="session.data@sim").detail
    assert detail["trade_date"] == "2023-03-20"


def test_worker_lost_link_is_rebuilt_and_the_job_goes_on(replayed: InProcessTerminal, start: Starter) -> None:
    start(replayed)
    replayed.stop()
    service = MarketDataService("sim")
    request = DataRequest(["600519.SH"], "1d", "20230313", "20230317")
    assert not service.get(request, wait_seconds=0.3).complete
    replayed.start()
    eventually(lambda: service.get(request, wait_seconds=0).complete, "repair after the reconnect")


def test_worker_new_trade_date_brings_new_limits(replayed: InProcessTerminal, start: Starter) -> None:
    start(replayed)
    before = InstrumentDay.objects.get(instrument__symbol="600519.SH")
    replayed.advance(6 * 3600, stride_seconds=60)
    clock = replayed.clock
    assert isinstance(clock, ManualClock)
    clock.set(to_ms(date(2023, 3, 21), dt_time(9, 0)))
    replayed.step()
    eventually(lambda: DataSource.objects.get().static_trade_date == date(2023, 3, 21), "facts of the next trade date")
    after = InstrumentDay.objects.get(instrument__symbol="600519.SH")
    assert (before.trade_date, after.trade_date) == (date(2023, 3, 20), date(2023, 3, 21))


def test_worker_second_runtime_in_one_process_is_refused(replayed: InProcessTerminal, start: Starter) -> None:
    start(replayed)
    with pytest.raises(RuntimeError, match="already runs"):
        start_runtime("sim", config=FAST)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_worker_whole_real_file_comes_back_value_for_value(start: Starter) -> None:
    """All instruments of the real file; skipped only where that file, which is not part of the project, is absent."""
    path = REAL_DATA / "ashare_daily.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there; set DESK_TEST_REAL_DATA to its folder")
    start(InProcessTerminal(market=ReplayedMarket(path, seed=1, calendar=load_sse_calendar())))
    with gzip.open(path, "rt") as file:
        rows = {(row["ts_code"], row["trade_date"]): row for row in csv.DictReader(file)}
    symbols = sorted({symbol for symbol, _day in rows})
    request = DataRequest(symbols, "1d", "20180101", "20230317")
    service = MarketDataService("sim")
    result = service.get(request, wait_seconds=300)
    assert result.complete
    assert len(result.frame) == len(rows)
    different = 0
    for bar in result.frame.to_dict("records"):
        row = rows[bar["symbol"], f"{ts_date(bar['time']):%Y%m%d}"]
        different += any(float(row[name]) != bar[name] for name in ("open", "high", "low", "close", "pre_close"))
        different += abs(float(row["vol"]) * 100 - bar["volume"]) > 50
        different += abs(float(row["amount"]) * 1000 - bar["amount"]) > 0.01
    assert different == 0
    days = sorted({day for _symbol, day in rows})
    lacking = {
        (row.symbol, day)
        for row in Instrument.objects.filter(symbol__in=symbols)
        for day in days
        if (row.symbol, day) not in rows and (row.list_date is None or f"{row.list_date:%Y%m%d}" <= day)
    }
    proven = {
        (row.instrument.symbol, day)
        for row in Evidence.objects.select_related("instrument").filter(reason="SOURCE_EMPTY")
        for day in days
        if f"{row.start_date:%Y%m%d}" <= day <= f"{row.end_date:%Y%m%d}"
    }
    assert proven == lacking
    assert Evidence.objects.exclude(reason="SOURCE_EMPTY").count() == 0
    jobs = Job.objects.count()
    assert service.get(request, wait_seconds=0).complete
    assert Job.objects.count() == jobs == 1
    query = service.resolve(DataRequest(symbols[:1], "1d", "20180102", "20180102"))
    assert np.array_equal(read_frame(query)["time"], [date_ts(query.start_date)])
