"""The exchanges' trading rules as dated tables.

Each row holds from ``since`` on, until a later row of the same key takes over, and names its source. Code only looks rows up:
a new rule is a new row. Prices are integers in thousandths of a yuan (see ``qmt.money``), quantities shares (bonds: 张).

What a terminal says about one date (limits, tick, suspension) goes before these tables; they serve the simulated exchange,
and the platform's checks where the terminal is silent. ``[U]`` marks what no public source settles.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, TypeVar

from qmt.codes import Board, Market
from qmt.gateway import Side
from qmt.money import divide_half_up

_ALWAYS = dt.date(1990, 12, 19)
_REGISTRATION = dt.date(2023, 4, 10)  # registration-based listing on the main boards (全面注册制)
_CHINEXT_REFORM = dt.date(2020, 8, 24)
_STAR_START = dt.date(2019, 7, 22)
_BSE_START = dt.date(2021, 11, 15)
_BOND_RULES = dt.date(2022, 8, 1)
_RULES_2026 = dt.date(2026, 7, 6)


class _Row(Protocol):
    @property
    def since(self) -> dt.date: ...


_R = TypeVar("_R", bound=_Row)


def _in_force(rows: Iterable[_R], day: dt.date) -> _R | None:
    """The youngest row that holds on a day."""
    valid = [row for row in rows if row.since <= day]
    return max(valid, key=lambda row: row.since) if valid else None


# Price limits (涨跌幅限制).


@dataclass(frozen=True, slots=True)
class LimitRow:
    """Price limit of a board in thousandths of the reference price; None = no limit."""

    board: Board
    is_st: bool | None
    up_permille: int | None
    down_permille: int | None
    since: dt.date
    source: str


PRICE_LIMITS: tuple[LimitRow, ...] = (
    LimitRow(
        Board.MAIN, False, 100, 100, dt.date(1996, 12, 16), "SSE/SZSE notice 1996-12-13; SSE 交易规则 2023 3.3.15"
    ),
    LimitRow(Board.MAIN, True, 50, 50, dt.date(1998, 4, 22), "SSE 交易规则 2023 3.3.15 (风险警示股票 5%)"),
    LimitRow(Board.MAIN, True, 100, 100, _RULES_2026, "SSE/SZSE 2026-07-06: ST limit widened to 10%"),
    LimitRow(Board.CHINEXT, False, 100, 100, dt.date(2009, 10, 30), "SZSE 交易规则 2006 3.3.15"),
    LimitRow(Board.CHINEXT, True, 50, 50, dt.date(2009, 10, 30), "SZSE 交易规则 2006 3.3.15"),
    LimitRow(Board.CHINEXT, None, 200, 200, _CHINEXT_REFORM, "SZSE 创业板交易特别规定 2020 2.2"),
    LimitRow(Board.STAR, None, 200, 200, _STAR_START, "SSE 科创板股票交易特别规定 2019 第十八条"),
    LimitRow(
        Board.BSE, None, 300, 300, dt.date(2020, 7, 27), "BSE 交易规则(试行) 2021 3.3.11; 精选层 since 2020-07-27"
    ),
    LimitRow(Board.ETF, None, 100, 100, dt.date(1996, 12, 16), "SSE 基金 10%"),
    LimitRow(Board.CONVERTIBLE, None, None, None, _ALWAYS, "no limit before the 2022 bond rules"),
    LimitRow(Board.CONVERTIBLE, None, 200, 200, _BOND_RULES, "SSE/SZSE 可转换公司债券交易实施细则 2022"),
)

WIDE_FUND_LIMIT = LimitRow(
    Board.ETF,
    None,
    200,
    200,
    _CHINEXT_REFORM,
    "SZSE 2020-08-24, SSE 588xxx: funds on ChiNext and STAR stocks only, 20%",
)


@dataclass(frozen=True, slots=True)
class ListingRow:
    """What holds on the first trading days of a security listed from ``since`` on."""

    board: Board
    days: int
    up_permille: int | None
    down_permille: int | None
    since: dt.date
    source: str


FIRST_DAYS: tuple[ListingRow, ...] = (
    ListingRow(Board.MAIN, 1, 440, 360, dt.date(2014, 1, 1), "SSE/SZSE 新股上市首日 2013-12-13"),
    ListingRow(Board.MAIN, 5, None, None, _REGISTRATION, "SSE 交易规则 2023 3.3.17"),
    ListingRow(Board.CHINEXT, 1, 440, 360, dt.date(2014, 1, 1), "SZSE 新股上市首日 2013-12-13"),
    ListingRow(Board.CHINEXT, 5, None, None, _CHINEXT_REFORM, "SZSE 创业板交易特别规定 2020 2.3"),
    ListingRow(Board.STAR, 5, None, None, _STAR_START, "SSE 科创板股票交易特别规定 2019"),
    ListingRow(Board.BSE, 1, None, None, _BSE_START, "BSE 交易规则(试行) 2021 3.3.12"),
    ListingRow(Board.CONVERTIBLE, 1, 573, 433, _BOND_RULES, "可转换公司债券交易实施细则 2022 [U]"),
)


@dataclass(frozen=True, slots=True)
class PriceLimits:
    """Highest and lowest price of the day."""

    up_milli: int
    down_milli: int


def first_days_row(board: Board, list_date: dt.date) -> ListingRow | None:
    """Rule for the first trading days of a security listed on a date."""
    return _in_force((row for row in FIRST_DAYS if row.board is board), list_date)


@lru_cache(maxsize=32_768)
def _usual_limit(board: Board, day: dt.date, *, is_st: bool, is_wide_fund: bool) -> tuple[int | None, int | None]:
    rows = [row for row in PRICE_LIMITS if row.board is board and row.is_st in (None, is_st)]
    if is_wide_fund and board is Board.ETF:
        rows.append(WIDE_FUND_LIMIT)
    row = _in_force(rows, day)
    return (row.up_permille, row.down_permille) if row is not None else (None, None)


def price_limits(
    reference_milli: int,
    *,
    board: Board,
    day: dt.date,
    tick_milli: int,
    is_st: bool = False,
    is_wide_fund: bool = False,
    list_date: dt.date | None = None,
    listing_day: int | None = None,
) -> PriceLimits | None:
    """Price limits of a day, or None when the day has none.

    Parameters
    ----------
    reference_milli
        Ex-rights previous close (除权参考价); the issue price on the first day.
    list_date, listing_day
        Listing date, and number of this trading day since then (first day = 1). Without them the first days' rule is not used.
    is_wide_fund
        The fund holds only ChiNext or STAR stocks.

    Notes
    -----
    Limit = reference × (1 ± p), rounded half-up to the tick; nearer than one tick to the reference it becomes reference ± one
    tick (SSE 交易规则 2023 3.3.16). Binary ``round()`` is wrong for about one ±10% limit in twenty.
    """
    first = first_days_row(board, list_date) if list_date is not None and listing_day is not None else None
    if first is not None and listing_day is not None and listing_day <= first.days:
        up, down = first.up_permille, first.down_permille
    else:
        up, down = _usual_limit(board, day, is_st=is_st, is_wide_fund=is_wide_fund)
    if up is None or down is None:
        return None
    upper = divide_half_up(reference_milli * (1000 + up), 1000 * tick_milli) * tick_milli
    lower = divide_half_up(reference_milli * (1000 - down), 1000 * tick_milli) * tick_milli
    return PriceLimits(
        up_milli=max(upper, reference_milli + tick_milli),
        down_milli=max(min(lower, reference_milli - tick_milli), tick_milli),
    )


# Quantities (申报数量).


@dataclass(frozen=True, slots=True)
class LotRow:
    """Order sizes of a board. ``limit_most`` and ``market_most`` are the largest single limit and market order."""

    board: Board
    minimum: int
    step: int
    limit_most: int
    market_most: int
    since: dt.date
    source: str


LOTS: tuple[LotRow, ...] = (
    LotRow(Board.MAIN, 100, 100, 1_000_000, 1_000_000, _ALWAYS, "SSE 交易规则 2023 3.3.9–3.3.10"),
    LotRow(Board.CHINEXT, 100, 100, 1_000_000, 1_000_000, _ALWAYS, "SZSE 交易规则 2006 3.3.9"),
    LotRow(Board.CHINEXT, 100, 100, 300_000, 150_000, _CHINEXT_REFORM, "SZSE 创业板交易特别规定 2020 2.5"),
    LotRow(Board.STAR, 200, 1, 100_000, 50_000, _STAR_START, "SSE 科创板股票交易特别规定 2019 第二十条"),
    LotRow(Board.BSE, 100, 1, 1_000_000, 1_000_000, _ALWAYS, "BSE 交易规则(试行) 2021 3.3.8; largest order [U]"),
    LotRow(Board.ETF, 100, 100, 1_000_000, 1_000_000, _ALWAYS, "SSE 交易规则 2023 3.3.9 (基金)"),
    LotRow(Board.CONVERTIBLE, 10, 10, 100_000, 100_000, _ALWAYS, "可转换公司债券交易实施细则 2022; largest order [U]"),
)


def lot_rule(board: Board, day: dt.date) -> LotRow | None:
    """Order sizes of a board on a day; None when nothing on the board can be ordered."""
    return _in_force((row for row in LOTS if row.board is board), day)


class QuantityFault(StrEnum):
    """Why an order's quantity is refused."""

    NOT_TRADABLE = "NOT_TRADABLE"
    NOT_POSITIVE = "NOT_POSITIVE"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    NOT_A_MULTIPLE = "NOT_A_MULTIPLE"
    ODD_LOT_SPLIT = "ODD_LOT_SPLIT"
    ABOVE_MAXIMUM = "ABOVE_MAXIMUM"


