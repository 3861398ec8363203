"""Real bars through the replaying terminal, with everything going wrong on the way.

Afterwards the database equals the file, the gap scan is empty, and evidence names exactly the days the source lacks. A
sample of the file runs always, all of it with the slow tests; absent (the file is not part of the project), both are skipped.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from pytest_django.fixtures import Settings

from accounts.models import QmtHost
from desk.settings.marketdata_schema import MarketDataConfig
from marketdata.choices import Basis, RepairStatus
from marketdata.models import Evidence, Instrument, RepairItem, Sector
from marketdata.quotes import reader, store
from marketdata.quotes.models import QuoteSegment
from marketdata.quotes.periods import DAY_MS, Int64Array, Period, date_ts, day_date, day_number, day_numbers
from marketdata.services.axis import calendar_days
from marketdata.services.evidence import evidence_withdraw
from marketdata.services.gaps import find_gaps
from marketdata.services.outcome import Source
from marketdata.services.pace import Pace
from marketdata.services.queue import repair_request
from marketdata.services.runner import RepairRunner
from marketdata.services.static import static_sync
from ops.clocks import MarketClock, derive_market_clock, wall_now
from qmt.calendar import load_sse_calendar, midnight_ms
from qmt.errors import QueryFailed
from qmt.terminal.inprocess import InProcessTerminal
from qmt.terminal.market import Basis as FileBasis
from qmt.terminal.replayed import ReplayedMarket

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"])]

FILE = Path(os.environ.get("DESK_TEST_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / (
    "ashare_daily.csv.gz"
)
SEED = 20230317
PRICES = ("open", "high", "low", "close", "pre_close")


@dataclass
class Stage:
    """The file's rows, the terminal that replays them, and the platform beside it."""

    rows: pd.DataFrame
    terminal: InProcessTerminal
    chance: random.Random
    basis: Basis = Basis.FRONT_ADJUSTED

    def __post_init__(self) -> None:
        self.gateway = self.terminal.quote_gateway()
        self.gateway.connect("127.0.0.1:1")
        # The clock of the pace is the test's: a throttled terminal's rest passes at once.
        self.now = 0.0
        self.pace = Pace(lambda: MarketDataConfig().repair, sleep=lambda _seconds: None, now=lambda: self.now)
        static_sync(
            gateway=self.gateway,
            host="sim",
            reading=self.gateway.market_clock(),
            sdk_version="test",
            basis=self.basis,
            on_message=lambda _text: None,
        )
        symbols = sorted(self.rows["ts_code"].unique())
        self.instruments = list(Instrument.objects.filter(symbol__in=symbols).order_by("symbol"))
        self.ids = {row.symbol: row.pk for row in self.instruments}
        texts = self.rows["trade_date"]
        self.first, self.last = (date.fromisoformat(f"{t[:4]}-{t[4:6]}-{t[6:]}") for t in (texts.min(), texts.max()))

    def clock(self) -> MarketClock:
        reading, now = self.gateway.market_clock(), wall_now()
        return derive_market_clock(
            host="sim",
            trade_date=reading.trade_date,
            phase=reading.phase,
            offset_ms=reading.offset_ms,
            simulated=True,
            observed_at=now,
            now=now,
        )

    def repair(self, period: Period, first: date, last: date, symbols: list[str] | None = None) -> None:
        """Ask for what is missing, as often as somebody would whose repair failed, and work until nothing is due."""
        wanted = [row for row in self.instruments if symbols is None or row.symbol in symbols]
        for _request in range(4):
            gaps = find_gaps(wanted, period, first, last, clock=self.clock())
            if gaps.complete:
                return
            ranges = gaps.ranges()
            repair_request(ranges=ranges, days=dict.fromkeys(ranges, 1), period=period, host="sim")
            self.work()

    def work(self) -> None:
        """Work the queue until nothing is open; a terminal's rest passes at once."""
        runner = RepairRunner(
            gateway=self.gateway,
            source=Source("sim", "test", self.basis),
            holder="test",
            clock=self.clock,
            pace=self.pace,
        )
        for _turn in range(50):
            runner.run_all()
            if not RepairItem.objects.filter(status__in=(RepairStatus.PENDING, RepairStatus.RUNNING)).exists():
                return
            self.now += 3_600
        raise AssertionError("the repair does not end")

    def missing(self, period: Period, first: date, last: date, symbols: list[str] | None = None) -> int:
        wanted = [row for row in self.instruments if symbols is None or row.symbol in symbols]
        return find_gaps(wanted, period, first, last, clock=self.clock()).days_missing

    def stored(self) -> pd.DataFrame:
        """The stored day bars as the file spells them."""
        symbols = {key: symbol for symbol, key in self.ids.items()}
        rows = reader.read_bars(list(symbols), Period.DAY_1, date_ts(self.first), date_ts(self.last) + DAY_MS - 1)
        frame = pd.DataFrame({name: rows.values[name] for name in (*PRICES, "volume", "amount")})
        frame["ts_code"] = [symbols[key] for key in rows.instrument_id.tolist()]
        frame["trade_date"] = [f"{day_date(day):%Y%m%d}" for day in day_numbers(rows.ts).tolist()]
        return frame.sort_values(["ts_code", "trade_date"], ignore_index=True)

    def proven(self, period: Period, reasons: tuple[str, ...] = ("SOURCE_EMPTY",)) -> set[tuple[str, str]]:
        """(symbol, day) of every proven hole."""
        found = set()
        for row in Evidence.objects.filter(period=period.code, reason__in=reasons).select_related("instrument"):
            for day in calendar_days(day_number(row.start_date), day_number(row.end_date)).tolist():
                found.add((row.instrument.symbol, f"{day_date(day):%Y%m%d}"))
        return found

    def lacking(self, held: pd.DataFrame) -> set[tuple[str, str]]:
        """(symbol, trading day) from each instrument's listing on that `held` has no row of."""
        there = set(zip(held["ts_code"], held["trade_date"], strict=True))
        days = [day_date(day) for day in calendar_days(day_number(self.first), day_number(self.last)).tolist()]
        return {
            (row.symbol, f"{day:%Y%m%d}")
            for row in self.instruments
            for day in days
            if (row.list_date is None or row.list_date <= day) and (row.symbol, f"{day:%Y%m%d}") not in there
        }

    def lose(self, period: Period, symbol: str, keep: Callable[[Int64Array], npt.NDArray[np.bool_]]) -> None:
        """Take stored bars away, as if they had never come."""
        key = self.ids[symbol]
        rows = reader.read_bars([key], period, 0, 1 << 60)
        QuoteSegment.objects.filter(instrument_id=key, period=period).delete()
        kept = rows.take(keep(rows.ts))
        if len(kept):
            store.segments_merge(period=period, rows=kept)


