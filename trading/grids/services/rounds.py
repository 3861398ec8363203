"""One round over everything that is not done. Whatever happens to one grid, the others have their turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError

from trading.grids.choices import GridState
from trading.grids.models import GridAttempt, GridSession
from trading.grids.services.booking import fills_book
from trading.grids.services.exrights import rights_apply
from trading.grids.services.following import attempts_settle, signal_follow, signals_working
from trading.grids.services.placing import attempt_place, attempts_waiting
from trading.grids.services.watching import grid_watch
from trading.orders.services.context import account_clock

logger = logging.getLogger(__name__)

T = TypeVar("T")


def round_turn() -> int:
    """Book, place, follow and watch, once. Returns how many grids have not ended.

    Raises
    ------
    django.db.Error
        The database is away: the next round does what this one could not.
    """
    accounts = GridAttempt.objects.filter(settled=False, order__isnull=False)
    _each(sorted(set(accounts.values_list("signal__session__account", flat=True))), fills_book)
    orders_place()
    _each(signals_working(), signal_follow)
    # What was decided just now goes out at once.
    orders_place()
    grids = list(GridSession.objects.filter(final_at__isnull=True).select_related("account__host__status"))
    _each(grids, _watch)
    attempts_settle()
    return len(grids)


def orders_place() -> None:
    """Place what is decided."""
    _each(attempts_waiting(), attempt_place)


def _watch(grid: GridSession) -> None:
    clock = account_clock(grid.account)
    runs = grid.state in (GridState.ACTIVE, GridState.PAUSED)
    if runs and not clock.stale and grid.scaled_on < clock.trade_date:
        rights_apply(grid, clock.trade_date)
        grid = GridSession.objects.select_related("account__host__status").get(pk=grid.pk)
    grid_watch(grid, clock)


def _each(items: Iterable[T], act: Callable[[T], object]) -> None:
    for item in items:
        try:
            act(item)
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            logger.exception("%s failed on %r", getattr(act, "__name__", act), item)
