"""History, reference data and quotes: what every face of the quote gateway promises."""

from __future__ import annotations

import datetime as dt
import itertools
import time

import pandas as pd
import pytest

from qmt.calendar import date_of_ms, midnight_ms, time_of_ms
from qmt.codes import Kind
from qmt.errors import DownloadFailed, DownloadThrottled, DownloadTimeout, QueryFailed, SubscriptionLimit, TerminalDown
from qmt.gateway import MAX_SINGLE_SUBSCRIPTIONS, DownloadProgress, Period, QuoteBatch, QuoteGateway
from tests.contract.conftest import wait_until
from tests.contract.faces import Face

START, END = "20240101", "20240331"
BAR_COLUMNS = ["time", "open", "high", "low", "close", "volume", "amount", "pre_close", "suspended"]
FRESH = itertools.cycle(
    [
        "601318.SH",
        "600900.SH",
        "601857.SH",
        "600276.SH",
        "601899.SH",
        "600030.SH",
        "000333.SZ",
        "000651.SZ",
        "000858.SZ",
    ]
)


@pytest.fixture
def symbol() -> str:
    """A stock that no other test has downloaded."""
    return next(FRESH)


def days_of(frame: pd.DataFrame) -> list[dt.date]:
    return [date_of_ms(int(stamp)) for stamp in frame["time"]]


@pytest.mark.faults
def test_history_does_not_exist_before_it_has_landed(quotes: QuoteGateway, symbol: str) -> None:
    frame = quotes.read_local([symbol], Period.DAY_1, START, END)[symbol]

    assert len(frame) == 0
    assert list(frame.columns) == BAR_COLUMNS


def test_downloaded_days_are_the_trading_days(quotes: QuoteGateway, symbol: str) -> None:
    quotes.download([symbol], Period.DAY_1, START, END)

    frame = quotes.read_local([symbol], Period.DAY_1, START, END)[symbol]

    assert days_of(frame) == quotes.trading_days("SH", START, END)
    assert list(frame.columns) == BAR_COLUMNS
    assert [str(frame[name].dtype) for name in ("time", "close", "volume")] == ["int64", "float64", "int64"]


def test_volume_is_in_shares(quotes: QuoteGateway, symbol: str) -> None:
    quotes.download([symbol], Period.DAY_1, START, END)

    frame = quotes.read_local([symbol], Period.DAY_1, START, END)[symbol]

    traded = frame[frame["volume"] > 0]
    average = traded["amount"] / traded["volume"]
    assert ((average >= traded["low"] - 0.01) & (average <= traded["high"] + 0.01)).all()


@pytest.mark.faults
def test_volume_of_a_convertible_counts_ten_to_the_lot(quotes: QuoteGateway) -> None:
    bond = quotes.sector_members("沪深转债")[0]
    quotes.download([bond], Period.DAY_1, START, END)

    frame = quotes.read_local([bond], Period.DAY_1, START, END)[bond]

    traded = frame[frame["volume"] > 0]
    average = traded["amount"] / traded["volume"]
    assert len(traded) > 0
    assert ((average >= traded["low"] - 0.01) & (average <= traded["high"] + 0.01)).all()


def test_closed_day_has_241_minutes_labelled_by_their_right_edge(quotes: QuoteGateway, symbol: str) -> None:
    day = quotes.trading_days("SH", "20260105", "20260228")[-1].strftime("%Y%m%d")
    quotes.download([symbol], Period.MINUTE_1, day, day)

    frame = quotes.read_local([symbol], Period.MINUTE_1, day, day)[symbol]

    times = [time_of_ms(int(stamp)) for stamp in frame["time"]]
    assert len(frame) == 241
    assert (times[0], times[1], times[120], times[121], times[-1]) == (
        dt.time(9, 30),
        dt.time(9, 31),
        dt.time(11, 30),
        dt.time(13, 1),
        dt.time(15, 0),
    )


def test_minutes_of_a_day_add_up_to_its_daily_bar(quotes: QuoteGateway, symbol: str) -> None:
    day = quotes.trading_days("SH", "20260105", "20260228")[-1].strftime("%Y%m%d")
    quotes.download([symbol], Period.MINUTE_1, day, day)
    quotes.download([symbol], Period.DAY_1, day, day)

    minutes = quotes.read_local([symbol], Period.MINUTE_1, day, day)[symbol]
    (bar,) = quotes.read_local([symbol], Period.DAY_1, day, day)[symbol].to_dict("records")

    assert minutes["volume"].sum() == bar["volume"]
    assert (minutes["high"].max(), minutes["low"].min()) == (bar["high"], bar["low"])
    assert minutes["close"].iloc[-1] == bar["close"]


