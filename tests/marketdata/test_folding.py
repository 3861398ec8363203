"""Longer bars from stored ones, by hand and against a vendor's files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from accounts.models import QmtHost
from marketdata.choices import EvidenceReason
from marketdata.models import DividendFactor, Holiday, Instrument, TradingDay
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.models import LatestQuote
from marketdata.quotes.periods import MINUTE_MS, Period, date_ts, day_number, fold_labels, ts_date
from marketdata.quotes.store import segments_merge
from marketdata.services import DataRequest, MarketDataService
from marketdata.services.axis import minute_labels
from marketdata.services.evidence import Proof, evidence_record
from marketdata.services.folding import FOLDS, Fold, Unit, fold_frame
from marketdata.services.landed import Landed
from marketdata.services.validation import Checks, Trouble, check_bars
from qmt.calendar import load_sse_calendar
from qmt.terminal.seeded import SeededMarket
from tests.marketdata.conftest import MAOTAI, RunnerFactory, set_clock
from tests.marketdata.fakes import TODAY, WEEK, FakeTerminal, clock_at, day_bars, minute_bars

pytestmark = [pytest.mark.django_db(databases=["default", "quotes"])]

REAL_DATA = Path(os.environ.get("DESK_TEST_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
FIVE_MINUTES = Fold("5m", Period.MINUTE_1, Unit.MINUTES, 5)
DAY = WEEK[0]


def at(text: str, day: date = DAY) -> int:
    hour, minute = text.split(":")
    return date_ts(day) + (int(hour) * 60 + int(minute)) * MINUTE_MS


def texts(stamps: Sequence[int], day: date = DAY) -> list[str]:
    minutes = [(int(stamp) - date_ts(day)) // MINUTE_MS for stamp in stamps]
    return [f"{minute // 60:02}:{minute % 60:02}" for minute in minutes]


def stored_frame(frame: pd.DataFrame, instrument_id: int = 1) -> pd.DataFrame:
    return frame.rename(columns={"time": "ts"}).assign(instrument_id=instrument_id)


# ------------------------------------------------------------------------------ minutes
def test_fold_five_minute_labels_are_the_48_of_the_stored_period() -> None:
    labels = fold_labels(date_ts(DAY) + minute_labels(), 5)
    assert np.array_equal(np.unique(labels) - date_ts(DAY), minute_labels(Period.MINUTE_5))
    assert len(minute_labels(Period.MINUTE_5)) == 48


@pytest.mark.parametrize(
    ("period", "labels"),
    [
        ("60m", ["10:30", "11:30", "14:00", "15:00"]),
        ("30m", ["10:00", "10:30", "11:00", "11:30", "13:30", "14:00", "14:30", "15:00"]),
    ],
)
def test_fold_labels_are_right_edges_that_never_span_lunch(period: str, labels: list[str]) -> None:
    folded = fold_frame(stored_frame(minute_bars(DAY)), FOLDS[period], DAY)
    assert texts(folded["ts"].tolist()) == labels


def test_fold_first_bar_holds_the_auction_as_well() -> None:
    folded = fold_frame(stored_frame(minute_bars(DAY, volume=100)), FOLDS["15m"], DAY)
    assert len(folded) == 16
    assert folded["volume"].tolist() == [1600] + [1500] * 15


def test_fold_takes_first_open_highest_lowest_last_and_sums() -> None:
    frame = minute_bars(DAY).iloc[:6].assign(
        open=[10.0, 10.1, 10.2, 10.3, 10.4, 10.5],
        high=[10.2, 10.9, 10.3, 10.4, 10.5, 10.6],
        low=[9.9, 10.0, 9.7, 10.2, 10.3, 10.4],
        close=[10.1, 10.2, 10.3, 10.4, 10.5, 10.55],
        volume=[1, 2, 3, 4, 5, 6],
        amount=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        pre_close=[9.8, 10.1, 10.2, 10.3, 10.4, 10.5],
    )  # fmt: skip
    (bar,) = fold_frame(stored_frame(frame), FIVE_MINUTES, DAY).to_dict("records")
    assert texts([bar["ts"]]) == ["09:35"]
    assert [bar[name] for name in ("open", "high", "low", "close")] == [10.0, 10.9, 9.7, 10.55]
    assert (bar["volume"], bar["amount"], bar["pre_close"]) == (21, 2.1, 9.8)


def test_fold_instruments_do_not_run_into_each_other() -> None:
    both = pd.concat([stored_frame(minute_bars(DAY), 1), stored_frame(minute_bars(DAY, price=20.0), 2)])
    folded = fold_frame(both, FOLDS["60m"], DAY)
    assert folded["instrument_id"].tolist() == [1] * 4 + [2] * 4
    assert folded["open"].tolist() == [10.0] * 4 + [20.0] * 4


def test_fold_of_the_simulated_terminals_minutes_is_its_five_minutes() -> None:
    market = SeededMarket(seed=1, calendar=load_sse_calendar())
    span = (date_ts(date(2024, 3, 4)), date_ts(date(2024, 3, 9)))
    one, five = (market.bars(MAOTAI, period, *span, now_ms=span[1]) for period in ("1m", "5m"))
    names = {"time": "ts", "preClose": "pre_close"}
    columns = ["time", "open", "high", "low", "close", "volume", "amount", "preClose"]
    ours = fold_frame(
        pd.DataFrame({names.get(name, name): one[name] for name in columns}).assign(instrument_id=1), FIVE_MINUTES, DAY
    )
    assert len(ours) == 5 * 48
    for name in columns:
        assert ours[names.get(name, name)].tolist() == five[name].tolist(), name


# ----------------------------------------------------------------------- a vendor's files
@pytest.fixture
def vendor() -> tuple[pd.DataFrame, pd.DataFrame]:
    """One- and five-minute files of one vendor; skipped only where they, no part of the project, are absent."""
    paths = [REAL_DATA / name for name in ("600519_1min.csv", "600519_5min.csv")]
    if not all(path.exists() for path in paths):
        pytest.skip(f"{paths[0]} is not there; set DESK_TEST_REAL_DATA to its folder")
    one, five = (pd.read_csv(path).rename(columns={"成交额": "amount"}) for path in paths)
    for frame in (one, five):
        stamps = pd.to_datetime(frame["datetime"]).dt.tz_localize("Asia/Shanghai")
        frame["time"] = (
            stamps.astype("int64") // 10**6 if stamps.dt.unit == "ns" else stamps.dt.as_unit("ms").astype("int64")
        )
    return one, five


def test_fold_of_the_vendors_minutes_is_the_vendors_five_minutes(vendor: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    one, five = vendor
    columns = ["time", "open", "high", "low", "close", "volume", "amount"]
    ours = fold_frame(stored_frame(one[columns]), FIVE_MINUTES, date(2026, 3, 27)).set_index("ts")
    theirs = five[five["time"].isin(ours.index)].set_index("time")
    ours = ours.loc[theirs.index]
    assert len(theirs) == 5 * 48
    for name in ("high", "low", "close", "amount"):
        assert ours[name].tolist() == theirs[name].tolist(), name
    assert (ours["volume"] - theirs["volume"]).abs().max() <= 1
    has_open = ours["open"] > 0
    assert {ts_date(stamp) for stamp in ours.index[has_open]} == {date(2026, 3, 27)}
    assert has_open.sum() == 48
    assert ours["open"][has_open].tolist() == theirs["open"][has_open].tolist()


def test_check_reports_the_missing_opens_of_the_vendors_minutes(vendor: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    one, _five = vendor
    days = np.array([day_number(date(2026, 3, day)) for day in range(23, 28)])
    frame = one[["time", "open", "high", "low", "close", "volume", "amount"]]
    landed = Landed.of_frames({1: frame.assign(pre_close=np.nan, suspended=0)})
    checked = check_bars(landed, Checks(days, minute_labels()))
    assert dict(checked.verdicts[1].rejected) == {Trouble.OPEN_MISSING: 4 * 241}
    assert len(checked.rows) == 241
    assert checked.verdicts[1].doubtful_days.tolist() == days[:4].tolist()


# ------------------------------------------------------------------- weeks, months, years
@pytest.fixture
def spring(calendar: None) -> list[date]:
    """Trading days of 2023-03-06 … 2023-04-14 but the Qingming holiday, some of which the fixtures have already."""
    days = [day.date() for day in pd.bdate_range("2023-03-06", "2023-04-14") if day.date() != date(2023, 4, 5)]
    TradingDay.objects.bulk_create([TradingDay(market="SH", date=day) for day in days if day not in (*WEEK, TODAY)])
    Holiday.objects.create(date=date(2023, 4, 5))
    return days


def days_frame(days: Sequence[date]) -> pd.DataFrame:
    return stored_frame(day_bars(days)).assign(partial=False)


def test_fold_weeks_carry_their_last_trading_day(spring: list[date]) -> None:
    folded = fold_frame(days_frame(spring), FOLDS["1w"], date(2023, 4, 14))
    assert [ts_date(stamp) for stamp in folded["ts"]] == [date(2023, 3, day) for day in (10, 17, 24, 31)] + [
        date(2023, 4, 7),
        date(2023, 4, 14),
    ]
    assert folded["volume"].tolist() == [5 * 24_100] * 4 + [4 * 24_100] + [5 * 24_100]
    assert folded["partial"].tolist() == [False] * 6


def test_fold_months_and_quarters_split_at_their_ends(spring: list[date]) -> None:
    months = fold_frame(days_frame(spring), FOLDS["1mon"], date(2023, 4, 14))
    assert [ts_date(stamp) for stamp in months["ts"]] == [date(2023, 3, 31), date(2023, 4, 14)]
    assert months["partial"].tolist() == [False, True]
    assert months["open"].tolist() == [10.0, 10.2]
    quarters = fold_frame(days_frame(spring), FOLDS["1q"], date(2023, 4, 14))
    assert [ts_date(stamp) for stamp in quarters["ts"]] == [date(2023, 3, 31), date(2023, 4, 14)]


def test_fold_year_is_one_bar(spring: list[date]) -> None:
    (bar,) = fold_frame(days_frame(spring), FOLDS["1y"], date(2023, 4, 14)).to_dict("records")
    assert (bar["open"], bar["close"], bar["partial"]) == (10.0, 10.28, True)


def test_fold_week_before_a_holiday_friday_is_whole_on_its_thursday(spring: list[date]) -> None:
    Holiday.objects.create(date=date(2023, 3, 10))
    folded = fold_frame(days_frame(spring[:4]), FOLDS["1w"], date(2023, 3, 9))
    assert (ts_date(folded["ts"][0]), bool(folded["partial"][0])) == (date(2023, 3, 9), False)


def test_fold_a_flat_day_counts_only_where_nothing_else_is_in_the_bar(spring: list[date]) -> None:
    frame = days_frame(spring[:10]).assign(suspended=[False] * 4 + [True] * 6)
    frame.loc[4:, ["open", "high", "low", "close"]] = 99.0
    frame.loc[4:, "volume"] = 0
    folded = fold_frame(frame, FOLDS["1w"], date(2023, 3, 17))
    assert folded["high"].tolist() == [pytest.approx(10.08), 99.0]
    assert folded["suspended"].tolist() == [False, True]


# ------------------------------------------------------------------------- the service
def store(instrument: Instrument, period: Period, frame: pd.DataFrame) -> None:
    values = frame.drop(columns="suspended").rename(columns={"time": "ts"})
    segments_merge(period=period, rows=QuoteColumns.from_frame(BAR, values, instrument_id=instrument.pk))


def test_service_weeks_are_folded_from_adjusted_days(
    maotai: Instrument, service: MarketDataService, spring: list[date]
) -> None:
    days = spring[:10]
    store(maotai, Period.DAY_1, day_bars(days))
    # Half of every price before the ex-date, which lies within the first week.
    DividendFactor.objects.create(instrument=maotai, date=days[2], stock_bonus=1.0, dr=2.0)
    request = DataRequest([MAOTAI], "1w", days[0], days[-1], adjust="front", fields=["open", "high", "close"])
    result = service.get(request, wait_seconds=0)
    assert result.complete
    assert result.frame.to_dict("list") == {
        "symbol": [MAOTAI, MAOTAI],
        "time": [date_ts(date(2023, 3, 10)), date_ts(date(2023, 3, 17))],
        "open": [5.0, 10.05],
        "high": [10.09, 10.14],
        "close": [10.04, 10.09],
        "partial": [False, False],
    }
    assert (result.source["stored_period"], result.source["folded"]) == ("1d", "1w from 1d, adjusted before: front")


def test_service_range_within_a_week_is_repaired_from_its_monday(
    maotai: Instrument, service: MarketDataService
) -> None:
    request = DataRequest([MAOTAI], "1w", WEEK[2], WEEK[4])
    assert service.get(request, wait_seconds=0).readiness.missing_days == 5


def test_service_range_end_is_never_looked_beyond(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    frame = service.get(DataRequest([MAOTAI], "1w", WEEK[0], WEEK[2]), wait_seconds=0).frame
    assert frame[["time", "close", "partial"]].to_numpy().tolist() == [[date_ts(WEEK[2]), 10.02, True]]


def test_service_minute_bar_in_progress_is_not_answered(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.MINUTE_1, minute_bars(DAY))
    frame = service.get(DataRequest([MAOTAI], "15m", "20230313094600", "20230313101400"), wait_seconds=0).frame
    assert texts(frame["time"].tolist()) == ["10:00"]


def test_service_count_reaches_back_over_folded_bars(maotai: Instrument, service: MarketDataService) -> None:
    for day in WEEK[3:]:
        store(maotai, Period.MINUTE_1, minute_bars(day))
    frame = service.get(DataRequest([MAOTAI], "60m", end=WEEK[-1], count=3), wait_seconds=0).frame
    assert texts(frame["time"].tolist(), WEEK[-1]) == ["11:30", "14:00", "15:00"]


def test_service_five_minutes_are_downloaded_stored_and_proven_by_the_day(
    maotai: Instrument, terminal: FakeTerminal, service: MarketDataService, make_runner: RunnerFactory
) -> None:
    five = fold_frame(stored_frame(minute_bars(DAY)), FIVE_MINUTES, DAY).rename(columns={"ts": "time"})
    terminal.put(MAOTAI, "1d", day_bars(WEEK))
    # A bar without trade is absent: the others hold the day's whole volume.
    terminal.put(MAOTAI, "5m", five.drop(columns="instrument_id").drop(index=10).assign(volume=[24_100] + [0] * 46))
    request = DataRequest([MAOTAI], "5m", DAY, DAY)
    service.get(request, wait_seconds=0)
    make_runner().run_all()
    result = service.get(request, wait_seconds=0)
    assert (result.complete, result.evidence, len(result.frame)) == (True, {"NO_TRADE": 1}, 47)
    assert {call[1] for call in terminal.downloads} == {"1d", "5m"}
    assert result.source["hosts"] == "sim"


# -------------------------------------------------------------------------- suspensions
def suspended(instrument: Instrument, days: Sequence[date], period: Period) -> None:
    evidence_record(
        proofs=[Proof(instrument.pk, np.array([day_number(day) for day in days]), EvidenceReason.SUSPENDED)],
        period=period,
        calendar=np.array([day_number(day) for day in (*WEEK, TODAY)]),
        host="sim",
        sdk_version="x",
    )


def test_fill_a_suspended_day_has_flat_folded_minutes(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.MINUTE_1, minute_bars(WEEK[0]))
    suspended(maotai, WEEK[1:2], Period.MINUTE_1)
    request = DataRequest([MAOTAI], "60m", WEEK[0], WEEK[1], fill="previous_close")
    frame = service.get(request, wait_seconds=0).frame.iloc[4:]
    assert texts(frame["time"].tolist(), WEEK[1]) == ["10:30", "11:30", "14:00", "15:00"]
    assert frame[["open", "close", "volume"]].to_numpy().tolist() == [[10.0, 10.0, 0.0]] * 4
    assert frame["suspended"].all()


def test_fill_does_not_widen_a_week_that_traded(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.DAY_1, pd.concat([day_bars(WEEK[:1], price=12.0), day_bars(WEEK[3:])]))
    suspended(maotai, WEEK[1:3], Period.DAY_1)
    request = DataRequest([MAOTAI], "1w", WEEK[0], WEEK[-1], fill="previous_close", fields=["low", "suspended"])
    frame = service.get(request, wait_seconds=0).frame
    assert frame[["low", "suspended"]].to_numpy().tolist() == [[9.95, False]]


# ------------------------------------------------------------------------- the open day
def quote(instrument: Instrument, **changes: object) -> None:
    facts: dict[str, object] = {
        "ts": at("10:00", TODAY),
        "last": 10.4,
        "open": 10.1,
        "high": 10.5,
        "low": 10.0,
        "pre_close": 10.04,
        "volume": 5_000,
        "amount": 51_000.0,
        "received_at": 1,
    }
    LatestQuote.objects.create(instrument_id=instrument.pk, **(facts | changes))


OPEN_DAY = DataRequest([MAOTAI], "1d", WEEK[0], TODAY, fields=["open", "close", "volume", "pre_close"], open_day=True)


def test_open_day_bar_is_the_latest_quote_marked_partial(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    quote(maotai)
    result = service.get(OPEN_DAY, wait_seconds=0)
    assert result.complete
    assert result.frame.iloc[-1].to_dict() == {
        "symbol": MAOTAI,
        "time": date_ts(TODAY),
        "open": 10.1,
        "close": 10.4,
        "volume": 5_000,
        "pre_close": 10.04,
        "partial": True,
    }
    assert result.frame["partial"].tolist() == [False] * 5 + [True]
    assert result.source["open_day"] == TODAY.isoformat()


def test_open_day_bar_is_left_out_unless_asked_for(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    quote(maotai)
    frame = service.get(DataRequest([MAOTAI], "1d", WEEK[0], TODAY), wait_seconds=0).frame
    assert ts_date(int(frame["time"].max())) == WEEK[-1]
    assert "partial" not in frame.columns


@pytest.mark.parametrize("stale", [{"ts": at("15:00", WEEK[-1])}, {"volume": 0}, {"open": 0.0}])
def test_open_day_quote_without_todays_trades_makes_no_bar(
    maotai: Instrument, service: MarketDataService, stale: dict[str, object]
) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    quote(maotai, **stale)
    assert len(service.get(OPEN_DAY, wait_seconds=0).frame) == 5


def test_open_day_after_the_close_is_a_gap_and_no_quote(
    maotai: Instrument, service: MarketDataService, host: QmtHost
) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    quote(maotai)
    set_clock(host, clock_at("2023-03-20 15:31:00"))
    result = service.get(OPEN_DAY, wait_seconds=0)
    assert (len(result.frame), result.readiness.missing_days) == (5, 1)


def test_open_day_is_part_of_the_week_so_far(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    quote(maotai)
    request = DataRequest([MAOTAI], "1w", WEEK[0], TODAY, fields=["close"], open_day=True)
    frame = service.get(request, wait_seconds=0).frame
    assert frame[["time", "close", "partial"]].to_numpy().tolist() == [
        [date_ts(WEEK[-1]), 10.04, False],
        [date_ts(TODAY), 10.4, True],
    ]


def test_open_day_prices_are_adjusted_with_the_others(maotai: Instrument, service: MarketDataService) -> None:
    store(maotai, Period.DAY_1, day_bars(WEEK))
    quote(maotai)
    DividendFactor.objects.create(instrument=maotai, date=TODAY, stock_bonus=1.0, dr=2.0)
    request = DataRequest([MAOTAI], "1d", WEEK[-1], TODAY, adjust="back", fields=["close"], open_day=True)
    assert service.get(request, wait_seconds=0).frame["close"].tolist() == [10.04, 20.8]
