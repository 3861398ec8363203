"""Instruments of the seeded market.

Codes, names and listing dates of well-known instruments are public facts; prices and volumes only start near real ones and then
go their own, generated way. The ST shares and the new listings are invented.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from qmt.codes import board_of, kind_of, parse_symbol
from qmt.rules import tick_milli
from qmt.terminal.types import Instrument

BONDS_PER_LOT = 10
SHARES_PER_LOT = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of the catalogue."""

    symbol: str
    name: str
    listed: str
    price: float
    """CNY the price hovers around."""
    daily_lots: int
    volatility: float = 0.018
    shares: float = 1e9
    industry: str = ""
    pays: float = 0.0
    """Usual yearly cash dividend per share."""
    t_plus: int = 1
    traits: frozenset[str] = frozenset()
    """``eventful``, ``st``, ``wide`` (20% fund), ``gift`` (bonus shares some years), ``allot`` (one rights issue)."""


def _row(
    symbol: str, name: str, listed: str, price: float, lots: int, shares: float, industry: str, pays: float = 0.0,
    volatility: float = 0.018, traits: str = "",
) -> Listing:  # fmt: skip
    return Listing(symbol, name, listed, price, lots, volatility, shares, industry, pays, 1, frozenset(traits.split()))


def _fund(
    symbol: str, name: str, listed: str, price: float, lots: int, volatility: float, t_plus: int, traits: str = ""
) -> Listing:
    return Listing(symbol, name, listed, price, lots, volatility, 5e9, "基金", 0.0, t_plus, frozenset(traits.split()))


def _index(symbol: str, name: str, listed: str, level: float, lots: int, volatility: float = 0.011) -> Listing:
    return Listing(symbol, name, listed, level, lots, volatility, 0, "指数")