def test_ticks_of_a_day_are_cumulative_and_five_levels_deep(quotes: QuoteGateway, symbol: str) -> None:
    day = quotes.trading_days("SH", "20260105", "20260228")[-1].strftime("%Y%m%d")
    quotes.download([symbol], Period.TICK, day, day)

    frame = quotes.read_ticks([symbol], day, day)[symbol]

    assert frame["time"].is_monotonic_increasing
    assert frame["volume"].is_monotonic_increasing
    assert {"bid1", "bid5", "ask1", "ask5", "bid_volume5", "ask_volume5", "last", "status"} <= set(frame.columns)


def test_progress_counts_up_to_the_total(quotes: QuoteGateway, symbol: str) -> None:
    seen: list[DownloadProgress] = []

    quotes.download([symbol, "600000.SH"], Period.DAY_1, START, END, seen.append)

    assert [(one.finished, one.total, one.symbol) for one in seen] == [(1, 2, symbol), (2, 2, "600000.SH")]


def test_unknown_symbol_fails_the_download(quotes: QuoteGateway) -> None:
    with pytest.raises(DownloadFailed):
        quotes.download(["999999.SH"], Period.DAY_1, START, END, deadline_seconds=10)


@pytest.mark.faults
def test_failed_download_keeps_the_terminal_words(face: Face, quotes: QuoteGateway, symbol: str) -> None:
    face.arm("fail", "download", message="行情服务器断开")

    with pytest.raises(DownloadFailed, match="行情服务器断开"):
        quotes.download([symbol], Period.DAY_1, START, END, deadline_seconds=10)

    assert len(quotes.read_local([symbol], Period.DAY_1, START, END)[symbol]) == 0


@pytest.mark.faults
def test_throttled_download_is_told_apart_by_its_words(face: Face, quotes: QuoteGateway, symbol: str) -> None:
    face.arm("throttle", "download")

    with pytest.raises(DownloadThrottled, match="频繁"):
        quotes.download([symbol], Period.DAY_1, START, END, deadline_seconds=10)


@pytest.mark.faults
def test_source_may_lack_days_and_minutes(face: Face, quotes: QuoteGateway, symbol: str) -> None:
    quotes.download([symbol], Period.DAY_1, START, END)
    days = quotes.trading_days("SH", START, END)
    face.arm(
        "holes", symbol, count=-1, message=f"{days[1]:%Y%m%d},{days[3]:%Y%m%d}-{days[5]:%Y%m%d},{days[8]:%Y%m%d}1030"
    )
    bounds = f"{days[8]:%Y%m%d}", f"{days[8]:%Y%m%d}"
    quotes.download([symbol], Period.MINUTE_1, *bounds)

    frame = quotes.read_local([symbol], Period.DAY_1, START, END)[symbol]
    minutes = quotes.read_local([symbol], Period.MINUTE_1, *bounds)[symbol]

    assert days_of(frame) == [day for index, day in enumerate(days) if index not in (1, 3, 4, 5)]
    assert len(minutes) == 240
    assert dt.time(10, 30) not in {time_of_ms(int(stamp)) for stamp in minutes["time"]}


@pytest.mark.faults
def test_download_that_never_reports_ends_at_its_deadline(face: Face, quotes: QuoteGateway, symbol: str) -> None:
    face.arm("stall", "download")
    before = time.monotonic()

    with pytest.raises(DownloadTimeout):
        quotes.download([symbol], Period.DAY_1, START, END, deadline_seconds=0.5)

    assert time.monotonic() - before < 5
    quotes.download([symbol], Period.DAY_1, START, END)
    assert len(quotes.read_local([symbol], Period.DAY_1, START, END)[symbol]) > 50


@pytest.mark.faults
def test_partial_download_reports_success_and_has_a_hole(face: Face, quotes: QuoteGateway) -> None:
    face.arm("partial", "download")
    quotes.download(["601088.SH"], Period.DAY_1, START, END)
    expected = quotes.trading_days("SH", START, END)

    part = days_of(quotes.read_local(["601088.SH"], Period.DAY_1, START, END)["601088.SH"])
    quotes.download(["601088.SH"], Period.DAY_1, START, END)
    whole = days_of(quotes.read_local(["601088.SH"], Period.DAY_1, START, END)["601088.SH"])

    assert 0 < len(part) < len(expected)
    assert part == expected[: len(part)]
    assert whole == expected


