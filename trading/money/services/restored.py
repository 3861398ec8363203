"""Transfers of a restored installation: none is sent, and whoever looks at the bank's statement says what became of them."""

from __future__ import annotations

from ops.audit import Actor
from ops.errors import Code
from trading.ledger.journal import account_journal
from trading.money.choices import TransferStatus
from trading.money.models import Transfer
from trading.money.steps import take


def transfers_after_restore(actor: Actor) -> int:
    """End what waits for a decision; what was approved or being sent is UNKNOWN. Returns how many there were.

    An approved transfer leaves within a moment: when the backup was made a moment before, it was sent all the same.
    """
    open_ones = Transfer.objects.filter(final_at__isnull=True).exclude(status=TransferStatus.UNKNOWN)
    rows = list(open_ones.values_list("pk", "account_id"))
    for pk, account_id in rows:
        with account_journal(account_id) as journal:
            row = Transfer.objects.get(pk=pk)
            code = str(Code.RESTORED)
            if row.status == TransferStatus.PENDING_APPROVAL:
                take(journal, row, TransferStatus.EXPIRED, actor, code=code)
                continue
            if row.status == TransferStatus.QUEUED:
                take(journal, row, TransferStatus.SENDING, actor, data={"code": code})
            take(journal, row, TransferStatus.UNKNOWN, actor, code=code)
    return len(rows)
