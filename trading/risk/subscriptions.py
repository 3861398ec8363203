"""Checks of a subscription to a new issue (新股申购).

It takes no money and brings no shares now: what asks for cash, lots, price limits or holdings has nothing to look at.
Who may trade, the host, the window, the issue's own figures and the account's quota decide, and of the configurable
limits those about who, when, what and how fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from ops.errors import Code, Denied
from qmt.calendar import Phase
from qmt.newissues import IssueKind, takes_subscriptions
from trading.ledger.newissues import IssueTerms
from trading.risk.catalogue import limit_denials
from trading.risk.checks import (
    Check,
    account_may_trade,
    host_is_ready,
    person_may_trade,
    platform_may_trade,
    trade_date_is_open,
)
from trading.risk.choices import LimitKind
from trading.risk.context import CheckContext
from trading.risk.kinds import account_type_is_built

#: Limits that are about something a subscription has.
LIMITS: Final = frozenset(
    {
        LimitKind.SIDES,
        LimitKind.TIME_WINDOW,
        LimitKind.SYMBOL_ALLOW,
        LimitKind.SYMBOL_DENY,
        LimitKind.ORDERS_PER_SECOND,
        LimitKind.ORDERS_PER_DAY,
    }
)
_AUTHORITY: Final[tuple[Check, ...]] = (
    platform_may_trade,
    person_may_trade,
    account_may_trade,
    account_type_is_built,
    host_is_ready,
    trade_date_is_open,
)


def subscription_check(context: CheckContext, terms: IssueTerms) -> None:
    """Judge one subscription; ``context`` carries its quantity.

    Raises
    ------
    Denied
        The first check that refuses, with its facts.
    """
    for denial in subscription_denials(context, terms):
        raise denial


def subscription_denials(context: CheckContext, terms: IssueTerms) -> Iterator[Denied]:
    """Every refusal, in the order of the checks; a check may rely on those before it."""
    refusals = [check(context) for check in _AUTHORITY]
    refusals += [check(context, terms) for check in ISSUE_CHECKS]
    yield from (refusal for refusal in refusals if refusal is not None)
    if context.facts is not None:
        kept = tuple(limit for limit in context.facts.limits if limit.kind in LIMITS)
        yield from limit_denials(replace(context, facts=replace(context.facts, limits=kept)))


def window_is_open(context: CheckContext, terms: IssueTerms) -> Denied | None:
    """9:30–11:30 and 13:00–15:00 of the issue's own day."""
    clock = context.clock
    if clock.stale:
        return Denied(Code.MARKET_CLOCK_STALE, host=clock.host, observed_at=clock.observed_at.isoformat())
    if clock.trade_date != terms.trade_date:
        return Denied(
            Code.IPO_NOT_OFFERED,
            symbol=terms.symbol,
            subscribe_on=terms.trade_date.isoformat(),
            trade_date=clock.trade_date.isoformat(),
        )
    if takes_subscriptions(clock.phase):
        return None
    return Denied(
        Code.SESSION_CLOSED,
        phase=str(clock.phase),
        market_time=clock.market_time.strftime("%Y-%m-%d %H:%M:%S"),
        opens_at="13:00" if clock.phase is Phase.LUNCH else "09:30",
    )


def issue_is_built(context: CheckContext, terms: IssueTerms) -> Denied | None:
    """Beijing's subscriptions are paid in advance, and what is neither share nor bond is not known: both are not built."""
    if terms.kind is IssueKind.OTHER:
        return Denied(Code.ORDER_KIND_NOT_BUILT, symbol=terms.symbol, kind="subscription to what is no share or bond")
    if terms.kind is IssueKind.STOCK and terms.quota_key is None:
        return Denied(Code.ORDER_KIND_NOT_BUILT, symbol=terms.symbol, kind="subscription paid in advance")
    return None


def price_is_fixed(context: CheckContext, terms: IssueTerms) -> Denied | None:
    """The terminal states the issue price."""
    return None if terms.price > 0 else Denied(Code.IPO_PRICE_UNKNOWN, symbol=terms.symbol)


def quota_suffices(context: CheckContext, terms: IssueTerms) -> Denied | None:
    """The account's own quota, for what takes one."""
    if terms.quota_key is None:
        return None
    facts: dict[str, Any] = {"symbol": terms.symbol, "quota_of": terms.quota_key}
    if terms.quota is None:
        return Denied(Code.IPO_QUOTA_UNKNOWN, **facts)
    if terms.largest == 0 or context.quantity > terms.quota:
        return Denied(
            Code.IPO_QUOTA_INSUFFICIENT,
            **facts,
            quota=terms.quota,
            quantity=context.quantity,
            allowed_quantity=terms.largest,
        )
    return None


def quantity_fits_the_issue(context: CheckContext, terms: IssueTerms) -> Denied | None:
    """The terminal's smallest and largest subscription, in the board's unit."""
    quantity, step = context.quantity, terms.step
    if quantity < terms.minimum:
        return Denied(Code.QUANTITY_BELOW_MINIMUM, quantity=quantity, minimum=terms.minimum)
    if terms.maximum and quantity > terms.maximum:
        return Denied(Code.QUANTITY_ABOVE_MAXIMUM, quantity=quantity, maximum=terms.maximum)
    if quantity % step:
        below = quantity - quantity % step
        return Denied(Code.QUANTITY_OFF_LOT, quantity=quantity, step=step, below=below, above=below + step)
    return None


ISSUE_CHECKS: Final[tuple[Callable[[CheckContext, IssueTerms], Denied | None], ...]] = (
    window_is_open,
    issue_is_built,
    price_is_fixed,
    quota_suffices,
    quantity_fits_the_issue,
)
