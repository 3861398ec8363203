"""The engine: live one-minute bars from the quote stream. No SDK in it.

One thread reads the stream and builds; another stores finished bars and beats, so that a locked
database never makes the reader fall behind (Redis drops a subscriber that does). Bars are stored
once and never overwritten: what the terminal delivered, or an earlier run stored, stays.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import redis
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connections
from redis.backoff import NoBackoff
from redis.retry import Retry

from marketdata.minutes import MinuteBar, MinuteBuilder, Snapshot, is_quiet
from marketdata.quotes.columns import BAR, QuoteColumns
from marketdata.quotes.models import LatestQuote
from marketdata.quotes.periods import Period
from marketdata.quotes.store import bars_upsert
from marketdata.quotes.tables import DATABASE
from marketdata.symbols import SymbolIds
from ops.heartbeats import Heartbeat
from ops.publish import PREFIX, publish

CHANNEL = PREFIX + "quotes"
READ_SECONDS = 0.25
PUBLISH_SECONDS = 0.5
STORE_SECONDS = 0.5
RECONNECT_SECONDS = 1.0
STALL_SECONDS = 10.0
"""No quote of any instrument for this long, in a session: the stream is broken further up."""
MAX_WAITING_BARS = 200_000
MAX_LOOP_AGE_SECONDS = 10.0
"""The heartbeat stops when the reading loop has not turned for this long."""

log = logging.getLogger(__name__)


class HostStream:
    """Quotes of one host on their way into bars, and what is known about their completeness."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.builder = MinuteBuilder()
        self.settled = False
        self._last_at = time.monotonic()
        self._first_received_at: int | None = None
        self._seen: set[str] = set()

    def quotes(self, message: dict[str, Any]) -> None:
        """Apply one message of the quote channel."""
        now = time.monotonic()
        stalled = now - self._last_at > STALL_SECONDS and not is_quiet(self.builder.watermark)
        if self.settled and stalled:
            log.warning("quotes of host %s paused for %.0f s", self.host, now - self._last_at)
            self.builder.interrupt()
        self._last_at = now
        self.builder.feed(_snapshots(message["q"]))
        if self.settled:
            self.builder.resume()
        self._seen.update(message["q"])
        if self._first_received_at is None:
            self._first_received_at = int(message["t"])

    def event_now(self) -> int:
        """Newest event time; carried on by the wall clock only where silence is normal.

        Anywhere else silence may be a stalled stream, and closing a minute on the wall clock's word
        would store it without its last trades.
        """
        watermark = self.builder.watermark
        if not is_quiet(watermark):
            return watermark
        return watermark + int((time.monotonic() - self._last_at) * 1000)

    def interrupt(self) -> None:
        """The subscription was lost: what was published meanwhile is not known."""
        self.builder.interrupt()
        self._first_received_at = None
        self.settled = False

    def settle(self, symbols: SymbolIds) -> None:
        """Join the stream to the stored latest quotes, once these reach up to its first message.

        The data worker stores everything it received up to some moment in one transaction. So when
        one quote that came no earlier than the stream's first message is stored, every quote before
        that message is stored too, and none is missing between the table and the stream.

        Raises
        ------
        django.db.Error
            The database is away; nothing changed.
        """
        first = self._first_received_at
        if self.settled or first is None:
            return
        names = {pk: symbol for symbol, pk in symbols.all().items()}
        rows = [
            row
            for row in LatestQuote.objects.values_list(
                "instrument_id", "ts", "last", "high", "low", "volume", "amount", "received_at"
            )
            if row[0] in names
        ]
        if not any(row[-1] >= first and names[row[0]] in self._seen for row in rows):
            return
        self.builder.baseline(Snapshot(names[row[0]], *row[1:-1]) for row in rows)
        self.builder.resume()
        self.settled = True


class BarStore:
    """Stores finished bars; keeps them while the database is away, up to a bound."""

    def __init__(self, symbols: SymbolIds) -> None:
        self._symbols = symbols
        self._lock = threading.Lock()
        self._waiting: list[MinuteBar] = []
        self.stored = 0
        self.already_there = 0
        self.dropped = 0
        self.failures = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, bars: Sequence[MinuteBar]) -> None:
        """Queue bars."""
        if bars:
            with self._lock:
                self._waiting.extend(bars)

    def flush(self) -> None:
        """Store what is queued. Bars that are already there stay as they are."""
        with self._lock:
            bars, self._waiting = self._waiting, []
        if not bars:
            return
        try:
            ids = self._symbols.find({bar.symbol for bar in bars})
            rows = bar_rows([bar for bar in bars if bar.symbol in ids], ids)
            counts = bars_upsert(period=Period.MINUTE_1, rows=rows, replace=False)
        except DatabaseTrouble as error:
            self.failures += 1
            log.warning("%d live bars wait, the database is away: %s", len(bars), error)
            _drop_connections()
            with self._lock:
                kept = (bars + self._waiting)[-MAX_WAITING_BARS:]
                # What does not fit is lost here and found by the gap scan.
                self.dropped += len(bars) + len(self._waiting) - len(kept)
                self._waiting = kept
            return
        self.stored += counts.written
        self.already_there += counts.unchanged


