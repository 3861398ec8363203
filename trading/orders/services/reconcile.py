"""Asking for a reconciliation now. The row carries the wish; the trade worker looks every few seconds."""

from __future__ import annotations

from typing import Any

from accounts.actors import actor_for
from accounts.models import ApiToken, BrokerAccount, User
from accounts.selectors import account_get, may_halt, session_state
from ops import audit
from ops.errors import Code, Forbidden
from trading.ledger.choices import DifferenceState
from trading.ledger.journal import account_journal
from trading.ledger.models import AccountBook, Difference
from trading.ledger.wire import day, moment


def reconcile_request(
    *, user: User, account_id: int, token: ApiToken | None = None, request_id: str = ""
) -> dict[str, Any]:
    """Have the account reconciled as soon as its session can.

    Returns
    -------
    dict
        As `reconciliation_view`.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND.
    Forbidden
        PERMISSION_DENIED: who may only look does not put load on the terminal.
    """
    account = account_get(user, account_id)
    if not may_halt(user, account):
        raise Forbidden(Code.PERMISSION_DENIED, account=account.pk)
    with account_journal(account.pk) as journal:
        journal.change_book(reconcile_wanted_at=journal.at)
        audit.record(
            actor=actor_for(user, token),
            action="account.reconcile_requested",
            target=f"account:{account.pk}",
            account_id=account.pk,
            request_id=request_id,
        )
    return reconciliation_view(account)


def reconciliation_view(account: BrokerAccount) -> dict[str, Any]:
    """How the account stands with its broker's figures."""
    book = AccountBook.objects.filter(pk=account.pk).first() or AccountBook(account=account)
    own = getattr(account, "session", None)
    return {
        "account": account.pk,
        "session_state": str(session_state(account)),
        "message": "" if own is None else own.message,
        "last_probe_at": None if own is None else moment(own.last_probe_at),
        "wanted_at": moment(book.reconcile_wanted_at),
        "reconciled_at": moment(book.reconciled_at),
        "books_since": day(book.ledger_since),
        "differences": Difference.objects.filter(account=account, state=DifferenceState.OPEN).count(),
        "restricted": dict(book.restricted),
    }