def _days_but(lost: set[int], ts: Int64Array) -> npt.NDArray[np.bool_]:
    return ~np.isin(day_numbers(ts), list(lost))


def _stamps_but(lost: list[int], ts: Int64Array) -> npt.NDArray[np.bool_]:
    return ~np.isin(ts, lost)


def equal(stored: pd.DataFrame, held: pd.DataFrame) -> bool:
    """Whether the stored bars are the file's rows: prices exactly, volume to half a lot, amount to a fen."""
    held = held.sort_values(["ts_code", "trade_date"], ignore_index=True)
    keys = ["ts_code", "trade_date"]
    return bool(
        len(stored) == len(held)
        and (stored[keys].to_numpy() == held[keys].to_numpy()).all()
        and (stored[list(PRICES)].to_numpy() == held[list(PRICES)].to_numpy()).all()
        and (np.abs(stored["volume"] - held["vol"] * 100) <= 50).all()
        and (np.abs(stored["amount"] - held["amount"] * 1000) <= 0.01).all()
    )


@pytest.fixture
def quick_repair(settings: Settings) -> None:
    """No waiting between attempts, and batches that several are needed of."""
    settings.MARKETDATA = MarketDataConfig().changed(
        repair={
            "settle_seconds": 0.05,
            "settle_deadline_seconds": 2.0,
            "backoff_seconds": [0.0],
            "failed_cooldown_seconds": 0,
            "batch_symbols": 10,
        }
    )


