"""Transfers and limits as every door shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trading.ledger.fields import CENT
from trading.ledger.wire import moment
from trading.money.models import MoneyLimit, Transfer, TransferEvent

_SHOWN_DIGITS = 4


def plain_amount(amount: Decimal) -> str:
    """CNY to the cent, as text."""
    return str(amount.quantize(CENT))


def masked(number: str) -> str:
    """An account at a bank by its last digits."""
    return f"…{number[-_SHOWN_DIGITS:]}" if number else ""


def transfer_view(transfer: Transfer) -> dict[str, Any]:
    """One transfer. Load it with `created_by`, `decided_by` and `resolved_by`."""
    return {
        "id": str(transfer.pk),
        "account": transfer.account_id,
        "kind": str(transfer.kind),
        "amount": plain_amount(transfer.amount),
        "bank_no": transfer.bank_no,
        "bank_account": masked(transfer.bank_account),
        "note": transfer.note,
        "client_transfer_id": transfer.client_transfer_id,
        "status": str(transfer.status),
        "code": transfer.code,
        "message": transfer.message,
        "simulated": transfer.simulated,
        "created_by": transfer.created_by.username,
        "created_at": moment(transfer.created_at),
        "expires_at": moment(transfer.expires_at),
        "decided_by": None if transfer.decided_by is None else transfer.decided_by.username,
        "decided_at": moment(transfer.decided_at),
        "claimed_at": moment(transfer.claimed_at),
        "final_at": moment(transfer.final_at),
        "resolved_by": None if transfer.resolved_by is None else transfer.resolved_by.username,
    }


def step_view(event: TransferEvent) -> dict[str, Any]:
    """One step of the timeline."""
    return {"seq": event.seq, "status": str(event.status), "by": event.by, "facts": event.data, "at": moment(event.at)}


def limit_view(limit: MoneyLimit, used: Decimal) -> dict[str, Any]:
    """How much may be moved, and how much of today is used."""
    return {
        "account": limit.account_id,
        "single_amount": plain_amount(limit.single_amount),
        "day_amount": plain_amount(limit.day_amount),
        "used_today": plain_amount(used),
        "set_by": limit.set_by.username,
        "set_at": moment(limit.set_at),
    }
