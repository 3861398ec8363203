"""Replaying a file of real bars."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qmt.calendar import TradingCalendar, midnight_ms
from qmt.codes import Board
from qmt.reference import FinancialTable
from qmt.terminal.market import Basis, MarketError
from qmt.terminal.replayed import ReplayedMarket
from tests.terminal.desk import at

HEADER = "ts_code,trade_date,open,high,low,close,pre_close,vol,amount"
ROWS = [
    "600519.SH,20230315,1740.1234,1770.5,1739.0101,1750.92,1732.3,17645.5,3096791.140",
    "600519.SH,20230316,1751.0,1772.0,1740.0,1760.0,1750.92,20000.49,3500000.001",
    "600519.SH,20230317,1770.0,1775.89,1736.0,1742.0049,1760.0,27022.78,4744249.369",
    "000001.SZ,20230315,12.4563,12.9975,12.4283,12.7829,12.4097,2081592.55,2856543.822",
    "000001.SZ,20230317,12.8109,12.9322,12.3164,12.4377,12.7829,2962498.38,4006220.766",
    "300750.SZ,20230301,400.0,401.0,399.0,400.5,399.5,1000,40000.0",
    "830799.BJ,20230317,8.0,8.0,8.0,8.0,8.0,3,2.4",
]
LIVE = dt.date(2023, 3, 20)
END = 1 << 62


def written(folder: Path, rows: list[str], name: str = "bars.csv", header: str = HEADER) -> Path:
    path = folder / name
    text = "\n".join([header, *rows]) + "\n"
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, "utf-8")
    return path


@pytest.fixture
def replayed(tmp_path: Path, calendar: TradingCalendar) -> ReplayedMarket:
    (tmp_path / "some_instruments.csv").write_text(
        "ts_code,symbol,name,area,industry,list_date\n600519.SH,600519,贵州茅台,贵州,白酒,20010827\n", "utf-8"
    )
    return ReplayedMarket(written(tmp_path, ROWS), seed=7, calendar=calendar)


def test_daily_bars_of_the_file_are_served_verbatim(replayed: ReplayedMarket) -> None:
    bars = replayed.bars("600519.SH", "1d", 0, midnight_ms(dt.date(2023, 3, 17)), now_ms=at("09:00", LIVE))
    assert bars["time"].tolist() == [midnight_ms(dt.date(2023, 3, day)) for day in (15, 16, 17)]
    assert bars["open"].tolist() == [1740.1234, 1751.0, 1770.0]
    assert bars["low"].tolist() == [1739.0101, 1740.0, 1736.0]
    assert bars["close"].tolist() == [1750.92, 1760.0, 1742.0049]
    assert bars["preClose"].tolist() == [1732.3, 1750.92, 1760.0]
    assert bars["volume"].tolist() == [17_646, 20_000, 27_023]  # to the whole lot, half-up
    assert bars["amount"].tolist() == [3096791140.0, 3500000001.0, 4744249369.0]


def test_days_missing_in_the_file_have_no_bar(replayed: ReplayedMarket) -> None:
    bars = replayed.bars("000001.SZ", "1d", 0, midnight_ms(dt.date(2023, 3, 17)), now_ms=at("09:00", LIVE))
    assert bars["time"].tolist() == [midnight_ms(dt.date(2023, 3, day)) for day in (15, 17)]
    assert bars["suspendFlag"].tolist() == [0, 0]
    start = midnight_ms(dt.date(2023, 3, 16))
    assert len(replayed.bars("000001.SZ", "1m", start, start + 86_399_999, now_ms=at("09:00", LIVE))) == 0


def test_minutes_of_a_file_day_agree_with_its_bar(replayed: ReplayedMarket) -> None:
    start = midnight_ms(dt.date(2023, 3, 17))
    minutes = replayed.bars("600519.SH", "1m", start, start + 86_399_999, now_ms=at("09:00", LIVE))
    assert len(minutes) == 241
    assert (minutes["open"][0], minutes["close"][-1]) == (1770.0, 1742.0049)
    assert (minutes["high"].max(), minutes["low"].min()) == (1775.89, 1736.0)
    assert minutes["volume"].sum() == 27_023
    assert round(float(minutes["amount"].sum()), 2) == 4744249369.0
    assert replayed.interpolated


def test_ticks_of_a_file_day_end_at_its_close(replayed: ReplayedMarket) -> None:
    ticks = replayed.ticks("600519.SH", dt.date(2023, 3, 17), now_ms=at("09:00", LIVE))
    assert len(ticks) == 4801
    assert (ticks["lastPrice"][-1], ticks["lastClose"][-1], ticks["volume"][-1]) == (1742.0049, 1760.0, 27_023)
    assert ticks["amount"][-1] == 4744249369.0


def test_basis_of_the_file_is_declared_and_has_no_factors(
    replayed: ReplayedMarket, tmp_path: Path, calendar: TradingCalendar
) -> None:
    assert replayed.basis is Basis.FRONT_ADJUSTED
    assert len(replayed.factors("600519.SH")) == 0
    raw = ReplayedMarket(tmp_path / "bars.csv", seed=7, calendar=calendar, basis=Basis.RAW)
    assert raw.basis is Basis.RAW
    assert raw.identity != replayed.identity


def test_live_session_continues_from_the_last_close_on_the_next_trading_day(replayed: ReplayedMarket) -> None:
    assert replayed.first_session(dt.date(2026, 11, 18)) == LIVE
    facts = replayed.day_facts("600519.SH", LIVE)
    assert facts is not None
    assert (facts.pre_close_milli, facts.limit_up_milli) == (1_742_000, 1_916_200)
    bars = replayed.bars("600519.SH", "1d", 0, END, now_ms=at("10:00", LIVE))
    assert bars["time"][-1] == midnight_ms(LIVE)
    assert bars["preClose"][-1] == 1742.0
    ticks = replayed.snapshot(["600519.SH"], now_ms=at("10:00", LIVE))
    assert ticks["600519.SH"].last_close == 1742.0


def test_live_session_of_a_share_whose_bars_ended_long_ago_is_suspended(replayed: ReplayedMarket) -> None:
    facts = replayed.day_facts("300750.SZ", LIVE)
    assert facts is not None
    assert facts.suspended
    assert replayed.day_facts("600519.SH", dt.date(2023, 3, 17)) is None


def test_instruments_take_names_from_the_file_beside_it(replayed: ReplayedMarket) -> None:
    known, unknown = replayed.instrument("600519.SH"), replayed.instrument("830799.BJ")
    assert known is not None
    assert unknown is not None
    assert (known.name, known.list_date) == ("贵州茅台", dt.date(2001, 8, 27))
    assert (unknown.name, unknown.list_date, unknown.board) == ("830799.BJ", dt.date(2023, 3, 17), Board.BSE)
    assert replayed.sectors()["SW1白酒"] == ["600519.SH"]


def test_trading_days_within_the_file_are_its_dates(replayed: ReplayedMarket) -> None:
    days = replayed.calendar.between(dt.date(2023, 3, 1), dt.date(2023, 3, 22))
    assert [day.day for day in days] == [1, 15, 16, 17, 20, 21, 22]
    assert replayed.history_start == dt.date(2023, 3, 1)


@pytest.mark.parametrize("name", ["bars.csv.gz", "bars.parquet"])
def test_market_from_another_format_is_the_same(
    replayed: ReplayedMarket, tmp_path: Path, calendar: TradingCalendar, name: str
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    path = folder / name
    if name.endswith(".parquet"):
        frame = pd.read_csv(tmp_path / "bars.csv", dtype={"trade_date": str})
        frame.to_parquet(path)
    else:
        written(folder, ROWS, name)
    other = ReplayedMarket(path, seed=7, calendar=calendar)
    for period in ("1d", "1m"):
        first = replayed.bars("600519.SH", period, 0, END, now_ms=at("10:00", LIVE))
        assert np.array_equal(other.bars("600519.SH", period, 0, END, now_ms=at("10:00", LIVE)), first)


GOOD = ROWS[0]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([GOOD, GOOD.replace("20230315", "20231341")], "line 3: column trade_date: not a date YYYYMMDD: '20231341'"),
        ([GOOD.replace("1740.1234", "abc")], "line 2: column open: not a number"),
        ([GOOD.replace("1740.1234", "")], "line 2: column open: not a number"),
        ([GOOD.replace("1740.1234", "inf")], "line 2: column open: not a number"),
        ([GOOD.replace("1740.1234", "-1740")], "line 2: column open: not a positive price"),
        ([GOOD.replace("1770.5", "1745.0")], "line 2: column close: above the day's high"),
        ([GOOD.replace("1739.0101", "1745.0")], "line 2: column open: below the day's low"),
        ([GOOD.replace("17645.5", "-1")], "line 2: column vol: negative"),
        ([GOOD.replace("600519.SH", "600519.XX")], "line 2: column ts_code: unknown market suffix: XX"),
        ([GOOD.replace("600519.SH", "900901.SH")], "line 2: column ts_code: B shares are not supported"),
        ([GOOD, ROWS[1], GOOD], "line 4: column trade_date: a second row of the same symbol and date"),
        ([GOOD, "", ROWS[1]], "line 3: column open: not a number"),
        ([], "the file has no rows"),
    ],
)
def test_corrupt_rows_are_named_by_line_and_column(
    tmp_path: Path, calendar: TradingCalendar, rows: list[str], words: str
) -> None:
    path = written(tmp_path, rows)
    with pytest.raises(MarketError) as caught:
        ReplayedMarket(path, seed=7, calendar=calendar)
    assert str(caught.value).startswith(f"{path}: {words}")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bars.csv", b"", "the file is empty"),
        ("bars.csv", b"a,b\n1,2\n", "line 1: column ts_code, trade_date, open, high"),
        ("bars.csv", b"a,b\n1,2,3\n1,2,3,4,5\n", "cannot be read"),
        ("bars.csv.gz", b"not gzip", "cannot be read"),
        ("bars.csv.gz", gzip.compress("\n".join([HEADER, *ROWS * 50]).encode())[:-40], "cannot be read"),
        ("bars.csv", b"\xff\xfe\x00\x81", "cannot be read"),
        ("bars.parquet", b"PAR1 no", "cannot be read"),
        ("bars.xlsx", b"", "not a csv, csv.gz or parquet file"),
    ],
)
def test_unreadable_files_are_refused_in_one_sentence(
    tmp_path: Path, calendar: TradingCalendar, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MarketError) as caught:
        ReplayedMarket(path, seed=7, calendar=calendar)
    assert str(caught.value).startswith(f"{path}: {words}")
    assert "\n" not in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path, calendar: TradingCalendar) -> None:
    with pytest.raises(MarketError, match="there is no such file"):
        ReplayedMarket(tmp_path / "none.csv", seed=7, calendar=calendar)


def test_corrupt_instruments_file_is_named_by_line(tmp_path: Path, calendar: TradingCalendar) -> None:
    (tmp_path / "x_instruments.csv").write_text("ts_code,name,list_date\n600519.SH,贵州茅台,2001-08-27\n", "utf-8")
    with pytest.raises(MarketError, match=r"line 2: column list_date: not a date YYYYMMDD: '2001-08-27'"):
        ReplayedMarket(written(tmp_path, ROWS), seed=7, calendar=calendar)


def test_a_file_of_bars_tells_nothing_about_statements_bonds_baskets_and_issues(replayed: ReplayedMarket) -> None:
    day = dt.date(2030, 1, 2)
    symbol = replayed.instruments()[0].symbol
    assert [list(replayed.financials(symbol, table, day)) for table in FinancialTable] == [[]] * len(FinancialTable)
    assert (replayed.bond_facts(symbol, day), replayed.index_weights(symbol, day)) == ({}, {})
    assert [list(replayed.basket_records(market, day)) for market in ("SH", "SZ")] == [[], []]
    assert list(replayed.new_issues(day)) == []
