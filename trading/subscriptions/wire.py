"""How subscriptions look outside."""

from __future__ import annotations

from typing import Any

from trading.ledger.newissues import IssueTerms
from trading.ledger.wire import day, moment, plain
from trading.orders.models import Order
from trading.subscriptions.models import SubscriptionPlan, SubscriptionResult
from trading.subscriptions.selectors import Offer


def offer_view(offer: Offer) -> dict[str, Any]:
    """The issues of an account's day."""
    return {
        "trade_date": day(offer.trade_date),
        "asked_at": moment(offer.asked_at),
        "issues": [_issue_view(terms, order) for terms, order in offer.issues],
    }


def _issue_view(terms: IssueTerms, order: Order | None) -> dict[str, Any]:
    return {
        "symbol": terms.symbol,
        "name": terms.name,
        "kind": str(terms.kind),
        "price": plain(terms.price) if terms.price > 0 else None,
        "minimum": terms.minimum,
        "maximum": terms.maximum,
        "step": terms.step,
        "quota_of": terms.quota_key,
        "quota": terms.quota,
        "largest": terms.largest,
        "order": None if order is None else str(order.pk),
        "status": None if order is None else str(order.status),
    }


def plan_view(plan: SubscriptionPlan) -> dict[str, Any]:
    """One account's plan. Load it with its `user`."""
    return {
        "account": plan.account_id,
        "enabled": plan.enabled,
        "user": plan.user.username,
        "by_token": plan.by_token,
        "since": day(plan.since),
        "changed_at": moment(plan.changed_at),
    }


def result_view(result: SubscriptionResult) -> dict[str, Any]:
    """What became of one issue on one account. Load it with its `order`."""
    order = result.order
    return {
        "account": result.account_id,
        "trade_date": day(result.trade_date),
        "symbol": result.symbol,
        "name": result.name,
        "state": str(result.state),
        "order": None if order is None else str(order.pk),
        "status": None if order is None else str(order.status),
        "quantity": None if order is None else order.quantity,
        "code": result.code,
        "message": result.message,
        "attempts": result.attempts,
        "changed_at": moment(result.changed_at),
    }
