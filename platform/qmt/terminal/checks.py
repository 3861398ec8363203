"""What the broker's counter and the exchange refuse, with the words a terminal shows.

The counter (柜台) refuses at once: no order comes to be. The exchange refuses later: the order exists and becomes junk (57, 废单).
Numbers and wording follow the style of real counters, which differ by broker; programs must not depend on them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum

from qmt.calendar import Phase
from qmt.gateway import PriceType, Side
from qmt.money import milli_of, price_of, yuan_of
from qmt.pricetypes import is_market, needs_protection, price_type_of_number, price_types_of
from qmt.rules import QuantityFault, cage_bound, quantity_fault
from qmt.terminal.ledger import Book
from qmt.terminal.tape import Depth
from qmt.terminal.types import DayFacts, Instrument, OrderTicket


class Reject(Enum):
    """Refusals: number and words."""

    ACCOUNT = (260001, "资金账号不存在")
    SYMBOL = (260002, "证券代码不存在")
    NOT_TRADABLE = (260003, "该证券不允许交易")
    PRICE_TYPE = (260004, "不支持的报价类型")
    PRICE = (260005, "委托价格不合法")
    TICK = (260006, "委托价格不是最小变动价位的整数倍")
    QUANTITY = (260007, "委托数量不合法")
    LOT = (260008, "委托数量不符合交易单位")
    ODD_LOT = (260009, "零股必须一次性卖出")
    MAXIMUM = (260010, "委托数量超过单笔上限")
    SESSION = (260011, "当前时间不允许委托")
    CASH = (260200, "可用资金不足")
    SHARES = (260201, "证券可用数量不足")
    WITHDRAWABLE = (260202, "可取资金不足")
    BANK = (260203, "银行账号未签约")
    AMOUNT = (260204, "转账金额不合法")
    CONTINUOUS_ONLY = (260012, "市价委托只能在连续竞价时段申报")
    FEED = (260020, "行情源中断，暂停委托")
    SUBSCRIBED = (260013, "同一新股不能重复申购")
    QUOTA = (260014, "申购数量超过可申购额度")
    CANCEL_UNKNOWN = (260301, "委托不存在")
    CANCEL_FINAL = (260302, "委托已成交或已撤销，不允许撤单")
    CANCEL_PENDING = (260303, "撤单已提交，请勿重复撤单")
    CANCEL_SESSION = (260304, "当前时间不允许撤单")
    CANCEL_SUBSCRIPTION = (260305, "新股申购委托不允许撤单")
    SUSPENDED = (251001, "证券已停牌")
    LIMIT = (251002, "委托价格超过涨跌幅限制")
    CAGE = (251003, "委托价格超出有效申报价格范围")

    @property
    def error_id(self) -> int:
        """The number."""
        return self.value[0]

    def words(self, detail: str = "", *, origin: str = "COUNTER") -> str:
        """``[COUNTER] [260200] [可用资金不足 …]``."""
        return f"[{origin}] [{self.error_id}] [{self.value[1]}{' ' + detail if detail else ''}]"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal with its facts."""

    reject: Reject
    detail: str = ""
    origin: str = "COUNTER"

    @property
    def message(self) -> str:
        """The words shown."""
        return self.reject.words(self.detail, origin=self.origin)


_FAULTS = {
    QuantityFault.NOT_TRADABLE: Reject.NOT_TRADABLE,
    QuantityFault.NOT_POSITIVE: Reject.QUANTITY,
    QuantityFault.BELOW_MINIMUM: Reject.LOT,
    QuantityFault.NOT_A_MULTIPLE: Reject.LOT,
    QuantityFault.ODD_LOT_SPLIT: Reject.ODD_LOT,
    QuantityFault.ABOVE_MAXIMUM: Reject.MAXIMUM,
}


