"""Live messages: a hint to whoever listens, never the only copy of anything.

A message that is lost costs a listener one refetch; so publishing never raises, never waits
long, and says whether Redis took it.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.signing import signed

PREFIX = "desk:live:"
TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 1.0
"""After a failure nothing is tried for this long: a dead Redis must not cost each message 0.2 s."""

log = logging.getLogger(__name__)


class Publisher:
    """Redis PUBLISH with a bounded wait; safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            # No CLIENT SETINFO round trips on each new connection.
            driver_info=None,
        )
        self._lock = threading.Lock()
        self._away_until = 0.0

    def publish(self, channel: str, payload: dict[str, Any]) -> bool:
        """Publish `payload` as signed JSON on `desk:live:<channel>`; False when Redis is away."""
        if time.monotonic() < self._away_until:
            return False
        body = orjson.dumps(payload, default=str)
        try:
            self._client.publish(PREFIX + channel, signed(channel, body))
        except (redis.RedisError, OSError) as error:
            self._note_failure(error)
            return False
        self._away_until = 0.0
        return True

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            first = self._away_until == 0.0
            self._away_until = time.monotonic() + PAUSE_SECONDS
        if first:
            log.warning("live messages are not delivered, Redis is away: %s", error)


class BackgroundPublisher:
    """Publishes on a thread of its own, in order, for callers that must not wait for Redis.

    Parameters
    ----------
    send
        Takes channel and payload, like `publish`.
    limit
        Most messages that wait. What comes on top is dropped: listeners see the gap and refetch.
    """

    def __init__(self, send: Callable[[str, dict[str, Any]], bool], *, limit: int = 10_000) -> None:
        self._send = send
        self._limit = limit
        self._queue: queue.SimpleQueue[tuple[str, dict[str, Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def put(self, channel: str, payload: dict[str, Any]) -> bool:
        """Queue a message; False when too many wait already."""
        if self._queue.qsize() >= self._limit:
            return False
        self._queue.put((channel, payload))
        return True

    def stop(self, timeout_seconds: float) -> None:
        """Send what is queued and end the thread."""
        self._queue.put(None)
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (message := self._queue.get()) is not None:
            self._send(*message)


_background: BackgroundPublisher | None = None


def publish_in_background() -> BackgroundPublisher:
    """From now on this process publishes on a thread of its own; `publish_directly` ends that."""
    global _background
    if _background is None:
        _background = BackgroundPublisher(
            lambda channel, payload: _publisher(settings.REDIS_URL).publish(channel, payload)
        )
    return _background


def publish_directly(timeout_seconds: float = 1.0) -> None:
    """Send what waits in the background, and publish on the caller's thread again."""
    global _background
    background, _background = _background, None
    if background is not None:
        background.stop(timeout_seconds)


@lru_cache(maxsize=4)
def _publisher(url: str) -> Publisher:
    return Publisher(url)


def publish(channel: str, payload: dict[str, Any]) -> bool:
    """Publish a live message.

    Parameters
    ----------
    channel : str
        `account:<id>`, `quotes`, `bars`, `jobs`, `alerts` or `control`.
    payload : dict
        JSON-serialisable (Decimal, UUID and dates become text).

    Returns
    -------
    bool
        Whether Redis took it, or in the background whether it is queued. False is not an error:
        listeners refetch.
    """
    background = _background
    if background is not None:
        return background.put(channel, payload)
    return _publisher(settings.REDIS_URL).publish(channel, payload)
