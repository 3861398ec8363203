"""Setting how much of an account's money may be moved."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.actors import actor_for_user
from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import User
from accounts.selectors import account_get
from accounts.sudo import Sudo
from ops import audit
from ops.clocks import wall_now
from ops.errors import Code, Forbidden, Invalid
from trading.ledger.journal import DATABASE
from trading.money.models import MoneyLimit
from trading.money.wire import plain_amount
from trading.money.wishes import read_amount


def money_limit_set(
    *,
    user: User,
    account_id: int,
    sudo: Sudo | None,
    single_amount: Any,
    day_amount: Any,
    request_id: str = "",
) -> MoneyLimit:
    """Say how much of an account's money may be moved: at once, and on a day. Without that, nothing may.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Forbidden
        PERMISSION_DENIED: only administrators and risk officers. SUDO_REQUIRED.
    Invalid
        FIELD_REQUIRED, FIELD_INVALID; a day that is less than one transfer.
    """
    account = account_get(user, account_id)
    if not user.is_active or user.role not in SEES_EVERY_ACCOUNT:
        raise Forbidden(Code.PERMISSION_DENIED, account=account.pk)
    if sudo is None or sudo.user_id != user.pk or not sudo.is_fresh:
        raise Forbidden(Code.SUDO_REQUIRED)
    single = read_amount(single_amount, field="single_amount")
    day = read_amount(day_amount, field="day_amount")
    if day < single:
        raise Invalid(Code.FIELD_INVALID, field="day_amount", minimum=plain_amount(single))
    with transaction.atomic(using=DATABASE):
        before = MoneyLimit.objects.select_for_update().filter(account=account).first()
        values = {"single_amount": single, "day_amount": day, "set_by": user, "set_at": wall_now()}
        limit, _ = MoneyLimit.objects.update_or_create(account=account, defaults=values)
        audit.record(
            actor=actor_for_user(user),
            action="money.limit_set",
            target=f"account:{account.pk}",
            before=None if before is None else _facts(before),
            after=_facts(limit),
            account_id=account.pk,
            request_id=request_id,
        )
    return limit


def _facts(limit: MoneyLimit) -> dict[str, str]:
    return {"single_amount": plain_amount(limit.single_amount), "day_amount": plain_amount(limit.day_amount)}
