"""What the plans do, again and again: from rows, safe to run twice, to be killed, and to come late.

Each round asks of every issue on every account with a plan: has it its order? If not, and it is time, one is asked
for under the key that account and issue have. So an issue is subscribed once, whatever happens between two rounds.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Final

from django.db import DatabaseError, InterfaceError

from accounts.models import BrokerAccount, User
from accounts.tokens import token_is_usable, token_user
from ops.clocks import wall_now
from ops.errors import Code, DeskError, Forbidden
from trading.ledger.newissues import IssueTerms, issue_terms, issues_asked_at
from trading.orders.choices import Source, Status
from trading.orders.services.context import account_clock
from trading.orders.services.subscribe import order_subscribe
from trading.subscriptions.choices import ResultState
from trading.subscriptions.models import SubscriptionPlan, SubscriptionResult
from trading.subscriptions.services.results import (
    note_again,
    note_end,
    note_order,
    note_refusal,
    result_of,
    tell_issues_unknown,
)
from trading.subscriptions.timetable import is_due, is_over

logger = logging.getLogger(__name__)

#: Refusals that mean there is nothing to do: no alarm.
_NOTHING_TO_DO: Final = frozenset({Code.IPO_QUOTA_INSUFFICIENT, Code.ORDER_KIND_NOT_BUILT, Code.IPO_ALREADY_SUBSCRIBED})
#: Refusals that do not pass by themselves today.
_FOR_GOOD: Final = frozenset(
    {
        Code.TRADE_NOT_GRANTED,
        Code.ACCOUNT_NOT_FOUND,
        Code.TOKEN_ENDED,
        Code.ACCOUNT_TYPE_NOT_BUILT,
        Code.SYMBOL_NOT_ALLOWED,
        Code.SIDE_NOT_ALLOWED,
        Code.ORDERS_PER_DAY_LIMIT,
    }
)
_NEVER_LEFT: Final = frozenset({Status.DENIED, Status.EXPIRED})
_LOST: Final = frozenset({Status.REJECTED, Status.NOT_FOUND, Status.CANCELLED})


def run_plans() -> dict[str, int]:
    """One round over every enabled plan; one that fails is logged and comes again with the next.

    Returns
    -------
    dict
        ``plans`` that there are, ``subscribed`` orders placed in this round.
    """
    plans = SubscriptionPlan.objects.filter(enabled=True).select_related("account__host__status", "user", "token__user")
    count = placed = 0
    for plan in plans.order_by("account_id"):
        count += 1
        try:
            placed += _run(plan)
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            logger.exception("the subscription plan of account %s could not be carried out", plan.account_id)
    return {"plans": count, "subscribed": placed}


def _run(plan: SubscriptionPlan) -> int:
    account = plan.account
    clock = account_clock(account)
    day = clock.trade_date
    _follow_orders(account)
    if is_over(clock):
        _close(plan, day)
        return 0
    if day < plan.since or not is_due(clock):
        return 0
    if issues_asked_at(account, day) is None:
        tell_issues_unknown(account, day)
        return 0
    waiting = ((terms, result_of(account, terms)) for terms in issue_terms(account, day))
    return sum(_attempt(plan, terms, result) for terms, result in waiting if result.state == ResultState.WAITING)


def _attempt(plan: SubscriptionPlan, terms: IssueTerms, result: SubscriptionResult) -> bool:
    """Ask for one issue's order; whether one was placed."""
    try:
        submission = order_subscribe(
            user=_acting_user(plan),
            account_id=plan.account_id,
            symbol=terms.symbol,
            source=Source.SCHEDULE,
            token=plan.token,
            again=False,
        )
    except DeskError as error:
        note_refusal(result, _state_after(error), error.code, error.message)
        return False
    note_order(result, submission.order)
    return submission.created


def _acting_user(plan: SubscriptionPlan) -> User:
    """In whose name the plan acts: limited to the token's accounts where a token asked.

    Raises
    ------
    Forbidden
        TOKEN_ENDED.
    """
    if not plan.by_token:
        return plan.user
    if plan.token is None or not token_is_usable(plan.token, wall_now()):
        raise Forbidden(Code.TOKEN_ENDED, account=plan.account_id)
    return token_user(plan.token)


def _state_after(error: DeskError) -> ResultState:
    if error.code in _NOTHING_TO_DO:
        return ResultState.SKIPPED
    return ResultState.FAILED if error.code in _FOR_GOOD else ResultState.WAITING


def _follow_orders(account: BrokerAccount) -> None:
    """Look after what became of the orders: one that never left goes again, one that was lost is told."""
    rows = SubscriptionResult.objects.filter(
        account=account, state=ResultState.SUBSCRIBED, order__status__in=_NEVER_LEFT | _LOST
    )
    for result in rows.select_related("account", "order"):
        order = result.order
        if order is None:
            continue
        if order.status in _NEVER_LEFT:
            note_again(result)
        else:
            note_end(result, order.deny_code or order.status, order.message)


def _close(plan: SubscriptionPlan, day: date) -> None:
    """The window is over: what still waits has missed it, and so has what nobody came to."""
    if day >= plan.since:
        for terms in issue_terms(plan.account, day):
            result_of(plan.account, terms)
        if issues_asked_at(plan.account, day) is None:
            tell_issues_unknown(plan.account, day)
    waiting = SubscriptionResult.objects.filter(account=plan.account, state=ResultState.WAITING, trade_date__lte=day)
    for result in waiting.select_related("account"):
        note_end(result, Code.IPO_WINDOW_MISSED, f"{result.code} {result.message}".strip())