@pytest.fixture
def stage(host: QmtHost, quick_repair: None, tmp_path: Path, request: pytest.FixtureRequest) -> Stage:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not there; set DESK_TEST_REAL_DATA to its folder")
    rows = pd.read_csv(FILE, dtype={"ts_code": str, "trade_date": str})
    path = FILE
    if request.param:
        symbols = random.Random(SEED).sample(sorted(rows["ts_code"].unique()), request.param)
        rows = rows[rows["ts_code"].isin(symbols) & (rows["trade_date"] >= "20220101")].reset_index(drop=True)
        path = tmp_path / "sample.csv"
        rows.to_csv(path, index=False)
    market = ReplayedMarket(path, seed=1, calendar=load_sse_calendar())
    return Stage(rows, InProcessTerminal(market=market), random.Random(SEED))


sample = pytest.mark.parametrize("stage", [12], indirect=True, ids=["sample"])
whole = pytest.mark.parametrize(
    "stage", [pytest.param(0, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])], indirect=True, ids=["whole"]
)


def days_through_trouble(stage: Stage) -> None:
    rows, chance, arm = stage.rows, stage.chance, stage.terminal.arm
    symbols = sorted(stage.ids)
    # The source lacks single days and stretches of every fourth instrument.
    gone: set[tuple[str, str]] = set()
    for symbol in symbols[::4]:
        days = sorted(rows.loc[rows["ts_code"] == symbol, "trade_date"])
        at = chance.randrange(len(days) - 10)
        single, stretch = chance.choice(days), days[at : at + 7]
        arm("holes", symbol, count=-1, message=f"{single},{stretch[0]}-{stretch[-1]}")
        gone |= {(symbol, day) for day in (single, *stretch)}
    for symbol in symbols[1::4]:
        arm("padding", symbol, count=2)
    arm("partial", "download", count=2)
    arm("slow_landing", "download", count=1, seconds=0.2)
    arm("fail", "download", count=1)
    arm("throttle", "download", count=2)

    stage.repair(Period.DAY_1, stage.first, stage.last)
    # Days that had come are lost again, some of them where the source has a hole now.
    for symbol in symbols[2::3]:
        lost = {
            day_number(date.fromisoformat(f"{d[:4]}-{d[4:6]}-{d[6:]}"))
            for d in chance.sample(sorted(rows.loc[rows["ts_code"] == symbol, "trade_date"]), 15)
        }
        stage.lose(Period.DAY_1, symbol, partial(_days_but, lost))
    arm("partial", "download", count=1)
    arm("padding", symbols[2], count=1)
    stage.repair(Period.DAY_1, stage.first, stage.last)

    keys = pd.MultiIndex.from_frame(rows[["ts_code", "trade_date"]])
    held = rows[~keys.isin(gone)]
    assert equal(stage.stored(), held)
    assert stage.missing(Period.DAY_1, stage.first, stage.last) == 0
    assert stage.proven(Period.DAY_1) == stage.lacking(held)
    assert not Evidence.objects.exclude(reason="SOURCE_EMPTY").exists()

    # The source finds its days again: the proofs are taken back, and the file is complete.
    stage.terminal.faults.clear()
    for symbol, day in gone:
        number = day_number(date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}"))
        evidence_withdraw(days={stage.ids[symbol]: np.array([number])}, period=Period.DAY_1)
    stage.repair(Period.DAY_1, stage.first, stage.last)
    assert equal(stage.stored(), rows)
    assert stage.proven(Period.DAY_1) == stage.lacking(rows)


@sample
def test_days_of_a_sample_come_back_whatever_goes_wrong(stage: Stage) -> None:
    days_through_trouble(stage)


