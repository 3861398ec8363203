"""The audit trail: complete, ordered, append-only, and telling when somebody tampered."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from ops import audit
from ops.audit import Actor, AuditError
from ops.errors import Code
from ops.models import AuditChain, AuditEvent
from ops.models.audit import AppendOnlyError

pytestmark = pytest.mark.postgres

ACTOR = Actor(kind="user", id="7", label="alice")


def write(count: int = 1, *, account_id: int | None = 3, **facts: Any) -> AuditEvent:
    with transaction.atomic():
        for index in range(count):
            event = audit.record(
                actor=ACTOR,
                action="order.cancelled",
                target=f"order:{index}",
                account_id=account_id,
                after=facts or {"index": index},
            )
    return event


def verdict(chain: str = "account:3") -> tuple[int | None, str]:
    report = {report.chain: report for report in audit.chains_verify()}[chain]
    return report.sequence, report.problem


def sql(statement: str, *values: Any) -> None:
    """Change the tables as an intruder would: below the models."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


# -------------------------------------------------------------------------- writing
@pytest.mark.django_db(transaction=True)
def test_record_outside_of_a_transaction_raises() -> None:
    with pytest.raises(AuditError, match="transaction"):
        audit.record(actor=ACTOR, action="x.done", target="x:1")
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("actor", [None, "alice", 7])
def test_record_without_an_actor_raises(actor: Any) -> None:
    with pytest.raises(AuditError, match="actor"):
        audit.record(actor=actor, action="x.done", target="x:1")
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("parts", [("robot", "1", "x"), ("user", "", "alice"), ("user", "1", "")])
def test_actor_incomplete_or_unknown_raises(parts: tuple[Any, str, str]) -> None:
    with pytest.raises(AuditError):
        Actor(*parts)


@pytest.mark.django_db(transaction=True)
def test_record_rolls_back_with_the_change() -> None:
    write()

    def change_that_fails() -> None:
        with transaction.atomic():
            audit.record(actor=ACTOR, action="x.done", target="x:1", account_id=3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_that_fails()
    assert AuditEvent.objects.count() == 1
    assert AuditChain.objects.get(pk="account:3").last_sequence == 1
    write()
    assert verdict() == (None, "")


@pytest.mark.django_db
def test_record_links_each_event_to_the_one_before() -> None:
    write(3)
    first, second, third = AuditEvent.objects.order_by("sequence")
    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]
    assert first.previous_hash == "0" * 64
    assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
    assert AuditChain.objects.get().last_hash == third.hash


@pytest.mark.django_db
def test_record_keeps_one_chain_per_account_and_one_for_the_platform() -> None:
    write(2, account_id=3)
    write(1, account_id=4)
    write(1, account_id=None)
    heads = AuditChain.objects.order_by("key").values_list("key", "last_sequence")
    assert list(heads) == [("account:3", 2), ("account:4", 1), ("platform", 1)]


@pytest.mark.django_db
def test_record_every_kind_of_fact_verifies_after_the_round_trip() -> None:
    write(
        price=Decimal("11.20"),
        ratio=0.1 + 0.2,
        huge=2**70,
        day=date(2024, 1, 2),
        at=datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        key=UUID(int=5),
        code=Code.ACCOUNT_HALTED,
        name="茅台 – “quoted” \\ \n",
        nested={"b": [1, None, True, {"z": "", "a": []}], "a": {1: "int key"}},
        nul="a\x00b",
        surrogate="\ud800",
        tags={"b", "a"},
    )
    assert verdict() == (None, "")
    stored = AuditEvent.objects.get().after or {}
    assert (stored["price"], stored["code"], stored["tags"]) == ("11.20", "ACCOUNT_HALTED", ["a", "b"])


@pytest.mark.django_db
def test_record_unknown_kind_of_fact_raises() -> None:
    with pytest.raises(TypeError, match="object"):
        write(fact=object())
    assert not AuditEvent.objects.exists()


# ---------------------------------------------------------------------- append-only
@pytest.mark.django_db
@pytest.mark.parametrize(
    "attempt",
    [
        lambda event: event.save(),
        lambda event: event.delete(),
        lambda event: AuditEvent.objects.filter(pk=event.pk).update(action="x"),
        lambda event: AuditEvent.objects.filter(pk=event.pk).delete(),
        lambda event: AuditEvent.objects.all().delete(),
        lambda event: AuditEvent.objects.bulk_update([event], ["action"]),
        lambda event: AuditEvent.objects.bulk_create([event]),
    ],
)
def test_event_is_never_changed_or_removed(attempt: Callable[[AuditEvent], Any]) -> None:
    event = write()
    with pytest.raises(AppendOnlyError):
        attempt(event)
    assert verdict() == (None, "")


