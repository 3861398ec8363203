"""Looking after grids between two prices: their time, their holding, and their end."""

from __future__ import annotations

from ops import audit
from ops.clocks import MarketClock
from trading.grids.choices import GridEnd, GridState
from trading.grids.models import GridAttempt, GridSession, GridSignal
from trading.grids.selectors import booked, possible
from trading.grids.services.changing import PLATFORM, change, grid_locked
from trading.grids.services.detecting import grid_finish
from trading.grids.services.following import day_closed
from trading.ledger.journal import account_journal
from trading.ledger.models import AccountBook, Position


def grid_watch(grid: GridSession, clock: MarketClock) -> None:
    """One look at a grid that has not ended."""
    if grid.state == GridState.STOPPING:
        _finish_stopping(grid)
    elif not clock.stale and clock.market_time >= grid.expires_at:
        grid_finish(grid.pk, grid.revision, GridEnd.EXPIRED)
    elif _holding_gone(grid):
        grid_finish(grid.pk, grid.revision, GridEnd.POSITION_GONE)


def _holding_gone(grid: GridSession) -> bool:
    """Whether two comparisons with the broker, one after the other, found no share of it."""
    if Position.objects.filter(account=grid.account_id, symbol=grid.symbol, quantity__gt=0).exists():
        if grid.missing_since is not None:
            GridSession.objects.filter(pk=grid.pk).update(missing_since=None)
        return False
    compared = AccountBook.objects.filter(pk=grid.account_id).values_list("reconciled_at", flat=True).first()
    if compared is None:
        return False
    if grid.missing_since is None:
        GridSession.objects.filter(pk=grid.pk).update(missing_since=compared)
        return False
    return compared > grid.missing_since


def _finish_stopping(grid: GridSession) -> None:
    """STOPPED once every order is final and every fill of it is booked."""
    if GridSignal.objects.filter(session=grid, final_at__isnull=True).exists():
        return
    for attempt in GridAttempt.objects.filter(signal__session=grid, settled=False).select_related("order"):
        order = attempt.order
        if order is not None and booked(order) < possible(order) and not day_closed(order):
            return
    with account_journal(grid.account_id) as journal:
        grid = grid_locked(grid.pk)
        if grid.state != GridState.STOPPING:
            return
        change(journal, grid, state=GridState.STOPPED, final_at=journal.at, held="")
        audit.record(
            actor=PLATFORM,
            action="grid.stopped",
            target=f"grid:{grid.pk}",
            before={"state": str(GridState.STOPPING)},
            after={
                "state": str(grid.state),
                "end": str(grid.end),
                "bought_amount": grid.bought_amount,
                "sold_amount": grid.sold_amount,
                "open_quantity": grid.open_quantity,
                "realised": grid.realised,
            },
            account_id=grid.account_id,
        )