@whole
def test_days_of_the_whole_file_come_back_whatever_goes_wrong(stage: Stage) -> None:
    days_through_trouble(stage)


@sample
def test_minutes_come_back_whatever_goes_wrong(stage: Stage) -> None:
    symbols = sorted(stage.ids)[:4]
    days = [day_date(day) for day in calendar_days(day_number(stage.last) - 13, day_number(stage.last)).tolist()]
    first, last = days[0], days[-1]
    lacks_minutes, lacks_day = symbols[0], symbols[1]
    arm = stage.terminal.arm
    arm(
        "holes",
        lacks_minutes,
        count=-1,
        message=",".join(f"{days[2]:%Y%m%d}{hhmm}" for hhmm in ("0945", "1030", "1400")),
    )
    arm("padding", symbols[2], count=2)
    arm("partial", "download", count=2)
    arm("slow_landing", "download", count=1, seconds=0.2)

    stage.repair(Period.MINUTE_1, first, last, symbols)
    # Random minutes are lost from what is stored; the day's count gives them away.
    for symbol in symbols[2:]:
        rows = reader.read_bars([stage.ids[symbol]], Period.MINUTE_1, 0, 1 << 60, columns=[]).ts.tolist()
        lost = stage.chance.sample(rows, 40)
        stage.lose(Period.MINUTE_1, symbol, partial(_stamps_but, lost))
    arm("holes", lacks_day, count=-1, message=f"{days[4]:%Y%m%d}")
    stage.lose(Period.MINUTE_1, lacks_day, lambda ts: day_numbers(ts) != day_number(days[4]))
    stage.repair(Period.MINUTE_1, first, last, symbols)

    assert stage.missing(Period.MINUTE_1, first, last, symbols) == 0
    market = stage.terminal.terminal.market
    absent = {
        lacks_minutes: {
            midnight_ms(days[2]) + (int(t[:2]) * 60 + int(t[2:])) * 60_000 for t in ("0945", "1030", "1400")
        },
        lacks_day: set(range(midnight_ms(days[4]), midnight_ms(days[4]) + DAY_MS, 60_000)),
    }
    for symbol in symbols:
        now_ms = stage.terminal.terminal.now_ms()
        told = market.bars(symbol, "1m", midnight_ms(first), midnight_ms(last) + DAY_MS - 1, now_ms=now_ms)
        told = told[~np.isin(told["time"], list(absent.get(symbol, ())))]
        have = reader.read_bars(
            [stage.ids[symbol]], Period.MINUTE_1, midnight_ms(first), midnight_ms(last) + DAY_MS - 1
        )
        assert have.ts.tolist() == told["time"].tolist()
        assert have.values["close"].tolist() == told["close"].tolist()
        assert have.values["volume"].tolist() == (told["volume"] * 100).tolist()
    assert stage.proven(Period.MINUTE_1) >= {(lacks_minutes, f"{days[2]:%Y%m%d}"), (lacks_day, f"{days[4]:%Y%m%d}")}


@sample
def test_sector_with_a_wrong_name_is_refused_and_the_bars_do_not_need_it(stage: Stage) -> None:
    with pytest.raises(QueryFailed):
        stage.gateway.sector_members("沪深A股 ")
    assert not Sector.objects.filter(name="沪深A股 ").exists()
    stage.repair(Period.DAY_1, stage.first, stage.last)
    assert equal(stage.stored(), stage.rows)


