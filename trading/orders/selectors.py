"""Reads of orders, fills and pulls of the kill switch."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from accounts.choices import SEES_EVERY_ACCOUNT
from accounts.models import BrokerAccount, User
from accounts.selectors import host_clock, own_ids
from ops.errors import Code, Conflict, Forbidden, Invalid, NotFound
from ops.handover import OpenWork
from trading.ledger.filters import account_rows
from trading.ledger.wire import moment, plain
from trading.orders.choices import Status
from trading.orders.latency import timeline
from trading.orders.models import KillRun, KillTarget, Order, Trade
from trading.orders.services.approval import approval_facts
from trading.orders.wire import approval_view, order_event_view, order_view, trade_view

OPEN, ALL = "open", "all"
"""Words of a list's filter beside the single statuses."""
SNAPSHOT_LIMIT = 500
"""Finished orders and fills in a snapshot; older ones of the day are on the list pages."""


def order_get(user: User | AnonymousUser, order_id: UUID) -> Order:
    """One order, if `user` may see its account.

    Raises
    ------
    NotFound
        ORDER_NOT_FOUND, the same for an order that does not exist.
    """
    orders = Order.objects.visible_to(user).select_related("created_by", "approval")
    order = orders.filter(pk=order_id).first()
    if order is None:
        raise NotFound(Code.ORDER_NOT_FOUND, order=str(order_id))
    return order


def orders_list(
    user: User,
    *,
    account_id: int | None = None,
    symbol: str | None = None,
    trade_date: date | None = None,
    status: str = ALL,
    client_order_id: str | None = None,
) -> QuerySet[Order]:
    """Orders that `user` may see; the caller puts them in order.

    Parameters
    ----------
    client_order_id
        Only what this key names: whoever lost the answer to a submission looks it up.
    status
        ``open``, ``all``, or one of `Status`.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Invalid
        SYMBOL_UNKNOWN; FIELD_INVALID for a status that is none.
    """
    rows = Order.objects.select_related("created_by")
    orders = account_rows(rows, user=user, account_id=account_id, symbol=symbol)
    if client_order_id is not None:
        orders = orders.filter(client_order_id=client_order_id)
    if trade_date is not None:
        orders = orders.filter(trade_date=trade_date)
    if status == OPEN:
        return orders.filter(final_at__isnull=True)
    if status in Status.values:
        return orders.filter(status=status)
    if status != ALL:
        raise Invalid(Code.FIELD_INVALID, field="status", allowed=[OPEN, ALL, *Status.values])
    return orders


def trades_list(
    user: User,
    *,
    account_id: int | None = None,
    symbol: str | None = None,
    trade_date: date | None = None,
) -> QuerySet[Trade]:
    """Fills that `user` may see; raises as `orders_list` does."""
    trades = account_rows(Trade.objects.all(), user=user, account_id=account_id, symbol=symbol)
    return trades if trade_date is None else trades.filter(trade_date=trade_date)


def order_detail(user: User | AnonymousUser, order_id: UUID) -> dict[str, Any]:
    """One order with its events, its fills and its stamps, oldest first.

    Raises
    ------
    NotFound
        ORDER_NOT_FOUND.
    """
    order = order_get(user, order_id)
    events = [order_event_view(event) for event in order.events.order_by("seq")]
    trades = [trade_view(trade) for trade in order.trades.order_by("traded_at", "pk")]
    return order_view(order) | {"events": events, "trades": trades, "timeline": timeline(order)}


def orders_to_approve(user: User | AnonymousUser) -> list[dict[str, Any]]:
    """The orders that wait for approval and that `user` may see among approvers or as their own, oldest first.

    Each with its request and ``decidable``: whether `user` may decide about it, now.
    """
    if isinstance(user, AnonymousUser):
        return []
    accounts = set(BrokerAccount.objects.approvable_by(user).values_list("pk", flat=True))
    waiting = Order.objects.visible_to(user).filter(status=Status.PENDING_APPROVAL, final_at__isnull=True)
    rows = waiting.filter(Q(account__in=accounts) | Q(created_by=user), expires_at__gt=Now())
    chosen = rows.select_related("created_by", "account", "approval__decided_by").order_by("submitted_at", "pk")
    own = own_ids(user)
    return [
        order_view(order)
        | {
            "account_name": order.account.name,
            "approval": approval_view(order.approval),
            "decidable": order.account_id in accounts and order.created_by_id not in own,
        }
        for order in chosen
    ]


