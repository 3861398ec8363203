"""Reads of executions."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts.models import BrokerAccount, User
from accounts.selectors import host_clock, own_ids
from ops.errors import Code, Invalid, NotFound
from ops.handover import OpenWork
from trading.execution.choices import State
from trading.execution.models import Child, Execution
from trading.execution.wire import approval_view, child_view, execution_view
from trading.ledger.filters import account_rows
from trading.orders.selectors import ALL, OPEN

SNAPSHOT_LIMIT = 100


def execution_get(user: User | AnonymousUser, execution_id: UUID) -> Execution:
    """One execution, if `user` may see its account.

    Raises
    ------
    NotFound
        EXECUTION_NOT_FOUND, the same for one that does not exist.
    """
    rows = Execution.objects.visible_to(user).select_related("created_by", "account__host__status")
    execution = rows.filter(pk=execution_id).first()
    if execution is None:
        raise NotFound(Code.EXECUTION_NOT_FOUND, execution=str(execution_id))
    return execution


def executions_list(
    user: User,
    *,
    account_id: int | None = None,
    trade_date: date | None = None,
    state: str = ALL,
    client_execution_id: str | None = None,
) -> QuerySet[Execution]:
    """Executions that `user` may see, with their legs; the caller puts them in order.

    Parameters
    ----------
    state
        ``open``, ``all``, or one of `State`.
    client_execution_id
        Only what this key names.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Invalid
        FIELD_INVALID for a state that is none.
    """
    rows = account_rows(Execution.objects.select_related("created_by"), user=user, account_id=account_id)
    if trade_date is not None:
        rows = rows.filter(trade_date=trade_date)
    if client_execution_id is not None:
        rows = rows.filter(client_execution_id=client_execution_id)
    if state == OPEN:
        rows = rows.filter(final_at__isnull=True)
    elif state in State.values:
        rows = rows.filter(state=state)
    elif state != ALL:
        raise Invalid(Code.FIELD_INVALID, field="state", allowed=[OPEN, ALL, *State.values])
    return rows.prefetch_related("legs")


def execution_detail(user: User | AnonymousUser, execution_id: UUID) -> dict[str, Any]:
    """One execution with its legs and its children, oldest first.

    Raises
    ------
    NotFound
        EXECUTION_NOT_FOUND.
    """
    execution = execution_get(user, execution_id)
    children = Child.objects.filter(leg__execution=execution).select_related("leg", "order")
    rows = children.order_by("leg__number", "number")
    return execution_view(execution) | {"children": [child_view(child) for child in rows]}


def executions_to_approve(user: User | AnonymousUser) -> list[dict[str, Any]]:
    """The executions that wait for approval, as `trading.orders.selectors.orders_to_approve` gives orders."""
    if isinstance(user, AnonymousUser):
        return []
    accounts = set(BrokerAccount.objects.approvable_by(user).values_list("pk", flat=True))
    waiting = Execution.objects.visible_to(user).filter(state=State.PENDING_APPROVAL, final_at__isnull=True)
    rows = waiting.filter(Q(account__in=accounts) | Q(created_by=user), approval__expires_at__gt=Now())
    chosen = rows.select_related("created_by", "account", "approval__decided_by").prefetch_related("legs")
    own = own_ids(user)
    return [
        execution_view(execution)
        | {
            "account_name": execution.account.name,
            "approval": approval_view(execution.approval),
            "decidable": execution.account_id in accounts and execution.created_by_id not in own,
        }
        for execution in chosen.order_by("created_at", "pk")
    ]


def executions_section(account: BrokerAccount) -> list[dict[str, Any]]:
    """Open executions of the account and those of its trade date, newest first."""
    clock = host_clock(account.host)
    of_today = Q() if clock is None else Q(trade_date=clock.trade_date)
    rows = Execution.objects.filter(account=account).filter(of_today | Q(final_at__isnull=True))
    chosen = rows.select_related("created_by").prefetch_related("legs")[:SNAPSHOT_LIMIT]
    return [execution_view(execution) for execution in chosen]


def open_executions_of(user_id: int) -> list[OpenWork]:
    """The executions of a person that have not ended; they stop by themselves when the person may not trade any more."""
    rows = Execution.objects.filter(created_by=user_id, final_at__isnull=True).order_by("created_at", "pk")
    return [
        OpenWork(
            kind="execution",
            id=str(execution.pk),
            title=f"{execution.kind} {execution.state}",
            account_id=execution.account_id,
            facts={"kind": str(execution.kind), "state": str(execution.state), "strategy": execution.strategy},
        )
        for execution in rows
    ]