@pytest.mark.faults
def test_finished_download_may_land_later(face: Face, quotes: QuoteGateway) -> None:
    face.arm("slow_landing", "download", seconds=0.5)
    quotes.download(["600309.SH"], Period.DAY_1, START, END)

    at_once = len(quotes.read_local(["600309.SH"], Period.DAY_1, START, END)["600309.SH"])

    assert at_once == 0
    assert wait_until(lambda: len(quotes.read_local(["600309.SH"], Period.DAY_1, START, END)["600309.SH"]) > 50)


@pytest.mark.faults
def test_padding_rows_are_handed_on_to_be_judged(face: Face, quotes: QuoteGateway) -> None:
    face.arm("padding", "603288.SH")

    frame = quotes.read_local(["603288.SH"], Period.DAY_1, START, END)["603288.SH"]

    assert len(frame) > 50
    assert (frame["suspended"] == 1).all()
    assert (frame["volume"] == 0).all()
    assert any(day.weekday() == 5 for day in days_of(frame))


@pytest.mark.faults
def test_day_downloaded_during_its_session_stays_as_it_was(face: Face, quotes: QuoteGateway) -> None:
    today = quotes.market_clock().trade_date.strftime("%Y%m%d")
    quotes.download(["600887.SH"], Period.DAY_1, today, today)
    early = quotes.read_local(["600887.SH"], Period.DAY_1, today, today)["600887.SH"]

    face.advance(120)
    kept = quotes.read_local(["600887.SH"], Period.DAY_1, today, today)["600887.SH"]
    quotes.download(["600887.SH"], Period.DAY_1, today, today)
    fresh = quotes.read_local(["600887.SH"], Period.DAY_1, today, today)["600887.SH"]

    pd.testing.assert_frame_equal(kept, early)
    assert fresh["volume"].iloc[0] > early["volume"].iloc[0]


def test_details_of_known_symbols_only(quotes: QuoteGateway) -> None:
    (detail,) = quotes.instruments(["600519.SH", "999999.SH"])

    assert (detail.symbol, detail.kind, detail.volume_unit) == ("600519.SH", Kind.STOCK, 100)
    assert detail.limit_down < detail.pre_close < detail.limit_up
    assert detail.float_volume <= detail.total_volume
    assert detail.trade_date == quotes.market_clock().trade_date


def test_sector_with_a_wrong_name_is_a_failure_not_an_empty_list(quotes: QuoteGateway) -> None:
    with pytest.raises(QueryFailed):
        quotes.sector_members("沪深AAA")


def test_sectors_have_members_the_terminal_knows(quotes: QuoteGateway) -> None:
    members = quotes.sector_members("沪深300")

    assert "沪深300" in quotes.sectors()
    assert "600519.SH" in members
    assert len(quotes.instruments(members)) == len(members)


@pytest.mark.faults
def test_sector_may_be_empty_or_wrong(face: Face, quotes: QuoteGateway) -> None:
    face.arm("empty_sector", "沪深300")
    face.arm("wrong_sector", "创业板")

    assert quotes.sector_members("沪深300") == []
    assert "300750.SZ" not in quotes.sector_members("创业板")[:1]
    assert "300750.SZ" in quotes.sector_members("创业板")


def test_calendar_of_a_year(quotes: QuoteGateway) -> None:
    days = quotes.trading_days("SH", "20240101", "20241231")
    holidays = [day for day in quotes.holidays() if day.year == 2024]

    assert len(days) == 242
    assert days[0] == dt.date(2024, 1, 2)
    assert not set(days) & set(holidays)
    assert dt.date(2024, 10, 1) in holidays


def test_factors_are_oldest_first_and_lower_the_price(quotes: QuoteGateway) -> None:
    events = quotes.factors("600519.SH")

    assert events == sorted(events, key=lambda event: event.date)
    assert all(event.dr > 1 for event in events)
    assert quotes.factors("000300.SH") == []


def test_full_tick_leaves_unknown_symbols_out(quotes: QuoteGateway) -> None:
    found = quotes.full_tick(["600519.SH", "999999.SH"])

    assert set(found) == {"600519.SH"}
    assert len(found["600519.SH"].bid) == len(found["600519.SH"].ask_volume) == 5