def order_to_approve(user: User | AnonymousUser, order_id: UUID) -> dict[str, Any]:
    """One order that waits, with its timeline and what its checks would say now: for approvers and its maker.

    Raises
    ------
    NotFound
        ORDER_NOT_FOUND.
    Forbidden
        APPROVE_NOT_GRANTED: the person sees the order and is neither.
    Conflict
        APPROVAL_DECIDED: it does not wait, or not any more.
    """
    order_get(user, order_id)
    shown = next((row for row in orders_to_approve(user) if row["id"] == str(order_id)), None)
    orders = Order.objects.select_related("account__host__status", "account__session", "approval")
    order = orders.filter(pk=order_id, status=Status.PENDING_APPROVAL).first()
    if order is None:
        raise Conflict(Code.APPROVAL_DECIDED, order=str(order_id))
    if shown is None:
        raise Forbidden(Code.APPROVE_NOT_GRANTED, account=order.account_id)
    events = [order_event_view(event) for event in order.events.order_by("seq")]
    return shown | {"events": events, "now": approval_facts(order, order.approval)}


def orders_section(account: BrokerAccount) -> list[dict[str, Any]]:
    """Orders of the account's trade date, and every open one, newest first."""
    clock = host_clock(account.host)
    of_today = Q() if clock is None else Q(trade_date=clock.trade_date)
    orders = Order.objects.filter(account=account).select_related("created_by")
    opened = list(orders.filter(final_at__isnull=True))
    finished = orders.filter(of_today, final_at__isnull=False)[:SNAPSHOT_LIMIT]
    rows = sorted([*opened, *finished], key=lambda row: (row.submitted_at, row.pk), reverse=True)
    return [order_view(row) for row in rows]


def working_orders_of(user_id: int) -> list[OpenWork]:
    """The orders a person placed that have not ended, for whoever looks after them from now on."""
    orders = Order.objects.filter(created_by=user_id, final_at__isnull=True).order_by("submitted_at", "pk")
    return [
        OpenWork(
            kind="order",
            id=str(order.pk),
            title=f"{order.side} {order.symbol}",
            account_id=order.account_id,
            facts={
                "symbol": order.symbol,
                "side": str(order.side),
                "price": None if order.price is None else str(order.price),
                "quantity": order.quantity,
                "traded_quantity": order.traded_quantity,
                "status": str(order.status),
                "submitted_at": order.submitted_at.isoformat(),
            },
        )
        for order in orders
    ]


def trades_section(account: BrokerAccount) -> list[dict[str, Any]]:
    """Fills of the account's trade date, newest first."""
    clock = host_clock(account.host)
    trades = Trade.objects.filter(account=account)
    if clock is not None:
        trades = trades.filter(trade_date=clock.trade_date)
    return [trade_view(trade) for trade in trades[:SNAPSHOT_LIMIT]]


def kill_get(user: User, run_id: UUID) -> KillRun:
    """One run.

    Raises
    ------
    NotFound
        KILL_NOT_FOUND: there is none, or none of its accounts is the person's to see.
    """
    run = KillRun.objects.select_related("person", "started_by").filter(pk=run_id).first()
    officer = user.is_active and user.role in SEES_EVERY_ACCOUNT
    visible = run is not None and KillTarget.objects.visible_to(user).filter(run=run).exists()
    if run is None or not (officer or visible):
        raise NotFound(Code.KILL_NOT_FOUND, run=str(run_id))
    return run


def kills_recent(user: User, limit: int = 50) -> list[KillRun]:
    """The last runs that concern accounts the person may see, newest first."""
    targets = KillTarget.objects.visible_to(user).values("run")
    return list(KillRun.objects.filter(pk__in=targets).select_related("person", "started_by")[:limit])


def kill_view(user: User, run: KillRun) -> dict[str, Any]:
    """A run as it stands, with every order it wanted gone and every sale, of the accounts the person may see."""
    targets = list(KillTarget.objects.visible_to(user).filter(run=run).select_related("account"))
    return {
        "id": str(run.pk),
        "scope": str(run.scope),
        "person": None if run.person is None else run.person.username,
        "flatten": run.flatten,
        "max_below_percent": plain(run.max_below_percent),
        "reason": run.reason,
        "started_by": run.started_by.username,
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        "targets": [_kill_target_view(target) for target in targets],
    }


def _kill_target_view(target: KillTarget) -> dict[str, Any]:
    sold = [pk for orders in target.sales.values() if isinstance(orders, list) for pk in orders]
    orders = Order.objects.in_bulk([UUID(pk) for pk in (*target.orders, *sold)])
    return {
        "account": target.account_id,
        "name": target.account.name,
        "phase": str(target.phase),
        "finished_at": moment(target.finished_at),
        "orders": [_kill_order_view(orders[UUID(pk)]) for pk in target.orders if UUID(pk) in orders],
        "sales": [
            {
                "symbol": symbol,
                "orders": [_kill_order_view(orders[UUID(pk)]) for pk in made if UUID(pk) in orders]
                if isinstance(made, list)
                else [],
                "refused": "" if isinstance(made, list) else str(made),
            }
            for symbol, made in sorted(target.sales.items())
        ],
    }


def _kill_order_view(order: Order) -> dict[str, Any]:
    return {
        "id": str(order.pk),
        "symbol": order.symbol,
        "side": str(order.side),
        "quantity": order.quantity,
        "traded_quantity": order.traded_quantity,
        "status": str(order.status),
        "ended": order.final_at is not None,
    }