LISTINGS: tuple[Listing, ...] = (
    # Shanghai main board
    _row("600519.SH", "贵州茅台", "20010827", 1450.0, 32_000, 1.256e9, "白酒", 27.6, 0.014),
    _row("601318.SH", "中国平安", "20070301", 52.0, 620_000, 18.21e9, "保险", 2.55, 0.015),
    _row("600036.SH", "招商银行", "20020409", 42.0, 560_000, 25.22e9, "银行", 2.0, 0.014),
    _row("601398.SH", "工商银行", "20061027", 6.9, 2_400_000, 356.4e9, "银行", 0.308, 0.009),
    _row("600000.SH", "浦发银行", "19991110", 11.5, 700_000, 29.35e9, "银行", 0.41, 0.012, "allot"),
    _row("600900.SH", "长江电力", "20031118", 28.2, 900_000, 24.47e9, "电力", 0.943, 0.009),
    _row("601857.SH", "中国石油", "20071105", 8.8, 1_300_000, 183.02e9, "石油", 0.47, 0.014),
    _row("601012.SH", "隆基绿能", "20120411", 17.2, 1_500_000, 7.58e9, "光伏", 0.17, 0.024, "gift"),
    _row("600276.SH", "恒瑞医药", "20001018", 62.0, 420_000, 6.38e9, "医药", 0.2, 0.021),
    _row("601899.SH", "紫金矿业", "20080425", 21.5, 2_100_000, 26.58e9, "有色", 0.28, 0.022),
    _row("600030.SH", "中信证券", "20030106", 28.6, 1_200_000, 14.82e9, "证券", 0.52, 0.019),
    _row("603259.SH", "药明康德", "20180508", 88.0, 480_000, 2.87e9, "医药", 0.98, 0.025, "gift"),
    _row("600887.SH", "伊利股份", "19960312", 28.1, 480_000, 6.37e9, "食品", 1.2, 0.013),
    _row("601088.SH", "中国神华", "20071009", 40.5, 310_000, 19.87e9, "煤炭", 2.26, 0.013),
    _row("600309.SH", "万华化学", "20010105", 64.0, 230_000, 3.14e9, "化工", 1.62, 0.018),
    _row("603288.SH", "海天味业", "20140211", 39.4, 130_000, 5.85e9, "食品", 0.66, 0.016, "gift"),
    # Shenzhen main board
    _row("000001.SZ", "平安银行", "19910403", 11.8, 1_050_000, 19.41e9, "银行", 0.61, 0.013),
    _row("000002.SZ", "万科A", "19910129", 7.1, 1_500_000, 11.93e9, "地产", 0.0, 0.024, "eventful"),
    _row("000333.SZ", "美的集团", "20130918", 76.0, 330_000, 7.68e9, "家电", 3.5, 0.014),
    _row("000651.SZ", "格力电器", "19961118", 41.5, 380_000, 5.6e9, "家电", 2.0, 0.012),
    _row("000858.SZ", "五粮液", "19980427", 124.0, 190_000, 3.88e9, "白酒", 3.17, 0.015),
    _row("002594.SZ", "比亚迪", "20110630", 104.0, 480_000, 9.12e9, "汽车", 1.3, 0.021, "gift"),
    _row("002415.SZ", "海康威视", "20100528", 31.4, 420_000, 9.23e9, "电子", 0.7, 0.017),
    _row("002475.SZ", "立讯精密", "20100915", 58.0, 900_000, 7.25e9, "电子", 0.2, 0.026),
    _row("000725.SZ", "京东方A", "20010112", 4.1, 6_200_000, 37.4e9, "电子", 0.05, 0.018),
    _row("001979.SZ", "招商蛇口", "20151230", 9.4, 420_000, 9.06e9, "地产", 0.19, 0.02, "eventful"),
    _row("003816.SZ", "中国广核", "20190826", 3.8, 900_000, 50.5e9, "电力", 0.095, 0.01),
    # ChiNext
    _row("300750.SZ", "宁德时代", "20180611", 286.0, 260_000, 4.4e9, "电池", 4.55, 0.024),
    _row("300059.SZ", "东方财富", "20100319", 24.1, 3_100_000, 15.79e9, "证券", 0.06, 0.026, "gift"),
    _row("300124.SZ", "汇川技术", "20100928", 71.0, 240_000, 2.69e9, "工控", 0.41, 0.022),
    _row("300015.SZ", "爱尔眼科", "20091030", 12.6, 760_000, 9.33e9, "医疗", 0.16, 0.019, "gift"),
    _row("300760.SZ", "迈瑞医疗", "20181016", 232.0, 72_000, 1.21e9, "医疗", 4.1, 0.017),
    _row("301269.SZ", "华大九天", "20220729", 112.0, 80_000, 5.43e8, "软件", 0.1, 0.03, "eventful"),
    # STAR market
    _row("688981.SH", "中芯国际", "20200716", 96.0, 520_000, 7.98e9, "芯片", 0.0, 0.026),
    _row("688111.SH", "金山办公", "20191118", 312.0, 52_000, 4.63e8, "软件", 0.9, 0.027),
    _row("688012.SH", "中微公司", "20190722", 208.0, 110_000, 6.25e8, "芯片", 0.3, 0.028),
    _row("688599.SH", "天合光能", "20200610", 18.4, 340_000, 2.18e9, "光伏", 0.2, 0.027, "eventful"),
    _row("689009.SH", "九号公司", "20201029", 58.0, 75_000, 7.2e8, "汽车", 1.1, 0.025),
    # Beijing
    _row("920185.BJ", "贝特瑞", "20211115", 27.8, 120_000, 1.13e9, "电池", 0.35, 0.03),
    _row("920982.BJ", "锦波生物", "20230720", 262.0, 12_000, 1.15e8, "医疗", 2.0, 0.034),
    _row("920799.BJ", "艾融软件", "20211115", 52.0, 60_000, 2.1e8, "软件", 0.2, 0.036, "eventful"),
    # Special treatment (invented)
    _row("600591.SH", "*ST沪航", "19971105", 3.2, 260_000, 1.3e9, "航运", 0.0, 0.022, "st eventful"),
    _row("000613.SZ", "ST东湖", "19970128", 4.6, 190_000, 8.2e8, "综合", 0.0, 0.021, "st eventful"),
    _row("300313.SZ", "*ST天川", "20120508", 5.9, 150_000, 3.5e8, "农业", 0.0, 0.028, "st eventful"),
    # New listings (invented)
    _row("603499.SH", "翔宇材料", "20261118", 24.0, 160_000, 1.2e8, "材料", 0.0, 0.045),
    _row("301699.SZ", "云帆智能", "20261120", 38.0, 120_000, 8.0e7, "机械", 0.0, 0.05),
    _row("688799.SH", "芯远微", "20261124", 86.0, 70_000, 6.0e7, "芯片", 0.0, 0.05),
    _row("920088.BJ", "恒泽科技", "20261126", 19.5, 60_000, 5.5e7, "机械", 0.0, 0.05),
    _row("001399.SZ", "中磁新材", "20261208", 16.8, 150_000, 1.5e8, "材料", 0.0, 0.045),
    # Funds
    _fund("510300.SH", "沪深300ETF", "20120528", 4.72, 9_500_000, 0.011, 1),
    _fund("510050.SH", "上证50ETF", "20050223", 3.12, 6_800_000, 0.011, 1),
    _fund("159915.SZ", "创业板ETF", "20111209", 3.05, 9_900_000, 0.017, 1, "wide"),
    _fund("588000.SH", "科创50ETF", "20201116", 1.42, 22_000_000, 0.019, 1, "wide"),
    _fund("513100.SH", "纳指ETF", "20130515", 1.83, 4_100_000, 0.012, 0),
    _fund("513180.SH", "恒生科技ETF", "20210525", 0.76, 26_000_000, 0.018, 0),
    _fund("518880.SH", "黄金ETF", "20130729", 8.95, 2_900_000, 0.008, 0),
    _fund("511010.SH", "国债ETF", "20130325", 140.2, 21_000, 0.001, 0),
    # Convertible bonds
    Listing("113052.SH", "兴业转债", "20220114", 118.0, 900_000, 0.006, 5e8, "可转债", 0.0, 0),
    Listing("127045.SZ", "牧原转债", "20210910", 127.0, 700_000, 0.009, 9.5e7, "可转债", 0.0, 0),
    # Indices: volume in lots of 100 × the level, so that amount = level × volume as for everything else
    _index("000001.SH", "上证指数", "19910715", 3920.0, 2_000_000),
    _index("000300.SH", "沪深300", "20050408", 4610.0, 1_100_000),
    _index("000016.SH", "上证50", "20040102", 3010.0, 700_000),
    _index("000905.SH", "中证500", "20070115", 7250.0, 500_000, 0.013),
    _index("399001.SZ", "深证成指", "19950123", 13050.0, 900_000, 0.013),
    _index("399006.SZ", "创业板指", "20100601", 3080.0, 1_300_000, 0.016),
)


def instrument_of(listing: Listing, day: dt.date) -> Instrument:
    """Catalogue row as an instrument; ``day`` dates its tick."""
    symbol = parse_symbol(listing.symbol)
    board = board_of(symbol)
    return Instrument(
        symbol=listing.symbol,
        name=listing.name,
        market=symbol.market,
        board=board,
        kind=kind_of(board),
        list_date=dt.date.fromisoformat(listing.listed),
        t_plus=listing.t_plus,
        tick_milli=tick_milli(board, day),
        volume_unit=BONDS_PER_LOT if listing.industry == "可转债" else SHARES_PER_LOT,
        total_shares=int(listing.shares),
        float_shares=int(listing.shares * 0.9),
    )