def quantity_fault(
    *, board: Board, side: Side, quantity: int, day: dt.date, sellable: int = 0, is_market: bool = False
) -> QuantityFault | None:
    """Check an order's quantity against the board's lots; None when it is right.

    A remainder that is smaller than the smallest order (零股) can only be sold, and only as a whole: with other shares in one
    order, or alone. ``sellable`` is what the account may sell now; it decides what the remainder is.
    """
    rule = lot_rule(board, day)
    if rule is None:
        return QuantityFault.NOT_TRADABLE
    if quantity <= 0:
        return QuantityFault.NOT_POSITIVE
    if quantity > (rule.market_most if is_market else rule.limit_most):
        return QuantityFault.ABOVE_MAXIMUM
    if side is Side.BUY:
        if quantity < rule.minimum:
            return QuantityFault.BELOW_MINIMUM
        return None if quantity % rule.step == 0 else QuantityFault.NOT_A_MULTIPLE
    if rule.step == 1:
        return None if quantity >= rule.minimum or quantity == sellable else QuantityFault.ODD_LOT_SPLIT
    odd = quantity % rule.step
    return None if odd in (0, sellable % rule.step) else QuantityFault.ODD_LOT_SPLIT


# Tick (价格变动单位).


@dataclass(frozen=True, slots=True)
class TickRow:
    """Price step of a board."""

    board: Board
    tick_milli: int
    since: dt.date
    source: str


