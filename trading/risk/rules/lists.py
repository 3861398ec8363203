"""Lists: which instruments, which sides, at which times."""

from __future__ import annotations

from datetime import time

from ops.errors import Code, Denied
from trading.risk.context import CheckContext
from trading.risk.limits import Limit
from trading.risk.rules.fired import fired


def sides(context: CheckContext, limit: Limit) -> Denied | None:
    """Only these sides."""
    allowed = [str(side) for side in limit.params["sides"]]
    if str(context.side) in allowed:
        return None
    return fired(limit, Code.SIDE_NOT_ALLOWED, side=str(context.side), allowed=allowed)


def time_window(context: CheckContext, limit: Limit) -> Denied | None:
    """Only between these times of the market's clock, the first included, the second not."""
    start, end = time.fromisoformat(limit.params["from"]), time.fromisoformat(limit.params["to"])
    now = context.clock.market_time.time()
    if start <= now < end:
        return None
    return fired(
        limit,
        Code.OUTSIDE_TIME_WINDOW,
        market_time=now.isoformat(timespec="seconds"),
        allowed_from=limit.params["from"],
        allowed_to=limit.params["to"],
    )


def symbol_allow(context: CheckContext, limit: Limit) -> Denied | None:
    """Only these symbols."""
    if context.instrument.symbol in limit.params["symbols"]:
        return None
    return fired(limit, Code.SYMBOL_NOT_ALLOWED, symbol=context.instrument.symbol)


def symbol_deny(context: CheckContext, limit: Limit) -> Denied | None:
    """Not these symbols."""
    if context.instrument.symbol not in limit.params["symbols"]:
        return None
    return fired(limit, Code.SYMBOL_NOT_ALLOWED, symbol=context.instrument.symbol)


def st_deny(context: CheckContext, limit: Limit) -> Denied | None:
    """No buys of shares under special treatment."""
    if not context.instrument.is_st or not context.is_buy:
        return None
    return fired(limit, Code.ST_NOT_ALLOWED, symbol=context.instrument.symbol, allowed="SELL")


def new_listing_deny(context: CheckContext, limit: Limit) -> Denied | None:
    """No buys on the first so many trading days after the listing."""
    days = None if context.facts is None else context.facts.listed_days
    if days is None or not context.is_buy or days > limit.most:
        return None
    return fired(
        limit, Code.NEW_LISTING_NOT_ALLOWED, symbol=context.instrument.symbol, trading_day=days, allowed="SELL"
    )
