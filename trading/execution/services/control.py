"""What a person may do with an execution that runs: pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from accounts.selectors import account_get, cancel_refusal, may_trade
from ops import audit
from ops.errors import Code, Conflict, Forbidden
from trading.execution.choices import State
from trading.execution.models import Execution
from trading.execution.selectors import execution_get
from trading.execution.services.drive import change, tell
from trading.ledger.journal import Journal, account_journal
from trading.orders.services.ticket import strategy_of


def execution_pause(
    *, user: User, execution_id: UUID, token: ApiToken | None = None, request_id: str = ""
) -> Execution:
    """Place nothing more for now; orders that are out work on. Pausing again changes nothing.

    Raises
    ------
    NotFound, Forbidden
        EXECUTION_NOT_FOUND; TRADE_NOT_GRANTED, ORDER_NOT_YOURS as for a cancel.
    Conflict
        EXECUTION_FINAL, EXECUTION_STATE: it is stopping.
    """

    def pause(journal: Journal, execution: Execution) -> bool:
        if execution.state == State.PAUSED:
            return False
        if execution.state != State.RUNNING:
            raise Conflict(Code.EXECUTION_STATE, execution=str(execution.pk), state=str(execution.state))
        change(execution, state=State.PAUSED, code="")
        return True

    return _act(user, execution_id, pause, action="execution.paused", token=token, request_id=request_id)


def execution_resume(
    *, user: User, execution_id: UUID, token: ApiToken | None = None, request_id: str = ""
) -> Execution:
    """Go on with a paused execution, under the account's present authority.

    Raises
    ------
    NotFound, Forbidden
        As for a pause; TRADE_NOT_GRANTED also for who may only cancel.
    Conflict
        EXECUTION_FINAL, EXECUTION_STATE: it is not paused.
    """

    def resume(journal: Journal, execution: Execution) -> bool:
        account = journal.book.account
        if not may_trade(user, account):
            raise Forbidden(Code.TRADE_NOT_GRANTED, account=account.pk)
        if execution.state != State.PAUSED:
            raise Conflict(Code.EXECUTION_STATE, execution=str(execution.pk), state=str(execution.state))
        change(execution, state=State.RUNNING, code="", epoch=account.epoch, resumed_at=journal.at)
        return True

    return _act(user, execution_id, resume, action="execution.resumed", token=token, request_id=request_id)


def execution_cancel(
    *, user: User, execution_id: UUID, token: ApiToken | None = None, request_id: str = ""
) -> Execution:
    """End an execution: nothing more is placed, what is out is cancelled, and it ends when all of that is final.

    No limit of ours refuses it. Cancelling again changes nothing.

    Raises
    ------
    NotFound, Forbidden
        As for a pause.
    Conflict
        EXECUTION_FINAL.
    """

    def cancel(journal: Journal, execution: Execution) -> bool:
        if execution.state == State.STOPPING:
            return False
        change(execution, state=State.STOPPING, ending=State.CANCELLED, code="")
        return True

    return _act(user, execution_id, cancel, action="execution.cancel_requested", token=token, request_id=request_id)


@dataclass(frozen=True, slots=True)
class Ending:
    """One execution of a wish to cancel several: as it stands, or why it was left alone."""

    execution: Execution
    refusal: Code | None


def executions_cancel(
    *, user: User, account_id: int, strategy: Any = None, token: ApiToken | None = None, request_id: str = ""
) -> list[Ending]:
    """Cancel every open execution of an account, or those of one strategy.

    Returns
    -------
    list of Ending
        One per open execution, oldest first; those that are not the user's to cancel are among them, untouched.

    Raises
    ------
    NotFound, Forbidden, Invalid
        ACCOUNT_NOT_FOUND, TRADE_NOT_GRANTED; a malformed strategy.
    """
    account = account_get(user, account_id)
    if (refusal := cancel_refusal(user, account, owner_id=user.pk)) is not None:
        raise refusal
    rows = Execution.objects.filter(account=account, final_at__isnull=True).select_related("created_by")
    if strategy is not None:
        rows = rows.filter(strategy=strategy_of(strategy))
    endings = []
    for row in rows.order_by("created_at", "pk"):
        try:
            ended = execution_cancel(user=user, execution_id=row.pk, token=token, request_id=request_id)
        except (Forbidden, Conflict) as error:
            endings.append(Ending(row, error.code))
        else:
            endings.append(Ending(ended, None))
    return endings


def _act(
    user: User,
    execution_id: UUID,
    act: Callable[[Journal, Execution], bool],
    *,
    action: str,
    token: ApiToken | None,
    request_id: str,
) -> Execution:
    execution = execution_get(user, execution_id)
    refusal = cancel_refusal(user, execution.account, owner_id=execution.created_by_id)
    if refusal is not None:
        raise refusal
    with account_journal(execution.account_id) as journal:
        execution = Execution.objects.select_related("created_by").get(pk=execution.pk)
        if execution.is_final:
            raise Conflict(Code.EXECUTION_FINAL, execution=str(execution.pk), state=str(execution.state))
        before: dict[str, Any] = {"state": str(execution.state)}
        if not act(journal, execution):
            return execution
        tell(journal, execution)
        audit.record(
            actor=actor_for(user, token),
            action=action,
            target=f"execution:{execution.pk}",
            before=before,
            after={"state": str(execution.state)},
            account_id=execution.account_id,
            request_id=request_id,
        )
    return execution