TICKS: tuple[TickRow, ...] = (
    TickRow(Board.MAIN, 10, _ALWAYS, "SSE 交易规则 2023 3.3.11"),
    TickRow(Board.CHINEXT, 10, _ALWAYS, "SZSE 交易规则 2023 3.3.11"),
    TickRow(Board.STAR, 10, _ALWAYS, "SSE 交易规则 2023 3.3.11"),
    TickRow(Board.BSE, 10, _ALWAYS, "BSE 交易规则(试行) 2021 3.3.9"),
    TickRow(Board.ETF, 1, dt.date(2003, 3, 3), "SSE 交易规则 2023 3.3.11 (基金 0.001)"),
    TickRow(Board.CONVERTIBLE, 1, _BOND_RULES, "SSE 债券交易规则 2022 (0.001)"),
    TickRow(Board.CONVERTIBLE, 10, _ALWAYS, "SSE 交易规则 before the 2022 bond rules (0.01)"),
    TickRow(Board.INDEX, 1, _ALWAYS, "indices are published finer; a terminal shows three decimals"),
)


def tick_milli(board: Board, day: dt.date) -> int:
    """Price step of a board on a day; a cent where no row says otherwise."""
    row = _in_force((row for row in TICKS if row.board is board), day)
    return row.tick_milli if row is not None else 10


# Price cage (有效申报价格范围).


@dataclass(frozen=True, slots=True)
class CageRow:
    """How far from the base a limit order in continuous trading may be priced, on the aggressive side."""

    board: Board
    permille: int
    ticks: int
    since: dt.date
    source: str


