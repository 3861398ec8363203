"""The engine: live bars of one and five minutes from the quote stream, and whoever else follows it. No SDK in it.

One thread reads the stream and builds; another stores finished bars and beats, so that a locked
database never makes the reader fall behind (Redis drops a subscriber that does). Bars are stored
once and never overwritten: what the terminal delivered, or an earlier run stored, stays.

Layers above add listeners, which the project composes in `desk.engine`: the same stream, in the same process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import orjson
import redis
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connections
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.connection import Connection
from redis.retry import Retry

from marketdata.live.barstore import BarStore, bar_message, drop_connections
from marketdata.live.stream import HostStream
from marketdata.minutes import MinuteBar
from marketdata.quotes.periods import Period
from marketdata.symbols import SymbolIds
from ops.heartbeats import Heartbeat
from ops.publish import PREFIX, publish
from ops.signing import Signed, opened

NAME = "quotes"
CHANNEL = PREFIX + NAME
BAR_CHANNELS = {Period.MINUTE_1: "bars", Period.MINUTE_5: "bars:5m"}
READ_SECONDS = 0.25
QUIET_READ_SECONDS = 2.0
"""Without a message for `QUIET_AFTER_SECONDS` the loop turns this slowly: an idle night costs nothing."""
QUIET_AFTER_SECONDS = 30.0
MESSAGE_SECONDS = 5.0
"""Longest time a message may take from its first byte to its last."""
PUBLISH_SECONDS = 0.5
STORE_SECONDS = 0.5
RECONNECT_SECONDS = 1.0
STOP_SECONDS = 2.0
"""How long each listener may take to store what it holds."""
MAX_LOOP_AGE_SECONDS = 10.0
"""The heartbeat stops when the reading loop has not turned for this long."""

log = logging.getLogger(__name__)


class QuoteListener(Protocol):
    """Somebody else who follows the quote stream in the engine's process."""

    name: str
    """Under which the engine's heartbeat shows `detail`."""

    def start(self) -> None:
        """Begin, before the first message."""
        ...

    def quotes(self, message: dict[str, Any]) -> None:
        """Take one message of the quote channel, on the reading thread: never wait here, for a database least of all.

        Parameters
        ----------
        message
            ``t`` (received, epoch ms), ``host``, ``q`` (symbol to quote, see `publisher.quote_message`), and ``gap`` where
            earlier quotes were never published.
        """
        ...

    def interrupt(self) -> None:
        """The subscription was lost, or has just begun: what was published meanwhile is not known."""
        ...

    def stop(self, timeout_seconds: float) -> None:
        """Store what is in memory, and end."""
        ...

    def detail(self) -> dict[str, Any]:
        """What the heartbeat says."""
        ...


