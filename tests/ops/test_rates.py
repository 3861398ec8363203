"""Rates: exact without Redis, shared with it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from ops.rates import RateLimiter

NOWHERE = "redis://127.0.0.1:1/0"


def test_rate_burst_then_refused_then_refilled(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("ops.rates.time.monotonic", lambda: now[0])
    limiter = RateLimiter(NOWHERE)
    first = [limiter.take("k", limit=4, window_seconds=60) for _ in range(5)]
    assert [decision.allowed for decision in first] == [True, True, True, True, False]
    assert [decision.remaining for decision in first] == [3, 2, 1, 0, 0]
    assert (first[-1].retry_seconds, first[-1].reset_seconds) == (15, 60)
    now[0] += 15
    assert limiter.take("k", limit=4, window_seconds=60).allowed
    assert not limiter.take("k", limit=4, window_seconds=60).allowed


def test_rate_never_more_than_the_limit_in_any_window_after_the_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("ops.rates.time.monotonic", lambda: now[0])
    limiter = RateLimiter(NOWHERE)
    let_in = []
    for _ in range(2000):
        if limiter.take("k", limit=10, window_seconds=10).allowed:
            let_in.append(now[0])
        now[0] += 0.05
    steady = [moment for moment in let_in if moment >= 10]
    assert all(b - a >= 0.99 for a, b in pairwise(steady))


def test_rate_keys_are_apart() -> None:
    limiter = RateLimiter(NOWHERE)
    assert [limiter.take(key, limit=1).allowed for key in ("a", "a", "b")] == [True, False, True]


def test_rate_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.rates.MEMORY_KEYS", 10)
    limiter = RateLimiter(NOWHERE)
    for index in range(50):
        limiter.take(str(index), limit=1)
    assert len(limiter._memory) == 10


def test_rate_is_shared_by_processes(valkey: str) -> None:
    """Two limiters, as two web processes have them, count together."""
    one, other = RateLimiter(valkey), RateLimiter(valkey)
    key = f"shared:{time.time_ns()}"
    allowed = [limiter.take(key, limit=3).allowed for limiter in (one, other, one, other)]
    assert allowed == [True, True, True, False]
    refused = other.take(key, limit=3)
    assert (refused.remaining, refused.allowed) == (0, False)
    assert 1 <= refused.retry_seconds <= 20
    assert one._memory == {}
