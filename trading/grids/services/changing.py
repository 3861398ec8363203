"""Changing a grid, and telling its account's clients. Call inside the account's journal only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ops import audit
from ops.audit import Actor
from trading.grids.choices import GridEnd, GridState
from trading.grids.course import Course
from trading.grids.models import GridSession, GridSignal
from trading.grids.selectors import grid_state_view
from trading.ledger.choices import EventKind
from trading.ledger.journal import Journal

PLATFORM = Actor.system("grids")


def grid_locked(pk: int) -> GridSession:
    """The grid as it is now that its account's book is held."""
    return GridSession.objects.select_related("user", "account").get(pk=pk)


def change(journal: Journal, grid: GridSession, **fields: Any) -> None:
    """Set columns; whoever followed an older revision starts over from the row."""
    fields |= {"revision": grid.revision + 1, "changed_at": journal.at}
    for name, value in fields.items():
        setattr(grid, name, value)
    grid.save(update_fields=list(fields))
    tell(journal, grid.pk)


def tell(journal: Journal, grid_id: int) -> None:
    """Tell the account's clients how the grid stands when the journal closes."""
    journal.record(EventKind.GRID, str(grid_id), partial(_fresh_view, grid_id))


def course_fields(course: Course) -> dict[str, Any]:
    """A course as columns."""
    return {
        "center": course.center,
        "direction": course.direction,
        "extreme": course.extreme,
        "upper_free_at": course.upper_free_at,
        "lower_free_at": course.lower_free_at,
        "sell_free_at": course.sell_free_at,
        "buy_free_at": course.buy_free_at,
    }


def end(journal: Journal, grid: GridSession, reason: GridEnd, *, actor: Actor = PLATFORM, request_id: str = "") -> None:
    """Let a grid end: nothing more is placed, what is out is cancelled and booked first."""
    before = str(grid.state)
    change(journal, grid, state=GridState.STOPPING, end=reason, direction="NONE", extreme=None)
    audit.record(
        actor=actor,
        action="grid.stopping",
        target=f"grid:{grid.pk}",
        before={"state": before},
        after={"state": str(grid.state), "end": str(reason), **_facts(grid)},
        account_id=grid.account_id,
        request_id=request_id,
    )


def signal_end(journal: Journal, signal: GridSignal, *, state: str, code: str = "", message: str = "") -> None:
    """A signal is over."""
    fields = {"state": state, "code": code, "message": message[:400], "final_at": journal.at}
    for name, value in fields.items():
        setattr(signal, name, value)
    signal.save(update_fields=list(fields))
    tell(journal, signal.session_id)


def _facts(grid: GridSession) -> Mapping[str, Any]:
    return {"center": grid.center, "last_price": grid.last_price, "open_quantity": grid.open_quantity}


def _fresh_view(grid_id: int) -> dict[str, Any]:
    return grid_state_view(GridSession.objects.select_related("user").get(pk=grid_id))
