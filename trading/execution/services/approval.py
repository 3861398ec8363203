"""Deciding about an execution that waits: whole, in part, or not at all; by somebody else, once, on fresh facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.actors import actor_for
from accounts.models import ApiToken, User
from ops import audit
from ops.audit import Actor
from ops.clocks import database_now, wall_now
from ops.errors import Code, Conflict, Denied, Invalid
from ops.inputs import shown
from trading.execution.choices import Kind, State
from trading.execution.holding import leg_price
from trading.execution.models import Execution, ExecutionApproval, Leg
from trading.execution.selectors import execution_get
from trading.execution.services.drive import change, tell
from trading.execution.services.start import judge, store
from trading.execution.services.validation import Candidate, refuse_denied
from trading.ledger.journal import DATABASE, Journal, account_journal
from trading.orders.services.approval import maker_refusal, read_reason, refuse_approver
from trading.orders.services.context import account_clock
from trading.orders.services.submit import instrument_named
from trading.orders.services.ticket import Ticket
from trading.risk.approval import drift_denial


@dataclass(frozen=True, slots=True)
class _Decider:
    """Who decides, through what."""

    user: User
    token: ApiToken | None
    request_id: str

    @property
    def actor(self) -> Actor:
        return actor_for(self.user, self.token)


def execution_approve(
    *, user: User, execution_id: UUID, legs: Any = None, token: ApiToken | None = None, request_id: str = ""
) -> Execution:
    """Approve an execution of somebody else, or some legs of a basket: they become one of their own, the rest is refused.

    What is approved is judged again as a whole. A leg that is denied now leaves everything as it was: the approver may
    choose others. Its orders are not held again.

    Parameters
    ----------
    legs
        Numbers of the approved legs of a BASKET or TARGET; None: all.

    Returns
    -------
    Execution
        What goes on: the execution itself, or the new one.

    Raises
    ------
    NotFound, Forbidden
        EXECUTION_NOT_FOUND; APPROVE_NOT_GRANTED, SELF_APPROVAL.
    Conflict
        APPROVAL_DECIDED, APPROVAL_EXPIRED.
    Invalid
        FIELD_INVALID: no such legs, or none of its kind.
    Denied
        LEGS_DENIED, or why nothing is sent in the maker's name any more; nothing has changed.
    """
    decider = _Decider(user, token, request_id)
    execution = execution_get(user, execution_id)
    refuse_approver(user, execution.account, maker_id=execution.created_by_id)
    chosen = _chosen(execution, legs)
    candidates = _candidates(execution, chosen)
    with account_journal(execution.account_id) as journal:
        execution, approval = _waiting(journal, user, execution)
        expired = _expire_late(journal, execution, approval)
        if not expired:
            _refuse_changed(journal, execution, approval, candidates)
            _decided(approval, user, approved=len(chosen) == execution.legs.count())
            if approval.approved:
                _set_going(journal, execution, decider)
            else:
                execution = _split_off(journal, execution, approval, candidates, decider)
    if expired:
        raise Conflict(Code.APPROVAL_EXPIRED, execution=str(execution.pk))
    return execution


def execution_refuse(
    *, user: User, execution_id: UUID, reason: Any, token: ApiToken | None = None, request_id: str = ""
) -> Execution:
    """Refuse an execution of somebody else: STOPPED with APPROVAL_REFUSED; nothing of it is placed.

    Raises
    ------
    NotFound, Forbidden, Conflict
        As `execution_approve` does.
    Invalid
        No readable reason.
    """
    words = read_reason(reason)
    decider = _Decider(user, token, request_id)
    execution = execution_get(user, execution_id)
    refuse_approver(user, execution.account, maker_id=execution.created_by_id)
    with account_journal(execution.account_id) as journal:
        execution, approval = _waiting(journal, user, execution)
        expired = _expire_late(journal, execution, approval)
        if not expired:
            _decided(approval, user, approved=False, reason=words)
            _end(journal, execution, Code.APPROVAL_REFUSED)
            _record(decider, "execution.refused", execution, reason=words)
    if expired:
        raise Conflict(Code.APPROVAL_EXPIRED, execution=str(execution.pk))
    return execution


def _chosen(execution: Execution, legs: Any) -> list[Leg]:
    """The legs that are approved; raises Invalid."""
    rows = list(execution.legs.order_by("number"))
    if legs is None:
        return rows
    numbers = {leg.number for leg in rows}
    listed = isinstance(legs, list) and legs and all(isinstance(one, int) and not isinstance(one, bool) for one in legs)
    if not listed or not set(legs) <= numbers:
        raise Invalid(Code.FIELD_INVALID, field="legs", value=shown(legs), allowed=sorted(numbers))
    if set(legs) != numbers and execution.kind not in (Kind.BASKET, Kind.TARGET):
        raise Invalid(Code.FIELD_INVALID, field="legs", kind=str(execution.kind))
    return [leg for leg in rows if leg.number in set(legs)]


def _candidates(execution: Execution, legs: Sequence[Leg]) -> list[Candidate]:
    """The legs with the day and the quote of this moment; read before the book is held."""
    return [
        Candidate.of(
            leg.number,
            Ticket.parse(
                symbol=leg.symbol,
                side=str(leg.side),
                quantity=leg.quantity,
                price_type=str(leg.price_type),
                price=leg.price,
                client_order_id=None,
                strategy=execution.strategy,
            ),
            instrument_named(leg.symbol),
            execution.account,
            **leg.note,
        )
        for leg in legs
    ]


def _waiting(journal: Journal, user: User, execution: Execution) -> tuple[Execution, ExecutionApproval]:
    """The execution as it stands now that the book is ours; the right is asked once more."""
    execution = Execution.objects.select_related("created_by", "token__user").get(pk=execution.pk)
    if execution.state != State.PENDING_APPROVAL:
        raise Conflict(Code.APPROVAL_DECIDED, execution=str(execution.pk), state=str(execution.state))
    refuse_approver(user, journal.book.account, maker_id=execution.created_by_id)
    return execution, ExecutionApproval.objects.get(pk=execution.pk)


def _expire_late(journal: Journal, execution: Execution, approval: ExecutionApproval) -> bool:
    if approval.expires_at > database_now(DATABASE):
        return False
    _end(journal, execution, Code.APPROVAL_EXPIRED)
    return True


def _refuse_changed(
    journal: Journal, execution: Execution, approval: ExecutionApproval, candidates: Sequence[Candidate]
) -> None:
    """Judge again whatever may have changed since it was asked for. Raises Denied."""
    account, maker = journal.book.account, execution.created_by
    lost = maker_refusal(account, maker=maker, token=execution.token, by_token=execution.by_token)
    if lost is not None:
        raise lost
    clock = account_clock(account)
    if not clock.stale and clock.trade_date != execution.trade_date:
        raise Denied(Code.TRADE_DATE_CLOSED, trade_date=execution.trade_date.isoformat())
    denied = []
    for candidate in candidates:
        symbol = candidate.instrument.symbol
        then = approval.last_prices.get(symbol)
        denial = drift_denial(
            symbol=symbol,
            then=None if then is None else Decimal(then),
            now=leg_price(journal, maker.pk, candidate),
            most=approval.max_drift_percent,
        )
        if denial is not None:
            denied.append({"leg": candidate.number, **denial.as_dict(), "symbol": symbol})
    if denied:
        raise Denied(Code.LEGS_DENIED, legs=denied)
    refuse_denied(
        judge(
            journal,
            maker.pk,
            candidates,
            kind=execution.kind,
            child_quantity=execution.child_quantity,
            slices=execution.slices,
            waits=execution.starts_at is not None and execution.starts_at > clock.market_time,
        )
    )


def _set_going(journal: Journal, execution: Execution, decider: _Decider) -> None:
    """It runs from now on, under the authority of this moment."""
    change(execution, state=State.RUNNING, epoch=journal.book.account.epoch, resumed_at=journal.at)
    tell(journal, execution)
    _record(decider, "execution.approved", execution)


def _split_off(
    journal: Journal,
    execution: Execution,
    approval: ExecutionApproval,
    candidates: Sequence[Candidate],
    decider: _Decider,
) -> Execution:
    """The approved legs as an execution of their own, in their maker's name; the old one ends with the rest refused."""
    numbers = [candidate.number for candidate in candidates]
    part = store(
        journal,
        candidates,
        user=execution.created_by,
        token=execution.token,
        request_id=decider.request_id,
        actor=decider.actor,
        kind=execution.kind,
        body_digest=execution.body_digest,
        strategy=execution.strategy,
        terms={"part_of": str(execution.pk), "legs": numbers},
        trade_date=execution.trade_date,
    )
    ExecutionApproval.objects.create(
        execution=part,
        rules=approval.rules,
        last_prices=approval.last_prices,
        max_drift_percent=approval.max_drift_percent,
        expires_at=approval.expires_at,
        approved=True,
        decided_by=decider.user,
        decided_at=approval.decided_at,
    )
    _end(journal, execution, Code.APPROVED_IN_PART, approved=numbers)
    _record(decider, "execution.approved", execution, part=str(part.pk), legs=numbers)
    return part


def _end(journal: Journal, execution: Execution, code: Code, *, approved: Sequence[int] = ()) -> None:
    """Nothing of it was placed and nothing will be."""
    refused = Code.APPROVAL_REFUSED if approved else code
    execution.legs.filter(number__in=approved).update(ended=True, code=str(code))
    execution.legs.exclude(number__in=approved).update(ended=True, code=str(refused))
    change(execution, state=State.STOPPED, code=str(code), final_at=journal.at)
    tell(journal, execution)


def _decided(approval: ExecutionApproval, user: User, *, approved: bool, reason: str = "") -> None:
    approval.approved, approval.reason = approved, reason
    approval.decided_by, approval.decided_at = user, wall_now()
    approval.save(update_fields=["approved", "reason", "decided_by", "decided_at"])


def _record(decider: _Decider, action: str, execution: Execution, **facts: Any) -> None:
    audit.record(
        actor=decider.actor,
        action=action,
        target=f"execution:{execution.pk}",
        before={"state": str(State.PENDING_APPROVAL)},
        after={"state": str(execution.state), "code": execution.code, **facts},
        account_id=execution.account_id,
        request_id=decider.request_id,
    )
