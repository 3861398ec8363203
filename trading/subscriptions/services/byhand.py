"""Subscribing on a person's word: one issue, or all of the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import ApiToken, User
from accounts.selectors import account_to_trade
from ops.errors import Code, DeskError, Unavailable
from trading.ledger.newissues import IssueTerms, issue_terms, issue_terms_of, issues_asked_at
from trading.orders.choices import Source
from trading.orders.models import Order
from trading.orders.services import Submission
from trading.orders.services.context import account_clock
from trading.orders.services.subscribe import order_subscribe
from trading.subscriptions.services.results import note_order, result_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one issue of a day: its order, or the refusal."""

    terms: IssueTerms
    order: Order | None
    created: bool
    refusal: DeskError | None


def issue_subscribe(
    *,
    user: User,
    account_id: int,
    symbol: Any,
    quantity: Any = None,
    source: Source = Source.API,
    token: ApiToken | None = None,
    request_id: str = "",
) -> Submission:
    """Subscribe one of today's issues; raises what `order_subscribe` does."""
    submission = order_subscribe(
        user=user,
        account_id=account_id,
        symbol=symbol,
        quantity=quantity,
        source=source,
        token=token,
        request_id=request_id,
    )
    order = submission.order
    terms = issue_terms_of(order.account, order.symbol, order.trade_date)
    if terms is not None:
        note_order(result_of(order.account, terms), order)
    return submission


def issues_subscribe(
    *,
    user: User,
    account_id: int,
    source: Source = Source.API,
    token: ApiToken | None = None,
    request_id: str = "",
) -> list[Outcome]:
    """Subscribe every issue of the day, each with the most that may be had; one that is refused keeps none from its turn.

    Raises
    ------
    NotFound, Forbidden
        As `order_submit` does.
    Unavailable
        IPO_ISSUES_UNKNOWN: the terminal has not told the day's issues.
    """
    account = account_to_trade(user, account_id)
    day = account_clock(account).trade_date
    if issues_asked_at(account, day) is None:
        raise Unavailable(Code.IPO_ISSUES_UNKNOWN, account=account.pk, trade_date=day.isoformat())
    outcomes = []
    for terms in issue_terms(account, day):
        try:
            submission = issue_subscribe(
                user=user,
                account_id=account.pk,
                symbol=terms.symbol,
                source=source,
                token=token,
                request_id=request_id,
            )
        except DeskError as error:
            outcomes.append(Outcome(terms, None, created=False, refusal=error))
        else:
            outcomes.append(Outcome(terms, submission.order, created=submission.created, refusal=None))
    return outcomes
