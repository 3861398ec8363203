"""Pace: how many orders and cancels, how alike, and against whom. Never asked about a cancel."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from ops.errors import Code, Denied
from qmt.gateway import PriceType, Side
from trading.ledger.wire import plain
from trading.risk.context import CheckContext
from trading.risk.facts import Usage, Working
from trading.risk.limits import Limit
from trading.risk.rules.fired import fired

_PERCENT = Decimal(100)


def orders_per_second(context: CheckContext, limit: Limit) -> Denied | None:
    """Orders and cancels of the subject within the second before, this order included."""
    used = _usage(context, limit)
    if used is None or used.in_last_second + 1 <= limit.most:
        return None
    return fired(limit, Code.ORDER_RATE_LIMIT, in_last_second=used.in_last_second, retry_seconds=1)


def orders_per_day(context: CheckContext, limit: Limit) -> Denied | None:
    """Orders and cancels of the subject today, this order included."""
    used = _usage(context, limit)
    if used is None or used.orders + used.cancels + 1 <= limit.most:
        return None
    return fired(limit, Code.ORDERS_PER_DAY_LIMIT, orders=used.orders, cancels=used.cancels)


def cancel_ratio(context: CheckContext, limit: Limit) -> Denied | None:
    """Cancels as a share of the orders of the day, from a minimum count of orders on."""
    used = _usage(context, limit)
    if used is None or used.orders < int(limit.params.get("minimum", 1)) or used.orders == 0:
        return None
    ratio = used.cancels * _PERCENT / used.orders
    if ratio < limit.most:
        return None
    return fired(
        limit,
        Code.CANCEL_RATIO_LIMIT,
        ratio=plain(ratio.quantize(Decimal("0.01"))),
        orders=used.orders,
        cancels=used.cancels,
    )


def active_orders(context: CheckContext, limit: Limit) -> Denied | None:
    """Orders of the subject that have not ended, this one included."""
    if context.facts is None:
        return None
    subject = limit.subject(account_id=context.account.pk, user_id=context.facts.user_id)
    working = context.facts.working_of.get(subject)
    count = 0 if working is None else working.count
    if count + 1 <= limit.most:
        return None
    return fired(limit, Code.ACTIVE_ORDERS_LIMIT, active=count)


def duplicate_order(context: CheckContext, limit: Limit) -> Denied | None:
    """The same person's same symbol, side, price and quantity on the account within so many seconds."""
    facts = context.facts
    if facts is None:
        return None
    window = timedelta(seconds=float(limit.most))
    mine = (context.instrument.symbol, context.side, context.price, context.quantity)
    for order in facts.recent:
        age = facts.at - order.at
        if order.key == mine and order.user_id == facts.user_id and age < window:
            return fired(
                limit,
                Code.DUPLICATE_ORDER,
                symbol=order.symbol,
                seconds_ago=plain(Decimal(str(round(age.total_seconds(), 3)))),
                allowed_in_seconds=plain(Decimal(str(round((window - age).total_seconds(), 3)))),
            )
    return None


def self_trade(context: CheckContext, limit: Limit) -> Denied | None:
    """A price that meets a working order of the other side, of this account or another of its owner."""
    facts = context.facts
    if facts is None:
        return None
    accounts = facts.owner_accounts | {context.account.pk}
    for order in facts.working:
        if order.account_id not in accounts or order.symbol != context.instrument.symbol:
            continue
        if order.side is context.side or not _meets(context, order):
            continue
        edge = "allowed_below" if context.is_buy else "allowed_above"
        return fired(
            limit,
            Code.SELF_TRADE,
            symbol=order.symbol,
            account=order.account_id,
            side=str(order.side),
            price=plain(order.price),
            quantity=order.remaining,
            **({} if order.price is None else {edge: plain(order.price)}),
        )
    return None


def _meets(context: CheckContext, other: Working) -> bool:
    """Whether both could trade with each other; an order at the market's price meets everything."""
    price = context.price if context.price_type is PriceType.LIMIT else None
    if price is None or other.price is None:
        return True
    return price >= other.price if context.side is Side.BUY else price <= other.price


def _usage(context: CheckContext, limit: Limit) -> Usage | None:
    facts = context.facts
    if facts is None:
        return None
    return facts.used(limit.subject(account_id=context.account.pk, user_id=facts.user_id))
