"""Price types of stock orders: our names, the SDK's numbers, and where each may be used.

One row per price type and exchange. The numbers are ``xtconstant``'s (a test compares them with the installed SDK);
which exchange takes which kind is its trading rules':

* SSE 交易规则 2023 3.3.4–3.3.6 and BSE 交易规则(试行) 2021 3.3.3–3.3.6: best five levels with the rest cancelled or turned
  into a limit order, best price of the opposite side, best price of the own side;
* SZSE 交易规则 2023 3.3.4–3.3.6: opposite side, own side, best five with the rest cancelled, whole opposite side with
  the rest cancelled, all or nothing.

Market kinds (市价申报) are for continuous trading only, in every one of the three. ``[U]`` marks what no public source
settles; it is then refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from qmt.codes import Board, Market
from qmt.gateway import PriceType

FIX_PRICE: Final = 11
LATEST_PRICE: Final = 5


@dataclass(frozen=True, slots=True)
class PriceTypeRow:
    """One price type on one exchange: the SDK's number with its name in ``xtconstant``, and the rules' word for it."""

    price_type: PriceType
    market: Market
    number: int
    constant: str
    words: str


ROWS: Final[tuple[PriceTypeRow, ...]] = (
    *(PriceTypeRow(PriceType.LIMIT, market, FIX_PRICE, "FIX_PRICE", "限价") for market in Market),
    *(PriceTypeRow(PriceType.LATEST, market, LATEST_PRICE, "LATEST_PRICE", "最新价") for market in Market),
    *(
        row
        for market in (Market.SH, Market.BJ)
        for row in (
            PriceTypeRow(PriceType.BEST5_CANCEL, market, 42, "MARKET_SH_CONVERT_5_CANCEL", "最优五档即时成交剩余撤销"),
            PriceTypeRow(PriceType.BEST5_LIMIT, market, 43, "MARKET_SH_CONVERT_5_LIMIT", "最优五档即时成交剩余转限价"),
        )
    ),
    *(PriceTypeRow(PriceType.PEER_BEST, market, 44, "MARKET_PEER_PRICE_FIRST", "对手方最优") for market in Market),
    *(PriceTypeRow(PriceType.OWN_BEST, market, 45, "MARKET_MINE_PRICE_FIRST", "本方最优") for market in Market),
    PriceTypeRow(PriceType.IOC, Market.SZ, 46, "MARKET_SZ_INSTBUSI_RESTCANCEL", "即时成交剩余撤销"),
    PriceTypeRow(PriceType.BEST5_CANCEL, Market.SZ, 47, "MARKET_SZ_CONVERT_5_CANCEL", "最优五档即时成交剩余撤销"),
    PriceTypeRow(PriceType.FOK, Market.SZ, 48, "MARKET_SZ_FULL_OR_CANCEL", "全额成交或撤销"),
)

_BY_NAME: Final[Mapping[tuple[PriceType, Market], PriceTypeRow]] = {(row.price_type, row.market): row for row in ROWS}
_BY_NUMBER: Final[Mapping[tuple[int, Market], PriceTypeRow]] = {(row.number, row.market): row for row in ROWS}

#: Priced by a figure of their own: a limit, or the last trade's price, which the terminal puts in as a limit.
PRICED: Final = frozenset({PriceType.LIMIT, PriceType.LATEST})

#: Boards that take market kinds. Convertibles: the bond rules of 2022 name limit orders only for matched trading [U].
_MARKET_BOARDS: Final = frozenset({Board.MAIN, Board.CHINEXT, Board.STAR, Board.BSE, Board.ETF})

#: Boards whose market orders must state the worst price they accept (保护限价): SSE 科创板股票交易特别规定 2019 第十九条;
#: BSE 交易规则(试行) 2021 3.3.7.
_PROTECTED_BOARDS: Final = frozenset({Board.STAR, Board.BSE})


def is_market(price_type: PriceType) -> bool:
    """Whether the order leaves its price to the market (市价申报)."""
    return price_type not in PRICED


def price_type_row(price_type: PriceType, market: Market) -> PriceTypeRow | None:
    """The row of a price type on an exchange; None when the exchange does not take it."""
    return _BY_NAME.get((price_type, market))


def price_type_of_number(number: int, market: Market) -> PriceType | None:
    """Our price type of an SDK number on an exchange; None when the exchange does not take it."""
    row = _BY_NUMBER.get((number, market))
    return None if row is None else row.price_type


def price_types_of(market: Market, board: Board) -> tuple[PriceType, ...]:
    """Price types that instruments of a board take on their exchange, in the order of our vocabulary."""
    return tuple(
        kind for kind in PriceType if (kind, market) in _BY_NAME and (not is_market(kind) or board in _MARKET_BOARDS)
    )


def needs_protection(price_type: PriceType, board: Board, *, has_limits: bool) -> bool:
    """Whether the order must carry a protection limit price.

    Parameters
    ----------
    has_limits
        The instrument has price limits that day. Without them (first days of a listing) nothing else bounds a market
        order, so its price is asked for on every board. Where none is needed none is taken: it would be ignored.
    """
    return is_market(price_type) and (board in _PROTECTED_BOARDS or not has_limits)
