"""Instrument codes: which market, board and kind a code belongs to.

A symbol is written ``600519.SH``; the markets are SH (Shanghai), SZ (Shenzhen) and BJ (Beijing, 北交所).
The code ranges are the exchanges' own number plans (SSE 证券代码段分配, SZSE 证券代码区间, BSE 920 号段).
A bare code is read as a *security* (``000001`` is Ping An Bank); indices need their suffix, because an
index and a share may carry the same six digits (``000001.SH`` is the SSE Composite).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Market(StrEnum):
    """Exchange suffix of a symbol."""

    SH = "SH"
    SZ = "SZ"
    BJ = "BJ"


class Board(StrEnum):
    """Listing board, the key of most dated trading rules."""

    MAIN = "MAIN"
    CHINEXT = "CHINEXT"
    STAR = "STAR"
    BSE = "BSE"
    ETF = "ETF"
    CONVERTIBLE = "CONVERTIBLE"
    INDEX = "INDEX"
    OTHER = "OTHER"


class Kind(StrEnum):
    """What sort of instrument it is."""

    STOCK = "STOCK"
    ETF = "ETF"
    CONVERTIBLE = "CONVERTIBLE"
    INDEX = "INDEX"
    OTHER = "OTHER"


class CodeError(ValueError):
    """The text is not the code of an instrument this system may handle."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A parsed code."""

    code: str
    market: Market

    def __str__(self) -> str:
        return f"{self.code}.{self.market}"


# Number plan, longest prefix first. A code is looked up in its market's table only.
_PLAN: dict[Market, tuple[tuple[str, Board], ...]] = {
    Market.SH: (
        ("900", Board.OTHER),  # B shares: refused by name in parse_symbol
        ("000", Board.INDEX),
        ("880", Board.INDEX),
        ("950", Board.INDEX),
        ("600", Board.MAIN),
        ("601", Board.MAIN),
        ("603", Board.MAIN),
        ("605", Board.MAIN),
        ("688", Board.STAR),
        ("689", Board.STAR),
        ("110", Board.CONVERTIBLE),
        ("111", Board.CONVERTIBLE),
        ("113", Board.CONVERTIBLE),
        ("118", Board.CONVERTIBLE),
        ("50", Board.ETF),  # closed-end funds, LOFs, REITs trade by the funds' rules
        ("51", Board.ETF),
        ("52", Board.ETF),
        ("53", Board.ETF),
        ("55", Board.ETF),
        ("56", Board.ETF),
        ("58", Board.ETF),
    ),
    Market.SZ: (
        ("200", Board.OTHER),
        ("399", Board.INDEX),
        ("980", Board.INDEX),
        ("000", Board.MAIN),
        ("001", Board.MAIN),
        ("002", Board.MAIN),
        ("003", Board.MAIN),
        ("004", Board.MAIN),
        ("300", Board.CHINEXT),
        ("301", Board.CHINEXT),
        ("302", Board.CHINEXT),
        ("123", Board.CONVERTIBLE),
        ("127", Board.CONVERTIBLE),
        ("128", Board.CONVERTIBLE),
        ("15", Board.ETF),
        ("16", Board.ETF),
        ("18", Board.ETF),
    ),
    Market.BJ: (
        ("899", Board.INDEX),
        ("920", Board.BSE),
        ("82", Board.OTHER),  # preferred shares
        ("81", Board.OTHER),  # bonds
        ("40", Board.OTHER),  # delisted shares on the third board
        ("42", Board.OTHER),
        ("4", Board.BSE),
        ("8", Board.BSE),
    ),
}

_KIND: dict[Board, Kind] = {
    Board.MAIN: Kind.STOCK,
    Board.CHINEXT: Kind.STOCK,
    Board.STAR: Kind.STOCK,
    Board.BSE: Kind.STOCK,
    Board.ETF: Kind.ETF,
    Board.CONVERTIBLE: Kind.CONVERTIBLE,
    Board.INDEX: Kind.INDEX,
    Board.OTHER: Kind.OTHER,
}

# First digits of a bare code, longest first. 920 belongs to Beijing although 9 is otherwise Shanghai's.
_BARE: tuple[tuple[str, Market], ...] = (
    ("920", Market.BJ),
    ("11", Market.SH),
    ("12", Market.SZ),
    ("15", Market.SZ),
    ("16", Market.SZ),
    ("18", Market.SZ),
    ("39", Market.SZ),
    ("5", Market.SH),
    ("6", Market.SH),
    ("9", Market.SH),
    ("0", Market.SZ),
    ("2", Market.SZ),
    ("3", Market.SZ),
    ("4", Market.BJ),
    ("8", Market.BJ),
)

_SUFFIXES: dict[str, Market] = {
    "SH": Market.SH,
    "SS": Market.SH,
    "XSHG": Market.SH,
    "SZ": Market.SZ,
    "XSHE": Market.SZ,
    "BJ": Market.BJ,
    "XBSE": Market.BJ,
}

_CODE_SUFFIX = re.compile(r"([0-9]{6})\.([A-Z]{2,4})")
_PREFIX_CODE = re.compile(r"(SH|SZ|BJ)\.?([0-9]{6})")
_BARE_CODE = re.compile(r"[0-9]{6}")


def market_of_code(code: str) -> Market:
    """Market of a bare six-digit code, read as a security.

    Raises
    ------
    CodeError
        When no market's number plan starts with these digits.
    """
    if not _BARE_CODE.fullmatch(code):
        raise CodeError(f"not a six-digit code: {code[:40]!r}")
    for prefix, market in _BARE:
        if code.startswith(prefix):
            return market
    raise CodeError(f"no market uses the code {code}")


def parse_symbol(text: str) -> Symbol:
    """Read ``600519.SH``, ``sh600519``, ``600519.XSHG`` or a bare ``600519``.

    Raises
    ------
    CodeError
        For anything else, and for B shares (900xxx.SH, 200xxx.SZ), which settle in foreign currency.
    """
    cleaned = text.strip().upper()
    if match := _CODE_SUFFIX.fullmatch(cleaned):
        code, suffix = match.groups()
        if suffix not in _SUFFIXES:
            raise CodeError(f"unknown market suffix: {suffix}")
        symbol = Symbol(code, _SUFFIXES[suffix])
    elif match := _PREFIX_CODE.fullmatch(cleaned):
        prefix, code = match.groups()
        symbol = Symbol(code, Market(prefix))
    else:
        symbol = Symbol(cleaned, market_of_code(cleaned))
    if is_b_share(symbol):
        raise CodeError(f"B shares are not supported: {symbol}")
    return symbol


def is_b_share(symbol: Symbol) -> bool:
    """Whether the symbol is a share quoted in USD (900xxx.SH) or HKD (200xxx.SZ)."""
    return (symbol.market, symbol.code[:3]) in {(Market.SH, "900"), (Market.SZ, "200")}


def board_of(symbol: Symbol) -> Board:
    """Board of a symbol by its exchange's number plan; OTHER when the plan gives no tradable board."""
    for prefix, board in _PLAN[symbol.market]:
        if symbol.code.startswith(prefix):
            return board
    return Board.OTHER


def kind_of(board: Board) -> Kind:
    """Kind of instrument listed on a board."""
    return _KIND[board]
