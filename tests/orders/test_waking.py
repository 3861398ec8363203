"""Waking the worker: a hint that costs little when nobody can hear it."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from kombu.exceptions import OperationalError

from trading.orders import doorbell, tasks
from trading.orders.services import waking


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "_away_until", 0.0)
    monkeypatch.setattr(doorbell, "ring", lambda host, order_id: False)


def test_wake_that_fails_is_dropped_and_not_tried_again_at_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Any] = []

    def away(**options: Any) -> None:
        calls.append(options)
        raise OperationalError("no Redis")

    monkeypatch.setattr(tasks.wake, "apply_async", away)
    for _ in range(3):
        waking.send_wake(uuid4(), "sim")
    assert len(calls) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_wake_is_tried_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(tasks.wake, "apply_async", lambda **options: calls.append(options))
    monkeypatch.setattr(waking, "_away_until", time.monotonic() - 0.001)
    waking.send_wake(uuid4(), "sim")
    assert len(calls) == 1


def test_wake_that_is_heard_leaves_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(doorbell, "ring", lambda host, order_id: True)
    monkeypatch.setattr(tasks.wake, "apply_async", lambda **options: calls.append(options))
    waking.send_wake(uuid4(), "sim")
    assert calls == []


def test_wake_with_redis_away_tries_no_task_either(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def away(host: str, order_id: object) -> bool:
        raise ConnectionError("no Redis")

    monkeypatch.setattr(doorbell, "ring", away)
    monkeypatch.setattr(tasks.wake, "apply_async", lambda **options: calls.append(options))
    waking.send_wake(uuid4(), "sim")
    assert calls == []