# ------------------------------------------------------------------------- the minute files
def minutes_stage(name: str) -> tuple[Stage, pd.DataFrame]:
    """A terminal that replays a file of minutes, and the file's rows with their stamps."""
    path = FILE.with_name(name)
    if not path.exists():
        pytest.skip(f"{path} is not there; set DESK_TEST_REAL_DATA to its folder")
    file = pd.read_csv(path).rename(columns={"成交额": "amount"})
    stamps = pd.to_datetime(file["datetime"]).dt.tz_localize("Asia/Shanghai").dt.as_unit("ms")
    file["ts"] = stamps.astype("int64")
    days = pd.DataFrame({"ts_code": "600519.SH", "trade_date": sorted(stamps.dt.strftime("%Y%m%d").unique())})
    market = ReplayedMarket(path, seed=1, calendar=load_sse_calendar(), basis=FileBasis.RAW)
    return Stage(days, InProcessTerminal(market=market), random.Random(SEED), Basis.RAW), file


def minutes_equal(stage: Stage, period: Period, held: pd.DataFrame) -> bool:
    """Whether the stored minutes are the file's rows: stamps, prices, volume, amount."""
    rows = reader.read_bars([stage.ids["600519.SH"]], period, 0, 1 << 60)
    return (
        rows.ts.tolist() == held["ts"].tolist()
        and all(rows.values[name].tolist() == held[name].tolist() for name in ("open", "high", "low", "close"))
        and rows.values["volume"].tolist() == (held["volume"] * 100).tolist()
        and rows.values["amount"].tolist() == held["amount"].tolist()
    )


@pytest.mark.usefixtures("host", "quick_repair")
def test_five_minutes_of_the_real_file_come_back_whatever_goes_wrong() -> None:
    stage, file = minutes_stage("600519_5min.csv")
    arm, chance, days = stage.terminal.arm, stage.chance, stage.rows["trade_date"].tolist()
    gone_day, thin_day = chance.sample(days, 2)
    gone = [
        int(stamp)
        for stamp in chance.sample(
            file.loc[file["datetime"].str.replace("-", "").str[:8] == thin_day, "ts"].tolist(), 3
        )
    ]
    edges = [f"{pd.Timestamp(stamp, unit='ms', tz='Asia/Shanghai'):%Y%m%d%H%M}" for stamp in gone]
    arm("holes", "600519.SH", count=-1, message=",".join([gone_day, *edges]))
    arm("padding", "600519.SH", count=2)
    arm("partial", "download", count=2)
    arm("slow_landing", "download", count=1, seconds=0.2)
    arm("fail", "download", count=1)
    stage.repair(Period.MINUTE_5, stage.first, stage.last)
    stored = reader.read_bars([stage.ids["600519.SH"]], Period.MINUTE_5, 0, 1 << 60, columns=[]).ts.tolist()
    # What is proven is not asked for again before its re-check: of that day nothing is lost.
    proven = day_number(date.fromisoformat(f"{thin_day[:4]}-{thin_day[4:6]}-{thin_day[6:]}"))
    full = [stamp for stamp, day in zip(stored, day_numbers(np.array(stored)).tolist(), strict=True) if day != proven]
    stage.lose(Period.MINUTE_5, "600519.SH", partial(_stamps_but, chance.sample(full, 60)))
    stage.repair(Period.MINUTE_5, stage.first, stage.last)

    of_gone_day = file["datetime"].str.replace("-", "").str[:8] == gone_day
    assert minutes_equal(stage, Period.MINUTE_5, file[~of_gone_day & ~file["ts"].isin(gone)])
    assert stage.missing(Period.MINUTE_5, stage.first, stage.last) == 0
    assert {day for _symbol, day in stage.proven(Period.MINUTE_5)} == {gone_day, thin_day}


@pytest.mark.usefixtures("host", "quick_repair")
def test_real_minutes_without_opens_are_refused_and_the_day_with_them_is_stored() -> None:
    stage, file = minutes_stage("600519_1min.csv")
    stage.terminal.arm("partial", "download", count=1)
    stage.repair(Period.MINUTE_1, stage.first, stage.last)
    held = file[file["open"] > 0]
    assert held["datetime"].str[:10].unique().tolist() == ["2026-03-27"]
    assert minutes_equal(stage, Period.MINUTE_1, held)
    assert stage.missing(Period.MINUTE_1, stage.first, stage.last) == 4
    assert not Evidence.objects.exists()
