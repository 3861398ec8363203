"""Settling a trade date that ended unseen: a person's decision, audited."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db import transaction

from accounts.actors import actor_for_user
from accounts.models import User
from accounts.selectors import account_get, may_resume
from ops import audit
from ops.errors import Code, Conflict, Forbidden
from trading.ledger.bookkeeping import differences_take
from trading.ledger.choices import TradeDateState
from trading.ledger.journal import DATABASE, account_journal
from trading.ledger.models import TradeDate
from trading.orders import lifecycle
from trading.orders.intake.alarms import missed_date_settled


def trade_date_settle(*, user: User, account_id: int, trade_date: date, request_id: str = "") -> list[UUID]:
    """Close a MISSED trade date: the terminal's holdings and money are taken as they are.

    Each open difference becomes an adjustment entry of that date. Orders of the date that were still open become
    DONE_FOR_DAY and give back what they had reserved; fills that the platform did not see stay unseen.

    Returns
    -------
    list of UUID
        The orders that were ended.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Forbidden
        PERMISSION_DENIED: traders do not lift what restrains them.
    Conflict
        CONFLICT: the date is not MISSED.
    """
    account = account_get(user, account_id)
    if not may_resume(user, account):
        raise Forbidden(Code.PERMISSION_DENIED, account=account.pk)
    with transaction.atomic(using=DATABASE):
        dates = TradeDate.objects.filter(account=account, date=trade_date)
        if not dates.filter(state=TradeDateState.MISSED).update(state=TradeDateState.OPEN):
            state = dates.values_list("state", flat=True).first()
            raise Conflict(Code.CONFLICT, trade_date=trade_date.isoformat(), state=state)
        with account_journal(account.pk) as journal:
            entries = differences_take(journal, user, trade_date=trade_date, note=f"trade date {trade_date} settled")
        ended = lifecycle.close_trade_date(account.pk, trade_date)
        audit.record(
            actor=actor_for_user(user),
            action="trade_date.settled",
            target=f"account:{account.pk}",
            before={"trade_date": trade_date.isoformat(), "state": str(TradeDateState.MISSED)},
            after={
                "state": str(TradeDateState.CLOSED),
                "orders": [str(pk) for pk in ended],
                "entries": [entry.pk for entry in entries],
            },
            account_id=account.pk,
            request_id=request_id,
        )
    missed_date_settled(account.pk, trade_date)
    return ended
