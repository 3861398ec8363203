"""The one way from status to status, inside the account's journal: row, timeline, event, audit and alerts."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Max
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ops import audit
from ops.alerts import AlertKind, Severity, alert_clear, alert_raise
from ops.audit import Actor
from ops.errors import Code, Conflict
from trading.ledger.choices import EventKind
from trading.ledger.journal import Journal
from trading.money.choices import FINAL, STEPS, TransferKind, TransferStatus
from trading.money.models import Transfer, TransferEvent
from trading.money.wire import masked, plain_amount, transfer_view
from trading.orders.holding import tell_queue

#: Steps of the platform itself.
SWEEPER = Actor.system("money-sweeper")
SENDER = Actor.system("money-sender")
_ACTIONS = {
    TransferStatus.PENDING_APPROVAL: "money.requested",
    TransferStatus.QUEUED: "money.approved",
    TransferStatus.SENDING: "money.claimed",
    TransferStatus.DONE: "money.moved",
    TransferStatus.REJECTED: "money.rejected",
    TransferStatus.FAILED: "money.not_sent",
    TransferStatus.UNKNOWN: "money.unknown",
    TransferStatus.NOT_MOVED: "money.not_moved",
    TransferStatus.REFUSED: "money.refused",
    TransferStatus.CANCELLED: "money.cancelled",
    TransferStatus.EXPIRED: "money.expired",
}


def begin(journal: Journal, transfer: Transfer, actor: Actor, *, request_id: str = "") -> None:
    """Store a new transfer with its first step."""
    transfer.save(force_insert=True)
    _note(journal, transfer, actor, before=None, data={}, request_id=request_id)
    _tell_waiting(transfer)


def take(
    journal: Journal,
    transfer: Transfer,
    status: TransferStatus,
    actor: Actor,
    *,
    data: dict[str, Any] | None = None,
    request_id: str = "",
    **values: Any,
) -> None:
    """Take a transfer from its present status to another; the caller holds the account's journal.

    Raises
    ------
    Conflict
        TRANSFER_STATE: there is no such step, or the row was changed meanwhile.
    """
    before = TransferStatus(transfer.status)
    if status not in STEPS.get(before, frozenset()):
        raise Conflict(Code.TRANSFER_STATE, transfer=str(transfer.pk), state=str(before))
    # Passwords never outlive the wait for the claim, whatever way it ends.
    values |= {"status": status} | ({} if status is TransferStatus.QUEUED else {"sealed": ""})
    if status in FINAL:
        values["final_at"] = journal.at
    if Transfer.objects.filter(pk=transfer.pk, status=before).update(**values) != 1:
        raise Conflict(Code.TRANSFER_STATE, transfer=str(transfer.pk))
    for name, value in values.items():
        setattr(transfer, name, value)
    noted(journal, transfer, actor, before=before, data=data or {}, request_id=request_id)


def noted(
    journal: Journal,
    transfer: Transfer,
    actor: Actor,
    *,
    before: TransferStatus,
    data: dict[str, Any],
    request_id: str = "",
) -> None:
    """Write what a step leaves behind; the row has taken it already."""
    _note(journal, transfer, actor, before=before, data=data, request_id=request_id)
    if before is TransferStatus.PENDING_APPROVAL:
        _tell_left(transfer)
    if transfer.status == TransferStatus.UNKNOWN:
        alert_raise(
            AlertKind.MONEY_UNKNOWN,
            Severity.CRITICAL,
            format_lazy(_("{kind} {amount} CNY was sent and not answered: look at the statement"), **_named(transfer)),
            {"transfer": str(transfer.pk), "kind": str(transfer.kind), "amount": plain_amount(transfer.amount)},
            dedup_key=f"money.unknown:{transfer.pk}",
            account_id=transfer.account_id,
        )
    elif before is TransferStatus.UNKNOWN:
        alert_clear(f"money.unknown:{transfer.pk}")


def _note(
    journal: Journal,
    transfer: Transfer,
    actor: Actor,
    *,
    before: TransferStatus | None,
    data: dict[str, Any],
    request_id: str,
) -> None:
    last = TransferEvent.objects.filter(transfer=transfer).aggregate(last=Max("seq"))["last"] or 0
    TransferEvent.objects.create(
        transfer=transfer, seq=last + 1, status=transfer.status, by=actor.label, data=data, at=journal.at
    )
    journal.record(EventKind.TRANSFER, str(transfer.pk), partial(transfer_view, transfer))
    audit.record(
        actor=actor,
        action=_ACTIONS[TransferStatus(transfer.status)],
        target=f"transfer:{transfer.pk}",
        before=None if before is None else {"status": str(before)},
        after={
            "status": str(transfer.status),
            "kind": str(transfer.kind),
            "amount": plain_amount(transfer.amount),
            "bank_no": transfer.bank_no,
            "bank_account": masked(transfer.bank_account),
            "code": transfer.code,
            "message": transfer.message,
            **data,
        },
        account_id=transfer.account_id,
        request_id=request_id,
    )


def _named(transfer: Transfer) -> dict[str, Any]:
    """What a title says of a transfer, in the reader's language."""
    return {"kind": TransferKind(transfer.kind).label, "amount": plain_amount(transfer.amount)}


def _tell_waiting(transfer: Transfer) -> None:
    alert_raise(
        AlertKind.MONEY_WAITING,
        Severity.WARNING,
        format_lazy(_("{kind} {amount} CNY waits for a second person"), **_named(transfer)),
        {"transfer": str(transfer.pk), "kind": str(transfer.kind), "amount": plain_amount(transfer.amount)},
        dedup_key=f"money.approval:{transfer.account_id}",
        account_id=transfer.account_id,
    )
    tell_queue(transfer.account_id)


def _tell_left(transfer: Transfer) -> None:
    waiting = Transfer.objects.filter(account_id=transfer.account_id, status=TransferStatus.PENDING_APPROVAL)
    if not waiting.exists():
        alert_clear(f"money.approval:{transfer.account_id}")
    tell_queue(transfer.account_id)
