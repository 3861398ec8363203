"""The account journal: the one transaction in which an account's trading state changes.

Whoever changes an order, a fill, a position, the asset or a reservation does it inside
`account_journal`. It holds the account's book, so changes of one account have one order;
it numbers them, stores them as `AccountEvent` rows in the same transaction, and publishes
them after the commit. What a client missed is therefore always in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction

from ops.clocks import wall_now
from ops.publish import publish
from trading.ledger.choices import EventKind
from trading.ledger.models import AccountBook, AccountEvent

DATABASE = "default"
Payload = dict[str, Any]


@dataclass(slots=True)
class Journal:
    """The open journal of one account.

    Attributes
    ----------
    book
        The account's book with its account, host and host status, locked until the end.
    at
        The moment (wall clock) that everything in this transaction carries.
    """

    book: AccountBook
    at: datetime
    _entries: dict[tuple[EventKind, str], Callable[[], Payload]] = field(default_factory=dict)
    _book_changed: bool = False

    def record(self, kind: EventKind, key: str, payload: Callable[[], Payload]) -> None:
        """Note that something changed; `payload` is asked once, when everything is done.

        Several changes of one thing within a transaction are one event with its last state.
        """
        self._entries.pop((kind, key), None)
        self._entries[kind, key] = payload

    def change_book(self, **values: Any) -> None:
        """Set columns of the book; written when the journal closes."""
        for name, value in values.items():
            if getattr(self.book, name) != value:
                setattr(self.book, name, value)
                self._book_changed = True

    def reserve_cash(self, amount: Decimal) -> None:
        """Add to the reserved cash; a negative amount gives back."""
        if amount:
            self.change_book(reserved_cash=self.book.reserved_cash + amount)


@contextmanager
def account_journal(account_id: int) -> Iterator[Journal]:
    """Open the journal of one account: a transaction that ends with its numbered events.

    Raises
    ------
    BrokerAccount.DoesNotExist
        There is no such account.
    """
    with account_journals([account_id]) as journals:
        yield journals[account_id]


@contextmanager
def account_journals(account_ids: Sequence[int]) -> Iterator[dict[int, Journal]]:
    """Open the journals of several accounts in one transaction, books locked in pk order."""
    raise NotImplementedError
    yield {}
