"""Reads of grids."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet, Sum

from accounts.models import BrokerAccount, User
from ops.errors import Code, Invalid, NotFound
from ops.handover import OpenWork
from trading.grids.choices import GridState
from trading.grids.lots import OpenLot
from trading.grids.models import GridAttempt, GridFill, GridSession, GridSignal
from trading.grids.wire import fill_view, grid_view, signal_view
from trading.ledger.fields import ZERO
from trading.ledger.filters import account_rows
from trading.orders.choices import Side, Status
from trading.orders.models import Order
from trading.orders.states import TERMINAL

OPEN, ALL = "open", "all"
SNAPSHOT_LIMIT = 100
SIGNALS_SHOWN = 50


def grid_get(user: User | AnonymousUser, grid_id: int) -> GridSession:
    """One grid, if `user` may see its account.

    Raises
    ------
    NotFound
        GRID_NOT_FOUND, the same for one that does not exist.
    """
    rows = GridSession.objects.visible_to(user).select_related("user", "account__host__status")
    grid = rows.filter(pk=grid_id).first()
    if grid is None:
        raise NotFound(Code.GRID_NOT_FOUND, grid=grid_id)
    return grid


def grids_list(
    user: User, *, account_id: int | None = None, symbol: str | None = None, state: str = ALL
) -> QuerySet[GridSession]:
    """Grids that `user` may see; the caller puts them in order.

    Parameters
    ----------
    state
        ``open``, ``all``, or one of `GridState`.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Invalid
        SYMBOL_UNKNOWN; FIELD_INVALID for a state that is none.
    """
    rows = account_rows(GridSession.objects.select_related("user"), user=user, account_id=account_id, symbol=symbol)
    if state == OPEN:
        return rows.filter(final_at__isnull=True)
    if state in GridState.values:
        return rows.filter(state=state)
    if state != ALL:
        raise Invalid(Code.FIELD_INVALID, field="state", allowed=[OPEN, ALL, *GridState.values])
    return rows


def grid_detail(user: User | AnonymousUser, grid_id: int) -> dict[str, Any]:
    """One grid with its newest signals and its open lots, newest first.

    Raises
    ------
    NotFound
        GRID_NOT_FOUND.
    """
    grid = grid_get(user, grid_id)
    signals = GridSignal.objects.filter(session=grid).prefetch_related("attempts__order")
    lots = GridFill.objects.filter(session=grid, lot_quantity__gt=0).select_related("signal")
    return grid_view(grid) | {
        "signals": [signal_view(signal) for signal in signals[:SIGNALS_SHOWN]],
        "lots": [fill_view(fill) for fill in lots],
    }


def grid_fills(user: User | AnonymousUser, grid_id: int) -> QuerySet[GridFill]:
    """A grid's ledger; the caller puts it in order.

    Raises
    ------
    NotFound
        GRID_NOT_FOUND.
    """
    return GridFill.objects.filter(session=grid_get(user, grid_id)).select_related("signal")


def grid_state_view(grid: GridSession) -> dict[str, Any]:
    """A grid with its newest signal, as events and snapshots carry it."""
    newest = GridSignal.objects.filter(session=grid).prefetch_related("attempts__order").first()
    return grid_view(grid) | {"last_signal": None if newest is None else signal_view(newest)}


def grids_section(account: BrokerAccount) -> list[dict[str, Any]]:
    """Open grids of the account, newest first."""
    rows = GridSession.objects.filter(account=account, final_at__isnull=True).select_related("user")
    return [grid_state_view(grid) for grid in rows[:SNAPSHOT_LIMIT]]


def open_grids_of(user_id: int) -> list[OpenWork]:
    """The grids in a person's name; their orders are refused once the person may not trade any more."""
    rows = GridSession.objects.filter(user=user_id, final_at__isnull=True).order_by("pk")
    return [
        OpenWork(
            kind="grid",
            id=str(grid.pk),
            title=f"{grid.symbol} {grid.state}",
            account_id=grid.account_id,
            facts={"symbol": grid.symbol, "state": str(grid.state), "template": grid.template},
        )
        for grid in rows
    ]


# -------------------------------------------------------------------- for the decisions
def open_lots(grid: GridSession) -> list[OpenLot]:
    """What the grid's fills have left over."""
    return [fill.lot for fill in GridFill.objects.filter(session=grid, lot_quantity__gt=0)]


def promised(grid: GridSession) -> Decimal:
    """CNY that the grid's purchases may still come to: of open orders, and of ended ones whose fills are not all here."""
    attempts = GridAttempt.objects.filter(signal__session=grid, signal__side=Side.BUY, settled=False)
    total = ZERO
    for attempt in attempts.select_related("order", "signal"):
        if attempt.order is not None:
            total += attempt.price * (possible(attempt.order) - booked(attempt.order))
        elif attempt.signal.final_at is None:
            total += attempt.price * attempt.quantity
    return total


def possible(order: Order) -> int:
    """The most that an order may have traded in the end, for all we know."""
    if order.status not in TERMINAL or order.status == Status.NOT_FOUND:
        return order.quantity
    return max(order.traded_quantity, order.broker_traded_quantity)


def booked(order: Order) -> int:
    """Shares of an order's fills that a grid has booked."""
    total: int | None = GridFill.objects.filter(trade__order=order).aggregate(total=Sum("quantity"))["total"]
    return total or 0