class Engine:
    """Everything one engine process does; `read` on the calling thread, `keep` on another."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._done = threading.Event()
        self._streams: dict[str, HostStream] = {}
        self._symbols = SymbolIds()
        self._store = BarStore(self._symbols)
        self._heartbeat = Heartbeat("engine")
        self._malformed = 0
        self._last_loop = time.monotonic()
        self._next_publish = 0.0
        self._next_settle = 0.0

    def run(self) -> None:
        """Work until told to stop; finished bars are stored before it returns."""
        keeper = threading.Thread(target=self._keep, name="engine-store", daemon=True)
        keeper.start()
        while not self._stop.is_set():
            try:
                self._read()
            except (redis.RedisError, OSError) as error:
                log.warning("the quote stream is interrupted: %s", error)
                self._interrupt()
                self._turn()
                self._stop.wait(RECONNECT_SECONDS)
        for stream in self._streams.values():
            self._store.add(stream.builder.closed(stream.event_now()))
        self._done.set()
        keeper.join(timeout=5.0)
        connections.close_all()

    def detail(self) -> dict[str, Any]:
        """What the heartbeat says."""
        return {
            "bars_stored": self._store.stored,
            "bars_already_there": self._store.already_there,
            "bars_waiting": len(self._store),
            "bars_dropped": self._store.dropped,
            "store_failures": self._store.failures,
            "malformed_messages": self._malformed,
            "streams": {
                name: {
                    "settled": stream.settled,
                    "event_ts": stream.builder.watermark,
                    "stale_quotes": stream.builder.stale,
                }
                for name, stream in list(self._streams.items())
            },
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
                    message = stream.get_message(timeout=READ_SECONDS)
                    while message is not None:
                        self._take(message)
                        message = stream.get_message()
                    self._turn()
        finally:
            client.close()

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._interrupt()
        elif message["type"] == "message":
            try:
                self._apply(orjson.loads(message["data"]))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._malformed += 1
                log.warning("a message of the quote channel is malformed: %r", error)

    def _apply(self, content: dict[str, Any]) -> None:
        host = content["host"]
        stream = self._streams.get(host)
        if stream is None:
            stream = self._streams[host] = HostStream(host)
        stream.quotes(content)

    def _interrupt(self) -> None:
        for stream in self._streams.values():
            stream.interrupt()

    def _turn(self) -> None:
        """What is due whether or not messages come."""
        now = time.monotonic()
        if now >= self._next_settle:
            self._next_settle = now + 1.0
            self._settle()
        for stream in self._streams.values():
            self._store.add(stream.builder.closed(stream.event_now()))
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
            _drop_connections()

    def _publish(self) -> None:
        # A message has one bar per symbol; the end of a minute goes out before the next one's start.
        messages: list[dict[str, Any]] = []
        for stream in self._streams.values():
            turn: Counter[str] = Counter()
            for bar in stream.builder.changed():
                if turn[bar.symbol] == len(messages):
                    messages.append({})
                messages[turn[bar.symbol]][bar.symbol] = bar_message(bar)
                turn[bar.symbol] += 1
        for message in messages:
            publish("bars", message)

    # --- storing thread

    def _keep(self) -> None:
        while not self._done.wait(STORE_SECONDS):
            try:
                self._store.flush()
            except Exception:
                # Those bars are lost (the gap scan finds them); the next ones must not be.
                log.exception("live bars could not be stored")
            if time.monotonic() - self._last_loop < MAX_LOOP_AGE_SECONDS:
                self._heartbeat.beat(self.detail())
        self._store.flush()
        connections.close_all()


def run(stop: threading.Event) -> None:
    """Run the engine until ``stop`` is set."""
    Engine(stop).run()


def bar_rows(bars: Sequence[MinuteBar], ids: Mapping[str, int]) -> QuoteColumns:
    """Bars as rows of the store."""
    if not bars:
        return QuoteColumns.empty(BAR)
    return QuoteColumns.build(
        BAR,
        instrument_id=np.array([ids[bar.symbol] for bar in bars], dtype=np.int64),
        ts=np.array([bar.ts for bar in bars], dtype=np.int64),
        columns={
            name: np.array([getattr(bar, name) for bar in bars])
            for name in ("open", "high", "low", "close", "volume", "amount")
        },
    )


def bar_message(bar: MinuteBar) -> dict[str, Any]:
    """A bar as it stands in a live message."""
    return {
        "period": Period.MINUTE_1.code,
        "ts": bar.ts,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "amount": bar.amount,
        "complete": bar.complete,
    }


def _snapshots(quotes: Mapping[str, Mapping[str, Any]]) -> Iterator[Snapshot]:
    for symbol, quote in quotes.items():
        yield Snapshot(
            symbol,
            quote["ts"],
            quote["last"],
            quote["high"],
            quote["low"],
            quote["volume"],
            quote["amount"],
        )


def _drop_connections() -> None:
    """A connection may be the broken part; the next attempt opens its own."""
    for alias in ("default", DATABASE):
        connections[alias].close()
