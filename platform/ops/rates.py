"""Rate limits that hold over every web process: a leaky bucket per key, kept in Redis.

The generic cell rate algorithm: one stored moment per key, "when the bucket will be
empty", moved on by each request that is let in. Refused requests cost nothing, and there
is no window at whose edge twice the rate would pass. The moment is the Redis server's,
so that clocks of web processes do not matter.

Without Redis every process counts for itself in memory, with the same numbers: with N
processes a caller may then get up to N times the rate, and nobody is turned away because
Redis is away. A limit is there to share the machine fairly, not to keep anybody out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

PREFIX = "desk:rate:"
TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 1.0
"""After a failure Redis is not asked for this long: a dead one must not cost each request 0.2 s."""
MEMORY_KEYS = 10_000

# KEYS[1] the bucket; ARGV: seconds per request, seconds the bucket holds. Returns let in?, seconds until empty.
_SCRIPT = """
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local step, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
if empty + step - now > room + 0.000001 then
  return {0, tostring(empty - now)}
end
empty = empty + step
redis.call('SET', KEYS[1], string.format('%.6f', empty), 'PX', math.ceil((empty - now) * 1000) + 1000)
return {1, tostring(empty - now)}
"""


@dataclass(frozen=True, slots=True)
class RateDecision:
    """What became of one request, and what the caller may still do.

    Attributes
    ----------
    limit, window_seconds
        The policy: requests per window.
    remaining
        Requests that would be let in now.
    reset_seconds
        Until the whole limit is there again.
    retry_seconds
        Until the next request would be let in; 0 when one would be now.
    """

    allowed: bool
    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: int
    retry_seconds: int

    def headers(self) -> dict[str, str]:
        """The response's header fields."""
        fields = {
            "RateLimit-Policy": f"{self.limit};w={self.window_seconds}",
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }
        return fields if self.allowed else {**fields, "Retry-After": str(self.retry_seconds)}


class RateLimiter:
    """Counts requests per key, in Redis or, while it is away, in this process."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
        )
        self._script = self._client.register_script(_SCRIPT)
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._memory: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, *, limit: int, window_seconds: int = 60) -> RateDecision:
        """Ask for one request of `key`, of at most `limit` in any window."""
        step, room = window_seconds / limit, float(window_seconds)
        allowed, used = self._from_redis(key, step, room) or self._from_memory(key, step, room)
        remaining = max(0, int((room - used) / step + 1e-6))
        return RateDecision(
            allowed=allowed,
            limit=limit,
            window_seconds=window_seconds,
            remaining=remaining,
            reset_seconds=ceil(used),
            retry_seconds=0 if remaining else max(1, ceil(used + step - room)),
        )

    def _from_redis(self, key: str, step: float, room: float) -> tuple[bool, float] | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            allowed, used = self._script(keys=[PREFIX + key], args=[repr(step), repr(room)])
        except (redis.RedisError, OSError) as error:
            self._note_failure(error)
            return None
        self._away_until = 0.0
        return bool(allowed), float(used)

    def _from_memory(self, key: str, step: float, room: float) -> tuple[bool, float]:
        now = time.monotonic()
        with self._lock:
            empty = max(self._memory.pop(key, 0.0), now)
            allowed = empty + step - now <= room + 1e-6
            if allowed:
                empty += step
            self._memory[key] = empty
            if len(self._memory) > MEMORY_KEYS:
                self._memory.popitem(last=False)
        return allowed, empty - now

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            first = self._away_until == 0.0
            self._away_until = time.monotonic() + PAUSE_SECONDS
        if first:
            log.warning("rates are counted per process, Redis is away: %s", error)


@lru_cache(maxsize=4)
def _limiter(url: str) -> RateLimiter:
    return RateLimiter(url)


def take(key: str, *, limit: int, window_seconds: int = 60) -> RateDecision:
    """Ask for one request of `key`; see `RateLimiter.take`."""
    return _limiter(settings.REDIS_URL).take(key, limit=limit, window_seconds=window_seconds)
