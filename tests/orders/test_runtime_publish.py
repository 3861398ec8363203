"""Publishing in the background: in order, never waited for, bounded."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from ops import publish as module
from ops.publish import BackgroundPublisher, publish, publish_directly, publish_in_background


def test_background_publishes_in_order() -> None:
    sent: list[str] = []

    def send(channel: str, payload: dict[str, Any]) -> bool:
        sent.append(f"{channel} {payload['n']}")
        return True

    background = BackgroundPublisher(send)
    assert all(background.put("account:1", {"n": n}) for n in range(100))
    background.stop(2.0)
    assert sent == [f"account:1 {n}" for n in range(100)]


def test_background_put_does_not_wait_and_drops_what_is_too_much() -> None:
    gate = threading.Event()
    background = BackgroundPublisher(lambda channel, payload: gate.wait(5), limit=3)
    began = time.monotonic()
    taken = [background.put("quotes", {}) for _ in range(10)]
    assert time.monotonic() - began < 0.5
    assert 3 <= sum(taken) <= 4
    gate.set()
    background.stop(2.0)


def test_publish_in_background_until_told_to_publish_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    class Fake:
        def publish(self, channel: str, payload: dict[str, Any]) -> bool:
            threads.append(threading.current_thread().name)
            return True

    monkeypatch.setattr(module, "_publisher", lambda url: Fake())
    publish_in_background()
    try:
        assert publish("jobs", {})
    finally:
        publish_directly()
    assert publish("jobs", {})
    assert threads == ["publisher", threading.current_thread().name]
