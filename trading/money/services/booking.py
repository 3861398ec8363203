"""What a transfer that moved leaves in the account's books."""

from __future__ import annotations

from typing import Final

from accounts.selectors import host_clock
from trading.ledger.choices import EntryKind
from trading.ledger.entries import Posting
from trading.ledger.journal import Journal
from trading.money.choices import TransferKind
from trading.money.models import Transfer
from trading.money.selectors import today

_ENTRIES: Final = {
    TransferKind.BANK_IN: (EntryKind.TRANSFER_IN, 1),
    TransferKind.BANK_OUT: (EntryKind.TRANSFER_OUT, -1),
}


def book(journal: Journal, transfer: Transfer) -> None:
    """Enter what came from the bank or went there; the caller holds the account's journal.

    Nothing before the books are opened: the opening balance contains it. Nothing for transfers between counters and
    nodes either: whether the broker's figure of this account changes with them differs by broker, and
    reconciliation tells.
    """
    if journal.book.ledger_since is None or transfer.kind not in _ENTRIES:
        return
    kind, sign = _ENTRIES[TransferKind(transfer.kind)]
    clock = host_clock(journal.book.account.host)
    journal.post(
        Posting(
            trade_date=today() if clock is None else clock.trade_date,
            kind=kind,
            reference=f"transfer:{transfer.pk}",
            cash=sign * transfer.amount,
            note=transfer.note,
            created_by_id=transfer.created_by_id,
        )
    )
