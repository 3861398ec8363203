"""Opting in and out of subscribing on every trade date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from accounts.selectors import account_to_trade
from ops import audit
from ops.clocks import wall_now
from ops.errors import Code, Invalid
from ops.inputs import shown
from trading.ledger.journal import DATABASE
from trading.orders.services.context import account_clock
from trading.subscriptions.models import SubscriptionPlan
from trading.subscriptions.timetable import is_over


def plan_set(
    *, user: User, account_id: int, enabled: Any, token: ApiToken | None = None, request_id: str = ""
) -> SubscriptionPlan:
    """Have an account's issues subscribed by themselves from now on, in this person's name, or not any more.

    Enabled after today's window, it begins on the next trade date. Saying again what stands changes nothing, but for
    the person: whoever enables it last is asked for the right each day.

    Raises
    ------
    NotFound, Forbidden
        As `order_submit` does: who may not trade the account decides nothing about it.
    Invalid
        `enabled` is no truth value.
    """
    account = account_to_trade(user, account_id)
    if not isinstance(enabled, bool):
        raise Invalid(Code.FIELD_INVALID, field="enabled", value=shown(enabled), allowed=[True, False])
    clock = account_clock(account)
    since = clock.trade_date + timedelta(days=1) if is_over(clock) else clock.trade_date
    with transaction.atomic(using=DATABASE):
        before = SubscriptionPlan.objects.select_for_update().filter(pk=account.pk).first()
        if before is not None and before.enabled == enabled and (not enabled or _same(before, user, token)):
            return SubscriptionPlan.objects.select_related("user").get(pk=account.pk)
        plan, _created = SubscriptionPlan.objects.update_or_create(
            account=account,
            defaults={
                "user": user,
                "token": token,
                "by_token": token is not None,
                "enabled": enabled,
                "since": since,
                "changed_at": wall_now(),
            },
        )
        audit.record(
            actor=actor_for(user, token),
            action="subscription.plan_set",
            target=f"account:{account.pk}",
            before=None if before is None else {"enabled": before.enabled, "user": before.user_id},
            after={"enabled": enabled, "user": user.pk, "since": since.isoformat()},
            account_id=account.pk,
            request_id=request_id,
        )
    return plan


def _same(plan: SubscriptionPlan, user: User, token: ApiToken | None) -> bool:
    return plan.user_id == user.pk and plan.token_id == (None if token is None else token.pk)
