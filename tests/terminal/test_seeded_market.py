"""The seeded market: deterministic, consistent, within the rules."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from qmt.calendar import TradingCalendar, midnight_ms, to_ms
from qmt.codes import Board, Kind
from qmt.terminal.market import Basis
from qmt.terminal.seeded import HISTORY_START, SeededMarket
from qmt.terminal.types import TradingStatus
from tests.terminal.desk import at

DAY = dt.date(2026, 11, 18)
NEXT = dt.date(2026, 11, 19)
EVENING = at("16:00")
OPEN_END = 1 << 62


def test_catalogue_of_the_market_covers_every_board(seeded: SeededMarket) -> None:
    instruments = seeded.instruments()
    assert len(instruments) >= 60
    assert {one.board for one in instruments} == set(Board) - {Board.OTHER}
    assert {"600519.SH", "000001.SZ", "300750.SZ", "688981.SH", "000300.SH", "399001.SZ"} <= {
        one.symbol for one in instruments
    }
    assert any(one.kind is Kind.ETF and one.t_plus == 0 for one in instruments)
    assert seeded.basis is Basis.RAW


def test_market_of_one_seed_is_the_same_twice_whatever_is_asked_first(
    seeded: SeededMarket, calendar: TradingCalendar
) -> None:
    other = SeededMarket(seed=7, calendar=calendar)
    other.bars("600519.SH", "1d", 0, OPEN_END, now_ms=at("16:00", dt.date(2024, 5, 6)))  # grow in another order
    for period, start in (("1d", 0), ("1m", midnight_ms(DAY))):
        first = seeded.bars("600519.SH", period, start, OPEN_END, now_ms=EVENING)
        assert (other.bars("600519.SH", period, start, OPEN_END, now_ms=EVENING) == first).all()


def test_market_of_another_seed_differs(seeded: SeededMarket, calendar: TradingCalendar) -> None:
    other = SeededMarket(seed=8, calendar=calendar)
    first = seeded.bars("600519.SH", "1d", 0, OPEN_END, now_ms=EVENING)["close"]
    second = other.bars("600519.SH", "1d", 0, OPEN_END, now_ms=EVENING)["close"]
    assert (first != second).any()
    assert other.identity != seeded.identity


def test_history_of_an_old_listing_reaches_back_three_years(seeded: SeededMarket, calendar: TradingCalendar) -> None:
    bars = seeded.bars("000001.SZ", "1d", 0, OPEN_END, now_ms=EVENING)
    days = calendar.between(HISTORY_START, DAY)
    assert bars["time"].tolist() == [midnight_ms(day) for day in days]


def test_daily_bars_of_every_instrument_obey_limits_and_ticks(seeded: SeededMarket) -> None:
    for instrument in seeded.instruments():
        bars = seeded.bars(instrument.symbol, "1d", to_ms(dt.date(2026, 6, 1), dt.time()), OPEN_END, now_ms=EVENING)
        assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
        assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
        milli = np.round(bars["close"] * 1000).astype(int)
        assert (milli % instrument.tick_milli == 0).all()
        for bar in bars[-12:]:
            facts = seeded.day_facts(
                instrument.symbol, dt.date.fromordinal(int(bar["time"] + 8 * 3_600_000) // 86_400_000 + 719_163)
            )
            assert facts is not None
            assert round(float(bar["preClose"]) * 1000) == facts.pre_close_milli
            if facts.limit_up_milli is not None and facts.limit_down_milli is not None:
                assert facts.limit_down_milli <= round(float(bar["low"]) * 1000)
                assert round(float(bar["high"]) * 1000) <= facts.limit_up_milli


@pytest.mark.parametrize("symbol", ["600519.SH", "688981.SH", "510300.SH", "113052.SH", "920185.BJ", "000300.SH"])
def test_minutes_of_past_days_add_up_to_the_day_bars(seeded: SeededMarket, symbol: str) -> None:
    start = midnight_ms(dt.date(2026, 11, 2))
    days = seeded.bars(symbol, "1d", start, OPEN_END, now_ms=EVENING)
    days = days[days["volume"] > 0]
    minutes = seeded.bars(symbol, "1m", start, OPEN_END, now_ms=EVENING).reshape(len(days), 241)
    assert (minutes["volume"].sum(axis=1) == days["volume"]).all()
    assert np.array_equal(np.round(minutes["amount"].sum(axis=1), 2), days["amount"])
    assert (minutes["open"][:, 0] == days["open"]).all()
    assert (minutes["high"].max(axis=1) == days["high"]).all()
    assert (minutes["low"].min(axis=1) == days["low"]).all()
    assert (minutes["close"][:, -1] == days["close"]).all()


def test_average_price_of_a_minute_lies_between_low_and_high(seeded: SeededMarket) -> None:
    minutes = seeded.bars("600519.SH", "1m", midnight_ms(dt.date(2026, 11, 2)), OPEN_END, now_ms=EVENING)
    traded = minutes[minutes["volume"] > 0]
    average = traded["amount"] / (traded["volume"] * 100)
    assert (average >= traded["low"] - 1e-6).all()
    assert (average <= traded["high"] + 1e-6).all()


@pytest.mark.parametrize("period", ["1d", "5m", "1m"])
def test_live_bars_after_the_close_equal_tomorrows_history(seeded: SeededMarket, period: str) -> None:
    window = (midnight_ms(DAY), midnight_ms(NEXT) - 1)
    for symbol in ("600519.SH", "002594.SZ", "159915.SZ"):
        live = seeded.bars(symbol, period, *window, now_ms=at("15:00:00"))
        history = seeded.bars(symbol, period, *window, now_ms=at("10:00", NEXT))
        assert (live == history).all()


def test_live_minutes_at_any_moment_are_a_prefix_of_the_day(seeded: SeededMarket) -> None:
    whole = seeded.bars("600519.SH", "1m", midnight_ms(DAY), OPEN_END, now_ms=EVENING)
    for time in ("09:25:00", "09:30:30", "10:00:00", "10:00:01", "11:29:58", "12:00:00", "13:00:02", "14:59:00"):
        live = seeded.bars("600519.SH", "1m", midnight_ms(DAY), OPEN_END, now_ms=at(time))
        assert (live[:-1] == whole[: len(live) - 1]).all()
        assert live["time"][-1] == whole["time"][len(live) - 1]
        assert live["volume"][-1] <= whole["volume"][len(live) - 1]


def test_ticks_of_a_day_end_where_the_day_bar_ends(seeded: SeededMarket) -> None:
    ticks = seeded.ticks("600519.SH", DAY, now_ms=EVENING)
    day = seeded.bars("600519.SH", "1d", midnight_ms(DAY), OPEN_END, now_ms=EVENING)[0]
    assert len(ticks) == 4801
    assert (np.diff(ticks["time"]) > 0).all()
    assert (np.diff(ticks["pvolume"]) >= 0).all()
    assert (np.diff(ticks["amount"]) >= 0).all()
    last = ticks[-1]
    for tick_field, bar_field in (
        ("lastPrice", "close"), ("open", "open"), ("high", "high"), ("low", "low"), ("volume", "volume"),
        ("amount", "amount"), ("lastClose", "preClose"),
    ):  # fmt: skip
        assert last[tick_field] == day[bar_field]


def test_ticks_of_the_running_day_stop_at_now(seeded: SeededMarket) -> None:
    ticks = seeded.ticks("600519.SH", DAY, now_ms=at("09:30:10"))
    assert ticks["time"].tolist() == [at(time) for time in ("09:25:00", "09:30:03", "09:30:06", "09:30:09")]
    assert len(seeded.ticks("600519.SH", NEXT, now_ms=at("09:30:10"))) == 0


def test_snapshot_in_continuous_trading_equals_the_last_tick(seeded: SeededMarket) -> None:
    tick = seeded.snapshot(["600519.SH"], now_ms=at("10:15:02"))["600519.SH"]
    row = seeded.ticks("600519.SH", DAY, now_ms=at("10:15:02"))[-1]
    assert (tick.time_ms, tick.last_price, tick.volume, tick.amount) == (
        row["time"], row["lastPrice"], row["volume"], row["amount"],
    )  # fmt: skip
    assert tick.ask_price == tuple(row["askPrice"])
    assert tick.bid_vol == tuple(row["bidVol"])
    assert tick.status is TradingStatus.CONTINUOUS
    assert tick.bid_price[0] < tick.ask_price[0]


def test_snapshot_of_the_opening_auction_shows_one_matching_price(seeded: SeededMarket) -> None:
    tick = seeded.snapshot(["600519.SH"], now_ms=at("09:18:00"))["600519.SH"]
    assert tick.volume == 0
    assert tick.open == 0.0
    assert tick.last_price == tick.last_close
    assert tick.ask_price[0] == tick.bid_price[0] > 0
    assert tick.status is TradingStatus.AUCTION


def test_snapshot_of_an_index_has_no_quotes(seeded: SeededMarket) -> None:
    tick = seeded.snapshot(["000300.SH"], now_ms=at("10:00"))["000300.SH"]
    assert set(tick.ask_price) == {0.0}
    assert tick.last_price > 0


def test_snapshot_of_unknown_symbols_leaves_them_out(seeded: SeededMarket) -> None:
    assert seeded.snapshot(["999999.SH"], now_ms=at("10:00")) == {}


def test_factors_of_a_dividend_equal_close_before_over_reference(seeded: SeededMarket) -> None:
    bars = seeded.bars("600519.SH", "1d", 0, OPEN_END, now_ms=EVENING)
    factors = seeded.factors("600519.SH")
    assert len(factors) >= 6
    for factor in factors:
        position = int(np.flatnonzero(bars["time"] == factor["time"])[0])
        before, bar = bars[position - 1], bars[position]
        assert factor["dr"] == pytest.approx(before["close"] / bar["preClose"])
        assert bar["preClose"] == pytest.approx(before["close"] - factor["interest"], abs=0.0051)


def test_bars_of_other_days_have_the_previous_close_as_reference(seeded: SeededMarket) -> None:
    bars = seeded.bars("002594.SZ", "1d", 0, OPEN_END, now_ms=EVENING)
    ex_dates = set(seeded.factors("002594.SZ")["time"].tolist())
    plain = [n for n in range(1, len(bars)) if int(bars["time"][n]) not in ex_dates]
    assert (bars["preClose"][plain] == bars["close"][[n - 1 for n in plain]]).all()


def test_suspended_days_have_a_flagged_flat_bar_and_no_minutes(seeded: SeededMarket) -> None:
    bars = seeded.bars("000002.SZ", "1d", 0, OPEN_END, now_ms=EVENING)
    halted = bars[bars["suspendFlag"] == 1]
    assert len(halted) > 0
    assert (halted["volume"] == 0).all()
    assert (halted["close"] == halted["preClose"]).all()
    stamp = int(halted["time"][0])
    assert len(seeded.bars("000002.SZ", "1m", stamp, stamp + 86_399_999, now_ms=EVENING)) == 0
    resumed = bars[int(np.flatnonzero(bars["suspendFlag"] == -1)[0])]
    assert resumed["volume"] > 0


def test_eventful_shares_close_at_their_limits_now_and_then(seeded: SeededMarket) -> None:
    bars = seeded.bars("000613.SZ", "1d", 0, OPEN_END, now_ms=EVENING)
    moves = bars["close"] / bars["preClose"] - 1
    assert (moves > 0.045).sum() > 3
    assert (moves < -0.045).sum() > 3


def test_day_facts_before_the_listing_are_none_and_names_carry_the_prefix(seeded: SeededMarket) -> None:
    assert seeded.day_facts("603499.SH", dt.date(2026, 11, 17)) is None
    first = seeded.day_facts("603499.SH", DAY)
    second = seeded.day_facts("603499.SH", NEXT)
    assert first is not None
    assert second is not None
    assert first.name == "N翔宇材料"
    assert first.limit_up_milli is None
    assert second.name == "C翔宇材料"
    assert second.limit_up_milli is None
    sixth = seeded.day_facts("603499.SH", dt.date(2026, 11, 25))
    assert sixth is not None
    assert sixth.name == "翔宇材料"
    assert sixth.limit_up_milli is not None


def test_bars_of_bad_requests_are_refused_or_empty(seeded: SeededMarket) -> None:
    with pytest.raises(ValueError, match="no bars of period '3m'"):
        seeded.bars("600519.SH", "3m", 0, OPEN_END, now_ms=EVENING)
    assert len(seeded.bars("999999.SH", "1d", 0, OPEN_END, now_ms=EVENING)) == 0
    assert len(seeded.bars("600519.SH", "1d", OPEN_END, 0, now_ms=EVENING)) == 0


def test_five_minute_bars_of_a_day_are_48_and_carry_the_auction_in_the_first(seeded: SeededMarket) -> None:
    window = (midnight_ms(DAY), midnight_ms(NEXT) - 1)
    five = seeded.bars("600519.SH", "5m", *window, now_ms=EVENING)
    one = seeded.bars("600519.SH", "1m", *window, now_ms=EVENING)
    assert len(five) == 48
    assert five["time"][[0, 23, 24, 47]].tolist() == [at("09:35"), at("11:30"), at("13:05"), at("15:00")]
    assert five["volume"][0] == one["volume"][:6].sum()
    assert five["volume"].sum() == one["volume"].sum()


def test_sectors_of_the_market_name_only_its_instruments(seeded: SeededMarket) -> None:
    known = {one.symbol for one in seeded.instruments()}
    sectors = seeded.sectors()
    assert "600519.SH" in sectors["沪深300"]
    assert "920185.BJ" not in sectors["沪深A股"]
    assert all(set(members) <= known for members in sectors.values())
    assert sum(seeded.index_weights("000300.SH").values()) == pytest.approx(100, abs=0.01)