def order_price(
    ticket: OrderTicket, instrument: Instrument, facts: DayFacts, last_milli: int, phase: Phase
) -> int | Refusal:
    """The worst price an order may trade at: its limit, the last price for the latest-price type (最新价), and for a
    market kind its protection limit or the day's price limit."""
    kind = price_type_of_number(ticket.price_type, instrument.market)
    if kind is None or kind not in price_types_of(instrument.market, instrument.board):
        return Refusal(Reject.PRICE_TYPE, str(ticket.price_type))
    if kind is PriceType.LATEST:
        return last_milli
    if kind is PriceType.LIMIT:
        return _own_price(ticket, instrument)
    if phase is not Phase.CONTINUOUS:
        return Refusal(Reject.CONTINUOUS_ONLY)
    limit = facts.limit_up_milli if ticket.side is Side.BUY else facts.limit_down_milli
    if not needs_protection(kind, instrument.board, has_limits=limit is not None):
        return limit if limit is not None else Refusal(Reject.PRICE, "保护限价")
    own = _own_price(ticket, instrument)
    if isinstance(own, Refusal) or limit is None:
        return own
    return min(own, limit) if ticket.side is Side.BUY else max(own, limit)


def _own_price(ticket: OrderTicket, instrument: Instrument) -> int | Refusal:
    """The price the ticket states."""
    price = ticket.price
    if not price.is_finite() or price <= 0:
        return Refusal(Reject.PRICE, str(price))
    try:
        milli = milli_of(price)
    except ValueError:
        return Refusal(Reject.TICK, str(price))
    if milli % instrument.tick_milli:
        return Refusal(Reject.TICK, str(price))
    return milli


def session_refusal(phase: Phase, *, before_open: bool) -> Refusal | None:
    """Orders wait for the next session's start before the open and at lunch; after the close nothing is taken."""
    if phase is Phase.AFTER_HOURS or (phase is Phase.CLOSED and not before_open):
        return Refusal(Reject.SESSION)
    return None


def counter_refusal(
    ticket: OrderTicket, instrument: Instrument, price_milli: int, book: Book, day: dt.date
) -> Refusal | None:
    """Quantity, money and shares."""
    sellable = book.sellable(ticket.symbol)
    kind = price_type_of_number(ticket.price_type, instrument.market)
    fault = quantity_fault(
        board=instrument.board,
        side=ticket.side,
        quantity=ticket.quantity,
        day=day,
        sellable=sellable,
        is_market=kind is not None and is_market(kind),
    )
    short = ticket.side is Side.SELL and ticket.quantity > sellable
    if fault is QuantityFault.ODD_LOT_SPLIT and short:
        fault = None  # having too little is the plainer reason
    if fault is not None:
        return Refusal(_FAULTS[fault], str(ticket.quantity))
    if short:
        return Refusal(Reject.SHARES, f"委托{ticket.quantity} 可用{sellable}")
    if ticket.side is Side.BUY:
        needed = book.buy_requirement(instrument.kind, price_milli, ticket.quantity, day)
        if needed > book.account.cash_cents:
            return Refusal(Reject.CASH, f"需要{yuan_of(needed)} 可用{yuan_of(book.account.cash_cents)}")
    return None


def exchange_refusal(
    *,
    side: Side,
    price_milli: int,
    instrument: Instrument,
    facts: DayFacts,
    depth: Depth,
    last_milli: int,
    uncaged: bool,
) -> Refusal | None:
    """Suspension, price limits, price cage: what the exchange looks at when the order reaches it.

    ``uncaged``: the order meets a call auction, or leaves its price to the market.
    """
    if facts.suspended:
        return Refusal(Reject.SUSPENDED, origin="EXCHANGE")
    up, down = facts.limit_up_milli, facts.limit_down_milli
    if (up is not None and price_milli > up) or (down is not None and price_milli < down):
        bounds = f"{price_of(down) if down is not None else '-'}~{price_of(up) if up is not None else '-'}"
        return Refusal(Reject.LIMIT, f"{price_of(price_milli)} {bounds}", origin="EXCHANGE")
    if uncaged:
        return None
    opposite, own = (depth.asks, depth.bids) if side is Side.BUY else (depth.bids, depth.asks)
    base = opposite[0][0] if opposite else own[0][0] if own else last_milli
    bound = cage_bound(base, board=instrument.board, side=side, day=facts.trade_date, tick_milli=instrument.tick_milli)
    if bound is not None and (price_milli > bound if side is Side.BUY else price_milli < bound):
        return Refusal(Reject.CAGE, f"{price_of(price_milli)} {price_of(bound)}", origin="EXCHANGE")
    return None