# ------------------------------------------------------------------------ tampering
COLUMNS: list[tuple[str, Any]] = [
    ("action", "order.submitted"),
    ("target", "order:9"),
    ("actor_kind", "system"),
    ("actor_id", "8"),
    ("actor_label", "mallory"),
    ("account_id", 4),
    ("request_id", "other"),
    ("at", "2020-01-01 00:00:00+00:00"),
    ("after", '{"index": 8}'),
    ("before", '{"index": 8}'),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("column", "value"), COLUMNS)
def test_verify_changed_content_names_its_sequence(column: str, value: Any) -> None:
    write(3)
    sql(f"UPDATE ops_auditevent SET {column} = %s WHERE sequence = 2", value)
    sequence, problem = verdict()
    assert sequence == 2
    assert problem.startswith("the content hashes to")


@pytest.mark.django_db
def test_verify_changed_content_with_a_new_hash_breaks_the_next_link() -> None:
    write(3)
    event = AuditEvent.objects.get(sequence=2)
    event.action = "order.submitted"
    sql(
        "UPDATE ops_auditevent SET action = %s, hash = %s WHERE sequence = 2",
        event.action,
        audit.event_hash(event),
    )
    sequence, problem = verdict()
    assert sequence == 3
    assert problem.startswith("previous_hash is")


@pytest.mark.django_db
@pytest.mark.parametrize("removed", [1, 2])
def test_verify_removed_event_names_its_sequence(removed: int) -> None:
    write(3)
    sql("DELETE FROM ops_auditevent WHERE sequence = %s", removed)
    sequence, problem = verdict()
    assert (sequence, problem) == (removed, "the event is missing")


@pytest.mark.django_db
def test_verify_removed_end_is_seen_by_the_head() -> None:
    write(3)
    sql("DELETE FROM ops_auditevent WHERE sequence = 3")
    sequence, problem = verdict()
    assert sequence == 3
    assert "the head ends at 3" in problem


@pytest.mark.django_db
def test_verify_removed_whole_chain_is_seen_by_the_head() -> None:
    write(2)
    sql("DELETE FROM ops_auditevent")
    assert verdict()[0] == 1


@pytest.mark.django_db
def test_verify_removed_head_is_seen() -> None:
    write(2)
    sql("DELETE FROM ops_auditchain")
    assert verdict() == (2, "the chain's head row is missing")


@pytest.mark.django_db
def test_verify_rewritten_tail_without_the_head_is_seen() -> None:
    write(2)
    event = AuditEvent.objects.get(sequence=2)
    event.action = "order.submitted"
    rehashed = audit.event_hash(event)
    sql("UPDATE ops_auditevent SET action = %s, hash = %s WHERE sequence = 2", event.action, rehashed)
    sequence, problem = verdict()
    assert sequence == 2
    assert problem.startswith("the head has")


@pytest.mark.django_db
def test_verify_moved_between_chains_is_seen() -> None:
    write(1, account_id=3)
    write(1, account_id=4)
    sql("UPDATE ops_auditevent SET sequence = 2, chain = 'account:3' WHERE chain = 'account:4'")
    assert verdict("account:3")[0] == 2
    assert verdict("account:4")[0] == 1


@pytest.mark.django_db
def test_verify_leaves_other_chains_intact() -> None:
    write(1, account_id=3)
    write(2, account_id=4)
    sql("UPDATE ops_auditevent SET target = 'x' WHERE chain = 'account:3'")
    assert verdict("account:4") == (None, "")


@pytest.mark.django_db
def test_command_intact_says_so() -> None:
    write(2)
    write(1, account_id=None)
    out = io.StringIO()
    call_command("audit_verify", stdout=out)
    assert out.getvalue().splitlines() == [
        "account:3: 2 events, intact",
        "platform: 1 events, intact",
        "2 chains, 3 events, 0 signed anchors: intact.",
    ]


@pytest.mark.django_db
def test_command_broken_fails_and_names_the_link() -> None:
    write(3)
    sql("UPDATE ops_auditevent SET target = 'order:9' WHERE sequence = 2")
    with pytest.raises(CommandError, match="account:3: broken at #2: the content hashes to"):
        call_command("audit_verify", stdout=io.StringIO())


# ---------------------------------------------------------------------- concurrency
@pytest.mark.django_db(transaction=True)
def test_record_concurrent_writers_never_fork_a_chain() -> None:
    writers, each = 4, 10
    start = threading.Barrier(writers)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            start.wait()
            for _ in range(each):
                write(1, account_id=3)
        except BaseException as error:  # noqa: BLE001 - reported by the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert AuditChain.objects.get().last_sequence == writers * each
    assert verdict() == (None, "")


@pytest.mark.django_db(transaction=True)
def test_verify_while_somebody_writes_raises_no_false_alarm() -> None:
    write(20)
    stop = threading.Event()

    def run() -> None:
        try:
            while not stop.is_set():
                write(1)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        verdicts = {verdict() for _ in range(15)}
    finally:
        stop.set()
        thread.join()
    assert verdicts == {(None, "")}
