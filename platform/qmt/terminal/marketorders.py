"""How the exchange treats market kinds (市价申报) that reach it in continuous trading.

Each kind answers three questions about an arriving order: at what price it starts, whether it may trade at all, and what
becomes of the rest. Words and order of events follow the exchanges' rules (sources in `qmt.pricetypes`).
"""

from __future__ import annotations

from qmt.codes import Market
from qmt.gateway import PriceType, Side
from qmt.pricetypes import is_market, price_type_of_number
from qmt.terminal.ledger import Order
from qmt.terminal.tape import Depth

REST_CANCELLED = "市价委托未成交部分自动撤销"


def market_kind(order: Order) -> PriceType | None:
    """The market kind of an order; None for one that states its price."""
    kind = price_type_of_number(order.price_type, Market(order.symbol[-2:]))
    return kind if kind is not None and is_market(kind) else None


def starting_price(kind: PriceType, order: Order, depth: Depth) -> int | None:
    """The limit an arriving order trades up to; None when the exchange cancels it at once.

    Opposite side (对手方最优) and own side (本方最优) become limit orders at that side's best price; with that side empty,
    or its best price beyond the order's protection limit, they are cancelled. The others take what is displayed, as
    far as the protection limit or the day's price limit allows.
    """
    if kind not in (PriceType.PEER_BEST, PriceType.OWN_BEST):
        return order.price_milli
    buying = order.side is Side.BUY
    levels = depth.asks if buying is (kind is PriceType.PEER_BEST) else depth.bids
    if not levels:
        return None
    best = levels[0][0]
    beyond = best > order.price_milli if buying else best < order.price_milli
    return None if beyond else best


def remaining_price(kind: PriceType, order: Order, depth: Depth, last_fill_milli: int | None) -> int | None:
    """The limit at which the rest of an order waits; None when it is cancelled.

    The rest of BEST5_LIMIT (剩余转限价) waits at its last fill's price; without any fill at the best price of its own side,
    and with that side empty too it is cancelled.
    """
    if kind in (PriceType.PEER_BEST, PriceType.OWN_BEST):
        return order.price_milli
    if kind is not PriceType.BEST5_LIMIT:
        return None
    if last_fill_milli is not None:
        return last_fill_milli
    own = depth.bids if order.side is Side.BUY else depth.asks
    return own[0][0] if own else None
