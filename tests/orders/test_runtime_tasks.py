"""The wake-up task: whatever it carries, only the row decides."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any
from uuid import UUID, uuid4

import pytest

from trading.orders.runtime import worker
from trading.orders.runtime.lanes import Stopping
from trading.orders.tasks import wake


class FakeRuntime:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.woken: list[UUID] = []

    def wake(self, order_id: UUID) -> Future[str] | None:
        self.woken.append(order_id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


def done(outcome: str) -> Future[str]:
    future: Future[str] = Future()
    future.set_result(outcome)
    return future


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(done("sent"), "sent"), (None, "unknown order"), (Stopping("end"), "stopping")],
)
def test_wake_returns_what_became_of_the_order(answer: Any, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = FakeRuntime(answer)
    monkeypatch.setattr(worker._slot, "_current", runtime)
    order_id = uuid4()
    assert wake(str(order_id)) == {"order_id": str(order_id), "outcome": outcome}
    assert runtime.woken == [order_id]


def test_wake_hung_call_does_not_keep_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker._slot, "_current", FakeRuntime(Future()))
    monkeypatch.setattr("trading.orders.tasks.WAIT_SECONDS", 0.01)
    assert wake(str(uuid4()))["outcome"] == "still running"


def test_wake_forged_id_reaches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = FakeRuntime(done("sent"))
    monkeypatch.setattr(worker._slot, "_current", runtime)
    assert wake("'; DROP TABLE orders_order")["outcome"] == "malformed"
    assert runtime.woken == []


def test_wake_without_a_runtime_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker._slot, "_current", None)
    assert wake(str(uuid4()))["outcome"] == "no runtime"