def test_market_clock_is_that_of_the_ticks(quotes: QuoteGateway) -> None:
    clock = quotes.market_clock()
    tick = quotes.full_tick(["600519.SH"])["600519.SH"]

    assert abs(clock.market_time_ms - tick.ts) < 60_000
    assert midnight_ms(clock.trade_date) < clock.market_time_ms


@pytest.mark.faults
def test_subscription_begins_with_the_present_and_follows_the_market(face: Face, quotes: QuoteGateway) -> None:
    batches: list[QuoteBatch] = []

    handle = quotes.subscribe_quotes(["SH", "SZ", "BJ"], batches.append)

    assert wait_until(lambda: bool(batches))
    assert len(batches[0]) > 50
    first = batches[0]["600000.SH"].ts
    face.advance(6)
    assert wait_until(lambda: batches[-1].get("600000.SH", batches[0]["600000.SH"]).ts > first)
    quotes.unsubscribe(handle)
    time.sleep(0.2)
    seen = len(batches)
    face.advance(6)
    time.sleep(0.2)
    assert len(batches) == seen


@pytest.mark.faults
def test_single_symbols_can_be_followed(face: Face, quotes: QuoteGateway) -> None:
    batches: list[QuoteBatch] = []

    quotes.subscribe_quotes(["600000.SH", "000001.SZ"], batches.append)

    assert wait_until(lambda: bool(batches))
    assert set(batches[0]) == {"600000.SH", "000001.SZ"}


@pytest.mark.faults
def test_subscriptions_are_replayed_after_a_reconnect(face: Face, quotes: QuoteGateway) -> None:
    batches: list[QuoteBatch] = []
    quotes.subscribe_quotes(["600000.SH"], batches.append)
    assert wait_until(lambda: bool(batches))
    face.drop()
    assert wait_until(lambda: not quotes.is_alive())
    with pytest.raises(TerminalDown):
        quotes.full_tick(["600000.SH"])
    batches.clear()

    quotes.connect(face.address)

    assert wait_until(lambda: bool(batches))
    face.advance(6)
    assert wait_until(lambda: len(batches) >= 2)


@pytest.mark.faults
def test_single_subscription_gives_ticks_and_is_replayed_after_a_reconnect(face: Face, quotes: QuoteGateway) -> None:
    batches: list[QuoteBatch] = []
    quotes.subscribe_ticks("600000.SH", batches.append)
    assert wait_until(lambda: bool(batches))
    assert set(batches[0]) == {"600000.SH"}
    assert batches[0]["600000.SH"].transactions is not None
    face.drop()
    assert wait_until(lambda: not quotes.is_alive())
    batches.clear()

    quotes.connect(face.address)

    assert wait_until(lambda: bool(batches))
    face.advance(6)
    assert wait_until(lambda: len(batches) >= 2)


@pytest.mark.faults
def test_single_subscriptions_end_at_the_limit_and_an_ended_one_makes_room(quotes: QuoteGateway) -> None:
    handles = [quotes.subscribe_ticks("600000.SH", lambda _: None) for _ in range(MAX_SINGLE_SUBSCRIPTIONS)]
    with pytest.raises(SubscriptionLimit):
        quotes.subscribe_ticks("000001.SZ", lambda _: None)

    quotes.unsubscribe(handles[0])

    assert quotes.subscribe_ticks("000001.SZ", lambda _: None)


@pytest.mark.faults
def test_callback_that_raises_does_not_end_the_subscription(face: Face, quotes: QuoteGateway) -> None:
    calls: list[int] = []

    def callback(batch: QuoteBatch) -> None:
        calls.append(len(batch))
        raise RuntimeError("a mistake in the platform")

    quotes.subscribe_quotes(["600000.SH"], callback)
    face.advance(6)

    assert wait_until(lambda: len(calls) >= 2)


@pytest.mark.faults
def test_quotes_may_die_silently(face: Face, quotes: QuoteGateway) -> None:
    batches: list[QuoteBatch] = []
    quotes.subscribe_quotes(["600000.SH"], batches.append)
    assert wait_until(lambda: bool(batches))
    face.arm("silent_quotes", "600000.SH", count=-1)
    time.sleep(0.1)
    batches.clear()

    face.advance(9)
    time.sleep(0.2)

    assert batches == []
    assert quotes.is_alive()


def test_unconnected_session_is_down(face: Face) -> None:
    gateway = face.quotes()

    assert not gateway.is_alive()
    with pytest.raises(TerminalDown):
        gateway.sectors()
