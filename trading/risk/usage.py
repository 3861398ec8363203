"""How much of a limit is used, by the very figures that its check compares."""

from __future__ import annotations

from decimal import Decimal

from trading.risk.choices import LimitKind
from trading.risk.context import CheckContext
from trading.risk.facts import ZERO, LimitFacts
from trading.risk.limits import Limit
from trading.risk.rules.sizes import equity_fall, held_in_all, held_in_symbol, turnover

_PERCENT = Decimal(100)


def counted(facts: LimitFacts, limit: Limit, account_id: int) -> Decimal | None:
    """What a limit on pace or turnover has counted so far; None for other kinds."""
    subject = limit.subject(account_id=account_id, user_id=facts.user_id)
    usage = facts.used(subject)
    if limit.kind is LimitKind.ORDERS_PER_SECOND:
        return Decimal(usage.in_last_second)
    if limit.kind is LimitKind.ORDERS_PER_DAY:
        return Decimal(usage.orders + usage.cancels)
    if limit.kind is LimitKind.CANCEL_RATIO:
        ratio = usage.cancels * _PERCENT / usage.orders if usage.orders else ZERO
        return ratio.quantize(Decimal("0.01"))
    if limit.kind is LimitKind.ACTIVE_ORDERS:
        working = facts.working_of.get(subject)
        return Decimal(0 if working is None else working.count)
    if limit.kind is LimitKind.DAILY_TURNOVER:
        return turnover(facts, subject)
    return None


def used_of(context: CheckContext, limit: Limit) -> Decimal | None:
    """What is used of a limit before this order, in its unit; None where nothing adds up."""
    facts = context.facts
    if facts is None:
        return None
    if limit.kind is LimitKind.POSITION_VALUE:
        return held_in_symbol(context, facts)
    if limit.kind is LimitKind.EXPOSURE:
        return held_in_all(context.account.pk, facts)
    if limit.kind is LimitKind.CONCENTRATION:
        equity = ZERO if context.asset is None else context.asset.total_asset
        return (held_in_symbol(context, facts) * _PERCENT / equity).quantize(Decimal("0.01")) if equity > 0 else None
    if limit.kind is LimitKind.ST_DAY_QUANTITY:
        return Decimal(facts.bought)
    if limit.kind in (LimitKind.DAILY_LOSS, LimitKind.DRAWDOWN):
        fallen = equity_fall(context, from_peak=limit.kind is LimitKind.DRAWDOWN)
        if fallen is None:
            return None
        loss = max(ZERO, fallen[0])
        return loss if limit.kind is LimitKind.DAILY_LOSS else (loss * _PERCENT / fallen[1]).quantize(Decimal("0.01"))
    return counted(facts, limit, context.account.pk)
