"""Sizes: what one order, one position, the whole account and the whole day may come to.

Limits on what is *held* bound buys only: a sale makes it smaller. Money is CNY; an order is
valued at the most it can cost (its limit, or limit-up where the market decides the price).
"""

from __future__ import annotations

from decimal import Decimal

from ops.errors import Code, Denied
from trading.ledger.wire import money, plain
from trading.risk.context import CheckContext
from trading.risk.facts import ZERO, LimitFacts
from trading.risk.limits import Limit
from trading.risk.rules.fired import fired
from trading.risk.rules.prices import last_price
from trading.risk.sizes import largest_quantity, quantity_within

_PERCENT = Decimal(100)


def order_quantity(context: CheckContext, limit: Limit) -> Denied | None:
    """Shares in one order."""
    if context.quantity <= limit.most:
        return None
    allowed = largest_quantity(context, lambda quantity: quantity <= limit.most)
    return fired(limit, Code.ORDER_QUANTITY_LIMIT, quantity=context.quantity, allowed_quantity=allowed)


def order_value(context: CheckContext, limit: Limit) -> Denied | None:
    """Value of one order, without fees."""
    price = _price(context)
    value = price * context.quantity
    if value <= limit.most:
        return None
    return fired(
        limit, Code.ORDER_VALUE_LIMIT, value=money(value), allowed_quantity=quantity_within(context, limit.most, price)
    )


def position_value(context: CheckContext, limit: Limit) -> Denied | None:
    """Value of the instrument in the account, with every buy of it that is on its way."""
    if context.facts is None or not context.is_buy:
        return None
    return _above(context, limit, Code.POSITION_VALUE_LIMIT, limit.most, held_in_symbol(context, context.facts))


def concentration(context: CheckContext, limit: Limit) -> Denied | None:
    """The same, in percent of the account's equity (总资产) as the broker last stated it."""
    if context.facts is None or not context.is_buy:
        return None
    equity = ZERO if context.asset is None else context.asset.total_asset
    most = max(ZERO, equity) * limit.most / _PERCENT
    return _above(
        context, limit, Code.CONCENTRATION_LIMIT, most, held_in_symbol(context, context.facts), equity=money(equity)
    )


def exposure(context: CheckContext, limit: Limit) -> Denied | None:
    """Value of all positions, with every buy that is on its way."""
    if context.facts is None or not context.is_buy:
        return None
    return _above(context, limit, Code.EXPOSURE_LIMIT, limit.most, held_in_all(context.account.pk, context.facts))


def daily_turnover(context: CheckContext, limit: Limit) -> Denied | None:
    """Traded amount of the day, both sides, with what working orders may still add."""
    facts = context.facts
    if facts is None:
        return None
    subject = limit.subject(account_id=context.account.pk, user_id=facts.user_id)
    return _above(context, limit, Code.TURNOVER_LIMIT, limit.most, turnover(facts, subject))


def st_day_quantity(context: CheckContext, limit: Limit) -> Denied | None:
    """Shares of one ST stock bought in a day on an account (the exchanges' own limit is 500,000)."""
    facts = context.facts
    if facts is None or not context.is_buy or not context.instrument.is_st:
        return None
    room = int(limit.most) - facts.bought
    if context.quantity <= room:
        return None
    allowed = largest_quantity(context, lambda quantity: quantity <= room)
    return fired(
        limit, Code.ST_QUANTITY_LIMIT, bought=facts.bought, quantity=context.quantity, allowed_quantity=allowed
    )


def daily_loss(context: CheckContext, limit: Limit) -> Denied | None:
    """Equity fallen by more than so many CNY since the day's first figure: no buys."""
    fallen = equity_fall(context, from_peak=False)
    if fallen is None or not context.is_buy or fallen[0] < limit.most:
        return None
    return fired(limit, Code.DAILY_LOSS_STOP, loss=money(fallen[0]), since=money(fallen[1]), allowed="SELL")


def drawdown(context: CheckContext, limit: Limit) -> Denied | None:
    """Equity fallen by so many percent from the day's highest figure: no buys."""
    fallen = equity_fall(context, from_peak=True)
    if fallen is None or not context.is_buy or fallen[0] * _PERCENT < limit.most * fallen[1]:
        return None
    percent = (fallen[0] * _PERCENT / fallen[1]).quantize(Decimal("0.01"))
    return fired(limit, Code.DRAWDOWN_STOP, drawdown=plain(percent), peak=money(fallen[1]), allowed="SELL")


def equity_fall(context: CheckContext, *, from_peak: bool) -> tuple[Decimal, Decimal] | None:
    """By how much the equity is below where it is measured from, and that figure; None when unknown."""
    if context.facts is None or context.asset is None:
        return None
    usage = context.facts.used(f"a:{context.account.pk}")
    base = usage.peak_equity if from_peak else usage.opening_equity
    if base is None or base <= 0:
        return None
    return base - context.asset.total_asset, base


def turnover(facts: LimitFacts, subject: str) -> Decimal:
    """A subject's traded amount of the day and what its working orders may add."""
    working = facts.working_of.get(subject)
    return facts.used(subject).turnover + (ZERO if working is None else working.worth)


def held_in_symbol(context: CheckContext, facts: LimitFacts) -> Decimal:
    """Value of the order's instrument in the account, buys on their way included."""
    symbol = context.instrument.symbol
    return facts.positions.get(symbol, ZERO) + facts.buys_of.get((context.account.pk, symbol), ZERO)


def held_in_all(account_id: int, facts: LimitFacts) -> Decimal:
    """Value of everything in the account, buys on their way included."""
    buys = (worth for (account, _symbol), worth in facts.buys_of.items() if account == account_id)
    return facts.held + sum(buys, ZERO)


def _price(context: CheckContext) -> Decimal:
    """At what an order is valued; without any bound the last price stands in."""
    return context.worst_price or last_price(context) or ZERO


def _above(
    context: CheckContext, limit: Limit, code: Code, most: Decimal, present: Decimal, **facts: str | None
) -> Denied | None:
    """A denial when `present` and this order together come to more than `most`."""
    price = _price(context)
    value = price * context.quantity
    if present + value <= most:
        return None
    allowed = quantity_within(context, most - present, price)
    return fired(limit, code, present=money(present), order=money(value), **facts, allowed_quantity=allowed)
