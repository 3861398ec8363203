"""Live messages: delivered when Redis is there, bounded and silent when it is not."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
import redis

from ops.publish import Publisher
from ops.signing import opened


@pytest.fixture
def deaf_server() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_publish_without_redis_returns_false_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    assert Publisher(f"unix://{tmp_path}/none.sock").publish("quotes", {}) is False
    assert time.monotonic() - started < 0.1


def test_publish_to_a_redis_that_hangs_gives_up(deaf_server: str) -> None:
    publisher = Publisher(deaf_server)
    started = time.monotonic()
    assert publisher.publish("quotes", {}) is False
    assert time.monotonic() - started < 3.0


def test_publish_after_a_failure_does_not_wait_again(deaf_server: str) -> None:
    publisher = Publisher(deaf_server)
    publisher.publish("quotes", {})
    started = time.monotonic()
    assert [publisher.publish("quotes", {}) for _ in range(100)] == [False] * 100
    assert time.monotonic() - started < 0.1


def test_publish_reaches_a_subscriber_as_json(valkey: str) -> None:
    listener = redis.Redis.from_url(valkey).pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    listener.subscribe("desk:live:account:3")
    listener.get_message(timeout=1)
    assert Publisher(valkey).publish("account:3", {"price": Decimal("10.50")}) is True
    message = listener.get_message(timeout=2)
    assert message is not None
    heard = opened("account:3", message["data"])
    assert heard is not None
    assert (orjson.loads(heard.body), heard.signer) == ({"price": "10.50"}, "")
