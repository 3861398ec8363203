"""The account journal: the one transaction in which an account's trading state changes.

Whoever changes an order, a fill, a position, the asset or a reservation does it inside
`account_journal`. It holds the account's book, so changes of one account have one order;
it numbers them, stores them as `AccountEvent` rows in the same transaction, and publishes
them after the commit. What a client missed is therefore always in the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from django.db import transaction
from django.db.models import BigIntegerField
from prometheus_client import Histogram

from accounts.models import BrokerAccount
from ops.clocks import wall_now
from ops.prepared import Prepared
from ops.publish import publish
from trading.ledger import entries
from trading.ledger.choices import EventKind
from trading.ledger.entries import Posting
from trading.ledger.models import AccountBook, AccountEvent
from trading.ledger.wire import SHOWN_COLUMNS, account_view

DATABASE = "default"
BOOK_WAIT = Histogram(
    "desk_database_write_wait_seconds",
    "From asking for accounts' books to holding them: the wait for the database's other writers",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0),
)
Payload = dict[str, Any]


class Part(Protocol):
    """What another layer keeps during the transaction, and writes once before it ends."""

    def close(self) -> None:
        """Write it."""


class JournalConflict(Exception):
    """The book was written by somebody who did not hold it. Nothing of the transaction stays."""


@dataclass(slots=True)
class Journal:
    """The open journal of one account.

    Attributes
    ----------
    book
        The account's book with its account, host and host status, locked until the end.
    at
        The moment (wall clock) that everything in this transaction carries.
    held_at
        Since when the books are held (monotonic seconds): waiting for them is over by then.
    changes
        Columns of the book that were set and are written at the end.
    postings
        Ledger entries that are written at the end.
    parts
        What other layers keep during the transaction, by class; the journals of one transaction share it.
    """

    book: AccountBook
    at: datetime
    held_at: float = 0.0
    changes: dict[str, Any] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    parts: dict[type, Part] = field(default_factory=dict)
    _entries: dict[tuple[EventKind, str], Callable[[], Payload]] = field(default_factory=dict)

    def record(self, kind: EventKind, key: str, payload: Callable[[], Payload]) -> None:
        """Note that something changed; `payload` is asked once, when everything is done.

        Several changes of one thing within a transaction are one event with its last state.
        """
        self._entries.pop((kind, key), None)
        self._entries[kind, key] = payload

    def entries(self) -> list[tuple[tuple[EventKind, str], Callable[[], Payload]]]:
        """What was noted, in the order of the last change of each thing."""
        return list(self._entries.items())

    def change_book(self, **values: Any) -> None:
        """Set columns of the book; written when the journal closes, told when clients see them."""
        for name, value in values.items():
            if getattr(self.book, name) == value:
                continue
            setattr(self.book, name, value)
            self.changes[name] = value
            if name in SHOWN_COLUMNS:
                self.record(EventKind.ACCOUNT, "book", partial(account_view, self.book))

    def post(self, *postings: Posting) -> None:
        """Enter into the ledger when the journal closes."""
        self.postings += postings

    def flush_postings(self) -> None:
        """Write what was posted so far, for whoever has to read the sums within this transaction."""
        postings, self.postings = self.postings, []
        self.change_book(**entries.write(self.book, postings, self.at))

    def reserve_cash(self, amount: Decimal) -> None:
        """Add to the reserved cash; a negative amount gives back."""
        if amount:
            self.change_book(reserved_cash=self.book.reserved_cash + amount)


def unheld_journal(account: BrokerAccount) -> Journal:
    """A journal that nobody opened: the book as it stands and the moment, for judging what is not placed. Nothing of it is written."""
    book = AccountBook.objects.select_related("account__host__status").filter(pk=account.pk).first()
    return Journal(book=book or AccountBook(account=account), at=wall_now())


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
def account_journals(account_ids: Iterable[int]) -> Iterator[dict[int, Journal]]:
    """Open the journals of several accounts in one transaction, books locked in pk order."""
    asked = time.monotonic()
    with transaction.atomic(using=DATABASE):
        at = wall_now()
        parts: dict[type, Part] = {}
        journals = {pk: Journal(book=_locked_book(pk), at=at, parts=parts) for pk in sorted(set(account_ids))}
        held_at = time.monotonic()
        BOOK_WAIT.observe(held_at - asked)
        for journal in journals.values():
            journal.held_at = held_at
        yield journals
        for part in parts.values():
            part.close()
        for journal in journals.values():
            _close(journal)


_BOOK = Prepared(
    lambda account_id: (
        AccountBook.objects.filter(pk=account_id)
        .select_for_update(of=("self",))
        .select_related("account__host__status", "account__session")
    ),
    BigIntegerField(),
)


def _locked_book(account_id: int) -> AccountBook:
    """The book, ours until the transaction ends (SQLite's IMMEDIATE holds the whole file)."""
    book = _BOOK.first(account_id)
    if book is None:
        account = BrokerAccount.objects.using(DATABASE).get(pk=account_id)
        AccountBook.objects.bulk_create([AccountBook(account=account)], ignore_conflicts=True)
        book = _BOOK.get(account_id)
    return book


def _close(journal: Journal) -> None:
    """Number and store the events, write the book, publish after the commit."""
    book = journal.book
    journal.flush_postings()
    first = book.version + 1
    rows = [
        AccountEvent(account_id=book.pk, version=first + offset, kind=kind, payload=payload(), at=journal.at)
        for offset, ((kind, _key), payload) in enumerate(journal.entries())
    ]
    if not rows and not journal.changes:
        return
    read_version = book.version
    book.version += len(rows)
    written = (
        AccountBook.objects.using(DATABASE)
        .filter(pk=book.pk, version=read_version)
        .update(version=book.version, **journal.changes)
    )
    if written != 1:
        raise JournalConflict(f"the book of account {book.pk} moved while it was locked")
    if rows:
        AccountEvent.objects.using(DATABASE).bulk_create(rows)
        transaction.on_commit(partial(_publish, book.pk, rows), using=DATABASE, robust=True)


def _publish(account_id: int, rows: Sequence[AccountEvent]) -> None:
    channel = f"account:{account_id}"
    publish(
        channel,
        {
            "type": "delta",
            "channel": channel,
            "at": time.time_ns() // 1_000_000,
            "version": rows[-1].version,
            "events": [event_view(row) for row in rows],
        },
    )


def event_view(event: AccountEvent) -> Payload:
    """One event as the live socket and `events_since` give it."""
    return {"version": event.version, "kind": str(event.kind), "data": event.payload}
