"""What is refused before an order reaches the tape, in the order and with the codes of the pre-trade checks (`trading.risk.checks`).

The rules themselves are the shared, dated ones of `qmt`; here they meet the facts of a past day. Limits that people set (`trading.risk`)
have no history and are not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from ops.errors import Code
from qmt.calendar import Phase
from qmt.gateway import PriceType, Side
from qmt.pricetypes import is_market, needs_protection, price_types_of
from qmt.rules import QuantityFault, cage_bound, closing_auction_since, lot_rule, quantity_fault
from qmt.terminal.ledger import Book
from qmt.terminal.types import DayFacts, Instrument

_FAULTS = {
    QuantityFault.NOT_TRADABLE: Code.SYMBOL_NOT_TRADABLE,
    QuantityFault.NOT_POSITIVE: Code.QUANTITY_INVALID,
    QuantityFault.BELOW_MINIMUM: Code.QUANTITY_BELOW_MINIMUM,
    QuantityFault.NOT_A_MULTIPLE: Code.QUANTITY_OFF_LOT,
    QuantityFault.ODD_LOT_SPLIT: Code.ODD_LOT_SPLIT,
    QuantityFault.ABOVE_MAXIMUM: Code.QUANTITY_ABOVE_MAXIMUM,
}


@dataclass(frozen=True, slots=True)
class Request:
    """An order as it is judged. Prices in thousandths of a yuan.

    Attributes
    ----------
    price
        Limit, or the protection limit of a market kind; None without one.
    worst
        What a purchase may cost per share at most; None when nothing bounds it.
    last
        Newest price, the base of the price cage.
    phase
        Of the market when the order arrives.
    """

    side: Side
    quantity: int
    price_type: PriceType
    price: int | None
    worst: int | None
    last: int
    phase: Phase


def refusal(request: Request, instrument: Instrument, facts: DayFacts | None, tick: int, book: Book) -> Code | None:
    """The first rule that says no; None when the order may enter.

    Parameters
    ----------
    facts
        Of the day the order is for; None when the instrument has no price by then.
    """
    if facts is None or not instrument.tradable or lot_rule(instrument.board, facts.trade_date) is None:
        return Code.SYMBOL_NOT_TRADABLE
    if facts.suspended:
        return Code.SYMBOL_SUSPENDED
    code = _kind_refusal(request, instrument, facts) or _price_refusal(request, instrument, facts, tick)
    return code or _means_refusal(request, instrument, facts, book)


def _kind_refusal(request: Request, instrument: Instrument, facts: DayFacts) -> Code | None:
    kind = request.price_type
    if kind not in price_types_of(instrument.market, instrument.board):
        return Code.PRICE_TYPE_NOT_TAKEN
    if not is_market(kind):
        return None
    if not is_continuous(request.phase, instrument, facts):
        return Code.PRICE_TYPE_NEEDS_CONTINUOUS
    limit = facts.limit_up_milli if request.side is Side.BUY else facts.limit_down_milli
    needed = needs_protection(kind, instrument.board, has_limits=limit is not None)
    if needed and request.price is None:
        return Code.PROTECTION_REQUIRED
    return Code.PRICE_NOT_ALLOWED if request.price is not None and not needed else None


def is_continuous(phase: Phase, instrument: Instrument, facts: DayFacts) -> bool:
    """Whether the instrument trades continuously: what has no closing auction does until 15:00."""
    if phase is not Phase.CLOSE_AUCTION:
        return phase is Phase.CONTINUOUS
    since = closing_auction_since(instrument.market, instrument.board)
    return since is None or facts.trade_date < since


def _price_refusal(request: Request, instrument: Instrument, facts: DayFacts, tick: int) -> Code | None:
    price = request.price
    if price is not None:
        if price % tick:
            return Code.PRICE_OFF_TICK
        if facts.limit_up_milli is not None and price > facts.limit_up_milli:
            return Code.PRICE_ABOVE_LIMIT_UP
        if facts.limit_down_milli is not None and price < facts.limit_down_milli:
            return Code.PRICE_BELOW_LIMIT_DOWN
        if request.price_type is PriceType.LIMIT and is_continuous(request.phase, instrument, facts):
            bound = cage_bound(
                request.last, board=instrument.board, side=request.side, day=facts.trade_date, tick_milli=tick
            )
            if bound is not None and (price > bound if request.side is Side.BUY else price < bound):
                return Code.PRICE_OUTSIDE_CAGE
    return Code.PRICE_UNBOUNDED if request.side is Side.BUY and request.worst is None else None


def _means_refusal(request: Request, instrument: Instrument, facts: DayFacts, book: Book) -> Code | None:
    sellable = book.sellable(instrument.symbol)
    if request.side is Side.SELL and request.quantity > sellable:
        return Code.SELLABLE_INSUFFICIENT
    fault = quantity_fault(
        board=instrument.board,
        side=request.side,
        quantity=request.quantity,
        day=facts.trade_date,
        sellable=sellable,
        is_market=is_market(request.price_type),
    )
    if fault is not None:
        return _FAULTS[fault]
    if request.side is Side.BUY and request.worst is not None:
        needed = book.buy_requirement(instrument.kind, request.worst, request.quantity, facts.trade_date)
        if needed > book.account.cash_cents:
            return Code.CASH_INSUFFICIENT
    return None
