"""Narrowing rows that belong to accounts: to what a person sees, one account, one symbol."""

from __future__ import annotations

from typing import TypeVar

from accounts.models import User
from accounts.selectors import account_get
from ops.errors import Code, Invalid
from ops.inputs import shown
from qmt.codes import CodeError, parse_symbol
from trading.ledger.querysets import AccountScopedQuerySet

MAX_SYMBOL_LENGTH = 16

Q = TypeVar("Q", bound=AccountScopedQuerySet)  # type: ignore[type-arg]


def account_rows(rows: Q, *, user: User, account_id: int | None = None, symbol: str | None = None) -> Q:
    """`rows` through the eyes of `user`, narrowed to one account and one symbol.

    Raises
    ------
    NotFound
        ACCOUNT_NOT_FOUND: unknown, or not the person's to see.
    Invalid
        SYMBOL_UNKNOWN for text that no row could carry.
    """
    account = None if account_id is None else account_get(user, account_id)
    seen = rows.visible_to(user)
    if account is not None:
        seen = seen.filter(account=account)
    return seen if symbol is None else seen.filter(symbol=stored_symbol(symbol))


def stored_symbol(text: str) -> str:
    """A symbol as rows carry it. An account may hold what cannot be traded here, such as B shares."""
    try:
        return str(parse_symbol(text))
    except CodeError:
        name = text.strip().upper()
        if not (0 < len(name) <= MAX_SYMBOL_LENGTH and name.isascii() and name.isprintable()):
            raise Invalid(Code.SYMBOL_UNKNOWN, field="symbol", symbol=shown(text)) from None
        return name
