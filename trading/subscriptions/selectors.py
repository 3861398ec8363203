"""Reads of subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import BrokerAccount
from ops.handover import OpenWork
from trading.ledger.newissues import IssueTerms, issue_terms, issues_asked_at
from trading.orders.models import Order
from trading.orders.services.context import account_clock
from trading.orders.services.subscribe import PROVEN_ABSENT, subscriptions_of
from trading.subscriptions.models import SubscriptionPlan


@dataclass(frozen=True, slots=True)
class Offer:
    """What an account may subscribe on its terminal's trade date.

    Attributes
    ----------
    asked_at
        When the terminal was asked; None: it has not told this date's issues yet, and ``issues`` proves nothing.
    issues
        Each with the newest order that may be at the broker.
    """

    trade_date: date
    asked_at: datetime | None
    issues: list[tuple[IssueTerms, Order | None]]


def offer_of(account: BrokerAccount) -> Offer:
    """The issues of the day for one account."""
    day = account_clock(account).trade_date
    issues = [(terms, _standing(account, terms)) for terms in issue_terms(account, day)]
    return Offer(day, issues_asked_at(account, day), issues)


def _standing(account: BrokerAccount, terms: IssueTerms) -> Order | None:
    orders = [order for order in subscriptions_of(account, terms) if order.status not in PROVEN_ABSENT]
    return orders[-1] if orders else None


def plans_of(user_id: int) -> list[OpenWork]:
    """The plans in a person's name; they fail by themselves when the person may not trade any more."""
    plans = SubscriptionPlan.objects.filter(user=user_id, enabled=True)
    return [
        OpenWork(
            kind="subscription_plan",
            id=str(plan.pk),
            title="subscription plan",
            account_id=plan.account_id,
            facts={"since": plan.since.isoformat()},
        )
        for plan in plans.order_by("account_id")
    ]