class Engine:
    """Everything one engine process does; `read` on the calling thread, `keep` on another."""

    def __init__(self, stop: threading.Event, listeners: Sequence[QuoteListener] = ()) -> None:
        self._stop = stop
        self._listeners = tuple(listeners)
        self._done = threading.Event()
        self._streams: dict[str, HostStream] = {}
        self._symbols = SymbolIds()
        self._stores = {period: BarStore(period, self._symbols) for period in BAR_CHANNELS}
        self._heartbeat = Heartbeat("engine")
        self._malformed = 0
        self._last_loop = time.monotonic()
        self._last_message = time.monotonic()
        self._next_publish = 0.0
        self._next_settle = 0.0

    def run(self) -> None:
        """Work until told to stop; finished bars are stored before it returns."""
        keeper = threading.Thread(target=self._keep, name="engine-store", daemon=True)
        keeper.start()
        for listener in self._listeners:
            listener.start()
        while not self._stop.is_set():
            try:
                self._read()
            except (redis.RedisError, OSError) as error:
                log.warning("the quote stream is interrupted: %s", error)
                self._interrupt()
                self._turn()
                self._stop.wait(RECONNECT_SECONDS)
        self._collect()
        for listener in self._listeners:
            listener.stop(STOP_SECONDS)
        self._done.set()
        keeper.join(timeout=5.0)
        connections.close_all()

    def detail(self) -> dict[str, Any]:
        """What the heartbeat says."""
        stores = self._stores.values()
        return {
            "bars_stored": sum(store.stored for store in stores),
            "bars_already_there": sum(store.already_there for store in stores),
            "bars_waiting": sum(len(store) for store in stores),
            "bars_dropped": sum(store.dropped for store in stores),
            "store_failures": sum(store.failures for store in stores),
            "malformed_messages": self._malformed,
            "streams": {
                name: {
                    "settled": stream.settled,
                    "event_ts": stream.watermark,
                    "stale_quotes": stream.stale_quotes,
                }
                for name, stream in list(self._streams.items())
            },
            **{listener.name: listener.detail() for listener in self._listeners},
        }

    # --- reading thread

    def _read(self) -> None:
        client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=2.0,
            health_check_interval=10,
            # A silent reconnect would hide lost messages: reconnecting is done here, where it counts.
            retry=Retry(NoBackoff(), 0),
        )
        try:
            with client.pubsub() as stream:  # type: ignore[no-untyped-call]
                stream.subscribe(CHANNEL)
                while not self._stop.is_set():
                    message = _next_message(stream, self._patience())
                    while message is not None:
                        self._last_message = time.monotonic()
                        self._take(message)
                        message = _next_message(stream, 0.0)
                    self._turn()
        finally:
            client.close()

    def _patience(self) -> float:
        quiet = time.monotonic() - self._last_message > QUIET_AFTER_SECONDS
        return QUIET_READ_SECONDS if quiet else READ_SECONDS

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._interrupt()
        elif message["type"] == "message" and (proven := opened(NAME, message["data"])) is not None:
            try:
                self._apply(proven)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._malformed += 1
                log.warning("a message of the quote channel is malformed: %r", error)

    def _apply(self, message: Signed) -> None:
        content = orjson.loads(message.body)
        host = content["host"]
        if not message.speaks_for(host):
            log.error("QMT host %s published quotes of host %s: they were dropped", message.signer, host)
            return
        for listener in self._listeners:
            # Before the bars, which nobody waits for; and what goes wrong there costs no bar.
            try:
                listener.quotes(content)
            except Exception:
                log.exception("quotes of host %s were lost on %s", host, listener.name)
        stream = self._streams.get(host)
        if stream is None:
            stream = self._streams[host] = HostStream(host)
        stream.quotes(content)

    def _interrupt(self) -> None:
        for listener in self._listeners:
            listener.interrupt()
        for stream in self._streams.values():
            stream.interrupt()

    def _turn(self) -> None:
        """What is due whether or not messages come."""
        now = time.monotonic()
        if now >= self._next_settle:
            self._next_settle = now + 1.0
            self._settle()
        self._collect()
        if now >= self._next_publish:
            self._next_publish = now + PUBLISH_SECONDS
            self._publish()
        self._last_loop = time.monotonic()

    def _settle(self) -> None:
        try:
            for stream in self._streams.values():
                stream.settle(self._symbols)
        except DatabaseTrouble as error:
            log.warning("the stored quotes cannot be read yet: %s", error)
            drop_connections()

    def _collect(self) -> None:
        for stream in self._streams.values():
            for period, bars in stream.closed():
                self._stores[period].add(bars)

    def _publish(self) -> None:
        for stream in self._streams.values():
            for period, bars in stream.changed():
                for message in bar_messages(period, bars):
                    publish(BAR_CHANNELS[period], message)

    # --- storing thread

    def _keep(self) -> None:
        while not self._done.wait(STORE_SECONDS):
            try:
                self._flush()
            except Exception:
                # Those bars are lost (the gap scan finds them); the next ones must not be.
                log.exception("live bars could not be stored")
            if time.monotonic() - self._last_loop < MAX_LOOP_AGE_SECONDS:
                self._heartbeat.beat(self.detail())
        self._flush()
        connections.close_all()

    def _flush(self) -> None:
        for store in self._stores.values():
            store.flush()


def _next_message(stream: PubSub, patience_seconds: float) -> dict[str, Any] | None:
    """The next message that begins within a time; None when none does.

    redis-py bounds the whole of a message by the wait for its first byte. A snapshot of the market is large enough to pause in
    the middle, and that must not count as a lost stream.
    """
    stream.check_health()
    connection: Connection | None = stream.connection
    if connection is None or not connection.can_read(timeout=patience_seconds):
        return None
    message: dict[str, Any] | None = stream.get_message(timeout=MESSAGE_SECONDS)
    return message


def run(stop: threading.Event, listeners: Sequence[QuoteListener] = ()) -> None:
    """Run the engine until ``stop`` is set."""
    Engine(stop, listeners).run()


def bar_messages(period: Period, bars: list[MinuteBar]) -> list[dict[str, Any]]:
    """Bars in messages of one bar per symbol: the end of a bar goes out before the next one's start."""
    messages: list[dict[str, Any]] = []
    turns: Counter[str] = Counter()
    for bar in bars:
        if turns[bar.symbol] == len(messages):
            messages.append({})
        messages[turns[bar.symbol]][bar.symbol] = bar_message(period, bar)
        turns[bar.symbol] += 1
    return messages
