"""The bank behind a simulated account: one, by name and number. What it has, and its passwords, are not simulated."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from qmt.money import yuan_of
from qmt.terminal.checks import Refusal, Reject
from qmt.terminal.ledger import Account, BankTransfer

BANK_NO: Final = "9999"
BANK_NAME: Final = "模拟银行"
CURRENCY: Final = "CNY"
IN, OUT = "501", "502"
DONE: Final = "成功"


@dataclass(frozen=True, slots=True)
class BankWish:
    """Money to be moved: from the bank (`incoming`), or to it."""

    account_id: str
    incoming: bool
    amount_cents: int
    bank_no: str
    bank_account: str


def bank_account_of(account_id: str) -> str:
    """The account at the bank that belongs to a broker account."""
    return f"6222{account_id}"


def transfer_refusal(account: Account, wish: BankWish) -> Refusal | None:
    """Why the counter does not move it; None when it does. Proceeds of today's sales cannot leave today."""
    if wish.bank_no != BANK_NO or wish.bank_account != bank_account_of(account.account_id):
        return Refusal(Reject.BANK, f"{wish.bank_no} {wish.bank_account}")
    if wish.amount_cents <= 0:
        return Refusal(Reject.AMOUNT, str(yuan_of(wish.amount_cents)))
    if not wish.incoming and wish.amount_cents > account.withdrawable_cents:
        return Refusal(Reject.WITHDRAWABLE, f"{yuan_of(account.withdrawable_cents)}")
    return None


def bank_info(account_id: str) -> dict[str, Any]:
    """Attributes of a native BankInfo."""
    return {
        "success": True,
        "error_msg": "",
        "money_type": CURRENCY,
        "bank_no": BANK_NO,
        "bank_account": bank_account_of(account_id),
        "bank_name": BANK_NAME,
    }


def stream_row(row: BankTransfer) -> dict[str, Any]:
    """Attributes of a native BankTransferStream."""
    at = dt.datetime.fromtimestamp(row.transfer_time, dt.timezone(dt.timedelta(hours=8)))
    return {
        "success": True,
        "error_msg": "",
        "date": row.trade_date.strftime("%Y%m%d"),
        "time": at.strftime("%H%M%S"),
        "transfer_no": str(row.transfer_no),
        "transfer_direction": IN if row.incoming else OUT,
        "bank_no": row.bank_no,
        "bank_name": BANK_NAME,
        "bank_account": row.bank_account,
        "money_type": CURRENCY,
        "account_id": row.account_id,
        "balance": float(yuan_of(row.amount_cents)),
        "remark": "",
        "transfer_status": DONE,
    }
