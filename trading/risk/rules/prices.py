"""Prices: the market's own price cage, and our collar around the last price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from ops.errors import Code, Denied
from qmt.calendar import Phase, date_of_ms
from qmt.codes import Board
from qmt.gateway import PriceType, Side
from qmt.rules import cage_bound
from trading.ledger.wire import plain
from trading.risk.context import CheckContext
from trading.risk.limits import Limit
from trading.risk.rules.fired import fired

_MILLI = 1000
_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class LastQuote:
    """The prices of the instrument's newest quote in CNY; None where there is no such price."""

    last: Decimal | None
    bid: Decimal | None
    ask: Decimal | None


def last_quote(context: CheckContext) -> LastQuote | None:
    """The newest quote, if it is of the market's own date: yesterday's prices are no base for today's orders."""
    quote = context.quote
    if quote is None or date_of_ms(quote.ts) != context.clock.trade_date:
        return None
    return LastQuote(_price(quote.last), _price(*quote.bid[:1]), _price(*quote.ask[:1]))


def _price(value: float | None = None) -> Decimal | None:
    """A quoted price exactly as it is written; zero is the terminal's "none"."""
    return Decimal(str(round(value, 4))) if value else None


def price_is_within_cage(context: CheckContext) -> Denied | None:
    """The exchange's price cage (有效申报价格范围): continuous trading, limit orders, the aggressive side only.

    Base: best opposite quote, else best own, else last price, else previous close (`qmt.rules.CAGES`).
    """
    price = context.price
    if price is None or context.price_type is not PriceType.LIMIT or context.clock.phase is not Phase.CONTINUOUS:
        return None
    bound = cage_price(context)
    if bound is None or (price <= bound if context.is_buy else price >= bound):
        return None
    base, source = cage_base(context)
    edge: dict[str, Any] = {"highest" if context.is_buy else "lowest": plain(bound)}
    return Denied(Code.PRICE_OUTSIDE_CAGE, price=plain(price), base=plain(base), base_is=source, **edge)


def clamped_to_cage(context: CheckContext) -> CheckContext:
    """The order with its price on the cage's edge, where the account asks for that; else as it is."""
    if not context.account.cage_clamping or price_is_within_cage(context) is None:
        return context
    return replace(context, price=cage_price(context))


def cage_price(context: CheckContext) -> Decimal | None:
    """The highest price of a buy, or the lowest of a sell, that the cage allows; None without a cage."""
    base, _source = cage_base(context)
    if base is None:
        return None
    bound = cage_bound(
        int(base * _MILLI),
        board=Board(context.instrument.board),
        side=context.side,
        day=context.clock.trade_date,
        tick_milli=int(context.instrument.tick * _MILLI),
    )
    return None if bound is None else Decimal(bound) / _MILLI


def cage_base(context: CheckContext) -> tuple[Decimal | None, str]:
    """The price the cage stands around, and which one it is."""
    quote = last_quote(context)
    if quote is not None:
        sides = ("ask", "bid") if context.side is Side.BUY else ("bid", "ask")
        for name in (*sides, "last"):
            price: Decimal | None = getattr(quote, name)
            if price is not None:
                return price, name
    return (None, "") if context.day is None else (context.day.pre_close, "pre_close")


def collar(context: CheckContext, limit: Limit) -> Denied | None:
    """A limit price further from the last price, to either side, than so many percent of it.

    Before the first trade of the day the previous close stands in.
    """
    price, last = context.price, last_price(context)
    if price is None or last is None or context.price_type is not PriceType.LIMIT:
        return None
    distance = last * limit.most / _PERCENT
    low, high = last - distance, last + distance
    if low <= price <= high:
        return None
    tick = context.instrument.tick
    return fired(
        limit,
        Code.PRICE_COLLAR,
        price=plain(price),
        last=plain(last),
        lowest=plain((low / tick).to_integral_value(rounding=ROUND_CEILING) * tick),
        highest=plain((high / tick).to_integral_value(rounding=ROUND_FLOOR) * tick),
    )


def last_price(context: CheckContext) -> Decimal | None:
    """The last price of the day, else the previous close."""
    quote = last_quote(context)
    if quote is not None and quote.last is not None:
        return quote.last
    return None if context.day is None else context.day.pre_close
