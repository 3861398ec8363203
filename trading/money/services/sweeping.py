"""Ends what nobody decided, sent or answered in time, by the database's time."""

from __future__ import annotations

from typing import Final

from django.db.models.functions import Now

from ops.errors import Code
from trading.ledger.journal import account_journal
from trading.money.choices import TransferStatus
from trading.money.models import Transfer
from trading.money.steps import SWEEPER, take

#: What is over: its status, the column that says when, what it becomes, and with which code.
_ENDS: Final = (
    (TransferStatus.PENDING_APPROVAL, "expires_at", TransferStatus.EXPIRED, Code.APPROVAL_EXPIRED),
    # Never claimed, so never sent.
    (TransferStatus.QUEUED, "expires_at", TransferStatus.EXPIRED, Code.TRANSFER_NOT_SENT),
    # Claimed, and whoever claimed it is gone: the call may have been made.
    (TransferStatus.SENDING, "deadline_at", TransferStatus.UNKNOWN, Code.TRANSFER_UNCERTAIN),
)


def transfers_sweep() -> dict[str, int]:
    """End what is over; how many became what."""
    counts: dict[str, int] = {}
    for status, column, after, code in _ENDS:
        over = {"status": status, f"{column}__lte": Now()}
        for key, account_id in Transfer.objects.filter(**over).values_list("pk", "account_id"):
            with account_journal(account_id) as journal:
                row = Transfer.objects.filter(pk=key, **over).first()
                if row is None:
                    continue
                take(journal, row, after, SWEEPER, code=str(code))
            counts[str(after)] = counts.get(str(after), 0) + 1
    return counts