CAGES: tuple[CageRow, ...] = (
    CageRow(Board.MAIN, 20, 10, _REGISTRATION, "SSE 交易规则 2023 3.3.13"),
    CageRow(Board.CHINEXT, 20, 0, _CHINEXT_REFORM, "SZSE 创业板交易特别规定 2020 2.4"),
    CageRow(Board.CHINEXT, 20, 10, _REGISTRATION, "SZSE 交易规则 2023 3.3.13"),
    CageRow(Board.STAR, 20, 0, _STAR_START, "SSE 科创板股票交易特别规定 2019; ten-tick floor [U], so the strict form"),
    CageRow(Board.BSE, 50, 10, _BSE_START, "BSE 交易规则(试行) 2021 3.3.10"),
)


def cage_bound(base_milli: int, *, board: Board, side: Side, day: dt.date, tick_milli: int) -> int | None:
    """Highest price of a buy, lowest of a sell, in continuous trading; None without a cage.

    ``base_milli`` is the best opposite quote, else the best on the own side, else the last price, else the previous close.
    The percentage is not rounded to the tick [U]: the bound is the last tick that does not exceed it.
    """
    row = _in_force((row for row in CAGES if row.board is board), day)
    if row is None:
        return None
    ticks = row.ticks * tick_milli
    if side is Side.BUY:
        return max(base_milli * (1000 + row.permille) // (1000 * tick_milli) * tick_milli, base_milli + ticks)
    share = -(-base_milli * (1000 - row.permille) // (1000 * tick_milli)) * tick_milli
    return max(min(share, base_milli - ticks), tick_milli)


# Closing auction (收盘集合竞价).


@dataclass(frozen=True, slots=True)
class ClosingAuctionRow:
    """From when the instruments of a market and board close by call auction, 14:57–15:00."""

    market: Market
    board: Board
    since: dt.date
    source: str


_SZ_CLOSING = "SZSE 交易规则 2006 (2006-07-01)"
_SH_CLOSING = "SSE 2018-08-20 收盘集合竞价"
CLOSING_AUCTIONS: tuple[ClosingAuctionRow, ...] = (
    ClosingAuctionRow(Market.SZ, Board.MAIN, dt.date(2006, 7, 1), _SZ_CLOSING),
    ClosingAuctionRow(Market.SZ, Board.CHINEXT, dt.date(2009, 10, 30), _SZ_CLOSING),
    ClosingAuctionRow(Market.SZ, Board.ETF, dt.date(2006, 7, 1), _SZ_CLOSING),
    ClosingAuctionRow(Market.SZ, Board.CONVERTIBLE, dt.date(2006, 7, 1), _SZ_CLOSING),
    ClosingAuctionRow(Market.SH, Board.MAIN, dt.date(2018, 8, 20), _SH_CLOSING),
    ClosingAuctionRow(Market.SH, Board.STAR, _STAR_START, _SH_CLOSING),
    ClosingAuctionRow(Market.SH, Board.ETF, _RULES_2026, "SSE 2026-07-06: funds close by call auction"),
    ClosingAuctionRow(Market.BJ, Board.BSE, _BSE_START, "BSE 交易规则(试行) 2021 3.1.2"),
)


def closing_auction_since(market: Market, board: Board) -> dt.date | None:
    """First day with a closing auction; None when instruments there trade continuously until 15:00."""
    return next((row.since for row in CLOSING_AUCTIONS if row.market is market and row.board is board), None)


# Settled the day they are bought: convertibles, and funds on what trades T+0 elsewhere. The funds are told by the
# exchanges' number plans (SSE 511 bonds and money, 513 cross-border, 518 gold; SZSE 159 is mixed and stays T+1 unless
# named here), SSE 交易规则 2023 3.1.5.
_SAME_DAY_FUND_PREFIXES = ("511", "513", "518")


def is_same_day(code: str, board: Board) -> bool:
    """Whether what is bought can be sold on the same day (T+0)."""
    if board is Board.CONVERTIBLE:
        return True
    return board is Board.ETF and code.startswith(_SAME_DAY_FUND_PREFIXES)


def is_st(name: str) -> bool:
    """Whether a share's name carries the special-treatment mark (ST, *ST)."""
    return name.replace(" ", "").upper().startswith(("ST", "*ST", "SST", "S*ST"))
