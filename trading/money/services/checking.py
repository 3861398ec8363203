"""Judging a transfer without asking for it: what a form shows while it is filled in."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from accounts.models import User
from accounts.selectors import account_get
from trading.ledger.journal import unheld_journal
from trading.money.checks import denials, free_cash, require_mover, require_simulated
from trading.money.models import Transfer
from trading.money.wire import plain_amount
from trading.money.wishes import read_amount, read_kind

CHECK_FIELDS: Final = frozenset({"account", "kind", "amount"})


def transfer_check(*, user: User, account_id: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """What would become of a transfer if it were asked for now; changes nothing and holds nothing.

    Parameters
    ----------
    body
        ``kind`` and ``amount``, as `transfer_request` takes them.

    Returns
    -------
    dict
        ``accepted``; ``denials``, each with ``code``, ``message`` and ``details``; ``free_cash``, CNY as text, None while
        the broker has not stated any.

    Raises
    ------
    NotFound, Forbidden, Invalid, DeskError
        As `transfer_request` does, without what it asks about the other fields.
    """
    account = account_get(user, account_id)
    require_mover(user, account)
    kind = read_kind(body.get("kind"))
    amount = read_amount(body.get("amount"), field="amount")
    require_simulated(account, kind)
    journal = unheld_journal(account)
    wish = Transfer(pk=uuid.uuid4(), account=account, kind=kind, amount=amount)
    against = [
        {"code": str(denial.code), "message": denial.message, "details": denial.details}
        for denial in denials(journal, wish)
    ]
    free = free_cash(journal)
    return {
        "account": account.pk,
        "kind": str(kind),
        "amount": plain_amount(amount),
        "accepted": not against,
        "denials": against,
        "free_cash": None if free is None else plain_amount(free),
    }
