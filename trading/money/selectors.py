"""Reads of transfers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, Sum
from django.db.models.functions import Now

from accounts.models import BrokerAccount, User
from accounts.selectors import account_get, acts_for, own_ids
from ops.clocks import SHANGHAI, wall_now
from ops.errors import Code, NotFound
from trading.ledger.fields import ZERO
from trading.ledger.querysets import AccountScopedQuerySet
from trading.money.choices import COUNTED, TransferKind, TransferStatus
from trading.money.models import MoneyLimit, Transfer
from trading.money.wire import limit_view, step_view, transfer_view

SNAPSHOT_LIMIT: Final = 200
_PEOPLE = ("created_by", "decided_by", "resolved_by")


def today() -> date:
    """Shanghai's date: the bank's day, also where a market is simulated."""
    return wall_now().astimezone(SHANGHAI).date()


def transfers_list(
    user: User, *, account_id: int | None = None, status: str | None = None
) -> AccountScopedQuerySet[Transfer]:
    """Transfers of the accounts that `user` may see, newest first when ordered by the caller.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    """
    rows = Transfer.objects.visible_to(user).select_related(*_PEOPLE)
    if account_id is not None:
        rows = rows.filter(account=account_get(user, account_id))
    return rows if status is None else rows.filter(status=status)


def transfer_get(user: User, transfer_id: UUID) -> Transfer:
    """One transfer, its account and people loaded.

    Raises
    ------
    NotFound
        TRANSFER_NOT_FOUND: none, or of an account that is not the user's to see.
    """
    rows = Transfer.objects.visible_to(user).select_related("account__host__status", "token__user", *_PEOPLE)
    transfer = rows.filter(pk=transfer_id).first()
    if transfer is None:
        raise NotFound(Code.TRANSFER_NOT_FOUND, transfer=str(transfer_id))
    return transfer


def transfer_detail(user: User, transfer_id: UUID) -> dict[str, Any]:
    """One transfer with its timeline, and whether `user` may decide about it."""
    transfer = transfer_get(user, transfer_id)
    waits = transfer.status == TransferStatus.PENDING_APPROVAL
    may = BrokerAccount.objects.money_moved_by(user).filter(pk=transfer.account_id).exists()
    return transfer_view(transfer) | {
        "steps": [step_view(event) for event in transfer.events.all()],
        "decidable": waits and may and not acts_for(user, transfer.created_by_id),
    }


def transfers_to_approve(user: User | AnonymousUser) -> list[dict[str, Any]]:
    """The transfers that wait for a second person, as `trading.orders.selectors.orders_to_approve` gives orders."""
    if isinstance(user, AnonymousUser):
        return []
    accounts = set(BrokerAccount.objects.money_moved_by(user).values_list("pk", flat=True))
    waiting = Transfer.objects.visible_to(user).filter(status=TransferStatus.PENDING_APPROVAL, expires_at__gt=Now())
    rows = waiting.filter(Q(account__in=accounts) | Q(created_by=user)).select_related("account", *_PEOPLE)
    own = own_ids(user)
    return [
        transfer_view(transfer)
        | {
            "account_name": transfer.account.name,
            "decidable": transfer.account_id in accounts and transfer.created_by_id not in own,
        }
        for transfer in rows.order_by("created_at", "pk")
    ]


def transfers_section(account: BrokerAccount) -> list[dict[str, Any]]:
    """Transfers of the account that have not ended, and those of today, newest first."""
    shown = Q(final_at__isnull=True) | Q(day=today())
    rows = Transfer.objects.filter(shown, account=account).select_related(*_PEOPLE)
    return [transfer_view(transfer) for transfer in rows[:SNAPSHOT_LIMIT]]


def limits_list(user: User) -> list[dict[str, Any]]:
    """The limits of the accounts that `user` may see, with what today has used."""
    rows = MoneyLimit.objects.visible_to(user).select_related("set_by")
    return [limit_view(row, used_on(row.account_id, today())) for row in rows]


def used_on(account_id: int, day: date, *, without: UUID | None = None) -> Decimal:
    """What was moved on a day, or may have been, in and out together; what is unknown counts until somebody looked. CNY."""
    counted = Q(day=day, status__in=COUNTED) | Q(status=TransferStatus.UNKNOWN)
    return _sum(Transfer.objects.filter(counted, account_id=account_id), without)


def leaving(account_id: int, *, without: UUID | None = None) -> Decimal:
    """What is asked to go to the bank and may be in the broker's figure still; CNY."""
    open_ones = Q(status__in=COUNTED - {TransferStatus.DONE})
    return _sum(Transfer.objects.filter(open_ones, account_id=account_id, kind=TransferKind.BANK_OUT), without)


def _sum(rows: AccountScopedQuerySet[Transfer], without: UUID | None) -> Decimal:
    others = rows if without is None else rows.exclude(pk=without)
    total: Decimal | None = others.aggregate(total=Sum("amount"))["total"]
    return total or ZERO
