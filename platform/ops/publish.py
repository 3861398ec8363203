"""Live messages: a hint to whoever listens, never the only copy of anything.

A message that is lost costs a listener one refetch; so publishing never raises, never waits
long, and says whether Redis took it.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import lru_cache
from typing import Any

import orjson
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

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
        """Publish `payload` as JSON on `desk:live:<channel>`; False when Redis is away."""
        if time.monotonic() < self._away_until:
            return False
        body = orjson.dumps(payload, default=str)
        try:
            self._client.publish(PREFIX + channel, body)
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
        Whether Redis took it. False is not an error: listeners refetch.
    """
    return _publisher(settings.REDIS_URL).publish(channel, payload)
