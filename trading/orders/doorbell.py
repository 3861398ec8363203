"""The trade worker's bell: one message on one Redis channel per host, far quicker than a task.

A ring carries an order's id and nothing else. It may be lost, repeated or forged: the worker looks
at the row, and without a ring its poll finds the order within a second. So nothing here raises,
waits long, or is waited for.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

PREFIX = "desk:wake:"
RING_SECONDS = 0.2
"""Longest wait of an order's acceptance for Redis."""
LISTEN_SECONDS = 0.5
PING_SECONDS = 5.0
"""A link that died without a word is noticed after this."""
PAUSE_SECONDS = 0.5


def ring(host_name: str, order_id: UUID) -> bool:
    """Tell the host's trade worker to look at an order; False when no worker listens.

    Raises
    ------
    redis.RedisError, OSError
        Redis is away.
    """
    heard: Any = _ringer(settings.REDIS_URL).publish(PREFIX + host_name, order_id.bytes)
    return bool(heard)


class Doorbell:
    """Listens on a thread of its own and hands every order's id to `on_ring`.

    Parameters
    ----------
    on_ring
        Called on the bell's thread; must return soon.
    """

    def __init__(self, host_name: str, on_ring: Callable[[UUID], None]) -> None:
        self._channel = PREFIX + host_name
        self._on_ring = on_ring
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        away = False
        while not self._stopped.is_set():
            try:
                with contextlib.closing(_client(settings.REDIS_URL, PING_SECONDS)) as client:
                    self._listen(client)
            except (redis.RedisError, OSError) as error:
                if not away:
                    logger.warning("the doorbell is silent, orders are found by the poll: %s", error)
                away = True
                self._stopped.wait(PAUSE_SECONDS)
            else:
                away = False

    def _listen(self, client: redis.Redis) -> None:
        with client.pubsub(ignore_subscribe_messages=True) as bell:  # type: ignore[no-untyped-call]
            bell.subscribe(self._channel)
            while not self._stopped.is_set():
                message = bell.get_message(timeout=LISTEN_SECONDS)
                if message is not None:
                    self._heard(message["data"])

    def _heard(self, data: Any) -> None:
        try:
            order_id = UUID(bytes=data)
        except (TypeError, ValueError):
            return  # forged or another version's: the poll finds whatever there is
        try:
            self._on_ring(order_id)
        except Exception:
            logger.exception("a ring could not be followed; the poll finds order %s", order_id)


@lru_cache(maxsize=4)
def _ringer(url: str) -> redis.Redis:
    return _client(url, RING_SECONDS)


def _client(url: str, timeout_seconds: float) -> redis.Redis:
    client: redis.Redis = redis.Redis.from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        health_check_interval=PING_SECONDS,
        retry=Retry(NoBackoff(), 0),
        # No CLIENT SETINFO round trips on each new connection.
        driver_info=None,
    )
    return client
