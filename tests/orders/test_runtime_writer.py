"""The event writer: order kept, nothing lost, the SDK thread never waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from django.db import IntegrityError, OperationalError

from qmt.gateway import AccountStatus
from trading.orders.runtime.writer import EventWriter, Incoming


def event(n: int) -> AccountStatus:
    return AccountStatus(account_no="8000000001", status=n)


class Store:
    """Takes batches; refuses the first `failures` calls."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0
        self.seen: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, events: Sequence[Incoming]) -> None:
        self.gate.wait(10)
        self.calls += 1
        if self.calls <= self.failures:
            raise OperationalError("database is locked")
        self.seen += [item.event.status for item in events if isinstance(item.event, AccountStatus)]


def started(store: Store, **options: float) -> EventWriter:
    writer = EventWriter(store, retry_seconds=0.005, **options)  # type: ignore[arg-type]
    writer.start()
    return writer


def test_writer_stores_events_in_order() -> None:
    store = Store()
    writer = started(store)
    for n in range(500):
        writer.put("s1", event(n))
    assert writer.flush(5.0)
    assert store.seen == list(range(500))
    assert writer.stop(2.0)


def test_writer_keeps_the_session_with_each_event() -> None:
    keys: list[str] = []
    writer = EventWriter(lambda events: keys.extend(item.session_key for item in events))
    writer.put("s1", event(1))
    writer.put("s2", event(2))
    writer.start()
    assert writer.flush(5.0)
    assert keys == ["s1", "s2"]
    assert writer.stop(2.0)


def test_writer_locked_database_repeats_the_same_batch() -> None:
    store = Store(failures=4)
    writer = started(store)
    writer.put("s1", event(1))
    writer.put("s1", event(2))
    assert writer.flush(5.0)
    assert store.seen == [1, 2]
    assert writer.stop(2.0)


def test_writer_put_does_not_wait_for_a_stuck_database() -> None:
    store = Store()
    store.gate.clear()
    writer = started(store)
    began = time.monotonic()
    for n in range(1000):
        writer.put("s1", event(n))
    assert time.monotonic() - began < 1.0
    assert writer.pending == 1000
    store.gate.set()
    assert writer.flush(5.0)
    assert store.seen == list(range(1000))
    assert writer.stop(2.0)


def test_writer_more_than_memory_holds_spills_and_keeps_order() -> None:
    store = Store()
    store.gate.clear()
    writer = started(store, memory_limit=10, batch_size=4)
    for n in range(200):
        writer.put("s1", event(n))
    store.gate.set()
    for n in range(200, 230):
        writer.put("s1", event(n))
    assert writer.flush(5.0)
    assert store.seen == list(range(230))
    assert writer.stop(2.0)


def test_writer_one_bad_event_does_not_hold_the_others(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def apply(events: Sequence[Incoming]) -> None:
        numbers = [item.event.status for item in events if isinstance(item.event, AccountStatus)]
        if 2 in numbers:
            raise IntegrityError("CHECK constraint failed")
        seen.extend(numbers)

    writer = EventWriter(apply)
    for n in range(4):
        writer.put("s1", event(n))
    writer.start()
    assert writer.flush(5.0)
    assert seen == [0, 1, 3]
    assert "needs a person" in caplog.text
    assert writer.stop(2.0)


def test_writer_stop_stores_what_is_queued() -> None:
    store = Store()
    writer = EventWriter(store)
    for n in range(50):
        writer.put("s1", event(n))
    writer.start()
    assert writer.stop(5.0)
    assert store.seen == list(range(50))


def test_writer_stop_with_the_database_away_reports_what_is_left() -> None:
    store = Store(failures=10**6)
    writer = started(store)
    writer.put("s1", event(1))
    assert not writer.stop(0.2)
    assert writer.pending == 1
    store.failures = 0
