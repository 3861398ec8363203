"""Replaying a file of real minutes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from qmt.calendar import TradingCalendar, midnight_ms
from qmt.terminal.market import MarketError
from qmt.terminal.replayed import ReplayedMarket
from tests.terminal.desk import at

HEADER = "datetime,open,close,high,low,volume,amount"
ROWS = [
    "2023-03-16 09:30:00,0.0,10.00,10.00,10.00,5,5000.0",
    "2023-03-16 09:31:00,10.01,10.03,10.05,9.99,20,20050.0",
    "2023-03-16 15:00:00,10.03,10.02,10.03,10.02,7,7015.0",
    "2023-03-17 09:30:00,10.10,10.10,10.10,10.10,3,3030.0",
    "2023-03-17 09:31:00,10.10,10.12,10.14,10.08,9,9100.5",
]
LIVE = dt.date(2023, 3, 20)
END = 1 << 62


def market(
    folder: Path, calendar: TradingCalendar, rows: list[str], name: str = "600000_1min.csv", header: str = HEADER
) -> ReplayedMarket:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return ReplayedMarket(path, seed=7, calendar=calendar)


def test_minutes_are_served_as_the_file_has_them(tmp_path: Path, calendar: TradingCalendar) -> None:
    bars = market(tmp_path, calendar, ROWS).bars("600000.SH", "1m", 0, midnight_ms(LIVE), now_ms=at("09:00", LIVE))
    hours = {16: ("09:30", "09:31", "15:00"), 17: ("09:30", "09:31")}
    assert bars["time"].tolist() == [at(time, dt.date(2023, 3, day)) for day, times in hours.items() for time in times]
    assert bars["open"].tolist() == [0.0, 10.01, 10.03, 10.1, 10.1]
    assert bars["volume"].tolist() == [5, 20, 7, 3, 9]
    assert bars["amount"].tolist() == [5000.0, 20050.0, 7015.0, 3030.0, 9100.5]
    assert bars["preClose"].tolist() == [10.0, 10.0, 10.03, 10.02, 10.1]


def test_days_are_what_the_minutes_amount_to(tmp_path: Path, calendar: TradingCalendar) -> None:
    replayed = market(tmp_path, calendar, ROWS)
    days = replayed.bars("600000.SH", "1d", 0, midnight_ms(dt.date(2023, 3, 17)), now_ms=at("09:00", LIVE))
    assert [days[name].tolist() for name in ("open", "high", "low", "close", "volume", "amount", "preClose")] == [
        [10.0, 10.1],
        [10.05, 10.14],
        [9.99, 10.08],
        [10.02, 10.12],
        [32, 12],
        [32065.0, 12130.5],
        [10.0, 10.02],
    ]
    assert replayed.first_session(dt.date(2030, 1, 2)) == LIVE
    assert not replayed.interpolated
    assert len(replayed.ticks("600000.SH", dt.date(2023, 3, 17), now_ms=at("09:00", LIVE))) == 0


def test_five_minutes_fold_from_one_and_nothing_finer_is_made_up(tmp_path: Path, calendar: TradingCalendar) -> None:
    until = midnight_ms(LIVE)
    folded = market(tmp_path, calendar, ROWS).bars("600000.SH", "5m", 0, until, now_ms=at("09:00", LIVE))
    assert folded["time"].tolist() == [
        at("09:35", dt.date(2023, 3, 16)),
        at("15:00", dt.date(2023, 3, 16)),
        at("09:35", dt.date(2023, 3, 17)),
    ]
    assert folded["close"].tolist() == [10.03, 10.02, 10.12]
    five = [
        "2023-03-16 09:35:00,10.0,10.03,10.05,9.99,25,25050.0",
        "2023-03-16 09:40:00,10.03,10.02,10.03,10.02,7,7015.0",
    ]
    coarse, until = market(tmp_path, calendar, five, "000001_5min.csv"), midnight_ms(dt.date(2023, 3, 17))
    assert len(coarse.bars("000001.SZ", "5m", 0, until, now_ms=at("09:00", LIVE))) == 2
    assert len(coarse.bars("000001.SZ", "1m", 0, until, now_ms=at("09:00", LIVE))) == 0


def test_the_day_after_the_file_is_live(tmp_path: Path, calendar: TradingCalendar) -> None:
    replayed = market(tmp_path, calendar, ROWS)
    live = replayed.bars("600000.SH", "1m", midnight_ms(LIVE), END, now_ms=at("09:45", LIVE))
    assert live["time"].tolist()[:2] == [at("09:30", LIVE), at("09:31", LIVE)]
    assert live["preClose"][0] == 10.12


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([ROWS[0], ROWS[1].replace("2023-03-16 09:31:00", "16.3.2023")], "line 3: column datetime: not a time"),
        ([ROWS[1], ROWS[0]], "line 3: column datetime: not later than the row before"),
        ([ROWS[0], ROWS[1].replace("10.01", "-1")], "line 3: column open: not a positive price"),
        ([ROWS[0], ROWS[1].replace("9.99", "0")], "line 3: column low: not a positive price"),
        ([ROWS[0], ROWS[1].replace("10.05", "10.02")], "line 3: column close: above the bar's high"),
        ([ROWS[0], ROWS[1].replace("20050.0", "-1")], "line 3: column amount: negative"),
        ([ROWS[0], ROWS[2]], "column datetime: bars of one or of five minutes are replayed, these lie 19800 s apart"),
        ([], "the file has no rows"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, calendar: TradingCalendar, rows: list[str], words: str) -> None:
    with pytest.raises(MarketError) as caught:
        market(tmp_path, calendar, rows)
    assert words in str(caught.value)


def test_symbol_that_nothing_tells_is_asked_for(tmp_path: Path, calendar: TradingCalendar) -> None:
    with pytest.raises(MarketError, match="tell the symbol"):
        market(tmp_path, calendar, ROWS, "minutes.csv")
    named = [f"{row},000001.SZ" for row in ROWS]
    assert market(tmp_path, calendar, named, "minutes.csv", f"{HEADER},ts_code").instrument("000001.SZ") is not None
    with pytest.raises(MarketError, match="more than one symbol"):
        market(tmp_path, calendar, [*named[:-1], f"{ROWS[-1]},600000.SH"], "minutes.csv", f"{HEADER},ts_code")
