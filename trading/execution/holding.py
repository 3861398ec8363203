"""Executions that wait for somebody else: whether one has to, as a whole, and telling the approvers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.clocks import database_now
from trading.execution.choices import Kind, State
from trading.execution.models import Execution, ExecutionApproval
from trading.ledger.journal import DATABASE, Journal
from trading.ledger.wire import plain
from trading.orders.choices import Source
from trading.orders.holding import tell_queue
from trading.orders.services.context import check_context
from trading.risk.approval import Hold, Wish, approval_needed, rules_in_force
from trading.risk.context import CheckContext
from trading.risk.rules.prices import last_price

if TYPE_CHECKING:
    from trading.execution.services.validation import Candidate


def execution_hold(journal: Journal, user_id: int, candidates: Sequence[Candidate]) -> Hold | None:
    """The hold that the rules put on a whole execution; None when nobody has to approve it.

    Its legs are looked at together: a large wish in many small orders is a large wish.
    """
    wishes = []
    for candidate in candidates:
        context = leg_context(journal, user_id, candidate)
        if context.facts is None or not rules_in_force(context.facts.version):
            return None
        version = context.facts.version
        strategy = candidate.ticket.strategy
        wishes.append(Wish.of(context, strategy=strategy, user_id=user_id, source=str(Source.EXECUTION)))
    return approval_needed(version, wishes) if wishes else None


def execution_held(
    journal: Journal, execution: Execution, hold: Hold, candidates: Sequence[Candidate]
) -> ExecutionApproval:
    """Store the request and tell the approvers; call it inside the account's journal."""
    approval = ExecutionApproval.objects.create(
        execution=execution,
        rules=hold.reasons(),
        value=hold.value,
        last_prices={
            candidate.instrument.symbol: plain(leg_price(journal, execution.created_by_id, candidate))
            for candidate in candidates
        },
        max_drift_percent=hold.max_drift_percent,
        expires_at=database_now(DATABASE) + timedelta(seconds=hold.expires_seconds),
    )
    alert_raise(
        AlertKind.APPROVAL_WAITING,
        Severity.WARNING,
        format_lazy(
            _("{kind} of {count} instruments waits for approval"),
            kind=Kind(execution.kind).label,
            count=len(candidates),
        ),
        {
            "execution": str(execution.pk),
            "legs": len(candidates),
            "value": hold.value,
            "expires_at": approval.expires_at,
        },
        dedup_key=_key(execution.account_id),
        account_id=execution.account_id,
    )
    tell_queue(execution.account_id)
    return approval


def tell_left(execution: Execution) -> None:
    """An execution does not wait any more; call it after its row was written, inside the account's journal."""
    waiting = Execution.objects.filter(
        account_id=execution.account_id, final_at__isnull=True, state=State.PENDING_APPROVAL
    )
    if not waiting.exists():
        alert_clear(_key(execution.account_id))
    tell_queue(execution.account_id)


def leg_context(journal: Journal, user_id: int, candidate: Candidate) -> CheckContext:
    """One leg as the checks of an order see it; nothing is held."""
    return check_context(
        journal,
        candidate.ticket,
        instrument=candidate.instrument,
        day=candidate.day,
        quote=candidate.quote,
        user_id=user_id,
        hold=False,
    )


def leg_price(journal: Journal, user_id: int, candidate: Candidate) -> Decimal | None:
    """The price that a leg meets now."""
    return last_price(leg_context(journal, user_id, candidate))


def _key(account_id: int) -> str:
    return f"execution.approval:{account_id}"
