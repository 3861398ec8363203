"""The bell: heard at once, harmless when forged, and silent rather than in anybody's way."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from trading.orders import doorbell
from trading.orders.doorbell import PREFIX, Doorbell, ring

HEARD_SECONDS = 3.0


class Ears:
    """A bell that listens, and what it heard."""

    def __init__(self, host: str = "sim") -> None:
        self.heard: queue.SimpleQueue[UUID] = queue.SimpleQueue()
        self.fail = threading.Event()
        self.bell = Doorbell(host, self._take)
        self.bell.start()

    def _take(self, order_id: UUID) -> None:
        if self.fail.is_set():
            self.fail.clear()
            raise RuntimeError("the row could not be read")
        self.heard.put(order_id)

    def until_rung(self, host: str = "sim") -> UUID:
        """Ring until somebody listens, as the worker starts at its own pace; returns the id that was heard."""
        order_id = uuid4()
        for _ in range(300):
            if ring(host, order_id):
                return order_id
            threading.Event().wait(0.01)
        raise AssertionError("nobody listens")


@pytest.fixture
def ears(valkey: str) -> Iterator[Ears]:
    made = Ears()
    yield made
    made.bell.stop(2)


def test_ring_reaches_the_listening_worker(ears: Ears) -> None:
    order_id = ears.until_rung()
    assert ears.heard.get(timeout=HEARD_SECONDS) == order_id


def test_ring_without_a_listener_says_so(valkey: str) -> None:
    assert ring("nobody-here", uuid4()) is False


def test_ring_for_another_host_is_not_heard(ears: Ears) -> None:
    ears.until_rung()
    ears.heard.get(timeout=HEARD_SECONDS)
    assert ring("other", uuid4()) is False
    assert ears.heard.empty()


def test_ring_with_redis_away_raises_for_the_caller_to_note(settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    with pytest.raises(redis.RedisError):
        ring("sim", uuid4())


def test_bell_forged_words_are_dropped_and_the_next_ring_is_heard(ears: Ears, valkey: str) -> None:
    ears.until_rung()
    ears.heard.get(timeout=HEARD_SECONDS)
    with redis.Redis.from_url(valkey) as anybody:
        anybody.publish(f"{PREFIX}sim", b"'; DROP TABLE orders_order")
    order_id = uuid4()
    assert ring("sim", order_id)
    assert ears.heard.get(timeout=HEARD_SECONDS) == order_id


def test_bell_goes_on_after_a_ring_it_could_not_follow(ears: Ears) -> None:
    ears.fail.set()
    ears.until_rung()
    order_id = uuid4()
    assert ring("sim", order_id)
    assert ears.heard.get(timeout=HEARD_SECONDS) == order_id


def test_bell_with_redis_away_ends_when_told(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    monkeypatch.setattr(doorbell, "PAUSE_SECONDS", 0.01)
    bell = Doorbell("sim", lambda _: None)
    bell.start()
    bell.stop(2)
    assert not bell._thread.is_alive()
