"""Fixtures of the order tests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.orders.bench import Bench, make_bench


@pytest.fixture
def bench(db: None) -> Bench:
    """A ready trading desk."""
    return make_bench()


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The wakes that were sent, instead of a broker."""
    from trading.orders import doorbell, tasks
    from trading.orders.services import waking

    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(waking, "_away_until", 0.0)  # a test before may have met no broker
    monkeypatch.setattr(doorbell, "ring", lambda host, order_id: False)
    monkeypatch.setattr(tasks.wake, "apply_async", lambda **kwargs: calls.append(kwargs))
    return calls
