"""The journal: numbered, stored, published after the commit, or nothing at all."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from tests.orders.bench import Bench
from trading.ledger import journal as journals
from trading.ledger.choices import EventKind
from trading.ledger.journal import JournalConflict, account_journal, account_journals
from trading.ledger.models import AccountBook, AccountEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    messages: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(journals, "publish", lambda *message: messages.append(message))
    return messages


def test_journal_publishes_its_events_after_the_commit(
    bench: Bench,
    published: list[tuple[str, dict[str, Any]]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        with account_journal(bench.account.pk) as journal:
            journal.record(EventKind.ORDER, "a", lambda: {"id": "a"})
            journal.record(EventKind.TRADE, "b", lambda: {"id": "b"})
        assert published == []
    channel = f"account:{bench.account.pk}"
    events = [
        {"version": 1, "kind": "order", "data": {"id": "a"}},
        {"version": 2, "kind": "trade", "data": {"id": "b"}},
    ]
    delta = {"type": "delta", "channel": channel, "version": 2, "events": events}
    ((told_channel, told),) = published
    assert abs(told.pop("at") - time.time() * 1000) < 60_000
    assert (told_channel, told) == (channel, delta)


def test_journal_that_fails_stores_and_publishes_nothing(
    bench: Bench,
    published: list[tuple[str, dict[str, Any]]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    def fail() -> None:
        with account_journal(bench.account.pk) as journal:
            journal.record(EventKind.ORDER, "a", lambda: {"id": "a"})
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ZeroDivisionError):
        fail()
    assert published == []
    assert AccountEvent.objects.count() == 0
    assert not AccountBook.objects.filter(version__gt=0).exists()


def test_journal_without_changes_writes_nothing(bench: Bench) -> None:
    with account_journal(bench.account.pk):
        pass
    assert bench.book.version == 0
    assert AccountEvent.objects.count() == 0


def test_several_changes_of_one_thing_are_one_event_with_its_last_state(bench: Bench) -> None:
    state = {"n": 1}
    with account_journal(bench.account.pk) as journal:
        journal.record(EventKind.ORDER, "a", lambda: dict(state))
        journal.record(EventKind.TRADE, "b", dict)
        journal.record(EventKind.ORDER, "a", lambda: dict(state))
        state["n"] = 2
    events = list(AccountEvent.objects.order_by("version").values_list("kind", "payload"))
    assert events == [("trade", {}), ("order", {"n": 2})]


def test_book_changes_that_clients_see_are_told(bench: Bench) -> None:
    with account_journal(bench.account.pk) as journal:
        journal.reserve_cash(Decimal(5))
        journal.reserve_cash(Decimal(-2))
        journal.change_book(reconciled_at=journal.at)
    event = AccountEvent.objects.get()
    assert (event.kind, event.payload["reserved_cash"]) == ("account", "3.00")
    assert bench.book.reconciled_at is not None


def test_book_changes_that_nobody_sees_are_no_event(bench: Bench) -> None:
    with account_journal(bench.account.pk) as journal:
        journal.change_book(reconciled_at=journal.at)
    assert bench.book.version == 0
    assert bench.book.reconciled_at is not None


def test_book_that_moved_behind_the_journals_back_undoes_everything(bench: Bench) -> None:
    def interfere() -> None:
        with account_journal(bench.account.pk) as journal:
            journal.record(EventKind.ORDER, "a", dict)
            AccountBook.objects.filter(pk=bench.account.pk).update(version=7)

    with pytest.raises(JournalConflict):
        interfere()
    assert AccountEvent.objects.count() == 0


def test_journals_of_several_accounts_number_each_by_itself(bench: Bench) -> None:
    alpha, beta = bench.team.alpha.pk, bench.team.beta.pk
    with account_journals([beta, alpha, beta]) as opened:
        assert list(opened) == [alpha, beta]
        for journal in opened.values():
            journal.record(EventKind.ORDER, "a", dict)
    assert [event.version for event in AccountEvent.objects.all()] == [1, 1]
