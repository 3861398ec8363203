"""What a person may do with a grid that runs: pause, resume, stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from accounts.selectors import cancel_refusal, may_trade
from ops import audit
from ops.audit import Actor
from ops.errors import Code, Conflict, Forbidden
from trading.grids.choices import GridEnd, GridState
from trading.grids.models import GridSession
from trading.grids.selectors import grid_get
from trading.grids.services.changing import change, end, grid_locked
from trading.ledger.journal import Journal, account_journal


def grid_pause(*, user: User, grid_id: int, token: ApiToken | None = None, request_id: str = "") -> GridSession:
    """Detect nothing for now; orders that are out work on, and are not quoted anew. Pausing again changes nothing.

    Raises
    ------
    NotFound, Forbidden
        GRID_NOT_FOUND; TRADE_NOT_GRANTED, ORDER_NOT_YOURS as for a cancel.
    Conflict
        GRID_FINAL; GRID_STATE: it is stopping.
    """

    def pause(journal: Journal, grid: GridSession, actor: Actor) -> str | None:
        if grid.state == GridState.PAUSED:
            return None
        _must_be(grid, GridState.ACTIVE)
        change(journal, grid, state=GridState.PAUSED, direction="NONE", extreme=None)
        return "grid.paused"

    return _act(user, grid_id, pause, token=token, request_id=request_id)


def grid_resume(*, user: User, grid_id: int, token: ApiToken | None = None, request_id: str = "") -> GridSession:
    """Go on with a paused grid, from the price as it is now; in whose name it trades does not change.

    Raises
    ------
    NotFound, Forbidden
        As for a pause; TRADE_NOT_GRANTED also for who may only cancel.
    Conflict
        GRID_FINAL; GRID_STATE: it is not paused.
    """

    def resume(journal: Journal, grid: GridSession, actor: Actor) -> str | None:
        if not may_trade(user, journal.book.account):
            raise Forbidden(Code.TRADE_NOT_GRANTED, account=grid.account_id)
        _must_be(grid, GridState.PAUSED)
        change(journal, grid, state=GridState.ACTIVE)
        return "grid.resumed"

    return _act(user, grid_id, resume, token=token, request_id=request_id)


def grid_stop(*, user: User, grid_id: int, token: ApiToken | None = None, request_id: str = "") -> GridSession:
    """End a grid: what is out is cancelled, what it traded is booked, the holding stays. No limit of ours refuses it.

    Stopping again changes nothing.

    Raises
    ------
    NotFound, Forbidden
        As for a pause.
    Conflict
        GRID_FINAL.
    """

    def stop(journal: Journal, grid: GridSession, actor: Actor) -> str | None:
        if grid.state != GridState.STOPPING:
            end(journal, grid, GridEnd.BY_HAND, actor=actor, request_id=request_id)
        return None

    return _act(user, grid_id, stop, token=token, request_id=request_id)


def _must_be(grid: GridSession, state: GridState) -> None:
    if grid.state != state:
        raise Conflict(Code.GRID_STATE, grid=grid.pk, state=str(grid.state))


def _act(
    user: User,
    grid_id: int,
    act: Callable[[Journal, GridSession, Actor], str | None],
    *,
    token: ApiToken | None,
    request_id: str,
) -> GridSession:
    grid = grid_get(user, grid_id)
    refusal = cancel_refusal(user, grid.account, owner_id=grid.user_id)
    if refusal is not None:
        raise refusal
    actor = actor_for(user, token)
    with account_journal(grid.account_id) as journal:
        grid = grid_locked(grid_id)
        if grid.is_final:
            raise Conflict(Code.GRID_FINAL, grid=grid.pk)
        before: dict[str, Any] = {"state": str(grid.state)}
        action = act(journal, grid, actor)
        if action is not None:
            audit.record(
                actor=actor,
                action=action,
                target=f"grid:{grid.pk}",
                before=before,
                after={"state": str(grid.state)},
                account_id=grid.account_id,
                request_id=request_id,
            )
    return grid
