"""Pushed quotes for a run: from the live channel, newest per symbol, never waited for and never trusted to be complete."""

from __future__ import annotations

import logging
import threading
from typing import Any

import orjson
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops.publish import PREFIX
from ops.signing import opened
from trading.strategies.interface import Tick

NAME = "quotes"
CHANNEL = PREFIX + NAME
READ_SECONDS = 0.5
RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class TickFeed:
    """A thread that keeps the newest quote of each symbol until somebody takes it.

    A strategy that is slower than the market loses quotes in between, never the last one.
    """

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._symbols = frozenset(symbols)
        self._lock = threading.Lock()
        self._waiting: dict[str, Tick] = {}
        self._newest: dict[str, int] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="strategy-ticks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join(timeout=2 * READ_SECONDS)

    def take(self) -> list[Tick]:
        """What came since the last time, in order of the market's time."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return sorted(waiting.values(), key=lambda tick: (tick.ts, tick.symbol))

    def hear(self, raw: bytes) -> None:
        """Take what came on the channel, if it is from somebody who may speak for its host."""
        message = opened(NAME, raw)
        if message is None:
            return
        try:
            content = orjson.loads(message.body)
            if message.speaks_for(content["host"]):
                self.put(content)
            else:
                log.error("QMT host %s published quotes of host %s: they were dropped", message.signer, content["host"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a message of the quote channel is malformed: %r", error)

    def put(self, content: dict[str, Any]) -> None:
        """Take a message of the channel over. A quote that is not newer than the symbol's last is left out."""
        for symbol in self._symbols.intersection(content["q"]):
            tick = _tick(symbol, content["q"][symbol])
            if tick.ts > self._newest.get(symbol, 0):
                self._newest[symbol] = tick.ts
                with self._lock:
                    self._waiting[symbol] = tick

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._read()
            except (redis.RedisError, OSError) as error:
                log.warning("ticks are interrupted: %s", error)
                self._stopped.wait(RETRY_SECONDS)

    def _read(self) -> None:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2.0, retry=Retry(NoBackoff(), 0))
        try:
            with client.pubsub(ignore_subscribe_messages=True) as stream:  # type: ignore[no-untyped-call]
                stream.subscribe(CHANNEL)
                while not self._stopped.is_set():
                    message = stream.get_message(timeout=READ_SECONDS)
                    if message is not None:
                        self.hear(message["data"])
        finally:
            client.close()


def _tick(symbol: str, quote: dict[str, Any]) -> Tick:
    return Tick(
        symbol=symbol,
        ts=int(quote["ts"]),
        last=float(quote["last"]),
        volume=int(quote["volume"]),
        amount=float(quote["amount"]),
        bids=_levels(quote["bid"], quote["bidv"]),
        asks=_levels(quote["ask"], quote["askv"]),
    )


def _levels(prices: list[float], sizes: list[int]) -> tuple[tuple[float, int], ...]:
    return tuple((float(price), int(size)) for price, size in zip(prices, sizes, strict=False) if price > 0)
